/** Filters: pushed down by native names where that is safe, completed in the gateway everywhere, the same either way. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceName } from '../../datasources/catalog.ts';
import { sampleCompartments } from '../../emulator/emulator.ts';
import { createTestGateway } from '../support/gateway.ts';
import type { Json, TestGateway } from '../support/gateway.ts';
import { idsOf, listAll, listPage } from './list-support.ts';

const region = 'us-ashburn-1';
const compartmentId = sampleCompartments.payments;
const minute = 60_000;
const other = 'ocid1.other.oc1.iad.same';

/** Each has another name for what is pushed, or none, or lacks the field in its list items. */
const services = [
  'CONTAINERENGINE', // resourceId, status
  'DATAINTEGRATION', // workRequestStatus
  'SERVICEMESH', // resourceId, operationStatus
  'DATABASETOOLS', // resourceIdentifier
  'QUEUE', // nothing, and does not sort
  'MYSQL', // nothing, and its list items have no resources
  'OBJECTSTORAGE', // says COMPLETED
  'LOGANALYTICS', // its list items have neither operation nor resources
  'ODA', // its list items have no times
] as const satisfies readonly ServiceName[];

interface Made {
  readonly id: string;
  readonly service: ServiceName;
  readonly word: string;
  readonly operation: string;
  readonly identifier: string;
  readonly acceptedAt: number;
}

let house: TestGateway;
const made: Made[] = [];
let now = 0;
beforeAll(async () => {
  house = await createTestGateway({ env: { READ_CACHE_MS: '0' } });
  now = Date.parse(house.emulator.setClock({ speed: 0 }).scriptedTime);
  const words = ['ACCEPTED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED'];
  for (const service of services) {
    for (const [index, word] of words.entries()) {
      const own = service === 'OBJECTSTORAGE' && word === 'SUCCEEDED' ? 'COMPLETED' : word;
      const operation = index % 2 === 0 ? 'CREATE_THING' : 'DELETE_THING';
      const identifier = `ocid1.thing.oc1.iad.${index}`;
      const { id } = house.emulator.createWorkRequest({
        service,
        region,
        compartmentId,
        acceptedMsAgo: (index + 1) * minute,
        operationType: operation,
        script: [{ afterMs: 0, status: own }],
        resources: [
          { entityType: 'thing', identifier },
          { entityType: 'other', identifier: other },
        ],
        // Its filter goes by this field of its own.
        ...(service === 'ODA' && { native: { resourceId: identifier } }),
      });
      made.push({ id, service, word, operation, identifier, acceptedAt: now - (index + 1) * minute });
    }
  }
});
afterAll(() => house.stop());
afterEach(() => {
  house.emulator.clearFaults();
  house.emulator.clearCalls();
  house.asked();
});

const ask = (filter: Json, more: Json = {}): ReturnType<typeof listAll> =>
  listAll(house, { compartmentId, services, regions: [region], filter, first: 5, ...more });
const matching = (matches: (one: Made) => boolean): readonly string[] =>
  made
    .filter(matches)
    .map(({ id }) => id)
    .sort();
const at = (minutesAgo: number): string => new Date(now - minutesAgo * minute).toISOString();

