/**
 * One source of a sweep as an ordered stream of work requests, read page by page and no further than asked.
 *
 * An item may be told when everything that comes before it is known. In a source that sorts by time of acceptance that
 * is so once an item with another time has been seen behind it (equal times are ordered by id, here as everywhere);
 * a source that does not sort, or turns out not to, is read whole first.
 */
import { UpstreamError } from '../errors.ts';
import { catalog } from './catalog.ts';
import { matches, needsWhole, pushDown } from './filters.ts';
import type { Filter } from './filters.ts';
import { compareKeys, keyOf } from './sort-key.ts';
import type { Order, SortKey } from './sort-key.ts';
import { failureOf } from './sweep-failures.ts';
import type { Source, SourceFailure } from './sweep-failures.ts';
import type { ListQuery, Page, WorkRequest } from './types.ts';

export interface StreamOptions {
  readonly order: Order;
  readonly filter: Filter;
  /** How many items the whole page of the sweep takes. */
  readonly first: number;
  /** Key of what was told last: only what lies beyond it is told. */
  readonly after: SortKey | null;
  /** Token of the page to begin with; null: the first. */
  readonly page: string | null;
  readonly list: (query: ListQuery) => Promise<Page<WorkRequest>>;
  /** The same work request with all that a get tells; null: gone. */
  readonly complete: (item: WorkRequest) => Promise<WorkRequest | null>;
}

export interface Stream {
  readonly source: Source;
  /** Makes sure that the head is there, if there is one. Never rejects for what upstream does. */
  fill(): Promise<void>;
  /** The next item, when it is known. */
  head(): Entry | undefined;
  /** Takes the head. */
  take(): void;
  /** Whether there is more to tell. */
  hasMore(): boolean;
  /** Why it had to stop, if it did. */
  failed(): SourceFailure | null;
  /** All that is to be said about it: why it stopped, and what was wrong with what it gave. */
  failures(): readonly SourceFailure[];
  /** Token of the page from which all beyond `key` can be read; undefined: there is nothing beyond. */
  pageFor(key: SortKey | null): string | null | undefined;
}

export interface Entry {
  readonly item: WorkRequest;
  readonly key: SortKey;
}

interface Kept extends Entry {
  readonly page: string | null;
}

/** Items asked for in one page, at most; every API takes as many. */
const maxLimit = 100;
/** Items that are read of a source that has to be read whole. */
export const wholeCap = 1_000;
/** Pages that one page of a sweep reads of a source, and empty ones in a row. */
const maxPages = 50;
const maxEmptyPages = 10;

