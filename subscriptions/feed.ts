/**
 * What one subscriber holds: a bounded queue of what it was told, read as an async iterator.
 *
 * The iterator is written by hand. An `async function*` that waits for its next event cannot be stopped: `return()`
 * queues behind the pending `next()`, which never settles, and the poller behind it would run for ever. Here `return()`
 * detaches at once and settles every pending `next()` as done. For the same reason nobody may wrap a feed in a
 * generator; map its events where they are rendered.
 *
 * A subscriber that reads slowly is told less often, not less: a change of progress replaces the progress that still
 * waits (and says so in `mergedCount`); changes of status queue up. Where they fill the queue the feed ends with a GAP.
 * The last event of a watch always finds room.
 */
import type { Told, WatchEvent } from './events.ts';

export interface Feed extends AsyncIterableIterator<WatchEvent, undefined, undefined> {
  next(): Promise<IteratorResult<WatchEvent, undefined>>;
  /** Leaves: nothing more comes, nothing is held. Works while a `next()` is pending, and more than once. */
  return(): Promise<IteratorResult<WatchEvent, undefined>>;
  /** Leaves, and rejects with `error`. */
  throw(error: unknown): Promise<IteratorResult<WatchEvent, undefined>>;
  [Symbol.asyncIterator](): Feed;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface FeedWriter {
  readonly feed: Feed;
  push(told: Told): void;
  /** What is queued can still be read, then the feed is done. */
  end(last?: Told): void;
  /** What is queued can still be read, then `next()` rejects once, then the feed is done. */
  fail(error: unknown): void;
}

export interface FeedOptions {
  /** Events that may wait to be read. */
  readonly capacity: number;
  /** The GAP that ends the feed when `told` found no room. */
  readonly overflow: (told: Told) => Told;
  /** The subscriber left or was dropped; called once, never after `end` or `fail`. */
  readonly onClose: () => void;
  readonly onMerge?: () => void;
}

interface Entry {
  readonly told: Told;
  readonly mergedCount: number;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<WatchEvent, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const done = { done: true, value: undefined } as const;

export const createFeed = ({ capacity, overflow, onClose, onMerge }: FeedOptions): FeedWriter => {
  let queue: Entry[] = [];
  let waiters: Waiter[] = [];
  let sequence = 0;
  let isOpen = true;
  let failure: { readonly error: unknown } | null = null;

  const number = ({ told: { isProgress: _, ...event }, mergedCount }: Entry): WatchEvent => {
    sequence += 1;
    return { ...event, sequence, mergedCount };
  };

  const put = (told: Told): void => {
    const waiter = waiters.shift();
    if (waiter) waiter.resolve({ done: false, value: number({ told, mergedCount: 0 }) });
    else queue.push({ told, mergedCount: 0 });
  };

  const close = (): void => {
    isOpen = false;
    const left = waiters;
    waiters = [];
    for (const waiter of left) {
      if (failure === null) waiter.resolve(done);
      else waiter.reject(failure.error);
      failure = null;
    }
  };

  const leave = (): void => {
    queue = [];
    failure = null;
    if (!isOpen) return;
    close();
    onClose();
  };

  const feed: Feed = {
    async next() {
      const entry = queue.shift();
      if (entry) return { done: false, value: number(entry) };
      if (isOpen) return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
      if (failure === null) return done;
      const { error } = failure;
      failure = null;
      throw error;
    },
    async return() {
      leave();
      return done;
    },
    async throw(error) {
      leave();
      throw error;
    },
    [Symbol.asyncIterator]: () => feed,
    async [Symbol.asyncDispose]() {
      leave();
    },
  };

  return {
    feed,

    push(told) {
      if (!isOpen) return;
      const tail = queue.at(-1);
      if (tail && told.isProgress && isReplaceable(tail.told)) {
        queue[queue.length - 1] = { told: replaceState(tail.told, told), mergedCount: tail.mergedCount + 1 };
        onMerge?.();
      } else if (queue.length < capacity) {
        put(told);
      } else {
        put(overflow(told));
        close();
        onClose();
      }
    },

    end(last) {
      if (!isOpen) return;
      if (last) put(last);
      close();
    },

    fail(error) {
      if (!isOpen) return;
      failure = { error };
      close();
    },
  };
};

/** A newer state of the same run can take the place of its state. */
const isReplaceable = (told: Told): boolean => told.gap === null && told.workRequest !== null;

/** The newer state under the older event's name: what that event said about the status stays true. */
const replaceState = (older: Told, newer: Told): Told => ({
  ...older,
  workRequest: newer.workRequest,
  nextPollAt: newer.nextPollAt,
});
