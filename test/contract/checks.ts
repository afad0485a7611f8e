/**
 * One API, read by both sides: `endpoint` says where they would go, `get`, `list`, `errors`, `logs` and `cancel` at the datasource, `graphql` through the
 * gateway's HTTP door. Each check compares answers, and what of the requests reached the emulator.
 */
import type { Emulator } from '../../emulator/emulator.ts';
import { catalog } from '../../datasources/catalog.ts';
import { createRegions, endpointOf } from '../../datasources/regions.ts';
import type { WorkRequestRef } from '../../datasources/types.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { differences } from './difference.ts';
import { foldError, foldLogEntry, foldWorkRequest, withoutAbsent } from './folding.ts';
import type { Folded, FoldedError, FoldedLogEntry, JsonObject } from './folding.ts';
import { bodyOf, itemsOf } from './official.ts';
import type { Official, OfficialAnswer, Operation } from './official.ts';
import { nodeQuery, plainError, plainLogEntry, plainWorkRequest, workRequestQuery } from './ours.ts';
import type { Ours } from './ours.ts';
import { cancelTakesMs, stage, stageRunning } from './scene.ts';
import type { Scene } from './scene.ts';

export type CheckName = Operation | 'endpoint' | 'graphql';

export interface CheckResult {
  readonly name: CheckName;
  /** False where the API has no such operation, which is what was checked then. */
  readonly isOffered: boolean;
  /** Empty: passed. */
  readonly problems: readonly string[];
}

interface Stand {
  readonly emulator: Emulator;
  readonly official: Official;
  readonly ours: Ours;
  /** A gateway that remembers nothing of these work requests but what it listed. */
  readonly lister: Ours;
  readonly region: string;
  readonly scene: Scene;
  /** Adds `differences` and other complaints to the check that is running. */
  complain(role: string, problems: readonly string[]): void;
}

/** Order matters: what `graphql` lists is remembered by the gateway and seen in later gets. */
const checks: readonly (readonly [CheckName, (stand: Stand) => Promise<void>])[] = [
  ['endpoint', checkEndpoint],
  ['get', checkGet],
  ['list', checkList],
  ['errors', (stand) => checkPart(stand, 'errors')],
  ['logs', (stand) => checkPart(stand, 'logs')],
  ['graphql', checkGraphql],
  ['cancel', checkCancel],
];

export const checkApi = async (
  emulator: Emulator,
  official: Official,
  ours: Ours,
  lister: Ours,
  region: string,
): Promise<readonly CheckResult[]> => {
  const scene = stage(emulator, official.key, region);
  const results: CheckResult[] = [];
  for (const [name, check] of checks) {
    const problems: string[] = [];
    const stand: Stand = {
      emulator,
      official,
      ours,
      lister,
      region,
      scene,
      complain: (role, more) => problems.push(...more.map((problem) => `${role}: ${problem}`)),
    };
    try {
      await check(stand);
    } catch (error) {
      stand.complain('it broke off', [describeError(error)]);
    }
    results.push({
      name,
      isOffered: name === 'endpoint' || name === 'graphql' || official.has[name],
      problems,
    });
  }
  return results;
};

/** The only part that is not asked of the emulator: the hosts of the real Oracle Cloud, in every region. */
async function checkEndpoint(stand: Stand): Promise<void> {
  const { official } = stand;
  const regions = createRegions();
  stand.complain('regions', differences(true, official.regionIds.length > 70, 'more than 70'));
  for (const regionId of official.regionIds) {
    const theirs = await official.originIn(regionId);
    const region = regions.get(regionId);
    const own = region ? new URL(endpointOf(catalog[serviceOf(stand)].endpoint, region)).origin : null;
    stand.complain(regionId, differences(theirs, own));
  }
}

