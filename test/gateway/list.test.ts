/** The list over the real emulator: every work request exactly once, in order, with as few calls as there are sources. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { catalog } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { sampleCompartments, sampleNamespace } from '../../emulator/emulator.ts';
import { createTestGateway, testRegions } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { idsOf, listAll, listPage } from './list-support.ts';

const { payments, paymentsTest, platform, analytics } = sampleCompartments;
const [home] = testRegions;
const all = Object.values(catalog);
const sources = all.flatMap(({ name, isHomeRegionOnly }) =>
  (isHomeRegionOnly ? [home] : testRegions).flatMap((region) =>
    [payments, paymentsTest].map((compartmentId) => ({ service: name, region, compartmentId })),
  ),
);

interface Made {
  readonly id: string;
  readonly workRequestId: string;
  readonly service: ServiceName;
  readonly region: string;
  readonly compartmentId: string;
  /** null: its list does not tell. */
  readonly acceptedMsAgo: number | null;
}

/** Scripted time stands still there, so that times can be equal. */
const makeIn = (
  house: TestGateway,
  service: ServiceName,
  region: string,
  compartmentId: string,
  acceptedMsAgo: number,
): Made => {
  const workRequestId = house.emulator.createWorkRequest({
    service,
    region,
    compartmentId,
    acceptedMsAgo,
    script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
  }).id;
  const parts = [
    'WorkRequest',
    service,
    region,
    workRequestId,
    ...(catalog[service].needsNamespace ? [sampleNamespace] : []),
  ];
  const id = Buffer.from(parts.join(':')).toString('base64url');
  const isTold = !catalog[service].listLacks.has('timeAccepted');
  return { id, workRequestId, service, region, compartmentId, acceptedMsAgo: isTold ? acceptedMsAgo : null };
};

/** The order that the schema promises, worked out on its own. */
const inOrder = (made: readonly Made[], order: 'newest' | 'oldest'): readonly string[] =>
  [...made]
    .sort((left, right) => {
      if (left.acceptedMsAgo === right.acceptedMsAgo) return left.id < right.id ? -1 : 1;
      if (left.acceptedMsAgo === null) return 1;
      if (right.acceptedMsAgo === null) return -1;
      return order === 'newest'
        ? left.acceptedMsAgo - right.acceptedMsAgo
        : right.acceptedMsAgo - left.acceptedMsAgo;
    })
    .map(({ workRequestId }) => workRequestId);

let house: TestGateway;
afterEach(() => {
  house.asked();
});
afterAll(async () => {
  await house.stop();
});
const made: Made[] = [];
beforeAll(async () => {
  house = await createTestGateway({ env: { READ_CACHE_MS: '0' } });
  house.emulator.setClock({ speed: 0 });
  // Spread over each other, with many equal times.
  for (const [index, { service, region, compartmentId }] of sources.entries())
    made.push(makeIn(house, service, region, compartmentId, 60_000 + ((index * 37) % 211) * 1_000));
  // What lies elsewhere is not asked for.
  makeIn(house, 'CONTAINERENGINE', home, platform, 1_000);
});

describe('all APIs in all regions, with subcompartments', () => {
  const everything = { compartmentId: payments, includeSubcompartments: true };

  test('the first page finds the parents; with them known it takes one call for each source and no other', async () => {
    expect(all).toHaveLength(115);
    await listPage(house, { ...everything, first: 10 });
    const cold = Map.groupBy(house.asked(), (operation) => operation);
    expect(new Map([...cold].map(([operation, calls]) => [operation, calls.length]))).toEqual(
      new Map([
        ['listCompartments', 1],
        ['listNamespaces', testRegions.length],
        ['listLoadBalancers', 4],
        ['listBlockchainPlatforms', 4],
        ['listWaasPolicies', 4],
        ['list', sources.length],
      ]),
    );
    const page = await listPage(house, { ...everything, first: 10 });
    expect(page.failures).toEqual([]);
    expect(house.asked()).toEqual(sources.map(() => 'list'));
  });

  test.each([
    ['newest', 'TIME_ACCEPTED_DESC'],
    ['oldest', 'TIME_ACCEPTED_ASC'],
  ] as const)(
    'the %s first: each work request once over all pages, those whose list tells no time last',
    async (order, orderBy) => {
      const pages: number[] = [];
      const nodes = await listAll(house, { ...everything, first: 100, orderBy }, ({ nodes: some }) =>
        pages.push(some.length),
      );
      expect(idsOf(nodes)).toEqual(inOrder(made, order));
      expect(nodes.map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort());
      expect(new Set(pages)).toEqual(new Set([100]));
      expect(nodes.at(-1)?.service.name).toBe('ODA');
    },
    30_000,
  );

  test('a later page asks only the sources that still have something', async () => {
    const first = await listPage(house, { ...everything, first: 100 });
    house.asked();
    await listPage(house, { ...everything, first: 100, after: first.pageInfo.endCursor });
    expect(house.asked().length).toBeLessThanOrEqual(sources.length - 90);
  });

  test('without subcompartments only the compartment itself is asked', async () => {
    const nodes = await listAll(house, { compartmentId: payments, first: 100 });
    expect(idsOf(nodes)).toEqual(
      inOrder(
        made.filter(({ compartmentId }) => compartmentId === payments),
        'newest',
      ),
    );
    const asked = house.emulator.calls({ operation: 'list', compartmentId: paymentsTest });
    expect(new Set(asked.map(({ query }) => query['compartmentId']))).toEqual(new Set([paymentsTest]));
  });
});

