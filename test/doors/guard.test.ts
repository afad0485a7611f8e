import { describe, expect, test } from '@jest/globals';
import { checkPreflighted, createGuard, isPreflight, loopbackHosts } from '../../doors/guard.ts';
import type { RequestHead } from '../../doors/guard.ts';
import { knock, openHouse, post, send } from './support.ts';
import type { House } from './support.ts';

type Headers = Readonly<Record<string, string>>;
interface Heard {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: { readonly errors?: readonly { message: string; extensions: Record<string, unknown> }[] };
}

/** Every way in, by a request that it would answer. */
const doors: Readonly<
  Record<string, { readonly accepts: number; knock(house: House, headers: Headers): Promise<Heard> }>
> = {
  'POST /graphql': { accepts: 200, knock: (house, headers) => post(house, { query: '{ hello }' }, headers) },
  'GET /graphql': {
    accepts: 200,
    knock: (house, headers) => {
      return send(house, {
        path: '/graphql?query={hello}',
        headers: { 'apollo-require-preflight': '1', ...headers },
      });
    },
  },
  'POST /graphql/stream': {
    accepts: 200,
    knock: (house, headers) => post(house, { query: '{ hello }' }, headers, '/graphql/stream'),
  },
  'GET /graphql/stream': {
    accepts: 200,
    knock: (house, headers) => {
      const path = '/graphql/stream?query={hello}';
      return send(house, { path, headers: { 'x-graphql-require-preflight': '1', ...headers } });
    },
  },
  'WS /graphql': { accepts: 101, knock },
  '/healthz': { accepts: 200, knock: (house, headers) => send(house, { path: '/healthz', headers }) },
  '/readyz': { accepts: 200, knock: (house, headers) => send(house, { path: '/readyz', headers }) },
  '/metrics': { accepts: 200, knock: (house, headers) => send(house, { path: '/metrics', headers }) },
  '/playground': { accepts: 200, knock: (house, headers) => send(house, { path: '/playground', headers }) },
  'a path that is not there': {
    accepts: 404,
    knock: (house, headers) => send(house, { path: '/nowhere', headers }),
  },
};

const openAllDoors = () =>
  openHouse({ registerPlayground: (app) => void app.get('/playground', async () => 'a playground') });

const foreignHosts = [
  'evil.example',
  'evil.example:4000',
  'localhost.evil.example',
  'evillocalhost',
  'sub.localhost',
  '127.0.0.1.evil.example',
  '127.0.0.2',
  '2130706433',
  '0x7f000001',
  '127.1',
  '0.0.0.0',
  '[::]',
  '[::ffff:127.0.0.1]',
  'localhost@evil.example',
  'localhost:4000:4000',
  'localhost:',
  'localhost/',
  'localhost..',
  'localhost,evil.example',
];

const foreignOrigins = [
  'https://evil.example',
  'null',
  '',
  'http://localhost:1',
  'http://evil.example, http://localhost',
  'file://',
  'https://console.example.com.evil.example',
  'http://console.example.com',
  'https://console.example.com:8443',
  'chrome-extension://abcdefgh',
];

