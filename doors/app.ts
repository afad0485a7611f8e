/** What every listener of ours is: Fastify behind the guard, with refusals in one shape and nothing that it would say by itself. */
import { fastify, LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Limit } from '../errors.ts';
import { isPreflight } from './guard.ts';
import type { Guard } from './guard.ts';
import { readJsonBodies } from './json-bodies.ts';
import { securityHeaders } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import {
  answerBadPath,
  answerClientError,
  answerErrors,
  answerExpectation,
  answerStrays,
  refuse,
} from './reply.ts';
import { requestIdHeader, requestIdOf } from './request-id.ts';
import { traceOf } from './tracing.ts';

export interface AppOptions {
  readonly guard: Guard;
  readonly log: Logger;
  readonly limits: {
    readonly bodyBytes: number;
    /** For a request to arrive whole. */
    readonly requestMs: number;
    readonly keepAliveMs: number;
    /** From `stop()` to cutting what is still open. */
    readonly stopGraceMs: number;
  };
  /** What is said of paths that it does not have. */
  readonly noSuchPath: Refusal;
  readonly observeAnswer?: (status: number) => void;
  /** Called with the limit for which somebody is refused. */
  readonly observeLimit?: (limit: Limit) => void;
}

export interface App {
  readonly fastify: FastifyInstance;
  /** TCP connections that are open. */
  connections(): number;
  /** Port 0 picks one. */
  start(host: string, port: number): Promise<{ readonly url: string; readonly port: number }>;
  /** Lets requests end, and cuts what is left after `stopGraceMs`. */
  stop(): Promise<void>;
}

export function createApp({
  guard,
  log,
  limits,
  noSuchPath,
  observeAnswer,
  observeLimit = () => undefined,
}: AppOptions): App {
  // By its plainer type, or the app's type would carry pino's.
  const loggerInstance: FastifyBaseLogger = log;
  const app: FastifyInstance = fastify({
    loggerInstance,
    // One line for each request, without what a GET carries in its query string: below.
    logController: new LogController({ disableRequestLogging: true }),
    // Nothing is logged by a request's own logger, so none is made for it.
    childLoggerFactory: (logger) => logger,
    genReqId: (request) => requestIdOf(request.headers),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: answerBadPath,
    http: {
      // The guard says so, in our words.
      requireHostHeader: false,
      // `Upgrade: h2c` and the like are answered as if they were not there (where Node can; before 24.9 they are a 400).
      shouldUpgradeCallback: (request) =>
        request.headers.upgrade?.toLowerCase() === 'websocket' && app.server.listenerCount('upgrade') > 0,
      // Finds who has vanished while it waits for an answer of minutes, some ten seconds later.
      keepAlive: true,
      keepAliveInitialDelay: limits.keepAliveMs,
      // How often it is looked for requests that did not arrive in time, and for connections that never said anything.
      connectionsCheckingInterval: Math.ceil(limits.requestMs / 6),
      // Node's own is a minute, and the longer of the two counts for the body.
      headersTimeout: limits.requestMs,
    },
  });
  // When it stops listening: a connection that seems idle may have a request on its way, which would be reset instead of answered.
  const closeIdle = app.server.closeIdleConnections.bind(app.server);
  app.server.closeIdleConnections = () => void setTimeout(closeIdle, onItsWayMs);
  let isStopping = false;
  const sockets = new Set<Socket>();
  // One listener for all, of which there are many.
  function forget(this: Socket): void {
    sockets.delete(this);
  }
  app.server.on('checkExpectation', answerExpectation);
  app.server.on('connection', (socket) => void sockets.add(socket.on('close', forget)));
  app.decorate('observeLimit', observeLimit);
  readJsonBodies(app);
  guardEveryPath(app, guard);
  answerStrays(app, noSuchPath);
  answerErrors(app);
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (isStopping) reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    done();
    observeAnswer?.(reply.statusCode);
    if (!log.isLevelEnabled('debug')) return;
    const path = request.url.split('?', 1)[0];
    log.debug(
      {
        requestId: request.id,
        ...traceOf(request.mark?.span),
        method: request.method,
        path,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'Answered',
    );
  });

  return {
    fastify: app,
    connections: () => sockets.size,
    async start(host, port) {
      await app.listen({ host, port });
      const address = app.server.address() as AddressInfo;
      return { url: `http://${nameOf(host)}:${address.port}`, port: address.port };
    },
    async stop() {
      isStopping = true;
      const deadline = setTimeout(() => app.server.closeAllConnections(), limits.stopGraceMs);
      // A browser connects ahead of its requests; Node counts a socket that never sent one as busy.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      await app.close();
      clearTimeout(deadline);
    },
  };
}

const onItsWayMs = 50;

function guardEveryPath(app: FastifyInstance, guard: Guard): void {
  // With callbacks: a promise for each hook and request is time that every request pays.
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(securityHeaders).header(requestIdHeader, request.id);
    const refusal = guard.check(request.raw);
    if (refusal !== null) return void refuse(reply, refusal);
    reply.headers(guard.corsHeaders(request.raw));
    if (isPreflight(request.raw)) return void reply.code(204).send();
    done();
  });
  // Last, as a route may have a `Vary` of its own.
  app.addHook('onSend', (_request, reply, payload, done) => {
    const vary = reply.getHeader('vary');
    if (vary === undefined) reply.header('vary', 'Origin');
    else if (!/\borigin\b/i.test(String(vary))) reply.header('vary', `${String(vary)}, Origin`);
    done(null, payload);
  });
}

/** A name that a browser on this machine can open. */
function nameOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
