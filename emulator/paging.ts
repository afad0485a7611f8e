/**
 * Pages of a list, as Oracle cuts them: an opaque token says after (or before) which item to go on, so that items which come and go in between
 * neither repeat nor hide others. A token is good for the list that gave it, with the same filters.
 */
import { createHash } from 'node:crypto';

export interface Sortable {
  readonly id: string;
  readonly sortKey: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  readonly previous: string | null;
}

interface Token {
  readonly scope: string;
  readonly direction: 'after' | 'before';
  readonly sortKey: string | null;
  readonly id: string;
}

export const greatestLimit = 1000;

/** `sorted` is in the order to show; null when the token is none of this list's. */
export function pageOf<T extends Sortable>(
  sorted: readonly T[],
  scope: string,
  limit: number,
  page: string | null,
  isDescending: boolean,
): Page<T> | null {
  const scopeHash = createHash('sha1').update(scope).digest('base64url').slice(0, 10);
  const token = page === null ? null : readToken(page);
  if (page !== null && (token === null || token.scope !== scopeHash)) return null;
  const isPast = (item: T, mark: Token): boolean => compare(item, mark, isDescending) > 0;
  let start = 0;
  if (token && token.sortKey !== null) {
    const first = sorted.findIndex((item) =>
      token.direction === 'after' ? isPast(item, token) : compare(item, token, isDescending) >= 0,
    );
    const at = first === -1 ? sorted.length : first;
    start = token.direction === 'after' ? at : Math.max(0, at - limit);
  }
  const items = sorted.slice(start, start + limit);
  const last = items.at(-1);
  const [first] = items;
  return {
    items,
    next:
      last && start + limit < sorted.length
        ? writeToken({ scope: scopeHash, direction: 'after', ...mark(last) })
        : null,
    previous:
      first && start > 0 ? writeToken({ scope: scopeHash, direction: 'before', ...mark(first) }) : null,
  };
}

/** Token of the first page, for a fault that leads round in circles. */
export function firstPageToken(scope: string): string {
  const hash = createHash('sha1').update(scope).digest('base64url').slice(0, 10);
  return writeToken({ scope: hash, direction: 'after', sortKey: null, id: '' });
}

function mark(item: Sortable): { sortKey: string; id: string } {
  return { sortKey: item.sortKey, id: item.id };
}

export function compare(
  left: Sortable,
  right: { sortKey: string | null; id: string },
  isDescending: boolean,
): number {
  const key = right.sortKey ?? '';
  const order =
    left.sortKey === key
      ? left.id === right.id
        ? 0
        : left.id < right.id
          ? -1
          : 1
      : left.sortKey < key
        ? -1
        : 1;
  return isDescending ? -order : order;
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify([token.scope, token.direction, token.sortKey, token.id])).toString(
    'base64url',
  );
}

function readToken(text: string): Token | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(parsed) || parsed.length !== 4) return null;
    const [scope, direction, sortKey, id] = parsed as unknown[];
    if (typeof scope !== 'string' || typeof id !== 'string') return null;
    if (direction !== 'after' && direction !== 'before') return null;
    return { scope, direction, sortKey: typeof sortKey === 'string' ? sortKey : null, id };
  } catch {
    return null;
  }
}
