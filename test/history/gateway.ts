/**
 * The gateway below its schema, wired as gateway.ts does, over a test's upstream. A defect takes the place of one of its
 * parts: that is how the checker is checked.
 */
import { createSecretKey } from 'node:crypto';
import { cancelWorkRequest } from '../../datasources/cancel.ts';
import { catalog } from '../../datasources/catalog.ts';
import type { Discover, Place } from '../../datasources/discovery.ts';
import { createDiscover } from '../../datasources/discovery.ts';
import { createEndpoints } from '../../datasources/endpoints.ts';
import { createUpstream } from '../../datasources/http.ts';
import type { UpstreamOptions } from '../../datasources/http.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import { createLoaders } from '../../datasources/loaders.ts';
import { createObservations } from '../../datasources/observations.ts';
import type { Observations } from '../../datasources/observations.ts';
import { createParentFinders } from '../../datasources/parents.ts';
import { isTerminalStatus } from '../../datasources/status.ts';
import type {
  Clock,
  Errand,
  WorkRequest,
  WorkRequestRef,
  WorkRequestSource,
} from '../../datasources/types.ts';
import { createWorkRequestSource } from '../../datasources/work-requests.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import { createWatchers } from '../../subscriptions/watchers.ts';
import type { Watchers, WatchersOptions } from '../../subscriptions/watchers.ts';
import type { Settings } from './scene.ts';
import { origin, region } from './cloud.ts';

type Read = (ref: WorkRequestRef) => Promise<WorkRequest | null>;

export interface Defect {
  readonly settings?: (settings: Settings) => Settings;
  readonly watchers?: Partial<WatchersOptions>;
  readonly observations?: (observations: Observations) => Observations;
  readonly read?: (read: Read) => Read;
  readonly feed?: (feed: Feed) => Feed;
  readonly discover?: (discover: Discover) => Discover;
  /** Nobody tells the watchers what queries see. */
  readonly isSilentOnQueries?: true;
}

export interface GatewayUnderTest {
  watch(ref: WorkRequestRef): Feed;
  watchList(place: Place): Feed;
  get(ref: WorkRequestRef): Promise<unknown>;
  list(ref: WorkRequestRef, compartmentId: string): Promise<unknown>;
  cancel(ref: WorkRequestRef): Promise<unknown>;
  stats(): ReturnType<Watchers['stats']>;
  close(): Promise<void>;
}

/** Of the store; the usual one is made for more than a scene has. */
const capacity = 500;
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
      current: () => ({ keyId: 'k', key, tenancyId: 't', expiresAt: null }),
    },
    clock,
    random,
    deadlineMs,
    rps: settings.rps,
    sign: async () => ({}),
    exchange,
  });
  const endpoints = createEndpoints({
    allowedRegions: [region],
    homeRegion: region,
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
    tenancyId: async () => 't',
  });
  const isListComplete = ({ service }: Pick<WorkRequestRef, 'service'>): boolean =>
    catalog[service].listLacks.size === 0;
  const asFarAsListed = (item: WorkRequest): WorkRequest =>
    isListComplete(item.ref) ? item : { ...item, isPartial: true };
  const read: Read = (ref) => polls.workRequest(ref, isListComplete(ref) ? 'listItem' : 'get');
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
    isHeldUp: (ref) => upstream.isHeldUp(ref),
    onWatch: (id, isWatched) => (isWatched ? observations.hold(id) : observations.release(id)),
    isTerminal: ({ isTerminal }) => isTerminal,
    isTerminalStatus,
    pollMinMs: settings.pollMinMs,
    pollMaxMs: settings.pollMaxMs,
    bufferSize: settings.bufferSize,
    clock,
    random,
    ...defect.watchers,
  });
  const errandOfPolls: Errand = { endsAt: Infinity, isPatient: true };
  const patient = source.for(errandOfPolls);
  const listForPolls: WorkRequestSource['list'] = async (asked) => {
    const page = await patient.list(asked);
    for (const item of page.items) watchers.pass(asFarAsListed(item));
    return page;
  };
  const polls = createLoaders({ source: { ...patient, list: listForPolls }, observations, cache: false });
  const parents = createParentFinders({ upstream, endpoints, source, tenancyId: async () => 't', clock }).for(
    errandOfPolls,
  );
  const discovered = createDiscover({ list: listForPolls, parents });
  const discover = defect.discover?.(discovered) ?? discovered;
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
    watchList(place) {
      const feed = watchers.watchList({
        places: [place],
        matches: () => true,
        wantsWhole: () => false,
        more: null,
      });
      return defect.feed?.(feed) ?? feed;
    },
    get: (ref) => query().get(ref),
    list: ({ service }, compartmentId) => query().list({ service, region, compartmentId, limit: 100 }),
    async cancel(ref) {
      await cancelWorkRequest(query(), ref);
      watchers.hurry(ref);
    },
    stats: () => watchers.stats(),
    async close() {
      watchers.stop();
      await upstream.close();
    },
  };
};
