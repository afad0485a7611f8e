/** Traces of the whole gateway, with an SDK registered as an operator does. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { beginOperation, findTracer } from '../../doors/tracing.ts';
import { betweenLooksMs, createTestGateway } from '../support/gateway.ts';
import type { Json, TestGateway } from '../support/gateway.ts';
import { createSpans, textOf } from '../support/spans.ts';

const region = 'us-ashburn-1';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${spanId}-01`;
const elsewhere = '00-11111111111111111111111111111111-2222222222222222-01';
const canary = 'canary-c0ffee';
const document = `query Look($id: ID!, $service: ServiceName) { workRequest(id: $id, service: $service) { status } } # ${canary}`;

const spans = createSpans();
let house: TestGateway;
beforeAll(async () => {
  expect(findTracer()).toBeNull();
  trace.setGlobalTracerProvider(spans.provider);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  house = await createTestGateway({ logLevel: 'trace', env: { READ_CACHE_MS: '0' } });
});
afterAll(() => house.stop());
afterEach(async () => {
  house.emulator.clearFaults();
  await house.untilMetric('gateway_watchers', 0);
  while (spans.open() > 0) await sleep(betweenLooksMs);
  spans.take();
});

const create = (service = 'MYSQL', more: Json = {}): string =>
  house.emulator.createWorkRequest({
    service,
    region,
    script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
    ...more,
  }).id;

const post = async (
  body: Json,
  headers: Record<string, string> = {},
  path = '/graphql',
): Promise<Response> => {
  const response = await fetch(house.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await response.text();
  return response;
};

/** Of those that have ended, the servers', when there is one. */
const taken: ReadableSpan[] = [];
const untilServed = async (): Promise<ReadableSpan> => {
  for (;;) {
    taken.push(...spans.take());
    const at = taken.findIndex(({ kind }) => kind === SpanKind.SERVER);
    const [found] = at < 0 ? [] : taken.splice(at, 1);
    if (found) return found;
    await sleep(betweenLooksMs);
  }
};
const rest = (): ReadableSpan[] => [...taken.splice(0), ...spans.take()];
afterEach(() => void taken.splice(0));

