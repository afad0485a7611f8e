/** Limits by caller and address: alike over every door, and everything that was taken is given back. */
import { describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { anybody } from '../../doors/callers.ts';
import type { Callers } from '../../doors/callers.ts';
import { createQuotas, defaultQuotaLimits, holdRoom } from '../../doors/quotas.ts';
import type { QuotaLimits } from '../../doors/quotas.ts';
import { BusyError, GatewayError } from '../../errors.ts';
import { ask, askStream, cleanUp, dial, greet, open, openHouse, post, send, sendRaw } from './support.ts';
import type { House, RawClient } from './support.ts';

const ticks = 'subscription { ticks }';

/** Whoever says a name is that one. */
const named: Callers = {
  identify: (authorization) => ({ ...anybody, subject: String(authorization) }),
  whenOver: () => () => {},
};
const as = (name: string) => ({ headers: { authorization: name } });

const openStream = (house: House, name = 'ann', query = ticks) =>
  open(house, {
    method: 'POST',
    path: '/graphql/stream',
    headers: { 'content-type': 'application/json', authorization: name },
    body: JSON.stringify({ query }),
  });

/** The error that the operation gets. */
const refusalOf = async (client: RawClient, id: string, query = ticks) => {
  client.send({ type: 'subscribe', id, payload: { query } });
  const message = (await client.read()) as { type: string; id: string; payload: unknown };
  expect(message).toMatchObject({ type: 'error', id });
  return (message.payload as { message: string; extensions: object }[])[0];
};

const exceeded = { extensions: { code: 'LIMIT_EXCEEDED' } };

describe('sockets', () => {
  test.each([
    ['of one address', { addressSockets: 2 }, /from this address/],
    ['of one caller', { callerSockets: 2 }, /of this caller/],
  ])('%s are so many, and there is room again when one is closed', async (_whose, quotas, words) => {
    const house = await openHouse({ quotas, callers: named });
    const first = await greet(house, as('ann'));
    const stream = await openStream(house);
    await house.streams.until(({ open }) => open === 1);

    const third = await dial(house, as('ann'));
    third.send({ type: 'connection_init' });
    const { code, reason } = await third.closed;
    expect(code).toBe(1013);
    expect(reason).toMatch(words);
    const refused = await openStream(house);
    expect(refused.statusCode).toBe(429);

    stream.destroy();
    await house.streams.until(({ open }) => open === 0);
    await greetInTime(house);
    first.socket.close();
    await first.closed;
    await greetInTime(house);
    expect((await dialAndGreet(house)).code).toBe(1013);
  });

  test('of others are none of its business', async () => {
    const house = await openHouse({ quotas: { callerSockets: 1 }, callers: named });
    for (const name of ['ann', 'bob']) await greet(house, as(name));
    expect((await ask(house, '{ hello }')).status).toBe(200);
  });

  test('that are turned away are taken for a reason to come again by clients, and cut if they stay', async () => {
    const house = await openHouse({ quotas: { addressSockets: 1 } });
    const first = await greet(house);
    const client = createClient({
      url: `ws://127.0.0.1:${house.port}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 1,
      retryWait: async () => {
        first.socket.close();
        await first.closed;
      },
    });
    cleanUp(() => client.dispose());
    const results = client.iterate({ query: '{ hello }' });
    expect((await results.next()).value).toEqual({ data: { hello: 'hello world' } });
    await client.dispose();
  });

  test('that are turned away and stay are cut', async () => {
    const house = await openHouse({ quotas: { addressSockets: 0 } });
    // Answers no close frame.
    const lines = [
      'GET /graphql HTTP/1.1',
      `Host: 127.0.0.1:${house.port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: graphql-transport-ws',
    ];
    const text = await sendRaw(house, `${lines.join('\r\n')}\r\n\r\n`);
    expect(text).toContain('LIMIT_EXCEEDED: More than 0 WebSockets');
  });

  async function dialAndGreet(house: House) {
    const client = await dial(house, as('ann'));
    client.send({ type: 'connection_init' });
    return Promise.race([client.closed, client.read().then(() => ({ code: 0 }))]);
  }

  /** The server hears of a closed connection a little later. */
  async function greetInTime(house: House): Promise<void> {
    while ((await dialAndGreet(house)).code !== 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

describe('subscriptions', () => {
  test('of one caller are so many, over all its sockets and streams; what else it has open lives on', async () => {
    const house = await openHouse({ quotas: { callerSubscriptions: 2 }, callers: named });
    const first = await greet(house, as('ann'));
    first.send({ type: 'subscribe', id: 'a', payload: { query: ticks } });
    const stream = await openStream(house);
    await house.streams.until(({ open }) => open === 2);

    const second = await greet(house, as('ann'));
    expect(await refusalOf(second, 'b')).toMatchObject({
      message: expect.stringMatching(/2 subscriptions and waits open.*MAX_CALLER_SUBSCRIPTIONS/),
      ...exceeded,
    });
    const [event] = await askStreamAs(house, 'ann', { query: ticks });
    expect(event).toMatchObject({ errors: [exceeded] });
    second.send({ type: 'subscribe', id: 'q', payload: { query: '{ hello }' } });
    expect(await second.read()).toMatchObject({ type: 'next', id: 'q' });
    expect(await second.read()).toMatchObject({ type: 'complete', id: 'q' });
    house.streams.push('still here');
    expect(await first.read()).toMatchObject({ id: 'a', payload: { data: { ticks: 'still here' } } });

    const bob = await greet(house, as('bob'));
    bob.send({ type: 'subscribe', id: 'a', payload: { query: ticks } });
    await house.streams.until(({ open }) => open === 3);

    first.send({ type: 'complete', id: 'a' });
    await house.streams.until(({ open }) => open === 2);
    second.send({ type: 'subscribe', id: 'c', payload: { query: ticks } });
    await house.streams.until(({ open }) => open === 3);
    second.socket.terminate();
    stream.destroy();
    await house.streams.until(({ open }) => open === 1);
  });

  test('of one socket are so many', async () => {
    const house = await openHouse({ limits: { socketOperations: 1 } });
    const client = await greet(house);
    client.send({ type: 'subscribe', id: 'a', payload: { query: ticks } });
    await house.streams.until(({ open }) => open === 1);
    expect(await refusalOf(client, 'b')).toMatchObject({
      message: expect.stringMatching(/MAX_SOCKET_OPERATIONS/),
      ...exceeded,
    });
  });

  test('without tokens are those of one address', async () => {
    const house = await openHouse({ quotas: { callerSubscriptions: 1 } });
    await openStream(house);
    await house.streams.until(({ open }) => open === 1);
    expect(await refusalOf(await greet(house), 'b')).toMatchObject(exceeded);
  });
});

describe('memory', () => {
  test('is that of all sockets of a caller, and a document that is open already takes none', async () => {
    const house = await openHouse({ quotas: { callerOperationsBytes: 20_000 } });
    const clients = await Promise.all([greet(house), greet(house), greet(house)]);
    for (const client of clients) {
      client.send({ type: 'subscribe', id: 'a', payload: { query: 'subscription { ticks }' } });
    }
    await house.streams.until(({ open }) => open === 3);
    const [first] = clients;
    if (first === undefined) throw new Error('nobody is there');
    const fields = Array.from({ length: 20 }, (_, at) => `a${at}: hello`).join(' ');
    expect(await refusalOf(first, 'c', `{ ${fields} }`)).toMatchObject({
      message: expect.stringMatching(/too large together/),
      ...exceeded,
    });
    const [event] = await askStream(house, { query: `{ ${fields} }` });
    expect(event).toMatchObject({ errors: [exceeded] });
    for (const client of clients) client.socket.terminate();
    await house.streams.until(({ open }) => open === 0);
    const again = await greet(house);
    again.send({ type: 'subscribe', id: 'c', payload: { query: '{ a: hello b: hello }' } });
    expect(await again.read()).toMatchObject({ type: 'next' });
  });
});

describe('requests', () => {
  test('of one caller are so many a second, on all doors together', async () => {
    // Nothing comes back within the time of a test.
    const house = await openHouse({ quotas: { callerRps: 1 }, callers: named });
    const headers = { authorization: 'ann' };
    const client = await greet(house, as('ann'));
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await post(house, { query: '{ hello }' }, headers)).status).toBe(200);
    }
    const refused = await post(house, { query: '{ hello }' }, headers);
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      json: { errors: [{ extensions: { code: 'LIMIT_EXCEEDED', isRetryable: true } }] },
    });
    expect((await openStream(house, 'ann', '{ hello }')).statusCode).toBe(429);
    expect(await refusalOf(client, 'a', '{ hello }')).toMatchObject({
      message: expect.stringMatching(/MAX_CALLER_RPS.*try again in \d+ ms/),
      extensions: { code: 'LIMIT_EXCEEDED', isRetryable: true, retryAfterMs: expect.any(Number) },
    });
    expect((await post(house, { query: '{ hello }' }, { authorization: 'bob' })).status).toBe(200);
    client.send({ type: 'ping' });
    expect(await client.read()).toEqual({ type: 'pong' });
  });

  test('that are known, and take the short way, count as well', async () => {
    const house = await openHouse({ quotas: { callerRps: 5 } });
    const statuses: number[] = [];
    for (let turn = 0; turn < 14; turn += 1) statuses.push((await ask(house, '{ hello }')).status);
    expect(statuses.slice(0, 10)).toEqual(Array<number>(10).fill(200));
    expect(statuses).toContain(429);
  });

  test('come back with time', () => {
    let time = 0;
    const quotas = createQuotas({ ...defaultQuotaLimits, callerRps: 10 }, () => time);
    const takeAll = (): number => {
      for (let taken = 0; ; taken += 1) if (quotas.takeTurn('ann') !== null) return taken;
    };
    expect(takeAll()).toBe(20);
    expect(quotas.takeTurn('ann')).toMatchObject({ retryAfterMs: 100 });
    time += 99;
    expect(quotas.takeTurn('ann')).toBeInstanceOf(BusyError);
    time += 1;
    expect(takeAll()).toBe(1);
    time += 1_000;
    expect(takeAll()).toBe(10);
    time += 100_000;
    expect(takeAll()).toBe(20);
  });

  test('without a limit are not counted', () => {
    const quotas = createQuotas(defaultQuotaLimits, () => {
      throw new Error('the time was asked for');
    });
    for (let turn = 0; turn < 1_000; turn += 1) expect(quotas.takeTurn('ann')).toBeNull();
  });
});

describe('what is counted', () => {
  const small = { ...defaultQuotaLimits, callerSubscriptions: 1, callerSockets: 1, addressSockets: 1 };
  const document = { tokenCount: 10 };

  test('is given back once, however often it is released', () => {
    const quotas = createQuotas(small, () => 0);
    const first = quotas.begin('ann', 10);
    expect(first.take(document, true)).toBeNull();
    first.release();
    const second = quotas.begin('ann', 10);
    expect(second.take(document, true)).toBeNull();
    first.release();
    expect(quotas.begin('ann', 10).take(document, true)).toBeInstanceOf(GatewayError);
    second.release();
    expect(quotas.begin('ann', 10).take(document, true)).toBeNull();
  });

  test('is nothing for who has left before it began', () => {
    const quotas = createQuotas(small, () => 0);
    const left = quotas.begin('ann', 10);
    left.release();
    expect(left.take(document, true)).toBeNull();
    expect(quotas.begin('ann', 10).take(document, true)).toBeNull();
  });

  test('is nothing of what was refused', () => {
    const quotas = createQuotas({ ...small, callerOperationsBytes: 6_000 }, () => 0);
    const refused = quotas.begin('ann', 10);
    expect(refused.take({ tokenCount: 100 }, true)).toBeInstanceOf(GatewayError);
    refused.release();
    expect(quotas.begin('ann', 10).take(document, true)).toBeNull();
  });
});

async function askStreamAs(house: House, name: string, body: unknown) {
  const { text } = await post(
    house,
    body,
    { accept: 'text/event-stream', authorization: name },
    '/graphql/stream',
  );
  return [...text.matchAll(/event: next\ndata: (.*)\n\n/g)].map(([, data]) => JSON.parse(data ?? ''));
}

describe('an account', () => {
  const limits = (more: Partial<QuotaLimits>) => createQuotas({ ...defaultQuotaLimits, ...more }, () => 0);

  test('counts each document once, as long as anything of it is open', () => {
    const quotas = limits({ callerOperationsBytes: 12_000 });
    const [a, b, c] = [{ tokenCount: 10 }, { tokenCount: 10 }, { tokenCount: 10 }];
    const fits = (document: object): boolean => {
      const share = quotas.begin('ann', 0);
      const refusal = share.take(document, false);
      share.release();
      return refusal === null;
    };
    const whole = quotas.begin('ann', 0);
    const take = (document: object) => {
      const share = quotas.begin('ann', 0);
      expect(share.take(document, true)).toBeNull();
      return share;
    };
    for (let times = 0; times < 2; times += 1) {
      const [first, second, other] = [take(a), take(a), take(b)];
      expect([fits(a), fits(c)]).toEqual([true, false]);
      first.release();
      expect(fits(c)).toBe(false);
      second.release();
      expect(fits(c)).toBe(true);
      other.release();
    }
    whole.release();
  });

  test('counts what was asked with it, to the byte', () => {
    const quotas = limits({ callerOperationsBytes: 122 });
    const [first, second] = [quotas.begin('ann', 60), quotas.begin('ann', 60)];
    expect(first.take({}, false)).toBeNull();
    const third = quotas.begin('ann', 0);
    expect(third.take({}, false)).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    second.release();
    expect(third.take({}, false)).toBeNull();
  });

  test('is not forgotten as long as it has a socket, or an operation', () => {
    const quotas = limits({ callerSockets: 1, callerSubscriptions: 1 });
    const close = quotas.openCallerSocket('ann');
    quotas.begin('ann', 10).release();
    expect(quotas.openCallerSocket('ann')).toBeInstanceOf(GatewayError);
    const share = quotas.begin('ann', 10);
    share.take({}, true);
    if (typeof close === 'function') close();
    expect(quotas.begin('ann', 10).take({}, true)).toBeInstanceOf(GatewayError);
    expect(quotas.openCallerSocket('ann')).toBeInstanceOf(Function);
  });

  test('is given back once what it gave, also while it has more', () => {
    const quotas = limits({ callerSubscriptions: 1 });
    const [first, second] = [quotas.begin('ann', 10), quotas.begin('ann', 10)];
    expect(first.take({}, true)).toBeNull();
    first.release();
    first.release();
    expect(second.take({}, true)).toBeNull();
    expect(quotas.begin('ann', 10).take({}, true)).toBeInstanceOf(GatewayError);
  });

  test('has nothing of who has left before it began, also beside others', () => {
    const quotas = limits({ callerSubscriptions: 1 });
    quotas.begin('ann', 10);
    const left = quotas.begin('ann', 10);
    left.release();
    expect(left.take({}, true)).toBeNull();
    expect(quotas.begin('ann', 10).take({}, true)).toBeNull();
  });

  test('has room for waits as for subscriptions, and nothing of those that found none', () => {
    const quotas = limits({ callerSubscriptions: 1, callerOperationsBytes: 20 });
    for (let times = 0; times < 2; times += 1) {
      const room = holdRoom(quotas, 'ann');
      for (let turn = 0; turn < 50; turn += 1) expect(holdRoom(quotas, 'ann')).toBeInstanceOf(GatewayError);
      if (typeof room === 'function') room();
    }
    expect(holdRoom(quotas, 'ann')).toBeInstanceOf(Function);
  });
});

test('an address has room again when one of its sockets is closed, whatever others have open', () => {
  const quotas = createQuotas({ ...defaultQuotaLimits, addressSockets: 2 }, () => 0);
  const [first] = [quotas.openSocket('a'), quotas.openSocket('a')];
  expect(quotas.openSocket('a')).toBeInstanceOf(GatewayError);
  expect(quotas.openSocket('b')).toBeInstanceOf(Function);
  if (typeof first === 'function') first();
  expect(quotas.openSocket('a')).toBeInstanceOf(Function);
  expect(quotas.openSocket('a')).toBeInstanceOf(GatewayError);
});

test('a caller that leaves while its token is checked takes no room', async () => {
  const checks: (() => void)[] = [];
  const slow: Callers = {
    identify: () => new Promise((resolve) => checks.push(() => resolve({ ...anybody, subject: 'ann' }))),
    whenOver: () => () => {},
  };
  const house = await openHouse({ quotas: { callerSockets: 1 }, callers: slow });
  const begin = async () => {
    const [client, before] = [await dial(house), checks.length];
    client.send({ type: 'connection_init' });
    while (checks.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    return client;
  };
  const left = await begin();
  left.socket.terminate();
  while (!(await metricsOf(house)).includes('\ngateway_websockets 0\n'));
  checks[0]?.();
  const next = await begin();
  checks[1]?.();
  expect(await Promise.race([next.read(), next.closed])).toEqual({ type: 'connection_ack' });
});

test('an event stream that ends gives back what it took, also where it was refused', async () => {
  const house = await openHouse({ quotas: { callerSubscriptions: 1 }, callers: named });
  const body = { query: ticks };
  for (let times = 0; times < 3; times += 1) {
    const stream = await openStream(house);
    await house.streams.until(({ open }) => open === 1);
    expect(await askStreamAs(house, 'ann', body)).toMatchObject([{ errors: [exceeded] }]);
    stream.destroy();
    await house.streams.until(({ open }) => open === 0);
  }
});

const metricsOf = async (house: House): Promise<string> => (await send(house, { path: '/metrics' })).text;
