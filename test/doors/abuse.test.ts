/** Wrong and hostile use of the doors: a clear answer, nothing executed, nothing left open. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { WebSocket } from 'ws';
import { ask, cleanUp, dial, gate, greet, openHouse, post, send, sendRaw } from './support.ts';
import type { House } from './support.ts';

const ticks = { query: 'subscription { ticks }' };

describe('pages elsewhere', () => {
  test('a page on a rebound host name reaches nothing', async () => {
    const house = await openHouse();
    const host = `rebind.evil.example:${house.port}`;
    const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
    expect((await post(house, { query: 'mutation { bump }' }, headers)).status).toBe(403);
    expect((await post(house, ticks, headers, '/graphql/stream')).status).toBe(403);
    await expect(dial(house, { headers })).rejects.toThrow('403');
    expect(house.contexts).toEqual([]);
  });

  test('a WebSocket from a foreign page is refused before the upgrade, whatever it claims', async () => {
    const house = await openHouse();
    for (const origin of ['https://evil.example', 'null', `http://localhost:${house.port + 1}`]) {
      await expect(dial(house, { headers: { origin } })).rejects.toThrow('403');
    }
    await greet(house, { headers: { origin: `http://127.0.0.1:${house.port}` } });
    await greet(house);
  });

  test('forms, beacons and images run nothing', async () => {
    const house = await openHouse();
    const body = 'query=mutation{bump}';
    const forms = ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=a'];
    for (const path of ['/graphql', '/graphql/stream']) {
      for (const type of forms) {
        const json = '{"query":"mutation { bump }"}';
        expect(
          (await send(house, { method: 'POST', path, headers: { 'content-type': type }, body })).status,
        ).toBe(415);
        expect(
          (await send(house, { method: 'POST', path, headers: { 'content-type': type }, body: json })).status,
        ).toBe(415);
      }
      expect(
        (await send(house, { method: 'POST', path, body: '{"query":"mutation { bump }"}' })).status,
      ).toBe(415);
      expect((await send(house, { path: `${path}?query={hello}` })).status).toBe(400);
    }
    expect(house.contexts).toEqual([]);
  });
});

describe('raw HTTP', () => {
  const head = 'GET /healthz HTTP/1.1\r\nConnection: close\r\n';
  test.each([
    ['no Host', `${head}\r\n`, 400],
    ['no Host in HTTP/1.0', 'GET /healthz HTTP/1.0\r\n\r\n', 400],
    ['a fragment', 'GET /healthz#x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['HTTP/0.9', 'GET /healthz HTTP/0.9\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['HTTP/2.0', 'GET /healthz HTTP/2.0\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['an Expect that cannot be met', `${head}Host: localhost\r\nExpect: wonders\r\n\r\n`, 417],
    ['an empty Host', `${head}Host: \r\n\r\n`, 403],
    ['two Hosts', `${head}Host: localhost\r\nHost: evil.example\r\n\r\n`, 403],
    ['two Hosts, ours last', `${head}Host: evil.example\r\nHost: localhost\r\n\r\n`, 403],
    [
      'an absolute target',
      'GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
    ],
    ['a CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n', 0],
    ['what is not HTTP', 'HELO localhost\r\n\r\n', 400],
    [
      'both lengths',
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a head too large', `${head}Host: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('%s', async (_name, bytes, status) => {
    const text = await sendRaw(await openHouse(), bytes);
    expect(text === '' ? 0 : Number(text.split(' ')[1])).toBe(status);
    if (text !== '')
      expect(text).toMatch(/content-type: application\/json[^]*"extensions":\{"code":"[A-Z_]+"[,}]/);
    expect(text).not.toMatch(/<html|at .*\.js/);
  });

  test('an upgrade to something else is answered as if it had not been asked for', async () => {
    const upgrade = 'Connection: Upgrade, close\r\nUpgrade: h2c\r\n';
    const text = await sendRaw(
      await openHouse(),
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`,
    );
    expect(text).toContain('HTTP/1.1 200');
  });

  test.each(['/graphql', '/graphql/stream'])('%s takes bodies as they are, in UTF-8', async (path) => {
    const house = await openHouse();
    const body = '{"query":"{ hello } #"}';
    const ask = (headers: Record<string, string>, text: string) =>
      send(house, {
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json', ...headers },
        body: Buffer.from(text, 'latin1'),
      });
    expect(await ask({}, body.replace('#', '# \xff'))).toMatchObject({
      status: 400,
      json: { errors: [{ message: 'The request body is not UTF-8.', extensions: { code: 'BAD_REQUEST' } }] },
    });
    expect(await ask({ 'content-encoding': 'gzip' }, body)).toMatchObject({
      status: 415,
      json: {
        errors: [{ message: expect.stringMatching(/Content-Encoding/), extensions: { code: 'BAD_REQUEST' } }],
      },
    });
    expect(house.contexts).toEqual([]);
    expect((await ask({ 'content-encoding': 'identity' }, body.replace('#', '# \xc3\xa9'))).status).toBe(200);
  });

  test.each([
    [
      'a body',
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    ],
    ['a head', 'POST /graphql HTTP/1.1\r\nHost: localhost\r\n'],
    ['nothing', ''],
  ])('%s that does not come whole is 408', async (_what, bytes) => {
    const house = await openHouse({ limits: { requestMs: 100 } });
    expect(await sendRaw(house, bytes)).toMatch(/^HTTP\/1\.1 408 .*"The request did not arrive in time\."/s);
  });

  test('a body that goes on and on is cut at the limit', async () => {
    const house = await openHouse();
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const request = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const text = await sendRaw(
      house,
      `${request}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}`,
    ).catch(String);
    expect(text).toMatch(/ 413 |ECONNRESET|EPIPE/);
    expect((await ask(house, '{ hello }')).status).toBe(200);
  });
});

/** ws has no public way to send bytes that are no frame. */
const rawSocketOf = (socket: WebSocket): Socket => Reflect.get(socket, '_socket') as Socket;

