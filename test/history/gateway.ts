/**
 * The gateway below its schema, wired as gateway.ts does, over a test's upstream. A defect takes the place of one of its
 * parts: that is how the checker is checked.
 */
import { createSecretKey } from 'node:crypto';
import { cancelWorkRequest } from '../../datasources/cancel.ts';
import { catalog } from '../../datasources/catalog.ts';
import type { Discover } from '../../datasources/discovery.ts';
import { createEndpoints } from '../../datasources/endpoints.ts';
import { createUpstream } from '../../datasources/http.ts';
import type { UpstreamOptions } from '../../datasources/http.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import { planListWatch } from '../../datasources/list-watch.ts';
import type { ListScope, ListWatchPlan } from '../../datasources/list-watch.ts';
import { createObservations } from '../../datasources/observations.ts';
import type { Observations } from '../../datasources/observations.ts';
import { createParentFinders } from '../../datasources/parents.ts';
import { createPolls } from '../../datasources/polls.ts';
import { isTerminalStatus } from '../../datasources/status.ts';
import type { Clock, WorkRequest, WorkRequestRef, WorkRequestSource } from '../../datasources/types.ts';
import { createWorkRequestSource } from '../../datasources/work-requests.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import { createGroups } from '../../subscriptions/groups.ts';
import type { Groups } from '../../subscriptions/groups.ts';
import { createWaiting } from '../../subscriptions/waiting.ts';
import type { Waiting } from '../../subscriptions/waiting.ts';
import { createWatchers } from '../../subscriptions/watchers.ts';
import type { Watchers, WatchersOptions } from '../../subscriptions/watchers.ts';
import type { Scene, Settings } from './scene.ts';
import { sampleTenancy } from '../../emulator/places.ts';
import { origin } from './cloud.ts';
import { homeRegion, regions } from './scene.ts';

type Read = (ref: WorkRequestRef) => Promise<WorkRequest | null>;

export interface Defect {
  /** Scenes in which it can show; all where nothing is said. */
  readonly shows?: (scene: Scene) => boolean;
  readonly settings?: (settings: Settings) => Settings;
  readonly watchers?: Partial<WatchersOptions>;
  readonly groups?: (groups: Groups) => Groups;
  readonly observations?: (observations: Observations) => Observations;
  readonly read?: (read: Read) => Read;
  readonly feed?: (feed: Feed) => Feed;
  readonly discover?: (discover: Discover) => Discover;
  readonly plan?: (plan: ListWatchPlan) => ListWatchPlan;
  readonly waiting?: (waiting: Waiting) => Waiting;
  /** Nobody tells the watchers what queries see. */
  readonly isSilentOnQueries?: true;
}

export interface GatewayUnderTest {
  watch(ref: WorkRequestRef): Feed;
  watchList(scope: ListScope): Feed;
  waitFor: Waiting['waitFor'];
  get(ref: WorkRequestRef): Promise<unknown>;
  list(ref: WorkRequestRef, compartmentId: string): Promise<unknown>;
  cancel(ref: WorkRequestRef): Promise<unknown>;
  stats(): ReturnType<Watchers['stats']>;
  close(): Promise<void>;
}

/** Of the store; the usual one is made for more than a scene has. */
const capacity = 500;
const tenancyId = async (): Promise<string> => sampleTenancy;
const key = createSecretKey(Buffer.from('unused'));