async function checkGet(stand: Stand): Promise<void> {
  const { official, ours, scene } = stand;
  for (const { id, role } of scene.actors) {
    const theirs = await traced(stand, () => official.call('get', parametersFor(stand, id)));
    const own = await traced(stand, () => ours.source.get(refOf(stand, id)));
    stand.complain(role, compareCalls(theirs.calls, own.calls));
    if (own.answer === null) {
      stand.complain(role, ['ours found nothing']);
      continue;
    }
    const { etag, retryAfterMs, origin, ref } = own.answer;
    const expected = {
      ...foldWorkRequest(bodyOf(theirs.answer)),
      etag: theirs.answer.etag,
      retryAfterMs: theirs.answer.retryAfterSeconds === null ? null : theirs.answer.retryAfterSeconds * 1000,
      origin: 'get',
      ref: refOf(stand, id),
    };
    stand.complain(
      role,
      differences(expected, { ...plainWorkRequest(own.answer), etag, retryAfterMs, origin, ref }),
    );
  }
  const absent = `${scene.actors[0]?.id ?? ''}z`;
  const refusal = await traced(stand, () => statusOf(official.call('get', parametersFor(stand, absent))));
  const nothing = await traced(stand, () => ours.source.get(refOf(stand, absent)));
  stand.complain('an absent one', [
    ...differences({ official: 404, ours: null }, { official: refusal.answer, ours: nothing.answer }),
    ...compareCalls(refusal.calls, nothing.calls),
  ]);
}

async function checkList(stand: Stand): Promise<void> {
  const { official, lister, scene, region } = stand;
  const limit = Math.ceil(scene.actors.length / 2);
  const listed: unknown[] = [];
  let page: string | null = null;
  let pages = 0;
  do {
    pages += 1;
    const paging: { limit: number; page?: string } = { limit, ...(page !== null && { page }) };
    const theirs = await traced(stand, () =>
      official.call('list', { ...parametersFor(stand), compartmentId: scene.compartmentId, ...paging }),
    );
    const own = await traced(stand, () =>
      lister.source.list({
        service: serviceOf(stand),
        region,
        compartmentId: scene.compartmentId,
        params: scene.parents,
        ...paging,
      }),
    );
    const role = `page ${pages}`;
    stand.complain(role, compareCalls(theirs.calls, own.calls));
    const items = itemsOf(theirs.answer);
    const readable = items.map(foldWorkRequest).filter(({ workRequestId }) => workRequestId !== null);
    stand.complain(
      role,
      differences(
        {
          items: readable.map((folded) => ({ ...folded, origin: 'list' })),
          malformed: items.length - readable.length,
          nextPage: theirs.answer.nextPage,
        },
        {
          items: own.answer.items.map((item) => ({ ...plainWorkRequest(item), origin: item.origin })),
          malformed: own.answer.malformed.length,
          nextPage: own.answer.nextPage,
        },
      ),
    );
    for (const item of own.answer.items) {
      stand.complain(role, differences(refOf(stand, item.ref.workRequestId), item.ref));
      listed.push(item.ref.workRequestId);
    }
    page = theirs.answer.nextPage;
  } while (page !== null && pages < 5);
  const expected = scene.actors.filter(({ role }) => role !== 'no id in the list').map(({ id }) => id);
  stand.complain('all pages', differences(2, pages, 'pages'));
  stand.complain('all pages', differences(expected.toSorted(), listed.toSorted(), 'ids'));
}

