/** What `waitForWorkRequest` has to answer, and when, by CONTRACT §6. */
import type { Run } from './run.ts';
import { isOver, knownAt, toleranceMs } from './story.ts';
import type { Complain, Story, Subscriber } from './story.ts';

export const judgeWait = (
  run: Run,
  { truth, seen, looks }: Story,
  { who, joined, ended }: Subscriber,
  complain: Complain,
): void => {
  const begun = run.entries[joined.index];
  const answer = run.entries.find(
    (entry) => (entry.kind === 'waited' || entry.kind === 'error') && entry.who === who,
  );
  if (begun?.kind !== 'wait') return;
  const { deadlineMs, pollMinMs } = run.scene.settings;
  const { timeoutMs } = begun;
  const tookMs = ended.at - joined.at;
  const firstMs = Math.max(timeoutMs, 2 * deadlineMs);
  if (tookMs > firstMs + toleranceMs)
    complain('waiting ends in time', `${tookMs} ms, it may take ${firstMs}`, { at: ended.at });
  if (answer?.kind === 'error') return complain('no errors', `waiting failed: ${String(answer.error)}`);
  if (answer?.kind !== 'waited' || answer.waited.kind === 'left') return;
  const { waited } = answer;
  const isTimeUp = tookMs >= timeoutMs - toleranceMs;
  if (waited.kind === 'unseen') {
    if (tookMs < firstMs - toleranceMs) complain('waiting', `nothing seen after ${tookMs} ms`);
    if (seen.some(({ isWhole, index }) => isWhole && index > joined.index && index < ended.index - 1))
      complain('waiting', 'nothing seen, but it was');
  }
  const found = (what: string): boolean =>
    looks.some((look) => look.found === what && look.to !== null && look.to.index < ended.index);
  if (waited.kind === 'absent' && !found('absent')) complain('waiting', 'absent, and no 404');
  if (waited.kind === 'refused' && !found('forbidden')) complain('waiting', 'refused, and no 403');
  // Between a sight that needs no more waiting and the answer is at most the look that was under way.
  const needsNoMore = (version: number): boolean =>
    truth[version]?.isFinal === true || truth[version]?.status === 'NEEDS_ATTENTION';
  const enough = seen.find(
    ({ version, isWhole, index }) =>
      isWhole &&
      index > joined.index &&
      needsNoMore(version) &&
      version >= knownAt({ truth, seen }, { index, at: 0 }),
  );
  const lateMs = enough ? ended.at - enough.at : 0;
  if (lateMs > 2 * deadlineMs + 2 * pollMinMs)
    complain('waiting ends in time', `${lateMs} ms after version ${enough?.version} was seen`);
  if (waited.kind !== 'seen') return;
  const { rawStatus, isTerminal, isStale, status } = waited.workRequest;
  const matching = seen.filter(
    ({ version, index }) =>
      index < ended.index && truth[version]?.rawStatus === rawStatus && isOver(truth[version]) === isTerminal,
  );
  if (matching.length === 0) complain('waiting', `${rawStatus} was never seen`);
  else if (Math.max(...matching.map(({ version }) => version)) < knownAt({ truth, seen }, joined))
    complain('nothing backward', `waiting tells ${rawStatus}, older than what was known`);
  if (!isTimeUp && !isTerminal && status !== 'NEEDS_ATTENTION' && isStale !== true)
    complain('waiting', `${rawStatus} after ${tookMs} ms, of ${timeoutMs}`);
};
