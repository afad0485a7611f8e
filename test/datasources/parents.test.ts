import { describe, expect, test } from '@jest/globals';
import { catalog } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { createParentFinders } from '../../datasources/parents.ts';
import type { ListParams, ParentFinder } from '../../datasources/parents.ts';
import type { UpstreamRequest } from '../../datasources/types.ts';
import { createTestSource, tenancy, upstreamError } from '../support/fake-upstream.ts';
import type { FakeAnswer, TestSource } from '../support/fake-upstream.ts';

const [ashburn, phoenix] = ['us-ashburn-1', 'us-phoenix-1'];
const compartment = 'ocid1.compartment.oc1..a';

interface Scene extends TestSource {
  readonly parents: ParentFinder;
  readonly paramsFor: (service: ServiceName, region?: string, id?: string) => Promise<readonly ListParams[]>;
}

const createScene = (
  answer: (request: UpstreamRequest, index: number) => FakeAnswer | Error,
  { tenancyId = async () => tenancy }: { readonly tenancyId?: () => Promise<string> } = {},
): Scene => {
  const test = createTestSource(answer);
  const parents = createParentFinders({ ...test, tenancyId }).for({ endsAt: test.clock.now() + 20_000 });
  return {
    ...test,
    parents,
    paramsFor: (service, region = ashburn, id = compartment) =>
      parents.paramsFor(catalog[service], region, id),
  };
};

const ids = (...all: readonly string[]): readonly { readonly id: string }[] => all.map((id) => ({ id }));
const pageIn = ({ path }: UpstreamRequest): string | null =>
  new URL(path, 'http://localhost').searchParams.get('page');

