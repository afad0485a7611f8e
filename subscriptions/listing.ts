/**
 * The one poller of one list, a (service, region, compartment), however many subscribe. It discovers; what it finds and is
 * not over is followed by its watcher, the same that a subscription to it alone has.
 *
 * A subscriber that is new needs the whole list; afterwards its newest part tells what was added.
 */
import type { Place } from '../datasources/discovery.ts';
import type { WorkRequestStatus } from '../datasources/status.ts';
import type { Clock, WorkRequest, WorkRequestRef } from '../datasources/types.ts';
import { GatewayError, UpstreamError } from '../errors.ts';
import type { Agenda } from './agenda.ts';
import type { Told } from './events.ts';
import { intervalMs, nextDelayMs, shareOfAge } from './schedule.ts';
import type { Tally } from './tally.ts';
import { listAbsenceOf, listRefusalOf, listSilenceOf, snapshotOf } from './telling.ts';
import type { Rules } from './track.ts';
import type { Follow, Writer } from './watcher.ts';

/** One subscriber's interest in one place. */
export interface Listener {
  /** Whether list items that lack fields do not let it decide. */
  readonly wantsWhole: boolean;
  /** One of many places: something may have happened in this one long ago, if ever. */
  readonly isBroad: boolean;
  /** A state, as a SNAPSHOT, of one that it may not have been told of. */
  onState(snapshot: Told): void;
  /** What happened to one that it may have been told of. */
  onNews(told: Told): void;
  /** The list itself cannot be read: a GAP about nothing. */
  onTrouble(gap: Told): void;
  /** What there is was told, or could not be read for now. Once. */
  onReady(): void;
}

export interface ListingOptions {
  readonly place: Place;
  /** The whole list, or its newest part down to something known. */
  readonly read: (isKnown: ((workRequest: WorkRequest) => boolean) | null) => Promise<readonly WorkRequest[]>;
  /** Whether items of this list hold all fields. */
  readonly isComplete: boolean;
  readonly follow: (ref: WorkRequestRef, seed: WorkRequest | null, writer: Writer) => Follow;
  /** Resolved when all reads that wait for the gateway's own budget by now have had their turn; null: none waits. */
  readonly backlog: () => Promise<void> | null;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly random: () => number;
  readonly tally: Tally;
  /** How much later than due a look began, in milliseconds. */
  readonly observeLateness: (lateMs: number) => void;
  readonly onTrouble: (error: unknown) => void;
  /** The last listener left. */
  readonly onStopped: () => void;
}

export interface Listing {
  /** @returns how to leave */
  attach(listener: Listener): () => void;
  /** Somebody else saw this in the list. */
  sight(workRequest: WorkRequest): void;
  /**
   * What the list tells of it now; null where the part of it that is read does not show it, and a get has to.
   * @throws UpstreamError where the list cannot be read for now
   */
  refresh(id: string): Promise<WorkRequest | null>;
  /** It cannot be read for now: a GAP says so. */
  readonly isStale: boolean;
  /** When upstream last answered, by the clock that never jumps; the start before the first time. */
  readonly answeredAt: number;
}

interface Seat {
  /** Needs the whole list. */
  isWaiting: boolean;
  isReady: boolean;
}

interface Look {
  readonly at: number;
  readonly found: Promise<readonly WorkRequest[]>;
}

/** Who may not list may be allowed to get. */
const nullIfRefused = (error: unknown): null => {
  if (error instanceof GatewayError && (error.code === 'FORBIDDEN' || error.code === 'NOT_FOUND'))
    return null;
  throw error;
};

/** Then the list is read whole again, to forget what is no longer in it. */
const maxKnown = 20_000;
const intervalsOfSilence = 3;