describe.each(Object.entries(doors))('at %s', (_name, door) => {
  test('every loopback Host is let in, whatever its case, port and trailing dot', async () => {
    const house = await openAllDoors();
    const hosts = [
      'localhost',
      'LOCALHOST',
      '127.0.0.1',
      '[::1]',
      'localhost.',
      'localhost:4000',
      '127.0.0.1:65535',
    ];
    for (const host of hosts) {
      expect([host, (await door.knock(house, { host })).status]).toEqual([host, door.accepts]);
    }
  });

  test('every other Host is refused', async () => {
    const house = await openAllDoors();
    for (const host of foreignHosts) {
      const answer = await door.knock(house, { host });
      expect([host, answer.status]).toEqual([host, 403]);
      expect(answer.json.errors?.[0]?.message).toContain('ALLOWED_HOSTS');
      expect(answer.json.errors?.[0]?.extensions).toEqual({ code: 'FORBIDDEN' });
    }
  });

  test('every other Origin is refused', async () => {
    const house = await openAllDoors();
    for (const origin of foreignOrigins) {
      const answer = await door.knock(house, { origin });
      expect([origin, answer.status]).toEqual([origin, 403]);
      expect(answer.json.errors?.[0]?.message).toContain('ALLOWED_ORIGINS');
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  test('pages of its own are let in, by either scheme, and those of allowed origins', async () => {
    const house = await openAllDoors();
    for (const scheme of ['http', 'https']) {
      const own = await door.knock(house, { origin: `${scheme}://127.0.0.1:${house.port}` });
      expect(own.status).toBe(door.accepts);
      expect(own.headers).not.toHaveProperty('access-control-allow-origin');
    }
    const allowed = { origin: 'https://console.example.com', 'sec-fetch-site': 'cross-site' };
    expect((await door.knock(house, allowed)).status).toBe(door.accepts);
  });

  test('a rebound page is refused though its Origin equals its Host', async () => {
    const house = await openAllDoors();
    const host = `evil.example:${house.port}`;
    expect((await door.knock(house, { host, origin: `http://${host}` })).status).toBe(403);
  });

  test('what another site sends without an Origin is refused', async () => {
    const house = await openAllDoors();
    for (const site of ['cross-site', 'unheard-of']) {
      const answer = await door.knock(house, { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' });
      expect(answer.status).toBe(403);
      expect(answer.json.errors?.[0]?.message).toContain('ALLOWED_ORIGINS');
    }
    expect((await door.knock(house, { 'sec-fetch-site': 'same-origin' })).status).toBe(door.accepts);
  });

  test('every answer carries the security headers', async () => {
    const house = await openAllDoors();
    for (const host of ['localhost', 'evil.example']) {
      const answer = await door.knock(house, { host });
      if (answer.status === 101) continue;
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      });
    }
  });
});

describe('CORS', () => {
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  };

  test('a preflight of an allowed origin is granted, for that origin alone', async () => {
    const house = await openHouse();
    for (const path of ['/graphql', '/graphql/stream']) {
      const headers = { origin: 'https://console.example.com', ...preflight };
      const answer = await send(house, { method: 'OPTIONS', path, headers });
      expect(answer.status).toBe(204);
      expect(answer.headers['access-control-allow-origin']).toBe('https://console.example.com');
      for (const name of ['content-type', 'traceparent', 'tracestate', 'x-request-id'])
        expect(answer.headers['access-control-allow-headers']).toContain(name);
      expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
      expect(answer.headers.vary).toBe('Origin');
    }
  });

  test('a preflight of anybody else is refused', async () => {
    const house = await openHouse();
    const answer = await send(house, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', ...preflight },
    });
    expect(answer.status).toBe(403);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('an answer to an allowed origin may be read by it, a stream too', async () => {
    const house = await openHouse();
    for (const path of ['/graphql', '/graphql/stream']) {
      const answer = await post(
        house,
        { query: '{ hello }' },
        { origin: 'https://console.example.com' },
        path,
      );
      expect(answer.headers['access-control-expose-headers']).toBe('x-request-id, retry-after');
      expect(answer.headers['access-control-allow-origin']).toBe('https://console.example.com');
    }
  });

  test('a route that varies by something else varies by Origin too', async () => {
    const registerPlayground: Parameters<typeof openHouse>[0] = {
      registerPlayground: (app) =>
        void app.get('/playground', async (_, reply) => reply.header('vary', 'accept-encoding').send('')),
    };
    const house = await openHouse(registerPlayground);
    expect((await send(house, { path: '/playground' })).headers.vary).toBe('accept-encoding, Origin');
  });
});

test('a link from another site opens the playground, but runs no query', async () => {
  const house = await openAllDoors();
  const headers = {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  };
  expect((await send(house, { path: '/playground', headers })).status).toBe(200);
  expect((await send(house, { path: '/graphql?query={hello}', headers })).status).toBe(400);
  expect((await send(house, { path: '/graphql/stream?query={hello}', headers })).status).toBe(400);
  const framed = { ...headers, 'sec-fetch-dest': 'iframe' };
  expect((await send(house, { path: '/playground', headers: framed })).status).toBe(403);
});

test.each([
  ['10.0.0.7:4000', '10.0.0.7'],
  ['10.0.0.7', '::ffff:10.0.0.7'],
  ['[fd00::7]:4000', 'fd00::7'],
])('how it is doing may be asked by the address that was connected to: %s', (host, localAddress) => {
  const probePaths = ['/healthz', '/readyz', '/metrics'];
  const guard = createGuard({ allowedHosts: ['gateway.example.com'], allowedOrigins: [], probePaths });
  const check = (url: string, headers: Headers = {}, asked = host) =>
    guard.check({
      method: 'GET',
      url,
      headers: { host: asked, ...headers },
      rawHeaders: ['Host', asked],
      socket: { localAddress },
    });
  for (const path of ['/healthz', '/readyz', '/metrics', '/metrics?x']) expect(check(path)).toBeNull();
  for (const path of ['/', '/graphql', '/graphql/stream', '/playground', '/healthz/x', '/graphql?/healthz'])
    expect(check(path)?.status).toBe(403);
  expect(check('/healthz', {}, host.replace('7', '8'))?.status).toBe(403);
  expect(check('/metrics', { origin: 'https://evil.example' })?.status).toBe(403);
  expect(check('/metrics', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })?.status).toBe(
    403,
  );
});

test('a pod is asked by its address, over a real connection', async () => {
  const house = await openHouse({ allowedHosts: ['gateway.example.com'] });
  const host = `127.0.0.1:${house.port}`;
  expect((await send(house, { path: '/healthz', headers: { host } })).status).toBe(200);
  expect((await send(house, { path: '/healthz', headers: { host: '127.0.0.2' } })).status).toBe(403);
  expect((await post(house, { query: '{ hello }' }, { host })).status).toBe(403);
});

test('allowed hosts and origins are understood in every way that people write them', () => {
  const allowedHosts = ['Gateway.Example.com.', 'gateway.internal:4000', '::1'];
  const guard = createGuard({
    allowedHosts,
    allowedOrigins: ['HTTPS://Console.example.com:443/', 'vscode-webview://abc'],
  });
  const check = (host: string, origin?: string) =>
    guard.check({ method: 'POST', url: '/', headers: { host, origin }, rawHeaders: ['Host', host] });
  expect(check('gateway.example.com')).toBeNull();
  expect(check('gateway.internal')).toBeNull();
  expect(check('[::1]:1')).toBeNull();
  expect(check('localhost')?.status).toBe(403);
  expect(check('[::1]', 'https://console.example.com')).toBeNull();
  expect(check('[::1]', 'vscode-webview://abc')).toBeNull();
  expect(loopbackHosts).toEqual(['localhost', '127.0.0.1', '[::1]']);
});

test.each([
  { allowedHosts: ['*'], allowedOrigins: [] },
  { allowedHosts: ['http://localhost'], allowedOrigins: [] },
  { allowedHosts: [''], allowedOrigins: [] },
  { allowedHosts: [], allowedOrigins: ['*'] },
  { allowedHosts: [], allowedOrigins: ['null'] },
  { allowedHosts: [], allowedOrigins: ['https://a.example/path'] },
  { allowedHosts: [], allowedOrigins: ['console.example.com'] },
])('%j is refused when the doors are built', (options) => {
  expect(() => createGuard(options)).toThrow(/ALLOWED_(HOSTS|ORIGINS): /);
});

describe('by its head alone a request', () => {
  const console = 'https://console.example.com';
  const probePaths = ['/healthz', '/metrics'];
  const guard = createGuard({ allowedHosts: loopbackHosts, allowedOrigins: [console], probePaths });
  const headOf = (headers: Headers = {}, more: Partial<RequestHead> = {}): RequestHead => {
    const all = { host: 'localhost:4000', ...headers };
    return { method: 'GET', url: '/graphql', headers: all, rawHeaders: Object.entries(all).flat(), ...more };
  };
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const localAddress = (address: string, url = '/healthz') => ({ url, socket: { localAddress: address } });

  test.each<[string, RequestHead, number | undefined]>([
    ['of its own page', headOf({ origin: 'http://localhost:4000' }), undefined],
    ['of its own page in other letters', headOf({ origin: 'HTTP://LOCALHOST:4000' }), undefined],
    ['of a page at another port', headOf({ origin: 'http://localhost:8080' }), 403],
    ['of a page at no port', headOf({ origin: 'http://localhost' }), 403],
    ['of a page by another name of this machine', headOf({ origin: 'http://127.0.0.1:4000' }), 403],
    ['of a page by another scheme', headOf({ origin: 'xhttp://localhost:4000' }), 403],
    ['of an allowed page in other letters', headOf({ origin: console.toUpperCase() }), undefined],

    ['that follows a link', headOf(link), undefined],
    ['that looks where a link leads', headOf(link, { method: 'HEAD' }), undefined],
    ['that sends a form', headOf(link, { method: 'POST' }), 403],
    ['that opens a WebSocket as a link', headOf({ ...link, upgrade: 'websocket' }), 403],
    ['for an image', headOf({ ...link, 'sec-fetch-mode': 'no-cors' }), 403],
    ['for a frame', headOf({ ...link, 'sec-fetch-dest': 'iframe' }), 403],
    ['of another site', headOf({ 'sec-fetch-site': 'cross-site' }), 403],
    ['of nobody knows which site', headOf({ 'sec-fetch-site': 'elsewhere' }), 403],
    ['of the same site', headOf({ 'sec-fetch-site': 'same-site' }), undefined],
    ['of the same origin', headOf({ 'sec-fetch-site': 'same-origin' }), undefined],
    ['of its user', headOf({ 'sec-fetch-site': 'none' }), undefined],

    ['in HTTP/1.0', headOf({}, { httpVersion: '1.0' }), undefined],
    ['in HTTP/0.9', headOf({}, { httpVersion: '0.9' }), 400],
    ['in HTTP/2.0', headOf({}, { httpVersion: '2.0' }), 400],
    ['for a proxy', headOf({}, { url: 'http://localhost:4000/graphql' }), 400],
    ['for all of the server', headOf({}, { url: '*' }), 400],
    ['with a fragment', headOf({}, { url: '/graphql#x' }), 400],

    ['with another header of four letters', headOf({ Date: 'x' }), undefined],
    ['with two hosts', headOf({}, { rawHeaders: ['Host', 'localhost', 'hOST', 'localhost'] }), 403],
    ['without a host', headOf({}, { headers: {}, rawHeaders: [] }), 400],

    ['that probes by address', headOf({ host: '10.0.0.5:4000' }, localAddress('10.0.0.5')), undefined],
    ['that probes by IPv4 in IPv6', headOf({ host: '10.0.0.5' }, localAddress('::ffff:10.0.0.5')), undefined],
    ['that probes by IPv6', headOf({ host: '[fd00::1]:4000' }, localAddress('fd00::1')), undefined],
    [
      'that probes with a query',
      headOf({ host: '10.0.0.5' }, localAddress('10.0.0.5', '/metrics?x')),
      undefined,
    ],
    ['that probes by another address', headOf({ host: '10.0.0.6' }, localAddress('10.0.0.5')), 403],
    ['that asks by address', headOf({ host: '10.0.0.5' }, localAddress('10.0.0.5', '/graphql')), 403],
  ])('%s', (_, head, status) => {
    expect(guard.check(head)?.status).toBe(status);
  });

  const json = { 'content-type': 'application/json' };
  const post = { method: 'POST' };
  test.each<[string, RequestHead, number | undefined]>([
    ['a POST of JSON', headOf(json, post), undefined],
    [
      'a POST of JSON in other letters',
      headOf({ 'content-type': 'Application/JSON ; a=b' }, post),
      undefined,
    ],
    ['a POST of text', headOf({ 'content-type': 'text/plain' }, post), 415],
    ['a POST of what looks like JSON', headOf({ 'content-type': 'text/plain;application/json' }, post), 415],
    ['a POST of nobody knows what', headOf({ 'x-apollo-operation-name': 'a' }, post), 415],
    ['a GET', headOf(), 400],
    ['a GET of JSON', headOf(json), undefined],
    [
      'a GET of text that could ask',
      headOf({ 'content-type': 'text/plain', 'x-apollo-operation-name': 'a' }),
      415,
    ],
    ['a GET that names its operation', headOf({ 'x-apollo-operation-name': 'a' }), undefined],
    ['a GET by Apollo’s word', headOf({ 'apollo-require-preflight': '1' }), undefined],
    ['a GET by our word', headOf({ 'x-graphql-require-preflight': '1' }), undefined],
    ['a GET by an empty word', headOf({ 'x-graphql-require-preflight': '' }), 400],
  ])('that a page elsewhere could send without asking, or not: %s', (_, head, status) => {
    expect(checkPreflighted(head)?.status).toBe(status);
  });

  const asking = { origin: console, 'access-control-request-method': 'POST' };
  const options = { method: 'OPTIONS' };
  test('that asks first is one with a method, an origin and a question', () => {
    expect(isPreflight(headOf(asking, options))).toBe(true);
    expect(isPreflight(headOf(asking, { method: 'POST' }))).toBe(false);
    expect(isPreflight(headOf({ origin: console }, options))).toBe(false);
    expect(isPreflight(headOf({ 'access-control-request-method': 'POST' }, options))).toBe(false);
  });

  test('that asks first is told of a private network only where it asks for one', () => {
    const granted = (headers: Headers) =>
      guard.corsHeaders(headOf({ ...asking, ...headers }, options))['access-control-allow-private-network'];
    expect(granted({})).toBeUndefined();
    expect(granted({ 'access-control-request-private-network': 'false' })).toBeUndefined();
    expect(granted({ 'access-control-request-private-network': 'true' })).toBe('true');
    expect(guard.corsHeaders(headOf({ origin: console.toUpperCase() }))).toMatchObject({
      'access-control-allow-origin': console.toUpperCase(),
    });
  });
});

test('hosts and origins may stand in a list with spaces, but not with a query, or without a host', () => {
  const guard = createGuard({
    allowedHosts: [' localhost ', ' FD00::A '],
    allowedOrigins: [' https://A.example '],
  });
  const check = (host: string, origin?: string) =>
    guard.check({ method: 'POST', url: '/', headers: { host, origin }, rawHeaders: ['Host', host] });
  expect([check('localhost'), check('[fd00::a]'), check('localhost', 'https://a.example')]).toEqual([
    null,
    null,
    null,
  ]);
  for (const origin of ['https://a.example?b', 'about:'])
    expect(() => createGuard({ allowedHosts: [], allowedOrigins: [origin] })).toThrow('ALLOWED_ORIGINS: ');
});
