/**
 * One page over many sources: every (service, region, compartment), merged by time of acceptance.
 *
 * Each source is a stream that asks upstream for its next page only when the merge needs to know what comes next. A
 * source that fails is a row of `failures`. docs/decisions/sweep.md says why the result is exact.
 */
import { catalog } from './catalog.ts';
import type { ServiceName } from './catalog.ts';
import type { Endpoints } from './endpoints.ts';
import { checkFilter } from './filters.ts';
import type { Filter } from './filters.ts';
import { checkNativeId } from './ids.ts';
import type { ParentFinder } from './parents.ts';
import { compareKeys } from './sort-key.ts';
import type { Order, SortKey } from './sort-key.ts';
import { openStream } from './stream.ts';
import type { Entry, Stream, StreamOptions } from './stream.ts';
import { failureOf } from './sweep-failures.ts';
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
}

export interface OpenSource extends Source {
  /** Page token to go on with; null: the first page. */
  readonly page: string | null;
  /** Set where the source lags behind the others: what it told last; null: nothing yet. */
  readonly lag?: SortKey | null;
  /** How often it failed in a row. */
  readonly tries?: number;
}

export interface SweepPage {
  readonly items: readonly WorkRequest[];
  readonly failures: readonly SourceFailure[];
  readonly hasNext: boolean;
  /** The place after the item with this index; -1: before the first. */
  positionAfter(index: number): SweepPosition;
}

const maxTries = 3;

export interface SweepDependencies {
  readonly endpoints: Pick<Endpoints, 'allowedRegions' | 'homeRegion'>;
  readonly parents: ParentFinder;
  readonly list: StreamOptions['list'];
  readonly complete: StreamOptions['complete'];
}

/** @throws GatewayError BAD_USER_INPUT */
export const sweep = async (query: SweepQuery, dependencies: SweepDependencies): Promise<SweepPage> => {
  checkNativeId(query.compartmentId);
  checkFilter(query.filter);
  const failures: SourceFailure[] = [];
  const { position } = query;
  const sources: readonly OpenSource[] = position
    ? position.open
    : await expand(query, dependencies, failures);
  const opened = sources.map((source): Opened => ({
    source,
    stream: openStream(source, {
      order: query.order,
      filter: query.filter,
      first: query.first,
      after: source.lag !== undefined ? source.lag : (position?.after ?? null),
      page: source.page,
      list: dependencies.list,
      complete: dependencies.complete,
    }),
  }));
  const streams = opened.map(({ stream }) => stream);
  await Promise.all(streams.map((stream) => stream.fill()));
  const told = await merge(streams, query);
  failures.push(...streams.flatMap((stream) => stream.failures()));

  return {
    items: told.map(({ item }) => item),
    failures: position === null ? collapse(failures, opened.length, query.compartmentId) : failures,
    hasNext: streams.some((stream) => isLive(stream) && stream.hasMore()),
    positionAfter: (index) => placeAfter(told, index, opened, query),
  };
};

/** A source that failed is out of what comes next for sure; one that was searched for long enough is not. */
const isLive = (stream: Stream): boolean => (stream.failed()?.code ?? 'TRUNCATED') === 'TRUNCATED';

interface Opened {
  readonly source: OpenSource;
  readonly stream: Stream;
}

interface Told extends Entry {
  readonly stream: Stream;
}

/** Takes the foremost head of all streams, `first` times. */
const merge = async (streams: readonly Stream[], { first, order }: SweepQuery): Promise<readonly Told[]> => {
  const told: Told[] = [];
  const seen = new Set<string>();
  while (told.length < first) {
    let foremost: { readonly stream: Stream; readonly head: Entry } | null = null;
    for (const stream of streams) {
      const head = stream.head();
      if (head && (foremost === null || compareKeys(head.key, foremost.head.key, order) < 0))
        foremost = { stream, head };
    }
    if (foremost === null) break;
    const { stream, head } = foremost;
    stream.take();
    // One work request can be in two lists: of two parents, say.
    if (!seen.has(head.item.id)) {
      seen.add(head.item.id);
      told.push({ ...head, stream });
    }
    if (!stream.head() && told.length < first) await stream.fill();
  }
  return told;
};

