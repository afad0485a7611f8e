/** When Oracle Cloud is down, slow, broken or unwilling: what comes back, and how often it was asked. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { codesOf, createTestGateway, transports } from '../support/gateway.ts';
import type { Answer, Json, TestGateway } from '../support/gateway.ts';

const region = 'us-ashburn-1';
const document =
  'query($id: ID!, $service: ServiceName) { workRequest(id: $id, service: $service) { workRequestId status } }';

let house: TestGateway;
/** Its deadline is so short that the test of it is. */
let hasty: TestGateway;
beforeAll(async () => {
  [house, hasty] = await Promise.all([
    createTestGateway(),
    createTestGateway({ env: { UPSTREAM_DEADLINE_MS: '300' } }),
  ]);
});
afterAll(async () => {
  await Promise.all([house.stop(), hasty.stop()]);
});
afterEach(() => {
  house.emulator.clearFaults();
  hasty.emulator.clearFaults();
  house.asked();
  hasty.asked();
});

/** Each test has a service of its own, so that none lives off another's retries. */
const create = (service: string, where = house, more: Json = {}): string =>
  where.emulator.createWorkRequest({
    service,
    region,
    script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
    ...more,
  }).id;
const ask = (service: string, id: string, where = house): Promise<Answer<Record<string, Json | null>>> =>
  where.query(document, { id, service });

const opcRequestId = expect.stringMatching(/^[0-9A-F]{32}\/[0-9A-F]{32}$/);

describe('a fault that passes', () => {
  test.each([
    ['500s', 'ADM', { status: 500, times: 2 }],
    ['503s', 'BATCH', { status: 503, times: 3 }],
    ['resets before the call', 'BDS', { reset: 'before', times: 2 }],
    ['answers that are cut off', 'DATAFLOW', { cut: { atByte: 10 }, times: 2 }],
    [
      'a 429 that may be repeated at once',
      'MYSQL',
      { throttle: { perSecond: 0, retryAfterSeconds: 0 }, times: 1 },
    ],
  ] as const)('%s are retried and nobody notices', async (_name, service, fault) => {
    const id = create(service);
    house.emulator.addFault({ service, ...fault });
    expect(await ask(service, id)).toEqual({
      data: { workRequest: { workRequestId: id, status: 'IN_PROGRESS' } },
      // Retries are calls like any other.
      extensions: { cost: { estimated: 1, actual: fault.times + 1 } },
    });
    expect(house.asked()).toHaveLength(fault.times + 1);
  });
});

describe('a fault that stays', () => {
  test.each([
    ['500', 'OCVP', { status: 500 }, 'UPSTREAM_UNAVAILABLE', true, 4],
    ['connections that are reset', 'REDIS', { reset: 'after' }, 'UPSTREAM_UNAVAILABLE', true, 4],
    [
      '429 with a long retry-after',
      'PSQL',
      { throttle: { perSecond: 0, retryAfterSeconds: 3_600 } },
      'UPSTREAM_THROTTLED',
      true,
      1,
    ],
    ['401', 'RECOVERY', { status: 401 }, 'UNAUTHENTICATED', false, 1],
    ['403', 'ROVER', { status: 403 }, 'FORBIDDEN', false, 1],
    [
      'a redirect',
      'SCH',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      'UPSTREAM_MALFORMED',
      true,
      1,
    ],
    [
      'a body that is no JSON',
      'STREAMING',
      { body: '<html>Bad gateway</html>' },
      'UPSTREAM_MALFORMED',
      true,
      1,
    ],
    [
      'a body that is cut short and looks complete',
      'OPENSEARCH',
      { cut: { atByte: 25, how: 'short' } },
      'UPSTREAM_MALFORMED',
      true,
      1,
    ],
    ['a body that is cut off', 'GOLDENGATE', { cut: { atByte: 25 } }, 'UPSTREAM_MALFORMED', true, 4],
    ['a body of something else', 'IOT', { body: '{"hello":"world"}' }, 'UPSTREAM_MALFORMED', true, 1],
    ['a body that is an array', 'EMAIL', { body: '[]' }, 'UPSTREAM_MALFORMED', true, 1],
    [
      'a body of another work request',
      'OPSI',
      { body: '{"id":"ocid1.opsiworkrequest.oc1.iad.other","status":"FAILED"}' },
      'UPSTREAM_MALFORMED',
      true,
      1,
    ],
    [
      'a body that can be read and never be written again',
      'WAF',
      { body: `{"id":"{id}","status":"IN_PROGRESS","deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}` },
      'UPSTREAM_MALFORMED',
      true,
      1,
    ],
    ['an empty body', 'NOSQL', { body: '' }, 'UPSTREAM_MALFORMED', true, 1],
  ] as const)('%s: says so at the field', async (_name, service, fault, code, isRetryable, attempts) => {
    const id = create(service);
    const body = 'body' in fault && { body: fault.body.replace('{id}', id) };
    house.emulator.addFault({ service, ...fault, ...body });
    const answer = await ask(service, id);
    expect(answer.data).toEqual({ workRequest: null });
    expect(answer.errors).toEqual([
      {
        message: expect.any(String),
        locations: expect.any(Array),
        path: ['workRequest'],
        extensions: expect.objectContaining({ code, service, region, isRetryable }),
      },
    ]);
    expect(house.asked()).toHaveLength(attempts);
  });

  test.each([
    ['a delay', 'QUEUE', { delayMs: 60_000 }],
    ['a body that drips', 'DEVOPS', { drip: { bytes: 1, everyMs: 100 } }],
    ['no answer at all', 'WAF', { hang: true }],
  ] as const)(
    '%s beyond the deadline: UPSTREAM_TIMEOUT, and a slow service gets no second load',
    async (_name, service, fault) => {
      const id = create(service, hasty);
      hasty.emulator.addFault({ service, ...fault });
      const answer = await ask(service, id, hasty);
      expect(answer).toMatchObject({
        data: { workRequest: null },
        errors: [{ path: ['workRequest'], extensions: { code: 'UPSTREAM_TIMEOUT' } }],
      });
      expect(hasty.asked()).toEqual(['get']);
    },
  );

  test('`opcRequestId` is there for Oracle’s support, over every transport', async () => {
    const id = create('LOGGING');
    house.emulator.addFault({ service: 'LOGGING', status: 403 });
    for (const transport of transports) {
      const { errors } = await house.query(document, { id }, { transport });
      expect(errors?.[0]?.extensions).toEqual({
        code: 'FORBIDDEN',
        service: 'LOGGING',
        region,
        isRetryable: false,
        opcRequestId,
      });
    }
  });

  test('a throttled service is left alone for as long as it asked, and others are not', async () => {
    const [slow, other] = [create('NETWORKFIREWALL'), create('BASTION')];
    house.emulator.addFault({
      service: 'NETWORKFIREWALL',
      throttle: { perSecond: 0, retryAfterSeconds: 3_600 },
    });
    expect(codesOf(await ask('NETWORKFIREWALL', slow))).toEqual(['UPSTREAM_THROTTLED']);
    house.emulator.clearFaults();
    house.asked();
    expect(codesOf(await ask('NETWORKFIREWALL', slow))).toEqual(['UPSTREAM_THROTTLED']);
    expect(house.asked()).toEqual([]);
    expect(codesOf(await ask('BASTION', other))).toEqual([]);
    expect(house.asked()).toEqual(['get']);
  });
});

