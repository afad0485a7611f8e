import { expect, test } from '@jest/globals';
import { sampleCompartments } from '../../emulator/emulator.ts';
import { withEmulator } from './support.ts';
import type { World } from './support.ts';

const region = 'us-ashburn-1';

async function list(world: World, path: string) {
  const reply = await world.call(`/${region}/${path}`);
  const body = reply.body as { id: string }[] | { items: { id: string }[] };
  const items = Array.isArray(body) ? body : (body.items ?? []);
  return {
    reply,
    status: reply.status,
    ids: items.map((item) => item.id),
    next: reply.headers['opc-next-page'],
  };
}

test('filters by the parameters that the API declares, and ignores the others', async () => {
  await withEmulator(async (world) => {
    const { emulator } = world;
    const compartmentId = sampleCompartments.platform;
    const done = emulator.createWorkRequest({ service: 'ADM', region, script: [{ status: 'SUCCEEDED' }] });
    const going = emulator.createWorkRequest({
      service: 'ADM',
      region,
      script: [{ status: 'IN_PROGRESS' }],
      resources: [{ entityType: 'knowledgebase', identifier: 'ocid1.kb.oc1..a' }],
    });
    const at = (query: string) =>
      list(world, `adm/20220421/workRequests?compartmentId=${compartmentId}${query}`);
    expect((await at('')).ids.sort()).toEqual([done.id, going.id].sort());
    expect((await at('&status=SUCCEEDED')).ids).toEqual([done.id]);
    expect((await at('&resourceId=ocid1.kb.oc1..a')).ids).toEqual([going.id]);
    expect((await at(`&workRequestId=${done.id}`)).ids).toEqual([done.id]);
    expect((await at('&status=NEVER')).reply.body).toMatchObject({ code: 'InvalidParameter' });
    expect((await at('&color=red')).ids).toHaveLength(2);
    expect(emulator.calls({ service: 'ADM' }).at(-1)?.undeclaredQuery).toEqual(['color']);
  });
});

test('takes several values of one filter where they are given', async () => {
  await withEmulator(async (world) => {
    for (const status of ['ACCEPTED', 'FAILED', 'SUCCEEDED']) {
      world.emulator.createWorkRequest({
        service: 'CONTAINERENGINE',
        region,
        id: status,
        script: [{ status }],
      });
    }
    const query = `compartmentId=${sampleCompartments.platform}&status=FAILED&status=ACCEPTED`;
    const { ids } = await list(world, `containerengine/20180222/workRequests?${query}`);
    expect(ids.sort()).toEqual(['ACCEPTED', 'FAILED']);
  });
});

test('sorts as it is asked, newest first when it is not, and not at all where the API declares no order', async () => {
  await withEmulator(async (world) => {
    for (const service of ['CONTAINERENGINE', 'QUEUE']) {
      for (let age = 0; age < 12; age += 1) {
        world.emulator.createWorkRequest({
          service,
          region,
          id: `${service}-${String(age).padStart(2, '0')}`,
          acceptedMsAgo: age * 1000,
        });
      }
    }
    const byAge = Array.from({ length: 12 }, (_, age) => `CONTAINERENGINE-${String(age).padStart(2, '0')}`);
    const path = `containerengine/20180222/workRequests?compartmentId=${sampleCompartments.platform}`;
    expect((await list(world, path)).ids).toEqual(byAge);
    expect((await list(world, `${path}&sortBy=TIME_ACCEPTED&sortOrder=ASC`)).ids).toEqual(byAge.toReversed());
    expect((await list(world, `${path}&sortBy=ID`)).ids).toEqual(byAge);
    const { ids } = await list(
      world,
      `queue/20210201/workRequests?compartmentId=${sampleCompartments.platform}`,
    );
    expect(ids).not.toEqual(ids.toSorted());
    expect(ids).not.toEqual(ids.toSorted().toReversed());
  });
});

test('pages hide and repeat nothing when work requests come and go in between', async () => {
  await withEmulator(async (world) => {
    const { emulator } = world;
    const { ids } = emulator.createWorkRequest({ service: 'CONTAINERENGINE', region, id: 'old-', count: 9 });
    const path = `containerengine/20180222/workRequests?compartmentId=${sampleCompartments.platform}&limit=3`;
    const seen: string[] = [];
    let page: string | string[] | undefined = '';
    for (let at = 0; page !== undefined; at += 1) {
      const found = await list(world, page === '' ? path : `${path}&page=${String(page)}`);
      seen.push(...found.ids);
      page = found.next;
      if (at === 0) {
        emulator.deleteWorkRequest(found.ids[2] ?? '');
        world.time.nowMs += 1000;
        emulator.createWorkRequest({ service: 'CONTAINERENGINE', region, id: 'new' });
      }
    }
    expect(seen.sort()).toEqual([...ids].sort());
  });
});

