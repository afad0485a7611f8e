/**
 * One page over many sources: every (service, region, compartment), merged by time of acceptance.
 *
 * Each source is a stream that asks upstream for its next page only when the merge needs to know what comes next. A
 * source that fails is a row of `failures`. docs/decisions/sweep.md says why the result is exact.
 */
import { GatewayError, LimitError } from '../errors.ts';
import { catalog } from './catalog.ts';
import type { ServiceName } from './catalog.ts';
import type { Endpoints } from './endpoints.ts';
import { checkFilter } from './filters.ts';
import type { Filter } from './filters.ts';
import { isNativeId } from './ids.ts';
import type { ListParams, ParentFinder } from './parents.ts';
import { compareKeys } from './sort-key.ts';
import type { Order, SortKey } from './sort-key.ts';
import { openStream } from './stream.ts';
import type { Entry, Stream, StreamOptions, StreamPlace } from './stream.ts';
import { mayBeAskedAgain, rowOf, triesAfter } from './sweep-failures.ts';
import type { Source, SourceFailure } from './sweep-failures.ts';
import type { WorkRequest } from './types.ts';

export interface SweepQuery {
  readonly services: readonly ServiceName[];
  /** Regions that may be called; null: all of them. */
  readonly regions: readonly string[] | null;
  readonly compartmentId: string;
  readonly includeSubcompartments: boolean;
  readonly filter: Filter;
  readonly order: Order;
  readonly first: number;
  /** null: the first page. */
  readonly position: SweepPosition | null;
}

/** Where a page ended: what a cursor seals. JSON. */
export interface SweepPosition {
  /** Key of the last item told. */
  readonly after: SortKey | null;
  /** The sources that still have items, or that failed and may be asked again. */
  readonly open: readonly OpenSource[];
  /** How often the compartments below were asked for in vain; set where they still have to be. */
  readonly subtreeTries?: number;
  /** Ids told that a source which lags behind may list, too. */
  readonly told?: readonly string[];
}

export interface OpenSource extends Place, StreamPlace {
  /** null: the parents it lists by could not be found out yet. */
  readonly params: ListParams | null;
  /** Set where the source lags behind the others: what it told last; null: nothing yet. */
  readonly lag?: SortKey | null;
  /** How often in a row it was asked in vain. */
  readonly tries?: number;
}

type Place = Omit<Source, 'params'>;

export interface SweepPage {
  readonly items: readonly WorkRequest[];
  readonly failures: readonly SourceFailure[];
  readonly hasNext: boolean;
  /** Work requests in memory for it, those included that were read but belong to later pages. */
  readonly size: number;
  /** The place after the item with this index; -1: before the first. */
  positionAfter(index: number): SweepPosition;
}

/** Ids that a cursor remembers, the latest: ten full pages of what lists by parents. */
const maxTold = 1_000;

export interface SweepDependencies {
  readonly endpoints: Pick<Endpoints, 'allowedRegions' | 'homeRegion'>;
  readonly parents: ParentFinder;
  readonly list: StreamOptions['list'];
  readonly complete: StreamOptions['complete'];
  /** Whether the time of this page is up: then nothing further is begun. */
  readonly isLate: StreamOptions['isLate'];
  /** Whether a list is asked at all: one that is not is as if it were absent. By default: yes. */
  readonly mayAsk?: MayAsk | undefined;
  /** `MAX_QUERY_COST`: calls that compartments below may take, by how many there really are. */
  readonly maxCalls: number;
}

export type MayAsk = (place: Place) => boolean;

/** @throws GatewayError BAD_USER_INPUT */
export const sweep = async (query: SweepQuery, dependencies: SweepDependencies): Promise<SweepPage> => {
  checkScope(query);
  const { position } = query;
  const { opened, failures, unknown, subtreeTries } = await openAll(query, dependencies);
  const streams = opened.map(({ stream }) => stream);
  const { told, taken } = await merge(streams, query, dependencies);
  const rows = [...failures, ...streams.flatMap((stream) => stream.failures())];
  const isAbsent =
    position === null &&
    streams.every((stream) => stream.failed()) &&
    (rows.length > 0 || isHidden(query, dependencies)) &&
    rows.every(isNotFound);

  return {
    items: told.map(({ item }) => item),
    failures: isAbsent && told.length === 0 ? [absence(query.compartmentId)] : rows,
    hasNext: streams.some((stream) => stream.hasMore()),
    size: streams.reduce((sum, stream) => sum + stream.size(), 0),
    positionAfter: (index) => {
      const { after, open } = placeAfter(told, taken, index, opened, query);
      const subtree = subtreeTries !== null && { subtreeTries };
      const position = { after, open: [...open, ...unknown], ...subtree };
      const again = mayComeAgain(told.slice(0, index + 1), position, query);
      return { ...position, ...(again.length > 0 && { told: again }) };
    },
  };
};