describe('WebSocket frames', () => {
  const brokenFrame = 'A frame is not as the WebSocket protocol (RFC 6455) has it';
  const invalid = 'Invalid message received';
  /** What makes ws' own client send frames that it would not build. */
  const frames: Readonly<
    Record<string, { readonly code: number; readonly reason: string; send(socket: WebSocket): void }>
  > = {
    'a binary frame': {
      code: 4400,
      reason: 'Messages are text, not binary',
      send: (socket) => socket.send(Buffer.from('{"type":"connection_init"}')),
    },
    'a frame over the limit': {
      code: 1009,
      reason: 'LIMIT_EXCEEDED: a message may have 1048576 bytes (MAX_BODY_BYTES)',
      send: (socket) => socket.send('x'.repeat(1024 * 1024 + 1)),
    },
    'frames over the limit together': {
      code: 1009,
      reason: 'LIMIT_EXCEEDED: a message may have 1048576 bytes (MAX_BODY_BYTES)',
      send(socket) {
        for (let sent = 0; sent < 3; sent += 1) socket.send('x'.repeat(512 * 1024), { fin: false });
      },
    },
    'too many frames of one message': {
      code: 1008,
      reason: 'LIMIT_EXCEEDED: a message came in too many pieces: send it in fewer frames',
      send(socket) {
        const empty = Buffer.from([0, 0x80, 0, 0, 0, 0]);
        socket.send('x', { fin: false });
        rawSocketOf(socket).write(Buffer.concat(Array.from({ length: 200_000 }, () => empty)));
      },
    },
    'text that is not UTF-8': {
      code: 1007,
      reason: 'A text is not UTF-8',
      send: (socket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false }),
    },
    'a frame of a kind that there is not': {
      code: 1002,
      reason: brokenFrame,
      send: (socket) => rawSocketOf(socket).write(Buffer.from([0x83, 0x80, 0, 0, 0, 0])),
    },
    'a frame without a mask': {
      code: 1002,
      reason: brokenFrame,
      send: (socket) => rawSocketOf(socket).write(Buffer.from([0x81, 1, 0x78])),
    },
    'malformed JSON': {
      code: 4400,
      reason: invalid,
      send: (socket) => socket.send('{"type":"connection_init"'),
    },
    'JSON that is no object': { code: 4400, reason: invalid, send: (socket) => socket.send('[]') },
    'an empty message': { code: 4400, reason: invalid, send: (socket) => socket.send('') },
    'a message of the server': {
      code: 4400,
      reason: invalid,
      send: (socket) => socket.send('{"type":"connection_ack"}'),
    },
    'deep nesting': { code: 4400, reason: invalid, send: (socket) => socket.send('['.repeat(500_000)) },
  };
  test.each(Object.entries(frames))(
    '%s closes that socket and no other',
    async (_name, { code, reason, send: sendFrame }) => {
      const house = await openHouse();
      const other = await greet(house);
      const client = await dial(house);
      sendFrame(client.socket);
      expect(await client.closed).toEqual({ code, reason });
      other.send({ type: 'subscribe', id: '1', payload: { query: '{ hello }' } });
      expect(await other.read()).toMatchObject({ type: 'next' });
    },
  );

  test('ids that are names of JavaScript are ids like any other', async () => {
    const house = await openHouse();
    const client = await greet(house);
    for (const id of ['__proto__', 'constructor', 'toString']) {
      client.send({ type: 'subscribe', id, payload: { query: '{ hello }' } });
      expect(await client.read()).toMatchObject({ type: 'next', id });
      expect(await client.read()).toEqual({ type: 'complete', id });
    }
    client.send({ type: 'complete', id: 'never-seen' });
    client.send({ type: 'ping' });
    expect(await client.read()).toEqual({ type: 'pong' });
  });

  test('many subscriptions on one socket are all freed when it is cut', async () => {
    const house = await openHouse();
    const client = await greet(house);
    for (let id = 0; id < 200; id += 1) client.send({ type: 'subscribe', id: String(id), payload: ticks });
    await house.streams.until(({ open }) => open === 200);
    client.socket.terminate();
    await house.streams.until(({ open }) => open === 0);
  });
});

