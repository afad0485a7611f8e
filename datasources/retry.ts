/**
 * Asking again: which failures of a read are worth it, how long to wait, and a quota so that an outage is not amplified.
 *
 * Waits grow exponentially with full jitter (each is random between nothing and the bound), honour `retry-after`, and
 * never lead beyond the call's total time. The quota is the token bucket of Oracle's and AWS' SDKs: every retry costs
 * one, every success gives a tenth back, and so does every second, so that a service that was dead is not without
 * retries for long; while it is dead, we ask it hardly more often than without retries.
 */
import { UpstreamError } from '../errors.ts';
import type { Call, Interceptor } from './call.ts';
import type { Clock } from './types.ts';

const maxAttempts = 4;
const baseMs = 200;
const maxWaitMs = 5_000;
/** The quota is kept in milliseconds, with which it comes back: ten retries; a success is worth a second. */
const quotaMs = 100_000;
const priceMs = 10_000;
const refundMs = 1_000;

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
  const quota = createRetryQuota(clock);

  return (next) => async (call) => {
    let hasReloaded = false;
    let lastError: unknown;
    for (let attempts = 1; ; attempts += 1) {
      const sent = call.attempts;
      try {
        const answer = await next(call);
        quota.succeed(call.budgetKey);
        return answer;
      } catch (error) {
        // Where a further attempt could not be made, what Oracle said to the last one explains more.
        if (lastError !== undefined && call.attempts === sent) throw lastError;
        lastError = error;
      }
      if (!hasReloaded && isStatus(lastError, 401)) {
        // A 401 means that nothing was carried out, so this one holds for deletes too, and is no retry of the quota's.
        hasReloaded = true;
        attempts -= 1;
        if (await reloadCredential(call)) continue;
        throw lastError;
      }
      // A poll has a schedule: it hears at once how long to wait.
      if (call.hasTurn && isStatus(lastError, 429)) throw lastError;
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

function isStatus(error: unknown, status: number): boolean {
  return error instanceof UpstreamError && error.failure.status === status;
}

export interface RetryQuota {
  /** False when the key's retries are used up. */
  take(key: string): boolean;
  succeed(key: string): void;
}

export function createRetryQuota(clock: Pick<Clock, 'now'>): RetryQuota {
  const spent = new Map<string, { readonly ms: number; readonly at: number }>();

  const spentOn = (key: string): number => {
    const { ms, at } = spent.get(key) ?? { ms: 0, at: 0 };
    return Math.max(0, ms - Math.max(0, clock.now() - at));
  };
  const note = (key: string, ms: number): void => {
    if (ms <= 0) spent.delete(key);
    else spent.set(key, { ms, at: clock.now() });
  };

  return {
    take(key) {
      const ms = spentOn(key) + priceMs;
      if (ms > quotaMs) return false;
      note(key, ms);
      return true;
    },
    succeed(key) {
      if (spent.has(key)) note(key, spentOn(key) - refundMs);
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
