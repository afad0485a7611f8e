/** Doors over real sockets with a small schema, whose subscriptions count what is open, and bare clients for what no library would send. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach } from '@jest/globals';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError } from 'graphql';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import { createDoors } from '../../doors/index.ts';
import type { CallerInfo, Doors, DoorsOptions } from '../../doors/index.ts';
import { GatewayError, UpstreamError } from '../../errors.ts';
import { createLog } from '../../log.ts';

export const canary = 'canary-c0ffee';

export interface Context {
  readonly info: CallerInfo;
}

export interface House {
  readonly doors: Doors;
  readonly url: string;
  readonly port: number;
  readonly streams: Streams;
  readonly contexts: CallerInfo[];
  /** Every line logged so far, at trace level. */
  readonly logged: string[];
}

const cleanUps: (() => unknown)[] = [];

/** Runs after the test, last one first. */
export function cleanUp(task: () => unknown): void {
  cleanUps.push(task);
}

afterEach(async () => {
  for (const task of cleanUps.splice(0).reverse()) await task();
});

export async function openHouse(options: Partial<DoorsOptions<Context>> = {}): Promise<House> {
  const streams = new Streams();
  const contexts: CallerInfo[] = [];
  const logged: string[] = [];
  const doors = createDoors<Context>({
    schema: createTestSchema(streams),
    createContext: (info) => {
      contexts.push(info);
      return { info };
    },
    allowedHosts: ['localhost', '127.0.0.1', '[::1]'],
    allowedOrigins: ['https://console.example.com'],
    log: createLog('trace', { write: (line) => void logged.push(line) }),
    readiness: () => ({ status: 'ok', degraded: [] }),
    ...options,
  });
  const { url, port } = await doors.start('127.0.0.1', 0);
  cleanUp(() => doors.stop());
  return { doors, url, port, streams, contexts, logged };
}

/** Hand-written iterators that stay open until returned, as the gateway's feed's are, counted. */
export class Streams {
  open = 0;
  started = 0;
  returned = 0;
  readonly #changed = new Set<() => void>();
  readonly #push = new Set<(text: string | Error) => void>();

