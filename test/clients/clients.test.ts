/** The gateway, asked by clients that it shares no code with: what its users have, and one that is nothing but a socket. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { apolloClient } from './apollo-client.ts';
import type { Client, ClientKind, Json, Result, Stream } from './client.ts';
import { graphqlSse } from './graphql-sse.ts';
import { graphqlWs } from './graphql-ws.ts';
import { rawSocket } from './raw-socket.ts';
import { openRelay } from './relay.ts';
import { urql } from './urql.ts';

const kinds: readonly ClientKind[] = [graphqlWs, graphqlSse, apolloClient, urql, rawSocket];
const region = 'us-ashburn-1';
const service = 'ADM';
const watch = `subscription Watch($id: ID!) {
  workRequest(id: $id, service: ${service}) {
    type sequence previousStatus mergedCount
    workRequest { id status percentComplete isTerminal errors { nodes { code message } } }
    gap { reason message }
  }
}`;

let house: TestGateway;
beforeAll(async () => {
  house = await createTestGateway();
});
afterAll(() => house.stop());

const clients: Client[] = [];
const connect = (kind: ClientKind, url = house.url): Client => {
  const client = kind.connect(url);
  clients.push(client);
  return client;
};
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await house.untilMetric('gateway_watchers', 0);
});

const create = (more: Json = {}, where = house): string =>
  where.emulator.createWorkRequest({
    service,
    region,
    script: [{ afterMs: 0, status: 'IN_PROGRESS', percentComplete: 10 }],
    ...more,
  }).id;

/** Moves it on; a query sees that, and so watchers are told without waiting for the next look. */
const move = async (id: string, patch: Json, where = house): Promise<void> => {
  where.emulator.patchWorkRequest(id, patch);
  await where.query(`query($id: ID!) { workRequest(id: $id, service: ${service}) { extras } }`, { id });
};

const eventIn = (result: Result | null): Json => {
  expect(result?.errors).toBeUndefined();
  const event = result?.data?.['workRequest'];
  if (event == null) throw new Error(`no event in ${JSON.stringify(result)}`);
  return event as Json;
};
const nextEvent = async (stream: Stream): Promise<Json> => eventIn(await stream.next());
const codesOf = (result: Result | null): readonly unknown[] =>
  (result?.errors ?? []).map(({ extensions }) => extensions?.code);

