/** What a policy names in vain. */
import { expect, test } from '@jest/globals';
import { idlePartsOf } from '../../grants/idle.ts';
import { parsePolicy } from '../../grants/policy.ts';

const asked =
  'This gateway asks in eu-frankfurt-1, us-phoenix-1 (OCI_REGIONS), and for IAM in us-ashburn-1 (OCI_HOME_REGION).';

test.each([
  ['', []],
  ['regions: all', []],
  ['regions: [us-phoenix-1, eu-frankfurt-1]', []],
  ['services: [IDENTITY, MYSQL]', []],
  // Some services are elsewhere, which is nothing that anybody named.
  ['regions: [us-ashburn-1]', []],
  ['services: [IDENTITY], regions: [us-ashburn-1]', []],
  ['regions: [us-phoenix-1, eu-paris-1]', ['regions: nothing that it allows is in eu-paris-1']],
  // As it is known elsewhere, and misspelt.
  ['regions: [us-phoenix, fra-1]', ['regions: nothing that it allows is in us-phoenix, fra-1']],
  ['services: [MYSQL], regions: [us-ashburn-1]', ['regions: nothing that it allows is in us-ashburn-1']],
  ['services: [IDENTITY], regions: [us-phoenix-1]', ['regions: nothing that it allows is in us-phoenix-1']],
  [
    'services: [IDENTITY, MYSQL], regions: [us-phoenix-1]',
    ['services: nothing of IDENTITY is in its regions'],
  ],
])('%j: %j', async (more, notes) => {
  const text = `{ version: 1, rules: [{ when: anyone, allow: [read], compartments: all }, { when: anyone, allow: [read], compartments: all, ${more} }] }`;
  const reach = { allowedRegions: ['eu-frankfurt-1', 'us-phoenix-1'], homeRegion: 'us-ashburn-1' };
  expect(idlePartsOf(await parsePolicy(text, 'policy'), reach)).toEqual(
    notes.map((note) => `rules[1].${note}. ${asked}`),
  );
});
