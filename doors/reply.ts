/** What every Fastify route of ours does alike: refuse in one shape, answer unknown paths and broken requests, know when the caller is gone. */
import { maxHeaderSize } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { Limit } from '../errors.ts';
import type { Mark } from '../datasources/types.ts';
import type { Origin } from './addresses.ts';
import type { Caller, Callers } from './callers.ts';
import type { Connections } from './connections.ts';
import { accountOf } from './quotas.ts';
import type { Quotas } from './quotas.ts';
import { jsonContentType, refusalFor, renderRawAnswer, renderRefusal, securityHeaders } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { requestIdHeader } from './request-id.ts';

export function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.limit !== undefined) reply.server.observeLimit(refusal.limit);
  return reply
    .code(refusal.status)
    .headers({ ...refusal.headers })
    .type(jsonContentType)
    .send(renderRefusal(refusal));
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Called with the limit for which somebody is refused. */
    observeLimit(limit: Limit): void;
  }
  interface FastifyRequest {
    /** Known before anything of the body is read. */
    caller: Caller;
    /** Of the operation that it is; undefined for other requests, and until its handler begins. */
    mark: Mark | undefined;
    /** Whose limits its operation counts for. */
    account: string;
  }
}

export interface Admission {
  readonly callers: Callers;
  readonly quotas: Quotas;
  readonly addressOf: (request: Origin) => string;
  readonly connections: Connections;
}

/** Goes on with whoever may come in and has not asked too much, and refuses everybody else before their body is read. */
export function admit(
  { callers, quotas, addressOf, connections }: Admission,
  request: FastifyRequest,
  reply: FastifyReply,
  goOn: (error?: Error) => void,
): void {
  const excess = connections.refusalOf(request.raw.socket);
  if (excess !== null) return void refuse(reply.header('connection', 'close'), refusalFor(excess));
  const enter = (caller: Caller): void => {
    request.caller = caller;
    request.account = accountOf(caller, addressOf(request.raw));
    const refusal = quotas.takeTurn(request.account);
    if (refusal === null) goOn();
    else refuse(reply, refusalFor(refusal));
  };
  const turnAway = (error: unknown): void => {
    if (error instanceof GatewayError) refuse(reply, refusalFor(error));
    else goOn(error as Error);
  };
  try {
    const caller = callers.identify(request.headers.authorization);
    if (caller instanceof Promise) caller.then(enter, turnAway);
    else enter(caller);
  } catch (error) {
    turnAway(error);
  }
}

/** Calls `task` once, when nothing more goes out over this reply. */
export function whenOver({ raw }: FastifyReply, task: () => void): void {
  if (raw.destroyed || raw.socket?.destroyed === true) task();
  else raw.once('close', task);
}

/** Aborted when the caller is gone before the whole answer was sent. */
export function signalOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const abortUnlessSent = (): void => {
    if (!reply.raw.writableFinished) controller.abort();
  };
  if (reply.raw.destroyed || reply.raw.socket?.destroyed === true) controller.abort();
  else reply.raw.once('close', abortUnlessSent);
  return controller.signal;
}

/**
 * Somebody who opens a GraphQL path in a browser is shown where there is something to see, instead of a word about CSRF.
 * Nothing is executed. @returns whether it was answered
 */
export function answerVisitor(
  request: FastifyRequest,
  reply: FastifyReply,
  visitorsPath: string | null,
): boolean {
  if (request.method !== 'GET' || Object.hasOwn(request.query as object, 'query')) return false;
  const { accept = '' } = request.headers;
  if (!/text\/html/i.test(accept) || /json|event-stream/i.test(accept)) return false;
  if (visitorsPath === null) refuse(reply, nothingToSee);
  else reply.redirect(visitorsPath, 303);
  return true;
}

const nothingToSee: Refusal = {
  status: 400,
  code: 'BAD_REQUEST',
  message:
    'This path answers GraphQL requests and has no page to show: POST {"query": "{ __typename }"} with content-type application/json.',
};

