/**
 * What a resolver is given, for one caller's view. What is there is read as for everybody, and what is not in the view is taken
 * out before it is handed on, so that forbidden and absent are one: the same answer, after the same calls.
 */
import type { Context } from '../context.ts';
import { catalog } from '../datasources/catalog.ts';
import { UpstreamError } from '../errors.ts';
import type { ListWatchPlan } from '../datasources/list-watch.ts';
import type { Loaders } from '../datasources/loaders.ts';
import type { ParentFinder } from '../datasources/parents.ts';
import type { Page, WorkRequest, WorkRequestRef, WorkRequestSource } from '../datasources/types.ts';
import { createEndedFeed } from '../subscriptions/feed.ts';
import type { Feed } from '../subscriptions/feed.ts';
import type { Waited } from '../subscriptions/waiting.ts';
import type { Watchers } from '../subscriptions/watchers.ts';
import { absenceOf, refusalOf } from '../subscriptions/telling.ts';
import { createJudgedFeed } from './feeds.ts';
import type { Grants } from './index.ts';
import type { Place, View } from './views.ts';

export interface GuardOptions {
  /** As it is now: a subscription lives longer than a policy. null: everything. */
  readonly view: () => View | null;
  readonly grants: Pick<Grants, 'ready' | 'onChange'>;
  /** Where it was seen, for work requests that do not say so themselves. */
  readonly compartmentOf: (ref: WorkRequestRef) => string | null;
  /** Where all of IAM's is, wherever it is asked for. */
  readonly homeRegion: string;
  readonly watchers: Pick<Watchers, 'watch' | 'watchList' | 'present'>;
  readonly now: () => number;
}

/** Each as without a view, with the part of it that is not to be seen left out. */
export interface Guard {
  maySee(workRequest: WorkRequest): boolean;
  mayCancel(workRequest: WorkRequest): boolean;
  /** Whether it would be seen, as far as is known without a read. */
  isIn(ref: WorkRequestRef): boolean;
  /** Whether this is to be asked at all: of a list, which names its compartment. */
  mayAsk(place: Place): boolean;
  /** What lies below: counted, and gone through, as far as it is in the view. */
  parents(parents: ParentFinder): ParentFinder;
  loaders(loaders: Loaders): Loaders;
  /** For the list and for cancelling. */
  source<Source extends Pick<WorkRequestSource, 'get' | 'list'>>(source: Source): Source;
  watch(ref: WorkRequestRef, look: FirstLook): Promise<Feed>;
  watchList(plan: () => ListWatchPlan): Promise<Feed>;
  /** @param wait is over when `gone` is aborted */
  waitFor(
    ref: WorkRequestRef,
    look: FirstLook,
    wait: (gone: AbortSignal) => Promise<Waited>,
  ): Promise<Waited>;
}

export interface FirstLook {
  /** As the guarded loaders do, from Oracle Cloud. */
  readonly read: Context['loaders']['workRequest'];
  /** After a read that failed; false: nobody waits for another. */
  readonly pause: () => Promise<boolean>;
}

