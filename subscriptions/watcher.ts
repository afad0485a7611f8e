/**
 * The one poller of one work request, however many subscribe. It runs from the first subscriber to the last, or to the
 * end of the work request; whoever made it is told of either by `onStopped`.
 *
 *   due ─ look ─ read ─▶ outcome ─ advance (track.ts) ─▶ tell subscribers ─ schedule.ts ─▶ due
 *
 * A subscriber is attached first, then given its SNAPSHOT, then the changes: nothing can fall in between.
 */
import type { Clock, WorkRequest, WorkRequestRef } from '../datasources/types.ts';
import type { Agenda, Alarm } from './agenda.ts';
import { changedFields } from './changes.ts';
import type { Told } from './events.ts';
import { createFeed } from './feed.ts';
import type { Feed, FeedRules, FeedWriter } from './feed.ts';
import type { Groups, Member, Membership } from './groups.ts';
import { presentOf } from './present.ts';
import { nextDelayMs } from './schedule.ts';
import type { Tally } from './tally.ts';
import { snapshotOf } from './telling.ts';
import { advance, isHealthy, quietUntil } from './track.ts';
import type { End, Moment, Outcome, Rules, Track } from './track.ts';

/** What one watcher watches. */
export interface Subject {
  readonly key: string;
  readonly ref: WorkRequestRef;
}

/** What all watchers have in common. */
export interface WatcherOptions {
  /** @param known the state seen last; null when there was none */
  readonly read: (ref: WorkRequestRef, known: WorkRequest | null) => Promise<WorkRequest | null>;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly random: () => number;
  readonly feedRules: FeedRules;
  readonly tally: Tally;
  readonly groups: Groups;
  /** What it looks together with, once it was seen. */
  readonly groupOf: (workRequest: WorkRequest) => string | null;
  /**
   * Resolved when all looks that wait for the gateway's own budget by now have had their turn; null: none waits. While some
   * do, no answer is no silence of upstream's.
   */
  readonly backlog: (ref: WorkRequestRef) => Promise<void> | null;
  /** How much later than due a look began, in milliseconds. */
  readonly observeLateness: (lateMs: number) => void;
  /** The first failure of a row, and the answer that ended it (`error` null). */
  readonly onTrouble: (ref: WorkRequestRef, error: unknown) => void;
  /** Called once: with what is worth knowing when somebody comes back soon, or null when the work request is over. */
  readonly onStopped: (key: string, track: Track | null) => void;
  /** What a look brought after the end: seen all the same, for whoever watches now. */
  readonly onLate: (key: string, workRequest: WorkRequest) => void;
}

/** What is told to somebody who keeps no feed. */
export type Writer = Pick<FeedWriter, 'push' | 'end' | 'fail'>;

export interface Follow {
  /** The state that is known now, as a newcomer would be told; null: none yet, or it is about to be told. */
  snapshot(): Told | null;
  leave(): void;
}

export interface Watcher {
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
  /** What is known may not be so any more: the last look brought no state, or none came for too long. */
  readonly isStale: boolean;
  /** When upstream last answered, by the clock that never jumps; the start before the first time. */
  readonly answeredAt: number;
}

interface Subscriber {
  readonly writer: Writer;
  /** Somebody's own, not a list's. */
  readonly isFeed: boolean;
  /** Has no SNAPSHOT yet. */
  isWaiting: boolean;
}

export const createWatcher = (subject: Subject, initial: Track, options: WatcherOptions): Watcher =>
  new PollingWatcher(subject, initial, options);

/** A class, as there may be tens of thousands: what they can do they have in common. */
class PollingWatcher implements Watcher, Member {
  readonly #subject: Subject;
  readonly #options: WatcherOptions;
  readonly #subscribers = new Set<Subscriber>();
  readonly #membership: Membership;
  readonly #lookAlarm: Alarm;
  readonly #silenceAlarm: Alarm;
  #track: Track;
  #isStopped = false;
  #isLooking = false;
  #lookedAt: number | null = null;
  /** When the last look came to its end, whatever it brought. */
  #endedAt = -Infinity;
  #dueAt: number | null = null;
  /** What others saw during a look. */
  #passedBy: WorkRequest[] = [];
  /** The SNAPSHOT of the present state: one for all newcomers. */
  #snapshot: { readonly of: Track; readonly dueAt: number | null; readonly told: Told } | null = null;

