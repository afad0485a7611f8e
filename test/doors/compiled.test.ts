/** Compiled execution against graphql-js: the same answer, errors in the same order with the same words and places, resolvers told the same. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { execute, getIntrospectionQuery, getOperationAST, GraphQLError, parse, validate } from 'graphql';
import type { DocumentNode, ExecutionResult, GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { compileOperation } from '../../doors/compiled/index.ts';
import { createDocuments } from '../../doors/documents.ts';
import { selectedFields } from '../../resolvers/selection.ts';
import { DateTime } from '../../resolvers/date-time.ts';
import { JSONObject } from '../../resolvers/json-object.ts';

interface Seen {
  readonly log: unknown[];
}

const typeDefs = `
  scalar DateTime scalar JSONObject
  enum Color { RED GREEN }
  interface Node { id: ID! }
  union Any = Item | Other
  type Item implements Node {
    id: ID! name: String strict: String! late: String lateStrict: String! when: DateTime badWhen: DateTime
    extras: JSONObject badExtras: JSONObject color: Color badColor: Color count: Int badCount: Int hugeCount: Int share: Float
    isOn: Boolean tags: [String!] strictTags: [String!]! method(by: Int = 2): Int child: Item strictChild: Item!
    seen: String
  }
  type Other implements Node { id: ID! only: Int }
  type Checked { id: ID! }
  input Filter { colors: [Color!] after: DateTime text: String = "all" inner: Filter }
  type Query {
    item(id: ID = "one"): Item strictItem: Item! items: [Item] strictItems: [Item!] promised: [Item]! promisedStrict: [Item!]
    twice: [Item!]! noList: [Item] none: Item nodes: [Node]! nowhere: Node wrongType: Node unknownType: Node notObject: Node lateType: Node
    any: [Any!] checked: Checked unchecked: Checked lateChecked: Checked
    fails: String failsLate: String throwsText: String givesError: String graphqlError: String lists: [[Int!]]
    echo(text: String, count: Int!, filter: Filter): String raced: Item
  }
  type Mutation { step(name: String!, ms: Int = 0, fail: Boolean = false): String strictStep(name: String!): String! }
`;

const item = (id: string): Record<string, unknown> => ({
  __typename: 'Item',
  id,
  name: `"${id}" \\u2028 \\ud800 é \\n`,
  strict: 's',
  when: new Date(Date.UTC(2026, 10, 24)),
  badWhen: 'yesterday',
  extras: { a: [1, null, { b: new Date(0) }] },
  badExtras: [],
  color: 'RED',
  badColor: 'BLUE',
  count: 3,
  badCount: 2 ** 40,
  hugeCount: 2n ** 70n,
  share: -0.5,
  isOn: false,
  tags: ['a', null],
  strictTags: new Set(['x', 'y']),
  method: ({ by }: { by: number }, _: unknown, { fieldName }: GraphQLResolveInfo) => by * fieldName.length,
});

const soon = async <T>(value: T): Promise<T> => {
  await Promise.resolve();
  return value;
};

const refuse = async (text: string): Promise<never> => {
  await Promise.resolve();
  throw new Error(text);
};

const schema: GraphQLSchema = makeExecutableSchema({
  typeDefs,
  resolverValidationOptions: { requireResolversForResolveType: 'ignore' },
  resolvers: {
    DateTime,
    JSONObject,
    Query: {
      item: (_: unknown, { id }: { id: string | null }, { log }: Seen, info: GraphQLResolveInfo) => {
        const { fieldName, path, variableValues, returnType, parentType, operation, fragments, rootValue } =
          info;
        const { fieldNodes } = info;
        log.push({
          id,
          fieldName,
          path,
          variableValues,
          types: `${String(parentType)} ${String(returnType)}`,
        });
        log.push({ operation, fragments, rootValue, fieldNodes, isSchema: info.schema === schema });
        log.push([...selectedFields(info)]);
        return item(String(id));
      },
      strictItem: () => null,
      items: () => [item('a'), null, new Error('no b'), item('c')],
      strictItems: () => [item('a'), null],
      promised: () => [soon(item('a')), refuse('no b'), soon(null), refuse('no d')],
      promisedStrict: () => [soon(item('a')), refuse('first'), refuse('second')],
      twice: () => soon([item('a'), item('b')]),
      noList: () => ({ length: 1 }),
      none: () => undefined,
      nodes: () => [item('a'), { __typename: 'Other', id: 2, only: 1 }, soon(item('b'))],
      nowhere: () => ({ id: 1 }),
      wrongType: () => ({ __typename: 'Checked', id: 1 }),
      unknownType: () => ({ __typename: 'Nothing', id: 1 }),
      notObject: () => ({ __typename: 'Color', id: 1 }),
      lateType: () => ({ type: soon('Other'), id: 1 }),
      any: () => [item('a'), { __typename: 'Other', id: 2, only: 1 }],
      checked: () => ({ id: 1, is: true }),
      unchecked: () => ({ id: 1, is: false }),
      lateChecked: () => ({ id: 1, is: soon(false) }),
      fails: () => {
        throw new TypeError('boom');
      },
      failsLate: () => refuse('late boom'),
      throwsText: () => Promise.reject('text'),
      givesError: () => new Error('given'),
      graphqlError: () => {
        throw new GraphQLError('coded', { extensions: { code: 'FORBIDDEN' } });
      },
      lists: () => [[1, 2], null, [3, null], [4.5]],
      echo: (_: unknown, given: unknown) => JSON.stringify(given),
      raced: () => item('raced'),
    },
    Node: {
      __resolveType: (value: { __typename?: string; type?: Promise<string> }) =>
        value.type ?? value.__typename,
    },
    Any: { __resolveType: ({ __typename }: { __typename: string }) => __typename },
    Checked: { __isTypeOf: ({ is }: { is: boolean | Promise<boolean> }) => is },
    Item: {
      late: ({ id }: { id: string }) => (id === 'b' ? refuse('late b') : soon('late')),
      lateStrict: ({ id }: { id: string }) => (id === 'one' ? refuse('never') : soon(null)),
      child: ({ id }: { id: string }) => soon(item(`${id}.child`)),
      strictChild: ({ id }: { id: string }) => (id.length > 20 ? null : item(`${id}.strict`)),
      seen: (_: unknown, __: unknown, { log }: Seen, info: GraphQLResolveInfo) => {
        log.push(info.path);
        return 'seen';
      },
    },
    Mutation: {
      step: async (_: unknown, { name, fail }: { name: string; fail: boolean }, { log }: Seen) => {
        log.push(`${name} begins`);
        await Promise.resolve();
        log.push(`${name} ends`);
        if (fail) throw new Error(`${name} failed`);
        return name;
      },
      strictStep: (_: unknown, { name }: { name: string }, { log }: Seen) => {
        log.push(name);
        return name === 'null' ? null : name;
      },
    },
  },
});

const all = `id name strict when extras color count share isOn strictTags method ten: method(by: 10)`;
const fragments = `fragment F on Item { id ...G } fragment G on Item { name child { id } }`;

const corpus: Readonly<Record<string, readonly [string, Readonly<Record<string, unknown>>?]>> = {
  'leaves of every kind': [`{ item { ${all} } }`],
  'leaves that cannot be written': ['{ item { badWhen badExtras badColor badCount hugeCount tags } }'],
  'arguments from defaults, literals, null and variables': [
    'query($v: ID, $n: ID = "d", $m: ID) { a: item { id } b: item(id: 3) { id } c: item(id: null) { id } d: item(id: $v) { id } e: item(id: $n) { id } f: item(id: $m) { id } }',
    { v: 'v' },
  ],
  'input objects': [
    'query($f: Filter, $t: String) { a: echo(count: 1, filter: $f) b: echo(count: 2, filter: { colors: RED, text: $t, inner: { after: "2026-11-24T00:00:00Z" } }) }',
    { f: { colors: ['GREEN'], inner: {} } },
  ],
  'a variable that does not fit': ['query($n: Int!) { echo(count: $n) }', { n: 'x' }],
  'a variable that is missing': ['query($n: Int!, $f: Filter!) { echo(count: $n, filter: $f) }', {}],
  'many variables that do not fit': [
    'query($f: Filter) { echo(count: 1, filter: $f) }',
    { f: { colors: ['RED', 'BLUE'], after: 'x', nothing: 1 } },
  ],
  'null where a default allows the variable': ['query($n: Int = 1) { echo(count: $n) }', { n: null }],
  'lists with null and errors': ['{ items { id } strictItems { id } lists noList { id } none { id } }'],
  'promises that reject in lists': ['{ promised { id } promisedStrict { id name } }'],
  'null bubbling up to the list item': ['{ items { id lateStrict } }'],
  'null bubbling through lists to the root': ['{ item { id } twice { id lateStrict late } }'],
  'null bubbling to the root at once': ['{ fails strictItem { id } failsLate }'],
  'null bubbling while others are under way': ['{ failsLate item { late lateStrict child { late } tags } }'],
  'an error below what was nulled': ['{ raced { lateStrict child { child { lateStrict } } } }'],
  'errors of every kind': ['{ fails failsLate throwsText givesError graphqlError }'],
  'interfaces and unions': [
    '{ nodes { __typename id ... on Item { name } ...O } any { ... on Node { id } ... on Other { only } } } fragment O on Other { only }',
  ],
  'types that cannot be told': [
    '{ nowhere { id } wrongType { id } unknownType { id } notObject { id } lateType { id __typename } }',
  ],
  isTypeOf: ['{ checked { id } unchecked { id } lateChecked { id } }'],
  'aliases and merged selections': [
    '{ x: item { id } x: item { name child { id } } x: item { ... { child { name } } } y: item(id: 2) { z: id } }',
  ],
  'fragments in fragments': [`{ item { ...F ...F ... @include(if: true) { color } } } ${fragments}`],
  'a fragment skipped at one place and not at the other': [
    `query($no: Boolean!) { item { ...F @skip(if: $no) } item { count ...F } } ${fragments}`,
    { no: true },
  ],
  'a field skipped and included': [
    'query($a: Boolean!, $b: Boolean = false) { item { id @include(if: $a) name @skip(if: $a) name @include(if: $b) color @skip(if: true) ... @include(if: $b) { count } } }',
    { a: true, b: true },
  ],
  'nothing left': ['query($a: Boolean!) { item @include(if: $a) { id } }', { a: false }],
  'nothing left of an object': ['query($a: Boolean!) { item { id @include(if: $a) } }', { a: false }],
  'a condition that is null': [
    'query($a: Boolean = true) { item { id } x: item { id @include(if: $a) } }',
    { a: null },
  ],
  'names that objects have by themselves': [
    '{ item { __proto__: name constructor: id toString: count hasOwnProperty: late } }',
  ],
  'what is seen of a deep path': ['{ items { child { strictChild { seen } } } }'],
  introspection: [getIntrospectionQuery()],
  'introspection of one type': [
    '{ __type(name: "Item") { fields { name type { kind ofType { name } } } } __typename }',
  ],
  'mutations one after the other': [
    'mutation { a: step(name: "a") b: strictStep(name: "b") c: step(name: "c", fail: true) d: step(name: "d") __typename }',
  ],
  'a mutation that ends the rest': [
    'mutation { a: step(name: "a") b: strictStep(name: "null") c: step(name: "c") }',
  ],
};

/** As a client gets it, with what formatting an error may look at. */
const told = ({ data, errors }: ExecutionResult, log: unknown): unknown => ({
  data: JSON.stringify(data),
  errors: errors?.map(({ message, path, locations, extensions, originalError, nodes }) => ({
    message,
    path,
    locations,
    extensions,
    original: originalError && `${originalError.name}: ${originalError.message}`,
    nodes: nodes?.map(({ kind, loc }) => `${kind} ${loc?.start}`),
  })),
  log,
});

