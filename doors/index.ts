/**
 * How callers come in: every path that the gateway answers, behind one guard and into one pipeline.
 *
 *   request → guard (Host, Origin, CSRF) → admit (caller, quotas) → http │ websocket │ sse → pipeline (parse, validate, context, execute) → schema
 *
 * What all listeners have alike, also that of `/metrics` alone, is `app.ts`.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Tracer } from '@opentelemetry/api';
import type { GatewayError } from '../errors.ts';
import { createAddresses } from './addresses.ts';
import { createApp } from './app.ts';
import { openToAll } from './callers.ts';
import type { Mark } from '../datasources/types.ts';
import type { Caller, Callers } from './callers.ts';
import type { Stability } from './compiled/text.ts';
import { watchConnections } from './connections.ts';
import type { CostOptions } from './cost/index.ts';
import type { DocumentLimits } from './document-limits.ts';
import { createFormatError } from './format-error.ts';
import { createGuard, loopbackHosts } from './guard.ts';
import { metricsPath, probePaths, registerHealth, registerMetrics } from './health.ts';
import type { Readiness } from './health.ts';
import { beginOperation } from './tracing.ts';
import type { Carriers } from './tracing.ts';
import { registerHttp } from './http.ts';
import { createOverload } from './overload.ts';
import type { Heap } from './overload.ts';
import { createPipeline } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';
import { playgroundPath } from './playground.ts';
import { createQuotas, defaultQuotaLimits, holdRoom } from './quotas.ts';
import type { QuotaLimits, Release } from './quotas.ts';
import type { Refusal } from './refusal.ts';
import type { Admission } from './reply.ts';
import { registerSse } from './sse.ts';
import type { SseDoor } from './sse.ts';
import { createDoorsTally } from './tally.ts';
import type { Transport } from './tally.ts';
import type { TrustedDocumentsFile } from './trusted.ts';
import { openWebSocket } from './websocket.ts';
import type { WebSocketDoor } from './websocket.ts';

export { loopbackHosts };
export type { Readiness };

export const graphqlPath = '/graphql';
export const streamPath = '/graphql/stream';

/** What is known of an operation's caller when its context is built, once for each operation. */
export interface CallerInfo {
  readonly transport: Transport;
  /** True: the context lives as long as the subscription, so nothing in it may remember an answer. */
  readonly isSubscription: boolean;
  /**
   * Aborted when nobody waits for the answer any more: completed by the client, or cut off. Not of a subscription to a feed that has
   * begun: its context renders events for all who have the same operation, also when its own caller has left.
   */
  readonly signal: AbortSignal;
  /** Of the request, or of the WebSocket's handshake. */
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly remoteAddress: string | undefined;
  /** `payload` of a WebSocket's `connection_init`. */
  readonly connectionParams: Readonly<Record<string, unknown>> | undefined;
  readonly caller: Caller;
  readonly mark: Mark;
  /** Room for something that lasts beside its subscriptions, as a wait does, or why there is none. */
  hold(): Release | GatewayError;
}

export interface DoorLimits {
  readonly bodyBytes: number;
  readonly messageBytes: number;
  /** TCP connections that are open from one address, whatever comes over them. Infinity: no limit. */
  readonly addressConnections: number;
  /** For a request to arrive whole. */
  readonly requestMs: number;
  readonly connectionInitWaitMs: number;
  /** Between pings and comments on open streams; who has not answered or acknowledged one is cut at the next. */
  readonly keepAliveMs: number;
  /** From `stop()` to cutting what is still open. */
  readonly stopGraceMs: number;
  /** In which many subscribers are sent away, so that not all come again at the same moment. */
  readonly stopSpreadMs: number;
  /** That are open on one WebSocket at the same time. */
  readonly socketOperations: number;
  /** That a WebSocket may leave unread before nothing more is read of what it says. */
  readonly unreadBytes: number;
}