interface Opened {
  readonly source: FoundSource;
  readonly stream: Stream;
}

interface FoundSource extends OpenSource {
  readonly params: ListParams;
}

interface Told extends Entry {
  /** Key of whatever of the page lies furthest, up to here: only a source that is out of order makes it another's. */
  readonly furthest: SortKey;
}

interface Taken extends Entry {
  readonly stream: Stream;
  /** Index of what had been told by then. */
  readonly at: number;
}

/** Takes the foremost head of all streams until `first` are told. */
const merge = async (
  streams: readonly Stream[],
  { first, order, position }: SweepQuery,
  { isLate }: SweepDependencies,
): Promise<{ readonly told: readonly Told[]; readonly taken: readonly Taken[] }> => {
  const told: Told[] = [];
  const taken: Taken[] = [];
  const seen = new Set(position?.told);
  while (told.length < first) {
    let stream: Stream | undefined;
    let head: Entry | undefined;
    for (const each of streams) {
      const own = each.head();
      if (own && (head === undefined || compareKeys(own.key, head.key, order) < 0))
        [stream, head] = [each, own];
    }
    if (stream === undefined || head === undefined) break;
    stream.take();
    // One work request can be in two lists: of two parents, say.
    if (!seen.has(head.item.id)) {
      seen.add(head.item.id);
      const before = told.at(-1)?.furthest;
      const furthest = before && compareKeys(before, head.key, order) > 0 ? before : head.key;
      told.push({ ...head, furthest });
    }
    taken.push({ ...head, stream, at: told.length - 1 });
    if (!stream.head() && told.length < first) {
      // A short page in order is better than a long one that comes too late.
      if (stream.hasMore() && isLate()) break;
      await stream.fill();
    }
  }
  return { told, taken };
};

const placeAfter = (
  told: readonly Told[],
  taken: readonly Taken[],
  index: number,
  opened: readonly Opened[],
  { order, position }: SweepQuery,
): SweepPosition => {
  const last = told[index]?.furthest ?? null;
  const start = position?.after ?? null;
  const further = (one: SortKey | null, other: SortKey | null): SortKey | null =>
    one === null || (other !== null && compareKeys(other, one, order) > 0) ? other : one;
  // Late items of a source that failed before come first, before the place that the others have reached.
  const after = further(start, last);
  const toldIds = new Set(told.slice(0, index + 1).map(({ item }) => item.id));
  const open = opened.flatMap(({ stream, source }): OpenSource[] => {
    const { service, region, compartmentId, params, lag, tries = 0 } = source;
    const own = lag !== undefined ? lag : start;
    const failure = stream.failed();
    if (failure !== null && !stream.isOut()) {
      // What it would have told by now is late: it goes on from its own place.
      const lastTaken = taken.findLast((entry) => entry.at <= index && entry.stream === stream);
      const ownLast = further(own, lastTaken?.key ?? null);
      const place = stream.placeFor(ownLast, toldIds) ?? { page: source.page };
      const spent = failure.code === 'TRUNCATED' ? 0 : triesAfter(failure, tries);
      return [{ service, region, compartmentId, params, ...place, lag: ownLast, tries: spent }];
    }
    const reached = further(own, last);
    const isBehind = after !== null && (reached === null || compareKeys(reached, after, order) < 0);
    const place = stream.placeFor(reached, toldIds);
    if (place === undefined) return [];
    return [{ service, region, compartmentId, params, ...place, ...(isBehind && { lag: reached }) }];
  });
  return { after, open };
};

