/** What documents are estimated at, by weights and sizes of a small schema; and what the doors do with it. */
import { describe, expect, test } from '@jest/globals';
import { makeExecutableSchema } from '@graphql-tools/schema';
import fc from 'fast-check';
import { getIntrospectionQuery, getOperationAST, parse, validate } from 'graphql';
import { createCosts } from '../../doors/cost/index.ts';
import type { CostOptions, OperationCost } from '../../doors/cost/index.ts';
import { most } from '../../doors/cost/plan.ts';
import { askStream, greet, openHouse, post } from './support.ts';
import type { Context } from './support.ts';

const directives = `
  directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
  directive @listSize(
    assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
  ) on FIELD_DEFINITION
`;
const schema = makeExecutableSchema({
  typeDefs: `${directives}
    interface Node { id: ID! }
    type Item implements Node { id: ID! parts(first: Int = 5): [Part!] @cost(weight: "1") home: Place child: Item @cost(weight: "0") half: Int @cost(weight: "0.5") }
    type Place implements Node { id: ID! parts: [Part!] @cost(weight: "10") }
    type Part { id: ID! }
    type Edge { node: Item @cost(weight: "0") }
    type Connection { edges: [Edge!] @cost(weight: "0") nodes: [Item!] @cost(weight: "0") info: Item @cost(weight: "0") }
    type Query {
      free: Int
      item(id: ID): Item @cost(weight: "1")
      plain: Item
      node: Node @cost(weight: "1")
      nodes(ids: [ID!]! @cost(weight: "2")): [Node]! @cost(weight: "0") @listSize(slicingArguments: ["ids"])
      list(first: Int = 25, last: Int): Connection @cost(weight: "3")
        @listSize(assumedSize: 7, slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false)
      assumed: [Item!] @cost(weight: "1") @listSize(assumedSize: 9)
      counted(by: Int): Item @cost(weight: "1000")
    }
    type Mutation { change: Item @cost(weight: "3") }
    type Subscription { watch(id: ID): Item @cost(weight: "1") }
  `,
  resolverValidationOptions: { requireResolversForResolveType: 'ignore' },
});

const seen: ReadonlySet<string>[] = [];
const findCost = createCosts(schema, {
  limit: 100,
  estimators: {
    'Query.counted': ({ by }, selected) => {
      seen.push(selected);
      return Number(by);
    },
  },
  spentBy: () => 0,
});

const costOf = (source: string, operationName?: string): OperationCost => {
  const document = parse(source);
  const node = getOperationAST(document, operationName);
  if (node == null) throw new Error('no such operation');
  return findCost(document, node);
};

const estimate = (
  source: string,
  variables: Readonly<Record<string, unknown>> = {},
  operationName?: string,
): number => {
  expect(validate(schema, parse(source))).toEqual([]);
  return costOf(source, operationName).estimate(variables);
};