describe('parents', () => {
  test('are none where an API lists by compartment, and nothing is asked', async () => {
    const { paramsFor, upstream } = createScene(() => new Error('not to be asked'));
    expect(await paramsFor('CONTAINERENGINE')).toEqual([{}]);
    expect(upstream.requests).toEqual([]);
  });

  test.each<[ServiceName, string, unknown, string]>([
    ['LOADBALANCER', 'loadBalancerId', ids('a', 'b'), '/20170115/loadBalancers'],
    ['WAAS', 'waasPolicyId', ids('a', 'b'), '/20181116/waasPolicies'],
    ['BLOCKCHAIN', 'blockchainPlatformId', { items: ids('a', 'b') }, '/20191010/blockchainPlatforms'],
  ])('are listed where %s lists by one', async (service, param, body, path) => {
    const { paramsFor, upstream } = createScene(() => ({ body }));
    expect(await paramsFor(service)).toEqual([{ [param]: 'a' }, { [param]: 'b' }]);
    expect(upstream.takePaths()).toEqual([`${path}?compartmentId=${compartment}&limit=100`]);
  });

  test('are followed over pages, each told once', async () => {
    const { paramsFor, upstream } = createScene((request) =>
      pageIn(request) === null
        ? { body: ids('a', 'b'), headers: { 'opc-next-page': 'p/2&x' } }
        : { body: ids('b', 'c') },
    );
    const found = await paramsFor('LOADBALANCER');
    expect(found.map((params) => params['loadBalancerId'])).toEqual(['a', 'b', 'c']);
    expect(upstream.requests.map(pageIn)).toEqual([null, 'p/2&x']);
  });

  test('end where a token is repeated, and after a hundred pages', async () => {
    const repeating = createScene(() => ({ body: ids('a'), headers: { 'opc-next-page': 'again' } }));
    expect(await repeating.paramsFor('LOADBALANCER')).toHaveLength(1);
    expect(repeating.upstream.requests).toHaveLength(2);
    const endless = createScene((_, index) => ({
      body: ids(`lb${index}`),
      headers: { 'opc-next-page': `p${index}` },
    }));
    expect(await endless.paramsFor('LOADBALANCER')).toHaveLength(100);
    expect(endless.upstream.requests).toHaveLength(100);
  });

  test('are asked for once a minute, by region and compartment, and once at a time', async () => {
    const { paramsFor, upstream, clock } = createScene(() => ({ body: ids('a') }));
    await Promise.all([paramsFor('LOADBALANCER'), paramsFor('LOADBALANCER'), paramsFor('LOADBALANCER')]);
    expect(upstream.requests).toHaveLength(1);
    await clock.advance(59_000);
    await paramsFor('LOADBALANCER');
    expect(upstream.requests).toHaveLength(1);
    // Set back, the wall clock does not make it longer.
    clock.jump(-3_600_000);
    await clock.advance(1_001);
    await paramsFor('LOADBALANCER');
    expect(upstream.requests).toHaveLength(2);
    await paramsFor('LOADBALANCER', phoenix);
    await paramsFor('LOADBALANCER', ashburn, 'ocid1.compartment.oc1..b');
    expect(upstream.requests).toHaveLength(4);
  });

  test('that could not be had are asked for again, and not twice at a time', async () => {
    const { paramsFor, upstream } = createScene((_, index) =>
      index < 2 ? upstreamError('UPSTREAM_TIMEOUT') : { body: ids('a') },
    );
    const both = await Promise.allSettled([paramsFor('LOADBALANCER'), paramsFor('LOADBALANCER')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(upstream.requests).toHaveLength(1);
    await expect(paramsFor('LOADBALANCER')).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(await paramsFor('LOADBALANCER')).toHaveLength(1);
    expect(upstream.requests).toHaveLength(3);
  });

  test.each([
    ['no list', { body: { nope: true } }],
    ['nothing', {}],
    ['an item without id', { body: [{ id: 'a' }, {}] }],
    ['an empty id', { body: [{ id: '' }] }],
    ['another shape', { body: { items: ids('a') } }],
  ])('that cannot be read are UPSTREAM_MALFORMED, and say where: %s', async (_, answer: FakeAnswer) => {
    const { paramsFor } = createScene(() => answer);
    await expect(paramsFor('LOADBALANCER')).rejects.toMatchObject({
      code: 'UPSTREAM_MALFORMED',
      message: expect.stringContaining('/loadBalancers'),
      failure: { service: 'LOADBALANCER', region: ashburn, opcRequestId: 'opc-1' },
    });
  });

  test.each([
    '../../20160918/users',
    '/etc',
    'a?compartmentId=b',
    'a#b',
    '%2e%2e',
    'http://evil.example/',
    'a b',
  ])('with a hostile id lead nowhere else: %s', async (id) => {
    const { paramsFor, source, upstream, endpoints } = createScene(({ path }) =>
      /^\/20170115\/loadBalancers\?/.test(path) ? { body: ids(id) } : { body: [] },
    );
    const [params = {}] = await paramsFor('LOADBALANCER');
    upstream.takePaths();
    const query = { service: 'LOADBALANCER', region: ashburn, compartmentId: compartment, params } as const;
    await source
      .list(query)
      .catch((error: unknown) => expect(error).toMatchObject({ code: 'BAD_USER_INPUT' }));
    for (const { origin, path } of upstream.requests.slice(1)) {
      expect(origin).toBe(endpoints.of(catalog.LOADBALANCER, ashburn).origin);
      const { pathname, search } = new URL(path, origin);
      expect(pathname.split('/')).toEqual([
        '',
        '20170115',
        'loadBalancers',
        encodeURIComponent(id),
        'workRequests',
      ]);
      expect(search).toBe('');
    }
  });
});

test('parents are waited for as long as the errand lasts, and remembered when they come after all', async () => {
  let tell: () => void = () => undefined;
  const told = new Promise<void>((resolve) => (tell = resolve));
  const test = createTestSource(async () => {
    await told;
    return { body: ids('lb') };
  });
  const finders = createParentFinders({ ...test, tenancyId: async () => tenancy });
  const hurried = finders.for({ endsAt: test.clock.now() + 100 });
  const asking = hurried.paramsFor(catalog.LOADBALANCER, ashburn, compartment);
  await Promise.all([
    expect(asking).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', failure: { region: ashburn } }),
    test.clock.advance(100),
  ]);
  tell();
  const patient = finders.for({ endsAt: test.clock.now() + 20_000 });
  expect(await patient.paramsFor(catalog.LOADBALANCER, ashburn, compartment)).toEqual([
    { loadBalancerId: 'lb' },
  ]);
  expect(test.upstream.requests).toHaveLength(1);
});

describe('the namespace', () => {
  const body = { items: [{ namespaceName: 'acme' }] };
  const all = ['LOGANALYTICS', 'LOGANALYTICS_CONFIG', 'LOGANALYTICS_QUERY', 'LOGANALYTICS_STORAGE'] as const;

  test('of Log Analytics is asked for once in a region, whatever the API and the compartment', async () => {
    const { paramsFor, upstream } = createScene(() => ({ body }));
    const found = await Promise.all([
      ...all.map((service) => paramsFor(service)),
      ...all.map((service) => paramsFor(service, ashburn, 'ocid1.compartment.oc1..b')),
      paramsFor('LOGANALYTICS', phoenix),
    ]);
    expect(found).toEqual(Array(9).fill([{ namespaceName: 'acme' }]));
    expect(upstream.requests.map(({ region }) => region)).toEqual([ashburn, phoenix]);
  });

  test('that a tenancy has not is no source, and is asked for once a minute, too', async () => {
    const { paramsFor, upstream, clock } = createScene((_, index) =>
      index === 0 ? { body: { items: [] } } : { body },
    );
    expect(await paramsFor('LOGANALYTICS')).toEqual([]);
    expect(await paramsFor('LOGANALYTICS_QUERY')).toEqual([]);
    expect(upstream.requests).toHaveLength(1);
    await clock.advance(60_001);
    expect(await paramsFor('LOGANALYTICS')).toEqual([{ namespaceName: 'acme' }]);
  });

  test('that could not be had is asked for again', async () => {
    const { paramsFor } = createScene((_, index) =>
      index === 0 ? upstreamError('UPSTREAM_TIMEOUT') : { body },
    );
    await expect(paramsFor('LOGANALYTICS')).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(await paramsFor('LOGANALYTICS')).toHaveLength(1);
  });
});

describe('a subtree', () => {
  const node = (id: string, compartmentId: string, lifecycleState?: string) => ({
    id,
    compartmentId,
    ...(lifecycleState !== undefined && { lifecycleState }),
  });
  const tree = [
    node('a', tenancy),
    node('b', 'a'),
    node('c', 'b', 'ACTIVE'),
    node('d', 'b', 'DELETED'),
    node('e', 'd'),
    node('f', tenancy),
  ];

  test('holds the compartment and all active ones in it, and is cut out of one tree', async () => {
    const { parents, upstream } = createScene(() => ({ body: tree }));
    expect(await parents.subtreeOf('a')).toEqual(['a', 'b', 'c']);
    expect(await parents.subtreeOf(tenancy)).toEqual([tenancy, 'a', 'f', 'b', 'c']);
    expect(await parents.subtreeOf('c')).toEqual(['c']);
    expect(await parents.subtreeOf('unknown')).toEqual(['unknown']);
    expect(upstream.requests).toEqual([expect.objectContaining({ service: 'IDENTITY', region: ashburn })]);
    expect(upstream.takePaths()).toEqual([
      `/20160918/compartments?compartmentId=${tenancy}&compartmentIdInSubtree=true&accessLevel=ANY&limit=100`,
    ]);
  });

  test('of a tree with cycles is finite', async () => {
    const { parents } = createScene(() => ({
      body: [node('a', 'c'), node('b', 'a'), node('c', 'b'), node('x', 'x')],
    }));
    expect(await parents.subtreeOf('a')).toEqual(['a', 'b', 'c']);
    expect(await parents.subtreeOf('x')).toEqual(['x']);
  });

  test('of a long chain, and over pages, is whole', async () => {
    const chain = Array.from({ length: 300 }, (_, index) => node(`n${index + 1}`, `n${index}`));
    const { parents, upstream } = createScene((request) => {
      const from = Number(pageIn(request) ?? 0);
      return {
        body: chain.slice(from, from + 100),
        ...(from + 100 < chain.length && { headers: { 'opc-next-page': String(from + 100) } }),
      };
    });
    expect(await parents.subtreeOf('n0')).toHaveLength(301);
    expect(upstream.requests).toHaveLength(3);
  });

  test('is read once a minute, and once at a time; not kept where it failed', async () => {
    const { parents, upstream, clock } = createScene((_, index) =>
      index === 0 ? upstreamError('UPSTREAM_THROTTLED') : { body: tree },
    );
    const both = await Promise.allSettled([parents.subtreeOf('a'), parents.subtreeOf('f')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(upstream.requests).toHaveLength(1);
    await Promise.all([parents.subtreeOf('a'), parents.subtreeOf('f')]);
    expect(upstream.requests).toHaveLength(2);
    await clock.advance(59_999);
    await parents.subtreeOf('a');
    expect(upstream.requests).toHaveLength(2);
    clock.jump(-3_600_000);
    await clock.advance(1);
    await parents.subtreeOf('a');
    expect(upstream.requests).toHaveLength(3);
  });

  test('cannot be had where the tenancy is not known', async () => {
    let isKnown = false;
    const tenancyId = async (): Promise<string> => {
      if (!isKnown) throw upstreamError('UNAUTHENTICATED');
      return tenancy;
    };
    const { parents } = createScene(() => ({ body: tree }), { tenancyId });
    await expect(parents.subtreeOf('a')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    isKnown = true;
    expect(await parents.subtreeOf('a')).toHaveLength(3);
  });
});
