/** Documents that do not fit the schema, enumerated over its types, fields, arguments and directives. */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  OperationTypeNode,
  parse,
  validate,
} from 'graphql';
import type { GraphQLField, GraphQLInputType, GraphQLObjectType } from 'graphql';
import { createSchema } from '../../../schema/index.ts';
import { groupOf, many } from './operation.ts';
import type { HostileOperation } from './operation.ts';

export const schema = createSchema();

/** The oracle: what graphql-js says on its own. It breaks over conditions on a subscription's root, which GraphQL forbids. */
export const isInvalid = (query: string): boolean => {
  try {
    return validate(schema, parse(query)).length > 0;
  } catch {
    return true;
  }
};

type Field = GraphQLField<unknown, unknown>;

const literalOf = (type: GraphQLInputType): string => {
  const named = getNamedType(type);
  if (isEnumType(named)) return named.getValues()[0]?.name ?? '';
  if (isInputObjectType(named)) return '{ id: "a" }';
  return { Int: '1', Boolean: 'true', Float: '1.5' }[named.name] ?? '"a"';
};
const callOf = (field: Field, more: readonly string[] = []): string => {
  const given = field.args
    .filter(
      (argument) =>
        isRequiredArgument(argument) && !more.some((text) => text.startsWith(`${argument.name}:`)),
    )
    .map(({ name, type }) => `${name}: ${literalOf(type)}`);
  const all = [...given, ...more];
  return all.length === 0 ? field.name : `${field.name}(${all.join(', ')})`;
};
const selectionOf = (field: Field): string => (isLeafType(getNamedType(field.type)) ? '' : ' { __typename }');

/** How to come to a selection of each type, by the fewest fields. */
const ways = new Map<GraphQLObjectType, (selection: string) => string>();
for (const kind of Object.values(OperationTypeNode)) {
  const root = schema.getRootType(kind);
  if (root == null) continue;
  const queue: GraphQLObjectType[] = [root];
  ways.set(root, (selection) => `${kind} { ${selection} }`);
  for (let type = queue.shift(); type !== undefined; type = queue.shift()) {
    const way = ways.get(type);
    for (const field of Object.values(type.getFields())) {
      const next = getNamedType(field.type);
      if (!isObjectType(next) || ways.has(next)) continue;
      ways.set(next, (selection) => way?.(`${callOf(field)} { ${selection} }`) ?? '');
      queue.push(next);
    }
  }
}
const places = [...ways].flatMap(([type, way]) =>
  Object.values(type.getFields()).map((field) => ({ type, way, field, at: `${type.name}.${field.name}` })),
);

const misusedDirectives: readonly string[] = [
  ...[
    '@nope',
    '@skip',
    '@include',
    '@skip(if: "true")',
    '@include(if: 1)',
    '@skip(if: null)',
    '@skip(unless: true)',
  ],
  ...[
    '@skip(if: true) @skip(if: true)',
    '@include(if: $v)',
    '@deprecated',
    '@specifiedBy(url: "a")',
    '@oneOf',
  ],
  ...[
    '@cost(weight: "0")',
    '@listSize(assumedSize: 1)',
    '@stream',
    '@stream(initialCount: 0)',
    '@defer',
    '@live',
  ],
];

const wrongLiterals: readonly string[] = [
  ...[
    '1',
    '-1',
    '1.5',
    '99999999999',
    '1e999',
    '"a"',
    '""',
    'true',
    'null',
    'NOPE',
    'queue',
    '[]',
    '[null]',
    '[[]]',
  ],
  ...[
    '{}',
    '{ a: 1 }',
    '{ __proto__: 1 }',
    '{ constructor: 1 }',
    '$v',
    '"""a"""',
    '[1]',
    '["QUEUE"]',
    '"2026-13-01T00:00:00Z"',
  ],
];
const wrongTypes: readonly string[] = [
  ...[
    'Int',
    'Int!',
    'Float',
    'String',
    'ID',
    'Boolean',
    'DateTime',
    'JSONObject',
    'ServiceName',
    '[ServiceName]',
  ],
  ...[
    '[[ServiceName!]!]!',
    'WorkRequestStatus',
    'WorkRequestFilter',
    'CancelWorkRequestInput',
    '[ID]',
    '[Int!]!',
    'WorkRequest',
  ],
  ...['Query', 'Node', 'Nope', '__Schema', '__TypeKind', '__proto__', 'constructor', 'toString', '[Nope!]!'],
];

/** Each half of them at each other field. */
const misfits = places.flatMap(({ way, field, at }, which) => {
  const [call, below] = [callOf(field), selectionOf(field)];
  const typos = [`${field.name}x`, field.name.toUpperCase(), `_${field.name}`, field.name.slice(0, -1)];
  return [
    ...(below === ''
      ? [`${call} { __typename }`, `${call} { ... { __typename } }`]
      : [call, `${call} { nope }`]),
    callOf(field, ['nope: 1']),
    callOf(field, ['__proto__: 1']),
    ...typos.map((typo) => `${typo}${below}`),
    `${call}${below} ... on Nope { a }`,
    `${call}${below} ... on ServiceName { a }`,
    `${call}${below} ...Nope`,
    `a: ${call}${below} a: __typename`,
  ]
    .filter((_, index) => index % 2 === which % 2)
    .map((selection) => [`${at}: ${selection}`, way(selection)] as const);
});

