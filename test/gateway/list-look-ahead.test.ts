/** The list fetches what is selected and nothing else. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { ServiceName } from '../../datasources/catalog.ts';
import { sampleCompartments } from '../../emulator/emulator.ts';
import { createTestGateway } from '../support/gateway.ts';
import type { Json, TestGateway } from '../support/gateway.ts';
import { askList, listPage } from './list-support.ts';

const region = 'us-ashburn-1';
/** Its list items hold everything; the second's have no `resources`, the third's no `percentComplete`, the fourth's hardly anything. */
const services: readonly ServiceName[] = ['CONTAINERENGINE', 'MYSQL', 'ANALYTICS', 'ODA'];
const perService = 3;

let house: TestGateway;
const created = new Map<ServiceName, readonly string[]>();
beforeAll(async () => {
  house = await createTestGateway({ env: { READ_CACHE_MS: '0' } });
  for (const service of services) {
    const { ids } = house.emulator.createWorkRequest({
      service,
      region,
      count: perService,
      script: [{ afterMs: 0, status: 'FAILED', percentComplete: 40 }],
      errors: [{ code: 'Broken', message: 'It broke' }],
      logs: [{ message: 'Trying' }],
      resources: [{ entityType: 'thing', identifier: `ocid1.thing.oc1.iad.${service.toLowerCase()}` }],
    });
    created.set(service, ids);
  }
});
afterAll(() => house.stop());
afterEach(() => {
  house.emulator.clearFaults();
  house.asked();
});

const asked = { compartmentId: sampleCompartments.platform, services, regions: [region] };

/** What was asked, the lists aside, with whom. */
const detailsAsked = (): readonly string[] => {
  const calls = house.asked();
  return calls.filter((operation) => operation !== 'list').sort();
};

test.each([
  ['id status', []],
  ['id workRequestId region rawStatus compartmentId service { name title }', []],
  ['id observedAt isStale', []],
  ['resources { identifier }', ['MYSQL']],
  ['percentComplete', ['ANALYTICS', 'ODA']],
  ['isTerminal canCancel', ['ODA']],
  ['timeAccepted timeStarted timeFinished', ['ODA']],
  ['resources { identifier } percentComplete isTerminal', ['MYSQL', 'ANALYTICS', 'ODA']],
  ['extras', services],
] as const)('`%s`: one get for each node of %j', async (fields, expected) => {
  const page = await listPage<Json>(house, asked, { fields });
  expect(page.nodes).toHaveLength(services.length * perService);
  const gets = house.emulator.calls({ operation: 'get' });
  const ids = expected.flatMap((service) => created.get(service) ?? []);
  expect(detailsAsked()).toEqual(ids.map(() => 'get'));
  expect(
    gets
      .slice(gets.length - ids.length)
      .map(({ workRequestId }) => workRequestId)
      .sort(),
  ).toEqual([...ids].sort());
});

test('what a get told is right there', async () => {
  const page = await listPage<{
    service: { name: string };
    resources: readonly Json[];
    percentComplete: number;
  }>(house, asked, { fields: 'service { name } resources { identifier } percentComplete' });
  for (const node of page.nodes) {
    const identifier = `ocid1.thing.oc1.iad.${node.service.name.toLowerCase()}`;
    // Kubernetes Engine tells no progress anywhere.
    const percentComplete = node.service.name === 'CONTAINERENGINE' ? null : 40;
    expect(node).toMatchObject({ resources: [{ identifier }], percentComplete });
  }
});

test('only the nodes of the page are read, not all that was listed', async () => {
  await listPage<Json>(
    house,
    { ...asked, services: ['MYSQL'], first: 2 },
    { fields: 'resources { identifier }' },
  );
  expect(house.asked()).toEqual(['list', 'get', 'get']);
});

test('`errors` and `logs` are one call for each node, and wait for no get', async () => {
  const page = await listPage<{ errors: { nodes: readonly Json[] } }>(
    house,
    { ...asked, services: ['CONTAINERENGINE', 'MYSQL'] },
    { fields: 'errors { nodes { code message } } logs { nodes { message } }' },
  );
  expect(page.nodes.map(({ errors }) => errors.nodes)).toEqual(
    page.nodes.map(() => [{ code: 'Broken', message: 'It broke' }]),
  );
  expect(detailsAsked()).toEqual([
    ...Array.from({ length: 2 * perService }, () => 'errors'),
    ...Array.from({ length: 2 * perService }, () => 'logs'),
  ]);
});

