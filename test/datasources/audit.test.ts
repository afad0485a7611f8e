/**
 * One list of MUSTs for every row of the catalog, against the emulator, whose knowledge of the APIs is derived from
 * Oracle's packages and shared with nobody. A new row is audited by being there.
 */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FieldName } from '../../datasources/api.ts';
import { catalog, serviceNames, serviceOfOcidType } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { systemClock } from '../../clock.ts';
import { createFixedCredential } from '../../datasources/credentials.ts';
import { createEndpoints } from '../../datasources/endpoints.ts';
import { createUpstream } from '../../datasources/http.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import { createObservations } from '../../datasources/observations.ts';
import { createRegions, endpointOf } from '../../datasources/regions.ts';
import type { Upstream, WorkRequest, WorkRequestRef, WorkRequestSource } from '../../datasources/types.ts';
import { createWorkRequestSource } from '../../datasources/work-requests.ts';
import { dialectOf, serviceKeys } from '../../emulator/dialects.ts';
import type { Dialect, Field, Operation } from '../../emulator/dialects.ts';
import { createEmulator, sampleTenancy } from '../../emulator/emulator.ts';
import type { Call, CreateBody } from '../../emulator/emulator.ts';
import { wordFor } from '../../emulator/lives.ts';
import { names, statuses } from '../contract/folding.ts';

const region = 'eu-frankfurt-1';
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const emulator = createEmulator({ publicKeys: [keys.publicKey], samples: false, seed: 'audit' });
// Scripted lives stand still, so that nothing depends on how fast the test runs.
emulator.setClock({ speed: 0 });
const regions = createRegions();
let upstream: Upstream;
let source: WorkRequestSource;

beforeAll(async () => {
  const { url } = await emulator.start(0);
  upstream = createUpstream({
    credentials: createFixedCredential({ privateKey: keys.privateKey, tenancyId: sampleTenancy }),
    clock: systemClock,
    deadlineMs: 10_000,
    rps: 100_000,
  });
  const endpoints = createEndpoints({
    allowedRegions: [region],
    homeRegion: region,
    template: `${url}/{region}/{package}`,
    fill: (template) => template,
  });
  source = createWorkRequestSource({
    upstream,
    endpoints,
    clock: systemClock,
    observations: createObservations(),
    tenancyId: () => Promise.resolve(sampleTenancy),
  });
});

afterAll(async () => {
  await upstream.close();
  await emulator.stop();
});

test('the catalog has a row for each of the 115 APIs that Oracle’s packages hold', () => {
  expect([...serviceNames].sort()).toEqual([...serviceKeys].sort());
  expect(serviceNames).toHaveLength(115);
});

test('no OCID type stands for two services', () => {
  const types = serviceNames.flatMap((name) => catalog[name].ocidType ?? []);
  expect(types).toHaveLength(serviceOfOcidType.size);
});

