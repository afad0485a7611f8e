import { describe, expect, test } from '@jest/globals';
import type { Place } from '../../datasources/discovery.ts';
import type { ListWatchPlan } from '../../datasources/list-watch.ts';
import type { WorkRequest } from '../../datasources/types.ts';
import { GatewayError, LimitError } from '../../errors.ts';
import { createWatchers } from '../../subscriptions/watchers.ts';
import type { Watchers } from '../../subscriptions/watchers.ts';
import { createManualClock } from '../support/clock.ts';
import {
  pollMinMs,
  readAll,
  refOf,
  rules,
  settle,
  shorten,
  upstreamError,
  workRequestOf,
} from './harness.ts';
import type { Reader } from './harness.ts';

type Fields = Partial<WorkRequest>;

const placeOf = (compartmentId = 'c'): Place => ({
  service: 'CONTAINERENGINE',
  region: 'us-ashburn-1',
  compartmentId,
});

/** A cloud of compartments, each with work requests by name; a list that is an Error fails. */
const createCloud = ({ isListComplete = true } = {}) => {
  const clock = createManualClock();
  const cloud = new Map<string, Map<string, Fields> | Error>();
  const lists: { readonly at: number; readonly isWhole: boolean }[] = [];
  const gets: string[] = [];
  let held = Promise.resolve();
  let refused: string | null = null;
  const itemOf = (id: string, compartmentId: string, fields: Fields, origin: 'get' | 'list'): WorkRequest =>
    workRequestOf({ ref: refOf(id), id, compartmentId, origin, observedAt: clock.now(), ...fields });
  let watchers: Watchers | null = null;
  watchers = createWatchers({
    ...rules,
    clock,
    random: () => 0.5,
    keyOf: ({ workRequestId }) => workRequestId,
    isListComplete: () => isListComplete,
    async read({ workRequestId }) {
      gets.push(workRequestId);
      await held;
      if (workRequestId === refused) return null;
      for (const [compartmentId, content] of cloud) {
        const fields = content instanceof Map ? content.get(workRequestId) : undefined;
        if (fields) return itemOf(workRequestId, compartmentId, fields, 'get');
      }
      return null;
    },
    async discover({ compartmentId }, isKnown) {
      lists.push({ at: clock.passed(), isWhole: isKnown === null });
      const content = cloud.get(compartmentId) ?? new Map<string, Fields>();
      if (content instanceof Error) throw content;
      const items = [...content].map(([id, fields]) => itemOf(id, compartmentId, fields, 'list'));
      if (isListComplete) for (const item of items) watchers?.pass(item);
      return items;
    },
  });
  const set = (compartmentId: string, content: Readonly<Record<string, Fields>> | Error): void =>
    void cloud.set(compartmentId, content instanceof Error ? content : new Map(Object.entries(content)));
  const watch = ({
    places = ['c'],
    matches = () => true,
    more = null,
    wantsWhole = false,
    sight,
  }: {
    readonly sight?: NonNullable<ListWatchPlan['sight']>;
    readonly places?: readonly string[];
    readonly matches?: (workRequest: WorkRequest) => boolean;
    readonly more?: (() => Promise<readonly string[]>) | null;
    readonly wantsWhole?: boolean;
  } = {}) =>
    watchers.watchList({
      places: places.map(placeOf),
      absent: places[0] === undefined ? null : placeOf(places[0]),
      matches,
      wantsWhole: () => wantsWhole,
      ...(sight && { sight }),
      more: more && { isBelow: true, place: placeOf(), find: async () => (await more()).map(placeOf) },
    });
  /** Gets do not answer until the function that it returns is called. */
  const hold = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    return resolve;
  };
  /** Gets of it find nothing, though the list shows it. */
  const refuse = (id: string | null): void => void (refused = id);
  return { clock, watchers, set, watch, lists, gets, hold, refuse };
};

const told = ({ events }: Reader): readonly string[] =>
  events.map((event) => `${shorten(event)}${event.workRequest ? ` ${event.workRequest.id}` : ''}`);

