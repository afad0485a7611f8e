/**
 * The one poller of one work request, however many subscribe. It runs from the first subscriber to the last, or to the
 * end of the work request; whoever made it is told of either by `onStopped`.
 *
 *   due ─ look ─ read ─▶ outcome ─ advance (track.ts) ─▶ tell subscribers ─ schedule.ts ─▶ due
 *
 * A subscriber is attached first, then given its SNAPSHOT, then the changes: nothing can fall in between.
 */
import type { Clock, WorkRequest } from '../datasources/types.ts';
import { createAlarm } from './alarm.ts';
import type { Told } from './events.ts';
import { createFeed } from './feed.ts';
import type { Feed, FeedWriter } from './feed.ts';
import { presentOf } from './present.ts';
import { nextDelayMs } from './schedule.ts';
import type { Tally } from './tally.ts';
import { overflowOf, snapshotOf } from './telling.ts';
import { advance, isHealthy, quietUntil } from './track.ts';
import type { End, Outcome, Rules, Track } from './track.ts';

export interface WatcherOptions {
  readonly read: () => Promise<WorkRequest | null>;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly random: () => number;
  readonly capacity: number;
  readonly tally: Tally;
  /** The first failure of a row, and the answer that ended it (`error` null). */
  readonly onTrouble: (error: unknown) => void;
  /** Called once: with what is worth knowing when somebody comes back soon, or null when the work request is over. */
  readonly onStopped: (track: Track | null) => void;
  /** What a look brought after the end: seen all the same, for whoever watches now. */
  readonly onLate: (workRequest: WorkRequest) => void;
}

export interface Watcher {
  attach(): Feed;
  /** An observation that came by another way, e.g. a query's. */
  observe(workRequest: WorkRequest): void;
  /** The last state seen; null when there was none. */
  present(): WorkRequest | null;
  /** Completes all subscribers. */
  stop(): void;
  readonly subscribers: number;
}

interface Subscriber {
  readonly writer: FeedWriter;
  /** Has no SNAPSHOT yet. */
  isWaiting: boolean;
}

