/** Documents that mean to be expensive: to parse, to validate, to plan or to execute. */
import { groupOf, many } from './operation.ts';
import type { HostileOperation } from './operation.ts';

type Entry = readonly [string, string];

/** Levels of every construct that nests; each is too deep for some limit, the parser or the schema. */
const depths = [25, 400, 1_000, 1_600, 3_300, 4_900, 20_000, 100_000];
const nest = (open: string, inner: string, close: string) => (depth: number) =>
  open.repeat(depth) + inner + close.repeat(depth);
const nested: Readonly<Record<string, (depth: number) => string>> = {
  fields: nest('{ node(id: "a") ', '{ id }', '}'),
  'fields that are not there': nest('{ a ', '{ b }', '}'),
  'fields below inline fragments': (depth) => `{ ${nest('... { services { ', 'name', '} }')(depth)} }`,
  lists: (depth) => `{ nodes(ids: ${nest('[', '', ']')(depth)}) { id } }`,
  objects: (depth) =>
    `{ workRequests(compartmentId: "a", filter: ${nest('{ statuses: ', '1', '}')(depth)}) { __typename } }`,
  'lists and objects': (depth) =>
    `{ workRequests(compartmentId: ${nest('[{ a: ', '1', '}]')(depth)}) { __typename } }`,
  types: (depth) => `query ($a: ${nest('[', 'Int', ']')(depth)}) { services { name } }`,
  'non-null types': (depth) => `query ($a: ${nest('[', 'Int', ']!')(depth)}) { nodes(ids: $a) { id } }`,
  defaults: (depth) => `query ($a: [ID!] = ${nest('[', '', ']')(depth)}) { services { name } }`,
  'arguments of directives': (depth) => `{ services @skip(if: ${nest('[', '', ']')(depth)}) { name } }`,
  introspection: (depth) => `{ __schema { types { ${nest('fields { type { ', 'name', '} }')(depth)} } } }`,
  'introspection of types of types': (depth) =>
    `{ __type(name: "Query") { ${nest('ofType { ', 'name', '}')(depth)} } }`,
  'fragments that are not closed': (depth) => '{ ... '.repeat(depth),
  'lists that are not closed': (depth) => `{ nodes(ids: ${'['.repeat(depth)}`,
  'objects that are not closed': (depth) => `{ nodes(ids: ${'{a:'.repeat(depth)}`,
  'a chain of fragments with fields': (depth) =>
    `{ services { ...F0 } } ${many(Math.min(depth, 1_300), (at) => `fragment F${at} on Service { name ...G${at} }`)}`,
};
const deep = Object.entries(nested).flatMap(([what, write]) =>
  depths.map((depth): Entry => [`${what}, ${depth} deep`, write(depth)]),
);

