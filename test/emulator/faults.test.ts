import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { signed, withEmulator } from './support.ts';
import type { World } from './support.ts';

const region = 'us-ashburn-1';

function create(world: World) {
  const { id, compartmentId } = world.emulator.createWorkRequest({
    service: 'CONTAINERENGINE',
    region,
    count: 3,
  });
  const base = `/${region}/containerengine/20180222/workRequests`;
  return { id, get: `${base}/${id}`, list: `${base}?compartmentId=${compartmentId}&limit=2` };
}

test('answers a status in place of the operation, as often as it is told to, after as many as it is told to', async () => {
  await withEmulator(async (world) => {
    const { get } = create(world);
    world.emulator.addFault({ operation: 'get', after: 1, times: 2, status: 503 });
    const statuses = [];
    for (let at = 0; at < 4; at += 1) statuses.push((await world.call(get)).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
    expect(world.emulator.calls({ operation: 'get' }).map((call) => call.faultId)).toEqual([
      null,
      'fault-1',
      'fault-1',
      null,
    ]);
  });
});

test('hits only the service, region, operation and work request that it names', async () => {
  await withEmulator(async (world) => {
    const { id, get, list } = create(world);
    const other = world.emulator.createWorkRequest({ service: 'QUEUE', region });
    world.emulator.addFault({
      service: 'CONTAINERENGINE',
      region,
      operation: 'get',
      workRequestId: id,
      status: 500,
    });
    expect((await world.call(get)).status).toBe(500);
    expect((await world.call(list)).status).toBe(200);
    expect((await world.call(`/${region}/queue/20210201/workRequests/${other.id}`)).status).toBe(200);
    expect((await world.call(get.replace(region, 'us-phoenix-1'))).status).toBe(404);
  });
});

test('a status keeps the operation from being carried out, a lost answer does not', async () => {
  await withEmulator(async (world) => {
    const { id, get } = create(world);
    world.emulator.addFault({ operation: 'cancel', times: 1, status: 500, code: 'Odd', message: 'told so' });
    const refused = await world.call(get, { method: 'DELETE' });
    expect(refused.body).toEqual({ code: 'Odd', message: 'told so' });
    expect(world.emulator.readWorkRequest(id)?.status).toBe('ACCEPTED');
    world.emulator.addFault({ operation: 'cancel', times: 1, reset: 'after' });
    await expect(world.call(get, { method: 'DELETE' })).rejects.toThrow();
    expect(world.emulator.readWorkRequest(id)?.status).toBe('CANCELING');
  });
});

test('a reset before leaves everything as it was', async () => {
  await withEmulator(async (world) => {
    const { id, get } = create(world);
    world.emulator.addFault({ reset: 'before', times: 1 });
    await expect(world.call(get, { method: 'DELETE' })).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect(world.emulator.readWorkRequest(id)?.status).toBe('ACCEPTED');
    expect(world.emulator.calls()).toMatchObject([{ operation: 'cancel', status: null, isAborted: true }]);
  });
});

test('throttles what is over the budget of a second, with or without retry-after', async () => {
  await withEmulator(async (world) => {
    const { get } = create(world);
    world.emulator.addFault({ throttle: { perSecond: 2, retryAfterSeconds: 7, closeConnection: true } });
    const replies = [await world.call(get), await world.call(get), await world.call(get)];
    expect(replies.map((reply) => reply.status)).toEqual([200, 200, 429]);
    expect(replies[2]?.headers['retry-after']).toBe('7');
    expect(replies[2]?.headers.connection).toBe('close');
    expect(replies[2]?.body).toMatchObject({ code: 'TooManyRequests' });
    world.time.nowMs += 1000;
    expect((await world.call(get)).status).toBe(200);
    world.emulator.clearFaults();
    world.emulator.addFault({ throttle: { perSecond: 0 } });
    expect((await world.call(get)).headers['retry-after']).toBeUndefined();
  });
});

test('sets, repeats and removes headers', async () => {
  await withEmulator(async (world) => {
    const { get, list } = create(world);
    world.emulator.addFault({
      operation: 'get',
      headers: { 'retry-after': '99', etag: null, 'set-cookie': ['a', 'b'] },
    });
    const reply = await world.call(get);
    expect(reply.headers['retry-after']).toBe('99');
    expect(reply.headers.etag).toBeUndefined();
    expect(reply.headers['set-cookie']).toEqual(['a', 'b']);
    world.emulator.addFault({ operation: 'list', headers: { 'opc-next-page': null } });
    expect((await world.call(list)).headers['opc-next-page']).toBeUndefined();
  });
});

test('leads round in circles when a page is to be repeated', async () => {
  await withEmulator(async (world) => {
    const { list } = create(world);
    world.emulator.addFault({ operation: 'list', repeatPage: true });
    const first = await world.call(list);
    const page = String(first.headers['opc-next-page']);
    const second = await world.call(`${list}&page=${page}`);
    expect(second.text).toBe(first.text);
    expect(second.headers['opc-next-page']).toBe(page);
  });
});

test('sends any body, text or bytes, and blows one up', async () => {
  await withEmulator(async (world) => {
    const { get } = create(world);
    world.emulator.addFault({ times: 1, body: '<html>not JSON' });
    expect((await world.call(get)).text).toBe('<html>not JSON');
    world.emulator.addFault({ times: 1, bodyBase64: Buffer.from('bytes').toString('base64'), status: 200 });
    expect((await world.call(get)).text).toBe('bytes');
    world.emulator.addFault({ times: 1, padBytes: 3_000_000 });
    const padded = await world.call(get);
    expect(padded.text.length).toBeGreaterThan(3_000_000);
    expect(padded.body).toMatchObject({ status: 'ACCEPTED' });
  });
});

test.each(['reset', 'close'] as const)('cuts a body short of its promised length by %s', async (how) => {
  await withEmulator(async (world) => {
    const { get } = create(world);
    world.emulator.addFault({ cut: { atByte: 10, how } });
    await expect(world.call(get)).rejects.toThrow(/aborted|ECONNRESET/);
  });
});

test('cuts a body so that it looks complete', async () => {
  await withEmulator(async (world) => {
    const { get } = create(world);
    world.emulator.addFault({ cut: { atByte: 10, how: 'short' } });
    const reply = await world.call(get);
    expect(reply.status).toBe(200);
    expect(reply.text).toHaveLength(10);
    expect(reply.headers['content-length']).toBeUndefined();
  });
});

test('drips a body, and delays an answer', async () => {
  await withEmulator(async (world) => {
    const { get } = create(world);
    world.emulator.addFault({ times: 1, drip: { bytes: 200, everyMs: 1 } });
    expect((await world.call(get)).body).toMatchObject({ status: 'ACCEPTED' });
    world.emulator.addFault({ times: 1, delayMs: 60 });
    const startMs = performance.now();
    expect((await world.call(get)).status).toBe(200);
    expect(performance.now() - startMs).toBeGreaterThan(55);
  });
});

test('never answers when it hangs, and stops all the same', async () => {
  await withEmulator(async (world) => {
    const { get } = create(world);
    world.emulator.addFault({ hang: true });
    const options = signed(world.url, get, { date: new Date(world.time.nowMs).toUTCString() });
    const { hostname, port } = new URL(world.url);
    const lines = Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.on('close', resolve));
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.write(`GET ${get} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    // Another call on a socket of its own comes after it.
    while (world.emulator.calls({ operation: 'get' }).length === 0)
      await world.control('GET', '/_emulator/clock');
    await world.emulator.stop();
    await closed;
    expect(heard).toBe('');
  });
});

test('are listed and cleared, one or all', async () => {
  await withEmulator(async (world) => {
    const { body } = await world.control('POST', '/_emulator/faults', { status: 503 });
    await world.control('POST', '/_emulator/faults', { status: 500 });
    expect(body).toEqual({ id: 'fault-1' });
    expect((await world.control('DELETE', '/_emulator/faults/fault-1')).status).toBe(204);
    expect((await world.control('DELETE', '/_emulator/faults/fault-1')).status).toBe(404);
    expect((await world.control('GET', '/_emulator/faults')).body).toEqual({
      faults: [{ id: 'fault-2', status: 500, seen: 0, hits: 0 }],
    });
    expect((await world.control('DELETE', '/_emulator/faults')).status).toBe(204);
    expect((await world.control('GET', '/_emulator/faults')).body).toEqual({ faults: [] });
  });
});