const defaultLimits: DoorLimits = {
  bodyBytes: 1024 * 1024,
  messageBytes: 1024 * 1024,
  addressConnections: 25_000,
  requestMs: 30_000,
  connectionInitWaitMs: 3_000,
  keepAliveMs: 12_000,
  stopGraceMs: 5_000,
  stopSpreadMs: 3_000,
  socketOperations: 10_000,
  unreadBytes: 1024 * 1024,
};

export interface DoorsOptions<Context extends object> {
  readonly schema: GraphQLSchema;
  /** A `GatewayError` that it throws is told to the caller; anything else is an internal error. */
  createContext(info: CallerInfo): Context | Promise<Context>;
  /** `loopbackHosts` unless the operator says otherwise. */
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly log: Logger;
  readiness(): Readiness;
  readonly registry?: Registry;
  /** False: `/metrics` has a listener of its own (`openMetrics`), and here there is no such path. Default: true. */
  readonly hasMetrics?: boolean;
  /** Adds a playground; `/` leads to it. */
  readonly registerPlayground?: (app: FastifyInstance) => void | Promise<void>;
  readonly limits?: Partial<DoorLimits>;
  readonly documentLimits?: DocumentLimits;
  /** Whether callers may ask what the schema holds. Default: true. */
  readonly isExplorable?: boolean;
  /** Nothing else runs. Without: whatever is valid. */
  readonly trusted?: TrustedDocumentsFile | undefined;
  /** What operations may cost. Without: whatever they like, and nothing is told of it. */
  readonly cost?: CostOptions<Context>;
  /** Who may come in. Without: anybody. */
  readonly callers?: Callers;
  /** How much of it one caller, or one address, may have. */
  readonly quotas?: Partial<QuotaLimits>;
  /** Where it is nearly full, subscriptions are refused. Without: nobody looks. */
  readonly heap?: Heap;
  /** Proxies whose word on a request's address counts, as addresses and networks. */
  readonly trustedProxies?: readonly string[];
  /** What is written once for many. */
  readonly stability?: Stability;
  /** What a caller may see, by its context: the same for the same. Without: everybody the same. */
  readonly viewOf?: (context: Context) => string;
  /** null: nobody traces. */
  readonly tracer?: Tracer | null;
}

export interface Doors {
  readonly app: FastifyInstance;
  /** What `/metrics` tells. */
  readonly registry: Registry;
  /** Port 0 picks one. */
  start(host: string, port: number): Promise<{ readonly url: string; readonly port: number }>;
  /** Lets requests end, sends subscribers away so that they come again, and cuts what is left after `stopGraceMs`. */
  stop(): Promise<void>;
}