const counts = [501, 2_000, 9_000, 50_000, 200_000];
const wide = counts.flatMap((count): readonly Entry[] => [
  [`${count} fields at the root`, `{ ${many(count, () => '__typename')} }`],
  [`${count} aliases`, `{ ${many(count, (at) => `a${at}: __typename`)} }`],
  [`${count} aliases below`, `{ services { ${many(count, (at) => `a${at}: name`)} } }`],
  [`${count} aliases of introspection`, `{ __schema { types { ${many(count, (at) => `a${at}: name`)} } } }`],
  [`${count} directives on a field`, `{ services ${'@skip(if: true) '.repeat(count)}{ name } }`],
  [`${count} unknown directives`, `{ services ${many(count, (at) => `@a${at}`)} { name } }`],
  [`${count} times @include on fields`, `{ services { ${many(count, () => 'name @include(if: true)')} } }`],
  [
    `${count} inline fragments with directives`,
    `{ ${many(count, () => '... @include(if: true) { __typename }')} }`,
  ],
  [
    `${count} spreads with directives`,
    `{ ${many(count, () => '...F @include(if: true)')} } fragment F on Query { __typename }`,
  ],
  [
    `${count} spreads`,
    `{ ${many(count, () => '...F')} } fragment F on Query { a: __typename b: __typename }`,
  ],
  [`${count} operations`, many(count, (at) => `query Q${at} { a }`)],
  [`${count} anonymous operations`, '{ a }'.repeat(count)],
  [`${count} fragments`, `{ __typename } ${many(count, (at) => `fragment F${at} on Query { a }`)}`],
  [`${count} variables`, `query (${many(count, (at) => `$v${at}: Int`)}) { __typename }`],
  [`${count} times the same variable`, `query (${many(count, () => '$v: Int')}) { __typename }`],
  [`${count} arguments`, `{ services(${many(count, (at) => `a${at}: 1`)}) { name } }`],
  [`${count} times the same argument`, `{ node(${many(count, () => 'id: 1')}) { id } }`],
  [
    `${count} fields of an input`,
    `{ workRequests(compartmentId: "a", filter: { ${many(count, (at) => `a${at}: 1`)} }) { __typename } }`,
  ],
  [
    `${count} elements of a list`,
    `{ workRequests(compartmentId: "a", services: [${many(count, (at) => `A${at}`)}]) { __typename } }`,
  ],
  [`${count} unknown fields`, `{ ${many(count, (at) => `zervices${at}`)} }`],
  [`${count} fields of the same name`, `{ __schema { types { ${many(count * 4, () => 'name')} } } }`],
  [
    `${count} fields of the same name that conflict`,
    `{ services { ${many(count, (at) => `a: ${['name', 'title', 'package'][at % 3]}`)} } }`,
  ],
  [`${count} type definitions`, many(count, (at) => `scalar S${at}`)],
  [
    `${count} cancels`,
    `mutation { ${many(count, (at) => `a${at}: cancelWorkRequest(input: { id: "a" }) { error { code } }`)} }`,
  ],
]);

/** Documents just below the limit of tokens, for the rules that compare or count. */
const doubled = (count: number, on: string, inner: string): string =>
  many(count, (at) => `fragment F${at} on ${on} { ...F${at + 1} ...F${at + 1} }`) +
  ` fragment F${count} on ${on} { ${inner} }`;
const bombs: readonly Entry[] = [
  ...[10, 20, 50, 100, 500, 1_000].flatMap((count): readonly Entry[] => [
    [`aliases doubled ${count} times`, `{ ...F0 } ${doubled(count, 'Query', 'a: __typename')}`],
    [
      `aliases below doubled ${count} times`,
      `{ services { ...F0 } } ${doubled(count, 'Service', 'a: name')}`,
    ],
    [
      `directives doubled ${count} times`,
      `{ services { ...F0 } } ${doubled(count, 'Service', 'name @skip(if: true)')}`,
    ],
    [
      `root fields doubled ${count} times`,
      `{ ...F0 } ${doubled(count, 'Query', '__typename regions { id }')}`,
    ],
    [
      `cancels doubled ${count} times`,
      `mutation { ...F0 } ${doubled(count, 'Mutation', 'cancelWorkRequest(input: { id: "a" }) { error { code } }')}`,
    ],
  ]),
  ...[8, 20, 60, 200, 320].flatMap((count): readonly Entry[] => {
    const fields = (field: string): string =>
      many(Math.min(count, 900), (at) => `${field.replaceAll('#', String(at))}`);
    return [
      [
        `${count} fragments that spread each other`,
        `{ ...F0 } ${many(Math.min(count, 55), (at) => `fragment F${at} on Query { ${many(Math.min(count, 55), (to) => `...F${to}`)} }`)}`,
      ],
      [
        `${count} fragments that spread the next eight`,
        `{ ...F0 } ${many(count, (at) => `fragment F${at} on Query { ${many(8, (to) => `...F${(at + to + 1) % count}`)} }`)}`,
      ],
      [
        `${count} fragments that spread all behind them`,
        `{ ${many(101, () => '__typename')} ...F0 } ${many(Math.min(count, 60), (at) => `fragment F${at} on Query { services { a${at}: name } ${many(Math.min(count, 60) - at - 1, (to) => `...F${at + to + 1}`)} }`)}`,
      ],
      [
        `${count} lists that conflict by argument`,
        `{ ${fields('node(id: "#") { id }')} node(id: "x") { __typename } }`,
      ],
      [
        `${count} lists that conflict deep within`,
        `{ ${fields('workRequests(compartmentId: "a") { nodes { service { a: name } } }')} workRequests(compartmentId: "a") { nodes { service { a: title } } } ${many(101, () => '__typename')} }`,
      ],
      [
        `${count} inline fragments of one name`,
        `{ ${fields('... { services { name } }')} ${many(101, () => '__typename')} }`,
      ],
      [
        `${count} levels of inline fragments around too much`,
        `{ ${'... { '.repeat(count)} ${many(101, () => '__typename')} ${'} '.repeat(count)} }`,
      ],
      [
        `${count} fragments in a chain around too much`,
        `{ ...F0 } ${many(count, (at) => `fragment F${at} on Query { ...F${at + 1} }`)} fragment F${count} on Query { ${many(101, () => '__typename')} }`,
      ],
    ];
  }),
];