export const createListing = (options: ListingOptions): Listing => {
  const { place, read, isComplete, rules, clock, agenda, tally } = options;
  const seats = new Map<Listener, Seat>();
  /** All that was seen in the list. */
  let known = new Set<string>();
  const followed = new Map<string, Follow>();
  /** Watched to an end, whatever the list still says; and the status that it had then. */
  const over = new Map<string, WorkRequestStatus | null>();
  /** What gets do not find, though the list shows it: how often, and when it is next tried again. */
  const lost = new Map<string, { readonly times: number; readonly retryAt: number }>();
  /** Followed, and no state told yet. */
  const unsettled = new Set<string>();
  let trouble: Told | null = null;
  let failures = 0;
  let answeredAt = clock.passed();
  /** Milliseconds since the epoch. */
  let seenAt: number | null = null;
  /** When something last came, or somebody who means this list in particular. */
  let newsAt = clock.passed() - rules.pollMaxMs / shareOfAge;
  let notBefore = 0;
  let interval = rules.pollMinMs;
  let lookedAt: number | null = null;
  /** When the last look had its turn, as far as we know. */
  let askedAt = 0;
  let dueAt: number | null = null;
  /** The last one. */
  let current: Look | null = null;
  /** Not shown by the newest part of the list. */
  const deep = new Set<string>();
  let isLooking = false;
  let isStopped = false;
  let hasNews = false;

  const look = async (): Promise<void> => {
    isLooking = true;
    const begunAt = clock.passed();
    lookedAt = askedAt = begunAt;
    // Its own turn comes after those of all who wait already.
    const ownTurn = options.backlog()?.then(options.backlog);
    void ownTurn?.then(() => {
      if (!isLooking || isStopped || lookedAt !== begunAt) return;
      askedAt = clock.passed();
      armSilence();
    });
    if (dueAt !== null) options.observeLateness(Math.max(0, lookedAt - dueAt));
    dueAt = null;
    notBefore = 0;
    hasNews = false;
    tally.polls += 1;
    const isWhole = known.size > maxKnown || [...seats.values()].some(({ isWaiting }) => isWaiting);
    armSilence();
    let error: unknown = null;
    try {
      const reading = read(isWhole ? null : ({ id }) => known.has(id));
      current = { at: lookedAt, found: reading };
      const found = await reading;
      isLooking = false;
      if (isStopped) return;
      answer(found, isWhole);
    } catch (caught) {
      isLooking = false;
      if (isStopped) return;
      error = caught;
      fail(caught);
    }
    if (isStopped) return;
    const now = clock.passed();
    interval = intervalMs(
      { status: 'IN_PROGRESS', percentComplete: null, inStatusMs: now - newsAt, unchanged: hasNews ? 0 : 1 },
      rules,
    );
    // Who came while the newest part was read gets the whole list as soon as it may be read again.
    const isAwaited = error === null && [...seats.values()].some(({ isWaiting }) => isWaiting);
    const situation = {
      intervalMs: interval,
      failures,
      absences: 0,
      isUnsure: isAwaited,
      waitMs: notBefore - now,
    };
    lookIn(nextDelayMs(situation, rules, options.random()));
    armSilence();
  };

  const answer = (found: readonly WorkRequest[], isWhole: boolean): void => {
    if (failures > 0) options.onTrouble(null);
    failures = 0;
    trouble = null;
    answeredAt = clock.passed();
    seenAt = clock.now();
    const before = known;
    if (isWhole) known = new Set(followed.keys());
    for (const item of found) note(item, !before.has(item.id), isWhole);
    if (isWhole) {
      for (const id of over.keys()) if (!known.has(id)) over.delete(id);
      for (const id of lost.keys()) if (!known.has(id)) lost.delete(id);
      for (const seat of seats.values()) seat.isWaiting = false;
    }
    greet();
  };

  const note = (item: WorkRequest, isNew: boolean, isWhole: boolean): void => {
    known.add(item.id);
    if (isNew) {
      hasNews = true;
      const ageMs = item.timeAccepted === null ? 0 : clock.now() - item.timeAccepted.getTime();
      newsAt = Math.max(newsAt, clock.passed() - Math.max(0, ageMs));
    }
    // Its time of finish ended it, and now it has its word: who waits for that has not heard of it.
    const isNamed =
      over.has(item.id) && rules.isTerminalStatus(item.status) && over.get(item.id) !== item.status;
    if (isNamed) over.delete(item.id);
    const present = followed.get(item.id);
    if (present) {
      const snapshot = isWhole ? present.snapshot() : null;
      if (snapshot) tellState(snapshot);
    } else if (mustFollow(item)) {
      if (!over.has(item.id)) {
        if ((lost.get(item.id)?.retryAt ?? 0) <= clock.passed()) follow(item);
      }
      // Watched to an end that its word does not tell.
      else if (isWhole) tellState(snapshotOf(item, true));
    } else if (isNew || isWhole || isNamed) {
      tellState(snapshotOf(item, true));
    }
  };

  const mustFollow = (item: WorkRequest): boolean =>
    !rules.isTerminalStatus(item.status) ||
    (!isComplete && [...seats.keys()].some(({ wantsWhole }) => wantsWhole));

  const follow = ({ id, ref, ...item }: WorkRequest): void => {
    const settle = (): void => {
      if (unsettled.delete(id)) greet();
    };
    let isOver = false;
    const finish = (last: Told | null, isLost: boolean): void => {
      isOver = true;
      followed.delete(id);
      deep.delete(id);
      // What gets did not find and the list still shows is there.
      if (!isLost) over.set(id, last?.workRequest?.status ?? null);
      else if (!isComplete) lose(id);
      if (last) relay(last);
      settle();
    };
    const writer: Writer = {
      push(told) {
        if (told.type !== 'GAP') lost.delete(id);
        relay(told);
        settle();
      },
      end: (last) => finish(last ?? null, last?.gap != null),
      fail: () => finish(null, true),
    };
    unsettled.add(id);
    const seat = options.follow(ref, isComplete ? { id, ref, ...item } : null, writer);
    if (!isOver) followed.set(id, seat);
  };

  const lose = (id: string): void => {
    const times = (lost.get(id)?.times ?? 0) + 1;
    const delayMs = Math.min(rules.pollMinMs * 2 ** Math.min(times, 30), rules.pollMaxMs / shareOfAge);
    lost.set(id, { times, retryAt: clock.passed() + delayMs });
  };

  const relay = (told: Told): void => {
    if (told.type === 'SNAPSHOT') tellState(told);
    else for (const listener of [...seats.keys()]) listener.onNews(told);
  };

  const tellState = (snapshot: Told): void => {
    for (const listener of [...seats.keys()]) listener.onState(snapshot);
  };

  /** Those for whom all that there is was told. */
  const greet = (): void => {
    if (unsettled.size > 0 || isLooking) return;
    for (const [listener, seat] of [...seats]) if (!seat.isWaiting) welcome(listener, seat);
  };

  const welcome = (listener: Listener, seat: Seat): void => {
    if (seat.isReady) return;
    seat.isReady = true;
    if (trouble) listener.onTrouble(trouble);
    listener.onReady();
  };

  const fail = (error: unknown): void => {
    tally.pollFailures += 1;
    if (failures === 0) options.onTrouble(error);
    failures += 1;
    const code = error instanceof GatewayError ? error.code : null;
    if (error instanceof UpstreamError) notBefore = clock.passed() + (error.failure.retryAfterMs ?? 0);
    // Upstream is sure; all the same it is asked again, rarely: permissions are given, too.
    if (code === 'FORBIDDEN') setTrouble(listRefusalOf(place, clock.now()));
    else if (code === 'NOT_FOUND') setTrouble(listAbsenceOf(place, clock.now()));
    for (const [listener, seat] of [...seats]) welcome(listener, seat);
  };

  const setTrouble = (gap: Told): void => {
    if (trouble?.gap?.reason === gap.gap?.reason) return;
    trouble = gap;
    if (gap.gap) tally.gaps[gap.gap.reason] += 1;
    for (const [listener, { isReady }] of [...seats]) if (isReady) listener.onTrouble(gap);
  };

  const lookIn = (delayMs: number): void => {
    dueAt = clock.passed() + delayMs;
    lookAlarm.set(delayMs);
  };

  const armSilence = (): void => {
    if (trouble !== null || (failures === 0 && !isLooking)) return silenceAlarm.clear();
    const quietUntil = Math.max(
      answeredAt + intervalsOfSilence * interval,
      notBefore && notBefore + interval,
    );
    silenceAlarm.set(Math.max(quietUntil, askedAt + interval) - clock.passed());
  };

  const startLook = (): void => {
    lookAlarm.clear();
    void look();
  };
  const lookAlarm = agenda.createAlarm(startLook);
  const silenceAlarm = agenda.createAlarm(() => {
    if (isLooking && options.backlog() !== null) silenceAlarm.set(interval);
    else setTrouble(listSilenceOf(place, seenAt, clock.now()));
  });

  return {
    attach(listener) {
      seats.set(listener, { isWaiting: true, isReady: false });
      const now = clock.passed();
      if (!listener.isBroad) newsAt = now;
      // Not each newcomer's own look: at most one per shortest interval, and none before upstream wants it.
      const soonest = Math.max(notBefore, lookedAt === null ? now : lookedAt + rules.pollMinMs);
      if (!isLooking && soonest <= now) startLook();
      else if (!isLooking && (dueAt === null || soonest < dueAt)) lookIn(soonest - now);
      return () => {
        seats.delete(listener);
        if (seats.size > 0 || isStopped) return;
        isStopped = true;
        lookAlarm.clear();
        silenceAlarm.clear();
        for (const { leave } of [...followed.values()]) leave();
        followed.clear();
        options.onStopped();
      };
    },
    async refresh(id) {
      // A look that began just now is as good as one of its own.
      const isFresh = current !== null && isLooking && clock.passed() - current.at <= rules.pollMinMs / 10;
      if (isStopped || !isComplete || deep.has(id) || trouble !== null || (isLooking && !isFresh))
        return null;
      if (!isFresh) {
        if (notBefore > clock.passed()) return null;
        startLook();
      }
      const found = await current?.found.catch(nullIfRefused);
      const item = found?.find((each) => each.id === id);
      if (found && item === undefined) deep.add(id);
      return item ?? null;
    },
    sight(item) {
      if (!isStopped && !known.has(item.id)) note(item, true, false);
    },
    get isStale() {
      return trouble !== null;
    },
    get answeredAt() {
      return answeredAt;
    },
  };
};
