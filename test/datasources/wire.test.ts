import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { catalog, serviceNames } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import type { Page, WorkRequest } from '../../datasources/types.ts';
import {
  readError,
  readLogEntry,
  readPage,
  readWorkRequest,
  UnreadableBody,
} from '../../datasources/wire.ts';
import type { Observed } from '../../datasources/wire.ts';
import { ashburn, clusterWorkRequest, observed } from '../support/oci-bodies.ts';

const get = (service: ServiceName, body: unknown, more: Partial<Observed> = {}): WorkRequest =>
  readWorkRequest(catalog[service], body, { ...observed, ...more });
const listItem = (service: ServiceName, body: unknown): WorkRequest => get(service, body, { origin: 'list' });
const list = (service: ServiceName, body: unknown, nextPage: string | null = null): Page<WorkRequest> =>
  readPage(catalog[service], body, nextPage, (item) => listItem(service, item));
const parsed = (json: string): unknown => JSON.parse(json);

describe('a body in the common shape', () => {
  const body = {
    id: clusterWorkRequest,
    compartmentId: 'ocid1.compartment.oc1..aaaa',
    operationType: 'CLUSTER_CREATE',
    status: 'IN_PROGRESS',
    percentComplete: 42.5,
    timeAccepted: '2026-01-01T10:00:00.123Z',
    timeStarted: '2026-01-01T10:00:01+02:00',
    timeUpdated: '2026-01-01T10:00:02Z',
    timeFinished: null,
    resources: [
      {
        entityType: 'cluster',
        actionType: 'CREATED',
        identifier: 'ocid1.cluster.oc1.iad.bbbb',
        entityUri: '/clusters/bbbb',
        metadata: { name: 'blue' },
      },
      { entityType: 'nodepool' },
    ],
    definedTags: { a: { b: 1 } },
  };

  test('becomes a work request, field by field', () => {
    const { id, ...read } = get('CONTAINERENGINE', body, { etag: 'e1', retryAfterMs: 1_500, observedAt: 77 });
    expect(id).toBe(globalIdOf(read.ref));
    expect(read).toEqual({
      ref: { service: 'CONTAINERENGINE', region: ashburn, workRequestId: clusterWorkRequest },
      compartmentId: 'ocid1.compartment.oc1..aaaa',
      operationType: 'CLUSTER_CREATE',
      status: 'IN_PROGRESS',
      rawStatus: 'IN_PROGRESS',
      isTerminal: false,
      isCancelable: true,
      percentComplete: 42.5,
      timeAccepted: new Date('2026-01-01T10:00:00.123Z'),
      timeStarted: new Date('2026-01-01T08:00:01Z'),
      timeUpdated: new Date('2026-01-01T10:00:02Z'),
      timeFinished: null,
      resources: [
        {
          entityType: 'cluster',
          actionType: 'CREATED',
          identifier: 'ocid1.cluster.oc1.iad.bbbb',
          entityUri: '/clusters/bbbb',
          extras: { metadata: { name: 'blue' } },
        },
        { entityType: 'nodepool', actionType: null, identifier: null, entityUri: null, extras: null },
      ],
      extras: { definedTags: { a: { b: 1 } } },
      origin: 'get',
      etag: 'e1',
      retryAfterMs: 1_500,
      observedAt: 77,
    });
  });

  test('needs nothing but an id', () => {
    const read = get('CONTAINERENGINE', { id: 'a' });
    expect(read).toMatchObject({
      compartmentId: null,
      operationType: null,
      status: 'UNKNOWN',
      rawStatus: '',
      isTerminal: false,
      isCancelable: false,
      percentComplete: null,
      timeAccepted: null,
      resources: null,
      extras: {},
    });
    expect(read).not.toHaveProperty('embeddedErrors');
  });

  test('takes null for absent, and keeps a null of an unknown name', () => {
    const nulls = Object.fromEntries(Object.keys(body).map((name) => [name, null]));
    const read = get('CONTAINERENGINE', { ...nulls, id: 'a', parentId: null });
    expect(read).toEqual({
      ...get('CONTAINERENGINE', { id: 'a' }),
      extras: { definedTags: null, parentId: null },
    });
  });

  test('keeps an unknown status word as it was written', () => {
    for (const word of ['Succeeded', 'in_progress', 'PAUSED', 'UNKNOWN', ' FAILED'])
      expect(get('CONTAINERENGINE', { id: 'a', status: word })).toMatchObject({
        status: 'UNKNOWN',
        rawStatus: word,
        isTerminal: false,
        isCancelable: false,
      });
  });

  test('is terminal with a timeFinished, whatever its word', () => {
    const read = get('CONTAINERENGINE', { id: 'a', status: 'WAITING', timeFinished: '2026-01-01T00:00:00Z' });
    expect(read).toMatchObject({ status: 'WAITING', isTerminal: true, isCancelable: false });
  });

  test('leaves empty resources empty, and absent ones unknown', () => {
    expect(get('CONTAINERENGINE', { id: 'a', resources: [] }).resources).toEqual([]);
    expect(get('CONTAINERENGINE', { id: 'a' }).resources).toBeNull();
  });

  test('carries the namespace that its list was asked with', () => {
    expect(get('LOGANALYTICS', { id: 'a' }, { namespace: 'acme' }).ref).toEqual({
      service: 'LOGANALYTICS',
      region: ashburn,
      workRequestId: 'a',
      namespace: 'acme',
    });
  });
});

