/**
 * The list's first page over all APIs in three regions, 2,000 work requests in one compartment, upstream 50 ms away: against the same
 * calls through our HTTP layer with nothing done to their answers, and against Oracle's own clients making them in parallel.
 *
 * All subjects are servers of their own on one core, upstream is one on the other. Upstream answers what the emulator answered when it
 * was asked the same before, so that it is no bottleneck (and checks no signature then).
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createPrivateKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { catalog } from '../datasources/catalog.ts';
import { systemClock } from '../clock.ts';
import { createFixedCredential } from '../datasources/credentials.ts';
import { createUpstream } from '../datasources/http.ts';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { sampleTenancy } from '../emulator/emulator.ts';
import { installClients } from '../scripts/install-clients.ts';
import { latencyMs, places, regions, startReplay } from './replay.ts';
import type { Place, Replay } from './replay.ts';
import { median } from './report.ts';
import type { Report } from './report.ts';
import { askFirstPage, askGateway, serve, startChild, startGateway } from './servers.ts';
import type { Child } from './servers.ts';
import { subjectOf } from './subject.ts';

const workRequestCount = 2_000;
const warmUps = 5;
const rounds = 21;
const coldStarts = 5;

interface ListCall extends Place {
  /** With the query, below upstream's own address. */
  readonly path: string;
}

export async function run(): Promise<Report> {
  installClients();
  const folder = await mkdtemp(join(tmpdir(), 'bench-sweep-'));
  const { configFile } = writeDemoProfile(folder);
  const upstream = await startReplay(folder, workRequestCount);
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
      if (index === 0) await askFirstPage(gateway.url);
      else cold.push(await measure(upstream, () => askFirstPage(gateway.url)));
      await gateway.stop();
    }
    const gateway = await began(startGateway(upstream.url, configFile, env));
    await askFirstPage(gateway.url);
    await upstream.calls();
    await askFirstPage(gateway.url);
    const listCalls = (await upstream.calls()).filter(({ service }) => service !== null) as ListCall[];
    const callsFile = join(folder, 'calls.json');
    await writeFile(callsFile, JSON.stringify(listCalls));
    const layer = await began(startSubject('http-layer', folder, upstream.url, callsFile));
    const official = await began(startSubject('official', folder, upstream.url, callsFile));
    const floor = await began(startSubject('floor', folder, upstream.url, callsFile));
    const subjects = {
      floor: () => ask(floor.url),
      ours: () => askFirstPage(gateway.url),
      layer: () => ask(layer.url),
      official: () => ask(official.url),
    };
    const measured = {
      floor: [] as Measured[],
      ours: [] as Measured[],
      layer: [] as Measured[],
      official: [] as Measured[],
    };
    const names = ['floor', 'ours', 'layer', 'official'] as const;
    for (let round = -warmUps; round < rounds; round += 1) {
      // Parents are kept for a minute, so now and then a page asks for them anew: such calls are counted apart.
      for (const name of names) {
        const one = await measure(upstream, subjects[name]);
        if (round >= 0) measured[name].push(one);
      }
    }
    const time = (all: readonly Measured[]): number => median(all.map(({ ms }) => ms));
    const greatest = (all: readonly Measured[], which: 'lists' | 'parents'): number =>
      Math.max(...all.map((one) => one[which]));
    const rows = (subject: string, all: readonly Measured[]): Report['rows'] => [
      { subject, metric: 'time to first page, median (less is better)', unit: 'ms', value: time(all) },
      { subject, metric: 'lists asked for (less is better)', unit: '', value: greatest(all, 'lists') },
      {
        subject,
        metric: 'parents asked for, at most (less is better)',
        unit: '',
        value: greatest(all, 'parents'),
      },
    ];
    const [ours, layerTime, officialTime] = [measured.ours, measured.layer, measured.official].map(time) as [
      number,
      number,
      number,
    ];
    return {
      name: 'sweep',
      rows: [
        ...rows('gateway, parents known, read cache off, 1,000 calls/s allowed', measured.ours),
        ...rows('gateway, new process, nothing known', cold),
        ...rows('the same calls through our HTTP layer, not merged', measured.layer),
        ...rows('the same calls by the official clients, in parallel', measured.official),
        {
          subject: 'as many signatures, and the way to upstream once: the floor',
          metric: 'time to first page, median (less is better)',
          unit: 'ms',
          value: time(measured.floor),
        },
        {
          subject: 'least number of calls',
          metric: 'lists asked for (less is better)',
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
      goal: 'ratio to the official clients ≥ 3, time ≤ 1.2 × our HTTP layer, lists = least number',
      isReached:
        officialTime / ours >= 3 &&
        ours / layerTime <= 1.2 &&
        greatest(measured.ours, 'lists') === places.length,
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(folder, { recursive: true });
  }
}

interface Measured {
  readonly ms: number;
  readonly lists: number;
  /** Load balancers and the like, by which some lists are asked for. */
  readonly parents: number;
}

const measure = async (upstream: Replay, work: () => Promise<void>): Promise<Measured> => {
  await upstream.calls();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const calls = await upstream.calls();
  const lists = calls.filter(({ service }) => service !== null).length;
  return { ms, lists, parents: calls.length - lists };
};

const ask = async (url: string): Promise<void> => {
  const response = await fetch(url);
  const said = await response.text();
  if (!response.ok) throw new Error(said);
};

const startSubject = (name: string, folder: string, upstreamUrl: string, callsFile: string): Promise<Child> =>
  startChild(import.meta.url, 0, [name, folder, upstreamUrl, callsFile]);

// What the children are.

const child = process.argv[1] === fileURLToPath(import.meta.url) ? subjectOf(process.argv) : null;
if (child !== null) {
  const [folder = '', upstreamUrl = '', callsFile = ''] = child.rest;
  const calls = JSON.parse(await readFile(callsFile, 'utf8')) as readonly ListCall[];
  const subjects: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
    official: () => listWithOfficialClients(folder, upstreamUrl, calls),
    'http-layer': () => listWithHttpLayer(folder, upstreamUrl, calls),
    floor: () => signAlone(folder, calls.length),
  };
  const work = await subjects[child.subject]?.();
  if (work === undefined) throw new Error(`there is no subject ${child.subject}`);
  await serve((_request, response) => {
    work().then(
      () => response.end('done'),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
}

async function listWithHttpLayer(
  folder: string,
  origin: string,
  calls: readonly ListCall[],
): Promise<() => Promise<void>> {
  const upstream = createUpstream({
    credentials: createFixedCredential({ privateKey: await keyIn(folder), tenancyId: sampleTenancy }),
    clock: systemClock,
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

/** What no gateway can do without: each call has a signature of its own, and upstream is a latency away. */
async function signAlone(folder: string, count: number): Promise<() => Promise<void>> {
  const key = await keyIn(folder);
  const signature = promisify(sign) as (algorithm: string, data: Buffer, key: KeyObject) => Promise<Buffer>;
  return async () => {
    const texts = Array.from({ length: count }, (_, index) => Buffer.from(`date: ${index} ${Date.now()}`));
    await Promise.all(texts.map((text) => signature('RSA-SHA256', text, key)));
    await sleep(latencyMs);
  };
}

/** Oracle's clients come from the workspace of the contract tests. */
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
