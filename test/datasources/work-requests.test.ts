import { describe, expect, test } from '@jest/globals';
import { catalog, serviceNames } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import type { WorkRequestRef } from '../../datasources/types.ts';
import { createTestSource, tenancy, upstreamError } from '../support/fake-upstream.ts';
import { ashburn, bodyOf, clusterWorkRequest, compartment, refOf } from '../support/oci-bodies.ts';

const cluster = refOf();
const refFor = (service: ServiceName, workRequestId = 'ocid1.x.oc1.iad.a'): WorkRequestRef => ({
  ...refOf(workRequestId, service),
  ...(catalog[service].needsNamespace && { namespace: 'acme' }),
});
const listParamsFor = (service: ServiceName): Record<string, string> =>
  Object.fromEntries(
    catalog[service].listRequires
      .filter((name) => name !== 'compartmentId')
      .map((name) => [name, `the-${name}`]),
  );

describe('get', () => {
  test('asks once, at the work request, and tells what it answered', async () => {
    const { source, upstream, clock } = createTestSource(() => ({
      body: { id: clusterWorkRequest, status: 'IN_PROGRESS', compartmentId: compartment },
      headers: { etag: 'e1', 'retry-after': '2.5' },
    }));
    await clock.advance(5_000);
    expect(await source.get(cluster)).toMatchObject({
      id: globalIdOf(cluster),
      ref: cluster,
      status: 'IN_PROGRESS',
      origin: 'get',
      etag: 'e1',
      retryAfterMs: 2_500,
      observedAt: clock.now(),
    });
    expect(upstream.requests).toEqual([
      {
        service: 'CONTAINERENGINE',
        region: ashburn,
        method: 'GET',
        origin: 'https://containerengine.us-ashburn-1.oci.oraclecloud.com',
        path: `/20180222/workRequests/${clusterWorkRequest}`,
      },
    ]);
  });

  test.each(serviceNames)('of %s asks at the path of its API', async (service) => {
    const api = catalog[service];
    const { source, upstream } = createTestSource(() => ({ body: bodyOf(api, { id: 'ocid1.x.oc1.iad.a' }) }));
    const found = await source.get(refFor(service));
    expect(found?.id).toBe(globalIdOf(refFor(service)));
    expect(upstream.takePaths()).toEqual([
      `${api.basePath}${api.path.replace('{namespaceName}', 'acme')}/ocid1.x.oc1.iad.a`,
    ]);
  });

  test('says null where upstream says 404, and nothing is remembered of it', async () => {
    const { source, observations } = createTestSource(() => upstreamError('NOT_FOUND'));
    expect(await source.get(cluster)).toBeNull();
    expect(observations.compartmentOf(cluster)).toBeNull();
  });

  test.each([
    'FORBIDDEN',
    'UNAUTHENTICATED',
    'UPSTREAM_THROTTLED',
    'UPSTREAM_TIMEOUT',
    'UPSTREAM_UNAVAILABLE',
  ] as const)('passes %s on as it is', async (code) => {
    const error = upstreamError(code);
    const { source } = createTestSource(() => error);
    await expect(source.get(cluster)).rejects.toBe(error);
  });

  test.each([
    ['nothing', undefined],
    ['text', 'hello'],
    ['a list', [{ id: clusterWorkRequest }]],
    ["a proxy's page as JSON", { error: 'bad gateway' }],
    ['another work request', { id: 'ocid1.clustersworkrequest.oc1.iad.bbbb', status: 'SUCCEEDED' }],
  ])('takes %s for a malformed answer, and remembers none of it', async (_, body) => {
    const { source, observations } = createTestSource(() => ({ body }));
    await expect(source.get(cluster)).rejects.toMatchObject({
      code: 'UPSTREAM_MALFORMED',
      isRetryable: true,
      failure: { service: 'CONTAINERENGINE', region: ashburn, status: 200, opcRequestId: 'opc-1' },
    });
    expect(observations.compartmentOf(cluster)).toBeNull();
  });

  test('takes any 2xx, as IAM answers 202', async () => {
    const { source } = createTestSource(() => ({ body: { id: 'a', status: 'IN_PROGRESS' }, status: 202 }));
    expect(await source.get(refOf('a', 'IDENTITY'))).toMatchObject({ status: 'IN_PROGRESS' });
  });

  test('tells no older state than was told before', async () => {
    const bodies = ['IN_PROGRESS', 'ACCEPTED'].map((status) => ({ id: clusterWorkRequest, status }));
    const { source, observations } = createTestSource((_, index) => ({ body: bodies[index] }));
    expect([(await source.get(cluster))?.status, (await source.get(cluster))?.status]).toEqual([
      'IN_PROGRESS',
      'IN_PROGRESS',
    ]);
    expect(observations.olderAnswers).toBe(1);
  });

  test('tells of progress after the wall clock was set back', async () => {
    const bodies = ['IN_PROGRESS', 'WAITING', 'SUCCEEDED'].map((status) => ({
      id: clusterWorkRequest,
      status,
    }));
    const { source, clock } = createTestSource((_, index) => ({ body: bodies[index] }));
    await source.get(cluster);
    clock.jump(-3_600_000);
    expect((await source.get(cluster))?.status).toBe('WAITING');
    expect((await source.get(cluster))?.status).toBe('SUCCEEDED');
  });

  test('lets an answer that was overtaken by a later one change nothing', async () => {
    const slow = Promise.withResolvers<{ body: unknown }>();
    const { source } = createTestSource((_, index) =>
      index === 0 ? slow.promise : { body: { id: clusterWorkRequest, status: 'WAITING' } },
    );
    const first = source.get(cluster);
    expect((await source.get(cluster))?.status).toBe('WAITING');
    slow.resolve({ body: { id: clusterWorkRequest, status: 'IN_PROGRESS' } });
    expect((await first)?.status).toBe('WAITING');
  });

  test('of a region that is not allowed asks nobody', async () => {
    const { source, upstream } = createTestSource(() => ({ body: {} }));
    await expect(source.get(refOf('a', 'ADM', 'ap-tokyo-1'))).rejects.toMatchObject({
      code: 'REGION_NOT_ALLOWED',
    });
    expect(upstream.requests).toEqual([]);
  });
});