const halfLate = makeExecutableSchema({
  typeDefs: 'type Query { halfLate: [String!] }',
  resolvers: { Query: { halfLate: () => [refuse('late'), null] } },
});

const ways = ['code', 'the loop', 'what is not kept'];

describe.each(ways)('an operation compiled to %s answers as graphql-js does', (kind) => {
  const { Function: allowed } = globalThis;
  beforeAll(() => {
    if (kind !== 'the loop') return;
    // A process that may not make code of strings.
    globalThis.Function = function refuse() {
      throw new EvalError('Code generation from strings disallowed for this context');
    } as unknown as FunctionConstructor;
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- what must not work
    expect(() => new Function('')).toThrow(EvalError);
  });
  afterAll(() => {
    globalThis.Function = allowed;
  });

  test.each(Object.entries(corpus))('%s', async (_name, [source, variableValues]) => {
    const document = parse(source);
    expect(validate(schema, document)).toEqual([]);
    const node = getOperationAST(document);
    if (node == null) throw new Error('the document has no operation');
    const room = { fields: kind === 'what is not kept' ? 0 : 1_000 };
    const compiled = compileOperation(schema, document, node, room);
    if (compiled === null) throw new Error('it was not compiled');

    const run = async (
      execution: (given: { contextValue: Seen; variableValues: typeof variableValues }) => unknown,
    ): Promise<unknown> => {
      const log: unknown[] = [];
      const result = (await execution({ contextValue: { log }, variableValues })) as ExecutionResult;
      return told(result, log);
    };
    const expected = await run((given) => execute({ schema, document, ...given }));
    // Twice, as the plan is made by the first run.
    for (let round = 0; round < 2; round += 1) expect(await run(compiled.execute)).toEqual(expected);
  });

  test('each combination of conditions has its own fields', async () => {
    const source =
      'query($a: Boolean!, $b: Boolean!) { item { id @include(if: $a) name @skip(if: $b) count } }';
    const document = parse(source);
    const node = getOperationAST(document);
    const compiled = node && compileOperation(schema, document, node);
    for (const [a, b] of [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
      [true, true],
    ]) {
      const given = { contextValue: { log: [] }, variableValues: { a, b } };
      const ours = await compiled?.execute(given);
      expect(JSON.stringify(ours?.data)).toBe(
        JSON.stringify((await execute({ schema, document, ...given })).data),
      );
    }
  });

  test('an item that fails at once leaves no rejection of another unheard', async () => {
    const unheard: unknown[] = [];
    const hear = (error: unknown): void => void unheard.push(error);
    process.on('unhandledRejection', hear);
    try {
      const document = parse('{ halfLate }');
      const node = getOperationAST(document);
      const compiled = node && compileOperation(halfLate, document, node);
      const result = await compiled?.execute({});
      expect(result).toMatchObject({ data: { halfLate: null }, errors: [{ path: ['halfLate', 1] }] });
      await new Promise(setImmediate);
      expect(unheard).toEqual([]);
    } finally {
      process.off('unhandledRejection', hear);
    }
  });

  test('what a resolver does to its arguments is not seen by the next call', async () => {
    const changing = makeExecutableSchema({
      typeDefs: 'input I { list: [Int] } type Query { a(i: I = { list: [1] }, n: Int = 1): String }',
      resolvers: {
        Query: {
          a: (_: unknown, given: { i: { list: number[] }; n: number }) => {
            given.n += 1;
            return JSON.stringify(given);
          },
        },
      },
    });
    const document = parse('{ a }');
    const node = getOperationAST(document);
    const compiled = node && compileOperation(changing, document, node);
    const first = await compiled?.execute({});
    expect(await compiled?.execute({})).toEqual(first);
  });
});

