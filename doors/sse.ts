/**
 * `/graphql/stream`: GraphQL over server-sent events, the `graphql-sse` protocol with distinct connections, for clients behind
 * proxies that break WebSockets. One request is one operation; its results are `next` events, then `complete`.
 *
 * Written here and not taken from graphql-sse, whose handler reads results faster than a slow client takes them and keeps
 * the difference in memory: here the next result is asked for when the last one is on its way.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OperationTypeNode } from 'graphql';
import type { ExecutionResult } from 'graphql';
import { GatewayError } from '../errors.ts';
import { createBeats } from './beats.ts';
import type { Beats } from './beats.ts';
import type { Mark } from '../datasources/types.ts';
import { counted } from './counted.ts';
import { drain } from './drain.ts';
import { Courier } from './fanout/courier.ts';
import { checkPreflighted } from './guard.ts';
import { isLive, toGraphQLError } from './pipeline.ts';
import type { OperationRequest, Pipeline, Prepared } from './pipeline.ts';
import type { Release, Share } from './quotas.ts';
import { refusalFor } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { admit, answerVisitor, refuse, signalOf, whenOver } from './reply.ts';
import type { Admission } from './reply.ts';
import { startNow } from './tally.ts';
import type { DoorsTally, SubscriptionEnd, SubscriptionTally } from './tally.ts';
import { nameDocument } from './trusted.ts';
import type { TrustedDocuments } from './trusted.ts';
import { connectionOf, readUnacknowledged } from './unacknowledged.ts';

export interface SseDoorOptions {
  readonly admission: Admission;
  readonly pipeline: Pipeline;
  readonly tally: DoorsTally;
  readonly path: string;
  /** Where a browser that opens the path is sent; null: there is no page to show. */
  readonly visitorsPath: string | null;
  begin(request: FastifyRequest): Mark;
  createContext(request: FastifyRequest, signal: AbortSignal, mark: Mark, isSubscription: boolean): unknown;
  readonly limits: {
    readonly bodyBytes: number;
    readonly keepAliveMs: number;
    readonly stopSpreadMs: number;
  };
}

export interface SseDoor {
  /** Ends every stream without `complete`: clients take that for a lost connection and come again, elsewhere or later. */
  stop(): Promise<void>;
  /** Event streams open. */
  readonly open: number;
}

export function registerSse(app: FastifyInstance, options: SseDoorOptions): SseDoor {
  const { admission, path, limits, tally } = options;
  const pipeline = counted(options.pipeline, 'sse', tally);
  const { callers, quotas, addressOf } = admission;
  const open = new Set<ServerResponse>();
  const beats = createBeats<Stream>(limits.keepAliveMs, (streams) => void keepAlive(streams));
  let isStopping = false;

  app.route({
    method: ['GET', 'POST'],
    url: path,
    exposeHeadRoute: false,
    onRequest: (request, reply, done) => {
      if (answerVisitor(request, reply, options.visitorsPath)) return;
      const refusal =
        checkPreflighted(request.raw) ??
        checkAccept(request.headers.accept) ??
        (isStopping ? stopping : null);
      if (refusal !== null) return void refuse(reply, refusal);
      // Counted as long as it is open, whatever comes over it.
      if (!hold(reply, quotas.openSocket(addressOf(request.raw)))) return;
      admit(admission, request, reply, (error) => {
        if (error !== undefined || hold(reply, quotas.openCallerSocket(request.account))) done(error);
      });
    },
    handler: async (request, reply) => {
      const operation =
        request.method === 'GET'
          ? readSearch(request.query, pipeline.trusted)
          : readOperation(request.body, pipeline.trusted);
      if ('status' in operation) return refuse(reply, operation);

      const signal = signalOf(reply);
      const mark = options.begin(request);
      request.mark = mark;
      const share = quotas.begin(request.account, bytesOf(request, limits.bodyBytes));
      whenOver(reply, () => share.release());
      const prepared = await prepare(request, operation, signal, mark, share);
      if (
        request.method === 'GET' &&
        prepared.kind === 'ready' &&
        prepared.operation === OperationTypeNode.MUTATION
      ) {
        mark.span?.end();
        return refuse(reply, mutationOverGet);
      }
      const results =
        prepared.kind === 'refused'
          ? { errors: prepared.errors }
          : prepared.operation === OperationTypeNode.SUBSCRIPTION
            ? await pipeline.subscribe(prepared.args)
            : await pipeline.execute(prepared.args);

      const visit: Visit = { leftBy: null };
      reply.hijack();
      // A caller that left while its operation began has closed already: nothing would take it out again.
      if (!signal.aborted) {
        open.add(reply.raw);
        // Without `complete`, as on a stop: the client comes again, with a new token if it has one.
        const stay = callers.whenOver(request.caller, () => {
          visit.leftBy = 'token_expired';
          reply.raw.destroy();
        });
        reply.raw.once('close', () => {
          open.delete(reply.raw);
          stay();
        });
      }
      // One that began before the stop and was not open yet.
      if (isStopping) reply.raw.destroy();
      // A subscription lives for hours: what is traced is how it began.
      if (isStream(results)) mark.span?.end();
      await stream(reply, results, signal, {
        beats,
        pipeline,
        visit,
        mark,
        tally: tally.subscriptions.sse,
        leftBy: () => visit.leftBy ?? (isStopping ? 'shutdown' : leftByClient(request.socket)),
      });
      mark.span?.end();
    },
  });

  return {
    async stop() {
      isStopping = true;
      await drain(open, limits.stopSpreadMs, (response) => response.destroy());
      beats.stop();
    },
    get open() {
      return open.size;
    },
  };

  async function prepare(
    request: FastifyRequest,
    operation: OperationRequest,
    signal: AbortSignal,
    mark: Mark,
    share: Share,
  ): Promise<Prepared> {
    try {
      const prepared = await pipeline.prepare(operation, mark, (kind) => {
        return options.createContext(request, signal, mark, kind === OperationTypeNode.SUBSCRIPTION);
      });
      if (prepared.kind === 'refused') return prepared;
      const isSubscription = prepared.operation === OperationTypeNode.SUBSCRIPTION;
      const refusal = share.take(prepared.args.document, isSubscription);
      if (refusal === null) return prepared;
      tally.operation('sse', 'unknown', refusal.code, startNow());
      return { kind: 'refused', errors: [toGraphQLError(refusal)] };
    } catch (error) {
      return { kind: 'refused' as const, errors: [toGraphQLError(error)] };
    }
  }
}