describe('every field, over services that push it and services that do not', () => {
  const isTerminal = ({ word }: Made): boolean => word === 'SUCCEEDED' || word === 'FAILED';
  const cases: readonly (readonly [string, () => Json, (one: Made) => boolean])[] = [
    ['nothing', () => ({}), () => true],
    ['one status of one word', () => ({ statuses: ['FAILED'] }), ({ word }) => word === 'FAILED'],
    ['a status of two words', () => ({ statuses: ['SUCCEEDED'] }), ({ word }) => word === 'SUCCEEDED'],
    [
      'two statuses',
      () => ({ statuses: ['ACCEPTED', 'FAILED'] }),
      ({ word }) => word === 'ACCEPTED' || word === 'FAILED',
    ],
    ['a status nobody has', () => ({ statuses: ['SKIPPED'] }), () => false],
    ['terminal', () => ({ isTerminal: true }), isTerminal],
    ['not terminal', () => ({ isTerminal: false }), (one) => !isTerminal(one)],
    [
      'terminal and failed',
      () => ({ isTerminal: true, statuses: ['FAILED', 'IN_PROGRESS'] }),
      ({ word }) => word === 'FAILED',
    ],
    [
      'an operation',
      () => ({ operationTypes: ['DELETE_THING'] }),
      ({ operation }) => operation === 'DELETE_THING',
    ],
    ['two operations', () => ({ operationTypes: ['DELETE_THING', 'CREATE_THING'] }), () => true],
    ['an operation in another case', () => ({ operationTypes: ['delete_thing'] }), () => false],
    [
      'a resource',
      () => ({ resourceId: 'ocid1.thing.oc1.iad.1' }),
      ({ identifier }) => identifier === 'ocid1.thing.oc1.iad.1',
    ],
    ['a second resource', () => ({ resourceId: other }), ({ service }) => service !== 'ODA'],
    [
      'accepted after, inclusive',
      () => ({ acceptedAfter: at(2) }),
      ({ acceptedAt }) => acceptedAt >= now - 2 * minute,
    ],
    [
      'accepted before, exclusive',
      () => ({ acceptedBefore: at(2) }),
      ({ acceptedAt }) => acceptedAt < now - 2 * minute,
    ],
    [
      'accepted between',
      () => ({ acceptedAfter: at(3), acceptedBefore: at(1) }),
      ({ acceptedAt }) => acceptedAt >= now - 3 * minute && acceptedAt < now - minute,
    ],
    [
      'everything at once',
      () => ({
        statuses: ['FAILED', 'SUCCEEDED'],
        isTerminal: true,
        operationTypes: ['DELETE_THING'],
        resourceId: 'ocid1.thing.oc1.iad.3',
        acceptedAfter: at(10),
        acceptedBefore: at(0),
      }),
      ({ word }) => word === 'FAILED',
    ],
  ];
  test.each(cases)('%s', async (_name, filter, matches) => {
    for (const orderBy of ['TIME_ACCEPTED_DESC', 'TIME_ACCEPTED_ASC']) {
      const nodes = await ask(filter(), { orderBy });
      expect([...idsOf(nodes)].sort()).toEqual(matching(matches));
    }
  });

  test('null for every field is no filter', async () => {
    const nodes = await ask({
      statuses: null,
      isTerminal: null,
      operationTypes: null,
      resourceId: null,
      acceptedAfter: null,
      acceptedBefore: null,
    });
    expect(nodes).toHaveLength(made.length);
  });
});

describe('what is pushed', () => {
  const queries = (service: ServiceName): readonly Json[] =>
    house.emulator.calls({ service, operation: 'list' }).map(({ query }) => query);

  test.each([
    ['CONTAINERENGINE', { status: 'FAILED' }],
    ['DATAINTEGRATION', { workRequestStatus: 'FAILED' }],
    ['SERVICEMESH', { operationStatus: 'FAILED' }],
  ] as const)('%s is asked for a status by its own parameter', async (service, expected) => {
    const nodes = await ask({ statuses: ['FAILED'] }, { services: [service] });
    expect(nodes).toHaveLength(1);
    expect(queries(service)).toMatchObject([expected]);
  });

  test.each([
    ['CONTAINERENGINE', { resourceId: 'ocid1.thing.oc1.iad.1' }],
    ['DATABASETOOLS', { resourceIdentifier: 'ocid1.thing.oc1.iad.1' }],
  ] as const)('%s is asked for a resource by its own parameter', async (service, expected) => {
    await ask({ resourceId: 'ocid1.thing.oc1.iad.1' }, { services: [service] });
    expect(queries(service)).toMatchObject([expected]);
  });

  test('no source is given a parameter that it does not declare', async () => {
    await ask({ statuses: ['FAILED'], resourceId: 'ocid1.thing.oc1.iad.3', acceptedAfter: at(10) });
    const calls = house.emulator.calls({ operation: 'list' });
    expect(new Set(calls.map(({ service }) => service))).toEqual(new Set(services));
    expect(calls.flatMap(({ undeclaredQuery }) => undeclaredQuery)).toEqual([]);
  });

  test.each([
    ['several statuses', { statuses: ['FAILED', 'ACCEPTED'] }],
    ['a status that two words mean', { statuses: ['SUCCEEDED'] }],
    ['a time', { acceptedAfter: '2020-01-01T00:00:00Z' }],
    ['an operation', { operationTypes: ['CREATE_THING'] }],
  ] as const)('%s is not', async (_name, filter) => {
    await ask(filter, { services: ['CONTAINERENGINE'] });
    for (const query of queries('CONTAINERENGINE'))
      expect(Object.keys(query).sort()).toEqual(expect.not.arrayContaining(['status', 'resourceId']));
  });

  test('a source that refuses it is asked again without, and nothing is missing', async () => {
    house.emulator.addFault({ service: 'CONTAINERENGINE', operation: 'list', status: 400, times: 1 });
    const nodes = await ask({ statuses: ['FAILED'] }, { services: ['CONTAINERENGINE'] });
    expect(nodes).toHaveLength(1);
    const [first, second] = queries('CONTAINERENGINE');
    expect(first).toHaveProperty('status', 'FAILED');
    expect(second).not.toHaveProperty('status');
  });
});

