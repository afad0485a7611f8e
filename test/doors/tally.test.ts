/** What the doors count: operations, subscriptions and their ends, on each transport, and never by what a caller sent. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { GatewayError } from '../../errors.ts';
import { anybody } from '../../doors/callers.ts';
import type { Callers } from '../../doors/callers.ts';
import { endByCode, statusLabel, subscriptionEnds } from '../../doors/tally.ts';
import { goneOf, refusalOf } from '../../subscriptions/telling.ts';
import { workRequestOf } from '../subscriptions/harness.ts';
import { ask, askStream, greet, knock, open, openHouse, post, send } from './support.ts';
import type { House } from './support.ts';
import { newStatus, openHall, snapshot } from './fanout/support.ts';

/** Those of one metric that are not zero, as they stand in the text. */
async function read(house: House, name: string): Promise<Readonly<Record<string, number>>> {
  const { text } = await send(house, { path: '/metrics' });
  const lines = [...text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))];
  const found = lines.map(([, labels = '', value]) => [labels.replaceAll('"', ''), Number(value)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== 0));
}

/** What a socket has done is seen a moment later. */
async function until(house: House, name: string, expected: Readonly<Record<string, number>>): Promise<void> {
  for (let i = 0; i < 1_500; i += 1) {
    if (JSON.stringify(await read(house, name)) === JSON.stringify(expected)) return;
    await sleep(10);
  }
  expect(await read(house, name)).toEqual(expected);
}

const ended = 'gateway_subscriptions_ended_total';
const watch = 'subscription { watch { type sequence percent } }';

describe('operations', () => {
  test('are counted by transport, type and outcome, the short way of HTTP included', async () => {
    const house = await openHouse();
    for (let i = 0; i < 3; i += 1) await ask(house, '{ hello }');
    await ask(house, 'mutation { bump }');
    await ask(house, '{ fail(kind: "gateway") }');
    for (let i = 0; i < 2; i += 1)
      await ask(house, 'query($kind: String!) { fail(kind: $kind) }', { kind: 'x' });
    await ask(house, '{ nothing }');
    await ask(house, '{');
    await ask(house, 'subscription { ticks }');
    await post(house, [{ query: '{ hello }' }]);
    expect(await read(house, 'gateway_operations_total')).toEqual({
      'transport=http,type=query,outcome=ok': 3,
      'transport=http,type=query,outcome=SERVICE_REQUIRED': 1,
      'transport=http,type=query,outcome=INTERNAL_SERVER_ERROR': 2,
      'transport=http,type=mutation,outcome=ok': 1,
      'transport=http,type=subscription,outcome=BAD_REQUEST': 1,
      'transport=http,type=unknown,outcome=GRAPHQL_VALIDATION_FAILED': 1,
      'transport=http,type=unknown,outcome=GRAPHQL_PARSE_FAILED': 1,
      'transport=http,type=unknown,outcome=BAD_REQUEST': 1,
    });
    expect(await read(house, 'gateway_operation_seconds_count')).toEqual({
      'transport=http,type=query': 6,
      'transport=http,type=mutation': 1,
      'transport=http,type=subscription': 1,
    });
  });

  test('whose context cannot be made count with the code that says why', async () => {
    const house = await openHouse({
      createContext() {
        throw new GatewayError('LIMIT_EXCEEDED', 'Too many.');
      },
    });
    await ask(house, '{ hello }');
    await askStream(house, { query: '{ hello }' });
    expect(await read(house, 'gateway_operations_total')).toEqual({
      'transport=http,type=unknown,outcome=LIMIT_EXCEEDED': 1,
      'transport=sse,type=unknown,outcome=LIMIT_EXCEEDED': 1,
    });
  });

  test('over event streams and WebSockets', async () => {
    const house = await openHouse();
    await askStream(house, { query: '{ hello }' });
    await askStream(house, { query: 'subscription { five }' });
    await askStream(house, { query: 'subscription { refused(kind: "upstream") }' });
    const client = await greet(house);
    for (const query of [
      '{ hello }',
      '{ fail(kind: "gateway") }',
      '{ nothing }',
      'subscription { nothing }',
    ]) {
      client.send({ type: 'subscribe', id: '1', payload: { query } });
      while (!['complete', 'error'].includes((await client.read()).type));
    }
    expect(await read(house, 'gateway_operations_total')).toEqual({
      'transport=sse,type=query,outcome=ok': 1,
      'transport=sse,type=subscription,outcome=ok': 1,
      'transport=sse,type=subscription,outcome=UPSTREAM_UNAVAILABLE': 1,
      'transport=websocket,type=query,outcome=ok': 1,
      'transport=websocket,type=query,outcome=SERVICE_REQUIRED': 1,
      'transport=websocket,type=unknown,outcome=GRAPHQL_VALIDATION_FAILED': 1,
      'transport=websocket,type=subscription,outcome=INTERNAL_SERVER_ERROR': 1,
    });
  });

  test('that a WebSocket has no room for count as refused', async () => {
    const house = await openHouse({ limits: { socketOperations: 1 } });
    const client = await greet(house);
    client.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { ticks }' } });
    await house.streams.until(({ open: count }) => count === 1);
    client.send({ type: 'subscribe', id: '2', payload: { query: 'subscription { ticks }' } });
    await client.read();
    expect(await read(house, 'gateway_operations_total')).toMatchObject({
      'transport=websocket,type=unknown,outcome=LIMIT_EXCEEDED': 1,
    });
  });
});