describe('a watched list', () => {
  test('tells what there is, SYNCED, and then what comes and what becomes of it', async () => {
    const { clock, watchers, set, watch } = createCloud();
    set('c', { a: {}, b: { status: 'FAILED' } });
    const reader = readAll(watch());
    await settle();
    expect(told(reader)).toEqual(['SNAPSHOT IN_PROGRESS a', 'SNAPSHOT FAILED b', 'SYNCED']);
    set('c', { a: { percentComplete: 50 }, b: { status: 'FAILED' }, d: { status: 'SUCCEEDED' }, e: {} });
    await clock.advance(pollMinMs);
    set('c', { a: { status: 'SUCCEEDED' }, e: { status: 'CANCELED' } });
    await clock.advance(2 * pollMinMs);
    expect(told(reader).slice(3)).toEqual([
      'ADDED SUCCEEDED d',
      'ADDED IN_PROGRESS e',
      'CHANGED IN_PROGRESS 50 a',
      'FINISHED SUCCEEDED a',
      'FINISHED CANCELED e',
    ]);
    expect(reader.events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(watchers.stats()).toMatchObject({ watchers: 0, listings: 1, subscribers: 1 });
    await reader.feed.return();
    expect([watchers.stats().listings, clock.sleepers]).toEqual([0, 0]);
  });

  test('is read once for all, and needs no get while it shows what is watched', async () => {
    const { clock, watchers, set, watch, lists, gets } = createCloud();
    set('c', { a: {}, b: {} });
    const readers = Array.from({ length: 50 }, () => readAll(watch()));
    await settle();
    readAll(watchers.watch(refOf('a')));
    await clock.advance(60_000);
    expect(gets.length).toBeLessThan(lists.length);
    expect(lists.length).toBeLessThan(35);
    expect(lists.filter(({ isWhole }) => isWhole)).toHaveLength(1);
    for (const reader of readers) expect(told(reader).at(-1)).toBe('SYNCED');
    watchers.stop();
    expect(clock.sleepers).toBe(0);
  });

  test('gives newcomers the whole of it, at most once in the shortest interval', async () => {
    const { clock, set, watch, lists, watchers } = createCloud();
    set('c', { a: {}, b: { status: 'FAILED' } });
    readAll(watch());
    await clock.advance(500);
    const late = Array.from({ length: 20 }, () => readAll(watch()));
    await clock.advance(pollMinMs);
    for (const reader of late)
      expect(told(reader)).toEqual(['SNAPSHOT IN_PROGRESS a', 'SNAPSHOT FAILED b', 'SYNCED']);
    expect(lists.filter(({ isWhole }) => isWhole).map(({ at }) => at)).toEqual([0, pollMinMs]);
    watchers.stop();
  });

  test('lets in by its filter and follows to the end, also what was there before it matched', async () => {
    const { clock, set, watch, watchers } = createCloud();
    set('c', { a: {}, b: { status: 'WAITING' } });
    const reader = readAll(watch({ matches: ({ status }) => status === 'WAITING' }));
    await settle();
    set('c', { a: { status: 'WAITING' }, b: {} });
    await clock.advance(pollMinMs);
    set('c', { a: {}, b: { status: 'FAILED' } });
    await clock.advance(2 * pollMinMs);
    expect(told(reader)).toEqual([
      'SNAPSHOT WAITING b',
      'SYNCED',
      'CHANGED IN_PROGRESS b',
      'ADDED WAITING a',
      'CHANGED IN_PROGRESS a',
      'FINISHED FAILED b',
    ]);
    watchers.stop();
  });

  test('tells of what came into sight as of what is new, in the state that it has by then', async () => {
    const { clock, set, watch, watchers } = createCloud();
    const hidden = new Set(['a', 'b', 'c', 'd']);
    const listeners = new Set<() => void>();
    const onChange = (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    set('c', { a: {}, b: {}, c: {}, d: {}, e: {} });
    const reader = readAll(watch({ sight: { maySee: ({ id }) => !hidden.has(id), onChange } }));
    await settle();
    expect(told(reader)).toEqual(['SNAPSHOT IN_PROGRESS e', 'SYNCED']);
    set('c', { a: { percentComplete: 50 }, b: { status: 'FAILED' }, d: {}, e: {} });
    await clock.advance(30_000);
    listeners.forEach((tell) => tell());
    for (const id of ['a', 'b', 'c']) hidden.delete(id);
    listeners.forEach((tell) => tell());
    listeners.forEach((tell) => tell());
    await settle();
    // What is gone by then was never there.
    expect(told(reader).slice(2).sort()).toEqual(['ADDED FAILED b', 'ADDED IN_PROGRESS 50 a']);
    await reader.feed.return();
    expect([listeners.size, clock.sleepers]).toEqual([0, 0]);
    watchers.stop();
  });

  test('tells newcomers what ended without a final word', async () => {
    const { clock, set, watch, watchers } = createCloud();
    set('c', { a: {} });
    const first = readAll(watch());
    await settle();
    set('c', { a: { timeFinished: new Date(0) } });
    await clock.advance(4 * pollMinMs);
    expect(told(first)).toEqual(['SNAPSHOT IN_PROGRESS a', 'SYNCED', 'FINISHED IN_PROGRESS a']);
    const newcomer = readAll(watch());
    await clock.advance(pollMinMs);
    expect(told(newcomer)).toEqual(['SNAPSHOT IN_PROGRESS a', 'SYNCED']);
    watchers.stop();
  });

  test('tells who waits for a final word of one that comes after the time of finish', async () => {
    const { clock, set, watch, watchers } = createCloud();
    set('c', { a: {} });
    const all = readAll(watch());
    const picky = readAll(watch({ matches: ({ status }) => status === 'SUCCEEDED' }));
    await settle();
    set('c', { a: { timeFinished: new Date(0) } });
    await clock.advance(4 * pollMinMs);
    set('c', { a: { timeFinished: new Date(0), status: 'SUCCEEDED' } });
    await clock.advance(4 * 60_000);
    expect(told(all)).toEqual(['SNAPSHOT IN_PROGRESS a', 'SYNCED', 'FINISHED IN_PROGRESS a']);
    expect(told(picky)).toEqual(['SYNCED', 'ADDED SUCCEEDED a']);
    watchers.stop();
  });

  test('goes on with what gets did not find, where the list shows it again', async () => {
    const { clock, set, watch, watchers } = createCloud();
    set('c', { a: {} });
    const reader = readAll(watch());
    await settle();
    set('c', {});
    await clock.advance(10 * pollMinMs);
    expect(told(reader)).toEqual(['SNAPSHOT IN_PROGRESS a', 'SYNCED', 'GAP NOT_FOUND a']);
    set('c', { a: { percentComplete: 9 } });
    await clock.advance(10 * pollMinMs);
    set('c', { a: { status: 'SUCCEEDED' } });
    await clock.advance(10 * pollMinMs);
    expect(told(reader).slice(3)).toEqual(['ADDED IN_PROGRESS 9 a', 'FINISHED SUCCEEDED a']);
    watchers.stop();
  });

  test('whose items lack fields goes on with what a get did not find, ever more rarely', async () => {
    const { clock, set, watch, watchers, gets, refuse } = createCloud({ isListComplete: false });
    set('c', { a: {} });
    refuse('a');
    const reader = readAll(watch());
    await clock.advance(30 * 60_000);
    expect(told(reader)).toEqual(['SYNCED']);
    expect(gets.length).toBeGreaterThan(4);
    expect(gets.length).toBeLessThan(15);
    refuse(null);
    await clock.advance(11 * 60_000);
    set('c', { a: { status: 'SUCCEEDED' } });
    await clock.advance(60_000);
    expect(told(reader).slice(1)).toEqual(['ADDED IN_PROGRESS a', 'FINISHED SUCCEEDED a']);
    refuse('b');
    set('c', { b: {} });
    await clock.advance(60_000);
    refuse(null);
    await clock.advance(60_000);
    expect(told(reader).slice(3)).toEqual(['ADDED IN_PROGRESS b']);
    refuse('b');
    await clock.advance(3 * 60_000);
    expect(told(reader).slice(4)).toEqual(['GAP NOT_FOUND b']);
    refuse(null);
    await clock.advance(3 * 60_000);
    expect(told(reader).slice(5)).toEqual(['ADDED IN_PROGRESS b']);
    watchers.stop();
  });

  test('loses no change of what somebody else is just looking at', async () => {
    const { clock, set, watch, watchers, hold } = createCloud();
    set('c', { a: { status: 'ACCEPTED' } });
    const single = readAll(watchers.watch(refOf('a')));
    await settle();
    const release = hold();
    await clock.advance(pollMinMs);
    set('c', { a: { percentComplete: 1 } });
    const newcomer = readAll(watch());
    await settle();
    release();
    await settle();
    set('c', { a: { percentComplete: 2 } });
    await clock.advance(2 * pollMinMs);
    expect(told(single)).toEqual([
      'SNAPSHOT ACCEPTED a',
      'CHANGED IN_PROGRESS 1 a',
      'CHANGED IN_PROGRESS 2 a',
    ]);
    expect(told(newcomer)).toEqual(['SNAPSHOT IN_PROGRESS 1 a', 'SYNCED', 'CHANGED IN_PROGRESS 2 a']);
    watchers.stop();
  });

  test('learns from what others see', async () => {
    const { clock, set, watch, watchers, lists } = createCloud();
    set('c', {});
    const reader = readAll(watch());
    await clock.advance(30 * 60_000);
    const before = lists.length;
    watchers.observe(workRequestOf({ id: 'new', ref: refOf('new'), compartmentId: 'c' }));
    watchers.observe(workRequestOf({ id: 'elsewhere', ref: refOf('elsewhere'), compartmentId: 'd' }));
    expect(lists.length).toBe(before);
    await settle();
    expect(told(reader)).toEqual(['SYNCED', 'ADDED IN_PROGRESS new']);
    watchers.stop();
  });

  test('is looked at ever more seldom while nothing comes, and often again when something does', async () => {
    const { clock, set, watch, lists, watchers } = createCloud();
    set('c', {});
    readAll(watch());
    await clock.advance(30 * 60_000);
    const [idle] = [lists.slice(-2).map(({ at }) => at)];
    expect((idle[1] ?? 0) - (idle[0] ?? 0)).toBe(30_000);
    set('c', { done: { status: 'SUCCEEDED' } });
    await clock.advance(30_000);
    const before = lists.length;
    await clock.advance(10 * pollMinMs);
    expect(lists.length - before).toBeGreaterThanOrEqual(8);
    watchers.stop();
  });

  test('among many is looked at by the age of the newest in it, so that idle ones cost little', async () => {
    const { clock, set, watch, lists, watchers } = createCloud();
    const places = Array.from({ length: 50 }, (_, index) => `p${index}`);
    set('p0', { a: { status: 'FAILED', timeAccepted: new Date(clock.now() - 30_000) } });
    set('p1', { b: { status: 'FAILED', timeAccepted: new Date(clock.now() - 3_600_000) } });
    const reader = readAll(watch({ places }));
    await clock.advance(29_000);
    expect(told(reader).at(-1)).toBe('SYNCED');
    const before = lists.length;
    expect(before).toBeGreaterThan(50 + 8);
    expect(before).toBeLessThan(50 + 20 + 48);
    set('p7', { c: { status: 'FAILED' } });
    await clock.advance(5_000);
    expect(told(reader).at(-1)).toBe('ADDED FAILED c');
    watchers.stop();
  });

  test('where items lack fields, tells of what is under way by its get, and follows it by gets', async () => {
    const { clock, set, watch, watchers, gets } = createCloud({ isListComplete: false });
    set('c', { a: { percentComplete: 7 }, b: { status: 'FAILED' } });
    const reader = readAll(watch());
    const picky = readAll(
      watch({ wantsWhole: true, matches: ({ percentComplete }) => percentComplete === 7 }),
    );
    await clock.advance(10);
    expect(reader.events.find(({ workRequest }) => workRequest?.id === 'a')?.workRequest?.origin).toBe('get');
    expect([...told(reader)].sort()).toEqual(['SNAPSHOT FAILED b', 'SNAPSHOT IN_PROGRESS 7 a', 'SYNCED']);
    expect(told(picky)).toEqual(['SNAPSHOT IN_PROGRESS 7 a', 'SYNCED']);
    expect([...gets].sort()).toEqual(['a', 'b']);
    watchers.stop();
  });
});

describe('a list that cannot be read', () => {
  test.each([
    [new GatewayError('FORBIDDEN', 'no'), 'GAP FORBIDDEN'],
    [new GatewayError('NOT_FOUND', 'no'), 'GAP NOT_FOUND'],
  ])('because it may not be: is told before SYNCED, once, and asked on rarely', async (error, gap) => {
    const { clock, set, watch, lists, watchers } = createCloud();
    set('c', error);
    set('d', { a: {} });
    const reader = readAll(watch({ places: ['c', 'd'] }));
    await clock.advance(5 * 60_000);
    expect([...told(reader)].sort()).toEqual([gap, 'SNAPSHOT IN_PROGRESS a', 'SYNCED'].sort());
    expect(reader.events.find(({ gap: found }) => found)?.gap?.message).toContain(
      'CONTAINERENGINE in us-ashburn-1',
    );
    const before = lists.length;
    set('c', { late: {} });
    await clock.advance(60_000);
    expect(told(reader).at(-1)).toBe('ADDED IN_PROGRESS late');
    expect(lists.length).toBeGreaterThan(before);
    watchers.stop();
  });

  test('for now: is told when its silence lasts, and what it has comes when it is back', async () => {
    const { clock, set, watch, watchers } = createCloud();
    set('c', upstreamError('UPSTREAM_UNAVAILABLE'));
    const reader = readAll(watch());
    await settle();
    expect(told(reader)).toEqual(['SYNCED']);
    await clock.advance(3 * pollMinMs - 1);
    expect(told(reader)).toEqual(['SYNCED']);
    await clock.advance(60_000);
    expect(told(reader)).toEqual(['SYNCED', 'GAP UPSTREAM_SILENT']);
    const newcomer = readAll(watch());
    await clock.advance(60_000);
    expect(told(newcomer)).toEqual(['GAP UPSTREAM_SILENT', 'SYNCED']);
    set('c', { a: {}, b: { status: 'FAILED' } });
    await clock.advance(60_000);
    for (const each of [reader, newcomer])
      expect(told(each).slice(2)).toEqual(['ADDED IN_PROGRESS a', 'ADDED FAILED b']);
    watchers.stop();
    expect(clock.sleepers).toBe(0);
  });

  test('because upstream asked to wait: is silent only after that', async () => {
    const { clock, set, watch, lists, watchers } = createCloud();
    set('c', upstreamError('UPSTREAM_THROTTLED', 60_000));
    const reader = readAll(watch());
    await clock.advance(59_999);
    expect([lists.length, told(reader)]).toEqual([1, ['SYNCED']]);
    watchers.stop();
  });

  test('anywhere: is one GAP for all', async () => {
    const { set, watch, watchers } = createCloud();
    for (const compartment of ['c', 'd']) set(compartment, new GatewayError('NOT_FOUND', 'no'));
    const reader = readAll(watch({ places: ['c', 'd'] }));
    await settle();
    expect(told(reader)).toEqual(['GAP NOT_FOUND', 'SYNCED']);
    watchers.stop();
  });
});

describe('places', () => {
  test('below are waited for before SYNCED, and looked for again each minute', async () => {
    const { clock, set, watch, watchers } = createCloud();
    set('c', { a: {} });
    set('below', { b: {} });
    set('new', { n: {} });
    let below = ['below'];
    const search = Promise.withResolvers<void>();
    const reader = readAll(watch({ more: () => search.promise.then(() => below) }));
    await settle();
    expect(told(reader)).toEqual(['SNAPSHOT IN_PROGRESS a']);
    search.resolve();
    await settle();
    expect(told(reader)).toEqual(['SNAPSHOT IN_PROGRESS a', 'SNAPSHOT IN_PROGRESS b', 'SYNCED']);
    below = ['below', 'new'];
    await clock.advance(60_000);
    expect(told(reader).at(-1)).toBe('ADDED IN_PROGRESS n');
    await reader.feed.return();
    expect([watchers.stats().listings, clock.sleepers]).toEqual([0, 0]);
  });

  test('that cannot be found are a GAP; too many of them are refused', async () => {
    const { clock, set, watch, watchers } = createCloud();
    set('c', { a: {} });
    const unlucky = readAll(watch({ more: () => Promise.reject(upstreamError('UPSTREAM_TIMEOUT')) }));
    const greedy = readAll(
      watch({ more: () => Promise.reject(new LimitError('MAX_QUERY_COST', 'too many')) }),
    );
    await settle();
    expect(told(unlucky)).toEqual(['SNAPSHOT IN_PROGRESS a', 'GAP UPSTREAM_SILENT', 'SYNCED']);
    expect(greedy.error()).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await unlucky.feed.return();
    expect([watchers.stats().listings, clock.sleepers]).toEqual([0, 0]);
  });

  test('none at all are synced at once', async () => {
    const { watch, watchers } = createCloud();
    const reader = readAll(watch({ places: [] }));
    await settle();
    expect(told(reader)).toEqual(['SYNCED']);
    watchers.stop();
    await settle();
    expect(reader.isDone()).toBe(true);
  });
});

test('a thousand matches are taken, and no more', async () => {
  const { set, watch, watchers, clock } = createCloud();
  const many = (count: number): Record<string, Fields> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`w${index}`, { status: 'FAILED' as const }]),
    );
  set('c', many(1_000));
  const reader = readAll(watch());
  await settle();
  expect(reader.events).toHaveLength(1_001);
  await reader.feed.return();
  set('c', many(1_001));
  await clock.advance(pollMinMs);
  const refused = readAll(watch());
  await settle();
  expect(refused.error()).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  expect([watchers.stats().listings, clock.sleepers]).toEqual([0, 0]);
});

