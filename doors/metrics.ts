/**
 * What `/metrics` tells of upstream and watching, and what `/readyz` calls degraded. (What the doors do: tally.ts.)
 *
 * Labels hold what the catalog, the configuration and our own code say, never what a caller or Oracle Cloud sent: statuses that
 * nobody knows count by their class.
 */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { Counter, Histogram, Registry } from 'prom-client';
import type { PlaceBudget } from '../datasources/http.ts';
import type { UpstreamEvent } from '../datasources/report.ts';
import type { Clock } from '../datasources/types.ts';
import type { WatchStats } from '../subscriptions/watchers.ts';
import { onceABreath, registerReading } from './readings.ts';
import type { Reading, ReadingOptions } from './readings.ts';
import { statusLabel } from './tally.ts';
import { tokenRefusals } from './tokens.ts';
import type { TokenRefusal } from './tokens.ts';

export interface Metrics {
  readonly registry: Registry;
  readonly observeUpstream: (event: UpstreamEvent) => void;
  /** How long a poll waited for its turn, and how much later than due a look began, in milliseconds. */
  readonly observeTurn: (waitedMs: number) => void;
  readonly observeLateness: (lateMs: number) => void;
  /** Items of lists, errors and logs that could not be read. */
  readonly observeMalformed: (place: Place, items: number) => void;
  /** A caller who was not let in. */
  readonly observeRefusal: (reason: TokenRefusal) => void;
  /** Whether the keys could be had with which tokens are checked. */
  readonly observeKeys: (areHad: boolean) => void;
  /** Where the other numbers come from. */
  read(sources: MetricsSources): void;
  /** Services and regions whose last call failed lately, for a reason that is theirs or the credential's. */
  degraded(): string[];
}

export interface MetricsSources {
  watching(): WatchStats;
  budgets(): readonly PlaceBudget[];
  /** Answers that were older than what was known. */
  olderAnswers(): number;
  /** Whether the policy is not as its file says; null: there is none. */
  hasPolicyProblem(): boolean | null;
}

type Place = Pick<UpstreamEvent, 'service' | 'region'>;

/** Codes that say the service (or our standing with it) is in trouble, not that a question was wrong. */
export const troubles: ReadonlySet<string> = new Set([
  'UNAUTHENTICATED',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_THROTTLED',
  'UPSTREAM_MALFORMED',
]);

