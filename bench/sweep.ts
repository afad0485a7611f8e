/**
 * The list's first page over all APIs in three regions, 2,000 work requests in one compartment, upstream 50 ms away: against the same
 * calls through our HTTP layer with nothing done to their answers, and against Oracle's own clients making them in parallel.
 *
 * All subjects are servers of their own on one core, upstream is one on the other. Upstream answers what the emulator answered when it
 * was asked the same before, so that it is no bottleneck (and checks no signature then).
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPrivateKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { catalog } from '../datasources/catalog.ts';
import type { ServiceName } from '../datasources/catalog.ts';
import { createFixedCredential } from '../datasources/credentials.ts';
import { createUpstream } from '../datasources/http.ts';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { createEmulator, sampleCompartments, sampleTenancy } from '../emulator/emulator.ts';
import { median } from './report.ts';
import type { Report } from './report.ts';
import { start, subjectOf } from './subject.ts';

const regions = ['us-ashburn-1', 'eu-frankfurt-1', 'uk-london-1'] as const;
const [home] = regions;
const workRequestCount = 2_000;
const latencyMs = 50;
const warmUps = 5;
const rounds = 21;
const coldStarts = 5;

export const compartmentId = sampleCompartments.platform;

export interface ListCall {
  readonly service: ServiceName;
  readonly region: string;
  /** With the query, below upstream's own address. */
  readonly path: string;
}

