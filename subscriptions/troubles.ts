/** Lines about what is watched and cannot be read: one for each place and code, however much is watched there. */
import { GatewayError, UpstreamError } from '../errors.ts';
import type { Clock, WorkRequestRef } from '../datasources/types.ts';

/** The part of a pino logger that is used. */
export interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Who is in trouble for that long, and is left, has nobody to say that it is over: what begins later is told again. */
const silentMs = 5 * 60_000;

/** To be told of the first of a row of failures of each watch, and of its end (null). */
export const createTroubleLog = (
  log: WatchLog,
  clock: Pick<Clock, 'passed'>,
): ((place: Pick<WorkRequestRef, 'service' | 'region'>, error: unknown) => void) => {
  /** By place: when each code was told last. */
  const toldAt = new Map<string, Map<string, number>>();
  return ({ service, region }, error) => {
    const place = `${service} ${region}`;
    if (error === null) {
      if (toldAt.delete(place)) log.info({ service, region }, 'what is watched can be read again');
      return;
    }
    const code = error instanceof GatewayError ? error.code : 'INTERNAL_SERVER_ERROR';
    const codes = toldAt.get(place) ?? new Map<string, number>();
    const now = clock.passed();
    if (now - (codes.get(code) ?? -Infinity) < silentMs) return;
    toldAt.set(place, codes.set(code, now));
    const opcRequestId = error instanceof UpstreamError ? error.failure.opcRequestId : null;
    // What the caller is told stands in the events.
    log.warn({ service, region, code, opcRequestId, err: error }, 'what is watched cannot be read for now');
  };
};
