/** Documents that are no GraphQL: what is left when a good one is cut, and what does not belong where it stands. */
import { Lexer, parse, Source, TokenKind } from 'graphql';
import { groupOf } from './operation.ts';
import type { HostileOperation } from './operation.ts';

const good = [
  'query Q($c: String!, $first: Int = 5) { workRequests(compartmentId: $c, first: $first, services: [QUEUE], filter: { isTerminal: true, operationTypes: ["a", """b"""] }) @include(if: true) { nodes { id ...F } failures { code } } } fragment F on WorkRequest { rawStatus }',
  'mutation M { a: cancelWorkRequest(input: { id: "x\\u00e9", service: QUEUE }) { error { code } } }',
  'subscription S { workRequest(id: "x") { type ... on WorkRequestEvent { sequence } } }',
];

const isParsed = (query: string): boolean => {
  try {
    parse(query);
    return true;
  } catch {
    return false;
  }
};

const tokensOf = (query: string): readonly { readonly start: number; readonly end: number }[] => {
  const lexer = new Lexer(new Source(query));
  const tokens = [];
  while (lexer.advance().kind !== TokenKind.EOF) tokens.push(lexer.token);
  return tokens;
};

const cut = good.flatMap((query, which) => [
  ...Array.from({ length: query.length - 1 }, (_, at) => [
    `document ${which} cut at ${at + 1}`,
    query.slice(0, at + 1),
  ]),
  ...tokensOf(query)
    .slice(1)
    .map(({ start }) => [`document ${which} from ${start}`, query.slice(start)]),
]);

/** The first says where. */
const places: readonly (readonly [string, (mark: string) => string])[] = [
  ['in front', (mark) => `${mark}{ services { name } }`],
  ['in a selection', (mark) => `{ services { ${mark} } }`],
  ['in a name', (mark) => `{ serv${mark}ices { name } }`],
  ['in a string', (mark) => `{ workRequest(id: "a${mark}\n") { id } }`],
  ['as a value', (mark) => `{ workRequest(id: ${mark}) { id } }`],
  ['as a type', (mark) => `query ($a: ${mark}) { services { name } }`],
  ['as a directive', (mark) => `{ services @${mark} { name } }`],
  ['behind', (mark) => `{ services { name } }${mark}`],
];
const marks: readonly string[] = [
  ...Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).filter(
    (mark) => !/[\t\n\r]/.test(mark),
  ),
  ...'\x7f\x80\x85\xa0\xad%^*+-/;<>?\\`~\'"¿',
  ...'\u200b\u200d\u2028\u2029\u202e\u2066\u3000\ufffe\uffff\ufffd．｛＂＠',
  '\ud800',
  '\udfff',
  '\udc00\ud800',
  '😀',
  '..',
  '....',
  '<script>alert(1)</script>',
  '<!--',
  '{{',
  '}}',
  '((',
  '$$',
  '@@',
  '${x}',
  '&&',
  '||',
  '=',
  '!',
  "'; DROP TABLE",
  '\0'.repeat(1_000),
  '"'.repeat(1_001),
];
const misplaced = marks.flatMap((mark) =>
  places.map(([where, put]) => [`${JSON.stringify(mark.slice(0, 20))} ${where}`, put(mark)]),
);

const literals: readonly string[] = [
  ...[
    '00',
    '01',
    '-01',
    '1.',
    '.1',
    '-',
    '--1',
    '+1',
    '1e',
    '1e+',
    '1E-',
    '1.e1',
    '0x1F',
    '0b1',
    '0o7',
    '1_000',
  ],
  ...['1a', '1.5a', '1..2', '1.2.3', '-.5', '-Infinity', '12n', '1e1.5', '0xZZ', '1,000.', '- 1', '1 e5.'],
  ...[
    '"',
    '"a',
    '"\\"',
    '"\\x41"',
    '"\\a"',
    '"\\u12"',
    '"\\uZZZZ"',
    '"\\u{}"',
    '"\\u{110000}"',
    '"\\u{FFFFFFFFFF}"',
  ],
  ...[
    '"\\uD800"',
    '"\\uDC00\\uD800"',
    '"\\u{D800}"',
    '"\\u{41"',
    '"\\u{ 41}"',
    '"\\',
    '"\n"',
    '"a\rb"',
    '"\\u00"',
  ],
  ...['"""', '"""a', '"""a""', '"""\\"""', '"""a"""b"""', '""""', "'a'", '`a`', '"a" "b" "c', '"\\\n"'],
  ...[
    '[',
    '[1',
    '[1 2',
    '[}',
    '[)',
    '{',
    '{a',
    '{a:',
    '{a:1',
    '{:1}',
    '{1:1}',
    '{"a":1}',
    '{a 1}',
    '{a::1}',
    '{a:1]',
  ],
  ...[
    '$',
    '$$a',
    '$1',
    '$"a"',
    '@a',
    '...',
    '|a',
    '&a',
    'a:b',
    '(a)',
    '#',
    '!',
    '=1',
    'null!',
    'true=false',
    '?',
    '\\',
  ],
];

