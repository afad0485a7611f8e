/** Upstream's pages → one page of a connection, for errors and logs. */
import { GatewayError } from '../errors.ts';
import type { Page } from '../datasources/types.ts';
import type { Cursors } from './cursors.ts';

/** A place in a paged upstream list. */
export interface Position {
  /** Upstream's own token of the page; null: the first. */
  readonly page: string | null;
  /** Items of that page that were already given. */
  readonly offset: number;
  /** Pages of upstream before it. */
  readonly turned?: number;
}

export interface ConnectionArgs {
  readonly first?: number | null;
  readonly after?: string | null;
}

export interface Connection<T> {
  readonly edges: readonly { readonly node: T; readonly cursor: string }[];
  readonly nodes: readonly T[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const defaultFirst = 50;
const maxFirst = 100;
/** Upstream pages that one page of ours may take; then it ends short, and the client may ask on. */
const maxUpstreamPages = 20;
/** Upstream pages of one list, over all pages of ours: tokens that lead in a circle end there. */
const maxTurned = 1_000;

/**
 * @returns null where the API has no such part
 * @throws GatewayError BAD_USER_INPUT, CURSOR_INVALID, UpstreamError
 */
export const readConnection = async <T>(
  { first, after }: ConnectionArgs,
  purpose: string,
  cursors: Cursors,
  readPage: (page: string | undefined) => Promise<Page<T> | null>,
): Promise<Connection<T> | null> => {
  const count = checkFirst(first ?? defaultFirst);
  let position: Position | null =
    after == null ? { page: null, offset: 0 } : cursors.open<Position>(purpose, after);
  const edges: { readonly node: T; readonly cursor: string }[] = [];
  const asked = new Set<string | null>();
  while (position !== null && edges.length < count) {
    if (asked.size >= maxUpstreamPages) {
      // Empty pages without end are no way forward, and there is no cursor to go on from.
      if (edges.length === 0) position = null;
      break;
    }
    asked.add(position.page);
    const page: Page<T> | null = await readPage(position.page ?? undefined);
    if (page === null) return null;
    const { page: token, offset: start, turned = 0 }: Position = position;
    // Nor is a token that comes again.
    const leadsOn: boolean = !asked.has(page.nextPage) && turned + 1 < maxTurned;
    const nextPage: string | null = leadsOn ? page.nextPage : null;
    const taken = page.items.slice(start, start + count - edges.length);
    /** After so many items of this page; after its last one the next page's token spares reading this one again. */
    const placeAfter = (offset: number): Position =>
      offset >= page.items.length && nextPage !== null
        ? { page: nextPage, offset: 0, turned: turned + 1 }
        : { page: token, offset, turned };
    for (const [index, node] of taken.entries()) {
      edges.push({
        node,
        // Sealed where it is selected: a hundred nodes with fifty log entries each are five thousand seals.
        get cursor() {
          return cursors.seal(purpose, placeAfter(start + index + 1));
        },
      });
    }
    const end: number = start + taken.length;
    position = end < page.items.length || nextPage !== null ? placeAfter(end) : null;
  }
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage: position !== null,
      hasPreviousPage: false,
      get startCursor() {
        return edges[0]?.cursor ?? null;
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null;
      },
    },
  };
};

/** @throws GatewayError BAD_USER_INPUT */
export const checkFirst = (first: number): number => {
  if (Number.isInteger(first) && first >= 1 && first <= maxFirst) return first;
  throw new GatewayError('BAD_USER_INPUT', `\`first\` is ${first}; it must be from 1 to ${maxFirst}.`);
};
