/**
 * What one subscriber holds: a bounded queue of what it was told, read as an async iterator, or by a door without promises
 * (`listen`, `take`), which hands out what was told itself, the same object to all.
 *
 * The iterator is written by hand. An `async function*` that waits for its next event cannot be stopped: `return()`
 * queues behind the pending `next()`, which never settles, and the poller behind it would run for ever. Here `return()`
 * detaches at once and settles every pending `next()` as done. For the same reason nobody may wrap a feed in a
 * generator; map its events where they are rendered.
 *
 * A subscriber that reads slowly is told less often, not less: a change of progress replaces the state in what still waits
 * for the same work request (and says so in `mergedCount`); changes of status queue up. Where they fill the queue the
 * feed ends with a GAP. The last event of a watch always finds room.
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
  /** What `next()` would give, or how the feed ended; null while there is nothing. */
  take(): Delivery | FeedEnd | null;
  /** `onReady` is called when there may be something to take that was not there before. One listener, who does not call `next()`. */
  listen(onReady: () => void): void;
  /** Whether it is about one work request, or about a list. */
  readonly form: WatchForm;
}

export type WatchForm = 'single' | 'list';

/** One event for one subscriber. */
export interface Delivery {
  readonly kind: 'event';
  /** The same object for all who were told the same. */
  readonly told: Told;
  readonly sequence: number;
  readonly mergedCount: number;
}

export type FeedEnd =
  /** `overflow`: the last event was the GAP that says so. */
  { readonly kind: 'complete' | 'overflow' } | { readonly kind: 'failed'; readonly error: unknown };

export interface FeedWriter {
  readonly feed: Feed;
  push(told: Told): void;
  /** What is queued can still be read, then the feed is done. */
  end(last?: Told): void;
  /** What is queued can still be read, then `next()` rejects once, then the feed is done. */
  fail(error: unknown): void;
}

/** What many feeds have in common. */
export interface FeedRules {
  /** Events that may wait to be read. */
  readonly capacity: number;
  /** The GAP that ends the feed when `told` found no room. */
  readonly overflow: (told: Told) => Told;
  readonly onMerge?: () => void;
  /** Default: single. */
  readonly form?: WatchForm;
  /** Counts what waits in all of them. */
  readonly queues?: Queues;
}

export interface Queues {
  /** Events that nobody has taken yet. */
  waiting: number;
}

interface Entry {
  told: Told;
  mergedCount: number;
  next: Entry | null;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<WatchEvent, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const done = { done: true, value: undefined } as const;
const complete: FeedEnd = { kind: 'complete' };

/** @param onClose the subscriber left or was dropped; called once, never after `end` or `fail` */
export const createFeed = (rules: FeedRules, onClose: () => void): FeedWriter =>
  new QueuedFeed(rules, onClose);

/** Of what is over already: its last event, if there is one, and the end. */
export const createEndedFeed = (last?: Told): Feed => {
  const writer = createFeed({ capacity: 1, overflow: (told) => told }, () => {});
  writer.end(last);
  return writer.feed;
};

/** A class, as there are tens of thousands that wait for nothing to happen: what they can do they have in common. */
class QueuedFeed implements Feed, FeedWriter {
  readonly #rules: FeedRules;
  readonly #onClose: () => void;
  #head: Entry | null = null;
  #tail: Entry | null = null;
  #length = 0;
  /** The newest entry of each work request; null while the tail is the only one. */
  #newest: Map<string, Entry> | null = null;
  #waiters: Waiter[] | null = null;
  #onReady: (() => void) | null = null;
  #sequence = 0;
  /** How it ends when the queue is empty; null while it is open. */
  #ending: FeedEnd | null = null;

  constructor(rules: FeedRules, onClose: () => void) {
    this.#rules = rules;
    this.#onClose = onClose;
  }

  get feed(): Feed {
    return this;
  }

  get form(): WatchForm {
    return this.#rules.form ?? 'single';
  }

