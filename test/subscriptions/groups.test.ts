import { describe, expect, test } from '@jest/globals';
import type { WorkRequest, WorkRequestRef } from '../../datasources/types.ts';
import { createWatchers } from '../../subscriptions/watchers.ts';
import { createManualClock } from '../support/clock.ts';
import { pollMinMs, readAll, refOf, rules, upstreamError, workRequestOf } from './harness.ts';

/** By compartment. */
const grouped = {
  ...rules,
  random: () => 0.5,
  keyOf: ({ workRequestId }: WorkRequestRef) => workRequestId,
  groupOf: ({ compartmentId }: WorkRequest) => compartmentId,
};

/** Watchers over a source in which each work request is as old as the test says, and looks of one breath are on record. */
const createGroupBench = (ages: Readonly<Record<string, number>>, retryAfterMs: number | null = null) => {
  const clock = createManualClock();
  const breaths = new Map<number, string[]>();
  const watchers = createWatchers({
    ...grouped,
    clock,
    async read(ref): Promise<WorkRequest> {
      const id = ref.workRequestId;
      breaths.set(clock.passed(), [...(breaths.get(clock.passed()) ?? []), id]);
      return workRequestOf({
        ref,
        id,
        compartmentId: id.startsWith('alone') ? null : 'c',
        timeStarted: new Date(clock.now() - (ages[id] ?? 0)),
        retryAfterMs: id.startsWith('resting') ? retryAfterMs : null,
      });
    },
  });
  return { clock, watchers, breaths };
};

const minutes = 60_000;

describe('watches of one group', () => {
  test('look together where they would do so soon anyway, whatever time they began', async () => {
    const { clock, watchers, breaths } = createGroupBench({ a: 0, b: 0, alone: 0 });
    readAll(watchers.watch(refOf('a')));
    readAll(watchers.watch(refOf('alone')));
    await clock.advance(1_500);
    readAll(watchers.watch(refOf('b')));
    await clock.advance(3 * pollMinMs);
    expect(breaths.get(0)).toEqual(['a', 'alone']);
    expect(breaths.get(1_500)).toEqual(['b']);
    // b was due at 3,500: too far off at 2,000, so a comes to it.
    expect(breaths.get(2_000)).toEqual(['a', 'alone']);
    expect(breaths.get(3_500)).toEqual(['b', 'a']);
    expect(breaths.get(5_500)).toEqual(expect.arrayContaining(['a', 'b']));
    watchers.stop();
    expect(clock.sleepers).toBe(0);
  });

  test('keep each its own pace', async () => {
    const { clock, watchers, breaths } = createGroupBench({ old: 60 * minutes, young: 0 });
    for (const id of ['old', 'young']) readAll(watchers.watch(refOf(id)));
    await clock.advance(60_000);
    const looks = (id: string): number => [...breaths.values()].filter((ids) => ids.includes(id)).length;
    expect(looks('young')).toBeGreaterThan(20);
    expect(looks('old')).toBeLessThanOrEqual(6);
    watchers.stop();
  });

  test('leave one alone that upstream asked to rest', async () => {
    const { clock, watchers, breaths } = createGroupBench({ resting: 0, b: 0 }, 30_000);
    for (const id of ['resting', 'b']) readAll(watchers.watch(refOf(id)));
    await clock.advance(29_999);
    expect([...breaths.values()].filter((ids) => ids.includes('resting'))).toHaveLength(1);
    watchers.stop();
  });
});

test('the second look at what `timeFinished` alone calls finished comes no sooner for the looks of others', async () => {
  const clock = createManualClock();
  const watchers = createWatchers({
    ...grouped,
    clock,
    read: async (ref) =>
      workRequestOf({
        ref,
        id: ref.workRequestId,
        compartmentId: 'c',
        ...(ref.workRequestId === 'finished' && {
          timeStarted: new Date(clock.now() - 60 * minutes),
          timeFinished: new Date(clock.now()),
        }),
      }),
  });
  readAll(watchers.watch(refOf('other')));
  await clock.advance((3 * pollMinMs) / 4);
  const reader = readAll(watchers.watch(refOf('finished')));
  await clock.advance(pollMinMs - 1);
  expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
  await clock.advance(1);
  expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'FINISHED IN_PROGRESS']);
  watchers.stop();
});

