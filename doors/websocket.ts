/**
 * `WS /graphql`: subscriptions, queries and mutations over `graphql-transport-ws`.
 *
 * The protocol is graphql-ws' `makeServer`; this file is its socket: the handshake, keep-alive, and one guarantee, that
 * whatever an operation opened is closed when it is completed, replaced, or its socket goes away.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { OperationTypeNode } from 'graphql';
import type { GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer, MessageType, parseMessage } from 'graphql-ws';
import type { Message } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Guard } from './guard.ts';
import { toGraphQLError } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';
import type { Refusal } from './refusal.ts';
import { refuseUpgrade } from './reply.ts';

export interface WebSocketDoorOptions {
  readonly pipeline: Pipeline;
  readonly path: string;
  readonly guard: Guard;
  readonly log: Logger;
  readonly limits: {
    readonly messageBytes: number;
    readonly connectionInitWaitMs: number;
    readonly keepAliveMs: number;
    readonly stopGraceMs: number;
  };
  createContext(info: SocketOperation): unknown;
}

export interface SocketOperation {
  readonly request: IncomingMessage;
  readonly connectionParams: Readonly<Record<string, unknown>> | undefined;
  readonly signal: AbortSignal;
  readonly isSubscription: boolean;
}

export interface WebSocketDoor {
  /** Closes every socket with 1012, which clients take for "come again"; 1001, 1011 and 4500 some take for final. */
  stop(): Promise<void>;
}

interface Operation {
  readonly controller: AbortController;
  /** Settles when nothing of the operation is left. */
  readonly ended: Promise<void>;
}

interface Connection {
  readonly request: IncomingMessage;
  readonly operations: ReadonlyMap<string, Operation>;
}

export function openWebSocket(server: Server, options: WebSocketDoorOptions): WebSocketDoor {
  const { pipeline, path, guard, log, limits } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.messageBytes, handleProtocols });
  const answering = new Set<WebSocket>();
  let isStopping = false;

  const protocol = makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: limits.connectionInitWaitMs,
    async onSubscribe({ extra, connectionParams }, id, payload) {
      const signal = extra.operations.get(id)?.controller.signal ?? AbortSignal.abort();
      try {
        const prepared = await pipeline.prepare(payload, (operation) => {
          const isSubscription = operation === OperationTypeNode.SUBSCRIPTION;
          return options.createContext({ request: extra.request, connectionParams, signal, isSubscription });
        });
        return prepared.kind === 'ready' ? prepared.args : prepared.errors;
      } catch (error) {
        return [toGraphQLError(error)];
      }
    },
    execute: pipeline.execute,
    subscribe: pipeline.subscribe,
    onNext: (_context, _id, _payload, _args, result) => pipeline.formatResult(result),
    onError: (_context, _id, _payload, errors: readonly GraphQLError[]) => errors.map(pipeline.formatError),
  });

  server.on('upgrade', upgrade);
  sockets.on('connection', connect);
  sockets.on('wsClientError', (_error, socket) => refuseUpgrade(socket, badHandshake));
  const keepAlive = setInterval(() => {
    for (const socket of sockets.clients) {
      if (!answering.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }, limits.keepAliveMs).unref();

  return {
    async stop() {
      isStopping = true;
      const gone = [...sockets.clients].map(
        (socket) => new Promise((resolve) => socket.once('close', resolve)),
      );
      for (const socket of sockets.clients) socket.close(1012, 'Service restart');
      const deadline = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, limits.stopGraceMs);
      await Promise.all(gone);
      clearTimeout(deadline);
      clearInterval(keepAlive);
      sockets.close();
    },
  };

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const refusal = guard.check(request) ?? checkHandshake(request, path, isStopping);
    if (refusal !== null) return refuseUpgrade(socket, refusal);
    sockets.handleUpgrade(request, socket, head, (accepted) => sockets.emit('connection', accepted, request));
  }

  function connect(socket: WebSocket, request: IncomingMessage): void {
    const operations = new Map<string, Operation>();
    answering.add(socket);
    socket.on('pong', () => answering.add(socket));
    // ws closes the socket itself, with the code that the protocol has for it (1002, 1007, 1009).
    socket.on('error', (error) =>
      log.debug({ reason: error.message }, 'A WebSocket was closed for a broken frame'),
    );

    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        // Settles when the message is on its way, so that a slow client's results are asked for no faster than it reads.
        send: (text) => new Promise((resolve) => socket.send(text, () => resolve())),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) => {
          socket.on('message', (data, isBinary) => {
            if (isBinary) return socket.close(CloseCode.BadRequest, 'Messages are text, not binary');
            // One Buffer: `binaryType` is ws' default.
            receive((data as Buffer).toString(), handle);
          });
        },
      },
      { request, operations },
    );
    socket.once('close', (code, reason) => {
      answering.delete(socket);
      for (const { controller } of operations.values()) controller.abort();
      closed(code, String(reason)).catch((error: unknown) =>
        log.error({ err: error }, 'Closing a WebSocket failed'),
      );
    });

    function receive(text: string, handle: (text: string) => Promise<void>): void {
      if (socket.readyState !== socket.OPEN) return;
      const message = read(text);
      if (message === null) return socket.close(CloseCode.BadRequest, 'Invalid message received');
      const operation = 'id' in message ? operations.get(message.id) : undefined;

      // An id may be used again once its operation is completed. graphql-ws would mix the two up while the first one is still
      // starting or ending, and keep what it opened: what comes for this id waits until it has ended.
      if (operation?.controller.signal.aborted === true) {
        return void operation.ended.then(() => receive(text, handle));
      }
      if (message.type === MessageType.Complete) operation?.controller.abort();
      if (message.type !== MessageType.Subscribe || operation !== undefined) return void run(handle, text);

      const started = Promise.withResolvers<void>();
      operations.set(message.id, { controller: new AbortController(), ended: started.promise });
      void run(handle, text).then(() => {
        operations.delete(message.id);
        started.resolve();
      });
    }

    async function run(handle: (text: string) => Promise<void>, text: string): Promise<void> {
      try {
        await handle(text);
      } catch (error) {
        log.error({ err: error }, 'A WebSocket message failed unexpectedly');
        socket.close(CloseCode.InternalServerError, 'Internal server error');
      }
    }
  }
}

const badHandshake: Refusal = {
  status: 400,
  code: 'BAD_REQUEST',
  message: 'This is not a WebSocket handshake.',
};

function checkHandshake(request: IncomingMessage, path: string, isStopping: boolean): Refusal | null {
  if (request.url?.split('?', 1)[0] !== path) {
    return { status: 404, code: 'NOT_FOUND', message: `WebSockets are answered at ${path} only.` };
  }
  return isStopping
    ? { status: 503, code: 'BAD_REQUEST', message: 'The gateway is stopping. Try again.' }
    : null;
}

/** Null for what is not the protocol's, or is the server's to say. */
function read(text: string): Message | null {
  try {
    const message = parseMessage(text);
    return fromClients.has(message.type) ? message : null;
  } catch {
    return null;
  }
}

const fromClients: ReadonlySet<MessageType> = new Set([
  MessageType.ConnectionInit,
  MessageType.Ping,
  MessageType.Pong,
  MessageType.Subscribe,
  MessageType.Complete,
]);