  /** Gives every open iterator a value, or an error. */
  push(value: string | Error): void {
    for (const push of this.#push) push(value);
  }

  /** Resolves when `isTrue`; jest's own deadline is the limit. */
  async until(isTrue: (streams: this) => boolean): Promise<void> {
    while (!isTrue(this)) await new Promise<void>((resolve) => this.#changed.add(resolve));
  }

  notify(): void {
    for (const resolve of this.#changed) resolve();
    this.#changed.clear();
  }

  subscribe(): AsyncIterableIterator<string> {
    const queue: (string | Error)[] = [];
    let wake: ((result: IteratorResult<string>) => void) | undefined;
    let fail: ((error: Error) => void) | undefined;
    let isOpen = true;
    const push = (value: string | Error): void => {
      if (wake === undefined) return void queue.push(value);
      if (value instanceof Error) fail?.(value);
      else wake({ done: false, value });
      wake = undefined;
    };
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#push.delete(push);
      this.open -= 1;
      wake?.({ done: true, value: undefined });
      this.notify();
    };
    this.#push.add(push);
    this.open += 1;
    this.started += 1;
    this.notify();
    return {
      next: async () => {
        const value = queue.shift();
        if (value instanceof Error) throw value;
        if (value !== undefined) return { done: false, value };
        if (!isOpen) return { done: true, value: undefined };
        return new Promise((resolve, reject) => {
          wake = resolve;
          fail = reject;
        });
      },
      return: async () => {
        this.returned += 1;
        close();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

/** `slow` and `slowTicks` wait here until the test lets them go on. */
export const gates = new Map<
  string,
  { arrived: PromiseWithResolvers<void>; go: PromiseWithResolvers<void> }
>();

export function gate(name: string) {
  const made = { arrived: Promise.withResolvers<void>(), go: Promise.withResolvers<void>() };
  gates.set(name, made);
  cleanUp(() => made.go.resolve());
  return made;
}

async function pass(name: string): Promise<void> {
  const found = gates.get(name);
  found?.arrived.resolve();
  await found?.go.promise;
}

function createTestSchema(streams: Streams) {
  const upstreamFailure = {
    service: 'CONTAINERENGINE',
    region: 'eu-frankfurt-1',
    status: 503,
    nativeCode: null,
    opcRequestId: 'opc-1',
    retryAfterMs: null,
  };
  const fail = (kind: string): never => {
    if (kind === 'gateway') throw new GatewayError('SERVICE_REQUIRED', 'Say which service.');
    if (kind === 'upstream') {
      throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'Container Engine did not answer.', upstreamFailure);
    }
    if (kind === 'coded') throw Object.assign(new Error(canary), { extensions: { code: 'FORBIDDEN' } });
    if (kind === 'value') throw canary;
    if (kind === 'graphql')
      throw new GraphQLError('Not for you.', { extensions: { code: 'FORBIDDEN', secret: canary } });
    throw new Error(canary, { cause: new Error(`cause of ${canary}`) });
  };
  return makeExecutableSchema({
    typeDefs: /* GraphQL */ `
      type Query {
        hello(name: String = "world"): String!
        count(n: Int!): Int!
        fail(kind: String!): String
        broken: Int
        slow: String
      }
      type Mutation {
        bump: Int!
      }
      type Subscription {
        ticks: String!
        other: String!
        slowTicks: String!
        refused(kind: String!): String!
        nothing: String!
        five: Int!
        big: String!
      }
    `,
    resolvers: {
      Query: {
        hello: (_: unknown, { name }: { name: string }) => `hello ${name}`,
        count: (_: unknown, { n }: { n: number }) => n,
        fail: (_: unknown, { kind }: { kind: string }) => fail(kind),
        broken: () => canary,
        slow: async () => {
          await pass('slow');
          return 'done';
        },
      },
      Mutation: { bump: () => 1 },
      Subscription: {
        ticks: { subscribe: () => streams.subscribe(), resolve: (value: string) => value },
        other: { subscribe: () => streams.subscribe(), resolve: (value: string) => `other ${value}` },
        slowTicks: {
          subscribe: async () => {
            await pass('slowTicks');
            return streams.subscribe();
          },
          resolve: (value: string) => value,
        },
        refused: { subscribe: (_: unknown, { kind }: { kind: string }) => fail(kind) },
        nothing: { subscribe: () => ({ canary }) },
        five: { subscribe: () => range(5), resolve: (value: number) => value },
        big: { subscribe: () => countReads(streams), resolve: () => 'x'.repeat(256 * 1024) },
      },
    },
  });
}

async function* range(end: number): AsyncGenerator<number> {
  for (let value = 1; value <= end; value += 1) yield value;
}

/** Endless; `started` counts how often it was asked. */
function countReads(streams: Streams): AsyncIterableIterator<number> {
  streams.open += 1;
  let isOpen = true;
  return {
    async next() {
      // Gives sockets their turn.
      await new Promise((resolve) => setImmediate(resolve));
      streams.started += 1;
      streams.notify();
      return isOpen ? { done: false, value: streams.started } : { done: true, value: undefined };
    },
    async return() {
      if (isOpen) streams.open -= 1;
      isOpen = false;
      streams.notify();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: {
    readonly data?: Record<string, unknown> | null;
    readonly errors?: readonly { message: string; path?: unknown; extensions: Record<string, unknown> }[];
  };
}

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer | undefined;
}

/** `fetch` would not let a test choose Host, Origin or Sec-Fetch-*. */
export async function send(house: House, sent: Sent = {}): Promise<Answer> {
  return readAnswer(await open(house, sent));
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? (JSON.parse(text) as Answer['json']) : {},
  };
}

/** The answer's head; its body is still to come. */
export async function open(
  house: House,
  { method = 'GET', path = '/graphql', headers = {}, body }: Sent,
): Promise<IncomingMessage> {
  const request = httpRequest({ host: '127.0.0.1', port: house.port, method, path, headers, agent: false });
  request.on('error', () => undefined);
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  cleanUp(() => response.destroy());
  return response;
}

export function post(
  house: House,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
  path = '/graphql',
): Promise<Answer> {
  return send(house, {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export function ask(house: House, query: string, variables?: Record<string, unknown>): Promise<Answer> {
  return post(house, { query, variables });
}

/** The events of one SSE request that ends by itself. */
export async function askStream(house: House, body: unknown): Promise<readonly Answer['json'][]> {
  const { text } = await post(house, body, { accept: 'text/event-stream' }, '/graphql/stream');
  return [...text.matchAll(/event: next\ndata: (.*)\n\n/g)].map(
    ([, data]) => JSON.parse(data ?? '') as Answer['json'],
  );
}

/** A WebSocket that speaks the protocol by hand. */
export interface RawClient {
  readonly socket: WebSocket;
  send(message: unknown): void;
  /** The next message. */
  read(): Promise<{ type: string; id?: string; payload?: never }>;
  readonly closed: Promise<{ code: number; reason: string }>;
}

export async function dial(
  house: House,
  options: ClientOptions = {},
  protocols = ['graphql-transport-ws'],
): Promise<RawClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${house.port}/graphql`, protocols, options);
  cleanUp(() => socket.terminate());
  const messages: string[] = [];
  const waiting: ((text: string) => void)[] = [];
  socket.on('message', (data) => {
    const wake = waiting.shift();
    if (wake === undefined) messages.push(data.toString());
    else wake(data.toString());
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(socket, 'open');
  socket.on('error', () => undefined);
  return {
    socket,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    read: async () =>
      JSON.parse(messages.shift() ?? (await new Promise<string>((resolve) => waiting.push(resolve)))),
  };
}

/** After `connection_init` and its acknowledgement. */
export async function greet(house: House, options: ClientOptions = {}): Promise<RawClient> {
  const client = await dial(house, options);
  client.send({ type: 'connection_init' });
  await client.read();
  return client;
}

/** What the server says to a handshake that it refuses; undefined status when it accepts. */
export async function knock(
  house: House,
  headers: OutgoingHttpHeaders = {},
  path = '/graphql',
): Promise<Answer> {
  const request = httpRequest({
    host: '127.0.0.1',
    port: house.port,
    path,
    agent: false,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': 'graphql-transport-ws',
      ...headers,
    },
  });
  request.end();
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('upgrade', (response: IncomingMessage, socket: Socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '', json: {} });
    });
    request.once('response', (response: IncomingMessage) => void readAnswer(response).then(resolve, reject));
  });
}

/** Bytes as they are; resolves with all that came back when the server closes. */
export async function sendRaw(house: House, bytes: string): Promise<string> {
  const socket = connect(house.port, '127.0.0.1');
  cleanUp(() => socket.destroy());
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}