describe('where one of a group cannot be read', () => {
  test('the others’ looks do not take it along sooner than the shortest interval after it was tried', async () => {
    const clock = createManualClock();
    const looks: Record<string, number[]> = { sick: [], b: [] };
    let isSick = false;
    const watchers = createWatchers({
      ...grouped,
      pollMaxMs: pollMinMs,
      clock,
      async read(ref) {
        const id = ref.workRequestId;
        looks[id]?.push(clock.passed());
        if (id === 'sick' && isSick) throw upstreamError('UPSTREAM_UNAVAILABLE');
        return workRequestOf({ ref, id, compartmentId: 'c', retryAfterMs: id === 'b' ? 2_300 : null });
      },
    });
    for (const id of ['sick', 'b']) readAll(watchers.watch(refOf(id)));
    await clock.advance(pollMinMs / 2);
    isSick = true;
    await clock.advance(10 * pollMinMs);
    const delays = (looks['sick'] ?? []).slice(1).map((at, index) => at - (looks['sick']?.[index] ?? 0));
    expect(delays.length).toBeGreaterThan(5);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(pollMinMs / 2);
    watchers.stop();
  });
});

describe('while looks wait for the budget of the gateway', () => {
  /** Each read waits until the test answers all that were made by then. */
  const createShortBench = () => {
    const clock = createManualClock();
    const waiting = new Map<string, () => void>();
    const begun: string[] = [];
    const late: number[] = [];
    const turn = Promise.withResolvers<void>();
    let isShort = true;
    void turn.promise.then(() => (isShort = false));
    const watchers = createWatchers({
      ...grouped,
      clock,
      backlog: () => (isShort ? turn.promise : null),
      observeLateness: (lateMs) => late.push(lateMs),
      read({ workRequestId: id }) {
        begun.push(id);
        return new Promise((resolve) =>
          waiting.set(id, () => resolve(workRequestOf({ ref: refOf(id), id, compartmentId: 'c' }))),
        );
      },
    });
    const answer = async (...ids: readonly string[]): Promise<void> => {
      await clock.advance(0);
      for (const id of ids) waiting.get(id)?.();
      await clock.advance(0);
    };
    return { clock, watchers, begun, late, answer, turn };
  };

  test('whoever comes due looks with the next batch, and says how late that was', async () => {
    const { clock, watchers, begun, late, answer } = createShortBench();
    for (const id of ['a', 'b', 'c']) readAll(watchers.watch(refOf(id)));
    await answer('a');
    await clock.advance(pollMinMs / 2);
    await answer('b', 'c');
    // a is due first, at once with none: b and c had their answers too short a time ago.
    begun.length = 0;
    await clock.advance(pollMinMs / 2 - 1);
    expect(begun).toEqual([]);
    await clock.advance(1);
    expect(begun).toEqual(['a', 'b', 'c']);
    await answer('b');
    begun.length = 0;
    await clock.advance(3 * pollMinMs);
    // b is due, while a batch of the others is under way whose first answer came: it begins one of its own.
    expect(begun).toEqual(['b']);
    await answer('c');
    await clock.advance(2 * pollMinMs);
    expect(begun).toEqual(['b']);
    await answer('b');
    expect(begun).toEqual(['b', 'c']);
    expect(late.at(-1)).toBe(pollMinMs);
    watchers.stop();
    expect(clock.sleepers).toBe(0);
  });

  test('the next batch waits for the turn of the one before, and not long for an answer that does not come', async () => {
    const { clock, watchers, begun, answer, turn } = createShortBench();
    for (const id of ['a', 'b']) readAll(watchers.watch(refOf(id)));
    await answer('a');
    await clock.advance(pollMinMs / 2 + 1);
    await answer('b');
    begun.length = 0;
    // a looks alone, and hangs; b comes due meanwhile.
    await clock.advance(3 * pollMinMs);
    expect(begun).toEqual(['a']);
    turn.resolve();
    await clock.advance(pollMinMs - 1);
    expect(begun).toEqual(['a']);
    await clock.advance(1);
    expect(begun).toEqual(['a', 'b']);
    watchers.stop();
  });

  test('a call that has only just had its turn is no silence of upstream’s', async () => {
    const { clock, watchers, answer, turn } = createShortBench();
    const reader = readAll(watchers.watch(refOf('a')));
    await answer('a');
    await clock.advance(3 * pollMinMs - 1);
    turn.resolve();
    await clock.advance(pollMinMs - 1);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    await clock.advance(1);
    expect(reader.told().at(-1)).toBe('GAP UPSTREAM_SILENT');
    watchers.stop();
  });

  test('and nobody is stuck behind one that asked for rest', async () => {
    const { clock, watchers, begun, answer } = createShortBench();
    for (const id of ['a', 'b', 'c']) readAll(watchers.watch(refOf(id)));
    await answer('a', 'b', 'c');
    await clock.advance(pollMinMs);
    // a and b come due while c's answer is awaited.
    await answer('a', 'b');
    begun.length = 0;
    // An older answer that somebody else read asks for rest.
    const asking = workRequestOf({ ref: refOf('a'), id: 'a', compartmentId: 'c', retryAfterMs: 60_000 });
    watchers.observe({ ...asking, isPartial: true });
    await clock.advance(2 * pollMinMs);
    await answer('c', 'b');
    await clock.advance(2 * pollMinMs);
    await answer('c', 'b');
    expect(begun).not.toContain('a');
    expect(begun).toContain('b');
    await clock.advance(60_000);
    await answer('b', 'c');
    expect(begun).toContain('a');
    watchers.stop();
  });

  test('what somebody else saw meanwhile puts off the look', async () => {
    const { clock, watchers, begun, answer } = createShortBench();
    for (const id of ['a', 'b']) readAll(watchers.watch(refOf(id)));
    await answer('a', 'b');
    await clock.advance(pollMinMs);
    await answer('b');
    begun.length = 0;
    await clock.advance(1.5 * pollMinMs);
    expect(begun).toEqual(['b']);
    const seen = workRequestOf({ ref: refOf('a'), id: 'a', compartmentId: 'c', percentComplete: 5 });
    watchers.pass(seen);
    await answer('a');
    await clock.advance(pollMinMs);
    watchers.observe(seen);
    await answer('b');
    expect(begun).toEqual(['b']);
    watchers.stop();
  });
});

