/**
 * Fifty thousand watched work requests in five hundred compartments, behind a hundred budgets (services × regions), in one gateway: how
 * much later than its schedule a look is asked, how long the event loop is held up, and the memory. Once with the default `UPSTREAM_RPS`,
 * which suffices, and once with a tenth of it while all want a look every two seconds: then all have to be slowed alike.
 *
 * The gateway has both cores: signatures and garbage collection have threads of their own, and with one core a collection of the half gigabyte
 * that this takes makes looks up to 0.4 s late.
 *
 * The work requests are up to an hour old and do not change, so a compartment's list is due when the first of its hundred is. Upstream is a
 * server on a core of its own that answers from memory; calls are signed and sent as always. Watching begins, settles, and is measured then.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { catalog } from '../datasources/catalog.ts';
import type { Api } from '../datasources/api.ts';
import type { ServiceName } from '../datasources/catalog.ts';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import type { Report, Row } from './report.ts';
import { serve, startChild } from './servers.ts';
import { start, subjectOf } from './subject.ts';

const regions = ['us-ashburn-1', 'eu-frankfurt-1', 'uk-london-1', 'ap-tokyo-1'] as const;
const serviceCount = 25;
const groupsOfBudget = 5;
const groupSize = 100;
const oldestMs = 60 * 60_000;
const settleMs = 30_000;
const measuredMs = 60_000;
const latenessGoalMs = 100;
const loopGoalMs = 50;
const fairnessGoal = 0.8;

const services: readonly Api<ServiceName>[] = Object.values(catalog)
  .filter(
    (api) =>
      api.readsByList &&
      api.listLacks.size === 0 &&
      !api.needsNamespace &&
      api.parents === null &&
      !api.isHomeRegionOnly &&
      !api.bareArrays &&
      api.listPath === '/workRequests',
  )
  .slice(0, serviceCount);

export async function run(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-many-'));
  writeDemoProfile(folder);
  try {
    const enough = await measure(folder, '10', '30000');
    const short = await measure(folder, '1', '2000');
    return {
      name: 'many',
      rows: [...rowsOf('UPSTREAM_RPS 10', enough), ...rowsOf('UPSTREAM_RPS 1, POLL_MAX_MS 2000', short)],
      ratio: latenessGoalMs / enough.lateness.p99,
      goal: `RPS 10: p99 lateness ≤ ${latenessGoalMs} ms (ratio ≥ 1), event loop p99 ≤ ${loopGoalMs} ms, no failed poll; RPS 1: of one budget's compartments the least asked has ≥ ${fairnessGoal} × the calls of the most asked`,
      isReached:
        enough.lateness.p99 <= latenessGoalMs &&
        enough.loopMs <= loopGoalMs &&
        enough.failures === 0 &&
        short.fairness >= fairnessGoal,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Measured {
  readonly watchers: number;
  readonly failures: number;
  readonly calls: number;
  /** How much later than due a look was asked: the agenda's lateness and the wait for its turn, in milliseconds. */
  readonly lateness: { readonly p50: number; readonly p99: number };
  /** Delay of the event loop, p99. */
  readonly loopMs: number;
  readonly cpuShare: number;
  readonly rssMiB: number;
  /** Calls for the least asked compartment of a budget against the most asked, the worst of all budgets. */
  readonly fairness: number;
}

const rowsOf = (subject: string, measured: Measured): readonly Row[] => {
  const row = (metric: string, unit: string, value: number): Row => ({ subject, metric, unit, value });
  return [
    row('watched work requests', '', measured.watchers),
    row(`calls in ${measuredMs / 1000} s`, '', measured.calls),
    row('polls that brought no answer (less is better)', '', measured.failures),
    row('lateness, median (less is better)', 'ms', measured.lateness.p50),
    row('lateness, p99 (less is better)', 'ms', measured.lateness.p99),
    row('event-loop delay, p99 (less is better)', 'ms', measured.loopMs),
    row('CPU of one core (less is better)', '%', measured.cpuShare * 100),
    row('resident memory (less is better)', 'MiB', measured.rssMiB),
    row('calls of the least asked compartment of a budget against the most asked', '×', measured.fairness),
  ];
};

