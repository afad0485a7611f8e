/** Partial success: a source in trouble is a row of `failures`, the others' work requests are there, and later pages bring what comes late. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceName } from '../../datasources/catalog.ts';
import { sampleCompartments } from '../../emulator/emulator.ts';
import { createTestGateway } from '../support/gateway.ts';
import type { Json, TestGateway } from '../support/gateway.ts';
import { askList, idsOf, listAll, listPage } from './list-support.ts';
import type { ListedPage } from './list-support.ts';

const region = 'us-ashburn-1';
const { platform, payments, paymentsTest } = sampleCompartments;

let house: TestGateway;
/** Its deadline is so short that the tests of it are. */
let hasty: TestGateway;
const well: readonly ServiceName[] = ['CONTAINERENGINE', 'QUEUE'];
const wellIds = new Map<TestGateway, readonly string[]>();
beforeAll(async () => {
  [house, hasty] = await Promise.all([
    createTestGateway({ env: { READ_CACHE_MS: '0' } }),
    createTestGateway({ env: { READ_CACHE_MS: '0', UPSTREAM_DEADLINE_MS: '300' } }),
  ]);
  for (const one of [house, hasty])
    wellIds.set(
      one,
      well.map((service) => create(service, one)),
    );
});
afterAll(async () => {
  await Promise.all([house.stop(), hasty.stop()]);
});
afterEach(() => {
  for (const one of [house, hasty]) {
    one.emulator.clearFaults();
    one.asked();
  }
});

/** Each test has a service of its own, so that none lives off another's retries. */
const create = (service: ServiceName, where = house, more: Json = {}): string =>
  where.emulator.createWorkRequest({ service, region, compartmentId: platform, ...more }).id;
const ask = (services: readonly ServiceName[], where = house, more: Json = {}): Promise<ListedPage> =>
  listPage(where, { compartmentId: platform, services, regions: [region], ...more });

const opcRequestId = expect.stringMatching(/^[0-9A-F]{32}\/[0-9A-F]{32}$/);
const rowOf = (service: ServiceName, code: string, isRetryable: boolean): Json => ({
  service,
  region,
  compartmentId: platform,
  code,
  message: expect.any(String),
  isRetryable,
  opcRequestId: expect.anything(),
});

