/** The true history of a work request, as numbered versions, in the contract's words. */
import { dialectOf } from '../../emulator/dialects.ts';
import { stateOf } from '../../emulator/lives.ts';
import type { Life } from '../../emulator/lives.ts';
import { renderWorkRequest } from '../../emulator/render.ts';

export interface Version {
  readonly at: number;
  readonly rawStatus: string;
  readonly status: string;
  /** null: the API tells none. */
  readonly percent: number | null;
  readonly hasResources: boolean;
  /** A final word. */
  readonly isFinal: boolean;
  /** Finished by its time alone. */
  readonly isUnspoken: boolean;
}

/** CONTRACT §6, "Status". */
const words: Readonly<Record<string, string>> = {
  CREATED: 'ACCEPTED',
  INPROGRESS: 'IN_PROGRESS',
  CANCELLING: 'CANCELING',
  CANCELLED: 'CANCELED',
  COMPLETED: 'SUCCEEDED',
};
const kept = new Set(
  'ACCEPTED IN_PROGRESS WAITING NEEDS_ATTENTION SUSPENDING SUSPENDED CANCELING CANCELED SUCCEEDED PARTIALLY_SUCCEEDED FAILED SKIPPED'.split(
    ' ',
  ),
);
const final = new Set(['SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED', 'CANCELED', 'SKIPPED']);
const foldWord = (word: string): string => words[word] ?? (kept.has(word) ? word : 'UNKNOWN');

export const truthOf = (life: Life, startedAt: number): readonly Version[] => {
  const dialect = dialectOf(life.service);
  if (dialect === null) throw new Error(`${life.service} is not in the emulator`);
  const versions: Version[] = [];
  for (const [index, step] of life.steps.entries()) {
    if (typeof step.native?.['version'] !== 'number') continue;
    const state = stateOf({ ...life, steps: life.steps.slice(0, index + 1) }, Infinity);
    const body = renderWorkRequest(dialect, life, state);
    const rawStatus = String(state.status ?? '');
    const status = foldWord(rawStatus);
    const isFinal = final.has(status);
    const percent = body['percentComplete'];
    versions.push({
      at: step.atMs - startedAt,
      rawStatus,
      status,
      percent: typeof percent === 'number' ? percent : null,
      hasResources: Array.isArray(body['resources']),
      isFinal,
      isUnspoken: !isFinal && (body['timeFinished'] ?? null) !== null,
    });
  }
  return versions;
};
