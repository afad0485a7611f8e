/**
 * No watch starves: a look that is due is made while the budget has room for it, whatever else is looked at and however long
 * that takes.
 */
import type { Run } from './run.ts';
import { jumpsWithin } from './story.ts';
import type { Complain, Story } from './story.ts';

/** What a call and its answer take beside, and a failed first try. */
const graceMs = 1_500;
/** The one that waits already, one more, and one for the grace. */
const turnsOfOthers = 3;

export const judgeTurns = (
  run: Run,
  { plot, truth, seen, looks, subscribers }: Story,
  complain: Complain,
): void => {
  const { rps, pollMaxMs } = run.scene.settings;
  const place = run.scene.plots[plot];
  if (place === undefined) return;
  const { service, region } = place;
  // Troubles make looks wait for reasons of their own; those of another work request are no reason, but for a 429, which
  // binds all of its service.
  const troubles = run.scene.troubles.filter(
    (trouble) =>
      trouble.service === service &&
      (trouble.plot === null || trouble.plot === plot || trouble.kind.startsWith('throttled')),
  );
  if (troubles.length > 0 || place.forgottenAt !== null) return;
  const calls = run.entries.flatMap((entry) =>
    entry.kind === 'call' && entry.service === service && entry.region === region ? [entry] : [],
  );
  // Whoever subscribes to lists has them looked at, too.
  const hasLists = run.scene.acts.some(({ kind }) => kind === 'joinList');
  const isWatched = (from: number, to: number): boolean =>
    subscribers.some(
      ({ isOfList, reader, joined, ended }) =>
        !isOfList && reader.kind === 'eager' && joined.at <= from && ended.at >= to,
    );
  const end = seen.find(({ version }) => truth[version]?.isFinal)?.at ?? run.closedAt;
  // Whenever it was seen, or a look at it began or ended.
  const marks = [
    ...seen.map(({ at, retryAfterMs }) => ({
      at,
      dueAt: at + Math.max(retryAfterMs, 1.1 * pollMaxMs),
      isOpen: false,
    })),
    ...looks.flatMap(({ from, to }) => [
      { at: from.at, dueAt: from.at, isOpen: true },
      ...(to ? [{ at: to.at, dueAt: to.at + 1.1 * pollMaxMs, isOpen: false }] : []),
    ]),
  ].sort((one, other) => one.at - other.at);
  let dueAt = 0;
  for (const [index, mark] of marks.entries()) {
    const { at, isOpen } = mark;
    const next = marks[index + 1]?.at ?? run.closedAt;
    dueAt = Math.max(dueAt, mark.dueAt);
    const from = dueAt + graceMs;
    if (isOpen || from >= next || next > end || !isWatched(at, next) || jumpsWithin(run, at, next)) continue;
    // Calls that fill the budget, from the due time to the look.
    const meanwhile = calls.filter((call) => call.at > from && call.at < next);
    const within = [from, ...meanwhile.map((call) => call.at), next];
    const idleMs = Math.max(...within.slice(1).map((call, place) => call - (within[place] ?? 0)));
    if (idleMs > 1_000 / Math.min(1, rps) + graceMs)
      complain('no watch starves', `not looked at for ${next - at} ms, with ${idleMs} ms of budget unused`, {
        at: next,
      });
    // First come, first served: each of the others comes once or twice before it.
    const others = Map.groupBy(meanwhile, ({ path }) => listOf(path));
    for (const none of [null, place.compartmentId]) others.delete(none);
    const most = Math.max(0, ...[...others.values()].map(({ length }) => length));
    if (!hasLists && most > turnsOfOthers)
      complain('no watch starves', `not looked at for ${next - at} ms, and another list ${most} times`, {
        at: next,
      });
  }
};

/** The compartment of a list. */
const listOf = (path: string): string | null =>
  new URL(path, 'http://cloud.test').searchParams.get('compartmentId');
