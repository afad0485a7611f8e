/** `/metrics` of the real gateway: what it tells of a life, and that nothing a caller or Oracle Cloud says becomes a label. */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { catalog } from '../../datasources/catalog.ts';
import { subscriptionEnds, transports } from '../../doors/tally.ts';
import { tokenRefusals } from '../../doors/tokens.ts';
import { errorCodes, limits } from '../../errors.ts';
import { betweenLooksMs, createTestGateway, testRegions } from '../support/gateway.ts';
import type { Json, TestGateway } from '../support/gateway.ts';

const region = 'us-ashburn-1';

type Series = Readonly<Record<string, string>> & { readonly name: string; readonly value: string };

const seriesOf = async ({ metricsUrl }: Pick<TestGateway, 'metricsUrl'>): Promise<readonly Series[]> => {
  const text = await (await fetch(metricsUrl)).text();
  return [...text.matchAll(/^(gateway_\w+)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name = '', labels = '', value = '']) => ({
      ...Object.fromEntries(
        [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, word]) => [key, word]),
      ),
      name,
      value,
    }),
  );
};

const find = (
  series: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number => {
  const found = series.filter(
    (each) => each.name === name && Object.entries(labels).every(([key, word]) => each[key] === word),
  );
  return found.reduce((sum, { value }) => sum + Number(value), 0);
};

/** Resolves when `/metrics` says so; jest's own deadline is the limit. */
const until = async (gateway: TestGateway, isTrue: (series: readonly Series[]) => boolean): Promise<void> => {
  while (!isTrue(await seriesOf(gateway))) await sleep(betweenLooksMs);
};

const gateways: TestGateway[] = [];
const createHouse: typeof createTestGateway = async (overrides) => {
  const made = await createTestGateway(overrides);
  gateways.push(made);
  return made;
};
afterEach(async () => {
  for (const each of gateways.splice(0)) await each.stop();
});

describe('/metrics tells', () => {
  const document = 'subscription($id: ID!) { workRequest(id: $id, service: DEVOPS) { type } }';
  const create = (house: TestGateway, more: Json = {}): string =>
    house.emulator.createWorkRequest({
      service: 'DEVOPS',
      region,
      script: [{ afterMs: 0, status: 'IN_PROGRESS', percentComplete: 10 }],
      ...more,
    }).id;
  const watchList =
    'subscription($c: String!) { workRequests(compartmentId: $c, services: [DEVOPS], regions: ["us-ashburn-1"]) { type } }';

  test('who subscribes to what, and how stale it is while upstream is away', async () => {
    const house = await createHouse();
    const c = 'ocid1.compartment.oc1..metrics';
    create(house, { compartmentId: c, script: [{ afterMs: 0, status: 'SUCCEEDED' }] });
    const watch = house.subscribe(document, { id: create(house) });
    const list = house.subscribe(watchList, { c }, { transport: 'sse' });
    await Promise.all([watch.next(), list.next()]);
    let series = await seriesOf(house);
    expect(find(series, 'gateway_subscriptions', { transport: 'websocket', form: 'single' })).toBe(1);
    expect(find(series, 'gateway_subscriptions', { transport: 'sse', form: 'list' })).toBe(1);
    expect([find(series, 'gateway_watchers'), find(series, 'gateway_listings')]).toEqual([1, 1]);
    expect([find(series, 'gateway_stale_watchers'), find(series, 'gateway_stale_listings')]).toEqual([0, 0]);
    expect(
      find(series, 'gateway_upstream_calls_total', { service: 'DEVOPS', status: '200' }),
    ).toBeGreaterThan(1);

    house.emulator.addFault({ service: 'DEVOPS', status: 418 });
    await until(
      house,
      (now) => find(now, 'gateway_stale_watchers') === 1 && find(now, 'gateway_stale_listings') === 1,
    );
    series = await seriesOf(house);
    expect(find(series, 'gateway_upstream_calls_total', { status: '4xx' })).toBeGreaterThan(0);
    expect(find(series, 'gateway_oldest_answer_seconds')).toBeGreaterThan(0.25);
    expect(find(series, 'gateway_gaps_total', { reason: 'UPSTREAM_SILENT' })).toBeGreaterThan(0);
    house.emulator.clearFaults();
    await until(
      house,
      (now) => find(now, 'gateway_stale_watchers') === 0 && find(now, 'gateway_stale_listings') === 0,
    );
    watch.unsubscribe();
    list.unsubscribe();
    await until(house, (now) => find(now, 'gateway_subscriptions') === 0);
    series = await seriesOf(house);
    expect(find(series, 'gateway_subscriptions_ended_total', { form: 'single', reason: 'completed' })).toBe(
      1,
    );
    expect(find(series, 'gateway_subscriptions_ended_total', { form: 'list', reason: 'disconnected' })).toBe(
      1,
    );
    expect(find(series, 'gateway_oldest_answer_seconds')).toBe(0);
  });

  test('what is left of a budget, who waits for it, and that a 429 slows it down', async () => {
    const house = await createHouse({ env: { UPSTREAM_RPS: '2', POLL_MIN_MS: '250', POLL_MAX_MS: '250' } });
    expect((await seriesOf(house)).filter(({ name }) => name === 'gateway_budget_left')).toEqual([]);
    const watches = Array.from({ length: 8 }, () => house.subscribe(document, { id: create(house) }));
    const place = { service: 'DEVOPS', region };
    await until(house, (series) => find(series, 'gateway_polls_waiting', place) > 0);
    let series = await seriesOf(house);
    expect(find(series, 'gateway_budget_rate', place)).toBe(2);
    expect(find(series, 'gateway_budget_left', place)).toBeLessThan(2);
    house.emulator.addFault({ service: 'DEVOPS', status: 429, times: 1 });
    await until(house, (now) => find(now, 'gateway_budget_slowdowns_total', place) > 0);
    series = await seriesOf(house);
    expect(find(series, 'gateway_budget_rate', place)).toBeLessThan(2);
    for (const watch of watches) watch.cut();
  });

  test('how many items could not be read', async () => {
    const house = await createHouse();
    house.emulator.addFault({ service: 'CONTAINERENGINE', operation: 'list', times: 1, body: '[{}, null]' });
    create(house, { service: 'CONTAINERENGINE', compartmentId: 'ocid1.compartment.oc1..m' });
    await house.query(
      '{ workRequests(compartmentId: "ocid1.compartment.oc1..m", services: [CONTAINERENGINE], regions: ["us-ashburn-1"]) { nodes { id } } }',
    );
    const place = { service: 'CONTAINERENGINE', region };
    expect(find(await seriesOf(house), 'gateway_malformed_items_total', place)).toBe(2);
  });
});

describe('METRICS_PORT', () => {
  interface Heard {
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly text: string;
  }
  const ask = async (url: string, path: string, headers: Json = {}, method = 'GET'): Promise<Heard> => {
    const target = new URL(path, url);
    const request = httpRequest(target, { method, agent: false, headers: headers as Record<string, string> });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  };
  const createApart = () => createHouse({ env: { METRICS_PORT: '0', ALLOWED_HOSTS: 'gateway.example.com' } });
  const host = 'gateway.example.com';

  test('has /metrics and nothing else, with what every answer has', async () => {
    const house = await createApart();
    const { status, headers, text } = await ask(house.metricsUrl, '/metrics', { host });
    expect(status).toBe(200);
    expect(text).toMatch(/^gateway_ready 1$/m);
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(headers).toMatchObject({
      'content-type': expect.stringMatching(/^text\/plain; version=/),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'x-request-id': expect.any(String),
    });
    for (const path of [
      '/',
      '/graphql',
      '/graphql/stream',
      '/healthz',
      '/readyz',
      '/playground',
      '/metrics/x',
    ])
      expect([path, (await ask(house.metricsUrl, path, { host })).status]).toEqual([path, 404]);
    const posted = await ask(house.metricsUrl, '/metrics', { host }, 'POST');
    expect([posted.status, posted.headers.allow]).toEqual([405, 'GET, HEAD']);
    const upgrade = { host, connection: 'Upgrade', upgrade: 'websocket' };
    expect((await ask(house.metricsUrl, '/graphql', upgrade)).status).toBe(404);
  });

  test('answers to its address and to the names that were told, and to no page', async () => {
    const house = await createApart();
    const statusOf = async (headers: Json): Promise<number> =>
      (await ask(house.metricsUrl, '/metrics', headers)).status;
    expect(await statusOf({})).toBe(200);
    expect(await statusOf({ host: 'evil.example' })).toBe(403);
    expect(await statusOf({ host: '127.0.0.2' })).toBe(403);
    expect(await statusOf({ host, origin: 'https://evil.example' })).toBe(403);
  });

  test('leaves nothing at the other port: no more is said of /metrics than of any path', async () => {
    const house = await createApart();
    for (const headers of [{ host }, {}, { host, origin: 'https://evil.example' }]) {
      const [metrics, nowhere] = [
        await ask(house.url, '/metrics', headers),
        await ask(house.url, '/nowhere', headers),
      ];
      expect(metrics.status).toBe('origin' in headers || !('host' in headers) ? 403 : 404);
      expect([metrics.status, metrics.text]).toEqual([nowhere.status, nowhere.text]);
    }
    for (const path of ['/healthz', '/readyz']) expect((await ask(house.url, path)).status).toBe(200);
  });
});

describe('no label is what a caller or Oracle Cloud sent', () => {
  const issuer = 'https://id.example.com/';
  const audience = 'gateway';
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let published: string;
  const idp = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(published);
  });
  beforeAll(async () => {
    keys = await generateKeyPair('ES256');
    published = JSON.stringify({
      keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' }],
    });
    await once(idp.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => void idp.close());

  const words = {
    service: Object.keys(catalog),
    region: testRegions,
    outcome: ['ok', 'OTHER', ...Object.keys(errorCodes)],
    code: Object.keys(errorCodes),
    transport: transports,
    type: ['query', 'mutation', 'subscription', 'unknown'],
    form: ['single', 'list'],
    kind: ['subscription', 'read'],
    limit: limits,
    reason: [
      ...subscriptionEnds,
      ...['NOT_FOUND', 'RETENTION', 'UPSTREAM_SILENT', 'OVERFLOW', 'FORBIDDEN'],
      ...tokenRefusals,
    ],
  } as const satisfies Readonly<Record<string, readonly string[]>>;
  const isKnown = (label: string, word: string): boolean => {
    if (label === 'le') return word === '+Inf' || Number(word) > 0;
    if (label === 'status') return /^([1-5]\d\d|[1-5]xx|none|other)$/.test(word);
    return (words as Readonly<Record<string, readonly string[]>>)[label]?.includes(word) ?? false;
  };
  const foreign = async (house: TestGateway): Promise<readonly string[]> =>
    (await seriesOf(house)).flatMap(({ name, value: _, ...labels }) =>
      Object.entries(labels)
        .filter(([label, word]) => !isKnown(label, word))
        .map(([label, word]) => `${name} ${label}=${word}`),
    );

  /** Bytes as a client may put them, also where no library would. */
  const send = (
    house: TestGateway,
    method: string,
    path: string,
    headers: Json,
    body: string,
  ): Promise<void> =>
    new Promise((resolve) => {
      try {
        const request = httpRequest({
          host: '127.0.0.1',
          port: house.port,
          method,
          path,
          agent: false,
          headers: headers as Record<string, string>,
        });
        request.on('error', () => resolve());
        request.on('response', (response) => {
          response.resume();
          response.on('close', () => resolve());
        });
        request.end(body);
      } catch {
        resolve();
      }
    });
  const overWebSocket = async (
    house: TestGateway,
    token: string,
    messages: readonly string[],
  ): Promise<void> => {
    const socket = new WebSocket(`ws://127.0.0.1:${house.port}/graphql`, 'graphql-transport-ws');
    socket.on('error', () => {});
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: token } }));
    let answers = 0;
    socket.on('message', () => {
      if (answers === 0) for (const message of messages) socket.send(message);
      answers += 1;
      // The last one breaks the protocol.
      if (answers > messages.length) socket.send(JSON.stringify({ type: messages[0] }));
    });
    setTimeout(() => socket.close(3_123), 300).unref();
    await once(socket, 'close');
  };

  test('whatever the document, its name, variables, path, headers, token and claims are', async () => {
    const { port } = idp.address() as AddressInfo;
    const house = await createHouse({
      env: {
        AUTH: 'jwt',
        AUTH_ISSUER: issuer,
        AUTH_AUDIENCE: audience,
        AUTH_JWKS_URL: `http://127.0.0.1:${port}/keys`,
      },
    });
    const tokenOf = (claims: Json, kid = 'one'): Promise<string> =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime('1h')
        .sign(keys.privateKey);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        'canary"} 1\ngateway_ready{x="y',
        '__proto__',
        'constructor',
        'toString',
        '{le="1"}',
        '',
      ),
    );
    const path = text.map((word) => `/${encodeURIComponent(word.toWellFormed())}`);
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        path,
        fc.string({ maxLength: 20 }),
        async (word, other, somePath, ascii) => {
          const authorization = `Bearer ${await tokenOf({ sub: word || 'x', canary: other, [word]: other })}`;
          const forged = `Bearer ${await tokenOf({ sub: 'x' }, other)}`;
          const json = { 'content-type': 'application/json', authorization };
          const name = `N${[...word].map((letter) => letter.codePointAt(0)?.toString(36)).join('_')}`;
          const bodies = [
            { query: `query ${name} { __typename }`, operationName: name },
            { query: '{ __typename }', operationName: other },
            { query: word },
            { query: `{ ${name} }`, extensions: { persistedQuery: { version: 1, sha256Hash: other } } },
            {
              query:
                'query($id: ID!, $r: String) { workRequest(id: $id, region: $r, service: DEVOPS) { id } }',
              variables: { id: word, r: other },
            },
            {
              query:
                'query($c: String!, $r: String!) { workRequests(compartmentId: $c, regions: [$r]) { nodes { id } } }',
              variables: { c: word, r: other },
            },
            {
              query: 'subscription($id: ID!, $r: String) { workRequest(id: $id, region: $r) { type } }',
              variables: { id: word, r: other },
            },
          ].map((body) => JSON.stringify(body));
          await Promise.all([
            ...bodies.map((body) => send(house, 'POST', '/graphql', json, body)),
            ...bodies.map((body) => send(house, 'POST', '/graphql/stream', json, body)),
            send(house, 'POST', '/graphql', { ...json, authorization: forged }, bodies[0] ?? ''),
            send(house, 'POST', '/graphql', { ...json, authorization: ascii }, bodies[0] ?? ''),
            send(house, 'POST', '/graphql', { ...json, host: `${name}.example.com` }, bodies[0] ?? ''),
            send(house, 'POST', '/graphql', { ...json, 'content-type': ascii }, word),
            send(house, 'GET', somePath, {}, ''),
            send(house, 'DELETE', '/graphql', { origin: `https://${name}.example.com` }, ''),
            overWebSocket(house, authorization, [
              ...bodies.map((payload, id) => `{"type":"subscribe","id":"${id}","payload":${payload}}`),
              JSON.stringify({ type: word }),
            ]),
            overWebSocket(house, forged, []),
          ]);
        },
      ),
      { numRuns: 12 },
    );
    const series = await seriesOf(house);
    for (const reason of ['malformed', 'untrusted'])
      expect(find(series, 'gateway_callers_refused_total', { reason })).toBeGreaterThan(0);
    for (const transport of transports)
      expect(find(series, 'gateway_operations_total', { transport, outcome: 'ok' })).toBeGreaterThan(0);
    expect(await foreign(house)).toEqual([]);
    expect(series.length).toBeLessThan(1_000);
  });

  test('whatever status Oracle Cloud answers with', async () => {
    const house = await createHouse();
    for (const status of [299, 418, 451, 498, 511, 599]) {
      house.emulator.addFault({ service: 'DEVOPS', status, times: 1 });
      await house.query(
        '{ workRequests(compartmentId: "ocid1.compartment.oc1..m", services: [DEVOPS], regions: ["us-ashburn-1"]) { nodes { id } } }',
      );
    }
    expect(await foreign(house)).toEqual([]);
  });
});
