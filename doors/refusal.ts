/**
 * How a door says no: expected trouble is data, decided by pure functions, put on the wire in one shape.
 *
 * Every refusal is the JSON of a GraphQL answer, `{ errors: [{ message, extensions: { code } }] }`, on every path and for
 * every kind of caller, so that a client needs one way to read what went wrong.
 */
import type { ErrorCode, GatewayError } from '../errors.ts';

export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  readonly code: ErrorCode;
  /** For the caller to read: says what to change. Holds nothing of a request's body. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const jsonContentType = 'application/json; charset=utf-8';

export function renderRefusal(refusal: Refusal): string {
  return `${JSON.stringify({ errors: [{ message: refusal.message, extensions: { code: refusal.code } }] })}\n`;
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

/** For a caller whose token is none, or cannot be checked now. */
export function refusalFor(error: GatewayError): Refusal {
  const { code, message } = error;
  if (code !== 'UNAUTHENTICATED') return { status: 503, code, message, headers: { 'retry-after': '30' } };
  return { status: 401, code, message, headers: { 'www-authenticate': 'Bearer' } };
}

const reasonPhrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  426: 'Upgrade Required',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};
