/** Waiting for a work request through the whole gateway, over every transport. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { betweenLooksMs, codesOf, createTestGateway, transports } from '../support/gateway.ts';
import type { Answer, Json, TestGateway, Transport } from '../support/gateway.ts';

const region = 'us-ashburn-1';
const parameters = '$id: ID!, $service: ServiceName, $timeoutSeconds: Int';
const given = 'id: $id, service: $service, timeoutSeconds: $timeoutSeconds';
const document = `query(${parameters}) {
  waitForWorkRequest(${given}) { workRequestId status percentComplete isTerminal isStale }
}`;
const queryDocument =
  'query($id: ID!, $service: ServiceName) { workRequest(id: $id, service: $service) { status } }';

let house: TestGateway;
beforeAll(async () => {
  house = await createTestGateway();
});
afterEach(() => {
  house.emulator.clearFaults();
});
afterAll(() => house.stop());

const create = (more: Json = {}, where = house): string =>
  where.emulator.createWorkRequest({
    service: 'DEVOPS',
    region,
    script: [{ afterMs: 0, status: 'IN_PROGRESS', percentComplete: 10 }],
    ...more,
  }).id;
const finish = (id: string, where = house): void =>
  void where.emulator.patchWorkRequest(id, { status: 'SUCCEEDED', percentComplete: 100 });
const calls = (id: string, where = house): readonly (string | null)[] =>
  where.emulator.calls({ workRequestId: id }).map(({ operation }) => operation);

/** Resolves when upstream was asked `times` more for this one. */
const untilPolled = async (id: string, times: number, where = house): Promise<void> => {
  const goal = calls(id, where).length + times;
  while (calls(id, where).length < goal) await sleep(betweenLooksMs);
};

type Waited = Answer<{ readonly waitForWorkRequest: Json | null }>;
const wait = (
  id: string,
  variables: Json = {},
  transport: Transport = 'http',
  where = house,
): Promise<Waited> =>
  where.query(document, { id, service: 'DEVOPS', timeoutSeconds: 300, ...variables }, { transport });

