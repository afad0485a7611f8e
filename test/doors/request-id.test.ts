/** Every request has an id, its caller's or one of ours, that its answer and its lines in the log share. */
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { dial, greet, knock, openHouse, post, send } from './support.ts';
import type { House, Sent } from './support.ts';

const made = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

const linesOf = (house: House): readonly Record<string, unknown>[] =>
  house.logged.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('over HTTP', () => {
  test.each(['abc', 'A-1.b:c=d_e', 'Root=1-67891233-abcdef012345678912345678', 'x'.repeat(64)])(
    "the caller's own comes back: %s",
    async (id) => {
      const house = await openHouse();
      const { headers } = await post(house, { query: '{ hello }' }, { 'x-request-id': id });
      expect(headers['x-request-id']).toBe(id);
      expect(linesOf(house)).toContainEqual(expect.objectContaining({ msg: 'Answered', requestId: id }));
    },
  );

  test.each([
    ['none', undefined],
    ['nothing', ''],
    ['blanks', 'a b'],
    ['quotes', '"}{"level":50'],
    ['what a terminal obeys', '\u009b31m'],
    ['letters from elsewhere', 'é'],
    ['a path', '../../etc/passwd'],
    ['what ends a header', 'a;b,c'],
    ['too long a one', 'x'.repeat(65)],
    ['two', ['a', 'b']],
    ['one that begins like an option', '-rf'],
  ])('%s has one made here', async (_what, id) => {
    const house = await openHouse();
    const headers = id === undefined ? {} : { 'x-request-id': id };
    const answer = await post(house, { query: '{ hello }' }, headers);
    expect(answer.status).toBe(200);
    expect(answer.headers['x-request-id']).toMatch(made);
    expect(linesOf(house)).toContainEqual(
      expect.objectContaining({ msg: 'Answered', requestId: answer.headers['x-request-id'] }),
    );
  });

  test.each<[string, Sent]>([
    ['a refusal', { path: '/graphql', headers: { host: 'evil.example' } }],
    ['an unknown path', { path: '/nowhere' }],
    ['a path that cannot be read', { path: '/%ff' }],
    ['a wrong method', { path: '/graphql', method: 'PUT' }],
    ['health', { path: '/healthz' }],
  ])('%s has one, too', async (_what, sent) => {
    const house = await openHouse();
    const { headers } = await send(house, { ...sent, headers: { ...sent.headers, 'x-request-id': 'mine' } });
    expect(headers['x-request-id']).toBe('mine');
  });

  test('an error of ours is found by it, whichever way it took', async () => {
    const house = await openHouse();
    for (const id of ['first', 'second', 'third'])
      await post(house, { query: '{ hello fail(kind: "plain") }' }, { 'x-request-id': id });
    const failed = linesOf(house).filter(({ level }) => level === 50);
    expect(failed.map(({ requestId }) => requestId)).toEqual(['first', 'second', 'third']);
  });

  test('so is a context that cannot be built', async () => {
    const house = await openHouse({ createContext: () => Promise.reject(new Error('a bug')) });
    for (const id of ['first', 'second']) await post(house, { query: '{ hello }' }, { 'x-request-id': id });
    const failed = linesOf(house).filter(({ level }) => level === 50);
    expect(failed.map(({ requestId }) => requestId)).toEqual(['first', 'second']);
  });

  test('an event stream has it in its head and in its lines', async () => {
    const house = await openHouse();
    const headers = { accept: 'text/event-stream', 'x-request-id': 'streamed' };
    const answer = await post(house, { query: '{ fail(kind: "plain") }' }, headers, '/graphql/stream');
    expect(answer.headers['x-request-id']).toBe('streamed');
    expect(linesOf(house)).toContainEqual(expect.objectContaining({ level: 50, requestId: 'streamed' }));
  });

  test('a context is told of it', async () => {
    const house = await openHouse();
    await post(house, { query: '{ hello }' }, { 'x-request-id': 'mine' });
    expect(house.contexts[0]?.mark).toEqual({ requestId: 'mine', span: null });
  });
});

describe('over a WebSocket', () => {
  test('an operation has that of the handshake, and its own name there', async () => {
    const house = await openHouse();
    const client = await greet(house, { headers: { 'x-request-id': 'socket-1' } });
    client.send({ type: 'subscribe', id: 'op-1', payload: { query: '{ fail(kind: "plain") }' } });
    await client.read();
    expect(linesOf(house)).toContainEqual(expect.objectContaining({ level: 50, requestId: 'socket-1/op-1' }));
    expect(house.contexts[0]?.mark.requestId).toBe('socket-1/op-1');
  });

  test.each(['a b', '\u2028', 'x'.repeat(10_000), '"}'])(
    'an id that could do harm is not shown',
    async (id) => {
      const house = await openHouse();
      const client = await greet(house, { headers: { 'x-request-id': 'socket-1' } });
      client.send({ type: 'subscribe', id, payload: { query: '{ fail(kind: "plain") }' } });
      expect((await client.read()).id).toBe(id);
      const [line] = linesOf(house).filter(({ level }) => level === 50);
      expect(line?.['requestId']).toMatch(/^socket-1\/[\da-f]{12}$/);
    },
  );

  test('the handshake is answered with it', async () => {
    const house = await openHouse();
    expect((await knock(house)).headers['x-request-id']).toMatch(made);
    expect((await knock(house, { 'x-request-id': 'mine' })).headers['x-request-id']).toBe('mine');
    expect((await knock(house, { 'x-request-id': 'a b' })).headers['x-request-id']).toMatch(made);
  });

  test('operations on a socket that brought none have the one that was made for it', async () => {
    const house = await openHouse();
    const socket = new WebSocket(`ws://127.0.0.1:${house.port}/graphql`, 'graphql-transport-ws');
    let headers: IncomingHttpHeaders = {};
    socket.on('upgrade', (response) => ({ headers } = response));
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: '{ hello }' } }));
    await once(socket, 'message');
    expect(house.contexts[0]?.mark.requestId).toBe(`${String(headers['x-request-id'])}/1`);
    socket.terminate();
  });

  test('a broken frame is told with it', async () => {
    const house = await openHouse();
    const client = await dial(house, { headers: { 'x-request-id': 'socket-2' } });
    client.send('x'.repeat(2 * 1024 * 1024));
    await client.closed;
    expect(linesOf(house)).toContainEqual(
      expect.objectContaining({ msg: expect.stringContaining('broken frame'), requestId: 'socket-2' }),
    );
  });
});
