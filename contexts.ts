/**
 * What each operation is given (context.ts): reads that end with it, what its caller may see of them, and the watching that is everybody's.
 * Made anew for every operation, out of what gateway.ts has wired.
 */
import type { Context } from './context.ts';
import { cancelWorkRequest } from './datasources/cancel.ts';
import type { Endpoints } from './datasources/endpoints.ts';
import { planListWatch } from './datasources/list-watch.ts';
import type { ListScope, ListWatchPlan } from './datasources/list-watch.ts';
import { createLoaders } from './datasources/loaders.ts';
import type { Loaders } from './datasources/loaders.ts';
import type { Observations } from './datasources/observations.ts';
import type { PageCache } from './datasources/page-cache.ts';
import type { ParentFinders } from './datasources/parents.ts';
import type { Polls } from './datasources/polls.ts';
import { sweep } from './datasources/sweep.ts';
import type { SweepPage } from './datasources/sweep.ts';
import type {
  Clock,
  Errand,
  Meter,
  WorkRequest,
  WorkRequestRef,
  WorkRequestSource,
} from './datasources/types.ts';
import type { Sources } from './datasources/work-requests.ts';
import type { CallerInfo } from './doors/index.ts';
import { GatewayError } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import { createGuard } from './grants/guard.ts';
import type { FirstLook, Guard } from './grants/guard.ts';
import type { Grants } from './grants/index.ts';
import type { View } from './grants/views.ts';
import type { Waited, Waiting } from './subscriptions/waiting.ts';
import type { Watchers } from './subscriptions/watchers.ts';

export interface ContextsOptions {
  /** The same for all. */
  readonly constant: Pick<Context, 'router' | 'catalog' | 'regions' | 'cursors' | 'isReadOnly' | 'log'>;
  readonly source: Sources;
  readonly observations: Observations;
  readonly endpoints: Endpoints;
  readonly parents: ParentFinders;
  readonly polls: Polls;
  readonly pages: PageCache;
  readonly watchers: Watchers;
  readonly waiting: Waiting;
  /** Undefined: everybody may do everything. */
  readonly grants: Grants | undefined;
  /** An item of a list, as far as a watcher can take anything from it. */
  readonly asFarAsListed: (item: WorkRequest) => WorkRequest;
  readonly clock: Clock;
  /** `UPSTREAM_DEADLINE_MS`, `POLL_MIN_MS`, `MAX_QUERY_COST` */
  readonly deadlineMs: number;
  readonly pollMinMs: number;
  readonly maxQueryCost: number;
}

/** After these nobody has to look again. */
const unmoved: ReadonlySet<ErrorCode> = new Set(['FORBIDDEN', 'NOT_FOUND']);