describe('list', () => {
  test.each(serviceNames)('of %s is asked for as its API wants it', async (service) => {
    const api = catalog[service];
    const item = bodyOf(api, { id: 'ocid1.x.oc1.iad.a', status: 'FAILED' });
    const { source, upstream } = createTestSource(() => ({
      body: api.bareArrays ? [item] : { items: [item] },
      headers: { 'opc-next-page': 'next' },
    }));
    const page = await source.list({
      service,
      region: ashburn,
      compartmentId: compartment,
      params: listParamsFor(service),
      limit: 7,
      page: 'a page/+?',
    });
    expect(page).toMatchObject({
      items: [{ origin: 'list', ref: { service, region: ashburn, workRequestId: 'ocid1.x.oc1.iad.a' } }],
      nextPage: 'next',
      malformed: [],
    });
    const url = new URL(upstream.takePaths()[0] ?? '', 'https://x.example');
    const placeholders = [...api.listPath.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    expect(url.pathname).toBe(
      api.basePath + api.listPath.replaceAll(/\{(\w+)\}/g, (_, name: string) => `the-${name}`),
    );
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ...(api.listQuery.has('compartmentId') && { compartmentId: compartment }),
      ...Object.fromEntries(
        Object.entries(listParamsFor(service)).filter(([name]) => !placeholders.includes(name)),
      ),
      limit: '7',
      page: 'a page/+?',
    });
    for (const name of url.searchParams.keys())
      expect([...api.listQuery, ...api.listRequires]).toContain(name);
  });

  test('sends no parameter that is not given', async () => {
    const { source, upstream } = createTestSource(() => ({ body: { items: [] } }));
    const page = await source.list({ service: 'ADM', region: ashburn, compartmentId: compartment });
    expect(page).toEqual({ items: [], nextPage: null, malformed: [] });
    expect(upstream.takePaths()).toEqual([`/20220421/workRequests?compartmentId=${compartment}`]);
  });

  test('takes an empty token for the end', async () => {
    const { source } = createTestSource(() => ({ body: [], headers: { 'opc-next-page': '' } }));
    const page = await source.list({
      service: 'CONTAINERENGINE',
      region: ashburn,
      compartmentId: compartment,
    });
    expect(page.nextPage).toBeNull();
  });

  test('passes native filters on, encoded', async () => {
    const { source, upstream } = createTestSource(() => ({ body: [] }));
    await source.list({
      service: 'CONTAINERENGINE',
      region: ashburn,
      compartmentId: compartment,
      params: { clusterId: 'a&status=b', sortBy: 'TIME_ACCEPTED' },
    });
    expect(upstream.takePaths()).toEqual([
      `/20180222/workRequests?compartmentId=${compartment}&clusterId=a%26status%3Db&sortBy=TIME_ACCEPTED`,
    ]);
  });

  test('takes any text for a parameter, half a surrogate pair included', async () => {
    const { source, upstream } = createTestSource(() => ({ body: [] }));
    await source.list({ service: 'CONTAINERENGINE', region: ashburn, compartmentId: 'a\ud800\0\r\n' });
    expect(upstream.takePaths()).toEqual(['/20180222/workRequests?compartmentId=a%EF%BF%BD%00%0D%0A']);
  });

  test.each(['.', '..', './x', '../../20160918/users', '.%2e'])(
    'takes no parent called %j, which would climb',
    async (loadBalancerId) => {
      const { source, upstream } = createTestSource(() => ({ body: [] }));
      const query = {
        service: 'LOADBALANCER',
        region: ashburn,
        compartmentId: '',
        params: { loadBalancerId },
      } as const;
      await expect(source.list(query)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(upstream.requests).toEqual([]);
    },
  );

  test("carries Log Analytics' namespace into the ids of its items", async () => {
    const { source } = createTestSource(() => ({ body: { items: [{ id: 'a' }] } }));
    const { items } = await source.list({
      service: 'LOGANALYTICS',
      region: ashburn,
      compartmentId: compartment,
      params: { namespaceName: 'acme' },
    });
    expect(items[0]?.id).toBe(globalIdOf(refFor('LOGANALYTICS', 'a')));
  });

  test('tells unreadable items beside the readable ones', async () => {
    const { source } = createTestSource(() => ({ body: [{ id: 'a' }, {}, { id: 'b' }] }));
    const page = await source.list({
      service: 'CONTAINERENGINE',
      region: ashburn,
      compartmentId: compartment,
    });
    expect(page.items.map(({ ref }) => ref.workRequestId)).toEqual(['a', 'b']);
    expect(page.malformed).toEqual(['item 1: the item has no id']);
  });

  test('of a foreign body is malformed, and a 404 is an error', async () => {
    const query = { service: 'CONTAINERENGINE', region: ashburn, compartmentId: compartment } as const;
    const foreign = createTestSource(() => ({ body: { items: [] } }));
    await expect(foreign.source.list(query)).rejects.toMatchObject({ code: 'UPSTREAM_MALFORMED' });
    const absent = createTestSource(() => upstreamError('NOT_FOUND'));
    await expect(absent.source.list(query)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is remembered: compartments, types and progress', async () => {
    const { source, observations } = createTestSource(() => ({
      body: {
        items: [{ id: 'ocid1.newworkrequest.oc1.iad.a', compartmentId: compartment, status: 'FAILED' }],
      },
    }));
    await source.list({ service: 'ADM', region: ashburn, compartmentId: compartment });
    expect(observations.compartmentOf(refOf('ocid1.newworkrequest.oc1.iad.a', 'ADM'))).toBe(compartment);
    expect(observations.serviceOfListedType('newworkrequest')).toBe('ADM');
  });
});

describe('errors and logs', () => {
  const parts = ['errors', 'logs'] as const;

  test.each(serviceNames.flatMap((service) => parts.map((part) => [service, part] as const)))(
    'of %s: its %s are asked for as its API wants it, or there are none to ask for',
    async (service, part) => {
      const api = catalog[service];
      const endpoint = api[part];
      const { source, upstream } = createTestSource(() => ({
        body: api.bareArrays ? [{ message: 'm' }] : { items: [{ message: 'm' }] },
        headers: { 'opc-next-page': 'next' },
      }));
      const page = await source[part](refFor(service), compartment, { limit: 100, page: 'p/1' });
      if (typeof endpoint === 'string') {
        expect(page).toBeNull();
        expect(upstream.requests).toEqual([]);
        return;
      }
      expect(page).toMatchObject({ items: [{ message: 'm' }], nextPage: 'next' });
      const query = [
        ...(endpoint.needsCompartment ? [`compartmentId=${compartment}`] : []),
        ...(endpoint.isPaged ? ['limit=100', 'page=p%2F1'] : []),
      ].join('&');
      const path = `${api.basePath}${api.path.replace('{namespaceName}', 'acme')}/ocid1.x.oc1.iad.a`;
      expect(upstream.takePaths()).toEqual([`${path}/${endpoint.segment}${query && `?${query}`}`]);
    },
  );

  test("Kubernetes Engine wants the compartment and knows no pages, Data Integration's path is its own", async () => {
    const { source, upstream } = createTestSource(() => ({ body: [] }));
    await source.errors(cluster, compartment, { limit: 100 });
    await source.errors(refOf('a', 'DATAINTEGRATION'), compartment, { limit: 100 });
    expect(upstream.takePaths()).toEqual([
      `/20180222/workRequests/${clusterWorkRequest}/errors?compartmentId=${compartment}`,
      '/20200430/workRequests/a/workRequestErrors?limit=100',
    ]);
  });

  test('that want a compartment nobody told are not asked for: upstream would blame the caller', async () => {
    const { source, upstream } = createTestSource(() => ({ body: [] }));
    await expect(source.errors(cluster, null, {})).rejects.toMatchObject({ code: 'UPSTREAM_MALFORMED' });
    expect(upstream.requests).toEqual([]);
  });

  test('that are none are an empty page; one that cannot be read costs no other its place', async () => {
    const none = createTestSource(() => ({ body: [] }));
    expect(await none.source.errors(cluster, compartment, {})).toEqual({
      items: [],
      nextPage: null,
      malformed: [],
    });
    const some = createTestSource(() => ({ body: [{ message: 'a' }, null, { message: 'b' }] }));
    expect(await some.source.logs(cluster, compartment, {})).toMatchObject({
      items: [{ message: 'a' }, { message: 'b' }],
      malformed: ['item 1: expected an object, got null'],
    });
  });

  test.each(parts)('a foreign body of %s is malformed, and other errors pass through', async (part) => {
    const foreign = createTestSource(() => ({ body: '<html>' }));
    await expect(foreign.source[part](cluster, compartment, {})).rejects.toMatchObject({
      code: 'UPSTREAM_MALFORMED',
    });
    const error = upstreamError('FORBIDDEN');
    const failing = createTestSource(() => error);
    await expect(failing.source[part](cluster, compartment, {})).rejects.toBe(error);
  });
});

describe('cancel', () => {
  const withCancel = serviceNames.filter((service) => catalog[service].cancel !== 'none');

  test.each(withCancel)(
    'of %s is a DELETE on the get path, with if-match only where the API takes it',
    async (service) => {
      const api = catalog[service];
      const { source, upstream } = createTestSource(() => ({ status: 204 }));
      await source.cancel(refFor(service), { ifMatch: 'e1' });
      await source.cancel(refFor(service));
      const path = `${api.basePath}${api.path.replace('{namespaceName}', 'acme')}/ocid1.x.oc1.iad.a`;
      expect(upstream.requests).toMatchObject([
        { method: 'DELETE', path, headers: api.cancel === 'if-match' ? { 'if-match': 'e1' } : {} },
        { method: 'DELETE', path, headers: {} },
      ]);
      expect(upstream.requests[0]?.headers).toEqual(api.cancel === 'if-match' ? { 'if-match': 'e1' } : {});
    },
  );

  test.each(serviceNames.filter((service) => !withCancel.includes(service)))(
    'of %s, which has none, asks nobody',
    async (service) => {
      const { source, upstream } = createTestSource(() => ({ status: 204 }));
      await expect(source.cancel(refFor(service))).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(upstream.requests).toEqual([]);
    },
  );

  test('passes a 404 on: there was nothing to cancel', async () => {
    const { source } = createTestSource(() => upstreamError('NOT_FOUND'));
    await expect(source.cancel(cluster)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('the tenancy is not asked for by who needs no namespace', async () => {
  const { source } = createTestSource(() => ({ body: { id: clusterWorkRequest } }), {
    tenancyId: () => Promise.reject(new Error(`${tenancy} is nobody's business`)),
  });
  expect(await source.complete(cluster)).toBe(cluster);
  expect(await source.get(cluster)).not.toBeNull();
});

test('an item that does not say its compartment is known to be where it was listed', async () => {
  const { source, observations } = createTestSource(() => ({ body: [{ id: clusterWorkRequest }] }));
  const { items } = await source.list({
    service: 'CONTAINERENGINE',
    region: ashburn,
    compartmentId: compartment,
  });
  expect(items[0]?.compartmentId).toBeNull();
  expect(observations.compartmentOf(cluster)).toBe(compartment);
});
