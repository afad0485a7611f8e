/**
 * The access matrix, over the real gateway and a real emulator: callers × compartments × every field, list, subscription and
 * mutation. What a caller may not see is told apart from what is not there by nothing: the answer is the same to the letter, after
 * the same calls to Oracle Cloud. What it may see is what a caller who may see everything sees.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isObjectType } from 'graphql';
import type { GraphQLObjectType } from 'graphql';
import { sampleTenancy } from '../../emulator/emulator.ts';
import { createSchema } from '../../schema/index.ts';
import { createTestGateway, testRegions, transports } from '../support/gateway.ts';
import type { Answer, Json, TestGateway, Transport } from '../support/gateway.ts';
import { createIssuer } from '../support/issuer.ts';
import type { Issuer } from '../support/issuer.ts';

const compartments = {
  platform: 'ocid1.compartment.oc1..platform',
  payments: 'ocid1.compartment.oc1..payments',
  paymentsTest: 'ocid1.compartment.oc1..paymentstest',
  analytics: 'ocid1.compartment.oc1..analytics',
} as const;
type CompartmentName = keyof typeof compartments;
const compartmentNames = Object.keys(compartments) as CompartmentName[];

/** Whose lists are whole, lack fields, embed their errors, and go by a parent. */
const services = ['CONTAINERENGINE', 'MYSQL', 'WAAS', 'LOADBALANCER'] as const;
type Service = (typeof services)[number];
const [here] = testRegions;
type Region = (typeof testRegions)[number];

interface Spot {
  readonly compartment: CompartmentName;
  readonly service: Service;
  readonly region: Region;
}
const spots: readonly Spot[] = compartmentNames.flatMap((compartment) =>
  services.flatMap((service) => testRegions.map((region) => ({ compartment, service, region }))),
);

/** What each may see and cancel, in words of its own. */
const callers = {
  alice: {
    claims: { groups: ['staff', 'platform'] },
    sees: ({ compartment }: Spot) => compartment === 'platform',
    cancels: ({ compartment }: Spot) => compartment === 'platform',
  },
  bob: {
    claims: { realm_access: { roles: ['payments'] } },
    sees: ({ compartment }: Spot) => compartment.startsWith('payments'),
    cancels: ({ compartment }: Spot) => compartment === 'paymentsTest',
  },
  carol: {
    claims: { scope: 'openid audit', groups: ['staff'] },
    sees: ({ service, region }: Spot) => service === 'CONTAINERENGINE' && region === here,
    cancels: () => false,
  },
  nobody: { claims: { groups: ['staff'] }, sees: () => false, cancels: () => false },
} as const;
type CallerName = keyof typeof callers;
const callerNames = Object.keys(callers) as CallerName[];

const policy = `
version: 1
rules:
  - name: whoever is on call may do everything
    when: { groups: oncall }
    allow: [read, cancel]
    compartments: all
  - when: { groups: [platform, sre] }
    allow: [read, cancel]
    compartments: [${compartments.platform}]
  - when: { realm_access.roles: payments }
    allow: [read]
    compartments: [{ subtreeOf: ${compartments.payments} }]
  - when: { realm_access.roles: payments }
    allow: [read, cancel]
    compartments: [${compartments.paymentsTest}]
  - when: { scope: audit }
    allow: [read]
    compartments: all
    services: [CONTAINERENGINE]
    regions: [${here}]
`;

let folder: string;
let idp: Issuer;
let house: TestGateway;
const tokens = new Map<string, string>();
const ids = new Map<string, string>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'grants-'));
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, policy);
  idp = await createIssuer();
  house = await createTestGateway({
    env: {
      ...idp.env,
      MAX_CALLER_RPS: '0',
      AUTH_POLICY_FILE: file,
      READ_CACHE_MS: '0',
      POLL_MIN_MS: '600000',
      POLL_MAX_MS: '600000',
    },
  });
  for (const [name, id] of Object.entries(compartments)) {
    const parent = name === 'paymentsTest' && { parentId: compartments.payments };
    house.emulator.addCompartment({ id, name, ...parent });
  }
  for (const spot of spots) ids.set(`${spot.compartment} ${spot.service} ${spot.region}`, create(spot));
  for (const name of callerNames) tokens.set(name, await idp.tokenOf(name, { claims: callers[name].claims }));
  tokens.set('oncall', await idp.tokenOf('oncall', { claims: { groups: 'oncall' } }));
});
afterAll(async () => {
  await house.stop();
  idp.close();
  rmSync(folder, { recursive: true });
});

