/** Bad input: every case gets a clear code, over every transport alike, and none of it makes the gateway open a connection. */
import { subscribe as listen, unsubscribe as unlisten } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codesOf, createTestGateway, transports } from '../support/gateway.ts';
import type { Json, TestGateway } from '../support/gateway.ts';

let house: TestGateway;
/** Every connection this process tried to open, to whatever address, but those of this test's own clients. */
let opened: string[];
const everOpened = new Set<string>();

/** Told by Node for each socket that any library makes. */
const onSocket = (message: unknown): void => {
  const { socket } = message as { socket: Socket };
  const note = (address: string, port: number): void => {
    if (port === house.port) return;
    opened.push(`${address}:${port}`);
    everOpened.add(`${address}:${port}`);
  };
  socket.on('connectionAttempt', note);
  socket.on('lookup', (_error, address, _family, host) => {
    if (host !== '127.0.0.1' && host !== 'localhost') opened.push(`lookup of ${host}: ${address}`);
  });
};

beforeAll(async () => {
  house = await createTestGateway();
  opened = [];
  listen('net.client.socket', onSocket);
});
afterAll(async () => {
  unlisten('net.client.socket', onSocket);
  await house.stop();
});

const global = (text: string): string => Buffer.from(`WorkRequest:${text}`).toString('base64url');
const ocid = 'ocid1.clustersworkrequest.oc1.iad.aaaa';
const uuid = '7d1d7e5c-0d34-4f0c-a8a1-5a4f1f8a2b11';
const read =
  'query($id: ID!, $service: ServiceName, $region: String) { workRequest(id: $id, service: $service, region: $region) { id } }';
const node = 'query($id: ID!) { node(id: $id) { id } }';
const nodes = 'query($ids: [ID!]!) { nodes(ids: $ids) { id } }';

interface Case {
  readonly name: string;
  readonly document: string;
  readonly variables?: Json;
  readonly code: string;
  /** Part of the message: what helps. */
  readonly says?: RegExp;
}