const openSocket = async (
  headers: Record<string, string>,
  init: Json = {},
): Promise<(id: string, payload: Json) => Promise<Json>> => {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers,
  });
  sockets.push(socket);
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: init }));
  await once(socket, 'message');
  return async (id, payload) => {
    socket.send(JSON.stringify({ type: 'subscribe', id, payload }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    return JSON.parse(data.toString()) as Json;
  };
};
const sockets: WebSocket[] = [];
afterEach(() => sockets.splice(0).forEach((socket) => socket.terminate()));

describe('a query', () => {
  // The first goes by Apollo Server, the next ones the short way.
  test.each([1, 2, 3])('over HTTP, for the %d. time, is a span with its calls below it', async () => {
    const id = create();
    const response = await post(
      { query: document, variables: { id } },
      { traceparent, 'x-request-id': 'mine' },
    );
    const served = await untilServed();
    expect(served).toMatchObject({
      name: 'query',
      kind: SpanKind.SERVER,
      parentSpanContext: { traceId, spanId, isRemote: true },
      attributes: {
        'graphql.operation.type': 'query',
        'graphql.operation.name': 'Look',
        'gateway.request_id': 'mine',
        'gateway.transport': 'http',
      },
      status: { code: SpanStatusCode.UNSET },
    });
    const [attempt, call, ...more] = rest();
    expect(more).toEqual([]);
    expect(call).toMatchObject({
      name: 'call MYSQL',
      parentSpanContext: { spanId: served.spanContext().spanId },
    });
    expect(attempt).toMatchObject({
      kind: SpanKind.CLIENT,
      parentSpanContext: { spanId: call?.spanContext().spanId },
    });
    for (const span of [served, call, attempt]) {
      expect(span?.spanContext().traceId).toBe(traceId);
      expect(span && textOf(span)).not.toMatch(new RegExp(`${canary}|${id}|workRequest\\(`));
    }
    // Nothing of it goes back: it is the caller's own.
    expect([...response.headers.keys()].filter((name) => /trace|baggage/.test(name))).toEqual([]);
    const lines = house.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const [msg, span] of [
      ['Answered', served],
      ['Oracle Cloud was asked', call],
    ] as const)
      expect(lines).toContainEqual(
        expect.objectContaining({
          msg,
          requestId: 'mine',
          trace_id: traceId,
          span_id: span?.spanContext().spanId,
        }),
      );
  });

  test('by an event stream is one, too', async () => {
    const id = create();
    await post(
      { query: document, variables: { id } },
      { traceparent, accept: 'text/event-stream' },
      '/graphql/stream',
    );
    expect(await untilServed()).toMatchObject({
      name: 'query',
      parentSpanContext: { traceId, spanId },
      attributes: { 'gateway.transport': 'sse', 'graphql.operation.name': 'Look' },
    });
    expect(rest()).toHaveLength(2);
  });

  test('without a trace of its caller begins one', async () => {
    await post({ query: document, variables: { id: create() } });
    expect((await untilServed()).parentSpanContext).toBeUndefined();
  });

  test.each(['nonsense', `${traceparent}-more`, '00-0-0-01', `00-${'0'.repeat(32)}-${spanId}-01`])(
    'with a trace that is none (%s) begins one',
    async (nonsense) => {
      expect(
        (await post({ query: document, variables: { id: create() } }, { traceparent: nonsense })).status,
      ).toBe(200);
      expect((await untilServed()).parentSpanContext).toBeUndefined();
    },
  );

  test('for many at once has the calls of its batch below it', async () => {
    const compartmentId = 'ocid1.compartment.oc1..traced';
    const ids = [1, 2, 3].map(() => create('CONTAINERENGINE', { compartmentId }));
    await post({
      query: `{ ${ids.map((id, at) => `w${at}: workRequest(id: "${id}") { status }`).join(' ')} }`,
    });
    const served = await untilServed();
    const calls = rest().filter(({ name }) => name.startsWith('call '));
    expect(calls).toHaveLength(2);
    for (const call of calls) expect(call.parentSpanContext?.spanId).toBe(served.spanContext().spanId);
  });
});

describe('over a WebSocket', () => {
  test.each<[string, Record<string, string>, Json, Json, string]>([
    ['the operation', { traceparent: elsewhere }, { traceparent: elsewhere }, { traceparent }, traceId],
    ['the connection', { traceparent: elsewhere }, { traceparent }, {}, traceId],
    ['the handshake', { traceparent }, {}, {}, traceId],
    [
      'the connection, where the operation tells nonsense',
      {},
      { traceparent },
      { traceparent: { a: [1] }, tracestate: [{}] },
      traceId,
    ],
  ])('%s tells which trace it belongs to', async (_who, headers, init, extensions, expected) => {
    const operate = await openSocket(headers, init);
    expect(await operate('1', { query: document, variables: { id: create() }, extensions })).toMatchObject({
      type: 'next',
    });
    const served = await untilServed();
    expect(served).toMatchObject({
      name: 'query',
      parentSpanContext: { traceId: expected, spanId },
      attributes: { 'gateway.transport': 'websocket', 'gateway.request_id': expect.stringMatching(/\/1$/) },
    });
    expect(rest()).toHaveLength(2);
  });

  test('each operation has a span of its own', async () => {
    const operate = await openSocket({});
    for (const id of ['1', '2']) {
      await operate(id, { query: '{ __typename }' });
      await untilServed();
    }
    expect(rest()).toEqual([]);
  });
});

