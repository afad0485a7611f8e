/**
 * Subscriptions to a list: SNAPSHOT of each match, SYNCED when each place has answered or failed once, then what happens.
 * A subscriber hears of each work request from one place, and of nothing that its filter did not let in.
 */
import type { Place } from '../datasources/discovery.ts';
import type { ListWatchPlan } from '../datasources/list-watch.ts';
import type { Clock, WorkRequest } from '../datasources/types.ts';
import { LimitError } from '../errors.ts';
import type { Agenda } from './agenda.ts';
import type { Told } from './events.ts';
import { createFeed } from './feed.ts';
import type { Feed, FeedRules, Queues } from './feed.ts';
import type { Listener, Listing } from './listing.ts';
import { addedOf, compartmentAbsenceOf, listSilenceOf, synced } from './telling.ts';

export interface ListsOptions {
  readonly createListing: (place: Place, onStopped: () => void) => Listing;
  readonly clock: Clock;
  readonly agenda: Agenda;
  /** The GAP that ends a feed when `told` found no room. */
  readonly overflow: (told: Told) => Told;
  readonly onMerge: () => void;
  readonly queues: Queues;
}

export interface Lists {
  watch(list: ListWatchPlan): Feed;
  /** What others saw: it may be new. */
  sight(workRequest: WorkRequest): void;
  has(place: Place): boolean;
  /** The one that is being polled of this work request's place. */
  of(workRequest: WorkRequest): Listing | null;
  stop(): void;
  /** Places being polled, and who listens. */
  readonly listings: readonly Pick<Listing, 'isStale' | 'answeredAt'>[];
  readonly subscribers: number;
}

/** Places that somebody means in particular; where there are more, most of them are idle. */
const maxNarrow = 20;
/** SNAPSHOTs of one subscription. */
const maxMatches = 1_000;
/** Events that may wait for one subscriber: all SNAPSHOTs at once, and the GAPs of as many places. */
const capacity = 2 * maxMatches;
/**
 * Of those that are over: how many a subscriber is known to have heard of. What is longest over is forgotten first, and told
 * once more where somebody reads the whole list and it is still in it. What is not over is never forgotten: it is being followed.
 */
const maxOver = 10_000;
const searchMs = 60_000;

