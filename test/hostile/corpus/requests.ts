/** Bytes that come over TCP where HTTP should: requests that are wrong, that lie, and that a page elsewhere could send. */
import { gzipSync } from 'node:zlib';

export interface HostileRequest {
  readonly group: string;
  readonly name: string;
  /** `{port}` in a text stands for the gateway's. */
  readonly bytes: string | Buffer;
  /**
   * Good requests in front of the bad one, which may have been served before it is refused. What is no HTTP can be refused first,
   * as that is found out while they are under way.
   */
  readonly served?: number;
  /** One of these; any refusal where none is named. */
  readonly statuses?: readonly number[];
  /** The WebSocket that it asks for is opened, to be closed with this code at once. */
  readonly closes?: number;
  /** Nothing may be said to it: it is closed without a word. */
  readonly isSilent?: true;
}

/** Whoever is answered by data has got in. */
const body = '{"query":"{ regions { id } }"}';
const paths = ['/graphql', '/graphql/stream'];

interface Parts {
  readonly method?: string;
  readonly path?: string;
  readonly version?: string;
  /** Over `content-type`, `accept` and `content-length`; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Lines as they are. */
  readonly lines?: readonly string[];
  readonly body?: string | Buffer;
}

const write = (parts: Parts): Buffer => {
  const { method = 'POST', path = '/graphql', version = 'HTTP/1.1', lines = [] } = parts;
  const content = Buffer.from(parts.body ?? body);
  const headers: Readonly<Record<string, string | null>> = {
    host: 'localhost:{port}',
    accept: '*/*',
    'content-type': 'application/json',
    'content-length': String(content.length),
    ...parts.headers,
  };
  const all = Object.entries(headers).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}`],
  );
  const head = [`${method} ${path} ${version}`, ...all, ...lines].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), content]);
};

type Entry = readonly [name: string, bytes: string | Buffer, more?: Partial<HostileRequest>];
const group = (name: string, entries: readonly Entry[]): readonly HostileRequest[] =>
  entries.map(([what, bytes, more]) => ({ group: `requests: ${name}`, name: what, bytes, ...more }));

const everyPath = (make: (path: string) => readonly Entry[]): readonly Entry[] =>
  paths.flatMap((path) => make(path).map(([name, ...rest]): Entry => [`${path}: ${name}`, ...rest]));

const methods: readonly Entry[] = [...paths, '/healthz', '/readyz', '/metrics', '/playground', '/'].flatMap(
  (path) =>
    [
      ...[
        'PUT',
        'PATCH',
        'DELETE',
        'TRACE',
        'OPTIONS',
        'PROPFIND',
        'QUERY',
        'PURGE',
        'LOCK',
        'M-SEARCH',
        'SEARCH',
        'MKCOL',
      ],
      ...['post', 'Get', 'FOO', 'POSTT', 'P OST', '', 'GET\t', 'TRACK', 'DEBUG', 'SOURCE', 'PRI', 'DESCRIBE'],
      ...(paths.includes(path) ? ['HEAD'] : ['POST']),
    ].map((method): Entry => [`${method} ${path}`, write({ method, path })]),
);

const strangePaths = [
  ...[
    '/graphql/',
    '//graphql',
    '/graphql//',
    '/./graphql',
    '/graphql/.',
    '/x/../graphql',
    '/graphql/..',
    '/graphql/../graphql',
  ],
  ...[
    '/GRAPHQL',
    '/Graphql',
    '/graphql;x',
    '/graphql%00',
    '/graphql#',
    '/graphql#/stream',
    '/graphql?query#',
    '/graphql%2f',
    '/graphql%20',
    '/graphql%09',
    '/graphql.json',
    '/graphql~',
  ],
  ...[
    '/%',
    '/%zz',
    '/%c0%ae%c0%ae/',
    '/%ff',
    '/%00',
    '/%2e%2e/graphql',
    '/..%2fgraphql',
    '/..\\graphql',
    '/graphql\\',
    '/%u0067raphql',
  ],
  ...[
    '/graphql/stream/',
    '/graphql/stream/x',
    '/graphql%2fstream',
    '/graphql//stream',
    '/graphql/Stream',
    '/graphql/stream%00',
  ],
  ...[
    '/etc/passwd',
    '/../../etc/passwd',
    '/..%2f..%2f..%2fetc/passwd',
    '/.env',
    '/.git/config',
    '/server-status',
    '/actuator',
    '/debug',
  ],
  ...[
    '/admin',
    '/wp-login.php',
    '/api/graphql',
    '/v1/graphql',
    '/console',
    '/graphiql',
    '/voyager',
    '/altair',
    '/api',
    '/subscriptions',
  ],
  ...[
    '/__proto__',
    '/constructor',
    '/toString',
    '/:id',
    '/*',
    '/**',
    '/{region}',
    '/<script>alert(1)</script>',
    '/%3Cscript%3E',
    '/%0d%0aX:y',
  ],
  ...[
    '/playground/../config.ts',
    '/playground/..%2fserver.ts',
    '/playground/%2e%2e/package.json',
    '/playground/nope.js',
    '/playground//',
    '/metrics/',
    '/healthz/x',
  ],
  ...[
    `/${'a'.repeat(10_000)}`,
    `/${'a/'.repeat(5_000)}`,
    `/${'%41'.repeat(3_000)}`,
    `/graphql/${'../'.repeat(2_000)}`,
  ],
].map((path): Entry => [`POST ${path.slice(0, 60)}`, write({ path })]);

const targets: readonly Entry[] = [
  ...[
    'http://evil.example/graphql',
    'http://localhost:{port}/graphql',
    'https://localhost/graphql',
    'HTTP://localhost/graphql',
    'graphql',
  ],
  ...[
    'localhost:{port}',
    '*',
    '?query={a}',
    '#',
    '',
    '/graph ql',
    '/graphql HTTP/1.1 x',
    '/graphql\t',
    '\\graphql',
    'file:///etc/passwd',
    'ws://localhost/graphql',
  ],
  ...[
    '/graphql\x00',
    '/graphql\x7f',
    '/graphql\x0b',
    '/gr\xe4phql',
    '/graphql\r',
    '/graphql\n',
    '/\x1b[31m',
    '@evil.example/graphql',
    '.evil.example',
  ],
].map((path): Entry => [`target ${JSON.stringify(path)}`, write({ path })]);

const versions: readonly Entry[] = [
  ...[
    'HTTP/0.9',
    'HTTP/1.2',
    'HTTP/1',
    'HTTP/1.',
    'HTTP/11',
    'HTTP/2.0',
    'HTTP/2',
    'HTTP/3.0',
    'HTTP/9.9',
    'HTTP/01.1',
    'HTTP/1.1.1',
    'HTTP/-1.1',
  ],
  ...[
    'http/1.1',
    'HTTPS/1.1',
    'HTTP1.1',
    'HTTP 1.1',
    'SIP/2.0',
    'ICAP/1.0',
    'WS/1.0',
    '1.1',
    'HTTP/1.1x',
    'HTTP/1,1',
    'HTTP/a.b',
    '',
  ],
].map((version): Entry => [`version ${JSON.stringify(version)}`, write({ version })]);

const hostNames = [
  ...[
    'evil.example',
    'localhost.evil.example',
    'evil.example:{port}',
    'localhost:{port}@evil.example',
    'user@localhost:{port}',
    'localhost@evil.example',
  ],
  ...[
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '0.0.0.0',
    '0',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::1%lo]',
  ],
  ...[
    '[::1',
    '::1',
    '[0:0:0:0:0:0:0:1]',
    '[127.0.0.1]',
    'localhost..',
    '.localhost',
    '..',
    '.',
    'localhost:',
    'localhost:port',
    'localhost:123456',
    'localhost:-1',
  ],
  ...[
    'localhost:{port}:{port}',
    'localhost/',
    'localhost/graphql',
    'localhost?x',
    'localhost#x',
    'localhost\\',
    'http://localhost',
    'local host',
    'localhost, evil.example',
  ],
  ...[
    'localhost%00',
    'localhost%2eevil.example',
    'ｌocalhost',
    'loca1host',
    'localhоst',
    '127。0。0。1',
    '*',
    'null',
    '""',
    "'localhost'",
    '<script>',
    '',
    ' ',
    '-',
    '_',
  ],
  ...[
    'metadata.google.internal',
    '169.254.169.254',
    'a'.repeat(8_000),
    'localhost'.repeat(100),
    '127.0.0.1:{port}\tx',
    'LOCALHOST.EVIL.EXAMPLE',
  ],
];
const hosts = everyPath((path) =>
  hostNames.map((host): Entry => [
    `Host ${JSON.stringify(host.slice(0, 60))}`,
    write({ path, headers: { host } }),
    { statuses: [400, 403] },
  ]),
);
const moreHosts = everyPath((path): readonly Entry[] => [
  ['no Host', write({ path, headers: { host: null } })],
  ['no Host in HTTP/1.0', write({ path, version: 'HTTP/1.0', headers: { host: null } })],
  ['a Host too many', write({ path, lines: ['Host: evil.example'] })],
  ['the same Host twice', write({ path, lines: ['Host: localhost:{port}'] })],
  [
    'a Host too many in front',
    write({ path, headers: { host: null }, lines: ['Host: evil.example', 'host: localhost:{port}'] }),
  ],
  ['a folded Host', write({ path, headers: { host: null }, lines: ['Host: localhost', ' .evil.example'] })],
  [
    'a Host with a blank before its colon',
    write({ path, headers: { host: null }, lines: ['Host : localhost:{port}'] }),
  ],
  [
    'X-Forwarded-Host instead',
    write({ path, headers: { host: 'evil.example', 'x-forwarded-host': 'localhost:{port}' } }),
  ],
  ['Forwarded instead', write({ path, headers: { host: 'evil.example', forwarded: 'host=localhost' } })],
  ['X-Original-URL', write({ path: '/nope', headers: { 'x-original-url': path, 'x-rewrite-url': path } })],
  [
    'X-HTTP-Method-Override',
    write({
      path,
      method: 'PUT',
      headers: { 'x-http-method-override': 'POST', 'x-method-override': 'POST' },
    }),
  ],
]);

const origins = [
  ...[
    'null',
    'NULL',
    'https://evil.example',
    'http://evil.example:{port}',
    'http://localhost',
    'https://localhost',
    'http://localhost:1',
    'http://localhost:{port}0',
  ],
  ...[
    'http://localhost.evil.example:{port}',
    'http://evil-localhost:{port}',
    'http://127.0.0.1:{port}',
    'http://[::1]:{port}',
    'http://localhost:{port}/',
    'http://localhost:{port}/x',
  ],
  ...[
    'http://localhost:{port}@evil.example',
    'http://user@localhost:{port}',
    'http://user:pw@localhost:{port}',
    'http://evil.example#localhost:{port}',
    'http://evil.example?localhost:{port}',
  ],
  ...[
    'http://localhost:{port}.evil.example',
    'http://localhost:{port},http://evil.example',
    'http://evil.example http://localhost:{port}',
    'localhost:{port}',
    '//localhost:{port}',
    'localhost',
  ],
  ...[
    'ftp://localhost:{port}',
    'file://',
    'file://localhost:{port}',
    'data:',
    'blob:http://localhost:{port}/x',
    'about:blank',
    'javascript:alert(1)',
    'chrome-extension://abc',
    'moz-extension://abc',
  ],
  ...[
    'ws://localhost:{port}',
    'wss://localhost:{port}',
    'http:/localhost:{port}',
    'http:localhost:{port}',
    'http//localhost:{port}',
    'http://',
    'https://',
    '',
    ' ',
    '*',
    'undefined',
    '[object Object]',
  ],
  ...[
    'http://locаlhost:{port}',
    'http://localhost。:{port}',
    'http://ｌocalhost:{port}',
    'http://localhost%00:{port}',
    'http://localhost%2e:{port}',
    'http://2130706433:{port}',
    'http://127.1:{port}',
  ],
  ...[
    'https://console.example.com',
    'https://console.example.com.evil.example',
    'http://0.0.0.0:{port}',
    'http://localhost:0{port}',
    'http://localhost:{port}:{port}',
    'http://localhost::{port}',
  ],
];
const foreign = everyPath((path) => [
  ...origins.map((origin): Entry => [
    `Origin ${JSON.stringify(origin)}`,
    write({ path, headers: { origin } }),
    { statuses: [403] },
  ]),
  ...['cross-site', 'CROSS-SITE', 'cross-site, none', 'nonsense', '?', 'same_origin'].flatMap(
    (site): readonly Entry[] => [
      [`Sec-Fetch-Site ${site}`, write({ path, headers: { 'sec-fetch-site': site } })],
      [
        `a navigation of ${site}`,
        write({
          path: `${path}?query={regions{id}}`,
          method: 'GET',
          body: '',
          headers: {
            'content-type': null,
            'sec-fetch-site': site,
            'sec-fetch-mode': 'navigate',
            'sec-fetch-dest': 'document',
          },
        }),
      ],
    ],
  ),
  [
    'two Origins',
    write({ path, lines: ['Origin: http://localhost:{port}', 'Origin: https://evil.example'] }),
  ],
  [
    'a preflight from elsewhere',
    write({
      path,
      method: 'OPTIONS',
      body: '',
      headers: {
        origin: 'https://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    }),
  ],
]);

const contentTypes: readonly (string | null)[] = [
  ...[
    null,
    '',
    ' ',
    'text/plain',
    'text/plain;charset=UTF-8',
    'text/plain; application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=a',
  ],
  ...[
    'multipart/mixed',
    'text/json',
    'text/html',
    'text/xml',
    'application/xml',
    'application/graphql',
    'application/graphql+json',
    'application/graphql-response+json',
  ],
  ...[
    'application/jsonp',
    'application/json5',
    'application/ld+json',
    'application/vnd.api+json',
    'application/problem+json',
    'application/x-json',
    'application/json+x',
    'xapplication/json',
  ],
  ...[
    'application/*',
    '*/*',
    'json',
    'application',
    'application/',
    '/json',
    'application/json, text/plain',
    'text/plain, application/json',
    'application /json',
    'application/ json',
  ],
  ...[
    'application\\json',
    '"application/json"',
    'application/json\x0b',
    'application/json\x00',
    'application/jsоn',
    'application/json/',
    'text/plain\tapplication/json',
    'application/octet-stream',
  ],
  ...[
    'application/csp-report',
    'application/reports+json',
    'image/png',
    'x/y',
    'undefined',
    'null',
    '<script>',
    ';',
    '; application/json',
    'text/plain;,application/json',
    'a'.repeat(4_000),
  ],
];
const types = everyPath((path) => [
  ...contentTypes.map((type): Entry => [
    `content-type ${JSON.stringify(type?.slice(0, 60))}`,
    write({ path, headers: { 'content-type': type } }),
  ]),
  [
    'a form of the operation',
    write({
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'query={regions{id}}',
    }),
  ],
  [
    'an upload',
    write({
      path,
      headers: { 'content-type': 'multipart/form-data; boundary=a', 'apollo-require-preflight': '1' },
      body: `--a\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${body}\r\n--a--\r\n`,
    }),
  ],
  [
    'two content types',
    write({
      path,
      headers: { 'content-type': null },
      lines: ['content-type: text/plain', 'content-type: application/json'],
    }),
  ],
  [
    'a preflight header and a form',
    write({ path, headers: { 'content-type': 'text/plain', 'apollo-require-preflight': '1' } }),
  ],
]);

const searches = [
  ...[
    '',
    '?',
    '?query',
    '?query=',
    '?query={',
    '?query={nope}',
    '?query=%7B',
    '?query=%',
    '?query=%zz',
    '?query=%ff%fe',
    '?query={a}&query={b}',
    '?query[]={regions{id}}',
  ],
  ...[
    '?query[a]={regions{id}}',
    '?QUERY={regions{id}}',
    '?q={regions{id}}',
    '?variables={}',
    '?operationName=a',
    '?query={regions{id}}&operationName=Nope',
    '?query={regions{id}}&variables={',
  ],
  ...[
    '?query={regions{id}}&variables=[1',
    '?query={regions{id}}&variables="a"',
    '?query={regions{id}}&variables=1',
    '?query={regions{id}}&variables=[]',
    '?query={regions{id}}&variables=true',
  ],
  ...[
    '?query={regions{id}}&variables={}&variables={}',
    '?query=mutation{cancelWorkRequest(input:{id:"a"}){error{code}}}',
    '?query=subscription{workRequest(id:"a b"){type}}',
  ],
  ...[
    '?extensions={"persistedQuery":{"version":1,"sha256Hash":"a"}}',
    '?query={regions{id}}&extensions=[',
    '?query={regions{id}}&extensions=1',
    '?query={node(id:"..%2f"){id}}',
    '?__proto__[query]={regions{id}}',
  ],
  ...[
    '?query={__schema{types{fields{type{fields{type{fields{type{name}}}}}}}}}',
    `?query={${'a'.repeat(9_000)}}`,
    `?${'a=b&'.repeat(3_000)}query={nope}`,
    '?query={regions{id}}%00',
  ],
];
const gets = everyPath((path) => [
  ...searches.map((search): Entry => [
    `GET ${search.slice(0, 60)}`,
    write({
      path: path + search,
      method: 'GET',
      body: '',
      headers: {
        'content-type': null,
        'content-length': null,
        'apollo-require-preflight': '1',
        ...(path.endsWith('stream') ? { accept: 'text/event-stream' } : {}),
      },
    }),
  ]),
  ...[
    '{regions{id}}',
    'mutation{cancelWorkRequest(input:{id:"a"}){error{code}}}',
    'subscription{workRequest(id:"a"){type}}',
  ].flatMap((query) =>
    ['*/*', 'text/event-stream', 'image/png', 'application/json', 'text/html'].map((accept): Entry => [
      `GET ${query} without a preflight, for ${accept}`,
      write({
        path: `${path}?query=${query}`,
        method: 'GET',
        body: '',
        headers: { 'content-type': null, 'content-length': null, accept },
      }),
    ]),
  ),
  ...['', 'x'].flatMap((value): readonly Entry[] =>
    ['x-requested-with', 'authorization', 'x-custom', 'accept-language'].map((name): Entry => [
      `GET with ${name}: ${value} for a preflight`,
      write({
        path: `${path}?query={regions{id}}`,
        method: 'GET',
        body: '',
        headers: { 'content-type': null, 'content-length': null, [name]: value },
      }),
    ]),
  ),
]);

const queryOf = (value: string): string => `{"query":${value}}`;
const bodies: readonly (string | Buffer)[] = [
  ...[
    '',
    ' ',
    '{',
    '}',
    '[',
    ']',
    '[]',
    '{}',
    'null',
    'true',
    '0',
    '"a"',
    '-',
    'NaN',
    'undefined',
    '{regions{id}}',
    'query=a',
    '[{}]',
    '[[]]',
    '[null]',
    `[${body}]`,
    `[${body},${body}]`,
  ],
  ...[
    `${body}${body}`,
    `${body},`,
    `${body}]`,
    `{${body}}`,
    `"${body}"`,
    "{'query':'{regions{id}}'}",
    '{query:"{regions{id}}"}',
    '{"query":"{regions{id}}",}',
    '{"query":"{regions{id}}"',
    '{"query" "{regions{id}}"}',
  ],
  ...[
    '{"query":"{regions{id}}"}//',
    '/**/{"query":"{regions{id}}"}',
    '{"query":"a\nb"}',
    '{"query":"\\x41"}',
    '{"query":"\\u12"}',
    '{"query":"\\"}',
    `)]}',\n${body}`,
    `for(;;);${body}`,
    '<?xml version="1.0"?>',
  ],
  ...[
    'null',
    '0',
    '1.5',
    'true',
    '[]',
    '{}',
    '""',
    '["{regions{id}}"]',
    '{"a":"{regions{id}}"}',
    '" "',
    '"{"',
    '"\\u0000"',
    '"\\ud800"',
    '{"toString":"a"}',
  ].map(queryOf),
  ...['[]', '"a"', '0', 'true', '"{}"', '[{}]', '1e999'].map(
    (value) => `{"query":"{regions{id}}","variables":${value}}`,
  ),
  ...['0', 'true', '[]', '{}', '["a"]', '""', '"Nope"'].map(
    (value) => `{"query":"{regions{id}}","operationName":${value}}`,
  ),
  ...[
    '{"Query":"{regions{id}}"}',
    '{"QUERY":"{regions{id}}"}',
    '{" query":"{regions{id}}"}',
    '{"query\\u0000":"{regions{id}}"}',
    '{"id":"x"}',
    '{"documentId":"sha256:abc"}',
    '{"doc_id":1}',
    '{"operations":"{}"}',
  ],
  ...[
    '{"query":"{regions{id}}","query":"{nope}"}',
    '{"query":"{regions{id}}","query":null}',
    '{"query":"{regions{id}}","query":1}',
    '{"query":"{regions{id}}","\\u0071uery":"{nope}"}',
    '{"query":"{regions{id}}","variables":{},"variables":[]}',
  ],
  ...[
    '{"__proto__":{"query":"{regions{id}}"}}',
    '{"query":"{nope}","__proto__":{"query":"{regions{id}}"}}',
    '{"constructor":{"prototype":{"query":"{regions{id}}"}}}',
    `{"query":"{regions{id}}","__proto__":null}`,
  ],
  ...[
    '{"query":"{regions{id}}","variables":{"__proto__":{"a":1}}}',
    '{"query":"{regions{id}}","variables":{"a":{"__proto__":1}}}',
    '{"query":"{regions{id}}","variables":{"constructor":{"prototype":{}}}}',
    '{"query":"{regions{id}}","variables":{"a":{"b":[{"\\u005f_proto__":1}]}}}',
  ],
  ...['[', '{"a":', '[{"a":'].flatMap((open) => [1_000, 100_000].map((depth) => open.repeat(depth))),
  ...['[', '{"query":'].flatMap((open) =>
    [1_000, 50_000].map(
      (depth) =>
        open.repeat(depth) +
        (open === '[' ? ']' : '1}').repeat(1).padEnd(0) +
        (open === '[' ? ']'.repeat(depth - 1) : '}'.repeat(depth - 1)),
    ),
  ),
  '{"query":"' + 'a'.repeat(500_000),
  '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}',
  '{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"a"}},"query":"{nope}"}',
  ...['', '\ufeff'].flatMap((mark) => [
    Buffer.from(`${mark}${body}`, 'utf16le'),
    Buffer.from(`${mark}${body}`, 'utf16le').swap16(),
  ]),
  ...[
    [0xff],
    [0xfe, 0xff],
    [0xc3, 0x28],
    [0xc0, 0xaf],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
    [0x80],
  ].flatMap((bytes) => {
    const bad = Buffer.from(bytes);
    const around = (before: string, after: string): Buffer =>
      Buffer.concat([Buffer.from(before), bad, Buffer.from(after)]);
    return [
      around('', body),
      around(body, ''),
      around('{"query":"{ regions { id } } #', '"}'),
      around('{"query":"{ regions { id } }","x":"', '"}'),
      around('{"query":"{ regions { id } }","variables":{"a":"', '"}}'),
      around('{"', '":1,"query":"{ regions { id } }"}'),
    ];
  }),
];
const badBodies = everyPath((path) =>
  bodies.map((one, at): Entry => [`body ${at}: ${String(one).slice(0, 60)}`, write({ path, body: one })]),
);