describe('a look that is hurried', () => {
  test('comes one shortest interval later, and not before upstream wants it', async () => {
    const { clock, watchers, breaths } = createGroupBench({ a: 60 * minutes, resting: 60 * minutes }, 20_000);
    for (const id of ['a', 'resting']) readAll(watchers.watch(refOf(id)));
    await clock.advance(1_000);
    for (const id of ['a', 'resting', 'nobody watches']) watchers.hurry(refOf(id));
    await clock.advance(pollMinMs);
    expect(breaths.get(1_000 + pollMinMs)).toEqual(['a']);
    watchers.stop();
  });
});

describe('what a poll reads beside', () => {
  /** A watch whose every look but the first takes until the test answers it. */
  const createSlowBench = async () => {
    const clock = createManualClock();
    const answers: ((workRequest: WorkRequest) => void)[] = [];
    const watchers = createWatchers({
      ...rules,
      clock,
      random: () => 0.5,
      keyOf: ({ workRequestId }) => workRequestId,
      read: () => new Promise((resolve) => answers.push(resolve)),
    });
    const of = (percentComplete: number): WorkRequest =>
      workRequestOf({ ref: refOf('a'), id: 'a', percentComplete });
    const reader = readAll(watchers.watch(refOf('a')));
    await clock.advance(0);
    answers.shift()?.(of(10));
    await clock.advance(pollMinMs);
    return { clock, watchers, of, reader };
  };

  test('is told before what others read later, though a look is under way', async () => {
    const { clock, watchers, of, reader } = await createSlowBench();
    watchers.pass(of(20));
    watchers.observe(of(30));
    await clock.advance(0);
    expect(reader.told().slice(1)).toEqual(['CHANGED IN_PROGRESS 20', 'CHANGED IN_PROGRESS 30']);
    watchers.stop();
  });

  test('ends a silence that was told, and the next one is told again', async () => {
    const { clock, watchers, of, reader } = await createSlowBench();
    await clock.advance(3 * pollMinMs);
    expect(reader.told().at(-1)).toBe('GAP UPSTREAM_SILENT');
    watchers.pass(of(20));
    await clock.advance(0);
    expect(reader.told().at(-1)).toBe('CHANGED IN_PROGRESS 20');
    await clock.advance(3 * pollMinMs);
    expect(reader.told().at(-1)).toBe('GAP UPSTREAM_SILENT');
    watchers.stop();
  });

  test('is told after the look that waits, and once where it is its own answer', async () => {
    const clock = createManualClock();
    let answer = Promise.withResolvers<WorkRequest>();
    const watchers = createWatchers({
      ...rules,
      clock,
      random: () => 0.5,
      keyOf: ({ workRequestId }) => workRequestId,
      read: () => answer.promise,
    });
    const of = (percentComplete: number): WorkRequest =>
      workRequestOf({ ref: refOf('a'), id: 'a', percentComplete });
    const reader = readAll(watchers.watch(refOf('a')));
    const first = of(10);
    watchers.pass(first);
    await clock.advance(0);
    expect(reader.told()).toEqual([]);
    answer.resolve(first);
    await clock.advance(0);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS 10']);
    expect(reader.events[0]?.nextPollAt).not.toBeNull();
    watchers.pass(of(20));
    answer = Promise.withResolvers();
    await clock.advance(pollMinMs);
    watchers.pass(of(30));
    answer.resolve(of(40));
    await clock.advance(0);
    expect(reader.told()).toEqual([
      'SNAPSHOT IN_PROGRESS 10',
      'CHANGED IN_PROGRESS 20',
      'CHANGED IN_PROGRESS 30',
      'CHANGED IN_PROGRESS 40',
    ]);
    watchers.stop();
  });
});