describe('a WebSocket that is cut leaves nothing open', () => {
  const subscribe = (id: string, query: string) => ({ type: 'subscribe', id, payload: { query } });
  const cuts: Readonly<Record<string, (house: House) => Promise<void>>> = {
    'in the handshake': async (house) => {
      const socket = connect(house.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(
        'GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
      );
      socket.resetAndDestroy();
    },
    'before connection_init': async (house) => (await dial(house)).socket.terminate(),
    'before the acknowledgement': async (house) => {
      const client = await dial(house);
      client.send({ type: 'connection_init' });
      client.send(subscribe('1', ticks.query));
      client.socket.terminate();
    },
    'while a subscription starts': async (house) => {
      const { arrived, go } = gate('slowTicks');
      const client = await greet(house);
      client.send(subscribe('1', 'subscription { slowTicks }'));
      await arrived.promise;
      const { signal } = house.contexts[0] ?? {};
      client.socket.terminate();
      await once(signal as AbortSignal, 'abort');
      go.resolve();
      await house.streams.until(({ started }) => started === 1);
    },
    'while idle': async (house) => {
      const client = await greet(house);
      client.send(subscribe('1', ticks.query));
      await house.streams.until(({ open }) => open === 1);
      client.socket.terminate();
    },
    'while an event is on its way': async (house) => {
      const client = await greet(house);
      client.send(subscribe('1', ticks.query));
      await house.streams.until(({ open }) => open === 1);
      house.streams.push('a');
      client.socket.terminate();
      house.streams.push('b');
    },
    'while a query runs': async (house) => {
      const { arrived, go } = gate('slow');
      const client = await greet(house);
      client.send(subscribe('1', '{ slow }'));
      await arrived.promise;
      client.socket.terminate();
      go.resolve();
    },
    'after complete': async (house) => {
      const client = await greet(house);
      client.send(subscribe('1', ticks.query));
      await house.streams.until(({ open }) => open === 1);
      client.send({ type: 'complete', id: '1' });
      client.socket.terminate();
    },
  };
  test.each(Object.entries(cuts))('%s', async (_name, cut) => {
    const house = await openHouse();
    await cut(house);
    await house.streams.until(({ open }) => open === 0);
    // The next caller is served, and stopping waits for nothing.
    expect((await ask(house, '{ hello }')).status).toBe(200);
    await house.doors.stop();
    expect(house.streams.open).toBe(0);
    expect(house.streams.returned).toBe(house.streams.started);
    expect(house.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  });
});

test('a client that resets its connection in the middle of a request breaks nothing', async () => {
  const house = await openHouse();
  for (const part of [
    'POST /gra',
    'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"q',
  ]) {
    const socket = connect(house.port, '127.0.0.1');
    cleanUp(() => socket.destroy());
    await once(socket, 'connect');
    await new Promise((resolve) => socket.write(part, resolve));
    socket.resetAndDestroy();
  }
  expect((await ask(house, '{ hello }')).status).toBe(200);
});