const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, ' '));
const encodings = everyPath((path) => [
  ...[
    'gzip',
    'x-gzip',
    'deflate',
    'br',
    'zstd',
    'compress',
    'gzip, gzip',
    'gzip, identity',
    'GZIP',
    'nonsense',
    'aws-chunked',
    '*',
    '<script>',
  ].flatMap((encoding): readonly Entry[] => [
    [`${encoding} of plain JSON`, write({ path, headers: { 'content-encoding': encoding } })],
    [`${encoding} bomb`, write({ path, headers: { 'content-encoding': encoding }, body: bomb })],
    [
      `${encoding} of gzipped JSON`,
      write({ path, headers: { 'content-encoding': encoding }, body: gzipSync(body) }),
    ],
  ]),
  ['gzip that nobody announced', write({ path, body: gzipSync(body) })],
  [
    'a body above the limit',
    write({ path, body: `{"query":"${'a'.repeat(1024 * 1024)}"}` }),
    { statuses: [413] },
  ],
  [
    'a length above the limit',
    write({ path, headers: { 'content-length': '1048577' } }),
    { statuses: [413] },
  ],
]);

const lengths = everyPath((path) => [
  ...[
    '-1',
    '+30',
    '0x1e',
    '1e1',
    '30.0',
    '3 0',
    '30,30',
    '30, 31',
    'abc',
    '99999999999999999999',
    '18446744073709551616',
    '9007199254740993',
    '٣٠',
    '30;',
    '"30"',
    '1048577',
    '2147483648',
    '31',
    '1000',
  ].map((length): Entry => [
    `content-length ${length}`,
    write({ path, headers: { 'content-length': length } }),
  ]),
  ...['0', '1', '10', '29'].map((length): Entry => [
    `content-length ${length}, and more than that`,
    write({ path, headers: { 'content-length': length } }),
  ]),
  ['no length at all', write({ path, headers: { 'content-length': null } })],
  ['two lengths that differ', write({ path, lines: ['Content-Length: 5'] })],
  ['two lengths that are the same', write({ path, lines: [`Content-Length: ${body.length}`] })],
  [
    'a length with a blank before its colon',
    write({ path, headers: { 'content-length': null }, lines: [`Content-Length : ${body.length}`] }),
  ],
  [
    'a folded length',
    write({ path, headers: { 'content-length': null }, lines: ['Content-Length:', ` ${body.length}`] }),
  ],
]);

