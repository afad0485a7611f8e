/**
 * The one poller of one work request, however many subscribe. It runs from the first subscriber to the last, or to the
 * end of the work request; whoever made it is told of either by `onStopped`.
 *
 *   due ─ look ─ read ─▶ outcome ─ advance (track.ts) ─▶ tell subscribers ─ schedule.ts ─▶ due
 *
 * A subscriber is attached first, then given its SNAPSHOT, then the changes: nothing can fall in between.
 */
import type { Clock, WorkRequest } from '../datasources/types.ts';
import type { Agenda } from './agenda.ts';
import { changedFields } from './changes.ts';
import type { Told } from './events.ts';
import { createFeed } from './feed.ts';
import type { Feed, FeedWriter } from './feed.ts';
import type { Member, Membership } from './groups.ts';
import { presentOf } from './present.ts';
import { nextDelayMs } from './schedule.ts';
import type { Tally } from './tally.ts';
import { overflowOf, snapshotOf } from './telling.ts';
import { advance, isHealthy, quietUntil } from './track.ts';
import type { End, Moment, Outcome, Rules, Track } from './track.ts';

export interface WatcherOptions {
  readonly read: () => Promise<WorkRequest | null>;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly random: () => number;
  readonly capacity: number;
  readonly tally: Tally;
  /** Whether looks wait for the gateway's own budget: then no answer is no silence of upstream's. */
  readonly isHeldUp: () => boolean;
  /** Who it looks together with. */
  readonly enrol: (member: Member) => Membership;
  /** What it looks together with, once it was seen. */
  readonly groupOf: (workRequest: WorkRequest) => string | null;
  /** How much later than due a look began, in milliseconds. */
  readonly observeLateness: (lateMs: number) => void;
  /** A state was seen, after none or in another compartment. */
  readonly onPlaced: (workRequest: WorkRequest) => void;
  /** The first failure of a row, and the answer that ended it (`error` null). */
  readonly onTrouble: (error: unknown) => void;
  /** Called once: with what is worth knowing when somebody comes back soon, or null when the work request is over. */
  readonly onStopped: (track: Track | null) => void;
  /** What a look brought after the end: seen all the same, for whoever watches now. */
  readonly onLate: (workRequest: WorkRequest) => void;
}

/** What is told to somebody who keeps no feed. */
export type Writer = Pick<FeedWriter, 'push' | 'end' | 'fail'>;

export interface Follow {
  /** The state that is known now, as a newcomer would be told; null: none yet, or it is about to be told. */
  snapshot(): Told | null;
  leave(): void;
}

export interface Watcher extends Member {
  attach(): Feed;
  /** The same for a list, which tells its own subscribers. */
  follow(writer: Writer): Follow;
  /** An observation that came by another way, e.g. a query's. */
  observe(workRequest: WorkRequest): void;
  /** One from the list of a poll: it may be just what a look of this watcher is waiting for. */
  pass(workRequest: WorkRequest): void;
  /** Looks as soon as it may: what is known is about to change. */
  hurry(): void;
  /** The last state seen; null when there was none. */
  present(): WorkRequest | null;
  /** Completes all subscribers. */
  stop(): void;
  /** Lists not counted. */
  readonly subscribers: number;
}

interface Subscriber {
  readonly writer: Writer;
  /** Somebody's own, not a list's. */
  readonly isFeed: boolean;
  /** Has no SNAPSHOT yet. */
  isWaiting: boolean;
}

