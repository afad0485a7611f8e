/** Documents that are good, with arguments and variables that are not: ids, regions, numbers, dates, and JSON of the wrong shape. */
import type { ErrorCode } from '../../../errors.ts';
import { groupOf } from './operation.ts';
import type { HostileOperation } from './operation.ts';

const global = (text: string | Buffer): string =>
  Buffer.concat([Buffer.from('WorkRequest:'), Buffer.from(text)]).toString('base64url');
const ocid = 'ocid1.clustersworkrequest.oc1.iad.aaaa';

/** What an attacker would put where a name belongs. */
const payloads: readonly string[] = [
  ...[
    '../../20160918/instances',
    '..%2f..%2f',
    '%2e%2e/',
    '..\\..\\',
    '/etc/passwd',
    '//evil.example/',
    '\\\\evil.example',
  ],
  ...[
    '@evil.example',
    'user:pass@evil.example',
    'evil.example#',
    'evil.example?',
    'evil.example:443/',
    'http://evil.example/',
  ],
  ...[
    'http://169.254.169.254/opc/v2/',
    'file:///etc/passwd',
    'gopher://evil.example',
    '[::1]',
    '2130706433/',
    '0x7f000001/x',
  ],
  ...[
    'us-ashburn-1.evil.example/',
    'us-ashburn-1@evil.example',
    'us-ashburn-1/../',
    'us-ashburn-1%00',
    'us-ashburn-1\0',
  ],
  ...[
    'a\r\nHost: evil.example',
    'a\r\n\r\nGET / HTTP/1.1',
    'a%0d%0aX: y',
    'a\nb',
    'a\tb',
    'a b',
    ' a',
    'a ',
    '\0',
    '\x7f',
    '\x1b[31m',
  ],
  ...[
    "' OR '1'='1",
    '"; DROP TABLE x; --',
    '$(id)',
    '`id`',
    '${7*7}',
    '{{7*7}}',
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
  ],
  ...[
    'javascript:alert(1)',
    '%s%n%x',
    '{region}',
    '{package}',
    '*',
    '?',
    '|id',
    ';id',
    '&id',
    '=1+1',
    '+cmd',
    '[object Object]',
  ],
  ...[
    'ｕｓ－ashburn',
    'us‐ashburn‐1',
    'evil。example',
    '‥/x',
    '．．／',
    '\u202eevil',
    'a\u200bb',
    '\ufeffa',
    'а',
    'ﬁ',
    '😀',
    'é',
    'e\u0301',
  ],
  ...[
    '\ud800',
    '\udfff',
    'a\udc00',
    '\u2028',
    '\u0085',
    ':',
    '::',
    'a:b',
    'a:b:c:d',
    '/',
    '\\',
    '#',
    '%',
    '~',
    '!',
    ',',
    '"',
    "'",
  ],
  ...['__proto__', '.', '..', '...', '-', '_', '.a', '-a', '_a', 'a/', 'a%20b', 'a+b', 'a=', 'a=='],
];
const names = ['constructor', 'toString', 'null', 'undefined', 'NaN', 'true', '0', '-1', '1e309'];

