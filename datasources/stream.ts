/**
 * One source of a sweep as an ordered stream of work requests, read page by page and no further than asked.
 *
 * An item may be told when everything that comes before it is known. In a source that sorts by time of acceptance that
 * is so once an item with another time has been seen behind it (equal times are ordered by id, here as everywhere);
 * a source that does not sort, or turns out not to, is read whole first.
 */
import { UpstreamError } from '../errors.ts';
import { failureOf } from './answers.ts';
import { catalog } from './catalog.ts';
import { matches, needsWhole, pushDown } from './filters.ts';
import type { Filter } from './filters.ts';
import type { ListParams } from './parents.ts';
import { compareKeys, keyOf } from './sort-key.ts';
import type { Order, SortKey } from './sort-key.ts';
import { mayBeAskedAgain, maxTries, rowOf, triesAfter } from './sweep-failures.ts';
import type { Source, SourceFailure } from './sweep-failures.ts';
import type { ListQuery, Page, WorkRequest, WorkRequestRef } from './types.ts';

export interface StreamOptions {
  readonly order: Order;
  readonly filter: Filter;
  /** How many items the whole page of the sweep takes. */
  readonly first: number;
  /** Key of what was told last: only what lies beyond it is told. */
  readonly after: SortKey | null;
  /** Where to begin. */
  readonly place: StreamPlace;
  /** How often in a row it was asked in vain. */
  readonly tries: number;
  /** Whether the time of this page of the sweep is up. */
  readonly isLate: () => boolean;
  readonly list: (query: ListQuery) => Promise<Page<WorkRequest>>;
  /** The same work request with all that a get tells; null: gone. */
  readonly complete: (ref: WorkRequestRef) => Promise<WorkRequest | null>;
}

/** Where to go on, and what was learnt about the source on the way. JSON. */
export interface StreamPlace {
  /** Page token; null: the first page. */
  readonly page: string | null;
  /** Items per page with which the token was had: it may be a number of pages. */
  readonly limit?: number;
  /** Token of a page that cannot be had: the end. */
  readonly until?: string;
  /** It did not keep the order that it declares. */
  readonly isUnsorted?: true;
  /** It refused the filter: the token belongs to the list without. */
  readonly isUnfiltered?: true;
  /** Work requests listed that the filter could not be asked about, as their gets failed: they are told late. */
  readonly undecided?: readonly Undecided[];
}

export interface Undecided {
  readonly id: string;
  /** What the source had told before it was listed first: told is what lies beyond. */
  readonly lag: SortKey | null;
  /** How often it was asked for in vain. */
  readonly tries: number;
}

export interface Stream {
  /** Makes sure that the head is there, if there is one. Never rejects for what upstream does. */
  fill(): Promise<void>;
  /** The next item, when it is known. */
  head(): Entry | undefined;
  /** Takes the head. */
  take(): void;
  /** Whether there is more to tell, as far as is known; a source that failed has no more than it gave. */
  hasMore(): boolean;
  /** Why it had to stop, if it did. */
  failed(): SourceFailure | null;
  /** Work requests that it has in memory. */
  size(): number;
  /** Whether it is not asked again: only what was read before it failed is still to be told. */
  isOut(): boolean;
  /** All that is to be said about it: why it stopped, and what was wrong with what it gave. */
  failures(): readonly SourceFailure[];
  /** From where all beyond `key`, and what is undecided and not `told`, can be read; undefined: there is nothing beyond. */
  placeFor(key: SortKey | null, told: ReadonlySet<string>): StreamPlace | undefined;
}

export interface Entry {
  readonly item: WorkRequest;
  readonly key: SortKey;
}

interface Kept extends Entry {
  /** Index of its page among those read. */
  readonly page: number;
}

/** Items asked for in one page, at most; every API takes as many. */
const maxLimit = 100;
/** Items that are read of a source that has to be read whole; so many may share one time in a source that sorts. */
const wholeCap = 1_000;
/** Pages that one page of a sweep reads of a source that sorts, of one that does not, and empty ones in a row. */
export const maxPages = 50;
const maxWholePages = 100;
const maxEmptyPages = 10;

