/** What a watch knows at a moment, for whoever asks without subscribing. Pure. */
import type { WorkRequest } from '../datasources/types.ts';
import { isHealthy } from './track.ts';
import type { Moment, Track } from './track.ts';

const intervalsOfFreshness = 2;

/**
 * The last state seen; null when there was none. Stale: the last look brought none, or it is older than two intervals
 * (and than what upstream asked for, with one interval more).
 */
export const presentOf = (track: Track, { at: now }: Moment): WorkRequest | null => {
  const { known, answeredAt, intervalMs, patientUntil } = track;
  if (known === null) return null;
  const staleAt = Math.max(
    answeredAt + intervalsOfFreshness * intervalMs,
    patientUntil > 0 ? patientUntil + intervalMs : 0,
  );
  return isHealthy(track) && now <= staleAt ? known : { ...known, isStale: true };
};