const create = ({ compartment, service, region }: Spot): string =>
  house.emulator.createWorkRequest({
    service,
    region,
    compartmentId: compartments[compartment],
    script: [{ status: 'IN_PROGRESS', percentComplete: 10 }],
    errors: [{ code: 'SECRET', message: `error of ${compartment}` }],
    logs: [{ message: `log of ${compartment}` }],
  }).id;

const idOf = ({ compartment, service, region }: Spot): string => {
  const id = ids.get(`${compartment} ${service} ${region}`);
  if (id === undefined) throw new Error('nothing was made there');
  return id;
};
/** Without what is asked once a minute, whoever calls. */
const asked = (): readonly string[] => house.asked().filter((call) => call !== 'listCompartments');
/** Of the same service and region, and not there. */
const absentId = (id: string): string => id.replace(/.{8}$/, 'absent00');

const ask = <Data = Json>(
  caller: string,
  document: string,
  variables: Json = {},
  transport: Transport = 'http',
): Promise<Answer<Data>> => {
  const token = tokens.get(caller);
  return house.query<Data>(document, variables, { transport, ...(token !== undefined && { token }) });
};

/** Answer and calls, without the ids of what was asked for. */
const trace = async (
  caller: string,
  id: string,
  document: string,
  variables: (id: string) => Json,
  transport?: Transport,
): Promise<string> => {
  house.asked();
  const answer = await ask(caller, document, variables(id), transport);
  return JSON.stringify({ answer, asked: asked().toSorted() }).replaceAll(id, 'ID');
};

/** All fields of a type, with what they need below. */
const schema = createSchema();
const selectionOf = (typeName: string, depth = 3): string =>
  Object.values((schema.getType(typeName) as GraphQLObjectType).getFields())
    .map(({ name, type }) => {
      const named = String(type).replaceAll(/[[\]!]/g, '');
      if (!isObjectType(schema.getType(named))) return name;
      return depth === 0 ? '' : `${name} { ${selectionOf(named, depth - 1)} }`;
    })
    .join(' ');
const fields = Object.values((schema.getType('WorkRequest') as GraphQLObjectType).getFields()).map(
  ({ name, type }) => {
    const named = String(type).replaceAll(/[[\]!]/g, '');
    return isObjectType(schema.getType(named)) ? `${name} { ${selectionOf(named)} }` : name;
  },
);

/** What differs from look to look. */
const timeless = (answer: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answer, (key, value: unknown) =>
      /^observedAt$|^extensions$|cursor$/i.test(key) ? null : value,
    ),
  );

const globalIdOf = async (id: string, { service, region }: Spot): Promise<string> => {
  const { data } = await ask<{ workRequest: { id: string } }>(
    'oncall',
    'query ($id: ID!, $service: ServiceName, $region: String) { workRequest(id: $id, service: $service, region: $region) { id } }',
    { id, service, region },
  );
  return data?.workRequest.id ?? '';
};
const otherGlobalId = (globalId: string): string => {
  const parts = Buffer.from(globalId, 'base64url').toString().split(':');
  parts[3] = absentId(parts[3] ?? '');
  return Buffer.from(parts.join(':')).toString('base64url');
};

const byRawId =
  'query ($id: ID!, $service: ServiceName, $region: String) { workRequest(id: $id, service: $service, region: $region) { FIELDS } }';
const cancelling =
  'mutation ($id: ID!, $service: ServiceName, $region: String) { cancelWorkRequest(input: { id: $id, service: $service, region: $region }) { workRequest { workRequestId status } error { code message } } }';
const waiting =
  'query ($id: ID!, $service: ServiceName, $region: String) { waitForWorkRequest(id: $id, service: $service, region: $region, timeoutSeconds: 0) { workRequestId status } }';
const watching =
  'subscription ($id: ID!, $service: ServiceName, $region: String) { workRequest(id: $id, service: $service, region: $region) { sequence type workRequest { workRequestId } previousStatus gap { reason from message } } }';