test('what is not over is followed to its end, however many came and ended since', async () => {
  const { clock, set, watch, watchers } = createCloud();
  const content: Record<string, Fields> = { a: {}, b: {} };
  set('c', content);
  const reader = readAll(watch({ matches: ({ isTerminal, id }) => !isTerminal || id.startsWith('other') }));
  await settle();
  for (let chunk = 0; chunk < 11; chunk += 1) {
    for (let index = 0; index < 1_000; index += 1)
      content[`other ${chunk * 1_000 + index}`] = { status: 'SUCCEEDED' };
    set('c', content);
    await clock.advance(60_000);
  }
  expect(reader.events).toHaveLength(11_003);
  set('c', { ...content, a: { percentComplete: 5 }, b: { status: 'FAILED' } });
  await clock.advance(60_000);
  expect([...told(reader).slice(11_003)].sort()).toEqual(['CHANGED IN_PROGRESS 5 a', 'FINISHED FAILED b']);
  watchers.stop();
});

test('a slow reader has the progress of each work request folded apart', async () => {
  const { clock, set, watch, watchers } = createCloud();
  set('c', { a: { percentComplete: 1 }, b: { percentComplete: 1 } });
  const slow = watch();
  await settle();
  for (const percentComplete of [2, 3, 4]) {
    set('c', { a: { percentComplete }, b: { percentComplete } });
    await clock.advance(pollMinMs);
  }
  const reader = readAll(slow);
  await settle();
  expect(told(reader)).toEqual(['SNAPSHOT IN_PROGRESS 4 a', 'SNAPSHOT IN_PROGRESS 4 b', 'SYNCED']);
  watchers.stop();
});