const badIds: readonly string[] = [
  '',
  ...payloads,
  ...payloads.map((text) => `ocid1.clustersworkrequest.oc1.iad.${text}/`),
  ...payloads.map((text) => global(`CONTAINERENGINE:us-ashburn-1:${text}/`)),
  ...payloads.map((text) => global(`CONTAINERENGINE:${text}/:${ocid}`)),
  ...payloads.map((text) => global(`${text}:us-ashburn-1:${ocid}`)),
  ...payloads.map((text) => global(`LOGANALYTICS:us-ashburn-1:${ocid}:${text}/`)),
  ...[256, 1_023, 1_024, 1_025, 65_536, 500_000].flatMap((length) => [
    'a'.repeat(length),
    global(`CONTAINERENGINE:us-ashburn-1:${'a'.repeat(length)}`),
    'é'.repeat(length),
  ]),
  ...[
    '',
    ':',
    '::',
    ':::',
    'CONTAINERENGINE',
    'CONTAINERENGINE:',
    'CONTAINERENGINE:us-ashburn-1',
    'CONTAINERENGINE:us-ashburn-1:',
  ].map(global),
  ...[
    `CONTAINERENGINE:iad:${ocid}`,
    `CONTAINERENGINE:US-ASHBURN-1:${ocid}`,
    `containerengine:us-ashburn-1:${ocid}`,
  ].map(global),
  ...[
    `CONTAINERENGINE:us-ashburn-1:${ocid}:`,
    `CONTAINERENGINE:us-ashburn-1:${ocid}:ns`,
    `LOGANALYTICS:us-ashburn-1:${ocid}`,
  ].map(global),
  ...[
    `LOGANALYTICS:us-ashburn-1:${ocid}:`,
    `LOGANALYTICS:us-ashburn-1:${ocid}:a:b`,
    `QUEUE:us-ashburn-1:x:\0`,
  ].map(global),
  ...['', '=', '==', '\n', ' '].map((tail) => `${global(`CONTAINERENGINE:us-ashburn-1:${ocid}`)}${tail}x`),
  Buffer.from(`WorkRequest:CONTAINERENGINE:us-ashburn-1:${ocid}`).toString('base64').replace(/=*$/, '=='),
  Buffer.from(`workrequest:CONTAINERENGINE:us-ashburn-1:${ocid}`).toString('base64url'),
  global(Buffer.from([0xff, 0xfe, 0x00])),
  global(Buffer.concat([Buffer.from('QUEUE:us-ashburn-1:a'), Buffer.from([0xc3, 0x28])])),
];

const ids = badIds.flatMap((id, at) => {
  const name = `${at}: ${JSON.stringify(id.slice(0, 60))}`;
  const queries = [
    'query ($id: ID!) { node(id: $id) { id } }',
    'query ($id: ID!) { workRequest(id: $id, service: QUEUE, region: "us-ashburn-1") { id } }',
    'query ($id: ID!) { waitForWorkRequest(id: $id, service: QUEUE, region: "us-ashburn-1", timeoutSeconds: 0) { id } }',
    'mutation ($id: ID!) { cancelWorkRequest(input: { id: $id, service: QUEUE, region: "us-ashburn-1" }) { error { code } } }',
    'subscription ($id: ID!) { workRequest(id: $id, service: QUEUE, region: "us-ashburn-1") { type } }',
  ];
  // Each at the first, and at one of the others.
  return [queries[0] ?? '', queries[1 + (at % 4)] ?? '']
    .filter((_, which) => which === 0 || !canBeNative(id))
    .map((query) => [name, query, { variables: { id } }] as const);
});

/** Of these a get may be made where the service is given: they are names like any other. */
function canBeNative(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(id) && !isGlobal(id);
}
function isGlobal(id: string): boolean {
  return Buffer.from(id, 'base64url').toString().startsWith('WorkRequest:');
}

const regionCodes: readonly ErrorCode[] = ['REGION_NOT_ALLOWED', 'BAD_USER_INPUT'];
const regions = [
  ...payloads,
  ...names,
  'ap-tokyo-1',
  'nrt',
  'us-ashburn',
  'us-ashburn-2',
  'IAD2',
  'oc1',
  'a'.repeat(100_000),
].flatMap((region) => {
  const name = JSON.stringify(region.slice(0, 60));
  return [
    [
      name,
      'query ($region: String) { workRequest(id: "a", service: QUEUE, region: $region) { id } }',
      { variables: { region } },
    ],
    [
      `${name} in a list`,
      'query ($regions: [String!]) { workRequests(compartmentId: "a", regions: $regions) { __typename } }',
      { variables: { regions: ['us-ashburn-1', region] } },
    ],
    [
      `${name} watched`,
      'subscription ($region: String!) { workRequests(compartmentId: "a", regions: [$region]) { type } }',
      { variables: { region } },
    ],
    [
      `${name} in an OCID`,
      'query ($id: ID!) { workRequest(id: $id) { id } }',
      {
        variables: { id: `ocid1.clustersworkrequest.oc1.${region}.aaaa` },
        codes: [...regionCodes, 'SERVICE_REQUIRED', 'REGION_REQUIRED'],
      },
    ],
  ] as const;
});

