/** One work request, answered when it needs no more waiting: what a subscription is for those who have no socket. */
import { GatewayError, UpstreamError } from '../errors.ts';
import type { Context } from '../context.ts';
import type { WorkRequestRef } from '../datasources/types.ts';
import type { QueryResolvers } from '../schema/generated.ts';
import { depthFor, selectedFields } from './selection.ts';

const defaultSeconds = 30;
const maxSeconds = 300;

export const waitForWorkRequest: QueryResolvers['waitForWorkRequest'] = async (
  _,
  { timeoutSeconds, ...target },
  { router, waitFor, loaders, catalog },
  info,
) => {
  const seconds = checkTimeout(timeoutSeconds ?? defaultSeconds);
  const { ref, ifAbsent } = router.routeWorkRequest(target);
  const waited = await waitFor(ref, seconds * 1_000);
  switch (waited.kind) {
    case 'seen':
      return waited.workRequest;
    case 'absent':
      if (ifAbsent) throw ifAbsent;
      return null;
    case 'refused':
      // The query has the words for it, and what Oracle's support asks for.
      return loaders.workRequest(ref, depthFor(selectedFields(info), catalog[ref.service]));
    case 'unseen':
      throw unseen(ref, catalog);
    case 'stopped':
      throw stopped(ref);
    case 'left':
      return null;
  }
};

const checkTimeout = (seconds: number): number => {
  if (seconds >= 0 && seconds <= maxSeconds) return seconds;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `\`timeoutSeconds\` is ${seconds}; it must be from 0 to ${maxSeconds}. For longer waits ask again, or subscribe.`,
  );
};

const unseen = (ref: WorkRequestRef, catalog: Context['catalog']): UpstreamError =>
  new UpstreamError(
    'UPSTREAM_TIMEOUT',
    `${catalog[ref.service].label} in ${ref.region} told no state of this work request in all the time that it had: timeoutSeconds, or twice UPSTREAM_DEADLINE_MS where that is more. Wait again; the query \`workRequest\` tells what goes wrong.`,
    failureAt(ref),
  );

const stopped = (ref: WorkRequestRef): UpstreamError =>
  new UpstreamError(
    'UPSTREAM_UNAVAILABLE',
    'The gateway is shutting down, and this work request still needs waiting for: ask again.',
    failureAt(ref),
  );

const failureAt = ({ service, region }: WorkRequestRef): UpstreamError['failure'] => ({
  service,
  region,
  status: null,
  nativeCode: null,
  opcRequestId: null,
  retryAfterMs: null,
});
