/** Spans of calls to Oracle Cloud: what they hang on, what they say, and what is not sent there. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, expect, test } from '@jest/globals';
import type { Errand } from '../../datasources/types.ts';
import { createSpans, textOf } from '../support/spans.ts';
import {
  answerJson,
  createSkippingClock,
  createTestUpstream,
  failureOfCall,
  getFrom,
  startUpstreamDouble,
} from '../support/upstream-double.ts';
import type { Handle, UpstreamDouble } from '../support/upstream-double.ts';

const secret = 'canary-c0ffee';
const spans = createSpans();
const tracer = spans.provider.getTracer('test');
let double: UpstreamDouble | undefined;
afterEach(async () => {
  await double?.close();
  expect(spans.open()).toBe(0);
  spans.take();
});

const open = async (handle: Handle) => {
  double = await startUpstreamDouble(handle);
  return { double, upstream: createTestUpstream({ tracer, clock: createSkippingClock(), random: () => 0 }) };
};

const errandOf = (
  requestId: string,
): Errand & { readonly mark: { readonly span: ReturnType<typeof tracer.startSpan> } } => ({
  endsAt: Infinity,
  mark: { requestId, span: tracer.startSpan('operation', {}, ROOT_CONTEXT) },
});

test('a call is a span with one below it for each HTTP request', async () => {
  const { double: upstreamDouble, upstream } = await open((_request, response, count) =>
    count === 1
      ? answerJson(response, 503, { code: 'Busy', message: secret }, { 'opc-request-id': 'first' })
      : answerJson(response, 200, {}, { 'opc-request-id': 'second' }),
  );
  const errand = errandOf('r');
  await upstream.call(getFrom(upstreamDouble.origin, `/20160918/workRequests/${secret}`), errand);
  errand.mark.span.end();
  const [first, second, call, operation] = spans.take();
  expect(call).toMatchObject({
    name: 'call CONTAINERENGINE',
    kind: SpanKind.INTERNAL,
    parentSpanContext: { spanId: operation?.spanContext().spanId },
    attributes: {
      'oci.service': 'CONTAINERENGINE',
      'oci.region': 'us-ashburn-1',
      'oci.request_id': 'second',
      'http.response.status_code': 200,
      'gateway.is_poll': false,
    },
    status: { code: SpanStatusCode.UNSET },
  });
  const { hostname, port } = new URL(upstreamDouble.origin);
  const attributes = {
    'http.request.method': 'GET',
    'server.address': hostname,
    'server.port': Number(port),
  };
  const parentSpanContext = { spanId: call?.spanContext().spanId };
  expect(first).toMatchObject({
    name: 'GET',
    kind: SpanKind.CLIENT,
    parentSpanContext,
    attributes: {
      ...attributes,
      'http.response.status_code': 503,
      'error.type': 'UPSTREAM_UNAVAILABLE',
      'oci.request_id': 'first',
    },
    status: { code: SpanStatusCode.ERROR },
  });
  expect(first?.attributes).not.toHaveProperty(['http.request.resend_count']);
  expect(second).toMatchObject({
    kind: SpanKind.CLIENT,
    parentSpanContext,
    attributes: { ...attributes, 'http.response.status_code': 200, 'http.request.resend_count': 1 },
    status: { code: SpanStatusCode.UNSET },
  });
  for (const span of [first, second, call]) expect(span && textOf(span)).not.toContain(secret);
  for (const { headers } of upstreamDouble.received)
    expect(Object.keys(headers).sort()).toEqual([
      'accept',
      'authorization',
      'connection',
      'host',
      'opc-request-id',
      'user-agent',
      'x-date',
    ]);
});

test('a call that nobody in particular makes is a trace of its own, whatever goes on around it', async () => {
  const { double: upstreamDouble, upstream } = await open((_request, response) =>
    answerJson(response, 200, {}),
  );
  await upstream.call(getFrom(upstreamDouble.origin), { endsAt: Infinity, isPatient: true });
  const [attempt, call] = spans.take();
  expect(call).toMatchObject({ attributes: { 'gateway.is_poll': true }, links: [] });
  expect(call?.parentSpanContext).toBeUndefined();
  expect(attempt?.parentSpanContext?.spanId).toBe(call?.spanContext().spanId);
});

test('whoever shares a call has a link to it', async () => {
  const go = Promise.withResolvers<void>();
  const { double: upstreamDouble, upstream } = await open(
    (_request, response) => void go.promise.then(() => answerJson(response, 200, {})),
  );
  const [one, other] = [errandOf('one'), errandOf('other')];
  const answers = [one, other].map((errand) => upstream.call(getFrom(upstreamDouble.origin), errand));
  go.resolve();
  await Promise.all(answers);
  for (const { mark } of [one, other]) mark.span.end();
  const [, call, first, second, ...more] = spans.take();
  expect(more).toEqual([]);
  expect(call?.parentSpanContext?.spanId).toBe(first?.spanContext().spanId);
  expect(first?.links).toEqual([]);
  expect(second?.links).toMatchObject([{ context: { spanId: call?.spanContext().spanId } }]);
});

test.each<[string, Handle, Record<string, unknown>]>([
  [
    'a refusal',
    (_request, response) => answerJson(response, 404, { message: secret }),
    { 'error.type': 'NOT_FOUND', 'http.response.status_code': 404 },
  ],
  [
    'a connection that breaks',
    (request) => request.socket.destroy(),
    { 'error.type': 'UPSTREAM_UNAVAILABLE' },
  ],
  [
    'an answer that is none',
    (_request, response) => response.end(secret),
    { 'error.type': 'UPSTREAM_MALFORMED', 'http.response.status_code': 200 },
  ],
])('%s is an error by its code', async (_what, handle, attributes) => {
  const { double: upstreamDouble, upstream } = await open(handle);
  await failureOfCall(upstream.call(getFrom(upstreamDouble.origin)));
  const all = spans.take();
  expect(all.length).toBeGreaterThanOrEqual(2);
  for (const span of all) {
    expect(span).toMatchObject({ attributes, status: { code: SpanStatusCode.ERROR }, events: [] });
    expect(span.status.message).toBeUndefined();
    expect(textOf(span)).not.toContain(secret);
  }
});

test('an SDK that samples nothing gets nothing, and calls are made all the same', async () => {
  const { double: upstreamDouble } = await open((_request, response) => answerJson(response, 200, {}));
  const upstream = createTestUpstream({ tracer: trace.getTracer('nobody') });
  expect((await upstream.call(getFrom(upstreamDouble.origin))).status).toBe(200);
  expect(spans.take()).toEqual([]);
});
