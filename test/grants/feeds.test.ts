/** A feed as one caller may see it. */
import { describe, expect, test } from '@jest/globals';
import { createJudgedFeed } from '../../grants/feeds.ts';
import type { Told } from '../../subscriptions/events.ts';
import { createEndedFeed, createFeed } from '../../subscriptions/feed.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import {
  absenceOf,
  changedOf,
  finishedOf,
  listSilenceOf,
  goneOf,
  overflowOf,
  silenceOf,
  snapshotOf,
  synced,
} from '../../subscriptions/telling.ts';
import { workRequestOf } from '../subscriptions/harness.ts';

const [one, other] = ['one', 'other'].map((id) => workRequestOf({ id })) as [
  ReturnType<typeof workRequestOf>,
  ReturnType<typeof workRequestOf>,
];

const begin = (form: 'single' | 'list', capacity = 10) => {
  const hidden = new Set<string>();
  const listeners = new Set<() => void>();
  let isClosed = false;
  const writer = createFeed(
    { capacity, overflow: (told) => overflowOf(told, 0), form },
    () => (isClosed = true),
  );
  const feed = createJudgedFeed(writer.feed, {
    maySee: ({ id }) => !hidden.has(id),
    mayAsk: ({ compartmentId }) => !hidden.has(compartmentId),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    now: () => 0,
  });
  return {
    feed,
    writer,
    hide: (id: string) => void hidden.add(id),
    show: (id: string) => void hidden.delete(id),
    change: () => listeners.forEach((listener) => listener()),
    isClosed: () => isClosed,
    listeners: () => listeners.size,
  };
};

const wordOf = ({ type, workRequest, gap }: Pick<Told, 'type' | 'workRequest' | 'gap'>): string =>
  [type, workRequest?.id, gap?.reason].filter(Boolean).join(' ');

const takeAll = (feed: Feed): readonly string[] => {
  const words: string[] = [];
  for (let taken = feed.take(); taken !== null; taken = feed.take()) {
    if (taken.kind !== 'event') return [...words, taken.kind];
    words.push(`${taken.sequence} ${wordOf(taken.told)}`);
  }
  return words;
};

