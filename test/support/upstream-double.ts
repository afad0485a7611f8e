/** A stand-in for Oracle Cloud on a real socket that remembers how it was asked, and what the HTTP layer needs around it. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { systemClock } from '../../clock.ts';
import { createUpstream } from '../../datasources/http.ts';
import type { UpstreamOptions } from '../../datasources/http.ts';
import type { Credential, CredentialSource } from '../../datasources/signer.ts';
import type { Clock, Upstream, UpstreamRequest } from '../../datasources/types.ts';
import type { UpstreamError } from '../../errors.ts';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export type Handle = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export interface UpstreamDouble {
  readonly origin: string;
  readonly received: Received[];
  close(): Promise<void>;
}

export async function startUpstreamDouble(handle: Handle): Promise<UpstreamDouble> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    handle(request, response, received.length);
  });
  await listen(server);
  return { origin: `http://127.0.0.1:${portOf(server)}`, received, close: () => stop(server) };
}

export function listen(server: TcpServer): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

export function portOf(server: { address(): string | AddressInfo | null }): number {
  return (server.address() as AddressInfo).port;
}

export function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Nobody waits on this clock: a sleep moves it on at once, and is remembered. */
export function createSkippingClock(
  start = Date.now(),
): Clock & { readonly slept: number[]; advance(ms: number): void } {
  let now = start;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    passed: () => now,
    advance(ms) {
      now += ms;
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
      await Promise.resolve();
      signal?.throwIfAborted();
    },
  };
}

export const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

export const credential: Credential = {
  keyId: 'ocid1.tenancy.oc1..t/ocid1.user.oc1..u/aa:bb',
  key: keys.privateKey,
  tenancyId: 'ocid1.tenancy.oc1..t',
  expiresAt: null,
};

export const credentials: CredentialSource = { id: 'tester', region: null, current: () => credential };

/** Limits that no test meets by accident. */
export function createTestUpstream(options: Partial<UpstreamOptions> = {}): Upstream {
  return createUpstream({ credentials, clock: systemClock, deadlineMs: 5_000, rps: 1_000, ...options });
}

export function getFrom(
  origin: string,
  path = '/20160918/workRequests/a',
  more: Partial<UpstreamRequest> = {},
): UpstreamRequest {
  return { service: 'CONTAINERENGINE', region: 'us-ashburn-1', method: 'GET', origin, path, ...more };
}

export async function failureOfCall(call: Promise<unknown>): Promise<UpstreamError> {
  try {
    await call;
  } catch (error) {
    return error as UpstreamError;
  }
  throw new Error('expected the call to fail');
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(body === undefined ? '' : JSON.stringify(body));
}
