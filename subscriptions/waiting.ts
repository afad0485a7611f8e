/**
 * Waiting for a work request, for callers that cannot subscribe: a subscriber like any other, asked once for what came
 * of it. It needs no poller of its own, and leaves none behind, however it ends.
 */
import type { Clock, WorkRequest, WorkRequestRef } from '../datasources/types.ts';
import type { WatchEvent } from './events.ts';
import type { Watchers } from './watchers.ts';

export type Waited =
  /** It needs no more waiting, or the time is up. */
  | { readonly kind: 'seen'; readonly workRequest: WorkRequest }
  /** Oracle Cloud knew it not from the start. */
  | { readonly kind: 'absent' }
  /** 403, at the start or later. */
  | { readonly kind: 'refused' }
  /** The time is up, and Oracle Cloud has told no state of it. */
  | { readonly kind: 'unseen' }
  | { readonly kind: 'stopped' }
  /** Nobody waits for the answer any more. */
  | { readonly kind: 'left' };

export interface Waiting {
  /** @throws UpstreamError where the first look fails and cannot pass, as a watch does */
  waitFor(ref: WorkRequestRef, options: WaitOptions): Promise<Waited>;
  /** Ends all waits. */
  stop(): void;
}

export interface WaitOptions {
  /** For a state that needs no more waiting. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

export interface WaitingOptions {
  readonly watchers: Pick<Watchers, 'watch' | 'present'>;
  readonly clock: Clock;
  /** For a first state, also where the caller gives less: as long as a read of it may take. */
  readonly firstMs: number;
}

export const createWaiting = ({ watchers, clock, firstMs }: WaitingOptions): Waiting => {
  const stopping = new AbortController();

  return {
    async waitFor(ref, { timeoutMs, gone }) {
      if (gone.aborted) return { kind: 'left' };
      if (stopping.signal.aborted) return { kind: 'stopped' };
      const feed = watchers.watch(ref);
      const done = new AbortController();
      let last: WatchEvent | null = null;
      let isTimeUp = false;
      let end: Waited | null = null;
      // A feed on which nothing happens is left from outside.
      const leave = (waited: Waited): void => {
        end ??= waited;
        void feed.return();
      };
      const keepTime = async (): Promise<void> => {
        await clock.sleep(timeoutMs, done.signal);
        isTimeUp = true;
        if (watchers.present(ref) === null) await clock.sleep(Math.max(0, firstMs - timeoutMs), done.signal);
        // A look that brings nothing new is not told, so what is known now may be newer than the last event.
        const workRequest = watchers.present(ref);
        leave(workRequest === null ? outcomeOf(last, 'unseen') : { kind: 'seen', workRequest });
      };
      const { signal } = done;
      gone.addEventListener('abort', () => leave({ kind: 'left' }), { signal });
      stopping.signal.addEventListener('abort', () => leave({ kind: 'stopped' }), { signal });
      keepTime().catch(() => {});
      try {
        for await (const event of feed) {
          last = event;
          if (needsNoMore(event) || (isTimeUp && event.workRequest !== null)) break;
        }
        return end ?? outcomeOf(last, 'stopped');
      } finally {
        done.abort();
      }
    },

    stop: () => stopping.abort(),
  };
};

/** Before the feed itself has ended: what is over ends it, as do 404s. */
const needsNoMore = ({ workRequest, gap }: WatchEvent): boolean =>
  gap === null && workRequest?.status === 'NEEDS_ATTENTION';

/** Of the last event; where there was none, as the watch ended. */
const outcomeOf = (last: WatchEvent | null, otherwise: 'unseen' | 'stopped'): Waited => {
  if (last === null) return { kind: otherwise };
  const { workRequest, gap } = last;
  if (gap?.reason === 'FORBIDDEN') return { kind: 'refused' };
  if (workRequest === null) return { kind: gap?.reason === 'NOT_FOUND' ? 'absent' : otherwise };
  return { kind: 'seen', workRequest: gap === null ? workRequest : { ...workRequest, isStale: true } };
};
