/**
 * The only wiring: what talks to Oracle Cloud, what watches it, the schema over both, and the doors in front.
 */
import { randomBytes } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { knownRegion } from './access.ts';
import type { Access } from './access.ts';
import { ConfigError } from './config.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { createContexts } from './contexts.ts';
import { catalog } from './datasources/catalog.ts';
import { createEndpoints } from './datasources/endpoints.ts';
import { createUpstream } from './datasources/http.ts';
import { globalIdOf } from './datasources/ids.ts';
import { createObservations } from './datasources/observations.ts';
import { createPageCache } from './datasources/page-cache.ts';
import { createParentFinders } from './datasources/parents.ts';
import { createPolls } from './datasources/polls.ts';
import { endpointOf } from './datasources/regions.ts';
import type { Region } from './datasources/regions.ts';
import { createRouter } from './datasources/routing.ts';
import { isTerminalStatus } from './datasources/status.ts';
import { createSweepEstimate } from './datasources/sweep-cost.ts';
import type { Clock, WorkRequest, WorkRequestRef, WorkRequestSource } from './datasources/types.ts';
import { createWorkRequestSource } from './datasources/work-requests.ts';
import { createTokenCallers } from './doors/tokens.ts';
import { createDoors, graphqlPath, loopbackHosts } from './doors/index.ts';
import type { DoorsOptions } from './doors/index.ts';
import { openMetrics } from './doors/health.ts';
import { createMetrics } from './doors/metrics.ts';
import { registerPlayground } from './doors/playground.ts';
import type { PlaygroundTab } from './doors/playground.ts';
import { processHeap } from './doors/overload.ts';
import { createCheck } from './doors/pipeline.ts';
import type { QuotaLimits } from './doors/quotas.ts';
import { findTracer } from './doors/tracing.ts';
import { createUpstreamLog } from './doors/upstream-log.ts';
import { createGrants } from './grants/index.ts';
import type { Policy } from './grants/policy.ts';
import { openTrustedDocuments, readManifestFile } from './doors/trusted.ts';
import type { TrustedDocumentsFile } from './doors/trusted.ts';
import { createEstimators } from './resolvers/cost.ts';
import { stability } from './resolvers/stable.ts';
import { createCursors } from './resolvers/cursors.ts';
import { createSchema } from './schema/index.ts';
import { createWaiting } from './subscriptions/waiting.ts';
import { createWatchFile } from './watched-file.ts';
import type { WatchFile } from './watched-file.ts';
import { createWatchers } from './subscriptions/watchers.ts';
import type { Watchers } from './subscriptions/watchers.ts';

export interface GatewayOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** From `openAccess`. */
  readonly access: Access;
  /** Who may see and cancel what, as `AUTH_POLICY_FILE` was at start; without: everybody everything. */
  readonly policy?: { readonly file: string; readonly policy: Policy };
  /** Instead of `OCI_ENDPOINT_TEMPLATE`: what stands in for Oracle Cloud. */
  readonly endpointTemplate?: string;
  /** What the playground opens with. */
  readonly playgroundTabs: readonly PlaygroundTab[];
  /** In [0, 1); for jitter. */
  readonly random?: () => number;
}

export interface Gateway {
  readonly schema: GraphQLSchema;
  readonly source: WorkRequestSource;
  /** All that is being watched. */
  readonly watchers: Watchers;
  /** What `/metrics` tells. */
  readonly registry: Registry;
  /** The regions that may be called. */
  readonly regions: readonly Region[];
  readonly homeRegion: string;
  /** Makes one signed call, the cheapest that needs a credential and a policy. @throws UpstreamError */
  probe(): Promise<{ readonly url: string; readonly tenancyId: string }>;
  start(): Promise<{ readonly url: string; readonly port: number }>;
  /** null: `/metrics` is where all else is (`METRICS_PORT` is not set). */
  startMetrics(): Promise<{ readonly url: string; readonly port: number } | null>;
  stop(): Promise<void>;
}