  constructor(subject: Subject, initial: Track, options: WatcherOptions) {
    this.#subject = subject;
    this.#track = initial;
    this.#options = options;
    this.#membership = options.groups.enrol(this);
    this.#lookAlarm = options.agenda.createAlarm(() => this.#fallDue());
    this.#silenceAlarm = options.agenda.createAlarm(() => this.#hearNothing());
  }

  attach(): Feed {
    const writer = createFeed(this.#options.feedRules, () => this.#detach(subscriber));
    const subscriber: Subscriber = { isWaiting: true, isFeed: true, writer };
    this.#seat(subscriber);
    return writer.feed;
  }

  follow(writer: Writer): Follow {
    const subscriber: Subscriber = { isWaiting: true, isFeed: false, writer };
    this.#seat(subscriber);
    return {
      snapshot: () =>
        this.#track.known === null || subscriber.isWaiting ? null : this.#presentState(this.#track.known),
      leave: () => this.#detach(subscriber),
    };
  }

  observe(workRequest: WorkRequest): void {
    // What waits for the look was seen before.
    for (const earlier of this.#passedBy.splice(0)) this.observe(earlier);
    if (this.#isStopped) return;
    // What was seen in part is nothing to begin or to end with.
    if (workRequest.isPartial && this.#track.known === null) return;
    if (workRequest.isPartial && workRequest.isTerminal) return this.hurry();
    this.#take({ kind: 'seen', workRequest, askedAt: null });
  }

  pass(workRequest: WorkRequest): void {
    // Where a silence was told, it ends it at once.
    if (!this.#isLooking || this.#track.silence !== null) return this.observe(workRequest);
    const last = this.#passedBy.at(-1);
    // The same again is no news, only a later sight of it.
    if (last !== undefined && changedFields(last, workRequest).length === 0) this.#passedBy.pop();
    this.#passedBy.push(workRequest);
  }

  join(withinMs: number): void {
    if (this.#isStopped || this.#isLooking || this.#dueAt === null) return;
    const now = this.#now;
    const { intervalMs, answeredAt, notBefore, unsureSince } = this.#track;
    // Others come to it sooner than that, but not where it was only just looked at, in vain too.
    const isRecent = now - Math.max(answeredAt, this.#endedAt) < this.#options.rules.pollMinMs;
    // The look that has to say whether it is over keeps its time.
    const soonMs = unsureSince !== null ? 0 : Math.max(intervalMs / 2, isRecent ? 0 : withinMs);
    if (notBefore <= now && this.#dueAt - now <= soonMs) this.#startLook();
  }

  get isOverdue(): boolean {
    return !this.#isLooking && this.#dueAt !== null && this.#dueAt <= this.#now;
  }

  backlog(): Promise<void> | null {
    return this.#options.backlog(this.#subject.ref);
  }

  hurry(): void {
    if (this.#isStopped || this.#isLooking || this.#dueAt === null) return;
    const now = this.#now;
    const soonest = Math.max(this.#track.notBefore, now + this.#options.rules.pollMinMs);
    if (soonest < this.#dueAt) this.#lookIn(soonest - now);
  }

  present(): WorkRequest | null {
    return presentOf(this.#track, this.#moment);
  }

  stop(): void {
    const left = [...this.#subscribers];
    this.#halt(null);
    for (const subscriber of left) subscriber.writer.end();
  }

  get subscribers(): number {
    let feeds = 0;
    for (const { isFeed } of this.#subscribers) if (isFeed) feeds += 1;
    return feeds;
  }

  get isStale(): boolean {
    const { known, silence } = this.#track;
    return silence !== null || (known !== null && !isHealthy(this.#track));
  }

  get answeredAt(): number {
    return this.#track.answeredAt;
  }

  get #now(): number {
    return this.#options.clock.passed();
  }

  get #moment(): Moment {
    return { at: this.#now, wall: this.#options.clock.now() };
  }

  // Looking

  #fallDue(): void {
    if (!this.#membership.mustWait()) this.#startLook();
  }

  #startLook(): void {
    this.#lookAlarm.clear();
    this.#look().catch((error: unknown) => this.#finish(null, { error }));
  }

  async #look(): Promise<void> {
    const lookedAt = this.#now;
    if (this.#dueAt !== null) this.#options.observeLateness(Math.max(0, lookedAt - this.#dueAt));
    this.#isLooking = true;
    this.#lookedAt = lookedAt;
    this.#dueAt = null;
    this.#options.tally.polls += 1;
    // The rest that upstream asked for is over, also where the wall clock was set back meanwhile.
    this.#track = { ...this.#track, notBefore: 0 };
    // A look that is late itself (a suspended machine, a changed clock) is no silence of upstream.
    this.#armSilence(lookedAt + this.#track.intervalMs);
    // What waits for a turn was not asked yet: its own comes after those of all who wait already.
    const ownTurn = this.backlog()?.then(() => this.backlog());
    void ownTurn?.then(() => {
      if (this.#isLooking && this.#lookedAt === lookedAt)
        this.#armSilence(this.#now + this.#track.intervalMs);
    });
    const asking = this.#ask(lookedAt);
    const onAnswer = this.#membership.begin(this.#track.intervalMs);
    const outcome = await asking;
    this.#isLooking = false;
    this.#endedAt = this.#now;
    const own = outcome.kind === 'seen' ? outcome.workRequest : null;
    for (const seen of this.#passedBy.splice(0)) if (seen !== own) this.observe(seen);
    if (!this.#isStopped) this.#take(outcome);
    else if (own !== null) this.#options.onLate(this.#subject.key, own);
    onAnswer();
  }

  async #ask(askedAt: number): Promise<Outcome> {
    try {
      const workRequest = await this.#options.read(this.#subject.ref, this.#track.known);
      return workRequest === null ? { kind: 'absent' } : { kind: 'seen', workRequest, askedAt };
    } catch (error) {
      if (!this.#isStopped) this.#options.tally.pollFailures += 1;
      return { kind: 'failed', error };
    }
  }

  #scheduleLook(): void {
    const track = this.#track;
    const situation = {
      ...track,
      isUnsure: track.unsureSince !== null,
      waitMs: track.notBefore - this.#now,
    };
    this.#lookIn(nextDelayMs(situation, this.#options.rules, this.#options.random()));
  }

  #lookIn(delayMs: number): void {
    this.#dueAt = this.#now + delayMs;
    this.#lookAlarm.set(delayMs);
  }

  #armSilence(notBefore: number): void {
    if (this.#track.silence === null)
      this.#silenceAlarm.set(Math.max(quietUntil(this.#track), notBefore) - this.#now);
  }

  #hearNothing(): void {
    // What others saw meanwhile waits for the look, but not longer than silence is no news.
    if (this.#passedBy.length > 0) for (const seen of this.#passedBy.splice(0)) this.observe(seen);
    else if ((this.#isLooking || this.isOverdue) && this.backlog() !== null)
      this.#silenceAlarm.set(this.#track.intervalMs);
    else this.#take({ kind: 'quiet' });
  }

  // What follows from what was seen

  #take(outcome: Outcome): void {
    const { rules, tally, onTrouble } = this.#options;
    const before = this.#track;
    const step = advance(before, outcome, this.#moment, rules);
    const { track } = step;
    this.#track = track;
    const isFailing = track.failures > 0;
    if (isFailing !== before.failures > 0)
      onTrouble(this.#subject.ref, outcome.kind === 'failed' ? outcome.error : null);
    if (track.known !== null && track.known.compartmentId !== (before.known?.compartmentId ?? null))
      this.#membership.moveTo(this.#options.groupOf(track.known));
    if (step.told?.gap) tally.gaps[step.told.gap.reason] += 1;
    if (step.end !== null) return this.#finish(step.told, step.end);
    if (outcome.kind !== 'quiet') {
      if (!this.#isLooking && !isGlance(outcome)) this.#scheduleLook();
      // A glance puts off no look, but where it asks for rest.
      else if (this.#dueAt !== null && this.#dueAt < track.notBefore)
        this.#lookIn(track.notBefore - this.#now);
      if (isFailing) this.#armSilence(0);
      else if (this.#isLooking) this.#armSilence(this.#now + track.intervalMs);
      else this.#silenceAlarm.clear();
    }
    const told = step.told && this.#withDue(step.told);
    for (const subscriber of this.#subscribers)
      for (const news of this.#newsFor(subscriber, told)) subscriber.writer.push(news);
  }

  #finish(told: Told | null, end: End): void {
    const left = [...this.#subscribers];
    this.#halt(null);
    for (const subscriber of left) {
      if (end !== 'complete') {
        subscriber.writer.fail(end.error);
        continue;
      }
      const news = this.#newsFor(subscriber, told);
      for (const earlier of news.slice(0, -1)) subscriber.writer.push(earlier);
      subscriber.writer.end(news.at(-1));
    }
  }

  #halt(rest: Track | null): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#lookAlarm.clear();
    this.#silenceAlarm.clear();
    this.#subscribers.clear();
    this.#membership.moveTo(null);
    this.#options.onStopped(this.#subject.key, rest);
  }

  // Subscribers

  #seat(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    this.#welcome(subscriber);
  }

  /** The first subscriber starts the looking; a later one is served from what is known, or hurries the next look. */
  #welcome(subscriber: Subscriber): void {
    const { pollMinMs } = this.#options.rules;
    const now = this.#now;
    if (!this.#isLooking && this.#dueAt === null) {
      if (this.#track.notBefore <= now) this.#startLook();
      else this.#lookIn(this.#track.notBefore - now);
    }
    const track = this.#track;
    const isFresh = isHealthy(track) && !this.#isLooking && this.#dueAt !== null && now <= this.#dueAt;
    const soonest = Math.max(track.notBefore, (this.#lookedAt ?? now) + pollMinMs);
    const isPatient = track.known === null || this.#isLooking || soonest - now <= pollMinMs;
    if (!isFresh && isPatient) {
      // Not each newcomer's own look: at most one per shortest interval, and none before upstream wants it.
      if (this.#dueAt !== null && soonest < this.#dueAt) this.#lookIn(Math.max(0, soonest - now));
      if (track.known === null && track.silence) subscriber.writer.push(this.#withDue(track.silence));
      return;
    }
    for (const news of this.#newsFor(subscriber, null)) subscriber.writer.push(news);
  }

  #detach(subscriber: Subscriber): void {
    if (this.#subscribers.delete(subscriber) && this.#subscribers.size === 0) this.#halt(this.#track);
  }

  /** What this step means to one subscriber: for those who wait, the state itself instead of what changed in it. */
  #newsFor(subscriber: Subscriber, told: Told | null): readonly Told[] {
    if (!subscriber.isWaiting) return told ? [told] : [];
    const { known, silence } = this.#track;
    const gap = told?.gap ? told : silence && this.#withDue(silence);
    if (known === null) return told?.gap ? [told] : [];
    subscriber.isWaiting = false;
    const first = this.#presentState(known);
    return gap ? [first, gap] : [first];
  }

  #presentState(known: WorkRequest): Told {
    if (this.#snapshot?.of !== this.#track || this.#snapshot.dueAt !== this.#dueAt)
      this.#snapshot = {
        of: this.#track,
        dueAt: this.#dueAt,
        told: this.#withDue(snapshotOf(known, isHealthy(this.#track))),
      };
    return this.#snapshot.told;
  }

  #withDue(told: Told): Told {
    const nextPollAt =
      this.#dueAt === null ? null : new Date(this.#options.clock.now() + this.#dueAt - this.#now);
    return { ...told, nextPollAt };
  }
}

/** Seen in part while others looked: the rest is still to be read in its time. */
const isGlance = (outcome: Outcome): boolean =>
  outcome.kind === 'seen' && outcome.askedAt === null && outcome.workRequest.isPartial === true;
