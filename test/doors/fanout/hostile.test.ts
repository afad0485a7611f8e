/** Clients that mean no good, or are no good, on sockets that carry feeds: bounded memory, a clean end, nothing left open. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { cleanUp, gate, greet, open } from '../support.ts';
import type { House } from '../support.ts';
import { newStatus, openHall, snapshot } from './support.ts';

const query = 'subscription { watch { sequence } }';

/** The server's ends of the connections that come from now on. */
function watchSockets({ doors }: House): readonly Socket[] {
  const sockets: Socket[] = [];
  doors.app.server.on('connection', (socket: Socket) => sockets.push(socket));
  return sockets;
}

/** Resolves when it says the same for a while. */
async function untilStill(read: () => number): Promise<void> {
  for (let before = -1; read() !== before;) {
    before = read();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('10,000 subscriptions on one socket are served, the next is refused, and all are freed with the socket', async () => {
  const hall = await openHall();
  const client = await greet(hall);
  const count = 10_000;
  for (let id = 0; id < count; id += 1) client.send({ type: 'subscribe', id: `${id}`, payload: { query } });
  await hall.untilWatched(count);
  hall.tell(snapshot);
  for (let id = 0; id < count; id += 1) {
    expect(await client.read()).toMatchObject({
      type: 'next',
      payload: { data: { watch: { sequence: 1 } } },
    });
  }
  expect(hall.executed).toHaveLength(1);
  client.send({ type: 'subscribe', id: 'one more', payload: { query } });
  expect(await client.read()).toMatchObject({
    type: 'error',
    id: 'one more',
    payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
  });
  client.send({ type: 'complete', id: '0' });
  await hall.untilWatched(count - 1);
  client.send({ type: 'ping' });
  expect(await client.read()).toEqual({ type: 'pong' });
  client.send({ type: 'subscribe', id: 'one more', payload: { query } });
  await hall.untilWatched(count);
  client.socket.terminate();
  await hall.untilWatched(0);
});

test('what the operations of one socket take together is bounded, and there is room again where some are completed', async () => {
  const hall = await openHall({ quotas: { callerOperationsBytes: 200_000 } });
  const client = await greet(hall);
  const subscribe = (id: string, aliases: number): void => {
    const fields = Array.from({ length: aliases }, (_, index) => `a${index}: sequence`).join(' ');
    client.send({ type: 'subscribe', id, payload: { query: `subscription { watch { ${fields} } }` } });
  };
  subscribe('1', 100);
  await hall.untilWatched(1);
  for (const id of ['2', 'x'.repeat(190_000)]) {
    subscribe(id, 50);
    expect(await client.read()).toMatchObject({
      type: 'error',
      id,
      payload: [
        { message: expect.stringMatching(/too large together/), extensions: { code: 'LIMIT_EXCEEDED' } },
      ],
    });
  }
  client.send({ type: 'complete', id: '1' });
  await hall.untilWatched(0);
  subscribe('2', 50);
  await hall.untilWatched(1);
});

test.each(['WebSocket', 'SSE'])(
  'variables that no operation declares are neither read nor kept, however deep they nest: %s',
  async (door) => {
    const hall = await openHall();
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const document = 'subscription($key: String) { watch(key: $key) { sequence } }';
    const payload = (key: string): string =>
      `{"query":${JSON.stringify(document)},"variables":{"key":"${key}","other":${deep}}}`;
    const client = await greet(hall);
    client.send({ type: 'subscribe', id: 'a', payload: { query: document, variables: { key: 'k' } } });
    await hall.untilWatched(1);
    let leave = (): void => client.send({ type: 'complete', id: 'b' });
    if (door === 'WebSocket') client.send(`{"type":"subscribe","id":"b","payload":${payload('k')}}`);
    else {
      const headers = { 'content-type': 'application/json' };
      const stream = await open(hall, {
        method: 'POST',
        path: '/graphql/stream',
        headers,
        body: payload('k'),
      });
      leave = () => stream.destroy();
    }
    await hall.untilWatched(2);
    hall.tell(snapshot);
    expect(await client.read()).toMatchObject({ id: 'a', payload: { data: { watch: { sequence: 1 } } } });
    if (door === 'WebSocket') expect(await client.read()).toMatchObject({ id: 'b', type: 'next' });
    // The same operation, whatever else was sent with it.
    expect(hall.executed).toHaveLength(1);
    leave();
    await hall.untilWatched(1);
  },
);

test('who asks and does not read is not listened to, and is answered when it reads', async () => {
  const unreadBytes = 64 * 1024;
  const hall = await openHall({ limits: { unreadBytes } });
  const sockets = watchSockets(hall);
  const client = await greet(hall);
  const server = sockets[0] as Socket;
  let pongs = 0;
  client.socket.on('message', () => (pongs += 1));
  client.socket.pause();
  const [count, text] = [2_000, 'x'.repeat(16 * 1024)];
  for (let index = 0; index < count; index += 1) client.send({ type: 'ping', payload: { text } });
  await untilStill(() => server.bytesRead);
  expect(server.bytesRead).toBeLessThan(count * text.length);
  // One chunk that was read already may be answered whole.
  expect(server.writableLength).toBeLessThan(4 * unreadBytes);
  client.socket.resume();
  await untilStill(() => pongs);
  expect(pongs).toBe(count);
});

test('messages for an id that is still ending are held, but not without end', async () => {
  const hall = await openHall();
  const sockets = watchSockets(hall);
  const { arrived, go } = gate('late');
  const client = await greet(hall);
  const server = sockets[0] as Socket;
  client.send({ type: 'subscribe', id: '1', payload: { query: '{ waits }' } });
  await arrived.promise;
  const messages = 50_000;
  client.send({ type: 'complete', id: '1' });
  const padding = 'x'.repeat(200);
  for (let index = 0; index < messages; index += 1) client.send({ type: 'complete', id: '1', padding });
  client.send({ type: 'ping' });
  await untilStill(() => server.bytesRead);
  expect(server.bytesRead).toBeLessThan(messages * padding.length);
  go.resolve();
  expect(await client.read()).toEqual({ type: 'pong' });
});

test('pongs that nobody asked for do not keep a socket alive that is not read', async () => {
  const hall = await openHall({ limits: { keepAliveMs: 40 }, textLength: 8 * 1024 * 1024 });
  const client = await greet(hall, { autoPong: false });
  client.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { watch { text } }' } });
  await hall.untilWatched(1);
  client.socket.pause();
  hall.tell(snapshot);
  const pongs = setInterval(() => client.socket.pong('me'), 5);
  await hall.untilWatched(0);
  clearInterval(pongs);
});

describe('an event stream', () => {
  const body = JSON.stringify({ query: 'subscription { watch { text } }' });
  const request = {
    method: 'POST',
    path: '/graphql/stream',
    headers: { 'content-type': 'application/json' },
    body,
  };

  /** Of a client that never reads: what it is sent fills its kernel's buffer, then ours, then the process. */
  const openUnread = (hall: House): void => {
    const socket = connect(hall.port, '127.0.0.1').pause();
    cleanUp(() => socket.destroy());
    socket.write(
      `POST /graphql/stream HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  };

  // What our kernel holds tells Linux alone.
  test.each(process.platform === 'linux' ? [1, 16] : [16])(
    'whose client acknowledges nothing of %i MiB any more is found, as one is that vanished without a word',
    async (mebibytes) => {
      const textLength = mebibytes * 1024 * 1024;
      const hall = await openHall({ limits: { keepAliveMs: 300 }, textLength });
      const sockets = watchSockets(hall);
      openUnread(hall);
      await hall.untilWatched(1);
      hall.tell(snapshot);
      await hall.untilWatched(0);
      expect(sockets[0]?.destroyed).toBe(true);
    },
  );

  test('that is read stays, however little comes', async () => {
    const hall = await openHall({ limits: { keepAliveMs: 200 } });
    const response = await open(hall, request);
    let beats = 0;
    for await (const chunk of response) {
      beats += String(chunk).split(':\n\n').length - 1;
      if (beats > 4) break;
    }
    await hall.untilWatched(0);
  });

  test('that was ended, as events were read too slowly, leaves no socket', async () => {
    const hall = await openHall({ limits: { keepAliveMs: 300 }, textLength: 4 * 1024 * 1024, capacity: 2 });
    const sockets = watchSockets(hall);
    openUnread(hall);
    await hall.untilWatched(1);
    hall.tell(snapshot);
    for (let index = 0; index < 6; index += 1) {
      hall.tell(newStatus(index));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await hall.untilWatched(0);
    const [socket] = sockets;
    if (socket?.closed === false) await once(socket, 'close');
  });
});

describe('frames of every length', () => {
  test.each([125, 126, 65_535, 65_536, 65_537])('%i bytes are sent as they are read', async (length) => {
    const document = 'subscription { watch { text } }';
    const head = '{"id":"1","type":"next","payload":{"data":{"watch":{"text":""}}}}';
    const hall = await openHall({ textLength: length - head.length });
    const client = await greet(hall);
    // What is received is padded to the same length.
    const message = JSON.stringify({ type: 'subscribe', id: '1', payload: { query: document } });
    client.send(message + ' '.repeat(Math.max(0, length - message.length)));
    await hall.untilWatched(1);
    const came = new Promise<string>((resolve) =>
      client.socket.once('message', (data) => resolve(String(data))),
    );
    hall.tell(snapshot);
    expect(await came).toHaveLength(length);
    hall.tell(newStatus(1));
    expect(await client.read()).toMatchObject({ id: '1' });
  });

  test('90 MiB close the socket with 1009 before they are there', async () => {
    const hall = await openHall();
    const sockets = watchSockets(hall);
    const client = await greet(hall);
    client.socket.send('x'.repeat(90 * 1024 * 1024));
    expect(await client.closed).toMatchObject({ code: 1009 });
    expect(sockets[0]?.bytesRead).toBeLessThan(90 * 1024 * 1024);
  });
});

test('texts beyond ASCII, in ids and in events, arrive as they were', async () => {
  const hall = await openHall();
  const client = await greet(hall);
  const id = 'ü€😀"\\\u2028';
  client.send({ type: 'subscribe', id, payload: { query: 'subscription { watch { echo } }' } });
  await hall.untilWatched(1);
  hall.tell(snapshot);
  expect(await client.read()).toEqual({
    type: 'next',
    id,
    payload: { data: { watch: { echo: 'ü€😀"\\\u2028' } } },
  });
});
