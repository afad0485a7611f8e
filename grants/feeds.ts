/**
 * A feed as one caller may see it: each event is judged when it is taken, and again what was told when a view may have changed. What
 * was told and may not be seen any more ends as if it were gone; what may not be seen was never there.
 */
import type { WorkRequest } from '../datasources/types.ts';
import type { Told, WatchEvent } from '../subscriptions/events.ts';
import { createFeed } from '../subscriptions/feed.ts';
import type { Delivery, Feed, FeedEnd } from '../subscriptions/feed.ts';
import { absenceOf, goneOf, overflowOf } from '../subscriptions/telling.ts';

export interface Judge {
  maySee(workRequest: WorkRequest): boolean;
  /** Calls back when that may have changed, until it is called off. */
  onChange(listener: () => void): () => void;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Of a work request that is not there. */
export const createAbsence = (now: number): Feed => {
  const writer = createFeed({ capacity: 1, overflow: (told) => overflowOf(told, now) }, () => {});
  writer.end(absenceOf(now));
  return writer.feed;
};

export const createJudgedFeed = (inner: Feed, judge: Judge): Feed => new JudgedFeed(inner, judge);

const done = { done: true, value: undefined } as const;
const complete: FeedEnd = { kind: 'complete' };

class JudgedFeed implements Feed {
  readonly #inner: Feed;
  readonly #judge: Judge;
  readonly #callOff: () => void;
  /** As they were told last, by id. */
  readonly #told = new Map<string, WorkRequest>();
  /** GAPs of those that went out of sight while nothing was taken. */
  readonly #gone: Told[] = [];
  #sequence = 0;
  #isOver = false;
  #onReady: (() => void) | null = null;

  constructor(inner: Feed, judge: Judge) {
    this.#inner = inner;
    this.#judge = judge;
    this.#callOff = judge.onChange(() => this.#judgeAgain());
  }

  get form(): Feed['form'] {
    return this.#inner.form;
  }

  take(): Delivery | FeedEnd | null {
    for (;;) {
      const gone = this.#gone.shift();
      if (gone !== undefined) return this.#deliver(gone, 0);
      if (this.#isOver) return complete;
      const taken = this.#inner.take();
      if (taken === null) return null;
      if (taken.kind !== 'event') {
        this.#callOff();
        return taken;
      }
      const told = this.#look(taken.told);
      if (told !== null) return this.#deliver(told, taken.mergedCount);
    }
  }

  listen(onReady: () => void): void {
    this.#onReady = onReady;
    this.#inner.listen(onReady);
  }

  async next(): Promise<IteratorResult<WatchEvent, undefined>> {
    for (;;) {
      const taken = this.take();
      if (taken === null) {
        await new Promise<void>((resolve) => this.listen(resolve));
        continue;
      }
      if (taken.kind === 'failed') throw taken.error;
      if (taken.kind !== 'event') return done;
      const { isProgress: _, ...event } = taken.told;
      return { done: false, value: { ...event, sequence: taken.sequence, mergedCount: taken.mergedCount } };
    }
  }

  async return(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#end();
    this.#gone.length = 0;
    this.#onReady?.();
    return done;
  }

  async throw(error: unknown): Promise<IteratorResult<WatchEvent, undefined>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): Feed {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** The event as it may be told: the same object where nothing is wrong with it. null: not at all. */
  #look(told: Told): Told | null {
    const { workRequest, gap } = told;
    if (workRequest === null) return told;
    if (this.#judge.maySee(workRequest)) {
      if (workRequest.isTerminal || (gap !== null && gap.reason !== 'UPSTREAM_SILENT'))
        this.#told.delete(workRequest.id);
      else this.#told.set(workRequest.id, workRequest);
      return told;
    }
    // That there is too much to be told is true all the same.
    if (gap?.reason === 'OVERFLOW') return { ...told, workRequest: null };
    const known = this.#told.get(workRequest.id);
    if (known !== undefined) return this.#leave(known);
    if (this.form === 'list') return null;
    this.#end();
    return absenceOf(this.#judge.now());
  }

  #leave(known: WorkRequest): Told {
    this.#told.delete(known.id);
    if (this.form === 'single') this.#end();
    const now = this.#judge.now();
    return goneOf(known, known.observedAt, now);
  }

  #judgeAgain(): void {
    for (const known of this.#told.values())
      if (!this.#judge.maySee(known)) this.#gone.push(this.#leave(known));
    if (this.#gone.length > 0) this.#onReady?.();
  }

  #deliver(told: Told, mergedCount: number): Delivery {
    this.#sequence += 1;
    return { kind: 'event', told, sequence: this.#sequence, mergedCount };
  }

  #end(): void {
    this.#isOver = true;
    this.#callOff();
    void this.#inner.return();
  }
}
