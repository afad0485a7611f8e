/** What may come over a WebSocket once it is open: frames that are none, messages that are none, and a protocol that is not kept. */
import { closeFrame, frame, opcodes } from '../frame.ts';
import { many } from './operation.ts';

export interface HostileFrames {
  readonly group: string;
  readonly name: string;
  readonly bytes: Buffer;
  /** After `connection_init` and its acknowledgement. */
  readonly isGreeted: boolean;
  /** This side hangs up behind them. */
  readonly isCut?: true;
  /** The socket is closed with one of these (0: or is not); empty: nothing is held or told, and the next ping is answered. */
  readonly closes: readonly number[];
}

type Entry = readonly [name: string, bytes: Buffer | string];
const group = (
  name: string,
  closes: readonly number[],
  entries: readonly Entry[],
  when: 'greeted' | 'before' | 'both' = 'both',
): readonly HostileFrames[] =>
  entries.flatMap(([what, given]) =>
    [false, true]
      .filter((isGreeted) => when === 'both' || isGreeted === (when === 'greeted'))
      .map((isGreeted) => ({
        group: `frames: ${name}`,
        name: isGreeted ? `${what}, greeted` : what,
        bytes: typeof given === 'string' ? frame(given) : given,
        isGreeted,
        closes,
      })),
  );

const { continuation, binary, close, ping, pong } = opcodes;
const ours = Object.entries(opcodes);
const good = '{"type":"ping"}';
const operation = '{"id":"1","type":"subscribe","payload":{"query":"{ regions { id } }"}}';

const reserved = ours.flatMap(([name, opcode]) =>
  [1, 2, 3, 4, 5, 6, 7].map((bits): Entry => [
    `${name} with reserved bits ${bits}`,
    frame(good, { opcode, reserved: bits }),
  ]),
);
const unknown = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) =>
  [true, false].flatMap((isLast) =>
    ['', operation].map((payload): Entry => [
      `opcode ${opcode}, ${isLast ? 'last' : 'not last'}, ${payload.length} bytes`,
      frame(payload, { opcode, isLast }),
    ]),
  ),
);
const unmasked = ours
  .filter(([, opcode]) => opcode !== continuation)
  .flatMap(([name, opcode]) =>
    ['', good, 'x'.repeat(126)].map((payload): Entry => [
      `${name} without a mask, ${payload.length} bytes`,
      frame(payload, { opcode, isMasked: false }),
    ]),
  );
const controls = [close, ping, pong].flatMap((opcode): readonly Entry[] => [
  [`control ${opcode} in parts`, frame('a', { opcode, isLast: false })],
  ...[126, 127, 65_535, 65_536].map((length): Entry => [
    `control ${opcode} of ${length} bytes`,
    frame('x'.repeat(length), { opcode }),
  ]),
]);
const order: readonly Entry[] = [
  ['a continuation of nothing', frame(good, { opcode: continuation })],
  ['a continuation of nothing, not last', frame(good, { opcode: continuation, isLast: false })],
  ['a message within a message', Buffer.concat([frame('{"type":', { isLast: false }), frame(good)])],
  [
    'a binary message within a message',
    Buffer.concat([frame('{"type":', { isLast: false }), frame(good, { opcode: binary })]),
  ],
  ['a continuation behind the end', Buffer.concat([frame(good), frame(good, { opcode: continuation })])],
  [
    'a continuation behind a ping',
    Buffer.concat([frame('', { opcode: ping }), frame('x', { opcode: continuation })]),
  ],
];
const lengths: readonly Entry[] = [2n ** 63n, 2n ** 64n - 1n, 2n ** 53n].map((length): Entry => [
  `a length of ${length}`,
  frame('x', { length }),
]);
const tooLong: readonly Entry[] = [
  ...[1_048_577n, 2n ** 31n, 2n ** 32n, 2n ** 40n].map((length): Entry => [
    `a length of ${length}`,
    frame('x', { length }),
  ]),
  ['a message above the limit', frame('x'.repeat(1_048_577))],
  ['a binary message above the limit', frame('x'.repeat(1_048_577), { opcode: binary })],
  [
    'a message in parts that are above the limit together',
    Buffer.concat([
      frame('x'.repeat(600_000), { isLast: false }),
      frame('x'.repeat(600_000), { opcode: continuation }),
    ]),
  ],
  [
    'a million empty parts',
    Buffer.concat([
      frame('', { isLast: false }),
      ...Array.from({ length: 200_000 }, () => frame('', { opcode: continuation, isLast: false })),
    ]),
  ],
];

