/**
 * Turns for calls that can wait: polls. They are given out in the order of asking, and of each budget one at most stands
 * in the queue that everybody else waits in: a query comes after one poll, however many watch, and a poll after the
 * queries that were there before it.
 */
import { BudgetExhausted, createBudget } from './budget.ts';
import type { Budget } from './budget.ts';
import type { Clock } from './types.ts';

export interface Turns {
  /**
   * Waits however long it takes, as long as it is wanted; undefined when there is nothing to wait for.
   * @throws BudgetExhausted while a 429 binds the budget, Unwanted
   */
  take(key: string, isWanted?: () => boolean): Promise<void> | undefined;
  /** Resolved when all who wait for this budget now have had their turn, or none; null: nobody waits. */
  backlog(key: string): Promise<void> | null;
  /** How many wait for this budget. */
  waiting(key: string): number;
}

export interface TurnsOptions {
  readonly budget: Budget;
  /** Turns a second over all budgets. */
  readonly rps: number;
  readonly clock: Clock;
  /** How long one may stand in the queue of everybody else. */
  readonly patienceMs: number;
  readonly closing: AbortSignal;
  /** How long a turn was waited for, in milliseconds. */
  readonly observe?: ((waitedMs: number) => void) | undefined;
}

/** Whoever was to be told of it has left while it waited. */
export class Unwanted extends Error {}

const pauseMs = 1_000;
const always = (): boolean => true;
const nothing = (): void => {};

interface Waiter {
  readonly since: number;
  readonly isWanted: () => boolean;
  readonly turn: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export const createTurns = (options: TurnsOptions): Turns => {
  const { budget, rps, clock, patienceMs, closing } = options;
  const all = createBudget({ rps, clock });
  const queues = new Map<string, Waiter[]>();

  const serve = async (key: string, queue: Waiter[], begun: Promise<void>): Promise<void> => {
    let turn: Promise<void> | undefined = begun;
    while (queue.length > 0) {
      try {
        await (turn ?? begin(key));
        leaveOut(queue);
        const first = queue.shift();
        if (first) options.observe?.(clock.passed() - first.since);
        first?.resolve();
      } catch (error) {
        if (isFinal(error)) for (const waiter of queue.splice(0)) waiter.reject(error);
        else await clock.sleep(pauseMs, closing).catch(() => {});
      }
      turn = undefined;
      leaveOut(queue);
    }
    queues.delete(key);
  };

  /** Those of no use until the first that is: no turn is begun for them. */
  const leaveOut = (queue: Waiter[]): void => {
    const found = queue.findIndex(({ isWanted }) => isWanted());
    const gone = queue.splice(0, found < 0 ? queue.length : found);
    for (const waiter of gone) waiter.reject(new Unwanted('nobody waits for it any more'));
  };

  /** Else so many others came first that there is no saying when its turn comes: it asks again. */
  const isFinal = (error: unknown): boolean =>
    closing.aborted || !(error instanceof BudgetExhausted) || error.isBlocked;

  const begin = (key: string): Promise<void> | undefined => {
    const first = all.take('', Infinity, closing);
    const own = (): Promise<void> | undefined => budget.take(key, clock.now() + patienceMs, closing);
    return first === undefined ? own() : first.then(own);
  };

  const join = (queue: Waiter[], isWanted: () => boolean): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    queue.push({ since: clock.passed(), isWanted, turn: promise, resolve, reject });
    return promise;
  };

  return {
    take(key, isWanted = always) {
      const queue = queues.get(key);
      if (queue) return join(queue, isWanted);
      let turn: Promise<void> | undefined;
      try {
        turn = begin(key);
      } catch (error) {
        if (isFinal(error)) throw error;
        turn = clock.sleep(pauseMs, closing).then(() => begin(key));
      }
      if (turn === undefined) {
        options.observe?.(0);
        return undefined;
      }
      const mine: Waiter[] = [];
      queues.set(key, mine);
      const waiting = join(mine, isWanted);
      void serve(key, mine, turn);
      return waiting;
    },
    backlog: (key) => queues.get(key)?.at(-1)?.turn.then(nothing, nothing) ?? null,
    waiting: (key) => queues.get(key)?.length ?? 0,
  };
};
