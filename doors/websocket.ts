/**
 * `WS /graphql`: subscriptions, queries and mutations over `graphql-transport-ws`.
 *
 * The protocol is graphql-ws' `makeServer`; this file is its socket: the handshake, keep-alive, and one guarantee, that
 * whatever an operation opened is closed when it is completed, replaced, or its socket goes away. Events of subscriptions
 * that many share go past graphql-ws (`connection.ts`).
 */
import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { OperationTypeNode } from 'graphql';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import {
  CloseCode,
  handleProtocols,
  makeServer,
  MessageType,
  parseMessage,
  validateMessage,
} from 'graphql-ws';
import type { Message } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { GatewayError, LimitError } from '../errors.ts';
import type { Mark } from '../datasources/types.ts';
import { createBeats } from './beats.ts';
import type { Caller } from './callers.ts';
import { Connection } from './connection.ts';
import type { Operation } from './connection.ts';
import { createSocketClass, initTooLate, limitOf } from './close-reasons.ts';
import { counted } from './counted.ts';
import { drain } from './drain.ts';
import { codeOf } from './format-error.ts';
import type { Guard } from './guard.ts';
import { isLive, toGraphQLError } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';
import { accountOf, holdRoom } from './quotas.ts';
import type { Release } from './quotas.ts';
import { refusalFor } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { refuseUpgrade } from './reply.ts';
import type { Admission } from './reply.ts';
import { operationIdOn, requestIdHeader, requestIdOf } from './request-id.ts';
import { endByCode, startNow } from './tally.ts';
import type { DoorsTally } from './tally.ts';
import { nameDocument } from './trusted.ts';
import type { TrustedDocuments } from './trusted.ts';

export interface WebSocketDoorOptions {
  readonly admission: Admission;
  readonly pipeline: Pipeline;
  readonly tally: DoorsTally;
  readonly path: string;
  readonly guard: Guard;
  readonly log: Logger;
  readonly limits: {
    readonly messageBytes: number;
    readonly connectionInitWaitMs: number;
    readonly keepAliveMs: number;
    readonly stopGraceMs: number;
    readonly stopSpreadMs: number;
    readonly socketOperations: number;
    readonly unreadBytes: number;
  };
  /** @param said what the client said of the operation, then of its connection */
  begin(requestId: string, said: readonly unknown[], handshake: Handshake): Mark;
  createContext(info: SocketOperation): unknown;
}

/** What of a handshake is kept: the request itself would hold ten times as much. */
export interface Handshake {
  /** Of the connection; its operations have ids that begin with it. */
  readonly requestId: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly remoteAddress: string | undefined;
  /** That it counts for. */
  readonly address: string;
}

export interface SocketOperation extends Omit<Handshake, 'requestId' | 'address'> {
  readonly mark: Mark;
  readonly connectionParams: Readonly<Record<string, unknown>> | undefined;
  readonly signal: AbortSignal;
  readonly isSubscription: boolean;
  readonly caller: Caller;
  hold(): Release | GatewayError;
}

export interface WebSocketDoor {
  /** Closes every socket with 1012, which clients take for "come again"; 1001, 1011 and 4500 some take for final. */
  stop(): Promise<void>;
  /** WebSockets open. */
  readonly open: number;
}

/** graphql-ws hands them on as they are. */
interface SocketArgs extends ExecutionArgs {
  readonly connection: Connection;
  readonly id: string;
}