const chunked = (content: string): string => `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`;
const inner = `GET /graphql/smuggled HTTP/1.1\r\nHost: localhost:{port}\r\nX-Smuggled: `;
const smuggling = everyPath((path) => {
  const send = (lines: readonly string[], content: string, length: string | null = null): Buffer =>
    write({ path, headers: { 'content-length': length }, lines, body: content });
  return [
    ...[
      'Transfer-Encoding: chunked',
      'transfer-encoding: Chunked',
      'Transfer-Encoding:\tchunked',
      'Transfer-Encoding: identity, chunked',
      'Transfer-Encoding: gzip, chunked',
    ].flatMap((te): readonly Entry[] => [
      [`CL.TE ${te}`, send([te], `${chunked(body)}${inner}`, String(chunked(body).length))],
      [`TE.CL ${te}`, send([te], `${chunked(`${inner}\r\n\r\n`)}`, '4')],
      [`TE.0 ${te}`, send([te], `0\r\n\r\n${inner}`, '0')],
    ]),
    ...[
      ...[
        'Transfer-Encoding: xchunked',
        'Transfer-Encoding: chunked, identity',
        'Transfer-Encoding: chunked;q=1',
        'Transfer-Encoding: "chunked"',
        'Transfer-Encoding : chunked',
        'Transfer-Encoding: \x0bchunked',
      ],
      ...[
        'Transfer-Encoding: chunked\x00',
        'Transfer-Encoding: chunkedx',
        'Transfer-Encoding: identity',
        'Transfer-Encoding: gzip',
        'Transfer-Encoding: deflate',
        'Transfer-Encoding: nonsense',
        'Transfer_Encoding: chunked',
      ],
      ...[
        'Transfer-Encoding:\r\n chunked',
        'X: y\nTransfer-Encoding: chunked',
        'Transfer-Encoding: chun\x00ked',
        'Transfer-Encoding: chünked',
        ' Transfer-Encoding: chunked',
        'Transfer-Encoding\x00: chunked',
      ],
    ].map((te): Entry => [`TE ${JSON.stringify(te)}`, send([te], chunked(body))]),
    ['two encodings', send(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunked(body))],
    [
      'two encodings, the other way',
      send(['Transfer-Encoding: identity', 'Transfer-Encoding: x'], chunked(body)),
    ],
    [
      'an encoding in HTTP/1.0',
      write({
        path,
        version: 'HTTP/1.0',
        headers: { 'content-length': String(body.length) },
        lines: ['Transfer-Encoding: chunked'],
        body: chunked(body),
      }),
    ],
    ...[
      ...[
        'xyz',
        '-1',
        '0x1e',
        '1e ',
        ' 1e',
        '1e;',
        '1e\t',
        '',
        '1E+1',
        'ffffffffffffffff',
        'fffffffffffffffff',
        '100000000',
        '1g',
        '+1e',
        '1.e',
        '1e,1e',
        '"1e"',
        '00000000000000000000000000001x',
        '1e;a="',
      ],
    ].map((size): Entry => [
      `a chunk of size ${JSON.stringify(size)} that is not whole`,
      send(['Transfer-Encoding: chunked'], `${size}\r\n${body}\r\n`),
    ]),
    ['chunks with bare line feeds', send(['Transfer-Encoding: chunked'], `1e\n${body}\n0\n\n`)],
    ['a chunk that is too short', send(['Transfer-Encoding: chunked'], `ff\r\n${body}\r\n0\r\n\r\n`)],
    ['a chunk that is too long', send(['Transfer-Encoding: chunked'], `5\r\n${body}\r\n0\r\n\r\n`)],
    ['no last chunk', send(['Transfer-Encoding: chunked'], `1e\r\n${body}\r\n`)],
    ['no end behind the last chunk', send(['Transfer-Encoding: chunked'], `1e\r\n${body}\r\n0\r\n`)],
    [
      'an endless extension',
      send(['Transfer-Encoding: chunked'], `1e;${'a'.repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`),
    ],
    [
      'a trailer that is no header',
      send(['Transfer-Encoding: chunked'], `1e\r\n${body}\r\n0\r\nno header\r\n\r\n`),
    ],
    [
      'chunks above the limit',
      send(['Transfer-Encoding: chunked'], `10000\r\n${'x'.repeat(0x10000)}\r\n`.repeat(20)),
      { statuses: [413] },
    ],
    [
      'fifty thousand chunks of one byte that are no JSON',
      send(['Transfer-Encoding: chunked'], `${'1\r\nx\r\n'.repeat(50_000)}0\r\n\r\n`),
    ],
  ];
});