const aliases = (name: string, count: number, field: string): string =>
  Array.from({ length: count }, (_, index) => `${name}${index}: ${field}`).join(' ');

test('an event of a subscription is executed as graphql-js does, and is no query for that', async () => {
  const watching = makeExecutableSchema({
    typeDefs: `type Query { a: Int } type Event { n: Int! late(by: Int!): Int! } type Subscription { watch(from: Int): Event! }`,
    resolvers: {
      Subscription: {
        watch: { resolve: (event: { n: number }, { from }: { from: number }) => ({ n: event.n + from }) },
      },
      Event: {
        late: async ({ n }: { n: number }, { by }: { by: number }) =>
          by > 0 ? n + by : Promise.reject(new Error('no')),
      },
    },
  });
  const source =
    'subscription($by: Int!) { again: watch(from: 1) { n ...F } } fragment F on Event { late(by: $by) }';
  const document = parse(source);
  const documents = createDocuments(watching);
  expect(documents.compiled(document, null)).toBeNull();
  for (const by of [2, 0]) {
    const given = { rootValue: { n: 5 }, variableValues: { by } };
    const ours = await documents.compiledEvent(document, null)?.execute(given);
    expect(JSON.stringify(ours)).toBe(
      JSON.stringify(await execute({ schema: watching, document, ...given })),
    );
  }
  expect(documents.compiledEvent(parse('{ a }'), null)).toBeNull();
});