describe.each(serviceNames)('%s', (service) => {
  const api = catalog[service];
  const dialect = dialectFor(service);
  const { operations } = dialect;

  test('lives at an https host below the domain of each region', () => {
    expect(regions.all.length).toBeGreaterThanOrEqual(85);
    for (const place of regions.all) {
      const { protocol, hostname, href } = new URL(endpointOf(api.endpoint, place));
      expect(protocol).toBe('https:');
      expect(hostname.endsWith(`.${place.secondLevelDomain}`)).toBe(true);
      expect(hostname.split('.')).toContain(place.id);
      // Nothing but a host: no port, no user, no path of its own.
      expect(href).toBe(`https://${hostname}/`);
    }
  });

  test('says of paths, parameters and parts what Oracle’s client says', () => {
    const get = placeOf(operations.get);
    expect(get.replace(/\/\{[^{}/]*workRequestId\}$/i, '')).toBe(`${api.basePath}${api.path}`);
    expect(placeOf(operations.list)).toBe(`${api.basePath}${api.listPath}`);
    expect(api.package).toBe(dialect.package);
    expect([...api.listQuery].sort()).toEqual([...(operations.list?.query ?? [])].sort());
    const required = [...dialect.parentNames, ...(operations.list?.requiredQuery ?? [])];
    expect([...api.listRequires].sort()).toEqual([...new Set(required)].sort());
    expect([...api.statuses].sort()).toEqual([...dialect.statusWords].sort());
    expect(api.bareArrays).toBe(dialect.isBare.list);
    expect(api.cancel === 'none').toBe(operations.cancel === undefined);
    expect(api.cancel === 'if-match').toBe(operations.cancel?.requestHeaders.includes('if-match') ?? false);
    const sortWords = operations.list?.queryWords['sortBy'] ?? [];
    if (api.sortBy !== null) expect(sortWords).toContain(api.sortBy);
    else expect(sortWords.filter((word) => /accepted|created/i.test(word))).toEqual([]);
  });

  test.each(['errors', 'logs'] as const)('has its %s where Oracle’s client has them', (part) => {
    const operation = operations[part];
    const isEmbedded = dialect.fields.some(({ name }) => includes(names.workRequest[part], name));
    if (operation === undefined) {
      expect(api[part]).toBe(isEmbedded ? 'embedded' : 'none');
      return;
    }
    expect(api[part]).toEqual({
      segment: operation.segments.at(-1),
      needsCompartment: operation.requiredQuery.includes('compartmentId'),
      isPaged: operation.query.includes('page'),
    });
    expect(dialect.isBare[part]).toBe(api.bareArrays);
  });

  test('knows which fields a list item lacks', () => {
    const lacking = (Object.keys(names.workRequest) as (keyof typeof names.workRequest)[]).filter(
      (ours) => hasField(dialect.fields, ours) && !hasField(dialect.itemFields, ours),
    );
    expect([...api.listLacks].sort()).toEqual(lacking.sort());
  });

  test('folds every status word that it declares, and keeps the word', async () => {
    expect(dialect.statusWords.length).toBeGreaterThan(0);
    for (const word of dialect.statusWords) {
      const found = await read(create(service, { script: through(dialect, word) }));
      expect(found).toMatchObject({ status: foldedWord(word), rawStatus: word });
      expect(found.status).not.toBe('UNKNOWN');
    }
  });

  test.each(['RESTING', 'succeeded', 'toString'])('takes the word %s for UNKNOWN', async (word) => {
    const found = await read(create(service, { script: through(dialect, word) }));
    expect(found).toMatchObject({
      status: 'UNKNOWN',
      rawStatus: word,
      isTerminal: false,
      isCancelable: false,
    });
  });

  test('takes an absent word for UNKNOWN', async () => {
    const found = await read(create(service, { script: [{ status: null }] }));
    expect(found).toMatchObject({ status: 'UNKNOWN', rawStatus: '' });
  });

  test('is read in one call, with every field that it has', async () => {
    const ref = create(service, {
      operationType: 'AN_OPERATION',
      acceptedMsAgo: 60_000,
      script: [
        { status: wordFor(dialect, 'ACCEPTED'), percentComplete: 0 },
        { afterMs: 1_000, status: wordFor(dialect, 'IN_PROGRESS'), percentComplete: 12.5 },
        { afterMs: 30_000, status: wordFor(dialect, 'FAILED'), percentComplete: 62.5 },
      ],
    });
    const { answer: found, calls } = await watched(() => read(ref));
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ method: 'GET', service, operation: 'get', query: {}, region });
    const acceptedMs = Date.parse(emulator.readWorkRequest(ref.workRequestId)?.timeAccepted ?? '');
    const known: Readonly<Partial<Record<FieldName, unknown>>> = {
      operationType: 'AN_OPERATION',
      percentComplete: 62.5,
      timeAccepted: new Date(acceptedMs),
      timeStarted: new Date(acceptedMs + 1_000),
      timeUpdated: new Date(acceptedMs + 30_000),
      timeFinished: new Date(acceptedMs + 30_000),
    };
    for (const [field, value] of Object.entries(known)) {
      const isThere = hasField(dialect.fields, field as FieldName);
      expect({ [field]: found[field as keyof WorkRequest] }).toEqual({ [field]: isThere ? value : null });
    }
    expect(found).toMatchObject({
      id: globalIdOf(ref),
      ref,
      compartmentId: compartmentOf(service),
      status: 'FAILED',
      isTerminal: true,
      isCancelable: false,
      origin: 'get',
    });
  });

  test('tells of each resource what Oracle tells', async () => {
    const resources = [
      {
        entityType: 'thing',
        actionType: 'CREATED',
        identifier: 'ocid1.thing.oc1..a',
        entityUri: '/things/a',
      },
      {
        entityType: 'other',
        actionType: 'RELATED',
        identifier: 'ocid1.other.oc1..b',
        entityUri: '/others/b',
      },
    ];
    const found = await read(create(service, { resources }));
    if (!dialect.fields.some(({ name }) => name === 'resources')) {
      expect(found.resources).toBeNull();
      return;
    }
    expect(found.resources?.map(({ extras: _, ...resource }) => resource)).toEqual(resources);
    const native = nativeBody(found)['resources'] as Record<string, unknown>[];
    expect(found.resources?.map(({ extras }) => Object.keys(extras ?? {}))).toEqual(
      native.map((resource) => unnamed(resource, names.resource)),
    );
  });

  test('keeps under extras exactly what has no name of ours', async () => {
    const found = await read(create(service, { native: { fieldOfTomorrow: { is: ['here'] } } }));
    const body = nativeBody(found);
    const expected = unnamed(body, names.workRequest);
    expect(expected).toContain('fieldOfTomorrow');
    expect(found.extras).toEqual(Object.fromEntries(expected.map((name) => [name, body[name]])));
  });

  test.each(['errors', 'logs'] as const)('tells its %s', async (part) => {
    const entries = [
      { message: 'the first', afterMs: 1_000 },
      { message: 'the second', afterMs: 2_000 },
      { message: 'the third', afterMs: 3_000 },
    ];
    const codes = part === 'errors' ? ['First', 'Second', 'Third'] : [];
    const ref = create(service, {
      acceptedMsAgo: 60_000,
      errors: entries.map((entry, index) => ({ ...entry, code: `${codes[index]}` })),
      logs: entries,
    });
    const acceptedMs = Date.parse(emulator.readWorkRequest(ref.workRequestId)?.timeAccepted ?? '');
    const fields =
      operations[part] === undefined ? [] : part === 'errors' ? dialect.errorFields : dialect.logFields;
    const isTimed = fields.some(({ name }) => includes(names.entry.timestamp, name));
    const expected = entries.map(({ message, afterMs }, index) => ({
      message,
      ...(part === 'errors' && { code: codes[index] }),
      ...(isTimed && { timestamp: new Date(acceptedMs + afterMs) }),
    }));
    const found = await read(ref);
    const embedded = part === 'errors' ? found.embeddedErrors : found.embeddedLogs;
    if (operations[part] === undefined) {
      const { answer, calls } = await watched(() => source[part](ref, found.compartmentId, { limit: 2 }));
      expect(answer).toBeNull();
      expect(calls).toHaveLength(0);
      if (api[part] === 'embedded') expect(embedded).toMatchObject(expected);
      else expect(embedded).toBeUndefined();
      return;
    }
    expect(embedded).toBeUndefined();
    const seen: unknown[] = [];
    let page: string | undefined;
    let pages = 0;
    do {
      const { answer, calls } = await watched(() =>
        source[part](ref, found.compartmentId, { limit: 2, ...(page !== undefined && { page }) }),
      );
      expect(calls).toHaveLength(1);
      expect(calls[0]).toMatchObject({ operation: part, status: 200, undeclaredQuery: [] });
      expect(answer?.malformed).toEqual([]);
      seen.push(...(answer?.items ?? []));
      page = answer?.nextPage ?? undefined;
      pages += 1;
    } while (page !== undefined && pages < 4);
    expect(seen).toMatchObject(expected);
    expect(pages).toBe(operations[part]?.query.includes('page') ? 2 : 1);
  });

  test('lists two pages, and an item without an id costs no other its place', async () => {
    const compartmentId = `${compartmentOf(service)}list`;
    const refs = [0, 1, 2, 3].map((index) =>
      create(service, {
        compartmentId,
        acceptedMsAgo: 1_000 * index,
        script: [{ status: wordFor(dialect, 'ACCEPTED') }],
        ...(index === 1 && { nativeInListItem: { id: null, workRequestId: null } }),
      }),
    );
    const params = emulator.readWorkRequest(refs[0]?.workRequestId ?? '')?.parents ?? {};
    const query = { service, region, compartmentId, params, limit: 2 } as const;
    const { answer: first, calls } = await watched(() => source.list(query));
    expect(first.nextPage).toEqual(expect.any(String));
    const second = await source.list({ ...query, page: first.nextPage ?? '' });
    expect(second.nextPage).toBeNull();
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ operation: 'list', status: 200, undeclaredQuery: [] });
    const listed = [...first.items, ...second.items];
    const expected = refs.filter((_ref, index) => index !== 1).map(globalIdOf);
    expect(listed.map(({ id }) => id).sort()).toEqual(expected.sort());
    expect([...first.malformed, ...second.malformed]).toHaveLength(1);
    for (const item of listed) {
      expect(item.origin).toBe('list');
      expect(item.rawStatus).toBe(wordFor(dialect, 'ACCEPTED'));
    }
  });

  test(operations.cancel ? 'cancels' : 'asks for no cancel, having none', async () => {
    const ref = create(service, { script: through(dialect, wordFor(dialect, 'IN_PROGRESS')) });
    const before = await read(ref);
    expect(before.isCancelable).toBe(true);
    const cancel = () => source.cancel(ref, before.etag === null ? {} : { ifMatch: before.etag });
    if (!operations.cancel) {
      const { answer: error, calls } = await watched(() => cancel().catch((reason: unknown) => reason));
      expect(error).toMatchObject({
        code: 'BAD_USER_INPUT',
        message: expect.stringContaining(`${api.title} (${api.name}) cannot`),
      });
      expect(calls).toEqual([]);
      return;
    }
    const { calls } = await watched(cancel);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ method: 'DELETE', operation: 'cancel', status: 202, query: {} });
    const after = await read(ref);
    expect(after.rawStatus).toBe(wordFor(dialect, 'CANCELING'));
    expect(after.status).toBe(foldedWord(after.rawStatus));
  });
});