export const createGatewayUnderTest = (
  given: Settings,
  {
    clock,
    random,
    exchange,
    onRead,
    defect = {},
  }: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly exchange: NonNullable<UpstreamOptions['exchange']>;
    /** Wraps the watchers' reads, to see them. */
    readonly onRead: (read: Read) => Read;
    readonly defect?: Defect | undefined;
  },
): GatewayUnderTest => {
  const settings = defect.settings?.(given) ?? given;
  const { deadlineMs } = settings;
  const upstream = createUpstream({
    credentials: {
      id: 'history',
      region: null,
      current: () => ({ keyId: 'k', key, tenancyId: sampleTenancy, expiresAt: null }),
    },
    clock,
    random,
    deadlineMs,
    rps: settings.rps,
    sign: async () => ({}),
    exchange,
  });
  const endpoints = createEndpoints({
    allowedRegions: regions,
    homeRegion,
    template: `${origin}/{region}/{package}`,
    fill: (template) => template,
  });
  const observations =
    defect.observations?.(createObservations({ capacity })) ?? createObservations({ capacity });
  const source = createWorkRequestSource({
    upstream,
    endpoints,
    observations,
    clock,
    tenancyId,
  });
  const isListComplete = ({ service }: Pick<WorkRequestRef, 'service'>): boolean =>
    catalog[service].listLacks.size === 0;
  const asFarAsListed = (item: WorkRequest): WorkRequest =>
    isListComplete(item.ref) ? item : { ...item, isPartial: true };
  const read: Read = (ref) => polls.loaders.workRequest(ref, isListComplete(ref) ? 'listItem' : 'get');
  const watchers = createWatchers({
    read: defect.read?.(onRead(read)) ?? onRead(read),
    discover: (place, isKnown) => discover(place, isKnown),
    isListComplete,
    keyOf: globalIdOf,
    groupOf: ({ ref }) => {
      const compartmentId = observations.compartmentOf(ref);
      return compartmentId !== null && isListComplete(ref) && catalog[ref.service].readsByList
        ? `${ref.service} ${ref.region} ${compartmentId}`
        : null;
    },
    backlog: (ref) => upstream.backlog(ref),
    onWatch: (id, isWatched) => (isWatched ? observations.hold(id) : observations.release(id)),
    isTerminal: ({ isTerminal }) => isTerminal,
    isTerminalStatus,
    pollMinMs: settings.pollMinMs,
    pollMaxMs: settings.pollMaxMs,
    bufferSize: settings.bufferSize,
    clock,
    random,
    groups(agenda) {
      const made = createGroups(agenda, settings.pollMinMs);
      return defect.groups?.(made) ?? made;
    },
    ...defect.watchers,
  });
  const made = createWaiting({ watchers, clock, firstMs: 2 * deadlineMs });
  const waiting = defect.waiting?.(made) ?? made;
  const polls = createPolls({
    source,
    parents: createParentFinders({ upstream, endpoints, source, tenancyId, clock }),
    observations,
    isWatched: (ref) => watchers.isWatched(ref),
    isListed: (place) => watchers.isListed(place),
    pass: (item) => watchers.pass(asFarAsListed(item)),
  });
  const discover = defect.discover?.(polls.discover) ?? polls.discover;
  const tell = (item: WorkRequest): void => {
    if (!defect.isSilentOnQueries) watchers.observe(item);
  };
  const observed = (each: WorkRequestSource): WorkRequestSource => ({
    ...each,
    async get(ref) {
      const found = await each.get(ref);
      if (found) tell(found);
      return found;
    },
    async list(asked) {
      const page = await each.list(asked);
      for (const item of page.items) tell(asFarAsListed(item));
      return page;
    },
  });
  const query = (): WorkRequestSource =>
    observed(source.for({ endsAt: clock.now() + 2 * deadlineMs, meter: { calls: 0 } }));

  return {
    watch: (ref) => defect.feed?.(watchers.watch(ref)) ?? watchers.watch(ref),
    watchList(scope) {
      const plan = planListWatch(scope, { endpoints, parents: polls.parents, maxCalls: 10_000 });
      const feed = watchers.watchList(defect.plan?.(plan) ?? plan);
      return defect.feed?.(feed) ?? feed;
    },
    get: (ref) => query().get(ref),
    waitFor: (ref, options) => waiting.waitFor(ref, options),
    list: ({ service, region }, compartmentId) =>
      query().list({ service, region, compartmentId, limit: 100 }),
    async cancel(ref) {
      await cancelWorkRequest(query(), ref);
      watchers.hurry(ref);
    },
    stats: () => watchers.stats(),
    async close() {
      waiting.stop();
      watchers.stop();
      await upstream.close();
    },
  };
};
