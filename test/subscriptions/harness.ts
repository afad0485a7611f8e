/** What the tests of this folder share: work requests by hand, an upstream that follows a script, a subscriber. */
import { isCancelable, isTerminal, isTerminalStatus } from '../../datasources/status.ts';
import type { WorkRequest, WorkRequestRef } from '../../datasources/types.ts';
import { UpstreamError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { WatchEvent } from '../../subscriptions/events.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import { createWatchers } from '../../subscriptions/watchers.ts';
import type { Watchers, WatchersOptions } from '../../subscriptions/watchers.ts';
import { createManualClock, settle } from '../support/clock.ts';
import type { ManualClock } from '../support/clock.ts';

export const pollMinMs = 2_000;
export const pollMaxMs = 30_000;
export const rules = { isTerminal, isTerminalStatus, pollMinMs, pollMaxMs };

export const refOf = (workRequestId = 'ocid1.clustersworkrequest.oc1.iad.a'): WorkRequestRef => ({
  service: 'CONTAINERENGINE',
  region: 'us-ashburn-1',
  workRequestId,
});

export const workRequestOf = (fields: Partial<WorkRequest> = {}): WorkRequest => {
  const status = fields.status ?? 'IN_PROGRESS';
  const progress = { status, timeFinished: fields.timeFinished ?? null };
  return {
    id: 'an id',
    ref: refOf(),
    isTerminal: isTerminal(progress),
    isCancelable: isCancelable(progress),
    compartmentId: 'ocid1.compartment.oc1..c',
    operationType: 'CLUSTER_CREATE',
    status,
    rawStatus: status,
    percentComplete: null,
    timeAccepted: null,
    timeStarted: null,
    timeUpdated: null,
    timeFinished: null,
    resources: null,
    extras: {},
    origin: 'get',
    etag: null,
    retryAfterMs: null,
    observedAt: 0,
    ...fields,
  };
};

export const upstreamError = (code: ErrorCode, retryAfterMs: number | null = null): UpstreamError =>
  new UpstreamError(code, `upstream said ${code}`, {
    service: 'CONTAINERENGINE',
    region: 'us-ashburn-1',
    status: null,
    nativeCode: null,
    opcRequestId: null,
    retryAfterMs,
  });

/** What one read brings: a state, a 404, an error, or a promise of one of them. */
export type Answer = Partial<WorkRequest> | null | Error | Promise<Partial<WorkRequest> | null>;

export interface Bench {
  readonly clock: ManualClock;
  readonly watchers: Watchers;
  /** When upstream was asked, in milliseconds since the start. */
  readonly askedAt: number[];
  /** Replaces what is still to come; the last answer repeats. */
  script(...answers: Answer[]): void;
}

export const createBench = (
  answers: readonly Answer[],
  options: Partial<Omit<WatchersOptions, 'read' | 'clock'>> = {},
): Bench => {
  const clock = createManualClock();
  const startedAt = clock.now();
  const askedAt: number[] = [];
  let left = [...answers];
  const read = async (ref: WorkRequestRef): Promise<WorkRequest | null> => {
    askedAt.push(clock.now() - startedAt);
    const next = left.length > 1 ? left.shift() : left[0];
    if (next instanceof Error) throw next;
    const fields = await next;
    return fields ? workRequestOf({ ref, observedAt: clock.now(), ...fields }) : null;
  };
  const watchers = createWatchers({
    ...rules,
    read,
    keyOf: (ref) => `${ref.service} ${ref.region} ${ref.workRequestId}`,
    clock,
    random: () => 0.5, // no jitter
    ...options,
  });
  return { clock, watchers, askedAt, script: (...next) => (left = next) };
};

export interface Reader {
  readonly feed: Feed;
  readonly events: WatchEvent[];
  /** `CHANGED IN_PROGRESS 40`, `GAP NOT_FOUND`: what the events say, in short. */
  readonly told: () => readonly string[];
  readonly isDone: () => boolean;
  readonly error: () => unknown;
}

/** A subscriber that reads as fast as it can. */
export const readAll = (feed: Feed): Reader => {
  const events: WatchEvent[] = [];
  let isDone = false;
  let error: unknown = null;
  const run = async (): Promise<void> => {
    for await (const event of feed) events.push(event);
  };
  run()
    .catch((caught: unknown) => (error = caught))
    .finally(() => (isDone = true));
  return { feed, events, told: () => events.map(shorten), isDone: () => isDone, error: () => error };
};

export const shorten = ({ type, workRequest, gap }: WatchEvent): string =>
  [type, gap?.reason, workRequest && !gap && workRequest.status, !gap && workRequest?.percentComplete]
    .filter((part) => typeof part === 'string' || typeof part === 'number')
    .join(' ');

export { settle };
