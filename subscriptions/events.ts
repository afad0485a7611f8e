/** The words that watchers tell; the names are those of the schema. Types only. */
import type { Place } from '../datasources/discovery.ts';
import type { WorkRequest } from '../datasources/types.ts';
import type { WorkRequestStatus } from '../datasources/status.ts';

export type WatchEventType = 'SNAPSHOT' | 'SYNCED' | 'ADDED' | 'CHANGED' | 'FINISHED' | 'GAP';

export type GapReason = 'NOT_FOUND' | 'RETENTION' | 'UPSTREAM_SILENT' | 'OVERFLOW' | 'FORBIDDEN';

export interface WatchGap {
  readonly reason: GapReason;
  /** Up to when the work request was last seen; null when it never was. */
  readonly from: Date | null;
  readonly to: Date | null;
  readonly message: string;
}

/** What is told to every subscriber alike: made once, shared by all, never changed. */
export interface Told {
  readonly type: WatchEventType;
  /** null for a GAP about nothing that was ever seen. */
  readonly workRequest: WorkRequest | null;
  /** CHANGED and FINISHED: the status before, also where it stayed the same. Else null. */
  readonly previousStatus: WorkRequestStatus | null;
  /** When upstream is looked at next; null when it is being looked at, and after the last event. */
  readonly nextPollAt: Date | null;
  readonly gap: WatchGap | null;
  /** Whether a newer state makes this one superfluous: all changes but those of the status. */
  readonly isProgress: boolean;
  /** Which list a GAP is about. */
  readonly place?: Place;
}

/** One event as one subscriber gets it. */
export interface WatchEvent extends Omit<Told, 'isProgress'> {
  /** 1, 2, 3, … per subscription. */
  readonly sequence: number;
  /** Progress-only changes folded into this event because the subscriber was slow. */
  readonly mergedCount: number;
}
