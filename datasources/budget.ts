/**
 * How often upstream may be asked: at most `rps` calls in any second per key (credential, service, region), and none
 * at all while a 429 binds that key.
 *
 * A window instead of the usual token bucket: a bucket of `rps` tokens lets 2 × `rps` calls into one second. Here the
 * next call may go one window after the call `size` places before it, or fewer where the pace is slower. Slots are given out in the order of asking, so
 * nobody starves; a caller that could not be served in time is told at once and costs no slot. After a 429 the pace is
 * half of what it was, and comes back slowly.
 */
import type { Clock } from './types.ts';

/** Longest time that a single 429 can bind a key, whatever its `retry-after` says. */
const maxBlockMs = 15 * 60_000;
const firstBackoffMs = 1_000;
const maxBackoffMs = 60_000;
/** Slowest pace, as a part of `rps`, and how long it takes from nothing to full. */
const minPace = 0.1;
const recoveryMs = 60_000;

export interface Budget {
  /**
   * Waits for the caller's turn; undefined when there is nothing to wait for.
   * @throws BudgetExhausted when the turn would come later than `latest` (milliseconds since the epoch)
   */
  take(key: string, latest: number, signal?: AbortSignal): Promise<void> | undefined;
  /** Upstream said 429 to a call sent at `sentAt`: everyone with this key waits, `retryAfterMs` or a growing back-off. */
  block(key: string, sentAt: number, retryAfterMs: number | null): void;
  /** Upstream said anything else. */
  ease(key: string): void;
  /** Of each key that was ever used. */
  states(): readonly BudgetState[];
}

/** How a key is now. */
export interface BudgetState {
  readonly key: string;
  /** Calls that could go at once. */
  readonly left: number;
  /** Calls a second that it allows; 0 while a 429 binds it. */
  readonly rate: number;
  /** How long a call would wait that asks now, in milliseconds. */
  readonly waitMs: number;
  /** How often a 429 slowed it down. */
  readonly slowdowns: number;
  /** When its last turn was given out, or is due; milliseconds since the epoch. */
  readonly usedAt: number;
}

export class BudgetExhausted extends Error {
  /** When a call with this key could go, from now. */
  readonly waitMs: number;
  /** Whether upstream asked for the wait (429), or our own limit did. */
  readonly isBlocked: boolean;

  constructor(waitMs: number, isBlocked: boolean) {
    super('no budget in time');
    this.name = 'BudgetExhausted';
    this.waitMs = waitMs;
    this.isBlocked = isBlocked;
  }
}

interface Window {
  /** Ring of the last `size` slots given out; the next call takes the place of the oldest. */
  readonly slots: Float64Array;
  next: number;
  blockedAt: number;
  blockedUntil: number;
  /** Counts blocks: a slot that was given out before one no longer holds. */
  generation: number;
  /** 429s in a row, and since the start. */
  strikes: number;
  slowdowns: number;
  /** Part of `rps` that is asked when the last block ends. */
  pace: number;
}

export function createBudget(options: { readonly rps: number; readonly clock: Clock }): Budget {
  const { rps, clock } = options;
  // A whole second's calls (two seconds for one every two), or two windows would meet in one second.
  const size = Math.max(1, Math.floor(rps));
  const windowMs = (size / rps) * 1000;
  const windows = new Map<string, Window>();
  let latestNow = clock.now();

  /** Where the wall clock is set back, slots go back with it: else nobody had a turn until it is as late again. */
  const look = (): number => {
    const now = clock.now();
    if (now < latestNow) for (const window of windows.values()) shift(window, now - latestNow);
    latestNow = now;
    return now;
  };

  /** Calls that a window takes at a pace. */
  const callsAt = (pace: number): number => Math.max(1, Math.floor(size * pace));

  const windowOf = (key: string): Window => {
    let window = windows.get(key);
    if (window === undefined) {
      window = {
        slots: new Float64Array(size),
        next: 0,
        blockedAt: 0,
        blockedUntil: 0,
        generation: 0,
        strikes: 0,
        slowdowns: 0,
        pace: 1,
      };
      windows.set(key, window);
    }
    return window;
  };

  /** When the call could go that asks now. */
  const nextSlot = (window: Window, now: number): number => {
    const oldest = (window.next + size - callsAt(paceAt(window, now))) % size;
    return Math.max(now, (window.slots[oldest] ?? 0) + windowMs);
  };

  const stateOf = (key: string, window: Window, now: number): BudgetState => {
    const { slots, next, blockedUntil, slowdowns } = window;
    const calls = callsAt(paceAt(window, now));
    let left = 0;
    // The oldest come first.
    while (left < calls && (slots[(next + size - calls + left) % size] ?? 0) + windowMs <= now) left += 1;
    return {
      key,
      left,
      rate: blockedUntil > now ? 0 : (calls / windowMs) * 1000,
      waitMs: nextSlot(window, now) - now,
      slowdowns,
      usedAt: slots[(next + size - 1) % size] ?? 0,
    };
  };

  const reserve = (window: Window, latest: number): number => {
    const now = look();
    const slot = nextSlot(window, now);
    if (slot > latest) throw new BudgetExhausted(slot - now, window.blockedUntil > now);
    window.slots[window.next] = slot;
    window.next = (window.next + 1) % size;
    return slot - now;
  };

  const waitFor = async (
    window: Window,
    waitMs: number,
    latest: number,
    signal?: AbortSignal,
  ): Promise<void> => {
    let ms = waitMs;
    while (ms > 0) {
      const { generation } = window;
      await clock.sleep(ms, signal);
      ms = window.generation === generation ? 0 : reserve(window, latest);
    }
  };

  return {
    take(key, latest, signal) {
      const window = windowOf(key);
      const waitMs = reserve(window, latest);
      return waitMs > 0 ? waitFor(window, waitMs, latest, signal) : undefined;
    },

    block(key, sentAt, retryAfterMs) {
      const window = windowOf(key);
      const now = look();
      // Ten calls in flight may all bring the same 429: only one sent after the last block is a further strike.
      if (window.strikes === 0 || sentAt >= window.blockedAt) {
        window.strikes += 1;
        window.slowdowns += 1;
        window.pace = Math.max(minPace, paceAt(window, now) / 2);
        window.blockedAt = now;
      }
      const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (window.strikes - 1));
      const until = now + Math.min(maxBlockMs, retryAfterMs ?? backoffMs);
      if (until <= window.blockedUntil) return;
      window.blockedUntil = until;
      window.generation += 1;
      // Those who wait are let in one by one afterwards, not all in the first instant.
      const calls = callsAt(window.pace);
      for (let i = 0; i < size; i += 1) {
        const place = Math.max(0, i - (size - calls));
        window.slots[(window.next + i) % size] = until - windowMs + (place * windowMs) / calls;
      }
    },

    ease(key) {
      const window = windows.get(key);
      if (window !== undefined && window.strikes > 0 && window.blockedUntil <= look()) window.strikes = 0;
    },

    states() {
      const now = look();
      return [...windows].map(([key, window]) => stateOf(key, window, now));
    },
  };
}

/** While a 429 binds, the pace with which it ends. */
function paceAt({ pace, blockedUntil }: Window, now: number): number {
  return Math.min(1, pace + Math.max(0, now - blockedUntil) / recoveryMs);
}

function shift(window: Window, ms: number): void {
  for (let i = 0; i < window.slots.length; i += 1) window.slots[i] = (window.slots[i] ?? 0) + ms;
  window.blockedAt += ms;
  window.blockedUntil += ms;
}
