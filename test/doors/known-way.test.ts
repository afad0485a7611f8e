/** What is known takes a shorter way past Apollo Server: nobody can tell from an answer which way it came. */
import { describe, expect, test } from '@jest/globals';
import { GatewayError } from '../../errors.ts';
import type { Arguments } from '../../doors/cost/weights.ts';
import { askStream, canary, openHouse, post } from './support.ts';
import type { Answer } from './support.ts';

const count = 'query Count($n: Int!) { count(n: $n) hello }';

/** The first goes all the way, the second learns the type of the answer, the third and fourth may take the short one. */
const times = 4;

const requests: Readonly<Record<string, readonly [body: object, headers?: Record<string, string>]>> = {
  'a query': [{ query: '{ hello __typename }' }],
  'a query with variables': [{ query: count, variables: { n: 3 }, operationName: 'Count' }],
  'a query of several': [{ query: 'query A { hello } query B { b: hello }', operationName: 'B' }],
  'no query of several': [{ query: 'query A { hello } query B { b: hello }' }],
  'a name that is not there': [{ query: 'query A { hello }', operationName: 'B' }],
  'an empty name': [{ query: 'query A { hello }', operationName: '' }],
  'a mutation': [{ query: 'mutation { bump }' }],
  'a subscription': [{ query: 'subscription { five }' }],
  introspection: [{ query: '{ __schema { queryType { name } } }' }],
  'variables that do not fit': [{ query: count, variables: { n: 'x' } }],
  'variables that are missing': [{ query: count, variables: null }],
  'variables that are a list': [{ query: count, variables: [] }],
  'variables that are text': [{ query: count, variables: '{"n":1}' }],
  'a partial answer': [{ query: '{ hello fail(kind: "upstream") }' }],
  'an error that is masked': [{ query: '{ hello fail(kind: "coded") broken }' }],
  'an answer nulled by an error': [{ query: 'query($n: Int = 1) { count(n: $n) }', variables: { n: null } }],
  extensions: [{ query: '{ hello }', extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }],
  'a newer media type': [{ query: '{ hello }' }, { accept: 'application/graphql-response+json' }],
  'a newer media type and a fault': [
    { query: count, variables: { n: 'x' } },
    { accept: 'application/graphql-response+json' },
  ],
  'a media type that is not had': [{ query: '{ hello }' }, { accept: 'text/html' }],
  'not what is parsed': [{ query: '{ hello ' }],
  'not what is valid': [{ query: '{ nothing }' }],
};

const plain = ({ status, headers, text }: Answer): unknown => {
  const { date, 'x-request-id': id, ...rest } = headers;
  return { status, text, headers: rest, hasDate: date !== undefined, hasId: id !== undefined };
};

/** Some of the requests cost nothing, some as much as may be, some too much. */
const cost = {
  limit: 3,
  estimators: {
    'Query.count': ({ n }: Arguments) => Number(n),
    'Query.fail': () => 3,
    'Mutation.bump': () => 4,
  },
  spentBy: () => 2,
};

describe.each([
  ['', {}],
  [', and tells its cost', { cost }],
] as const)('an answer is the same each time%s', (_what, options) => {
  test.each(Object.entries(requests))('%s', async (_name, [body, headers]) => {
    const house = await openHouse(options);
    // Lets the type of answers be known before.
    for (let time = 0; time < 2; time += 1) await post(house, { query: '{ hello }' }, headers);
    const errorsOf = (): number => house.logged.filter((line) => line.includes('"level":50')).length;
    const tell = async (): Promise<unknown> => {
      const before = { contexts: house.contexts.length, errors: errorsOf() };
      const answer = plain(await post(house, body, headers));
      const contexts = house.contexts.length - before.contexts;
      return { answer, contexts, errors: errorsOf() - before.errors };
    };
    const first = await tell();
    for (let time = 1; time < times; time += 1) expect(await tell()).toEqual(first);
    expect(JSON.stringify(first)).not.toContain(canary);
  });
});

describe('the short way', () => {
  test('a caller without a context', async () => {
    let isRefused = false;
    const house = await openHouse({
      createContext: (info) => {
        if (isRefused) throw new GatewayError('UNAUTHENTICATED', 'Say who you are.');
        return { info };
      },
    });
    for (let time = 0; time < times; time += 1) await post(house, { query: '{ hello }' });
    isRefused = true;
    const known = await post(house, { query: '{ hello }' });
    expect(known.status).toBe(401);
    expect(plain(known)).toEqual(plain(await post(house, { query: '{ new: hello }' })));
  });

  test('a resolver is called once, with or without an error', async () => {
    const house = await openHouse();
    for (let time = 0; time < times; time += 1) await post(house, { query: '{ fail(kind: "other") }' });
    expect(house.logged.filter((line) => line.includes('An operation failed unexpectedly'))).toHaveLength(
      times,
    );
  });
});

test('what is known from one door is known at the others, and answered alike', async () => {
  const house = await openHouse();
  const body = { query: count, variables: { n: 2 } };
  const [streamed] = await askStream(house, body);
  for (let time = 0; time < times; time += 1) expect((await post(house, body)).json).toEqual(streamed);
  expect(await askStream(house, body)).toEqual([streamed]);
  const [refused] = await askStream(house, { query: count, variables: { n: 'x' } });
  expect((await post(house, { query: count, variables: { n: 'x' } })).json).toEqual(refused);
});