describe('the rest of the answer', () => {
  test('comes although one of several fails', async () => {
    const [good, bad] = [create('CONTAINERENGINE'), create('FUSIONAPPS')];
    house.emulator.addFault({ service: 'FUSIONAPPS', status: 403 });
    const answer = await house.query(
      `query($good: ID!, $bad: ID!) {
        good: workRequest(id: $good) { status }
        bad: workRequest(id: $bad, service: FUSIONAPPS) { status }
        regions { id }
      }`,
      { good, bad },
    );
    expect(answer.data).toMatchObject({ good: { status: 'IN_PROGRESS' }, bad: null, regions: [{}, {}] });
    expect(answer.errors).toMatchObject([{ path: ['bad'], extensions: { code: 'FORBIDDEN' } }]);
  });

  test('comes although errors or logs cannot be read', async () => {
    for (const part of ['errors', 'logs'] as const) {
      const id = create('ANALYTICS');
      house.emulator.addFault({ service: 'ANALYTICS', operation: part, status: 403 });
      const answer = await house.query(
        'query($id: ID!) { workRequest(id: $id, service: ANALYTICS) { status errors { nodes { code } } logs { nodes { message } } } }',
        { id },
      );
      expect(answer.data?.['workRequest']).toEqual({
        status: 'IN_PROGRESS',
        errors: { nodes: [] },
        logs: { nodes: [] },
        [part]: null,
      });
      expect(answer.errors).toMatchObject([
        { path: ['workRequest', part], extensions: { code: 'FORBIDDEN', opcRequestId } },
      ]);
      house.emulator.clearFaults();
    }
  });

  test('comes although one of many nodes fails, or the list of them does', async () => {
    const { ids } = house.emulator.createWorkRequest({ service: 'MANAGEDKAFKA', region, count: 4 });
    const nodes = ids.map((id) =>
      Buffer.from(`WorkRequest:MANAGEDKAFKA:${region}:${id}`).toString('base64url'),
    );
    const read = (): Promise<Answer<{ nodes: readonly unknown[] }>> =>
      house.query('query($nodes: [ID!]!) { nodes(ids: $nodes) { id ... on WorkRequest { extras } } }', {
        nodes,
      });
    house.emulator.addFault({ service: 'MANAGEDKAFKA', workRequestId: ids[2] ?? '', status: 403 });
    const answer = await read();
    expect(answer.data?.nodes.map((node) => node !== null)).toEqual([true, true, false, true]);
    expect(answer.errors).toMatchObject([{ path: ['nodes', 2], extensions: { code: 'FORBIDDEN' } }]);

    house.emulator.clearFaults();
    house.asked();
    house.emulator.addFault({ service: 'MANAGEDKAFKA', operation: 'list', status: 404 });
    const byGet = await house.query<{ nodes: readonly unknown[] }>(
      'query($nodes: [ID!]!) { nodes(ids: $nodes) { id } }',
      { nodes },
    );
    expect(byGet).toEqual({
      data: { nodes: nodes.map((id) => ({ id })) },
      extensions: { cost: { estimated: 4, actual: 5 } },
    });
    expect([...house.asked()].sort()).toEqual(['get', 'get', 'get', 'get', 'list']);
  });

  test('an unreadable item of a list costs no other its place', async () => {
    const { ids } = house.emulator.createWorkRequest({ service: 'LUSTREFILESTORAGE', region, count: 3 });
    const broken = create('LUSTREFILESTORAGE', house, { nativeInListItem: { id: null } });
    const nodes = [...ids, broken].map((id) =>
      Buffer.from(`WorkRequest:LUSTREFILESTORAGE:${region}:${id}`).toString('base64url'),
    );
    const { data, errors } = await house.query<{ nodes: readonly unknown[] }>(
      'query($nodes: [ID!]!) { nodes(ids: $nodes) { id } }',
      { nodes },
    );
    expect(errors).toBeUndefined();
    expect(data?.nodes).toEqual(nodes.map((id) => ({ id })));
    expect(house.asked()).toEqual(['get', 'list', 'get']);
  });
});

