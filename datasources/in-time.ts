import type { Clock } from './types.ts';

/**
 * `work`, or the error of `late` when it takes longer than `ms` (which may be Infinity); `work` itself goes on, its outcome
 * is dropped.
 */
export async function inTime<T>(work: Promise<T>, ms: number, clock: Clock, late: () => Error): Promise<T> {
  if (ms === Infinity) return work;
  const done = new AbortController();
  const alarm = clock.sleep(Math.max(0, ms), done.signal).then(() => {
    throw late();
  });
  try {
    return await Promise.race([work, alarm]);
  } finally {
    alarm.catch(() => undefined);
    // With a reason, or one would be made, with a stack, for each call.
    done.abort(null);
  }
}
