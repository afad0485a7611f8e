/**
 * Who may knock: the `Host` and `Origin` rules of every door, and the rule against requests that a page elsewhere can send
 * without asking (CSRF). Pure decisions over a request's head; `http.ts`, `websocket.ts` and the hook in `index.ts` carry
 * them out.
 *
 * A gateway on loopback holds real credentials. Without these rules any web page its user visits reaches it: by DNS
 * rebinding (the page's own host name resolves to 127.0.0.1: `Host` tells), by a WebSocket from elsewhere (no preflight,
 * no same-origin policy: `Origin` tells), and by simple requests, which browsers send first and ask about later.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Refusal } from './refusal.ts';
import { requestIdHeader } from './request-id.ts';

export const loopbackHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

export interface GuardOptions {
  /** Host names without port, e.g. `localhost`, `[::1]`, `gateway.example.com`. Exact: no wildcards, no suffixes. */
  readonly allowedHosts: readonly string[];
  /** Origins of other sites' pages, e.g. `https://console.example.com`. The gateway's own needs no entry. */
  readonly allowedOrigins: readonly string[];
  /** Paths that Kubernetes and Prometheus ask for by the pod's address. */
  readonly probePaths?: readonly string[];
}

export type RequestHead = Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'rawHeaders'> & {
  readonly socket?: Pick<Socket, 'localAddress'>;
  readonly httpVersion?: string;
};

export interface Guard {
  /** Null: may come in. */
  check(request: RequestHead): Refusal | null;
  /** What lets the page of another, allowed site read the answer; empty for everybody else. */
  corsHeaders(request: RequestHead): Readonly<Record<string, string>>;
}

export function createGuard(options: GuardOptions): Guard {
  const hosts = new Set(options.allowedHosts.map(readAllowedHost));
  const origins = new Set(options.allowedOrigins.map(readAllowedOrigin));
  const probePaths = new Set(options.probePaths);
  return {
    check: (request) =>
      checkTarget(request) ?? checkHost(request, hosts, probePaths) ?? checkOrigin(request, origins),
    corsHeaders: (request) => grantCors(request, origins),
  };
}

/**
 * Refuses what a page elsewhere can send without a preflight: simple content types, and GETs that carry none of the headers
 * by which Apollo's clients show that they could ask. Such a GET changes nothing and its answer stays unread, but it
 * opens polling at Oracle Cloud, as an `<img>` in somebody's forum post would.
 */
export function checkPreflighted(request: RequestHead): Refusal | null {
  const essence = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (essence === 'application/json') return null;
  if (request.method === 'POST') return wrongContentType;
  if (essence !== '') return wrongContentType;
  if (preflightHeaders.some((name) => (request.headers[name] ?? '') !== '')) return null;
  return {
    status: 400,
    code: 'BAD_REQUEST',
    message: `Blocked as a possible cross-site request forgery (CSRF): send a non-empty ${preflightHeaders.join(' or ')} header with a GET, or use POST with content-type application/json.`,
  };
}

/** A page elsewhere can set these only after a preflight. The first two are Apollo's, so that its clients need no setting. */
export const preflightHeaders = [
  'x-apollo-operation-name',
  'apollo-require-preflight',
  'x-graphql-require-preflight',
];

const wrongContentType: Refusal = {
  status: 415,
  code: 'BAD_REQUEST',
  message:
    'Send GraphQL requests with content-type application/json. Forms, text/plain and a missing content-type are refused, as pages of other sites can send them without asking (CSRF).',
};

/** `GET http://elsewhere/graphql HTTP/1.1` is for proxies, and would be routed by its path with nobody reading its host. */
function checkTarget({ url, httpVersion = '1.1' }: RequestHead): Refusal | null {
  // Node's parser takes 0.9 and 2.0 as well, and reads them as if they were 1.1.
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return { status: 400, code: 'BAD_REQUEST', message: 'Send HTTP/1.1: no other version is spoken here.' };
  // A fragment is the browser's own; the router would cut it off.
  if (url?.startsWith('/') === true && !url.includes('#')) return null;
  return { status: 400, code: 'BAD_REQUEST', message: 'The request target must be a path.' };
}

function checkHost(
  request: RequestHead,
  hosts: ReadonlySet<string>,
  probePaths: ReadonlySet<string>,
): Refusal | null {
  let count = 0;
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  const host = readHost(request.headers.host);
  if (count === 1 && host !== null && (hosts.has(host.name) || isProbe(host.name, request, probePaths)))
    return null;
  if (count === 0) return { status: 400, code: 'BAD_REQUEST', message: 'A request must have a Host header.' };
  return {
    status: 403,
    code: 'FORBIDDEN',
    message:
      count > 1
        ? 'A request must have one Host header.'
        : `The Host header ${quote(request.headers.host)} is not one that this gateway was told of. Add its name to ALLOWED_HOSTS if callers reach the gateway by it.`,
  };
}

