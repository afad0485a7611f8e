/** What a document may hold, counted as it would be executed; alike on HTTP, WebSocket and event streams. */
import { describe, expect, test } from '@jest/globals';
import { buildSchema, getIntrospectionQuery, parse, validate } from 'graphql';
import { createLimitRule, defaultDocumentLimits } from '../../doors/document-limits.ts';
import { createSchema } from '../../schema/index.ts';
import { askStream, greet, openHouse, post } from './support.ts';

const schema = buildSchema('type Query { a(n: Int): Query! b: Int } type Mutation { a: Int }');
const limits = { tokens: 10_000, depth: 4, aliases: 3, directives: 3, rootFields: 5 };

const refusalOf = (source: string): string | undefined =>
  validate(schema, parse(source), [createLimitRule(limits)])[0]?.message;

const told: Readonly<Record<string, RegExp>> = {
  depth: /more than 4 levels of fields.*MAX_DEPTH/,
  aliases: /more than 3 aliases.*MAX_ALIASES/,
  directives: /more than 3 directives.*MAX_DIRECTIVES/,
  rootFields: /more than 5 fields at its root.*MAX_ROOT_FIELDS/,
};

describe('a document', () => {
  test.each([
    ['{ a { a { a { b } } } }', null],
    ['{ a { a { a { a { b } } } } }', 'depth'],
    ['{ a { ...F } } fragment F on Query { a { a { b } } }', null],
    ['{ a { a { ...F } } } fragment F on Query { a { a { b } } }', 'depth'],
    ['{ a { a { ... { ... on Query { a { b } } } } } }', null],
    ['{ ...F } fragment F on Query { a { ...G } } fragment G on Query { a { a { a { b } } } }', 'depth'],
    ['{ x: b y: b a { z: b } }', null],
    ['{ x: b y: b a { z: b v: b } }', 'aliases'],
    ['{ a { ...F } a { ...F } } fragment F on Query { x: b y: b }', 'aliases'],
    [
      '{ ...F } fragment F on Query { ...G ...G } fragment G on Query { ...H ...H } fragment H on Query { x: b }',
      'aliases',
    ],
    ['query @skip(if: true) { b @skip(if: true) ... @include(if: true) { b } }', null],
    [
      'query @skip(if: true) { b @skip(if: true) ...F @skip(if: true) } fragment F on Query { b @skip(if: true) }',
      'directives',
    ],
    ['{ b b b b b }', null],
    ['{ b b b b b b }', 'rootFields'],
    ['{ ...F ...F ...F } fragment F on Query { b b }', 'rootFields'],
    ['{ b } query B { b b b b b b }', 'rootFields'],
    ['mutation { a a a a a a }', 'rootFields'],
    ['{ a { b b b b b b b b } }', null],
    ['{ ...F } fragment F on Query { a { ...F } }', null],
    ['{ ...Missing }', null],
  ])('%s', (source, what) => {
    if (what === null) expect(refusalOf(source)).toBeUndefined();
    else expect(refusalOf(source)).toMatch(told[what] ?? /^$/);
  });

  test('of fragments that double a thousand times is measured at once', () => {
    const fragments = Array.from(
      { length: 1_100 },
      (_, at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`,
    );
    const source = `{ ...F0 } ${fragments.join(' ')} fragment F1100 on Query { x: b }`;
    expect(refusalOf(source)).toMatch(/aliases/);
  });

  test('with the question for the whole schema is no problem', () => {
    const rule = [createLimitRule(defaultDocumentLimits)];
    const question = getIntrospectionQuery({
      specifiedByUrl: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    expect(validate(createSchema(), parse(question), rule)).toEqual([]);
  });
});

test('what is too much is refused on every transport alike, and nothing is resolved', async () => {
  const house = await openHouse({ documentLimits: { ...defaultDocumentLimits, aliases: 1 } });
  const query = '{ a: hello b: hello }';
  const refusal = {
    message: expect.stringMatching(/more than 1 aliases/),
    extensions: { code: 'LIMIT_EXCEEDED' },
  };
  const answers = [];
  for (let time = 0; time < 3; time += 1) answers.push((await post(house, { query })).json);
  answers.push(...(await askStream(house, { query })));
  for (const answer of answers) expect(answer).toMatchObject({ errors: [refusal] });
  const client = await greet(house);
  client.send({ type: 'subscribe', id: '1', payload: { query } });
  expect(await client.read()).toMatchObject({ type: 'error', payload: [refusal] });
  expect((await post(house, { query: '{ a: hello }' })).json.data).toEqual({ a: 'hello world' });
});

const many = (count: number, part: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => part(at)).join(' ');

describe('what breaks a rule of graphql-js is refused on every transport alike', () => {
  test.each([
    [
      'fragments that spread each other until the stack ends',
      `{ ...F0 } ${many(300, (at) => `fragment F${at} on Query { ${many(8, (next) => `...F${(at + next + 1) % 300}`)} }`)}`,
      'LIMIT_EXCEEDED',
      /nested too deeply/,
    ],
    [
      'more fields of the same name than can be compared',
      `{ __schema { types { ${many(9_000, () => 'name')} } } }`,
      'LIMIT_EXCEEDED',
      /cannot be compared/,
    ],
    [
      'a condition on the root of a subscription',
      'subscription ($v: Boolean!) { ticks @skip(if: $v) }',
      'GRAPHQL_VALIDATION_FAILED',
      /@skip on its root field/,
    ],
  ])('%s', async (_name, query, code, says) => {
    const house = await openHouse();
    const refusal = { message: expect.stringMatching(says), extensions: { code } };
    const { status, json } = await post(house, { query });
    if (query.startsWith('subscription')) {
      expect(status).toBe(400);
      expect(json.errors?.[0]).toMatchObject({
        message: expect.stringMatching(/WS \/graphql/),
        extensions: { code: 'BAD_REQUEST' },
      });
    } else expect(json).toMatchObject({ errors: [refusal] });
    expect((await askStream(house, { query }))[0]).toMatchObject({ errors: [refusal] });
    const client = await greet(house);
    client.send({ type: 'subscribe', id: '1', payload: { query } });
    expect(await client.read()).toMatchObject({ type: 'error', payload: [refusal] });
    expect(house.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  });
});

test('a fragment has as many fields as it likes where it is no root', () => {
  expect(refusalOf('{ a { ...F } } fragment F on Query { b b b b b b b }')).toBeUndefined();
});
