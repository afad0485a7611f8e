/** Views that change while operations are under way, and what Oracle Cloud's troubles and the gateway's own bounds tell. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sampleTenancy } from '../../emulator/emulator.ts';
import { createTestGateway, testRegions } from '../support/gateway.ts';
import type { Answer, Json, TestGateway } from '../support/gateway.ts';
import { createIssuer } from '../support/issuer.ts';
import type { Issuer } from '../support/issuer.ts';

const platform = 'ocid1.compartment.oc1..platform';
const payments = 'ocid1.compartment.oc1..payments';
const service = 'CONTAINERENGINE';
const [region] = testRegions;

const ruleOf = (group: string, compartmentId: string, allow = '[read]'): string =>
  `  - { when: { groups: ${group} }, allow: ${allow}, compartments: [${compartmentId}] }\n`;
const policyOf = (...rules: readonly string[]): string => `version: 1\nrules:\n${rules.join('')}`;

let folder: string;
let file: string;
let idp: Issuer;
let house: TestGateway;
beforeAll(async () => {
  idp = await createIssuer();
});
afterAll(() => idp.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'grants-'));
  file = join(folder, 'policy.yaml');
});
afterEach(async () => {
  await house.stop();
  rmSync(folder, { recursive: true });
});

const start = async (policy: string, env: Readonly<Record<string, string>> = {}): Promise<void> => {
  writeFileSync(file, policy);
  house = await createTestGateway({ env: { ...idp.env, AUTH_POLICY_FILE: file, ...env }, logLevel: 'info' });
  for (const id of [platform, payments]) house.emulator.addCompartment({ id, name: id.slice(24) });
};
const change = async (policy: string): Promise<void> => {
  const inForce = (): number => house.logged.filter((line) => line.includes('is in force')).length;
  const before = inForce();
  writeFileSync(file, policy);
  while (inForce() === before) await sleep(20);
};
const tokenOf = (...groups: readonly string[]): Promise<string> =>
  idp.tokenOf(groups.join(' '), { claims: { groups } });
const create = (compartmentId: string): string =>
  house.emulator.createWorkRequest({
    service,
    region,
    compartmentId,
    script: [{ status: 'IN_PROGRESS' }],
    errors: [{ code: 'X', message: 'why' }],
  }).id;

interface Listed {
  readonly workRequests: {
    readonly nodes: readonly { readonly workRequestId: string }[];
    readonly failures: readonly { readonly code: string; readonly message: string }[];
  };
}
const listing =
  'query ($compartmentId: String!, $below: Boolean, $services: [ServiceName!]) { workRequests(compartmentId: $compartmentId, includeSubcompartments: $below, services: $services) { nodes { workRequestId } failures { code message } } }';
const list = async (token: string, compartmentId: string): Promise<Listed['workRequests']> => {
  const { data } = await house.query<Listed>(
    listing,
    { compartmentId, below: true, services: [service] },
    { token },
  );
  if (!data) throw new Error('no answer');
  return data.workRequests;
};
const watching =
  'subscription ($id: ID!) { workRequest(id: $id, service: CONTAINERENGINE, region: "us-ashburn-1") { type workRequest { status canCancel errors { nodes { message } } } gap { reason } } }';
const watchingList =
  'subscription ($compartmentId: String!, $below: Boolean) { workRequests(compartmentId: $compartmentId, includeSubcompartments: $below, services: [CONTAINERENGINE]) { type workRequest { workRequestId } gap { reason message } } }';

test('a page that was begun with one view is kept for none that another caller has by then', async () => {
  await start(policyOf(ruleOf('a', platform)), { READ_CACHE_MS: '60000' });
  const [own, secret] = [create(platform), create(payments)];
  const [a, b] = [await tokenOf('a'), await tokenOf('b')];
  house.emulator.addFault({ operation: 'parents', times: 1, delayMs: 4_000 });
  const early = list(a, sampleTenancy);
  await sleep(100);
  await change(policyOf(ruleOf('a', payments), ruleOf('b', platform)));
  const told = (await early).nodes.map(({ workRequestId }) => workRequestId);
  expect(told).toEqual([own]);
  const { nodes } = await list(b, sampleTenancy);
  expect(nodes.map(({ workRequestId }) => workRequestId)).not.toContain(secret);
  expect(nodes).toHaveLength(1);
});

test('an event is rendered whole for whoever sees it, also where the first who subscribed does not any more', async () => {
  await start(policyOf(ruleOf('a', platform, '[read, cancel]'), ruleOf('b', platform, '[read, cancel]')));
  const id = create(platform);
  const first = house.subscribe<Json>(watching, { id }, { token: await tokenOf('a') });
  await first.next();
  const second = house.subscribe<Json>(watching, { id }, { token: await tokenOf('b') });
  await second.next();
  await change(policyOf(ruleOf('b', platform, '[read, cancel]')));
  house.emulator.patchWorkRequest(id, { status: 'WAITING' });
  expect(await second.next()).toMatchObject({
    data: {
      workRequest: {
        type: 'CHANGED',
        workRequest: { status: 'WAITING', canCancel: true, errors: { nodes: [{ message: 'why' }] } },
      },
    },
  });
  expect(await first.next()).toMatchObject({ data: { workRequest: { gap: { reason: 'NOT_FOUND' } } } });
});

test('how many compartments lie where one may not look is not told by a bound', async () => {
  const visible = Array.from({ length: 12 }, (_, index) => `ocid1.compartment.oc1..visible${index}`);
  await start(policyOf(ruleOf('a', visible.join(', '))), { MAX_QUERY_COST: '11' });
  for (const id of [...visible, 'ocid1.compartment.oc1..hidden'])
    house.emulator.addCompartment({ id, name: id.slice(24), parentId: platform });
  const { data, errors } = await house.query<Listed>(
    `{ workRequests(compartmentId: "${platform}", includeSubcompartments: true, services: [CONTAINERENGINE], regions: ["${region}"]) { failures { code message } } }`,
    {},
    { token: await tokenOf('a') },
  );
  expect(errors?.[0]?.message ?? data?.workRequests.failures).toMatchObject([
    { code: 'LIMIT_EXCEEDED', message: expect.stringMatching(/^12 compartments lie below/) },
  ]);
});

test('the trouble with lists that are out of sight by now is not told', async () => {
  const all = '  - { when: { groups: a }, allow: [read, cancel], compartments: all }\n';
  await start(policyOf(all));
  create(platform);
  const watch = house.subscribe<Json>(
    watchingList,
    { compartmentId: sampleTenancy, below: true },
    { token: await tokenOf('a') },
  );
  const typeOf = (answer: Answer<Json> | null): unknown =>
    (answer?.data?.['workRequests'] as Json | undefined)?.['type'];
  while (typeOf(await watch.next()) !== 'SYNCED');
  await change(policyOf(ruleOf('a', platform)));
  const before = watch.results.length;
  house.emulator.addFault({ service, status: 403 });
  await sleep(1_500);
  const told = JSON.stringify(watch.results.slice(before));
  expect(told).toContain('FORBIDDEN');
  expect(told).not.toContain(payments);
  expect(told).not.toContain(sampleTenancy);
});

test('what others watch does not answer where the gateway’s own budget keeps a caller’s read from being made', async () => {
  await start(
    policyOf(
      '  - { when: { groups: a }, allow: [read, cancel], compartments: all }\n',
      ruleOf('b', payments),
    ),
    {
      UPSTREAM_DEADLINE_MS: '1000',
      POLL_MIN_MS: '4000',
      POLL_MAX_MS: '4000',
    },
  );
  const id = create(platform);
  const others = house.subscribe<Json>(watching, { id }, { token: await tokenOf('a') });
  await others.next();
  house.emulator.addFault({ service, operation: 'get', status: 429 });
  const hidden = house.subscribe<Json>(watching, { id }, { token: await tokenOf('b') });
  const absent = house.subscribe<Json>(
    watching,
    { id: id.replace(/.{8}$/, 'absent00') },
    { token: await tokenOf('b') },
  );
  await sleep(2_500);
  expect([hidden.results, absent.results]).toEqual([[], []]);
  house.emulator.clearFaults();
  expect(await hidden.all()).toEqual(await absent.all());
  expect(hidden.results).toMatchObject([{ data: { workRequest: { gap: { reason: 'NOT_FOUND' } } } }]);
  others.unsubscribe();
});

test('who may not cancel moves nothing: neither pages that are kept nor looks that are due', async () => {
  await start(policyOf(ruleOf('a', platform), ruleOf('b', payments)), {
    READ_CACHE_MS: '60000',
    POLL_MIN_MS: '400',
    POLL_MAX_MS: '60000',
  });
  const id = create(platform);
  const [a, b] = [await tokenOf('a'), await tokenOf('b')];
  const watch = house.subscribe<Json>(watching, { id }, { token: a });
  await watch.next();
  await list(a, platform);
  await sleep(2_000);
  const cancelling =
    'mutation ($id: ID!) { cancelWorkRequest(input: { id: $id, service: CONTAINERENGINE, region: "us-ashburn-1" }) { error { code } } }';
  house.asked();
  for (const [token, code] of [
    [a, 'FORBIDDEN'],
    [b, 'NOT_FOUND'],
  ] as const)
    expect(await house.query(cancelling, { id }, { token })).toMatchObject({
      data: { cancelWorkRequest: { error: { code } } },
    });
  await list(a, platform);
  expect(house.asked()).not.toContain('list');
  watch.unsubscribe();
});

test('a subscription that waits for its first read does not hold up the gateway, and is not told that all is over', async () => {
  await start(policyOf(ruleOf('b', payments)), {
    UPSTREAM_DEADLINE_MS: '500',
    POLL_MIN_MS: '60000',
    POLL_MAX_MS: '60000',
  });
  house.emulator.addFault({ service, operation: 'get', status: 500 });
  const token = await tokenOf('b');
  const watches = (['websocket', 'sse'] as const).map((transport) =>
    house.subscribe<Json>(watching, { id: create(payments) }, { token, transport }),
  );
  await sleep(1_500);
  const begun = performance.now();
  await house.gateway.stop();
  expect(performance.now() - begun).toBeLessThan(10_000);
  for (const watch of watches) await expect(watch.next()).rejects.toThrow();
});

test('operations that mix what is seen and what is not are answered as with what is not there, after the same calls', async () => {
  await start(policyOf(ruleOf('a', platform)), { READ_CACHE_MS: '0', MAX_CALLER_RPS: '100000' });
  const [a, all] = [await tokenOf('a'), await tokenOf('all')];
  await change(
    policyOf(
      ruleOf('a', platform),
      '  - { when: { groups: all }, allow: [read, cancel], compartments: all }\n',
    ),
  );
  const seen = Array.from({ length: 6 }, () => create(platform));
  const hidden = Array.from({ length: 6 }, () => create(payments));
  // Where all of them live is known to the gateway.
  for (const compartmentId of [platform, payments]) await list(all, compartmentId);
  const globalIdOf = (id: string): string =>
    Buffer.from(`WorkRequest:${service}:${region}:${id}`).toString('base64url');
  let state = 7;
  const upTo = (count: number): number => (state = (state * 48_271) % 2_147_483_647) % count;
  const pick = (ids: readonly string[]): string => ids[upTo(ids.length)] ?? '';
  const selections = [
    'status',
    'extras',
    'canCancel errors { nodes { message } }',
    'logs { nodes { message } } timeAccepted',
  ];
  const fieldOf = (): string => {
    const some = Array.from({ length: 1 + upTo(6) }, () =>
      JSON.stringify(globalIdOf(pick(upTo(2) ? seen : hidden))),
    );
    const selection = `{ ... on WorkRequest { workRequestId ${pick(selections)} } }`;
    return upTo(2) ? `nodes(ids: [${some.join(', ')}]) ${selection}` : `node(id: ${some[0]}) ${selection}`;
  };
  const absentOf = (id: string): string => id.replace(/.{8}$/, 'absent00');
  for (let round = 0; round < 60; round += 1) {
    const document = `{ ${Array.from({ length: 1 + upTo(4) }, (_, index) => `f${index}: ${fieldOf()}`).join(' ')} }`;
    const without = hidden.reduce(
      (text, id) =>
        text.replaceAll(globalIdOf(id), globalIdOf(absentOf(id).replace(/.$/, String(hidden.indexOf(id))))),
      document,
    );
    const ask = async (text: string) => {
      house.asked();
      const answer = await house.query(text, {}, { token: a });
      return { answer, asked: house.asked().toSorted() };
    };
    expect(await ask(document)).toEqual(await ask(without));
  }
});

test('an answer that cannot be read tells nobody that there is one', async () => {
  await start(policyOf(ruleOf('b', payments)));
  const id = create(platform);
  house.emulator.addFault({ service, workRequestId: id, body: '{"status":"IN_PROGRESS"}' });
  const query =
    'query ($id: ID!) { workRequest(id: $id, service: CONTAINERENGINE, region: "us-ashburn-1") { status } }';
  expect(await house.query(query, { id }, { token: await tokenOf('b') })).toMatchObject({
    data: { workRequest: null },
  });
  const { errors } = await house.query(query, { id }, { token: await tokenOf('b') });
  expect(errors).toBeUndefined();
});

test.each([
  ['everything', '  - { when: { groups: a }, allow: [read, cancel], compartments: all }\n'],
  ['this compartment', ruleOf('a', platform, '[read, cancel]')],
])(
  'what goes out of sight is told as it was before, and nothing of it is read any more: of who saw %s',
  async (_, rule) => {
    await start(policyOf(rule), { POLL_MIN_MS: '60000', POLL_MAX_MS: '60000' });
    const token = await tokenOf('a');
    // Its lists hold all fields, and lack some.
    const services = [service, 'MYSQL'] as const;
    const ask = (selection: string): string =>
      `workRequests(compartmentId: "${platform}", services: [${services.join(', ')}]) ${selection}`;
    for (const each of services)
      house.emulator.createWorkRequest({
        service: each,
        region,
        compartmentId: platform,
        script: [{ status: 'IN_PROGRESS' }],
        errors: [{ code: 'X', message: 'secret' }],
        logs: [{ message: 'secret' }],
      });
    const watch = house.subscribe<Json>(
      `subscription { ${ask('{ type gap { reason } workRequest { canCancel resources { identifier } errors { nodes { message } } logs { nodes { message } } } }')} }`,
      {},
      { token },
    );
    const told = JSON.stringify([await watch.next(), await watch.next(), await watch.next()]);
    expect(told).toContain('SYNCED');
    expect(told).toContain('secret');
    house.asked();
    await change(policyOf(ruleOf('b', platform)));
    for (const gap of [await watch.next(), await watch.next()])
      expect(gap).toMatchObject({
        data: {
          workRequests: {
            type: 'GAP',
            gap: { reason: 'NOT_FOUND' },
            workRequest: { canCancel: false, errors: null, logs: null },
          },
        },
      });
    expect(house.asked().filter((call) => call !== 'listCompartments')).toEqual([]);
  },
);

test.each([
  ['everything', '  - { when: { groups: a }, allow: [read, cancel], compartments: all }\n'],
  ['this compartment', ruleOf('a', platform)],
])(
  'a wait for what goes out of sight is over then, and not when that ends: of who saw %s',
  async (_, rule) => {
    await start(policyOf(rule));
    const id = create(platform);
    const token = await tokenOf('a');
    const waiting =
      'query ($id: ID!) { waitForWorkRequest(id: $id, service: CONTAINERENGINE, region: "us-ashburn-1", timeoutSeconds: 300) { status } }';
    const waits = [
      house.query(waiting, { id }, { token }),
      house.query(waiting, { id }, { token, transport: 'websocket' }),
    ];
    await house.untilMetric('gateway_watchers', 1);
    await change(policyOf(ruleOf('b', platform)));
    const told = { data: { waitForWorkRequest: null }, extensions: { cost: expect.anything() } };
    expect(await Promise.all(waits)).toEqual([told, told]);
    await house.untilMetric('gateway_watchers', 0);
  },
);

test('what others are just reading is there no sooner than what is absent', async () => {
  await start(policyOf(ruleOf('a', platform), ruleOf('b', payments)), { READ_CACHE_MS: '0' });
  const id = create(platform);
  const [a, b] = [await tokenOf('a'), await tokenOf('b')];
  const query =
    'query ($id: ID!) { workRequest(id: $id, service: CONTAINERENGINE, region: "us-ashburn-1") { status } }';
  const hidden = { data: { workRequest: null }, extensions: { cost: { estimated: 1 } } };
  // Also where it is known by now which compartment it is in.
  for (let round = 0; round < 2; round += 1) {
    house.asked();
    house.emulator.addFault({ service, operation: 'get', times: 1, delayMs: 3_000 });
    const others = house.query(query, { id }, { token: a });
    while (!house.asked().includes('get')) await sleep(10);
    expect(await house.query(query, { id }, { token: b })).toEqual(hidden);
    expect(house.asked()).toEqual(['get']);
    const watch = house.subscribe<Json>(watching, { id }, { token: b });
    expect(await watch.next()).toMatchObject({ data: { workRequest: { gap: { reason: 'NOT_FOUND' } } } });
    expect(house.asked()).toEqual(['get']);
    expect(await others).toMatchObject({ data: { workRequest: { status: 'IN_PROGRESS' } } });
  }
});

test('a kept page is told to nobody any more once something else lies below', async () => {
  const below = `  - { when: { groups: a }, allow: [read], compartments: [{ subtreeOf: ${platform} }] }\n`;
  await start(policyOf(ruleOf('b', platform)), { READ_CACHE_MS: '60000' });
  const child = 'ocid1.compartment.oc1..child';
  house.emulator.addCompartment({ id: child, name: 'child', parentId: platform });
  const id = create(child);
  const token = await tokenOf('a');
  house.emulator.addFault({ operation: 'parents', status: 403, times: 1 });
  await change(policyOf(below));
  expect((await list(token, child)).nodes).toEqual([]);
  // It is looked up again ten seconds later.
  const query =
    'query ($id: ID!) { workRequest(id: $id, service: CONTAINERENGINE, region: "us-ashburn-1") { status } }';
  while ((await house.query(query, { id }, { token })).data?.['workRequest'] === null) await sleep(200);
  expect((await list(token, child)).nodes).toMatchObject([{ workRequestId: id }]);
});

test('what was accepted while its compartment was out of sight is told of when that is back', async () => {
  const both = policyOf(ruleOf('a', `${platform}, ${payments}`));
  await start(both);
  const watch = house.subscribe<Json>(
    watchingList,
    { compartmentId: payments },
    { token: await tokenOf('a') },
  );
  expect(await watch.next()).toMatchObject({ data: { workRequests: { type: 'SYNCED' } } });
  await change(policyOf(ruleOf('a', platform)));
  const id = create(payments);
  house.asked();
  // The list goes on being looked at.
  for (let looks = 0; looks < 2;) {
    await sleep(20);
    looks += house.asked().filter((call) => call === 'list').length;
  }
  expect(watch.results).toHaveLength(1);
  await change(both);
  expect(await watch.next()).toMatchObject({
    data: { workRequests: { type: 'ADDED', workRequest: { workRequestId: id } } },
  });
});

test('a page that is kept is told to those only who may see the same', async () => {
  await start(policyOf(ruleOf('a', platform), ruleOf('b', payments)), { READ_CACHE_MS: '60000' });
  const [own, other] = [create(platform), create(payments)];
  const told = async (group: string): Promise<readonly string[]> =>
    (await list(await tokenOf(group), sampleTenancy)).nodes.map(({ workRequestId }) => workRequestId);
  expect([await told('a'), await told('b')]).toEqual([[own], [other]]);
  house.asked();
  expect([await told('a'), await told('b'), house.asked()]).toEqual([[own], [other], []]);
});

test('a right that is taken away while a cancel looks first is not there any more', async () => {
  await start(policyOf(ruleOf('a', platform, '[read, cancel]')), { UPSTREAM_DEADLINE_MS: '30000' });
  const id = create(platform);
  house.emulator.addFault({ service, operation: 'get', times: 1, delayMs: 8_000 });
  const cancelling = house.query(
    'mutation ($id: ID!) { cancelWorkRequest(input: { id: $id, service: CONTAINERENGINE, region: "us-ashburn-1" }) { error { code } } }',
    { id },
    { token: await tokenOf('a') },
  );
  while (!house.asked().includes('get')) await sleep(20);
  await change(policyOf(ruleOf('a', platform)));
  expect(await cancelling).toMatchObject({ data: { cancelWorkRequest: { error: { code: 'FORBIDDEN' } } } });
  expect(house.asked()).not.toContain('cancel');
});

test('nor is it told by the bound of a list that is watched', async () => {
  const visible = Array.from({ length: 12 }, (_, index) => `ocid1.compartment.oc1..visible${index}`);
  await start(policyOf(ruleOf('a', visible.join(', '))), { MAX_QUERY_COST: '11' });
  for (const id of [...visible, 'ocid1.compartment.oc1..hidden'])
    house.emulator.addCompartment({ id, name: id.slice(24), parentId: platform });
  const [answer] = await house
    .subscribe(
      `subscription { workRequests(compartmentId: "${platform}", includeSubcompartments: true, services: [CONTAINERENGINE], regions: ["${region}"]) { type } }`,
      {},
      { token: await tokenOf('a') },
    )
    .all();
  expect(answer?.errors).toMatchObject([{ message: expect.stringMatching(/^12 compartments lie below/) }]);
});