test.each(['LOADBALANCER', 'LOGANALYTICS', 'LOGANALYTICS_STORAGE', 'BLOCKCHAIN', 'WAAS'] as const)(
  '%s: parents are found, and what lies below each of them',
  async (service) => {
    const own = made.filter((one) => one.service === service && one.compartmentId === payments);
    const page = await listPage(house, { compartmentId: payments, services: [service] });
    expect(idsOf(page.nodes)).toEqual(inOrder(own, 'newest'));
    expect(page.failures).toEqual([]);
  },
);

test('two load balancers in one compartment are two lists', async () => {
  for (const loadBalancerId of ['ocid1.loadbalancer.oc1.iad.one', 'ocid1.loadbalancer.oc1.iad.two']) {
    house.emulator.createWorkRequest({
      service: 'LOADBALANCER',
      region: home,
      compartmentId: analytics,
      parents: { loadBalancerId },
    });
  }
  const page = await listPage(house, {
    compartmentId: analytics,
    services: ['LOADBALANCER'],
    regions: ['iad'],
  });
  expect(page.nodes).toHaveLength(2);
  expect(house.asked()).toEqual(['listLoadBalancers', 'list', 'list']);
});

test('a compartment without load balancers, platforms and policies has no such lists, and no failures', async () => {
  const id = 'ocid1.compartment.oc1..bare';
  house.emulator.addCompartment({ id });
  const services = ['LOADBALANCER', 'BLOCKCHAIN', 'WAAS'];
  const page = await listPage(house, { compartmentId: id, services });
  expect(page).toEqual({ nodes: [], failures: [], pageInfo: { hasNextPage: false, endCursor: null } });
  expect(house.asked()).not.toContain('list');
});

