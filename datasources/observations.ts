/**
 * What was seen of each work request, so that nothing goes backward: an answer that is older than what is known keeps
 * its own fields but takes the known progress. Watchers and queries write and read the same store; that is how a query
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
   * Takes note of what upstream answered to a call made at `askedAt`, and returns what may be told: the answer itself,
   * or the answer with the newer progress that was already known.
   */
  record(seen: WorkRequest, askedAt: number): WorkRequest;
  compartmentOf(ref: WorkRequestRef): string | null;
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
  readonly askedAt: number;
  readonly compartmentId: string | null;
  readonly listExtras: WorkRequest['extras'] | null;
}

export const createObservations = ({
  capacity = 20_000,
}: { readonly capacity?: number } = {}): Observations => {
  const known = new LRUCache<string, Known>({ max: capacity });
  const listedTypes = new LRUCache<string, ReadonlySet<ServiceName>>({ max: 1_000 });
  let olderAnswers = 0;

  const noteType = (service: ServiceName, workRequestId: string): void => {
    const type = parseOcid(workRequestId)?.type;
    if (type === undefined) return;
    const services = listedTypes.get(type);
    if (!services?.has(service)) listedTypes.set(type, new Set([...(services ?? []), service]));
  };

  return {
    record(seen, askedAt) {
      const key = seen.id;
      const before = known.get(key);
      if (seen.origin === 'list') noteType(seen.ref.service, seen.ref.workRequestId);
      const isOlder =
        before !== undefined && (askedAt < before.askedAt || isOlderThan(before.progress, seen));
      if (isOlder) olderAnswers += 1;
      const progress =
        before === undefined ? progressOf(seen) : isOlder ? before.progress : forward(before.progress, seen);
      const listExtras = seen.origin === 'list' ? seen.extras : (before?.listExtras ?? null);
      known.set(key, {
        progress,
        askedAt: isOlder ? before.askedAt : askedAt,
        compartmentId: seen.compartmentId ?? before?.compartmentId ?? null,
        listExtras,
      });
      const extras = seen.origin === 'get' && listExtras ? { ...listExtras, ...seen.extras } : seen.extras;
      return { ...seen, ...progress, extras };
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

/** Whether `next` was true before `known` was. */
export const isOlderThan = (known: Progress, next: Progress): boolean => {
  if (isTerminalStatus(known.status) && next.status !== known.status) return true;
  if (known.timeUpdated && next.timeUpdated && next.timeUpdated < known.timeUpdated) return true;
  return next.status === 'ACCEPTED' && known.status !== 'ACCEPTED' && known.status !== 'UNKNOWN';
};

/** The next progress, its percentage held where it fell within a run; a resume starts a new run. */
const forward = (known: Progress, next: WorkRequest): Progress => {
  const progress = progressOf(next);
  const isResumed = known.status === 'SUSPENDED' && next.status !== 'SUSPENDED';
  if (isResumed || known.percentComplete === null || progress.percentComplete === null) return progress;
  return { ...progress, percentComplete: Math.max(known.percentComplete, progress.percentComplete) };
};

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
