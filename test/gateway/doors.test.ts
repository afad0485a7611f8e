/** The doors of the wired gateway: who may come in, where subscriptions go, what runs beside GraphQL, and how it ends. */
import { request as httpRequest } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { createTestGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';

let house: TestGateway;
beforeAll(async () => {
  house = await createTestGateway();
});
afterAll(() => house.stop());

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Sends what `fetch` would not: any `Host`. */
const send = (method: string, path: string, headers: OutgoingHttpHeaders, body?: string): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port: house.port, method, path, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });

const json = { 'content-type': 'application/json' };
const body = JSON.stringify({ query: '{ regions { id } }' });

const paths = [
  ['POST', '/graphql'],
  ['POST', '/graphql/stream'],
  ['GET', '/playground'],
  ['GET', '/'],
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', '/metrics'],
  ['GET', '/nowhere'],
] as const;

describe.each(paths)('%s %s', (method, path) => {
  const ask = (headers: OutgoingHttpHeaders): Promise<Reply> =>
    send(method, path, { ...json, ...headers }, method === 'POST' ? body : undefined);

  test('answers whoever names it rightly', async () => {
    const { status } = await ask({ host: `127.0.0.1:${house.port}` });
    expect(status).toBe(path === '/nowhere' ? 404 : path === '/' ? 302 : 200);
  });

  test.each([
    ['a host that it was not told of', { host: 'evil.example' }],
    ['loopback by a name that only looks like it', { host: '127.0.0.1.evil.example' }],
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['the gateway’s name on another port', { origin: 'http://localhost:1' }],
  ] as const)('refuses %s', async (_name, headers) => {
    const { status, headers: answered, text } = await ask(headers);
    expect(status).toBe(403);
    expect(JSON.parse(text)).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'FORBIDDEN' } }],
    });
    expect(answered['access-control-allow-origin']).toBeUndefined();
  });
});

describe('the WebSocket', () => {
  const knock = (headers: Record<string, string>, path = '/graphql'): Promise<number> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${house.port}${path}`, 'graphql-transport-ws', {
        headers,
      });
      socket.on('open', () => {
        resolve(101);
        socket.terminate();
      });
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      });
      socket.on('error', () => undefined);
    });

  test('opens for clients without a browser and for its own pages', async () => {
    expect(await knock({})).toBe(101);
    expect(await knock({ origin: house.url })).toBe(101);
  });

  test('refuses other hosts, other origins and other paths', async () => {
    expect(await knock({ host: 'evil.example' })).toBe(403);
    expect(await knock({ origin: 'https://evil.example' })).toBe(403);
    expect(await knock({}, '/graphql/stream')).toBe(404);
  });
});

test.each([
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['plain text', { 'content-type': 'text/plain' }],
])('what a page elsewhere can send without asking is refused: %s', async (_name, headers) => {
  for (const path of ['/graphql', '/graphql/stream']) {
    const { status, text } = await send('POST', path, headers, body);
    expect(status).toBe(415);
    expect(text).toContain('CSRF');
    const simple = await send('GET', `${path}?query=${encodeURIComponent('{ regions { id } }')}`, {});
    expect(simple.status).toBe(400);
    expect(simple.text).toContain('CSRF');
  }
});

test('a subscription sent to /graphql is a 400 that names the two paths it goes to, and opens no watcher', async () => {
  const query = 'subscription { workRequest(id: "ocid1.clustersworkrequest.oc1.iad.a") { type } }';
  const post = await send('POST', '/graphql', json, JSON.stringify({ query }));
  const get = await send('GET', `/graphql?query=${encodeURIComponent(query)}`, {
    'x-graphql-require-preflight': '1',
  });
  for (const { status, text } of [post, get]) {
    expect(status).toBe(400);
    expect(text).toMatch(/WS \/graphql .*\/graphql\/stream/);
  }
  expect(house.asked()).toEqual([]);
  expect(await house.metric('gateway_watchers')).toBe(0);
});

test('GET / leads to a playground that opens with a query for a work request', async () => {
  const { status, headers } = await send('GET', '/', {});
  expect([status, headers['location']]).toEqual([302, '/playground']);
  const { text, headers: answered } = await send('GET', '/playground', {});
  expect(answered['content-type']).toMatch(/^text\/html/);
  expect(text).not.toMatch(/<(script|link)[^>]+(src|href)="https?:/);
});

test('health, readiness and metrics answer without asking Oracle Cloud', async () => {
  expect(await (await fetch(`${house.url}/healthz`)).json()).toEqual({ status: 'ok' });
  expect(await (await fetch(`${house.url}/readyz`)).json()).toEqual({ status: 'ok', degraded: [] });
  expect(await house.metric('gateway_watchers')).toBe(0);
  expect(house.asked()).toEqual([]);
});

test('stop() ends with everything open that clients can leave open, says why, and leaves no poller', async () => {
  const closing = await createTestGateway();
  const id = closing.emulator.createWorkRequest({
    service: 'DEVOPS',
    region: 'us-ashburn-1',
    script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
  }).id;
  const document = 'subscription($id: ID!) { workRequest(id: $id, service: DEVOPS) { type } }';
  const watches = [
    closing.subscribe(document, { id }),
    closing.subscribe(document, { id }, { transport: 'sse' }),
  ];
  const seen = { data: { workRequest: { type: 'SNAPSHOT' } } };
  for (const watch of watches) expect(await watch.next()).toMatchObject(seen);
  const idle = connect(closing.port, '127.0.0.1');
  idle.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(idle, 'data');
  const silent = new WebSocket(`ws://127.0.0.1:${closing.port}/graphql`, 'graphql-transport-ws');
  await once(silent, 'open');
  const [closed, ended] = [once(silent, 'close'), once(idle, 'close')];

  await closing.gateway.stop();
  const [code] = (await closed) as [number];
  expect(code).toBe(1012);
  idle.resume();
  await ended;
  await expect(watches[0]?.next()).rejects.toMatchObject({ cause: { code: 1012 } });
  await expect(watches[1]?.next()).rejects.toThrow();
  const asked = closing.emulator.totalCalls();
  await expect(fetch(closing.url)).rejects.toThrow();
  expect(closing.emulator.totalCalls()).toBe(asked);
  await closing.stop();
});