export const openStream = (source: Source, options: StreamOptions): Stream => {
  const { order, filter, first, after, place, list, complete } = options;
  const api = catalog[source.service];
  const readsWhole = needsWhole(filter, api);
  const isFiltered = Object.values(filter).some((value) => value != null);
  const lacksTime = api.listLacks.has('timeAccepted');
  // Asked for even where it is not kept: page tokens belong to one order.
  const sorting: ListParams =
    api.sortBy !== null && !lacksTime ? { sortBy: api.sortBy, sortOrder: order } : {};
  let isSorted = sorting['sortBy'] !== undefined && place.isUnsorted !== true;
  let isUnfiltered = place.isUnfiltered === true;
  let pushed = isUnfiltered ? {} : pushDown(filter, api);
  // One more than the page takes tells whether the last one's time is complete.
  const usualLimit =
    isSorted && !isFiltered ? Math.min(Math.max(first + 1, wholeCap / maxPages), maxLimit) : maxLimit;
  const limit = place.page === null ? usualLimit : (place.limit ?? maxLimit);

  /** All that matched, in order; the first `taken` of them were told. */
  let kept: Kept[] = [];
  let taken = 0;
  /** So many of `kept` may be told: nothing that is still to come belongs before them. */
  let settled = 0;
  let startPage: string | null = place.page;
  let nextPage: string | null = startPage;
  let hasNext = true;
  let until = place.until;
  /** Time of the last item read. */
  let lastTime: number | null | undefined;
  let itemsRead = 0;
  let gets = 0;
  /** Of these gets: those that were asked. */
  let answered = 0;
  let pagesRead = 0;
  let emptyPages = 0;
  let stopped: SourceFailure | null = null;
  /** Nothing more is read: what is there is told as it is. */
  let isAtEnd = false;
  let isOut = false;
  /** Tokens of the pages read, in order. */
  let pages: (string | null)[] = [];
  /** For each of `kept`: the earliest page that holds it, or one behind it. Worked out when needed. */
  let earliestPages: readonly number[] | null = null;
  let ids = new Set<string>();
  const notes = new Map<string, SourceFailure>();
  const lags: ReadonlyMap<string, SortKey | null> = new Map(place.undecided?.map(({ id, lag }) => [id, lag]));
  /** Nothing was told yet: all lies beyond. */
  const isFromStart = after === null && lags.size === 0;
  /** With the index of the page that lists it; undefined: not seen yet. */
  const undecided = new Map<string, Undecided & { readonly page?: number }>(
    place.undecided?.map((one) => [one.id, one]),
  );

  const note = (code: string, what: string, isRetryable = false): SourceFailure => {
    const message = `${api.label} in ${source.region} ${what}.`;
    const row = { ...placeOf(source), code, message, isRetryable, opcRequestId: null };
    notes.set(message, row);
    return row;
  };
  const noteDisorder = (): SourceFailure =>
    note('UPSTREAM_MALFORMED', 'lists out of order: it is read whole, and what it gave too late is left out');
  if (place.isUnsorted) noteDisorder();

  const fetchPage = async (): Promise<Page<WorkRequest>> => {
    try {
      return await list({
        ...placeOf(source),
        params: { ...source.params, ...pushed, ...sorting },
        limit,
        ...(nextPage !== null && { page: nextPage }),
      });
    } catch (error) {
      const isRefusal = error instanceof UpstreamError && error.code === 'BAD_USER_INPUT';
      if (!isRefusal || Object.keys(pushed).length === 0) throw error;
      // A source may refuse a word it does not know as a filter; it still can be read and filtered here.
      beginUnfiltered();
      return fetchPage();
    }
  };

  /** Tokens that were had with the filter are of no use without it. */
  const beginUnfiltered = (): void => {
    isUnfiltered = true;
    pushed = {};
    startPage = nextPage = null;
    until = undefined;
    lastTime = undefined;
    pages = [];
    kept = kept.slice(0, taken).map((entry) => ({ ...entry, page: 0 }));
    earliestPages = null;
    ids = new Set(kept.map(({ item }) => item.id));
    for (const [id, one] of undecided) undecided.set(id, { ...one, page: 0 });
  };

  const readPage = async (): Promise<void> => {
    pagesRead += 1;
    const answer = await fetchPage();
    pages.push(nextPage);
    if (answer.malformed.length > 0)
      note('UPSTREAM_MALFORMED', `listed what is no work request: ${answer.malformed[0]}`);
    itemsRead += answer.items.length;
    const fresh = answer.items.filter((item) => !ids.has(item.id) && ids.add(item.id));
    // A page of what is known already leads nowhere either.
    emptyPages = fresh.length === 0 && answer.malformed.length === 0 ? emptyPages + 1 : 0;
    await keep(fresh, pages.length - 1);
    hasNext = answer.nextPage !== null && answer.nextPage !== until;
    nextPage = answer.nextPage;
    if (nextPage !== null && pages.includes(nextPage)) {
      note('UPSTREAM_MALFORMED', 'repeated the token of a page: what lies behind it cannot be reached');
      hasNext = false;
    } else if (emptyPages >= maxEmptyPages) {
      note(
        'UPSTREAM_MALFORMED',
        `gave ${maxEmptyPages} pages in a row without anything new: what lies behind them is left out`,
      );
      hasNext = false;
    } else if (isPastBounds()) hasNext = false;
  };

  const keep = async (items: readonly WorkRequest[], page: number): Promise<void> => {
    const wanted = items.filter((item) => {
      noteOrder(item);
      if (isForeign(item)) {
        note('UPSTREAM_MALFORMED', "listed another compartment's work requests: they are left out");
        return false;
      }
      // Where a get alone tells the time, only a get tells the place.
      return (readsWhole && lacksTime) || isFromStart || isBeyond(keyOf(item));
    });
    if (readsWhole) gets += wanted.length;
    const whole = readsWhole ? await Promise.all(wanted.map((item) => completed(item, page))) : wanted;
    for (const [index, item] of whole.entries()) {
      const listed = wanted[index];
      if (item === null || listed === undefined) continue;
      const key = keyOf(lacksTime ? item : listed);
      if ((isFromStart || isBeyond(key)) && matches(filter, item)) kept.push({ item, key, page });
      else undecided.delete(item.id);
    }
    const told = kept.splice(0, taken);
    kept.sort((left, right) => compareKeys(left.key, right.key, order));
    if (taken > 0) kept = [...told, ...kept];
    earliestPages = null;
  };

  const noteOrder = ({ timeAccepted }: WorkRequest): void => {
    const time = timeAccepted?.getTime() ?? null;
    if (isSorted && lastTime !== undefined && isBefore(time, lastTime)) {
      isSorted = false;
      noteDisorder();
    }
    lastTime = time;
  };

  const completed = async ({ id, ref }: WorkRequest, page: number): Promise<WorkRequest | null> => {
    const before = undecided.get(id);
    try {
      const whole = await complete(ref);
      answered += 1;
      if (whole === null) undecided.delete(id);
      else if (before) undecided.set(id, { ...before, tries: 0, page });
      return whole;
    } catch (error) {
      const failure = rowOf(source, error);
      notes.set(failure.message, failure);
      if (!failure.isUnasked) answered += 1;
      const { lag = after, tries = 0 } = before ?? {};
      if (mayBeAskedAgain(failure, tries))
        undecided.set(id, { id, lag, tries: triesAfter(failure, tries), page });
      else undecided.delete(id);
      return null;
    }
  };

  const isBeyond = (key: SortKey): boolean => {
    const lag = lags.get(key[1]);
    const start = lag === undefined ? after : lag;
    return start === null || compareKeys(key, start, order) > 0;
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
    if (!hasNext || isAtEnd) settled = kept.length;
    else if (!isSorted) settled = taken;
    else {
      const open = kept.findIndex(({ key: [time] }) => lastTime === undefined || !isBefore(time, lastTime));
      settled = open < 0 ? kept.length : open;
    }
  };

  const stopSearching = (): void => {
    // Work requests of one time are told when all of them are known; where they are too many, as many as are known.
    isAtEnd = earliestPage(taken) === 0;
    stopped = isAtEnd
      ? note('TRUNCATED', 'has too many work requests of one time: some of them are left out', true)
      : note('TRUNCATED', 'has few matches among many work requests: the next page goes on searching', true);
  };

  /**
   * The time of this page of the sweep is up: no further page of a source is begun. (Unless the next page of the sweep
   * would have to begin with the same one again, and get no further: work requests of one time are told together.)
   */
  const giveUpForNow = (): void => {
    if (isSorted)
      stopped = note('TRUNCATED', 'is slow to page through: the next page goes on from here', true);
    else fail(timeout());
  };

  const timeout = (): UpstreamError =>
    new UpstreamError(
      'UPSTREAM_TIMEOUT',
      `${api.label} in ${source.region} does not sort its list, and it could not be read whole in time.`,
      failureOf(source),
    );

  const fail = (error: unknown): void => {
    stopped = rowOf(source, error);
    isOut = isAtEnd = !mayBeAskedAgain(stopped, options.tries);
    if (isOut && nextPage !== null) until = nextPage;
  };

  const earliestPage = (from: number): number | undefined => {
    if (earliestPages === null) {
      const earliest = kept.map(({ page }) => page);
      for (let at = earliest.length - 2; at >= 0; at -= 1)
        earliest[at] = Math.min(earliest[at] ?? 0, earliest[at + 1] ?? 0);
      earliestPages = earliest;
    }
    return earliestPages[from];
  };

  /** Token of the page from which all beyond `key` can be read; undefined: there is nothing beyond. */
  const pageFor = (
    key: SortKey | null,
    late: readonly { readonly page?: number }[],
  ): string | null | undefined => {
    const isBehind = (entry: Kept): boolean => key === null || compareKeys(entry.key, key, order) > 0;
    const goesOn = hasNext && !isOut;
    if (!isSorted) return goesOn || late.length > 0 || kept.some(isBehind) ? startPage : undefined;
    // Equal times are spread over pages as upstream likes: the earliest page that holds any of what is beyond.
    const page = earliestPage(partitionPoint(kept, isBehind));
    const earliest = Math.min(page ?? Infinity, ...late.map((one) => one.page ?? 0));
    if (earliest < Infinity) return pages[earliest] ?? startPage;
    return goesOn ? nextPage : undefined;
  };

  /** Whether the next page of the sweep gets further: not where this one had no turn for anything. */
  const canGoOn = (): boolean =>
    stopped === null || (stopped.code === 'TRUNCATED' && (gets === 0 || answered > 0));

  /** What was not decided yet, or not told. What was not listed where all was read is gone; a search that ends before has its tries. */
  const lateItems = (told: ReadonlySet<string>): readonly (Undecided & { readonly page?: number })[] =>
    [...undecided.values()].flatMap((one) => {
      if (told.has(one.id)) return [];
      if (one.page !== undefined) return one;
      if (isOut) return [];
      if (pages.length === 0) return one;
      if (stopped?.code !== 'TRUNCATED') return hasNext ? one : [];
      return one.tries < maxTries ? { ...one, tries: one.tries + 1 } : [];
    });

  return {
    async fill() {
      while (taken >= settled && hasNext && stopped === null) {
        if (!isSorted && (itemsRead >= wholeCap || pagesRead >= maxWholePages)) {
          note(
            'TRUNCATED',
            `does not sort its list and has more than ${itemsRead} work requests: the rest is left out`,
          );
          hasNext = false;
        } else if (pagesRead > 0 && options.isLate() && (!isSorted || earliestPage(taken) !== 0))
          giveUpForNow();
        else if (isSorted && (pagesRead >= maxPages || gets >= wholeCap)) stopSearching();
        else await readPage().catch(fail);
        settle();
      }
    },
    head: () => (taken < settled ? kept[taken] : undefined),
    take: () => void (taken += 1),
    hasMore: () => taken < settled || (canGoOn() && (taken < kept.length || hasNext)),
    failed: () => stopped,
    isOut: () => isOut,
    size: () => kept.length,
    failures: () => [...notes.values(), ...(stopped && !notes.has(stopped.message) ? [stopped] : [])],
    placeFor(key, told) {
      const late = lateItems(told).slice(-wholeCap);
      const page = pageFor(key, late);
      return page === undefined
        ? undefined
        : {
            page,
            ...(page !== null && limit !== maxLimit && { limit }),
            ...(until !== undefined && { until }),
            ...(sorting['sortBy'] !== undefined && !isSorted && { isUnsorted: true }),
            ...(isUnfiltered && { isUnfiltered: true }),
            ...(late.length > 0 && { undecided: late.map(({ id, lag, tries }) => ({ id, lag, tries })) }),
          };
    },
  };
};

/** Index of the first that is behind; all before it are not. */
const partitionPoint = <T>(sorted: readonly T[], isBehind: (item: T) => boolean): number => {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = sorted[middle];
    if (item !== undefined && isBehind(item)) high = middle;
    else low = middle + 1;
  }
  return low;
};

const placeOf = ({ service, region, compartmentId }: Source): Omit<Source, 'params'> => ({
  service,
  region,
  compartmentId,
});
