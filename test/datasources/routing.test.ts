import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { catalog, serviceNames, serviceOfOcidType } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import { createRegions } from '../../datasources/regions.ts';
import { createRouter } from '../../datasources/routing.ts';
import type { Route, Router, Target } from '../../datasources/routing.ts';
import { GatewayError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { createTestSource, upstreamError } from '../support/fake-upstream.ts';

const regions = createRegions();
const allowedRegions = ['us-ashburn-1', 'us-phoenix-1', 'eu-frankfurt-1'];

const createTestRouter = ({
  allowed = allowedRegions,
  homeRegion = 'us-ashburn-1',
  listed = {},
}: {
  readonly allowed?: readonly string[];
  readonly homeRegion?: string;
  readonly listed?: Readonly<Record<string, ServiceName>>;
} = {}): Router =>
  createRouter({
    findRegion: (word) => regions.get(word) ?? regions.byCode(word),
    allowedRegions: allowed,
    homeRegion,
    serviceOfListedType: (type) => (Object.hasOwn(listed, type) ? (listed[type] ?? null) : null),
  });

const router = createTestRouter();
const route = (id: string, more: Omit<Target, 'id'> = {}): Route => router.routeWorkRequest({ id, ...more });
const refuses = (code: ErrorCode, message: RegExp, run: () => unknown): void => {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(GatewayError);
  expect(thrown).toMatchObject({ code, message: expect.stringMatching(message) });
};

const cluster = 'ocid1.clustersworkrequest.oc1.iad.aaaa';
const unknownType = 'ocid1.newworkrequest.oc1.iad.aaaa';
const uuid = '3f2c8a52-9d0e-4b2e-8f60-0a8b7a4f3c11';
const clusterGlobal = globalIdOf({
  service: 'CONTAINERENGINE',
  region: 'us-ashburn-1',
  workRequestId: cluster,
});

describe('an OCID of a verified type', () => {
  test.each([...serviceOfOcidType])('%s goes to %s, in the region it names', (type, service) => {
    expect(route(`ocid1.${type}.oc1.phx.aaaa`)).toEqual({
      ref: { service, region: 'us-phoenix-1', workRequestId: `ocid1.${type}.oc1.phx.aaaa` },
      ifAbsent: null,
    });
  });

  test.each([
    ['iad', 'us-ashburn-1'],
    ['phx', 'us-phoenix-1'],
    ['fra', 'eu-frankfurt-1'],
    ['eu-frankfurt-1', 'eu-frankfurt-1'],
  ])('may name its region as %s', (word, region) => {
    expect(route(`ocid1.clustersworkrequest.oc1.${word}.aaaa`).ref.region).toBe(region);
  });

  test('may have six parts, as those of MySQL have', () => {
    for (const future of ['', 'future'])
      expect(route(`ocid1.mysqlworkrequest.oc1.iad.${future}.aaaa`).ref).toMatchObject({
        service: 'MYSQL',
        region: 'us-ashburn-1',
      });
  });

  test('takes no other service from the caller, and the same one gladly', () => {
    refuses('BAD_USER_INPUT', /`service` says `MYSQL`, the id says `CONTAINERENGINE`/, () =>
      route(cluster, { service: 'MYSQL' }),
    );
    expect(route(cluster, { service: 'CONTAINERENGINE' })).toEqual(route(cluster));
  });

  test("takes the caller's region over its own", () => {
    expect(route(cluster, { region: 'us-phoenix-1' }).ref.region).toBe('us-phoenix-1');
    expect(route(cluster, { region: 'fra' }).ref.region).toBe('eu-frankfurt-1');
    expect(route(cluster, { region: null, service: null })).toEqual(route(cluster));
    expect(route(cluster, { region: '' })).toEqual(route(cluster));
  });

  test.each(['IAD', 'Iad', 'US-ASHBURN-1', 'us-Ashburn-1'])(
    'goes to a region named %s, whatever its letter case',
    (region) => {
      const id = 'ocid1.clustersworkrequest.oc1.phx.aaaa';
      const named = `ocid1.clustersworkrequest.oc1.${region}.aaaa`;
      expect(route(id, { region }).ref).toEqual({
        service: 'CONTAINERENGINE',
        region: 'us-ashburn-1',
        workRequestId: id,
      });
      expect(route(named).ref).toEqual({
        service: 'CONTAINERENGINE',
        region: 'us-ashburn-1',
        workRequestId: named,
      });
      expect(route(clusterGlobal, { region })).toEqual(route(clusterGlobal));
      expect(router.routeRegions([region, 'iad', 'us-ashburn-1'])).toEqual(['us-ashburn-1']);
    },
  );

  test('is never asked for in a region that is not allowed, or not known', () => {
    refuses('REGION_NOT_ALLOWED', /`ap-tokyo-1` is not one this gateway may call/, () =>
      route('ocid1.clustersworkrequest.oc1.ap-tokyo-1.aaaa'),
    );
    refuses('REGION_NOT_ALLOWED', /`nrt` is not one this gateway may call/, () =>
      route('ocid1.clustersworkrequest.oc1.nrt.aaaa'),
    );
    refuses('REGION_NOT_ALLOWED', /`xx-nowhere-1` is not known/, () =>
      route('ocid1.clustersworkrequest.oc1.xx-nowhere-1.aaaa'),
    );
    for (const region of ['ap-tokyo-1', 'NRT', 'evil.example', '//evil', 'us-ashburn-1@evil'])
      refuses('REGION_NOT_ALLOWED', /us-ashburn-1, us-phoenix-1, eu-frankfurt-1/, () =>
        route(cluster, { region }),
      );
  });

  test('of another realm is refused', () => {
    refuses('BAD_USER_INPUT', /realm `oc2`, region us-ashburn-1 of realm `oc1`/, () =>
      route('ocid1.clustersworkrequest.oc2.iad.aaaa'),
    );
    refuses('BAD_USER_INPUT', /realm/, () =>
      route('ocid1.clustersworkrequest.oc2..aaaa', { region: 'us-ashburn-1' }),
    );
  });

  test('of any realm is taken where nobody knows the realm of the region', () => {
    const assumed = createRegions({ defaultDomain: 'oraclecloud.example' });
    const { ref } = createRouter({
      findRegion: (word) => assumed.get(word) ?? assumed.byCode(word),
      allowedRegions: ['xx-new-1'],
      homeRegion: 'xx-new-1',
      serviceOfListedType: () => null,
    }).routeWorkRequest({ id: 'ocid1.clustersworkrequest.oc99.xx-new-1.aaaa' });
    expect(ref.region).toBe('xx-new-1');
  });

  test('that names no region needs one from the caller', () => {
    const id = 'ocid1.clustersworkrequest.oc1..aaaa';
    refuses('REGION_REQUIRED', /us-ashburn-1, us-phoenix-1, eu-frankfurt-1/, () => route(id));
    expect(route(id, { region: 'phx' }).ref.region).toBe('us-phoenix-1');
  });
});

describe('a type that is not verified', () => {
  test('needs the service from the caller, whose word counts', () => {
    refuses('SERVICE_REQUIRED', /type `newworkrequest` does not tell/, () => route(unknownType));
    expect(route(unknownType, { service: 'ADM' })).toEqual({
      ref: { service: 'ADM', region: 'us-ashburn-1', workRequestId: unknownType },
      ifAbsent: null,
    });
  });

  test("does not go by Oracle's shared `workrequest`", () => {
    refuses('SERVICE_REQUIRED', /`workrequest`/, () => route('ocid1.workrequest.oc1.iad.aaaa'));
  });

  test('goes where lists showed it, as a hint: a miss there is SERVICE_REQUIRED', () => {
    const { ref, ifAbsent } = createTestRouter({ listed: { newworkrequest: 'ADM' } }).routeWorkRequest({
      id: unknownType,
    });
    expect(ref.service).toBe('ADM');
    expect(ifAbsent).toMatchObject({ code: 'SERVICE_REQUIRED' });
  });

  test.each(['instance', 'cluster', 'y'.repeat(100)])(
    "that looks like a resource's, such as %s, is told how to find that one's work requests",
    (type) => {
      const id = `ocid1.${type}.oc1.iad.aaaa`;
      refuses('SERVICE_REQUIRED', /looks like a resource's.*workRequests\(.*resourceId.*`service`/, () =>
        route(id),
      );
      refuses('SERVICE_REQUIRED', /^.{1,400}$/, () => route(id));
      // It could be one all the same: the caller's word and the hint count as ever.
      const ref = { service: 'ADM', region: 'us-ashburn-1', workRequestId: id };
      expect(route(id, { service: 'ADM' })).toEqual({ ref, ifAbsent: null });
      const hinted = createTestRouter({ listed: { [type]: 'ADM' } }).routeWorkRequest({ id });
      expect(hinted.ref).toEqual(ref);
    },
  );

  test.each(['newworkrequest', 'workrequest', 'NewWorkRequest', 'workrequestsnew'])(
    "that looks like a work request's, such as %s, is told nothing of resources",
    (type) => {
      refuses('SERVICE_REQUIRED', /^(?!.*resource).*`service`/, () => route(`ocid1.${type}.oc1.iad.aaaa`));
    },
  );

  test("goes by the caller's word rather than the hint, and then a miss is a miss", () => {
    const hinted = createTestRouter({ listed: { newworkrequest: 'ADM' } });
    expect(hinted.routeWorkRequest({ id: unknownType, service: 'MYSQL' })).toMatchObject({
      ref: { service: 'MYSQL' },
      ifAbsent: null,
    });
  });

  test('a hint never overrules a verified type', () => {
    const misled = createTestRouter({ listed: { clustersworkrequest: 'ADM' } });
    expect(misled.routeWorkRequest({ id: cluster })).toEqual(route(cluster));
  });

  test.each(['__proto__', 'constructor', 'ClustersWorkRequest', 'CLUSTERSWORKREQUEST'])(
    'called %s is like any other',
    (type) => {
      refuses('SERVICE_REQUIRED', /does not tell/, () => route(`ocid1.${type}.oc1.iad.aaaa`));
    },
  );
});

describe('an id that is no OCID', () => {
  test('needs both service and region', () => {
    refuses('SERVICE_REQUIRED', /The id does not tell which service/, () => route(uuid));
    refuses('SERVICE_REQUIRED', /The id does not tell which service/, () => route(uuid, { region: 'iad' }));
    refuses('REGION_REQUIRED', /names no region/, () => route(uuid, { service: 'OBJECTSTORAGE' }));
    expect(route(uuid, { service: 'OBJECTSTORAGE', region: 'iad' })).toEqual({
      ref: { service: 'OBJECTSTORAGE', region: 'us-ashburn-1', workRequestId: uuid },
      ifAbsent: null,
    });
  });
});

describe("IAM's work requests", () => {
  const id = 'ocid1.taggingworkrequest.oc1..aaaa';

  test('live in the home region', () => {
    expect(route(id).ref).toEqual({ service: 'IDENTITY_TAGGING', region: 'us-ashburn-1', workRequestId: id });
    expect(route('a', { service: 'IDENTITY_IAM' }).ref.region).toBe('us-ashburn-1');
  });

  test('are read there even where nothing else may be', () => {
    const abroad = createTestRouter({ allowed: ['eu-frankfurt-1'], homeRegion: 'us-phoenix-1' });
    expect(abroad.routeWorkRequest({ id }).ref.region).toBe('us-phoenix-1');
    expect(abroad.routeWorkRequest({ id, region: 'phx' }).ref.region).toBe('us-phoenix-1');
    refuses('REGION_NOT_ALLOWED', /`phx`/, () =>
      abroad.routeWorkRequest({ id: 'ocid1.clustersworkrequest.oc1.phx.aaaa' }),
    );
  });
});

describe('a global id', () => {
  test('carries everything', () => {
    expect(route(clusterGlobal)).toEqual(route(cluster));
    expect(router.routeNode(clusterGlobal)).toEqual(route(cluster).ref);
  });

  test('is routed to itself, for every service', () => {
    fc.assert(
      fc.property(fc.constantFrom(...serviceNames), fc.constantFrom(...allowedRegions), (service, region) => {
        const namespace = catalog[service].needsNamespace ? { namespace: 'acme' } : {};
        const ref = { service, region, workRequestId: 'a', ...namespace };
        expect(router.routeNode(globalIdOf(ref))).toEqual(ref);
        expect(route(globalIdOf(ref), { service, region })).toEqual({ ref, ifAbsent: null });
      }),
    );
  });

  test('may not be contradicted', () => {
    refuses('BAD_USER_INPUT', /`service` says `MYSQL`/, () => route(clusterGlobal, { service: 'MYSQL' }));
    refuses('BAD_USER_INPUT', /`region` says `phx`, the id says `us-ashburn-1`/, () =>
      route(clusterGlobal, { region: 'phx' }),
    );
    refuses('REGION_NOT_ALLOWED', /`ap-tokyo-1`/, () => route(clusterGlobal, { region: 'ap-tokyo-1' }));
    expect(route(clusterGlobal, { service: 'CONTAINERENGINE', region: 'iad' })).toEqual(route(clusterGlobal));
  });

  test('of a region that is not allowed is refused, by every door', () => {
    for (const region of ['ap-tokyo-1', 'xx-nowhere-9']) {
      const id = globalIdOf({ service: 'CONTAINERENGINE', region, workRequestId: 'a' });
      refuses('REGION_NOT_ALLOWED', new RegExp(region), () => route(id));
      refuses('REGION_NOT_ALLOWED', new RegExp(region), () => router.routeNode(id));
    }
  });

  test('with the code of its region is not the one this gateway gives', () => {
    const id = globalIdOf({ service: 'CONTAINERENGINE', region: 'iad', workRequestId: cluster });
    refuses('BAD_USER_INPUT', /canonical/, () => route(id));
    refuses('BAD_USER_INPUT', /canonical/, () => router.routeNode(id));
  });

  test('that is damaged says so', () => {
    const damaged = Buffer.from('WorkRequest:CONTAINERENGINE:us-ashburn-1').toString('base64url');
    refuses('BAD_USER_INPUT', /damaged/, () => route(damaged));
    refuses('BAD_USER_INPUT', /damaged/, () => router.routeNode(damaged));
  });
});

describe('`node`', () => {
  test.each([cluster, uuid, '', 'x', ' ', '💥'])('takes no id of its own kind such as %j', (id) => {
    refuses('BAD_USER_INPUT', /no global id/, () => router.routeNode(id));
  });
});

describe('a message', () => {
  test("repeats a caller's word shortly, and nothing of it that could pass for something else", () => {
    const region = `\u202e\`x\`\r\n<script>\0${'y'.repeat(500)}`;
    refuses('REGION_NOT_ALLOWED', /^Region `\?\?x\?\?\?<script>\?y{60,80}` is not known/, () =>
      route(cluster, { region }),
    );
    refuses('SERVICE_REQUIRED', /^The OCID type `[y]{80}` does not tell/, () =>
      route(`ocid1.${'y'.repeat(200)}.oc1.iad.a`),
    );
  });
});

describe('an id made to harm', () => {
  const refusals: readonly ErrorCode[] = [
    'BAD_USER_INPUT',
    'SERVICE_REQUIRED',
    'REGION_REQUIRED',
    'REGION_NOT_ALLOWED',
  ];
  const origins = new Set(
    serviceNames.flatMap((service) =>
      allowedRegions.map(
        (region) => createTestSource(() => ({})).endpoints.of(catalog[service], region).origin,
      ),
    ),
  );

  const { source, upstream, endpoints } = createTestSource(() => upstreamError('NOT_FOUND'));

  /** Asks for it as a query would, at a source where nothing is there; says what came of it. */
  const attempt = async (target: Target): Promise<ErrorCode | 'asked'> => {
    const before = upstream.requests.length;
    let ref;
    try {
      ref = router.routeWorkRequest(target).ref;
      expect(await source.get(ref)).toBeNull();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      expect(refusals).toContain(error.code);
      expect(error.message).toMatch(/^[\x20-\x7e]{1,400}$/);
      expect(upstream.requests).toHaveLength(before);
      return error.code;
    }
    const asked = upstream.requests.slice(before);
    expect(asked).toHaveLength(1);
    for (const { origin, path, service, region } of asked) {
      const api = catalog[service];
      const url = new URL(origin + path);
      expect(origins).toContain(origin);
      expect(origin).toBe(endpoints.of(api, region).origin);
      expect([url.origin, url.pathname, url.search, url.hash, url.username]).toEqual([
        origin,
        path,
        '',
        '',
        '',
      ]);
      const below = api.basePath + api.path.replace('{namespaceName}', ref.namespace ?? '');
      expect(path.startsWith(`${below}/`)).toBe(true);
      expect(path.slice(below.length + 1)).toBe(ref.workRequestId);
      expect(ref.workRequestId).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
      expect(path.split('/').length).toBe(below.split('/').length + 1);
    }
    return 'asked';
  };
  const encoded = (...parts: readonly string[]): string =>
    Buffer.from(`WorkRequest:${parts.join(':')}`).toString('base64url');

  const hostile = [
    '@evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https://evil.example/',
    'http://169.254.169.254/opc/v2/instance/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    ':80',
    ':pass@evil.example',
    '#fragment',
    '?compartmentId=x',
    '&limit=1',
    ';jsessionid=1',
    '.',
    '..',
    '../',
    '/..',
    '/../../20160918/users',
    '%2e%2e',
    '%2e%2e%2f',
    '%2E%2E/',
    '.%2e/',
    '%252e%252e%252f',
    '%2f',
    '%252f',
    '%5c',
    '%00',
    '%0d%0aHost:%20evil.example',
    '\r\nHost: evil.example\r\n\r\n',
    '\n',
    '\r',
    '\t',
    ' ',
    '\0',
    '\u2024\u2024/', // one dot leader
    '\u2025', // two dot leader
    '\u3002', // ideographic full stop, a dot to IDNA
    '\uff0e\uff0e\uff0f', // full-width dots and slash
    '\u2215', // division slash
    '\u2044', // fraction slash
    '\u29f8',
    '\uff20evil.example', // full-width @
    '\u202e', // right-to-left override
    '\u200b', // zero-width space
    '\ufeff',
    '\ud800',
    '\u{1f4a5}',
    '\u0130', // grows when lower-cased
    '{region}',
    '${process.env}',
    '__proto__',
    'constructor',
    '*',
    '"',
    "'",
    '`',
    '<script>',
    '|',
    '^',
    '[::1]',
    '~',
    '!',
    '+',
    '=',
    ',',
  ] as const;

  const places: readonly ((text: string) => Target)[] = [
    (id) => ({ id }),
    (text) => ({ id: `${cluster}${text}` }),
    (text) => ({ id: `${text}${cluster}` }),
    (text) => ({ id: `ocid1.${text}.oc1.iad.aaaa` }),
    (text) => ({ id: `ocid1.clustersworkrequest.${text}.iad.aaaa` }),
    (text) => ({ id: `ocid1.clustersworkrequest.oc1.${text}.aaaa` }),
    (text) => ({ id: `ocid1.clustersworkrequest.oc1.iad${text}.aaaa` }),
    (text) => ({ id: `ocid1.clustersworkrequest.oc1.iad.${text}.aaaa` }),
    (text) => ({ id: `ocid1.clustersworkrequest.oc1.iad.${text}` }),
    (id) => ({ id, service: 'OBJECTSTORAGE', region: 'iad' }),
    (text) => ({ id: `a${text}`, service: 'OBJECTSTORAGE', region: 'iad' }),
    (region) => ({ id: uuid, service: 'OBJECTSTORAGE', region }),
    (text) => ({ id: uuid, service: 'OBJECTSTORAGE', region: `us-ashburn-1${text}` }),
    (text) => ({ id: encoded(text) }),
    (text) => ({ id: encoded(text, 'us-ashburn-1', 'a') }),
    (text) => ({ id: encoded('CONTAINERENGINE', text, 'a') }),
    (text) => ({ id: encoded('CONTAINERENGINE', `us-ashburn-1${text}`, 'a') }),
    (text) => ({ id: encoded('CONTAINERENGINE', 'us-ashburn-1', text) }),
    (text) => ({ id: encoded('CONTAINERENGINE', 'us-ashburn-1', `a${text}`) }),
    (text) => ({ id: encoded('CONTAINERENGINE', 'us-ashburn-1', 'a', text) }),
    (text) => ({ id: encoded('LOGANALYTICS', 'us-ashburn-1', 'a', text) }),
    (text) => ({ id: encoded('LOGANALYTICS', 'us-ashburn-1', 'a', `acme${text}`) }),
    (text) => ({ id: encoded('LOGANALYTICS', 'us-ashburn-1', `a${text}`, 'acme') }),
    (text) => ({ id: `${clusterGlobal}${text}` }),
  ];

  test.each(hostile.map((text) => [JSON.stringify(text), text] as const))(
    'with %s in any place opens nothing but its own path',
    async (_, text) => {
      for (const place of places) await attempt(place(text));
    },
  );

  test('of a realm or region that is not ours is refused, and so is one that is too long', async () => {
    const long = 'a'.repeat(100_000);
    const targets: readonly Target[] = [
      { id: 'ocid1.clustersworkrequest.oc2.us-langley-1.aaaa' },
      { id: 'ocid1.clustersworkrequest.oc4.uk-gov-london-1.aaaa' },
      { id: 'ocid1.clustersworkrequest.oc1.ap-tokyo-1.aaaa' },
      { id: 'ocid1.clustersworkrequest.oc1..aaaa' },
      { id: 'ocid1.clustersworkrequest.oc2.iad.aaaa' },
      { id: long },
      { id: `${cluster}${long}` },
      { id: encoded('CONTAINERENGINE', 'us-ashburn-1', long) },
      { id: uuid, service: 'OBJECTSTORAGE', region: long },
      { id: `ocid1${'.'.repeat(200)}` },
      { id: encoded('LOGANALYTICS', 'us-ashburn-1', 'a', long) },
    ];
    const outcomes: string[] = [];
    for (const target of targets) outcomes.push(await attempt(target));
    expect(outcomes).toEqual([
      'REGION_NOT_ALLOWED',
      'REGION_NOT_ALLOWED',
      'REGION_NOT_ALLOWED',
      'REGION_REQUIRED',
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
      'REGION_NOT_ALLOWED',
      'SERVICE_REQUIRED',
      'BAD_USER_INPUT',
    ]);
  });

  test('of any kind (3,000 made up) never opens anything but its own path', async () => {
    const piece = fc.oneof(
      fc.constantFrom(...hostile),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('ocid1', 'clustersworkrequest', 'oc1', 'iad', 'us-ashburn-1', 'a', '.', ':', '-'),
    );
    const texts = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), texts, async (place, text) => {
        const outcome = await attempt(place(text));
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }),
      { numRuns: 3_000 },
    );
    // Both kinds came up, or this test would look at nothing.
    expect(outcomes.get('asked')).toBeGreaterThan(20);
    expect(outcomes.get('BAD_USER_INPUT')).toBeGreaterThan(1_000);
  });

  test("as upstream's text (a page token, a namespace, a parent) changes a query value or a path segment at most", async () => {
    const lists = createTestSource(() => ({ body: { items: [] } }));
    const texts = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary', minLength: 1 }));
    await fc.assert(
      fc.asyncProperty(texts, texts, texts, async (page, namespaceName, compartmentId) => {
        const before = lists.upstream.requests.length;
        const query = { region: 'us-ashburn-1', compartmentId, page } as const;
        await lists.source.list({ ...query, service: 'ADM' });
        await lists.source
          .list({ ...query, service: 'LOGANALYTICS', params: { namespaceName } })
          .catch((error: unknown) => expect(error).toMatchObject({ code: 'BAD_USER_INPUT' }));
        await lists.source.errors({ service: 'ADM', region: 'us-ashburn-1', workRequestId: 'a' }, null, {
          page,
        });
        for (const { service, origin, path } of lists.upstream.requests.slice(before)) {
          const url = new URL(origin + path);
          expect(url.origin).toBe(endpoints.of(catalog[service], 'us-ashburn-1').origin);
          expect(url.hash).toBe('');
          expect(path.startsWith(`${url.pathname}?`)).toBe(true);
          expect(path).toMatch(/^[\x21-\x7e]+$/);
          expect(url.pathname.split('/')).toHaveLength(
            service === 'LOGANALYTICS' ? 5 : url.pathname.endsWith('/errors') ? 5 : 3,
          );
          expect(url.searchParams.get('page')).toBe(page.toWellFormed());
        }
      }),
      { numRuns: 500 },
    );
  });
});