const badHeaders = everyPath((path) => [
  ...[
    ...[
      'no colon',
      ': no name',
      ' leading: blank',
      'a b: c',
      'a\x00b: c',
      'a: b\x00c',
      'a: \x01',
      'a: \x7f',
      'a: b\rc',
      'a: b\nc',
      'ä: b',
      'a(b): c',
      'a{b}: c',
      '"a": b',
      'a;b: c',
      'a@b: c',
      '[a]: b',
      'a=b: c',
      '\ta: b',
    ],
    ...[
      '<script>: alert(1)',
      'a,b: c',
      'a/b: c',
      'a?b: c',
      'a\\b: c',
      'a : b',
      '\x80: a',
      'a',
      '=',
      '\x1b[31m: a',
      'GET / HTTP/1.1',
    ],
  ].map((line): Entry => [`header ${JSON.stringify(line)}`, write({ path, lines: [line] })]),
  ['a value of 20,000', write({ path, headers: { x: 'a'.repeat(20_000) } }), { statuses: [431] }],
  ['a name of 20,000', write({ path, headers: { ['a'.repeat(20_000)]: 'x' } }), { statuses: [431] }],
  [
    '5,000 headers',
    write({ path, lines: Array.from({ length: 5_000 }, (_, at) => `a${at}: b`) }),
    { statuses: [431] },
  ],
  ['a cookie of 100,000', write({ path, headers: { cookie: 'a=b;'.repeat(25_000) } }), { statuses: [431] }],
  [
    'an authorization of 100,000',
    write({ path, headers: { authorization: `Bearer ${'a'.repeat(100_000)}` } }),
    { statuses: [431] },
  ],
  [
    'an Accept of 20,000 types',
    write({ path, headers: { accept: 'a/b,'.repeat(20_000) } }),
    { statuses: [431] },
  ],
  ...['nonsense', '100', '200-ok', '<script>', '100-continued'].map((expect): Entry => [
    `Expect: ${expect}`,
    write({ path, headers: { expect } }),
  ]),
]);

