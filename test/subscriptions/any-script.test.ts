/**
 * Whatever upstream does and whoever comes and goes: scripts of states, failures, 404s and slow answers, and schedules
 * of subscribers, all at random. A failing one is printed with its seed and shrunk.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isTerminalStatus } from '../../datasources/status.ts';
import type { WorkRequest, WorkRequestRef } from '../../datasources/types.ts';
import type { WatchEvent } from '../../subscriptions/events.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import { createWatchers } from '../../subscriptions/watchers.ts';
import { createManualClock } from '../support/clock.ts';
import { refOf, rules, settle, upstreamError, workRequestOf } from './harness.ts';

const state = fc.record({
  kind: fc.constant('state' as const),
  status: fc.constantFrom('ACCEPTED', 'IN_PROGRESS', 'WAITING', 'CANCELING', 'NEEDS_ATTENTION', 'UNKNOWN'),
  percentComplete: fc.constantFrom(null, 10, 50, 95),
  hasFinishTime: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  retryAfterMs: fc.constantFrom(null, null, null, 500, 45_000),
});
const absence = fc.record({ kind: fc.constant('absent' as const) });
const failure = fc.record({
  kind: fc.constant('failed' as const),
  code: fc.constantFrom('UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_THROTTLED', 'UNAUTHENTICATED'),
  retryAfterMs: fc.constantFrom(null, null, 7_000, 100_000),
});
const answer = fc.tuple(
  fc.oneof(
    { weight: 6, arbitrary: state },
    { weight: 2, arbitrary: absence },
    { weight: 2, arbitrary: failure },
  ),
  fc.constantFrom(0, 0, 0, 300, 15_000), // how long it takes
);

const action = fc.oneof(
  fc.record({ kind: fc.constant('come' as const), isSlow: fc.boolean() }),
  fc.record({ kind: fc.constant('leave' as const), who: fc.nat(20) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 500, 2_000, 10_000, 100_000) }),
  fc.record({ kind: fc.constant('see' as const), status: fc.constantFrom('IN_PROGRESS', 'CANCELING') }),
);

interface Subscriber {
  readonly feed: Feed;
  readonly events: WatchEvent[];
  hasLeft: boolean;
  isDone: boolean;
  error: unknown;
  /** How much had been observed when it left or was done. */
  until: number;
}

test('every status seen reaches every subscriber present, in order, the last one last, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer, { maxLength: 25 }),
      fc.array(action, { maxLength: 30 }),
      async (script, actions) => {
        const clock = createManualClock();
        const observed: WorkRequest[] = [];
        const subscribers: Subscriber[] = [];
        const left = [...script];

        const observe = (ref: WorkRequestRef, fields: Partial<WorkRequest>): WorkRequest => {
          const workRequest = workRequestOf({ ref, ...fields, etag: String(observed.length) });
          observed.push(workRequest);
          return workRequest;
        };
        const read = async (ref: WorkRequestRef): Promise<WorkRequest | null> => {
          const [next, takesMs] = left.shift() ?? [null, 0];
          if (takesMs > 0) await clock.sleep(takesMs);
          if (next === null) return observe(ref, { status: 'SUCCEEDED' });
          if (next.kind === 'absent') return null;
          if (next.kind === 'failed') throw upstreamError(next.code, next.retryAfterMs);
          const { status, percentComplete, hasFinishTime, retryAfterMs } = next;
          const timeFinished = hasFinishTime ? new Date(0) : null;
          return observe(ref, { status, percentComplete, retryAfterMs, timeFinished });
        };
        const watchers = createWatchers({ ...rules, read, keyOf: () => 'k', clock, random: () => 0.7 });

        const follow = async (subscriber: Subscriber): Promise<void> => {
          try {
            for await (const event of subscriber.feed) subscriber.events.push(event);
          } catch (error) {
            subscriber.error = error;
          }
          subscriber.isDone = true;
          subscriber.until = Math.min(subscriber.until, observed.length);
        };
        const slow: Subscriber[] = [];

        for (const step of actions) {
          if (step.kind === 'come') {
            const feed = watchers.watch(refOf());
            const subscriber = {
              feed,
              events: [],
              hasLeft: false,
              isDone: false,
              error: null,
              until: Infinity,
            };
            subscribers.push(subscriber);
            if (step.isSlow) slow.push(subscriber);
            else void follow(subscriber);
          } else if (step.kind === 'leave') {
            const subscriber = subscribers[step.who];
            if (subscriber && !subscriber.isDone) {
              subscriber.hasLeft = true;
              subscriber.until = Math.min(subscriber.until, observed.length);
              await subscriber.feed.return();
            }
          } else if (step.kind === 'see' && watchers.stats().watchers > 0) {
            watchers.observe(observe(refOf(), { status: step.status }));
          } else if (step.kind === 'pass') {
            await clock.advance(step.ms);
          }
          await settle();
          const { watchers: running, subscribers: listening } = watchers.stats();
          expect(running).toBe(listening > 0 ? 1 : 0);
        }

        // Long enough for every script to come to its end.
        for (let i = 0; i < 40; i += 1) await clock.advance(60_000);
        for (const subscriber of slow) void follow(subscriber);
        await settle();

        for (const subscriber of subscribers) {
          const { events, hasLeft, isDone, error } = subscriber;
          expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
          expect(isDone).toBe(true);
          const isSlow = slow.includes(subscriber);
          if (!hasLeft) expectEnd(events, error);
          // Whoever left without having read was told nothing, which is its own choice.
          if (!(hasLeft && isSlow)) expectAllStatuses(events, isSlow ? null : subscriber.until, observed);
        }
        expect(watchers.stats()).toMatchObject({ watchers: 0, subscribers: 0 });
        expect(clock.sleepers).toBe(0);
      },
    ),
    { numRuns: 400 },
  );
});

/** The last event is an end, and no other is. */
const expectEnd = (events: readonly WatchEvent[], error: unknown): void => {
  if (error !== null) return expect(error).toMatchObject({ code: 'UNAUTHENTICATED' });
  const isEnd = ({ type, gap, workRequest }: WatchEvent): boolean =>
    type === 'FINISHED' ||
    (type === 'GAP' && gap?.reason !== 'UPSTREAM_SILENT') ||
    (type === 'SNAPSHOT' && workRequest !== null && isTerminalStatus(workRequest.status));
  expect(events.map(isEnd)).toEqual(events.map((_, index) => index === events.length - 1));
};

const expectAllStatuses = (
  events: readonly WatchEvent[],
  until: number | null,
  observed: readonly WorkRequest[],
): void => {
  const states = events.flatMap(({ workRequest, gap }) => (workRequest && !gap ? [workRequest] : []));
  const [first, last] = [states[0], states.at(-1)];
  if (!first || !last) return;
  const end = until === null || until === Infinity ? Number(last.etag) + 1 : until;
  const seen = observed.slice(Number(first.etag), end).map(({ status }) => status);
  expect(withoutRepeats(states.map(({ status }) => status))).toEqual(withoutRepeats(seen));
};

const withoutRepeats = (words: readonly string[]): readonly string[] =>
  words.filter((word, index) => word !== words[index - 1]);
