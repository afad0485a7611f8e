/**
 * When to look again. Pure: from what is known of a work request to a number of milliseconds.
 *
 * The interval follows the age: something that has been in its state for ten minutes will hardly leave it within the
 * next two seconds, and whoever waits for it does not mind thirty. What moves is looked at twice as often, what waits
 * for somebody else half as often, and what tells its percentage the more often the nearer its end must be.
 */
import type { WorkRequestStatus } from '../datasources/status.ts';

export interface PollBounds {
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
}

export interface Pace {
  readonly status: WorkRequestStatus;
  readonly percentComplete: number | null;
  /** For how long it has been in this status. */
  readonly inStatusMs: number;
  /** Looks in a row that brought nothing new. */
  readonly unchanged: number;
}

export interface Situation {
  /** What `intervalMs` said when the work request was last seen. */
  readonly intervalMs: number;
  /** Looks in a row that brought no answer, and that brought a 404. */
  readonly failures: number;
  readonly absences: number;
  /** `timeFinished` was seen without a final word: one more look, soon. */
  readonly isUnsure: boolean;
  /** How long upstream still wants to be left alone; binds above `pollMaxMs` too. */
  readonly waitMs: number;
}

/** Oracle forgets a work request after this time, so no wait needs to be longer (nor would a timer take it). */
const longestWaitMs = 12 * 60 * 60 * 1000;

export const shareOfAge = 1 / 20;
const shareOfRest = 1 / 8;

/** They change when somebody or something else acts. */
const restingStatuses: ReadonlySet<WorkRequestStatus> = new Set(['WAITING', 'NEEDS_ATTENTION', 'SUSPENDED']);

/** The undisturbed interval between two looks. */
export const intervalMs = (pace: Pace, bounds: PollBounds): number => {
  const haste = pace.unchanged === 0 ? 1 / 2 : 1;
  const calm = restingStatuses.has(pace.status) ? 2 : 1;
  return within(bounds, Math.min(pace.inStatusMs * shareOfAge * haste * calm, restMs(pace) * shareOfRest));
};

/** How long it still takes if it goes on as fast as it did. */
const restMs = ({ percentComplete, inStatusMs }: Pace): number =>
  percentComplete === null || percentComplete <= 0
    ? Infinity
    : (inStatusMs * (100 - percentComplete)) / percentComplete;

/** How long to wait before the next look. `random` is in [0, 1). */
export const nextDelayMs = (situation: Situation, bounds: PollBounds, random: number): number =>
  Math.min(
    longestWaitMs,
    Math.max(within(bounds, undisturbedMs(situation, bounds, random)), situation.waitMs || 0),
  );

const undisturbedMs = (
  { intervalMs, failures, absences, isUnsure }: Situation,
  { pollMinMs }: PollBounds,
  random: number,
): number => {
  if (failures > 0) return intervalMs * 2 ** Math.min(failures, 16) * (0.5 + random / 2);
  // Never shorter than the interval: a 404 must last for two of them to be believed.
  if (absences > 0) return intervalMs * (1 + random / 10);
  if (isUnsure) return pollMinMs;
  return intervalMs * (0.9 + random / 5);
};

const within = ({ pollMinMs, pollMaxMs }: PollBounds, ms: number): number =>
  Number.isFinite(ms) ? Math.max(pollMinMs, Math.min(pollMaxMs, ms)) : pollMinMs;