export function openWebSocket(server: Server, options: WebSocketDoorOptions): WebSocketDoor {
  const { admission, path, guard, log, limits, tally } = options;
  const pipeline = counted(options.pipeline, 'websocket', tally);
  const { callers, quotas, addressOf, connections } = admission;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    handleProtocols,
    WebSocket: createSocketClass(limits.messageBytes),
  });
  /** The number of the last ping of those who did not answer it yet: whoever does has read all that was sent before it. */
  const unanswered = new Map<WebSocket, number>();
  let lastPing = 0;
  let isStopping = false;

  const protocol = makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: limits.connectionInitWaitMs,
    async onConnect({ extra: connection, connectionParams = {} }) {
      const given = connectionParams['authorization'] ?? connectionParams['Authorization'];
      try {
        connection.caller = await callers.identify(given ?? connection.handshake.headers.authorization);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        // Clients come again on their own after 1013.
        if (error.code === 'UNAUTHENTICATED') connection.socket.close(CloseCode.Forbidden, error.message);
        else connection.socket.close(1013, 'Tokens cannot be checked now: try again');
        return false;
      }
      const { socket, caller } = connection;
      // Who has left while its token was checked has nothing that would ever be given back.
      if (socket.readyState !== socket.OPEN) return false;
      connection.account = accountOf(caller, connection.handshake.address);
      const room = quotas.openCallerSocket(connection.account);
      if (room instanceof LimitError) {
        turnAway(socket, room);
        return false;
      }
      const stay = callers.whenOver(caller, () =>
        socket.close(CloseCode.Forbidden, 'The token has expired: come again with a new one'),
      );
      socket.once('close', () => {
        stay();
        room();
      });
      return true;
    },
    async onSubscribe({ extra: connection, connectionParams }, id) {
      const operation = connection.operations.get(id);
      const payload = operation?.payload;
      if (operation === undefined || payload == null) return [toGraphQLError(new Error('it was not begun'))];
      operation.payload = null;
      const tooFast = quotas.takeTurn(connection.account);
      if (tooFast !== null) return [refused(toGraphQLError(tooFast))];
      if (connection.operations.size > limits.socketOperations) return [refused(tooManyOperations(limits))];
      const signal = operation.controller?.signal ?? AbortSignal.abort();
      const { handshake } = connection;
      const said = [(payload as { readonly extensions?: unknown }).extensions, connectionParams];
      const mark = options.begin(operationIdOn(handshake.requestId, id), said, handshake);
      operation.mark = mark;
      try {
        const prepared = await pipeline.prepare(payload, mark, (kind) => {
          const isSubscription = kind === OperationTypeNode.SUBSCRIPTION;
          return options.createContext({
            headers: handshake.headers,
            remoteAddress: handshake.remoteAddress,
            mark,
            connectionParams,
            signal,
            isSubscription,
            caller: connection.caller,
            hold: () => holdRoom(quotas, connection.account),
          });
        });
        if (prepared.kind === 'refused') return prepared.errors;
        const isSubscription = prepared.operation === OperationTypeNode.SUBSCRIPTION;
        const refusal = operation.share.take(prepared.args.document, isSubscription);
        if (refusal !== null) return [refused(toGraphQLError(refusal))];
        return { ...prepared.args, connection, id } satisfies SocketArgs;
      } catch (error) {
        return [toGraphQLError(error)];
      }
    },
    execute: pipeline.execute,
    async subscribe(args) {
      const { connection, id } = args as SocketArgs;
      const subscribed = await pipeline.subscribe(args);
      // A subscription lives for hours: what is traced is how it began.
      if (Symbol.asyncIterator in subscribed || isLive(subscribed))
        connection.operations.get(id)?.mark?.span?.end();
      if (!isLive(subscribed)) return subscribed;
      // graphql-ws holds them for as long as the subscription lives, and needs nothing of them any more.
      args.contextValue = undefined;
      return connection.carry(id, subscribed, tally.subscriptions.websocket);
    },
    onNext: ({ extra: connection }, id, _payload, _args, result) =>
      pipeline.formatResult(result, connection.operations.get(id)?.mark ?? undefined),
    onError({ extra: connection }, id, _payload, errors: readonly GraphQLError[]) {
      const mark = connection.operations.get(id)?.mark ?? undefined;
      return errors.map((error) => pipeline.formatError(error, mark));
    },
  });

  server.on('upgrade', upgrade);
  sockets.on('connection', connect);
  sockets.on('headers', (headers, request) => {
    request.headers[requestIdHeader] = requestIdOf(request.headers);
    headers.push(`${requestIdHeader}: ${request.headers[requestIdHeader]}`);
  });
  sockets.on('wsClientError', (_error, socket) => refuseHandshake(socket, badHandshake));
  const beats = createBeats<WebSocket>(limits.keepAliveMs, (group) => {
    lastPing += 1;
    for (const socket of group) {
      if (unanswered.has(socket)) socket.terminate();
      else {
        unanswered.set(socket, lastPing);
        socket.ping(String(lastPing));
      }
    }
  });

  return {
    async stop() {
      isStopping = true;
      const gone = [...sockets.clients].map(
        (socket) => new Promise((resolve) => socket.once('close', resolve)),
      );
      const deadline = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, limits.stopGraceMs);
      await drain(sockets.clients, limits.stopSpreadMs, (socket) => socket.close(1012, 'Service restart'));
      await Promise.all(gone);
      clearTimeout(deadline);
      beats.stop();
      sockets.close();
    },
    get open() {
      return sockets.clients.size;
    },
  };

  function refused(error: GraphQLError): GraphQLError {
    tally.operation('websocket', 'unknown', codeOf(error), startNow());
    return error;
  }

  function refuseHandshake(raw: Duplex, refusal: Refusal): void {
    tally.answer(refusal.status);
    refuseUpgrade(raw, refusal);
  }

  function upgrade(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    raw.on('error', destroy);
    const refusal = guard.check(request) ?? checkHandshake(request, path, isStopping);
    if (refusal !== null) return refuseHandshake(raw, refusal);
    const excess = connections.refusalOf(request.socket);
    if (excess !== null) {
      tally.exceeded(excess.limit);
      return refuseHandshake(raw, refusalFor(excess));
    }
    sockets.handleUpgrade(request, raw, head, (socket) => sockets.emit('connection', socket, request, raw));
  }

  function connect(socket: WebSocket, request: IncomingMessage, raw: Duplex): void {
    // ws closes the socket itself, with the code that the protocol has for it (1002, 1007, 1009).
    const {
      headers,
      socket: { remoteAddress },
    } = request;
    const requestId = requestIdOf(headers);
    socket.on('error', tellBrokenFrame.bind(null, requestId));
    const address = addressOf(request);
    const room = quotas.openSocket(address);
    if (room instanceof LimitError) return turnAway(socket, room);
    socket.once('close', room);
    const handshake = { requestId, headers, remoteAddress, address };
    const connection = new Connection(socket, raw, handshake, limits.unreadBytes);
    beats.add(socket);
    socket.on('pong', answered);

    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        // Settles when the message is on its way, so that a slow client's results are asked for no faster than it reads.
        send: (text) => connection.send(text),
        close(code, reason) {
          if (code !== initTimeout) return socket.close(code, reason);
          tally.exceeded('CONNECTION_INIT_TIMEOUT_MS');
          socket.close(code, initTooLate(limits.connectionInitWaitMs));
        },
        onMessage: (handle) => {
          socket.on('message', (data, isBinary) => {
            if (isBinary) return socket.close(CloseCode.BadRequest, 'Messages are text, not binary');
            // One Buffer: `binaryType` is ws' default.
            receive(connection, (data as Buffer).toString(), handle);
          });
        },
      },
      connection,
    );
    socket.once('close', (code, reason) => {
      beats.delete(socket);
      unanswered.delete(socket);
      connection.closedBy = isStopping ? 'shutdown' : endByCode(code);
      for (const { controller } of connection.operations.values()) controller?.abort();
      closed(code, String(reason)).catch((error: unknown) =>
        log.error({ err: error, requestId: handshake.requestId }, 'Closing a WebSocket failed'),
      );
    });
  }

  /** Clients come again on their own after 1013, some time later; 4429 they take for final (docs/decisions/limits.md). */
  function turnAway(socket: WebSocket, { limit, message }: LimitError): void {
    tally.exceeded(limit);
    socket.close(1013, `LIMIT_EXCEEDED: ${message}`);
    setTimeout(() => socket.terminate(), turnedAwayMs).unref();
  }

  function answered(this: WebSocket, data: Buffer): void {
    if (String(data) === String(unanswered.get(this))) unanswered.delete(this);
  }

  function tellBrokenFrame(requestId: string, error: Error & { readonly code?: string }): void {
    const limit = limitOf(error);
    if (limit !== undefined) tally.exceeded(limit);
    log.debug({ requestId, reason: error.message }, 'A WebSocket was closed for a broken frame');
  }

  function receive(connection: Connection, text: string, handle: Handle): void {
    const { socket, operations } = connection;
    if (socket.readyState !== socket.OPEN) return;
    const message = read(text, pipeline.trusted);
    if (message === null) return socket.close(CloseCode.BadRequest, invalid);
    const operation = 'id' in message ? operations.get(message.id) : undefined;

    // An id may be used again once its operation is completed. graphql-ws would mix the two up while the first one is still
    // starting or ending, and keep what it opened: what comes for this id waits until it has ended.
    if (operation?.isLeft === true) return connection.hold(operation, text);
    if (message.type === MessageType.Complete && operation !== undefined) {
      operation.isLeft = true;
      operation.controller?.abort();
    }
    if (message.type !== MessageType.Subscribe || operation !== undefined) {
      return void run(connection, handle, text);
    }
    const begun: Operation = {
      payload: message.payload,
      controller: new AbortController(),
      isLeft: false,
      held: null,
      mark: null,
      share: quotas.begin(connection.account, text.length),
    };
    operations.set(message.id, begun);
    // graphql-ws keeps the message for as long as the operation lives: its document stays here, and only until it is prepared.
    const short = { id: message.id, type: MessageType.Subscribe, payload: { query: '' } };
    void run(connection, handle, JSON.stringify(short)).then(() => {
      begun.mark?.span?.end();
      for (const held of connection.end(message.id, begun)) receive(connection, held, handle);
    });
  }

  async function run({ socket, handshake }: Connection, handle: Handle, text: string): Promise<void> {
    try {
      await handle(text);
    } catch (error) {
      // A ping's payload goes back with its pong, and may nest deeper than can be written.
      if (error instanceof RangeError) return socket.close(CloseCode.BadRequest, invalid);
      log.error({ err: error, requestId: handshake.requestId }, 'A WebSocket message failed unexpectedly');
      socket.close(CloseCode.InternalServerError, 'Internal server error');
    }
  }
}

