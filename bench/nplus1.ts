/**
 * A hundred work requests of five (service, region, compartment) groups, with status, progress and resources: how often Oracle Cloud
 * is asked by the gateway's `nodes`, and by Oracle's own clients, which get one after the other. Both ask the same emulator, which counts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { createEmulator, sampleCompartments } from '../emulator/emulator.ts';
import { installClients } from '../scripts/install-clients.ts';
import { median } from './report.ts';
import type { Report } from './report.ts';
import { start, subjectOf } from './subject.ts';

const { platform, payments, analytics } = sampleCompartments;
const groups = [
  {
    service: 'CONTAINERENGINE',
    package: 'containerengine',
    client: 'ContainerEngineClient',
    region: 'us-ashburn-1',
    compartmentId: platform,
  },
  {
    service: 'CONTAINERENGINE',
    package: 'containerengine',
    client: 'ContainerEngineClient',
    region: 'eu-frankfurt-1',
    compartmentId: payments,
  },
  {
    service: 'DEVOPS',
    package: 'devops',
    client: 'DevopsClient',
    region: 'us-ashburn-1',
    compartmentId: payments,
  },
  {
    service: 'QUEUE',
    package: 'queue',
    client: 'QueueAdminClient',
    region: 'eu-frankfurt-1',
    compartmentId: analytics,
  },
  {
    service: 'DATABASETOOLS',
    package: 'databasetools',
    client: 'DatabaseToolsClient',
    region: 'us-ashburn-1',
    compartmentId: platform,
  },
] as const;
const perGroup = 20;
const failedPerGroup = 2;
const total = groups.length * perGroup;
const totalFailed = groups.length * failedPerGroup;
const rounds = 5;

const goal = `seen before ≤ ${groups.length} calls, cold ≤ ${2 * groups.length}, plus ${totalFailed} for the errors of the failed ones`;

interface Measured {
  readonly calls: number;
  readonly ms: number;
}

export async function run(): Promise<Report> {
  installClients();
  const folder = await mkdtemp(join(tmpdir(), 'bench-nplus1-'));
  const { publicKey, configFile } = writeDemoProfile(folder);
  const emulator = createEmulator({ publicKeys: [publicKey], samples: false });
  const { url: emulatorUrl } = await emulator.start(0);
  const created = groups.map((group) => {
    const { service, region, compartmentId } = group;
    const make = (status: string, count: number): readonly string[] =>
      emulator.createWorkRequest({
        service,
        region,
        compartmentId,
        count,
        script: [{ afterMs: 0, status }],
        errors: status === 'FAILED' ? [{ code: 'Broken', message: 'It broke' }] : [],
      }).ids;
    return {
      ...group,
      failed: make('FAILED', failedPerGroup),
      others: make('IN_PROGRESS', perGroup - failedPerGroup),
    };
  });
  const globalIds = (pick: (group: (typeof created)[number]) => readonly string[]): readonly string[] =>
    created.flatMap((group) =>
      pick(group).map((id) =>
        Buffer.from(`WorkRequest:${group.service}:${group.region}:${id}`).toString('base64url'),
      ),
    );
  const count = async (work: () => Promise<void>): Promise<Measured> => {
    emulator.clearCalls();
    const startedAt = performance.now();
    await work();
    return { ms: performance.now() - startedAt, calls: emulator.totalCalls() };
  };

  try {
    const official = await measureOfficial(
      emulatorUrl,
      configFile,
      created.map(({ client, package: name, region, failed, others }) => ({
        client,
        package: name,
        region,
        ids: [...failed, ...others],
      })),
      () => emulator.totalCalls(),
    );
    const ids = globalIds(({ failed, others }) => [...failed, ...others]);
    const failed = globalIds((group) => group.failed);
    const ours = { cold: [] as Measured[], seen: [] as Measured[], withErrors: [] as Measured[] };
    for (let round = 0; round < rounds; round += 1) {
      // A new process has seen nothing.
      const gateway = await startGateway(emulatorUrl, configFile);
      try {
        // One other question first, so that connections, code and the schema are warm and only the ids are not.
        await gateway.ask('{ regions { id } services { name } }', {});
        ours.cold.push(await count(() => gateway.ask(nodes, { ids })));
        ours.seen.push(await count(() => gateway.ask(nodes, { ids })));
        ours.withErrors.push(await count(() => gateway.ask(nodesAndErrors, { ids, failed })));
      } finally {
        await gateway.stop();
      }
    }
    const worst = (all: readonly Measured[]): number => Math.max(...all.map(({ calls }) => calls));
    const rows = (subject: string, all: readonly Measured[]): Report['rows'] => [
      { subject, metric: 'calls (less is better)', unit: '', value: worst(all) },
      { subject, metric: 'time (less is better)', unit: 'ms', value: median(all.map(({ ms }) => ms)) },
    ];
    return {
      name: 'nplus1',
      rows: [
        ...rows(`official clients: ${total} gets, all at once`, official),
        ...rows('gateway, ids never seen', ours.cold),
        ...rows('gateway, ids seen before', ours.seen),
        ...rows(`gateway, seen before, with errors of ${totalFailed} failed`, ours.withErrors),
      ],
      ratio: worst(official) / worst(ours.cold),
      goal,
      isReached:
        worst(ours.seen) <= groups.length &&
        worst(ours.cold) <= 2 * groups.length &&
        worst(ours.withErrors) <= groups.length + totalFailed,
    };
  } finally {
    await emulator.stop();
    await rm(folder, { recursive: true });
  }
}

const fields = '... on WorkRequest { id status percentComplete resources { entityType identifier } }';
const nodes = `query($ids: [ID!]!) { nodes(ids: $ids) { ${fields} } }`;
const nodesAndErrors = `query($ids: [ID!]!, $failed: [ID!]!) {
  nodes(ids: $ids) { ${fields} }
  failed: nodes(ids: $failed) { ... on WorkRequest { errors { nodes { code message } } } }
}`;

interface RunningGateway {
  ask(query: string, variables: Readonly<Record<string, unknown>>): Promise<void>;
  stop(): Promise<void>;
}

/** As its users run it, with its own defaults: ten calls a second per service and region. */
async function startGateway(emulatorUrl: string, configFile: string): Promise<RunningGateway> {
  const child = spawn(process.execPath, [new URL('../server.ts', import.meta.url).pathname], {
    env: {
      ...process.env,
      PORT: '0',
      UPSTREAM: 'oci',
      OCI_CONFIG_FILE: configFile,
      OCI_REGIONS: 'us-ashburn-1,eu-frankfurt-1',
      OCI_ENDPOINT_TEMPLATE: `${emulatorUrl}/{region}/{package}`,
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    out += String(text);
    if (/GraphQL +http:\S+/.test(out)) break;
  }
  const [, url = ''] = /GraphQL +(http:\S+)/.exec(out) ?? [];
  return {
    async ask(query, variables) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await response.json()) as {
        data?: Record<string, readonly unknown[]>;
        errors?: unknown;
      };
      if (errors !== undefined || Object.values(data ?? {}).some((list) => list.includes(null))) {
        throw new Error(`the gateway answered ${JSON.stringify(errors ?? data)}`);
      }
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

interface OfficialGroup {
  readonly client: string;
  readonly package: string;
  readonly region: string;
  readonly ids: readonly string[];
}

/** In a process of its own, which reports a line a round. */
async function measureOfficial(
  emulatorUrl: string,
  configFile: string,
  work: readonly OfficialGroup[],
  countCalls: () => number,
): Promise<readonly Measured[]> {
  const before = countCalls();
  const child = start(import.meta.url, 0, [
    '--subject',
    'official',
    emulatorUrl,
    configFile,
    JSON.stringify(work),
  ]);
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`the official clients ended with ${code}`);
  const times = [...out.matchAll(/^ms (\S+)$/gm)].map(([, ms]) => Number(ms));
  const calls = (countCalls() - before) / times.length;
  return times.map((ms) => ({ ms, calls }));
}

const child = subjectOf(process.argv);
if (child !== null) {
  const [emulatorUrl = '', configFile = '', work = '[]'] = child.rest;
  await readWithOfficialClients(emulatorUrl, configFile, JSON.parse(work) as readonly OfficialGroup[]);
  process.exit(0);
}

/** Oracle's clients come from the workspace of the contract tests. */
async function readWithOfficialClients(
  emulatorUrl: string,
  configFile: string,
  work: readonly OfficialGroup[],
): Promise<void> {
  const require = createRequire(new URL('../test/contract/package.json', import.meta.url));
  const { ConfigFileAuthenticationDetailsProvider } = require('oci-common') as {
    ConfigFileAuthenticationDetailsProvider: new (file: string, profile: string) => object;
  };
  type Client = {
    endpoint: string;
    getWorkRequest(request: { workRequestId: string }): Promise<{ workRequest: { status?: string } }>;
  };
  const authenticationDetailsProvider = new ConfigFileAuthenticationDetailsProvider(configFile, 'DEFAULT');
  const clients = work.map((group) => {
    const module = require(`oci-${group.package}`) as Record<string, new (params: object) => Client>;
    const Client = module[group.client];
    if (Client === undefined) throw new Error(`oci-${group.package} has no ${group.client}`);
    const client = new Client({ authenticationDetailsProvider });
    client.endpoint = `${emulatorUrl}/${group.region}/${group.package}`;
    return { client, ids: group.ids };
  });
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    await Promise.all(
      clients.flatMap(({ client, ids }) =>
        ids.map(async (workRequestId) => {
          const { workRequest } = await client.getWorkRequest({ workRequestId });
          if (workRequest.status === undefined) throw new Error(`${workRequestId} came without a status`);
        }),
      ),
    );
    console.log(`\nms ${performance.now() - startedAt}`);
  }
}