describe('one source in trouble', () => {
  test.each([
    ['down', 'ADM', { status: 503 }, 'UPSTREAM_UNAVAILABLE', true],
    ['broken', 'BATCH', { status: 500 }, 'UPSTREAM_UNAVAILABLE', true],
    ['not permitted', 'DATAFLOW', { status: 403 }, 'FORBIDDEN', false],
    ['not authenticated', 'DEVOPS', { status: 401 }, 'UNAUTHENTICATED', false],
    ['absent there', 'EMAIL', { status: 404 }, 'NOT_FOUND', false],
    ['unwilling', 'JMS', { status: 400 }, 'BAD_USER_INPUT', false],
    ['no JSON', 'LOGGING', { body: '<html>Bad gateway</html>' }, 'UPSTREAM_MALFORMED', true],
    ['something else', 'MYSQL', { body: '{"hello":"world"}' }, 'UPSTREAM_MALFORMED', true],
    [
      'cut short, looking complete',
      'NOSQL',
      { cut: { atByte: 25, how: 'short' } },
      'UPSTREAM_MALFORMED',
      true,
    ],
    ['an empty body', 'OCE', { body: '' }, 'UPSTREAM_MALFORMED', true],
    [
      'a redirect',
      'ODA',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      'UPSTREAM_MALFORMED',
      true,
    ],
  ] as const)(
    '%s: a row with its name, the others’ nodes are there',
    async (_name, service, fault, code, isRetryable) => {
      create(service);
      house.emulator.addFault({ service, operation: 'list', ...fault });
      const page = await ask([...well, service]);
      expect(page.failures).toEqual([{ ...rowOf(service, code, isRetryable), opcRequestId }]);
      expect([...idsOf(page.nodes)].sort()).toEqual([...(wellIds.get(house) ?? [])].sort());
      expect(page.pageInfo.hasNextPage).toBe(false);
    },
  );

  test.each([
    ['connections that are reset', 'OCVP', { reset: 'after' }, 'UPSTREAM_UNAVAILABLE'],
    ['a body that is cut off', 'OPA', { cut: { atByte: 25 } }, 'UPSTREAM_MALFORMED'],
  ] as const)('%s', async (_name, service, fault, code) => {
    create(service);
    house.emulator.addFault({ service, operation: 'list', ...fault });
    const page = await ask([...well, service]);
    expect(page.failures).toEqual([
      { ...rowOf(service, code, true), opcRequestId: page.failures[0]?.opcRequestId },
    ]);
    expect(page.nodes).toHaveLength(2);
  });

  test.each([
    ['a delay', 'QUEUE', { delayMs: 60_000 }],
    ['a body that drips', 'DEVOPS', { drip: { bytes: 1, everyMs: 100 } }],
    ['no answer at all', 'WAF', { hang: true }],
  ] as const)('%s beyond the deadline: UPSTREAM_TIMEOUT', async (_name, service, fault) => {
    create(service, hasty);
    hasty.emulator.addFault({ service, operation: 'list', ...fault });
    const page = await ask(['CONTAINERENGINE', service], hasty);
    expect(page.failures).toMatchObject([{ service, region, code: 'UPSTREAM_TIMEOUT', isRetryable: true }]);
    expect(idsOf(page.nodes)).toEqual(wellIds.get(hasty)?.slice(0, 1));
    expect(hasty.asked()).toEqual(['list', 'list']);
  });

  test('throttled for an hour: a row at once, and it is left alone for as long as it asked', async () => {
    create('BDS', hasty);
    const throttle = { perSecond: 0, retryAfterSeconds: 3_600 };
    hasty.emulator.addFault({ service: 'BDS', operation: 'list', throttle });
    for (const expected of [2, 1]) {
      const page = await ask(['CONTAINERENGINE', 'BDS'], hasty);
      expect(page.failures).toMatchObject([
        { service: 'BDS', code: 'UPSTREAM_THROTTLED', isRetryable: true },
      ]);
      expect(page.nodes).toHaveLength(1);
      expect(hasty.asked()).toHaveLength(expected);
    }
  });

  test('a fault that passes is retried below, and nobody notices', async () => {
    const id = create('PSQL');
    house.emulator.addFault({ service: 'PSQL', operation: 'list', status: 503, times: 2 });
    const page = await ask(['PSQL']);
    expect(page).toMatchObject({ nodes: [{ workRequestId: id }], failures: [] });
    expect(house.asked()).toEqual(['list', 'list', 'list']);
  });

  test('one region of a service fails, the other does not', async () => {
    house.emulator.addFault({
      service: 'CONTAINERENGINE',
      region: 'eu-frankfurt-1',
      operation: 'list',
      status: 403,
    });
    const page = await listPage(house, { compartmentId: platform, services: ['CONTAINERENGINE'] });
    expect(page.failures).toMatchObject([
      { service: 'CONTAINERENGINE', region: 'eu-frankfurt-1', code: 'FORBIDDEN' },
    ]);
    expect(page.nodes).toHaveLength(1);
  });

  test('the same rows over WebSocket', async () => {
    house.emulator.addFault({ service: 'ROVER', operation: 'list', status: 403 });
    const page = await listPage(
      house,
      { compartmentId: platform, services: ['ROVER', 'QUEUE'], regions: [region] },
      { transport: 'websocket' },
    );
    expect(page.failures).toEqual([{ ...rowOf('ROVER', 'FORBIDDEN', false), opcRequestId }]);
    expect(page.nodes).toHaveLength(1);
  });

  test('the native code and words stand in the message, no secret does', async () => {
    house.emulator.addFault({
      service: 'SCH',
      operation: 'list',
      status: 400,
      code: 'InvalidParameter',
      message: 'Signature version="1",keyId="canary/a/b" was not liked',
    });
    const { failures } = await ask(['SCH']);
    expect(failures[0]?.message).toContain('InvalidParameter');
    expect(JSON.stringify(failures)).not.toMatch(/canary|keyId=|PRIVATE|rsa-sha256/);
  });
});

