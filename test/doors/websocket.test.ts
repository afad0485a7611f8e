import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { GraphQLObjectType, GraphQLScalarType, GraphQLSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import type { Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { cleanUp, dial, gate, greet, knock, openHouse, sendRaw } from './support.ts';
import type { House, RawClient } from './support.ts';

const ticks = { query: 'subscription { ticks }' };

function createPeer(house: House, options: Partial<Parameters<typeof createClient>[0]> = {}): Client {
  const url = `ws://127.0.0.1:${house.port}/graphql`;
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, ...options });
  cleanUp(() => client.dispose());
  return client;
}

async function subscribe(house: House, client: RawClient, id: string, query = ticks.query): Promise<void> {
  const { started } = house.streams;
  client.send({ type: 'subscribe', id, payload: { query } });
  await house.streams.until((streams) => streams.started > started);
}

describe('with the graphql-ws client', () => {
  test('subscriptions, queries and mutations work on one socket', async () => {
    const house = await openHouse();
    const client = createPeer(house, { connectionParams: { token: 't' } });
    const collect = async (query: string) => {
      const results = [];
      for await (const { data } of client.iterate({ query })) results.push(data);
      return results;
    };
    expect(await collect('subscription { five }')).toEqual([1, 2, 3, 4, 5].map((five) => ({ five })));
    expect(await collect('{ hello }')).toEqual([{ hello: 'hello world' }]);
    expect(await collect('mutation { bump }')).toEqual([{ bump: 1 }]);
    expect(house.contexts).toMatchObject([
      {
        transport: 'websocket',
        isSubscription: true,
        remoteAddress: '127.0.0.1',
        connectionParams: { token: 't' },
      },
      { isSubscription: false },
      { isSubscription: false },
    ]);
  });

  test('events come as they happen, and an idle unsubscribe frees the iterator', async () => {
    const house = await openHouse();
    const results = createPeer(house).iterate(ticks);
    const first = results.next();
    await house.streams.until(({ open }) => open === 1);
    house.streams.push('a');
    expect((await first).value?.data).toEqual({ ticks: 'a' });
    await results.return?.(undefined);
    await house.streams.until(({ open }) => open === 0);
    expect(house.contexts[0]?.signal.aborted).toBe(true);
  });

  test('an invalid operation is an error of that operation, and the socket lives on', async () => {
    const house = await openHouse();
    const client = createPeer(house, { lazy: false });
    const error = await client
      .iterate({ query: '{ nope }' })
      .next()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
    expect((await client.iterate({ query: '{ hello }' }).next()).value?.data).toEqual({
      hello: 'hello world',
    });
  });

  test('a stop is a lost connection that is tried again', async () => {
    const house = await openHouse();
    const closes: unknown[] = [];
    const retried = Promise.withResolvers<void>();
    const client = createPeer(house, {
      retryAttempts: 1,
      retryWait: async () => retried.resolve(),
      on: { closed: (event) => closes.push((event as CloseEvent).code) },
    });
    const next = client.iterate(ticks).next();
    await house.streams.until(({ open }) => open === 1);
    await house.doors.stop();
    await retried.promise;
    expect(closes[0]).toBe(1012);
    expect(house.streams.open).toBe(0);
    await next.catch(() => undefined);
  });
});