const accepts = [
  ...[
    'text/html',
    'application/json',
    'application/graphql-response+json',
    'image/*',
    'text/plain',
    'text/event',
    'text/event-stream2',
    'event-stream',
    '',
    ' ',
    ',',
    ';',
    'text',
    '*',
    'text/',
    '/*',
    'a/b;q=1, c/d',
  ],
  ...[
    'multipart/mixed',
    'application/*',
    'TEXT',
    'text/event-stream\x0b',
    '"text/event-stream"',
    'text / event-stream',
    '<script>',
    'x'.repeat(5_000),
  ],
].map((accept): Entry => [
  `an event stream as ${JSON.stringify(accept.slice(0, 40))}`,
  write({ path: '/graphql/stream', headers: { accept } }),
]);
const streams: readonly Entry[] = [
  ...accepts,
  ...['1', '-1', '\x01', '../', '<script>', 'a'.repeat(4_000), '{"a":1}', '\xe4'].map((id): Entry => [
    `last-event-id ${JSON.stringify(id.slice(0, 20))} and no operation`,
    write({ path: '/graphql/stream', headers: { 'last-event-id': id }, body: '{}' }),
  ]),
  ...['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'].map((method): Entry => [
    `a reservation by ${method}`,
    write({ path: '/graphql/stream', method, headers: { 'x-graphql-event-stream-token': 'a' } }),
  ]),
  ...['?token=a', '?operationId=a', '?query=', '?token=../&operationId[]=a'].map((search): Entry => [
    `a stream of ${search}`,
    write({
      path: `/graphql/stream${search}`,
      method: 'GET',
      body: '',
      headers: {
        'content-type': null,
        'content-length': null,
        accept: 'text/event-stream',
        'x-graphql-event-stream-token': 'a',
        'apollo-require-preflight': '1',
      },
    }),
  ]),
];