describe('all sources in trouble', () => {
  test('no nodes, a row for each, and the query itself does not fail', async () => {
    house.emulator.addFault({ operation: 'list', status: 403 });
    const page = await ask(['CONTAINERENGINE', 'QUEUE', 'STREAMING']);
    expect(page.nodes).toEqual([]);
    expect(page.failures.map(({ code }) => code)).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
  });

  test.each(['http', 'websocket'] as const)(
    'an unknown compartment over %s: no nodes, and one NOT_FOUND for all, without service and region',
    async (transport) => {
      const compartmentId = 'ocid1.compartment.oc1..nowhere';
      for (const more of [{}, { services: ['QUEUE'] }, { includeSubcompartments: true }]) {
        const page = await listPage(house, { compartmentId, ...more }, { transport });
        expect(page).toEqual({
          nodes: [],
          pageInfo: { hasNextPage: false, endCursor: null },
          failures: [
            {
              service: null,
              region: null,
              compartmentId,
              code: 'NOT_FOUND',
              message: expect.stringContaining(compartmentId),
              isRetryable: false,
              opcRequestId: null,
            },
          ],
        });
      }
    },
  );

  test('where one source says something else than absent, all rows are there', async () => {
    house.emulator.addFault({ service: 'QUEUE', operation: 'list', status: 403 });
    const compartmentId = 'ocid1.compartment.oc1..nowhere';
    const page = await listPage(house, { compartmentId, services: ['QUEUE', 'REDIS'], regions: [region] });
    expect(page.failures).toMatchObject([
      { service: 'QUEUE', code: 'FORBIDDEN' },
      { service: 'REDIS', code: 'NOT_FOUND' },
    ]);
  });
});

describe('what has to be found out first', () => {
  test.each(['LOADBALANCER', 'BLOCKCHAIN', 'WAAS', 'LOGANALYTICS'] as const)(
    '%s: parents that cannot be had are a row, and are asked for again the next time',
    async (service) => {
      const elsewhere = await createTestGateway({ env: { READ_CACHE_MS: '0' } });
      try {
        create('QUEUE', elsewhere);
        const id = create(service, elsewhere);
        elsewhere.emulator.addFault({ operation: 'parents', status: 403 });
        const failing = await ask([service, 'QUEUE'], elsewhere);
        expect(failing.failures).toEqual([{ ...rowOf(service, 'FORBIDDEN', false), opcRequestId }]);
        expect(failing.nodes).toHaveLength(1);
        elsewhere.emulator.clearFaults();
        const page = await ask([service, 'QUEUE'], elsewhere);
        expect(page.failures).toEqual([]);
        expect(idsOf(page.nodes)).toContain(id);
      } finally {
        await elsewhere.stop();
      }
    },
  );

  test('subcompartments that cannot be had, and nothing above them: the cursor goes on all the same', async () => {
    const elsewhere = await createTestGateway({ env: { READ_CACHE_MS: '0' } });
    try {
      const below = create('QUEUE', elsewhere, { compartmentId: paymentsTest });
      const more = { compartmentId: payments, includeSubcompartments: true };
      elsewhere.emulator.addFault({ operation: 'parents', body: '<html>', times: 1 });
      const failing = await ask(['QUEUE'], elsewhere, more);
      expect(failing).toMatchObject({ nodes: [], failures: [{ service: 'IDENTITY' }] });
      const after = failing.pageInfo.endCursor;
      expect(after).not.toBeNull();
      const page = await ask(['QUEUE'], elsewhere, { ...more, after });
      expect(idsOf(page.nodes)).toEqual([below]);
    } finally {
      await elsewhere.stop();
    }
  });

  test('subcompartments that cannot be had: the compartment itself is listed, IAM has a row', async () => {
    const [above, below] = [payments, paymentsTest].map((compartmentId) =>
      create('CONTAINERENGINE', house, { compartmentId }),
    );
    const asked = {
      compartmentId: payments,
      includeSubcompartments: true,
      services: ['CONTAINERENGINE'],
      regions: [region],
    };
    house.emulator.addFault({ operation: 'parents', status: 503 });
    const failing = await listPage(house, asked);
    house.emulator.clearFaults();
    const page = await listPage(house, asked);
    expect([...idsOf(page.nodes)].sort()).toEqual([above, below].sort());
    // The tree may be known from a test before: then nothing has to be asked.
    if (failing.failures.length > 0) {
      expect(idsOf(failing.nodes)).toEqual([above]);
      expect(failing.failures).toMatchObject([{ service: 'IDENTITY', region, code: 'UPSTREAM_UNAVAILABLE' }]);
    }
  });
});

