/** Reading single work requests: by every kind of id, every field, and never more calls than it takes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sampleCompartments, sampleNamespace } from '../../emulator/emulator.ts';
import { codesOf, createTestGateway } from '../support/gateway.ts';
import type { Json, TestGateway } from '../support/gateway.ts';

let house: TestGateway;
beforeAll(async () => {
  house = await createTestGateway();
});
afterAll(() => house.stop());

const region = 'us-ashburn-1';
const create = (service: string, more: Json = {}): string =>
  house.emulator.createWorkRequest({
    service,
    region,
    script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
    ...more,
  }).id;

const globalId = (text: string): string => Buffer.from(`WorkRequest:${text}`).toString('base64url');

const all = `fragment All on WorkRequest {
  id workRequestId service { name title package canCancel hasErrors hasLogs } region compartmentId operationType
  status rawStatus isTerminal percentComplete timeAccepted timeStarted timeUpdated timeFinished
  resources { entityType actionType identifier entityUri extras }
  errors { nodes { code message timestamp isRetryable } edges { cursor } pageInfo { hasNextPage hasPreviousPage } }
  logs { nodes { message timestamp } }
  canCancel extras observedAt isStale
}`;

describe('a work request', () => {
  test('is read by its OCID alone, with every field', async () => {
    const id = create('CONTAINERENGINE', {
      operationType: 'CLUSTER_CREATE',
      acceptedMsAgo: 60_000,
      script: [
        { afterMs: 0, status: 'ACCEPTED' },
        { afterMs: 10_000, status: 'IN_PROGRESS' },
        { afterMs: 30_000, status: 'FAILED' },
      ],
      resources: [
        {
          entityType: 'cluster',
          actionType: 'CREATED',
          identifier: 'ocid1.cluster.oc1.iad.a',
          entityUri: '/clusters/a',
        },
      ],
      errors: [{ code: 'QuotaExceeded', message: 'Too many nodes', afterMs: 20_000 }],
      logs: [{ message: 'Creating nodes', afterMs: 15_000 }],
    });
    const { data, errors } = await house.query(`query($id: ID!) { workRequest(id: $id) { ...All } } ${all}`, {
      id,
    });
    expect(errors).toBeUndefined();
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(data?.['workRequest']).toEqual({
      id: globalId(`CONTAINERENGINE:${region}:${id}`),
      workRequestId: id,
      service: {
        name: 'CONTAINERENGINE',
        title: 'Kubernetes Engine',
        package: 'containerengine',
        canCancel: true,
        hasErrors: true,
        hasLogs: true,
      },
      region,
      compartmentId: sampleCompartments.platform,
      operationType: 'CLUSTER_CREATE',
      status: 'FAILED',
      rawStatus: 'FAILED',
      isTerminal: true,
      percentComplete: null,
      timeAccepted: time,
      timeStarted: time,
      timeUpdated: null,
      timeFinished: time,
      resources: [
        {
          entityType: 'cluster',
          actionType: 'CREATED',
          identifier: 'ocid1.cluster.oc1.iad.a',
          entityUri: '/clusters/a',
          extras: null,
        },
      ],
      errors: {
        nodes: [{ code: 'QuotaExceeded', message: 'Too many nodes', timestamp: time, isRetryable: null }],
        edges: [{ cursor: expect.any(String) }],
        pageInfo: { hasNextPage: false, hasPreviousPage: false },
      },
      logs: { nodes: [{ message: 'Creating nodes', timestamp: time }] },
      canCancel: false,
      extras: expect.any(Object),
      observedAt: time,
      isStale: false,
    });
    expect([...house.asked()].sort()).toEqual(['errors', 'get', 'logs']);
  });

  test('is read by a UUID with service and region, and folds the words of its service', async () => {
    const id = create('OBJECTSTORAGE', { script: [{ afterMs: 0, status: 'COMPLETED' }] });
    const document = `query($id: ID!, $region: String) {
      workRequest(id: $id, service: OBJECTSTORAGE, region: $region) { id workRequestId region status rawStatus isTerminal }
    }`;
    const byId = await house.query(document, { id, region });
    const byCode = await house.query(document, { id, region: 'iad' });
    expect(byId.data?.['workRequest']).toEqual({
      id: globalId(`OBJECTSTORAGE:${region}:${id}`),
      workRequestId: id,
      region,
      status: 'SUCCEEDED',
      rawStatus: 'COMPLETED',
      isTerminal: true,
    });
    expect(byCode).toEqual(byId);
    expect(house.asked()).toEqual(['get', 'get']);
  });

  test('has the same id by every route, and each of them leads back to it', async () => {
    const ids = house.emulator.createWorkRequest({ service: 'CONTAINERENGINE', region, count: 4 }).ids;
    const expected = ids.map((id) => globalId(`CONTAINERENGINE:${region}:${id}`));
    const [raw] = ids;
    const [global] = expected;
    const { data } = await house.query<Record<string, Json & readonly Json[]>>(
      `query($raw: ID!, $global: ID!, $ids: [ID!]!) {
        raw: workRequest(id: $raw) { id }
        global: workRequest(id: $global) { id }
        given: workRequest(id: $raw, service: CONTAINERENGINE, region: "us-ashburn-1") { id }
        node(id: $global) { id __typename }
        nodes(ids: $ids) { id ... on WorkRequest { workRequestId } }
      }`,
      { raw, global, ids: expected },
    );
    expect(data?.['raw']).toEqual({ id: global });
    expect(data?.['global']).toEqual({ id: global });
    expect(data?.['given']).toEqual({ id: global });
    expect(data?.['node']).toEqual({ id: global, __typename: 'WorkRequest' });
    expect(data?.['nodes']).toEqual(
      ids.map((workRequestId, index) => ({ id: expected[index], workRequestId })),
    );
    // One teaches the compartment, its list brings the other three; all of them share one batch.
    expect(house.asked()).toEqual(['get', 'list']);
  });

  test('of Logging Analytics has the same id whether its namespace was known or asked for', async () => {
    const fresh = await createTestGateway();
    try {
      const { ids } = fresh.emulator.createWorkRequest({ service: 'LOGANALYTICS_STORAGE', region, count: 4 });
      const expected = ids.map((id) => globalId(`LOGANALYTICS_STORAGE:${region}:${id}:${sampleNamespace}`));
      const byRawId = 'query($id: ID!) { workRequest(id: $id) { id status } }';
      const first = await fresh.query(byRawId, { id: ids[0] });
      expect(first.data?.['workRequest']?.['id']).toBe(expected[0]);
      expect(fresh.asked()).toEqual(['listNamespaces', 'get']);
      const again = await fresh.query(byRawId, { id: ids[0] });
      expect(again.data).toEqual(first.data);
      // The namespace was asked for by the first, and is known to all.
      expect([first, again].map(({ extensions }) => extensions?.cost.actual)).toEqual([2, 1]);
      expect(fresh.asked()).toEqual(['get']);
      const byGlobalId = await fresh.query(byRawId, { id: expected[0] });
      expect(byGlobalId.data).toEqual(first.data);
      expect(fresh.asked()).toEqual(['get']);
      const { data } = await fresh.query<{ nodes: readonly Json[] }>(
        'query($ids: [ID!]!) { nodes(ids: $ids) { id } }',
        { ids: expected },
      );
      expect(data?.nodes).toEqual(expected.map((id) => ({ id })));
      // One by itself as before, one that teaches the compartment, and its list.
      expect([...fresh.asked()].sort()).toEqual(['get', 'get', 'list']);
    } finally {
      await fresh.stop();
    }
  });

  test('that Oracle does not know is null without an error, alone, as a node and among others', async () => {
    const known = create('QUEUE');
    const absent = 'ocid1.queueworkrequest.oc1.iad.absent';
    const [knownId, absentId] = [known, absent].map((id) => globalId(`QUEUE:${region}:${id}`));
    const answer = await house.query(
      `query($absent: ID!, $absentId: ID!, $ids: [ID!]!) {
        workRequest(id: $absent, service: QUEUE) { id }
        node(id: $absentId) { id }
        nodes(ids: $ids) { id }
      }`,
      { absent, absentId, ids: [absentId, knownId] },
    );
    expect(answer.data).toEqual({ workRequest: null, node: null, nodes: [null, { id: knownId }] });
    expect(answer.errors).toBeUndefined();
    expect(house.asked()).toEqual(['get', 'get']);
  });

  test('can be canceled where its API can, its state allows it, and the gateway is not read-only', async () => {
    const document = `query($running: ID!, $done: ID!, $other: ID!) {
      running: workRequest(id: $running) { canCancel }
      done: workRequest(id: $done) { canCancel }
      cannot: workRequest(id: $other) { canCancel }
    }`;
    const specs = [
      { service: 'CONTAINERENGINE', status: 'IN_PROGRESS' },
      { service: 'CONTAINERENGINE', status: 'SUCCEEDED' },
      { service: 'BASTION', status: 'IN_PROGRESS' },
    ];
    const ask = async ({ emulator, query }: TestGateway): Promise<unknown> => {
      const [running, done, other] = specs.map(
        ({ service, status }) =>
          emulator.createWorkRequest({ service, region, script: [{ afterMs: 0, status }] }).id,
      );
      return (await query(document, { running, done, other })).data;
    };
    const [yes, no] = [{ canCancel: true }, { canCancel: false }];
    expect(await ask(house)).toEqual({ running: yes, done: no, cannot: no });
    house.asked();
    const readOnly = await createTestGateway({ env: { READ_ONLY: 'true' } });
    try {
      expect(await ask(readOnly)).toEqual({ running: no, done: no, cannot: no });
    } finally {
      await readOnly.stop();
    }
  });

  test('shows in `extras` what the unified type has no name for, under its native name', async () => {
    const id = create('DEVOPS', { native: { somethingNew: { deep: [1, null] } } });
    const { data } = await house.query<{ workRequest: { extras: Json } }>(
      'query($id: ID!) { workRequest(id: $id, service: DEVOPS) { extras } }',
      { id },
    );
    expect(data?.workRequest.extras).toMatchObject({ somethingNew: { deep: [1, null] } });
    expect(Object.keys(data?.workRequest.extras ?? {})).not.toContain('compartmentId');
    expect(house.asked()).toEqual(['get']);
  });
});

describe('upstream is asked no more than the selection needs', () => {
  test('status, progress and resources take one get', async () => {
    const id = create('CONTAINERENGINE');
    const { errors } = await house.query(
      'query($id: ID!) { workRequest(id: $id) { status percentComplete resources { identifier } service { title } } }',
      { id },
    );
    expect(errors).toBeUndefined();
    expect(house.asked()).toEqual(['get']);
  });

  test('the same thing under many names, at different depths, is one call each', async () => {
    const id = create('CONTAINERENGINE');
    const { data } = await house.query(
      `query($id: ID!, $global: ID!) {
        a: workRequest(id: $id) { id errors { nodes { code } } }
        b: workRequest(id: $id) { id extras }
        c: workRequest(id: $id, region: "iad") { id e1: errors { nodes { message } } e2: errors(first: 1) { nodes { code } } }
        d: node(id: $global) { id }
        e: nodes(ids: [$global, $global]) { id }
      }`,
      { id, global: globalId(`CONTAINERENGINE:${region}:${id}`) },
    );
    expect(data?.['a']?.['id']).toBe(data?.['c']?.['id']);
    expect(house.asked()).toEqual(['get', 'errors']);
  });

  test('errors and logs are read when they are selected, through fragments too, and not when a directive leaves them out', async () => {
    const id = create('CONTAINERENGINE');
    const document = `query($id: ID!, $with: Boolean!) {
      workRequest(id: $id) { status ...Parts @include(if: $with) logs @skip(if: $with) { nodes { message } } }
    } fragment Parts on WorkRequest { errors { nodes { code } } }`;
    await house.query(document, { id, with: true });
    expect(house.asked()).toEqual(['get', 'errors']);
    await house.query(document, { id, with: false });
    expect(house.asked()).toEqual(['get', 'logs']);
  });

  test('errors that come with the get, and those that an API does not have, take no call', async () => {
    const embedded = create('LOADBALANCER', {
      script: [{ afterMs: 0, status: 'FAILED' }],
      errors: [{ code: 'BAD_INPUT', message: 'No such subnet' }],
    });
    const { data } = await house.query(
      `query($embedded: ID!) {
        workRequest(id: $embedded) { errors { nodes { code message } } logs { nodes { message } } }
      }`,
      { embedded },
    );
    expect(data?.['workRequest']).toEqual({
      errors: { nodes: [{ code: 'BAD_INPUT', message: 'No such subnet' }] },
      logs: null,
    });
    expect(house.asked()).toEqual(['get']);
  });

  test('a batch of ids falls back from the list to gets where the selection needs a get', async () => {
    const { ids } = house.emulator.createWorkRequest({ service: 'DEVOPS', region, count: 4 });
    const nodes = ids.map((id) => globalId(`DEVOPS:${region}:${id}`));
    await house.query('query($nodes: [ID!]!) { nodes(ids: $nodes) { ... on WorkRequest { status } } }', {
      nodes,
    });
    expect(house.asked()).toEqual(['get', 'list']);
    await house.query('query($nodes: [ID!]!) { nodes(ids: $nodes) { ... on WorkRequest { extras } } }', {
      nodes,
    });
    expect(house.asked()).toEqual(['get', 'get', 'get', 'get']);
  });

  test('services and regions are told from what the gateway knows', async () => {
    const { data } = await house.query<{ services: readonly Json[]; regions: readonly Json[] }>(
      `{ services { name title products package canCancel hasErrors hasLogs listRequires rawStatuses documentationUrl }
        regions { id code realm } }`,
    );
    expect(data?.services).toHaveLength(115);
    expect(data?.services).toContainEqual({
      name: 'LOADBALANCER',
      title: 'Load Balancer',
      products: ['Load Balancer'],
      package: 'loadbalancer',
      canCancel: false,
      hasErrors: true,
      hasLogs: false,
      listRequires: expect.arrayContaining(['loadBalancerId']),
      rawStatuses: expect.arrayContaining(['ACCEPTED']),
      documentationUrl: expect.stringMatching(/^https:/),
    });
    expect(data?.regions).toEqual([
      { id: 'us-ashburn-1', code: 'iad', realm: 'oc1' },
      { id: 'eu-frankfurt-1', code: 'fra', realm: 'oc1' },
    ]);
    expect(house.asked()).toEqual([]);
  });
});

describe('errors and logs come in pages', () => {
  type Page = {
    nodes: readonly { message: string }[];
    pageInfo: { hasNextPage: boolean; endCursor: string };
  };
  const document = `query($id: ID!, $first: Int, $after: String) {
    workRequest(id: $id, service: DEVOPS) {
      logs(first: $first, after: $after) { nodes { message } pageInfo { hasNextPage endCursor } }
    }
  }`;
  const read = async (variables: Json): Promise<Page> => {
    const { data, errors } = await house.query<{ workRequest: { logs: Page } }>(document, variables);
    expect(errors).toBeUndefined();
    if (!data) throw new Error('no logs came');
    return data.workRequest.logs;
  };
  const messages = Array.from({ length: 120 }, (_, index) => `line ${index}`);
  const createTalkative = (): string =>
    create('DEVOPS', {
      acceptedMsAgo: 1_000,
      logs: messages.map((message, index) => ({ message, afterMs: index })),
    });

  test('every entry once and in order, across pages of ours and of upstream', async () => {
    const id = createTalkative();
    const whole = await read({ id, first: 100 });
    expect(whole.nodes).toHaveLength(100);
    house.asked();

    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const page: Page = await read({ id, first: 50, after });
      seen.push(...page.nodes.map(({ message }) => message));
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
    }
    expect([...seen].sort()).toEqual([...messages].sort());
    expect(seen.slice(0, 100)).toEqual(whole.nodes.map(({ message }) => message));
    // Upstream pages hold 100: the third page of ours begins with the second of theirs.
    expect(house.asked()).toEqual(['get', 'logs', 'get', 'logs', 'get', 'logs']);
  });

  test('a cursor works for the same work request and field only, and one that was made up for none', async () => {
    const id = createTalkative();
    const other = createTalkative();
    const { endCursor: after } = (await read({ id, first: 1 })).pageInfo;
    const tampered = `${after.slice(0, -2)}${after.endsWith('AA') ? 'BB' : 'AA'}`;
    const codes = async (variables: Json, text = document): Promise<readonly string[]> =>
      codesOf(await house.query(text, variables));
    expect(await codes({ id: other, after })).toEqual(['CURSOR_INVALID']);
    expect(await codes({ id, after }, document.replace('logs(', 'errors('))).toEqual(['CURSOR_INVALID']);
    expect(await codes({ id, after: tampered })).toEqual(['CURSOR_INVALID']);
    for (const made of [
      '',
      'x',
      'A'.repeat(10_000),
      Buffer.from('[1,0,"/elsewhere",0]').toString('base64url'),
    ]) {
      expect(await codes({ id, after: made })).toEqual(['CURSOR_INVALID']);
    }
    expect(house.asked().filter((operation) => operation !== 'get')).toEqual(['logs']);
  });

  test('`first` out of range is refused at the field, and the rest still comes', async () => {
    const id = create('DEVOPS');
    for (const first of [0, -1, 101]) {
      const answer = await house.query(
        'query($id: ID!, $first: Int) { workRequest(id: $id, service: DEVOPS) { status logs(first: $first) { nodes { message } } } }',
        { id, first },
      );
      expect(answer.data?.['workRequest']).toEqual({ status: 'IN_PROGRESS', logs: null });
      expect(answer.errors?.[0]).toMatchObject({
        path: ['workRequest', 'logs'],
        extensions: { code: 'BAD_USER_INPUT' },
      });
    }
    expect(house.asked()).toEqual(['get', 'get', 'get']);
  });
});
