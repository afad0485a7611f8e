/** Bad input to the list: a clear code over HTTP and WebSocket alike, and upstream is not asked at all. */
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { sampleCompartments } from '../../emulator/emulator.ts';
import { codesOf, createTestGateway } from '../support/gateway.ts';
import type { Json, TestGateway, Transport } from '../support/gateway.ts';
import { askList, listPage } from './list-support.ts';

const compartmentId = sampleCompartments.platform;
const doors: readonly Transport[] = ['http', 'websocket'];
const good = { compartmentId, services: ['CONTAINERENGINE', 'QUEUE'], regions: ['us-ashburn-1'], first: 3 };

let house: TestGateway;
/** Leads on from the first page of `good`. */
let cursor: string;
beforeAll(async () => {
  house = await createTestGateway({ env: { READ_CACHE_MS: '0' } });
  for (const service of ['CONTAINERENGINE', 'QUEUE'])
    house.emulator.createWorkRequest({ service, region: 'us-ashburn-1', compartmentId, count: 5 });
  cursor = (await listPage(house, good)).pageInfo.endCursor ?? '';
  house.asked();
});
afterAll(() => house.stop());
afterEach(() => {
  jest.restoreAllMocks();
  house.asked();
});

const flip = (text: string, at: number): string =>
  text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

interface Case {
  readonly name: string;
  readonly asked: () => Json;
  readonly code: string;
  /** Part of the message: what helps. */
  readonly says?: RegExp;
}