/**
 * Kubernetes and Prometheus ask a pod how it is by its address, which nobody can know before: there the very address that
 * was connected to is fine, too. No page gets there by rebinding, for then `Host` is its own name.
 */
function isProbe(name: string, { url = '', socket }: RequestHead, probePaths: ReadonlySet<string>): boolean {
  if (!probePaths.has(url.split('?', 1)[0] ?? '')) return false;
  return name.replace(/^\[(.+)\]$/, '$1') === socket?.localAddress?.replace(/^::ffff:(?=[\d.]+$)/, '');
}

function checkOrigin(request: RequestHead, origins: ReadonlySet<string>): Refusal | null {
  const origin = request.headers.origin;
  const isAllowed =
    origin !== undefined && (isOwnOrigin(origin, request) || origins.has(origin.toLowerCase()));
  if (isAllowed) return null;
  if (origin !== undefined) {
    return {
      status: 403,
      code: 'FORBIDDEN',
      message: `Pages of the origin ${quote(origin)} may not use this gateway. Add it to ALLOWED_ORIGINS if they should.`,
    };
  }
  const site = request.headers['sec-fetch-site'] ?? 'none';
  if (site === 'none' || site === 'same-origin' || site === 'same-site' || isNavigation(request)) return null;
  return {
    status: 403,
    code: 'FORBIDDEN',
    message:
      'Pages of other sites may not use this gateway. Add their origin to ALLOWED_ORIGINS if they should.',
  };
}

/**
 * Somebody followed a link, from the README on the web to the playground, say: the answer becomes a page of its own that
 * nobody else reads or frames. The GraphQL paths refuse it all the same, for it cannot be preflighted.
 */
function isNavigation(request: RequestHead): boolean {
  return (
    (request.method === 'GET' || request.method === 'HEAD') &&
    request.headers.upgrade === undefined &&
    request.headers['sec-fetch-mode'] === 'navigate' &&
    request.headers['sec-fetch-dest'] === 'document'
  );
}

/** Same host and port as the (allowed) `Host`. Both schemes: behind a proxy that ends TLS nothing here can tell which it was. */
function isOwnOrigin(origin: string, request: RequestHead): boolean {
  const authority = /^https?:\/\/(.+)$/i.exec(origin)?.[1];
  const own = readHost(request.headers.host);
  const theirs = readHost(authority);
  return own !== null && theirs !== null && own.name === theirs.name && own.port === theirs.port;
}

function grantCors(request: RequestHead, origins: ReadonlySet<string>): Readonly<Record<string, string>> {
  const origin = request.headers.origin;
  if (origin === undefined || !origins.has(origin.toLowerCase())) return {};
  const granted = { 'access-control-allow-origin': origin };
  if (!isPreflight(request))
    return {
      ...granted,
      'access-control-expose-headers': `${requestIdHeader}, retry-after`,
      'cross-origin-resource-policy': 'cross-origin',
    };
  return {
    ...granted,
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': [
      'accept',
      'authorization',
      'content-type',
      ...preflightHeaders,
      'traceparent',
      'tracestate',
      requestIdHeader,
    ].join(', '),
    'access-control-max-age': '600',
    // Chromium asks this before a public page may talk to a private address.
    ...(request.headers['access-control-request-private-network'] === 'true' && {
      'access-control-allow-private-network': 'true',
    }),
  };
}

export function isPreflight(request: RequestHead): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.origin !== undefined &&
    request.headers['access-control-request-method'] !== undefined
  );
}

interface HostAndPort {
  readonly name: string;
  readonly port: string;
}

/** Strict on purpose: `2130706433`, `127.1` and full-width dots are names of loopback that nobody was told of. */
function readHost(authority: string | undefined): HostAndPort | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::(\d{1,5}))?$/i.exec(authority ?? '');
  if (match === null) return null;
  return { name: (match[1] ?? '').toLowerCase(), port: match[2] ?? '' };
}

function readAllowedHost(text: string): string {
  const bracketed = /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text.trim())
    ? `[${text.trim()}]`
    : text.trim();
  const host = readHost(bracketed);
  if (host === null) throw new TypeError(`ALLOWED_HOSTS: ${quote(text)} is not a host name.`);
  return host.name;
}

/** As a browser would write it: without default port and trailing slash. Extensions have schemes of their own. */
function readAllowedOrigin(text: string): string {
  const url = URL.parse(text.trim());
  const origin = url === null || url.host === '' ? null : `${url.protocol}//${url.host}`.toLowerCase();
  if (url === null || origin === null || (url.pathname !== '' && url.pathname !== '/') || url.search !== '') {
    throw new TypeError(
      `ALLOWED_ORIGINS: ${quote(text)} is not an origin such as https://console.example.com.`,
    );
  }
  return origin;
}

function quote(text: string | undefined): string {
  return JSON.stringify((text ?? '').slice(0, 100));
}
