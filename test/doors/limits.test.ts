/** Each limit says which it is, in the error or the reason of a close, alike on every door, and is counted under that name, once for each refusal. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { DoorsOptions } from '../../doors/index.ts';
import { defaultDocumentLimits } from '../../doors/document-limits.ts';
import { limits } from '../../errors.ts';
import type { Limit, LimitError } from '../../errors.ts';
import { createQuotas, defaultQuotaLimits } from '../../doors/quotas.ts';
import { ask, askStream, cleanUp, dial, greet, knock, openHouse, post, send, sendRaw } from './support.ts';
import type { Answer, Context, House } from './support.ts';

type Errors = Answer['json']['errors'];

/** What was refused so far, without zeros. */
async function exceeded(house: House): Promise<Readonly<Record<string, number>>> {
  const { text } = await send(house, { path: '/metrics' });
  const lines = [...text.matchAll(/^gateway_limits_exceeded_total\{limit="(.*)"\} (\d+)$/gm)];
  expect(lines.map(([, limit]) => limit)).toEqual(limits);
  return Object.fromEntries(
    lines.map(([, limit, count]) => [limit, Number(count)] as const).filter(([, count]) => count > 0),
  );
}

const ofSocket = async (house: House, payload: object): Promise<Errors> => {
  const client = await greet(house);
  client.send({ type: 'subscribe', id: '1', payload });
  const { payload: errors } = await client.read();
  client.socket.close();
  await client.closed;
  return errors;
};

const small = (part: Partial<typeof defaultDocumentLimits>): Partial<DoorsOptions<Context>> => ({
  documentLimits: { ...defaultDocumentLimits, ...part },
});
const cost = { limit: 0, estimators: { 'Query.hello': () => 1 }, spentBy: () => 0 };
const nested = (count: number): string =>
  `{ __schema { types { ${'fields { type { '.repeat(count)} name ${'} }'.repeat(count)} } } }`;
const many = (count: number, part: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => part(at)).join(' ');
const cyclic = `{ ...F0 } ${many(300, (at) => `fragment F${at} on Query { ${many(8, (next) => `...F${(at + next + 1) % 300}`)} }`)}`;

describe('of an operation', () => {
  test.each<[Limit, string, Partial<DoorsOptions<Context>>, RegExp]>([
    ['MAX_TOKENS', '{ hello hello }', small({ tokens: 3 }), /more than 3 tokens.*MAX_TOKENS/],
    ['MAX_DEPTH', '{ __schema { queryType { name } } }', small({ depth: 2 }), /2 levels.*MAX_DEPTH/],
    ['MAX_ALIASES', '{ a: hello b: hello }', small({ aliases: 1 }), /1 aliases.*MAX_ALIASES/],
    ['MAX_DIRECTIVES', '{ hello @skip(if: true) }', small({ directives: 0 }), /0 directives.*MAX_DIRECTIVES/],
    ['MAX_ROOT_FIELDS', '{ hello hello }', small({ rootFields: 1 }), /1 fields.*MAX_ROOT_FIELDS/],
    ['MAX_QUERY_COST', '{ hello }', { cost }, /about 1 calls.*MAX_QUERY_COST/],
    ['nesting', cyclic, {}, /nested too deeply/],
    ['comparisons', `{ __schema { types { ${many(9_000, () => 'name')} } } }`, {}, /cannot be compared/],
    ['introspection', nested(4), {}, /lists of the schema.*more than two deep/],
  ])('%s', async (limit, query, options, message) => {
    const house = await openHouse(options);
    const refused = {
      message: expect.stringMatching(message),
      extensions: { code: 'LIMIT_EXCEEDED', limit },
    };
    const told = [
      (await ask(house, query)).json.errors,
      (await ask(house, query)).json.errors,
      await ofSocket(house, { query }),
      (await askStream(house, { query }))[0]?.errors,
    ];
    for (const errors of told) expect(errors).toMatchObject([refused]);
    expect(await exceeded(house)).toEqual({ [limit]: told.length });
  });
});

describe('of a caller', () => {
  test('MAX_CALLER_RPS', async () => {
    const house = await openHouse({ quotas: { callerRps: 0.1 } });
    const refused = {
      message: expect.stringMatching(/MAX_CALLER_RPS/),
      extensions: {
        code: 'LIMIT_EXCEEDED',
        limit: 'MAX_CALLER_RPS',
        isRetryable: true,
        retryAfterMs: expect.any(Number),
      },
    };
    const request = { query: '{ hello }' };
    expect((await post(house, request)).json.errors).toEqual([refused]);
    const { status, json } = await post(house, request, { accept: 'text/event-stream' }, '/graphql/stream');
    expect([status, json]).toEqual([429, { errors: [refused] }]);
    expect(await ofSocket(house, request)).toMatchObject([refused]);
    expect(await exceeded(house)).toEqual({ MAX_CALLER_RPS: 3 });
  });

  test.each<[Limit, Partial<DoorsOptions<Context>>]>([
    ['MAX_CALLER_SUBSCRIPTIONS', { quotas: { callerSubscriptions: 0 } }],
    ['MAX_CALLER_OPERATIONS_MIB', { quotas: { callerOperationsBytes: 1 } }],
  ])('%s', async (limit, options) => {
    const house = await openHouse(options);
    const request = { query: 'subscription { ticks }' };
    const refused = {
      message: expect.stringMatching(limit),
      extensions: { code: 'LIMIT_EXCEEDED', limit },
    };
    expect(await ofSocket(house, request)).toMatchObject([refused]);
    expect(await askStream(house, request)).toMatchObject([{ errors: [refused] }]);
    expect(await exceeded(house)).toEqual({ [limit]: 2 });
  });
});

