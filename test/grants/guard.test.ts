/** What a caller's view lets through, also when Oracle Cloud does not answer as it should. */
import { expect, test } from '@jest/globals';
import type { ListWatchPlan } from '../../datasources/list-watch.ts';
import type { Loaders } from '../../datasources/loaders.ts';
import type { Page, WorkRequest, WorkRequestSource } from '../../datasources/types.ts';
import { createGuard } from '../../grants/guard.ts';
import type { FirstLook, Guard } from '../../grants/guard.ts';
import { parsePolicy } from '../../grants/policy.ts';
import type { Rule } from '../../grants/policy.ts';
import { createViews } from '../../grants/views.ts';
import type { FindSubtree } from '../../grants/views.ts';
import type { WatchEvent } from '../../subscriptions/events.ts';
import { createFeed } from '../../subscriptions/feed.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import { overflowOf, snapshotOf } from '../../subscriptions/telling.ts';
import type { Waited } from '../../subscriptions/waiting.ts';
import { settle } from '../support/clock.ts';
import { refOf, upstreamError, workRequestOf } from '../subscriptions/harness.ts';

const [mine, others] = ['ocid1.compartment.oc1..mine', 'ocid1.compartment.oc1..others'] as const;
const policy = await parsePolicy(
  `{ version: 1, rules: [{ when: anyone, allow: [read], compartments: [${mine}] }] }`,
  'policy',
);
const view = createViews(policy, () => undefined)({});
const hidden = workRequestOf({ compartmentId: others });

/** Everything is watched by others already. */
const begin = (known: string | null, state: WorkRequest = hidden, own = view) => {
  let watched = 0;
  let plan: ListWatchPlan | null = null;
  const feedOf = (): Feed => {
    watched += 1;
    const writer = createFeed({ capacity: 9, overflow: (told) => overflowOf(told, 0) }, () => (watched -= 1));
    writer.push(snapshotOf(state, true));
    return writer.feed;
  };
  const guard = createGuard({
    view: () => own,
    grants: { ready: async () => {}, onChange: () => () => {} },
    compartmentOf: () => known,
    homeRegion: 'us-ashburn-1',
    watchers: {
      watch: feedOf,
      present: () => state,
      watchList(list) {
        plan = list;
        return feedOf();
      },
    },
    now: () => 0,
  });
  return { guard, watched: () => watched, plan: () => plan };
};

const all: Rule = {
  when: 'anyone',
  allow: ['read', 'cancel'],
  compartments: 'all',
  services: 'all',
  regions: 'all',
};
const unwatched = (): never => {
  throw new Error('it was watched');
};
/** Of one rule; nothing is to be watched. */
const guardOf = (
  rule: Rule,
  known: Promise<void> = Promise.resolve(),
  below: FindSubtree = () => undefined,
) => {
  const view = createViews({ rules: [rule] }, below)({});
  return createGuard({
    view: () => view,
    grants: { ready: () => known, onChange: () => () => {} },
    compartmentOf: () => null,
    homeRegion: 'us-ashburn-1',
    watchers: { watch: unwatched, watchList: unwatched, present: unwatched },
    now: () => 0,
  });
};

/** Fails so often, then brings what there is to be seen. */
const failing = (
  times: number,
  answer: WorkRequest | null,
  error: Error = upstreamError('UPSTREAM_THROTTLED'),
) => {
  let asked = 0;
  const look: FirstLook = {
    async read() {
      asked += 1;
      if (asked <= times) throw error;
      return answer;
    },
    pause: async () => true,
  };
  return { look, asked: () => asked };
};

const readAll = async (feed: Feed): Promise<readonly WatchEvent[]> => {
  const events = [];
  for await (const event of feed) events.push(event);
  return events;
};

test.each([
  ['in nobody knows which compartment', null],
  ['in a compartment that it may not see', others],
])('what others watch, %s, does not answer while a read of the caller’s own fails', async (_, known) => {
  const { guard, watched } = begin(known);
  const { look, asked } = failing(3, null);
  const events = await readAll(await guard.watch(refOf(), look));
  expect(events).toMatchObject([{ type: 'GAP', workRequest: null, gap: { reason: 'NOT_FOUND' } }]);
  expect([asked(), watched()]).toEqual([4, 0]);
  const waiting = failing(3, null);
  const wait = () => Promise.resolve({ kind: 'seen', workRequest: hidden } as const);
  expect(await guard.waitFor(refOf(), waiting.look, wait)).toEqual({ kind: 'absent' });
  expect(waiting.asked()).toBe(4);
});