export const createLists = ({
  createListing,
  clock,
  agenda,
  overflow,
  onMerge,
  queues,
}: ListsOptions): Lists => {
  const listings = new Map<string, Listing>();
  const subscribers = new Set<{ end(): void }>();
  const feedRules: FeedRules = { capacity, overflow, onMerge, queues, form: 'list' };

  const listingOf = (place: Place): Listing => {
    const key = keyOf(place);
    const listing = listings.get(key) ?? createListing(place, () => listings.delete(key));
    listings.set(key, listing);
    return listing;
  };

  const of = ({ ref, compartmentId }: WorkRequest): Listing | null =>
    listings.size === 0 || compartmentId === null
      ? null
      : (listings.get(keyOf({ ...ref, compartmentId })) ?? null);

  return {
    watch({ places, absent, matches, wantsWhole, sight, more }) {
      const leaves = new Map<string, () => void>();
      /** Which place told of it. */
      const told = new Map<string, string>();
      const over = new Set<string>();
      /** What matches and may not be seen (any more), as it is by now: told of once it may. */
      const unseen = new Map<string, { readonly event: Told; readonly key: string }>();
      const troubles = new Map<string, Told>();
      let unready = places.length + (more ? 1 : 0);
      let isSynced = false;

      const close = (): void => {
        subscribers.delete(self);
        searchAlarm.clear();
        callOff?.();
        for (const leave of leaves.values()) leave();
        leaves.clear();
      };
      const writer = createFeed(feedRules, close);
      const self = {
        end() {
          close();
          writer.end();
        },
      };
      subscribers.add(self);

      const consider = (event: Told, key: string): void => {
        const { workRequest } = event;
        if (workRequest === null || told.has(workRequest.id) || !matches(workRequest)) return;
        unseen.delete(workRequest.id);
        if (sight?.maySee(workRequest) === false) {
          if (unseen.size < maxOver) unseen.set(workRequest.id, { event, key });
          return;
        }
        if (!isSynced && told.size >= maxMatches) {
          close();
          return writer.fail(tooMany());
        }
        told.set(workRequest.id, key);
        noteEnd(workRequest);
        writer.push(isSynced ? addedOf(event) : snapshotFrom(event));
      };

      const noteEnd = ({ id, isTerminal }: WorkRequest): void => {
        if (!isTerminal) return;
        over.add(id);
        for (const longest of over) {
          if (over.size <= maxOver) break;
          over.delete(longest);
          told.delete(longest);
        }
      };

      const listen = (place: Place): void => {
        const key = keyOf(place);
        if (leaves.has(key)) return;
        const needsWhole = wantsWhole(place);
        let isLeft = false;
        const listener: Listener = {
          wantsWhole: needsWhole,
          isBroad: places.length > maxNarrow || more?.isBelow === true,
          onState(snapshot) {
            if (!isLeft && !(needsWhole && snapshot.workRequest?.origin === 'list')) consider(snapshot, key);
          },
          onNews(event) {
            if (isLeft) return;
            const { workRequest, gap } = event;
            if (workRequest === null || told.get(workRequest.id) !== key) {
              if (gap === null) consider(event, key);
              else if (workRequest !== null && gap.reason !== 'UPSTREAM_SILENT')
                unseen.delete(workRequest.id);
              return;
            }
            writer.push(event);
            if (gap === null) noteEnd(workRequest);
            // Where it is seen again, it is for the first time.
            else if (gap.reason !== 'UPSTREAM_SILENT') told.delete(workRequest.id);
          },
          onTrouble(gap) {
            if (isLeft) return;
            if (isSynced) writer.push(gap);
            else troubles.set(key, gap);
          },
          onReady: () => void (isLeft || ready()),
        };
        let leave = (): void => {};
        leaves.set(key, () => {
          isLeft = true;
          leave();
        });
        leave = listingOf(place).attach(listener);
        // It may have heard too much already.
        if (isLeft) leave();
      };

      const ready = (): void => {
        unready -= 1;
        if (unready > 0 || isSynced) return;
        isSynced = true;
        const gaps = [...troubles.values()];
        troubles.clear();
        const isAbsent = gaps.length === leaves.size && gaps.every(({ gap }) => gap?.reason === 'NOT_FOUND');
        if (isAbsent && absent) writer.push(compartmentAbsenceOf(absent, clock.now()));
        else for (const gap of gaps) writer.push(gap);
        writer.push(synced);
      };

      let isFirst = true;
      const search = async (): Promise<void> => {
        if (!more) return;
        let found: readonly Place[] = [];
        try {
          found = await more.find();
        } catch (error) {
          // A bound is the caller's to keep; anything else may pass.
          if (error instanceof LimitError) {
            close();
            return writer.fail(error);
          }
          if (isFirst) {
            // About what was asked for, not about a list.
            const { place: _, ...silence } = listSilenceOf(more.place, null, clock.now());
            troubles.set('', silence);
          }
        }
        if (!subscribers.has(self)) return;
        const fresh = found.filter((place) => !leaves.has(keyOf(place)));
        if (isFirst) unready += fresh.length;
        for (const place of fresh) listen(place);
        if (isFirst) ready();
        isFirst = false;
        searchAlarm.set(searchMs);
      };
      const callOff = sight?.onChange(() => {
        for (const { event, key } of [...unseen.values()]) consider(event, key);
      });
      const searchAlarm = agenda.createAlarm(() => void search());

      for (const place of places) listen(place);
      if (unready === 0) {
        unready = 1;
        ready();
      }
      void search();
      return writer.feed;
    },

    sight: (workRequest) => of(workRequest)?.sight(workRequest),
    has: (place) => listings.has(keyOf(place)),
    of,

    stop() {
      for (const subscriber of [...subscribers]) subscriber.end();
    },

    get listings() {
      return [...listings.values()];
    },
    get subscribers() {
      return subscribers.size;
    },
  };
};

const keyOf = ({ service, region, compartmentId }: Place): string => `${service} ${region} ${compartmentId}`;

const snapshotFrom = (event: Told): Told =>
  event.type === 'SNAPSHOT' ? event : { ...addedOf(event), type: 'SNAPSHOT' };

const tooMany = (): LimitError =>
  new LimitError(
    'matches',
    `More than ${maxMatches} work requests match: a subscription takes no more. Ask for fewer services, regions or compartments, or filter, e.g. by { isTerminal: false } or acceptedAfter.`,
  );
