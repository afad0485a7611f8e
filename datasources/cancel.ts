/**
 * Cancelling, with what stands in its way as data. Nothing is canceled blindly: the work request is read first, its
 * etag goes along where the API takes one, and only a state that changed in between is tried again, once.
 */
import { UpstreamError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { catalog } from './catalog.ts';
import type { WorkRequest, WorkRequestRef, WorkRequestSource } from './types.ts';

export interface Cancellation {
  /** The state read back; null where it could not be had. */
  readonly workRequest: WorkRequest | null;
  /** null: Oracle Cloud took the cancel on. */
  readonly error: CancelError | null;
}

export interface CancelError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** HTTP: the state does not allow it; it is not the state any more that the etag names. */
const conflict = 409;
const preconditionFailed = 412;

/** @throws UpstreamError where not even the state could be read */
export const cancelWorkRequest = async (
  source: Pick<WorkRequestSource, 'get' | 'cancel'>,
  ref: WorkRequestRef,
  mayCancel: (workRequest: WorkRequest) => boolean = () => true,
): Promise<Cancellation> => {
  const api = catalog[ref.service];
  if (api.cancel === 'none') {
    return refuse(null, 'NOT_CANCELABLE', `${api.label} cannot cancel work requests.`);
  }
  for (let attempt = 1; ; attempt += 1) {
    const before = await source.get(ref);
    if (before !== null && !mayCancel(before))
      return refuse(before, 'FORBIDDEN', 'You may see this work request, and not cancel it.');
    const obstacle = obstacleOf(before);
    if (before === null || obstacle) return { workRequest: before, error: obstacle };
    try {
      await source.cancel(before.ref, before.etag === null ? {} : { ifMatch: before.etag });
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      const { status } = error.failure;
      if (status === preconditionFailed && attempt === 1) continue;
      return explain(error, await readBack(source, before));
    }
    return { workRequest: await readBack(source, before), error: null };
  }
};

const obstacleOf = (workRequest: WorkRequest | null): CancelError | null => {
  if (workRequest === null) {
    return { code: 'NOT_FOUND', message: 'The work request does not exist, or the gateway may not see it.' };
  }
  const { isTerminal, isCancelable, rawStatus, status } = workRequest;
  if (isTerminal) return { code: 'ALREADY_FINISHED', message: `It is finished: ${rawStatus || status}.` };
  if (!isCancelable)
    return { code: 'NOT_CANCELABLE', message: `It cannot be canceled while it is ${rawStatus || status}.` };
  return null;
};

const explain = (error: UpstreamError, workRequest: WorkRequest | null): Cancellation => {
  const { status } = error.failure;
  if (status !== conflict && status !== preconditionFailed)
    return refuse(workRequest, error.code, error.message);
  return workRequest?.isTerminal
    ? { workRequest, error: obstacleOf(workRequest) }
    : refuse(workRequest, 'NOT_CANCELABLE', error.message);
};

/** The state after it; the one before it where reading fails: the cancel itself was answered all the same. */
const readBack = async (
  source: Pick<WorkRequestSource, 'get'>,
  before: WorkRequest,
): Promise<WorkRequest | null> => {
  try {
    return await source.get(before.ref);
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    return { ...before, isStale: true };
  }
};

const refuse = (workRequest: WorkRequest | null, code: ErrorCode, message: string): Cancellation => ({
  workRequest,
  error: { code, message },
});
