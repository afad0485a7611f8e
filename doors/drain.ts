/** Sends many away on a stop, not all at the same moment: they come again, and to somebody who has to take them in. */
import { setTimeout as sleep } from 'node:timers/promises';

const beatMs = 50;
/** This many leave in the first beat, and in each if there are few. */
const leastPerBeat = 100;

/** Resolves when each was sent away, after `spreadMs` at most. */
export async function drain<T>(
  guests: Iterable<T>,
  spreadMs: number,
  sendAway: (guest: T) => void,
): Promise<void> {
  const left = [...guests];
  const perBeat = Math.max(leastPerBeat, Math.ceil(left.length / Math.max(1, spreadMs / beatMs)));
  for (;;) {
    for (const guest of left.splice(0, perBeat)) sendAway(guest);
    if (left.length === 0) return;
    await sleep(beatMs);
  }
}
