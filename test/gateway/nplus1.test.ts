/** A hundred ids at once: upstream is asked a few times, not a hundred. The table, as a test; `bench/nplus1.ts` compares it with others. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sampleCompartments } from '../../emulator/emulator.ts';
import { createTestGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';

const { platform, payments, analytics } = sampleCompartments;
const groups = [
  { service: 'CONTAINERENGINE', region: 'us-ashburn-1', compartmentId: platform },
  { service: 'CONTAINERENGINE', region: 'eu-frankfurt-1', compartmentId: platform },
  { service: 'DEVOPS', region: 'us-ashburn-1', compartmentId: payments },
  { service: 'QUEUE', region: 'eu-frankfurt-1', compartmentId: analytics },
  { service: 'DATABASETOOLS', region: 'us-ashburn-1', compartmentId: payments },
] as const;

let house: TestGateway;
beforeEach(async () => {
  house = await createTestGateway();
});
afterEach(() => house.stop());

interface Given {
  readonly id: string;
  readonly workRequestId: string;
  readonly service: string;
  readonly status: string;
}

/** 20 for each group, every tenth of them failed, dealt out like cards. */
const deal = (): readonly Given[] => {
  const piles = groups.map((place) =>
    Array.from({ length: 20 }, (_, index): Given => {
      const status = index % 10 === 9 ? 'FAILED' : 'IN_PROGRESS';
      const workRequestId = house.emulator.createWorkRequest({
        ...place,
        script: [{ afterMs: 0, status, percentComplete: index }],
        errors: status === 'FAILED' ? [{ code: 'Broken', message: `number ${index}` }] : [],
      }).id;
      const text = `WorkRequest:${place.service}:${place.region}:${workRequestId}`;
      return { id: Buffer.from(text).toString('base64url'), workRequestId, service: place.service, status };
    }),
  );
  return Array.from({ length: 100 }, (_, index) => piles[index % 5]?.[Math.floor(index / 5)]).filter(
    (given) => given !== undefined,
  );
};

interface Node {
  readonly id: string;
  readonly workRequestId: string;
  readonly status: string;
  readonly percentComplete: number | null;
  readonly resources: readonly { readonly identifier: string }[];
}

const fields =
  '... on WorkRequest { id workRequestId status percentComplete resources { entityType identifier } }';
const document = `query($ids: [ID!]!) { nodes(ids: $ids) { ${fields} } }`;

const count = (calls: readonly string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(calls, (call) => call)].map(([call, all]) => [call, all.length]));

test('100 ids of 5 groups that were never seen take 5 gets and 5 lists, and come in the order they were asked for', async () => {
  const given = deal();
  const { data, errors } = await house.query<{ nodes: readonly Node[] }>(document, {
    ids: given.map(({ id }) => id),
  });
  expect(errors).toBeUndefined();
  expect(data?.nodes.map(({ id, workRequestId, status }) => ({ id, workRequestId, status }))).toEqual(
    given.map(({ id, workRequestId, status }) => ({ id, workRequestId, status })),
  );
  expect(data?.nodes.every(({ resources }) => resources.length > 0)).toBe(true);
  expect(count(house.asked())).toEqual({ get: 5, list: 5 });
});

test('the same ids take 5 lists once they were seen, and one errors call more for each failed one', async () => {
  const given = deal();
  const ids = given.map(({ id }) => id);
  const cold = await house.query<{ nodes: readonly Node[] }>(document, { ids });
  house.asked();

  const warm = await house.query<{ nodes: readonly Node[] }>(document, { ids });
  expect(warm.data).toEqual(cold.data);
  expect([cold, warm].map(({ extensions }) => extensions?.cost)).toEqual([
    { estimated: 100, actual: 10 },
    { estimated: 100, actual: 5 },
  ]);
  expect(count(house.asked())).toEqual({ list: 5 });

  const failed = given.filter(({ status }) => status === 'FAILED').map(({ id }) => id);
  const { data, errors } = await house.query<{ nodes: readonly Node[]; failed: readonly unknown[] }>(
    `query($ids: [ID!]!, $failed: [ID!]!) {
      nodes(ids: $ids) { ${fields} }
      failed: nodes(ids: $failed) { ... on WorkRequest { errors { nodes { code } } } }
    }`,
    { ids, failed },
  );
  expect(errors).toBeUndefined();
  expect(data?.nodes).toEqual(cold.data?.nodes);
  expect(data?.failed).toEqual(failed.map(() => ({ errors: { nodes: [{ code: 'Broken' }] } })));
  expect(count(house.asked())).toEqual({ list: 5, errors: failed.length });
});

test('ids that a list does not bring are read one by one, and cost the others nothing', async () => {
  const given = deal().filter(({ service }) => service === 'DEVOPS');
  const absent = Buffer.from(
    'WorkRequest:DEVOPS:us-ashburn-1:ocid1.devopsworkrequest.oc1.iad.absent',
  ).toString('base64url');
  const ids = [absent, ...given.map(({ id }) => id)];
  const { data, errors } = await house.query<{ nodes: readonly (Node | null)[] }>(document, { ids });
  expect(errors).toBeUndefined();
  expect(data?.nodes.map((node) => node?.id ?? null)).toEqual([null, ...given.map(({ id }) => id)]);
  // The absent one teaches no compartment; the next four are tried at once, then the list brings the rest.
  expect(count(house.asked())).toEqual({ get: 5, list: 1 });
});
