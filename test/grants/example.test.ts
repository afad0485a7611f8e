/** The policy that people begin with, and those in the documents: each is one, and means what is said beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parsePolicy, readPolicy } from '../../grants/policy.ts';
import { createViews } from '../../grants/views.ts';
import type { Place } from '../../grants/views.ts';

const root = join(import.meta.dirname, '../..');
const below: Readonly<Record<string, readonly string[]>> = {
  payments: ['payments', 'paymentstest', 'paymentsold'],
  data: ['data', 'datalake'],
};
const nameOf = (ocid: string): string => ocid.slice('ocid1.compartment.oc1..'.length);
const ocidOf = (name: string): string => `ocid1.compartment.oc1..${name}`;

const policy = await readPolicy(join(root, 'examples/policy.yaml'));
const viewOf = createViews(policy, (of) => new Set(below[nameOf(of)]?.map(ocidOf)));

const frankfurt = { service: 'MYSQL', region: 'eu-frankfurt-1' } as const;
const place = (compartment: string | null, more: Partial<Place> = frankfurt): Place => ({
  ...frankfurt,
  ...more,
  compartmentId: compartment === null ? null : ocidOf(compartment),
});

test.each([
  [{ groups: ['payments'] }, place('payments'), 'read'],
  [{ groups: ['payments'] }, place('paymentsold'), 'read'],
  [{ groups: ['payments'] }, place('paymentstest'), 'cancel'],
  [{ groups: ['payments'] }, place('web'), ''],
  [{ groups: 'web-contractors' }, place('webtest'), 'read'],
  [{ groups: ['web'] }, place('weblater'), ''],
  [{ groups: ['Web'] }, place('web'), ''],
  [{ groups: ['data'] }, place('datalake'), 'cancel'],
  [{ groups: ['data'] }, place('datalake', { region: 'us-ashburn-1' }), ''],
  [{ groups: ['data'] }, place('datalake', { service: 'CONTAINERENGINE' }), ''],
  [{ client_id: 'deploy-payments', scope: 'openid work-requests' }, place('paymentsold'), 'cancel'],
  [{ client_id: 'deploy-payments' }, place('payments'), ''],
  [{ groups: ['audit', 'staff'], email_verified: true }, place('web'), 'read'],
  [{ groups: ['audit'], email_verified: true }, place(null), 'read'],
  [{ groups: ['audit'], email_verified: 'true' }, place('web'), ''],
  [{ groups: ['web', 'data'] }, place('data'), 'cancel'],
  [{ groups: ['web', 'data'] }, place('web'), 'read'],
  [{}, place('payments'), ''],
])('examples/policy.yaml: %j in %j may %j', (claims, where, may) => {
  const view = viewOf(claims);
  const [reads, cancels] = [view?.allows('read', where), view?.allows('cancel', where)];
  expect([reads, cancels]).toEqual([may !== '', may === 'cancel']);
});

test('examples/policy.yaml: who is on call may do everything', () => {
  expect(viewOf({ realm_access: { roles: ['oncall'] } })).toBeNull();
});

test.each(['README.md', 'docs/operations.md'])('the policy in %s is one', async (file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const blocks = [...text.matchAll(/```yaml\n(.*?)\n```/gs)]
    .map(([, block = '']) => block)
    .filter((block) => block.includes('\nrules:'));
  expect(blocks).toHaveLength(1);
  for (const block of blocks) expect((await parsePolicy(block, file)).rules.length).toBeGreaterThan(0);
});
