/** Tells an observer (metrics, logs) how each call went. Holds no header, no path and no credential. */
import { UpstreamError } from '../errors.ts';
import type { Span } from '@opentelemetry/api';
import type { ErrorCode } from '../errors.ts';
import type { Interceptor } from './call.ts';
import type { Clock } from './types.ts';

/** One per call that went out, not for those that shared one. */
export interface UpstreamEvent {
  readonly service: string;
  readonly region: string;
  readonly method: 'GET' | 'DELETE';
  /** HTTP status of the last attempt; null when no answer came. */
  readonly status: number | null;
  /** null: success. */
  readonly code: ErrorCode | null;
  /** From the first attempt's wait to the last one's answer. */
  readonly durationMs: number;
  /** HTTP requests sent; 0 when the budget left no turn. */
  readonly attempts: number;
  readonly opcRequestId: string | null;
  /** Of the operation that caused it; undefined: a poll. */
  readonly requestId?: string | undefined;
  readonly span?: Span | null;
}

export function createReport(observe: (event: UpstreamEvent) => void, clock: Clock): Interceptor {
  return (next) => async (call) => {
    const { service, region, method } = call.request;
    const startedAt = clock.now();
    const tell = (status: number | null, code: ErrorCode | null, opcRequestId: string | null): void => {
      const durationMs = clock.now() - startedAt;
      const { attempts, mark, span } = call;
      const requestId = mark?.requestId;
      observe({ service, region, method, status, code, durationMs, attempts, opcRequestId, requestId, span });
    };
    try {
      const answer = await next(call);
      tell(answer.status, null, answer.opcRequestId);
      return answer;
    } catch (error) {
      if (error instanceof UpstreamError) {
        tell(error.failure.status, error.code, error.failure.opcRequestId);
      } else tell(null, 'INTERNAL_SERVER_ERROR', null);
      throw error;
    }
  };
}