describe.each(kinds)('$name', (kind) => {
  test('is told a work request from its state at the start to its end, and that this was all', async () => {
    const id = create();
    const stream = connect(kind).subscribe(watch, { id });
    expect(await nextEvent(stream)).toMatchObject({
      type: 'SNAPSHOT',
      sequence: 1,
      previousStatus: null,
      workRequest: { status: 'IN_PROGRESS', percentComplete: 10, isTerminal: false },
      gap: null,
    });
    await move(id, { percentComplete: 60 });
    expect(await nextEvent(stream)).toMatchObject({
      type: 'CHANGED',
      sequence: 2,
      workRequest: { percentComplete: 60 },
    });
    await move(id, { status: 'FAILED', errors: [{ code: 'NoRoom', message: 'Größe: 64 Kö' }] });
    expect(await nextEvent(stream)).toMatchObject({
      type: 'FINISHED',
      sequence: 3,
      previousStatus: 'IN_PROGRESS',
      workRequest: {
        status: 'FAILED',
        isTerminal: true,
        errors: { nodes: [{ code: 'NoRoom', message: 'Größe: 64 Kö' }] },
      },
    });
    expect(await stream.next()).toBeNull();
  });

  test('is told in a gap that there is none', async () => {
    const stream = connect(kind).subscribe(watch, { id: 'ocid1.admworkrequest.oc1.iad.absent' });
    expect(await nextEvent(stream)).toMatchObject({
      type: 'GAP',
      workRequest: null,
      gap: { reason: 'NOT_FOUND' },
    });
    expect(await stream.next()).toBeNull();
  });

  test.each([
    ['an id that can be none', watch, { id: 'no such/id' }, 'BAD_USER_INPUT'],
    ['a variable that does not fit', watch, { id: null }, 'BAD_USER_INPUT'],
    ['a field that is not there', 'subscription { nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
  ])('is told what is wrong with %s', async (_name, document, variables, code) => {
    const stream = connect(kind).subscribe(document, variables);
    expect(codesOf(await stream.next())).toEqual([code]);
    expect(await stream.next()).toBeNull();
  });

  test('leaves no poller behind, whether it unsubscribes or goes away', async () => {
    const client = connect(kind);
    const streams = [create(), create()].map((id) => client.subscribe(watch, { id }));
    for (const stream of streams) expect(await nextEvent(stream)).toMatchObject({ type: 'SNAPSHOT' });
    streams[0]?.leave();
    await house.untilMetric('gateway_watchers', 1);
    client.close();
    await house.untilMetric('gateway_watchers', 0);
    expect(await house.metric('gateway_subscribers')).toBe(0);
  });

  test('comes again when the gateway restarts, and is told the present state', async () => {
    const [leaving, coming] = await Promise.all([createTestGateway(), createTestGateway()]);
    const relay = await openRelay(leaving.port);
    try {
      const id = create({}, leaving);
      create({ id, script: [{ afterMs: 0, status: 'IN_PROGRESS', percentComplete: 70 }] }, coming);
      const stream = connect(kind, relay.url).subscribe(watch, { id });
      expect(await nextEvent(stream)).toMatchObject({
        type: 'SNAPSHOT',
        workRequest: { percentComplete: 10 },
      });
      relay.leadTo(coming.port);
      const stopped = leaving.gateway.stop();
      expect(await nextEvent(stream)).toMatchObject({
        type: 'SNAPSHOT',
        sequence: 1,
        workRequest: { percentComplete: 70 },
      });
      await move(id, { status: 'SUCCEEDED' }, coming);
      expect(await nextEvent(stream)).toMatchObject({ type: 'FINISHED', sequence: 2 });
      expect(await stream.next()).toBeNull();
      await stopped;
    } finally {
      await relay.stop();
      await leaving.emulator.stop();
      await coming.stop();
    }
  });

  test('asks and changes things by the same way, and waits by it', async () => {
    const client = connect(kind);
    for (const execute of [client.execute, client.executeOverHttp].filter((way) => way !== undefined)) {
      const id = create({ cancelTakesMs: 3_600_000 });
      const waiting = execute(
        `query($id: ID!) { waitForWorkRequest(id: $id, service: ${service}, timeoutSeconds: 300) { status } }`,
        { id },
      );
      await house.untilMetric('gateway_watchers', 1);
      const canceled = await execute(
        `mutation($id: ID!) { cancelWorkRequest(input: { id: $id, service: ${service} }) { workRequest { status } error { code } } }`,
        { id },
      );
      expect(canceled).toMatchObject({
        data: { cancelWorkRequest: { workRequest: { status: 'CANCELING' }, error: null } },
      });
      await move(id, { status: 'CANCELED' });
      expect(await waiting).toMatchObject({ data: { waitForWorkRequest: { status: 'CANCELED' } } });
      const wrong = await execute('query($id: ID!) { workRequest(id: $id) { status } }', {
        id: 'no such/id',
      });
      expect(codesOf(wrong)).toEqual(['BAD_USER_INPUT']);
      await house.untilMetric('gateway_watchers', 0);
    }
  });
});

test('all of them are told the same, from one poller', async () => {
  const id = create();
  const streams = kinds.map((kind) => connect(kind).subscribe(watch, { id }));
  const told: Json[][] = [];
  const tellAll = async (): Promise<void> =>
    void told.push(await Promise.all(streams.map(async (stream) => plain(await nextEvent(stream)))));
  await tellAll();
  expect(await house.metric('gateway_watchers')).toBe(1);
  for (const patch of [
    { percentComplete: 20 },
    { status: 'WAITING' },
    { status: 'IN_PROGRESS', percentComplete: 90 },
    { status: 'SUCCEEDED', percentComplete: 100 },
  ]) {
    await move(id, patch);
    await tellAll();
  }
  expect(told.map(([one]) => one?.['type'])).toEqual([
    'SNAPSHOT',
    'CHANGED',
    'CHANGED',
    'CHANGED',
    'FINISHED',
  ]);
  for (const [one, ...others] of told) for (const other of others) expect(other).toEqual(one);
  for (const stream of streams) expect(await stream.next()).toBeNull();
});

/** Without what a client adds of its own. */
const plain = (event: Json): Json =>
  JSON.parse(
    JSON.stringify(event, (name, value: unknown) => (name === '__typename' ? undefined : value)),
  ) as Json;
