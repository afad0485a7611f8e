/** Requests for a WebSocket that must not become one. */
import type { HostileRequest } from './requests.ts';

interface Handshake {
  readonly method?: string;
  readonly path?: string;
  readonly version?: string;
  /** null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly lines?: readonly string[];
}

const write = ({
  method = 'GET',
  path = '/graphql',
  version = 'HTTP/1.1',
  headers = {},
  lines = [],
}: Handshake): string => {
  const all: Readonly<Record<string, string | null>> = {
    host: 'localhost:{port}',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'graphql-transport-ws',
    ...headers,
  };
  const given = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  return [`${method} ${path} ${version}`, ...given, ...lines, '', ''].join('\r\n');
};

const entry = (name: string, handshake: Handshake): HostileRequest => ({
  group: 'handshakes',
  name,
  bytes: write(handshake),
  // graphql-transport-ws has a code for it.
  closes: 4406,
});
const each = (name: string, values: readonly (string | null)[], sets: string): readonly HostileRequest[] =>
  values.map((value) =>
    entry(`${name} ${JSON.stringify(value?.slice(0, 60))}`, { headers: { [sets]: value } }),
  );

export const handshakes: readonly HostileRequest[] = [
  ...each(
    'version',
    [
      null,
      '',
      '0',
      '7',
      '8',
      '12',
      '14',
      '99',
      '-13',
      '13.0',
      '013',
      '13, 8',
      '13,13',
      'abc',
      '１３',
      '13x',
      ' ',
      '0x0d',
    ],
    'sec-websocket-version',
  ),
  ...each(
    'key',
    [
      null,
      '',
      'x',
      'dGhlIHNhbXBsZSBub25jZQ',
      'dGhlIHNhbXBsZSBub25jZQ=',
      'dGhlIHNhbXBsZSBub25jZQ===',
      'dGhlIHNhbXBsZSBub25jZQ== x',
      '=='.repeat(12),
      'a'.repeat(24),
      'a'.repeat(4_000),
      '!'.repeat(22) + '==',
      'dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ==',
      '<script>',
      'é'.repeat(11),
    ],
    'sec-websocket-key',
  ),
  ...each(
    'protocol',
    [
      '',
      ',',
      ' ',
      'graphql-ws',
      'graphql-subscriptions',
      'mqtt',
      'graphql-transport-ws2',
      'GRAPHQL-TRANSPORT-WS',
      'graphql-transport-ws,',
      ',graphql-transport-ws',
      'graphql-transport-ws graphql-ws',
      'graphql-transport-ws;q=1',
      '"graphql-transport-ws"',
      'a/b',
      'a(b)',
      'a@b',
      'ä',
      '<script>',
      'graphql-transport-ws,graphql-transport-ws',
      'x'.repeat(8_000),
    ],
    'sec-websocket-protocol',
  ),
  ...each(
    'origin',
    [
      'null',
      'https://evil.example',
      'http://localhost',
      'http://localhost:1',
      'http://localhost:{port}.evil.example',
      'http://localhost:{port}@evil.example',
      'http://evil.example:{port}',
      'ws://localhost:{port}',
      'file://',
      'http://127.0.0.1:{port}',
      'http://[::1]:{port}',
      'http://localhost:{port}/',
      '',
      '*',
      'http://LOCALHOST.evil.example:{port}',
      'http://user@localhost:{port}',
    ],
    'origin',
  ),
  ...each(
    'host',
    [
      null,
      '',
      'evil.example',
      'localhost.evil.example',
      'evil.example:{port}',
      '127.1',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      'localhost, evil.example',
      'localhost@evil.example',
      '2130706433',
      'localhost:x',
    ],
    'host',
  ),
  ...each('site', ['cross-site', 'CROSS-SITE', 'nonsense'], 'sec-fetch-site'),
  ...[
    '/',
    '/graphql/',
    '/graphql/stream',
    '//graphql',
    '/GRAPHQL',
    '/healthz',
    '/playground',
    '/metrics',
    '/graphql%00',
    '/%67raphql',
    '/graphql;a',
    '/../graphql',
    'http://evil.example/graphql',
    'graphql',
    '*',
    '/graphql/../graphql',
    '/socket.io/',
    '/subscriptions',
    '/ws',
  ].map((path) => entry(`path ${path}`, { path })),
  ...['POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'TRACE', 'get', 'FOO'].map((method) =>
    entry(`method ${method}`, { method }),
  ),
  ...['HTTP/0.9', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2'].map((version) => entry(version, { version })),
  ...['Upgrade', 'Upgrade, close', 'keep-alive, Upgrade'].flatMap((connection) =>
    [
      'websocket2',
      'WebSockets',
      'websocket, h2c',
      'h2c, websocket',
      'web socket',
      '"websocket"',
      'websocket/13',
      'TLS/1.0',
    ].map((upgrade) =>
      entry(`upgrade ${upgrade} by ${connection}`, {
        headers: { connection, upgrade, 'sec-websocket-version': null },
      }),
    ),
  ),
  entry('two hosts', { lines: ['Host: evil.example'] }),
  entry('two origins', { lines: ['Origin: http://localhost:{port}', 'Origin: https://evil.example'] }),
  entry('no version, key and protocol', {
    headers: { 'sec-websocket-version': null, 'sec-websocket-key': null, 'sec-websocket-protocol': null },
  }),
  entry('a head of 20,000', { headers: { cookie: 'a'.repeat(20_000) } }),
  ...[
    'permessage-deflate; =',
    'permessage-deflate; "',
    ';',
    ',',
    '=',
    'a;b=c"d',
    'permessage-deflate; a=b c',
    'ä',
    'permessage-deflate; server_max_window_bits=',
    '"',
    'a;;b',
    'a b',
    '<script>',
  ].map((extensions) =>
    // Answered in full, or refused: what cannot be read is no reason to open it.
    entry(`extensions ${extensions}`, {
      headers: { 'sec-websocket-extensions': extensions, 'sec-websocket-version': '12' },
    }),
  ),
];
