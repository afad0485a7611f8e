/** What a sweep says of a source it could not use, or not whole. */
import { errorCodes, GatewayError, UpstreamError } from '../errors.ts';
import type { ServiceName } from './catalog.ts';
import type { ListParams } from './parents.ts';

/** Where some of the list comes from. */
export interface Source {
  readonly service: ServiceName;
  readonly region: string;
  readonly compartmentId: string;
  readonly params: ListParams;
}

/** Why a source, or a part of it, is not in the list. */
export interface SourceFailure {
  readonly service: ServiceName | null;
  readonly region: string | null;
  readonly compartmentId: string | null;
  /** A code of errors.ts, or NOT_FOUND, or TRUNCATED. */
  readonly code: string;
  readonly message: string;
  readonly isRetryable: boolean;
  readonly opcRequestId: string | null;
  /** Nothing was sent, so it does not count as a try. */
  readonly isUnasked?: true;
}

/** How often what failed is asked again. What made no call was no try, neither the last one nor another. */
export const maxTries = 3;

export const triesAfter = ({ isUnasked }: SourceFailure, tries: number): number =>
  isUnasked ? tries : tries + 1;

export const mayBeAskedAgain = (failure: SourceFailure, tries: number): boolean =>
  failure.isRetryable && triesAfter(failure, tries) <= maxTries;

/** @throws what is no error of ours: a bug */
export const rowOf = (
  { service, region, compartmentId }: Omit<Source, 'params'>,
  error: unknown,
): SourceFailure => {
  if (!(error instanceof GatewayError)) throw error;
  const { code, message } = error;
  const isUpstream = error instanceof UpstreamError;
  return {
    service,
    region,
    compartmentId,
    code,
    message,
    isRetryable: isUpstream ? error.isRetryable : errorCodes[code].isRetryable,
    opcRequestId: isUpstream ? error.failure.opcRequestId : null,
    ...(isUpstream && error.failure.isUnasked && { isUnasked: true }),
  };
};