function dialectFor(service: ServiceName): Dialect {
  const dialect = dialectOf(service);
  if (dialect === null) throw new Error(`the emulator does not know ${service}: derive its dialect first`);
  return dialect;
}

/** `/basePath/path/{workRequestId}` */
function placeOf(operation: Operation | undefined): string {
  if (operation === undefined) throw new Error('an API without get or list');
  return operation.segments.map((segment) => `/${segment}`).join('');
}

function compartmentOf(service: ServiceName): string {
  return `ocid1.compartment.oc1..${service.toLowerCase()}`;
}

function create(service: ServiceName, body: Omit<CreateBody, 'service' | 'region'>): WorkRequestRef {
  const { id } = emulator.createWorkRequest({
    service,
    region,
    compartmentId: compartmentOf(service),
    ...body,
  });
  const namespace = emulator.readWorkRequest(id)?.parents['namespaceName'];
  return { service, region, workRequestId: id, ...(namespace !== undefined && { namespace }) };
}

function through(dialect: Dialect, word: string): CreateBody['script'] {
  return [{ status: wordFor(dialect, 'ACCEPTED') }, { status: word, percentComplete: 50 }];
}

async function read(ref: WorkRequestRef): Promise<WorkRequest> {
  const found = await source.get(ref);
  if (found === null) throw new Error(`${ref.workRequestId} is not there`);
  return found;
}

/** As upstream sends it. */
function nativeBody({ ref }: WorkRequest): Readonly<Record<string, unknown>> {
  const body = emulator.readWorkRequest(ref.workRequestId)?.body ?? {};
  return JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
}

async function watched<T>(
  act: () => Promise<T>,
): Promise<{ readonly answer: T; readonly calls: readonly Call[] }> {
  emulator.clearCalls();
  const answer = await act();
  return { answer, calls: emulator.calls() };
}

function foldedWord(word: string): string {
  return Object.entries(statuses).find(([, natives]) => natives.includes(word))?.[0] ?? 'UNKNOWN';
}

function hasField(fields: readonly Field[], ours: FieldName | keyof typeof names.workRequest): boolean {
  const natives = names.workRequest[ours === 'id' ? 'workRequestId' : ours];
  return fields.some(({ name }) => includes(natives, name));
}

function unnamed(
  body: Readonly<Record<string, unknown>>,
  known: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  const taken = Object.values(known).flat();
  return Object.keys(body).filter((name) => !taken.includes(name));
}

function includes(among: readonly string[], name: string): boolean {
  return among.includes(name);
}