const measure = async (folder: string, rps: string, pollMaxMs: string): Promise<Measured> => {
  // One for each: the work requests grow older, and are looked at ever more seldom.
  const cloud = await startChild(import.meta.url, 1, ['cloud']);
  const child = start(import.meta.url, null, ['--subject', 'gateway', folder, cloud.url, rps, pollMaxMs]);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number];
  await cloud.stop();
  if (code !== 0) throw new Error(`the gateway ended with ${code}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Measured;
};

const compartmentOf = (service: number, region: number, group: number): string =>
  `ocid1.compartment.oc1..s${service}r${region}g${group}`;
const idOf = (compartmentId: string, index: number): string =>
  `ocid1.watched.oc1..${compartmentId.split('..')[1]}w${index}`;

// What the children are.

const child = process.argv[1] === fileURLToPath(import.meta.url) ? subjectOf(process.argv) : null;
if (child?.subject === 'cloud') await serveCloud();
else if (child !== null) {
  const [folder = '', url = '', rps = '', pollMaxMs = ''] = child.rest;
  console.log(JSON.stringify(await watchAll(folder, url, { UPSTREAM_RPS: rps, POLL_MAX_MS: pollMaxMs })));
  process.exit(0);
}

/** Lists and gets of whatever is asked for; `/_calls` tells the calls for each compartment since it was asked last. */
async function serveCloud(): Promise<void> {
  const bodies = new Map<string, string>();
  let calls = new Map<string, number>();
  const count = (compartmentId: string): void =>
    void calls.set(compartmentId, (calls.get(compartmentId) ?? 0) + 1);
  const startedAt = Date.now();
  const itemOf = (compartmentId: string, index: number): object => {
    const time = new Date(startedAt - (index / groupSize) * oldestMs).toISOString();
    return {
      id: idOf(compartmentId, index),
      status: 'IN_PROGRESS',
      operationType: 'CREATE_SOMETHING',
      compartmentId,
      percentComplete: 40,
      timeAccepted: time,
      timeStarted: time,
      resources: [
        { entityType: 'something', actionType: 'IN_PROGRESS', identifier: 'ocid1.something.oc1..a' },
      ],
    };
  };
  const listOf = (compartmentId: string): string => {
    const items = Array.from({ length: groupSize }, (_, index) => itemOf(compartmentId, index));
    return JSON.stringify({ items });
  };
  await serve((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://cloud');
    response.setHeader('content-type', 'application/json');
    if (pathname === '/_calls') {
      response.end(JSON.stringify([...calls]));
      calls = new Map();
      return;
    }
    const compartmentId = searchParams.get('compartmentId');
    if (compartmentId === null) {
      const [, name = '', index = ''] = /\.\.(s\d+r\d+g\d+)w(\d+)$/.exec(pathname) ?? [];
      const itsCompartment = `ocid1.compartment.oc1..${name}`;
      count(itsCompartment);
      return void response.end(JSON.stringify(itemOf(itsCompartment, Number(index))));
    }
    count(compartmentId);
    const body = bodies.get(compartmentId) ?? listOf(compartmentId);
    bodies.set(compartmentId, body);
    response.end(body);
  });
}

async function watchAll(folder: string, cloudUrl: string, more: NodeJS.ProcessEnv): Promise<Measured> {
  const [{ pino }, { openAccess }, { loadConfig }, { systemClock }, { createGateway }] = await Promise.all([
    import('pino'),
    import('../access.ts'),
    import('../test/support/config.ts'),
    import('../clock.ts'),
    import('../gateway.ts'),
  ]);
  const config = loadConfig({
    UPSTREAM: 'oci',
    OCI_CONFIG_FILE: join(folder, 'config'),
    OCI_ENDPOINT_TEMPLATE: `${cloudUrl}/{region}/{package}`,
    OCI_REGIONS: regions.join(','),
    ...more,
  });
  const gateway = createGateway(config, {
    clock: systemClock,
    log: pino({ level: 'silent' }),
    access: await openAccess(config.oci, { clock: systemClock, standIn: null, onProblem: () => {} }),
    playgroundTabs: [],
  });
  const { watchers, registry } = gateway;
  for (const [service, { name }] of services.entries())
    for (const [place, region] of regions.entries())
      for (let group = 0; group < groupsOfBudget; group += 1)
        for (let index = 0; index < groupSize; index += 1) {
          const workRequestId = idOf(compartmentOf(service, place, group), index);
          watchers.watch({ service: name, region, workRequestId });
        }
  await sleep(settleMs);
  registry.resetMetrics();
  const failuresBefore = watchers.stats().pollFailures;
  await (await fetch(`${cloudUrl}/_calls`)).text();
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const cpuBefore = process.cpuUsage();
  loop.enable();
  await sleep(measuredMs);
  loop.disable();
  const { user, system } = process.cpuUsage(cpuBefore);
  const calls = new Map((await (await fetch(`${cloudUrl}/_calls`)).json()) as [string, number][]);
  const stats = watchers.stats();
  const lags = [
    await readHistogram(registry, 'gateway_look_lateness_seconds'),
    await readHistogram(registry, 'gateway_poll_turn_wait_seconds'),
  ];
  return {
    watchers: stats.watchers,
    failures: stats.pollFailures - failuresBefore,
    calls: [...calls.values()].reduce((sum, count) => sum + count, 0),
    // No more than this: the two need not fall together.
    lateness: {
      p50: lags.reduce((sum, lag) => sum + quantileMs(lag, 0.5), 0),
      p99: lags.reduce((sum, lag) => sum + quantileMs(lag, 0.99), 0),
    },
    loopMs: loop.percentile(99) / 1e6,
    cpuShare: (user + system) / 1e3 / measuredMs,
    rssMiB: process.memoryUsage().rss / 2 ** 20,
    fairness: Math.min(
      ...services.flatMap((_, service) =>
        regions.map((_region, place) => {
          const counts = Array.from(
            { length: groupsOfBudget },
            (_group, group) => calls.get(compartmentOf(service, place, group)) ?? 0,
          );
          return Math.min(...counts) / Math.max(...counts);
        }),
      ),
    ),
  };
}

/** Upper bounds in milliseconds, with how many lay below. */
type Histogram = readonly (readonly [number, number])[];

async function readHistogram(
  registry: { getMetricsAsJSON(): Promise<readonly unknown[]> },
  name: string,
): Promise<Histogram> {
  const metrics = (await registry.getMetricsAsJSON()) as readonly {
    readonly name: string;
    readonly values: readonly {
      readonly metricName?: string;
      readonly labels: { le?: number | string };
      readonly value: number;
    }[];
  }[];
  const values = metrics.find((metric) => metric.name === name)?.values ?? [];
  return values
    .filter(({ metricName }) => metricName === `${name}_bucket`)
    .map(({ labels, value }) => [labels.le === '+Inf' ? Infinity : Number(labels.le) * 1000, value] as const);
}

/** Between the bounds of a bucket as if its values were spread evenly, as Prometheus has it. */
function quantileMs(histogram: Histogram, share: number): number {
  const total = histogram.at(-1)?.[1] ?? 0;
  if (total === 0) return 0;
  let [lowerBound, lowerCount] = [0, 0];
  for (const [bound, count] of histogram) {
    if (count >= share * total)
      return (
        lowerBound + ((bound - lowerBound) * (share * total - lowerCount)) / Math.max(1, count - lowerCount)
      );
    [lowerBound, lowerCount] = [bound, count];
  }
  return Infinity;
}