/** Each third of them at each third field. */
const misdirected = places.flatMap(({ way, field, at }, which) =>
  misusedDirectives
    .filter((_, index) => index % 3 === which % 3)
    .map(
      (directive) =>
        [`${at} ${directive}`, way(`${callOf(field)} ${directive}${selectionOf(field)}`)] as const,
    ),
);

const filterFields = [
  'statuses',
  'isTerminal',
  'operationTypes',
  'resourceId',
  'acceptedAfter',
  'acceptedBefore',
  'nope',
  '__proto__',
];
const inputPlaces = [
  ...places.flatMap(({ way, field, at }) =>
    field.args.map(({ name }) => ({
      at: `${at}(${name}:)`,
      put: (value: string) => way(`${callOf(field, [`${name}: ${value}`])}${selectionOf(field)}`),
    })),
  ),
  ...filterFields.map((name) => ({
    at: `WorkRequestFilter.${name}`,
    put: (value: string) =>
      `{ workRequests(compartmentId: "a", filter: { ${name}: ${value} }) { __typename } }`,
  })),
  ...['id', 'service', 'region', 'clientMutationId', 'nope'].map((name) => ({
    at: `CancelWorkRequestInput.${name}`,
    put: (value: string) =>
      `mutation { cancelWorkRequest(input: { ${name === 'id' ? '' : 'id: "a", '}${name}: ${value} }) { __typename } }`,
  })),
];
const mistyped = inputPlaces.flatMap(({ at, put }) =>
  wrongLiterals.map((literal) => [`${at} ${literal}`, put(literal)] as const),
);
const withVariable = (query: string, type: string): string =>
  query.startsWith('{')
    ? `query ($v: ${type}) ${query}`
    : query.replace(/^(query|mutation|subscription)/, `$1 ($v: ${type})`);
const misvariable = inputPlaces.flatMap(({ at, put }, which) =>
  wrongTypes
    .filter((_, index) => index % 2 === which % 2)
    .map((type) => [`${at} $v: ${type}`, withVariable(put('$v'), type)] as const),
);

const lists = ['fields', 'inputFields', 'interfaces', 'possibleTypes'];
const introspected = [
  '__schema { types {',
  '__type(name: "Query") { ofType {',
  '__schema { queryType {',
].flatMap((start) =>
  lists.flatMap((one) =>
    lists.flatMap((two) =>
      lists.map((three) => {
        const step = (list: string, below: string): string =>
          list.endsWith('ields') ? `${list} { type { ${below} } }` : `${list} { ${below} }`;
        const selection = step(one, step(two, step(three, step(one, 'name'))));
        return [`${start} ${one} ${two} ${three}`, `{ ${start} ${selection} } } }`] as const;
      }),
    ),
  ),
);

const cycles = [...Array.from({ length: 20 }, (_, at) => at + 1), 30, 40, 60].flatMap((length) => {
  const next = (at: number): number => (at + 1) % length;
  return [
    [
      `${length} fragments`,
      `{ ...F0 } ${many(length, (at) => `fragment F${at} on Query { __typename ...F${next(at)} }`)}`,
    ],
    [
      `${length} fragments below fields`,
      `{ services { __typename } ...F0 } ${many(length, (at) => `fragment F${at} on Query { node(id: 1) { __typename } ... { ...F${next(at)} } }`)}`,
    ],
    [
      `${length} fragments nobody spreads`,
      `{ regions { id } } ${many(length, (at) => `fragment F${at} on Query { ...F${next(at)} }`)}`,
    ],
  ] as const;
});

