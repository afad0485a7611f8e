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

/** Not for somebody who has more time where it is given up less than a deadline from now. */
export function isOfUse(
  flight: Pick<Flight<unknown>, 'endsAt'>,
  endsAt: number,
  { clock, deadlineMs }: Pick<FlightRules, 'deadlineMs'> & { readonly clock: Pick<Clock, 'now'> },
): boolean {
  return flight.endsAt >= Math.min(endsAt, clock.now() + deadlineMs);
}

/** The flight's answer; null where it is of no use. */
export function join<T>(flight: Flight<T>, passenger: Passenger, rules: FlightRules): Promise<T> | null {
  const { answer } = flight;
  if (!isOfUse(flight, passenger.endsAt, rules)) return null;
  if (flight.endsAt <= passenger.endsAt) return answer;
  const { clock } = rules;
  return inTime(answer, passenger.endsAt - clock.now(), clock, () => late(passenger.place));
}

export function late(place: Passenger['place']): UpstreamError {
  const message = `${placeOf(place)} did not answer in all the time that there is for an answer (twice UPSTREAM_DEADLINE_MS).`;
  return new UpstreamError('UPSTREAM_TIMEOUT', message, failureOf(place));
}