/** Every token of a document in turn is replaced by each of these, and left out, and doubled. */
const others = [
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ':',
  '=',
  '!',
  '$',
  '@',
  '|',
  '&',
  '...',
  'on',
  '1',
  '1.5',
  '"s"',
];
const small = 'query Q($a: [Int!] = [1]) { b: c(d: $a) @e(f: { g: 1 }) { ... on H { i } ...J } }';
const exchanged = tokensOf(small).flatMap(({ start, end }) => {
  const [before, token, after] = [small.slice(0, start), small.slice(start, end), small.slice(end)];
  return [...others, '', `${token} ${token}`].map((other) => [
    `${JSON.stringify(other)} for ${token} at ${start}`,
    `${before} ${other} ${after}`,
  ]);
});

const bareBones: readonly (readonly string[])[] = [
  ...[
    ' ',
    '\n',
    ',',
    ',,,',
    '\ufeff',
    '#',
    '# only a comment',
    '\t\r\n',
    '{}',
    '{ }',
    '{,}',
    'query',
    'query {}',
  ],
  ...['mutation', 'subscription', 'fragment', 'fragment on', 'fragment on on A { a }', 'fragment F { a }'],
  ...['fragment F on A', 'query Q(', 'query Q()', 'query Q() { a }', 'query ($a) { a }', 'query ($a:) { a }'],
  ...[
    'query (a: Int) { a }',
    'query ($a: Int = $b) { a }',
    'query ($a: [Int) { a }',
    'query ($a: Int]) { a }',
  ],
  ...[
    '{ a() }',
    '{ a(b) }',
    '{ a(b:) }',
    '{ a(:1) }',
    '{ a: }',
    '{ :a }',
    '{ a: b: c }',
    '{ a { } }',
    '{ ...  }',
  ],
  ...[
    '{ ... on }',
    '{ ... on A }',
    '{ ...on on A { a } }',
    '{ @a }',
    '{ a @ }',
    '{ a @b( }',
    '{ a } }',
    '{ { a } }',
  ],
  ...[
    'query Q Q { a }',
    'query 1 { a }',
    'QUERY { a }',
    'Query { a }',
    'select * from a',
    'SELECT 1',
    'null',
    'true',
  ],
  ...[
    '[]',
    '""',
    '"a"',
    '1',
    '{"query":"{ a }"}',
    '<xml/>',
    '%7Ba%7D',
    '{ a }\0',
    '\0{ a }',
    'extend',
    'schema',
    'type',
  ],
  ...[
    'extend schema',
    'extend type',
    'union = A',
    'scalar',
    'input {',
    'enum A {',
    'directive @a',
    'directive @a on',
  ],
  ...[
    'interface implements',
    'type A implements',
    'enum A { true }',
    'query @a',
    'subscription S($a: A!!) { a }',
  ],
  ...[
    '"""description"""',
    '"d" { a }',
    '"d" "d" query { a }',
    'query ($a: Int!!) { a }',
    'query ($a: [[Int]) { a }',
  ],
].map((query) => [JSON.stringify(query), query]);

export const syntax: readonly HostileOperation[] = (
  [
    ['documents that are cut', cut],
    ['characters that do not belong', misplaced],
    [
      'literals that are none',
      literals.map((literal) => [literal, `{ workRequest(id: ${literal}) { id } }`]),
    ],
    ['tokens exchanged', exchanged],
    ['what is no document', bareBones],
  ] as const
).flatMap(([group, entries]) =>
  groupOf(
    `syntax: ${group}`,
    ['GRAPHQL_PARSE_FAILED'],
    entries.map(([name = '', query = '']) => [name, query] as const).filter(([, query]) => !isParsed(query)),
  ),
);