const listing =
  'query ($compartmentId: String!, $below: Boolean, $services: [ServiceName!], $after: String) { workRequests(compartmentId: $compartmentId, includeSubcompartments: $below, services: $services, first: 3, after: $after) { edges { node { workRequestId compartmentId errors { nodes { message } } } } nodes { workRequestId } failures { service region compartmentId code message isRetryable } pageInfo { hasNextPage endCursor } } }';
const watchingList =
  'subscription ($compartmentId: String!, $below: Boolean, $services: [ServiceName!]) { workRequests(compartmentId: $compartmentId, includeSubcompartments: $below, services: $services) { sequence type workRequest { workRequestId } gap { reason message } } }';

describe.each(callerNames)('%s', (caller) => {
  const { sees, cancels } = callers[caller];

  describe.each(compartmentNames)('and %s', (compartment) => {
    const own = spots.filter((spot) => spot.compartment === compartment);
    const variablesOf =
      ({ service, region }: Spot) =>
      (id: string): Json => ({ id, service, region });

    test.each(fields)('a work request’s %s', async (selected) => {
      for (const spot of own) {
        const id = idOf(spot);
        const document = byRawId.replace('FIELDS', selected);
        if (sees(spot)) {
          const [seen, whole] = [
            await ask(caller, document, variablesOf(spot)(id)),
            await ask('oncall', document, variablesOf(spot)(id)),
          ];
          expect(seen.errors).toBeUndefined();
          if (!selected.startsWith('canCancel')) expect(timeless(seen)).toEqual(timeless(whole));
        } else {
          const hidden = await trace(caller, id, document, variablesOf(spot));
          expect(hidden).toBe(await trace(caller, absentId(id), document, variablesOf(spot)));
          expect(hidden).toContain('"workRequest":null');
        }
      }
    });

    test('canCancel says what the caller may', async () => {
      for (const spot of own.filter(sees)) {
        const { data } = await ask<{ workRequest: { canCancel: boolean } }>(
          caller,
          byRawId.replace('FIELDS', 'canCancel'),
          variablesOf(spot)(idOf(spot)),
        );
        expect(data?.workRequest.canCancel).toBe(cancels(spot) && canBeCanceled(spot));
      }
    });

    test.each(transports)('by a raw id, over %s', async (transport) => {
      for (const spot of own) {
        const id = idOf(spot);
        const told = await trace(
          caller,
          id,
          byRawId.replace('FIELDS', 'status'),
          variablesOf(spot),
          transport,
        );
        if (sees(spot)) expect(told).toContain('IN_PROGRESS');
        else
          expect(told).toBe(
            await trace(
              caller,
              absentId(id),
              byRawId.replace('FIELDS', 'status'),
              variablesOf(spot),
              transport,
            ),
          );
      }
    });

    test.each(['node(id: $id)', 'nodes(ids: [$id])', 'workRequest(id: $id)'])(
      'by a global id: %s',
      async (root) => {
        for (const spot of own) {
          const globalId = await globalIdOf(idOf(spot), spot);
          const document = `query ($id: ID!) { ${root} { id ... on WorkRequest { status resources { identifier } } } }`;
          const told = await trace(caller, globalId, document, (id) => ({ id }));
          if (sees(spot)) expect(told).toContain('IN_PROGRESS');
          else expect(told).toBe(await trace(caller, otherGlobalId(globalId), document, (id) => ({ id })));
        }
      },
    );

    test.each(transports)('waiting for it, over %s', async (transport) => {
      for (const spot of own) {
        const id = idOf(spot);
        const told = await trace(caller, id, waiting, variablesOf(spot), transport);
        if (sees(spot)) expect(told).toContain('IN_PROGRESS');
        else expect(told).toBe(await trace(caller, absentId(id), waiting, variablesOf(spot), transport));
      }
    });

    test.each(['websocket', 'sse'] as const)('watching it, over %s', async (transport) => {
      for (const spot of own) {
        const id = idOf(spot);
        if (sees(spot)) {
          const watch = subscribe(caller, watching, variablesOf(spot)(id), transport);
          expect(await watch.next()).toMatchObject({
            data: { workRequest: { type: 'SNAPSHOT', workRequest: { workRequestId: id } } },
          });
          watch.unsubscribe();
        } else {
          const hidden = await watchToTheEnd(caller, id, variablesOf(spot), transport);
          expect(hidden).toBe(await watchToTheEnd(caller, absentId(id), variablesOf(spot), transport));
          expect(hidden).toContain('NOT_FOUND');
        }
      }
      await house.untilMetric('gateway_watchers', 0);
    });

    test('watching what others watch already', async () => {
      for (const spot of own.filter((each) => !sees(each))) {
        const id = idOf(spot);
        const other = subscribe('oncall', watching, variablesOf(spot)(id), 'websocket');
        await other.next();
        const hidden = await watchToTheEnd(caller, id, variablesOf(spot), 'websocket');
        expect(hidden).toBe(await watchToTheEnd(caller, absentId(id), variablesOf(spot), 'websocket'));
        other.unsubscribe();
      }
      await house.untilMetric('gateway_watchers', 0);
    });

    test('its list, all pages', async () => {
      const { nodes, failures, asked } = await readList(caller, compartment, false);
      expect(nodes).toEqual(own.filter(sees).map(idOf).sort());
      if (nodes.length > 0) return expect(failures).toEqual([]);
      const nowhere = await readList(caller, 'nowhere', false);
      expect(failures).toEqual(nowhere.failures);
      expect(failures).toMatchObject([{ service: null, code: 'NOT_FOUND' }]);
      // Who may see one service everywhere asks it everywhere.
      if (caller !== 'carol') expect(asked).toEqual(nowhere.asked);
    });

    test('its list with what lies below', async () => {
      const { nodes } = await readList(caller, compartment, true);
      const below = spots.filter(
        (spot) =>
          sees(spot) &&
          (spot.compartment === compartment ||
            (compartment === 'payments' && spot.compartment === 'paymentsTest')),
      );
      expect(nodes).toEqual(below.map(idOf).sort());
    });

    test.each(['websocket', 'sse'] as const)('watching its list, over %s', async (transport) => {
      const told = await watchList(caller, compartment, transport);
      expect(told.seen).toEqual(own.filter(sees).map(idOf).sort());
      if (told.seen.length === 0 && caller !== 'carol')
        expect(told.rest).toEqual((await watchList(caller, 'nowhere', transport)).rest);
    });

    test('cancelling it', async () => {
      for (const spot of own) {
        // One of its own, as it is gone then.
        const id = create(spot);
        const told = await trace(caller, id, cancelling, variablesOf(spot));
        if (!sees(spot)) {
          expect(told).toBe(await trace(caller, absentId(id), cancelling, variablesOf(spot)));
          expect(told).not.toContain('"cancel"');
        } else if (!canBeCanceled(spot)) expect(told).toContain('NOT_CANCELABLE');
        else if (cancels(spot)) expect(told).toContain('CANCELING');
        else {
          expect(told).toContain('FORBIDDEN');
          expect(told).not.toContain('"cancel"');
        }
        house.emulator.deleteWorkRequest(id);
      }
    });
  });

  test('the list of the whole tenancy is what it may see of it', async () => {
    const { nodes } = await readList(caller, 'tenancy', true);
    expect(nodes).toEqual(spots.filter(sees).map(idOf).sort());
  });

  test('ids that were asked for together', async () => {
    const all = await Promise.all(spots.map(async (spot) => globalIdOf(idOf(spot), spot)));
    const { data } = await ask<{ nodes: readonly ({ workRequestId: string } | null)[] }>(
      caller,
      'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on WorkRequest { workRequestId } } }',
      { ids: all },
    );
    expect(data?.nodes.map((node) => node?.workRequestId ?? null)).toEqual(
      spots.map((spot) => (sees(spot) ? idOf(spot) : null)),
    );
  });

  test('many that it may not see take as many calls as many that are not there', async () => {
    const hidden = spots.filter((spot) => !sees(spot) && spot.service === 'CONTAINERENGINE');
    if (hidden.length === 0) return;
    const made = hidden.flatMap((spot) => [1, 2, 3].map(() => ({ id: create(spot), spot })));
    const many = await Promise.all(made.map(({ id, spot }) => globalIdOf(id, spot)));
    // Where they are is known to the gateway by now.
    for (const { compartment } of hidden) await readList('oncall', compartment, false);
    const document = 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on WorkRequest { status } } }';
    house.asked();
    const told = await ask(caller, document, { ids: many });
    const calls = asked();
    expect(told).toEqual(await ask(caller, document, { ids: many.map(otherGlobalId) }));
    expect(calls).toEqual(asked());
    for (const { id } of made) house.emulator.deleteWorkRequest(id);
  });

  test('how many calls it took is not told: it would tell what was found', async () => {
    const answer = await ask(caller, '{ regions { id } }');
    expect(answer.extensions).toEqual({ cost: { estimated: 0 } });
  });
});

