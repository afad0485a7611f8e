/** What operations are estimated at and what they take, counted by upstream itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { getDirectiveValues, getNamedType, isCompositeType, isNonNullType, isObjectType } from 'graphql';
import { catalog } from '../../datasources/catalog.ts';
import { sampleCompartments, sampleTenancy } from '../../emulator/emulator.ts';
import { codesOf, createTestGateway, testRegions, transports } from '../support/gateway.ts';
import type { Answer, Json, TestGateway } from '../support/gateway.ts';

const { platform, payments } = sampleCompartments;
const services = Object.keys(catalog).length;

let house: TestGateway;
beforeAll(async () => {
  house = await createTestGateway({ env: { READ_CACHE_MS: '0' }, emulator: { samples: true } });
});
beforeEach(() => {
  house.asked();
});
afterAll(() => house.stop());

const costOf = ({ extensions, errors }: Answer<unknown>): { estimated: number; actual: number } => {
  if (extensions === undefined) throw new Error(`nothing was executed: ${JSON.stringify(errors)}`);
  return extensions.cost;
};

const ask = async (
  document: string,
  variables: Json = {},
): Promise<{ estimated: number; actual: number }> => {
  const cost = costOf(await house.query(document, variables));
  expect(house.asked()).toHaveLength(cost.actual);
  return cost;
};

/** Ids of work requests that are there, of one service and region. */
const makeIds = (count: number, service = 'QUEUE', more: Json = {}): readonly string[] =>
  Array.from({ length: count }, () => {
    const place = { service, region: testRegions[0], compartmentId: payments };
    const { id } = house.emulator.createWorkRequest({ ...place, ...more });
    return Buffer.from(`WorkRequest:${service}:${place.region}:${id}`).toString('base64url');
  });