/** Answers what no route takes, before its body is read: unknown paths, and known ones asked by another method. */
export function answerStrays(app: FastifyInstance, noSuchPath: Refusal): void {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    methodsOf.set(url, new Set([...(methodsOf.get(url) ?? []), method].flat()));
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const path = request.url.split('?', 1)[0] ?? '';
    const known = [...methodsOf].find(([url]) =>
      url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : path === url,
    );
    if (known === undefined) return void refuse(reply, noSuchPath);
    const allow = [...known[1]].sort().join(', ');
    refuse(reply, { status: 405, code: 'BAD_REQUEST', message: `Use ${allow}.`, headers: { allow } });
  });
}

/** Replaces Fastify's own answers: theirs have another shape, and print what a parser choked on. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = explain(error, app.initialConfig.bodyLimit);
    if (refusal.status >= 500)
      request.log.error({ err: error, requestId: request.id }, 'A request failed unexpectedly');
    return refuse(reply, refusal);
  });
}

/** For Fastify's option `frameworkErrors`: paths that cannot be decoded, which reach no hook and no handler. */
export function answerBadPath(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void refuse(reply.headers({ ...securityHeaders, [requestIdHeader]: request.id }), {
    status: 400,
    code: 'BAD_REQUEST',
    message: 'The path cannot be decoded.',
  });
}

/** For Fastify's option `clientErrorHandler`: what is not HTTP, too large a head, or too slow. */
export function answerClientError(this: FastifyInstance, error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const refusal = clientErrors[error.code ?? ''] ?? notHttp;
  if (refusal.limit !== undefined) this.observeLimit(refusal.limit);
  socket.end(renderRawAnswer(refusal));
}

/** `Expect` with anything but `100-continue`, which Node would answer itself. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(417, { ...securityHeaders, 'content-type': jsonContentType, connection: 'close' });
  response.end(renderRefusal(noSuchExpectation));
}

const noSuchExpectation: Refusal = {
  status: 417,
  code: 'BAD_REQUEST',
  message: 'The only Expect that can be met is 100-continue.',
};

/** Answers a request for an upgrade, which Node has already taken out of the HTTP server's hands. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  socket.once('finish', () => socket.destroy());
  socket.end(renderRawAnswer(refusal));
}

const notHttp: Refusal = {
  status: 400,
  code: 'BAD_REQUEST',
  message: 'This is not a well-formed HTTP request.',
};

const clientErrors: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'LIMIT_EXCEEDED',
    limit: 'headers',
    message: `The request's head is larger than ${maxHeaderSize} bytes, the most that is read (NODE_OPTIONS=--max-http-header-size).`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'BAD_REQUEST',
    message: 'The request did not arrive in time.',
  },
};

const requestErrors: Readonly<Record<string, Refusal>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'BAD_REQUEST',
    message: 'Send the request with content-type application/json.',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, code: 'BAD_REQUEST', message: 'The request has no body.' },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    status: 400,
    code: 'BAD_REQUEST',
    message: 'The request body is not valid JSON.',
  },
  BODY_NOT_UTF8: { status: 400, code: 'BAD_REQUEST', message: 'The request body is not UTF-8.' },
  BODY_ENCODED: {
    status: 415,
    code: 'BAD_REQUEST',
    message: 'Send the request body as it is, without Content-Encoding.',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: 'BAD_REQUEST',
    message: 'The request body is not as long as its Content-Length says.',
  },
};

function explain(error: FastifyError, bodyLimit: number | undefined): Refusal {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const message = `The request body is larger than ${bodyLimit} bytes, the most that is read (MAX_BODY_BYTES): ask for less at once.`;
    return { status: 413, code: 'LIMIT_EXCEEDED', limit: 'MAX_BODY_BYTES', message };
  }
  const known = requestErrors[error.code];
  if (known !== undefined) return known;
  const status = error.statusCode ?? 500;
  // Not `error.message`: it may quote what the caller sent.
  if (status >= 400 && status < 500)
    return { status, code: 'BAD_REQUEST', message: 'This request cannot be read.' };
  return { status: 500, code: 'INTERNAL_SERVER_ERROR', message: 'Internal server error' };
}