describe('an operation is estimated at', () => {
  test.each<[string, string, number]>([
    ['nothing, for leaves', '{ free __typename }', 0],
    ['nothing, for introspection', getIntrospectionQuery(), 0],
    ['the weight of a field, whatever else it selects', '{ item { id __typename half } }', 2],
    ['one for an object that says nothing', '{ plain { id } }', 1],
    ['one more for an object below it that says nothing', '{ item { home { id } } }', 2],
    ['what is below it, too', '{ item { parts { id } child { parts { id } child { parts { id } } } } }', 4],
    ['halves that are rounded up at the end', '{ plain { half } b: plain { half } c: plain { half } }', 5],
    ['each alias by itself', '{ a: item(id: 1) { id } b: item(id: 1) { id } }', 2],
    [
      'a response key once',
      '{ item { id } item { child { id } } ...F } fragment F on Query { item { id } }',
      1,
    ],
    [
      'a key below it once, from two fragments',
      '{ item { ...F ...G } } fragment F on Item { parts { id } } fragment G on Item { child { id } parts { id } }',
      2,
    ],
    ['inline fragments', '{ ... on Query { item { ... { parts { id } } } } ... { item { id } } }', 2],
    [
      'the dearest type where several are possible',
      '{ node { ... on Item { parts { id } } ... on Place { parts { id } } } }',
      11,
    ],
    ['no type that is not asked for', '{ node { id ... on Item { parts { id } } } }', 2],
    [
      'fragments on the interface',
      '{ node { ...N } } fragment N on Node { id ... on Place { parts { id } } }',
      11,
    ],
    ['different elements of a list', '{ nodes(ids: ["a", "b", "a"]) { id } }', 4],
    ['each element with what is below it', '{ nodes(ids: ["a", "b"]) { ... on Item { parts { id } } } }', 6],
    ['nothing for no elements', '{ nodes(ids: []) { ... on Item { parts { id } } } }', 0],
    ['one element that is no list', '{ nodes(ids: "a") { id } }', 2],
    ['items of a connection, by default', '{ list { nodes { parts { id } } } }', 28],
    [
      'items as many as asked for',
      '{ list(first: 4) { nodes { parts { id } } edges { node { parts { id } } } } }',
      11,
    ],
    ['the larger of two sizes', '{ list(first: 4, last: 6) { nodes { parts { id } } } }', 9],
    ['assumed items where there is a null', '{ list(first: null) { nodes { parts { id } } } }', 10],
    ['assumed items where there is no argument', '{ assumed { parts { id } } }', 10],
    ['no items for a negative size', '{ list(first: -4) { nodes { parts { id } } } }', 3],
    ['what is beside the items once', '{ list(first: 100) { info { parts { id } } } }', 4],
    ['what an estimator says', '{ counted(by: 17) { id } }', 17],
    ['literal conditions', '{ item @skip(if: true) { id } plain @include(if: false) { id } }', 0],
    ['mutations', 'mutation { change { parts { id } } }', 4],
    ['subscriptions', 'subscription { watch { parts { id } } }', 2],
  ])('%s', (_name, source, calls) => expect(estimate(source)).toBe(calls));

  test('what its variables say, each time anew', () => {
    const source =
      'query($n: Int, $ids: [ID!]!) { list(first: $n) { nodes { parts { id } } } nodes(ids: $ids) { id } }';
    const cost = costOf(source);
    expect(cost.estimate({ n: 2, ids: [] })).toBe(5);
    expect(cost.estimate({ n: 50, ids: ['a', 'b'] })).toBe(57);
    expect(cost.estimate({ ids: ['a'] })).toBe(3 + 25 + 2);
    expect(cost.estimate({ n: 2, ids: [] })).toBe(5);
  });

  test('what its variables say, also where it was asked about them before', () => {
    const cost = costOf(
      'query($n: Int, $a: String, $b: String) { list(first: $n) { nodes { parts { id } } } }',
    );
    const asked = [{ n: 2 }, { n: 22 }, {}, { n: 2, a: '2 b' }, { n: 22, a: '2', b: '2' }];
    const told = (): number[] => asked.map((variables) => cost.estimate(variables));
    expect(told()).toEqual([5, 25, 28, 5, 25]);
    expect(told()).toEqual([5, 25, 28, 5, 25]);
  });

  test('what its conditions leave', () => {
    const source = `query($if: Boolean!) {
      item @include(if: $if) { id } ...F @skip(if: $if)
    } fragment F on Query { list(first: 10) { nodes { parts @skip(if: $if) { id } } } }`;
    expect(estimate(source, { if: true })).toBe(1);
    expect(estimate(source, { if: false })).toBe(13);
  });

  test('nothing below a condition that fails when it is executed, and all above it', () => {
    // A null for what may not be null: the object is an error, and what brought it was asked.
    const source = `query($if: Boolean = true) {
      item { parts @include(if: $if) { id } } list(first: 2) { nodes { parts @include(if: $if) { id } } }
    }`;
    expect(estimate(source, { if: true })).toBe(estimate(source, { if: null }) + 3);
    expect(estimate(source, { if: null })).toBe(4);
    expect(estimate('query($if: Boolean = true) { item @skip(if: $if) { id } }', { if: null })).toBe(0);
  });

  test('the operation that is named', () => {
    const source = 'query A { item { id } } query B { list { info { id } } }';
    expect(estimate(source, {}, 'A')).toBe(1);
    expect(estimate(source, {}, 'B')).toBe(3);
  });

  test('nothing for arguments that fail when they are executed', () => {
    // A null for what may not be null: the field is an error, and asks nobody.
    const source = 'query($ids: [ID!] = ["a"]) { nodes(ids: $ids) { ... on Place { parts { id } } } }';
    expect(estimate(source, { ids: ['a'] })).toBe(12);
    expect(estimate(source, { ids: null })).toBe(0);
  });

  test('numbers that can be told, however large', () => {
    const aliases = Array.from(
      { length: 3 },
      (_, at) => `a${at}: list(first: 2147483647) { nodes { child { ...F } } }`,
    );
    expect(estimate(`{ ${aliases.join(' ')} } fragment F on Item { parts { id } }`)).toBe(
      3 * (3 + 2147483647),
    );
    const deep = (levels: number): string =>
      levels === 0 ? 'parts { id }' : `home { id } child { ${deep(levels - 1)} }`;
    expect(estimate(`{ assumed { ${deep(50)} } }`)).toBe(1 + 9 * 51);
    expect(Number.isSafeInteger(most)).toBe(true);
  });

  test('the same in fragments as written out', () => {
    const field = fc.letrec<{ selection: string }>((tie) => ({
      selection: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('id', 'parts { id }', 'half'),
        tie('selection').map((inner) => `child { ${inner} }`),
        fc
          .tuple(tie('selection'), tie('selection'))
          .map(([one, other]) => `a: child { ${one} } b: child { ${other} }`),
        tie('selection').map((inner) => `... on Item { ${inner} }`),
      ),
    })).selection;
    fc.assert(
      fc.property(field, (selection) => {
        const whole = costOf(`{ item { ${selection} } x: assumed { ${selection} } }`).estimate({});
        expect(
          estimate(
            `{ item { ...F } x: assumed { ...F ...F } } fragment F on Item { ...G ...G } fragment G on Item { ${selection} }`,
          ),
        ).toBe(whole);
      }),
      { numRuns: 50 },
    );
  });
});