const lagBuckets = [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** A place that nobody has asked since is not known to be in trouble any more. */
const troubleLastsMs = 5 * 60_000;

const nothingWatched: WatchStats = {
  watchers: 0,
  listings: 0,
  subscribers: 0,
  stale: { watchers: 0, listings: 0 },
  oldestAnswerMs: 0,
  waitingEvents: 0,
  polls: 0,
  pollFailures: 0,
  merged: 0,
  gaps: { NOT_FOUND: 0, RETENTION: 0, UPSTREAM_SILENT: 0, OVERFLOW: 0, FORBIDDEN: 0 },
};

/** @param heapLimitBytes V8's own word counts the young generation too, which with `--max-old-space-size=192` may double it */
export function createMetrics(
  clock: Pick<Clock, 'now'>,
  heapLimitBytes = getHeapStatistics().heap_size_limit,
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const inTrouble = new Map<string, Place & { readonly code: string; readonly seenAt: number }>();
  let keysMissedAt = -Infinity;
  let sources: MetricsSources = {
    watching: () => nothingWatched,
    budgets: () => [],
    olderAnswers: () => 0,
    hasPolicyProblem: () => null,
  };

  const calls = new Counter({
    name: 'gateway_upstream_calls_total',
    help: 'Calls to Oracle Cloud, by outcome (`ok` or an error code) and by the HTTP status of the last attempt (`none`: no answer)',
    labelNames: ['service', 'region', 'outcome', 'status'] as const,
    registers,
  });
  const attempts = new Counter({
    name: 'gateway_upstream_attempts_total',
    help: 'HTTP requests sent to Oracle Cloud, retries included',
    labelNames: ['service', 'region'] as const,
    registers,
  });
  const seconds = new Histogram({
    name: 'gateway_upstream_seconds',
    help: 'Time of a call to Oracle Cloud, waits for budget and retries included',
    labelNames: ['service'] as const,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
    registers,
  });
  const malformed = new Counter({
    name: 'gateway_malformed_items_total',
    help: 'Items of lists, errors and logs that could not be read and were left out',
    labelNames: ['service', 'region'] as const,
    registers,
  });
  const turns = new Histogram({
    name: 'gateway_poll_turn_wait_seconds',
    help: 'Time that a poll waited for its turn in the budget',
    buckets: lagBuckets,
    registers,
  });
  const lateness = new Histogram({
    name: 'gateway_look_lateness_seconds',
    help: 'How much later than due a look began',
    buckets: lagBuckets,
    registers,
  });
  const refusals = new Counter({
    name: 'gateway_callers_refused_total',
    help: 'Callers who were not let in (`AUTH=jwt`), by what was wrong with their token',
    labelNames: ['reason'] as const,
    registers,
  });

  // From zero, or Prometheus would not see the first one as an increase.
  for (const reason of tokenRefusals) refusals.inc({ reason }, 0);

  const inTroubleNow = (): readonly (Place & { readonly code: string })[] => {
    for (const [key, { seenAt }] of inTrouble)
      if (clock.now() - seenAt >= troubleLastsMs) inTrouble.delete(key);
    return [...inTrouble.values()];
  };

  registerWatching(
    registry,
    onceABreath(() => sources.watching()),
  );
  registerBudgets(
    registry,
    onceABreath(() => sources.budgets()),
  );
  registerReading(
    registry,
    {
      type: 'counter',
      name: 'gateway_answers_backward_total',
      help: 'Answers of Oracle Cloud that were older than what was known already',
    },
    () => sources.olderAnswers(),
  );
  registerReading(
    registry,
    {
      type: 'gauge',
      name: 'gateway_policy_problem',
      help: 'Whether AUTH_POLICY_FILE is wrong by now, or its compartments cannot be looked up (none: there is no policy)',
    },
    () => {
      const hasProblem = sources.hasPolicyProblem();
      return hasProblem === null ? null : Number(hasProblem);
    },
  );
  registerReading(
    registry,
    {
      type: 'gauge',
      name: 'gateway_degraded',
      help: '1 for each service and region that /readyz calls degraded',
      labelNames: ['service', 'region', 'code'],
    },
    () => inTroubleNow().map(({ service, region, code }) => [{ service, region, code }, 1]),
  );
  registerMemory(registry, heapLimitBytes);

  return {
    registry,
    observeTurn: (waitedMs) => turns.observe(waitedMs / 1000),
    observeLateness: (lateMs) => lateness.observe(lateMs / 1000),
    observeUpstream({ service, region, code, status, durationMs, attempts: sent }) {
      calls.inc({ service, region, outcome: code ?? 'ok', status: statusLabel(status) });
      attempts.inc({ service, region }, sent);
      malformed.inc({ service, region }, 0);
      seconds.observe({ service }, durationMs / 1000);
      const key = `${service} ${region}`;
      if (code !== null && troubles.has(code))
        inTrouble.set(key, { service, region, code, seenAt: clock.now() });
      else inTrouble.delete(key);
    },
    observeMalformed: ({ service, region }, items) => malformed.inc({ service, region }, items),
    observeRefusal: (reason) => refusals.inc({ reason }),
    observeKeys: (areHad) => void (keysMissedAt = areHad ? -Infinity : clock.now()),
    read: (given) => void (sources = given),
    degraded() {
      const places = inTroubleNow().map(({ service, region, code }) => `${service} ${region}: ${code}`);
      const isWithoutKeys = clock.now() - keysMissedAt < troubleLastsMs;
      return [
        ...places,
        ...(isWithoutKeys ? ['AUTH_JWKS_URL: UPSTREAM_UNAVAILABLE'] : []),
        ...(sources.hasPolicyProblem() === true ? ['AUTH_POLICY_FILE'] : []),
      ];
    },
  };
}

function registerWatching(registry: Registry, read: () => WatchStats): void {
  const add = (
    type: ReadingOptions<never>['type'],
    name: string,
    help: string,
    pick: (stats: WatchStats) => number,
  ): void => registerReading(registry, { type, name, help }, () => pick(read()));

  add('gauge', 'gateway_watchers', 'Work requests being polled', ({ watchers }) => watchers);
  add('gauge', 'gateway_listings', 'Lists being polled', ({ listings }) => listings);
  add(
    'gauge',
    'gateway_subscribers',
    'Who listens to either: subscriptions and waits',
    ({ subscribers }) => subscribers,
  );
  add(
    'gauge',
    'gateway_stale_watchers',
    'Work requests being polled whose last look brought no state',
    ({ stale }) => stale.watchers,
  );
  add(
    'gauge',
    'gateway_stale_listings',
    'Lists being polled that cannot be read for now',
    ({ stale }) => stale.listings,
  );
  add(
    'gauge',
    'gateway_oldest_answer_seconds',
    'Time since Oracle Cloud last answered about what is polled and was not answered about for longest',
    ({ oldestAnswerMs }) => oldestAnswerMs / 1000,
  );
  add(
    'gauge',
    'gateway_events_waiting',
    'Events that wait for subscribers who read slowly',
    ({ waitingEvents }) => waitingEvents,
  );
  add(
    'counter',
    'gateway_polls_total',
    'Looks at watched work requests and lists; those of one breath may share a call',
    ({ polls }) => polls,
  );
  add(
    'counter',
    'gateway_poll_failures_total',
    'Looks that brought no answer',
    ({ pollFailures }) => pollFailures,
  );
  add(
    'counter',
    'gateway_events_merged_total',
    'Changes folded away for slow clients',
    ({ merged }) => merged,
  );
  registerReading(
    registry,
    {
      type: 'counter',
      name: 'gateway_gaps_total',
      help: 'Gaps told to subscribers, by reason',
      labelNames: ['reason'],
    },
    () => Object.entries(read().gaps).map(([reason, count]) => [{ reason }, count]),
  );
}

/** Of places that were asked lately: hundreds that nobody asks any more would tell nothing. */
function registerBudgets(registry: Registry, read: () => readonly PlaceBudget[]): void {
  const add = (
    type: ReadingOptions<never>['type'],
    name: string,
    help: string,
    pick: (budget: PlaceBudget) => number,
    isTold: (budget: PlaceBudget) => boolean,
  ): void =>
    registerReading(registry, { type, name, help, labelNames: ['service', 'region'] }, () =>
      read()
        .filter(isTold)
        .map((budget): readonly [Place, number] => {
          const { service, region } = budget;
          return [{ service, region }, pick(budget)];
        }),
    );
  const isInUse = (budget: PlaceBudget): boolean => budget.isInUse || budget.pollsWaiting > 0;

  add(
    'gauge',
    'gateway_budget_left',
    'Calls that a service and region asked in the last five minutes may be asked at once',
    ({ left }) => left,
    isInUse,
  );
  add(
    'gauge',
    'gateway_budget_rate',
    'Calls a second that it may be asked now: UPSTREAM_RPS, less after a 429, 0 while one binds',
    ({ rate }) => rate,
    isInUse,
  );
  add(
    'gauge',
    'gateway_budget_wait_seconds',
    'How long a call would wait that asks it now',
    ({ waitMs }) => waitMs / 1000,
    isInUse,
  );
  add(
    'gauge',
    'gateway_polls_waiting',
    'Polls that wait for their turn to ask it',
    ({ pollsWaiting }) => pollsWaiting,
    isInUse,
  );
  add(
    'counter',
    'gateway_budget_slowdowns_total',
    'How often a 429 slowed down what a service and region is asked',
    ({ slowdowns }) => slowdowns,
    (budget) => isInUse(budget) || budget.slowdowns > 0,
  );
}

function registerMemory(registry: Registry, heapLimitBytes: number): void {
  const add = (name: string, help: string, read: () => Reading<never>): void =>
    registerReading(registry, { type: 'gauge', name, help }, read);
  add('gateway_heap_limit_bytes', 'How large the heap may grow (--max-old-space-size)', () => heapLimitBytes);
  add(
    'gateway_memory_limit_bytes',
    'What the process may take: its container’s limit, or the machine’s memory',
    () => Math.min(process.constrainedMemory() || Infinity, totalmem()),
  );
}
