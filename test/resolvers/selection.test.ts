import { describe, expect, test } from '@jest/globals';
import { buildSchema, graphql } from 'graphql';
import { catalog } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { depthFor, selectedFields } from '../../resolvers/selection.ts';

const schema = buildSchema(/* GraphQL */ `
  interface Node {
    id: ID!
  }
  type Query {
    node: Node
    workRequest: WorkRequest
    nodes: [Node]!
  }
  type WorkRequest implements Node {
    id: ID!
    status: String
    percentComplete: Float
    timeFinished: String
    extras: String
    canCancel: Boolean
    resources: [Resource!]
  }
  type Resource {
    identifier: String
    timeUpdated: String
  }
`);

/** What a resolver of the operation's field sees as selected. */
const selectedIn = async (
  source: string,
  variableValues: Record<string, unknown> = {},
): Promise<readonly string[]> => {
  const seen: string[] = [];
  const look = (_: unknown, _context: unknown, info: Parameters<typeof selectedFields>[0]): null => {
    seen.push(...selectedFields(info));
    return null;
  };
  const { errors } = await graphql({
    schema,
    source,
    variableValues,
    rootValue: { node: look, workRequest: look, nodes: look },
  });
  // `nodes` may not be null; nothing else is wrong.
  expect(errors?.filter(({ path }) => path?.[0] !== 'nodes') ?? []).toEqual([]);
  return seen;
};

describe('what an operation selects', () => {
  test('is the fields below, by name and not by alias', async () => {
    expect(await selectedIn('{ workRequest { id extras: status done: percentComplete } }')).toEqual([
      'id',
      'status',
      'percentComplete',
    ]);
  });

  test('goes through fragments, inline and named, nested in each other', async () => {
    const source = `
      { node { __typename ... on WorkRequest { ...A } ... { id } } }
      fragment A on WorkRequest { status ...B }
      fragment B on WorkRequest { resources { identifier } }
    `;
    expect(await selectedIn(source)).toEqual(['__typename', 'status', 'resources', 'id']);
  });

  test('is gathered once from a fragment, however many ways lead to it', async () => {
    const doubling = Array.from(
      { length: 60 },
      (_, i) => `fragment F${i} on WorkRequest { ...F${i + 1} ...F${i + 1} }`,
    );
    const source = `{ workRequest { ...F0 } } ${doubling.join(' ')} fragment F60 on WorkRequest { status }`;
    expect(await selectedIn(source)).toEqual(['status']);
  });

  test('does not take the fields of a field for its own', async () => {
    expect(await selectedIn('{ workRequest { resources { timeUpdated } } }')).toEqual(['resources']);
  });

  test('is gathered over all places that ask for the same field', async () => {
    const source = '{ workRequest { id } ...More } fragment More on Query { workRequest { status } }';
    expect(await selectedIn(source)).toEqual(['id', 'status']);
  });

  test.each([
    ['extras @include(if: true)', true],
    ['extras @include(if: false)', false],
    ['extras @skip(if: true)', false],
    ['extras @skip(if: false)', true],
    ['extras @skip(if: false) @include(if: false)', false],
    ['extras @skip(if: true) @include(if: true)', false],
    ['... @include(if: false) { extras }', false],
    ['... @include(if: true) { extras @skip(if: true) }', false],
    ['... on WorkRequest @skip(if: false) { extras }', true],
    ['...E @skip(if: true)', false],
    ['...E @include(if: true)', true],
    ['extras @skip(if: true) again: extras', true],
  ])('heeds directives: %s', async (selection, isSelected) => {
    const source = `{ workRequest { id ${selection} } } ${selection.startsWith('...E') ? 'fragment E on WorkRequest { extras }' : ''}`;
    expect((await selectedIn(source)).includes('extras')).toBe(isSelected);
  });

  test.each([
    [{ yes: true }, ['id', 'extras']],
    [{ yes: false }, ['id', 'status']],
    [{}, ['id', 'status']],
  ])('heeds directives with variables: %j', async (variables, expected) => {
    const source = `query Q($yes: Boolean! = false) {
      workRequest { id extras @include(if: $yes) status @skip(if: $yes) }
    }`;
    expect(await selectedIn(source, variables)).toEqual(expected);
  });

  test('of a list of nodes is what each of them has to have', async () => {
    expect(await selectedIn('{ nodes { id ... on WorkRequest { status } } }')).toEqual(['id', 'status']);
  });
});

describe('how much has to be read', () => {
  const depth = (service: ServiceName, ...names: string[]): string =>
    depthFor(new Set(names), catalog[service]);

  test('is a list item where it holds all that is selected', () => {
    expect(depth('PSQL', 'id', 'status', 'percentComplete', 'resources', 'canCancel', 'timeFinished')).toBe(
      'listItem',
    );
    expect(depth('PSQL')).toBe('listItem');
    expect(depth('PSQL', 'errors', 'logs', '__typename', 'service', 'isStale')).toBe('listItem');
  });

  test('is a get for extras, of every API', () => {
    for (const api of Object.values(catalog)) expect(depthFor(new Set(['extras']), api)).toBe('get');
  });

  test('is a get for what list items of that API lack, and for nothing else', () => {
    expect(depth('WORKREQUESTS', 'resources')).toBe('get');
    expect(depth('WORKREQUESTS', 'status', 'percentComplete')).toBe('listItem');
    expect(depth('ANALYTICS', 'percentComplete')).toBe('get');
    expect(depth('ODA', 'timeAccepted')).toBe('get');
    expect(depth('WAAS', 'errors')).toBe('get');
    expect(depth('IDENTITY', 'errors')).toBe('listItem');
    expect(depth('IDENTITY', 'logs')).toBe('get');
    expect(depth('LOGANALYTICS', 'operationType')).toBe('get');
  });

  test('is a get for what is worked out from a time that list items lack', () => {
    expect(depth('ODA', 'isTerminal')).toBe('get');
    expect(depth('ODA', 'canCancel')).toBe('get');
    expect(depth('ODA', 'status', 'rawStatus')).toBe('listItem');
    expect(depth('PSQL', 'isTerminal', 'canCancel')).toBe('listItem');
  });
});
