/** The list: its arguments, and one page of it as a connection. */
import type { Context } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { ServiceName } from '../datasources/catalog.ts';
import type { ListScope } from '../datasources/list-watch.ts';
import type { SweepPage, SweepPosition } from '../datasources/sweep.ts';
import type { WorkRequest } from '../datasources/types.ts';
import type {
  QueryResolvers,
  SubscriptionWorkRequestsArgs,
  WorkRequestConnectionResolvers,
  WorkRequestEdgeResolvers,
} from '../schema/generated.ts';
import { checkFirst } from './connection.ts';
import { asOneObservation, selectedFields } from './selection.ts';

/** What stands behind a WorkRequestConnection. A cursor tells the place of every source, so it is made where it is selected. */
export interface ListedPage {
  readonly page: SweepPage;
  readonly cursorAfter: (index: number) => string;
}

export interface ListedEdge {
  readonly node: WorkRequest;
  readonly index: number;
  readonly cursorAfter: ListedPage['cursorAfter'];
}

const defaultFirst = 25;

/** Which lists are meant: all services and regions where none is named. */
export const readScope = (
  { compartmentId, includeSubcompartments, services, regions, filter }: SubscriptionWorkRequestsArgs,
  { router, catalog }: Pick<Context, 'router' | 'catalog'>,
): ListScope => ({
  compartmentId: checkCompartment(compartmentId),
  includeSubcompartments: includeSubcompartments ?? false,
  services: services?.length ? [...new Set(services)] : (Object.keys(catalog) as ServiceName[]),
  regions: regions?.length ? router.routeRegions(regions) : null,
  filter: filter ?? {},
});

/** How OCIDs are written. What can be none is not asked for at a hundred services. */
const ocid = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

/** @throws GatewayError BAD_USER_INPUT */
const checkCompartment = (id: string): string => {
  if (ocid.test(id)) return id;
  throw new GatewayError(
    'BAD_USER_INPUT',
    '`compartmentId` is no OCID: letters, digits, `.`, `_` and `-`, at most 255 characters.',
  );
};

export const workRequests: QueryResolvers['workRequests'] = async (
  _,
  { first, after, ...asked },
  context,
): Promise<ListedPage> => {
  const { sweep, cursors, caller } = context;
  const { filter, orderBy } = asked;
  // A cursor is good for the same arguments only, whatever their order.
  const purpose = `workRequests ${JSON.stringify(asked, Object.keys({ ...asked, ...filter }).sort())} ${caller ?? ''}`;
  const page = await sweep({
    ...readScope(asked, context),
    order: orderBy === 'TIME_ACCEPTED_ASC' ? 'ASC' : 'DESC',
    first: checkFirst(first ?? defaultFirst),
    position: after == null ? null : cursors.open<SweepPosition>(purpose, after),
  });
  return { page, cursorAfter: (index) => cursors.seal(purpose, page.positionAfter(index)) };
};

/** Whether there is nothing to go on with. */
const isAtEnd = ({ open, subtreeTries }: SweepPosition): boolean =>
  open.length === 0 && subtreeTries === undefined;

export const WorkRequestConnection: WorkRequestConnectionResolvers = {
  edges: ({ page, cursorAfter }) => page.items.map((node, index) => ({ node, index, cursorAfter })),
  nodes: ({ page }, _, context, info) => {
    const selected = selectedFields(info);
    return page.items.map((item) => asOneObservation(item, selected, context));
  },
  pageInfo: ({ page, cursorAfter }) => {
    const last = page.items.length - 1;
    return {
      hasNextPage: page.hasNext,
      hasPreviousPage: false,
      // Getters: a cursor over hundreds of sources costs a millisecond, and few ask for both.
      get startCursor() {
        return last < 0 ? null : cursorAfter(0);
      },
      // A page may end before it found anything, or all its sources may have failed: its end is the place to go on from.
      get endCursor() {
        return last < 0 && isAtEnd(page.positionAfter(last)) ? null : cursorAfter(last);
      },
    };
  },
  failures: ({ page }) => page.failures,
};

export const WorkRequestEdge: WorkRequestEdgeResolvers = {
  node: ({ node }, _, context, info) => asOneObservation(node, selectedFields(info), context),
  cursor: ({ index, cursorAfter }) => cursorAfter(index),
};
