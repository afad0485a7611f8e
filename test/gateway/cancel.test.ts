/** Cancelling through the whole gateway, and what stands in its way. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codesOf, createTestGateway } from '../support/gateway.ts';
import type { Json, TestGateway } from '../support/gateway.ts';

const region = 'us-ashburn-1';
const mutation = `mutation Cancel($input: CancelWorkRequestInput!) {
  cancelWorkRequest(input: $input) {
    workRequest { id status rawStatus canCancel }
    error { code message }
    clientMutationId
  }
}`;

interface Payload {
  readonly cancelWorkRequest: {
    readonly workRequest: { readonly status: string; readonly canCancel: boolean } | null;
    readonly error: { readonly code: string; readonly message: string } | null;
    readonly clientMutationId: string | null;
  };
}

let house: TestGateway;
beforeAll(async () => {
  // Watchers look so seldom that what they tell within a test was told to them.
  house = await createTestGateway({ env: { POLL_MIN_MS: '600000', POLL_MAX_MS: '600000' } });
});
afterAll(() => house.stop());

const create = (more: Json = {}, where = house): string =>
  where.emulator.createWorkRequest({
    service: 'CONTAINERENGINE',
    region,
    script: [{ status: 'IN_PROGRESS', percentComplete: 10 }],
    ...more,
  }).id;

const cancel = async (id: string, more: Json = {}, where = house) => {
  where.asked();
  const answer = await where.query<Payload>(mutation, {
    input: { id, service: 'CONTAINERENGINE', region, ...more },
  });
  expect(answer.errors).toBeUndefined();
  return answer.data!.cancelWorkRequest;
};

describe('cancelWorkRequest', () => {
  test('reads the state, cancels it by its etag, and reads back what became of it', async () => {
    const { workRequest, error, clientMutationId } = await cancel(create(), { clientMutationId: 'mine' });
    expect(error).toBeNull();
    expect(workRequest).toMatchObject({ status: 'CANCELING', canCancel: false });
    expect(clientMutationId).toBe('mine');
    expect(house.asked()).toEqual(['get', 'cancel', 'get']);
  });

  test('is told to who watches, without waiting for the next look', async () => {
    const id = create();
    const watch = house.subscribe<{ workRequest: { type: string; workRequest: { status: string } } }>(
      `subscription { workRequest(id: "${id}", service: CONTAINERENGINE, region: "${region}") { type workRequest { status } } }`,
    );
    expect((await watch.next())?.data?.workRequest.type).toBe('SNAPSHOT');
    await cancel(id);
    expect((await watch.next())?.data?.workRequest.workRequest.status).toBe('CANCELING');
    watch.unsubscribe();
  });

  test('tries once more, with the new etag, where the state changed in between', async () => {
    const id = create();
    house.emulator.addFault({
      service: 'CONTAINERENGINE',
      operation: 'cancel',
      workRequestId: id,
      times: 1,
      status: 412,
      code: 'NoEtagMatch',
    });
    expect(await cancel(id)).toMatchObject({ workRequest: { status: 'CANCELING' }, error: null });
    expect(house.asked()).toEqual(['get', 'cancel', 'get', 'cancel', 'get']);
  });

  test('says what stands in the way, and asks for no cancel then', async () => {
    const finished = create({ script: [{ status: 'SUCCEEDED' }] });
    expect(await cancel(finished)).toMatchObject({
      workRequest: { status: 'SUCCEEDED' },
      error: { code: 'ALREADY_FINISHED' },
    });
    expect(house.asked()).toEqual(['get']);

    const canceling = create({ script: [{ status: 'CANCELING' }] });
    expect(await cancel(canceling)).toMatchObject({ error: { code: 'NOT_CANCELABLE' } });
    expect(house.asked()).toEqual(['get']);

    expect(await cancel('ocid1.clustersworkrequest.oc1.iad.absent')).toMatchObject({
      workRequest: null,
      error: { code: 'NOT_FOUND' },
    });
    expect(house.asked()).toEqual(['get']);
  });

  test('an API without cancel is asked nothing', async () => {
    const id = create({ service: 'WAF' });
    expect(await cancel(id, { service: 'WAF' })).toMatchObject({ error: { code: 'NOT_CANCELABLE' } });
    expect(house.asked()).toEqual([]);
  });

  test('what upstream refuses is data, with the state as it is', async () => {
    const id = create({ isCancelable: false });
    expect(await cancel(id)).toMatchObject({
      workRequest: { status: 'IN_PROGRESS' },
      error: { code: 'NOT_CANCELABLE', message: expect.stringContaining('IncorrectState') },
    });
    house.emulator.addFault({ service: 'CONTAINERENGINE', operation: 'cancel', times: 1, status: 500 });
    expect(await cancel(create())).toMatchObject({ error: { code: 'UPSTREAM_UNAVAILABLE' } });
    // A delete is not repeated: nobody knows whether it was carried out.
    expect(house.asked()).toEqual(['get', 'cancel', 'get']);
  });

  test('an id that cannot be is an error of its own', async () => {
    const answer = await house.query(mutation, {
      input: { id: 'no/id', service: 'CONTAINERENGINE', region },
    });
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  });

  test('a list that was just read does not tell the state before it', async () => {
    const compartmentId = 'ocid1.compartment.oc1..cancel';
    const id = create({ compartmentId });
    const list = async () =>
      (
        await house.query<{ workRequests: { nodes: { status: string }[] } }>(
          `query($c: String!) { workRequests(compartmentId: $c, services: [CONTAINERENGINE], regions: ["${region}"]) { nodes { status } } }`,
          { c: compartmentId },
        )
      ).data?.workRequests.nodes;
    expect(await list()).toEqual([{ status: 'IN_PROGRESS' }]);
    await cancel(id);
    expect(await list()).toEqual([{ status: 'CANCELING' }]);
  });

  test('a read-only gateway asks nothing of Oracle Cloud', async () => {
    const readOnly = await createTestGateway({ env: { READ_ONLY: 'true' } });
    try {
      const { workRequest, error } = await cancel(create({}, readOnly), {}, readOnly);
      expect(workRequest).toBeNull();
      expect(error?.code).toBe('READ_ONLY');
      expect(readOnly.asked()).toEqual([]);
    } finally {
      await readOnly.stop();
    }
  });
});