describe('a list', () => {
  test('leaves out what may not be seen, without a gap in the numbers', () => {
    const { feed, writer, hide } = begin('list');
    hide('one');
    const [first, second] = [snapshotOf(one, true), snapshotOf(other, true)];
    for (const told of [
      first,
      second,
      synced,
      changedOf(one, one, { isProgress: false }),
      silenceOf(one, 0, 0),
    ])
      writer.push(told);
    expect(takeAll(feed)).toEqual(['1 SNAPSHOT other', '2 SYNCED']);
  });

  test('hands on the same objects, so that they are rendered once for all', () => {
    const { feed, writer } = begin('list');
    const told = snapshotOf(one, true);
    writer.push(told);
    expect(feed.take()).toMatchObject({ kind: 'event' });
    writer.push(told);
    const taken = feed.take();
    expect(taken?.kind === 'event' && taken.told).toBe(told);
  });

  test('ends what goes out of sight, once, as if it were gone, in its last state that was seen', () => {
    const { feed, writer, hide, change } = begin('list');
    writer.push(snapshotOf(one, true));
    writer.push(snapshotOf(other, true));
    takeAll(feed);
    hide('one');
    writer.push(changedOf(one, { ...one, compartmentId: 'elsewhere' }, { isProgress: false }));
    expect(takeAll(feed)).toEqual(['3 GAP one NOT_FOUND']);
    writer.push(changedOf(one, one, { isProgress: false }));
    change();
    expect(takeAll(feed)).toEqual([]);
    hide('other');
    let isReady = false;
    feed.listen(() => (isReady = true));
    change();
    expect(isReady).toBe(true);
    expect(takeAll(feed)).toEqual(['4 GAP other NOT_FOUND']);
  });

  test('tells of what comes back as of what is new, also where nothing happens to it', () => {
    const { feed, writer, hide, show, change } = begin('list');
    const done = { ...one, isTerminal: true };
    for (const told of [snapshotOf(one, true), snapshotOf(other, true), synced]) writer.push(told);
    takeAll(feed);
    hide('one');
    hide('other');
    change();
    writer.push(finishedOf(one, done));
    expect(takeAll(feed)).toEqual(['4 GAP one NOT_FOUND', '5 GAP other NOT_FOUND']);
    show('one');
    change();
    expect(feed.take()).toMatchObject({
      sequence: 6,
      told: { type: 'ADDED', workRequest: done, previousStatus: null },
    });
    show('other');
    writer.push(changedOf(other, other, { isProgress: false }));
    writer.push(changedOf(other, other, { isProgress: false }));
    expect(takeAll(feed)).toEqual(['7 ADDED other', '8 CHANGED other']);
    change();
    expect(takeAll(feed)).toEqual([]);
  });

  test.each([false, true])(
    'says nothing of what came back and went again before anybody heard of it (over: %j)',
    (isTerminal) => {
      const { feed, writer, hide, show, change } = begin('list');
      const last = { ...one, isTerminal };
      writer.push(snapshotOf(one, true));
      takeAll(feed);
      hide('one');
      change();
      writer.push(changedOf(one, last, { isProgress: false }));
      expect(takeAll(feed)).toEqual(['2 GAP one NOT_FOUND']);
      for (let times = 0; times < 3; times += 1) {
        show('one');
        change();
        hide('one');
        change();
      }
      expect(takeAll(feed)).toEqual([]);
      show('one');
      change();
      // Also where nobody has said yet that it may be seen no more.
      hide('one');
      expect(takeAll(feed)).toEqual([]);
      show('one');
      change();
      expect(takeAll(feed)).toEqual(['3 ADDED one']);
    },
  );

  test('says nothing of what is gone for good while it is out of sight', () => {
    const { feed, writer, hide, show, change } = begin('list');
    writer.push(snapshotOf(one, true));
    takeAll(feed);
    hide('one');
    change();
    writer.push(goneOf(one, 0, 0));
    expect(takeAll(feed)).toEqual(['2 GAP one NOT_FOUND']);
    show('one');
    change();
    expect(takeAll(feed)).toEqual([]);
  });

  test('says nothing of the trouble with lists that it may not ask any more', () => {
    const { feed, writer, hide } = begin('list');
    const gap = listSilenceOf({ service: 'MYSQL', region: 'us-ashburn-1', compartmentId: 'below' }, null, 0);
    writer.push(gap);
    writer.push(gap);
    expect(feed.take()).toMatchObject({ told: { gap: { message: expect.stringContaining('below') } } });
    hide('below');
    expect(takeAll(feed)).toEqual([]);
  });

  test('overflows without telling of what', () => {
    const { feed, writer, hide } = begin('list', 1);
    hide('one');
    writer.push(changedOf(other, other, { isProgress: false }));
    writer.push(changedOf(one, one, { isProgress: false }));
    expect(takeAll(feed)).toEqual(['1 CHANGED other', '2 GAP OVERFLOW', 'overflow']);
  });
});

