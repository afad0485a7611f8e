import { expect, test } from '@jest/globals';
import { sampleCompartments, sampleNamespace, sampleTenancy } from '../../emulator/emulator.ts';
import { withEmulator } from './support.ts';

const region = 'eu-frankfurt-1';

test('load balancers, blockchain platforms and WAAS policies are listed in the compartment of their work requests', async () => {
  await withEmulator(async ({ emulator, call }) => {
    for (const [service, path, name] of [
      ['LOADBALANCER', 'loadbalancer/20170115/loadBalancers', 'loadBalancerId'],
      ['BLOCKCHAIN', 'blockchain/20191010/blockchainPlatforms', 'blockchainPlatformId'],
      ['WAAS', 'waas/20181116/waasPolicies', 'waasPolicyId'],
    ] as const) {
      const { id, compartmentId } = emulator.createWorkRequest({ service, region });
      const parent = emulator.readWorkRequest(id)?.parents[name];
      const reply = await call(`/${region}/${path}?compartmentId=${compartmentId}`);
      const body = reply.body as { id: string }[] | { items: { id: string }[] };
      expect((Array.isArray(body) ? body : body.items).map((item) => item.id)).toEqual([parent]);
      expect((await call(`/us-phoenix-1/${path}?compartmentId=${compartmentId}`)).status).toBe(200);
      expect((await call(`/${region}/${path}`)).body).toMatchObject({ code: 'MissingParameter' });
      expect((await call(`/${region}/${path}?compartmentId=ocid1.absent`)).status).toBe(404);
    }
  });
});

test("a load balancer's work requests are listed under it alone", async () => {
  await withEmulator(async ({ emulator, call }) => {
    const own = { loadBalancerId: 'ocid1.loadbalancer.oc1..own' };
    const { id } = emulator.createWorkRequest({ service: 'LOADBALANCER', region, parents: own });
    emulator.createWorkRequest({ service: 'LOADBALANCER', region });
    const path = `/${region}/loadbalancer/20170115/loadBalancers`;
    expect((await call(`${path}/${own.loadBalancerId}/workRequests`)).body).toMatchObject([
      { id, loadBalancerId: own.loadBalancerId },
    ]);
    expect((await call(`${path}/ocid1.absent/workRequests`)).status).toBe(404);
  });
});

test("namespaces are told for the tenancy's id alone", async () => {
  await withEmulator(async ({ emulator, call }) => {
    emulator.addParent({ kind: 'namespaces', region, id: 'another' });
    const path = `/${region}/loganalytics/20200601/namespaces?compartmentId=`;
    const { body } = await call(`${path}${sampleTenancy}`);
    expect((body as { items: { namespaceName: string }[] }).items.map((item) => item.namespaceName)).toEqual([
      sampleNamespace,
      'another',
    ]);
    expect((await call(`${path}${sampleCompartments.platform}`)).status).toBe(404);
  });
});

test('a work request of Logging Analytics answers in its own namespace alone', async () => {
  await withEmulator(async ({ emulator, call }) => {
    const { id } = emulator.createWorkRequest({
      service: 'LOGANALYTICS_STORAGE',
      region,
      parents: { namespaceName: 'mine' },
    });
    const path = (namespace: string) =>
      `/${region}/loganalytics/20200601/namespaces/${namespace}/storageWorkRequests/${id}`;
    expect((await call(path('mine'))).status).toBe(200);
    expect((await call(path(sampleNamespace))).status).toBe(404);
    expect((await call(path('mine').replace('storageWorkRequests', 'workRequests'))).status).toBe(404);
  });
});

test('compartments are listed by level, or all of them below the tenancy', async () => {
  await withEmulator(async ({ call }) => {
    const path = '/us-ashburn-1/identity/20160918/compartments';
    const names = async (query: string) =>
      ((await call(`${path}?${query}`)).body as { name: string }[]).map((one) => one.name);
    expect(await names(`compartmentId=${sampleTenancy}`)).toEqual(['analytics', 'payments', 'platform']);
    expect(await names(`compartmentId=${sampleCompartments.payments}`)).toEqual(['payments-test']);
    expect(
      await names(`compartmentId=${sampleTenancy}&compartmentIdInSubtree=true&accessLevel=ACCESSIBLE`),
    ).toEqual(['analytics', 'payments', 'payments-test', 'platform']);
    expect(
      (await call(`${path}?compartmentId=${sampleCompartments.payments}&compartmentIdInSubtree=true`)).status,
    ).toBe(400);
    expect((await call(`${path}/${sampleCompartments.paymentsTest}`)).body).toMatchObject({
      name: 'payments-test',
      compartmentId: sampleCompartments.payments,
      lifecycleState: 'ACTIVE',
    });
    const first = await call(`${path}?compartmentId=${sampleTenancy}&limit=2`);
    expect(first.body).toHaveLength(2);
    const second = await call(
      `${path}?compartmentId=${sampleTenancy}&limit=2&page=${String(first.headers['opc-next-page'])}`,
    );
    expect(second.body).toHaveLength(1);
  });
});

test('the tenancy, its region subscriptions and the regions are told', async () => {
  await withEmulator(async ({ call }) => {
    const path = `/us-ashburn-1/identity/20160918`;
    expect((await call(`${path}/tenancies/${sampleTenancy}`)).body).toMatchObject({
      id: sampleTenancy,
      homeRegionKey: 'IAD',
    });
    expect((await call(`${path}/tenancies/${sampleTenancy}/regionSubscriptions`)).body).toContainEqual({
      regionKey: 'IAD',
      regionName: 'us-ashburn-1',
      status: 'READY',
      isHomeRegion: true,
    });
    expect((await call(`${path}/regions`)).body).toContainEqual({ key: 'FRA', name: 'eu-frankfurt-1' });
    expect((await call(`${path}/tenancies/ocid1.tenancy.oc1..other`)).status).toBe(404);
  });
});