test('leads back as well where the API declares it', async () => {
  await withEmulator(async (world) => {
    world.emulator.createWorkRequest({ service: 'DATAFLOW', region, count: 5 });
    const path = `dataflow/20200129/workRequests?compartmentId=${sampleCompartments.platform}&limit=2`;
    const first = await list(world, path);
    const second = await list(world, `${path}&page=${String(first.next)}`);
    const back = await list(world, `${path}&page=${String(second.reply.headers['opc-prev-page'])}`);
    expect(back.ids).toEqual(first.ids);
    expect(back.reply.headers['opc-prev-page']).toBeUndefined();
  });
});

test('refuses limits out of range and tokens of other lists', async () => {
  await withEmulator(async (world) => {
    world.emulator.createWorkRequest({ service: 'QUEUE', region, count: 3 });
    const path = `queue/20210201/workRequests?compartmentId=${sampleCompartments.platform}`;
    for (const limit of ['0', '1001', '-1', 'ten', '1.5']) {
      expect((await list(world, `${path}&limit=${limit}`)).reply.body).toMatchObject({
        code: 'InvalidParameter',
      });
    }
    const { next } = await list(world, `${path}&limit=1`);
    const foreign = await list(
      world,
      `${path.replace(sampleCompartments.platform, sampleCompartments.payments)}&page=${String(next)}`,
    );
    expect(foreign.status).toBe(400);
    for (const page of ['x', 'bm90IGpzb24', 'W10'])
      expect((await list(world, `${path}&page=${page}`)).status).toBe(400);
  });
});

test('uses the page size that the documentation tells where there is no limit', async () => {
  await withEmulator(async (world) => {
    const { id } = world.emulator.createWorkRequest({ service: 'WAAS', region, count: 11 });
    const policy = world.emulator.readWorkRequest(id)?.parents['waasPolicyId'] ?? '';
    const path = `waas/20181116/workRequests?compartmentId=${sampleCompartments.platform}&waasPolicyId=${policy}`;
    const { ids, next } = await list(world, path);
    expect(ids).toHaveLength(10);
    expect(next).toBeDefined();
    expect((await list(world, `${path}x`)).ids).toEqual([]);
  });
});

test('answers 404 for a compartment that nobody knows, in every API', async () => {
  await withEmulator(async (world) => {
    const absent = 'ocid1.compartment.oc1..absent';
    expect(
      (await list(world, `queue/20210201/workRequests?compartmentId=${absent}`)).reply.body,
    ).toMatchObject({
      code: 'NotAuthorizedOrNotFound',
    });
    world.emulator.addCompartment({ id: absent });
    expect((await list(world, `queue/20210201/workRequests?compartmentId=${absent}`)).ids).toEqual([]);
  });
});

test('searches subcompartments where the API can', async () => {
  await withEmulator(async (world) => {
    const { id } = world.emulator.createWorkRequest({
      service: 'OSMANAGEMENTHUB',
      region,
      compartmentId: sampleCompartments.paymentsTest,
    });
    const path = `osmanagementhub/20220901/workRequests?compartmentId=${sampleCompartments.payments}`;
    expect((await list(world, path)).ids).toEqual([]);
    expect((await list(world, `${path}&compartmentIdInSubtree=true`)).ids).toEqual([id]);
  });
});

test('errors and logs ask for the compartment where the API does, and it has to be the right one', async () => {
  await withEmulator(async (world) => {
    const { id, compartmentId } = world.emulator.createWorkRequest({ service: 'CONTAINERENGINE', region });
    const path = `/${region}/containerengine/20180222/workRequests/${id}/logs`;
    expect((await world.call(path)).body).toMatchObject({ code: 'MissingParameter' });
    expect((await world.call(`${path}?compartmentId=${sampleCompartments.payments}`)).status).toBe(404);
    expect((await world.call(`${path}?compartmentId=${compartmentId}`)).status).toBe(200);
  });
});
