/**
 * What is known of one watched work request, and what follows from the next look at it. Pure: `advance` takes what a
 * look brought and returns the new track, what to tell, and whether the watch is over. The watcher carries it out.
 */
import { GatewayError, UpstreamError } from '../errors.ts';
import type { WorkRequest } from '../datasources/types.ts';
import type { WorkRequestStatus } from '../datasources/status.ts';
import { changedFields, isStatusChange } from './changes.ts';
import type { Told } from './events.ts';
import { intervalMs } from './schedule.ts';
import type { PollBounds } from './schedule.ts';
import { absenceOf, changedOf, finishedOf, goneOf, refusalOf, silenceOf } from './telling.ts';

/** A moment by two clocks: one that never jumps, for all that is waited for, and that on the wall, for what is told. */
export interface Moment {
  /** `Clock.passed()` */
  readonly at: number;
  /** Milliseconds since the epoch. */
  readonly wall: number;
}

/** All times but `seenAt` are those of the clock that never jumps. */
export interface Track {
  readonly known: WorkRequest | null;
  /** When upstream last answered with a state, in milliseconds since the epoch; null when it never did. */
  readonly seenAt: number | null;
  /** When upstream last answered at all, a 404 included; the start before the first time. */
  readonly answeredAt: number;
  /** Since when it is in its status, as far as we know. */
  readonly inStatusSince: number;
  /** Looks in a row that brought nothing new, no answer, a 404. */
  readonly unchanged: number;
  readonly failures: number;
  readonly absences: number;
  readonly failingSince: number | null;
  readonly absentSince: number | null;
  /** When `timeFinished` was first seen without a final word. */
  readonly unsureSince: number | null;
  /** The undisturbed interval between two looks. */
  readonly intervalMs: number;
  /** Before this, upstream wants no look. */
  readonly notBefore: number;
  /** The same, but asking again and again in one row of failures does not put it off; 0 where it did not ask. */
  readonly patientUntil: number;
  /** The GAP of the silence that lasts; told once. */
  readonly silence: Told | null;
}

export type Outcome =
  /** `askedAt`: when our own look began, by the clock that never jumps; null when somebody else's read brought it. */
  | { readonly kind: 'seen'; readonly workRequest: WorkRequest; readonly askedAt: number | null }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The time up to which silence is no news has passed. */
  | { readonly kind: 'quiet' };

export interface Step {
  readonly track: Track;
  /** For those who have their SNAPSHOT. Never more than one event. */
  readonly told: Told | null;
  readonly end: End | null;
}

export type End = 'complete' | { readonly error: unknown };

export interface Rules extends PollBounds {
  readonly isTerminal: (workRequest: WorkRequest) => boolean;
  readonly isTerminalStatus: (status: WorkRequestStatus) => boolean;
}

const absencesToBelieve = 3;
const intervalsToBelieve = 2;
const intervalsOfSilence = 3;

/** After an answer with a state. */
const calm = {
  failures: 0,
  absences: 0,
  failingSince: null,
  absentSince: null,
  silence: null,
} as const satisfies Partial<Track>;

export const startTrack = ({ at: now }: Moment, { pollMinMs }: PollBounds): Track => ({
  known: null,
  seenAt: null,
  answeredAt: now,
  inStatusSince: now,
  unchanged: 0,
  unsureSince: null,
  intervalMs: pollMinMs,
  notBefore: 0,
  patientUntil: 0,
  ...calm,
});

/** Takes up again what was known, where upstream asked not to be asked so soon. */
export const resumeTrack = (track: Track, { at }: Moment): Track => ({ ...track, ...calm, answeredAt: at });

export const advance = (track: Track, outcome: Outcome, moment: Moment, rules: Rules): Step => {
  switch (outcome.kind) {
    case 'seen':
      return see(track, stateOf(outcome.workRequest, track.known), outcome.askedAt, moment, rules);
    case 'absent':
      return miss(track, moment);
    case 'failed':
      return fail(track, outcome.error, moment);
    case 'quiet':
      return fallSilent(track, moment);
  }
};

/** Whether the last look brought a state. */
export const isHealthy = (track: Track): boolean =>
  track.known !== null && track.failures === 0 && track.absences === 0;

/**
 * Until when silence is no news: three intervals after the last answer, and, where upstream asked for more patience,
 * one interval after that.
 */
export const quietUntil = ({ answeredAt, intervalMs, patientUntil }: Track): number =>
  Math.max(answeredAt + intervalsOfSilence * intervalMs, patientUntil > 0 ? patientUntil + intervalMs : 0);

