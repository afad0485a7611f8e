/** What the rules are about: everything that happened to one work request, put in order. */
import type { WatchEvent } from '../../subscriptions/events.ts';
import type { Run } from './run.ts';
import type { Reader } from './scene.ts';
import type { Version } from './truth.ts';

export interface Complaint {
  readonly rule: string;
  readonly plot: number | null;
  readonly who: number | null;
  readonly at: number;
  readonly what: string;
}

export interface Placed {
  /** Place in the log. */
  readonly index: number;
  readonly at: number;
}

/** A state that reached the gateway. */
export interface Seen extends Placed {
  readonly version: number;
  readonly retryAfterMs: number;
  /** Holds every field, so that it can be told. */
  readonly isWhole: boolean;
}

export interface Received extends Placed {
  readonly event: WatchEvent;
  /** Which version of the truth it tells; -1 where it tells none. */
  readonly version: number;
}

export interface Subscriber {
  readonly who: number;
  /** Waits for the work request: is told nothing until it is answered, once. */
  readonly isWait: boolean;
  /** To a list: then these are the events of one of its work requests. */
  readonly isOfList: boolean;
  readonly plot: number;
  readonly reader: Reader;
  readonly joined: Placed;
  readonly ended: Placed & { readonly how: 'left' | 'done' | 'error' };
  readonly events: readonly Received[];
}

export interface Look {
  readonly plot: number;
  readonly from: Placed;
  readonly to: Placed | null;
  readonly found: string;
}

/** Everything about one work request. */
export interface Story {
  readonly plot: number;
  readonly truth: readonly Version[];
  readonly seen: readonly Seen[];
  /** Those of `seen` that tell something new: newer than all before, or as new as what was only seen in part. */
  readonly news: readonly Seen[];
  /** The percentage of each version as it may be told: it does not fall until a suspension was seen. */
  readonly percents: ReadonlyMap<number, number>;
  readonly looks: readonly Look[];
  readonly subscribers: readonly Subscriber[];
}

export type Complain = (
  rule: string,
  what: string,
  place?: Partial<Pick<Complaint, 'plot' | 'who' | 'at'>>,
) => void;

/** Timers count in fractions of milliseconds, and sums of those are not exact. */
export const toleranceMs = 1;

/** By its word, or by its time alone. */
export const isOver = (version: Version | undefined): boolean =>
  version !== undefined && (version.isFinal || version.isUnspoken);

/** The newest that was seen; an end that was seen in part is read once more before it is told. */
export const knownAt = ({ truth, seen }: Pick<Story, 'truth' | 'seen'>, { index }: Placed): number =>
  Math.max(
    -1,
    ...seen
      .filter((one) => one.index < index && (one.isWhole || !isOver(truth[one.version])))
      .map(({ version }) => version),
  );
export const jumpsWithin = (run: Run, from: number, to: number): boolean =>
  run.entries.some((entry) => entry.kind === 'jump' && entry.at >= from && entry.at <= to);
