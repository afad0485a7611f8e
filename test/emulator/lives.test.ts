import { expect, test } from '@jest/globals';
import { withEmulator } from './support.ts';
import type { World } from './support.ts';

const region = 'us-ashburn-1';
const queuePath = `/${region}/queue/20210201/workRequests`;

async function readQueue(world: World, id: string): Promise<Record<string, unknown>> {
  const reply = await world.call(`${queuePath}/${id}`);
  return { httpStatus: reply.status, ...(reply.body as object) };
}

test('a scripted life goes its way by the clock, with the time stamps of its steps', async () => {
  await withEmulator(async (world) => {
    const reply = await world.control('POST', '/_emulator/work-requests', {
      service: 'QUEUE',
      region,
      operationType: 'CREATE_QUEUE',
      script: [
        { afterMs: 0, status: 'ACCEPTED' },
        { afterMs: 10_000, status: 'IN_PROGRESS', percentComplete: 12.5 },
        { at: '2026-03-01T12:01:00Z', status: 'SUCCEEDED', percentComplete: 100 },
      ],
      logs: [{ message: 'begun', afterMs: 10_000 }],
    });
    expect(reply.status).toBe(201);
    const { id } = reply.body as { id: string };
    expect(await readQueue(world, id)).toMatchObject({
      operationType: 'CREATE_QUEUE',
      status: 'ACCEPTED',
      percentComplete: 0,
      timeAccepted: '2026-03-01T12:00:00.000Z',
    });
    world.emulator.setClock({ advanceMs: 10_000 });
    expect(await readQueue(world, id)).toMatchObject({
      status: 'IN_PROGRESS',
      percentComplete: 12.5,
      timeStarted: '2026-03-01T12:00:10.000Z',
    });
    world.emulator.setClock({ speed: 50 });
    world.time.nowMs += 1000;
    expect(await readQueue(world, id)).toMatchObject({
      status: 'SUCCEEDED',
      timeFinished: '2026-03-01T12:01:00.000Z',
    });
    expect((await world.call(`${queuePath}/${id}/logs`)).body).toMatchObject({
      items: [{ message: 'begun', timestamp: '2026-03-01T12:00:10.000Z' }],
    });
  });
});

test('retry-after is sent where the API declares it, and no longer when it is finished', async () => {
  await withEmulator(async (world) => {
    const { id } = world.emulator.createWorkRequest({ service: 'QUEUE', region, retryAfterSeconds: 2.5 });
    expect((await world.call(`${queuePath}/${id}`)).headers['retry-after']).toBe('2.5');
    world.emulator.patchWorkRequest(id, { retryAfterSeconds: null });
    expect((await world.call(`${queuePath}/${id}`)).headers['retry-after']).toBeUndefined();
    world.emulator.patchWorkRequest(id, { retryAfterSeconds: 3, status: 'FAILED' });
    expect((await world.call(`${queuePath}/${id}`)).headers['retry-after']).toBeUndefined();
  });
});

test('is gone twelve hours after it finished, a running one never', async () => {
  await withEmulator(async (world) => {
    const { id } = world.emulator.createWorkRequest({ service: 'QUEUE', region });
    const running = world.emulator.createWorkRequest({
      service: 'QUEUE',
      region,
      script: [{ status: 'IN_PROGRESS' }],
    });
    world.emulator.setClock({ advanceMs: 20_000 + 12 * 3_600_000 });
    expect((await readQueue(world, id))['httpStatus']).toBe(200);
    world.emulator.setClock({ advanceMs: 1 });
    expect((await readQueue(world, id))['httpStatus']).toBe(404);
    expect((await readQueue(world, running.id))['httpStatus']).toBe(200);
    const list = await world.call(`${queuePath}?compartmentId=${running.compartmentId}`);
    expect((list.body as { items: unknown[] }).items).toHaveLength(1);
  });
});

test('can be moved on, given errors and logs, and deleted', async () => {
  await withEmulator(async (world) => {
    const { id } = world.emulator.createWorkRequest({ service: 'QUEUE', region });
    const patched = await world.control('PATCH', `/_emulator/work-requests/${id}`, {
      status: 'FAILED',
      percentComplete: 33,
      errors: [{ code: 'Broken', message: 'it broke' }],
      logs: [{ message: 'breaking' }, { message: 'broken' }],
    });
    expect(patched.body).toMatchObject({ id, status: 'FAILED', percentComplete: 33, errors: 1, logs: 2 });
    world.emulator.setClock({ advanceMs: 60_000 });
    expect(await readQueue(world, id)).toMatchObject({ status: 'FAILED', percentComplete: 33 });
    expect((await world.call(`${queuePath}/${id}/errors`)).body).toEqual({
      items: [{ code: 'Broken', message: 'it broke', timestamp: '2026-03-01T12:00:00.000Z' }],
    });
    await world.control('PATCH', `/_emulator/work-requests/${id}`, { delete: true });
    expect((await readQueue(world, id))['httpStatus']).toBe(404);
    expect((await world.control('GET', `/_emulator/work-requests/${id}`)).status).toBe(404);
  });
});