/** Throws a TypeError for a host or an origin that is none. */
export function createDoors<Context extends object>(options: DoorsOptions<Context>): Doors {
  const limits = withinGrace({ ...defaultLimits, ...options.limits });
  const { log, createContext, callers = openToAll, tracer = null } = options;
  const { hasMetrics = true } = options;
  const guard = createGuard({
    ...options,
    probePaths: hasMetrics ? [...probePaths, metricsPath] : probePaths,
  });
  const registry = options.registry ?? new Registry();
  const tally = createDoorsTally(registry);
  const now = (): number => performance.now();
  const overload =
    options.heap &&
    createOverload({ heap: options.heap, registry, log, now, letGo: () => pipeline.documents.forget() });
  const pipeline: Pipeline = createPipeline({
    schema: options.schema,
    formatError: createFormatError({
      log,
      isExplorable: options.isExplorable,
      observeLimit: tally.exceeded,
    }),
    isExplorable: options.isExplorable,
    trusted: options.trusted,
    cost: options.cost && { ...options.cost, reads: overload?.reads },
    stability: options.stability,
    documentLimits: options.documentLimits,
    viewOf: options.viewOf,
  });
  const { addressOf, addressOfConnection } = createAddresses(options.trustedProxies);
  let isStopping = false;
  let webSocket: WebSocketDoor | undefined;
  let sse: SseDoor | undefined;
  const readiness = (): Readiness => {
    if (isStopping) return { status: 'unavailable', degraded: ['stopping'] };
    const { status, degraded } = options.readiness();
    return { status, degraded: [...(overload?.degraded() ?? []), ...degraded] };
  };

  const door = createApp({
    guard,
    log,
    limits,
    noSuchPath,
    observeAnswer: tally.answer,
    observeLimit: tally.exceeded,
  });
  const app = door.fastify;
  const admission: Admission = {
    callers,
    quotas: createQuotas({ ...defaultQuotaLimits, ...options.quotas }, now, overload),
    addressOf,
    connections: watchConnections(app.server, {
      most: limits.addressConnections,
      addressOf: addressOfConnection,
      observeSilence: () => tally.exceeded('MAX_ADDRESS_CONNECTIONS'),
    }),
  };
  registerHealth(app, readiness);
  if (hasMetrics) registerMetrics(app, registry);
  tally.read({
    isReady: () => readiness().status === 'ok',
    connections: () => door.connections(),
    sockets: () => webSocket?.open ?? 0,
    streams: () => sse?.open ?? 0,
  });
  const visitorsPath = options.registerPlayground === undefined ? null : playgroundPath;
  app.decorateRequest('caller');
  app.decorateRequest('mark');
  const begin = (
    transport: 'http' | 'sse',
    request: Pick<FastifyRequest, 'id' | 'headers'>,
    said: Carriers['said'] = [],
  ): Mark => beginOperation(tracer, { requestId: request.id, transport, headers: request.headers, said });
  app.decorateRequest('account');
  const contextOver =
    (transport: 'http' | 'sse') =>
    (request: FastifyRequest, signal: AbortSignal, mark: Mark, isSubscription = false) => {
      const { headers, ip: remoteAddress, caller, account } = request;
      const hold = (): Release | GatewayError => holdRoom(admission.quotas, account);
      const said = { headers, remoteAddress, connectionParams: undefined };
      return createContext({ transport, isSubscription, signal, caller, mark, hold, ...said });
    };
  app.register(async (instance) => {
    await registerHttp(instance, {
      admission,
      pipeline,
      tally,
      path: graphqlPath,
      streamPath,
      visitorsPath,
      log,
      isTraced: tracer !== null,
      begin: (request) => begin('http', request),
      createContext: contextOver('http'),
    });
    sse = registerSse(instance, {
      admission,
      pipeline,
      tally,
      path: streamPath,
      visitorsPath,
      limits,
      begin: (request) => begin('sse', request),
      createContext: contextOver('sse'),
    });
    if (options.registerPlayground !== undefined) await addPlayground(instance, options.registerPlayground);
  });

  return {
    app,
    registry,

    async start(host, port) {
      options.trusted?.watch(() => pipeline.documents.forget());
      webSocket = openWebSocket(app.server, {
        admission,
        pipeline,
        tally,
        path: graphqlPath,
        guard,
        log,
        limits,
        begin: (requestId, said, { headers }) =>
          beginOperation(tracer, { requestId, transport: 'websocket', said, headers }),
        createContext: (info) => createContext({ transport: 'websocket', ...info }),
      });
      return door.start(host, port);
    },

    async stop() {
      isStopping = true;
      options.trusted?.stop();
      overload?.stop();
      await Promise.all([webSocket?.stop(), sse?.stop(), door.stop()]);
    },
  };
}

const noSuchPath: Refusal = {
  status: 404,
  code: 'NOT_FOUND',
  message: 'No such path. GraphQL is at /graphql, subscriptions also at /graphql/stream.',
};

/** Who is sent away late needs some time to go. */
function withinGrace(limits: DoorLimits): DoorLimits {
  return { ...limits, stopSpreadMs: Math.min(limits.stopSpreadMs, limits.stopGraceMs / 2) };
}

async function addPlayground(
  app: FastifyInstance,
  registerPlayground: (app: FastifyInstance) => void | Promise<void>,
): Promise<void> {
  await registerPlayground(app);
  if (!app.hasRoute({ method: 'GET', url: '/' })) {
    app.get('/', async (_request, reply) => reply.redirect(playgroundPath, 302));
  }
}
