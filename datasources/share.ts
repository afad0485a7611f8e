/** Identical reads in flight are one call: same credential, host, path, query and headers. */
import type { Interceptor } from './call.ts';
import type { UpstreamAnswer, UpstreamRequest } from './types.ts';

export function createShare(credentialId: string): Interceptor {
  const inFlight = new Map<string, Promise<UpstreamAnswer>>();

  return (next) => (call) => {
    const { request, target } = call;
    if (request.method !== 'GET') {
      // A read that began before a cancel must not answer one that begins after it.
      const forgetAll = (): void => inFlight.clear();
      forgetAll();
      return next(call).finally(forgetAll);
    }
    const key = `${credentialId} ${request.origin}${target} ${headersKey(request.headers)}`;
    const shared = inFlight.get(key);
    if (shared !== undefined) return shared;
    const answer = next(call);
    const forget = (): void => {
      if (inFlight.get(key) === answer) inFlight.delete(key);
    };
    inFlight.set(key, answer);
    answer.then(forget, forget);
    return answer;
  };
}

function headersKey(headers: UpstreamRequest['headers']): string {
  return headers === undefined ? '' : JSON.stringify(Object.entries(headers).sort());
}