const badText: readonly (readonly number[])[] = [
  ...[
    [0x80],
    [0xbf],
    [0xc0],
    [0xc1],
    [0xf5],
    [0xf8],
    [0xfc],
    [0xfe],
    [0xff],
    [0xc3, 0x28],
    [0xa0, 0xa1],
    [0xe2, 0x28, 0xa1],
    [0xe2, 0x82, 0x28],
  ],
  ...[
    [0xf0, 0x28, 0x8c, 0xbc],
    [0xf0, 0x90, 0x28, 0xbc],
    [0xf0, 0x28, 0x8c, 0x28],
    [0xc0, 0xaf],
    [0xe0, 0x80, 0xaf],
    [0xf0, 0x80, 0x80, 0xaf],
  ],
  ...[
    [0xed, 0xa0, 0x80],
    [0xed, 0xbf, 0xbf],
    [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
    [0xe2, 0x82],
    [0xf0, 0x9f, 0x98],
    [0xc3],
  ],
];
const notUtf8 = badText.flatMap((bytes): readonly Entry[] => {
  const name = Buffer.from(bytes).toString('hex');
  const whole = Buffer.concat([Buffer.from('{"type":"ping","x":"'), Buffer.from(bytes), Buffer.from('"}')]);
  return [
    [`${name} alone`, frame(Buffer.from(bytes))],
    [`${name} in a message`, frame(whole)],
    [
      `${name} in a message of parts`,
      Buffer.concat([
        frame(whole.subarray(0, 20), { isLast: false }),
        frame(whole.subarray(20), { opcode: continuation }),
      ]),
    ],
  ];
});
const badCloses: readonly Entry[] = [
  ['a close of one byte', frame('x', { opcode: close })],
  ...[0, 1, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535].map((code): Entry => [
    `a close with ${code}`,
    closeFrame(code),
  ]),
];
const badReasons = badText.map((bytes): Entry => [
  `a close for ${Buffer.from(bytes).toString('hex')}`,
  closeFrame(1000, Buffer.from(bytes)),
]);

const binaries: readonly Entry[] = [
  '{"type":"connection_init"}',
  good,
  operation,
  '',
  'x'.repeat(100_000),
  '\x00\xff',
].map((payload): Entry => [`binary ${payload.slice(0, 30)}`, frame(payload, { opcode: binary })]);

const notJson: readonly string[] = [
  ...[
    '',
    ' ',
    '{',
    '}',
    '[',
    ']',
    '{}',
    '[]',
    'null',
    'true',
    'false',
    '0',
    '-',
    '"a"',
    'ping',
    'undefined',
    'NaN',
    "{'type':'ping'}",
    '{type:"ping"}',
    '{"type":"ping",}',
    '{"type":"ping"}}',
    '{"type":"ping"',
  ],
  ...[
    `${good}${good}`,
    `[${good}]`,
    `${good},`,
    `\ufeff${good}`,
    '{"type":"ping"} //',
    '{"type":"pi\nng"}',
    '{"type":"\\x70ing"}',
    '<xml/>',
    '\x00',
    '\x00'.repeat(1_000),
    'x'.repeat(500_000),
    '['.repeat(500_000),
  ],
  ...[
    '{"a":'.repeat(100_000),
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    '"'.repeat(3),
    '\\',
    '\\u0000',
    '{"":""}',
    '{"query":"{ regions { id } }"}',
    '{"__proto__":{"type":"ping"}}',
    '{"constructor":{"type":"ping"}}',
  ],
];
const types: readonly string[] = [
  ...[
    '"nope"',
    '""',
    '" ping"',
    '"PING"',
    '"Ping"',
    '"ping "',
    '"connection_ack"',
    '"next"',
    '"error"',
    '"data"',
    '"start"',
    '"stop"',
    '"ka"',
    '"connection_terminate"',
    '"connection_error"',
    '"connection_keep_alive"',
  ],
  ...[
    '"GQL_START"',
    '"init"',
    '"subscription_start"',
    '"__proto__"',
    '"constructor"',
    '"toString"',
    '"hasOwnProperty"',
    '"subscribe\\u0000"',
    'null',
    '0',
    '1',
    'true',
    '[]',
    '["ping"]',
    '{}',
    '{"toString":"ping"}',
    `"${'a'.repeat(100_000)}"`,
  ],
].map((type) => `{"id":"1","type":${type},"payload":{"query":"{ regions { id } }"}}`);
const ids: readonly string[] = [
  'null',
  '0',
  '1',
  '-1',
  '1.5',
  'true',
  'false',
  '[]',
  '["1"]',
  '{}',
  '{"toString":"1"}',
  '""',
];
const subscribes: readonly string[] = [
  '{"type":"subscribe","payload":{"query":"{ regions { id } }"}}',
  '{"type":"subscribe","id":"1"}',
  ...ids.map((id) => `{"id":${id},"type":"subscribe","payload":{"query":"{ regions { id } }"}}`),
  ...[
    'null',
    '0',
    '""',
    '"{ regions { id } }"',
    'true',
    '[]',
    '[{}]',
    '{}',
    '{"Query":"{ a }"}',
    '{"operationName":"A"}',
    '{"__proto__":{"query":"{ a }"}}',
    '{"constructor":{"query":"{ a }"}}',
  ].map((payload) => `{"id":"1","type":"subscribe","payload":${payload}}`),
  ...['null', '0', 'true', '[]', '{}', '["{ a }"]', '{"toString":"{ a }"}'].map(
    (query) => `{"id":"1","type":"subscribe","payload":{"query":${query}}}`,
  ),
  ...['[]', '"{}"', '0', 'true', '"a"', '[1]'].map(
    (variables) =>
      `{"id":"1","type":"subscribe","payload":{"query":"{ regions { id } }","variables":${variables}}}`,
  ),
  ...['0', 'true', '[]', '{}', '["a"]'].map(
    (name) =>
      `{"id":"1","type":"subscribe","payload":{"query":"{ regions { id } }","operationName":${name}}}`,
  ),
  ...['[]', '"{}"', '0', 'true', '"a"'].map(
    (extensions) =>
      `{"id":"1","type":"subscribe","payload":{"query":"{ regions { id } }","extensions":${extensions}}}`,
  ),
];
const completes = ['{"type":"complete"}', ...ids.map((id) => `{"id":${id},"type":"complete"}`)];
const inits = ['"a"', '0', '1.5', 'true', '[]', '[{}]', '""', '"null"', '[["authorization","x"]]'].map(
  (payload) => `{"type":"connection_init","payload":${payload}}`,
);
const pings = ['ping', 'pong'].flatMap((type) =>
  ['"a"', '0', 'true', '[]', '[1]', '""'].map((payload) => `{"type":"${type}","payload":${payload}}`),
);
const named = (messages: readonly string[]): readonly Entry[] =>
  messages.map((message) => [message.slice(0, 120), message]);

const early = named([
  operation,
  '{"id":"1","type":"subscribe","payload":{"query":"{"}}',
  '{"id":"1","type":"subscribe","payload":{"query":"subscription { workRequest(id: \\"a\\") { type } }"}}',
  '{"id":"1","type":"subscribe","payload":{"query":"mutation { cancelWorkRequest(input: { id: \\"a\\" }) { error { code } } }"}}',
  `{"id":"${'a'.repeat(100_000)}","type":"subscribe","payload":{"query":"{ regions { id } }"}}`,
]);
const init = '{"type":"connection_init"}';
const initPayload = '{"type":"connection_init","payload":{"authorization":"Bearer x"}}';
const twice: readonly Entry[] = [
  ['a second init', frame(init)],
  ['a second init with a payload', frame(initPayload)],
  ['ten inits', Buffer.concat(Array.from({ length: 10 }, () => frame(init)))],
  ['an init behind an operation', Buffer.concat([frame(operation), frame(init)])],
];
const twiceAtOnce: readonly Entry[] = [
  ['two inits', Buffer.concat([frame(init), frame(init)])],
  ['two different inits', Buffer.concat([frame(init), frame(initPayload)])],
];
/** Held open by nobody: the second comes before the first is answered. */
const sameIds: readonly Entry[] = [
  '1',
  '__proto__',
  'constructor',
  'a'.repeat(10_000),
  '\ud83d\ude00',
  ' ',
].flatMap((id): readonly Entry[] => {
  const begin = (query: string): Buffer =>
    frame(JSON.stringify({ id, type: 'subscribe', payload: { query } }));
  return [
    [
      `twice the id ${id.slice(0, 20)}`,
      Buffer.concat([begin('{ regions { id } }'), begin('{ regions { id } }')]),
    ],
    [
      `the id ${id.slice(0, 20)} for another operation`,
      Buffer.concat([begin('{ services { name } }'), begin('mutation { a }')]),
    ],
  ];
});

/** To be heard and forgotten. */
const ignored: readonly Entry[] = [
  ...[
    '1',
    '__proto__',
    'constructor',
    'toString',
    'a'.repeat(100_000),
    '\u0000',
    '\\ud800',
    '<script>',
    '../../x',
    "' OR 1=1",
  ].map((id): Entry => [
    `complete of an unknown id ${id.slice(0, 20)}`,
    frame(JSON.stringify({ id, type: 'complete' })),
  ]),
  [
    'two hundred completes',
    Buffer.concat(
      Array.from({ length: 200 }, (_, at) => frame(JSON.stringify({ id: String(at), type: 'complete' }))),
    ),
  ],
  [
    'pongs that nobody asked for',
    Buffer.concat(Array.from({ length: 1_000 }, () => frame('x', { opcode: pong }))),
  ],
  ['pongs of the protocol', Buffer.concat(Array.from({ length: 1_000 }, () => frame('{"type":"pong"}')))],
  ['an empty pong', frame('', { opcode: pong })],
  ['a pong of 125 bytes', frame('x'.repeat(125), { opcode: pong })],
  [
    'two hundred operations that are refused',
    Buffer.concat(
      Array.from({ length: 200 }, (_, at) =>
        frame(JSON.stringify({ id: `i${at}`, type: 'subscribe', payload: { query: '{' } })),
      ),
    ),
  ],
  [
    'two hundred operations that are completed at once',
    Buffer.concat(
      Array.from({ length: 200 }, (_, at) =>
        Buffer.concat([
          frame(JSON.stringify({ id: `i${at}`, type: 'subscribe', payload: { query: '{ nope }' } })),
          frame(JSON.stringify({ id: `i${at}`, type: 'complete' })),
        ]),
      ),
    ),
  ],
  [
    'a hundred fields nobody knows',
    frame(`{"type":"pong",${many(100, (at) => `"a${at}":${'['.repeat(100)}${']'.repeat(100)}`, ',')}}`),
  ],
  [
    'a ping between the parts of a message',
    Buffer.concat([
      frame('{"type":', { isLast: false }),
      frame('', { opcode: ping }),
      frame('"pong"}', { opcode: continuation }),
    ]),
  ],
  [
    'a message of a thousand parts',
    Buffer.concat([
      frame('{"type":"pong","a":"', { isLast: false }),
      ...Array.from({ length: 1_000 }, () => frame('x', { opcode: continuation, isLast: false })),
      frame('"}', { opcode: continuation }),
    ]),
  ],
];
const floods: readonly Entry[] = [
  [
    'pings by the thousand',
    Buffer.concat(Array.from({ length: 2_000 }, () => frame('x'.repeat(100), { opcode: ping }))),
  ],
];

/** Of bytes that are no frames at all. */
const noise: readonly Entry[] = [
  'GET /graphql HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'POST /graphql HTTP/1.1\r\n',
  '{"type":"ping"}',
  '\x16\x03\x01\x02\x00',
  '\xff'.repeat(100),
].map((bytes): Entry => [`no frame: ${JSON.stringify(bytes.slice(0, 30))}`, Buffer.from(bytes, 'latin1')]);

/** A message that begins, and whose sender goes. */
const whole = frame(operation);
const cut = Array.from({ length: whole.length - 1 }, (_, at): Entry => [
  `cut at ${at + 1}`,
  whole.subarray(0, at + 1),
]);

const invalid = [4400];
export const frames: readonly HostileFrames[] = [
  ...group('reserved bits', [1002], reserved),
  ...group('kinds that there are not', [1002], unknown),
  ...group('without a mask', [1002], unmasked),
  ...group('control frames', [1002], controls),
  ...group('parts', [1002], order),
  ...group('lengths', [1009, 1002], lengths),
  ...group('too long', [1009, 1008], tooLong, 'greeted'),
  ...group('no UTF-8', [1007], notUtf8),
  ...group('closes', [1002], badCloses),
  ...group('reasons', [1007], badReasons),
  ...group('binary', invalid, binaries),
  ...group('no JSON', invalid, named(notJson)),
  ...group('types', invalid, named(types)),
  ...group('subscribe', invalid, named(subscribes)),
  ...group('complete', invalid, named(completes)),
  ...group('init', invalid, named(inits), 'before'),
  ...group('ping and pong', invalid, named(pings)),
  ...group('before the greeting', [4401], early, 'before'),
  ...group('a second greeting', [4429], twice, 'greeted'),
  ...group('two greetings', [4429], twiceAtOnce, 'before'),
  // A reason holds the id, and has room for 123 bytes.
  ...group('an id that is taken', [4409, 4400], sameIds, 'greeted'),
  ...group('to be ignored', [], ignored, 'greeted'),
  // ws hangs up on who pings faster than it can be answered.
  ...group('floods', [1006, 0], floods, 'greeted'),
  ...group('what is not whole', [1006, 1005], cut).map((one) => ({ ...one, isCut: true as const })),
  ...group('noise', [1002, 1009], noise),
];
