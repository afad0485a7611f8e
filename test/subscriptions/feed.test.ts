import { describe, expect, jest, test } from '@jest/globals';
import { createFeed } from '../../subscriptions/feed.ts';
import type { FeedWriter } from '../../subscriptions/feed.ts';
import { changedOf, finishedOf, overflowOf, snapshotOf } from '../../subscriptions/telling.ts';
import { settle, shorten, workRequestOf } from './harness.ts';

const at = (percentComplete: number) => workRequestOf({ percentComplete });
const snapshot = snapshotOf(at(0), true);
const progress = (percent: number) => changedOf(at(0), at(percent), { isProgress: true });
const newStatus = (percent: number) => changedOf(at(0), at(percent), { isProgress: false });

const open = (capacity = 100): FeedWriter & { readonly onClose: jest.Mock<() => void> } => {
  const onClose = jest.fn<() => void>();
  return { ...createFeed({ capacity, overflow: (told) => overflowOf(told, 0), onClose }), onClose };
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
