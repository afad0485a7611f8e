/** Trusted documents: what is in the manifest runs, by whichever name and over every door; nothing else does. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { afterAll, describe, expect, test } from '@jest/globals';
import { buildSchema, parse, print, validate } from 'graphql';
import { systemClock } from '../../clock.ts';
import { createWatchFile } from '../../watched-file.ts';
import {
  createTrustRule,
  nameDocument,
  openTrustedDocuments,
  readManifest,
  untrustedText,
} from '../../doors/trusted.ts';
import type { CheckDocument } from '../../doors/trusted.ts';
import { cleanUp, greet, openHouse, post, send } from './support.ts';
import type { House } from './support.ts';

const hello = 'query Hello($name: String) {\n  hello(name: $name)\n}';
const ticks = 'subscription Ticks { ticks }';
const bump = 'mutation Bump { bump }';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const manifest = JSON.stringify({
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: [
    { id: 'hello-1', name: 'Hello', type: 'query', body: hello },
    { id: 'ticks-1', name: 'Ticks', type: 'subscription', body: ticks },
    { id: 'bump-1', name: 'Bump', type: 'mutation', body: bump },
  ],
});
const folder = mkdtempSync(join(tmpdir(), 'trusted-'));
afterAll(() => rmSync(folder, { recursive: true }));
const allFine: CheckDocument = () => [];

const openListed = async (text = manifest): Promise<House & { readonly file: string }> => {
  const file = join(folder, `${Math.random()}.json`);
  writeFileSync(file, text);
  const { manifest: read, problems } = readManifest(text, allFine);
  expect(problems).toEqual([]);
  const house = await openHouse({
    trusted: openTrustedDocuments({
      file,
      first: read,
      check: (body) => (body.includes('nothing') ? ['no such field'] : []),
      log: { info() {}, warn() {} },
      watchFile: createWatchFile(systemClock),
    }),
  });
  return Object.assign(house, { file });
};

const variables = { name: 'you' };
const answer = { data: { hello: 'hello you' } };
const refusal = {
  errors: [
    {
      message: expect.stringMatching(/listed documents only/),
      extensions: { code: 'PERSISTED_QUERY_NOT_IN_LIST' },
    },
  ],
};
const persisted = (sha256Hash: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });

const named: Readonly<Record<string, object>> = {
  'its text': { query: hello },
  'its text and an id': { query: hello, documentId: 'other' },
  'its text and what Apollo Client adds': { query: hello, extensions: { clientLibrary: { name: 'x' } } },
  documentId: { documentId: 'hello-1' },
  'documentId and no text': { documentId: 'hello-1', query: '' },
  'documentId with its algorithm': { documentId: `sha256:${sha256(hello)}` },
  "Apollo's extension": persisted('hello-1'),
  "Apollo's extension and its hash": persisted(sha256(hello)),
  "graphql-ws' example": { query: '', extensions: { persistedQuery: 'hello-1' } },
};
const unlisted: Readonly<Record<string, object>> = {
  'another text': { query: '{ hello }' },
  'the same text, written otherwise': { query: hello.replace('\n', ' ') },
  'another text and a good id': { query: '{ hello }', documentId: 'hello-1', ...persisted('hello-1') },
  'an id that is not there': { documentId: 'hello-2' },
  'a hash that is not there': persisted(sha256('{ hello }')),
  'a name of all objects': { documentId: 'constructor' },
  'what stands for it': { query: untrustedText },
  'no GraphQL': { query: '{ hello' },
  introspection: { query: '{ __schema { queryType { name } } }' },
  __typename: { query: '{ __typename }' },
};

/** One operation over each door: what came. */
const doors: Readonly<Record<string, (house: House, params: object) => Promise<unknown>>> = {
  async POST(house, params) {
    const { status, json } = await post(house, { ...params, variables });
    expect(status).toBe(200);
    return json;
  },
  async GET(house, params) {
    const { status, json } = await get(house, params, '/graphql');
    expect(status).toBe(200);
    return json;
  },
  async WebSocket(house, params) {
    const client = await greet(house);
    client.send({ type: 'subscribe', id: '1', payload: { ...params, variables } });
    const { type, payload } = await client.read();
    return type === 'error' ? { errors: payload } : payload;
  },
  async 'POST for events'(house, params) {
    return eventOf((await post(house, { ...params, variables }, {}, '/graphql/stream')).text);
  },
  async 'GET for events'(house, params) {
    return eventOf((await get(house, params, '/graphql/stream')).text);
  },
};

const get = (house: House, params: object, path: string) => {
  const search = new URLSearchParams({ variables: JSON.stringify(variables) });
  for (const [key, value] of Object.entries(params))
    search.set(key, typeof value === 'string' ? value : JSON.stringify(value));
  return send(house, { path: `${path}?${search}`, headers: { 'apollo-require-preflight': '1' } });
};