/** Why one ended, where that is the gateway's doing. */
interface Visit {
  leftBy: SubscriptionEnd | null;
}

/** Clients that have enough close their connection, and so does the system of one that dies; what breaks is reset or times out. */
function leftByClient({ errored }: Socket): SubscriptionEnd {
  return errored === null ? 'disconnected' : 'lost';
}

/** @returns whether there was room for one more; if not, that was answered */
function hold(reply: FastifyReply, room: Release | GatewayError): boolean {
  if (room instanceof GatewayError) refuse(reply, refusalFor(room));
  else whenOver(reply, room);
  return !(room instanceof GatewayError);
}

/** What of a request is kept as long as it is answered. Who does not say how long it is counts for the most. */
function bytesOf({ method, url, headers }: FastifyRequest, most: number): number {
  return method === 'GET' ? url.length : Number(headers['content-length'] ?? most);
}

interface Stream {
  readonly visit: Visit;
  readonly socket: Socket;
  /** As the kernel's table names it. */
  readonly connection: string | null;
  /** Bytes that had reached the client at the last beat. */
  arrived: number;
  isFree(): boolean;
  /** Says nothing, and has to be acknowledged all the same. */
  comment(): void;
}

/** Who has acknowledged nothing since the last beat, of which there was something to acknowledge, reads nothing or is not there any more. */
async function keepAlive(streams: ReadonlySet<Stream>): Promise<void> {
  const unacknowledged = await readUnacknowledged();
  for (const each of streams) {
    const { socket, connection } = each;
    const isOnItsWay = socket.writableLength + (unacknowledged.get(connection ?? '') ?? 0);
    const arrived = socket.bytesWritten - isOnItsWay;
    if (isOnItsWay > 0 && arrived === each.arrived) {
      each.visit.leftBy = 'lost';
      socket.destroy();
    }
    each.arrived = arrived;
    if (each.isFree()) each.comment();
  }
}

interface StreamOptions {
  readonly beats: Beats<Stream>;
  readonly pipeline: Pipeline;
  readonly visit: Visit;
  readonly mark: Mark;
  readonly tally: SubscriptionTally;
  leftBy(): SubscriptionEnd;
}

