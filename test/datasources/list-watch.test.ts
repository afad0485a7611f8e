/** What a list is watched by, for callers who may not see everything. */
import { expect, test } from '@jest/globals';
import { planListWatch } from '../../datasources/list-watch.ts';

const compartmentId = 'ocid1.compartment.oc1..c';
const [region] = ['us-ashburn-1'] as const;
const place = { service: 'MYSQL', region, compartmentId } as const;

const planOf = (mayAsk?: () => boolean, includeSubcompartments = false) =>
  planListWatch(
    { compartmentId, includeSubcompartments, services: ['MYSQL'], regions: null, filter: {} },
    {
      endpoints: { allowedRegions: [region], homeRegion: region },
      parents: { subtreeOf: async () => [compartmentId, 'below'] },
      maxCalls: 10,
      mayAsk,
    },
  );

test('a list that comes into view later is found then, with compartments below and without', async () => {
  let isOpen = false;
  const [alone, below] = [planOf(() => isOpen), planOf(() => isOpen, true)];
  expect([alone.places, await alone.more?.find(), await below.more?.find()]).toEqual([[], [], []]);
  isOpen = true;
  expect(await alone.more?.find()).toEqual([place]);
  expect(await below.more?.find()).toEqual([place, { ...place, compartmentId: 'below' }]);
});

test('without a view there is nothing to come but what lies below', () => {
  expect(planOf().more).toBeNull();
  expect(planOf(undefined, true).more).not.toBeNull();
});