const eventOf = (text: string): unknown =>
  JSON.parse(/event: next\ndata: (.*)\n\n/.exec(text)?.[1] ?? 'null');

describe.each(Object.entries(doors))('%s', (_door, run) => {
  test('runs what is listed, by whichever name, however often', async () => {
    const house = await openListed();
    for (const [how, params] of [...Object.entries(named), ...Object.entries(named)])
      expect([how, await run(house, params)]).toEqual([how, answer]);
  });

  test('runs nothing else', async () => {
    const house = await openListed();
    for (const [how, params] of [...Object.entries(unlisted), ...Object.entries(unlisted)])
      expect([how, await run(house, params)]).toEqual([how, refusal]);
    expect(house.contexts.filter(({ transport }) => transport !== 'http')).toEqual([]);
  });
});

test('subscriptions and mutations run by their ids, a mutation over GET does not', async () => {
  const house = await openListed();
  const client = await greet(house);
  client.send({ type: 'subscribe', id: '1', payload: { documentId: 'ticks-1' } });
  await house.streams.until(({ open }) => open === 1);
  house.streams.push('now');
  expect(await client.read()).toMatchObject({ type: 'next', payload: { data: { ticks: 'now' } } });
  expect((await post(house, { documentId: 'bump-1' })).json).toEqual({ data: { bump: 1 } });
  expect((await get(house, { documentId: 'bump-1' }, '/graphql')).status).toBe(405);
});

test('as application/graphql-response+json a refusal is 400', async () => {
  const house = await openListed();
  const headers = { accept: 'application/graphql-response+json' };
  expect(await post(house, { documentId: 'x' }, headers)).toMatchObject({ status: 400, json: refusal });
});

test.each([
  [{}, 400],
  [[], 400],
  [[{ query: hello }], 400],
  [{ query: 1 }, 400],
  [{ documentId: 1 }, 400],
  [{ documentId: null, extensions: null }, 400],
])('what names nothing is told so: %j', async (body, status) => {
  const house = await openListed();
  expect((await post(house, body)).status).toBe(status);
  expect((await post(house, body, {}, '/graphql/stream')).status).toBe(status);
});

test('what else a request says in its extensions stays, of a trace, say', () => {
  const trusted = { has: () => false, find: () => hello };
  const extensions = { ...persisted('hello-1').extensions, traceparent: '00-1-2-01' };
  expect(nameDocument(trusted, { extensions, variables })).toEqual({
    query: hello,
    extensions: { traceparent: '00-1-2-01' },
    variables,
  });
});

test('two documents in one GET are refused', async () => {
  const house = await openListed();
  const query = encodeURIComponent(hello);
  const answered = await send(house, {
    path: `/graphql?query=${query}&query=${query}`,
    headers: { 'apollo-require-preflight': '1' },
  });
  expect(answered.status).toBe(400);
});

test('Apollo Client with persisted queries asks once, whether it is listed or not', async () => {
  const listed = print(parse(hello));
  const house = await openListed(JSON.stringify({ [sha256(listed)]: listed }));
  let asked = 0;
  const client = new ApolloClient({
    cache: new InMemoryCache({ addTypename: false } as object),
    link: new PersistedQueryLink({ sha256 }).concat(
      new HttpLink({
        uri: `${house.url}/graphql`,
        fetch: (...args) => {
          asked += 1;
          return fetch(...args);
        },
      }),
    ),
  });
  cleanUp(() => client.stop());
  const options = { fetchPolicy: 'no-cache', errorPolicy: 'all' } as const;
  expect((await client.query({ ...options, query: parse(hello), variables })).data).toEqual(answer.data);
  expect(asked).toBe(1);
  const { error } = await client.query({ ...options, query: parse('{ hello }') });
  expect(error?.message).toMatch(/listed documents only/);
  expect(asked).toBe(2);
});

test('a changed manifest counts within seconds, a broken one does not', async () => {
  const house = await openListed();
  const other = '{ other: hello }';
  expect((await post(house, { query: hello, variables })).json).toEqual(answer);
  writeFileSync(house.file, JSON.stringify({ other }));
  const asks = async (query: string) => (await post(house, { query })).json.errors === undefined;
  while (!(await asks(other))) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await asks(hello)).toBe(false);
  for (const broken of ['{', '{"a":"{ nothing }"}']) {
    writeFileSync(house.file, broken);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await asks(other)).toBe(true);
  }
});