const placeAfter = (
  told: readonly Told[],
  index: number,
  opened: readonly Opened[],
  { order, position }: SweepQuery,
): SweepPosition => {
  const last = told[index]?.key ?? null;
  const start = position?.after ?? null;
  // Late items of a source that failed before come first, before the place that the others have reached.
  const after = last === null || (start !== null && compareKeys(start, last, order) > 0) ? start : last;
  const open = opened.flatMap(({ stream, source: { lag, tries = 0, page: _, ...source } }): OpenSource[] => {
    const own = lag !== undefined ? lag : start;
    const reached = last !== null && (own === null || compareKeys(last, own, order) > 0) ? last : own;
    const isBehind = after !== null && (reached === null || compareKeys(reached, after, order) < 0);
    const failure = stream.failed();
    if (failure !== null) {
      // What it would have told by now is late: it goes on from its own place.
      const ownLast = told.findLast((entry, at) => at <= index && entry.stream === stream)?.key ?? own;
      const spent = failure.code === 'TRUNCATED' ? 0 : tries + 1;
      const isOut = !failure.isRetryable || spent >= maxTries;
      return isOut ? [] : [{ ...source, page: stream.pageFor(ownLast) ?? null, lag: ownLast, tries: spent }];
    }
    const page = stream.pageFor(reached);
    return page === undefined ? [] : [{ ...source, page, ...(isBehind && { lag: reached }) }];
  });
  return { after, open };
};

/** All sources of a first page. What cannot be found out is a failure of that source. */
const expand = async (
  query: SweepQuery,
  { parents, endpoints }: SweepDependencies,
  failures: SourceFailure[],
): Promise<readonly OpenSource[]> => {
  const { allowedRegions, homeRegion } = endpoints;
  const compartments = await compartmentsOf(query, parents, homeRegion, failures);
  const places = query.services.flatMap((service) => {
    const { isHomeRegionOnly } = catalog[service];
    const regions = isHomeRegionOnly
      ? [homeRegion].filter((id) => query.regions?.includes(id) ?? true)
      : allowedRegions.filter((id) => query.regions?.includes(id) ?? true);
    return regions.flatMap((region) =>
      compartments.map((compartmentId) => ({ service, region, compartmentId })),
    );
  });
  const expanded = await Promise.all(
    places.map(async (place) => {
      try {
        const all = await parents.paramsFor(catalog[place.service], place.region, place.compartmentId);
        return all.map((params): OpenSource => ({ ...place, params, page: null }));
      } catch (error) {
        failures.push(failureOf(place, error));
        return [];
      }
    }),
  );
  return expanded.flat();
};

const compartmentsOf = async (
  { compartmentId, includeSubcompartments }: SweepQuery,
  parents: ParentFinder,
  homeRegion: string,
  failures: SourceFailure[],
): Promise<readonly string[]> => {
  if (!includeSubcompartments) return [compartmentId];
  try {
    return await parents.subtreeOf(compartmentId);
  } catch (error) {
    failures.push(failureOf({ service: 'IDENTITY', region: homeRegion, compartmentId }, error));
    return [compartmentId];
  }
};

/** Where every source says that the compartment is absent, one row says it for all. */
const collapse = (
  failures: readonly SourceFailure[],
  sourceCount: number,
  compartmentId: string,
): readonly SourceFailure[] => {
  const isAbsent =
    sourceCount > 0 && failures.length >= sourceCount && failures.every(({ code }) => code === 'NOT_FOUND');
  if (!isAbsent) return failures;
  const message = `No service knows compartment ${compartmentId}, or the gateway's credential may not list in it.`;
  return [
    {
      service: null,
      region: null,
      compartmentId,
      code: 'NOT_FOUND',
      message,
      isRetryable: false,
      opcRequestId: null,
    },
  ];
};
