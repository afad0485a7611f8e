/** The budget as a layer: each attempt waits for its turn, and a 429 makes everyone of the same budget wait. */
import { UpstreamError } from '../errors.ts';
import { failureOf, placeOf } from './answers.ts';
import { BudgetExhausted } from './budget.ts';
import type { Budget } from './budget.ts';
import type { Interceptor } from './call.ts';
import { Unwanted } from './turns.ts';
import type { Clock, UpstreamRequest } from './types.ts';

export interface SpendOptions {
  readonly budget: Budget;
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** Ends waits when the gateway closes. */
  readonly closing: AbortSignal;
}

export function createSpend({ budget, clock, deadlineMs, closing }: SpendOptions): Interceptor {
  return (next) => async (call) => {
    const { request, budgetKey } = call;
    // A turn in the last moment would only end as a timeout: a tenth of the deadline is left for the call itself.
    const latest = call.endsAt - deadlineMs / 10;
    if (clock.now() > latest) throw tooLate(request);
    try {
      const isPaid = call.hasTurn && call.attempts === 0;
      const turn = isPaid ? undefined : budget.take(budgetKey, latest, closing);
      if (turn !== undefined) await turn;
    } catch (error) {
      throw withoutTurn(request, error);
    }
    const sentAt = clock.now();
    try {
      const answer = await next(call);
      budget.ease(budgetKey);
      return answer;
    } catch (error) {
      const failure = error instanceof UpstreamError ? error.failure : null;
      if (failure?.status === 429) budget.block(budgetKey, sentAt, failure.retryAfterMs);
      else if (failure !== null && failure.status !== null) budget.ease(budgetKey);
      throw error;
    }
  };
}

function tooLate(request: UpstreamRequest): UpstreamError {
  const message = `${placeOf(request)} was not asked: the calls before it took all the time that an answer may take (twice UPSTREAM_DEADLINE_MS).`;
  return new UpstreamError('UPSTREAM_TIMEOUT', message, failureOf(request, { isUnasked: true }));
}

export function withoutTurn(request: UpstreamRequest, error: unknown): UpstreamError {
  if (error instanceof Unwanted) {
    const message = `${placeOf(request)} was not asked: ${error.message}.`;
    return new UpstreamError('UPSTREAM_UNAVAILABLE', message, failureOf(request, { isUnasked: true }));
  }
  if (!(error instanceof BudgetExhausted)) return shuttingDown(request);
  const { waitMs, isBlocked } = error;
  const seconds = Math.ceil(waitMs / 1000);
  const why = isBlocked ? 'Oracle asked to wait' : 'the gateway asks no more often than UPSTREAM_RPS allows';
  const message = `${placeOf(request)} was not asked: ${why}, and the next turn is in ${seconds} s.`;
  const failure = failureOf(request, { retryAfterMs: waitMs, isUnasked: true });
  return new UpstreamError('UPSTREAM_THROTTLED', message, failure);
}

export function shuttingDown(request: UpstreamRequest): UpstreamError {
  const message = `${placeOf(request)} was not asked: the gateway is shutting down.`;
  return new UpstreamError('UPSTREAM_UNAVAILABLE', message, failureOf(request, { isUnasked: true }));
}