test('what is known to be in the view is watched at once, whatever a read says', async () => {
  const own = workRequestOf({ compartmentId: mine });
  const { guard } = begin(mine, own);
  const { look, asked } = failing(Infinity, own);
  const feed = await guard.watch(refOf(), look);
  expect((await feed.next()).value).toMatchObject({ type: 'SNAPSHOT', workRequest: own });
  expect(asked()).toBe(1);
});

test('what cannot pass is told as by a watch, and nobody is waited for who has left', async () => {
  const { guard, watched } = begin(null);
  const refused = failing(1, null, upstreamError('FORBIDDEN'));
  expect(await readAll(await guard.watch(refOf(), refused.look))).toMatchObject([
    { type: 'GAP', workRequest: null, gap: { reason: 'FORBIDDEN' } },
  ]);
  const wait = () => Promise.resolve({ kind: 'seen', workRequest: hidden } as const);
  expect(await guard.waitFor(refOf(), failing(1, null, upstreamError('FORBIDDEN')).look, wait)).toEqual({
    kind: 'refused',
  });
  const unauthenticated = failing(1, null, upstreamError('UNAUTHENTICATED'));
  await expect(guard.watch(refOf(), unauthenticated.look)).rejects.toThrow('UNAUTHENTICATED');
  const left = { ...failing(Infinity, null).look, pause: async () => false };
  expect(await readAll(await guard.watch(refOf(), left))).toEqual([]);
  expect(await guard.waitFor(refOf(), left, wait)).toEqual({ kind: 'unseen' });
  expect(watched()).toBe(0);
});

test('an answer that cannot be read is none, but for what is known to be in the view', async () => {
  const read = (): Promise<never> => Promise.reject(upstreamError('UPSTREAM_MALFORMED'));
  const source: Pick<WorkRequestSource, 'get' | 'list'> = { get: read, list: read };
  const loaders = { workRequest: read, errors: read, logs: read };
  for (const known of [null, others]) {
    const { guard } = begin(known);
    expect(await guard.loaders(loaders).workRequest(refOf(), 'get')).toBeNull();
    expect(await guard.source(source).get(refOf())).toBeNull();
  }
  const { guard } = begin(mine);
  await expect(guard.loaders(loaders).workRequest(refOf(), 'get')).rejects.toThrow('UPSTREAM_MALFORMED');
  await expect(guard.source(source).get(refOf())).rejects.toThrow('UPSTREAM_MALFORMED');
});

test('what lies below is only what is in the view, however much there is besides', async () => {
  const { guard } = begin(null);
  const parents = {
    paramsFor: () => Promise.resolve([{}]),
    subtreeOf: (root: string) => Promise.resolve([root, mine, others]),
  };
  expect(await guard.parents(parents).subtreeOf('ocid1.tenancy.oc1..root')).toEqual([mine]);
});

test('what is not in the view does not count among the matches of a list', async () => {
  const { guard, plan } = begin(null);
  const matches = (): boolean => true;
  const list = { places: [], absent: null, matches, wantsWhole: () => false, more: null };
  await (await guard.watchList(() => list)).return();
  expect(plan()?.sight?.maySee(hidden)).toBe(false);
  expect(plan()?.sight?.maySee(workRequestOf({ compartmentId: mine }))).toBe(true);
});

test('IAM’s is in the home region, wherever it is asked for', async () => {
  const within = async (region: string) =>
    createViews(
      await parsePolicy(
        `{ version: 1, rules: [{ when: anyone, allow: [read, cancel], compartments: [${mine}], regions: [${region}] }] }`,
        'policy',
      ),
      () => undefined,
    )({});
  for (const region of ['us-ashburn-1', 'eu-frankfurt-1']) {
    const ref = { service: 'IDENTITY', region, workRequestId: 'a' } as const;
    const found = workRequestOf({ ref, compartmentId: mine });
    const read = (): Promise<WorkRequest> => Promise.resolve(found);
    const loaders = { workRequest: read, errors: async () => null, logs: async () => null };
    for (const [own, isSeen] of [
      [await within('us-ashburn-1'), true],
      [await within('eu-frankfurt-1'), false],
    ] as const) {
      const { guard } = begin(mine, found, own);
      expect(await guard.loaders(loaders).workRequest(ref, 'get')).toBe(isSeen ? found : null);
      expect([guard.maySee(found), guard.mayCancel(found), guard.isIn(ref)]).toEqual([
        isSeen,
        isSeen,
        isSeen,
      ]);
    }
  }
});