test('an upstream that is not there at all is UPSTREAM_UNAVAILABLE, and `/readyz` tells of it', async () => {
  const lonely = await createTestGateway();
  const id = create('CONTAINERENGINE', lonely);
  await lonely.emulator.stop();
  try {
    const answer = await lonely.query(document, { id });
    expect(answer).toMatchObject({
      data: { workRequest: null },
      errors: [{ path: ['workRequest'], extensions: { code: 'UPSTREAM_UNAVAILABLE', opcRequestId: null } }],
    });
    expect(answer.errors?.[0]?.message).toContain('cannot be reached (ECONNREFUSED)');
    expect(await (await fetch(`${lonely.url}/readyz`)).json()).toEqual({
      status: 'ok',
      degraded: [`CONTAINERENGINE ${region}: UPSTREAM_UNAVAILABLE`],
    });
  } finally {
    await lonely.stop();
  }
});

test('no key, signature, path of a key or header of a caller is in any answer or log line, whatever goes wrong', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'canary-'));
  const vault = await createTestGateway({
    profileFolder: folder,
    logLevel: 'trace',
    env: { UPSTREAM_DEADLINE_MS: '300', CURSOR_SECRET: 'canary-of-the-cursors' },
  });
  const profile = await readFile(join(folder, 'config'), 'utf8');
  const pem = await readFile(join(folder, 'key.pem'), 'utf8');
  const answers: string[] = [];
  try {
    const id = create('CONTAINERENGINE', vault);
    const faults = [
      {},
      { status: 401 },
      { status: 403 },
      { status: 500 },
      { hang: true },
      { reset: 'before' },
      { body: 'x' },
      { status: 302 },
      { status: 400, message: 'keyId="canary-echo/a/b" Signature version="1",keyId="canary-echo"' },
    ] as const;
    for (const fault of faults) {
      vault.emulator.clearFaults();
      if (Object.keys(fault).length > 0) vault.emulator.addFault({ service: 'CONTAINERENGINE', ...fault });
      for (const transport of transports) {
        answers.push(JSON.stringify(await vault.query(document, { id }, { transport })));
      }
      const response = await fetch(`${vault.url}/graphql?canary-search=1`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: 'Bearer canary-header',
          cookie: 'canary-cookie=1',
        },
        body: JSON.stringify({
          query: '{ nope(secret: "canary-document") }',
          variables: { password: 'canary-variable' },
        }),
      });
      expect(response.status).toBe(200);
      answers.push(JSON.stringify([...response.headers]), await response.text());
    }
    for (const path of ['/metrics', '/readyz', '/playground', '/nowhere?canary-search']) {
      answers.push(await (await fetch(vault.url + path)).text());
    }
  } finally {
    await vault.stop();
    await rm(folder, { recursive: true });
  }
  const fingerprint = /fingerprint=(\S+)/.exec(profile)?.[1] ?? '';
  const user = /user=(\S+)/.exec(profile)?.[1] ?? '';
  const keyLine = pem.split('\n')[1] ?? '';
  expect(keyLine.length).toBeGreaterThan(40);
  expect(vault.logged.length).toBeGreaterThan(0);
  const told = [...answers, ...vault.logged].join('\n');
  for (const secret of ['canary', fingerprint, user, keyLine, 'PRIVATE KEY', 'signature=', 'rsa-sha256']) {
    expect(secret).not.toBe('');
    const at = told.indexOf(secret);
    expect(at < 0 ? '' : told.slice(Math.max(0, at - 200), at + 100)).toBe('');
  }
});
