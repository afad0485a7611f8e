/** Limits by caller through the whole gateway, as its variables set them. */
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { codesOf, createTestGateway, transports } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';

let house: TestGateway | undefined;
afterEach(async () => {
  await house?.stop();
  house = undefined;
});

const create = (where: TestGateway): string =>
  where.emulator.createWorkRequest({
    service: 'DEVOPS',
    region: 'us-ashburn-1',
    script: [{ afterMs: 0, status: 'IN_PROGRESS', percentComplete: 10 }],
  }).id;

const document = `query($id: ID!, $timeoutSeconds: Int) {
  waitForWorkRequest(id: $id, service: DEVOPS, timeoutSeconds: $timeoutSeconds) { status }
}`;

test('what waits counts as a subscription of its caller; what does not wait is answered', async () => {
  const here = (house = await createTestGateway({ env: { MAX_CALLER_SUBSCRIPTIONS: '1' } }));
  const id = create(here);
  const waiting = here.query(document, { id, timeoutSeconds: 300 });
  await here.untilMetric('gateway_subscribers', 1);
  for (const transport of transports) {
    const refused = await here.query(document, { id: create(here), timeoutSeconds: 300 }, { transport });
    expect(codesOf(refused)).toEqual(['LIMIT_EXCEEDED']);
    expect(refused.data).toEqual({ waitForWorkRequest: null });
    const looked = await here.query(document, { id, timeoutSeconds: 0 }, { transport });
    expect(looked.data).toEqual({ waitForWorkRequest: { status: 'IN_PROGRESS' } });
  }
  const subscriber = here.subscribe(
    'subscription($id: ID!) { workRequest(id: $id, service: DEVOPS) { type } }',
    { id },
  );
  expect(codesOf((await subscriber.next()) ?? {})).toEqual(['LIMIT_EXCEEDED']);

  here.emulator.patchWorkRequest(id, { status: 'SUCCEEDED', percentComplete: 100 });
  expect((await waiting).data).toEqual({ waitForWorkRequest: { status: 'SUCCEEDED' } });
  const next = create(here);
  const again = here.query(document, { id: next, timeoutSeconds: 300 });
  await here.untilMetric('gateway_subscribers', 1);
  here.emulator.patchWorkRequest(next, { status: 'SUCCEEDED', percentComplete: 100 });
  expect((await again).data).toEqual({ waitForWorkRequest: { status: 'SUCCEEDED' } });
});

test('behind a proxy that is trusted each address has its own; without, nobody has another', async () => {
  for (const proxies of ['127.0.0.1', '']) {
    await house?.stop();
    const here = (house = await createTestGateway({
      env: { MAX_CALLER_RPS: '1', TRUSTED_PROXIES: proxies },
    }));
    const ask = async (address: string): Promise<number> => {
      const { status } = await fetch(`${here.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
        body: '{"query":"{ __typename }"}',
      });
      return status;
    };
    const first = [await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.1')];
    expect(first).toEqual([200, 200, 429]);
    expect(await ask('192.0.2.2')).toBe(proxies === '' ? 429 : 200);
  }
});

test('MAX_BODY_BYTES bounds bodies of requests and messages of WebSockets', async () => {
  const small = await createTestGateway({ env: { MAX_BODY_BYTES: '2048' } });
  try {
    const query = (bytes: number): string => `{ regions { id } } #${'x'.repeat(bytes)}`;
    const fits = await small.query(query(1_000));
    expect(fits.errors).toBeUndefined();
    const refused = await small.query(query(3_000));
    expect(refused.errors?.[0]?.message).toMatch(/MAX_BODY_BYTES/);
    expect(codesOf(refused)).toEqual(['LIMIT_EXCEEDED']);
    expect((await small.query(query(1_000), {}, { transport: 'websocket' })).errors).toBeUndefined();
    const broken: unknown = await small
      .query(query(3_000), {}, { transport: 'websocket' })
      .catch((error: unknown) => (error as Error).cause);
    expect(broken).toMatchObject({
      code: 1009,
      reason: 'LIMIT_EXCEEDED: a message may have 2048 bytes (MAX_BODY_BYTES)',
    });
  } finally {
    await small.stop();
  }
});

test('CONNECTION_INIT_TIMEOUT_MS bounds how long a WebSocket may say nothing', async () => {
  const here = (house = await createTestGateway({ env: { CONNECTION_INIT_TIMEOUT_MS: '100' } }));
  const silent = new WebSocket(`ws://127.0.0.1:${here.port}/graphql`, 'graphql-transport-ws');
  const [code, reason] = (await once(silent, 'close')) as [number, Buffer];
  expect([code, String(reason)]).toEqual([
    4408,
    'LIMIT_EXCEEDED: no connection_init within 100 ms (CONNECTION_INIT_TIMEOUT_MS)',
  ]);
});