describe.each(transports)('waiting over %s', (transport) => {
  test('answers when it is finished; what is polled costs the operation nothing', async () => {
    const id = create();
    // The second time the document is known.
    for (const percentComplete of [50, 100]) {
      const waiting = wait(id, {}, transport);
      await untilPolled(id, 2);
      house.emulator.patchWorkRequest(id, { status: 'NEEDS_ATTENTION', percentComplete });
      expect(await waiting).toEqual({
        data: {
          waitForWorkRequest: {
            workRequestId: id,
            status: 'NEEDS_ATTENTION',
            percentComplete,
            isTerminal: false,
            isStale: false,
          },
        },
        extensions: { cost: { estimated: 1, actual: 0 } },
      });
      await house.untilMetric('gateway_watchers', 0);
      house.emulator.patchWorkRequest(id, { status: 'IN_PROGRESS' });
    }
    finish(id);
    const { data } = await wait(id, {}, transport);
    expect(data?.waitForWorkRequest).toMatchObject({ status: 'SUCCEEDED', isTerminal: true });
  });

  test('answers as it is when the time is up', async () => {
    const id = create();
    const { data } = await wait(id, { timeoutSeconds: 0 }, transport);
    expect(data?.waitForWorkRequest).toMatchObject({ status: 'IN_PROGRESS', percentComplete: 10 });
    expect(calls(id)).toEqual(['get']);
    await house.untilMetric('gateway_watchers', 0);
  });

  test.each([-1, 301, 2 ** 31 - 1])('refuses %i seconds, and asks nobody', async (timeoutSeconds) => {
    const id = create();
    const answer = await wait(id, { timeoutSeconds }, transport);
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.errors?.[0]?.message).toContain(
      `\`timeoutSeconds\` is ${timeoutSeconds}; it must be from 0 to 300.`,
    );
    expect(answer.data?.waitForWorkRequest).toBeNull();
    expect(calls(id)).toEqual([]);
  });

  test('answers null where there is none, for one look', async () => {
    const id = `ocid1.devopsworkrequest.oc1.iad.absent${transport}`;
    const { data, errors } = await wait(id, {}, transport);
    expect({ data, errors }).toEqual({ data: { waitForWorkRequest: null }, errors: undefined });
    expect(calls(id)).toEqual(['get']);
  });

  test('holds no poller for a client that goes away while nothing happens, and reads nothing more for it', async () => {
    const id = create();
    const selecting = `query(${parameters}) { waitForWorkRequest(${given}) { status errors { nodes { code } } } }`;
    const variables = { id, service: 'DEVOPS', timeoutSeconds: 300 };
    for (const leave of ['unsubscribe', 'cut'] as const) {
      const go = open();
      await house.untilMetric('gateway_subscribers', 1);
      await untilPolled(id, 2);
      go();
      await house.untilMetric('gateway_watchers', 0);

      function open(): () => void {
        if (transport !== 'http') return house.subscribe(selecting, variables, { transport })[leave];
        const controller = new AbortController();
        fetch(`${house.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: selecting, variables }),
          signal: controller.signal,
        }).catch(() => {});
        return () => controller.abort();
      }
    }
    const asked = calls(id).length;
    const other = create();
    const clock = house.subscribe(
      'subscription($id: ID!) { workRequest(id: $id, service: DEVOPS) { type } }',
      {
        id: other,
      },
    );
    await untilPolled(other, 3);
    clock.unsubscribe();
    expect(calls(id)).toHaveLength(asked);
    expect(calls(id)).not.toContain('errors');
    await house.untilMetric('gateway_watchers', 0);
  });
});

test('where nothing is said it waits, and the poller is that of subscriptions and all other waits', async () => {
  const id = create();
  const globalId = Buffer.from(`WorkRequest:DEVOPS:${region}:${id}`).toString('base64url');
  const pollsBefore = await house.metric('gateway_polls_total');
  const watching = house.subscribe<{ workRequest: Json }>(
    'subscription($id: ID!) { workRequest(id: $id) { type } }',
    { id: globalId },
  );
  const waits = [
    house.query('query($id: ID!) { waitForWorkRequest(id: $id) { status } }', { id: globalId }),
    ...transports.map((transport) => wait(id, { timeoutSeconds: null }, transport)),
  ];
  await house.untilMetric('gateway_subscribers', 5);
  expect(await house.metric('gateway_watchers')).toBe(1);
  await untilPolled(id, 1);
  finish(id);
  for (const { data } of await Promise.all(waits))
    expect(data?.['waitForWorkRequest']).toMatchObject({ status: 'SUCCEEDED' });
  const told = (await watching.all()).map(({ data }) => data?.workRequest['type']);
  // A GAP is this machine being slow.
  expect(told.filter((type) => type !== 'GAP')).toEqual(['SNAPSHOT', 'FINISHED']);
  expect((await house.metric('gateway_polls_total')) - pollsBefore).toBe(calls(id).length);
});

test('several in one operation wait side by side', async () => {
  const [one, two] = [create(), create()];
  const both = `query($one: ID!, $two: ID!) {
    one: waitForWorkRequest(id: $one, service: DEVOPS, timeoutSeconds: 300) { status }
    two: waitForWorkRequest(id: $two, service: DEVOPS, timeoutSeconds: 300) { status }
  }`;
  const waiting = house.query(both, { one, two });
  await house.untilMetric('gateway_watchers', 2);
  finish(two);
  await house.untilMetric('gateway_watchers', 1);
  finish(one);
  expect(await waiting).toEqual({
    data: { one: { status: 'SUCCEEDED' }, two: { status: 'SUCCEEDED' } },
    extensions: { cost: { estimated: 2, actual: 0 } },
  });
});

describe('what the query answers with an error', () => {
  test.each([
    ['403', 'FORBIDDEN', { status: 403 }],
    ['401', 'UNAUTHENTICATED', { status: 401 }],
    ['400', 'BAD_USER_INPUT', { status: 400 }],
  ] as const)('is the same error here: %s', async (_name, code, fault) => {
    const id = create({ service: 'BASTION' });
    house.emulator.addFault({ service: 'BASTION', ...fault });
    const [waited, asked] = await Promise.all([
      wait(id, { service: 'BASTION' }),
      house.query(queryDocument, { id, service: 'BASTION' }),
    ]);
    expect(codesOf(waited)).toEqual([code]);
    const told = ({ errors = [] }: Answer<unknown>): readonly unknown[] =>
      errors.map(({ message, extensions }) => ({
        message,
        extensions: { ...extensions, opcRequestId: typeof extensions?.['opcRequestId'] },
      }));
    expect(told(waited)).toEqual(told(asked));
  });

  test('asks for the service where it was only guessed', async () => {
    const compartmentId = 'ocid1.compartment.oc1..hinting';
    create({ service: 'QUEUE', compartmentId, id: 'ocid1.hintedwaitworkrequest.oc1.iad.listed' });
    await house.query(
      `{ workRequests(compartmentId: "${compartmentId}", services: [QUEUE], regions: ["${region}"]) { nodes { id } } }`,
    );
    const id = 'ocid1.hintedwaitworkrequest.oc1.iad.absent';
    expect(codesOf(await wait(id, { service: null }))).toEqual(['SERVICE_REQUIRED']);
    expect(calls(id)).toEqual(['get']);
  });
});

describe('where a call has little time', () => {
  let hasty: TestGateway;
  beforeAll(async () => {
    hasty = await createTestGateway({ env: { UPSTREAM_DEADLINE_MS: '300' } });
  });
  afterEach(() => {
    hasty.emulator.clearFaults();
  });
  afterAll(() => hasty.stop());

  test('what is read after the wait has time of its own, and is no older than what was waited for', async () => {
    const id = create({}, hasty);
    const parts = 'status extras errors { nodes { code } } logs { nodes { message } }';
    const waiting = hasty.query(
      `query($id: ID!) {
        before: workRequest(id: $id, service: DEVOPS) { ${parts} }
        after: waitForWorkRequest(id: $id, service: DEVOPS, timeoutSeconds: 300) { ${parts} }
      }`,
      { id },
    );
    // Polls are 250 ms apart at least: what the operation had from its start, 600 ms, is over.
    await untilPolled(id, 8, hasty);
    hasty.emulator.patchWorkRequest(id, {
      status: 'FAILED',
      errors: [{ code: 'Broken', message: 'x' }],
      logs: [{ message: 'It broke.' }],
    });
    expect(await waiting).toEqual({
      data: {
        before: {
          status: 'IN_PROGRESS',
          extras: expect.any(Object),
          errors: { nodes: [] },
          logs: { nodes: [] },
        },
        after: {
          status: 'FAILED',
          extras: expect.any(Object),
          errors: { nodes: [{ code: 'Broken' }] },
          logs: { nodes: [{ message: 'It broke.' }] },
        },
      },
      extensions: { cost: { estimated: 6, actual: expect.any(Number) } },
    });
  });

  test('an upstream that tells nothing until the time is up is a timeout that says so', async () => {
    const id = create({}, hasty);
    hasty.emulator.addFault({ service: 'DEVOPS', hang: true });
    const answer = await wait(id, { timeoutSeconds: 0 }, 'http', hasty);
    expect(answer.data?.waitForWorkRequest).toBeNull();
    expect(answer.errors).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/^DevOps \(DEVOPS\) in us-ashburn-1 told no state .* Wait again/),
        extensions: {
          code: 'UPSTREAM_TIMEOUT',
          service: 'DEVOPS',
          region,
          opcRequestId: null,
          isRetryable: true,
        },
      }),
    ]);
    await hasty.untilMetric('gateway_watchers', 0);
  });
});

test('when the gateway stops, those who wait are told at once', async () => {
  const closing = await createTestGateway();
  const id = create({}, closing);
  const overHttp = wait(id, {}, 'http', closing);
  const overWebSocket = wait(id, {}, 'websocket', closing).catch((error: Error) => error.cause);
  await closing.untilMetric('gateway_subscribers', 2);
  await closing.stop();
  const answer = await overHttp;
  expect(codesOf(answer)).toEqual(['UPSTREAM_UNAVAILABLE']);
  expect(answer.errors?.[0]?.message).toMatch(/^The gateway is shutting down, .*: ask again\.$/);
  expect(await overWebSocket).toMatchObject({ code: 1012 });
});