export const createWatcher = (initial: Track, options: WatcherOptions): Watcher => {
  const { read, rules, clock, agenda, random, capacity, tally } = options;
  const subscribers = new Set<Subscriber>();
  let track = initial;
  let isStopped = false;
  let isLooking = false;
  let lookedAt: number | null = null;
  /** When the last look came to its end, whatever it brought. */
  let endedAt = -Infinity;
  let dueAt: number | null = null;
  const passedBy: WorkRequest[] = [];
  /** The SNAPSHOT of the present state: one for all newcomers. */
  let snapshot: { readonly of: Track; readonly dueAt: number | null; readonly told: Told } | null = null;

  const moment = (): Moment => ({ at: clock.passed(), wall: clock.now() });

  const look = async (): Promise<void> => {
    isLooking = true;
    lookedAt = clock.passed();
    if (dueAt !== null) options.observeLateness(Math.max(0, lookedAt - dueAt));
    dueAt = null;
    tally.polls += 1;
    // The rest that upstream asked for is over, also where the wall clock was set back meanwhile.
    track = { ...track, notBefore: 0 };
    // A look that is late itself (a suspended machine, a changed clock) is no silence of upstream.
    armSilence(lookedAt + track.intervalMs);
    const asking = ask(lookedAt);
    const onAnswer = membership.begin(track.intervalMs);
    const outcome = await asking;
    isLooking = false;
    endedAt = clock.passed();
    const own = outcome.kind === 'seen' ? outcome.workRequest : null;
    for (const seen of passedBy.splice(0)) if (seen !== own) observe(seen);
    if (!isStopped) take(outcome);
    else if (own !== null) options.onLate(own);
    onAnswer();
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

  const observe = (workRequest: WorkRequest): void => {
    if (isStopped) return;
    // What waits for the look was seen before.
    for (const earlier of passedBy.splice(0)) observe(earlier);
    if (isStopped) return;
    // What was seen in part is nothing to begin or to end with.
    if (workRequest.isPartial && track.known === null) return;
    if (workRequest.isPartial && workRequest.isTerminal) return hurry();
    take({ kind: 'seen', workRequest, askedAt: null });
  };

  const hurry = (): void => {
    if (isStopped || isLooking || dueAt === null) return;
    const now = clock.passed();
    const soonest = Math.max(track.notBefore, now + rules.pollMinMs);
    if (soonest < dueAt) lookIn(soonest - now);
  };

  const take = (outcome: Outcome): void => {
    const before = track;
    const step = advance(track, outcome, moment(), rules);
    track = step.track;
    const isFailing = track.failures > 0;
    if (isFailing !== before.failures > 0)
      options.onTrouble(outcome.kind === 'failed' ? outcome.error : null);
    if (track.known !== null && track.known.compartmentId !== (before.known?.compartmentId ?? null))
      place(track.known);
    if (step.told?.gap) tally.gaps[step.told.gap.reason] += 1;
    if (step.end !== null) return finish(step.told, step.end);
    if (outcome.kind !== 'quiet') {
      if (!isLooking && !isGlance(outcome)) scheduleLook();
      // A glance puts off no look, but where it asks for rest.
      else if (dueAt !== null && dueAt < track.notBefore) lookIn(track.notBefore - clock.passed());
      if (isFailing) armSilence(0);
      else if (isLooking) armSilence(clock.passed() + track.intervalMs);
      else silenceAlarm.clear();
    }
    const told = step.told && withDue(step.told);
    for (const subscriber of subscribers)
      for (const news of newsFor(subscriber, told)) subscriber.writer.push(news);
  };

  const place = (workRequest: WorkRequest): void => {
    membership.moveTo(options.groupOf(workRequest));
    options.onPlaced(workRequest);
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
    const first = presentState(track.known);
    return gap ? [first, gap] : [first];
  };

  const presentState = (known: WorkRequest): Told => {
    if (snapshot?.of !== track || snapshot.dueAt !== dueAt)
      snapshot = { of: track, dueAt, told: withDue(snapshotOf(known, isHealthy(track))) };
    return snapshot.told;
  };

  const scheduleLook = (): void => {
    const now = clock.passed();
    const situation = { ...track, isUnsure: track.unsureSince !== null, waitMs: track.notBefore - now };
    lookIn(nextDelayMs(situation, rules, random()));
  };

  const lookIn = (delayMs: number): void => {
    dueAt = clock.passed() + delayMs;
    lookAlarm.set(delayMs);
  };

  const armSilence = (notBefore: number): void => {
    if (track.silence === null) silenceAlarm.set(Math.max(quietUntil(track), notBefore) - clock.passed());
  };

  const withDue = (told: Told): Told => ({
    ...told,
    nextPollAt: dueAt === null ? null : new Date(clock.now() + dueAt - clock.passed()),
  });

  const halt = (rest: Track | null): void => {
    if (isStopped) return;
    isStopped = true;
    lookAlarm.clear();
    silenceAlarm.clear();
    subscribers.clear();
    membership.moveTo(null);
    options.onStopped(rest);
  };

  const detach = (subscriber: Subscriber): void => {
    if (subscribers.delete(subscriber) && subscribers.size === 0) halt(track);
  };

  /** The first subscriber starts the looking; a later one is served from what is known, or hurries the next look. */
  const welcome = (subscriber: Subscriber): void => {
    const now = clock.passed();
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

  const seat = (subscriber: Subscriber): void => {
    subscribers.add(subscriber);
    welcome(subscriber);
  };

  const startLook = (): void => {
    lookAlarm.clear();
    look().catch((error: unknown) => finish(null, { error }));
  };
  const lookAlarm = agenda.createAlarm(() => {
    if (!membership.mustWait()) startLook();
  });
  const silenceAlarm = agenda.createAlarm(() => {
    // What others saw meanwhile waits for the look, but not longer than silence is no news.
    if (passedBy.length > 0) for (const seen of passedBy.splice(0)) observe(seen);
    else if ((isLooking || isOverdue()) && options.isHeldUp()) silenceAlarm.set(track.intervalMs);
    else take({ kind: 'quiet' });
  });

  const isOverdue = (): boolean => !isLooking && dueAt !== null && dueAt <= clock.passed();

  const self: Watcher = {
    attach() {
      const writer = createFeed({
        capacity,
        overflow(told) {
          tally.gaps.OVERFLOW += 1;
          return overflowOf(told, clock.now());
        },
        onMerge: () => (tally.merged += 1),
        onClose: () => detach(subscriber),
      });
      const subscriber: Subscriber = { isWaiting: true, isFeed: true, writer };
      seat(subscriber);
      return writer.feed;
    },
    follow(writer) {
      const subscriber: Subscriber = { isWaiting: true, isFeed: false, writer };
      seat(subscriber);
      return {
        snapshot: () => (track.known === null || subscriber.isWaiting ? null : presentState(track.known)),
        leave: () => detach(subscriber),
      };
    },
    observe,
    pass(workRequest) {
      // Where a silence was told, it ends it at once.
      if (!isLooking || track.silence !== null) return observe(workRequest);
      const last = passedBy.at(-1);
      // The same again is no news, only a later sight of it.
      if (last !== undefined && changedFields(last, workRequest).length === 0) passedBy.pop();
      passedBy.push(workRequest);
    },
    join(withinMs) {
      if (isStopped || isLooking || dueAt === null) return;
      const now = clock.passed();
      // Others come to it sooner than that, but not where it was only just looked at, in vain too.
      const isRecent = now - Math.max(track.answeredAt, endedAt) < rules.pollMinMs;
      // The look that has to say whether it is over keeps its time.
      const isSecond = track.unsureSince !== null;
      const soonMs = isSecond ? 0 : Math.max(track.intervalMs / 2, isRecent ? 0 : withinMs);
      if (track.notBefore <= now && dueAt - now <= soonMs) startLook();
    },
    get isOverdue() {
      return isOverdue();
    },
    hurry,
    present: () => presentOf(track, moment()),
    stop() {
      const left = [...subscribers];
      halt(null);
      for (const subscriber of left) subscriber.writer.end();
    },
    get subscribers() {
      let feeds = 0;
      for (const { isFeed } of subscribers) if (isFeed) feeds += 1;
      return feeds;
    },
  };
  const membership = options.enrol(self);
  return self;
};

/** Seen in part while others looked: the rest is still to be read in its time. */
const isGlance = (outcome: Outcome): boolean =>
  outcome.kind === 'seen' && outcome.askedAt === null && outcome.workRequest.isPartial === true;
