/**
 * Pages of the list that were put together a moment ago, for everyone who asks the same: many who refresh at once cost the
 * calls, and the merging, of one.
 *
 * What is told from here still passes through the observations, so it is never older than an event or a get that was
 * told since; a page with a work request that its filter does not take any more is put together anew.
 */
import { LRUCache } from 'lru-cache';
import { matches } from './filters.ts';
import { isOfUse } from './flight.ts';
import type { Flight } from './flight.ts';
import type { Observations } from './observations.ts';
import type { SweepPage, SweepQuery } from './sweep.ts';
import type { Clock, Errand } from './types.ts';

export interface PageCache {
  /** The same page as somebody else's, or what `read` brings. */
  page(query: SweepQuery, errand: Errand, read: () => Promise<SweepPage>): Promise<SweepPage>;
  /** After a cancel: what was read before is not told any more. */
  forget(): void;
}

interface Entry {
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
  const flights = new Map<string, Flight<SweepPage>>();
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

  /** As the work requests are known by now; null where the filter would have it otherwise. */
  const refreshed = ({ page }: Entry, { filter }: SweepQuery): SweepPage | null => {
    const items = page.items.map((item) => observations.refresh(item));
    const isStillSo = items.every((item, index) => item === page.items[index] || matches(filter, item));
    return isStillSo ? { ...page, items } : null;
  };

  return {
    async page(query, { endsAt }, read) {
      const key = JSON.stringify(query);
      const known = kept.get(key);
      const page = known && isFresh(known) ? refreshed(known, query) : null;
      if (page !== null) return page;
      const shared = flights.get(key);
      // Nor one that takes longer than there is time.
      if (shared && shared.endsAt <= endsAt && isOfUse(shared, endsAt, { clock, deadlineMs }))
        return shared.answer;

      const askedAt = clock.now();
      const flight = { answer: read(), endsAt };
      flights.set(key, flight);
      try {
        const found = await flight.answer;
        // Not one that a cancel has overtaken.
        if (keepMs > 0 && flights.get(key) === flight) {
          dropOld();
          kept.set(key, { page: found, askedAt });
        }
        return found;
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
