/** Who may come in, on every door alike: nobody else has a document read, and whoever's time is over leaves. */
import { describe, expect, test } from '@jest/globals';
import type { Caller, Callers } from '../../doors/callers.ts';
import { GatewayError } from '../../errors.ts';
import { canary, dial, open, openHouse, post, send } from './support.ts';
import type { House } from './support.ts';

const somebody: Caller = { subject: 'somebody', claims: {}, expiresAt: 1 };

/** `Bearer good` is somebody; others find that out at once or later. */
const createCallers = (): Callers & { end(): void; readonly staying: () => number } => {
  const staying = new Set<() => void>();
  return {
    identify(authorization) {
      if (authorization === 'Bearer good') return somebody;
      if (authorization === 'Bearer late') return Promise.resolve(somebody);
      if (authorization === 'Bearer bug') return Promise.reject(new Error(canary));
      if (authorization === 'Bearer outage')
        return Promise.reject(new GatewayError('UPSTREAM_UNAVAILABLE', 'The keys cannot be had.'));
      const refusal = new GatewayError('UNAUTHENTICATED', 'Say who you are.');
      if (authorization === `Bearer ${canary}`) return Promise.reject(refusal);
      throw refusal;
    },
    whenOver(_caller, task) {
      staying.add(task);
      return () => staying.delete(task);
    },
    end: () => staying.forEach((task) => task()),
    staying: () => staying.size,
  };
};

const openGuarded = async (): Promise<House & { readonly callers: ReturnType<typeof createCallers> }> => {
  const callers = createCallers();
  return { ...(await openHouse({ callers })), callers };
};

const asked = { accept: 'text/event-stream' };
const doors = [
  ['POST /graphql', '/graphql', {}],
  ['POST /graphql/stream', '/graphql/stream', asked],
] as const;

describe.each(doors)('%s', (_what, path, headers) => {
  test.each(['Bearer good', 'Bearer late', 'Bearer good'])('lets in %s', async (authorization) => {
    const house = await openGuarded();
    for (let time = 0; time < 3; time += 1) {
      const { status, text } = await post(house, { query: '{ hello }' }, { ...headers, authorization }, path);
      expect(status).toBe(200);
      expect(text).toContain('"hello":');
      expect(house.contexts.at(-1)?.caller).toBe(somebody);
    }
  });

  test.each([
    ['nobody', {}, { query: '{ hello }' }],
    ['a wrong token', { authorization: `Bearer ${canary}` }, { query: '{ hello }' }],
    ['nobody with a document that is none', {}, { query: '{ helo' }],
    ['nobody who tries names', {}, { query: '{ helo }' }],
    ['nobody with a body that is none', {}, '{'],
    ['nobody with more than may be', {}, `"${'x'.repeat(2 * 1024 * 1024)}"`],
    ['nobody who asks for the schema', {}, { query: '{ __schema { types { name } } }' }],
  ])('refuses %s before anything is read', async (_who, more, body) => {
    const house = await openGuarded();
    const answer = await post(house, body, { ...headers, ...more }, path);
    expect(answer).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
      json: { errors: [{ message: 'Say who you are.', extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    expect(house.contexts).toEqual([]);
    expect(house.logged.join('')).not.toContain(canary);
  });

  test('says so while nobody can be told from nobody, and when it fails itself', async () => {
    const house = await openGuarded();
    const body = { query: '{ hello }' };
    expect(await post(house, body, { ...headers, authorization: 'Bearer outage' }, path)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '30' },
      json: { errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }] },
    });
    const failed = await post(house, body, { ...headers, authorization: 'Bearer bug' }, path);
    expect(failed).toMatchObject({ status: 500 });
    expect(failed.text).not.toContain(canary);
  });

  test('refuses a GET, too', async () => {
    const house = await openGuarded();
    const get = {
      path: `${path}?query=%7Bhello%7D`,
      headers: { ...headers, 'apollo-require-preflight': '1' },
    };
    expect((await send(house, get)).status).toBe(401);
    expect(
      (await send(house, { ...get, headers: { ...get.headers, authorization: 'Bearer good' } })).status,
    ).toBe(200);
  });
});