export async function run(): Promise<Report> {
  const places = Object.values(catalog).flatMap(({ name, isHomeRegionOnly }) =>
    (isHomeRegionOnly ? [home] : regions).map((region) => ({ service: name, region })),
  );
  const folder = await mkdtemp(join(tmpdir(), 'bench-sweep-'));
  const { configFile } = writeDemoProfile(folder);
  const upstream = await startReplay(folder, places, workRequestCount);
  const env = { OCI_REGIONS: regions.join(','), READ_CACHE_MS: '0', UPSTREAM_RPS: '1000' };
  const children: Child[] = [upstream];
  const began = async (child: Promise<Child>): Promise<Child> => {
    children.push(await child);
    return child;
  };
  try {
    const cold: Measured[] = [];
    for (let index = 0; index < coldStarts; index += 1) {
      const gateway = await startGateway(upstream.url, configFile, env);
      await askGateway(gateway.url, '{ regions { id } services { name } }');
      // The first one fills what upstream replays.
      if (index === 0) await firstPage(gateway.url);
      else cold.push(await measure(upstream, () => firstPage(gateway.url)));
      await gateway.stop();
    }
    const gateway = await began(startGateway(upstream.url, configFile, env));
    await firstPage(gateway.url);
    await upstream.calls();
    await firstPage(gateway.url);
    const listCalls = (await upstream.calls()).filter(({ service }) => service !== null) as ListCall[];
    const callsFile = join(folder, 'calls.json');
    await writeFile(callsFile, JSON.stringify(listCalls));
    const layer = await began(startSubject('http-layer', folder, upstream.url, callsFile));
    const official = await began(startSubject('official', folder, upstream.url, callsFile));
    const subjects = {
      ours: () => firstPage(gateway.url),
      layer: () => ask(layer.url),
      official: () => ask(official.url),
    };
    const measured = { ours: [] as Measured[], layer: [] as Measured[], official: [] as Measured[] };
    const names = ['ours', 'layer', 'official'] as const;
    for (let round = -warmUps; round < rounds; round += 1) {
      // Parents are kept for a minute, which a round of all three may outlast: they are warm in each.
      await firstPage(gateway.url);
      for (const name of names) {
        const one = await measure(upstream, subjects[name]);
        if (round >= 0) measured[name].push(one);
      }
    }
    const time = (all: readonly Measured[]): number => median(all.map(({ ms }) => ms));
    const calls = (all: readonly Measured[]): number => Math.max(...all.map((one) => one.calls));
    const rows = (subject: string, all: readonly Measured[]): Report['rows'] => [
      { subject, metric: 'time to first page, median (less is better)', unit: 'ms', value: time(all) },
      { subject, metric: 'calls (less is better)', unit: '', value: calls(all) },
    ];
    const [ours, layerTime, officialTime] = [measured.ours, measured.layer, measured.official].map(time) as [
      number,
      number,
      number,
    ];
    return {
      name: 'sweep',
      rows: [
        ...rows('gateway, parents warm, read cache off, 1,000 calls/s allowed', measured.ours),
        ...rows('gateway, new process, nothing known', cold),
        ...rows('the same calls through our HTTP layer, not merged', measured.layer),
        ...rows('the same calls by the official clients, in parallel', measured.official),
        {
          subject: 'least number of calls',
          metric: 'calls (less is better)',
          unit: '',
          value: places.length,
        },
        {
          subject: 'gateway',
          metric: 'time against our HTTP layer (less is better)',
          unit: '×',
          value: ours / layerTime,
        },
      ],
      ratio: officialTime / ours,
      goal: 'ratio to the official clients ≥ 3, time ≤ 1.2 × our HTTP layer, calls = least number',
      isReached:
        officialTime / ours >= 3 && ours / layerTime <= 1.2 && calls(measured.ours) === places.length,
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(folder, { recursive: true });
  }
}

interface Measured {
  readonly ms: number;
  readonly calls: number;
}

const measure = async (upstream: Replay, work: () => Promise<void>): Promise<Measured> => {
  await upstream.calls();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  return { ms, calls: (await upstream.calls()).length };
};

const ask = async (url: string): Promise<void> => {
  const response = await fetch(url);
  const said = await response.text();
  if (!response.ok) throw new Error(said);
};

const firstPage = async (url: string): Promise<void> => {
  const { nodes, failures } = await askList(url);
  if (failures.length > 0 || nodes.length !== 25)
    throw new Error(`${nodes.length} nodes, failures ${JSON.stringify(failures.slice(0, 3))}`);
};

export interface ListedPage {
  readonly nodes: readonly { readonly id: string }[];
  readonly failures: readonly unknown[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** A page as the playground shows it. */
export const askList = async (
  url: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<ListedPage> => {
  const document = `query($compartmentId: String!, $services: [ServiceName!], $first: Int, $after: String) {
    workRequests(compartmentId: $compartmentId, services: $services, first: $first, after: $after) {
      nodes { id status operationType region service { name } }
      pageInfo { hasNextPage endCursor }
      failures { service region code message }
    }
  }`;
  const data = await askGateway<{ workRequests: ListedPage }>(url, document, { compartmentId, ...variables });
  return data.workRequests;
};

export const askGateway = async <Data>(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Data> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: unknown };
  if (errors !== undefined || data === undefined) throw new Error(JSON.stringify(errors));
  return data;
};

export interface Child {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Replay extends Child {
  /** Those that came since this was asked for last. */
  calls(): Promise<
    readonly { readonly service: string | null; readonly region: string | null; readonly path: string }[]
  >;
}

/** `file` as a server of its own on a core: it prints `ready <url>`. */
export const startChild = async (file: string, core: number, args: readonly string[]): Promise<Child> => {
  const child = start(file, core, ['--subject', ...args]);
  let out = '';
  const ended = once(child, 'close');
  for await (const text of child.stdout?.setEncoding('utf8') ?? []) {
    out += String(text);
    if (/^ready http:\S+$/m.test(out) || /GraphQL +http:\S+/.test(out)) break;
  }
  const url = /^ready (http:\S+)$/m.exec(out)?.[1] ?? /GraphQL +(http:\S+)\/graphql/.exec(out)?.[1];
  if (url === undefined) throw new Error(`${args[0]} did not start: ${out}`);
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
};

/** The real server on core 0, reading from `upstreamUrl` as if it were Oracle Cloud. */
export const startGateway = (
  upstreamUrl: string,
  configFile: string,
  env: Readonly<Record<string, string>>,
): Promise<Child> =>
  startChild(import.meta.url, 0, [
    'gateway',
    JSON.stringify({
      PORT: '0',
      UPSTREAM: 'oci',
      OCI_CONFIG_FILE: configFile,
      OCI_ENDPOINT_TEMPLATE: `${upstreamUrl}/{region}/{package}`,
      LOG_LEVEL: 'error',
      CURSOR_SECRET: 'a secret of the benchmark',
      ...env,
    }),
  ]);

/** Upstream on core 1, `latencyMs` away, with so many work requests spread over the places. */
export const startReplay = async (
  folder: string,
  places: readonly { readonly service: string; readonly region: string }[],
  count: number,
): Promise<Replay> => {
  const child = await startChild(import.meta.url, 1, [
    'upstream',
    folder,
    JSON.stringify(places),
    String(count),
  ]);
  return {
    ...child,
    async calls() {
      const response = await fetch(`${child.url}/_calls`);
      return (await response.json()) as Awaited<ReturnType<Replay['calls']>>;
    },
  };
};

const startSubject = (name: string, folder: string, upstreamUrl: string, callsFile: string): Promise<Child> =>
  startChild(import.meta.url, 0, [name, folder, upstreamUrl, callsFile]);

// What the children are.

const child = process.argv[1] === fileURLToPath(import.meta.url) ? subjectOf(process.argv) : null;
if (child?.subject === 'gateway') {
  Object.assign(process.env, JSON.parse(child.rest[0] ?? '{}'));
  process.argv.length = 2;
  await import('../server.ts');
} else if (child?.subject === 'upstream') {
  const [folder = '', places = '[]', count = '0'] = child.rest;
  await serveReplay(folder, JSON.parse(places) as readonly Place[], Number(count));
} else if (child !== null) {
  const [folder = '', upstreamUrl = '', callsFile = ''] = child.rest;
  const calls = JSON.parse(await readFile(callsFile, 'utf8')) as readonly ListCall[];
  const work =
    child.subject === 'official'
      ? await listWithOfficialClients(folder, upstreamUrl, calls)
      : await listWithHttpLayer(folder, upstreamUrl, calls);
  await serve((_request, response) => {
    work().then(
      () => response.end('done'),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
}

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<void> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log(`\nready http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

interface Place {
  readonly service: ServiceName;
  readonly region: string;
}

interface Recorded {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function serveReplay(folder: string, places: readonly Place[], count: number): Promise<void> {
  const emulator = createEmulator({
    publicKeys: [writeDemoProfile(folder).publicKey],
    samples: false,
    seed: 'bench',
  });
  const { url } = await emulator.start(0);
  for (let index = 0; index < count; index += 1) {
    const place = places[index % places.length];
    if (place === undefined) throw new Error('no places');
    emulator.createWorkRequest({
      ...place,
      compartmentId,
      acceptedMsAgo: 60_000 + ((index * 7_919) % count) * 1_000,
      script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
    });
  }
  const recorded = new Map<string, Recorded>();
  const names = new Map<string, { readonly service: string | null; readonly region: string | null }>();
  let asked: string[] = [];
  const record = (request: IncomingMessage): Promise<Recorded> =>
    new Promise((resolve, reject) => {
      const call = forward(
        `${url}${request.url}`,
        { method: request.method ?? 'GET', headers: request.headers },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...headers } = answer.headers;
            resolve({ status: answer.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
          });
        },
      );
      call.on('error', reject);
      call.end();
    });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '/';
    if (path === '/_calls') {
      const calls = emulator.calls();
      for (const { url: target, service, region, operation } of calls)
        names.set(target, { service: operation === 'list' ? service : null, region });
      emulator.clearCalls();
      response.end(JSON.stringify(asked.map((one) => ({ path: one, ...names.get(one) }))));
      asked = [];
      return;
    }
    asked.push(path);
    const far = sleep(latencyMs);
    let known = recorded.get(path);
    if (known === undefined) {
      known = await record(request);
      if (known.status === 200) recorded.set(path, known);
    }
    await far;
    response.writeHead(known.status, known.headers).end(known.body);
  };
  await serve((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
}

async function listWithHttpLayer(
  folder: string,
  origin: string,
  calls: readonly ListCall[],
): Promise<() => Promise<void>> {
  const upstream = createUpstream({
    credentials: createFixedCredential({ privateKey: await keyIn(folder), tenancyId: sampleTenancy }),
    clock: { now: () => Date.now(), sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}) },
    deadlineMs: 10_000,
    rps: 1_000,
  });
  return async () => {
    await Promise.all(
      calls.map(({ service, region, path }) =>
        upstream.call({ service, region, method: 'GET', origin, path }),
      ),
    );
  };
}

/** Oracle's clients come from the workspace of the contract tests (`npm run test:contract` installs it). */
async function listWithOfficialClients(
  folder: string,
  upstreamUrl: string,
  calls: readonly ListCall[],
): Promise<() => Promise<void>> {
  const { openPackage } = await import('../test/contract/official.ts');
  const privateKey = await keyIn(folder);
  const listings = calls.map(({ service, region, path }) => {
    const api = catalog[service];
    const official = openPackage(`oci-${api.package}`, {
      endpointBase: `${upstreamUrl}/${region}/`,
      tenancyId: sampleTenancy,
      privateKey,
    }).find(({ key }) => key === service);
    if (official === undefined) throw new Error(`Oracle has no client for ${service}`);
    const { pathname, searchParams } = new URL(path, upstreamUrl);
    const { limit, ...query } = Object.fromEntries(searchParams);
    const namespaceName = /\/namespaces\/([^/]+)\//.exec(pathname)?.[1];
    const loadBalancerId = /\/loadBalancers\/([^/]+)\//.exec(pathname)?.[1];
    const parameters = {
      ...query,
      ...(limit !== undefined && { limit: Number(limit) }),
      ...(namespaceName !== undefined && { namespaceName }),
      ...(loadBalancerId !== undefined && { loadBalancerId }),
    };
    return () => official.call('list', parameters);
  });
  return async () => {
    await Promise.all(listings.map((list) => list()));
  };
}

async function keyIn(folder: string): Promise<ReturnType<typeof createPrivateKey>> {
  return createPrivateKey(await readFile(join(folder, 'key.pem')));
}