  push(told: Told): void {
    if (this.#ending !== null) return;
    const waiting = told.isProgress ? this.#newestOf(told) : null;
    if (waiting !== null && isReplaceable(waiting.told)) {
      waiting.told = fold(waiting.told, told);
      waiting.mergedCount += 1;
      this.#rules.onMerge?.();
    } else if (this.#length < this.#rules.capacity) {
      this.#put(told);
    } else {
      this.#ending = { kind: 'overflow' };
      this.#put(this.#rules.overflow(told));
      this.#settle();
      this.#onClose();
    }
  }

  end(last?: Told): void {
    if (this.#ending !== null) return;
    this.#ending = complete;
    if (last) this.#put(last);
    else this.#onReady?.();
    this.#settle();
  }

  fail(error: unknown): void {
    if (this.#ending !== null) return;
    this.#ending = { kind: 'failed', error };
    this.#onReady?.();
    this.#settle();
  }

  listen(onReady: () => void): void {
    this.#onReady = onReady;
  }

  take(): Delivery | FeedEnd | null {
    const entry = this.#head;
    if (entry === null) return this.#ending;
    this.#head = entry.next;
    this.#count(-1);
    if (this.#head === null) this.#tail = this.#newest = null;
    else if (this.#newestOf(entry.told) === entry) this.#newest?.delete(keyOf(entry.told));
    this.#sequence += 1;
    return {
      kind: 'event',
      told: entry.told,
      sequence: this.#sequence,
      mergedCount: entry.mergedCount,
    };
  }

  async next(): Promise<IteratorResult<WatchEvent, undefined>> {
    const taken = this.take();
    if (taken === null) {
      return new Promise((resolve, reject) => (this.#waiters ??= []).push({ resolve, reject }));
    }
    return this.#give(taken);
  }

  async return(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#leave();
    return done;
  }

  async throw(error: unknown): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#leave();
    throw error;
  }

  [Symbol.asyncIterator](): Feed {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
  }

  #put(told: Told): void {
    const entry: Entry = { told, mergedCount: 0, next: null };
    if (this.#tail === null) this.#head = entry;
    else {
      this.#newest ??= new Map([[keyOf(this.#tail.told), this.#tail]]);
      this.#newest.set(keyOf(told), entry);
      this.#tail.next = entry;
    }
    this.#tail = entry;
    this.#count(1);
    const waiter = this.#waiters?.shift();
    const taken = waiter && this.take();
    if (waiter && taken) waiter.resolve(this.#give(taken));
    else this.#onReady?.();
  }

  #count(more: number): void {
    this.#length += more;
    if (this.#rules.queues) this.#rules.queues.waiting += more;
  }

  #newestOf(told: Told): Entry | null {
    const key = keyOf(told);
    if (this.#newest !== null) return this.#newest.get(key) ?? null;
    return this.#tail !== null && keyOf(this.#tail.told) === key ? this.#tail : null;
  }

  /** As the iterator tells it. An error is told once. */
  #give(taken: Delivery | FeedEnd): IteratorResult<WatchEvent, undefined> {
    if (taken.kind === 'event') {
      const { isProgress: _, ...event } = taken.told;
      return { done: false, value: { ...event, sequence: taken.sequence, mergedCount: taken.mergedCount } };
    }
    if (taken.kind !== 'failed') return done;
    this.#ending = complete;
    throw taken.error;
  }

  /** Nothing more will come for those who wait. */
  #settle(): void {
    const left = this.#waiters ?? [];
    this.#waiters = null;
    for (const waiter of left) this.next().then(waiter.resolve, waiter.reject);
  }

  #leave(): void {
    this.#head = this.#tail = this.#newest = this.#onReady = null;
    this.#count(-this.#length);
    const wasOpen = this.#ending === null;
    this.#ending = complete;
    this.#settle();
    if (wasOpen) this.#onClose();
  }
}

/** What is about nothing is never replaced, and needs no key of its own. */
const keyOf = ({ workRequest }: Told): string => workRequest?.id ?? '';

/** A newer state of the same run can take the place of its state. */
const isReplaceable = (told: Told): boolean => told.gap === null && told.workRequest !== null;

const folded = new WeakMap<Told, WeakMap<Told, Told>>();

/**
 * The newer state under the older event's name: what that event said about the status stays true. Who was told the same two is
 * told the same one, so that it is rendered once for them all.
 */
const fold = (older: Told, newer: Told): Told => {
  const known = folded.get(newer)?.get(older);
  if (known) return known;
  const made = { ...older, workRequest: newer.workRequest, nextPollAt: newer.nextPollAt };
  const ofNewer = folded.get(newer) ?? new WeakMap<Told, Told>();
  ofNewer.set(older, made);
  folded.set(newer, ofNewer);
  return made;
};