describe('documents', () => {
  test('an operation is compiled once for each document and name', () => {
    const documents = createDocuments(schema);
    const source = 'query A { none { id } } query B { none { name } }';
    documents.add(source, parse(source));
    const document = documents.find(source);
    if (document === undefined) throw new Error('it was not kept');
    const a = documents.compiled(document, 'A');
    expect(a).not.toBeNull();
    expect(documents.compiled(document, 'A')).toBe(a);
    expect(documents.compiled(document, 'B')).not.toBe(a);
    expect(documents.compiled(document, 'C')).toBeNull();
    expect(documents.compiled(document, undefined)).toBeNull();
  });

  test('one whose plans are far larger than itself is answered, and makes room for all others', async () => {
    const documents = createDocuments(schema);
    const open = (source: string): DocumentNode => {
      const document = parse(source);
      documents.add(source, document);
      return document;
    };
    const [small, large] = [
      open('{ item { id } }'),
      open(
        `{ ${aliases('a', 450, 'item { ...F }')} } fragment F on Item { ${aliases('b', 450, '__typename')} }`,
      ),
    ];
    const before = documents.compiled(small, null);
    await before?.execute({ contextValue: { log: [] } });
    expect(documents.compiled(small, null)).toBe(before);
    const huge = documents.compiled(large, null);
    for (let round = 0; round < 2; round += 1) {
      const { data, errors } = (await huge?.execute({ contextValue: { log: [] } })) ?? {};
      expect(errors).toBeUndefined();
      expect(Object.values(data?.['a449'] as object)).toEqual(Array<string>(450).fill('Item'));
    }
    expect(documents.compiled(small, null)).not.toBe(before);
    expect(documents.compiled(large, null)).not.toBe(huge);
  });

  test('what was planned where there was no room is planned anew', async () => {
    const document = parse('{ item { id name } }');
    const node = getOperationAST(document);
    const room = { fields: 2 };
    const compiled = node && compileOperation(schema, document, node, room);
    const left: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await compiled?.execute({ contextValue: { log: [] } });
      left.push(room.fields);
    }
    // The root's one field is kept.
    expect(left).toEqual([-1, -3, -5]);
  });

  test('those that were not used for long make room, by number and by size', () => {
    const documents = createDocuments(schema);
    const document = parse('{ __typename }');
    for (let index = 0; index < 1_001; index += 1) documents.add(`${index}`, document);
    expect(documents.find('0')).toBeUndefined();
    expect(documents.find('1000')).toBe(document);
    for (let index = 0; index < 6; index += 1) documents.add(`${index}`.repeat(100_000), document);
    expect(documents.find('1000')).toBeUndefined();
    expect(documents.find('5'.repeat(100_000))).toBe(document);
  });
});
