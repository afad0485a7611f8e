import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { ask, cleanUp, gate, greet, open, openHouse, post } from './support.ts';

test('stopping sends subscribers away, frees what they had open, and does not wait for idle connections', async () => {
  const house = await openHouse({ limits: { stopGraceMs: 60_000 } });
  const agent = new Agent({ keepAlive: true });
  cleanUp(() => agent.destroy());
  const idle = httpRequest({ host: '127.0.0.1', port: house.port, path: '/healthz', agent }).end();
  ((await once(idle, 'response')) as [IncomingMessage])[0].resume();
  const silent = connect(house.port, '127.0.0.1');
  await once(silent, 'connect');
  silent.resume().on('error', () => undefined);

  const client = await greet(house);
  client.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { ticks }' } });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ query: 'subscription { ticks }' });
  const stream = await open(house, { method: 'POST', path: '/graphql/stream', headers, body });
  stream.on('error', () => undefined);
  await house.streams.until(({ open: count }) => count === 2);

  const cut = once(silent, 'close');
  await house.doors.stop();
  await cut;
  expect(await client.closed).toEqual({ code: 1012, reason: 'Service restart' });
  expect(house.streams.open).toBe(0);
  await expect(ask(house, '{ hello }')).rejects.toThrow('ECONNREFUSED');
});

test('a request under way is answered first', async () => {
  const house = await openHouse({ limits: { stopGraceMs: 60_000 } });
  const { arrived, go } = gate('slow');
  const answer = post(house, { query: '{ slow }' }, { connection: 'keep-alive' });
  await arrived.promise;
  const stopped = house.doors.stop();
  go.resolve();
  expect((await answer).json).toEqual({ data: { slow: 'done' } });
  expect((await answer).headers.connection).toBe('close');
  await stopped;
});

test('a request that is on its way is answered, not reset', async () => {
  const house = await openHouse({ limits: { stopGraceMs: 60_000 } });
  const socket = connect(house.port, '127.0.0.1');
  let heard = '';
  socket.on('data', (data) => (heard += String(data)));
  const request = `GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:${house.port}\r\n\r\n`;
  await new Promise((resolve) => socket.write(request, resolve));
  while (!heard.includes('"ok"')) await once(socket, 'data');
  heard = '';
  const closed = once(socket, 'close');
  // The connection is idle, as far as the gateway knows.
  socket.write(request);
  await house.doors.stop();
  await closed;
  expect(heard).toMatch(/^HTTP\/1\.1 200 [^]*connection: close[^]*"ok"/i);
});

test('a request that does not end, and a socket that does not close, are cut', async () => {
  const house = await openHouse({ limits: { stopGraceMs: 30 } });
  const { arrived } = gate('slow');
  const client = await greet(house);
  client.socket.pause();
  const answer = ask(house, '{ slow }').catch((error: Error) => error.message);
  await arrived.promise;
  await house.doors.stop();
  expect(await answer).toMatch(/hang up|ECONNRESET|aborted/);
});

test('a handshake that is under way is refused in words', async () => {
  const house = await openHouse({ limits: { stopGraceMs: 60_000 } });
  const socket = connect(house.port, '127.0.0.1');
  cleanUp(() => socket.destroy());
  await once(socket, 'connect');
  socket.write('GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n');
  // Its answer comes after the half handshake was read.
  await ask(house, '{ hello }');
  const stopped = house.doors.stop();
  socket.write('sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toContain('The gateway is stopping.');
  await stopped;
});

test('an event stream that is asked for meanwhile is refused in words', async () => {
  const house = await openHouse({ limits: { stopGraceMs: 60_000 } });
  const socket = connect(house.port, '127.0.0.1');
  cleanUp(() => socket.destroy());
  await once(socket, 'connect');
  socket.write('POST /graphql/stream HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n');
  // Its answer comes after the half request was read.
  await ask(house, '{ hello }');
  const stopped = house.doors.stop();
  const body = JSON.stringify({ query: 'subscription { ticks }' });
  socket.write(`content-length: ${body.length}\r\n\r\n${body}`);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toContain('The gateway is stopping.');
  expect(house.streams.started).toBe(0);
  await stopped;
});

test('doors that were never opened can be stopped, and stopping twice is stopping', async () => {
  const house = await openHouse();
  await Promise.all([house.doors.stop(), house.doors.stop()]);
});