const page = <T>(...items: readonly T[]): Page<T> => ({ items, nextPage: null, malformed: [] });
type Source = Pick<WorkRequestSource, 'get' | 'list'>;
const nothing: Loaders = { workRequest: async () => null, errors: async () => null, logs: async () => null };

test('of a list that is read nothing is handed on but what is in the view, by its own word or where it was listed', async () => {
  const own = workRequestOf({ id: 'own', compartmentId: mine });
  const silent = workRequestOf({ id: 'silent', compartmentId: null });
  const source: Source = { get: async () => null, list: async () => page(own, hidden, silent) };
  const list = async (guard: Guard, compartmentId: string): Promise<readonly string[]> =>
    (await guard.source(source).list({ ...own.ref, compartmentId })).items.map(({ id }) => id);
  const { guard } = begin(null);
  expect([await list(guard, mine), await list(guard, others)]).toEqual([['own', 'silent'], ['own']]);
  const here: Rule = { ...all, services: ['CONTAINERENGINE'], regions: ['us-ashburn-1'] };
  expect(await list(guardOf(here), mine)).toHaveLength(3);
  expect(await list(guardOf({ ...here, services: ['QUEUE'] }), mine)).toEqual([]);
  expect(await list(guardOf({ ...here, regions: ['uk-london-1'] }), mine)).toEqual([]);
});

test.each<[string, Rule, boolean]>([
  ['compartment', { ...all, compartments: [mine] }, false],
  ['service', { ...all, services: ['QUEUE'] }, false],
  ['region', { ...all, regions: ['uk-london-1'] }, false],
  ['action', { ...all, allow: ['read'] }, true],
])('what a view lacks by %s is lacking in what it may see, ask for and cancel', (_, rule, isSeen) => {
  const guard = guardOf(rule);
  expect([guard.maySee(hidden), guard.mayAsk({ ...hidden.ref, compartmentId: others })]).toEqual([
    isSeen,
    isSeen,
  ]);
  expect(guard.mayCancel(hidden)).toBe(false);
});

test('of a service or region that the view has nothing of, nothing is asked', async () => {
  const read = (): never => {
    throw new Error('it was asked');
  };
  for (const limit of [{ services: ['QUEUE'] }, { regions: ['uk-london-1'] }] satisfies Partial<Rule>[]) {
    const guard = guardOf({ ...all, ...limit });
    expect(await guard.loaders({ ...nothing, workRequest: read }).workRequest(refOf(), 'get')).toBeNull();
    expect(await guard.source<Source>({ get: read, list: read }).get(refOf())).toBeNull();
  }
});

test('what is not in the view is not there, by id and for a cancel', async () => {
  const { guard } = begin(null);
  const get = async (): Promise<WorkRequest> => hidden;
  expect(await guard.loaders({ ...nothing, workRequest: get }).workRequest(refOf(), 'get')).toBeNull();
  expect(await guard.source<Source>({ get, list: async () => page() }).get(refOf())).toBeNull();
});

test('errors and logs of what is not in the view are not read, and those of what is are', async () => {
  const { guard } = begin(null);
  let asked = 0;
  const read = async () => {
    asked += 1;
    return page<never>();
  };
  const { errors, logs } = guard.loaders({ ...nothing, errors: read, logs: read });
  const own = workRequestOf({ compartmentId: mine });
  expect([await errors(hidden), await logs(hidden), asked]).toEqual([null, null, 0]);
  expect([await errors(own), await logs(own), asked]).toEqual([page(), page(), 2]);
});

test('where nobody says the compartment, it is that where it was seen', () => {
  const silent = workRequestOf({ compartmentId: null });
  const seen = [begin(mine), begin(others), begin(null)].map(({ guard }) => guard.maySee(silent));
  expect(seen).toEqual([true, false, false]);
});