const cases: readonly Case[] = [
  ...[0, -1, 101, 1_000_000_000].map((first) => ({
    name: `first: ${first}`,
    asked: () => ({ ...good, first }),
    code: 'BAD_USER_INPUT',
    says: /1 to 100/,
  })),
  { name: 'first: 3.5', asked: () => ({ ...good, first: 3.5 }), code: 'BAD_USER_INPUT' },
  { name: 'first: 10^12', asked: () => ({ ...good, first: 1e12 }), code: 'BAD_USER_INPUT' },

  ...['', 'x', 'nonsense', 'A'.repeat(200), '🦆', 'AAAA\r\nhost: evil', 'A'.repeat(70_000)].map((after) => ({
    name: `a cursor that is none (${JSON.stringify(after).slice(0, 20)})`,
    asked: () => ({ ...good, after }),
    code: 'CURSOR_INVALID',
    says: /without `after`/,
  })),
  {
    name: 'a cursor that was cut short',
    asked: () => ({ ...good, after: cursor.slice(0, -5) }),
    code: 'CURSOR_INVALID',
  },
  {
    name: 'a cursor with something behind it',
    asked: () => ({ ...good, after: `${cursor}AAAA` }),
    code: 'CURSOR_INVALID',
  },
  ...[0, 25, 40].map((at) => ({
    name: `a cursor with another character ${at}`,
    asked: () => ({ ...good, after: flip(cursor, at) }),
    code: 'CURSOR_INVALID',
  })),
  {
    name: 'a cursor whose payload was made up',
    asked: () => ({
      ...good,
      after: Buffer.concat([
        Buffer.alloc(17),
        Buffer.from(JSON.stringify([1, Date.now(), { after: null, open: [] }])),
      ]).toString('base64url'),
    }),
    code: 'CURSOR_INVALID',
  },
  ...Object.entries({
    compartmentId: sampleCompartments.payments,
    includeSubcompartments: true,
    services: ['CONTAINERENGINE'],
    regions: ['eu-frankfurt-1'],
    orderBy: 'TIME_ACCEPTED_ASC',
    filter: { statuses: ['FAILED'] },
  }).map(([name, value]) => ({
    name: `a cursor with another ${name}`,
    asked: () => ({ ...good, after: cursor, [name]: value }),
    code: 'CURSOR_INVALID',
    says: /these arguments/,
  })),

  ...['', ' ', '../compartments', 'a\r\nhost: evil', 'a&limit=1', 'ä', '\ud800', '\0', 'a'.repeat(256)].map(
    (compartmentId) => ({
      name: `a compartment that is no OCID (${JSON.stringify(compartmentId).slice(0, 20)})`,
      asked: () => ({ ...good, compartmentId }),
      code: 'BAD_USER_INPUT',
      says: /compartmentId/,
    }),
  ),
  {
    name: 'a region that the gateway may not call',
    asked: () => ({ ...good, regions: ['us-ashburn-1', 'ap-tokyo-1'] }),
    code: 'REGION_NOT_ALLOWED',
    says: /us-ashburn-1, eu-frankfurt-1/,
  },
  {
    name: 'a region that is an address',
    asked: () => ({ ...good, regions: ['evil.example/'] }),
    code: 'REGION_NOT_ALLOWED',
    says: /not known/,
  },
  {
    name: '1,000 regions that do not exist',
    asked: () => ({ ...good, regions: Array.from({ length: 1_000 }, (_, index) => `xx-nowhere-${index}`) }),
    code: 'REGION_NOT_ALLOWED',
  },
  { name: 'an empty region', asked: () => ({ ...good, regions: [''] }), code: 'REGION_NOT_ALLOWED' },
  { name: 'a region that is null', asked: () => ({ ...good, regions: [null] }), code: 'BAD_USER_INPUT' },
  {
    name: 'a word that is no service',
    asked: () => ({ ...good, services: ['KUBERNETES'] }),
    code: 'BAD_USER_INPUT',
    says: /KUBERNETES/,
  },
  {
    name: 'a service in lower case',
    asked: () => ({ ...good, services: ['queue'] }),
    code: 'BAD_USER_INPUT',
  },
  { name: 'an order that is none', asked: () => ({ ...good, orderBy: 'NEWEST' }), code: 'BAD_USER_INPUT' },

  ...Object.entries({
    'no statuses': { statuses: [] },
    'no operation types': { operationTypes: [] },
    'not terminal and FAILED': { isTerminal: false, statuses: ['FAILED', 'CANCELED'] },
    'a time after itself': { acceptedAfter: '2026-01-01T00:00:00Z', acceptedBefore: '2026-01-01T00:00:00Z' },
    'times the wrong way round': {
      acceptedAfter: '2026-01-02T00:00:00Z',
      acceptedBefore: '2026-01-01T00:00:00Z',
    },
  }).map(([name, filter]) => ({
    name: `a filter that nothing can match: ${name}`,
    asked: () => ({ ...good, filter }),
    code: 'BAD_USER_INPUT',
    says: /Nothing can match/,
  })),
  ...['yesterday', '2026-02-30T00:00:00Z', '', 1e20, '2026-01-01'].map((acceptedAfter) => ({
    name: `no date: ${JSON.stringify(acceptedAfter)}`,
    asked: () => ({ ...good, filter: { acceptedAfter } }),
    code: 'BAD_USER_INPUT',
  })),
  {
    name: 'a status that is none',
    asked: () => ({ ...good, filter: { statuses: ['DONE'] } }),
    code: 'BAD_USER_INPUT',
  },
  {
    name: 'a filter that is none',
    asked: () => ({ ...good, filter: { name: 'x' } }),
    code: 'BAD_USER_INPUT',
  },

  ...[
    '',
    ' ',
    '../../20160918/instances',
    '..',
    'a\r\nhost: evil.example',
    'a&compartmentId=b',
    'a?limit=1000',
    'http://evil.example/',
    '{namespaceName}',
    'ocid1.compartment.oc1..🦆',
    '\ud800',
    '\0',
    'a'.repeat(256),
    'a'.repeat(100_000),
  ].map((hostile) => ({
    name: `compartment ${JSON.stringify(hostile).slice(0, 40)}`,
    asked: () => ({ ...good, compartmentId: hostile }),
    code: 'BAD_USER_INPUT',
    says: /^`compartmentId` is /,
  })),
  { name: 'no compartment', asked: () => ({ ...good, compartmentId: null }), code: 'BAD_USER_INPUT' },
];

describe.each(doors)('over %s', (transport) => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, { asked, code, says }) => {
    const answer = await askList(house, asked(), { transport });
    expect(codesOf(answer)).toEqual([code]);
    expect(answer.data?.workRequests ?? null).toBeNull();
    const [error] = answer.errors ?? [];
    if (says) expect(error?.message).toMatch(says);
    // No echo of what was sent without end, no inner parts.
    expect(error?.message.length).toBeLessThan(1_000);
    expect(JSON.stringify(answer)).not.toMatch(/a secret of the tests|node_modules|\bat \w+ \(/);
    expect(house.asked()).toEqual([]);
  });
});