// Not validated: which fields overlap takes long to tell, and is not the matter here.
describe('hostile documents', () => {
  test('thousands of aliases are counted', () => {
    const aliases = Array.from({ length: 2_000 }, (_, at) => `a${at}: item { parts { id } }`);
    expect(costOf(`{ ${aliases.join(' ')} }`).estimate({})).toBe(4_000);
  });

  test.each([
    [4, 1 + 40 ** 4],
    [10, most],
  ])('forty aliases on each of %i levels are added up, not multiplied out', (count, calls) => {
    const levels = Array.from({ length: count }, (_, level) => {
      const below = level === count - 1 ? 'parts { id }' : `...F${level + 1}`;
      const aliases = Array.from({ length: 40 }, (__, at) => `a${at}: child { ${below} }`);
      return `fragment F${level} on Item { ${aliases.join(' ')} }`;
    });
    expect(costOf(`{ item { ...F0 } } ${levels.join(' ')}`).estimate({})).toBe(calls);
  });

  test('fragments that spread others twice, those others twice, …', () => {
    const fragments = Array.from({ length: 60 }, (_, at) => {
      const below = at === 59 ? 'parts { id }' : `...F${at + 1} ... on Item { ...F${at + 1} }`;
      return `fragment F${at} on Item { ${below} }`;
    });
    expect(costOf(`{ item { ...F0 } } ${fragments.join(' ')}`).estimate({})).toBe(2);
  });

  test('a fragment of many fields that many aliases spread is not looked at without end', () => {
    const fields = Array.from({ length: 1_000 }, (_, at) => `f${at}: id`);
    // Validation compares them all with each other: not the matter here.
    const aliases = fields.map((_, at) => `a${at}: item { ...F }`);
    const source = `{ ${aliases.join(' ')} } fragment F on Item { ${fields.join(' ')} }`;
    expect(costOf(source).estimate({})).toBe(most);
  });
});

test('an estimator is told what is selected below its field, the same set each time', () => {
  const source = 'query($by: Int) { counted(by: $by) { id ... on Item { child { parts { id } } } } free }';
  const cost = costOf(source);
  seen.length = 0;
  cost.estimate({ by: 1 });
  cost.estimate({ by: 2 });
  expect([...(seen[0] ?? [])].sort()).toEqual(['Item.child', 'Item.id', 'Item.parts', 'Part.id']);
  expect(seen[1]).toBe(seen[0]);
});

test('a weight that is no number is refused at the start, and an estimator for no field', () => {
  for (const weight of ['much', '-1', 'Infinity']) {
    const wrong = makeExecutableSchema({
      typeDefs: `${directives} type Query { a: Int @cost(weight: "${weight}") }`,
    });
    expect(() => createCosts(wrong, { limit: 1, estimators: {}, spentBy: () => 0 })).toThrow(
      `@cost of Query.a: "${weight}" is no number from 0 on.`,
    );
  }
  const estimators = { 'Query.lost': () => 1 };
  expect(() => createCosts(schema, { limit: 1, estimators, spentBy: () => 0 })).toThrow(
    'There is an estimator for Query.lost, and no such field.',
  );
});

