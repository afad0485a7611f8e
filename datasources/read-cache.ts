/**
 * Lists that were read a moment ago, for everyone who asks the same: many who refresh at once cost one call.
 *
 * What is told from here still passes through the observations, so it is never older than an event or a get that was
 * told since. Failures are shared while they are under way and not kept.
 */
import { LRUCache } from 'lru-cache';
import type { ServiceName } from './catalog.ts';
import { join } from './flight.ts';
import type { Flight } from './flight.ts';
import type { Observations } from './observations.ts';
import type { Clock, Errand, ListQuery, Page, WorkRequest, WorkRequestSource } from './types.ts';

export interface ReadCache {
  /** Lists for one operation. */
  for(
    source: Pick<WorkRequestSource, 'list'>,
    errand: Errand,
  ): (query: ListQuery) => Promise<Page<WorkRequest>>;
  /** After a cancel: what was read of this service and region before is not told any more. */
  forget(service: ServiceName, region: string): void;
}

interface Entry {
  readonly flight: Flight<Page<WorkRequest>>;
  isUnderWay: boolean;
  /** When the call began, in milliseconds since the epoch: what it tells is no younger. */
  readonly askedAt: number;
}

/** Pages that are kept: more than a sweep over all APIs in a dozen places reads; most hold a few items. */
const capacity = 5_000;

export const createReadCache = ({
  observations,
  clock,
  deadlineMs,
  keepMs,
}: {
  readonly observations: Pick<Observations, 'refresh'>;
  readonly clock: Clock;
  /** `UPSTREAM_DEADLINE_MS` */
  readonly deadlineMs: number;
  /** `READ_CACHE_MS`; 0 keeps nothing: only calls under way are shared. */
  readonly keepMs: number;
}): ReadCache => {
  const entries = new LRUCache<string, Entry>({ max: capacity });

  const shared = (
    { flight, isUnderWay, askedAt }: Entry,
    place: ListQuery,
    { endsAt }: Errand,
  ): Promise<Page<WorkRequest>> | null => {
    if (isUnderWay) return join(flight, { place, endsAt }, { clock, deadlineMs });
    const ageMs = clock.now() - askedAt;
    // A negative age says that the wall clock was set back.
    return ageMs >= 0 && ageMs < keepMs ? flight.answer : null;
  };

  return {
    for: (source, errand) => async (query) => {
      const key = keyOf(query);
      const known = entries.get(key);
      const joined = known && shared(known, query, errand);
      if (joined) {
        const { items, ...page } = await joined;
        return { ...page, items: items.map((item) => observations.refresh(item)) };
      }
      const flight = { answer: source.list(query), endsAt: errand.endsAt };
      const entry: Entry = { flight, isUnderWay: true, askedAt: clock.now() };
      entries.set(key, entry);
      try {
        const page = await flight.answer;
        entry.isUnderWay = false;
        return page;
      } catch (error) {
        if (entries.get(key) === entry) entries.delete(key);
        throw error;
      }
    },

    forget(service, region) {
      const prefix = placeOf({ service, region });
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
    },
  };
};

const placeOf = ({ service, region }: Pick<ListQuery, 'service' | 'region'>): string =>
  `${service} ${region} `;

const keyOf = ({ service, region, compartmentId, params = {}, limit, page }: ListQuery): string =>
  placeOf({ service, region }) + JSON.stringify([compartmentId, Object.entries(params).sort(), limit, page]);