export const createGateway = (config: Config, options: GatewayOptions): Gateway => {
  const { clock, log, random = Math.random } = options;
  const { credentials, regions, allowed, homeRegion } = options.access;
  const tenancyId = async (): Promise<string> => (await credentials.current()).tenancyId ?? '';

  const { upstreamDeadlineMs: deadlineMs } = config;
  const watchFile = createWatchFile(clock);
  const logUpstream = createUpstreamLog(log);
  const tracer = findTracer();
  const heap = processHeap(config.heapMib);
  const metrics = createMetrics(clock, heap.limitBytes);
  const upstream = createUpstream({
    credentials,
    clock,
    random,
    deadlineMs,
    rps: config.upstreamRps,
    pollRps: config.pollRps,
    observe(event) {
      metrics.observeUpstream(event);
      logUpstream(event);
    },
    tracer,
    observeTurn: metrics.observeTurn,
  });
  const endpoints = createEndpoints({
    allowedRegions: allowed.map(({ id }) => id),
    homeRegion,
    template: options.endpointTemplate ?? config.oci.endpointTemplate,
    fill: (template, id) => endpointOf(template, knownRegion(regions, id)),
  });
  const observations = createObservations();
  const source = createWorkRequestSource({
    upstream,
    endpoints,
    observations,
    clock,
    tenancyId,
    observeMalformed: metrics.observeMalformed,
  });
  const isListComplete = ({ service }: Pick<WorkRequestRef, 'service'>): boolean =>
    catalog[service].listLacks.size === 0;
  /** Where list items lack fields, all that a watcher can take from them is how far it is. */
  const asFarAsListed = (item: WorkRequest): WorkRequest =>
    isListComplete(item.ref) ? item : { ...item, isPartial: true };
  const watchers = createWatchers({
    read: (ref) => polls.loaders.workRequest(ref, isListComplete(ref) ? 'listItem' : 'get'),
    discover: (place, isKnown) => polls.discover(place, isKnown),
    isListComplete,
    keyOf: globalIdOf,
    groupOf({ ref }) {
      const compartmentId = observations.compartmentOf(ref);
      return compartmentId !== null && isListComplete(ref) && catalog[ref.service].readsByList
        ? `${ref.service} ${ref.region} ${compartmentId}`
        : null;
    },
    backlog: (ref) => upstream.backlog(ref),
    onWatch: (id, isWatched) => (isWatched ? observations.hold(id) : observations.release(id)),
    isTerminal: ({ isTerminal }) => isTerminal,
    isTerminalStatus,
    pollMinMs: config.pollMinMs,
    pollMaxMs: config.pollMaxMs,
    clock,
    random,
    observeLateness: metrics.observeLateness,
    log,
  });
  const waiting = createWaiting({ watchers, clock, firstMs: 2 * deadlineMs });
  const parents = createParentFinders({ upstream, endpoints, source, tenancyId, clock });
  const polls = createPolls({
    source,
    parents,
    observations,
    isWatched: (ref) => watchers.isWatched(ref),
    isListed: (place) => watchers.isListed(place),
    pass: (item) => watchers.pass(asFarAsListed(item)),
  });
  const pages = createPageCache({
    observations,
    clock,
    deadlineMs,
    keepMs: config.readCacheMs,
  });
  const router = createRouter({
    findRegion: (word) => regions.get(word) ?? regions.byCode(word),
    allowedRegions: endpoints.allowedRegions,
    homeRegion,
    serviceOfListedType: (type) => observations.serviceOfListedType(type),
  });
  const grants =
    options.policy &&
    createGrants({
      ...options.policy,
      subtreeOf: (root) => parents.for({ endsAt: clock.now() + deadlineMs }).subtreeOf(root),
      tenancyId,
      reach: endpoints,
      watchFile,
      clock,
      log,
    });
  const constant = {
    router,
    catalog,
    regions: allowed,
    cursors: createCursors({ secret: config.cursorSecret ?? randomBytes(32), now: () => clock.now() }),
    isReadOnly: config.isReadOnly,
    log,
  };
  const createContext = createContexts({
    constant,
    source,
    observations,
    endpoints,
    parents,
    polls,
    pages,
    watchers,
    waiting,
    grants,
    asFarAsListed,
    clock,
    deadlineMs,
    pollMinMs: config.pollMinMs,
    maxQueryCost: config.maxQueryCost,
  });

  const schema = createSchema();
  const addPlayground: DoorsOptions<Context>['registerPlayground'] = (app) =>
    registerPlayground(app, {
      graphqlPath,
      tabs: options.playgroundTabs,
      title: 'OCI work requests',
    });
  const allowedHosts = config.allowedHosts.length > 0 ? config.allowedHosts : loopbackHosts;
  const doors = createDoors<Context>({
    schema,
    createContext,
    allowedHosts,
    allowedOrigins: config.allowedOrigins,
    documentLimits: config.documentLimits,
    isExplorable: config.isExplorable,
    limits: {
      socketOperations: config.limits.socketOperations,
      bodyBytes: config.limits.bodyBytes,
      messageBytes: config.limits.bodyBytes,
      addressConnections: config.limits.addressConnections ?? Infinity,
      connectionInitWaitMs: config.limits.connectionInitMs,
    },
    quotas: quotasOf(config.limits),
    trustedProxies: config.trustedProxies,
    heap,
    log,
    tracer,
    readiness: () => ({
      status: 'ok',
      degraded: metrics.degraded(),
    }),
    registry: metrics.registry,
    hasMetrics: config.metrics === null,
    ...(config.tokens && {
      callers: createTokenCallers({
        ...config.tokens,
        clock,
        observeRefusal: metrics.observeRefusal,
        observeKeys: metrics.observeKeys,
      }),
    }),
    stability,
    viewOf: ({ view }) => view,
    cost: {
      limit: config.maxQueryCost,
      estimators: createEstimators({
        catalog,
        router,
        estimateSweep: createSweepEstimate(endpoints),
      }),
      // How many calls it took to find nothing would tell what is hidden there.
      spentBy: ({ meter, view }) => (view === '' ? meter.calls : null),
    },
    ...(config.hasPlayground && { registerPlayground: addPlayground }),
    trusted: openTrusted(config, schema, log, watchFile),
  });
  const metricsDoor = config.metrics && openMetrics({ registry: metrics.registry, allowedHosts, log });
  metrics.read({
    watching: () => watchers.stats(),
    budgets: () => upstream.budgets(),
    olderAnswers: () => observations.olderAnswers,
    hasPolicyProblem: () => (grants === undefined ? null : grants.problem !== null),
  });

  return {
    schema,
    source,
    watchers,
    registry: metrics.registry,
    regions: allowed,
    homeRegion,
    async probe() {
      const api = catalog.IDENTITY;
      const tenancy = await tenancyId();
      const { origin, prefix } = endpoints.of(api, homeRegion);
      const path = `${prefix}${api.listPath}?compartmentId=${encodeURIComponent(tenancy)}&limit=1`;
      await upstream.call({ service: api.name, region: homeRegion, method: 'GET', origin, path });
      return { url: origin + path, tenancyId: tenancy };
    },
    start: () => doors.start(config.host, config.port),
    startMetrics: async () =>
      config.metrics && metricsDoor && metricsDoor.start(config.metrics.host, config.metrics.port),
    async stop() {
      // They would hold their connections open until those are cut.
      grants?.stop();
      waiting.stop();
      await doors.stop();
      watchers.stop();
      await upstream.close();
      // Last, so that a scrape still sees the end.
      await metricsDoor?.stop();
    },
  };
};

