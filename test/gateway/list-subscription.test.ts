/** Watching a list through the whole gateway. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codesOf, createTestGateway } from '../support/gateway.ts';
import type { Answer, Json, Subscriber, TestGateway } from '../support/gateway.ts';

const region = 'us-ashburn-1';
const document = `subscription Watch(
  $compartmentId: String!, $services: [ServiceName!], $regions: [String!], $filter: WorkRequestFilter, $below: Boolean
) {
  workRequests(
    compartmentId: $compartmentId, services: $services, regions: $regions, filter: $filter, includeSubcompartments: $below
  ) {
    type sequence previousStatus
    workRequest { workRequestId status percentComplete }
    gap { reason message }
  }
}`;

interface Event {
  readonly type: string;
  readonly sequence: number;
  readonly previousStatus: string | null;
  readonly workRequest: {
    readonly workRequestId: string;
    readonly status: string;
    readonly percentComplete: number | null;
  } | null;
  readonly gap: { readonly reason: string; readonly message: string } | null;
}
type Watch = Subscriber<{ workRequests: Event }>;

let house: TestGateway;
beforeAll(async () => {
  house = await createTestGateway({ env: { POLL_MIN_MS: '400', POLL_MAX_MS: '800', UPSTREAM_RPS: '1000' } });
});
afterAll(() => house.stop());

let compartments = 0;
const newCompartment = (): string => `ocid1.compartment.oc1..watched${(compartments += 1)}`;
const names = new Map<string, string>();
const create = (name: string, compartmentId: string, status = 'IN_PROGRESS', more: Json = {}): string => {
  const { id } = house.emulator.createWorkRequest({
    service: 'DEVOPS',
    region,
    compartmentId,
    script: [{ afterMs: 0, status, percentComplete: 10 }],
    ...more,
  });
  names.set(id, name);
  return id;
};
const watch = (variables: Json, transport: 'websocket' | 'sse' = 'websocket'): Watch =>
  house.subscribe(document, { services: ['DEVOPS'], regions: [region], ...variables }, { transport });

const eventOf = (answer: Answer<{ workRequests: Event }> | null): Event => {
  expect(answer?.errors).toBeUndefined();
  if (!answer?.data) throw new Error('no event came');
  return answer.data.workRequests;
};
const next = async (watching: Watch): Promise<string> => {
  const { type, workRequest, gap } = eventOf(await watching.next());
  if (gap) return `${type} ${gap.reason}`;
  return workRequest ? `${type} ${names.get(workRequest.workRequestId) ?? '?'} ${workRequest.status}` : type;
};
/** Up to SYNCED, which is left out; in alphabetical order. */
const snapshots = async (watching: Watch): Promise<string[]> => {
  const told: string[] = [];
  for (let event = await next(watching); event !== 'SYNCED'; event = await next(watching)) told.push(event);
  return told.sort();
};

describe.each(['websocket', 'sse'] as const)('a list over %s', (transport) => {
  test('tells what there is, what comes, what changes and what ends', async () => {
    const compartmentId = newCompartment();
    const a = create('a', compartmentId);
    create('b', compartmentId, 'SUCCEEDED');
    const watching = watch({ compartmentId }, transport);
    expect(await snapshots(watching)).toEqual(['SNAPSHOT a IN_PROGRESS', 'SNAPSHOT b SUCCEEDED']);
    house.emulator.patchWorkRequest(a, { status: 'WAITING' });
    expect(await next(watching)).toBe('CHANGED a WAITING');
    const c = create('c', compartmentId, 'ACCEPTED');
    expect(await next(watching)).toBe('ADDED c ACCEPTED');
    house.emulator.patchWorkRequest(c, { status: 'FAILED' });
    expect(await next(watching)).toBe('FINISHED c FAILED');
    create('d', compartmentId, 'SUCCEEDED');
    expect(await next(watching)).toBe('ADDED d SUCCEEDED');
    house.emulator.patchWorkRequest(a, { status: 'SUCCEEDED' });
    const last = eventOf(await watching.next());
    expect(last).toMatchObject({ type: 'FINISHED', previousStatus: 'WAITING', sequence: 8 });
    expect(await house.metric('gateway_watchers')).toBe(0);
    expect(await house.metric('gateway_listings')).toBe(1);
    watching.unsubscribe();
    await house.untilMetric('gateway_listings', 0);
  });
});

test('the filter decides what is told first; what was told is followed to its end', async () => {
  const compartmentId = newCompartment();
  const a = create('a', compartmentId);
  const b = create('b', compartmentId, 'SUCCEEDED');
  const watching = watch({ compartmentId, filter: { statuses: ['WAITING', 'SUCCEEDED'] } });
  expect(await snapshots(watching)).toEqual(['SNAPSHOT b SUCCEEDED']);
  house.emulator.patchWorkRequest(a, { status: 'WAITING' });
  expect(await next(watching)).toBe('ADDED a WAITING');
  house.emulator.patchWorkRequest(a, { status: 'IN_PROGRESS' });
  expect(await next(watching)).toBe('CHANGED a IN_PROGRESS');
  house.emulator.patchWorkRequest(a, { status: 'FAILED' });
  expect(await next(watching)).toBe('FINISHED a FAILED');
  expect(b).toBeDefined();
  watching.unsubscribe();
});