async function checkPart(stand: Stand, name: 'errors' | 'logs'): Promise<void> {
  const { official, ours, scene } = stand;
  for (const { id, role } of scene.actors.filter(isTelling)) {
    const found = await ours.source.get(refOf(stand, id));
    if (found === null) throw new Error(`ours found no ${role}`);
    const embedded = foldWorkRequest(bodyOf(await official.call('get', parametersFor(stand, id))))[name];
    stand.complain(role, differences(embedded, plainWorkRequest(found)[name], `embedded ${name}`));
    const expectedCount = role === 'failed' ? scene.entries : 0;
    if (!official.has[name]) {
      const none = await traced(stand, () => ours.source[name](found.ref, found.compartmentId, { limit: 2 }));
      stand.complain(
        role,
        differences({ answer: null, calls: 0 }, { answer: none.answer, calls: none.calls.length }),
      );
      if (embedded !== null) stand.complain(role, differences(expectedCount, embedded.length, 'count'));
      continue;
    }
    const all = await readPages(stand, name, id);
    let page: string | undefined;
    for (const [index, theirs] of all.entries()) {
      const own = await traced(stand, () =>
        ours.source[name](found.ref, found.compartmentId, { limit: 2, ...(page !== undefined && { page }) }),
      );
      const items: readonly object[] = own.answer?.items ?? [];
      stand.complain(`${role}, page ${index + 1}`, [
        ...compareCalls(theirs.calls, own.calls),
        ...differences(
          {
            items: foldEntries(name, theirs.answer),
            nextPage: theirs.answer.nextPage,
            malformed: [],
          },
          {
            items: items.map((item) =>
              name === 'errors'
                ? plainError(item as Parameters<typeof plainError>[0])
                : plainLogEntry(item as Parameters<typeof plainLogEntry>[0]),
            ),
            nextPage: own.answer?.nextPage,
            malformed: own.answer?.malformed,
          },
        ),
      ]);
      page = theirs.answer.nextPage ?? undefined;
    }
    const count = all.reduce((sum, { answer }) => sum + itemsOf(answer).length, 0);
    stand.complain(role, differences(expectedCount, count, 'count'));
  }
}

async function checkGraphql(stand: Stand): Promise<void> {
  const { official, ours, scene, region } = stand;
  const query = { compartmentId: scene.compartmentId, limit: 100 };
  await ours.source.list({ service: serviceOf(stand), region, params: scene.parents, ...query });
  const listExtras = new Map(
    itemsOf(await official.call('list', { ...parametersFor(stand), ...query }))
      .map(foldWorkRequest)
      .map(({ workRequestId, extras }) => [workRequestId, extras]),
  );
  for (const { id, role } of scene.actors) {
    const expected = await foldForGraphql(stand, id, listExtras.get(id) ?? {});
    const own = await askAll(ours, workRequestQuery, 'workRequest', {
      id,
      service: official.key,
      region,
    });
    stand.complain(role, differences(expected, own.answer));
    if (role === 'failed') {
      const again = await askAll(ours, nodeQuery, 'node', { id: own.id });
      stand.complain(
        `${role}, by its global id`,
        differences({ id: own.id, ...expected }, { id: again.id, ...again.answer }),
      );
    }
    const found = await ours.source.get(refOf(stand, id));
    stand.complain(role, differences(found?.id, own.id, 'global id'));
  }
}

async function checkCancel(stand: Stand): Promise<void> {
  const { emulator, official, ours, region } = stand;
  const [one = '', another = '', third = '', fourth = ''] = stageRunning(emulator, official.key, region, 4);
  if (!official.has.cancel) {
    const refused = await traced(stand, () => outcomeOf(ours.source.cancel(refOf(stand, one))));
    stand.complain('no cancel', [
      ...(refused.answer === 'done' ? ['ours carried it out'] : []),
      ...(refused.calls.length > 0
        ? [`ours asked ${refused.calls.map(({ method, path }) => `${method} ${path}`).join()}`]
        : []),
    ]);
    return;
  }
  const etagOf = async (id: string): Promise<string | undefined> =>
    (await official.call('get', parametersFor(stand, id))).etag ?? undefined;
  const etags = { one: await etagOf(one), another: await etagOf(another) };
  const theirs = await traced(stand, () =>
    official.call('cancel', { ...parametersFor(stand, one), ...(etags.one && { ifMatch: etags.one }) }),
  );
  const own = await traced(stand, () =>
    ours.source.cancel(refOf(stand, another), etags.another ? { ifMatch: etags.another } : {}),
  );
  const anonymous = (calls: readonly SeenCall[], id: string): readonly SeenCall[] =>
    calls.map((call) => ({ ...call, path: call.path.replace(id, '{id}') }));
  stand.complain('request', compareCalls(anonymous(theirs.calls, one), anonymous(own.calls, another)));
  await compareEnds(stand, 'once asked for', one, another);
  const again = await outcomeOf(official.call('cancel', parametersFor(stand, one)));
  stand.complain(
    'asked for twice',
    differences(again, await outcomeOf(ours.source.cancel(refOf(stand, another)))),
  );
  emulator.setClock({ advanceMs: cancelTakesMs });
  await compareEnds(stand, 'in the end', one, another);
  const stale = { ifMatch: 'an etag of yesterday' };
  const refusal = await outcomeOf(official.call('cancel', { ...parametersFor(stand, third), ...stale }));
  stand.complain(
    'with an etag that is not the current one',
    differences(refusal, await outcomeOf(ours.source.cancel(refOf(stand, fourth), stale))),
  );
}