test('an event stream ends without `complete` when its token does', async () => {
  const house = await openGuarded();
  const response = await open(house, {
    method: 'POST',
    path: '/graphql/stream',
    headers: { 'content-type': 'application/json', authorization: 'Bearer good', ...asked },
    body: JSON.stringify({ query: 'subscription { ticks }' }),
  });
  await house.streams.until(({ open: count }) => count === 1);
  let text = '';
  const ended = new Promise((resolve) => response.once('close', resolve));
  response.on('data', (chunk) => (text += String(chunk))).on('error', () => undefined);
  house.callers.end();
  await ended;
  expect(text).not.toContain('complete');
  await house.streams.until(({ open: count }) => count === 0);
  expect(house.callers.staying()).toBe(0);
});

describe('a WebSocket', () => {
  const init = (payload?: object): object => ({ type: 'connection_init', ...(payload && { payload }) });
  const ask = { type: 'subscribe', id: '1', payload: { query: '{ hello }' } };

  test.each([
    ['in connection_init', {}, { authorization: 'Bearer good' }],
    ['in connection_init, with a capital', {}, { Authorization: 'Bearer late' }],
    ['in the handshake', { authorization: 'Bearer good' }, undefined],
    ['in both, of which the first counts', { authorization: 'Bearer x' }, { authorization: 'Bearer good' }],
  ])('lets in a token %s', async (_where, headers, payload) => {
    const house = await openGuarded();
    const client = await dial(house, { headers });
    client.send(init(payload));
    expect(await client.read()).toMatchObject({ type: 'connection_ack' });
    client.send(ask);
    expect(await client.read()).toMatchObject({
      type: 'next',
      payload: { data: { hello: expect.anything() } },
    });
    expect(house.contexts.at(-1)?.caller).toBe(somebody);
    client.socket.close();
    await client.closed;
    expect(house.callers.staying()).toBe(0);
  });

  test.each([
    [undefined, 4403, 'Say who you are.'],
    [{ authorization: `Bearer ${canary}` }, 4403, 'Say who you are.'],
    [{ authorization: ['Bearer good'] }, 4403, 'Say who you are.'],
    [{ authorization: 'Bearer outage' }, 1013, 'Tokens cannot be checked now: try again'],
    [{ authorization: 'Bearer bug' }, 4500, 'Internal server error'],
  ])('refuses %j with %d', async (payload, code, reason) => {
    const house = await openGuarded();
    const client = await dial(house);
    client.send(init(payload));
    expect(await client.closed).toEqual({ code, reason });
    expect(house.contexts).toEqual([]);
    expect(house.logged.join('')).not.toContain(canary);
    expect(house.logged.filter((line) => line.includes('"level":50'))).toHaveLength(code === 4500 ? 1 : 0);
  });

  test('refuses what comes before connection_init', async () => {
    const client = await dial(await openGuarded());
    client.send(ask);
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  test('is closed with 4403 when its token ends, and what it had open with it', async () => {
    const house = await openGuarded();
    const client = await dial(house);
    client.send(init({ authorization: 'Bearer good' }));
    await client.read();
    client.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { ticks }' } });
    await house.streams.until(({ open: count }) => count === 1);
    house.callers.end();
    expect(await client.closed).toEqual({
      code: 4403,
      reason: 'The token has expired: come again with a new one',
    });
    await house.streams.until(({ open: count }) => count === 0);
  });
});

test('health is for everybody', async () => {
  const house = await openGuarded();
  expect((await send(house, { path: '/healthz' })).status).toBe(200);
  expect((await send(house, { path: '/readyz' })).status).toBe(200);
});