/** A problem each; none where no manifest is asked for. */
export const checkTrustedDocuments = ({
  trustedDocumentsFile: file,
  documentLimits,
  isExplorable,
}: Config): readonly string[] =>
  file === null
    ? []
    : readManifestFile(file, createCheck({ schema: createSchema(), documentLimits, isExplorable })).problems;

/** @throws ConfigError */
const openTrusted = (
  { trustedDocumentsFile: file, documentLimits, isExplorable }: Config,
  schema: GraphQLSchema,
  log: Logger,
  watchFile: WatchFile,
): TrustedDocumentsFile | undefined => {
  if (file === null) return undefined;
  const check = createCheck({ schema, documentLimits, isExplorable });
  const { manifest, problems } = readManifestFile(file, check);
  if (problems.length > 0) throw new ConfigError(problems);
  return openTrustedDocuments({ file, first: manifest, check, log, watchFile });
};

const quotasOf = (limits: Config['limits']): QuotaLimits => ({
  addressSockets: limits.addressSockets ?? Infinity,
  callerSockets: limits.callerSockets ?? Infinity,
  callerSubscriptions: limits.callerSubscriptions ?? Infinity,
  callerRps: limits.callerRps ?? Infinity,
  callerOperationsBytes: limits.callerOperationsMib * 1024 * 1024,
});
