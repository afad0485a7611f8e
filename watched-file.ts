/**
 * A file that is read again when it changes: a policy, a manifest. It is looked at, as the kernel says nothing of files that are mounted;
 * and through its name, as a mounted ConfigMap exchanges what that leads to.
 */
import { stat } from 'node:fs/promises';
import type { Clock } from './datasources/types.ts';

/**
 * Calls `onChange` when two looks in a row have found the same, so that nobody reads what is half written; also where it has changed
 * between being read for the start and this call. Which must not throw, and answers `again` where it could not read the file.
 * @returns how to call it off
 */
export type WatchFile = (file: string, onChange: () => Promise<Outcome> | Outcome) => () => void;
type Outcome = 'again' | void;

const lookEveryMs = 1_000;

export const createWatchFile =
  (clock: Pick<Clock, 'sleep'>): WatchFile =>
  (file, onChange) => {
    const stopping = new AbortController();
    const keepLooking = async (): Promise<void> => {
      let [read, seen] = ['', ''];
      for (;;) {
        await clock.sleep(lookEveryMs, stopping.signal);
        const stamp = await stampOf(file);
        if (stamp === seen && stamp !== read) {
          const outcome = await onChange();
          if (outcome !== 'again') read = stamp;
        }
        seen = stamp;
      }
    };
    keepLooking().catch(() => {});
    return () => stopping.abort(null);
  };

/** Changes whenever the file does, and whenever who may read it. */
const stampOf = async (file: string): Promise<string> => {
  try {
    const { mtimeMs, ctimeMs, size, ino } = await stat(file);
    return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch {
    return 'absent';
  }
};
