/**
 * Pages of the list that were put together a moment ago, for everyone who asks the same: many who refresh at once cost the
 * calls, and the merging, of one.
 *
 * What is told from here passes through the observations, so it is never older than an event or a get that was told
 * since: while it was kept, or while the slowest of its sources was waited for. A kept page with a work request that its
 * filter does not take any more is put together anew; one that was read just now leaves it out.
 */
import type { SpanContext } from '@opentelemetry/api';
import { LRUCache } from 'lru-cache';
import { matches } from './filters.ts';
import { isOfUse } from './flight.ts';
import type { Flight } from './flight.ts';
import type { Observations } from './observations.ts';
import type { SweepPage, SweepQuery } from './sweep.ts';
import type { Clock, Errand, Mark } from './types.ts';

export interface PageCache {
  /**
   * The same page as somebody else's, or what `read` brings.
   * @param view who may see the same; by default everything
   */
  page(query: SweepQuery, errand: Errand, read: () => Promise<SweepPage>, view?: string): Promise<SweepPage>;
  /** After a cancel: what was read before is not told any more. */
  forget(): void;
}

/** The operation that read a page, where somebody traces: whoever is told it again has a link there. */
interface Read {
  readonly reader: SpanContext | undefined;
}

interface Entry extends Read {
  readonly page: SweepPage;
  /** When its first call began, in milliseconds since the epoch: what it tells is no younger. */
  readonly askedAt: number;
}

/** Work requests that kept pages hold, those included that were read for the pages after: some 30 MB at most. */
const capacity = 20_000;
/** Who refreshes once in `READ_CACHE_MS` is told something new each time, though timers are not exact. */
const freshPart = 0.95;

export const createPageCache = ({
  observations,
  clock,
  deadlineMs,
  keepMs,
}: {
  readonly observations: Pick<Observations, 'refresh'>;
  readonly clock: Pick<Clock, 'now'>;
  /** `UPSTREAM_DEADLINE_MS` */
  readonly deadlineMs: number;
  /** `READ_CACHE_MS`; 0 keeps nothing: only pages under way are shared. */
  readonly keepMs: number;
}): PageCache => {
  const flights = new Map<string, Flight<SweepPage> & Read>();
  const kept = new LRUCache<string, Entry>({
    maxSize: capacity,
    sizeCalculation: ({ page }) => page.size + 1,
  });

  const isFresh = ({ askedAt }: Entry): boolean => {
    const ageMs = clock.now() - askedAt;
    // A negative age says that the wall clock was set back.
    return ageMs >= 0 && ageMs < keepMs * freshPart;
  };

  const dropOld = (): void => {
    for (const [key, entry] of kept.entries()) if (!isFresh(entry)) kept.delete(key);
  };

  /** As the work requests are known by now, without those that the filter does not take any more. */
  const refreshed = (page: SweepPage, { filter }: SweepQuery): SweepPage => {
    const told = page.items
      .map((item, index) => ({ item: observations.refresh(item), index }))
      .filter(({ item }) => matches(filter, item));
    return {
      ...page,
      items: told.map(({ item }) => item),
      positionAfter: (index) => page.positionAfter(told[index]?.index ?? -1),
    };
  };

  return {
    async page(query, { endsAt, mark }, read, view = '') {
      const key = `${view} ${JSON.stringify(query)}`;
      const known = kept.get(key);
      if (known && isFresh(known)) {
        const page = refreshed(known.page, query);
        if (page.items.length === known.page.items.length) {
          linkTo(known, mark);
          return page;
        }
      }
      const shared = flights.get(key);
      // Nor one that takes longer than there is time.
      if (shared && shared.endsAt <= endsAt && isOfUse(shared, endsAt, { clock, deadlineMs })) {
        linkTo(shared, mark);
        return refreshed(await shared.answer, query);
      }

      const askedAt = clock.now();
      const reader = mark?.span?.spanContext();
      const flight = { answer: read(), endsAt, reader };
      flights.set(key, flight);
      try {
        const found = await flight.answer;
        // Not one that a cancel has overtaken.
        if (keepMs > 0 && flights.get(key) === flight) {
          dropOld();
          kept.set(key, { page: found, askedAt, reader });
        }
        return refreshed(found, query);
      } finally {
        if (flights.get(key) === flight) flights.delete(key);
      }
    },

    forget() {
      flights.clear();
      kept.clear();
    },
  };
};

function linkTo({ reader }: Read, mark: Mark | undefined): void {
  const span = mark?.span;
  if (span == null || reader === undefined || reader.spanId === span.spanContext().spanId) return;
  span.addLink({ context: reader, attributes: { 'gateway.is_shared': true } });
}
