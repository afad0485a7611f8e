/**
 * What a resolver is given, for one caller's view. What is there is read as for everybody, and what is not in the view is taken
 * out before it is handed on, so that forbidden and absent are one: the same answer, after the same calls.
 */
import type { Context } from '../context.ts';
import { UpstreamError } from '../errors.ts';
import type { ListWatchPlan } from '../datasources/list-watch.ts';
import type { Loaders } from '../datasources/loaders.ts';
import type { Page, WorkRequest, WorkRequestRef, WorkRequestSource } from '../datasources/types.ts';
import type { Feed } from '../subscriptions/feed.ts';
import type { Waited } from '../subscriptions/waiting.ts';
import type { Watchers } from '../subscriptions/watchers.ts';
import { createAbsence, createJudgedFeed } from './feeds.ts';
import type { Grants } from './index.ts';
import type { Place, View } from './views.ts';

export interface GuardOptions {
  /** As it is now: a subscription lives longer than a policy. null: everything. */
  readonly view: () => View | null;
  readonly grants: Pick<Grants, 'ready' | 'onChange'>;
  /** Where it was seen, for work requests that do not say so themselves. */
  readonly compartmentOf: (ref: WorkRequestRef) => string | null;
  readonly watchers: Pick<Watchers, 'watch' | 'watchList'>;
  readonly now: () => number;
}

/** Each as without a view, with the part of it that is not to be seen left out. */
export interface Guard {
  maySee(workRequest: WorkRequest): boolean;
  mayCancel(workRequest: WorkRequest): boolean;
  /** Whether this is to be asked at all: of a list, which names its compartment. */
  mayAsk(place: Place): boolean;
  loaders(loaders: Loaders): Loaders;
  /** For the list and for cancelling. */
  source<Source extends Pick<WorkRequestSource, 'get' | 'list'>>(source: Source): Source;
  /** @param read as the guarded loaders do, from Oracle Cloud */
  watch(ref: WorkRequestRef, read: Context['loaders']['workRequest']): Promise<Feed>;
  watchList(plan: () => ListWatchPlan): Promise<Feed>;
  waitFor(
    ref: WorkRequestRef,
    read: Context['loaders']['workRequest'],
    wait: () => Promise<Waited>,
  ): Promise<Waited>;
}

export const createGuard = ({ view, grants, compartmentOf, watchers, now }: GuardOptions): Guard => {
  const placeOf = ({ ref, compartmentId }: WorkRequest): Place => ({
    service: ref.service,
    region: ref.region,
    compartmentId: compartmentId ?? compartmentOf(ref),
  });
  const mayAsk = (place: Place): boolean => view()?.allows('read', place) ?? true;
  const maySee = (workRequest: WorkRequest): boolean => mayAsk(placeOf(workRequest));
  const mayCancel = (workRequest: WorkRequest): boolean =>
    view()?.allows('cancel', placeOf(workRequest)) ?? true;
  const reaches = ({ service, region }: WorkRequestRef): boolean => view()?.reaches(service, region) ?? true;
  const judge = { maySee, onChange: grants.onChange, now };

  const orAbsent = async (read: Promise<WorkRequest | null>): Promise<WorkRequest | null> => {
    const [found] = await Promise.all([read, grants.ready(view())]);
    return found !== null && maySee(found) ? found : null;
  };

  const seesAll = async <T>(
    workRequest: WorkRequest,
    read: () => Promise<Page<T> | null>,
  ): Promise<Page<T> | null> => {
    await grants.ready(view());
    return maySee(workRequest) ? read() : null;
  };

  /** The state to begin with; null: it is not to be watched; undefined: that cannot be said yet. */
  const firstLook = async (
    ref: WorkRequestRef,
    read: Context['loaders']['workRequest'],
  ): Promise<WorkRequest | null | undefined> => {
    try {
      return await read(ref, 'get');
    } catch (error) {
      // The watch has its own ways to go on, or to tell.
      if (error instanceof UpstreamError) return undefined;
      throw error;
    }
  };

  return {
    maySee,
    mayCancel,
    mayAsk,

    loaders: ({ workRequest, errors, logs }) => ({
      async workRequest(ref, depth) {
        if (view() === null) return workRequest(ref, depth);
        if (!reaches(ref)) return null;
        await grants.ready(view());
        // A list that brings what is forbidden would save the calls that what is absent takes.
        const compartmentId = compartmentOf(ref);
        const isSeen = compartmentId !== null && mayAsk({ ...ref, compartmentId });
        return orAbsent(workRequest(ref, isSeen ? depth : 'get'));
      },
      errors: (of, page) => seesAll(of, () => errors(of, page)),
      logs: (of, page) => seesAll(of, () => logs(of, page)),
    }),

    source: (source) => ({
      ...source,
      get: async (ref) => (reaches(ref) ? orAbsent(source.get(ref)) : null),
      async list(query) {
        const page = await source.list(query);
        const isIn = ({ ref, compartmentId }: WorkRequest): boolean =>
          mayAsk({
            service: ref.service,
            region: ref.region,
            compartmentId: compartmentId ?? query.compartmentId,
          });
        return { ...page, items: page.items.filter(isIn) };
      },
    }),

    async watch(ref, read) {
      const seen = view() === null ? undefined : await firstLook(ref, read);
      if (seen === null) return createAbsence(now());
      return createJudgedFeed(watchers.watch(ref, seen), judge);
    },

    async watchList(plan) {
      await grants.ready(view());
      return createJudgedFeed(watchers.watchList(plan()), judge);
    },

    async waitFor(ref, read, wait) {
      if (view() === null) return wait();
      const seen = await firstLook(ref, read);
      if (seen === null) return { kind: 'absent' };
      const held = watchers.watch(ref, seen);
      try {
        const waited = await wait();
        return waited.kind === 'seen' && !maySee(waited.workRequest) ? { kind: 'absent' } : waited;
      } finally {
        void held.return();
      }
    },
  };
};
