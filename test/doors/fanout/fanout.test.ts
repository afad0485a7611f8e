import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-sse';
import { canary, cleanUp, gate, greet, open } from '../support.ts';
import type { RawClient } from '../support.ts';
import { newStatus, openHall, progress, snapshot } from './support.ts';
import type { Hall } from './support.ts';

const query = 'subscription($key: String) { watch(key: $key) { type sequence percent } }';

function subscribe(client: RawClient, id: string, payload: object = { query }): void {
  client.send({ type: 'subscribe', id, payload });
}

/** Event streams as text, as they come. */
async function openStream(hall: Hall, body: object = { query }) {
  const response = await open(hall, {
    method: 'POST',
    path: '/graphql/stream',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(body),
  });
  const chunks = response.setEncoding('utf8')[Symbol.asyncIterator]();
  let text = '';
  const isOver = async (): Promise<boolean> => {
    const { done, value } = await chunks.next();
    text += done === true ? '' : String(value);
    return done === true;
  };
  return {
    response,
    /** The next `event: …` block; null at the end. Comments are left out. */
    async read(): Promise<string | null> {
      for (;;) {
        text = text.replace(/^(:\n\n)+/, '');
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const block = text.slice(0, end);
          text = text.slice(end + 2);
          return block;
        }
        if (await isOver()) return null;
      }
    },
  };
}

const event = (type: string, sequence: number, percent: number) => ({
  data: { watch: { type, sequence, percent } },
});

describe('subscribers of one operation', () => {
  test('are told from one execution, each with its own numbers, over both transports', async () => {
    const hall = await openHall();
    const [one, other] = [await greet(hall), await greet(hall)];
    subscribe(one, 'a');
    subscribe(one, 'b');
    subscribe(other, 'c');
    await hall.untilWatched(3);
    hall.tell(snapshot);
    const stream = await openStream(hall);
    await hall.untilWatched(4);
    hall.tell(newStatus(50));
    for (const sequence of [1, 2]) {
      const payload = sequence === 1 ? event('SNAPSHOT', 1, 0) : event('CHANGED', 2, 50);
      expect(await one.read()).toEqual({ type: 'next', id: 'a', payload });
      expect(await one.read()).toEqual({ type: 'next', id: 'b', payload });
      expect(await other.read()).toEqual({ type: 'next', id: 'c', payload });
    }
    expect(await stream.read()).toBe(`event: next\ndata: ${JSON.stringify(event('CHANGED', 1, 50))}`);
    expect(hall.executed).toEqual([' 0', ' 50']);

    hall.end(newStatus(100));
    expect(await other.read()).toMatchObject({ type: 'next' });
    expect(await other.read()).toEqual({ type: 'complete', id: 'c' });
    expect(await stream.read()).toMatch(/"percent":100/);
    expect(await stream.read()).toBe('event: complete\ndata:');
    expect(await stream.read()).toBeNull();
  });

  test('are apart where document, name or variables are', async () => {
    const hall = await openHall();
    const client = await greet(hall);
    const named = `subscription A { watch(key: "A") { percent } } subscription B { watch(key: "B") { percent } }`;
    const payloads = [
      { query, variables: { key: '1' } },
      { query, variables: { key: '2' } },
      { query: `${query} ` },
      { query: named, operationName: 'A' },
      { query: named, operationName: 'B' },
      { query: named, operationName: 'B', variables: {} },
    ];
    payloads.forEach((payload, index) => subscribe(client, String(index), payload));
    await hall.untilWatched(payloads.length);
    hall.tell(snapshot);
    while (hall.executed.length < 5) await client.read();
    expect([...hall.executed].sort()).toEqual([' 0', '1 0', '2 0', 'A 0', 'B 0']);
  });

  test('go on when the first of them leaves', async () => {
    const hall = await openHall();
    const [first, second] = [await greet(hall), await greet(hall)];
    subscribe(first, '1', { query: 'subscription { watch { sequence late } }' });
    await hall.untilWatched(1);
    subscribe(second, '1', { query: 'subscription { watch { sequence late } }' });
    await hall.untilWatched(2);
    first.socket.terminate();
    await hall.untilWatched(1);
    hall.tell(snapshot);
    expect(await second.read()).toMatchObject({ payload: { data: { watch: { sequence: 1, late: 0 } } } });
  });

  test('get the same errors, with nothing in them that is nobody’s business', async () => {
    const hall = await openHall();
    const client = await greet(hall);
    const payload = { query: 'subscription { watch { s: sequence broken } }' };
    subscribe(client, '1', payload);
    subscribe(client, '2', payload);
    await hall.untilWatched(2);
    hall.tell(snapshot);
    for (const id of ['1', '2']) {
      expect(await client.read()).toEqual({
        type: 'next',
        id,
        payload: {
          errors: [
            {
              message: 'Internal server error',
              locations: [{ line: 1, column: 36 }],
              path: ['watch', 'broken'],
              extensions: { code: 'INTERNAL_SERVER_ERROR' },
            },
          ],
          data: { watch: { s: 1, broken: null } },
        },
      });
    }
    expect(hall.logged.filter((line) => line.includes('"level":50'))).toHaveLength(1);
    expect(hall.logged.join('')).not.toContain(canary);
  });

  test('who comes and goes leaves nothing that the next would be told from', async () => {
    const hall = await openHall();
    for (let round = 1; round <= 2; round += 1) {
      const client = await greet(hall);
      subscribe(client, '1');
      await hall.untilWatched(1);
      hall.tell(snapshot);
      expect(await client.read()).toMatchObject({ payload: event('SNAPSHOT', 1, 0) });
      client.send({ type: 'complete', id: '1' });
      await hall.untilWatched(0);
      expect(hall.executed).toHaveLength(round);
    }
  });
});