/** What was canceled by the official client and what was canceled by us have come to the same. */
const compareEnds = async (stand: Stand, when: string, one: string, another: string): Promise<void> => {
  const read = async (id: string): Promise<Folded> =>
    foldWorkRequest(bodyOf(await stand.official.call('get', parametersFor(stand, id))));
  const progress = ({
    status,
    rawStatus,
    percentComplete,
    isTerminal,
    timeFinished,
  }: Folded): JsonObject => ({
    status,
    rawStatus,
    percentComplete,
    isTerminal,
    timeFinished,
  });
  stand.complain(when, differences(progress(await read(one)), progress(await read(another))));
  const seen = await stand.ours.source.get(refOf(stand, another));
  stand.complain(
    when,
    differences(progress(await read(another)), seen === null ? null : progress(plainWorkRequest(seen))),
  );
};

/** What GraphQL has to say of a work request: its get, with what only the list item has, and all errors and logs. */
const foldForGraphql = async (stand: Stand, id: string, listExtras: JsonObject): Promise<JsonObject> => {
  const { official, region } = stand;
  const { isCancelable, ...folded } = foldWorkRequest(
    bodyOf(await official.call('get', parametersFor(stand, id))),
  );
  const part = async (name: 'errors' | 'logs'): Promise<readonly unknown[] | null> =>
    official.has[name]
      ? (await readPages(stand, name, id)).flatMap(({ answer }) => foldEntries(name, answer))
      : folded[name];
  return {
    ...folded,
    extras: { ...listExtras, ...folded.extras },
    service: { name: official.key },
    region,
    canCancel: isCancelable && official.has.cancel,
    isStale: false,
    errors: await part('errors'),
    logs: await part('logs'),
  };
};

/** A work request as GraphQL tells it, its errors and logs page by page. */
const askAll = async (
  ours: Ours,
  query: string,
  field: string,
  variables: JsonObject,
): Promise<{ readonly id: unknown; readonly answer: JsonObject }> => {
  const first = await askOnce(ours, query, field, variables);
  const rest = async (name: 'errors' | 'logs'): Promise<readonly JsonObject[] | null> => {
    let connection = first[name] as Connection | null;
    if (connection === null) return null;
    const nodes = [...connection.nodes];
    while (connection.pageInfo.hasNextPage && nodes.length < 100) {
      const after: JsonObject = { [`${name}After`]: connection.pageInfo.endCursor };
      connection = (await askOnce(ours, query, field, { ...variables, ...after }))[name] as Connection;
      nodes.push(...connection.nodes);
    }
    return nodes;
  };
  const { id, extras, ...answer } = first;
  const resources = first['resources'] as readonly JsonObject[] | null;
  return {
    id,
    answer: {
      ...answer,
      extras: withoutAbsent(extras as JsonObject),
      resources:
        resources?.map((resource) => ({
          ...resource,
          extras: resource['extras'] === null ? null : withoutAbsent(resource['extras'] as JsonObject),
        })) ?? null,
      errors: await rest('errors'),
      logs: await rest('logs'),
    },
  };
};