const cases: readonly Case[] = [
  { name: 'an empty id', document: read, variables: { id: '' }, code: 'BAD_USER_INPUT', says: /empty/ },
  {
    name: 'an id of 256 characters',
    document: read,
    variables: { id: 'a'.repeat(256) },
    code: 'BAD_USER_INPUT',
    says: /at most 255/,
  },
  {
    name: 'an id of 500,000 characters',
    document: read,
    variables: { id: 'a'.repeat(500_000) },
    code: 'BAD_USER_INPUT',
  },
  {
    name: 'a path as an id',
    document: read,
    variables: { id: '../../20160918/instances', service: 'WORKREQUESTS', region: 'iad' },
    code: 'BAD_USER_INPUT',
  },
  {
    name: 'line breaks in an id',
    document: read,
    variables: { id: 'a\r\nhost: evil.example', service: 'QUEUE', region: 'iad' },
    code: 'BAD_USER_INPUT',
  },
  {
    name: 'a bare UUID without its service',
    document: read,
    variables: { id: uuid },
    code: 'SERVICE_REQUIRED',
    says: /services \{ name title \}/,
  },
  {
    name: 'an OCID type that is not known for sure',
    document: read,
    variables: { id: 'ocid1.strangeworkrequest.oc1.iad.a' },
    code: 'SERVICE_REQUIRED',
    says: /strangeworkrequest/,
  },
  {
    name: 'a bare UUID without its region',
    document: read,
    variables: { id: uuid, service: 'OBJECTSTORAGE' },
    code: 'REGION_REQUIRED',
    says: /us-ashburn-1, eu-frankfurt-1/,
  },
  {
    name: 'an OCID without region',
    document: read,
    variables: { id: 'ocid1.clustersworkrequest.oc1..a' },
    code: 'REGION_REQUIRED',
  },
  {
    name: 'a region this gateway may not call',
    document: read,
    variables: { id: uuid, service: 'OBJECTSTORAGE', region: 'ap-tokyo-1' },
    code: 'REGION_NOT_ALLOWED',
    says: /us-ashburn-1, eu-frankfurt-1/,
  },
  {
    name: 'a region that does not exist',
    document: read,
    variables: { id: uuid, service: 'OBJECTSTORAGE', region: 'evil.example/' },
    code: 'REGION_NOT_ALLOWED',
    says: /not known/,
  },
  {
    name: 'an OCID of a region this gateway may not call',
    document: read,
    variables: { id: 'ocid1.clustersworkrequest.oc1.ap-tokyo-1.a' },
    code: 'REGION_NOT_ALLOWED',
  },
  {
    name: 'a global id of a region this gateway may not call',
    document: node,
    variables: { id: global('QUEUE:ap-tokyo-1:x') },
    code: 'REGION_NOT_ALLOWED',
  },
  {
    name: 'an OCID of another realm',
    document: read,
    variables: { id: 'ocid1.clustersworkrequest.oc2.iad.a' },
    code: 'BAD_USER_INPUT',
    says: /realm/,
  },
  {
    name: 'a service against a verified OCID type',
    document: read,
    variables: { id: ocid, service: 'QUEUE' },
    code: 'BAD_USER_INPUT',
    says: /CONTAINERENGINE/,
  },
  {
    name: 'a service against a global id',
    document: read,
    variables: { id: global(`CONTAINERENGINE:us-ashburn-1:${ocid}`), service: 'QUEUE' },
    code: 'BAD_USER_INPUT',
    says: /leave out one/,
  },
  {
    name: 'a region against a global id',
    document: read,
    variables: { id: global(`CONTAINERENGINE:us-ashburn-1:${ocid}`), region: 'fra' },
    code: 'BAD_USER_INPUT',
    says: /leave out one/,
  },
  {
    name: 'a service that does not exist, as a variable',
    document: read,
    variables: { id: ocid, service: 'NOPE' },
    code: 'BAD_USER_INPUT',
    says: /NOPE/,
  },
  {
    name: 'a service that does not exist, in the document',
    document: `{ workRequest(id: "${ocid}", service: NOPE) { id } }`,
    code: 'GRAPHQL_VALIDATION_FAILED',
    says: /NOPE/,
  },
  { name: 'a missing id', document: read, variables: {}, code: 'BAD_USER_INPUT', says: /\$id/ },
  { name: 'an id that is an object', document: read, variables: { id: { $ne: '' } }, code: 'BAD_USER_INPUT' },
  {
    name: 'a raw OCID as a node',
    document: node,
    variables: { id: ocid },
    code: 'BAD_USER_INPUT',
    says: /workRequest\(id:\)/,
  },
  {
    name: 'a damaged global id',
    document: node,
    variables: { id: global(`CONTAINERENGINE:us-ashburn-1:${ocid}`).slice(0, 30) },
    code: 'BAD_USER_INPUT',
  },
  {
    name: 'a global id in another spelling',
    document: node,
    variables: { id: `${global(`CONTAINERENGINE:us-ashburn-1:${ocid}`)}=` },
    code: 'BAD_USER_INPUT',
  },
  {
    name: 'a global id with one part too many',
    document: node,
    variables: { id: global(`QUEUE:us-ashburn-1:x:ns:more`) },
    code: 'BAD_USER_INPUT',
  },
  {
    name: 'a global id of a service that does not exist',
    document: node,
    variables: { id: global('__proto__:us-ashburn-1:x') },
    code: 'BAD_USER_INPUT',
  },
  {
    name: '101 ids',
    document: nodes,
    variables: { ids: Array.from({ length: 101 }, () => global(`QUEUE:us-ashburn-1:x`)) },
    code: 'BAD_USER_INPUT',
    says: /101 ids; at most 100/,
  },
  { name: 'a raw id among nodes', document: nodes, variables: { ids: [ocid] }, code: 'BAD_USER_INPUT' },
  { name: 'a document that does not parse', document: '{ workRequest(id: ', code: 'GRAPHQL_PARSE_FAILED' },
  {
    name: 'a field that does not exist',
    document: `{ workRequest(id: "${ocid}") { nope } }`,
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  {
    name: 'a document of ten thousand tokens',
    document: `{ ${'a: __typename '.repeat(4_000)} }`,
    code: 'LIMIT_EXCEEDED',
    says: /10000 tokens/,
  },
];

describe.each(transports)('over %s', (transport) => {
  test.each(cases)('$name is answered with $code', async ({ document, variables = {}, code, says }) => {
    const answer = await house.query(document, variables, { transport });
    expect(codesOf(answer)).toEqual([code]);
    if (says) expect(answer.errors?.[0]?.message).toMatch(says);
    expect(JSON.stringify(answer)).not.toMatch(/node_modules|\.ts:\d|stack/i);
    expect(house.asked()).toEqual([]);
    expect(opened).toEqual([]);
  });

  test('one bad id among nodes nulls only itself', async () => {
    const { id: workRequestId } = house.emulator.createWorkRequest({
      service: 'QUEUE',
      region: 'us-ashburn-1',
    });
    const good = global(`QUEUE:us-ashburn-1:${workRequestId}`);
    const answer = await house.query<{ nodes: readonly unknown[] }>(
      nodes,
      { ids: [good, ocid, good] },
      { transport },
    );
    expect(answer.data?.nodes).toEqual([{ id: good }, null, { id: good }]);
    expect(answer.errors).toEqual([
      expect.objectContaining({
        path: ['nodes', 1],
        extensions: expect.objectContaining({ code: 'BAD_USER_INPUT' }),
      }),
    ]);
    expect(house.asked()).toEqual(['get']);
    opened = [];
  });
});

test.each(['websocket', 'sse'] as const)(
  'a subscription over %s refuses bad ids with the same codes',
  async (transport) => {
    const document =
      'subscription($id: ID!, $service: ServiceName, $region: String) { workRequest(id: $id, service: $service, region: $region) { type } }';
    for (const { variables = {}, code } of cases.filter((one) => one.document === read)) {
      const results = await house.subscribe(document, variables, { transport }).all();
      expect(results.map(codesOf)).toEqual([[code]]);
    }
    expect(await house.metric('gateway_watchers')).toBe(0);
    expect(house.asked()).toEqual([]);
    expect(opened).toEqual([]);
  },
);

/** Ids as an attacker would write them, in parts that are put together. */
const hosts = [
  'evil.example:4001',
  '[::1]',
  '169.254.169.254',
  '2130706433',
  'user@evil.example',
  'us-ashburn-1.evil.example',
  'evil。example',
  'us-ashburn-1#',
];
const wraps: readonly ((text: string) => string)[] = [
  (text) => `http://${text}/`,
  (text) => `//${text}`,
  (text) => `\\\\${text}`,
  (text) => `/${text}`,
  (text) => `../${text}`,
  (text) => `..%2f${text}`,
  (text) => `%2e%2e/${text}`,
  (text) => `${text}/../..`,
  (text) => `${text}\r\nHost: evil.example`,
  (text) => `${text}\0`,
  (text) => `${text}%00`,
  (text) => `${text}%0d%0a`,
  (text) => `\u202e${text}`,
  (text) => `‥/${text}`,
  (text) => `．．／${text}`,
  (text) => `${text}?x=1`,
  (text) => `${text}#x`,
  (text) => `${text};a`,
  (text) => ` ${text} `,
  (text) => `{region}${text}`,
  (text) => `\${${text}}`,
  (text) => `<${text}>`,
  (text) => `${text}\u2028`,
  (text) => `\ud800${text}`,
];
const places: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `ocid1.clustersworkrequest.oc1.${text}.aaaa`,
  (text) => `ocid1.clustersworkrequest.oc1.iad.${text}`,
  (text) => `ocid1.${text}.oc1.iad.aaaa`,
  (text) => global(`CONTAINERENGINE:${text}:${ocid}`),
  (text) => global(`CONTAINERENGINE:us-ashburn-1:${text}`),
  (text) => global(`LOGANALYTICS:us-ashburn-1:${ocid}:${text}`),
  (text) => global(`${text}:us-ashburn-1:${ocid}`),
];
const hostile = hosts.flatMap((host) => wraps.flatMap((wrap) => places.map((place) => place(wrap(host)))));

