/**
 * Carries one subscriber's events from its feed to its connection. What the connection does not take at once waits in the
 * feed, where it folds; so a client that does not read costs no more than its feed holds.
 *
 * To who waits for it (graphql-ws, the SSE door) it is an iterator that gives nothing: `next()` begins, and settles when the
 * subscription has ended and its last event is on its way.
 */
import type { Feed } from '../../subscriptions/feed.ts';
import { endAfter } from '../tally.ts';
import type { SubscriptionEnd, SubscriptionTally } from '../tally.ts';
import type { OwnNumbers, Payload, Rendition } from './rendition.ts';
import type { Renderer } from './renderers.ts';

/** A subscription whose events are rendered once for all who have the same operation. */
export interface LiveSubscription {
  readonly feed: Feed;
  readonly renderer: Renderer;
}

/** Where one subscriber's events go. */
export interface Outlet {
  /** Whether what is sent now leaves at once. */
  isFree(): boolean;
  /** Calls `courier.resume()` once, when it is free again. */
  wait(courier: Courier): void;
  send(payload: Payload): void;
  /** The last event was GAP OVERFLOW: the client has to come again. */
  overflow(): void;
  /** Why nobody reads any more, asked when that is so. */
  leftBy(): SubscriptionEnd;
}

const done = { done: true, value: undefined } as const;

/** A class, as there is one for each subscriber, and most of them wait for nothing to happen. */
export class Courier implements AsyncIterableIterator<never, undefined> {
  readonly #feed: Feed;
  readonly #renderer: Renderer;
  readonly #outlet: Outlet;
  readonly #tally: SubscriptionTally;
  /** How it ends if nothing more comes. */
  #end: SubscriptionEnd = 'shutdown';
  #ended: PromiseWithResolvers<IteratorResult<never, undefined>> | null = null;
  #isRendering = false;
  #isWaiting = false;
  #isOver = false;

  constructor({ feed, renderer }: LiveSubscription, outlet: Outlet, tally: SubscriptionTally) {
    this.#feed = feed;
    this.#renderer = renderer;
    this.#outlet = outlet;
    this.#tally = tally;
    tally.began(feed.form);
  }

  async next(): Promise<IteratorResult<never, undefined>> {
    if (this.#isOver) return done;
    if (this.#ended === null) {
      this.#ended = Promise.withResolvers();
      this.#feed.listen(() => this.#carry());
      this.#carry();
    }
    return this.#ended.promise;
  }

  /** Nothing is sent any more from here on. */
  async return(): Promise<IteratorResult<never, undefined>> {
    if (!this.#isOver) {
      this.#finish(this.#outlet.leftBy());
      void this.#feed.return();
      this.#ended?.resolve(done);
    }
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The outlet is free again. */
  resume(): void {
    this.#isWaiting = false;
    this.#carry();
  }

  #carry(): void {
    while (!this.#isOver && !this.#isRendering && !this.#isWaiting) {
      if (!this.#outlet.isFree()) {
        this.#isWaiting = true;
        return this.#outlet.wait(this);
      }
      const taken = this.#feed.take();
      if (taken === null) return;
      if (taken.kind !== 'event') {
        this.#finish(taken.kind === 'complete' ? this.#end : taken.kind === 'failed' ? 'error' : 'overflow');
        if (taken.kind === 'failed') return this.#ended?.reject(taken.error);
        if (taken.kind === 'overflow') this.#outlet.overflow();
        return this.#ended?.resolve(done);
      }
      this.#end = endAfter(taken.told, this.#feed.form);
      const rendition = this.#renderer.render(taken.told);
      if (rendition instanceof Promise) this.#sendLater(rendition, taken);
      else this.#send(rendition(taken));
    }
  }

  #sendLater(coming: Promise<Rendition>, own: OwnNumbers): void {
    this.#isRendering = true;
    void coming.then((rendition) => {
      this.#isRendering = false;
      if (this.#isOver) return;
      this.#send(rendition(own));
      this.#carry();
    });
  }

  #send(payload: Payload): void {
    this.#tally.sent += 1;
    this.#outlet.send(payload);
  }

  #finish(end: SubscriptionEnd): void {
    this.#isOver = true;
    this.#renderer.release();
    this.#tally.ended(this.#feed.form, end);
  }
}
