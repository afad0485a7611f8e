/**
 * Oracle Cloud's lists of work requests in memory, for tests of the sweep: sorted or not as the catalog's row says, with
 * real pages and tokens, and every call on record. What there is, what fails and what misbehaves is the test's.
 */
import { catalog } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import type { ParentFinder } from '../../datasources/parents.ts';
import { sweep } from '../../datasources/sweep.ts';
import type { SweepDependencies, SweepPage, SweepPosition, SweepQuery } from '../../datasources/sweep.ts';
import type { ListQuery, Page, WorkRequest, WorkRequestRef } from '../../datasources/types.ts';
import { workRequestOf } from './oci-bodies.ts';

export const regions = ['us-ashburn-1', 'us-phoenix-1'] as const;
export const root = 'ocid1.compartment.oc1..root';
export const child = 'ocid1.compartment.oc1..child';

/** A work request as upstream has it. */
export interface Listed {
  readonly service: ServiceName;
  readonly region: string;
  readonly compartmentId: string;
  /** Where the row lists by one. */
  readonly parent?: string;
  readonly nativeId: string;
  /** Time of acceptance in ms; null: not told. */
  readonly time: number | null;
  readonly word?: string;
  readonly operationType?: string;
  readonly resourceId?: string;
  readonly isFinished?: boolean;
}

export const itemOf = (more: Partial<Listed> = {}): Listed => ({
  service: 'CONTAINERENGINE',
  region: regions[0],
  compartmentId: root,
  nativeId: 'wr',
  time: 1,
  ...more,
});

export interface FakeListsOptions {
  readonly items: readonly Listed[];
  /** `offset` tokens shift when new items arrive. */
  readonly tokens?: 'offset' | 'keyset';
  /** Whether pushed filters are honoured; `refused`: answered with an error. */
  readonly filters?: 'honoured' | 'ignored';
  /** Where a source that sorts puts what has no time. */
  readonly nulls?: 'first' | 'last';
  /** Items in a page, whatever is asked for. */
  readonly maxPageSize?: number;
  /** Thrown, or answered, instead; `undefined`: as usual. */
  readonly instead?: (query: ListQuery, call: number) => Error | Page<WorkRequest> | undefined;
  /** Thrown, or answered, by gets instead. */
  readonly insteadOfGet?: (item: WorkRequest) => Error | null | undefined;
}

export interface FakeLists {
  readonly list: (query: ListQuery) => Promise<Page<WorkRequest>>;
  readonly complete: (ref: WorkRequestRef) => Promise<WorkRequest | null>;
  readonly calls: ListQuery[];
  readonly gets: string[];
  readonly items: Listed[];
  takeCalls(): readonly ListQuery[];
}

export const asWorkRequest = (item: Listed, origin: 'list' | 'get' = 'list'): WorkRequest => {
  const api = catalog[item.service];
  const time = item.time === null ? null : new Date(item.time).toISOString();
  const fields = {
    compartmentId: item.compartmentId,
    status: item.word ?? 'IN_PROGRESS',
    ...(item.operationType !== undefined && { operationType: item.operationType }),
    ...(time !== null && { timeAccepted: time }),
    ...(item.isFinished && { timeFinished: '2026-01-02T00:00:00Z' }),
    ...(item.resourceId !== undefined && {
      resources: [
        Object.fromEntries(
          [...api.resourceNames]
            .filter(([, ours]) => ours === 'identifier')
            .map(([native]) => [native, item.resourceId]),
        ),
      ],
    }),
  };
  const lacks: ReadonlySet<string> = origin === 'list' ? api.listLacks : new Set();
  return workRequestOf(Object.fromEntries(Object.entries(fields).filter(([name]) => !lacks.has(name))), {
    ref: {
      service: item.service,
      region: item.region,
      workRequestId: item.nativeId,
      ...(api.needsNamespace && { namespace: 'acme' }),
    },
    origin,
  });
};

/** Any order but that of ids: how upstream orders what it does not sort. */
const rankOf = (nativeId: string): number => {
  let hash = 7;
  for (const letter of nativeId) hash = (hash * 31 + letter.charCodeAt(0)) % 1_000_003;
  return hash;
};