const byHand: readonly string[] = [
  '{ services { name } } { regions { id } }',
  '{ services { name } } query Q { regions { id } }',
  'query Q { services { name } } query Q { regions { id } }',
  'subscription { workRequest(id: "a") { type } workRequests(compartmentId: "a") { type } }',
  'subscription { a: workRequest(id: "a") { type } b: workRequest(id: "a") { type } }',
  'subscription { ...F } fragment F on Subscription { workRequest(id: "a") { type } workRequests(compartmentId: "a") { type } }',
  'subscription { __typename }',
  'subscription { ...F } fragment F on Subscription { __typename }',
  'subscription { workRequest(id: "a") @skip(if: true) { type } }',
  'subscription ($v: Boolean!) { workRequest(id: "a") @skip(if: $v) { type } }',
  'subscription ($v: Boolean!) { workRequest(id: "a") @include(if: $v) { type } }',
  'subscription ($v: Boolean = true) { ... @include(if: $v) { workRequest(id: "a") { type } } }',
  'subscription ($v: Boolean!) { ...F @skip(if: $v) } fragment F on Subscription { workRequest(id: "a") { type } }',
  'subscription { ...F } fragment F on Subscription { workRequest(id: "a") @include(if: false) { type } }',
  'subscription { ... @skip(if: true) { ... @include(if: true) { workRequest(id: "a") { type } } } }',
  'fragment F on Query { services { name } }',
  '{ ...F } fragment F on Service { name }',
  '{ ...F } fragment F on Nope { name }',
  '{ ...F } fragment F on ServiceName { name }',
  '{ ...F } fragment F on WorkRequestFilter { name }',
  '{ ...F } fragment F on Query { regions { id } } fragment F on Query { regions { id } }',
  '{ services { name } } fragment F on Query { regions { id } }',
  'query ($a: Int) { services { name } }',
  'query ($a: Int, $a: Int) { services { name } }',
  'query ($a: ID!, $b: ID!) { node(id: $a) { id } }',
  'query A { node(id: $a) { id } }',
  'query A($a: ID!) { ...F } query B { ...F } fragment F on Query { node(id: $a) { id } }',
  'query ($a: Int = "a") { workRequests(compartmentId: "a", first: $a) { __typename } }',
  'query ($a: Int = 1.5) { workRequests(compartmentId: "a", first: $a) { __typename } }',
  'query ($a: Int! = null) { workRequests(compartmentId: "a", first: $a) { __typename } }',
  'query ($a: WorkRequestFilter = { nope: 1 }) { workRequests(compartmentId: "a", filter: $a) { __typename } }',
  '{ node(id: "a", id: "b") { id } }',
  '{ workRequests(compartmentId: "a", filter: { isTerminal: true, isTerminal: false }) { __typename } }',
  '{ node { id } }',
  '{ nodes(ids: null) { id } }',
  '{ nodes(ids: [null]) { id } }',
  '{ node(id: "a") { workRequestId } }',
  '{ node(id: "a") { ... on Service { name } } }',
  '{ node(id: "a") { ... on Query { __typename } } }',
  '{ a: node(id: "a") { id } a: node(id: "b") { id } }',
  '{ node(id: "a") { id id: __typename } }',
  '{ __schema { nope } }',
  '{ __type { name } }',
  '{ __type(name: 1) { name } }',
  '{ __nope }',
  '{ _service { sdl } }',
  '{ _entities(representations: []) { __typename } }',
  'query @nope { services { name } }',
  'query @skip(if: true) { services { name } }',
  'query ($a: ID @skip(if: true)) { node(id: $a) { id } }',
  'query ($a: ID! @nope) { node(id: $a) { id } }',
  '{ ...F @nope } fragment F on Query { services { name } }',
  '{ ...F } fragment F on Query @skip(if: true) { services { name } }',
  '{ ... @nope { services { name } } }',
  '{ ... @defer { services { name } } }',
  '{ ... @defer(label: "a", if: true) { services { name } } }',
  '{ services @stream(initialCount: 1, label: "a") { name } }',
  ...[
    'schema { query: Query }',
    'type Query { a: Int }',
    'extend type Query { a: Int }',
    'scalar A',
    'enum A { B }',
  ].flatMap((definition) => [definition, `${definition} query { services { name } }`]),
  ...[
    'union A = Query',
    'interface A { a: Int }',
    'input A { a: Int }',
    'directive @a on FIELD',
    'extend schema @a',
  ].flatMap((definition) => [definition, `query { services { name } } ${definition}`]),
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__defineGetter__',
    'valueOf',
    'then',
  ].flatMap((name) => [
    `{ ${name} }`,
    `{ services { ${name} } }`,
    `{ ${name}: services { name } ${name}: regions { id } }`,
    `{ ...${name} }`,
    `{ services @${name} { name } }`,
    `query ($${name}: ${name}) { services { name } }`,
    `{ workRequests(compartmentId: "a", services: [${name}]) { __typename } }`,
    `{ node(${name}: 1) { id } }`,
    `{ ...${name} } fragment ${name} on ${name} { id }`,
  ]),
];

const named = (queries: readonly string[]) => queries.map((query) => [query, query] as const);

/** What graphql-js takes. */
const conditionOnRoot = /^subscription .*@(skip|include)/;

export const validation: readonly HostileOperation[] = (
  [
    ['by hand', named(byHand)],
    ['fields that do not fit', misfits],
    ['directives that do not belong', misdirected],
    ['literals of the wrong type', mistyped],
    ['variables of the wrong type', misvariable],
    ['introspection in circles', introspected, 'LIMIT_EXCEEDED'],
    ['fragments in circles', cycles],
  ] as const
).flatMap(([group, entries, code = 'GRAPHQL_VALIDATION_FAILED' as const]) =>
  groupOf(
    `validation: ${group}`,
    [code],
    entries.filter(([, query]) => isInvalid(query) || conditionOnRoot.test(query)),
  ),
);
