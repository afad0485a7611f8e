/** Tokens of a real issuer, over the real gateway: with one its callers are served on every door, without one on none. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createTestGateway } from '../support/gateway.ts';
import type { Answer, Json, TestGateway } from '../support/gateway.ts';
import { createIssuer } from '../support/issuer.ts';
import type { Issuer } from '../support/issuer.ts';

let gateway: TestGateway;
let idp: Issuer;

beforeAll(async () => {
  idp = await createIssuer();
  gateway = await createTestGateway({
    env: idp.env,
    logLevel: 'trace',
  });
});
afterAll(async () => {
  await gateway.stop();
  idp.close();
});

const compartmentId = 'ocid1.compartment.oc1..callers';
const listQuery =
  'query L($c: String!, $after: String) { workRequests(compartmentId: $c, services: [CONTAINERENGINE], regions: ["us-ashburn-1"], first: 1, after: $after) { nodes { workRequestId } pageInfo { endCursor hasNextPage } } }';

const ask = async (
  token: string | null,
  variables: Json,
): Promise<{ status: number; answer: Answer<Json> }> => {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query: listQuery, variables }),
  });
  return { status: response.status, answer: (await response.json()) as Answer<Json> };
};

const create = async (): Promise<readonly string[]> => {
  const response = await fetch(`${gateway.emulatorUrl}/_emulator/work-requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'CONTAINERENGINE', region: 'us-ashburn-1', compartmentId, count: 2 }),
  });
  return ((await response.json()) as { ids: readonly string[] }).ids;
};

describe('callers with tokens', () => {
  test('are served, and each with cursors of their own', async () => {
    await create();
    expect(await ask(null, { c: compartmentId })).toMatchObject({
      status: 401,
      answer: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    expect(gateway.asked()).toEqual([]);
    const [alice, bob] = [await idp.tokenOf('alice'), await idp.tokenOf('bob')];
    const first = await ask(alice, { c: compartmentId });
    expect(first.status).toBe(200);
    const { nodes, pageInfo } = first.answer.data?.['workRequests'] as {
      nodes: readonly Json[];
      pageInfo: { endCursor: string };
    };
    expect(nodes).toHaveLength(1);
    const next = { c: compartmentId, after: pageInfo.endCursor };
    expect((await ask(alice, next)).answer.errors).toBeUndefined();
    expect((await ask(bob, next)).answer.errors?.[0]?.extensions?.code).toBe('CURSOR_INVALID');
    expect(idp.asked()).toBe(1);
    for (const token of [alice, bob]) expect(gateway.logged.join('')).not.toContain(token.slice(-40));
  });

  test('subscribe by WebSocket and by event stream, until their token ends', async () => {
    const [id = ''] = await create();
    const subscription = `subscription { workRequest(id: "${id}", service: CONTAINERENGINE, region: "us-ashburn-1") { type } }`;
    // Thirty seconds are given for clocks that differ.
    const token = await idp.tokenOf('alice', { expires: new Date(Date.now() - 28_000) });
    const closed = Promise.withResolvers<{ code: number; reason: string }>();
    const webSocket = createWebSocketClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
      on: { closed: (event) => closed.resolve(event as { code: number; reason: string }) },
    });
    const told: unknown[] = [];
    webSocket.subscribe(
      { query: subscription },
      { next: (event) => told.push(event), error: () => {}, complete: () => {} },
    );
    const stream = createSseClient({
      url: `${gateway.url}/graphql/stream`,
      headers: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    const streamed = Promise.withResolvers<unknown>();
    const events: unknown[] = [];
    stream.subscribe(
      { query: subscription },
      {
        next: (event) => events.push(event),
        error: streamed.resolve,
        complete: () => streamed.resolve('complete'),
      },
    );
    expect(await closed.promise).toMatchObject({ code: 4403, reason: expect.stringMatching(/expired/) });
    expect(await streamed.promise).not.toBe('complete');
    for (const received of [told, events])
      expect(received[0]).toMatchObject({ data: { workRequest: { type: 'SNAPSHOT' } } });
    await gateway.untilMetric('gateway_watchers', 0);
    stream.dispose();
  });

  test('are nobody without one, on every door', async () => {
    const closed = Promise.withResolvers<{ code: number }>();
    const webSocket = createWebSocketClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      lazy: false,
      onNonLazyError: () => {},
      on: { closed: (event) => closed.resolve(event as { code: number }) },
    });
    expect((await closed.promise).code).toBe(4403);
    await webSocket.dispose();
    const stream = await fetch(`${gateway.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect([stream.status, stream.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });
});