describe('at the doors', () => {
  const cost: CostOptions<Context> = {
    limit: 10,
    estimators: {
      'Query.count': ({ n }) => Number(n),
      'Subscription.five': () => 11,
      'Mutation.bump': () => 2,
    },
    spentBy: ({ info }) => (info.transport === 'http' ? 3 : 4),
  };
  const query = 'query($n: Int!) { count(n: $n) }';
  const refusal = expect.stringMatching(/about 11 calls .* 10 are allowed .*MAX_QUERY_COST.*Ask for fewer/);

  test('what was executed tells both numbers, with errors and without', async () => {
    const house = await openHouse({ cost });
    for (let time = 0; time < 4; time += 1) {
      const { text } = await post(house, { query, variables: { n: 10 } });
      expect(text).toBe('{"data":{"count":10},"extensions":{"cost":{"estimated":10,"actual":3}}}\n');
    }
    const extensions = { cost: { estimated: 2, actual: 3 } };
    expect((await post(house, { query: 'mutation { bump }' })).json).toEqual({
      data: { bump: 1 },
      extensions,
    });
    const failed = (await post(house, { query: '{ count(n: 5) fail(kind: "gateway") }' })).json;
    expect(failed).toMatchObject({
      data: { count: 5, fail: null },
      errors: [{ extensions: { code: 'SERVICE_REQUIRED' } }],
      extensions: { cost: { estimated: 5, actual: 3 } },
    });
    expect(await askStream(house, { query, variables: { n: 10 } })).toEqual([
      { data: { count: 10 }, extensions: { cost: { estimated: 10, actual: 4 } } },
    ]);
  });

  test('a condition that is null is an error at its place, on every door', async () => {
    const house = await openHouse({ cost });
    const payload = {
      query: 'query($if: Boolean = true) { count(n: 5) @include(if: $if) }',
      variables: { if: null },
    };
    const refused = { data: null, errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] };
    expect((await post(house, payload)).json).toMatchObject(refused);
    expect(await askStream(house, payload)).toMatchObject([refused]);
    const socket = await greet(house);
    socket.send({ type: 'subscribe', id: 'a', payload });
    expect(await socket.read()).toMatchObject({ type: 'next', payload: refused });
  });

  test('what was not executed tells none', async () => {
    const house = await openHouse({ cost });
    for (const body of [{ query, variables: { n: 'x' } }, { query: '{ nothing }' }]) {
      expect((await post(house, body)).json).not.toHaveProperty('extensions');
    }
  });

  test('too much is refused on HTTP, the first time and later, and nothing is resolved', async () => {
    let calls = 0;
    const house = await openHouse({
      cost: { ...cost, spentBy: () => (calls += 1) },
    });
    for (let time = 0; time < 4; time += 1) {
      const { status, json } = await post(house, { query, variables: { n: 11 } });
      expect(status).toBe(200);
      expect(json).toEqual({
        errors: [{ message: refusal, extensions: { code: 'LIMIT_EXCEEDED', limit: 'MAX_QUERY_COST' } }],
      });
      if (time > 1) expect((await post(house, { query, variables: { n: 1 } })).status).toBe(200);
    }
    expect(calls).toBe(2);
    expect(house.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
    const newer = await post(
      house,
      { query, variables: { n: 11 } },
      { accept: 'application/graphql-response+json' },
    );
    expect(newer.status).toBe(400);
  });

  test('over a WebSocket it is an error, over SSE a result without data, and no context is made', async () => {
    const house = await openHouse({ cost });
    const socket = await greet(house);
    for (const [id, payload] of Object.entries({
      query: { query, variables: { n: 11 } },
      subscription: { query: 'subscription { five }' },
    })) {
      socket.send({ type: 'subscribe', id, payload });
      expect(await socket.read()).toEqual({
        type: 'error',
        id,
        payload: [{ message: refusal, extensions: { code: 'LIMIT_EXCEEDED', limit: 'MAX_QUERY_COST' } }],
      });
      expect(await askStream(house, payload)).toEqual([
        { errors: [{ message: refusal, extensions: { code: 'LIMIT_EXCEEDED', limit: 'MAX_QUERY_COST' } }] },
      ]);
    }
    expect(house.contexts).toEqual([]);
  });

  test('events of a subscription tell nothing', async () => {
    const house = await openHouse({ cost: { ...cost, limit: 11 } });
    expect((await askStream(house, { query: 'subscription { five }' }))[0]).toEqual({ data: { five: 1 } });
  });
});