test('a list and a single work request share their looks', async () => {
  const compartmentId = newCompartment();
  const a = create('a', compartmentId);
  const list = watch({ compartmentId });
  expect(await snapshots(list)).toEqual(['SNAPSHOT a IN_PROGRESS']);
  const single: Subscriber<{ workRequest: { type: string } }> = house.subscribe(
    'subscription($id: ID!) { workRequest(id: $id, service: DEVOPS) { type } }',
    { id: a },
  );
  expect((await single.next())?.data?.workRequest.type).toBe('SNAPSHOT');
  expect(await house.metric('gateway_watchers')).toBe(1);
  house.emulator.patchWorkRequest(a, { status: 'SUCCEEDED' });
  expect(await next(list)).toBe('FINISHED a SUCCEEDED');
  expect((await single.next())?.data?.workRequest.type).toBe('FINISHED');
  expect(await single.next()).toBeNull();
  list.unsubscribe();
  await house.untilMetric('gateway_listings', 0);
});

test('a newcomer gets all that there is, whatever others were told before', async () => {
  const compartmentId = newCompartment();
  create('a', compartmentId);
  create('b', compartmentId, 'FAILED');
  const first = watch({ compartmentId });
  await snapshots(first);
  const second = watch({ compartmentId });
  expect(await snapshots(second)).toEqual(['SNAPSHOT a IN_PROGRESS', 'SNAPSHOT b FAILED']);
  create('c', compartmentId);
  expect(await next(first)).toBe('ADDED c IN_PROGRESS');
  expect(await next(second)).toBe('ADDED c IN_PROGRESS');
  first.unsubscribe();
  second.unsubscribe();
  await house.untilMetric('gateway_listings', 0);
  await house.untilMetric('gateway_watchers', 0);
});

test('a list over all services, some of which want parents or tell less in lists, tells each work request once', async () => {
  const compartmentId = newCompartment();
  const services = ['ODA', 'LOADBALANCER', 'WORKREQUESTS', 'LOGANALYTICS_STORAGE', 'IDENTITY', 'MYSQL'];
  for (const service of services)
    create(service, compartmentId, 'IN_PROGRESS', {
      service,
      script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
    });
  const watching = watch({ compartmentId, services: null });
  const told = await snapshots(watching);
  expect(told).toEqual(services.map((service) => `SNAPSHOT ${service} IN_PROGRESS`).sort());
  watching.unsubscribe();
  await house.untilMetric('gateway_listings', 0);
  await house.untilMetric('gateway_watchers', 0);
});

test('an unknown compartment is one GAP for all, then SYNCED', async () => {
  const watching = watch({ compartmentId: 'ocid1.compartment.oc1..unknown', services: null });
  expect(await next(watching)).toBe('GAP NOT_FOUND');
  expect(await next(watching)).toBe('SYNCED');
  watching.unsubscribe();
});

test('a source that is down is a GAP that names it; what it has comes when it is back', async () => {
  const compartmentId = newCompartment();
  create('a', compartmentId);
  create('m', compartmentId, 'IN_PROGRESS', { service: 'MYSQL' });
  house.emulator.addFault({ service: 'MYSQL', operation: 'list', status: 500 });
  const watching = watch({ compartmentId, services: ['DEVOPS', 'MYSQL'] });
  try {
    expect(await snapshots(watching)).toEqual(['SNAPSHOT a IN_PROGRESS']);
    const gap = eventOf(await watching.next());
    expect(gap).toMatchObject({ type: 'GAP', workRequest: null, gap: { reason: 'UPSTREAM_SILENT' } });
    expect(gap.gap?.message).toContain(`MYSQL in ${region}`);
  } finally {
    house.emulator.clearFaults();
  }
  expect(await next(watching)).toBe('ADDED m IN_PROGRESS');
  watching.unsubscribe();
});

test('compartments below are watched too', async () => {
  const compartmentId = newCompartment();
  const below = newCompartment();
  house.emulator.addCompartment({ id: compartmentId });
  house.emulator.addCompartment({ id: below, parentId: compartmentId });
  create('a', compartmentId);
  create('b', below);
  const watching = watch({ compartmentId, below: true });
  expect(await snapshots(watching)).toEqual(['SNAPSHOT a IN_PROGRESS', 'SNAPSHOT b IN_PROGRESS']);
  create('c', below);
  expect(await next(watching)).toBe('ADDED c IN_PROGRESS');
  watching.unsubscribe();
  await house.untilMetric('gateway_listings', 0);
});

test('more than a thousand matches are more than a subscription takes', async () => {
  const compartmentId = newCompartment();
  create('many', compartmentId, 'SUCCEEDED', { count: 1_001 });
  const watching = watch({ compartmentId });
  let answer = await watching.next();
  while (answer?.data) answer = await watching.next();
  expect(codesOf(answer as never)).toEqual(['LIMIT_EXCEEDED']);
  const some = watch({ compartmentId, filter: { isTerminal: false } });
  expect(await snapshots(some)).toEqual([]);
  some.unsubscribe();
  await house.untilMetric('gateway_listings', 0);
});

test.each([
  ['an empty compartment', { compartmentId: '' }, 'BAD_USER_INPUT'],
  ['a contradictory filter', { compartmentId: 'c', filter: { statuses: [] } }, 'BAD_USER_INPUT'],
  [
    'a region that may not be called',
    { compartmentId: 'c', regions: ['eu-nowhere-1'] },
    'REGION_NOT_ALLOWED',
  ],
])('%s is the caller’s to hear', async (_, variables, code) => {
  const watching = watch(variables);
  const answer = await watching.next();
  expect(codesOf(answer as never)).toEqual([code]);
});
