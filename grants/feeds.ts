/**
 * A feed as one caller may see it: each event is judged when it is taken, and again what was told when a view may have changed. What
 * was told and may not be seen any more ends as if it were gone; what may not be seen was never there.
 */
import type { Place } from '../datasources/discovery.ts';
import type { WorkRequest } from '../datasources/types.ts';
import type { Told, WatchEvent } from '../subscriptions/events.ts';
import type { Delivery, Feed, FeedEnd } from '../subscriptions/feed.ts';
import { absenceOf, addedOf, goneOf, snapshotOf } from '../subscriptions/telling.ts';

export interface Judge {
  maySee(workRequest: WorkRequest): boolean;
  /** Whether the list there is anything to the caller. */
  mayAsk(place: Place): boolean;
  /** Calls back when that may have changed, until it is called off. */
  onChange(listener: () => void): () => void;
  /** Milliseconds since the epoch. */
  now(): number;
}

export const createJudgedFeed = (inner: Feed, judge: Judge): Feed => new JudgedFeed(inner, judge);

const done = { done: true, value: undefined } as const;

class JudgedFeed implements Feed {
  readonly #inner: Feed;
  readonly #judge: Judge;
  readonly #callOff: () => void;
  /** As they were told last, by id. */
  readonly #told = new Map<string, WorkRequest>();
  /** Of a list: those that went out of sight, as they are by now. They may come back. */
  readonly #left = new Map<string, WorkRequest>();
  /** What the feed itself does not tell: of those that went out of sight, or came back, while nothing was taken. */
  #own: Told[] = [];
  #sequence = 0;
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
    this.#holdBack();
    for (;;) {
      const own = this.#own.shift();
      if (own !== undefined) return this.#deliver(own, 0);
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
    this.#own.length = 0;
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
    const { workRequest, gap, place } = told;
    if (workRequest === null) return place === undefined || this.#judge.mayAsk(place) ? told : null;
    const isIn = this.#judge.maySee(workRequest);
    // That there is too much to be told is true all the same.
    if (gap?.reason === 'OVERFLOW') return isIn ? told : { ...told, workRequest: null };
    if (this.#left.has(workRequest.id)) {
      this.#left.set(workRequest.id, workRequest);
      if (gap !== null && gap.reason !== 'UPSTREAM_SILENT') this.#left.delete(workRequest.id);
      return gap === null && isIn ? this.#comeBack(told, workRequest) : null;
    }
    if (isIn) {
      if (workRequest.isTerminal || (gap !== null && gap.reason !== 'UPSTREAM_SILENT'))
        this.#told.delete(workRequest.id);
      else this.#told.set(workRequest.id, workRequest);
      return told;
    }
    const known = this.#told.get(workRequest.id);
    if (known !== undefined) return this.#leave(known);
    if (this.form === 'list') return null;
    this.#end();
    return absenceOf(this.#judge.now());
  }

  #leave(known: WorkRequest): Told {
    this.#told.delete(known.id);
    if (this.form === 'single') this.#end();
    else this.#left.set(known.id, known);
    const now = this.#judge.now();
    return goneOf({ ...known, isOutOfSight: true }, known.observedAt, now);
  }

  /** What came back, and has gone again before anybody heard of it. */
  #holdBack(): void {
    if (this.#own.length === 0) return;
    this.#own = this.#own.filter(({ gap, workRequest }) => {
      if (gap !== null || workRequest === null || this.#judge.maySee(workRequest)) return true;
      this.#told.delete(workRequest.id);
      this.#left.set(workRequest.id, workRequest);
      return false;
    });
  }

  #judgeAgain(): void {
    this.#holdBack();
    for (const known of this.#told.values())
      if (!this.#judge.maySee(known)) this.#own.push(this.#leave(known));
    for (const known of this.#left.values())
      if (this.#judge.maySee(known)) this.#own.push(this.#comeBack(snapshotOf(known, true), known));
    if (this.#own.length > 0) this.#onReady?.();
  }

  /** Its last event was a GAP, so it is told of as for the first time. */
  #comeBack(told: Told, workRequest: WorkRequest): Told {
    this.#left.delete(workRequest.id);
    if (!workRequest.isTerminal) this.#told.set(workRequest.id, workRequest);
    return addedOf(told);
  }

  #deliver(told: Told, mergedCount: number): Delivery {
    this.#sequence += 1;
    return { kind: 'event', told, sequence: this.#sequence, mergedCount };
  }

  #end(): void {
    this.#callOff();
    void this.#inner.return();
  }
}