const compartments = [...payloads, '', 'a'.repeat(256), 'a'.repeat(500_000)]
  .filter((id) => !canBeNative(id))
  .flatMap((compartmentId) => {
    const name = JSON.stringify(compartmentId.slice(0, 60));
    const variables = { compartmentId };
    return [
      [
        name,
        'query ($compartmentId: String!) { workRequests(compartmentId: $compartmentId) { __typename } }',
        { variables },
      ],
      [
        `${name} and below`,
        'query ($compartmentId: String!) { workRequests(compartmentId: $compartmentId, includeSubcompartments: true, services: [QUEUE]) { nodes { id } } }',
        { variables },
      ],
      [
        `${name} watched`,
        'subscription ($compartmentId: String!) { workRequests(compartmentId: $compartmentId) { type } }',
        { variables },
      ],
    ] as const;
  });

const numbers = [0, -1, 101, 1_000, 2_147_483_647, -2_147_483_648].flatMap((value) =>
  [
    'workRequests(compartmentId: "a", first: $n)',
    'waitForWorkRequest(id: "a", service: QUEUE, region: "iad", timeoutSeconds: $n)',
  ]
    .filter((field) => value < 0 || value > 300 || field.startsWith('workRequests'))
    .map(
      (field) =>
        [
          `${field} ${value}`,
          `query ($n: Int) { ${field} { __typename } }`,
          { variables: { n: value } },
        ] as const,
    ),
);