describe('cursors', () => {
  test('of another field are not taken', async () => {
    const { data } = await house.query<{
      workRequests: { nodes: readonly { errors: { pageInfo: { endCursor: string | null } } }[] };
    }>(
      `query($compartmentId: String!) { workRequests(compartmentId: $compartmentId, services: [ADM]) { nodes { errors(first: 1) { pageInfo { endCursor } } } } }`,
      { compartmentId },
    );
    expect(data?.workRequests.nodes).toEqual([]);
    house.emulator.createWorkRequest({
      service: 'ADM',
      region: 'us-ashburn-1',
      compartmentId,
      errors: [
        { code: 'A', message: 'a' },
        { code: 'B', message: 'b' },
      ],
    });
    const page = await listPage<{ errors: { pageInfo: { endCursor: string } } }>(
      house,
      { compartmentId, services: ['ADM'] },
      { fields: 'errors(first: 1) { pageInfo { endCursor } }' },
    );
    const after = page.nodes[0]?.errors.pageInfo.endCursor;
    expect(after).toEqual(expect.any(String));
    expect(codesOf(await askList(house, { ...good, after }))).toEqual(['CURSOR_INVALID']);
  });

  test('end after an hour', async () => {
    const now = Date.now();
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now + 3_605_000);
    const answer = await askList(house, { ...good, after: cursor });
    expect(codesOf(answer)).toEqual(['CURSOR_INVALID']);
    expect(answer.errors?.[0]?.message).toMatch(/one hour/);
    clock.mockRestore();
    expect(codesOf(await askList(house, { ...good, after: cursor }))).toEqual([]);
  });

  test('are good for every replica with the same secret, and for no other', async () => {
    const [replica, stranger] = await Promise.all([
      createTestGateway(),
      createTestGateway({ env: { CURSOR_SECRET: 'quite another secret' } }),
    ]);
    try {
      for (const one of [replica, stranger])
        one.emulator.createWorkRequest({ service: 'QUEUE', region: 'us-ashburn-1', compartmentId });
      expect(codesOf(await askList(replica, { ...good, after: cursor }))).toEqual([]);
      expect(codesOf(await askList(stranger, { ...good, after: cursor }))).toEqual(['CURSOR_INVALID']);
      expect(stranger.asked()).toEqual([]);
    } finally {
      await Promise.all([replica.stop(), stranger.stop()]);
    }
  });

  test('do not mind the order in which arguments are written, nor another `first`', async () => {
    const document = `query($after: String) { workRequests(after: $after, first: 7, regions: ["us-ashburn-1"], services: [CONTAINERENGINE, QUEUE], compartmentId: "${compartmentId}") { nodes { id } } }`;
    const answer = await house.query<{ workRequests: { nodes: readonly unknown[] } }>(document, {
      after: cursor,
    });
    expect(answer.errors).toBeUndefined();
    expect(answer.data?.workRequests.nodes).toHaveLength(7);
  });

  test('hold no name that a reader could make out, and are not too long for a URL', async () => {
    const page = await listPage(house, { compartmentId, first: 1 });
    const text = page.pageInfo.endCursor ?? '';
    expect(text.length).toBeLessThan(8_000);
    expect(text).toMatch(/^[\w-]+$/);
  });
});

test('the same region 1,000 times is that region', async () => {
  const regions = Array.from({ length: 1_000 }, () => 'us-ashburn-1');
  const page = await listPage(house, { compartmentId, services: ['QUEUE'], regions });
  expect(page.nodes).toHaveLength(5);
  expect(house.asked()).toEqual(['list']);
});

test.each([
  ['no services', { services: [] }],
  ['no regions', { regions: [] }],
  [
    'null for what has a default',
    {
      services: null,
      regions: null,
      first: null,
      after: null,
      orderBy: null,
      filter: null,
      includeSubcompartments: null,
    },
  ],
])('%s: as if left out', async (_name, more) => {
  const page = await listPage(house, { compartmentId, ...more });
  expect(page.nodes.length).toBeGreaterThanOrEqual(10);
  expect(page.failures).toEqual([]);
});