const initTimeout: number = CloseCode.ConnectionInitialisationTimeout;
const invalid = 'Invalid message received';

type Handle = (text: string) => Promise<void>;

function destroy(this: Duplex): void {
  this.destroy();
}

/** For it to read why, and to close its side. */
const turnedAwayMs = 1_000;

function tooManyOperations({ socketOperations }: WebSocketDoorOptions['limits']): GraphQLError {
  const message = `This WebSocket has ${socketOperations} operations open, the most that one may have (MAX_SOCKET_OPERATIONS): complete some, or open another.`;
  return toGraphQLError(new LimitError('MAX_SOCKET_OPERATIONS', message));
}

const badHandshake: Refusal = {
  status: 400,
  code: 'BAD_REQUEST',
  message: 'This is not a WebSocket handshake.',
};

const otherVersion: Refusal = {
  status: 426,
  code: 'BAD_REQUEST',
  message: 'WebSockets are opened by HTTP/1.1 with `Sec-WebSocket-Version: 13`.',
  headers: { upgrade: 'websocket', 'sec-websocket-version': '13' },
};

function checkHandshake(request: IncomingMessage, path: string, isStopping: boolean): Refusal | null {
  if (request.url?.split('?', 1)[0] !== path) {
    return { status: 404, code: 'NOT_FOUND', message: `WebSockets are answered at ${path} only.` };
  }
  // ws takes whatever JavaScript makes 13 of, and 8, over HTTP/1.0 as well.
  if (request.httpVersion !== '1.1' || request.headers['sec-websocket-version'] !== '13') return otherVersion;
  return isStopping
    ? { status: 503, code: 'BAD_REQUEST', message: 'The gateway is stopping. Try again.' }
    : null;
}

/** Null for what is not the protocol's, or is the server's to say. */
function read(text: string, trusted: TrustedDocuments | null): Message | null {
  try {
    const message = trusted === null ? parseMessage(text) : validateMessage(named(JSON.parse(text), trusted));
    return fromClients.has(message.type) ? message : null;
  } catch {
    return null;
  }
}

/** A document that is named by its id needs no text; the protocol wants one. */
function named(message: unknown, trusted: TrustedDocuments): unknown {
  if (typeof message !== 'object' || message === null || !('payload' in message)) return message;
  return 'type' in message && message.type === MessageType.Subscribe
    ? { ...message, payload: nameDocument(trusted, message.payload) }
    : message;
}

const fromClients: ReadonlySet<MessageType> = new Set([
  MessageType.ConnectionInit,
  MessageType.Ping,
  MessageType.Pong,
  MessageType.Subscribe,
  MessageType.Complete,
]);
