/**
 * A clock that stands still until it is told to move: `await clock.advance(2000)` lets two seconds pass, wakes every
 * sleeper in order at its own time, and lets what they started settle before the next one wakes. Nothing waits in
 * real time.
 */
import type { Clock } from '../../datasources/types.ts';

export interface ManualClock extends Clock {
  /** Lets `ms` pass; sleepers see `now()` at exactly the time they asked for. */
  advance(ms: number): Promise<void>;
  /** Moves on to the next sleeper's time and wakes it; false when nobody sleeps. */
  advanceToNext(): Promise<boolean>;
  /** Sets the wall clock without any time passing, as an operator or NTP would. Sleepers sleep on as long as before. */
  jump(ms: number): void;
  /** How many sleep: the timers that a real clock would hold. */
  readonly sleepers: number;
  /** How long the next sleeper has still to sleep; null when nobody sleeps. */
  readonly nextInMs: number | null;
}

interface Sleeper {
  readonly wakesAt: number;
  readonly wake: () => void;
}

/** Lets everything settle that needs no time: promise chains of any depth, however they are nested. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** `startAt` is 2026-01-01T00:00:00Z unless told. */
export const createManualClock = (startAt = Date.UTC(2026, 0, 1)): ManualClock => {
  const sleepers = new Set<Sleeper>();
  // Time that has passed, and the wall clock over it: a jump moves the second alone.
  let passed = 0;
  let offset = startAt;

  const next = (): Sleeper | null => {
    let first: Sleeper | null = null;
    for (const sleeper of sleepers) if (first === null || sleeper.wakesAt < first.wakesAt) first = sleeper;
    return first;
  };

  const wake = async (sleeper: Sleeper): Promise<void> => {
    passed = Math.max(passed, sleeper.wakesAt);
    sleepers.delete(sleeper);
    sleeper.wake();
    await settle();
  };

  return {
    now: () => offset + passed,
    passed: () => passed,

    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          wakesAt: passed + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', abort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', abort, { once: true });
      }),

    async advance(ms) {
      const until = passed + ms;
      await settle();
      for (let sleeper = next(); sleeper !== null && sleeper.wakesAt <= until; sleeper = next())
        await wake(sleeper);
      passed = Math.max(passed, until);
      await settle();
    },

    async advanceToNext() {
      await settle();
      const sleeper = next();
      if (sleeper === null) return false;
      await wake(sleeper);
      return true;
    },

    jump(ms) {
      offset += ms;
    },

    get sleepers() {
      return sleepers.size;
    },

    get nextInMs() {
      const sleeper = next();
      return sleeper === null ? null : sleeper.wakesAt - passed;
    },
  };
};