export const createWatcher = (
  initial: Track,
  { read, rules, clock, random, capacity, tally, onTrouble, onStopped, onLate }: WatcherOptions,
): Watcher => {
  const subscribers = new Set<Subscriber>();
  let track = initial;
  let isStopped = false;
  let isLooking = false;
  let lookedAt: number | null = null;
  let dueAt: number | null = null;

  const look = async (): Promise<void> => {
    isLooking = true;
    lookedAt = clock.now();
    dueAt = null;
    tally.polls += 1;
    // The rest that upstream asked for is over, also where the wall clock was set back meanwhile.
    track = { ...track, notBefore: 0 };
    // A look that is late itself (a suspended machine, a changed clock) is no silence of upstream.
    armSilence(lookedAt + track.intervalMs);
    const outcome = await ask(lookedAt);
    isLooking = false;
    if (!isStopped) take(outcome);
    else if (outcome.kind === 'seen') onLate(outcome.workRequest);
  };

  const ask = async (askedAt: number): Promise<Outcome> => {
    try {
      const workRequest = await read();
      return workRequest === null ? { kind: 'absent' } : { kind: 'seen', workRequest, askedAt };
    } catch (error) {
      tally.pollFailures += 1;
      return { kind: 'failed', error };
    }
  };

  const take = (outcome: Outcome): void => {
    const wasFailing = track.failures > 0;
    const step = advance(track, outcome, clock.now(), rules);
    track = step.track;
    const isFailing = track.failures > 0;
    if (isFailing !== wasFailing) onTrouble(outcome.kind === 'failed' ? outcome.error : null);
    if (step.told?.gap) tally.gaps[step.told.gap.reason] += 1;
    if (step.end !== null) return finish(step.told, step.end);
    if (outcome.kind !== 'quiet') {
      if (!isLooking) scheduleLook();
      if (isFailing) armSilence(0);
      else if (isLooking) armSilence(clock.now() + track.intervalMs);
      else silenceAlarm.clear();
    }
    const told = step.told && withDue(step.told);
    for (const subscriber of subscribers)
      for (const news of newsFor(subscriber, told)) subscriber.writer.push(news);
  };

  const finish = (told: Told | null, end: End): void => {
    const left = [...subscribers];
    halt(null);
    for (const subscriber of left) {
      if (end !== 'complete') {
        subscriber.writer.fail(end.error);
        continue;
      }
      const news = newsFor(subscriber, told);
      for (const earlier of news.slice(0, -1)) subscriber.writer.push(earlier);
      subscriber.writer.end(news.at(-1));
    }
  };

  /** What this step means to one subscriber: for those who wait, the state itself instead of what changed in it. */
  const newsFor = (subscriber: Subscriber, told: Told | null): readonly Told[] => {
    if (!subscriber.isWaiting) return told ? [told] : [];
    const gap = told?.gap ? told : track.silence && withDue(track.silence);
    if (track.known === null) return told?.gap ? [told] : [];
    subscriber.isWaiting = false;
    const snapshot = withDue(snapshotOf(track.known, isHealthy(track)));
    return gap ? [snapshot, gap] : [snapshot];
  };

  const scheduleLook = (): void => {
    const now = clock.now();
    const situation = { ...track, isUnsure: track.unsureSince !== null, waitMs: track.notBefore - now };
    lookIn(nextDelayMs(situation, rules, random()));
  };

  const lookIn = (delayMs: number): void => {
    dueAt = clock.now() + delayMs;
    lookAlarm.set(delayMs);
  };

  const armSilence = (notBefore: number): void => {
    if (track.silence === null) silenceAlarm.set(Math.max(quietUntil(track), notBefore) - clock.now());
  };

  const withDue = (told: Told): Told => ({ ...told, nextPollAt: dueAt === null ? null : new Date(dueAt) });

  const halt = (rest: Track | null): void => {
    if (isStopped) return;
    isStopped = true;
    lookAlarm.clear();
    silenceAlarm.clear();
    subscribers.clear();
    onStopped(rest);
  };

  const detach = (subscriber: Subscriber): void => {
    if (subscribers.delete(subscriber) && subscribers.size === 0) halt(track);
  };

  /** The first subscriber starts the looking; a later one is served from what is known, or hurries the next look. */
  const welcome = (subscriber: Subscriber): void => {
    const now = clock.now();
    if (!isLooking && dueAt === null) {
      if (track.notBefore <= now) startLook();
      else lookIn(track.notBefore - now);
    }
    const isFresh = isHealthy(track) && !isLooking && dueAt !== null && now <= dueAt;
    const soonest = Math.max(track.notBefore, (lookedAt ?? now) + rules.pollMinMs);
    const isPatient = track.known === null || isLooking || soonest - now <= rules.pollMinMs;
    if (!isFresh && isPatient) {
      // Not each newcomer's own look: at most one per shortest interval, and none before upstream wants it.
      if (dueAt !== null && soonest < dueAt) lookIn(Math.max(0, soonest - now));
      if (track.known === null && track.silence) subscriber.writer.push(withDue(track.silence));
      return;
    }
    for (const news of newsFor(subscriber, null)) subscriber.writer.push(news);
  };

  const startLook = (): void => {
    look().catch((error: unknown) => finish(null, { error }));
  };
  const lookAlarm = createAlarm(clock, startLook);
  const silenceAlarm = createAlarm(clock, () => take({ kind: 'quiet' }));

  return {
    attach() {
      const subscriber: Subscriber = {
        isWaiting: true,
        writer: createFeed({
          capacity,
          overflow(told) {
            tally.gaps.OVERFLOW += 1;
            return overflowOf(told, clock.now());
          },
          onMerge: () => (tally.merged += 1),
          onClose: () => detach(subscriber),
        }),
      };
      subscribers.add(subscriber);
      welcome(subscriber);
      return subscriber.writer.feed;
    },
    observe(workRequest) {
      if (!isStopped) take({ kind: 'seen', workRequest, askedAt: null });
    },
    present: () => presentOf(track, clock.now()),
    stop() {
      const left = [...subscribers];
      halt(null);
      for (const subscriber of left) subscriber.writer.end();
    },
    get subscribers() {
      return subscribers.size;
    },
  };
};
