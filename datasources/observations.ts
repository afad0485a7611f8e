/**
 * What was seen of each work request, so that nothing goes backward: an answer that is older than what is known keeps
 * its own fields but takes the known progress, and says so (`isPartial`). Watchers and queries write and read the same store; that is how a query
 * never answers an older state than an event already told.
 *
 * It also remembers what makes reads cheap: the compartment an id lives in, the OCID types a service's lists showed,
 * and what only list items hold. Bounded; what is evicted is asked for again.
 */
import { LRUCache } from 'lru-cache';
import type { ServiceName } from './catalog.ts';
import { globalIdOf, parseOcid } from './ids.ts';
import { isTerminalStatus } from './status.ts';
import type { WorkRequest, WorkRequestRef } from './types.ts';

export interface Observations {
  /**
   * Takes note of what upstream answered to a call (by the ordinal of its attempt), and returns what may be told: the answer itself,
   * or the answer with the newer progress that was already known.
   * @param compartmentId where it was listed, for items that do not say it themselves
   */
  record(seen: WorkRequest, call: number, compartmentId?: string): WorkRequest;
  /** The same answer, told again later: with the progress that is known by now. */
  refresh(seen: WorkRequest): WorkRequest;
  compartmentOf(ref: WorkRequestRef): string | null;
  /** Keeps what is known of it until `release`, however much else is seen. */
  hold(id: string): void;
  release(id: string): void;
  /** A hint, not a fact: the service whose lists showed ids of this OCID type; null when none or several did. */
  serviceOfListedType(type: string): ServiceName | null;
  /** Answers that were older than what was known, since the start. */
  readonly olderAnswers: number;
}

/** The part of a work request that moves. */
type Progress = Pick<
  WorkRequest,
  | 'status'
  | 'rawStatus'
  | 'isTerminal'
  | 'isCancelable'
  | 'percentComplete'
  | 'timeStarted'
  | 'timeUpdated'
  | 'timeFinished'
>;

interface Known {
  readonly progress: Progress;
  /** The highest percentage of this run; answers that do not tell one leave it standing. */
  readonly percentFloor: number | null;
  /** `timeUpdated` is that of an earlier state: the answer that told this one had none. */
  readonly isTimeEarlier: boolean;
  /** Ordinal of the latest call that told something. */
  call: number;
  readonly compartmentId: string | null;
  readonly listExtras: WorkRequest['extras'] | null;
}

export const createObservations = ({
  capacity = 20_000,
}: { readonly capacity?: number } = {}): Observations => {
  const passing = new LRUCache<string, Known>({ max: capacity });
  /** undefined: held, and nothing known yet. */
  const held = new Map<string, Known | undefined>();
  const known = {
    get: (id: string): Known | undefined => held.get(id) ?? passing.get(id),
    set: (id: string, what: Known): void => void (held.has(id) ? held.set(id, what) : passing.set(id, what)),
  };
  const listedTypes = new LRUCache<string, ReadonlySet<ServiceName>>({ max: 1_000 });
  let olderAnswers = 0;

  /** Of the id that each service's lists showed last, up to its type. */
  const lastTypes = new Map<ServiceName, string>();
  const noteType = (service: ServiceName, workRequestId: string): void => {
    const last = lastTypes.get(service);
    if (last !== undefined && workRequestId.startsWith(last)) return;
    const type = parseOcid(workRequestId)?.type;
    if (type === undefined) return;
    lastTypes.set(service, `ocid1.${type}.`);
    const services = listedTypes.get(type);
    if (!services?.has(service)) listedTypes.set(type, new Set([...(services ?? []), service]));
  };

  return {
    record(seen, call, compartmentId) {
      const key = seen.id;
      const before = known.get(key);
      if (seen.origin === 'list') noteType(seen.ref.service, seen.ref.workRequestId);
      const isOlder =
        before !== undefined &&
        isOlderThan(before.progress, seen, {
          isAnswerToEarlierCall: call < before.call,
          isTimeEarlier: before.isTimeEarlier,
        });
      if (isOlder) olderAnswers += 1;
      const moved = before && isOlder ? complete(before, seen) : forward(before, seen);
      const listExtras = seen.origin === 'list' ? seen.extras : (before?.listExtras ?? null);
      // What was older told nothing: a replica that lags makes no answer late that is under way meanwhile.
      const latest = isOlder ? before.call : Math.max(call, before?.call ?? call);
      const lives = seen.compartmentId ?? compartmentId ?? before?.compartmentId ?? null;
      if (before !== undefined && isNoNews(before, moved, listExtras, lives)) before.call = latest;
      else known.set(key, { ...moved, call: latest, compartmentId: lives, listExtras });
      const extras = seen.origin === 'get' && listExtras ? { ...listExtras, ...seen.extras } : seen.extras;
      return !isOlder && extras === seen.extras && isSame(moved.progress, seen)
        ? seen
        : { ...seen, ...moved.progress, extras, ...(isOlder && { isPartial: true }) };
    },
    refresh(seen) {
      const progress = known.get(seen.id)?.progress;
      // The same object as long as it says the same: what was made of it can be used again.
      return progress === undefined || isSame(progress, seen) ? seen : { ...seen, ...progress };
    },
    hold(id) {
      held.set(id, passing.get(id));
      passing.delete(id);
    },
    release(id) {
      const what = held.get(id);
      held.delete(id);
      if (what) passing.set(id, what);
    },
    compartmentOf: (ref) => known.get(globalIdOf(ref))?.compartmentId ?? null,
    serviceOfListedType(type) {
      const services = [...(listedTypes.get(type) ?? [])];
      return services.length === 1 ? (services[0] ?? null) : null;
    },
    get olderAnswers() {
      return olderAnswers;
    },
  };
};

