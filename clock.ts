/** The time of this machine. */
import { setTimeout } from 'node:timers/promises';
import type { Clock } from './datasources/types.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  passed: () => performance.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, signal && { signal }),
};