describe('a single one', () => {
  test('ends with the words that absence has where it may not be seen from the start', async () => {
    const { feed, writer, hide, isClosed, listeners } = begin('single');
    hide('one');
    writer.push(snapshotOf(one, true));
    const events = await readAll(feed);
    expect(events).toEqual(await readAll(createEndedFeed(absenceOf(0))));
    expect([isClosed(), listeners()]).toEqual([true, 0]);
  });

  test('ends when it goes out of sight', async () => {
    const { feed, writer, hide, change, isClosed } = begin('single');
    writer.push(snapshotOf(one, true));
    takeAll(feed);
    hide('one');
    const next = feed.next();
    change();
    expect((await next).value).toMatchObject({ sequence: 2, gap: { reason: 'NOT_FOUND' }, workRequest: one });
    expect(await feed.next()).toEqual({ done: true, value: undefined });
    expect(isClosed()).toBe(true);
  });

  test('is otherwise told to its end', async () => {
    const { feed, writer, listeners } = begin('single');
    writer.push(snapshotOf(one, true));
    writer.end(finishedOf(one, { ...one, isTerminal: true }));
    expect((await readAll(feed)).map(wordOf)).toEqual(['SNAPSHOT one', 'FINISHED one']);
    expect(listeners()).toBe(0);
  });

  test('fails as it would', async () => {
    const { feed, writer } = begin('single');
    writer.fail(new Error('broken'));
    await expect(feed.next()).rejects.toThrow('broken');
  });

  test.each(['return', 'throw', 'dispose'] as const)('%s leaves it, also while one waits', async (how) => {
    const { feed, isClosed, listeners } = begin('single');
    const next = feed.next();
    if (how === 'return') await feed.return();
    else if (how === 'dispose') await feed[Symbol.asyncDispose]();
    else await expect(feed.throw(new Error('mine'))).rejects.toThrow('mine');
    expect(await next).toEqual({ done: true, value: undefined });
    expect([isClosed(), listeners()]).toEqual([true, 0]);
  });
});

const readAll = async (feed: Feed) => {
  const events = [];
  for await (const event of feed) events.push(event);
  return events;
};

test('what comes back while it is silent is told, and its GAP only once it is', () => {
  const { feed, writer, hide, show, change } = begin('list');
  writer.push(snapshotOf(one, true));
  takeAll(feed);
  hide('one');
  change();
  writer.push(silenceOf(one, 0, 0));
  expect(takeAll(feed)).toEqual(['2 GAP one NOT_FOUND']);
  // May be seen again, which nobody has been told of yet.
  show('one');
  writer.push(silenceOf(one, 0, 0));
  expect(takeAll(feed)).toEqual([]);
  change();
  expect(feed.take()).toMatchObject({ mergedCount: 0, told: { type: 'ADDED', workRequest: one } });
});

test('what has come back is judged as what was always there', () => {
  const { feed, writer, hide, show, change } = begin('list');
  writer.push(snapshotOf(one, true));
  takeAll(feed);
  const told = [hide, show, hide].flatMap((judge) => {
    judge('one');
    change();
    return takeAll(feed);
  });
  expect(told).toEqual(['2 GAP one NOT_FOUND', '3 ADDED one', '4 GAP one NOT_FOUND']);
});

test.each([
  ['finished', finishedOf(one, { ...one, isTerminal: true }), 'FINISHED one'],
  ['gone', goneOf(one, 0, 0), 'GAP one NOT_FOUND'],
])('what is %s is not told of again when it goes out of sight', (_, last, word) => {
  const { feed, writer, hide, change } = begin('list');
  writer.push(snapshotOf(one, true));
  writer.push(last);
  expect(takeAll(feed)).toEqual(['1 SNAPSHOT one', `2 ${word}`]);
  hide('one');
  change();
  expect(takeAll(feed)).toEqual([]);
});

test('what is silent ends as anything else when it goes out of sight', () => {
  const { feed, writer, hide, change } = begin('list');
  writer.push(snapshotOf(one, true));
  writer.push(silenceOf(one, 0, 0));
  takeAll(feed);
  hide('one');
  change();
  expect(takeAll(feed)).toEqual(['3 GAP one NOT_FOUND']);
});

test('a feed that is left tells nothing more, also of what went out of sight', async () => {
  const { feed, writer, hide, change } = begin('list');
  writer.push(snapshotOf(one, true));
  takeAll(feed);
  hide('one');
  change();
  await feed.return();
  expect(takeAll(feed)).toEqual(['complete']);
});

test('whoever listens is called for what the feed itself is told, too', () => {
  const { feed, writer } = begin('list');
  let calls = 0;
  feed.listen(() => (calls += 1));
  writer.push(snapshotOf(one, true));
  expect(calls).toBe(1);
});
