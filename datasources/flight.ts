/** A call under way that others may join: everyone for as long as their own time lasts. */
import { UpstreamError } from '../errors.ts';
import { failureOf, placeOf } from './answers.ts';
import { inTime } from './in-time.ts';
import type { Clock, UpstreamRequest } from './types.ts';

export interface Flight<T> {
  readonly answer: Promise<T>;
  /** When it is given up, in milliseconds since the epoch. */
  readonly endsAt: number;
}

export interface Passenger {
  readonly place: Pick<UpstreamRequest, 'service' | 'region'>;
  readonly endsAt: number;
}

export interface FlightRules {
  readonly clock: Clock;
  /** `UPSTREAM_DEADLINE_MS` */
  readonly deadlineMs: number;
}

/** The flight's answer; null where it is given up too soon to be of use to somebody who has more time. */
export function join<T>(
  { answer, endsAt }: Flight<T>,
  passenger: Passenger,
  { clock, deadlineMs }: FlightRules,
): Promise<T> | null {
  const now = clock.now();
  if (endsAt < Math.min(passenger.endsAt, now + deadlineMs)) return null;
  if (endsAt <= passenger.endsAt) return answer;
  return inTime(answer, passenger.endsAt - now, clock, () => late(passenger.place));
}

export function late(place: Passenger['place']): UpstreamError {
  const message = `${placeOf(place)} did not answer in all the time that there is for an answer (twice UPSTREAM_DEADLINE_MS).`;
  return new UpstreamError('UPSTREAM_TIMEOUT', message, failureOf(place));
}