describe('values that do not fit', () => {
  const odd: Readonly<Record<string, unknown>> = {
    compartmentId: 7,
    operationType: ['CREATE'],
    status: { word: 'FAILED' },
    percentComplete: '50',
    timeAccepted: 1_767_261_600_000,
    timeStarted: 'soon',
    timeUpdated: '',
    timeFinished: true,
    resources: { 0: {} },
  };

  test.each(Object.entries(odd))('an odd %s counts as absent and stays visible in extras', (name, value) => {
    const read = get('CONTAINERENGINE', { id: 'a', [name]: value });
    expect(read).toEqual({ ...get('CONTAINERENGINE', { id: 'a' }), extras: { [name]: value } });
  });

  test('a percentage that is no finite number is absent', () => {
    for (const percentComplete of [Number.NaN, Infinity, -Infinity])
      expect(get('CONTAINERENGINE', { id: 'a', percentComplete })).toMatchObject({
        percentComplete: null,
        extras: { percentComplete },
      });
    expect(get('CONTAINERENGINE', parsed('{"id":"a","percentComplete":1e400}')).percentComplete).toBeNull();
    expect(get('CONTAINERENGINE', { id: 'a', percentComplete: 0 }).percentComplete).toBe(0);
  });

  test.each([
    '2026-01-01T10:00:00Z',
    '2026-01-01T10:00:00.123456789Z',
    '2026-01-01T12:00:00+02:00',
    '2026-01-01T12:00:00.000+0200',
    '2026-01-01T10:00Z',
  ])('%s is a time', (timeAccepted) => {
    const read = get('CONTAINERENGINE', { id: 'a', timeAccepted });
    expect(read.timeAccepted?.toISOString()).toMatch(/^2026-01-01T10:00:00\.(000|123)Z$/);
    expect(read.extras).toEqual({});
  });

  test.each([
    '1',
    'pending 5',
    '2026',
    '2026-01-01',
    '2026-01-01T10:00:00',
    '01/02/2026',
    'Thu, 01 Jan 2026 10:00:00 GMT',
    '2026-13-01T00:00:00Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01T10:00:00Z ',
    '+012026-01-01T00:00:00Z',
  ])('%j is no time that can be told without guessing', (timeFinished) => {
    const read = get('CONTAINERENGINE', { id: 'a', timeFinished });
    expect(read).toMatchObject({ timeFinished: null, isTerminal: false, extras: { timeFinished } });
    expect(readError(catalog.ADM, { timestamp: timeFinished }).timestamp).toBeNull();
  });

  test('an odd member of a resource stays visible in its extras', () => {
    const { resources } = get('CONTAINERENGINE', {
      id: 'a',
      resources: [{ entityType: 3, identifier: 'x' }],
    });
    expect(resources).toEqual([
      { entityType: null, actionType: null, identifier: 'x', entityUri: null, extras: { entityType: 3 } },
    ]);
  });

  test('what is no object among the resources costs the others nothing', () => {
    const resources = [null, 'cluster', ['x'], { identifier: 'x' }, 5];
    expect(get('CONTAINERENGINE', { id: 'a', resources }).resources).toMatchObject([{ identifier: 'x' }]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'a member called %s is a member like any other',
    (name) => {
      const read = get(
        'CONTAINERENGINE',
        parsed(`{"id":"a","${name}":{"status":"FAILED","isTerminal":true}}`),
      );
      expect(Object.entries(read.extras)).toEqual([[name, { status: 'FAILED', isTerminal: true }]]);
      expect([read.status, read.isTerminal]).toEqual(['UNKNOWN', false]);
      expect(Object.getPrototypeOf(read.extras)).toBe(Object.prototype);
      const resource = parsed(`[{"${name}":{"identifier":"x"}}]`);
      const [only] = get('CONTAINERENGINE', { id: 'a', resources: resource }).resources ?? [];
      expect(only?.identifier).toBeNull();
      expect(Object.entries(only?.extras ?? {})).toEqual([[name, { identifier: 'x' }]]);
    },
  );

  test.each([
    ['null', null, 'null'],
    ['nothing', undefined, 'nothing'],
    ['text', 'ocid1', 'string'],
    ['a number', 5, 'number'],
    ['an array', [{ id: 'a' }], 'an array'],
  ])('%s is no work request', (_, body, what) => {
    expect(() => get('CONTAINERENGINE', body)).toThrow(new UnreadableBody(`expected an object, got ${what}`));
  });

  test.each([[{}], [{ id: null }], [{ id: '' }], [{ id: 5 }], [{ id: ['a'] }], [{ ID: 'a' }]])(
    '%j has no id and is no work request',
    (body) => {
      expect(() => get('CONTAINERENGINE', body)).toThrow(UnreadableBody);
    },
  );
});

describe('what is passed on as it is', () => {
  const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

  test('may be nested as deeply as anybody means it, not as deeply as it could never be written again', () => {
    const id = 'ocid1.clustersworkrequest.oc1.iad.a';
    expect(get('CONTAINERENGINE', { id, deep: nested(100) }).extras).toEqual({ deep: nested(100) });
    const tooDeep = new UnreadableBody('`deep` is nested more than 100 levels deep');
    expect(() => get('CONTAINERENGINE', { id, deep: nested(102) })).toThrow(tooDeep);
    expect(() => get('CONTAINERENGINE', { id, resources: [{ deep: nested(20_000) }] })).toThrow(tooDeep);
  });
});

describe("each API's own names", () => {
  test("Load Balancer's type, lifecycleState and errorDetails", () => {
    const read = get('LOADBALANCER', {
      id: 'a',
      type: 'CreateListener',
      lifecycleState: 'FAILED',
      errorDetails: [{ errorCode: 'BAD_INPUT', message: 'no such port' }],
      loadBalancerId: 'lb',
      message: 'Creating',
      timeAccepted: '2026-01-01T00:00:00Z',
    });
    expect(read).toMatchObject({
      operationType: 'CreateListener',
      status: 'FAILED',
      rawStatus: 'FAILED',
      isTerminal: true,
      embeddedErrors: [{ code: 'BAD_INPUT', message: 'no such port', timestamp: null, isRetryable: null }],
      extras: { loadBalancerId: 'lb', message: 'Creating' },
    });
    expect(read).not.toHaveProperty('embeddedLogs');
  });

  test("Digital Assistant's requestAction, its resources, and timeStamp in errors and logs", () => {
    const read = get('ODA', {
      id: 'a',
      requestAction: 'CREATE_ODA_INSTANCE',
      resources: [
        {
          resourceType: 'instance',
          resourceAction: 'CREATED',
          resourceId: 'x',
          resourceUri: '/odaInstances/x',
        },
      ],
    });
    expect(read.operationType).toBe('CREATE_ODA_INSTANCE');
    expect(read.resources).toEqual([
      {
        entityType: 'instance',
        actionType: 'CREATED',
        identifier: 'x',
        entityUri: '/odaInstances/x',
        extras: null,
      },
    ]);
    const time = '2026-01-01T00:00:00Z';
    expect(readError(catalog.ODA, { code: 'c', message: 'm', timeStamp: time }).timestamp).toEqual(
      new Date(time),
    );
    expect(readLogEntry(catalog.ODA, { message: 'm', timeStamp: time }).timestamp).toEqual(new Date(time));
    expect(readLogEntry(catalog.ODA, { message: 'm', timestamp: time }).timestamp).toBeNull();
  });

  test("Data Flow's operation and INPROGRESS, and its resources without an action", () => {
    const read = get('DATAFLOW', {
      id: 'a',
      operation: 'CREATE_PRIVATE_ENDPOINT',
      status: 'INPROGRESS',
      resources: [{ resourceType: 't', actionType: 'CREATED', resourceId: 'x', resourceUri: 'u' }],
    });
    expect(read).toMatchObject({
      operationType: 'CREATE_PRIVATE_ENDPOINT',
      status: 'IN_PROGRESS',
      rawStatus: 'INPROGRESS',
      resources: [{ entityType: 't', actionType: 'CREATED', identifier: 'x', entityUri: 'u', extras: null }],
      extras: {},
    });
  });

  test("Analytics' resources", () => {
    const { resources } = get('ANALYTICS', {
      id: 'a',
      resources: [{ resourceType: 't', actionResult: 'CREATED', identifier: 'x', resourceUri: 'u' }],
    });
    expect(resources).toEqual([
      { entityType: 't', actionType: 'CREATED', identifier: 'x', entityUri: 'u', extras: null },
    ]);
  });

  test("OS Management Hub's timeCreated, and its reruns among the extras", () => {
    const read = get('OSMANAGEMENTHUB', { id: 'a', timeCreated: '2026-01-01T00:00:00Z', rerunOfId: 'b' });
    expect(read.timeAccepted).toEqual(new Date('2026-01-01T00:00:00Z'));
    expect(read.extras).toEqual({ rerunOfId: 'b' });
  });

  test("Java Management's timeLastUpdated", () => {
    const read = get('JMS', { id: 'a', timeLastUpdated: '2026-01-01T00:00:00Z', totalTaskCount: 3 });
    expect(read.timeUpdated).toEqual(new Date('2026-01-01T00:00:00Z'));
    expect(read.extras).toEqual({ totalTaskCount: 3 });
  });

  test("API Gateway's list items say workRequestId where its gets say id", () => {
    expect(listItem('APIGATEWAY', { workRequestId: 'a' }).id).toBe(get('APIGATEWAY', { id: 'a' }).id);
    expect(() => listItem('CONTAINERENGINE', { workRequestId: 'a' })).toThrow(UnreadableBody);
  });

  test('of two members that mean the id the one called id counts, in any order, and the other is kept', () => {
    const inOrders = [
      { id: 'a', workRequestId: 'b' },
      { workRequestId: 'b', id: 'a' },
    ];
    for (const body of inOrders) {
      const read = listItem('APIGATEWAY', body);
      expect([read.ref.workRequestId, read.extras]).toEqual(['a', { workRequestId: 'b' }]);
    }
    expect(listItem('APIGATEWAY', { id: null, workRequestId: 'b' }).ref.workRequestId).toBe('b');
    expect(listItem('APIGATEWAY', { id: 5, workRequestId: 'b' })).toMatchObject({
      ref: { workRequestId: 'b' },
      extras: { id: 5 },
    });
  });

  test("Log Analytics configuration's lifecycleState", () => {
    expect(get('LOGANALYTICS_CONFIG', { id: 'a', lifecycleState: 'ACCEPTED' }).status).toBe('ACCEPTED');
  });

  test("Service Catalog's entityId in resources", () => {
    const { resources } = get('SERVICECATALOG', { id: 'a', resources: [{ entityId: 'x', entityType: 't' }] });
    expect(resources).toMatchObject([{ identifier: 'x', entityType: 't', extras: null }]);
  });

  test("Object Storage's COMPLETED, and Management Agent's CREATED", () => {
    expect(get('OBJECTSTORAGE', { id: 'a', status: 'COMPLETED' })).toMatchObject({
      status: 'SUCCEEDED',
      rawStatus: 'COMPLETED',
      isTerminal: true,
    });
    expect(get('MANAGEMENTAGENT', { id: 'a', status: 'CREATED' })).toMatchObject({
      status: 'ACCEPTED',
      rawStatus: 'CREATED',
      isCancelable: true,
    });
  });

  test("IAM's embedded errors and logs, of which a list item has the errors only", () => {
    const errors = [{ code: 'c', message: 'm', timestamp: '2026-01-01T00:00:00Z' }];
    expect(get('IDENTITY', { id: 'a', errors, logs: [{ message: 'l' }, 'no log'] })).toMatchObject({
      embeddedErrors: [{ code: 'c', message: 'm', timestamp: new Date('2026-01-01T00:00:00Z') }],
      embeddedLogs: [{ message: 'l', timestamp: null }],
      extras: {},
    });
    expect(get('IDENTITY', { id: 'a' })).toMatchObject({ embeddedErrors: [], embeddedLogs: [] });
    const item = listItem('IDENTITY', { id: 'a', errors });
    expect(item.embeddedErrors).toHaveLength(1);
    expect(item).not.toHaveProperty('embeddedLogs');
  });

  test("WAAS' list items know nothing of errors and logs", () => {
    const item = listItem('WAAS', { id: 'a' });
    expect(item).not.toHaveProperty('embeddedErrors');
    expect(item).not.toHaveProperty('embeddedLogs');
  });

  test('an embedded part that a list item has all the same is told', () => {
    const item = listItem('WAAS', { id: 'a', errors: [{ code: 'c' }], logs: [] });
    expect(item).toMatchObject({ embeddedErrors: [{ code: 'c' }], embeddedLogs: [], extras: {} });
  });

  test('an API with endpoints for errors and logs embeds none, and a member of that name is an extra', () => {
    const read = get('CONTAINERENGINE', { id: 'a', errors: [{ code: 'c' }], logs: [] });
    expect(read).not.toHaveProperty('embeddedErrors');
    expect(read.extras).toEqual({ errors: [{ code: 'c' }], logs: [] });
  });
});

describe('errors and logs', () => {
  test('absent text is empty text', () => {
    expect(readError(catalog.ADM, {})).toEqual({ code: '', message: '', timestamp: null, isRetryable: null });
    expect(readError(catalog.ADM, { code: null, message: 5 })).toMatchObject({ code: '', message: '' });
    expect(readLogEntry(catalog.ADM, {})).toEqual({ message: '', timestamp: null });
  });

  test('whether an error is retryable is told where upstream says it', () => {
    expect(readError(catalog.DATABASEMANAGEMENT, { isRetryable: true }).isRetryable).toBe(true);
    expect(readError(catalog.DATABASEMANAGEMENT, { isRetryable: 'true' }).isRetryable).toBeNull();
  });

  test.each([[null], ['x'], [5], [[]], [undefined]])('%j is neither', (item) => {
    expect(() => readError(catalog.ADM, item)).toThrow(UnreadableBody);
    expect(() => readLogEntry(catalog.ADM, item)).toThrow(UnreadableBody);
  });
});

describe('a page', () => {
  test('an item that cannot be read is told of and costs no other its place', () => {
    const items = [{ id: 'a' }, null, { status: 'FAILED' }, 'x', [], { id: 'b' }];
    const page = list('CONTAINERENGINE', items, 'next');
    expect(page.items.map(({ ref }) => ref.workRequestId)).toEqual(['a', 'b']);
    expect(page.malformed).toEqual([
      'item 1: expected an object, got null',
      'item 2: the item has no id',
      'item 3: expected an object, got string',
      'item 4: expected an object, got an array',
    ]);
    expect(page.nextPage).toBe('next');
  });

  test.each(['a:b', '../a', 'a/b', '.', 'a\r\nb', 'a'.repeat(256), 'a b', '\ud800'])(
    'an item whose id is %j is unreadable: no id of ours could stand for it',
    (id) => {
      const page = list('CONTAINERENGINE', [{ id: 'x' }, { id }, { id: 'y' }]);
      expect(page.items.map(({ ref }) => ref.workRequestId)).toEqual(['x', 'y']);
      expect(page.malformed).toEqual(['item 1: the id of the item is none']);
    },
  );

  test('each API is held to its own form of list', () => {
    expect(list('CONTAINERENGINE', [{ id: 'a' }]).items).toHaveLength(1);
    expect(list('ADM', { items: [{ id: 'a' }] }).items).toHaveLength(1);
    expect(() => list('CONTAINERENGINE', { items: [] })).toThrow(UnreadableBody);
    expect(() => list('ADM', [])).toThrow(UnreadableBody);
  });

  test.each([[null], [undefined], ['x'], [0], [{}], [{ items: null }], [{ items: {} }], [{ Items: [] }]])(
    '%j is no list',
    (body) => {
      expect(() => list('ADM', body)).toThrow(UnreadableBody);
      expect(() => list('CONTAINERENGINE', body)).toThrow(UnreadableBody);
    },
  );

  test('an error that is not about the body is not swallowed', () => {
    expect(() =>
      readPage(catalog.ADM, { items: [{}] }, null, () => {
        throw new TypeError('a bug');
      }),
    ).toThrow(TypeError);
  });
});

describe('any JSON', () => {
  const services = fc.constantFrom(...serviceNames);
  const origins = fc.constantFrom('get' as const, 'list' as const);
  /** Objects whose members have the names that APIs use, and values that may or may not fit. */
  const bodyFor = (service: ServiceName): fc.Arbitrary<Record<string, unknown>> => {
    const names = [
      ...catalog[service].names.keys(),
      'errors',
      'logs',
      '__proto__',
      'constructor',
      'metadata',
    ];
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('FAILED', 'IN_PROGRESS', '2026-01-01T00:00:00Z', 'ocid1.x.oc1..a', null, 50),
    );
    return fc
      .uniqueArray(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 8 })), value), {
        selector: ([name]) => name,
      })
      .map((members) => Object.fromEntries(members));
  };

  test('is read or is an UnreadableBody, in every place of every API', () => {
    fc.assert(
      fc.property(services, origins, fc.jsonValue(), (service, origin, json) => {
        const api = catalog[service];
        for (const read of [
          () => get(service, json, { origin }),
          () => list(service, json),
          () => readError(api, json),
          () => readLogEntry(api, json),
        ]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(UnreadableBody);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('no member of a body is lost: it is a field, an embedded part, or an extra', () => {
    const cases = services.chain((service) => fc.tuple(fc.constant(service), origins, bodyFor(service)));
    fc.assert(
      fc.property(cases, ([service, origin, members]) => {
        const body = { ...members, id: 'ocid1.x.oc1..a' };
        const { names } = catalog[service];
        const read = get(service, body, { origin });
        const fieldOf: Readonly<Record<string, unknown>> = {
          ...read,
          id: read.ref.workRequestId,
          status: read.rawStatus,
          errors: read.embeddedErrors,
          logs: read.embeddedLogs,
        };
        for (const [name, value] of Object.entries(body)) {
          if (Object.hasOwn(read.extras, name)) {
            expect(read.extras[name]).toEqual(value);
            continue;
          }
          const field = names.get(name);
          if (field === undefined) throw new Error(`${name} is lost`);
          const told = fieldOf[field];
          if (value === null) continue;
          if (told instanceof Date) expect(told).toEqual(new Date(value));
          else if (Array.isArray(value)) expect(Array.isArray(told)).toBe(true);
          else expect(told).toEqual(value);
        }
        for (const name of Object.keys(read.extras)) expect(Object.hasOwn(body, name)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