test('nothing is judged before it is known what lies below', async () => {
  const known = Promise.withResolvers<void>();
  const below = new Set<string>();
  const guard = guardOf({ ...all, compartments: [{ subtreeOf: others }] }, known.promise, () => below);
  const get = async (): Promise<WorkRequest> => hidden;
  const read = async () => page<never>();
  const loaders = guard.loaders({ workRequest: get, errors: read, logs: read });
  let isPlanned = false;
  const asked = Promise.all([
    loaders.workRequest(refOf(), 'get'),
    loaders.errors(hidden),
    loaders.logs(hidden),
    guard.source<Source>({ get, list: async () => page() }).get(refOf()),
  ]);
  const plan = (): never => {
    isPlanned = true;
    throw new Error('planned');
  };
  const watching = guard.watchList(plan).catch(({ message }: Error) => message);
  await settle();
  expect(isPlanned).toBe(false);
  below.add(others);
  known.resolve();
  expect(await asked).toEqual([hidden, page(), page(), hidden]);
  expect(await watching).toBe('planned');
});

test('without a view all of it is as it is', async () => {
  const guard = guardOf({ ...all, compartments: 'all' });
  expect([guard.maySee(hidden), guard.mayCancel(hidden)]).toEqual([true, true]);
  const loaders = guard.loaders({ ...nothing, workRequest: async (_, depth) => ({ ...hidden, id: depth }) });
  expect(await loaders.workRequest(refOf(), 'listItem')).toMatchObject({ id: 'listItem' });
  expect(await guard.source<Source>({ get: async () => hidden, list: async () => page() }).get(refOf())).toBe(
    hidden,
  );
  const ids = ['root', 'below'];
  const parents = { paramsFor: async () => [{}], subtreeOf: async () => ids };
  expect(await guard.parents(parents).subtreeOf('root')).toEqual(ids);
  const seen = { kind: 'seen', workRequest: hidden } as const;
  const waiting = begin(null, hidden, null).guard.waitFor(refOf(), failing(1, null).look, async () => seen);
  expect(await waiting).toEqual(seen);
});

test('what is no trouble of Oracle Cloud’s is a bug, and what is has not to do with grants is told as it is', async () => {
  for (const { guard } of [begin(null), begin(mine)]) {
    await expect(guard.watch(refOf(), failing(1, null, new TypeError('a bug')).look)).rejects.toThrow(
      'a bug',
    );
    for (const error of [new TypeError('a bug'), upstreamError('UPSTREAM_TIMEOUT')]) {
      const read = () => Promise.reject(error);
      await expect(guard.source<Source>({ get: read, list: read }).get(refOf())).rejects.toBe(error);
    }
  }
});

test('what is absent is not watched at all', async () => {
  const guard = guardOf({ ...all, compartments: [mine] });
  const { look } = failing(0, null);
  expect(await readAll(await guard.watch(refOf(), look))).toMatchObject([{ gap: { reason: 'NOT_FOUND' } }]);
  const wait = (): never => {
    throw new Error('it was waited for');
  };
  expect(await guard.waitFor(refOf(), look, wait)).toEqual({ kind: 'absent' });
});

test('a wait tells what it saw as far as that is in the view, and leaves nothing watched', async () => {
  const own = workRequestOf({ compartmentId: mine });
  const { guard, watched } = begin(null, own);
  const { look } = failing(0, own);
  for (const [waited, told] of [
    [
      { kind: 'seen', workRequest: own },
      { kind: 'seen', workRequest: own },
    ],
    [{ kind: 'seen', workRequest: hidden }, { kind: 'absent' }],
    [{ kind: 'unseen' }, { kind: 'unseen' }],
  ] satisfies [Waited, Waited][]) {
    expect(await guard.waitFor(refOf(), look, async () => (expect(watched()).toBe(1), waited))).toEqual(told);
    expect(watched()).toBe(0);
  }
  const fails = guard.waitFor(refOf(), look, () => Promise.reject(new Error('stopped')));
  await expect(fails).rejects.toThrow('stopped');
  expect(watched()).toBe(0);
});

test('what the filter of a list does not take does not match, also where it may be seen', async () => {
  const { guard, plan } = begin(null);
  const list = { places: [], absent: null, matches: () => false, wantsWhole: () => false, more: null };
  await (await guard.watchList(() => list)).return();
  expect(plan()?.matches(workRequestOf({ compartmentId: mine }))).toBe(false);
});
