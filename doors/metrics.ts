/** What `/metrics` counts about upstream and watching, and what `/readyz` calls degraded. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { UpstreamEvent } from '../datasources/report.ts';
import type { Clock } from '../datasources/types.ts';
import type { WatchStats } from '../subscriptions/watchers.ts';

export interface Metrics {
  readonly registry: Registry;
  readonly observeUpstream: (event: UpstreamEvent) => void;
  /** How long a poll waited for its turn, and how much later than due a look began, in milliseconds. */
  readonly observeTurn: (waitedMs: number) => void;
  readonly observeLateness: (lateMs: number) => void;
  /** Where the watchers' numbers come from. */
  watch(stats: () => WatchStats): void;
  /** Services and regions whose last call failed lately, for a reason that is theirs or the credential's. */
  degraded(): string[];
}

/** Codes that say the service (or our standing with it) is in trouble, not that a question was wrong. */
const troubles: ReadonlySet<string> = new Set([
  'UNAUTHENTICATED',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_THROTTLED',
  'UPSTREAM_MALFORMED',
]);

const lagBuckets = [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** A place that nobody has asked since is not known to be in trouble any more. */
const troubleLastsMs = 5 * 60_000;

export function createMetrics(clock: Pick<Clock, 'now'>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const inTrouble = new Map<string, { readonly code: string; readonly seenAt: number }>();

  const calls = new Counter({
    name: 'gateway_upstream_calls_total',
    help: 'Calls to Oracle Cloud, by outcome (`ok` or an error code)',
    labelNames: ['service', 'region', 'outcome'] as const,
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
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
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

  return {
    registry,
    observeTurn: (waitedMs) => turns.observe(waitedMs / 1000),
    observeLateness: (lateMs) => lateness.observe(lateMs / 1000),
    observeUpstream({ service, region, code, durationMs, attempts: sent }) {
      calls.inc({ service, region, outcome: code ?? 'ok' });
      attempts.inc({ service, region }, sent);
      seconds.observe(durationMs / 1000);
      const place = `${service} ${region}`;
      if (code !== null && troubles.has(code)) inTrouble.set(place, { code, seenAt: clock.now() });
      else inTrouble.delete(place);
    },
    watch(stats) {
      const gauge = (name: string, help: string, read: (stats: WatchStats) => number): void => {
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read(stats()));
          },
        });
      };
      const counter = (name: string, help: string, read: (stats: WatchStats) => number): void => {
        new Counter({
          name,
          help,
          registers,
          collect() {
            this.reset();
            this.inc(read(stats()));
          },
        });
      };
      gauge('gateway_watchers', 'Work requests being polled', ({ watchers }) => watchers);
      gauge('gateway_listings', 'Lists being polled', ({ listings }) => listings);
      gauge('gateway_subscribers', 'Subscriptions being served', ({ subscribers }) => subscribers);
      counter(
        'gateway_polls_total',
        'Looks at watched work requests and lists; those of one breath may share a call',
        ({ polls }) => polls,
      );
      counter(
        'gateway_poll_failures_total',
        'Polls that brought no answer',
        ({ pollFailures }) => pollFailures,
      );
      counter('gateway_events_merged_total', 'Changes folded away for slow clients', ({ merged }) => merged);
      new Counter({
        name: 'gateway_gaps_total',
        help: 'Gaps told to subscribers, by reason',
        labelNames: ['reason'] as const,
        registers,
        collect() {
          this.reset();
          for (const [reason, count] of Object.entries(stats().gaps)) this.inc({ reason }, count);
        },
      });
    },
    degraded() {
      for (const [place, { seenAt }] of inTrouble)
        if (clock.now() - seenAt >= troubleLastsMs) inTrouble.delete(place);
      return [...inTrouble].map(([place, { code }]) => `${place}: ${code}`);
    },
  };
}