describe('a manifest', () => {
  const problemsOf = (value: unknown, check = allFine): readonly string[] =>
    readManifest(typeof value === 'string' ? value : JSON.stringify(value), check).problems;
  const apollo = { format: 'apollo-persisted-query-manifest', version: 1 };

  test.each([
    ['Relay', { f00: hello, ba2: ticks }],
    ['Apollo', { ...apollo, operations: [{ id: 'a', name: 'Hello', type: 'query', body: hello }] }],
    ['Apollo, of several clients', { ...apollo, operations: [{ id: 'a', clientName: 'web', body: hello }] }],
    [
      'the same twice',
      {
        ...apollo,
        operations: [
          { id: 'a', body: hello },
          { id: 'a', body: hello },
        ],
      },
    ],
  ])('of %s is taken', (_whose, value) => {
    expect(problemsOf(value)).toEqual([]);
  });

  test.each([
    ['{', /is not JSON/],
    [[], /has to be/],
    [null, /has to be/],
    [{}, /holds no documents/],
    [{ ...apollo, operations: [] }, /holds no documents/],
    [{ ...apollo, version: 2, operations: [{ id: 'a', body: hello }] }, /neither the format/],
    [{ operations: [{ id: 'a', body: hello }] }, /neither the format/],
    [{ ...apollo, operations: { a: hello } }, /has to be/],
    [{ ...apollo, operations: [{ id: 'a' }] }, /has to be/],
    [{ ...apollo, operations: [{ id: 1, body: hello }] }, /has to be/],
    [{ a: 1 }, /has to be/],
    [{ '': hello }, /has to be/],
    [
      {
        ...apollo,
        operations: [
          { id: 'a', body: hello },
          { id: 'a', body: ticks },
        ],
      },
      /two documents "a"/,
    ],
  ])('that is none is told: %j', (value, words) => {
    expect(problemsOf(value)).toEqual([expect.stringMatching(words)]);
  });

  test('tells all that is wrong with its documents at once', () => {
    const check = (text: string) => (text === hello ? [] : ['one', 'two']);
    expect(problemsOf({ a: hello, b: ticks, c: bump }, check)).toEqual([
      'TRUSTED_DOCUMENTS_FILE: the document "b": one',
      'TRUSTED_DOCUMENTS_FILE: the document "b": two',
      'TRUSTED_DOCUMENTS_FILE: the document "c": one',
      'TRUSTED_DOCUMENTS_FILE: the document "c": two',
    ]);
  });
});

test('the rule by itself lets nothing pass but what is listed, whatever named it', () => {
  const schema = buildSchema('type Query { hello(name: String): String }');
  const { texts } = readManifest(manifest, allFine).manifest;
  const rule = createTrustRule({
    has: (text) => texts.has(text) || text === untrustedText,
    find: () => hello,
  });
  const isRefused = (text: string, noLocation = false): boolean =>
    validate(schema, parse(text, { noLocation }), [rule]).length === 1;
  expect(isRefused(hello)).toBe(false);
  expect(isRefused('{ hello }')).toBe(true);
  expect(isRefused(untrustedText)).toBe(true);
  expect(isRefused(hello, true)).toBe(true);
});

test('without a manifest, or where nothing is named, what was sent is left as it is', () => {
  const listed = { has: () => true, find: () => hello };
  const params = { documentId: 'a' };
  expect(nameDocument(null, params)).toBe(params);
  for (const odd of [null, undefined, 'text', 1]) expect(nameDocument(listed, odd)).toBe(odd);
});

test('of a changed manifest whoever keeps documents is told, of one that is the same nobody, and after a stop nobody looks', () => {
  const file = join(folder, 'changes.json');
  writeFileSync(file, manifest);
  const [told, log]: [string[], string[]] = [[], []];
  let look = (): unknown => undefined;
  const note = (_: object, message: string): void => void log.push(message);
  const documents = openTrustedDocuments({
    file,
    first: readManifest(manifest, allFine).manifest,
    check: allFine,
    log: { info: note, warn: note },
    watchFile: (_, onChange) => {
      look = onChange;
      return () => told.push('stopped');
    },
  });
  documents.watch(() => told.push('changed'));
  look();
  expect([told, log]).toEqual([[], []]);
  writeFileSync(file, JSON.stringify({ a: ticks }));
  look();
  expect([told, log]).toEqual([['changed'], [expect.stringContaining('in force')]]);
  expect([documents.has(hello), documents.has(ticks)]).toEqual([false, true]);
  documents.stop();
  expect(told).toEqual(['changed', 'stopped']);
});

test('what is wrong with a document that has two ids is told once, and another format is none', () => {
  const problemsOf = (value: unknown) => readManifest(JSON.stringify(value), () => ['bad']).problems;
  expect(problemsOf({ a: hello, b: hello })).toHaveLength(1);
  const operations = [{ id: 'a', body: hello }];
  expect(problemsOf({ format: 'other', version: 1, operations })).toEqual([
    expect.stringContaining('neither the format'),
  ]);
});