/** Never rejects: nobody is left to tell. */
async function stream(
  reply: FastifyReply,
  subscribed: Awaited<ReturnType<Pipeline['subscribe']>>,
  signal: AbortSignal,
  { beats, pipeline, visit, mark, tally, leftBy }: StreamOptions,
): Promise<void> {
  const response = reply.raw;
  let isComplete = true;
  const results: AsyncIterator<ExecutionResult> = isLive(subscribed)
    ? new Courier(
        subscribed,
        { isFree, wait, send: ({ text }) => send(text), overflow: () => (isComplete = false), leftBy },
        tally,
      )
    : toIterator(subscribed);
  // Also while nothing happens: a subscription that waits for its next event is told here that nobody waits any more.
  const release = (): void =>
    void Promise.resolve(results.return?.()).catch((error) => pipeline.formatError(error, mark));
  if (signal.aborted) return release();
  signal.addEventListener('abort', release, { once: true });

  response.writeHead(200, { ...flatten(reply), ...eventStreamHeaders });
  // Some browsers do not report an open stream before its first byte.
  response.write(comment);
  const { socket } = reply.request;
  const guest: Stream = {
    visit,
    socket,
    connection: connectionOf(socket),
    arrived: -1,
    isFree,
    comment: () => void response.write(comment),
  };
  beats.add(guest);
  // Also when all is written, and the client does not take it.
  response.once('close', () => beats.delete(guest));
  try {
    for (;;) {
      const result = await results.next();
      if (result.done === true || signal.aborted) break;
      send(JSON.stringify(pipeline.formatResult(result.value, mark)));
      if (!isFree()) await once(response, 'drain', { signal }).catch(() => undefined);
    }
  } catch (error) {
    send(JSON.stringify({ errors: [pipeline.formatError(error, mark)] }));
  } finally {
    signal.removeEventListener('abort', release);
  }
  if (!signal.aborted) response.end(isComplete ? 'event: complete\ndata:\n\n' : '');

  function isFree(): boolean {
    return !response.writableNeedDrain && !response.writableEnded && !signal.aborted;
  }

  function wait(courier: Courier): void {
    response.once('drain', () => courier.resume());
  }

  function send(payload: string): void {
    if (!signal.aborted) response.write(`event: next\ndata: ${payload}\n\n`);
  }
}

const comment = ':\n\n';

const eventStreamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Asks nginx and its like to pass each event on as it comes.
  'x-accel-buffering': 'no',
};

/** The headers that hooks have set, which a hijacked reply does not send by itself. */
function flatten(reply: FastifyReply): Record<string, string> {
  const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
  return Object.fromEntries(headers.map(([name, value]) => [name, String(value)]));
}

function isStream(subscribed: Awaited<ReturnType<Pipeline['subscribe']>>): boolean {
  return isLive(subscribed) || Symbol.asyncIterator in subscribed;
}

function toIterator(
  results: AsyncIterableIterator<ExecutionResult> | ExecutionResult,
): AsyncIterator<ExecutionResult> {
  if (Symbol.asyncIterator in results) return results[Symbol.asyncIterator]();
  let isGiven = false;
  return {
    async next() {
      if (isGiven) return { done: true, value: undefined };
      isGiven = true;
      return { done: false, value: results };
    },
  };
}

const stopping: Refusal = {
  status: 503,
  code: 'BAD_REQUEST',
  message: 'The gateway is stopping. Try again.',
};

const mutationOverGet: Refusal = {
  status: 405,
  code: 'BAD_REQUEST',
  message: 'A mutation changes something, so it cannot be a GET. Use POST.',
  headers: { allow: 'POST' },
};

function checkAccept(accept = '*/*'): Refusal | null {
  const types = accept.split(',').map((type) => type.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  if (types.some((type) => ['text/event-stream', 'text/*', '*/*'].includes(type))) return null;
  return { status: 406, code: 'BAD_REQUEST', message: 'This path answers with text/event-stream only.' };
}

function readSearch(search: unknown, trusted: TrustedDocuments | null): OperationRequest | Refusal {
  const { variables, extensions, ...given } = search as Readonly<Record<string, unknown>>;
  try {
    const read = { variables: readParameter(variables), extensions: readParameter(extensions) };
    return readOperation({ ...given, ...read }, trusted);
  } catch {
    return badRequest('`variables` and `extensions` must be JSON, once each.');
  }
}

/** @throws for what is no JSON, or is there twice */
function readParameter(text: unknown): unknown {
  return text === undefined || text === '' ? undefined : JSON.parse(typeof text === 'string' ? text : '');
}

function readOperation(given: unknown, trusted: TrustedDocuments | null): OperationRequest | Refusal {
  const body = nameDocument(trusted, given);
  if (!isObject(body))
    return badRequest('Send one JSON object with `query`, and `variables` and `operationName` if needed.');
  const { query, operationName, variables, extensions } = body;
  if (typeof query !== 'string' || query === '')
    return badRequest('`query` must be a string with a GraphQL document.');
  if (operationName != null && typeof operationName !== 'string')
    return badRequest('`operationName` must be a string.');
  if (variables != null && !isObject(variables)) return badRequest('`variables` must be an object.');
  if (extensions != null && !isObject(extensions)) return badRequest('`extensions` must be an object.');
  return { query, operationName, variables };
}

function badRequest(message: string): Refusal {
  return { status: 400, code: 'BAD_REQUEST', message };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
