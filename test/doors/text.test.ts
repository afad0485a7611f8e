/** What does not change is written once, and nobody can tell from an answer that it was. */
import { describe, expect, test } from '@jest/globals';
import { makeExecutableSchema } from '@graphql-tools/schema';
import fc from 'fast-check';
import { execute, getOperationAST, parse } from 'graphql';
import { compileOperation } from '../../doors/compiled/index.ts';
import type { CompiledOperation } from '../../doors/compiled/index.ts';
import { writeAnswer } from '../../doors/compiled/text.ts';
import type { Stability } from '../../doors/compiled/text.ts';

interface Item {
  readonly id: string;
  readonly name?: unknown;
  readonly part?: object | null;
}

let resolved = 0;
let isFailing = false;

const schema = makeExecutableSchema({
  typeDefs: /* GraphQL */ `
    scalar JSONObject
    interface Node {
      id: ID!
    }
    type Item implements Node {
      id: ID!
      name: String
      part: Part
      extras: JSONObject
      late: String
      own: String
      fails: String
      strict: String!
      with(arg: Int): Int
      next: Item
    }
    type Part {
      text: String
      own: String
    }
    type Query {
      items: [Item!]!
      item: Item
      node: Node
      broken: String!
    }
  `,
  resolvers: {
    Node: { __resolveType: () => 'Item' },
    Item: {
      id: ({ id }: Item) => {
        resolved += 1;
        return id;
      },
      late: async ({ id }: Item) => Promise.resolve(id),
      own: ({ id }: Item, _: unknown, { caller }: { caller: string }) => `${caller} ${id}`,
      fails() {
        if (isFailing) throw new Error('for now');
        return 'well';
      },
      strict: () => null,
      with: (_: Item, { arg }: { arg: number }) => arg,
    },
    Part: { own: (_: object, __: unknown, { caller }: { caller: string }) => caller },
    Query: {
      items: ({ items }: { items: readonly Item[] }) => items,
      item: ({ items }: { items: readonly Item[] }) => items[0] ?? null,
      node: ({ items }: { items: readonly Item[] }) => items[0] ?? null,
      broken: () => null,
    },
  },
});

const stability: Stability = {
  types: new Set(['Item']),
  isStable: (_type, field) => field !== 'own',
};

const compile = (source: string): { operation: CompiledOperation; expected: (root: object) => unknown } => {
  const document = parse(source);
  const node = getOperationAST(document);
  const operation = node && compileOperation(schema, document, node, { fields: 1_000 }, undefined, stability);
  if (!operation) throw new Error('it was not compiled');
  return {
    operation,
    expected: (rootValue) => execute({ schema, document, rootValue, contextValue: { caller: 'a' } }),
  };
};

const ask = async (
  operation: CompiledOperation,
  items: readonly unknown[],
  caller = 'a',
): Promise<string> => {
  resolved = 0;
  return writeAnswer(
    await operation.execute({ rootValue: { items }, contextValue: { caller }, isWritten: true }),
  );
};

describe('an object whose fields follow from itself', () => {
  const items = [
    { id: '1', name: '"one" \u2028 \ud800 é', extras: { a: [{ b: null }] } },
    { id: '2', part: { text: 'two' } },
  ];
  const source =
    '{ items { ...F __typename } again: items { key: id } node { id ... on Item { n: name } } } fragment F on Item { id name extras part { text __typename } }';

  test('is executed once, and its text is what graphql-js would have answered', async () => {
    const { operation, expected } = compile(source);
    const wanted = JSON.stringify(await expected({ items }));
    expect(await ask(operation, items)).toBe(wanted);
    // One text for each object: the aliased list and the node take turns with the first.
    expect(await ask(operation, items)).toBe(wanted);
    const { operation: single } = compile('{ items { id name } }');
    await ask(single, items);
    expect(resolved).toBe(2);
    await ask(single, items);
    expect(resolved).toBe(0);
    await ask(single, [{ ...items[0] }]);
    expect(resolved).toBe(1);
  });

  test('is not written where the answer goes elsewhere', async () => {
    const { operation, expected } = compile(source);
    await ask(operation, items);
    const given = { rootValue: { items }, contextValue: { caller: 'a' } };
    expect(JSON.parse(JSON.stringify(await operation.execute(given)))).toEqual(
      JSON.parse(JSON.stringify(await expected({ items }))),
    );
    // Whoever writes an answer with texts in it in another way writes the same.
    const written = await operation.execute({ ...given, isWritten: true });
    expect(JSON.stringify(written)).toBe(writeAnswer(written));
  });

  test.each([
    ['depends on the caller', '{ items { id own } }'],
    ['depends on the caller further down', '{ items { id part { own } } }'],
    ['takes an argument', '{ items { id with(arg: 1) } }'],
    ['is still to come', '{ items { id late } }'],
  ])('is executed each time where a field %s', async (_what, document) => {
    const { operation, expected } = compile(document);
    const own = [{ id: '1', part: {} }];
    expect(await ask(operation, own)).toBe(JSON.stringify(await expected({ items: own })));
    await ask(operation, own, 'b');
    expect(resolved).toBe(1);
    expect(await ask(operation, own)).toBe(JSON.stringify(await expected({ items: own })));
  });

  test('is not kept with an error, told or not', async () => {
    const { operation, expected } = compile('{ items { id fails } }');
    const own = [{ id: '1' }];
    isFailing = true;
    const failed = await expected({ items: own });
    expect(JSON.parse(await ask(operation, own))).toEqual(JSON.parse(JSON.stringify(failed)));
    isFailing = false;
    expect(JSON.parse(await ask(operation, own))).toEqual({ data: { items: [{ id: '1', fails: 'well' }] } });
    // An error that nulls the whole answer keeps those after it from being told.
    const { operation: nulled } = compile('{ broken item { id fails } }');
    isFailing = true;
    expect(JSON.parse(await ask(nulled, own))).toMatchObject({ data: null });
    isFailing = false;
    const { operation: strict } = compile('{ item { id strict } }');
    for (let time = 0; time < 2; time += 1)
      expect(JSON.parse(await ask(strict, own))).toMatchObject({ data: { item: null }, errors: [{}] });
  });

  test('whatever it says', async () => {
    const { operation, expected } = compile('{ items { id name extras } item { name } }');
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            id: fc.string(),
            name: fc.string({ unit: 'binary' }),
            extras: fc.dictionary(fc.string(), fc.jsonValue()),
          }),
        ),
        async (own) => {
          const wanted = JSON.stringify(await expected({ items: own }));
          for (let time = 0; time < 2; time += 1) expect(await ask(operation, own)).toBe(wanted);
        },
      ),
    );
  });
});

test('an answer that cannot be written leaves the next one as it is', () => {
  expect(() => writeAnswer({ data: { n: 1n } })).toThrow(TypeError);
  expect(writeAnswer({ data: { n: 1 } })).toBe('{"data":{"n":1}}');
});