export const createFakeLists = ({
  items: given,
  tokens = 'keyset',
  filters = 'honoured',
  nulls = 'last',
  maxPageSize = 1_000,
  instead = () => undefined,
  insteadOfGet = () => undefined,
}: FakeListsOptions): FakeLists => {
  const items = [...given];
  const calls: ListQuery[] = [];
  const gets: string[] = [];
  let taken = 0;

  const isListed = (item: Listed, { service, region, compartmentId, params = {} }: ListQuery): boolean => {
    const parent = catalog[service].parents;
    return (
      item.service === service &&
      item.region === region &&
      item.compartmentId === compartmentId &&
      (parent === null || params[parent.param] === item.parent) &&
      (filters === 'ignored' || isPassed(item, params))
    );
  };

  const isPassed = (item: Listed, params: Readonly<Record<string, string>>): boolean => {
    const word = params['status'] ?? params['workRequestStatus'] ?? params['operationStatus'];
    const resourceId = params['resourceId'] ?? params['resourceIdentifier'];
    return (
      (word === undefined || word === (item.word ?? 'IN_PROGRESS')) &&
      (resourceId === undefined || resourceId === item.resourceId)
    );
  };

  /** Where an item stands in the order of this list; smaller first. */
  const placeOf = ({ nativeId, time }: Listed, { params = {} }: ListQuery): readonly [number, number] => {
    if (params['sortBy'] === undefined) return [0, rankOf(nativeId)];
    if (time === null) return [nulls === 'first' ? -Infinity : Infinity, rankOf(nativeId)];
    return [params['sortOrder'] === 'ASC' ? time : -time, rankOf(nativeId)];
  };

  return {
    calls,
    gets,
    items,
    takeCalls() {
      const fresh = calls.slice(taken);
      taken = calls.length;
      return fresh;
    },
    async list(query) {
      calls.push(query);
      await Promise.resolve();
      const other = instead(query, calls.length);
      if (other instanceof Error) throw other;
      if (other !== undefined) return other;
      const all = items
        .filter((item) => isListed(item, query))
        .map((item) => ({ item, place: placeOf(item, query) }))
        .sort((left, right) => compare(left.place, right.place));
      const size = Math.min(query.limit ?? 10, maxPageSize);
      const from = query.page === undefined ? 0 : startOf(query.page, all);
      const page = all.slice(from, from + size);
      const last = page.at(-1);
      const hasMore = from + size < all.length && last !== undefined;
      return {
        items: page.map(({ item }) => asWorkRequest(item)),
        nextPage: !hasMore
          ? null
          : tokens === 'offset'
            ? `offset ${from + size}`
            : `after ${last.place.join(' ')}`,
        malformed: [],
      };
    },
    async complete(ref) {
      gets.push(globalIdOf(ref));
      await Promise.resolve();
      const item = items.find(
        ({ nativeId, service }) => nativeId === ref.workRequestId && service === ref.service,
      );
      if (item === undefined) return null;
      const whole = asWorkRequest(item, 'get');
      const other = insteadOfGet(whole);
      if (other instanceof Error) throw other;
      return other === null ? null : whole;
    },
  };
};

const compare = (left: readonly [number, number], right: readonly [number, number]): number =>
  left[0] === right[0] ? left[1] - right[1] : left[0] < right[0] ? -1 : 1;

const startOf = (token: string, all: readonly { readonly place: readonly [number, number] }[]): number => {
  const [kind, one = '', two = ''] = token.split(' ');
  if (kind === 'offset') return Number(one);
  const from = all.findIndex(({ place }) => compare(place, [Number(one), Number(two)]) > 0);
  return from < 0 ? all.length : from;
};

/** Every parent that the items have, found without asking; trouble is the test's. */
export const parentsOf = (
  items: readonly Listed[],
  { subtree = [root, child] }: { readonly subtree?: readonly string[] } = {},
): ParentFinder => ({
  async paramsFor(api, region, compartmentId) {
    if (api.needsNamespace) return [{ namespaceName: 'acme' }];
    const { parents } = api;
    if (parents === null) return [{}];
    const own = items.filter(
      (item) => item.service === api.name && item.region === region && item.compartmentId === compartmentId,
    );
    return [...new Set(own.flatMap(({ parent }) => parent ?? []))].map((id) => ({ [parents.param]: id }));
  },
  subtreeOf: async () => subtree,
});

export const dependenciesOf = (
  lists: FakeLists,
  more: Partial<SweepDependencies> = {},
): SweepDependencies => ({
  endpoints: { allowedRegions: regions, homeRegion: regions[0] },
  parents: parentsOf(lists.items),
  list: lists.list,
  complete: lists.complete,
  isLate: () => false,
  maxCalls: 10_000,
  ...more,
});

export const queryOf = (more: Partial<SweepQuery> = {}): SweepQuery => ({
  services: ['CONTAINERENGINE'],
  regions: null,
  compartmentId: root,
  includeSubcompartments: false,
  filter: {},
  order: 'DESC',
  first: 25,
  position: null,
  ...more,
});

/** As a cursor would keep it. */
export const sealed = (position: SweepPosition): SweepPosition =>
  JSON.parse(JSON.stringify(position)) as SweepPosition;

/** Pages from a place to the end, as a client follows `hasNextPage` and `endCursor`. */
export const pagesFrom = async (
  query: SweepQuery,
  dependencies: SweepDependencies,
  {
    between = () => undefined,
    maxPages = 500,
  }: { readonly between?: () => void; readonly maxPages?: number } = {},
): Promise<readonly SweepPage[]> => {
  const pages: SweepPage[] = [];
  let { position } = query;
  for (;;) {
    const page = await sweep({ ...query, position }, dependencies);
    pages.push(page);
    if (!page.hasNext) return pages;
    if (pages.length >= maxPages) throw new Error(`no end after ${maxPages} pages`);
    position = sealed(page.positionAfter(page.items.length - 1));
    between();
  }
};

export const idsOf = (pages: readonly SweepPage[]): readonly string[] =>
  pages.flatMap(({ items }) => items.map(({ ref }) => ref.workRequestId));
