/** Watching one work request through the whole gateway, with the clients that users have. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { sampleTenancy } from '../../emulator/emulator.ts';
import { betweenLooksMs, codesOf, createTestGateway } from '../support/gateway.ts';
import type { Answer, Json, Subscriber, TestGateway } from '../support/gateway.ts';

const region = 'us-ashburn-1';
const document = `subscription Watch($id: ID!, $service: ServiceName) {
  workRequest(id: $id, service: $service) {
    type sequence previousStatus mergedCount nextPollAt
    workRequest { id status percentComplete isTerminal isStale }
    gap { reason message }
  }
}`;
const query =
  'query($id: ID!, $service: ServiceName) { workRequest(id: $id, service: $service) { status percentComplete } }';

interface Event {
  readonly type: string;
  readonly sequence: number;
  readonly previousStatus: string | null;
  readonly mergedCount: number;
  readonly nextPollAt: string | null;
  readonly workRequest: {
    readonly id: string;
    readonly status: string;
    readonly percentComplete: number | null;
    readonly isTerminal: boolean;
    readonly isStale: boolean;
  } | null;
  readonly gap: { readonly reason: string; readonly message: string } | null;
}
type Watch = Subscriber<{ workRequest: Event }>;

let house: TestGateway;
beforeAll(async () => {
  house = await createTestGateway();
});
afterAll(() => house.stop());

const create = (more: Json = {}, where = house): string =>
  where.emulator.createWorkRequest({
    service: 'DEVOPS',
    region,
    script: [{ afterMs: 0, status: 'IN_PROGRESS', percentComplete: 10 }],
    ...more,
  }).id;

const eventOf = (answer: Answer<{ workRequest: Event }> | null): Event => {
  expect(answer?.errors).toBeUndefined();
  if (!answer?.data) throw new Error('no event came');
  return answer.data.workRequest;
};
const next = async (watch: Watch): Promise<string> => {
  const answer = await watch.next();
  return answer === null ? 'complete' : shorten(eventOf(answer));
};
const shorten = ({ type, workRequest, gap }: Event): string =>
  [type, gap?.reason, workRequest?.status, workRequest?.percentComplete]
    .filter((word) => word !== undefined && word !== null)
    .join(' ');
const gets = (id: string, where = house): number => where.emulator.calls({ workRequestId: id }).length;

/** Resolves when upstream was asked `times` more for this one, as a subscription to it sees to. */
const untilPolled = async (id: string, times: number): Promise<void> => {
  const goal = gets(id) + times;
  while (gets(id) < goal) await sleep(betweenLooksMs);
};