test('fields behind `@skip` and `@include` cost nothing', async () => {
  await listPage<Json>(house, asked, {
    fields: 'id extras @skip(if: true) errors @include(if: false) { nodes { code } }',
  });
  expect(detailsAsked()).toEqual([]);
});

test('edges and nodes of one page are the same work requests, read once', async () => {
  const document = `query($compartmentId: String!) {
    workRequests(compartmentId: $compartmentId, services: [MYSQL], regions: ["iad"]) {
      nodes { resources { identifier } }
      edges { node { resources { identifier } extras } }
    }
  }`;
  const { errors } = await house.query(document, { compartmentId: asked.compartmentId });
  expect(errors).toBeUndefined();
  expect(detailsAsked()).toEqual(['get', 'get', 'get']);
});

test('without nodes, edges or page info the sources are asked all the same, and no detail', async () => {
  const answer = await house.query(
    'query($compartmentId: String!) { workRequests(compartmentId: $compartmentId, services: [MYSQL]) { failures { code } } }',
    { compartmentId: asked.compartmentId },
  );
  expect(answer).toEqual({
    data: { workRequests: { failures: [] } },
    extensions: { cost: { estimated: 2, actual: 2 } },
  });
  expect(house.asked()).toEqual(['list', 'list']);
});

test('a node is one observation, by either way: of the list, or of the get where a selected field needs it', async () => {
  const compartmentId = sampleCompartments.payments;
  const { id } = house.emulator.createWorkRequest({
    service: 'ODA',
    region,
    compartmentId,
    script: [{ afterMs: 0, status: 'SUCCEEDED', percentComplete: 100 }],
  });
  // It ended between the two.
  house.emulator.addFault({
    service: 'ODA',
    operation: 'list',
    body: JSON.stringify([{ id, compartmentId, requestAction: 'CREATE', status: 'IN_PROGRESS' }]),
  });
  const nodesOf = async (fields: string, filter: Json = {}): Promise<unknown> => {
    const { data, errors } = await house.query<{ workRequests: { nodes: Json[]; edges: { node: Json }[] } }>(
      `query($compartmentId: String!, $filter: WorkRequestFilter) {
        workRequests(compartmentId: $compartmentId, services: [ODA], regions: ["iad"], filter: $filter) {
          nodes { ${fields} } edges { node { ${fields} } }
        }
      }`,
      { compartmentId, filter },
    );
    expect(errors).toBeUndefined();
    const { nodes = [], edges = [] } = data?.workRequests ?? {};
    return [...nodes, ...edges.map(({ node }) => node)];
  };
  const listed = { status: 'IN_PROGRESS', rawStatus: 'IN_PROGRESS' };
  expect(await nodesOf('status rawStatus')).toEqual([listed, listed]);
  expect(house.asked()).toEqual(['list']);
  const ended = { status: 'SUCCEEDED', isTerminal: true, canCancel: false, percentComplete: 100 };
  const fields = Object.keys(ended).join(' ');
  expect(await nodesOf(fields, { statuses: ['IN_PROGRESS'] })).toEqual([ended, ended]);
  expect(house.asked()).toEqual(['list', 'get']);
});

test('a get that fails costs its field alone', async () => {
  const [bad = ''] = created.get('MYSQL') ?? [];
  house.emulator.addFault({ service: 'MYSQL', operation: 'get', workRequestId: bad, status: 403 });
  const { data, errors } = await askList<{ workRequestId: string; resources: readonly Json[] | null }>(
    house,
    { ...asked, services: ['MYSQL'] },
    { fields: 'workRequestId resources { identifier }' },
  );
  const nodes = data?.workRequests?.nodes ?? [];
  expect(nodes).toHaveLength(perService);
  for (const { workRequestId, resources } of nodes) expect(resources === null).toBe(workRequestId === bad);
  const at = nodes.findIndex(({ workRequestId }) => workRequestId === bad);
  expect(errors).toMatchObject([
    {
      path: ['workRequests', 'nodes', at, 'resources'],
      extensions: { code: 'FORBIDDEN', service: 'MYSQL', region },
    },
  ]);
  expect(data?.workRequests?.failures).toEqual([]);
});

test('a work request that is gone when its get comes keeps what the list told', async () => {
  house.emulator.addFault({ service: 'MYSQL', operation: 'get', status: 404 });
  const page = await listPage<Json>(
    house,
    { ...asked, services: ['MYSQL'] },
    { fields: 'status resources { identifier } isTerminal' },
  );
  expect(page.nodes).toEqual(
    Array.from({ length: perService }, () => ({ status: 'FAILED', resources: null, isTerminal: true })),
  );
});
