/**
 * The way to Oracle Cloud: one undici pool per host under interceptors composed like an onion,
 *
 *     share → retry → budget → sign → exchange (deadline · size) → check
 *
 * - share: identical reads in flight are one call, so what is inside happens once for all of them
 * - retry: outside budget and signature, because each attempt needs a turn and a fresh date of its own
 * - budget: outside the signature, so that a call that waits is not signed with an old date
 * - exchange and check: innermost; nothing but a whole, parsed answer comes out
 *
 * One attempt takes at most `deadlineMs`, a call with its retries and waits at most twice that.
 */
import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import { GatewayError, UpstreamError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { explainFailure, failureOf, placeOf, readAnswer } from './answers.ts';
import { BudgetExhausted, createBudget } from './budget.ts';
import { exchange, ExchangeFailure } from './exchange.ts';
import { createRetryQuota, nextWaitMs } from './retry.ts';
import { signRequest } from './signer.ts';
import type { Credential, CredentialSource } from './signer.ts';
import { parseTarget } from './target.ts';
import type { Clock, Upstream, UpstreamAnswer, UpstreamRequest } from './types.ts';

export interface UpstreamOptions {
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** In [0, 1); for jitter. */
  readonly random?: () => number;
  /** `UPSTREAM_DEADLINE_MS` */
  readonly deadlineMs: number;
  /** `UPSTREAM_RPS` per (credential, service, region) */
  readonly rps: number;
  /** Default 8 MiB. */
  readonly maxResponseBytes?: number;
  /** Default 16. */
  readonly connectionsPerOrigin?: number;
  readonly userAgent?: string;
  /** Told once per call that went out (not for those that shared one). */
  readonly observe?: (event: UpstreamEvent) => void;
}

export interface UpstreamEvent {
  readonly service: string;
  readonly region: string;
  readonly method: 'GET' | 'DELETE';
  /** HTTP status of the last attempt; null when no answer came. */
  readonly status: number | null;
  /** null: success. */
  readonly code: ErrorCode | null;
  readonly durationMs: number;
  /** HTTP requests sent; 0 when the budget left no turn. */
  readonly attempts: number;
  readonly opcRequestId: string | null;
}

interface Call {
  readonly request: UpstreamRequest;
  readonly host: string;
  readonly target: string;
  /** Ours; the same for all attempts. Oracle's answer repeats it inside a longer one. */
  readonly requestId: string;
  /** When the total time is up, in milliseconds since the epoch. */
  readonly endsAt: number;
  readonly budgetKey: string;
  attempts: number;
  credential: Credential | null;
}

type Send = (call: Call) => Promise<UpstreamAnswer>;
type Interceptor = (next: Send) => Send;

export function createUpstream(options: UpstreamOptions): Upstream {
  const { credentials, clock, deadlineMs, random = Math.random } = options;
  const { observe, maxResponseBytes = 8 * 1024 * 1024, userAgent = 'oci-work-request-gateway' } = options;
  const budget = createBudget({ rps: options.rps, clock });
  const quota = createRetryQuota();
  const pools = new Map<string, Pool>();
  const sharedReads = new Map<string, Promise<UpstreamAnswer>>();
  const running = new Set<Promise<unknown>>();
  const closing = new AbortController();

  const share: Interceptor = (next) => (call) => {
    if (call.request.method !== 'GET') {
      // A read that began before a cancel must not answer one that begins after it.
      const forget = (): void => sharedReads.clear();
      forget();
      return next(call).finally(forget);
    }
    const key = `${credentials.id} ${call.request.origin}${call.target} ${headersKey(call.request.headers)}`;
    const shared = sharedReads.get(key);
    if (shared !== undefined) return shared;
    const answer = next(call);
    const forget = (): void => {
      if (sharedReads.get(key) === answer) sharedReads.delete(key);
    };
    sharedReads.set(key, answer);
    answer.then(forget, forget);
    return answer;
  };

  const retry: Interceptor = (next) => async (call) => {
    const { method } = call.request;
    let hasReloaded = false;
    let lastError: unknown;
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await next(call);
        quota.succeed(call.budgetKey);
        return answer;
      } catch (error) {
        // When there is no turn for a further attempt, what Oracle said to the last one explains more.
        if (lastError !== undefined && isWithoutTurn(error)) throw lastError;
        lastError = error;
      }
      const remainingMs = call.endsAt - clock.now();
      if (!hasReloaded && isRefusedCredential(lastError)) {
        hasReloaded = true;
        if (!(await reloadCredential(call, remainingMs))) throw lastError;
        continue;
      }
      const waitMs = nextWaitMs({
        error: lastError,
        method,
        attempts: hasReloaded ? tries - 1 : tries,
        remainingMs,
        random,
      });
      if (waitMs === null || closing.signal.aborted || !quota.take(call.budgetKey)) throw lastError;
      try {
        await clock.sleep(waitMs, closing.signal);
      } catch {
        throw lastError;
      }
    }
  };

  const reloadCredential = async (call: Call, remainingMs: number): Promise<boolean> => {
    if (credentials.refresh === undefined || call.credential === null) return false;
    try {
      return (await within(remainingMs, credentials.refresh(call.credential))) !== null;
    } catch {
      return false;
    }
  };

  const spend: Interceptor = (next) => async (call) => {
    const { request, budgetKey } = call;
    // A turn in the last moment would only end as a timeout: a tenth of the deadline is left for the call itself.
    const latest = call.endsAt - deadlineMs / 10;
    try {
      const turn = budget.take(budgetKey, latest, closing.signal);
      if (turn !== undefined) await turn;
    } catch (error) {
      if (error instanceof BudgetExhausted) throw withoutTurn(request, error);
      throw shuttingDown(request);
    }
    const sentAt = clock.now();
    try {
      const answer = await next(call);
      budget.ease(budgetKey);
      return answer;
    } catch (error) {
      if (error instanceof UpstreamError) {
        if (error.failure.status === 429) budget.block(budgetKey, sentAt, error.failure.retryAfterMs);
        else if (error.failure.status !== null) budget.ease(budgetKey);
      }
      throw error;
    }
  };

  const transmit: Send = async (call) => {
    const { request, host, target, requestId } = call;
    const attemptEndsAt = Math.min(clock.now() + deadlineMs, call.endsAt);
    const credential = await currentCredential(request, attemptEndsAt - clock.now());
    call.credential = credential;
    const headers = await signRequest(credential, { method: request.method, host, target, now: clock.now() });
    headers['accept'] = 'application/json';
    headers['user-agent'] = userAgent;
    headers['opc-request-id'] = requestId;
    for (const name in request.headers) headers[name] = request.headers[name] ?? '';
    const timeoutMs = attemptEndsAt - clock.now();
    call.attempts += 1;
    try {
      const pool = poolOf(request.origin);
      const raw = await exchange(pool, {
        method: request.method,
        path: target,
        headers,
        timeoutMs,
        maxBytes: maxResponseBytes,
      });
      return readAnswer(request, raw, clock.now());
    } catch (error) {
      throw error instanceof ExchangeFailure ? explainFailure(request, error, timeoutMs) : error;
    }
  };

  const currentCredential = async (request: UpstreamRequest, timeoutMs: number): Promise<Credential> => {
    try {
      const current = credentials.current();
      return current instanceof Promise ? await within(timeoutMs, current) : current;
    } catch (cause) {
      const message =
        cause instanceof GatewayError ? cause.message : "the gateway's own credential cannot be read.";
      throw new UpstreamError(
        'UNAUTHENTICATED',
        `${placeOf(request)} was not asked: ${message}`,
        failureOf(request),
        { cause },
      );
    }
  };

  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: options.connectionsPerOrigin ?? 16,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: 10_000,
        keepAliveMaxTimeout: 60_000,
        // The exchange has one deadline for everything.
        headersTimeout: 0,
        bodyTimeout: 0,
        connect: { timeout: Math.min(5_000, deadlineMs) },
      });
      pools.set(origin, pool);
    }
    return pool;
  };

  const send: Send = share(report(retry(spend(transmit))));

  function report(next: Send): Send {
    if (observe === undefined) return next;
    return async (call) => {
      const startedAt = clock.now();
      const tell = (status: number | null, code: ErrorCode | null, opcRequestId: string | null): void => {
        const { service, region, method } = call.request;
        observe({
          service,
          region,
          method,
          status,
          code,
          durationMs: clock.now() - startedAt,
          attempts: call.attempts,
          opcRequestId,
        });
      };
      try {
        const answer = await next(call);
        tell(answer.status, null, answer.opcRequestId);
        return answer;
      } catch (error) {
        if (error instanceof UpstreamError)
          tell(error.failure.status, error.code, error.failure.opcRequestId);
        else tell(null, 'INTERNAL_SERVER_ERROR', null);
        throw error;
      }
    };
  }

  return {
    call(request) {
      if (closing.signal.aborted) return Promise.reject(shuttingDown(request));
      let call: Call;
      try {
        call = {
          request,
          ...parseTarget(request),
          requestId: randomUUID().replaceAll('-', '').toUpperCase(),
          endsAt: clock.now() + 2 * deadlineMs,
          budgetKey: `${credentials.id} ${request.service} ${request.region}`,
          attempts: 0,
          credential: null,
        };
      } catch (error) {
        return Promise.reject(error);
      }
      const answer = send(call);
      running.add(answer);
      const forget = (): void => void running.delete(answer);
      answer.then(forget, forget);
      return answer;
    },

    async close() {
      closing.abort(new Error('the gateway is shutting down'));
      await Promise.allSettled(running);
      await Promise.all([...pools.values()].map((pool) => pool.close()));
      await credentials.close?.();
    },
  };

  async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
    const done = new AbortController();
    const timeout = clock.sleep(Math.max(0, ms), done.signal).then(() => {
      throw new GatewayError(
        'UNAUTHENTICATED',
        `the gateway's own credential did not come within ${Math.round(ms)} ms.`,
      );
    });
    try {
      return await Promise.race([promise, timeout]);
    } finally {
      timeout.catch(() => undefined);
      done.abort();
    }
  }
}

function headersKey(headers: UpstreamRequest['headers']): string {
  return headers === undefined ? '' : JSON.stringify(Object.entries(headers).sort());
}

function isRefusedCredential(error: unknown): boolean {
  return error instanceof UpstreamError && error.failure.status === 401;
}

function isWithoutTurn(error: unknown): boolean {
  return (
    error instanceof UpstreamError && error.code === 'UPSTREAM_THROTTLED' && error.failure.status === null
  );
}

function withoutTurn(request: UpstreamRequest, { waitMs, isBlocked }: BudgetExhausted): UpstreamError {
  const seconds = Math.ceil(waitMs / 1000);
  const why = isBlocked ? 'Oracle asked to wait' : 'the gateway asks no more often than UPSTREAM_RPS allows';
  const message = `${placeOf(request)} was not asked: ${why}, and the next turn is in ${seconds} s.`;
  return new UpstreamError('UPSTREAM_THROTTLED', message, failureOf(request, { retryAfterMs: waitMs }));
}

function shuttingDown(request: UpstreamRequest): UpstreamError {
  return new UpstreamError(
    'UPSTREAM_UNAVAILABLE',
    `${placeOf(request)} was not asked: the gateway is shutting down.`,
    failureOf(request),
  );
}