describe.each(['websocket', 'sse'] as const)('a subscription over %s', (transport) => {
  const watch = (id: string, more: Json = {}, where = house): Watch =>
    where.subscribe<{ workRequest: Event }>(document, { id, service: 'DEVOPS', ...more }, { transport });

  test('tells the state at the start, each change, the end, and completes', async () => {
    const id = create();
    const watching = watch(id);
    const snapshot = eventOf(await watching.next());
    expect(snapshot).toEqual({
      type: 'SNAPSHOT',
      sequence: 1,
      previousStatus: null,
      mergedCount: 0,
      nextPollAt: expect.any(String),
      workRequest: {
        id: Buffer.from(`WorkRequest:DEVOPS:${region}:${id}`).toString('base64url'),
        status: 'IN_PROGRESS',
        percentComplete: 10,
        isTerminal: false,
        isStale: false,
      },
      gap: null,
    });
    house.emulator.patchWorkRequest(id, { percentComplete: 60 });
    expect(await next(watching)).toBe('CHANGED IN_PROGRESS 60');
    house.emulator.patchWorkRequest(id, { status: 'NEEDS_ATTENTION' });
    expect(eventOf(await watching.next())).toMatchObject({
      type: 'CHANGED',
      sequence: 3,
      previousStatus: 'IN_PROGRESS',
      workRequest: { status: 'NEEDS_ATTENTION', isTerminal: false },
    });
    house.emulator.patchWorkRequest(id, { status: 'SUCCEEDED', percentComplete: 100 });
    expect(eventOf(await watching.next())).toMatchObject({
      type: 'FINISHED',
      sequence: 4,
      nextPollAt: null,
      workRequest: { status: 'SUCCEEDED', percentComplete: 100, isTerminal: true },
    });
    expect(await watching.next()).toBeNull();
    await house.untilMetric('gateway_watchers', 0);
  });

  test('of a work request that is over is one SNAPSHOT, for one get', async () => {
    const id = create({ script: [{ afterMs: 0, status: 'FAILED', percentComplete: 40 }] });
    const events = (await watch(id).all()).map(eventOf);
    expect(events.map(shorten)).toEqual(['SNAPSHOT FAILED 40']);
    expect(gets(id)).toBe(1);
    await house.untilMetric('gateway_watchers', 0);
  });

  test('of one that Oracle does not know is one GAP that says so, for one get', async () => {
    const id = 'ocid1.devopsworkrequest.oc1.iad.absent';
    const before = gets(id);
    const events = (await watch(id).all()).map(eventOf);
    expect(events).toEqual([
      {
        type: 'GAP',
        sequence: 1,
        previousStatus: null,
        mergedCount: 0,
        nextPollAt: null,
        workRequest: null,
        gap: { reason: 'NOT_FOUND', message: expect.any(String) },
      },
    ]);
    expect(gets(id)).toBe(before + 1);
    await house.untilMetric('gateway_watchers', 0);
  });

  test('of one that the service its type was listed by does not know asks for the service, as the query does', async () => {
    const compartmentId = `ocid1.compartment.oc1..hinting${transport}`;
    const type = `ocid1.hinted${transport}workrequest`;
    const listed = create({ service: 'QUEUE', compartmentId, id: `${type}.oc1.iad.listed` });
    const absent = `${type}.oc1.iad.absent`;
    const ask = (id: string) => house.query(query, { id });
    expect(codesOf(await ask(absent))).toEqual(['SERVICE_REQUIRED']);
    expect(gets(absent)).toBe(0);
    await house.query(
      `{ workRequests(compartmentId: "${compartmentId}", services: [QUEUE], regions: ["${region}"]) { nodes { id } } }`,
    );
    const asked = await ask(absent);
    expect(codesOf(asked)).toEqual(['SERVICE_REQUIRED']);
    expect(gets(absent)).toBe(1);

    const [answer, ...more] = await watch(absent, { service: null }).all();
    expect(more).toEqual([]);
    expect(answer?.data).toBeNull();
    expect(answer?.errors).toEqual([
      expect.objectContaining({
        message: asked.errors?.[0]?.message,
        extensions: { code: 'SERVICE_REQUIRED' },
      }),
    ]);
    expect(gets(absent)).toBe(2);
    // Where the hint is right it is watched, and where the caller named the service a miss is a GAP.
    const watching = watch(listed, { service: null });
    expect(await next(watching)).toBe('SNAPSHOT IN_PROGRESS 10');
    watching.unsubscribe();
    expect((await watch(absent, { service: 'QUEUE' }).all()).map(eventOf).map(shorten)).toEqual([
      'GAP NOT_FOUND',
    ]);
    await house.untilMetric('gateway_watchers', 0);
  });

  test('asks upstream no more once it is unsubscribed from, or its connection cut, while nothing happens', async () => {
    const other = create();
    const clock = watch(other);
    expect(await next(clock)).toBe('SNAPSHOT IN_PROGRESS 10');
    for (const leave of ['unsubscribe', 'cut'] as const) {
      const id = create();
      const watching = watch(id);
      expect(await next(watching)).toBe('SNAPSHOT IN_PROGRESS 10');
      watching[leave]();
      await house.untilMetric('gateway_watchers', 1);
      await untilPolled(other, 1);
      const asked = gets(id);
      await untilPolled(other, 2);
      expect(gets(id)).toBe(asked);
    }
    clock.unsubscribe();
    await house.untilMetric('gateway_watchers', 0);
    expect(await house.metric('gateway_subscribers')).toBe(0);
  });

  test('reads errors anew for each event that selects them', async () => {
    const id = create();
    const watching = house.subscribe<{ workRequest: { workRequest: Json } }>(
      'subscription($id: ID!) { workRequest(id: $id, service: DEVOPS) { workRequest { status errors { nodes { code } } } } }',
      { id },
      { transport },
    );
    const told = async (): Promise<unknown> => (await watching.next())?.data?.workRequest.workRequest;
    expect(await told()).toEqual({ status: 'IN_PROGRESS', errors: { nodes: [] } });
    house.emulator.patchWorkRequest(id, { status: 'FAILED', errors: [{ code: 'Broken', message: 'x' }] });
    expect(await told()).toEqual({ status: 'FAILED', errors: { nodes: [{ code: 'Broken' }] } });
    expect(await watching.next()).toBeNull();
  });

  test('ends with the error of an upstream that will never answer it', async () => {
    const id = create({ service: 'BASTION' });
    house.emulator.addFault({ service: 'BASTION', status: 400 });
    const [answer, ...more] = await watch(id, { service: 'BASTION' }).all();
    house.emulator.clearFaults();
    expect(more).toEqual([]);
    expect(answer && codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    await house.untilMetric('gateway_watchers', 0);
  });
});

describe('however many watch', () => {
  test('there is one poller, whatever the transport and the way the id is written', async () => {
    const id = create();
    const globalId = Buffer.from(`WorkRequest:DEVOPS:${region}:${id}`).toString('base64url');
    const pollsBefore = await house.metric('gateway_polls_total');
    const watches = [
      house.subscribe<{ workRequest: Event }>(document, { id, service: 'DEVOPS' }),
      house.subscribe<{ workRequest: Event }>(document, { id: globalId }),
      house.subscribe<{ workRequest: Event }>(document, { id, service: 'DEVOPS' }, { transport: 'sse' }),
    ];
    for (const watch of watches) expect(await next(watch)).toBe('SNAPSHOT IN_PROGRESS 10');
    expect(await house.metric('gateway_watchers')).toBe(1);
    expect(await house.metric('gateway_subscribers')).toBe(3);
    await untilPolled(id, 2);
    house.emulator.patchWorkRequest(id, { status: 'SUCCEEDED', percentComplete: 100 });
    for (const watch of watches) {
      expect((await watch.all()).map((answer) => shorten(eventOf(answer)))).toEqual([
        'SNAPSHOT IN_PROGRESS 10',
        'FINISHED SUCCEEDED 100',
      ]);
    }
    expect((await house.metric('gateway_polls_total')) - pollsBefore).toBe(gets(id));
    expect(await house.metric('gateway_watchers')).toBe(0);
  });

  test('there is one poller where the raw id does not tell a namespace and the global id does', async () => {
    const id = create({ service: 'LOGANALYTICS_STORAGE' });
    const { data } = await house.query('query($id: ID!) { workRequest(id: $id) { id } }', { id });
    const globalId = data?.['workRequest']?.['id'];
    const watches = [id, globalId].map((one) =>
      house.subscribe<{ workRequest: Event }>(document, { id: one }),
    );
    for (const watch of watches) expect(await next(watch)).toBe('SNAPSHOT IN_PROGRESS 10');
    expect(await house.metric('gateway_watchers')).toBe(1);
    for (const watch of watches) watch.unsubscribe();
    await house.untilMetric('gateway_watchers', 0);
  });
});

test('a WebSocket with a thousand subscriptions that is cut, at whatever step, leaves no poller', async () => {
  const other = create();
  const clock: Watch = house.subscribe(document, { id: other, service: 'DEVOPS' });
  expect(await next(clock)).toBe('SNAPSHOT IN_PROGRESS 10');
  for (const step of [
    'at once',
    'while they start',
    'while they are told',
    'while they are completed',
  ] as const) {
    const id = create();
    const socket = new WebSocket(`${house.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    const send = (message: Json): void => socket.send(JSON.stringify(message));
    send({ type: 'connection_init' });
    await once(socket, 'message');
    const variables = { id, service: 'DEVOPS' };
    for (let count = 0; count < 1_000; count += 1) {
      send({ type: 'subscribe', id: `${count}`, payload: { query: document, variables } });
    }
    if (step !== 'at once') await once(socket, 'message');
    if (step === 'while they are told') {
      await house.untilMetric('gateway_subscribers', 1_001);
      house.emulator.patchWorkRequest(id, { status: 'NEEDS_ATTENTION' });
      await once(socket, 'message');
    }
    if (step === 'while they are completed') {
      for (let count = 0; count < 500; count += 1) send({ type: 'complete', id: `${count}` });
    }
    socket.terminate();
    await once(socket, 'close');
    // What was sent before the cut may still arrive.
    await untilPolled(other, 1);
    await house.untilMetric('gateway_watchers', 1);
    expect(await house.metric('gateway_subscribers')).toBe(1);
  }
  clock.unsubscribe();
  await house.untilMetric('gateway_watchers', 0);
});

test('what nobody watches any more is not asked for, and holds up nobody who comes then', async () => {
  const slow = await createTestGateway({ env: { UPSTREAM_RPS: '4' } });
  const send = (socket: WebSocket, message: Json): void => socket.send(JSON.stringify(message));
  const connect = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`${slow.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    send(socket, { type: 'connection_init' });
    await once(socket, 'message');
    return socket;
  };
  const socket = await connect();
  for (let count = 0; count < 500; count += 1) {
    const variables = { id: create({}, slow), service: 'DEVOPS' };
    send(socket, { type: 'subscribe', id: `${count}`, payload: { query: document, variables } });
  }
  await slow.untilMetric('gateway_watchers', 500);
  socket.terminate();
  await slow.untilMetric('gateway_watchers', 0);

  const watching: Watch = slow.subscribe(document, { id: create({}, slow), service: 'DEVOPS' });
  expect(await next(watching)).toBe('SNAPSHOT IN_PROGRESS 10');
  watching.unsubscribe();
  expect(slow.emulator.calls({ operation: 'get' }).length).toBeLessThan(20);

  const list = `subscription { workRequests(compartmentId: "${sampleTenancy}", services: [DEVOPS, QUEUE]) { type } }`;
  const hasty = await connect();
  for (let count = 0; count < 200; count += 1) {
    send(hasty, { type: 'subscribe', id: '1', payload: { query: list } });
    send(hasty, { type: 'complete', id: '1' });
  }
  send(hasty, { type: 'subscribe', id: '2', payload: { query: list } });
  await once(hasty, 'message');
  hasty.terminate();
  await slow.untilMetric('gateway_listings', 0);
  const lists = slow.emulator.calls({ operation: 'list' }).length;
  expect(lists).toBeLessThan(40);
  await slow.stop();
});

describe('queries and subscriptions', () => {
  test('what an event told, no later query takes back', async () => {
    const id = create();
    const watching = house.subscribe<{ workRequest: Event }>(document, { id, service: 'DEVOPS' });
    expect(await next(watching)).toBe('SNAPSHOT IN_PROGRESS 10');
    house.emulator.patchWorkRequest(id, { status: 'SUCCEEDED', percentComplete: 100 });
    expect(await next(watching)).toBe('FINISHED SUCCEEDED 100');
    // A replica of theirs that lags behind.
    house.emulator.patchWorkRequest(id, { status: 'IN_PROGRESS', percentComplete: 50 });
    const { data } = await house.query(query, { id, service: 'DEVOPS' });
    expect(data?.['workRequest']).toEqual({ status: 'SUCCEEDED', percentComplete: 100 });
  });

  test('what a query sees, subscribers are told at once, with no poll of their own', async () => {
    const calm = await createTestGateway({ env: { POLL_MIN_MS: '3600000', POLL_MAX_MS: '3600000' } });
    try {
      for (const [service, more] of [
        ['DEVOPS', {}],
        // Its raw id does not tell the namespace that its global id has.
        ['LOGANALYTICS_STORAGE', {}],
      ] as const) {
        const id = create({ service, ...more }, calm);
        const watching = calm.subscribe<{ workRequest: Event }>(document, { id, service });
        expect(await next(watching)).toBe('SNAPSHOT IN_PROGRESS 10');
        calm.emulator.patchWorkRequest(id, { status: 'FAILED' });
        const { data } = await calm.query(query, { id, service });
        expect(data?.['workRequest']).toMatchObject({ status: 'FAILED' });
        expect(await next(watching)).toBe('FINISHED FAILED 10');
        expect(await watching.next()).toBeNull();
        expect(gets(id, calm)).toBe(2);
      }
    } finally {
      await calm.stop();
    }
  });
});

test('what a list happens to show is told to who watches, without waiting for the next look', async () => {
  const patient = await createTestGateway({ env: { POLL_MIN_MS: '600000', POLL_MAX_MS: '600000' } });
  try {
    const id = create({ compartmentId: 'ocid1.compartment.oc1..shown' }, patient);
    const watch: Watch = patient.subscribe(document, { id, service: 'DEVOPS' });
    expect(await next(watch)).toMatch(/^SNAPSHOT/);
    patient.emulator.patchWorkRequest(id, { status: 'FAILED' });
    await patient.query(
      `{ workRequests(compartmentId: "ocid1.compartment.oc1..shown", services: [DEVOPS], regions: ["${region}"]) { nodes { id } } }`,
    );
    expect(await next(watch)).toMatch(/^FINISHED/);
    expect(await next(watch)).toBe('complete');
  } finally {
    await patient.stop();
  }
});

test('many that watch work requests of one compartment cost a list for each round of looks', async () => {
  const count = 20;
  const quick = await createTestGateway({ env: { POLL_MIN_MS: '100', POLL_MAX_MS: '100' } });
  try {
    const compartmentId = 'ocid1.compartment.oc1..crowded';
    const ids = Array.from({ length: count }, () => create({ compartmentId }, quick));
    const watches = ids.map((id): Watch => quick.subscribe(document, { id, service: 'DEVOPS' }));
    for (const watch of watches) expect(await next(watch)).toBe('SNAPSHOT IN_PROGRESS 10');
    const calls = quick.emulator.calls().length;
    ids.forEach((id, index) =>
      quick.emulator.patchWorkRequest(id, { percentComplete: 11 + index, status: 'SUCCEEDED' }),
    );
    for (const [index, watch] of watches.entries())
      expect(await next(watch)).toBe(`FINISHED SUCCEEDED ${11 + index}`);
    const spent = quick.emulator.calls().slice(calls);
    expect(spent.length).toBeLessThan(count / 2);
    expect(spent.some(({ operation }) => operation === 'list')).toBe(true);
  } finally {
    await quick.stop();
  }
});