test.each(transports)(
  '1,500 hostile ids over %s open no connection and get a clear code',
  async (transport) => {
    expect(hostile.length).toBeGreaterThanOrEqual(1_000);
    const plain = 100;
    const aliases = (variable: (index: number) => string): string =>
      Array.from(
        { length: plain },
        (_, index) => `a${index}: workRequest(id: $v${index}${variable(index)}) { id }`,
      ).join(' ');
    const parameters = Array.from({ length: plain }, (_, index) => `$v${index}: ID!`).join(' ');
    const documents = [
      `query(${parameters}) { ${aliases(() => '')} }`,
      `query(${parameters}) { ${aliases(() => ', service: CONTAINERENGINE, region: "iad"')} }`,
    ];
    const allowed = new Set(['BAD_USER_INPUT', 'SERVICE_REQUIRED', 'REGION_REQUIRED', 'REGION_NOT_ALLOWED']);
    for (let start = 0; start < hostile.length; start += plain) {
      const some = Array.from({ length: plain }, (_, index) => hostile[(start + index) % hostile.length]);
      const variables = Object.fromEntries(some.map((id, index) => [`v${index}`, id]));
      for (const document of documents) {
        const answer = await house.query(document, variables, { transport });
        expect(Object.values(answer.data ?? {}).every((value) => value === null)).toBe(true);
        expect(codesOf(answer)).toHaveLength(plain);
        expect(codesOf(answer).filter((code) => !allowed.has(code))).toEqual([]);
      }
    }
    expect(opened).toEqual([]);
    expect(house.asked()).toEqual([]);
  },
  30_000,
);

test('what looks like an id is asked for at the service it was given for, whatever it spells', async () => {
  for (const id of ['evil.example', '169.254.169.254', 'a..b', 'localhost-4001', 'x'.repeat(255)]) {
    expect(await house.query(read, { id, service: 'QUEUE', region: 'iad' })).toMatchObject({
      data: { workRequest: null },
    });
  }
  const calls = house.emulator.calls({ operation: 'get' }).slice(-5);
  expect(calls.every(({ url }) => url.startsWith('/us-ashburn-1/queue/20210201/workRequests/'))).toBe(true);
  // The watch over connections does see them: all that was ever opened went to the emulator.
  expect([...everOpened]).toEqual([new URL(house.emulatorUrl).host]);
});
