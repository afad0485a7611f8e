import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { Told } from '../../subscriptions/events.ts';
import { createFeed } from '../../subscriptions/feed.ts';
import type { FeedWriter } from '../../subscriptions/feed.ts';
import { changedOf, finishedOf, overflowOf, silenceOf, snapshotOf } from '../../subscriptions/telling.ts';
import { settle, shorten, workRequestOf } from './harness.ts';

const at = (percentComplete: number) => workRequestOf({ percentComplete });
const snapshot = snapshotOf(at(0), true);
const progress = (percent: number) => changedOf(at(0), at(percent), { isProgress: true });
const newStatus = (percent: number) => changedOf(at(0), at(percent), { isProgress: false });

const open = (capacity = 100): FeedWriter & { readonly onClose: jest.Mock<() => void> } => {
  const onClose = jest.fn<() => void>();
  const writer = createFeed({ capacity, overflow: (told) => overflowOf(told, 0) }, onClose);
  return {
    feed: writer.feed,
    push: (told) => writer.push(told),
    end: (last) => writer.end(last),
    fail: (error) => writer.fail(error),
    onClose,
  };
};

const drain = async ({ feed }: FeedWriter): Promise<readonly string[]> => {
  const told: string[] = [];
  for await (const event of feed) told.push(shorten(event));
  return told;
};

