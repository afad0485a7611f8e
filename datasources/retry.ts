/**
 * Asking again: which failures of a read are worth it, how long to wait, and a quota so that an outage is not amplified.
 *
 * Waits grow exponentially with full jitter (each is random between nothing and the bound), honour `retry-after`, and
 * never lead beyond the call's total time. The quota is the token bucket of Oracle's and AWS' SDKs: every retry costs
 * one, every success gives a tenth back, so of a dead service we ask hardly more often than without retries.
 */
import { UpstreamError } from '../errors.ts';
import type { Call, Interceptor } from './call.ts';
import type { Clock } from './types.ts';

const maxAttempts = 4;
const baseMs = 200;
const maxWaitMs = 5_000;
/** In tenths, so that counting stays exact: ten retries, each success pays for a tenth of one. */
const quotaPerKey = 100;
const price = 10;
const refund = 1;

/** `retryable`: another attempt may bring another answer. Timeouts are not: a slow service gets no second load. */
const retryableStatuses: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

export interface RetryOptions {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Ends waits when the gateway closes. */
  readonly closing: AbortSignal;
  /** After a 401: true when there is a credential worth one more attempt. */
  readonly reloadCredential: (call: Call) => Promise<boolean>;
}

export function createRetry({ clock, random, closing, reloadCredential }: RetryOptions): Interceptor {
  const quota = createRetryQuota();

  return (next) => async (call) => {
    let hasReloaded = false;
    let lastError: unknown;
    for (let attempts = 1; ; attempts += 1) {
      try {
        const answer = await next(call);
        quota.succeed(call.budgetKey);
        return answer;
      } catch (error) {
        // When there is no turn for a further attempt, what Oracle said to the last one explains more.
        if (lastError !== undefined && isWithoutTurn(error)) throw lastError;
        lastError = error;
      }
      if (!hasReloaded && isRefusedCredential(lastError)) {
        // A 401 means that nothing was carried out, so this one holds for deletes too, and is no retry of the quota's.
        hasReloaded = true;
        attempts -= 1;
        if (await reloadCredential(call)) continue;
        throw lastError;
      }
      const remainingMs = call.endsAt - clock.now();
      const waitMs = nextWaitMs({
        error: lastError,
        method: call.request.method,
        attempts,
        remainingMs,
        random,
      });
      if (waitMs === null || closing.aborted || !quota.take(call.budgetKey)) throw lastError;
      try {
        await clock.sleep(waitMs, closing);
      } catch {
        throw lastError;
      }
    }
  };
}

function isRefusedCredential(error: unknown): boolean {
  return error instanceof UpstreamError && error.failure.status === 401;
}

function isWithoutTurn(error: unknown): boolean {
  return (
    error instanceof UpstreamError && error.code === 'UPSTREAM_THROTTLED' && error.failure.status === null
  );
}

export interface RetryQuota {
  /** False when the key's retries are used up. */
  take(key: string): boolean;
  succeed(key: string): void;
}

export function createRetryQuota(): RetryQuota {
  const spent = new Map<string, number>();
  return {
    take(key) {
      const used = spent.get(key) ?? 0;
      if (used + price > quotaPerKey) return false;
      spent.set(key, used + price);
      return true;
    },
    succeed(key) {
      const used = spent.get(key);
      if (used === undefined) return;
      if (used <= refund) spent.delete(key);
      else spent.set(key, used - refund);
    },
  };
}

export interface Trouble {
  readonly error: unknown;
  readonly method: 'GET' | 'DELETE';
  /** Attempts made so far, this one included. */
  readonly attempts: number;
  /** What is left of the call's total time. */
  readonly remainingMs: number;
  readonly random: () => number;
}

/** How long to wait before the next attempt, in milliseconds; null: do not ask again. */
export function nextWaitMs(trouble: Trouble): number | null {
  const { error, method, attempts, remainingMs, random } = trouble;
  if (
    method !== 'GET' ||
    attempts >= maxAttempts ||
    !(error instanceof UpstreamError) ||
    !isWorthRetrying(error)
  )
    return null;
  const jitterMs = random() * Math.min(maxWaitMs, baseMs * 2 ** (attempts - 1));
  const waitMs = Math.max(jitterMs, error.failure.retryAfterMs ?? 0);
  return waitMs < remainingMs ? waitMs : null;
}

function isWorthRetrying(error: UpstreamError): boolean {
  const { status, nativeCode } = error.failure;
  if (status === null) return error.code === 'UPSTREAM_UNAVAILABLE' || isCut(error);
  return retryableStatuses.has(status) || (status === 409 && nativeCode === 'IncorrectState');
}

/** The connection ended inside an answer, which is a reset like any other. */
function isCut(error: UpstreamError): boolean {
  return error.code === 'UPSTREAM_MALFORMED' && error.isRetryable;
}
