/**
 * The way to Oracle Cloud: one undici pool per host under interceptors composed like an onion,
 *
 *     share → trace → retry → budget → trace → sign → exchange (deadline · size) → check
 *
 * - share: identical reads in flight are one call, so what is inside happens once for all of them
 * - trace: for whoever traces; around the call, and around each of its HTTP requests
 * - retry: outside budget and signature, because each attempt needs a turn and a fresh date of its own
 * - budget: outside the signature, so that a call that waits is not signed with an old date
 * - exchange and check: innermost; nothing but a whole, parsed answer comes out
 *
 * One attempt takes at most `deadlineMs`, a call with its retries and waits at most twice that, and never longer than
 * the errand that it is made for.
 */
import { randomUUID } from 'node:crypto';
import type { Tracer } from '@opentelemetry/api';
import type { Pool as UndiciPool } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import { GatewayError, UpstreamError } from '../errors.ts';
import { explainFailure, failureOf, placeOf, readAnswer } from './answers.ts';
import { createBudget } from './budget.ts';
import type { BudgetState } from './budget.ts';
import type { Call, Interceptor, Send } from './call.ts';
import { exchange, ExchangeFailure } from './exchange.ts';
import type { ExchangeRequest, RawAnswer } from './exchange.ts';
import { inTime } from './in-time.ts';
import { createReport } from './report.ts';
import type { UpstreamEvent } from './report.ts';
import { createRetry } from './retry.ts';
import { createShare } from './share.ts';
import { createSpend, shuttingDown, withoutTurn } from './spend.ts';
import { signRequest } from './signer.ts';
import type { Credential, CredentialSource } from './signer.ts';
import { parseTarget } from './target.ts';
import { createTraces } from './trace.ts';
import { createTurns } from './turns.ts';
import type { Clock, Errand, Upstream, UpstreamAnswer, UpstreamRequest } from './types.ts';

const userAgent = 'oci-work-request-gateway';
/** How long calls under way may go on when the gateway closes. */
const closeGraceMs = 5_000;

export interface UpstreamOptions {
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** In [0, 1); for jitter. */
  readonly random?: () => number;
  /** `UPSTREAM_DEADLINE_MS` */
  readonly deadlineMs: number;
  /** `UPSTREAM_RPS` per (credential, service, region) */
  readonly rps: number;
  /** `POLL_RPS`: calls of patient errands, over all services. Default 500. */
  readonly pollRps?: number;
  /** Default 8 MiB. */
  readonly maxResponseBytes?: number;
  /** Default 512: they are opened as needed, and behind one OCI_ENDPOINT_TEMPLATE stand all services. */
  readonly connectionsPerOrigin?: number;
  readonly observe?: (event: UpstreamEvent) => void;
  /** null: nobody traces. */
  readonly tracer?: Tracer | null;
  /** How long each call of a patient errand waited for its turn, in milliseconds. */
  readonly observeTurn?: (waitedMs: number) => void;
  /** How an attempt is signed and carried out; by `signer.ts` on sockets where nothing else is said. */
  readonly sign?: typeof signRequest;
  /** @throws ExchangeFailure */
  readonly exchange?: (origin: string, request: ExchangeRequest) => Promise<RawAnswer>;
}

/** What one place (service and region) may still be asked. */
export interface PlaceBudget extends Omit<BudgetState, 'key' | 'usedAt'> {
  readonly service: string;
  readonly region: string;
  /** Whether it was asked, or is to be, in the last five minutes. */
  readonly isInUse: boolean;
  /** Polls that wait for their turn. */
  readonly pollsWaiting: number;
}

export interface BudgetedUpstream extends Upstream {
  /** Of each place that was ever asked. */
  budgets(): readonly PlaceBudget[];
}

const inUseForMs = 5 * 60_000;

/** A patient call that has no turn yet. */
interface Queued {
  isWanted: () => boolean;
  readonly answer: Promise<UpstreamAnswer>;
}

const always = (): boolean => true;