describe('a feed', () => {
  test('hands events on in order, numbered from one, whether they were waited for or not', async () => {
    const { feed, push, end } = open();
    const first = feed.next();
    const second = feed.next();
    push(snapshot);
    push(progress(1));
    push(newStatus(2));
    end();
    const events = [await first, await second, await feed.next()];
    expect(events.map(({ value }) => value?.sequence)).toEqual([1, 2, 3]);
    expect(events.map(({ value }) => value?.workRequest?.percentComplete)).toEqual([0, 1, 2]);
    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });

  test('gives subscribers nothing that only the house needs to know', async () => {
    const { feed, push } = open();
    push(snapshot);
    const { value } = await feed.next();
    expect(Object.keys(value ?? {}).sort()).toEqual([
      'gap',
      'mergedCount',
      'nextPollAt',
      'previousStatus',
      'sequence',
      'type',
      'workRequest',
    ]);
  });

  test('ends while idle: a pending next() is done at once, and the watcher hears of it once', async () => {
    const { feed, onClose } = open();
    const pending = [feed.next(), feed.next()];
    await feed.return();
    expect(await Promise.all(pending)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    await feed.return();
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  test('drops what waits when its reader leaves', async () => {
    const { feed, push } = open();
    push(snapshot);
    await feed.return();
    push(newStatus(1));
    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });

  test('leaves a for-await loop by break, by throw and by await using alike', async () => {
    for (const leave of ['break', 'throw', 'dispose'] as const) {
      const writer = open();
      writer.push(snapshot);
      const read = async (): Promise<void> => {
        for await (const event of writer.feed) {
          expect(event.type).toBe('SNAPSHOT');
          if (leave === 'break') break;
          if (leave === 'throw') throw new Error('enough');
          await writer.feed[Symbol.asyncDispose]();
        }
      };
      await read().catch(() => {});
      expect(writer.onClose).toHaveBeenCalledTimes(1);
    }
  });

  test('rejects throw() with its error, and has left', async () => {
    const { feed, onClose } = open();
    await expect(feed.throw(new Error('enough'))).rejects.toThrow('enough');
    expect(onClose).toHaveBeenCalledTimes(1);
    expect((await feed.next()).done).toBe(true);
  });

  test('gives an error to one next() alone, after what was told before', async () => {
    const { feed, push, fail, onClose } = open();
    push(snapshot);
    fail(new Error('broken'));
    expect((await feed.next()).value?.type).toBe('SNAPSHOT');
    await expect(feed.next()).rejects.toThrow('broken');
    expect((await feed.next()).done).toBe(true);
    expect(onClose).not.toHaveBeenCalled();
  });

  test('rejects the first of several pending next() with the error, the others are done', async () => {
    const { feed, fail } = open();
    const [first, second] = [feed.next(), feed.next()];
    fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    expect((await second).done).toBe(true);
  });

  test('leaves no unhandled rejection when nobody asks for its error', async () => {
    const { feed, fail } = open();
    fail(new Error('broken'));
    await settle();
    await feed.return();
    expect((await feed.next()).done).toBe(true);
  });
});

describe('a feed whose reader is slow', () => {
  test('folds progress into what waits, whatever that is, and keeps its name', async () => {
    const writer = open();
    writer.push(snapshot);
    writer.push(progress(1));
    writer.push(newStatus(2));
    writer.push(progress(3));
    writer.push(progress(4));
    writer.end();
    expect(await drain(writer)).toEqual(['SNAPSHOT IN_PROGRESS 1', 'CHANGED IN_PROGRESS 4']);
  });

  test('folds nothing while it is read in time', async () => {
    const writer = open();
    const told: string[] = [];
    for (let percent = 1; percent <= 3; percent += 1) {
      writer.push(progress(percent));
      const { value } = await writer.feed.next();
      if (value) told.push(`${shorten(value)} +${value.mergedCount}`);
    }
    expect(told).toEqual([
      'CHANGED IN_PROGRESS 1 +0',
      'CHANGED IN_PROGRESS 2 +0',
      'CHANGED IN_PROGRESS 3 +0',
    ]);
  });

  test('holds no more than its capacity of any number of changes', async () => {
    const writer = open(5);
    writer.push(snapshot);
    for (let percent = 1; percent <= 10_000; percent += 1) writer.push(progress(percent));
    for (let flip = 0; flip < 10_000; flip += 1) writer.push(newStatus(flip));
    const told = await drain(writer);
    expect(told.length).toBe(6);
    expect(told[0]).toBe('SNAPSHOT IN_PROGRESS 10000');
    expect(told.at(-1)).toBe('GAP OVERFLOW');
    expect(writer.onClose).toHaveBeenCalledTimes(1);
  });

  test('folds nothing into a gap', async () => {
    const writer = open();
    writer.push(overflowOf(snapshot, 0));
    writer.push(progress(1));
    writer.end();
    expect(await drain(writer)).toEqual(['GAP OVERFLOW', 'CHANGED IN_PROGRESS 1']);
  });

  test('always has room for the end', async () => {
    const writer = open(2);
    writer.push(snapshot);
    writer.push(newStatus(1));
    writer.end(finishedOf(at(1), workRequestOf({ status: 'SUCCEEDED' })));
    expect(await drain(writer)).toEqual([
      'SNAPSHOT IN_PROGRESS 0',
      'CHANGED IN_PROGRESS 1',
      'FINISHED SUCCEEDED',
    ]);
    expect(writer.onClose).not.toHaveBeenCalled();
  });
});

describe('a feed of many work requests', () => {
  const of = (id: string, percentComplete: number) => workRequestOf({ id, percentComplete });
  const progressOf = (id: string, percent: number) =>
    changedOf(of(id, 0), of(id, percent), { isProgress: true });
  const synced = { ...snapshot, type: 'SYNCED', workRequest: null } as const;
  const drainAll = async (writer: FeedWriter): Promise<readonly string[]> => {
    const told: string[] = [];
    for await (const event of writer.feed)
      told.push(`${event.workRequest?.id} ${shorten(event)} +${event.mergedCount}`);
    return told;
  };

  test('folds progress into what waits for the same one, whatever waits behind it', async () => {
    const writer = open();
    writer.push(snapshotOf(of('a', 0), true));
    writer.push(snapshotOf(of('b', 0), true));
    writer.push(synced);
    writer.push(progressOf('a', 1));
    writer.push(changedOf(of('b', 0), of('b', 2), { isProgress: false }));
    writer.push(progressOf('a', 3));
    writer.push(progressOf('b', 4));
    writer.end();
    expect(await drainAll(writer)).toEqual([
      'a SNAPSHOT IN_PROGRESS 3 +2',
      'b SNAPSHOT IN_PROGRESS 0 +0',
      'undefined SYNCED +0',
      'b CHANGED IN_PROGRESS 4 +1',
    ]);
  });

  test('folds nothing into what was read, and nothing over a gap', async () => {
    const writer = open();
    for (const id of ['a', 'b', 'c']) writer.push(snapshotOf(of(id, 0), true));
    await writer.feed.next();
    writer.push(progressOf('a', 1));
    writer.push(silenceOf(of('b', 0), 0, 0));
    writer.push(progressOf('b', 2));
    writer.end();
    expect(await drainAll(writer)).toEqual([
      'b SNAPSHOT IN_PROGRESS 0 +0',
      'c SNAPSHOT IN_PROGRESS 0 +0',
      'a CHANGED IN_PROGRESS 1 +0',
      'b GAP UPSTREAM_SILENT +0',
      'b CHANGED IN_PROGRESS 2 +0',
    ]);
  });

  test('as a plain queue would that looks through all that waits (any sequence of pushes and reads)', async () => {
    const step = fc.oneof(
      fc.record({ id: fc.constantFrom('a', 'b', 'c'), isProgress: fc.boolean() }),
      fc.constant('read' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const writer = open(1_000);
        const model: { told: Told; merged: number }[] = [];
        let percent = 0;
        for (const one of steps) {
          if (one === 'read') {
            const expected = model.shift();
            const taken = writer.feed.take();
            if (expected === undefined) expect(taken).toBeNull();
            else {
              expect(taken).toMatchObject({
                told: { type: expected.told.type, workRequest: expected.told.workRequest },
                mergedCount: expected.merged,
              });
            }
            continue;
          }
          percent += 1;
          const told = changedOf(of(one.id, 0), of(one.id, percent), { isProgress: one.isProgress });
          const waiting = model.findLast((entry) => entry.told.workRequest?.id === one.id);
          if (one.isProgress && waiting) {
            waiting.told = { ...waiting.told, workRequest: told.workRequest };
            waiting.merged += 1;
          } else model.push({ told, merged: 0 });
          writer.push(told);
        }
      }),
    );
  });
});

describe('a feed that a door takes from', () => {
  test('hands out what was told itself, says when there is something, and how it ended', () => {
    const { feed, push, end } = open();
    const onReady = jest.fn<() => void>();
    feed.listen(onReady);
    expect(feed.take()).toBeNull();
    push(snapshot);
    expect(onReady).toHaveBeenCalledTimes(1);
    const taken = feed.take();
    expect(taken).toEqual({ kind: 'event', told: snapshot, sequence: 1, mergedCount: 0 });
    expect(taken?.kind === 'event' && taken.told).toBe(snapshot);
    expect(feed.take()).toBeNull();
    end();
    expect(onReady).toHaveBeenCalledTimes(2);
    expect(feed.take()).toEqual({ kind: 'complete' });
    expect(feed.take()).toEqual({ kind: 'complete' });
  });

  test('tells a failure and an overflow apart, after what was told before', () => {
    const failing = open();
    failing.push(snapshot);
    failing.fail('broken');
    expect(failing.feed.take()).toMatchObject({ told: snapshot });
    expect(failing.feed.take()).toEqual({ kind: 'failed', error: 'broken' });

    const full = open(1);
    full.push(snapshot);
    full.push(newStatus(1));
    expect(full.feed.take()).toMatchObject({ told: snapshot });
    expect(full.feed.take()).toMatchObject({ told: { gap: { reason: 'OVERFLOW' } }, sequence: 2 });
    expect(full.feed.take()).toEqual({ kind: 'overflow' });
  });

  test('folds the same two into the same one for all who wait alike', () => {
    const [newer, newest] = [progress(1), progress(2)];
    const takes = [open(), open()].map(({ feed, push }) => {
      for (const told of [snapshot, newer, newest]) push(told);
      return feed.take();
    });
    const [one, other] = takes.map((taken) => taken?.kind === 'event' && taken.told);
    expect(one).toMatchObject({ type: 'SNAPSHOT', workRequest: { percentComplete: 2 } });
    expect(one).toBe(other);
  });

  test('hears nothing more when it has left', async () => {
    const { feed, push, onClose } = open();
    const onReady = jest.fn<() => void>();
    feed.listen(onReady);
    await feed.return();
    push(snapshot);
    expect(onReady).not.toHaveBeenCalled();
    expect(feed.take()).toEqual({ kind: 'complete' });
    expect(onClose).toHaveBeenCalledTimes(1);
  });
});

test('feeds count what waits in them all, however it goes', async () => {
  const queues = { waiting: 0 };
  const rules = { capacity: 3, overflow: (told: Told) => overflowOf(told, 0), queues };
  const writers = [1, 2, 3].map(() => createFeed(rules, () => {}));
  const [read, left, full] = writers;
  for (const writer of writers) for (let i = 0; i < 2; i += 1) writer.push(newStatus(i));
  expect(queues.waiting).toBe(6);
  await read?.feed.next();
  expect(queues.waiting).toBe(5);
  await left?.feed.return();
  expect(queues.waiting).toBe(3);
  // What folds into what waits is no event more; what finds no room becomes the GAP.
  full?.push(progress(9));
  expect(queues.waiting).toBe(3);
  for (let i = 0; i < 3; i += 1) full?.push(newStatus(i));
  expect(queues.waiting).toBe(5);
  for (const writer of writers) {
    writer.end();
    await drain(writer);
  }
  expect(queues.waiting).toBe(0);
});