describe('later pages', () => {
  const malformed = { body: '<html>' };
  const callsOf = (service: ServiceName): readonly unknown[] =>
    house.emulator.calls({ service, operation: 'list', compartmentId: platform });

  test('ask a retryable source again; its late items come, and the rest as if nothing had been', async () => {
    const { ids: early } = house.emulator.createWorkRequest({
      service: 'VBSINST',
      region,
      count: 6,
      acceptedMsAgo: 9_000,
    });
    const late = Array.from({ length: 3 }, (_, index) =>
      create('WLMS', house, { acceptedMsAgo: 1_000 * index }),
    );
    house.emulator.addFault({ service: 'WLMS', operation: 'list', times: 1, ...malformed });
    const pages: ListedPage[] = [];
    const nodes = await listAll(
      house,
      { compartmentId: platform, services: ['VBSINST', 'WLMS'], regions: [region], first: 2 },
      (page) => pages.push(page),
    );
    expect(pages[0]?.failures).toMatchObject([
      { service: 'WLMS', code: 'UPSTREAM_MALFORMED', isRetryable: true },
    ]);
    expect([...idsOf(nodes)].sort()).toEqual([...early, ...late].sort());
    expect(idsOf(nodes).filter((id) => late.includes(id))).toEqual(late);
    expect(pages.slice(1).flatMap(({ failures }) => failures)).toEqual([]);
  });

  test('ask it again three times at most, then it is out', async () => {
    house.emulator.createWorkRequest({ service: 'VISUALBUILDER', region, count: 10 });
    create('OPENSEARCH');
    house.emulator.addFault({ service: 'OPENSEARCH', operation: 'list', ...malformed });
    const asked = {
      compartmentId: platform,
      services: ['VISUALBUILDER', 'OPENSEARCH'],
      regions: [region],
      first: 2,
    };
    const rows: number[] = [];
    let after: string | null = null;
    for (let index = 0; index < 5; index += 1) {
      const page: ListedPage = await listPage(house, { ...asked, after });
      rows.push(page.failures.length);
      expect(page.nodes).toHaveLength(2);
      expect(page.pageInfo.hasNextPage).toBe(index < 4);
      after = page.pageInfo.endCursor;
    }
    expect(rows).toEqual([1, 1, 1, 1, 0]);
    expect(callsOf('OPENSEARCH')).toHaveLength(4);
  });

  test('do not ask one that is not retryable again', async () => {
    house.emulator.createWorkRequest({ service: 'RECOVERY', region, count: 4 });
    house.emulator.addFault({ service: 'PSA', operation: 'list', status: 403 });
    const asked = { compartmentId: platform, services: ['RECOVERY', 'PSA'], regions: [region], first: 2 };
    const first = await listPage(house, asked);
    const second = await listPage(house, { ...asked, after: first.pageInfo.endCursor });
    expect([first.failures.length, second.failures.length]).toEqual([1, 0]);
    expect(callsOf('PSA')).toHaveLength(1);
  });

  test('a source that fails in the middle goes on from its own place', async () => {
    const { ids } = house.emulator.createWorkRequest({ service: 'OPSI', region, count: 9 });
    house.emulator.createWorkRequest({ service: 'SELF', region, count: 5, acceptedMsAgo: 60_000 });
    const asked = { compartmentId: platform, services: ['OPSI', 'SELF'], regions: [region], first: 3 };
    const first = await listPage(house, asked);
    house.emulator.addFault({ service: 'OPSI', operation: 'list', times: 1, ...malformed });
    const second = await listPage(house, { ...asked, after: first.pageInfo.endCursor });
    expect(second).toMatchObject({ failures: [{ service: 'OPSI' }], pageInfo: { hasNextPage: true } });
    const rest = await listAll(house, {
      ...asked,
      after: second.pageInfo.endCursor,
    });
    const told = idsOf([...first.nodes, ...second.nodes, ...rest]);
    expect(told.filter((id) => ids.includes(id))).toHaveLength(9);
    expect(new Set(told).size).toBe(told.length);
    expect(told).toHaveLength(14);
  });

  test('`hasNextPage` speaks of the sources that answered', async () => {
    house.emulator.createWorkRequest({ service: 'STACKMONITORING', region, count: 2 });
    create('SERVICEMESH');
    house.emulator.addFault({ service: 'SERVICEMESH', operation: 'list', times: 1, ...malformed });
    const asked = {
      compartmentId: platform,
      services: ['STACKMONITORING', 'SERVICEMESH'],
      regions: [region],
      first: 10,
    };
    const page = await listPage(house, asked);
    expect(page).toMatchObject({ nodes: [{}, {}], pageInfo: { hasNextPage: false }, failures: [{}] });
    // Who goes on all the same gets what was missing.
    const next = await listPage(house, { ...asked, after: page.pageInfo.endCursor });
    expect(next).toMatchObject({ nodes: [{ service: { name: 'SERVICEMESH' } }], failures: [] });
  });
});