const notHttp: readonly Entry[] = [
  ...[
    'HELO localhost\r\n\r\n',
    'EHLO x\r\nMAIL FROM:<a>\r\n\r\n',
    'USER a\r\nPASS b\r\n\r\n',
    'stats\r\n\r\n',
    '*1\r\n$4\r\nPING\r\n',
    'SSH-2.0-x\r\n\r\n',
    '\r\n\r\n\r\n',
    '\n\n',
    '{}\r\n\r\n',
    'GET',
    'GET /',
    'GET / HTTP/1.1',
    'GET / HTTP/1.1\r\n',
  ],
  ...[
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00',
    '\x00',
    '\x00'.repeat(100),
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    '\x05\x01\x00',
    '\x04\x01\x00\x50',
    'GET /graphql\r\n\r\n',
    'GET\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    '<policy-file-request/>\x00',
  ],
  ...[
    '(){:;};\r\n\r\n',
    '<script>alert(1)</script>\r\n\r\n',
    '\x80\x81\x82\r\n\r\n',
    'a'.repeat(100_000),
    `GET ${'/'.repeat(100_000)}`,
    '\xff'.repeat(1_000),
    'CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n',
    'CONNECT / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  ],
].map((text): Entry => [
  JSON.stringify(text.slice(0, 40)),
  Buffer.from(text, 'latin1'),
  // Node hangs up on who wants a tunnel, and on who says nothing.
  /^(CONNECT|\s)/.test(text) ? { isSilent: true } : {},
]);

const cutShort = everyPath((path) => {
  const whole = write({ path });
  return Array.from({ length: Math.floor(whole.length / 2) }, (_, at): Entry => [
    `a request cut at ${2 * at + 1}`,
    whole.subarray(0, 2 * at + 1),
  ]);
});

const good = write({});
const pipelines: readonly Entry[] = [
  ['a good request, then no HTTP', Buffer.concat([good, Buffer.from('garbage\r\n\r\n')]), { served: 1 }],
  [
    'a good request, then another Host',
    Buffer.concat([good, write({ headers: { host: 'evil.example' } })]),
    { served: 1 },
  ],
  [
    'a good request, then a form',
    Buffer.concat([good, write({ headers: { 'content-type': 'text/plain' } })]),
    { served: 1 },
  ],
  [
    'a good request, then both lengths',
    Buffer.concat([good, write({ lines: ['Transfer-Encoding: chunked'] })]),
    { served: 1 },
  ],
  [
    'ten good requests, then a bad one',
    Buffer.concat([...Array.from({ length: 10 }, () => good), write({ body: '{}' })]),
    { served: 10 },
  ],
  [
    'a hundred bad requests in one go',
    Buffer.concat(Array.from({ length: 100 }, () => write({ body: '{' }))),
  ],
  [
    'a hundred requests of another Host',
    Buffer.concat(Array.from({ length: 100 }, () => write({ headers: { host: 'evil.example' } }))),
  ],
];

export const requests: readonly HostileRequest[] = [
  ...group('methods', methods),
  ...group('paths', [...strangePaths, ...targets]),
  ...group('versions', versions),
  ...group('hosts', [...hosts, ...moreHosts]),
  ...group('pages elsewhere', foreign),
  ...group('content types', types),
  ...group('queries in the URL', gets),
  ...group('bodies', badBodies),
  ...group('encodings', encodings),
  ...group('lengths', lengths),
  ...group('smuggling', smuggling),
  ...group('headers', badHeaders),
  ...group('event streams', streams),
  ...group('what is no HTTP', notHttp),
  ...group('what is not whole', cutShort),
  ...group('one after the other', pipelines),
];
