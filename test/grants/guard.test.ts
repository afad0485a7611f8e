/** What a caller's view lets through, also when Oracle Cloud does not answer as it should. */
import { expect, test } from '@jest/globals';
import type { ListWatchPlan } from '../../datasources/list-watch.ts';
import type { WorkRequest, WorkRequestSource } from '../../datasources/types.ts';
import { createGuard } from '../../grants/guard.ts';
import type { FirstLook } from '../../grants/guard.ts';
import { parsePolicy } from '../../grants/policy.ts';
import { createViews } from '../../grants/views.ts';
import type { WatchEvent } from '../../subscriptions/events.ts';
import { createFeed } from '../../subscriptions/feed.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import { overflowOf, snapshotOf } from '../../subscriptions/telling.ts';
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
