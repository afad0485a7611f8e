/** What happened in a run, in order. The place in the list is what came first; times are true ones, not the wall clock's. */
import type { ServiceName } from '../../datasources/catalog.ts';
import type { ListScope } from '../../datasources/list-watch.ts';
import type { WatchEvent } from '../../subscriptions/events.ts';
import type { Waited } from '../../subscriptions/waiting.ts';

export type Entry = { readonly at: number } & What;

export type What =
  /** A call that went out to upstream. */
  | {
      readonly kind: 'call';
      readonly service: ServiceName;
      readonly region: string;
      readonly path: string;
    }
  /** The state of a work request reached the gateway whole. */
  | {
      readonly kind: 'state';
      readonly plot: number;
      readonly version: number;
      readonly origin: 'get' | 'list';
      readonly retryAfterMs: number;
    }
  /** What else upstream answered, or did not. */
  | {
      readonly kind: 'failed';
      readonly plot: number | null;
      readonly service: ServiceName;
      readonly how: string;
      readonly retryAfterMs: number;
    }
  /** One logical read of a watcher. */
  | { readonly kind: 'look'; readonly plot: number; readonly look: number }
  | {
      readonly kind: 'looked';
      readonly plot: number;
      readonly look: number;
      readonly found: 'state' | 'absent' | 'forbidden' | 'nothing';
    }
  | { readonly kind: 'join'; readonly who: number; readonly plot: number }
  | { readonly kind: 'joinList'; readonly who: number; readonly scope: ListScope }
  /** Somebody waits for a work request, and is answered. */
  | { readonly kind: 'wait'; readonly who: number; readonly plot: number; readonly timeoutMs: number }
  | { readonly kind: 'waited'; readonly who: number; readonly waited: Waited }
  | { readonly kind: 'leave'; readonly who: number }
  | { readonly kind: 'pull'; readonly who: number }
  | { readonly kind: 'event'; readonly who: number; readonly event: WatchEvent }
  | { readonly kind: 'done'; readonly who: number }
  | { readonly kind: 'error'; readonly who: number; readonly error: unknown }
  | { readonly kind: 'jump'; readonly ms: number };

export interface Log {
  readonly entries: readonly Entry[];
  add(what: What): void;
}

export const createLog = (now: () => number): Log => {
  const entries: Entry[] = [];
  return { entries, add: (what) => void entries.push({ at: now(), ...what }) };
};
