/**
 * What changed between two observations of one work request. Pure.
 *
 * How an answer came does not count (`observedAt`, `etag`, `retryAfterMs`, `origin`), and neither does what only one
 * of the two observations can know: a list item has fewer fields than a get, and a get may be enriched by a list.
 */
import { isDeepStrictEqual } from 'node:util';
import type { WorkRequest } from '../datasources/types.ts';

const plainFields = [
  'status',
  'rawStatus',
  'operationType',
  'compartmentId',
  'percentComplete',
  'timeAccepted',
  'timeStarted',
  'timeUpdated',
  'timeFinished',
] as const satisfies readonly (keyof WorkRequest)[];

const detailFields = [
  'resources',
  'embeddedErrors',
  'embeddedLogs',
] as const satisfies readonly (keyof WorkRequest)[];

export type ChangedField = (typeof plainFields)[number] | (typeof detailFields)[number] | 'extras';

/** The fields that differ, in the order of the schema; empty when nothing did that a subscriber could see. */
export const changedFields = (before: WorkRequest, after: WorkRequest): readonly ChangedField[] => [
  ...plainFields.filter((field) => !isSame(before[field], after[field])),
  ...detailFields.filter((field) => isDetailChanged(before, after, field)),
  ...(areExtrasChanged(before.extras, after.extras) ? (['extras'] as const) : []),
];

/** Whether a status was seen that must not be dropped. Another upstream word for the same status is one. */
export const isStatusChange = (fields: readonly ChangedField[]): boolean =>
  fields.includes('status') || fields.includes('rawStatus');

const isSame = (before: string | number | Date | null, after: string | number | Date | null): boolean =>
  before instanceof Date && after instanceof Date ? before.getTime() === after.getTime() : before === after;

/** Absent details are a change only where both observations would have had them. */
const isDetailChanged = (
  before: WorkRequest,
  after: WorkRequest,
  field: (typeof detailFields)[number],
): boolean => {
  const [old, now] = [before[field] ?? null, after[field] ?? null];
  if ((old === null || now === null) && before.origin !== after.origin) return false;
  return !isDeepStrictEqual(old, now);
};

/** Keys that one side lacks say where it was read, not what happened (see datasources/observations.ts). */
const areExtrasChanged = (before: WorkRequest['extras'], after: WorkRequest['extras']): boolean =>
  Object.keys(after).some((key) => key in before && !isDeepStrictEqual(before[key], after[key]));