describe('the protocol, by hand', () => {
  test('a socket without the subprotocol is closed with 4406', async () => {
    const house = await openHouse();
    const client = await dial(house, {}, []);
    expect(await client.closed).toMatchObject({ code: 4406 });
  });

  test('a handshake with another subprotocol alone gets none', async () => {
    const house = await openHouse();
    const answer = await knock(house, { 'sec-websocket-protocol': 'graphql-ws' });
    expect(answer.headers['sec-websocket-protocol']).toBeUndefined();
  });

  test.each([
    [4401, 'Unauthorized', [{ type: 'subscribe', id: '1', payload: ticks }]],
    [4429, 'Too many initialisation requests', [{ type: 'connection_init' }, { type: 'connection_init' }]],
    [4400, 'Invalid message received', ['nonsense']],
    [4400, 'Invalid message received', [{ type: 'nonsense' }]],
    [
      4400,
      'Invalid message received',
      [{ type: 'connection_init' }, { type: 'subscribe', id: '1', payload: {} }],
    ],
    [4400, 'Invalid message received', [{ type: 'connection_init' }, { type: 'subscribe', payload: ticks }]],
  ])('%i %s: %j', async (code, reason, messages) => {
    const house = await openHouse();
    const client = await dial(house);
    for (const message of messages) client.send(message);
    expect(await client.closed).toEqual({ code, reason });
    expect(house.streams.started).toBe(0);
  });

  test('a ping that nests deeper than its pong could be written is 4400, and nothing to log', async () => {
    const house = await openHouse();
    const client = await greet(house);
    client.send(`{"type":"ping","payload":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`);
    expect(await client.closed).toEqual({ code: 4400, reason: 'Invalid message received' });
    expect(house.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  test('a socket that does not say connection_init in time is closed with 4408', async () => {
    const house = await openHouse({ limits: { connectionInitWaitMs: 20 } });
    const client = await dial(house);
    expect(await client.closed).toEqual({
      code: 4408,
      reason: 'LIMIT_EXCEEDED: no connection_init within 20 ms (CONNECTION_INIT_TIMEOUT_MS)',
    });
  });

  test('an answer that cannot be written is 4500, and logged', async () => {
    const Odd = new GraphQLScalarType({ name: 'Odd', serialize: () => 1n });
    const schema = new GraphQLSchema({
      query: new GraphQLObjectType({ name: 'Query', fields: { odd: { type: Odd, resolve: () => 1 } } }),
    });
    const house = await openHouse({ schema });
    const client = await greet(house);
    client.send({ type: 'subscribe', id: '1', payload: { query: '{ odd }' } });
    expect(await client.closed).toEqual({ code: 4500, reason: 'Internal server error' });
    expect(house.logged.filter((line) => line.includes('"level":50'))).toHaveLength(1);
  });

  test('an id in use is 4409, and everything of the socket is freed', async () => {
    const house = await openHouse();
    const client = await greet(house);
    await subscribe(house, client, '1');
    client.send({ type: 'subscribe', id: '1', payload: ticks });
    expect(await client.closed).toMatchObject({ code: 4409 });
    await house.streams.until(({ open }) => open === 0);
    expect(house.streams.started).toBe(1);
  });

  test('an id may be used again at once after complete, while the first is open, starting, or ending', async () => {
    const house = await openHouse();
    const client = await greet(house);
    await subscribe(house, client, '1');
    client.send({ type: 'complete', id: '1' });
    await subscribe(house, client, '1', 'subscription { other }');
    house.streams.push('a');
    expect(await client.read()).toEqual({ type: 'next', id: '1', payload: { data: { other: 'other a' } } });
    client.send({ type: 'complete', id: '1' });

    const { arrived, go } = gate('slowTicks');
    client.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { slowTicks }' } });
    await arrived.promise;
    client.send({ type: 'complete', id: '1' });
    client.send({ type: 'subscribe', id: '1', payload: ticks });
    client.send({ type: 'ping' });
    await client.read();
    go.resolve();
    await house.streams.until(({ started, open }) => started === 4 && open === 1);
    house.streams.push('b');
    expect(await client.read()).toEqual({ type: 'next', id: '1', payload: { data: { ticks: 'b' } } });
    client.socket.terminate();
    await house.streams.until(({ open }) => open === 0);
  });

  test('a complete overtakes nothing: the operation it names never starts over', async () => {
    const house = await openHouse();
    const client = await greet(house);
    const { arrived, go } = gate('slowTicks');
    client.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { slowTicks }' } });
    await arrived.promise;
    for (const type of ['complete', 'subscribe', 'complete']) {
      client.send({ type, id: '1', ...(type === 'subscribe' && { payload: ticks }) });
    }
    client.send({ type: 'ping' });
    await client.read();
    go.resolve();
    await house.streams.until(({ started, open }) => started === 2 && open === 0);
  });

  test('a query that nobody waits for any more is told so', async () => {
    const house = await openHouse();
    const client = await greet(house);
    const { arrived } = gate('slow');
    client.send({ type: 'subscribe', id: '1', payload: { query: '{ slow }' } });
    await arrived.promise;
    expect(house.contexts[0]?.signal.aborted).toBe(false);
    client.send({ type: 'complete', id: '1' });
    await once(house.contexts[0]?.signal as AbortSignal, 'abort');
  });

  test('pings are answered', async () => {
    const house = await openHouse();
    const client = await greet(house);
    client.send({ type: 'ping', payload: { at: 1 } });
    expect(await client.read()).toEqual({ type: 'pong', payload: { at: 1 } });
  });
});

test('a socket that answers no pings is cut, and what it had open is freed', async () => {
  const house = await openHouse({ limits: { keepAliveMs: 30 } });
  const client = await greet(house, { autoPong: false });
  await subscribe(house, client, '1');
  expect(await client.closed).toMatchObject({ code: 1006 });
  await house.streams.until(({ open }) => open === 0);
});

test('sockets that came together are not all pinged at the same moment', async () => {
  const house = await openHouse({ limits: { keepAliveMs: 300 } });
  const clients = await Promise.all(Array.from({ length: 12 }, () => greet(house)));
  const pings = await Promise.all(clients.map(({ socket }) => once(socket, 'ping')));
  const moments = Map.groupBy(pings.map(String), (number) => number);
  expect([...moments.values()].map(({ length }) => length)).toEqual(Array(6).fill(2));
});

test('a socket that answers pings stays', async () => {
  const house = await openHouse({ limits: { keepAliveMs: 30 } });
  const client = await greet(house);
  for (let pings = 0; pings < 4; pings += 1) await once(client.socket, 'ping');
  expect(client.socket.readyState).toBe(WebSocket.OPEN);
});

test('results are asked for no faster than a slow client reads', async () => {
  const house = await openHouse();
  const client = await greet(house);
  client.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { big }' } });
  await client.read();
  client.socket.pause();
  let before = -1;
  while (house.streams.started > before) {
    before = house.streams.started;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(house.streams.started).toBeLessThan(200);
  client.socket.terminate();
  await house.streams.until(({ open }) => open === 0);
});

test('other paths are 404, and what is no WebSocket handshake is 400', async () => {
  const house = await openHouse();
  for (const path of ['/', '/graphql/stream', '/graphql/', '/graphqlx', '/playground']) {
    expect((await knock(house, {}, path)).status).toBe(404);
  }
  expect((await knock(house, {}, '/graphql?x=1')).status).toBe(101);
  const answer = await knock(house, { 'sec-websocket-key': 'short' });
  expect(answer.status).toBe(400);
  expect(answer.json.errors?.[0]?.extensions).toEqual({ code: 'BAD_REQUEST' });
});

test.each(['8', '013', '13.0', '0x0d', '14', ''])(
  'a handshake of version %j is refused, and told which there is',
  async (version) => {
    const house = await openHouse();
    expect(await knock(house, { 'sec-websocket-version': version })).toMatchObject({
      status: 426,
      headers: { 'sec-websocket-version': '13' },
      json: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
    });
  },
);

test('a handshake by HTTP/1.0 is refused', async () => {
  const head = 'GET /graphql HTTP/1.0\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  expect(await sendRaw(await openHouse(), head + key)).toContain('HTTP/1.1 426');
});

test('a client that is gone before its handshake is answered breaks nothing', async () => {
  const house = await openHouse();
  const lines = ['GET /nowhere HTTP/1.1', `Host: 127.0.0.1:${house.port}`, 'Connection: Upgrade'];
  for (let turn = 0; turn < 20; turn += 1) {
    const socket = connect(house.port, '127.0.0.1');
    await once(socket, 'connect');
    await new Promise((resolve) =>
      socket.write(`${lines.join('\r\n')}\r\nUpgrade: websocket\r\n\r\n`, resolve),
    );
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  expect((await knock(house)).status).toBe(101);
});