describe('services that sort and services that do not, deep', () => {
  const services: readonly ServiceName[] = ['CONTAINERENGINE', 'REDIS', 'QUEUE', 'LOADBALANCER', 'DATAFLOW'];
  const compartmentId = 'ocid1.compartment.oc1..deep';
  const deep: Made[] = [];
  beforeAll(() => {
    for (const service of services)
      for (let index = 0; index < 30; index += 1)
        deep.push(makeIn(house, service, home, compartmentId, Math.floor(index / 4) * 5_000));
  });

  test.each([
    [1, 'TIME_ACCEPTED_DESC', 'newest'],
    [7, 'TIME_ACCEPTED_DESC', 'newest'],
    [7, 'TIME_ACCEPTED_ASC', 'oldest'],
    [100, 'TIME_ACCEPTED_ASC', 'oldest'],
  ] as const)('by pages of %i, %s', async (first, orderBy, order) => {
    // All of them by ones would be 150 pages.
    const wanted = first === 1 ? deep.slice(0, 30) : deep;
    const asked = first === 1 ? [services[0]] : services;
    const nodes = await listAll(house, { compartmentId, services: asked, regions: [home], first, orderBy });
    expect(idsOf(nodes)).toEqual(inOrder(wanted, order));
  });

  test('every edge has a cursor that leads on from right there', async () => {
    const document = `query($after: String, $compartmentId: String!, $services: [ServiceName!]) {
      workRequests(compartmentId: $compartmentId, services: $services, regions: ["iad"], first: 8, after: $after) {
        edges { cursor node { workRequestId } }
        pageInfo { startCursor endCursor hasPreviousPage }
      }
    }`;
    interface Edges {
      readonly workRequests: {
        readonly edges: readonly {
          readonly cursor: string;
          readonly node: { readonly workRequestId: string };
        }[];
        readonly pageInfo: { readonly startCursor: string; readonly endCursor: string };
      };
    }
    const variables = { compartmentId, services };
    const { data } = await house.query<Edges>(document, variables);
    const order = inOrder(deep, 'newest');
    const { edges = [], pageInfo } = data?.workRequests ?? {};
    expect(edges.map(({ node }) => node.workRequestId)).toEqual(order.slice(0, 8));
    for (const [index, { cursor }] of edges.entries()) {
      const next = await house.query<Edges>(document, { ...variables, after: cursor });
      expect(next.data?.workRequests.edges.map(({ node }) => node.workRequestId)).toEqual(
        order.slice(index + 1, index + 9),
      );
    }
    expect(pageInfo).toMatchObject({ hasPreviousPage: false });
  });

  test('new arrivals neither repeat nor hide anything; the oldest-first list tells them at its end', async () => {
    for (const orderBy of ['TIME_ACCEPTED_DESC', 'TIME_ACCEPTED_ASC'] as const) {
      const before = [...deep];
      const nodes = await listAll(
        house,
        { compartmentId, services, regions: [home], first: 20, orderBy },
        () => {
          house.emulator.setClock({ advanceMs: 1 });
          for (const service of services)
            deep.push({ ...makeIn(house, service, home, compartmentId, 0), acceptedMsAgo: 0 });
        },
      );
      const ids = idsOf(nodes);
      expect(new Set(ids).size).toBe(ids.length);
      const told = new Set(ids);
      expect(before.filter(({ workRequestId }) => !told.has(workRequestId))).toEqual([]);
      const arrived = deep.slice(before.length).map(({ workRequestId }) => workRequestId);
      const arrivedAndTold = arrived.filter((id) => told.has(id));
      if (orderBy === 'TIME_ACCEPTED_DESC') expect(arrivedAndTold).toEqual([]);
      else expect(arrivedAndTold.length).toBeGreaterThan(0);
    }
  });
});

test('the same page over HTTP and WebSocket, cursors included', async () => {
  const asked = { compartmentId: payments, services: ['CONTAINERENGINE', 'QUEUE', 'WAAS'], first: 2 };
  const overHttp = await listPage(house, asked);
  const overSocket = await listPage(house, asked, { transport: 'websocket' });
  expect(overSocket.nodes).toEqual(overHttp.nodes);
  const after = overSocket.pageInfo.endCursor;
  const next = await listPage(house, { ...asked, after });
  expect(next.nodes).toEqual(
    (await listPage(house, { ...asked, after: overHttp.pageInfo.endCursor }, { transport: 'websocket' }))
      .nodes,
  );
  expect(next.nodes).toHaveLength(2);
});

test('two that ask the same at once share the calls', async () => {
  const asked = { compartmentId: payments, services: ['CONTAINERENGINE', 'REDIS', 'IDENTITY'] };
  await listPage(house, asked);
  house.asked();
  const pages = await Promise.all(Array.from({ length: 5 }, () => listPage(house, asked)));
  expect(house.asked().length).toBeLessThanOrEqual(5 * pages.length);
  expect(new Set(pages.map(({ nodes }) => JSON.stringify(nodes))).size).toBe(1);
});

test('IAM is asked in the home region only, also when only other regions are asked for', async () => {
  const services = ['IDENTITY', 'IDENTITY_IAM', 'IDENTITY_TAGGING'];
  await listPage(house, { compartmentId: payments, services });
  expect(house.asked()).toEqual(['list', 'list', 'list']);
  const page = await listPage(house, { compartmentId: payments, services, regions: [testRegions[1]] });
  expect(page.nodes).toEqual([]);
  expect(house.asked()).toEqual([]);
});

test('regions are told by id or by code, and one told twice counts once', async () => {
  const asked = { compartmentId: payments, services: ['QUEUE', 'QUEUE'] };
  const page = await listPage(house, { ...asked, regions: ['iad', 'us-ashburn-1', 'iad'] });
  expect(page.nodes.map(({ region }) => region)).toEqual([home]);
  expect(house.asked()).toEqual(['list']);
});