describe('a subscription', () => {
  test.each(['websocket', 'sse'] as const)(
    'over %s is traced until it has begun; its looks are traces of their own',
    async (transport) => {
      const id = create('CONTAINERENGINE');
      const subscription =
        'subscription Watch($id: ID!) { workRequest(id: $id) { type workRequest { status } } }';
      const subscriber = house.subscribe(subscription, { id }, { transport });
      await subscriber.next();
      const served = await untilServed();
      expect(served).toMatchObject({
        name: 'subscription',
        attributes: { 'graphql.operation.type': 'subscription', 'graphql.operation.name': 'Watch' },
      });
      await house.untilMetric('gateway_subscribers', 1);
      const looks = rest().filter(({ name }) => name.startsWith('call '));
      expect(looks.length).toBeGreaterThanOrEqual(1);
      for (const look of looks) {
        expect(look).toMatchObject({ attributes: { 'gateway.is_poll': true }, links: [] });
        expect(look.parentSpanContext).toBeUndefined();
        expect(look.spanContext().traceId).not.toBe(served.spanContext().traceId);
      }
      subscriber.unsubscribe();
    },
  );
});

describe('what goes wrong', () => {
  test.each<[string, Json, string, number, string]>([
    [
      'a document that is none',
      { query: '{' },
      'GRAPHQL_PARSE_FAILED',
      SpanStatusCode.UNSET,
      'GraphQL operation',
    ],
    [
      'a field that is not there',
      { query: '{ nothing }' },
      'GRAPHQL_VALIDATION_FAILED',
      SpanStatusCode.UNSET,
      'GraphQL operation',
    ],
    [
      'a variable that does not fit',
      { query: document, variables: { id: [canary] } },
      'BAD_USER_INPUT',
      SpanStatusCode.UNSET,
      'query',
    ],
    [
      'an id that is none',
      { query: document, variables: { id: canary } },
      'SERVICE_REQUIRED',
      SpanStatusCode.UNSET,
      'query',
    ],
  ])('%s is told by its code, on every way in', async (_what, body, code, status, name) => {
    const operate = await openSocket({});
    const ways = [
      () => post(body),
      () => post(body),
      () => post(body, { accept: 'text/event-stream' }, '/graphql/stream'),
      () => operate('1', body),
    ];
    for (const send of ways) {
      await send();
      const served = await untilServed();
      expect(served).toMatchObject({
        name,
        attributes: { 'error.type': code },
        status: { code: status },
        events: [],
      });
      expect(textOf(served)).not.toContain(canary);
    }
  });

  test('upstream is an error of ours', async () => {
    house.emulator.addFault({ service: 'REDIS', status: 500, message: canary });
    await post({ query: document, variables: { id: create('REDIS'), service: 'REDIS' } });
    const all = [await untilServed(), ...rest()];
    expect(all).toHaveLength(6);
    for (const span of all) {
      expect(span).toMatchObject({
        attributes: { 'error.type': 'UPSTREAM_UNAVAILABLE' },
        status: { code: SpanStatusCode.ERROR },
      });
      expect(textOf(span)).not.toContain(canary);
    }
  });

  test.each(['/graphql', '/graphql/stream'])('a caller who leaves %s leaves no span open', async (path) => {
    const id = create('WAF');
    house.emulator.addFault({ service: 'WAF', delayMs: 300 });
    const body = JSON.stringify({ query: document, variables: { id } });
    const request = httpRequest(house.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    });
    request.on('error', () => {});
    request.end(body);
    while (spans.open() < 3) await sleep(betweenLooksMs);
    request.destroy();
    expect((await untilServed()).name).toBe('query');
  });
});

test("an instrumentation's span around us is the parent, unless the operation names another", () => {
  const tracer = findTracer();
  const around = spans.provider.getTracer('http').startSpan('POST');
  context.with(trace.setSpan(context.active(), around), () => {
    const begun = { requestId: 'r', transport: 'http', headers: { traceparent: elsewhere } } as const;
    beginOperation(tracer, begun).span?.end();
    beginOperation(tracer, { ...begun, said: [undefined, null, 'x', {}, { traceparent }] }).span?.end();
  });
  around.end();
  const [inside, named] = rest();
  expect(inside?.parentSpanContext?.spanId).toBe(around.spanContext().spanId);
  expect(named?.parentSpanContext?.spanId).toBe(spanId);
});