export const createGuard = (options: GuardOptions): Guard => {
  const { view, grants, compartmentOf, homeRegion, watchers, now } = options;
  const homeOf = ({ service, region }: Pick<Place, 'service' | 'region'>): string =>
    catalog[service].isHomeRegionOnly ? homeRegion : region;
  const placeOf = ({ ref, compartmentId }: WorkRequest): Place => ({
    service: ref.service,
    region: homeOf(ref),
    compartmentId: compartmentId ?? compartmentOf(ref),
  });
  const mayAsk = (place: Place): boolean =>
    view()?.allows('read', { ...place, region: homeOf(place) }) ?? true;
  const maySee = (workRequest: WorkRequest): boolean => mayAsk(placeOf(workRequest));
  const mayCancel = (workRequest: WorkRequest): boolean =>
    view()?.allows('cancel', placeOf(workRequest)) ?? true;
  const reaches = (ref: WorkRequestRef): boolean => view()?.reaches(ref.service, homeOf(ref)) ?? true;
  const isIn = (ref: WorkRequestRef): boolean => mayAsk({ ...ref, compartmentId: compartmentOf(ref) });
  const judge = { maySee, mayAsk, onChange: grants.onChange, now };

  const orAbsent = async (
    ref: WorkRequestRef,
    read: Promise<WorkRequest | null>,
  ): Promise<WorkRequest | null> => {
    try {
      const [found] = await Promise.all([read, grants.ready(view())]);
      return found !== null && maySee(found) ? found : null;
    } catch (error) {
      // An answer that cannot be read would tell that something is there.
      if (error instanceof UpstreamError && error.code === 'UPSTREAM_MALFORMED' && !isIn(ref)) return null;
      throw error;
    }
  };

  const seesAll = async <T>(
    workRequest: WorkRequest,
    read: () => Promise<Page<T> | null>,
  ): Promise<Page<T> | null> => {
    await grants.ready(view());
    return maySee(workRequest) ? read() : null;
  };

  /**
   * The state to begin with. Where reading fails a watch has its own ways to go on, or to tell; but what others watch answers at once
   * then, so that one is for those only who are known to see it.
   */
  const lookFirst = async (
    ref: WorkRequestRef,
    { read, pause }: FirstLook,
  ): Promise<WorkRequest | 'absent' | 'refused' | 'unread' | 'left'> => {
    do {
      try {
        return (await read(ref, 'get')) ?? 'absent';
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        if (isIn(ref)) return 'unread';
        if (error.code === 'FORBIDDEN') return 'refused';
        if (!error.isRetryable) throw error;
      }
    } while (await pause());
    return 'left';
  };

  return {
    maySee,
    mayCancel,
    isIn,
    mayAsk,

    parents: (parents) => ({
      ...parents,
      subtreeOf: async (root) => (await parents.subtreeOf(root)).filter((id) => view()?.touches(id) ?? true),
    }),

    loaders: ({ workRequest, errors, logs }) => ({
      async workRequest(ref, depth) {
        if (view() === null) return workRequest(ref, depth);
        if (!reaches(ref)) return null;
        await grants.ready(view());
        // A list that brings what is forbidden would save the calls that what is absent takes.
        return orAbsent(ref, workRequest(ref, isIn(ref) ? depth : 'get'));
      },
      errors: (of, page) => seesAll(of, () => errors(of, page)),
      logs: (of, page) => seesAll(of, () => logs(of, page)),
    }),

    source: (source) => ({
      ...source,
      get: async (ref) => (reaches(ref) ? orAbsent(ref, source.get(ref)) : null),
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

    async watch(ref, look) {
      const seen = view() === null ? 'unread' : await lookFirst(ref, look);
      if (seen === 'absent') return createEndedFeed(absenceOf(now()));
      if (seen === 'refused') return createEndedFeed(refusalOf(null, null, now()));
      if (seen === 'left') return createEndedFeed();
      return createJudgedFeed(watchers.watch(ref, seen === 'unread' ? undefined : seen), judge);
    },

    async watchList(plan) {
      await grants.ready(view());
      // What is not in the view counts for nothing, and is new once it is.
      const list = { ...plan(), sight: { maySee, onChange: grants.onChange } };
      return createJudgedFeed(watchers.watchList(list), judge);
    },

    async waitFor(ref, look, wait) {
      const seen = view() === null ? 'unread' : await lookFirst(ref, look);
      if (seen === 'absent' || seen === 'refused') return { kind: seen };
      if (seen === 'left') return { kind: 'unseen' };
      const hiding = new AbortController();
      const judgeAgain = (): void => {
        const known = watchers.present(ref);
        if (known !== null && !maySee(known)) hiding.abort();
      };
      const held = watchers.watch(ref, seen === 'unread' ? undefined : seen);
      // Whoever may not see it any more hears so at once, and not when it ends.
      held.listen(() => {
        while (held.take()?.kind === 'event');
        judgeAgain();
      });
      const callOff = grants.onChange(judgeAgain);
      judgeAgain();
      try {
        const waited = await wait(hiding.signal);
        const isHidden = hiding.signal.aborted || (waited.kind === 'seen' && !maySee(waited.workRequest));
        return isHidden ? { kind: 'absent' } : waited;
      } finally {
        callOff();
        void held.return();
      }
    },
  };
};