/**
 * Whether `next` was true before `known` was: by what it says, and only where that leaves it open by the order of the
 * calls. Nothing is newer than the end, however late it is heard of.
 */
export const isOlderThan = (
  known: Progress,
  next: Progress,
  {
    isAnswerToEarlierCall = false,
    isTimeEarlier = false,
  }: {
    readonly isAnswerToEarlierCall?: boolean;
    /** The known `timeUpdated` is less than that of the known state: a later one is no proof. */
    readonly isTimeEarlier?: boolean;
  } = {},
): boolean => {
  if (isTerminalStatus(known.status) && next.status !== known.status) return true;
  if (known.isTerminal !== next.isTerminal) return known.isTerminal;
  const [before, after] = [known.timeUpdated?.getTime(), next.timeUpdated?.getTime()];
  if (before !== undefined && after !== undefined && after < before) return true;
  if (next.status === 'ACCEPTED' && known.status !== 'ACCEPTED' && known.status !== 'UNKNOWN') return true;
  if (before !== undefined && after !== undefined && after > before && !isTimeEarlier) return false;
  return isAnswerToEarlierCall;
};

const isPaused = (status: Progress['status']): boolean => status === 'SUSPENDING' || status === 'SUSPENDED';

type Moved = Pick<Known, 'progress' | 'percentFloor' | 'isTimeEarlier'>;

/** What is known, with the times that an older answer tells and it has not: those of a list item that lacks them. */
const complete = ({ progress, percentFloor, isTimeEarlier }: Known, older: WorkRequest): Moved => ({
  progress: {
    ...progress,
    timeStarted: progress.timeStarted ?? older.timeStarted,
    timeUpdated: isTimeEarlier
      ? later(progress.timeUpdated, older.timeUpdated)
      : (progress.timeUpdated ?? older.timeUpdated),
    timeFinished: progress.timeFinished ?? older.timeFinished,
  },
  percentFloor,
  isTimeEarlier: isTimeEarlier || (progress.timeUpdated === null && older.timeUpdated !== null),
});

const later = (one: Date | null, other: Date | null): Date | null =>
  one === null || (other !== null && other > one) ? other : one;

/** The next progress: its percentage held where it fell within a run, and what a list item lacks as it was known. */
const forward = (known: Known | undefined, next: WorkRequest): Moved => {
  const { percentComplete } = next;
  if (known === undefined)
    return { progress: progressOf(next), percentFloor: percentComplete, isTimeEarlier: false };
  const { progress } = known;
  // A resume starts a new run; the poller may have missed SUSPENDED itself.
  const isResumed = isPaused(progress.status) && !isPaused(next.status);
  const floor = isResumed ? null : known.percentFloor;
  const held =
    percentComplete !== null
      ? Math.max(percentComplete, floor ?? percentComplete)
      : next.origin === 'list'
        ? floor
        : null;
  const moved: Progress = {
    ...progressOf(next),
    percentComplete: held,
    timeStarted: next.timeStarted ?? progress.timeStarted,
    timeUpdated: next.timeUpdated ?? progress.timeUpdated,
    timeFinished: next.timeFinished ?? progress.timeFinished,
  };
  return {
    // What says the same stays the same object: nothing new has to be kept.
    progress: isSame(progress, moved) ? progress : moved,
    percentFloor: held ?? floor,
    isTimeEarlier: next.timeUpdated === null && progress.timeUpdated !== null,
  };
};

const isSame = (one: Progress, other: Progress): boolean =>
  one.status === other.status &&
  one.rawStatus === other.rawStatus &&
  one.isTerminal === other.isTerminal &&
  one.isCancelable === other.isCancelable &&
  one.percentComplete === other.percentComplete &&
  one.timeStarted?.getTime() === other.timeStarted?.getTime() &&
  one.timeUpdated?.getTime() === other.timeUpdated?.getTime() &&
  one.timeFinished?.getTime() === other.timeFinished?.getTime();

/** Whether all of it is known already. */
const isNoNews = (
  known: Known,
  moved: Moved,
  listExtras: Known['listExtras'],
  compartmentId: string | null,
): boolean =>
  known.progress === moved.progress &&
  known.percentFloor === moved.percentFloor &&
  known.isTimeEarlier === moved.isTimeEarlier &&
  known.listExtras === listExtras &&
  known.compartmentId === compartmentId;

const progressOf = (from: Progress): Progress => ({
  status: from.status,
  rawStatus: from.rawStatus,
  isTerminal: from.isTerminal,
  isCancelable: from.isCancelable,
  percentComplete: from.percentComplete,
  timeStarted: from.timeStarted,
  timeUpdated: from.timeUpdated,
  timeFinished: from.timeFinished,
});