/** The whole of what is known by now. */
const stateOf = (seen: WorkRequest, known: WorkRequest | null): WorkRequest =>
  known === null || !seen.isPartial
    ? seen
    : {
        ...known,
        status: seen.status,
        rawStatus: seen.rawStatus,
        isTerminal: seen.isTerminal,
        isCancelable: seen.isCancelable,
        percentComplete: seen.percentComplete,
        timeStarted: seen.timeStarted,
        timeUpdated: seen.timeUpdated,
        timeFinished: seen.timeFinished,
        observedAt: seen.observedAt,
        retryAfterMs: seen.retryAfterMs,
      };

const see = (
  track: Track,
  workRequest: WorkRequest,
  askedAt: number | null,
  { at: now, wall }: Moment,
  rules: Rules,
): Step => {
  const { known } = track;
  const changes = known === null ? [] : changedFields(known, workRequest);
  const hasNewStatus = isStatusChange(changes);
  const isFinal = rules.isTerminalStatus(workRequest.status);
  const isUnsure = !isFinal && rules.isTerminal(workRequest);
  const isOver = isFinal || (isUnsure && isSecondLook(track, askedAt));
  const inStatusSince =
    known === null ? now - ageOf(workRequest, wall) : hasNewStatus ? now : track.inStatusSince;
  const unchanged = changes.length > 0 ? 0 : track.unchanged + 1;
  const askedMs = workRequest.retryAfterMs ?? 0;
  // What only `timeFinished` says is held until the second look tells it as FINISHED; a new status never is.
  const isNews = isUnsure ? hasNewStatus : changes.length > 0;
  let told: Told | null = null;
  if (known !== null && isOver) told = finishedOf(known, workRequest);
  else if (known !== null && isNews) told = changedOf(known, workRequest, { isProgress: !hasNewStatus });
  return {
    track: {
      ...track,
      ...calm,
      known: workRequest,
      seenAt: wall,
      answeredAt: now,
      inStatusSince,
      unchanged,
      unsureSince: isUnsure ? (track.unsureSince ?? now) : null,
      intervalMs: intervalMs(
        {
          status: workRequest.status,
          percentComplete: workRequest.percentComplete,
          inStatusMs: now - inStatusSince,
          unchanged,
        },
        rules,
      ),
      notBefore: Math.max(track.notBefore, now + askedMs),
      patientUntil: askedMs > 0 ? now + askedMs : 0,
    },
    told,
    end: isOver ? 'complete' : null,
  };
};

/** A read that began before the first answer was known is the same look, however it came here. */
const isSecondLook = (track: Track, askedAt: number | null): boolean =>
  track.unsureSince !== null && askedAt !== null && askedAt > track.unsureSince;

const ageOf = ({ timeAccepted, timeStarted }: WorkRequest, wall: number): number =>
  Math.max(0, wall - ((timeStarted ?? timeAccepted)?.getTime() ?? wall));

const miss = (track: Track, { at: now, wall }: Moment): Step => {
  const { known } = track;
  if (known === null) return { track, told: absenceOf(wall), end: 'complete' };
  const absentSince = track.absentSince ?? now;
  const next: Track = {
    ...track,
    answeredAt: now,
    failures: 0,
    failingSince: null,
    absences: track.absences + 1,
    absentSince,
    silence: null,
  };
  const isLasting =
    next.absences >= absencesToBelieve && now - absentSince >= intervalsToBelieve * track.intervalMs;
  if (!isLasting) return { track: next, told: null, end: null };
  // It was seen finished, only without a final word: that it is gone now takes nothing from that.
  const told = track.unsureSince === null ? goneOf(known, track.seenAt, wall) : finishedOf(known, known);
  return { track: next, told, end: 'complete' };
};

const fail = (track: Track, error: unknown, { at: now, wall }: Moment): Step => {
  if (error instanceof GatewayError && error.code === 'FORBIDDEN')
    return { track, told: refusalOf(track.known, track.seenAt, wall), end: 'complete' };
  // Before anything was seen the trouble is the caller's to hear. Later it can pass, as when a key is rotated.
  const canPass = error instanceof UpstreamError && error.isRetryable;
  if (track.known === null && !canPass) return { track, told: null, end: { error } };
  const askedMs = error instanceof UpstreamError ? (error.failure.retryAfterMs ?? 0) : 0;
  const failingSince = track.failingSince ?? now;
  return {
    track: {
      ...track,
      failures: track.failures + 1,
      failingSince,
      notBefore: Math.max(track.notBefore, now + askedMs),
      patientUntil: askedMs > 0 ? Math.max(track.patientUntil, failingSince + askedMs) : track.patientUntil,
    },
    told: null,
    end: null,
  };
};

const fallSilent = (track: Track, { wall }: Moment): Step => {
  const silence = silenceOf(track.known, track.seenAt, wall);
  return { track: { ...track, silence }, told: silence, end: null };
};
