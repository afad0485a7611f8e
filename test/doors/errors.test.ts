/** What a caller is told of an error is the same on every transport. */
import { describe, expect, test } from '@jest/globals';
import { GatewayError } from '../../errors.ts';
import { ask, askStream, canary, greet, openHouse, post } from './support.ts';
import type { Answer, House } from './support.ts';

type Result = Answer['json'];
type Ask = (house: House, body: Record<string, unknown>) => Promise<Result>;

const overWebSocket: Ask = async (house, payload) => {
  const client = await greet(house);
  client.send({ type: 'subscribe', id: '1', payload });
  const message = await client.read();
  return message.type === 'error' ? { errors: message.payload } : (message.payload as unknown as Result);
};
const overSse: Ask = async (house, body) => (await askStream(house, body))[0] ?? {};
const transports: Readonly<Record<string, Ask>> = {
  HTTP: async (house, body) => (await post(house, body)).json,
  WebSocket: overWebSocket,
  SSE: overSse,
};

describe.each(Object.entries(transports))('over %s', (_name, send) => {
  test('a hundred errors that quote what was sent once are no hundred times as much', async () => {
    const house = await openHouse();
    const unknown = Array.from({ length: 90 }, (_, at) => `a${at}: count(n: $v${at})`).join(' ');
    const { errors = [] } = await send(house, { query: `query ${'Q'.repeat(500_000)} { ${unknown} }` });
    expect(errors).toHaveLength(90);
    expect(errors[0]?.message).toMatch(/^Variable "\$v0" is not defined by operation "Q+…$/);
    expect(JSON.stringify(errors).length).toBeLessThan(250_000);
  });

  test.each([
    ['a syntax error', { query: '{' }, 'GRAPHQL_PARSE_FAILED', 'Syntax Error: Expected Name, found <EOF>.'],
    [
      'a document of too many tokens',
      { query: `{${' hello'.repeat(10_001)}}` },
      'LIMIT_EXCEEDED',
      'The document has more than 10000 tokens, the most that is read (MAX_TOKENS): ask for less at once.',
    ],
    ['nesting without end', { query: '{a'.repeat(100_000) }, 'LIMIT_EXCEEDED', /tokens|too deeply/],
    [
      'a syntax error that speaks of tokens',
      { query: '{ hello(name: "Document contains more that 1 tokens" }' },
      'GRAPHQL_PARSE_FAILED',
      /^Syntax Error: Expected Name/,
    ],
    ['an unknown field', { query: '{ helo }' }, 'GRAPHQL_VALIDATION_FAILED', /Did you mean "hello"/],
    [
      'an unknown operation',
      { query: '{ hello }', operationName: 'X' },
      'OPERATION_RESOLUTION_FAILURE',
      /"X"/,
    ],
    [
      'an operation with an empty name',
      { query: '{ hello }', operationName: '' },
      'OPERATION_RESOLUTION_FAILURE',
      /""/,
    ],
    [
      'an operation to choose',
      { query: 'query A { hello } query B { hello }' },
      'OPERATION_RESOLUTION_FAILURE',
      /operation name/,
    ],
    [
      'a wrong variable',
      { query: 'query ($n: Int!) { count(n: $n) }', variables: { n: 'x' } },
      'BAD_USER_INPUT',
      /Variable "\$n"/,
    ],
    [
      'a missing variable',
      { query: 'query ($n: Int!) { count(n: $n) }' },
      'BAD_USER_INPUT',
      /Variable "\$n"/,
    ],
    [
      'null for a variable with a default',
      { query: 'query ($n: Int = 1) { count(n: $n) }', variables: { n: null } },
      'BAD_USER_INPUT',
      /null/,
    ],
    ['a GatewayError', { query: '{ fail(kind: "gateway") }' }, 'SERVICE_REQUIRED', 'Say which service.'],
    ['a GraphQLError of a resolver', { query: '{ fail(kind: "graphql") }' }, 'FORBIDDEN', 'Not for you.'],
    ['a plain error', { query: '{ fail(kind: "plain") }' }, 'INTERNAL_SERVER_ERROR', 'Internal server error'],
    [
      'an error with a code of its own',
      { query: '{ fail(kind: "coded") }' },
      'INTERNAL_SERVER_ERROR',
      'Internal server error',
    ],
    [
      'a thrown value',
      { query: '{ fail(kind: "value") }' },
      'INTERNAL_SERVER_ERROR',
      'Internal server error',
    ],
    [
      'an answer that does not fit the schema',
      { query: '{ broken }' },
      'INTERNAL_SERVER_ERROR',
      'Internal server error',
    ],
  ])('%s', async (_case, body, code, message) => {
    const house = await openHouse();
    const result = await send(house, body);
    const [error] = result.errors ?? [];
    expect(error?.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect(error?.extensions).toMatchObject({ code });
    expect(JSON.stringify(result)).not.toContain(canary);
    expect(JSON.stringify(result)).not.toMatch(/stack|node_modules/);
    const failures = house.logged.filter((line) => line.includes('"level":50'));
    expect(failures).toHaveLength(code === 'INTERNAL_SERVER_ERROR' ? 1 : 0);
  });

  test('an UpstreamError says where it happened, and at which path', async () => {
    const house = await openHouse();
    const result = await send(house, { query: '{ hello fail(kind: "upstream") }' });
    expect(result.data).toEqual({ hello: 'hello world', fail: null });
    expect(result.errors).toMatchObject([
      {
        message: 'Container Engine did not answer.',
        path: ['fail'],
        extensions: {
          code: 'UPSTREAM_UNAVAILABLE',
          service: 'CONTAINERENGINE',
          region: 'eu-frankfurt-1',
          opcRequestId: 'opc-1',
          isRetryable: true,
        },
      },
    ]);
  });

  test('of a masked error its kind, its cause, and where it was thrown are logged, and nothing that it says', async () => {
    const house = await openHouse();
    await send(house, { query: '{ fail(kind: "plain") }' });
    const [line] = house.logged.filter((text) => text.includes('"level":50'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      requestId: expect.stringMatching(/^[\da-f-]{36}/),
      path: ['fail'],
      err: {
        type: 'Error',
        stack: expect.stringMatching(/^ {4}at fail .*support\.ts:\d+:\d+\)\n {4}at /),
        cause: { type: 'Error' },
      },
    });
    expect(house.logged.join('')).not.toContain(canary);
  });

  test.each([
    {
      thrown: new GatewayError('UNAUTHENTICATED', 'Who are you?'),
      told: { message: 'Who are you?', extensions: { code: 'UNAUTHENTICATED' } },
    },
    {
      thrown: new Error(canary),
      told: { message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    },
  ])('a context that cannot be built: $told.message', async ({ thrown, told }) => {
    const house = await openHouse({
      createContext: async () => {
        throw thrown;
      },
    });
    expect((await send(house, { query: '{ hello }' })).errors).toEqual([told]);
  });
});

describe.each([
  ['WebSocket', overWebSocket],
  ['SSE', overSse],
] as const)('subscriptions over %s', (_name, send) => {
  test.each([
    ['gateway', 'SERVICE_REQUIRED', 'Say which service.'],
    ['plain', 'INTERNAL_SERVER_ERROR', 'Internal server error'],
  ])('that fail at the start (%s)', async (kind, code, message) => {
    const house = await openHouse();
    const result = await send(house, { query: `subscription { refused(kind: "${kind}") }` });
    expect(result.errors).toMatchObject([{ message, extensions: { code } }]);
  });

  test.each([
    'subscription { ticks @skip(if: true) }',
    'subscription ($if: Boolean!) { ticks @include(if: $if) }',
    'subscription { ticks other @skip(if: true) }',
    'subscription { ... @include(if: true) { ticks } }',
    'subscription { ...F } fragment F on Subscription { ...F ...G } fragment G on Subscription { ticks @skip(if: true) }',
  ])('with a condition on the root: %s', async (query) => {
    const house = await openHouse();
    const result = await send(house, { query, variables: { if: true } });
    expect(result.errors).toMatchObject([
      {
        message: expect.stringMatching(/^A subscription must not have @(skip|include) on its root field/),
        locations: [{ line: 1 }],
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      },
    ]);
    expect(house.streams.started).toBe(0);
    expect(house.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  test('that are no stream', async () => {
    const house = await openHouse();
    const result = await send(house, { query: 'subscription { nothing }' });
    expect(result.errors).toEqual([
      { message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
    expect(house.logged.filter((line) => line.includes('"level":50'))).toHaveLength(1);
  });

  test.each([
    [new Error(canary), 'INTERNAL_SERVER_ERROR', 'Internal server error'],
    [new GatewayError('LIMIT_EXCEEDED', 'Too many.'), 'LIMIT_EXCEEDED', 'Too many.'],
  ])('that break later: %#', async (thrown, code, message) => {
    const house = await openHouse();
    const result = send(house, { query: 'subscription { ticks }' });
    await house.streams.until(({ open }) => open === 1);
    house.streams.push(thrown);
    expect((await result).errors).toEqual([{ message, extensions: { code } }]);
  });
});

test.each(['development', 'production', 'test', ''])('NODE_ENV=%s shows no more', async (nodeEnv) => {
  const before = process.env.NODE_ENV;
  try {
    process.env.NODE_ENV = nodeEnv;
    const house = await openHouse();
    const { text } = await ask(house, '{ fail(kind: "plain") }');
    expect(text).not.toContain(canary);
    expect(text).not.toContain('stacktrace');
    expect((await ask(house, '{ __schema { queryType { name } } }')).status).toBe(200);
  } finally {
    process.env.NODE_ENV = before;
  }
});