describe('subscriptions', () => {
  const subscribe = async (hall: Awaited<ReturnType<typeof openHall>>, count = 1) => {
    const client = await greet(hall);
    for (let i = 0; i < count; i += 1)
      client.send({ type: 'subscribe', id: String(i), payload: { query: watch } });
    await hall.untilWatched(hall.writers.size + count);
    return client;
  };
  const openStream = (hall: House) =>
    open(hall, {
      method: 'POST',
      path: '/graphql/stream',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: watch }),
    });
  const finished = newStatus(100);
  const over = { ...finished, type: 'FINISHED' as const, workRequest: workRequestOf({ isTerminal: true }) };
  const known = workRequestOf();

  test('are open from their beginning to their end, whose reason their last event tells', async () => {
    const hall = await openHall();
    const lasts = [over, goneOf(known, 0, 0), refusalOf(known, 0, 0)];
    for (const last of lasts) {
      const client = await subscribe(hall);
      const stream = await openStream(hall);
      await hall.untilWatched(2);
      expect(await read(hall, 'gateway_subscriptions')).toEqual({
        'transport=websocket,form=single': 1,
        'transport=sse,form=single': 1,
      });
      hall.tell(snapshot);
      hall.end(last);
      stream.resume();
      await once(stream, 'end');
      while ((await client.read()).type !== 'complete');
    }
    const each = (transport: string) => `transport=${transport},form=single,reason=`;
    const reason = goneOf(known, 0, 0).gap?.reason.toLowerCase() ?? '';
    await until(hall, ended, {
      [`${each('websocket')}finished`]: 1,
      [`${each('websocket')}${reason}`]: 1,
      [`${each('websocket')}forbidden`]: 1,
      [`${each('sse')}finished`]: 1,
      [`${each('sse')}${reason}`]: 1,
      [`${each('sse')}forbidden`]: 1,
    });
    expect(await read(hall, 'gateway_subscriptions')).toEqual({});
    expect(await read(hall, 'gateway_events_sent_total')).toEqual({
      'transport=websocket': 6,
      'transport=sse': 6,
    });
  });

  test.each([
    ['completed', (client: Awaited<ReturnType<typeof greet>>) => client.send({ type: 'complete', id: '0' })],
    ['disconnected', (client: Awaited<ReturnType<typeof greet>>) => client.socket.close(1000)],
    ['lost', (client: Awaited<ReturnType<typeof greet>>) => client.socket.terminate()],
    ['error', (client: Awaited<ReturnType<typeof greet>>) => client.send('no JSON')],
  ] as const)('over a WebSocket end as %s', async (reason, leave) => {
    const hall = await openHall();
    const client = await subscribe(hall);
    leave(client);
    await until(hall, ended, { [`transport=websocket,form=single,reason=${reason}`]: 1 });
    expect(await read(hall, 'gateway_subscriptions')).toEqual({});
  });

  test.each([
    ['disconnected', (stream: IncomingMessage) => stream.destroy()],
    ['lost', (stream: IncomingMessage) => stream.socket.resetAndDestroy()],
  ] as const)('over an event stream end as %s', async (reason, leave) => {
    const hall = await openHall();
    const stream = await openStream(hall);
    // What came and was not read would make a reset of every end.
    await once(stream, 'data');
    await hall.untilWatched(1);
    leave(stream);
    await until(hall, ended, { [`transport=sse,form=single,reason=${reason}`]: 1 });
  });

  test('that were told too much at once end as overflow, and their neighbours on the socket too', async () => {
    const hall = await openHall({ capacity: 2, textLength: 100_000 });
    const client = await greet(hall);
    client.send({ type: 'subscribe', id: '0', payload: { query: 'subscription { watch { text } }' } });
    client.send({ type: 'subscribe', id: '1', payload: { query: watch } });
    await hall.untilWatched(2);
    const [first] = hall.writers;
    client.socket.pause();
    while (first !== undefined && hall.writers.has(first)) {
      first.push(newStatus(1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.resume();
    await client.closed;
    await until(hall, ended, { 'transport=websocket,form=single,reason=overflow': 2 });
  });

  test('end as error where their feed failed, as shutdown where it ended before its time', async () => {
    const hall = await openHall();
    const client = await subscribe(hall, 2);
    const [one, other] = hall.writers;
    one?.fail(new GatewayError('BAD_USER_INPUT', 'No.'));
    other?.end(snapshot);
    const types = [(await client.read()).type, (await client.read()).type, (await client.read()).type];
    expect(types.sort()).toEqual(['complete', 'error', 'next']);
    expect(await read(hall, ended)).toEqual({
      'transport=websocket,form=single,reason=error': 1,
      'transport=websocket,form=single,reason=shutdown': 1,
    });
  });

  test('end as token_expired with their caller’s token, as shutdown with the gateway', async () => {
    const tasks: (() => void)[] = [];
    const callers: Callers = {
      identify: () => anybody,
      whenOver(_caller, task) {
        tasks.push(task);
        return () => {};
      },
    };
    const hall = await openHall({ callers });
    const client = await subscribe(hall);
    const stream = await openStream(hall);
    await hall.untilWatched(2);
    for (const task of tasks.splice(0)) task();
    await Promise.all([client.closed, once(stream, 'close').catch(() => {})]);
    const expired = {
      'transport=websocket,form=single,reason=token_expired': 1,
      'transport=sse,form=single,reason=token_expired': 1,
    };
    await until(hall, ended, expired);
    const late = await subscribe(hall);
    const lateStream = await openStream(hall);
    await hall.untilWatched(2);
    const registry = hall.doors.registry;
    await Promise.all([hall.doors.stop(), late.closed, once(lateStream, 'close').catch(() => {})]);
    const text = await registry.getSingleMetricAsString(ended);
    for (const transport of ['websocket', 'sse'])
      expect(text).toContain(`${ended}{transport="${transport}",form="single",reason="shutdown"} 1`);
    expect(await registry.getSingleMetricAsString('gateway_ready')).toContain('gateway_ready 0');
  });
});

test('what is open, and what was answered, refused handshakes included', async () => {
  const house = await openHouse();
  await greet(house);
  const stream = await open(house, {
    method: 'POST',
    path: '/graphql/stream',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'subscription { ticks }' }),
  });
  await house.streams.until(({ open: count }) => count === 1);
  await send(house, { path: '/nowhere' });
  await send(house, { headers: { host: 'elsewhere.example.com' } });
  await knock(house, {}, '/nowhere');
  await knock(house, { host: 'elsewhere.example.com' });
  expect([await read(house, 'gateway_websockets'), await read(house, 'gateway_event_streams')]).toEqual([
    { '': 1 },
    { '': 1 },
  ]);
  expect(await read(house, 'gateway_ready')).toEqual({ '': 1 });
  expect((await read(house, 'gateway_connections'))['']).toBeGreaterThanOrEqual(3);
  expect(await read(house, 'gateway_http_answers_total')).toMatchObject({ 'status=404': 2, 'status=403': 2 });
  stream.destroy();
  await until(house, 'gateway_event_streams', {});
});

test('codes and statuses become few words, whatever they are', () => {
  const ends = new Set<string>();
  for (let code = 0; code < 5_000; code += 1) ends.add(endByCode(code));
  expect([...ends].filter((end) => !subscriptionEnds.some((each) => each === end))).toEqual([]);
  const labels = new Set<string>();
  for (let status = -10; status < 2_000; status += 1) labels.add(statusLabel(status));
  expect(labels.size).toBeLessThan(50);
  expect([200, 299, 429, 499, 503, 599, 700, null].map(statusLabel)).toEqual([
    '200',
    '2xx',
    '429',
    '4xx',
    '503',
    '5xx',
    'other',
    'none',
  ]);
});
