/** What callers may learn of the schema, on every transport. */
import { describe, expect, test } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import { askStream, greet, openHouse, post } from './support.ts';
import type { Answer, House } from './support.ts';

type Json = Answer['json'];

const askAll = async (house: House, query: string, variables?: object): Promise<readonly Json[]> => {
  const client = await greet(house);
  client.send({ type: 'subscribe', id: '1', payload: { query, variables } });
  const { payload } = await client.read();
  const [streamed] = await askStream(house, { query, variables });
  return [
    (await post(house, { query, variables })).json,
    (await post(house, { query, variables })).json,
    streamed ?? {},
    Array.isArray(payload) ? { errors: payload } : (payload ?? {}),
  ];
};

const curious = [
  ['the schema', getIntrospectionQuery()],
  ['a type', '{ __type(name: "Query") { name } }'],
  ['a type under another name', 'fragment F on Query { x: __schema { queryType { name } } } { hello ...F }'],
] as const;

const mistaken = [
  ['a field', '{ helo }', {}],
  ['an argument', '{ hello(nam: "x") }', {}],
  ['a type', 'query ($n: Strin) { hello(name: $n) }', {}],
] as const;

describe('where callers may not explore', () => {
  test.each(curious)('%s is not told', async (_what, query) => {
    for (const { data, errors } of await askAll(await openHouse({ isExplorable: false }), query)) {
      expect(data ?? null).toBeNull();
      expect(errors?.[0]?.message).toMatch(/introspection has been disabled/);
      expect(errors?.[0]?.extensions['code']).toBe('GRAPHQL_VALIDATION_FAILED');
    }
  });

  test.each(mistaken)('%s that looks like another leads to no name', async (_what, query, variables) => {
    for (const answer of await askAll(await openHouse({ isExplorable: false }), query, variables)) {
      expect(answer.errors?.length).toBeGreaterThan(0);
      expect(JSON.stringify(answer)).not.toMatch(/Did you mean/);
    }
  });

  test('what a caller says of suggestions himself keeps nobody waiting', async () => {
    const query = `{ count(n: "${' Did you mean '.repeat(60_000)}") }`;
    for (const { errors } of await askAll(await openHouse({ isExplorable: false }), query))
      expect(errors?.[0]?.message).toMatch(/^Int cannot represent non-integer value/);
  });

  test('types are still named where they are selected', async () => {
    const [answer] = await askAll(await openHouse({ isExplorable: false }), '{ __typename hello }');
    expect(answer?.data).toEqual({ __typename: 'Query', hello: 'hello world' });
  });
});

describe('where they may', () => {
  test.each(curious)('%s is told', async (_what, query) => {
    for (const { data, errors } of await askAll(await openHouse(), query)) {
      expect(errors).toBeUndefined();
      expect(JSON.stringify(data)).toContain('Query');
    }
  });

  test.each(mistaken)('%s that looks like another leads to it', async (_what, query, variables) => {
    for (const answer of await askAll(await openHouse(), query, variables))
      expect(JSON.stringify(answer)).toMatch(/Did you mean/);
  });
});