describe('a source that talks nonsense', () => {
  test('an item without id costs no other its place', async () => {
    const { ids } = house.emulator.createWorkRequest({ service: 'MANAGEDKAFKA', region, count: 3 });
    create('MANAGEDKAFKA', house, { nativeInListItem: { id: null } });
    const page = await ask(['MANAGEDKAFKA']);
    expect([...idsOf(page.nodes)].sort()).toEqual([...ids].sort());
    expect(page.failures).toMatchObject([
      { service: 'MANAGEDKAFKA', code: 'UPSTREAM_MALFORMED', isRetryable: false },
    ]);
  });

  test('another compartment’s work requests are left out', async () => {
    const id = create('IOT');
    create('IOT', house, { nativeInListItem: { compartmentId: payments } });
    const page = await ask(['IOT', 'QUEUE']);
    expect(idsOf(page.nodes)).toContain(id);
    expect(page.nodes).toHaveLength(2);
    expect(page.failures).toMatchObject([{ service: 'IOT', code: 'UPSTREAM_MALFORMED' }]);
  });

  test('pages that lead round in circles end', async () => {
    const { ids } = house.emulator.createWorkRequest({ service: 'FUSIONAPPS', region, count: 5 });
    house.emulator.addFault({ service: 'FUSIONAPPS', operation: 'list', repeatPage: true });
    const nodes: string[] = [];
    const page = await ask(['FUSIONAPPS', 'QUEUE'], house, { first: 50 });
    nodes.push(...idsOf(page.nodes));
    expect([...ids].filter((id) => !nodes.includes(id))).toEqual([]);
    expect(new Set(nodes).size).toBe(nodes.length);
    expect(page.failures).toMatchObject([{ service: 'FUSIONAPPS', code: 'UPSTREAM_MALFORMED' }]);
    expect(page.pageInfo.hasNextPage).toBe(false);
  });

  test('a list out of order is read whole, put in order and told of', async () => {
    const ids = [3, 1, 2].map((seconds) => {
      const at = new Date(Date.now() - seconds * 60_000).toISOString();
      return create('DBLM', house, {
        acceptedMsAgo: (4 - seconds) * 60_000,
        nativeInListItem: { timeAccepted: at },
      });
    });
    const page = await ask(['DBLM']);
    expect(idsOf(page.nodes)).toEqual([ids[1], ids[2], ids[0]]);
    expect(page.failures).toMatchObject([{ service: 'DBLM', code: 'UPSTREAM_MALFORMED' }]);
  });

  test('an unsorted source with more than a thousand is read up to there, and says so', async () => {
    house.emulator.createWorkRequest({ service: 'GOLDENGATE', region, count: 1_150 });
    const page = await ask(['GOLDENGATE'], house, { first: 5 });
    expect(page.nodes).toHaveLength(5);
    expect(page.failures).toMatchObject([
      { service: 'GOLDENGATE', code: 'TRUNCATED', message: expect.stringContaining('1000') },
    ]);
    expect(house.asked()).toHaveLength(10);
  });
});

test('no key or signature is in any answer', async () => {
  house.emulator.addFault({ operation: 'list', status: 401 });
  const answer = await askList(house, { compartmentId: platform, services: ['QUEUE', 'REDIS'] });
  expect(JSON.stringify(answer)).not.toMatch(/keyId|PRIVATE|rsa-sha256|\bat \w+ \(|\/work\//);
});
