import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-sse';
import type { Client } from 'graphql-sse';
import { cleanUp, gate, open, openHouse, post, send } from './support.ts';
import type { House } from './support.ts';

const path = '/graphql/stream';
const ticks = { query: 'subscription { ticks }' };

function createPeer(house: House): Client {
  const client = createClient({ url: `${house.url}${path}`, retryAttempts: 0 });
  cleanUp(() => client.dispose());
  return client;
}

function openStream(house: House, body: unknown) {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  return open(house, { method: 'POST', path, headers, body: JSON.stringify(body) });
}

describe('with the graphql-sse client', () => {
  test('subscriptions, queries and mutations work', async () => {
    const house = await openHouse();
    const client = createPeer(house);
    const collect = async (query: string) => {
      const results = [];
      for await (const { data } of client.iterate({ query })) results.push(data);
      return results;
    };
    expect(await collect('subscription { five }')).toEqual([1, 2, 3, 4, 5].map((five) => ({ five })));
    expect(await collect('{ hello }')).toEqual([{ hello: 'hello world' }]);
    expect(await collect('mutation { bump }')).toEqual([{ bump: 1 }]);
    expect(house.contexts).toMatchObject([
      { transport: 'sse', isSubscription: true, remoteAddress: '127.0.0.1' },
      { isSubscription: false },
      { isSubscription: false },
    ]);
  });

  test('events come as they happen, and an idle unsubscribe frees the iterator', async () => {
    const house = await openHouse();
    const results = createPeer(house).iterate(ticks);
    const first = results.next();
    await house.streams.until(({ open: count }) => count === 1);
    house.streams.push('a');
    expect((await first).value?.data).toEqual({ ticks: 'a' });
    await results.return?.(undefined);
    await house.streams.until(({ open: count }) => count === 0);
    expect(house.contexts[0]?.signal.aborted).toBe(true);
  });

  test('an invalid operation is a result with errors', async () => {
    const house = await openHouse();
    const { value } = await createPeer(house).iterate({ query: '{ nope }' }).next();
    expect(value?.errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
  });

  test('a stop is a lost connection, not an end', async () => {
    const house = await openHouse();
    const next = createPeer(house).iterate(ticks).next();
    await house.streams.until(({ open: count }) => count === 1);
    await Promise.all([house.doors.stop(), expect(next).rejects.toThrow()]);
    expect(house.streams.open).toBe(0);
  });
});

test('the stream is sent at once, as events that proxies do not hold back', async () => {
  const house = await openHouse();
  const response = await openStream(house, { query: 'subscription { five }' });
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  });
  let text = '';
  for await (const chunk of response) text += String(chunk);
  expect(text.startsWith(':\n\nevent: next\ndata: {"data":{"five":1}}\n\n')).toBe(true);
  expect(text.endsWith('event: complete\ndata:\n\n')).toBe(true);
});

test('an open stream has a comment now and then, so that nobody takes it for dead', async () => {
  const house = await openHouse({ limits: { keepAliveMs: 100 } });
  const response = await openStream(house, ticks);
  let text = '';
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length >= 9) break;
  }
  expect(text).toBe(':\n\n:\n\n:\n\n');
  await house.streams.until(({ open: count }) => count === 0);
});

test('a GET with a header that needs a preflight works, a mutation by GET does not', async () => {
  const house = await openHouse();
  const get = (search: string) =>
    send(house, { path: `${path}?${search}`, headers: { 'apollo-require-preflight': '1' } });
  const variables = encodeURIComponent('{"n":4}');
  expect((await get(`query=query($n:Int!){count(n:$n)}&variables=${variables}`)).text).toContain(
    '{"data":{"count":4}}',
  );
  const mutation = await get('query=mutation{bump}');
  expect(mutation.status).toBe(405);
  expect(mutation.headers.allow).toBe('POST');
  for (const search of [
    '',
    'query=',
    'query={hello}&query={hello}',
    'query={hello}&variables={',
    'query={hello}&variables=1',
    'query={hello}&extensions=1',
    'query={hello}&extensions={',
  ]) {
    expect((await get(search)).status).toBe(400);
  }
});

test.each([
  ['{', 400],
  ['', 400],
  ['[]', 400],
  ['null', 400],
  ['{}', 400],
  ['{"query": 1}', 400],
  ['{"query": "{ hello }", "variables": []}', 400],
  ['{"query": "{ hello }", "extensions": []}', 400],
  ['{"query": "{ hello }", "operationName": 1}', 400],
  [JSON.stringify({ query: `{ hello } #${'x'.repeat(1024 * 1024)}` }), 413],
])('a body that is no operation is refused in JSON: %.40s', async (body, status) => {
  const house = await openHouse();
  const answer = await post(house, body, {}, path);
  expect(answer.status).toBe(status);
  expect(answer.json.errors).toHaveLength(1);
});

test('who does not accept events is told so', async () => {
  const house = await openHouse();
  expect((await post(house, ticks, { accept: 'application/json' }, path)).status).toBe(406);
  const accept = 'application/json, text/event-stream;q=0.5';
  expect((await post(house, { query: '{ hello }' }, { accept }, path)).status).toBe(200);
});

test.each(['idle', 'starting', 'running'])(
  'a client that is cut off leaves nothing open: %s',
  async (when) => {
    const house = await openHouse();
    const { arrived, go } = gate(when === 'running' ? 'slow' : 'slowTicks');
    if (when === 'idle') {
      const response = await openStream(house, ticks);
      await house.streams.until(({ open: count }) => count === 1);
      response.destroy();
    } else {
      const query = when === 'running' ? '{ slow }' : 'subscription { slowTicks }';
      void openStream(house, { query }).catch(() => undefined);
      await arrived.promise;
      const { signal } = house.contexts[0] ?? {};
      const aborted = once(signal as AbortSignal, 'abort');
      house.doors.app.server.closeAllConnections();
      await aborted;
      go.resolve();
    }
    await house.streams.until(
      ({ started, open: count }) => count === 0 && started === (when === 'running' ? 0 : 1),
    );
  },
);

test('results are asked for no faster than a slow client reads', async () => {
  const house = await openHouse();
  const response = await openStream(house, { query: 'subscription { big }' });
  let before = -1;
  while (house.streams.started > before) {
    before = house.streams.started;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(house.streams.started).toBeLessThan(200);
  response.destroy();
  await house.streams.until(({ open: count }) => count === 0);
});