test('keeps the steps to come when told to', async () => {
  await withEmulator(async (world) => {
    const { id } = world.emulator.createWorkRequest({ service: 'QUEUE', region });
    world.emulator.patchWorkRequest(id, { status: 'WAITING', keepScript: true });
    expect(world.emulator.readWorkRequest(id)?.status).toBe('WAITING');
    world.emulator.setClock({ advanceMs: 20_000 });
    expect(world.emulator.readWorkRequest(id)?.status).toBe('SUCCEEDED');
  });
});

test('can be as odd as a test wants: unknown words, absent parts, foreign types, other fields in get and list', async () => {
  await withEmulator(async (world) => {
    const { id, compartmentId } = world.emulator.createWorkRequest({
      service: 'QUEUE',
      region,
      script: [{ status: 'HALF_DONE' }],
      native: { percentComplete: 'many', extra: { deep: [1] } },
      nativeInGet: { onlyGet: true },
      nativeInListItem: { onlyItem: true },
      omit: ['timeAccepted'],
      resources: [{ entityType: 'queue', shoe: 44 }],
    });
    const absent = world.emulator.createWorkRequest({ service: 'QUEUE', region, omit: ['id', 'status'] });
    const body = await readQueue(world, id);
    expect(body).toMatchObject({
      status: 'HALF_DONE',
      percentComplete: 'many',
      extra: { deep: [1] },
      onlyGet: true,
    });
    expect(body).not.toHaveProperty('timeAccepted');
    expect(body).not.toHaveProperty('onlyItem');
    expect(body['resources']).toMatchObject([{ entityType: 'queue', shoe: 44 }]);
    const list = await world.call(`${queuePath}?compartmentId=${compartmentId}`);
    const items = (list.body as { items: Record<string, unknown>[] }).items;
    expect(items.find((item) => item['id'] === id)).toMatchObject({ onlyItem: true });
    const odd = items.find((item) => item['id'] !== id);
    expect(odd).not.toHaveProperty('id');
    expect(odd).not.toHaveProperty('status');
    expect((await readQueue(world, absent.id))['httpStatus']).toBe(200);
  });
});

test('cancel takes the time it is given, is refused where it is said so, and minds if-match', async () => {
  await withEmulator(async (world) => {
    const base = `/${region}/containerengine/20180222/workRequests`;
    const { id } = world.emulator.createWorkRequest({
      service: 'CONTAINERENGINE',
      region,
      cancelTakesMs: 500,
    });
    const stuck = world.emulator.createWorkRequest({
      service: 'CONTAINERENGINE',
      region,
      isCancelable: false,
    });
    const etag = String((await world.call(`${base}/${id}`)).headers.etag);
    const wrong = await world.call(`${base}/${id}`, { method: 'DELETE', headers: { 'if-match': 'other' } });
    expect(wrong.status).toBe(412);
    expect(wrong.body).toMatchObject({ code: 'NoEtagMatch' });
    const right = await world.call(`${base}/${id}`, { method: 'DELETE', headers: { 'if-match': etag } });
    expect(right.status).toBe(202);
    expect((await world.call(`${base}/${id}`, { method: 'DELETE' })).status).toBe(409);
    world.emulator.setClock({ advanceMs: 500 });
    expect(world.emulator.readWorkRequest(id)?.status).toBe('CANCELED');
    expect((await world.call(`${base}/${stuck.id}`, { method: 'DELETE' })).status).toBe(409);
  });
});

test("HeatWave's get answers 304 to its own etag; no other API does", async () => {
  await withEmulator(async (world) => {
    for (const [service, path] of [
      ['MYSQL', 'mysql/20190415'],
      ['CONTAINERENGINE', 'containerengine/20180222'],
    ] as const) {
      const { id } = world.emulator.createWorkRequest({ service, region });
      const url = `/${region}/${path}/workRequests/${id}`;
      const etag = String((await world.call(url)).headers.etag);
      const again = await world.call(url, { headers: { 'if-none-match': etag } });
      expect(again.status).toBe(service === 'MYSQL' ? 304 : 200);
      world.emulator.patchWorkRequest(id, { percentComplete: 50, status: 'IN_PROGRESS' });
      expect((await world.call(url, { headers: { 'if-none-match': etag } })).status).toBe(200);
    }
  });
});

test('ids have the form that their service uses', async () => {
  await withEmulator(async ({ emulator }) => {
    const id = (service: string, place = region) => emulator.createWorkRequest({ service, region: place }).id;
    expect(id('CONTAINERENGINE')).toMatch(/^ocid1\.clustersworkrequest\.oc1\.iad\.[a-z2-7]{60}$/);
    expect(id('CONTAINERENGINE', 'us-phoenix-1')).toMatch(/\.oc1\.phx\./);
    expect(id('CONTAINERENGINE', 'uk-gov-london-1')).toMatch(/\.oc4\.uk-gov-london-1\./);
    expect(id('IDENTITY')).toMatch(/^ocid1\.identityworkrequest\.oc1\.\.[a-z2-7]{60}$/);
    expect(id('MYSQL').split('.')).toHaveLength(6);
    expect(id('OBJECTSTORAGE')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(id('ADM')).toMatch(/^ocid1\.admworkrequest\./);
    expect(emulator.createWorkRequest({ service: 'ADM', region, id: 'mine' }).id).toBe('mine');
  });
});
