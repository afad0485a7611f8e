/** One appointment at a time: setting it again forgets the one before. Holds a timer only while it is set. */
import type { Clock } from '../datasources/types.ts';

/** What a timer of Node's takes, 24.8 days; a longer one would ring at once. */
const longestMs = 2 ** 31 - 1;

export interface Alarm {
  set(delayMs: number): void;
  clear(): void;
}

export const createAlarm = (clock: Clock, ring: () => void): Alarm => {
  let appointment: AbortController | null = null;

  const clear = (): void => {
    appointment?.abort();
    appointment = null;
  };

  return {
    set(delayMs) {
      clear();
      const mine = new AbortController();
      appointment = mine;
      clock.sleep(Math.min(longestMs, Math.max(0, delayMs)), mine.signal).then(
        () => {
          // An alarm that was cleared while its time was up must stay silent.
          if (appointment !== mine) return;
          appointment = null;
          ring();
        },
        () => {},
      );
    },
    clear,
  };
};
