/**
 * How a door says no: expected trouble is data, decided by pure functions, put on the wire in one shape.
 *
 * Every refusal is the JSON of a GraphQL answer, `{ errors: [{ message, extensions: { code } }] }`, on every path and for
 * every kind of caller, so that a client needs one way to read what went wrong.
 */
import { BusyError, LimitError } from '../errors.ts';
import type { ErrorCode, GatewayError, Limit } from '../errors.ts';

export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  readonly code: ErrorCode;
  /** For the caller to read: says what to change. Holds nothing of a request's body. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it is worth another try although the code says nothing of it. */
  readonly isRetryable?: true;
  /** When it is, if that is known. */
  readonly retryAfterMs?: number | undefined;
  /** Of LIMIT_EXCEEDED. */
  readonly limit?: Limit;
}

export const jsonContentType = 'application/json; charset=utf-8';

export function renderRefusal({ message, code, limit, isRetryable, retryAfterMs }: Refusal): string {
  const extensions = { code, limit, isRetryable, retryAfterMs };
  return `${JSON.stringify({ errors: [{ message, extensions }] })}\n`;
}

/** On every answer, also where Fastify is not involved. A route with a page of its own replaces what it needs to. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  // Pages elsewhere cannot pull an answer in as a script or an image either.
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** A whole HTTP/1.1 answer, for sockets that no HTTP server answers any more: refused upgrades and broken requests. */
export function renderRawAnswer(refusal: Refusal): string {
  const body = renderRefusal(refusal);
  const headers = {
    ...securityHeaders,
    ...refusal.headers,
    'content-type': jsonContentType,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${refusal.status} ${reasonPhrases[refusal.status] ?? 'Refused'}\r\n${lines.join('')}\r\n${body}`;
}

/** For a caller whose token is none, or cannot be checked now, or who has too much already. */
export function refusalFor(error: GatewayError): Refusal {
  const { code, message } = error;
  if (error instanceof BusyError) {
    const seconds = Math.ceil((error.retryAfterMs ?? busyMs) / 1_000);
    const headers = { 'retry-after': String(seconds) };
    const retryAfterMs = error.retryAfterMs ?? undefined;
    return { status: 429, code, message, headers, limit: error.limit, isRetryable: true, retryAfterMs };
  }
  if (error instanceof LimitError) return { status: 429, code, message, limit: error.limit };
  if (code !== 'UNAUTHENTICATED') return { status: 503, code, message, headers: { 'retry-after': '30' } };
  return { status: 401, code, message, headers: { 'www-authenticate': 'Bearer' } };
}

/** Where nobody can tell how long it takes. */
const busyMs = 5_000;

const reasonPhrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};