export const createContexts = (options: ContextsOptions): ((info: CallerInfo) => Context) => {
  const { constant, source, observations, endpoints, parents, polls, pages, watchers, waiting } = options;
  const { grants, asFarAsListed, clock, deadlineMs, pollMinMs, maxQueryCost } = options;

  /** What a query sees, watchers are told. @param getsOf whose calls read this one */
  const observed = (
    each: WorkRequestSource,
    getsOf: (ref: WorkRequestRef) => WorkRequestSource,
  ): WorkRequestSource => ({
    ...each,
    async get(ref) {
      const found = await getsOf(ref).get(ref);
      if (found) watchers.observe(found);
      return found;
    },
    async list(query) {
      const page = await each.list(query);
      for (const item of page.items) watchers.observe(asFarAsListed(item));
      return page;
    },
  });

  // Kept pages are of a view as it was.
  grants?.onChange(() => pages.forget());

  // One work request, one poller: a ref is completed first, or a raw id and a global one would be watched twice.
  const complete = async (ref: WorkRequestRef): Promise<WorkRequestRef> =>
    (await source.complete(ref)) ?? ref;

  const openGuard =
    grants &&
    ((view: () => View | null): Guard =>
      createGuard({
        view,
        grants,
        compartmentOf: (ref) => observations.compartmentOf(ref),
        homeRegion: endpoints.homeRegion,
        watchers,
        now: () => clock.now(),
      }));
  /** Of a view as it is: the same for all who have it. */
  const guards = new WeakMap<View, Guard>();
  const guardOf =
    openGuard &&
    ((view: View | null): Guard | undefined => {
      if (view === null) return undefined;
      const known = guards.get(view) ?? openGuard(() => view);
      guards.set(view, known);
      return known;
    });

  return ({ isSubscription, signal, caller, mark, hold }) => {
    // Of the operation, or of what is left of it after a wait.
    let startedAt = clock.now();
    const meter: Meter = { calls: 0 };
    const errandOf = (apart = ''): Errand => ({
      // A subscription's context outlives its events: its calls have each their own time.
      get endsAt() {
        return isSubscription ? Infinity : startedAt + 2 * deadlineMs;
      },
      apart,
      ...(!isSubscription && { meter, mark }),
    });
    const errand = errandOf();
    // Answers are of one view from their beginning to their end, as what is kept and shared by its key has to be.
    const view = grants?.viewOf(caller.claims) ?? null;
    const guard = guardOf?.(view);
    const shared = isSubscription ? source : source.for(errand);
    // What may be hidden is not read with others who look at it: it would be there sooner than what is absent.
    const own = observed(shared, (ref) =>
      guard?.isIn(ref) === false ? source.for(errandOf(view?.key)) : shared,
    );
    /** For what lives longer than a policy. */
    const watchful = (): Guard | undefined => openGuard?.(() => grants?.viewOf(caller.claims) ?? null);
    const createMemory = (): Loaders =>
      createLoaders({
        source: own,
        observations,
        // Loaders that remember would tell the first state for ever.
        cache: !isSubscription,
        isLate: () => !isSubscription && clock.now() >= startedAt + deadlineMs / 2,
      });
    let memory = createMemory();
    const remembering: Loaders = {
      workRequest: (...asked) => memory.workRequest(...asked),
      errors: (...asked) => memory.errors(...asked),
      logs: (...asked) => memory.logs(...asked),
    };
    const loaders = guard?.loaders(remembering) ?? remembering;
    const planList = (scope: ListScope, watcher = watchful()): ListWatchPlan =>
      planListWatch(scope, {
        endpoints,
        parents: watcher?.parents(polls.parents) ?? polls.parents,
        maxCalls: maxQueryCost,
        mayAsk: watcher?.mayAsk,
      });
    const pause = (): Promise<boolean> =>
      clock.sleep(pollMinMs, signal).then(
        () => true,
        () => false,
      );
    return {
      ...constant,
      caller: caller.subject,
      view: view?.key ?? '',
      mayCancel: (workRequest) => guard?.mayCancel(workRequest) ?? true,
      meter,
      loaders,
      async sweep(query) {
        if (grants) await grants.ready(view);
        const read = (): Promise<SweepPage> => {
          const seen = guard?.source(own) ?? own;
          return sweep(query, {
            parents: guard?.parents(parents.for(errand)) ?? parents.for(errand),
            endpoints,
            list: (page) => seen.list(page),
            complete: (ref) => loaders.workRequest(ref, 'get'),
            isLate: () => clock.now() >= startedAt + deadlineMs,
            mayAsk: guard?.mayAsk,
            maxCalls: maxQueryCost,
          });
        };
        return pages.page(query, errand, read, view?.key);
      },
      async watch(ref) {
        const full = await complete(ref);
        return watchful()?.watch(full, { read: loaders.workRequest, pause }) ?? watchers.watch(full);
      },
      watchList: (scope) =>
        watchful()?.watchList(() => planList(scope)) ?? watchers.watchList(planList(scope)),
      async cancel(ref) {
        const judge = watchful();
        const cancellation = await cancelWorkRequest(judge?.source(own) ?? own, ref, judge?.mayCancel);
        // Who may not cancel it, or not see it, moves nothing.
        if (cancellation.error === null || !unmoved.has(cancellation.error.code)) {
          pages.forget();
          watchers.hurry(ref);
        }
        return cancellation;
      },
      async waitFor(ref, timeoutMs) {
        const full = (await own.complete(ref)) ?? ref;
        const wait = (hidden?: AbortSignal): Promise<Waited> =>
          waiting.waitFor(full, { timeoutMs, gone: hidden ? AbortSignal.any([signal, hidden]) : signal });
        // What was read before the wait may be older than what it saw.
        const beginAnew = (): void => {
          memory = createMemory();
          startedAt = clock.now();
        };
        const waitsUntil = clock.now() + Math.max(timeoutMs, 2 * deadlineMs);
        const look: FirstLook = {
          read: loaders.workRequest,
          async pause() {
            const goesOn = await pause();
            beginAnew();
            return goesOn && clock.now() < waitsUntil;
          },
        };
        // One that only looks does not last.
        const room = timeoutMs > 0 ? hold() : null;
        if (room instanceof GatewayError) throw room;
        try {
          return await (watchful()?.waitFor(full, look, wait) ?? wait());
        } finally {
          room?.();
          beginAnew();
        }
      },
    };
  };
};
