/** Identical reads in flight are one call: same credential, host, path, query and headers, for whom they may be shared with. */
import type { Call, Interceptor } from './call.ts';
import { join } from './flight.ts';
import type { Flight, FlightRules } from './flight.ts';
import type { UpstreamAnswer, UpstreamRequest } from './types.ts';

/** @param onJoin told of a call that shares another */
export function createShare(
  credentialId: string,
  rules: FlightRules,
  onJoin: (call: Call, shared: Call) => void = () => {},
): Interceptor {
  const inFlight = new Map<string, Flight<UpstreamAnswer> & { readonly call: Call }>();

  return (next) => (call) => {
    const { request, target, endsAt } = call;
    if (request.method !== 'GET') {
      // A read that began before a cancel must not answer one that begins after it.
      const forgetAll = (): void => inFlight.clear();
      forgetAll();
      return next(call).finally(forgetAll);
    }
    const key = `${credentialId} ${call.apart} ${request.origin}${target} ${headersKey(request.headers)}`;
    const shared = inFlight.get(key);
    const joined = shared && join(shared, { place: request, endsAt }, rules);
    if (joined) {
      onJoin(call, shared.call);
      return joined;
    }
    const flight = { answer: next(call), endsAt, call };
    const forget = (): void => {
      if (inFlight.get(key) === flight) inFlight.delete(key);
    };
    inFlight.set(key, flight);
    flight.answer.then(forget, forget);
    return flight.answer;
  };
}

function headersKey(headers: UpstreamRequest['headers']): string {
  return headers === undefined ? '' : JSON.stringify(Object.entries(headers).sort());
}
