/** What watchers have done since the start, for the metrics. */
import type { GapReason } from './events.ts';

export interface Tally {
  /** Looks, of work requests and of lists; those of one breath may share a call. */
  polls: number;
  /** Those that brought no answer. */
  pollFailures: number;
  /** Progress-only changes folded away for slow subscribers. */
  merged: number;
  /** Once per watched work request and gap; OVERFLOW once per subscriber. */
  readonly gaps: Record<GapReason, number>;
}

export const createTally = (): Tally => ({
  polls: 0,
  pollFailures: 0,
  merged: 0,
  gaps: { NOT_FOUND: 0, RETENTION: 0, UPSTREAM_SILENT: 0, OVERFLOW: 0, FORBIDDEN: 0 },
});