test('a subscription that is refused is told so as before', async () => {
  const hall = await openHall();
  const client = await greet(hall);
  subscribe(client, '1', { query: 'subscription { refused { type } }' });
  const errors = [expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })];
  expect(await client.read()).toMatchObject({ type: 'next', id: '1', payload: { errors } });
});

test('a feed that fails is an error of its operation, behind what was told before', async () => {
  const hall = await openHall();
  const client = await greet(hall);
  subscribe(client, '1');
  const stream = await openStream(hall);
  await hall.untilWatched(2);
  hall.tell(snapshot);
  for (const writer of hall.writers) writer.fail(new Error(canary));
  expect(await client.read()).toMatchObject({ type: 'next', payload: event('SNAPSHOT', 1, 0) });
  expect(await client.read()).toEqual({
    type: 'error',
    id: '1',
    payload: [{ message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
  });
  expect(await stream.read()).toMatch(/SNAPSHOT/);
  expect(await stream.read()).toMatch(/INTERNAL_SERVER_ERROR/);
  expect(await stream.read()).toBe('event: complete\ndata:');
});

describe('what waits for its rendering', () => {
  const late = { query: 'subscription { watch { sequence mergedCount late } }' };

  test('is one event; what comes meanwhile folds', async () => {
    const hall = await openHall();
    const { arrived, go } = gate('late');
    const client = await greet(hall);
    subscribe(client, '1', late);
    await hall.untilWatched(1);
    hall.tell(snapshot);
    await arrived.promise;
    for (const percent of [1, 2, 3]) hall.tell(progress(percent));
    go.resolve();
    const told = [(await client.read()).payload, (await client.read()).payload];
    expect(told).toEqual([
      { data: { watch: { sequence: 1, mergedCount: 0, late: 0 } } },
      { data: { watch: { sequence: 2, mergedCount: 2, late: 3 } } },
    ]);
  });

  test('is not sent after the client’s complete, nor to the next of the same id', async () => {
    const hall = await openHall();
    const { arrived, go } = gate('late');
    const client = await greet(hall);
    subscribe(client, '1', late);
    await hall.untilWatched(1);
    hall.tell(snapshot);
    await arrived.promise;
    client.send({ type: 'complete', id: '1' });
    subscribe(client, '1');
    await hall.untilWatched(0);
    await hall.untilWatched(1);
    go.resolve();
    hall.tell(newStatus(5));
    expect(await client.read()).toEqual({ type: 'next', id: '1', payload: event('CHANGED', 1, 5) });
    client.send({ type: 'ping' });
    expect(await client.read()).toEqual({ type: 'pong' });
  });
});

describe('a client that does not read', () => {
  const heavy = { query: 'subscription { watch { type sequence mergedCount percent text } }' };
  const textLength = 4 * 1024 * 1024;

  /** Tells progress until the feed begins to hold it back. */
  async function fill(hall: Hall): Promise<void> {
    for (let percent = 1; ; percent += 1) {
      const before = hall.executed.length;
      hall.tell(newStatus(percent));
      await new Promise((resolve) => setImmediate(resolve));
      if (hall.executed.length === before) return;
    }
  }

  test('is told less often, not less: progress folds, and it gets what it missed in order', async () => {
    const hall = await openHall({ textLength, capacity: 5 });
    const client = await greet(hall);
    subscribe(client, '1', heavy);
    await hall.untilWatched(1);
    hall.tell(snapshot);
    await client.read();
    client.socket.pause();
    await fill(hall);
    const sent = hall.executed.length;
    for (let percent = 0; percent < 1_000; percent += 1) hall.tell(progress(percent));
    expect(hall.executed).toHaveLength(sent);
    client.socket.resume();
    for (let sequence = 2; sequence <= sent; sequence += 1) {
      const { payload } = (await client.read()) as { payload?: { data: { watch: object } } };
      expect(payload?.data.watch).toMatchObject({ sequence, mergedCount: 0 });
    }
    const last = (await client.read()) as { payload?: { data: { watch: object } } };
    expect(last.payload?.data.watch).toMatchObject({
      type: 'CHANGED',
      sequence: sent + 1,
      percent: 999,
      mergedCount: 1_000,
    });
  });

  test('finds GAP OVERFLOW at the end, and its WebSocket closed with 1013', async () => {
    const hall = await openHall({ textLength, capacity: 3 });
    const client = await greet(hall);
    subscribe(client, '1', heavy);
    await hall.untilWatched(1);
    client.socket.pause();
    await fill(hall);
    for (let percent = 0; percent < 3; percent += 1) hall.tell(newStatus(percent));
    await hall.untilWatched(0);
    client.socket.resume();
    const types: string[] = [];
    client.socket.on('message', (data) =>
      types.push(/"(?:type":"|)(SNAPSHOT|CHANGED|GAP|complete)/.exec(String(data))?.[1] ?? '?'),
    );
    const { code, reason } = await client.closed;
    expect(code).toBe(1013);
    expect(reason).toMatch(/subscribe again/i);
    expect(types.at(-1)).toBe('GAP');
    expect(types).not.toContain('complete');
  });

  test('finds GAP OVERFLOW at the end of its event stream, which does not complete', async () => {
    const hall = await openHall({ textLength, capacity: 3 });
    const stream = await openStream(hall, heavy);
    await hall.untilWatched(1);
    await fill(hall);
    for (let percent = 0; percent < 3; percent += 1) hall.tell(newStatus(percent));
    await hall.untilWatched(0);
    let last = '';
    for (;;) {
      const block = await stream.read();
      if (block === null) break;
      last = block;
    }
    expect(last).toMatch(/"GAP"/);
  });

  test('comes again by itself after the end of such a stream', async () => {
    const hall = await openHall({ capacity: 1 });
    const retried = Promise.withResolvers<void>();
    const client = createClient({
      url: `${hall.url}/graphql/stream`,
      retryAttempts: 1,
      retry: async () => retried.resolve(),
    });
    cleanUp(() => client.dispose());
    const { arrived, go } = gate('late');
    void client.iterate({ query: 'subscription { watch { late } }' }).next();
    await hall.untilWatched(1);
    hall.tell(snapshot);
    await arrived.promise;
    hall.tell(newStatus(1));
    hall.tell(newStatus(2));
    await hall.untilWatched(0);
    go.resolve();
    await retried.promise;
    await hall.untilWatched(1);
  });

  test('is cut when it answers no ping, and holds nothing after that', async () => {
    const hall = await openHall({ textLength, limits: { keepAliveMs: 50 } });
    const client = await greet(hall);
    subscribe(client, '1', heavy);
    await hall.untilWatched(1);
    client.socket.pause();
    const closed = once(client.socket, 'close');
    await fill(hall);
    await hall.untilWatched(0);
    client.socket.resume();
    await closed;
  });
});