/** Cheap to write, and many calls to Oracle Cloud. */
const compartment = 'compartmentId: "ocid1.compartment.oc1..a"';
const costs: readonly Entry[] = [
  [
    'a hundred lists with what lies below',
    `{ ${many(100, (at) => `a${at}: workRequests(${compartment}, includeSubcompartments: true) { nodes { id } }`)} }`,
  ],
  [
    'a hundred lists of everything',
    `{ ${many(100, (at) => `a${at}: workRequests(${compartment}, first: 100) { nodes { id } }`)} }`,
  ],
  [
    'errors and logs of many lists',
    `{ ${many(50, (at) => `a${at}: workRequests(${compartment}, first: 100) { nodes { errors(first: 100) { nodes { code } } logs(first: 100) { nodes { message } } } }`)} }`,
  ],
  [
    'the same log a hundred times',
    `{ ${many(2, (at) => `a${at}: workRequests(${compartment}, first: 100) { nodes { ${many(60, (log) => `l${log}: logs(first: ${log + 1}) { nodes { message } }`)} } }`)} }`,
  ],
  [
    'a fragment in which all is read',
    `{ ${many(90, (at) => `a${at}: workRequests(${compartment}, first: 100) { ...F }`)} } fragment F on WorkRequestConnection { nodes { extras errors { nodes { code } } logs { nodes { message } } } }`,
  ],
  [
    'edges and nodes',
    `{ ${many(80, (at) => `a${at}: workRequests(${compartment}, first: 100) { nodes { extras } edges { node { logs { nodes { message } } } } }`)} }`,
  ],
];

/** Names, strings, numbers and comments of a million characters. */
const long = [1_000, 900_000].flatMap((length): readonly Entry[] => {
  const name = 'a'.repeat(length);
  return [
    [`a field's name of ${length}`, `{ ${name} }`],
    [`a type's name of ${length}`, `query ($a: ${name}) { services { name } }`],
    [`a fragment's name of ${length}`, `{ ...${name} }`],
    [`a directive's name of ${length}`, `{ services @${name} { name } }`],
    [`an argument's name of ${length}`, `{ services(${name}: 1) { name } }`],
    [
      `an enum's value of ${length}`,
      `{ workRequests(compartmentId: "a", services: [${name}]) { __typename } }`,
    ],
    [`a variable's name of ${length}`, `{ node(id: $${name}) { id } }`],
    [`an alias of ${length} for what is not there`, `{ ${name}: nope }`],
    [
      `an input's field of ${length}`,
      `{ workRequests(compartmentId: "a", filter: { ${name}: 1 }) { __typename } }`,
    ],
    [
      `a number of ${length} digits`,
      `{ workRequests(compartmentId: "a", first: ${'9'.repeat(length)}) { __typename } }`,
    ],
    [
      `a fraction of ${length} digits`,
      `{ workRequests(compartmentId: "a", first: 0.${'9'.repeat(length)}) { __typename } }`,
    ],
    [`a string of ${length} that is not closed`, `{ node(id: "${name}) { id } }`],
    [
      `a block string of ${length} lines that is not closed`,
      `{ node(id: """${'\n'.repeat(length)}) { id } }`,
    ],
    [`${length} blanks and no end`, `{${' '.repeat(length)}`],
    [`a comment of ${length} and no end`, `{ #${name}`],
    [`${length} commas and no end`, `{${','.repeat(length)}`],
    [
      `a string of ${length} escapes where none may be`,
      `{ services(a: "${'\\u0041'.repeat(length / 10)}") { name } }`,
    ],
  ];
});