const canBeCanceled = ({ service }: Spot): boolean => service !== 'LOADBALANCER';

const subscribe = (caller: string, document: string, variables: Json, transport: 'websocket' | 'sse') =>
  house.subscribe<Json>(document, variables, { transport, token: tokens.get(caller) ?? '' });

const watchToTheEnd = async (
  caller: string,
  id: string,
  variables: (id: string) => Json,
  transport: 'websocket' | 'sse',
): Promise<string> => {
  house.asked();
  const results = await subscribe(caller, watching, variables(id), transport).all();
  return JSON.stringify({ results, asked: asked() }).replaceAll(id, 'ID');
};

const scopeOf = (name: CompartmentName | 'nowhere' | 'tenancy'): string =>
  name === 'nowhere'
    ? 'ocid1.compartment.oc1..nowhere'
    : name === 'tenancy'
      ? sampleTenancy
      : compartments[name];

const readList = async (caller: string, name: CompartmentName | 'nowhere' | 'tenancy', below: boolean) => {
  interface Page {
    readonly workRequests: {
      readonly edges: readonly {
        readonly node: { readonly compartmentId: string; readonly errors: unknown };
      }[];
      readonly nodes: readonly { readonly workRequestId: string }[];
      readonly failures: readonly Json[];
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
    };
  }
  house.asked();
  const compartmentId = scopeOf(name);
  const nodes: string[] = [];
  const failures: Json[] = [];
  let after: string | null = null;
  do {
    const variables: Json = { compartmentId, below, services, after };
    const { data, errors }: Answer<Page> = await ask<Page>(caller, listing, variables);
    expect(errors).toBeUndefined();
    const page: Page['workRequests'] = data!.workRequests;
    nodes.push(...page.nodes.map(({ workRequestId }) => workRequestId));
    failures.push(...page.failures);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  const told = JSON.parse(JSON.stringify(failures).replaceAll(compartmentId, 'C')) as Json[];
  return { nodes: nodes.sort(), failures: told, asked: house.asked().filter((call) => call === 'list') };
};

const watchList = async (
  caller: string,
  name: CompartmentName | 'nowhere',
  transport: 'websocket' | 'sse',
) => {
  interface Event {
    readonly workRequests: {
      readonly type: string;
      readonly workRequest: { readonly workRequestId: string } | null;
    };
  }
  const compartmentId = scopeOf(name);
  const watch = subscribe(caller, watchingList, { compartmentId, services }, transport);
  const seen: string[] = [];
  const rest: unknown[] = [];
  for (;;) {
    const event = ((await watch.next()) as unknown as Answer<Event>).data!.workRequests;
    if (event.workRequest === null) rest.push(event);
    else seen.push(event.workRequest.workRequestId);
    if (event.type === 'SYNCED') break;
  }
  watch.unsubscribe();
  await house.untilMetric('gateway_listings', 0);
  return {
    seen: seen.sort(),
    rest: JSON.parse(JSON.stringify(rest).replaceAll(compartmentId, 'C')) as unknown[],
  };
};

test('watching takes no more calls than without a policy: one', async () => {
  const spot: Spot = { compartment: 'platform', service: 'CONTAINERENGINE', region: here };
  house.asked();
  const variables = { id: idOf(spot), service: spot.service, region: spot.region };
  for (const caller of ['alice', 'oncall']) {
    const watch = subscribe(caller, watching, variables, 'websocket');
    await watch.next();
    expect(asked()).toEqual(['get']);
    watch.unsubscribe();
    await house.untilMetric('gateway_watchers', 0);
  }
});

test('who watches the same is told what its own view says of it', async () => {
  const spot: Spot = { compartment: 'payments', service: 'CONTAINERENGINE', region: here };
  const document =
    'subscription ($id: ID!) { workRequest(id: $id) { workRequest { canCancel errors { nodes { message } } } } }';
  const id = await globalIdOf(idOf(spot), spot);
  const told = await Promise.all(
    ['oncall', 'bob', 'carol', 'oncall'].map(async (caller) => {
      const watch = subscribe(caller, document, { id }, 'websocket');
      const first = (await watch.next()) as unknown as Answer<{
        workRequest: { workRequest: { canCancel: boolean; errors: unknown } };
      }>;
      watch.unsubscribe();
      return first.data?.workRequest.workRequest;
    }),
  );
  const errors = { nodes: [{ message: 'error of payments' }] };
  expect(told).toEqual([
    { canCancel: true, errors },
    { canCancel: false, errors },
    { canCancel: false, errors },
    { canCancel: true, errors },
  ]);
});

test('a cursor of one caller is no good to another, and shows nothing that was taken from its own since', async () => {
  const spot = { compartmentId: compartments.platform, services: ['CONTAINERENGINE'], below: false };
  for (let index = 0; index < 4; index += 1)
    create({ compartment: 'platform', service: 'CONTAINERENGINE', region: here });
  const first = await ask<{ workRequests: { pageInfo: { endCursor: string } } }>('alice', listing, spot);
  const after = first.data?.workRequests.pageInfo.endCursor;
  const stolen = await ask('carol', listing, { ...spot, after });
  expect(stolen.errors?.[0]?.extensions?.code).toBe('CURSOR_INVALID');
});

describe('while it goes on', () => {
  test('what is told is judged anew when the policy changes, in single subscriptions and lists', async () => {
    const file = join(folder, 'changing.yaml');
    writeFileSync(file, policy);
    const changing = await createTestGateway({
      env: { ...idp.env, AUTH_POLICY_FILE: file, MAX_CALLER_RPS: '0' },
    });
    try {
      const spot = {
        service: 'CONTAINERENGINE',
        region: here,
        compartmentId: compartments.platform,
      } as const;
      const { id } = changing.emulator.createWorkRequest({ ...spot, script: [{ status: 'IN_PROGRESS' }] });
      const token = tokens.get('alice') ?? '';
      const single = changing.subscribe(
        watching,
        { id, service: 'CONTAINERENGINE', region: here },
        { token },
      );
      const list = changing.subscribe(
        watchingList,
        { compartmentId: spot.compartmentId, services: [spot.service] },
        { token },
      );
      expect(await single.next()).toMatchObject({ data: { workRequest: { type: 'SNAPSHOT' } } });
      expect(await list.next()).toMatchObject({ data: { workRequests: { type: 'SNAPSHOT' } } });
      expect(await list.next()).toMatchObject({ data: { workRequests: { type: 'SYNCED' } } });

      writeFileSync(file, 'version: 1\nrules: [ broken');
      await sleep(20);
      writeFileSync(file, policy.replace('platform, sre', 'sre'));
      expect(await single.next()).toMatchObject({
        data: {
          workRequest: { type: 'GAP', gap: { reason: 'NOT_FOUND' }, workRequest: { workRequestId: id } },
        },
      });
      expect(await single.next()).toBeNull();
      expect(await list.next()).toMatchObject({
        data: { workRequests: { type: 'GAP', gap: { reason: 'NOT_FOUND' } } },
      });
      // It lives on, and tells nothing of what happens to it.
      changing.emulator.patchWorkRequest(id, { status: 'SUCCEEDED' });
      const { data } = await changing.query<Json>(
        byRawId.replace('FIELDS', 'status'),
        { id, service: 'CONTAINERENGINE', region: here },
        { token },
      );
      expect(data?.['workRequest']).toBeNull();
      await sleep(600);
      expect(list.results).toHaveLength(3);
    } finally {
      await changing.stop();
    }
  });
});

test('there are at least 500 checks', () => {
  const inEach = fields.length * services.length * testRegions.length;
  expect(inEach * callerNames.length * compartmentNames.length).toBeGreaterThan(500);
});