describe('what is asked is what is told', () => {
  test('nothing for what the gateway knows by itself', async () => {
    expect(await ask('{ __typename services { name } regions { id } __schema { types { name } } }')).toEqual({
      estimated: 0,
      actual: 0,
    });
  });

  test('a work request is one call, its errors and logs one each', async () => {
    const [id = ''] = makeIds(1);
    expect(await ask('query($id: ID!) { node(id: $id) { id } }', { id })).toEqual({
      estimated: 1,
      actual: 1,
    });
    const parts = 'resources { identifier } extras errors { nodes { code } } logs { nodes { message } }';
    expect(
      await ask(`query($id: ID!) { workRequest(id: $id) { status service { name } ${parts} } }`, { id }),
    ).toEqual({ estimated: 3, actual: 3 });
  });

  test('several ids are one call each at most; the same id twice is one', async () => {
    const ids = makeIds(6);
    const document = 'query($ids: [ID!]!) { nodes(ids: $ids) { id ... on WorkRequest { status } } }';
    expect(await ask(document, { ids: [...ids, ...ids] })).toEqual({ estimated: 6, actual: 2 });
    expect(await ask(document, { ids: [] })).toEqual({ estimated: 0, actual: 0 });
  });

  test('a cancel is three', async () => {
    const [id = ''] = makeIds(1, 'CONTAINERENGINE', { script: [{ afterMs: 0, status: 'ACCEPTED' }] });
    const document =
      'mutation($id: ID!) { cancelWorkRequest(input: { id: $id }) { workRequest { status } } }';
    expect(await ask(document, { id })).toEqual({ estimated: 3, actual: 3 });
  });

  test('the list costs one for each source, and what is read for each of its work requests', async () => {
    makeIds(3, 'DEVOPS');
    const list = (args: string, fields: string): string =>
      `query($c: String!) { workRequests(compartmentId: $c, ${args}) { nodes { ${fields} } } }`;
    const c = payments;
    expect(await ask(list('services: [DEVOPS, QUEUE, DEVOPS]', 'id'), { c })).toEqual({
      estimated: 4,
      actual: 4,
    });
    expect(await ask(list('services: [DEVOPS], regions: ["iad", "us-ashburn-1"]', 'id'), { c })).toEqual({
      estimated: 1,
      actual: 1,
    });
    // IAM is asked at home.
    expect((await ask(list('services: [IDENTITY]', 'id'), { c })).actual).toBe(1);
    const each = await ask(
      list(
        'services: [DEVOPS], regions: ["iad"], first: 2',
        'id resources { identifier } errors { nodes { code } }',
      ),
      { c },
    );
    expect(each).toEqual({ estimated: 1 + 2, actual: 1 + 2 });
    // Its list items have no resources: a get for each.
    expect(catalog.MYSQL.listLacks).toContain('resources');
    makeIds(3, 'MYSQL');
    const whole = await ask(
      list('services: [MYSQL], regions: ["iad"], first: 2', 'id resources { identifier } extras'),
      { c },
    );
    expect(whole).toEqual({ estimated: 1 + 2, actual: 1 + 2 });
  });

  test('all services in all regions of a compartment', async () => {
    const document =
      'query($c: String!, $s: Boolean) { workRequests(compartmentId: $c, includeSubcompartments: $s) { nodes { id } } }';
    const flat = await ask(document, { c: platform });
    expect(flat.actual).toBeGreaterThan(services);
    expect(flat.estimated).toBeGreaterThanOrEqual(flat.actual);
    const deep = await ask(document, { c: sampleTenancy, s: true });
    expect(deep.actual).toBeGreaterThan(flat.actual);
    expect(deep.estimated).toBeGreaterThanOrEqual(deep.actual);
  }, 30_000);

  test('a question that fails before it asks anybody was nothing', async () => {
    const document =
      '{ workRequests(compartmentId: "c", regions: ["us-phoenix-1"]) { nodes { id } } node(id: "x") { id } }';
    expect(await ask(document)).toEqual({ estimated: 1, actual: 0 });
  });

  test('what others caused is theirs', async () => {
    const shared = await createTestGateway({ env: { READ_CACHE_MS: '60000' } });
    try {
      const document =
        'query($c: String!) { workRequests(compartmentId: $c, services: [QUEUE]) { nodes { id } } }';
      const answers = await Promise.all([1, 2, 3].map(() => shared.query(document, { c: payments })));
      const again = await shared.query(document, { c: payments }, { transport: 'websocket' });
      expect([...answers, again].map((answer) => costOf(answer).estimated)).toEqual([2, 2, 2, 2]);
      expect([...answers, again].map((answer) => costOf(answer).actual)).toEqual([2, 0, 0, 0]);
      expect(shared.asked()).toHaveLength(2);
    } finally {
      await shared.stop();
    }
  });

  test('on every transport, and never with events', async () => {
    const [id = ''] = makeIds(1, 'QUEUE', { script: [{ afterMs: 0, status: 'SUCCEEDED' }] });
    for (const transport of transports) {
      const answer = await house.query('query($id: ID!) { node(id: $id) { id } }', { id }, { transport });
      expect(costOf(answer)).toEqual({ estimated: 1, actual: 1 });
    }
    const events = await house
      .subscribe('subscription($id: ID!) { workRequest(id: $id) { type } }', { id })
      .all();
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) expect(event).not.toHaveProperty('extensions');
  });

  test('no operation takes more than it was estimated at', async () => {
    const pools = [makeIds(5, 'QUEUE'), makeIds(5, 'MYSQL'), makeIds(5, 'WAAS'), makeIds(5, 'LOADBALANCER')];
    const someFields = fc
      .subarray(
        [
          'status',
          'percentComplete',
          'resources { identifier }',
          'isTerminal',
          'extras',
          'errors { nodes { code } }',
          'logs(first: 1) { edges { node { message } } }',
          'service { name }',
        ],
        { minLength: 1 },
      )
      .map((fields) => fields.join(' '));
    const someIds = fc.subarray(pools.flat(), { minLength: 1 });
    const someServices = fc.subarray(
      ['QUEUE', 'MYSQL', 'WAAS', 'LOADBALANCER', 'LOGANALYTICS', 'IDENTITY', 'ANALYTICS'],
      {
        minLength: 1,
      },
    );
    const field = fc.oneof(
      fc
        .tuple(someIds, someFields)
        .map(([ids, fields]) => `nodes(ids: ${JSON.stringify(ids)}) { id ... on WorkRequest { ${fields} } }`),
      fc.tuple(someIds, someFields).map(([[id], fields]) => `workRequest(id: "${id}") { ${fields} }`),
      fc.tuple(someServices, someFields, fc.integer({ min: 1, max: 8 }), fc.boolean(), fc.boolean()).map(
        ([some, fields, first, isDeep, isFiltered]) =>
          `workRequests(compartmentId: "${payments}", services: [${some.join()}], first: ${first}, includeSubcompartments: ${isDeep}
              ${isFiltered ? ', filter: { resourceId: "ocid1.x" }' : ''}) { nodes { ${fields} } edges { node { id } } }`,
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 3 }), async (fields) => {
        const { estimated, actual } = await ask(`{ ${fields.map((one, at) => `f${at}: ${one}`).join(' ')} }`);
        expect(actual).toBeLessThanOrEqual(estimated);
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});

describe('what costs too much', () => {
  let small: TestGateway;
  beforeAll(async () => {
    small = await createTestGateway({ env: { MAX_QUERY_COST: '20' } });
  });
  afterAll(() => small.stop());

  const everything = 'query($c: String!) { workRequests(compartmentId: $c) { nodes { id } } }';
  const few = 'query($c: String!) { workRequests(compartmentId: $c, services: [QUEUE]) { nodes { id } } }';

  test.each(transports)('is refused over %s, first and later, and nobody is asked', async (transport) => {
    for (let time = 0; time < 3; time += 1) {
      const answer = await small.query(everything, { c: payments }, { transport });
      expect(codesOf(answer)).toEqual(['LIMIT_EXCEEDED']);
      expect(answer.errors?.[0]?.message).toMatch(/about \d{3} calls .* 20 are allowed .*MAX_QUERY_COST/);
      expect(answer).not.toHaveProperty('data');
      expect(small.asked()).toEqual([]);
    }
    const answer = await small.query(few, { c: payments }, { transport });
    expect(codesOf(answer)).toEqual([]);
    expect(costOf(answer).estimated).toBe(2);
    small.asked();
  });

  test('many aliases are too much together, subscriptions too', async () => {
    const aliases = Array.from(
      { length: 21 },
      (_, at) => `a${at}: errors(first: ${at + 1}) { nodes { code } }`,
    );
    const id = Buffer.from('WorkRequest:QUEUE:us-ashburn-1:ocid1.queueworkrequest.oc1.iad.a').toString(
      'base64url',
    );
    const query = `query($id: ID!) { workRequest(id: $id) { ${aliases.join(' ')} } }`;
    expect(codesOf(await small.query(query, { id }))).toEqual(['LIMIT_EXCEEDED']);
    const document = `subscription($id: ID!) { workRequest(id: $id) { workRequest { ${aliases.join(' ')} } } }`;
    const [refused] = await small.subscribe(document, { id }).all();
    expect(codesOf(refused ?? {})).toEqual(['LIMIT_EXCEEDED']);
    expect(small.asked()).toEqual([]);
  });
});

test('by default the list may be asked for of all services in five regions, with subcompartments and all that it tells', async () => {
  const regions = ['us-ashburn-1', 'eu-frankfurt-1', 'us-phoenix-1', 'uk-london-1', 'ap-tokyo-1'];
  const wide = await createTestGateway({ regions });
  try {
    const answer = await wide.query(
      `query($c: String!) { workRequests(compartmentId: $c, includeSubcompartments: true, first: 100) {
        nodes { id percentComplete resources { identifier } extras errors { nodes { code } } logs { nodes { message } } }
      } }`,
      { c: payments },
    );
    expect(codesOf(answer)).toEqual([]);
    expect(costOf(answer).estimated).toBeGreaterThan(services * regions.length * 10 * 0.9);
  } finally {
    await wide.stop();
  }
}, 60_000);

describe('the schema', () => {
  test('says of each field that returns objects what it costs, as tools would guess otherwise', () => {
    const { schema } = house.gateway;
    const cost = schema.getDirective('cost');
    const silent: string[] = [];
    for (const type of Object.values(schema.getTypeMap())) {
      if (!isObjectType(type) || type.name.startsWith('__')) continue;
      for (const { name, type: returned, astNode } of Object.values(type.getFields())) {
        const isSaid = cost && astNode && getDirectiveValues(cost, astNode) !== undefined;
        if (isCompositeType(getNamedType(returned)) && !isSaid) silent.push(`${type.name}.${name}`);
      }
    }
    expect(silent).toEqual([]);
  });

  test('requires a slicing argument only where it is required anyway', () => {
    const { schema } = house.gateway;
    const listSize = schema.getDirective('listSize');
    let count = 0;
    for (const type of Object.values(schema.getTypeMap())) {
      if (!isObjectType(type)) continue;
      for (const { args, astNode } of Object.values(type.getFields())) {
        const size = listSize && astNode && getDirectiveValues(listSize, astNode);
        if (!size) continue;
        count += 1;
        const sliced = args.filter(({ name }) => (size['slicingArguments'] as string[]).includes(name));
        expect(sliced).toHaveLength(1);
        expect(size['requireOneSlicingArgument']).toBe(sliced.some((one) => isNonNullType(one.type)));
      }
    }
    expect(count).toBeGreaterThan(3);
  });
});