export const openStream = (source: Source, options: StreamOptions): Stream => {
  const { order, filter, first, after, list, complete } = options;
  const api = catalog[source.service];
  const readsWhole = needsWhole(filter, api);
  const isFiltered = Object.values(filter).some((value) => value != null);
  let pushed = pushDown(filter, api);
  let isSorted = api.sortBy !== null && !api.listLacks.has('timeAccepted');

  /** All that matched, in order; the first `taken` of them were told. */
  let kept: Kept[] = [];
  let taken = 0;
  /** So many of `kept` may be told: nothing that is still to come belongs before them. */
  let settled = 0;
  let nextPage: string | null = options.page;
  let hasNext = true;
  /** Time of the last item read. */
  let lastTime: number | null | undefined;
  let itemsRead = 0;
  let pagesRead = 0;
  let emptyPages = 0;
  let stopped: SourceFailure | null = null;
  const asked = new Set<string | null>();
  const ids = new Set<string>();
  const notes = new Map<string, SourceFailure>();

  const note = (code: string, what: string, isRetryable = false): SourceFailure => {
    const message = `${api.title} in ${source.region} ${what}.`;
    const row = { ...placeOf(source), code, message, isRetryable, opcRequestId: null };
    notes.set(message, row);
    return row;
  };

  const fetchPage = async (): Promise<Page<WorkRequest>> => {
    // One more than the page takes tells whether the last one's time is complete.
    const limit = isSorted && !isFiltered ? Math.min(first + 1, maxLimit) : maxLimit;
    const query = {
      ...placeOf(source),
      params: {
        ...source.params,
        ...pushed,
        ...(isSorted && api.sortBy !== null && { sortBy: api.sortBy, sortOrder: order }),
      },
      limit,
      ...(nextPage !== null && { page: nextPage }),
    };
    try {
      return await list(query);
    } catch (error) {
      const isRefusal = error instanceof UpstreamError && error.code === 'BAD_USER_INPUT';
      if (!isRefusal || Object.keys(pushed).length === 0) throw error;
      // A source may refuse a word it does not know as a filter; it still can be read and filtered here.
      pushed = {};
      return fetchPage();
    }
  };

  const readPage = async (): Promise<void> => {
    const page = nextPage;
    asked.add(page);
    pagesRead += 1;
    const answer = await fetchPage();
    if (answer.malformed.length > 0)
      note('UPSTREAM_MALFORMED', `listed what is no work request: ${answer.malformed[0]}`);
    itemsRead += answer.items.length;
    emptyPages = answer.items.length === 0 ? emptyPages + 1 : 0;
    await keep(answer.items, page);
    hasNext = answer.nextPage !== null;
    nextPage = answer.nextPage;
    if (nextPage !== null && asked.has(nextPage)) {
      note('UPSTREAM_MALFORMED', 'repeated the token of a page: what lies behind it cannot be reached');
      hasNext = false;
    } else if (emptyPages >= maxEmptyPages) {
      note(
        'UPSTREAM_MALFORMED',
        `gave ${maxEmptyPages} empty pages in a row: what lies behind them is left out`,
      );
      hasNext = false;
    } else if (isPastBounds()) hasNext = false;
  };

  const keep = async (items: readonly WorkRequest[], page: string | null): Promise<void> => {
    const fresh = items.filter((item) => !ids.has(item.id) && ids.add(item.id));
    const whole = readsWhole ? await Promise.all(fresh.map(completed)) : fresh;
    for (const item of whole) {
      if (item === null) continue;
      const time = item.timeAccepted?.getTime() ?? null;
      if (isSorted && lastTime !== undefined && isBefore(time, lastTime)) {
        isSorted = false;
        note('UPSTREAM_MALFORMED', 'lists out of order: it is read whole');
      }
      lastTime = time;
      if (isForeign(item)) {
        note('UPSTREAM_MALFORMED', "listed another compartment's work requests: they are left out");
        continue;
      }
      const key = keyOf(item);
      if (after !== null && compareKeys(key, after, order) <= 0) continue;
      if (matches(filter, item)) kept.push({ item, key, page });
    }
    const rest = kept.slice(taken).sort((left, right) => compareKeys(left.key, right.key, order));
    kept = [...kept.slice(0, taken), ...rest];
  };

  const completed = async (item: WorkRequest): Promise<WorkRequest | null> => {
    try {
      return await complete(item);
    } catch (error) {
      const failure = failureOf(source, error);
      notes.set(failure.message, failure);
      return null;
    }
  };

  const isBefore = (time: number | null, other: number | null): boolean =>
    compareKeys([time, ''], [other, ''], order) < 0;

  /** Lists by a parent may hold what was moved between compartments since. */
  const isForeign = ({ compartmentId }: WorkRequest): boolean =>
    api.parents === null && compartmentId !== null && compartmentId !== source.compartmentId;

  /** Whether all that is still to come lies beyond the filter's bounds of time. */
  const isPastBounds = (): boolean => {
    const { acceptedAfter, acceptedBefore } = filter;
    if (!isSorted || lastTime == null) return false;
    return order === 'DESC'
      ? acceptedAfter != null && lastTime < acceptedAfter.getTime()
      : acceptedBefore != null && lastTime >= acceptedBefore.getTime();
  };

  const settle = (): void => {
    if (!hasNext) settled = kept.length;
    else if (!isSorted) settled = taken;
    else {
      const open = kept.findIndex(({ key: [time] }) => lastTime === undefined || !isBefore(time, lastTime));
      settled = open < 0 ? kept.length : open;
    }
  };

  return {
    source,

    async fill() {
      while (taken >= settled && hasNext && stopped === null) {
        if (!isSorted && itemsRead >= wholeCap) {
          note(
            'TRUNCATED',
            `does not sort its list and has more than ${wholeCap} work requests: the rest is left out`,
          );
          hasNext = false;
        } else if (isSorted && pagesRead >= maxPages) {
          stopped = note(
            'TRUNCATED',
            `has few matches among many work requests: the next page goes on searching`,
            true,
          );
        } else {
          try {
            await readPage();
          } catch (error) {
            stopped = failureOf(source, error);
          }
        }
        settle();
      }
    },
    head: () => (taken < settled ? kept[taken] : undefined),
    take: () => void (taken += 1),
    hasMore: () => taken < kept.length || hasNext,
    failed: () => stopped,
    failures: () => [...notes.values(), ...(stopped && !notes.has(stopped.message) ? [stopped] : [])],
    pageFor(key) {
      const beyond = kept.filter((entry) => key === null || compareKeys(entry.key, key, order) > 0);
      if (beyond.length === 0 && !hasNext) return undefined;
      if (!isSorted) return options.page;
      // Equal times are spread over pages as upstream likes: the earliest page that holds any of what is beyond.
      const pages = new Set(beyond.map(({ page }) => page));
      for (const page of asked) if (pages.has(page)) return page;
      return nextPage;
    },
  };
};

const placeOf = ({ service, region, compartmentId }: Source): Omit<Source, 'params'> => ({
  service,
  region,
  compartmentId,
});