/** One work request can be in the lists of two parents, and one of these late: what it tells then may have been told. */
const mayComeAgain = (
  told: readonly Told[],
  { open, subtreeTries }: SweepPosition,
  { position }: SweepQuery,
): readonly string[] => {
  const late = new Set(
    open.flatMap(({ service, region, lag }) => (lag === undefined ? [] : `${service} ${region}`)),
  );
  const isShared = ({ service, region }: Pick<Place, 'service' | 'region'>): boolean =>
    catalog[service].parents !== null && (subtreeTries !== undefined || late.has(`${service} ${region}`));
  if (subtreeTries === undefined && !open.some(isShared)) return [];
  const fresh = told.flatMap(({ item }) => (isShared(item.ref) ? item.id : []));
  return [...(position?.told ?? []), ...fresh].slice(-maxTold);
};

interface OpenedAll {
  readonly opened: readonly Opened[];
  readonly failures: readonly SourceFailure[];
  /** Sources that may be found out later. */
  readonly unknown: readonly OpenSource[];
  /** null: the compartments below are known. */
  readonly subtreeTries: number | null;
}

/**
 * The sources of this page, each with its head. What cannot be found out is a failure of that source, and tried again
 * like any other. Nobody waits for another's parents, nor for the compartments below.
 */
const openAll = async (query: SweepQuery, dependencies: SweepDependencies): Promise<OpenedAll> => {
  const { position } = query;
  const failures: SourceFailure[] = [];
  const unknown: OpenSource[] = [];
  const openEach = async (source: OpenSource): Promise<readonly Opened[]> => {
    const { params, tries = 0, ...rest } = source;
    let found: readonly FoundSource[];
    try {
      found = params !== null ? [{ ...source, params }] : await findSources(source, dependencies);
    } catch (error) {
      const failure = rowOf(source, error);
      failures.push(failure);
      // Late from now on: the others go ahead.
      if (mayBeAskedAgain(failure, tries))
        unknown.push({ ...rest, params: null, lag: null, tries: triesAfter(failure, tries) });
      return [];
    }
    const opened = found.map((each) => open(each, query, dependencies));
    await Promise.all(opened.map(({ stream }) => stream.fill()));
    return opened;
  };
  // What is found late has told nothing yet, whatever the others have.
  const late = position === null ? {} : { lag: null };
  const openCompartments = async (compartments: readonly string[]): Promise<readonly Opened[]> => {
    const places = placesIn(compartments, query, dependencies);
    const opened = await Promise.all(
      places.map((place) => openEach({ ...place, params: null, page: null, ...late })),
    );
    return opened.flat();
  };
  const [known, own, [below, subtreeTries]] = await Promise.all([
    Promise.all((position?.open ?? []).filter(dependencies.mayAsk ?? always).map(openEach)),
    position === null ? openCompartments([query.compartmentId]) : [],
    findSubtree(query, dependencies, failures).then(
      async ({ compartments, tries }) => [await openCompartments(compartments), tries] as const,
    ),
  ]);
  return { opened: [...known.flat(), ...own, ...below], failures, unknown, subtreeTries };
};

const findSources = async (
  { tries: _, ...source }: OpenSource,
  { parents }: SweepDependencies,
): Promise<readonly FoundSource[]> => {
  const all = await parents.paramsFor(catalog[source.service], source.region, source.compartmentId);
  return all.map((params) => ({ ...source, params }));
};

const open = (source: FoundSource, query: SweepQuery, dependencies: SweepDependencies): Opened => {
  const { lag, tries = 0, params, service, region, compartmentId, ...place } = source;
  const stream = openStream(
    { service, region, compartmentId, params },
    {
      order: query.order,
      filter: query.filter,
      first: query.first,
      after: lag !== undefined ? lag : (query.position?.after ?? null),
      place,
      tries,
      list: dependencies.list,
      complete: dependencies.complete,
      isLate: dependencies.isLate,
    },
  );
  return { source, stream };
};