/** What is quoted in each of a hundred errors is sent once. */
const growing: readonly Entry[] = [100, 10_000, 900_000].flatMap((length): readonly Entry[] => {
  const name = 'a'.repeat(length);
  const times = 90;
  return [
    [
      `${times} undefined variables of ${length}`,
      `query ${name} { ${many(times, (at) => `a${at}: node(id: $v${at}) { id }`)} }`,
    ],
    [
      `${times} unused variables of ${length}`,
      `query ${name} (${many(times, (at) => `$v${at}: Int`)}) { regions { id } }`,
    ],
    [
      `${times} wrong places of a variable of ${length}`,
      `query ($${name}: Nope) { ${many(times, (at) => `a${at}: node(id: $v${at}) { id }`)} }`,
    ],
    [
      `${times} conflicts of an alias of ${length}`,
      `{ services { ${many(2, (at) => `${'a'.repeat(length / 3)}: ${['name', 'title'][at]}`)} } }`,
    ],
    [
      `${times} operations of one name of ${length / 100}`,
      many(times, () => `query ${'a'.repeat(length / 100)} { regions { id } }`),
    ],
    [
      `suggestions made by hand, ${length}`,
      `{ workRequests(compartmentId: "a", first: "${' Did you mean '.repeat(length / 15)}") { __typename } }`,
    ],
    [
      `a circle of ${times} names of ${length / 300}`,
      `{ ...F0 } ${many(times, (at) => `fragment F${at} on Query { ...${'b'.repeat(length / 300)}${at} } fragment ${'b'.repeat(length / 300)}${at} on Query { ...F${(at + 1) % times} }`)}`,
    ],
  ];
});

/** Good, and as deep as they can be: whether they are served or not, it has to be said in time. */
export const extremes: readonly Entry[] = [500, 1_000, 1_200, 3_300].flatMap((depth): readonly Entry[] => {
  const around = (open: string, inner: string): string => `${open.repeat(depth)}${inner}${'}'.repeat(depth)}`;
  const chain = (on: string, inner: string): string =>
    `${many(Math.min(depth, 1_200), (at) => `fragment F${at} on ${on} { ...F${at + 1} }`)} fragment F${Math.min(depth, 1_200)} on ${on} { ${inner} }`;
  return [
    [`inline fragments, ${depth}`, `{ ${around('...{', 'services { name }')} }`],
    [`inline fragments below, ${depth}`, `{ services { ${around('...{', 'name')} } }`],
    [
      `inline fragments of a type, ${depth}`,
      `{ node(id: "a") { ${around('...on WorkRequest{', 'rawStatus')} } }`,
    ],
    [
      `conditions, ${depth}`,
      `query ($v: Boolean = true) { ${around('...{', 'services @include(if: $v) { name }')} }`,
    ],
    [`a chain of fragments, ${depth}`, `{ ...F0 } ${chain('Query', 'services { name }')}`],
    [
      `a chain of fragments of a type, ${depth}`,
      `{ node(id: "a") { ...F0 } } ${chain('WorkRequest', 'rawStatus')}`,
    ],
    [
      `a subscription's inline fragments, ${depth}`,
      `subscription { ${around('...{', 'workRequest(id: "a") { type }')} }`,
    ],
    [
      `a subscription's chain, ${depth}`,
      `subscription { ...F0 } ${chain('Subscription', 'workRequest(id: "a") { type }')}`,
    ],
  ];
});

/** What is larger reaches no parser: that is told in requests.ts and frames.ts. */
const isTakenIn = ([, query]: Entry): boolean => JSON.stringify(query).length < 1_000_000;

const codes = ['LIMIT_EXCEEDED', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED'] as const;
export const limits: readonly HostileOperation[] = [
  ...groupOf('limits: nesting', codes, deep.filter(isTakenIn)),
  ...groupOf('limits: too many', codes, wide.filter(isTakenIn)),
  ...groupOf('limits: fragments and conflicts', codes, bombs.filter(isTakenIn)),
  ...groupOf('limits: calls to Oracle Cloud', ['LIMIT_EXCEEDED'], costs.filter(isTakenIn)),
  ...groupOf('limits: answers that grow', codes, growing.filter(isTakenIn)),
  ...groupOf('limits: long words', codes, long.filter(isTakenIn)),
];