export function createUpstream(options: UpstreamOptions): BudgetedUpstream {
  const { credentials, clock, deadlineMs, random = Math.random } = options;
  const { observe, maxResponseBytes = 8 * 1024 * 1024, sign = signRequest } = options;
  const carryOut = options.exchange ?? ((origin, request) => exchange(poolOf(origin), request));
  const budget = createBudget({ rps: options.rps, clock });
  const pools = new Map<string, UndiciPool>();
  const running = new Set<Promise<unknown>>();
  const queued = new Map<string, Queued>();
  const closing = new AbortController();
  let sent = 0;

  const reloadCredential = async (call: Call): Promise<boolean> => {
    if (credentials.refresh === undefined || call.credential === null) return false;
    try {
      return (
        (await inTime(credentials.refresh(call.credential), call.endsAt - clock.now(), clock, late)) !== null
      );
    } catch {
      return false;
    }
  };

  const transmit: Send = async (call) => {
    const { request, host, target, requestId } = call;
    const attemptEndsAt = Math.min(clock.now() + deadlineMs, call.endsAt);
    const credential = await currentCredential(request, attemptEndsAt - clock.now());
    call.credential = credential;
    const headers = await sign(credential, { method: request.method, host, target, now: clock.now() });
    headers['accept'] = 'application/json';
    headers['user-agent'] = userAgent;
    headers['opc-request-id'] = requestId;
    for (const name in request.headers) headers[name] = request.headers[name] ?? '';
    const timeoutMs = attemptEndsAt - clock.now();
    call.attempts += 1;
    if (call.meter !== undefined) call.meter.calls += 1;
    const ordinal = (sent += 1);
    try {
      const raw = await carryOut(request.origin, {
        method: request.method,
        path: target,
        headers,
        timeoutMs,
        maxBytes: maxResponseBytes,
      });
      return { ...readAnswer(request, raw, clock.now()), ordinal };
    } catch (error) {
      throw error instanceof ExchangeFailure ? explainFailure(request, error, timeoutMs) : error;
    }
  };

  const currentCredential = async (request: UpstreamRequest, timeoutMs: number): Promise<Credential> => {
    try {
      const current = credentials.current();
      return 'then' in current ? await inTime(current, timeoutMs, clock, late) : current;
    } catch (error) {
      // Foreign errors may hold secrets: only our own are quoted.
      const said = error instanceof GatewayError ? error.message : 'it cannot be read.';
      const message = `${placeOf(request)} was not asked for want of the gateway's own credential: ${said}`;
      throw new UpstreamError('UNAUTHENTICATED', message, failureOf(request, { isUnasked: true }));
    }
  };

  const poolOf = (origin: string): UndiciPool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: options.connectionsPerOrigin ?? 512,
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

  const traces = createTraces(options.tracer ?? null);
  const share = createShare(credentials.id, { clock, deadlineMs }, traces.join);
  const retry = createRetry({ clock, random, closing: closing.signal, reloadCredential });
  const spend = createSpend({ budget, clock, deadlineMs, closing: closing.signal });
  const report: Interceptor = observe === undefined ? (next) => next : createReport(observe, clock);
  const send: Send = share(traces.call(report(retry(spend(traces.attempt(transmit))))));

  const turns = createTurns({
    budget,
    rps: options.pollRps ?? 500,
    clock,
    patienceMs: 2 * deadlineMs,
    closing: closing.signal,
    observe: options.observeTurn,
  });
  const budgetKeyOf = ({ service, region }: Pick<UpstreamRequest, 'service' | 'region'>): string =>
    `${credentials.id} ${service} ${region}`;

  const sendNow = (request: UpstreamRequest, errand: Errand | null): Promise<UpstreamAnswer> =>
    send({
      request,
      ...parseTarget(request),
      requestId: randomUUID().replaceAll('-', '').toUpperCase(),
      endsAt: Math.min(clock.now() + 2 * deadlineMs, errand?.endsAt ?? Infinity),
      budgetKey: budgetKeyOf(request),
      apart: errand?.apart ?? '',
      hasTurn: errand?.isPatient === true,
      attempts: 0,
      meter: errand?.meter,
      mark: errand?.mark,
      span: null,
      credential: null,
    });

  /** Who asks for what waits for its turn already waits with it: however often a watch begins anew, it is one call. */
  const sendInTurn = (request: UpstreamRequest, errand: Errand): Promise<UpstreamAnswer> => {
    const key = `${request.method} ${request.origin}${request.path}`;
    const same = queued.get(key);
    if (same !== undefined) {
      // Whoever has conditions for this has the same ones.
      if (errand.isWanted === undefined) same.isWanted = always;
      return same.answer;
    }
    let turn: Promise<void> | undefined;
    try {
      turn = turns.take(budgetKeyOf(request), () => place.isWanted());
    } catch (error) {
      return Promise.reject(withoutTurn(request, error));
    }
    if (turn === undefined) return sendNow(request, errand);
    const answer = turn
      .finally(() => queued.delete(key))
      .then(
        () => sendNow(request, errand),
        (error: unknown) => Promise.reject(withoutTurn(request, error)),
      );
    const place: Queued = { isWanted: errand.isWanted ?? always, answer };
    queued.set(key, place);
    return answer;
  };

  let closed: Promise<void> | null = null;
  const drain = async (): Promise<void> => {
    closing.abort(new Error('the gateway is shutting down'));
    const settled = new AbortController();
    const settling = Promise.allSettled(running).then(() => settled.abort());
    if (running.size > 0)
      await Promise.race([settling, clock.sleep(closeGraceMs, settled.signal)]).catch(() => {});
    // Whoever asked is gone by now; an attempt may take UPSTREAM_DEADLINE_MS, which may be minutes.
    await Promise.all([...pools.values()].map((pool) => pool.destroy()));
  };

  return {
    call(request, errand = null) {
      if (closing.signal.aborted) return Promise.reject(shuttingDown(request));
      let answer: Promise<UpstreamAnswer>;
      try {
        answer = errand?.isPatient ? sendInTurn(request, errand) : sendNow(request, errand);
      } catch (error) {
        return Promise.reject(error);
      }
      running.add(answer);
      const forget = (): void => void running.delete(answer);
      answer.then(forget, forget);
      return answer;
    },

    backlog: (place) => turns.backlog(budgetKeyOf(place)),

    budgets: () =>
      budget.states().map(({ key, usedAt, ...state }) => {
        const [service = '', region = ''] = key.slice(credentials.id.length + 1).split(' ');
        const isInUse = clock.now() - usedAt < inUseForMs;
        return { service, region, isInUse, pollsWaiting: turns.waiting(key), ...state };
      }),

    close() {
      closed ??= drain();
      return closed;
    },
  };
}

function late(): Error {
  return new GatewayError('UNAUTHENTICATED', 'it did not come in time.');
}