/** Compartments below that the sweep has not begun with yet. */
const findSubtree = async (
  query: SweepQuery,
  dependencies: SweepDependencies,
  failures: SourceFailure[],
): Promise<{ readonly compartments: readonly string[]; readonly tries: number | null }> => {
  const { compartmentId, includeSubcompartments, position } = query;
  const { parents, endpoints } = dependencies;
  const tries = position === null ? 0 : position.subtreeTries;
  if (!includeSubcompartments || tries === undefined) return { compartments: [], tries: null };
  try {
    const subtree = await parents.subtreeOf(compartmentId);
    const compartments = subtree.filter((id) => id !== compartmentId);
    checkCalls(compartments, query, dependencies);
    return { compartments, tries: null };
  } catch (error) {
    const place = { service: 'IDENTITY', region: endpoints.homeRegion, compartmentId } as const;
    const failure = rowOf(place, error);
    failures.push(failure);
    return { compartments: [], tries: mayBeAskedAgain(failure, tries) ? triesAfter(failure, tries) : null };
  }
};

/** A tenancy can have thousands of compartments, and each is asked for everywhere. */
export const checkCalls = (
  compartments: readonly string[],
  query: Pick<SweepQuery, 'compartmentId' | 'services' | 'regions'>,
  dependencies: Pick<SweepDependencies, 'endpoints' | 'maxCalls' | 'mayAsk'>,
): void => {
  const { maxCalls, endpoints, mayAsk } = dependencies;
  const { length } = compartments;
  // Without a view each is asked as often as any other.
  const calls =
    mayAsk === undefined
      ? length * placesIn([query.compartmentId], query, { endpoints }).length
      : placesIn(compartments, query, dependencies).length;
  if (calls <= maxCalls) return;
  throw new LimitError(
    'MAX_QUERY_COST',
    `${length} compartments lie below ${query.compartmentId}: that would take ${calls} calls to Oracle Cloud, and ${maxCalls} are allowed for one operation (MAX_QUERY_COST). They are left out: ask for fewer services or regions, or for compartments further down.`,
  );
};

/** Where a compartment's work requests are asked for. */
export const placesIn = (
  compartments: readonly string[],
  { services, regions }: Pick<SweepQuery, 'services' | 'regions'>,
  { endpoints, mayAsk }: Pick<SweepDependencies, 'endpoints' | 'mayAsk'>,
): readonly Place[] => {
  const places = services.flatMap((service) =>
    regionsOf(service, regions, endpoints).flatMap((region) =>
      compartments.map((compartmentId) => ({ service, region, compartmentId })),
    ),
  );
  return mayAsk === undefined ? places : places.filter(mayAsk);
};

/** Whether it would be asked somewhere, were it not for the view. */
export const isHidden = (
  scope: Pick<SweepQuery, 'compartmentId' | 'services' | 'regions'>,
  dependencies: Pick<SweepDependencies, 'endpoints' | 'mayAsk'>,
): boolean => {
  const { endpoints, mayAsk } = dependencies;
  const own = [scope.compartmentId];
  return (
    mayAsk !== undefined &&
    placesIn(own, scope, dependencies).length === 0 &&
    placesIn(own, scope, { endpoints }).length > 0
  );
};

const always = (): boolean => true;

/** Where a service is asked. `regions`: null is everywhere. */
export const regionsOf = (
  service: ServiceName,
  regions: SweepQuery['regions'],
  { allowedRegions, homeRegion }: SweepDependencies['endpoints'],
): readonly string[] => {
  const possible = catalog[service].isHomeRegionOnly ? [homeRegion] : allowedRegions;
  return regions === null ? possible : possible.filter((region) => regions.includes(region));
};

/** @throws GatewayError BAD_USER_INPUT */
export const checkScope = ({ compartmentId, filter }: Pick<SweepQuery, 'compartmentId' | 'filter'>): void => {
  checkCompartmentId(compartmentId);
  checkFilter(filter);
};

const checkCompartmentId = (compartmentId: string): void => {
  if (isNativeId(compartmentId)) return;
  throw new GatewayError(
    'BAD_USER_INPUT',
    compartmentId === ''
      ? '`compartmentId` is empty.'
      : '`compartmentId` is no OCID of a compartment or tenancy: letters, digits, `.`, `_` and `-`, at most 255 characters.',
  );
};

const isNotFound = ({ code }: SourceFailure): boolean => code === 'NOT_FOUND';

/** Where every source says that the compartment is absent, one row says it for all. */
const absence = (compartmentId: string): SourceFailure => ({
  service: null,
  region: null,
  compartmentId,
  code: 'NOT_FOUND',
  message: `No service knows compartment ${compartmentId}, or the gateway's credential may not list in it.`,
  isRetryable: false,
  opcRequestId: null,
});