describe('of an address', () => {
  const limit: Limit = 'MAX_ADDRESS_CONNECTIONS';
  const connectTo = async (house: House): Promise<Socket> => {
    const socket = connect(house.port, '127.0.0.1');
    cleanUp(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const until = async (house: House, count: number): Promise<void> => {
    while ((await exceeded(house))[limit] !== count) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  test('MAX_ADDRESS_CONNECTIONS, whatever comes over them; those that are open live on', async () => {
    const house = await openHouse({ limits: { addressConnections: 2 } });
    const client = await greet(house);
    const idle = await connectTo(house);

    const refused = { message: expect.stringMatching(limit), extensions: { code: 'LIMIT_EXCEEDED', limit } };
    const request = { query: '{ hello }' };
    for (const path of ['/graphql', '/graphql/stream'])
      expect(await post(house, request, {}, path)).toMatchObject({
        status: 429,
        headers: { connection: 'close' },
        json: { errors: [refused] },
      });
    expect(await knock(house)).toMatchObject({ status: 429, json: { errors: [refused] } });
    expect(await exceeded(house)).toEqual({ [limit]: 3 });

    // Who says nothing is cut all the same, and how it is can always be asked.
    const silent = await connectTo(house);
    await once(silent, 'close');
    await until(house, 4);
    expect((await send(house, { path: '/healthz' })).status).toBe(200);

    client.send({ type: 'subscribe', id: '1', payload: request });
    expect(await client.read()).toMatchObject({ type: 'next' });
    idle.destroy();
    while ((await post(house, request)).status !== 200);
  });

  test('none where there is no limit', async () => {
    const house = await openHouse({ limits: { addressConnections: Infinity } });
    await connectTo(house);
    expect((await post(house, { query: '{ hello }' })).status).toBe(200);
  });

  test('none for a proxy that is trusted', async () => {
    const house = await openHouse({ limits: { addressConnections: 0 }, trustedProxies: ['127.0.0.1'] });
    expect((await post(house, { query: '{ hello }' })).status).toBe(200);
  });
});

describe('of a socket', () => {
  test.each<[Limit, Partial<DoorsOptions<Context>>]>([
    ['MAX_ADDRESS_SOCKETS', { quotas: { addressSockets: 0 } }],
    ['MAX_CALLER_SOCKETS', { quotas: { callerSockets: 0 } }],
  ])('%s', async (limit, options) => {
    const house = await openHouse(options);
    const client = await dial(house);
    client.send({ type: 'connection_init' });
    const words =
      /^(LIMIT_EXCEEDED: )?More than 0 WebSockets and event streams .* \(MAX_\w+\): try again later\.$/;
    const { code, reason } = await client.closed;
    expect([code, reason]).toEqual([1013, expect.stringMatching(words)]);
    const { status, json } = await post(house, { query: '{ hello }' }, {}, '/graphql/stream');
    const refused = { message: expect.stringMatching(words), extensions: { code: 'LIMIT_EXCEEDED', limit } };
    expect([status, json]).toEqual([429, { errors: [refused] }]);
    expect(await exceeded(house)).toEqual({ [limit]: 2 });
  });

  test('the longest reason fits into a close frame', () => {
    const most = 1_000_000;
    const quotas = createQuotas({ ...defaultQuotaLimits, addressSockets: most }, () => 0);
    for (let open = 0; open < most; open += 1) quotas.openSocket('here');
    const refusal = quotas.openSocket('here') as LimitError;
    expect(Buffer.byteLength(`LIMIT_EXCEEDED: ${refusal.message}`)).toBeLessThanOrEqual(123);
  });

  test('MAX_SOCKET_OPERATIONS', async () => {
    const house = await openHouse({ limits: { socketOperations: 0 } });
    const limit: Limit = 'MAX_SOCKET_OPERATIONS';
    expect(await ofSocket(house, { query: '{ hello }' })).toMatchObject([
      { message: expect.stringMatching(limit), extensions: { code: 'LIMIT_EXCEEDED', limit } },
    ]);
    expect(await exceeded(house)).toEqual({ [limit]: 1 });
  });

  test('CONNECTION_INIT_TIMEOUT_MS', async () => {
    const house = await openHouse({ limits: { connectionInitWaitMs: 20 } });
    await (
      await dial(house)
    ).closed;
    expect(await exceeded(house)).toEqual({ CONNECTION_INIT_TIMEOUT_MS: 1 });
  });
});

describe('of what arrives', () => {
  test('MAX_BODY_BYTES', async () => {
    const house = await openHouse({ limits: { bodyBytes: 100, messageBytes: 100 } });
    const body = { query: `{ hello } # ${'x'.repeat(100)}` };
    for (const path of ['/graphql', '/graphql/stream']) {
      const { status, json } = await post(house, body, {}, path);
      expect(status).toBe(413);
      expect(json.errors).toEqual([
        {
          message: expect.stringMatching(/larger than 100 bytes.*MAX_BODY_BYTES/),
          extensions: { code: 'LIMIT_EXCEEDED', limit: 'MAX_BODY_BYTES' },
        },
      ]);
    }
    const client = await dial(house);
    client.send(body);
    expect((await client.closed).code).toBe(1009);
    expect(await exceeded(house)).toEqual({ MAX_BODY_BYTES: 3 });
  });

  test('a head', async () => {
    const house = await openHouse();
    const text = await sendRaw(house, `GET /graphql HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 431 .*"code":"LIMIT_EXCEEDED","limit":"headers"/s);
    expect(text).toMatch(/larger than 16384 bytes.*--max-http-header-size/);
    expect(await exceeded(house)).toEqual({ headers: 1 });
  });
});
