/**
 * Two hundred clients refresh the same list each second for ten seconds, and one client does: how often upstream is asked, with the
 * gateway's own defaults (`READ_CACHE_MS` 1,000), upstream 50 ms away. The list is that of all APIs in three regions; beside it that of four
 * of them, which tells what the cache does where the gateway's core is not busy.
 *
 * Each client's first refresh comes at a random moment of the first second, every further one a second after the one before was due; one
 * that still waits by then refreshes as soon as it has its answer. Nobody begins after ten seconds. Calls are counted at upstream, from
 * before the first refresh until the last answer. The one client refreshes just when its answers turn a second old, so some of them are
 * told once more, as luck has it: the same client without the cache shows what all its refreshes cost.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { regions, startReplay } from './replay.ts';
import type { Replay } from './replay.ts';
import { median } from './report.ts';
import type { Report, Row } from './report.ts';
import { askFirstPage, askList, startGateway } from './servers.ts';
import type { Child } from './servers.ts';

const workRequestCount = 2_000;
const many = 200;
const periodMs = 1_000;
const lastsMs = 10_000;
const rounds = 3;
const goal = 1.1;
const fewServices = ['CONTAINERENGINE', 'DATABASETOOLS', 'DEVOPS', 'QUEUE'];

export async function run(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-storm-'));
  const { configFile } = writeDemoProfile(folder);
  const upstream = await startReplay(folder, workRequestCount);
  const children: Child[] = [upstream];
  const begin = async (env: Readonly<Record<string, string>>): Promise<Child> => {
    const gateway = await startGateway(upstream.url, configFile, { OCI_REGIONS: regions.join(','), ...env });
    children.push(gateway);
    return gateway;
  };
  try {
    const cached = await begin({});
    const uncached = await begin({ READ_CACHE_MS: '0' });
    const measureList = async (services: readonly string[] | null): Promise<Compared> => {
      const measured: Compared = { one: [], storm: [], bare: [] };
      for (let round = 0; round < rounds; round += 1) {
        measured.one.push(await refresh(upstream, cached.url, 1, services));
        measured.storm.push(await refresh(upstream, cached.url, many, services));
        measured.bare.push(await refresh(upstream, uncached.url, 1, services));
      }
      return measured;
    };
    const all = await measureList(null);
    const few = await measureList(fewServices);
    const ratio = callsOf(all.storm) / callsOf(all.one);
    // A gateway that answers nobody, or not whole, asks upstream little.
    const due = (rounds * many * lastsMs) / periodMs;
    const isHealthy =
      all.storm.every(({ partial }) => partial === 0) && latenciesOf(all.storm).length >= 0.95 * due;
    return {
      name: 'storm',
      rows: [...rowsOf('all APIs', all), ...rowsOf(`${fewServices.length} APIs`, few)],
      ratio,
      goal: `≤ ${goal}: calls for ${many} clients against calls for one, all APIs; ≥ 95 % of ${due} refreshes answered, all of them whole`,
      isReached: ratio <= goal && isHealthy,
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(folder, { recursive: true });
  }
}

interface Measured {
  readonly calls: number;
  /** Of each refresh, in milliseconds. */
  readonly latencies: readonly number[];
  /** Pages with failures: upstream has none. */
  readonly partial: number;
}

interface Compared {
  readonly one: Measured[];
  readonly storm: Measured[];
  /** One client, no cache. */
  readonly bare: Measured[];
}

const refresh = async (
  upstream: Replay,
  url: string,
  clients: number,
  services: readonly string[] | null,
): Promise<Measured> => {
  // Connections, code and parents are there, what was read is too old to be told again.
  await askFirstPage(url);
  await sleep(2 * periodMs);
  await upstream.calls();
  const latencies: number[] = [];
  let partial = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const phaseMs = Math.random() * periodMs;
      for (let dueAt = startedAt + phaseMs; dueAt < startedAt + lastsMs; dueAt += periodMs) {
        await sleep(Math.max(0, dueAt - performance.now()));
        const askedAt = performance.now();
        if (askedAt >= startedAt + lastsMs) return;
        const { failures } = await askList(url, { services });
        latencies.push(performance.now() - askedAt);
        if (failures.length > 0) partial += 1;
      }
    }),
  );
  return { calls: (await upstream.calls()).length, latencies, partial };
};

const callsOf = (all: readonly Measured[]): number => median(all.map(({ calls }) => calls));

const latenciesOf = (all: readonly Measured[]): readonly number[] =>
  all.flatMap((one) => one.latencies).sort((left, right) => left - right);

const rowsOf = (list: string, { one, storm, bare }: Compared): readonly Row[] => [
  ...rowsOfClients(`${list}, one client`, one),
  ...rowsOfClients(`${list}, ${many} clients`, storm),
  ...rowsOfClients(`${list}, one client, read cache off`, bare),
  ...[
    { subject: `${list}, ${many} clients`, metric: "calls against one client's", of: one },
    {
      subject: `${list}, ${many} clients`,
      metric: "calls against one client's without the cache",
      of: bare,
    },
  ].map(({ subject, metric, of }) => ({
    subject,
    metric: `${metric} (less is better)`,
    unit: '×',
    value: callsOf(storm) / callsOf(of),
  })),
];

const rowsOfClients = (subject: string, all: readonly Measured[]): readonly Row[] => {
  const latencies = latenciesOf(all);
  const at = (share: number): number => latencies[Math.ceil(share * latencies.length) - 1] ?? Number.NaN;
  const partial = all.reduce((sum, one) => sum + one.partial, 0);
  return [
    { subject, metric: `refreshes answered in ${rounds} rounds`, unit: '', value: latencies.length },
    { subject, metric: 'of them with failures (less is better)', unit: '', value: partial },
    { subject, metric: 'calls, median (less is better)', unit: '', value: callsOf(all) },
    {
      subject,
      metric: 'calls, most (less is better)',
      unit: '',
      value: Math.max(...all.map(({ calls }) => calls)),
    },
    { subject, metric: 'latency p50 (less is better)', unit: 'ms', value: at(0.5) },
    { subject, metric: 'latency p99 (less is better)', unit: 'ms', value: at(0.99) },
  ];
};