/** JSON values that no argument of the type takes. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  'Int!': [
    1.5,
    -1.5,
    2_147_483_648,
    -2_147_483_649,
    1e21,
    1e308,
    '1',
    '',
    'NaN',
    true,
    null,
    [],
    [1.5],
    {},
    { n: 1 },
    0.1,
    Number.MIN_VALUE,
  ],
  'Boolean!': [0, 1, 'true', '', null, [], {}, ['x'], 'yes', -1],
  'String!': [0, 1.5, true, null, [], {}, ['a', 'b'], [[]], { toString: 'a' }, 1e21],
  'ID!': [1.5, true, null, [], {}, [['a']], { id: 'a' }, { $ne: '' }, 0.1, false, { valueOf: 1 }],
  '[ID!]!': [null, [null], [{}], [[['a']]], [true], {}, true, 1.5, [1.5], ['a', null], [[null]]],
  '[ServiceName!]': [
    'NOPE',
    'queue',
    'QUEUE ',
    '',
    0,
    [0],
    [null],
    ['QUEUE', 'NOPE'],
    {},
    true,
    ['__proto__'],
    ['constructor'],
    [['QUEUE']],
    'QUEUE,NOPE',
  ],
  ServiceName: [
    'NOPE',
    'queue',
    '',
    0,
    {},
    [],
    ['QUEUE', 'QUEUE'],
    true,
    '__proto__',
    'toString',
    'hasOwnProperty',
    'QUEUE\0',
    'ＱＵＥＵＥ',
  ],
  WorkRequestFilter: [
    ...[
      0,
      '',
      'a',
      true,
      [],
      [{}],
      { nope: 1 },
      { isTerminal: 'true' },
      { isTerminal: 1 },
      { statuses: 'NOPE' },
      { statuses: [null] },
    ],
    ...[
      { statuses: {} },
      { operationTypes: [1] },
      { operationTypes: [null] },
      { resourceId: 1 },
      { resourceId: {} },
      { acceptedAfter: 0 },
    ],
    ...[
      { acceptedAfter: {} },
      { acceptedBefore: [] },
      { constructor: {} },
      { prototype: {} },
      { toString: 1 },
      { hasOwnProperty: 1 },
    ],
    ...[
      { filter: { filter: {} } },
      { statuses: [] },
      { operationTypes: [] },
      { isTerminal: false, statuses: ['FAILED', 'SUCCEEDED'] },
    ],
    ...[
      { acceptedAfter: '2026-01-02T00:00:00Z', acceptedBefore: '2026-01-01T00:00:00Z' },
      { __typename: 'WorkRequestFilter' },
    ],
  ],
};
const takenBy: Readonly<Record<string, readonly string[]>> = {
  'Int!': [
    'workRequests(compartmentId: "a", first: $v)',
    'waitForWorkRequest(id: "a", service: QUEUE, region: "iad", timeoutSeconds: $v)',
  ],
  'Boolean!': ['workRequests(compartmentId: "a", includeSubcompartments: $v)', 'services @include(if: $v)'],
  'String!': [
    'workRequests(compartmentId: $v)',
    'workRequest(id: "a", service: QUEUE, region: $v)',
    'workRequests(compartmentId: "a", after: $v)',
  ],
  'ID!': ['node(id: $v)', 'nodes(ids: [$v])', 'workRequest(id: $v)'],
  '[ID!]!': ['nodes(ids: $v)'],
  '[ServiceName!]': ['workRequests(compartmentId: "a", services: $v)'],
  ServiceName: ['workRequest(id: "a", region: "iad", service: $v)'],
  WorkRequestFilter: ['workRequests(compartmentId: "a", filter: $v)'],
};
const mistyped = Object.entries(wrong).flatMap(([type, values]) =>
  values.flatMap((v) =>
    (takenBy[type] ?? []).map(
      (field) =>
        [
          `${JSON.stringify(v)} for ${field}`,
          `query ($v: ${type}) { ${field} { __typename } }`,
          { variables: { v } },
        ] as const,
    ),
  ),
);
const subscribed = Object.entries(wrong).flatMap(([type, values]) =>
  values.flatMap((v) =>
    (takenBy[type] ?? [])
      .filter((field) => /^workRequests?\(/.test(field) && !/first|after/.test(field))
      .map(
        (field) =>
          [
            `${JSON.stringify(v)} for a subscription's ${field}`,
            `subscription ($v: ${type}) { ${field} { type } }`,
            { variables: { v } },
          ] as const,
      ),
  ),
);
const missing = ['ID!', 'String!', 'Int!', 'Boolean!', '[ID!]!'].flatMap((type) =>
  [undefined, {}, { V: 1 }, { $v: 1 }, { 'v ': 1 }, { constructor: { v: 1 } }].flatMap((variables) =>
    (takenBy[type] ?? []).map(
      (field) =>
        [
          `${JSON.stringify(variables)} for ${field}`,
          `query ($v: ${type}) { ${field} { __typename } }`,
          variables && { variables },
        ] as const,
    ),
  ),
);

const dates: readonly string[] = [
  ...[
    '',
    'now',
    'yesterday',
    '0',
    '1764370800',
    '2026',
    '2026-01',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
  ],
  ...[
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
  ],
  ...[
    '2026-04-31T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
  ],
  ...[
    '2026-01-01T00:00:61Z',
    '2026-01-01T00:00Z',
    '2026-01-01T0:0:0Z',
    '2026-1-1T00:00:00Z',
    '26-01-01T00:00:00Z',
    '+002026-01-01T00:00:00Z',
  ],
  ...[
    '-002026-01-01T00:00:00Z',
    '12026-01-01T00:00:00Z',
    '999999-01-01T00:00:00Z',
    '2026-01-01T00:00:00+24:60',
    '2026-01-01T00:00:00+1:00',
  ],
  ...[
    '2026-01-01T00:00:00+0100',
    '2026-01-01T00:00:00+01',
    '2026-01-01T00:00:00UTC',
    '2026-01-01T00:00:00 Z',
    '2026-01-01T00:00:00Z ',
    ' 2026-01-01T00:00:00Z',
  ],
  ...[
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00,5Z',
    '2026-01-01T00:00:00.1234567890Z',
    '2026-W01-1T00:00:00Z',
    '2026-001T00:00:00Z',
    '20260101T000000Z',
  ],
  ...[
    '２０２６-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\0',
    '2026-01-01T00:00:00Z\n',
    'NaN',
    'Infinity',
    'Invalid Date',
    'Thu, 01 Jan 2026 00:00:00 GMT',
  ],
  ...[
    '01/02/2026',
    '2026/01/01',
    'null',
    '[object Object]',
    '2026-01-01T00:00:00Z; DROP TABLE',
    `2026-01-01T00:00:00.${'0'.repeat(100_000)}Z`,
  ],
  ...['2026-01-01T00:00:00-99:99', '2026-01-01T00:00:00+99:00'],
];
const badDates = dates.flatMap((date) => {
  const name = JSON.stringify(date.slice(0, 50));
  const list = (value: string): string =>
    `workRequests(compartmentId: "a", filter: { acceptedAfter: ${value} }) { __typename }`;
  return [
    [name, `query ($date: DateTime) { ${list('$date')} }`, { variables: { date } }],
    [
      `${name} in the document`,
      `{ ${list(JSON.stringify(date))} }`,
      { codes: ['GRAPHQL_VALIDATION_FAILED'] },
    ],
    [
      `${name} in a filter`,
      'query ($filter: WorkRequestFilter) { workRequests(compartmentId: "a", filter: $filter) { __typename } }',
      { variables: { filter: { acceptedBefore: date } } },
    ],
  ] as const;
});

const operationNames = [
  '',
  ' ',
  'Nope',
  'a',
  'A ',
  '__proto__',
  'constructor',
  'toString',
  '{',
  '\0',
  'A'.repeat(100_000),
  '<script>',
].flatMap((operationName) =>
  [
    'query A { services { name } }',
    '{ services { name } }',
    'query A { services { name } } query B { regions { id } }',
  ].map(
    (query) =>
      [`${JSON.stringify(operationName.slice(0, 20))} of ${query}`, query, { operationName }] as const,
  ),
);
const unnamed = [
  'query A { services { name } } query B { regions { id } }',
  'query A { services { name } } mutation B { cancelWorkRequest(input: { id: "a" }) { error { code } } }',
].map((query) => [query, query] as const);

const idCodes: readonly ErrorCode[] = [
  'BAD_USER_INPUT',
  'SERVICE_REQUIRED',
  'REGION_REQUIRED',
  'REGION_NOT_ALLOWED',
];
export const badArguments: readonly HostileOperation[] = [
  ...groupOf('arguments: ids', idCodes, ids),
  ...groupOf('arguments: regions', regionCodes, regions),
  ...groupOf('arguments: compartments', ['BAD_USER_INPUT'], compartments),
  ...groupOf('arguments: numbers', ['BAD_USER_INPUT'], numbers),
  ...groupOf('arguments: dates', ['BAD_USER_INPUT'], badDates),
  ...groupOf('variables: mistyped', ['BAD_USER_INPUT', 'SERVICE_REQUIRED', 'REGION_REQUIRED'], mistyped),
  ...groupOf('variables: mistyped, of subscriptions', ['BAD_USER_INPUT'], subscribed),
  ...groupOf('variables: missing', ['BAD_USER_INPUT'], missing),
  ...groupOf(
    'operations that are not there',
    ['OPERATION_RESOLUTION_FAILURE'],
    [...operationNames, ...unnamed],
  ),
];