interface Connection {
  readonly nodes: readonly JsonObject[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const askOnce = async (
  ours: Ours,
  query: string,
  field: string,
  variables: JsonObject,
): Promise<JsonObject> => {
  const found = (await ours.ask(query, variables))[field];
  if (typeof found !== 'object' || found === null) throw new Error(`GraphQL found no ${field}`);
  return found as JsonObject;
};

/** All pages of errors or logs by the official client, two entries each. */
const readPages = async (
  stand: Stand,
  name: 'errors' | 'logs',
  id: string,
): Promise<readonly Traced<OfficialAnswer>[]> => {
  const pages: Traced<OfficialAnswer>[] = [];
  let page: string | null = null;
  do {
    const parameters: JsonObject = { ...parametersFor(stand, id), limit: 2, ...(page !== null && { page }) };
    const read: Traced<OfficialAnswer> = await traced(stand, () =>
      callWithCompartment(stand, name, id, parameters),
    );
    pages.push(read);
    page = read.answer.nextPage;
  } while (page !== null && pages.length < 20);
  return pages;
};

/** The compartment is given where the API refuses to answer without it, and nowhere else. */
const callWithCompartment = async (
  { emulator, official }: Stand,
  name: 'errors' | 'logs',
  id: string,
  parameters: JsonObject,
): Promise<OfficialAnswer> => {
  try {
    return await official.call(name, parameters);
  } catch (error) {
    if (statusCodeOf(error) !== 400) throw error;
    emulator.clearCalls();
    const compartmentId = emulator.readWorkRequest(id)?.compartmentId;
    return official.call(name, { ...parameters, compartmentId });
  }
};

const foldEntries = (
  name: 'errors' | 'logs',
  answer: OfficialAnswer,
): readonly (FoldedError | FoldedLogEntry)[] =>
  itemsOf(answer).map(name === 'errors' ? foldError : foldLogEntry);

/** Those whose errors and logs say something. */
const isTelling = ({ role }: { readonly role: string }): boolean =>
  role === 'failed' || role === 'nothing that is optional' || role === 'null for what is optional';

const parametersFor = ({ scene }: Stand, workRequestId?: string): JsonObject => ({
  ...scene.parents,
  // One API of IAM has a name of its own for it.
  ...(workRequestId !== undefined && { workRequestId, iamWorkRequestId: workRequestId }),
});

const refOf = (stand: Stand, workRequestId: string): WorkRequestRef => {
  const { namespaceName } = stand.scene.parents;
  return {
    service: serviceOf(stand),
    region: stand.region,
    workRequestId,
    ...(namespaceName !== undefined && { namespace: namespaceName }),
  };
};

/** That the catalog has a row of this key is checked before. */
const serviceOf = ({ official }: Stand): ServiceName => official.key as ServiceName;

interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly query: JsonObject;
  readonly undeclared: readonly string[];
}

interface Traced<T> {
  readonly answer: T;
  readonly calls: readonly SeenCall[];
}

/** Carries out and tells what of it reached the emulator. */
const traced = async <T>({ emulator }: Stand, act: () => Promise<T>): Promise<Traced<T>> => {
  emulator.clearCalls();
  const answer = await act();
  const calls = emulator.calls().map(({ method, url, query, undeclaredQuery }) => ({
    method,
    path: url.split('?', 1)[0] ?? '',
    query,
    undeclared: undeclaredQuery,
  }));
  return { answer, calls };
};

const compareCalls = (official: readonly SeenCall[], ours: readonly SeenCall[]): readonly string[] => [
  ...differences(1, official.length, 'official calls'),
  ...differences(official, ours, 'calls'),
];

const statusOf = async (call: Promise<unknown>): Promise<number | null> => {
  try {
    await call;
    return null;
  } catch (error) {
    return statusCodeOf(error);
  }
};

/** How it ended, for both kinds of errors: the status that Oracle answered with. */
const outcomeOf = async (call: Promise<unknown>): Promise<number | string> => {
  try {
    await call;
    return 'done';
  } catch (error) {
    return statusCodeOf(error) ?? describeError(error);
  }
};

const statusCodeOf = (error: unknown): number | null => {
  if (typeof error !== 'object' || error === null) return null;
  const failure: unknown = Reflect.get(error, 'failure');
  const own: unknown =
    typeof failure === 'object' && failure !== null ? Reflect.get(failure, 'status') : null;
  const status: unknown = Reflect.get(error, 'statusCode') ?? own;
  return typeof status === 'number' ? status : null;
};

const describeError = (error: unknown): string => {
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return typeof error === 'object' ? JSON.stringify(error) : String(error);
};
