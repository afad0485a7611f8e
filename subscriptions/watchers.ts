/**
 * From polling to a stream of changes: `watch(ref)` tells what happens to a work request, until it is finished, and
 * asks upstream once per look however many watch it. Knows nothing of GraphQL, HTTP or Oracle Cloud: what reads, what
 * ends, what tells the time is handed in.
 *
 * docs/decisions/subscriptions.md says what is told when, and why.
 */
import type { WorkRequestStatus } from '../datasources/status.ts';
import type { Discover, Place } from '../datasources/discovery.ts';
import type { ListWatchPlan } from '../datasources/list-watch.ts';
import type { Clock, WorkRequest, WorkRequestRef } from '../datasources/types.ts';
import { createAgenda } from './agenda.ts';
import type { Agenda } from './agenda.ts';
import type { GapReason, Told } from './events.ts';
import type { Feed, Queues } from './feed.ts';
import { createEndedFeed } from './feed.ts';
import { createGroups } from './groups.ts';
import type { Groups } from './groups.ts';
import { createListing } from './listing.ts';
import { createLists } from './lists.ts';
import { createTally } from './tally.ts';
import { overflowOf } from './telling.ts';
import { advance, resumeTrack, startTrack } from './track.ts';
import type { Moment, Track } from './track.ts';
import { createTroubleLog } from './troubles.ts';
import type { WatchLog } from './troubles.ts';
import { createWatcher } from './watcher.ts';
import type { Watcher, WatcherOptions } from './watcher.ts';

export interface WatchersOptions {
  /**
   * One logical read. null: absent or forbidden. Never answers an older state than it did before.
   * @throws UpstreamError
   */
  readonly read: (ref: WorkRequestRef) => Promise<WorkRequest | null>;
  /** What there is in a list. @throws UpstreamError */
  readonly discover?: Discover;
  /** Whether the items of a list hold all fields. */
  readonly isListComplete?: (place: Pick<Place, 'service'>) => boolean;
  /** The same for every ref of one work request. */
  readonly keyOf: (ref: WorkRequestRef) => string;
  /**
   * What it could be read with: looks of one group that are made in the same breath cost less than each on its own.
   * null: it is read alone.
   */
  readonly groupOf?: (workRequest: WorkRequest) => string | null;
  /** Who looks together; by `groups.ts` where nothing else is said. */
  readonly groups?: (agenda: Agenda) => Groups;
  /** Resolved when the reads of this place that wait for the gateway's own budget by now have had their turn; null: none waits. */
  readonly backlog?: (place: Pick<Place, 'service' | 'region'>) => Promise<void> | null;
  /** Called when a work request begins to be watched, and when it ends. */
  readonly onWatch?: (key: string, isWatched: boolean) => void;
  readonly isTerminal: (workRequest: WorkRequest) => boolean;
  readonly isTerminalStatus: (status: WorkRequestStatus) => boolean;
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
  readonly clock: Clock;
  /** In [0, 1); spreads looks that would fall together. */
  readonly random: () => number;
  /** How much later than due each look began, in milliseconds. */
  readonly observeLateness?: (lateMs: number) => void;
  readonly log?: WatchLog;
  /** Events that may wait for one subscriber. */
  readonly bufferSize?: number;
}

export interface Watchers {
  /**
   * SNAPSHOT, CHANGED for each change, FINISHED, done. Watching begins with this call, not with the first `next()`:
   * whoever calls it owes it a `return()` or reading to the end.
   * @param seed as it was read just now: the first look can wait then
   */
  watch(ref: WorkRequestRef, seed?: WorkRequest): Feed;
  /**
   * SNAPSHOT of each match, SYNCED, then ADDED, CHANGED, FINISHED; never done by itself. Rejects with LIMIT_EXCEEDED where
   * too many match. As with `watch`, watching begins with this call.
   */
  watchList(list: ListWatchPlan): Feed;
  /** Tells watchers what others saw (a query, a cancel), so that nothing seen is lost. Complete states only. */
  observe(workRequest: WorkRequest): void;
  /** The same for what the list of a poll told beside what it was made for. */
  pass(workRequest: WorkRequest): void;
  /** Has it looked at as soon as may be, if it is watched: after a cancel, say. */
  hurry(ref: WorkRequestRef): void;
  /** Whether anybody watches this work request, alone or in a list. */
  isWatched(ref: WorkRequestRef): boolean;
  /** Whether anybody watches this list. */
  isListed(place: Place): boolean;
  /** The last state seen of what is being watched; null where there is none. */
  present(ref: WorkRequestRef): WorkRequest | null;
  /** Completes every subscription and lets nobody watch any more. */
  stop(): void;
  stats(): WatchStats;
}

export interface WatchStats {
  /** Work requests being polled, lists being polled, and who listens to either. */
  readonly watchers: number;
  readonly listings: number;
  readonly subscribers: number;
  /** Those whose state may not be so any more, as the last look brought none. */
  readonly stale: { readonly watchers: number; readonly listings: number };
  /** Since upstream last answered about what it has not answered about for longest, in milliseconds. */
  readonly oldestAnswerMs: number;
  /** Events that subscribers have not taken yet. */
  readonly waitingEvents: number;
  /** Since the start: see tally.ts. */
  readonly polls: number;
  readonly pollFailures: number;
  readonly merged: number;
  readonly gaps: Readonly<Record<GapReason, number>>;
}

const restsKept = 10_000;

