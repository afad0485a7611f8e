/** The order of the list: by time of acceptance, then by id, so that no two places are the same. Pure. */
import type { WorkRequest } from './types.ts';

export type Order = 'DESC' | 'ASC';

/** Milliseconds since the epoch (null: not told), and the global id. JSON. */
export type SortKey = readonly [timeAccepted: number | null, id: string];

export const keyOf = ({ timeAccepted, id }: Pick<WorkRequest, 'timeAccepted' | 'id'>): SortKey => [
  timeAccepted?.getTime() ?? null,
  id,
];

/** Negative: `left` comes first. Work requests without a time come last in both orders. */
export const compareKeys = (
  [leftTime, leftId]: SortKey,
  [rightTime, rightId]: SortKey,
  order: Order,
): number => {
  if (leftTime !== rightTime) {
    if (leftTime === null) return 1;
    if (rightTime === null) return -1;
    return order === 'DESC' ? rightTime - leftTime : leftTime - rightTime;
  }
  return leftId < rightId ? -1 : leftId > rightId ? 1 : 0;
};
