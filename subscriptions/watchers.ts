/**
 * From polling to a stream of changes: `watch(ref)` tells what happens to a work request, until it is finished, and
 * asks upstream once per look however many watch it. Knows nothing of GraphQL, HTTP or Oracle Cloud: what reads, what
 * ends, what tells the time is handed in.
 *
 * docs/decisions/subscriptions.md says what is told when, and why.
 */
import type { WorkRequestStatus } from '../datasources/status.ts';
import type { Clock, WorkRequest, WorkRequestRef } from '../datasources/types.ts';
import { GatewayError, UpstreamError } from '../errors.ts';
import type { GapReason } from './events.ts';
import type { Feed } from './feed.ts';
import { createFeed } from './feed.ts';
import { createTally } from './tally.ts';
import { overflowOf } from './telling.ts';
import { resumeTrack, startTrack } from './track.ts';
import type { Track } from './track.ts';
import { createWatcher } from './watcher.ts';
import type { Watcher } from './watcher.ts';

export interface WatchersOptions {
  /**
   * One logical read. null: absent or forbidden. Never answers an older state than it did before.
   * @throws UpstreamError
   */
  readonly read: (ref: WorkRequestRef) => Promise<WorkRequest | null>;
  /** The same for every ref of one work request. */
  readonly keyOf: (ref: WorkRequestRef) => string;
  readonly isTerminal: (workRequest: WorkRequest) => boolean;
  readonly isTerminalStatus: (status: WorkRequestStatus) => boolean;
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
  readonly clock: Clock;
  /** In [0, 1); spreads looks that would fall together. */
  readonly random: () => number;
  readonly log?: WatchLog;
  /** Events that may wait for one subscriber. */
  readonly bufferSize?: number;
}

/** The part of a pino logger that is used. */
export interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Watchers {
  /**
   * SNAPSHOT, CHANGED for each change, FINISHED, done. Watching begins with this call, not with the first `next()`:
   * whoever calls it owes it a `return()` or reading to the end.
   */
  watch(ref: WorkRequestRef): Feed;
  /** Tells watchers what others saw (a query, a cancel), so that nothing seen is lost. Complete states only. */
  observe(workRequest: WorkRequest): void;
  /** The last state seen of what is being watched; null where there is none. */
  present(ref: WorkRequestRef): WorkRequest | null;
  /** Completes every subscription and lets nobody watch any more. */
  stop(): void;
  stats(): WatchStats;
}

export interface WatchStats {
  /** Work requests being polled, and who listens. */
  readonly watchers: number;
  readonly subscribers: number;
  /** Since the start: see tally.ts. */
  readonly polls: number;
  readonly pollFailures: number;
  readonly merged: number;
  readonly gaps: Readonly<Record<GapReason, number>>;
}

const restsKept = 10_000;

export const createWatchers = ({
  read,
  keyOf,
  clock,
  random,
  log,
  bufferSize = 100,
  ...rules
}: WatchersOptions): Watchers => {
  const watchers = new Map<string, Watcher>();
  // What upstream asked not to be asked about so soon outlives its watcher: whoever comes back finds it here.
  const rests = new Map<string, Track>();
  const tally = createTally();
  let isStopped = false;

  const start = (key: string, ref: WorkRequestRef): Watcher => {
    const rest = rests.get(key);
    rests.delete(key);
    const now = clock.now();
    const isResting = rest !== undefined && rest.notBefore > now;
    const watcher = createWatcher(isResting ? resumeTrack(rest, now) : startTrack(now, rules), {
      read: () => read(ref),
      rules,
      clock,
      random,
      capacity: bufferSize,
      tally,
      onTrouble: (error) => report(log, ref, error),
      onStopped(track) {
        watchers.delete(key);
        if (track !== null && track.notBefore > clock.now()) keep(key, track);
      },
      onLate: (workRequest) => watchers.get(key)?.observe(workRequest),
    });
    watchers.set(key, watcher);
    return watcher;
  };

  const keep = (key: string, track: Track): void => {
    rests.set(key, track);
    if (rests.size <= restsKept) return;
    for (const [oldest] of rests) {
      rests.delete(oldest);
      break;
    }
  };

  return {
    watch(ref) {
      if (isStopped) return endedFeed();
      const key = keyOf(ref);
      return (watchers.get(key) ?? start(key, ref)).attach();
    },
    observe(workRequest) {
      watchers.get(keyOf(workRequest.ref))?.observe(workRequest);
    },
    present: (ref) => watchers.get(keyOf(ref))?.present() ?? null,
    stop() {
      isStopped = true;
      for (const watcher of [...watchers.values()]) watcher.stop();
      rests.clear();
    },
    stats() {
      let subscribers = 0;
      for (const watcher of watchers.values()) subscribers += watcher.subscribers;
      return { ...tally, gaps: { ...tally.gaps }, watchers: watchers.size, subscribers };
    },
  };
};

const endedFeed = (): Feed => {
  const writer = createFeed({
    capacity: 1,
    overflow: (told) => overflowOf(told, 0),
    onClose: () => {},
  });
  writer.end();
  return writer.feed;
};

/** Once per row of failures; what the caller is told stands in the events. */
const report = (log: WatchLog | undefined, { service, region }: WorkRequestRef, error: unknown): void => {
  if (error === null) return log?.info({ service, region }, 'a watched work request can be read again');
  const code = error instanceof GatewayError ? error.code : 'INTERNAL_SERVER_ERROR';
  const opcRequestId = error instanceof UpstreamError ? error.failure.opcRequestId : null;
  // A bug's stack is worth having; the message of an expected failure is written to hold no secret.
  const err = error instanceof UpstreamError ? error.message : error;
  log?.warn({ service, region, code, opcRequestId, err }, 'a watched work request cannot be read for now');
};