export const createWatchers = ({
  read,
  discover = () => Promise.resolve([]),
  isListComplete = () => true,
  keyOf,
  groupOf = () => null,
  groups: given,
  backlog = () => null,
  onWatch,
  clock,
  random,
  observeLateness = () => {},
  log,
  bufferSize = 100,
  ...rules
}: WatchersOptions): Watchers => {
  const watchers = new Map<string, Watcher>();
  const agenda = createAgenda(clock);
  const groups = given?.(agenda) ?? createGroups(agenda, rules.pollMinMs);
  // What upstream asked not to be asked about so soon outlives its watcher: whoever comes back finds it here.
  const rests = new Map<string, Track>();
  const tally = createTally();
  const queues: Queues = { waiting: 0 };
  let isStopped = false;

  const moment = (): Moment => ({ at: clock.passed(), wall: clock.now() });

  const start = (key: string, ref: WorkRequestRef, seed?: WorkRequest): Watcher => {
    const rest = rests.get(key);
    rests.delete(key);
    const now = moment();
    const isResting = rest !== undefined && rest.notBefore > now.at;
    const track = isResting ? resumeTrack(rest, now) : startTrack(now, rules);
    const watcher = createWatcher({ key, ref }, track, watcherOptions);
    watchers.set(key, watcher);
    onWatch?.(key, true);
    if (seed) watcher.observe(seed);
    return watcher;
  };

  const overflow = (told: Told): Told => {
    tally.gaps.OVERFLOW += 1;
    return overflowOf(told, clock.now());
  };
  const onMerge = (): void => void (tally.merged += 1);

  const report = log ? createTroubleLog(log, clock) : () => {};

  const watcherOptions: WatcherOptions = {
    // While its list is watched, it is read with that.
    read: async (ref, known) => (await (known && lists.of(known))?.refresh(known.id)) ?? read(ref),
    rules,
    clock,
    agenda,
    random,
    feedRules: { capacity: bufferSize, overflow, onMerge, queues, form: 'single' },
    tally,
    groups,
    groupOf,
    backlog,
    observeLateness,
    onTrouble: report,
    onStopped(key, track) {
      watchers.delete(key);
      onWatch?.(key, false);
      if (track !== null) keepRest(key, track);
    },
    onLate: (key, workRequest) => observe(key, workRequest),
  };

  const lists = createLists({
    clock,
    agenda,
    overflow,
    onMerge,
    queues,
    createListing: (place, onStopped) =>
      createListing({
        place,
        read: (isKnown) => discover(place, isKnown),
        isComplete: isListComplete(place),
        follow(ref, seed, writer) {
          const key = keyOf(ref);
          // What the list told a moment ago needs no look of its own yet.
          const watcher = watchers.get(key) ?? start(key, ref, seed ?? undefined);
          return watcher.follow(writer);
        },
        backlog: () => backlog(place),
        rules,
        clock,
        agenda,
        random,
        tally,
        observeLateness,
        onTrouble: (error) => report(place, error),
        onStopped,
      }),
  });

  const observe = (key: string, workRequest: WorkRequest): void => {
    const watcher = watchers.get(key);
    if (watcher) return watcher.observe(workRequest);
    // Whoever comes back is told this one, and rests as long as it asks.
    const rest = rests.get(key);
    if (!rest && workRequest.retryAfterMs === null) return;
    const now = moment();
    const step = advance(
      rest ?? startTrack(now, rules),
      { kind: 'seen', workRequest, askedAt: null },
      now,
      rules,
    );
    rests.delete(key);
    if (step.end === null) keepRest(key, step.track);
  };

  const keepRest = (key: string, track: Track): void => {
    if (track.notBefore <= clock.passed()) return;
    rests.set(key, track);
    if (rests.size <= restsKept) return;
    for (const [oldest] of rests) {
      rests.delete(oldest);
      break;
    }
  };

  return {
    watch(ref, seed) {
      if (isStopped) return createEndedFeed();
      const key = keyOf(ref);
      return (watchers.get(key) ?? start(key, ref, seed)).attach();
    },
    watchList: (list) => (isStopped ? createEndedFeed() : lists.watch(list)),
    observe(workRequest) {
      observe(keyOf(workRequest.ref), workRequest);
      lists.sight(workRequest);
    },
    pass(workRequest) {
      const key = keyOf(workRequest.ref);
      const watcher = watchers.get(key);
      if (watcher) watcher.pass(workRequest);
      else observe(key, workRequest);
      lists.sight(workRequest);
    },
    hurry(ref) {
      watchers.get(keyOf(ref))?.hurry();
    },
    isWatched: (ref) => watchers.has(keyOf(ref)),
    isListed: (place) => lists.has(place),
    present: (ref) => watchers.get(keyOf(ref))?.present() ?? null,
    stop() {
      isStopped = true;
      lists.stop();
      for (const watcher of [...watchers.values()]) watcher.stop();
      rests.clear();
    },
    stats() {
      let { subscribers } = lists;
      const now = clock.passed();
      const { listings } = lists;
      const stale = { watchers: 0, listings: 0 };
      let answeredAt = now;
      for (const watcher of watchers.values()) {
        subscribers += watcher.subscribers;
        if (watcher.isStale) stale.watchers += 1;
        answeredAt = Math.min(answeredAt, watcher.answeredAt);
      }
      for (const listing of listings) {
        if (listing.isStale) stale.listings += 1;
        answeredAt = Math.min(answeredAt, listing.answeredAt);
      }
      return {
        ...tally,
        gaps: { ...tally.gaps },
        watchers: watchers.size,
        listings: listings.length,
        subscribers,
        stale,
        oldestAnswerMs: now - answeredAt,
        waitingEvents: queues.waiting,
      };
    },
  };
};
