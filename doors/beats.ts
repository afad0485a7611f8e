/** Keep-alive of many: each has its beat once in a period, and not all at the same moment. */

/** A crowd that came at once is spread over so many moments. */
const turns = 6;

export interface Beats<T> {
  add(guest: T): void;
  delete(guest: T): void;
  stop(): void;
}

/** @param beat called with those whose beat it is */
export function createBeats<T>(periodMs: number, beat: (guests: ReadonlySet<T>) => void): Beats<T> {
  const groups = Array.from({ length: turns }, () => new Set<T>());
  let turn = 0;
  const timer = setInterval(() => {
    turn = (turn + 1) % turns;
    const group = groups[turn];
    if (group !== undefined && group.size > 0) beat(group);
  }, periodMs / turns).unref();

  return {
    add(guest) {
      const smallest = groups.reduce((least, group) => (group.size < least.size ? group : least));
      smallest.add(guest);
    },
    delete(guest) {
      for (const group of groups) group.delete(guest);
    },
    stop: () => clearInterval(timer),
  };
}