test('list items that leave the filter undecided are read one by one, others are not', async () => {
  const filter = { resourceId: 'ocid1.thing.oc1.iad.1' };
  await ask(filter, { services: ['MYSQL'], first: 50 });
  expect(house.asked()).toEqual(['list', 'get', 'get', 'get', 'get']);
  await ask(filter, { services: ['QUEUE'], first: 50 });
  expect(house.asked()).toEqual(['list']);
});

test('a word nobody declared is found, by status UNKNOWN too', async () => {
  const { id } = house.emulator.createWorkRequest({
    service: 'REDIS',
    region,
    compartmentId,
    script: [{ afterMs: 0, status: 'PONDERING' }],
  });
  const found = await ask({ statuses: ['UNKNOWN'] }, { services: ['REDIS'] });
  expect(idsOf(found)).toEqual([id]);
  expect(await ask({ statuses: ['ACCEPTED'] }, { services: ['REDIS'] })).toEqual([]);
});

test('a bound of time stops the reading of a source that sorts', async () => {
  house.emulator.createWorkRequest({
    service: 'STREAMING',
    region,
    compartmentId,
    count: 400,
    acceptedMsAgo: 60 * minute,
  });
  house.emulator.createWorkRequest({
    service: 'STREAMING',
    region,
    compartmentId,
    count: 3,
    acceptedMsAgo: minute,
  });
  const page = await listPage(house, {
    compartmentId,
    services: ['STREAMING'],
    regions: [region],
    first: 25,
    filter: { acceptedAfter: at(5) },
  });
  expect(page).toMatchObject({ nodes: [{}, {}, {}], pageInfo: { hasNextPage: false } });
  expect(house.asked()).toEqual(['list']);
});

test.each([
  ['after the year 1960', { acceptedAfter: '1960-01-01T00:00:00Z' }, 4],
  ['before the year 1960', { acceptedBefore: '1960-01-01T00:00:00Z' }, 0],
  ['in the year 1', { acceptedAfter: '0001-01-01T00:00:00Z', acceptedBefore: '0002-01-01T00:00:00Z' }, 0],
  ['before the year 9999', { acceptedBefore: '9999-12-31T23:59:59Z' }, 4],
])('%s: dates far from now are dates', async (_name, filter, count) => {
  const nodes = await ask(filter, { services: ['CONTAINERENGINE'] });
  expect(nodes).toHaveLength(count);
});

test('the same over WebSocket', async () => {
  const asked = { compartmentId, services, regions: [region], filter: { statuses: ['FAILED'] }, first: 100 };
  const page = await listPage(house, asked, { transport: 'websocket' });
  expect([...idsOf(page.nodes)].sort()).toEqual(matching(({ word }) => word === 'FAILED'));
});
