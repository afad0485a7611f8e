import { describe, expect, test } from '@jest/globals';
import { isTerminal } from '../../datasources/status.ts';
import type { WorkRequest } from '../../datasources/types.ts';
import { createBench, pollMinMs, readAll, refOf, settle, upstreamError, workRequestOf } from './harness.ts';

describe('watching one work request', () => {
  test('tells its state, each change and its end, then is done', async () => {
    const { clock, watchers, askedAt } = createBench([
      { status: 'ACCEPTED' },
      { percentComplete: 10 },
      { percentComplete: 10 },
      { percentComplete: 60 },
      { status: 'SUCCEEDED', percentComplete: 100, timeFinished: new Date(0) },
    ]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(4 * pollMinMs);
    expect(reader.told()).toEqual([
      'SNAPSHOT ACCEPTED',
      'CHANGED IN_PROGRESS 10',
      'CHANGED IN_PROGRESS 60',
      'FINISHED SUCCEEDED 100',
    ]);
    expect(reader.events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(reader.events.map(({ previousStatus }) => previousStatus)).toEqual([
      null,
      'ACCEPTED',
      'IN_PROGRESS',
      'IN_PROGRESS',
    ]);
    expect(reader.events.map(({ mergedCount }) => mergedCount)).toEqual([0, 0, 0, 0]);
    expect(reader.isDone()).toBe(true);
    expect(reader.error()).toBeNull();
    expect(askedAt).toEqual([0, 2_000, 4_000, 6_000, 8_000]);
    expect([watchers.stats().watchers, clock.sleepers]).toEqual([0, 0]);
  });

  test('says with each event when upstream is looked at next, and with the last that it is not', async () => {
    const { clock, watchers } = createBench([{}, { status: 'FAILED' }]);
    const startedAt = clock.now();
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(pollMinMs);
    expect(reader.events.map(({ nextPollAt }) => nextPollAt)).toEqual([
      new Date(startedAt + pollMinMs),
      null,
    ]);
  });

  test('tells one state and is done when the work request was over before', async () => {
    const { clock, watchers, askedAt } = createBench([{ status: 'CANCELED' }]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT CANCELED']);
    expect(reader.isDone()).toBe(true);
    await clock.advance(60_000);
    expect(askedAt).toEqual([0]);
  });

  test('goes on where a person has to act', async () => {
    const { clock, watchers } = createBench([{}, { status: 'NEEDS_ATTENTION' }, {}, { status: 'SUCCEEDED' }]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.told()).toEqual([
      'SNAPSHOT IN_PROGRESS',
      'CHANGED NEEDS_ATTENTION',
      'CHANGED IN_PROGRESS',
      'FINISHED SUCCEEDED',
    ]);
  });

  test('is silent about answers that differ only in how they came', async () => {
    const { clock, watchers, askedAt } = createBench([{ etag: 'a' }, { etag: 'b' }, { etag: 'c' }]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(20_000);
    expect(askedAt.length).toBeGreaterThan(5);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
  });

  test('waits as long as upstream asks, above the longest interval too', async () => {
    const { clock, watchers, askedAt } = createBench([{ retryAfterMs: 90_000 }, {}]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(89_999);
    expect(askedAt).toEqual([0]);
    await clock.advance(1);
    expect(askedAt).toEqual([0, 90_000]);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
  });
});

describe('a finishing time without a final word', () => {
  const timeFinished = new Date(0);

  test('is read once more, one shortest interval later, before it is told as the end', async () => {
    const { clock, watchers, askedAt } = createBench([
      { retryAfterMs: 20_000 },
      { timeFinished },
      { timeFinished, status: 'SUCCEEDED' },
    ]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(20_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    await clock.advance(pollMinMs);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'FINISHED SUCCEEDED']);
    expect(askedAt).toEqual([0, 20_000, 22_000]);
  });

  test('ends the watch when the second look has no final word either', async () => {
    const { clock, watchers, askedAt } = createBench([{}, { timeFinished, percentComplete: 99 }]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'FINISHED IN_PROGRESS 99']);
    expect(reader.isDone()).toBe(true);
    expect(askedAt).toEqual([0, 2_000, 4_000]);
  });

  test('keeps no new status from being told', async () => {
    const { clock, watchers } = createBench([
      {},
      { timeFinished, status: 'CANCELING' },
      { timeFinished, status: 'CANCELED' },
    ]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED CANCELING', 'FINISHED CANCELED']);
  });

  test('at the start gives the state at once, and the end after the second look', async () => {
    const { clock, watchers, askedAt } = createBench([{ timeFinished }]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    await clock.advance(pollMinMs);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'FINISHED IN_PROGRESS']);
    expect(askedAt).toEqual([0, 2_000]);
  });

  test('ends as finished, not as lost, when the work request is gone by then', async () => {
    const { clock, watchers } = createBench([{}, { timeFinished }, null]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'FINISHED IN_PROGRESS']);
  });

  test('is not believed because the same answer came by two ways', async () => {
    const bench = createBench([{}, { timeFinished }, { timeFinished, status: 'FAILED' }]);
    const { clock, watchers } = bench;
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(pollMinMs - 1);
    watchers.observe(workRequestOf({ timeFinished, observedAt: clock.now() }));
    watchers.observe(workRequestOf({ timeFinished, observedAt: clock.now() }));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    await clock.advance(pollMinMs);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'FINISHED IN_PROGRESS']);
    expect(isTerminal(workRequestOf({ timeFinished }))).toBe(true);
  });
});

describe('what was seen in part', () => {
  const extras = (word: string): Partial<WorkRequest> => ({ extras: { word } });

  test('tells how far it is, over the details that are known', async () => {
    const { clock, watchers, askedAt } = createBench([extras('whole'), extras('whole')]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    watchers.observe(workRequestOf({ status: 'WAITING', ...extras('older'), isPartial: true }));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED WAITING']);
    expect(reader.events[1]?.workRequest).toMatchObject(extras('whole'));
    // The rest is read when it is due.
    await clock.advance(pollMinMs * 1.1);
    expect(askedAt).toHaveLength(2);
  });

  test('by a look of its own tells nothing twice', async () => {
    const { clock, watchers } = createBench([
      extras('whole'),
      { ...extras('older'), isPartial: true },
      extras('whole'),
    ]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(3 * pollMinMs);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
  });

  test('by others, while a look is under way, waits for it no longer than silence is no news', async () => {
    const { clock, watchers } = createBench([{}, new Promise(() => {})]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(pollMinMs);
    watchers.pass(workRequestOf({ status: 'WAITING' }));
    await clock.advance(3 * pollMinMs);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED WAITING']);
    await reader.feed.return();
  });

  test('is nothing to begin with', async () => {
    const { watchers } = createBench([new Promise(() => {})]);
    const reader = readAll(watchers.watch(refOf()));
    watchers.observe(workRequestOf({ isPartial: true }));
    await settle();
    expect(reader.told()).toEqual([]);
    await reader.feed.return();
  });

  test('is read once more where it is the end', async () => {
    const { clock, watchers, askedAt } = createBench(
      [{ retryAfterMs: 1 }, { status: 'FAILED', ...extras('end') }],
      {
        pollMinMs: 1_000,
        random: () => 0.9,
      },
    );
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    watchers.observe(workRequestOf({ status: 'FAILED', isPartial: true }));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    await clock.advance(1_000);
    expect(askedAt).toEqual([0, 1_000]);
    expect(reader.events[1]).toMatchObject({ type: 'FINISHED', workRequest: extras('end') });
  });
});

describe('one poller for all', () => {
  test('asks upstream once per look however many watch, and all are told', async () => {
    const { clock, watchers, askedAt } = createBench([{}, { percentComplete: 50 }, { status: 'SUCCEEDED' }]);
    const readers = Array.from({ length: 50 }, () => readAll(watchers.watch(refOf())));
    await settle();
    expect(watchers.stats()).toMatchObject({ watchers: 1, subscribers: 50, polls: 1 });
    await clock.advance(2 * pollMinMs);
    for (const reader of readers)
      expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED IN_PROGRESS 50', 'FINISHED SUCCEEDED']);
    expect(askedAt).toEqual([0, 2_000, 4_000]);
    expect(watchers.stats()).toMatchObject({ watchers: 0, subscribers: 0, polls: 3 });
  });

  test('watches different work requests apart', async () => {
    const { clock, watchers, askedAt } = createBench([{}]);
    const one = readAll(watchers.watch(refOf('a')));
    const other = readAll(watchers.watch(refOf('b')));
    await settle();
    expect(watchers.stats().watchers).toBe(2);
    expect(askedAt).toEqual([0, 0]);
    expect(one.events[0]?.workRequest?.ref.workRequestId).toBe('a');
    expect(other.events[0]?.workRequest?.ref.workRequestId).toBe('b');
    await one.feed.return();
    expect(watchers.stats().watchers).toBe(1);
    await clock.advance(pollMinMs);
    expect(askedAt).toEqual([0, 0, 2_000]);
    watchers.stop();
  });

  test('gives a later subscriber the state that is known, without asking, and the same changes', async () => {
    const { clock, watchers, askedAt } = createBench([{ percentComplete: 5 }, { percentComplete: 10 }]);
    const first = readAll(watchers.watch(refOf()));
    await clock.advance(1_900);
    const later = readAll(watchers.watch(refOf()));
    await settle();
    expect(later.told()).toEqual(['SNAPSHOT IN_PROGRESS 5']);
    expect(askedAt).toEqual([0]);
    await clock.advance(100);
    expect(first.told()).toEqual(['SNAPSHOT IN_PROGRESS 5', 'CHANGED IN_PROGRESS 10']);
    expect(later.told()).toEqual(first.told());
    expect(later.events.map(({ sequence }) => sequence)).toEqual([1, 2]);
    watchers.stop();
  });

  test('gives who comes during a look what that look brings, and asks no second time', async () => {
    const look = Promise.withResolvers<{ percentComplete: number }>();
    const { clock, watchers, askedAt } = createBench([{}, look.promise, {}]);
    const first = readAll(watchers.watch(refOf()));
    await clock.advance(pollMinMs);
    const later = readAll(watchers.watch(refOf()));
    await settle();
    expect(later.told()).toEqual([]);
    look.resolve({ percentComplete: 70 });
    await settle();
    expect(later.told()).toEqual(['SNAPSHOT IN_PROGRESS 70']);
    expect(first.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED IN_PROGRESS 70']);
    expect(askedAt).toEqual([0, 2_000]);
    watchers.stop();
  });

  test('hurries the next look for who comes while the state is old', async () => {
    const { clock, watchers, askedAt } = createBench([{}, upstreamError('UPSTREAM_UNAVAILABLE'), {}]);
    readAll(watchers.watch(refOf()));
    await clock.advance(3_000); // failed at 2 s, due again at 5 s
    const later = readAll(watchers.watch(refOf()));
    await settle();
    expect(later.told()).toEqual([]);
    await clock.advance(1_000);
    expect(later.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    expect(askedAt).toEqual([0, 2_000, 4_000]);
    watchers.stop();
  });

  test('gives who comes while upstream fails the last state, and the silence if there is one', async () => {
    const { clock, watchers } = createBench([{}, upstreamError('UPSTREAM_TIMEOUT')]);
    readAll(watchers.watch(refOf()));
    await clock.advance(30_000);
    const later = readAll(watchers.watch(refOf()));
    await clock.advance(pollMinMs);
    expect(later.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP UPSTREAM_SILENT']);
    expect(later.events[0]?.workRequest?.isStale).toBe(true);
    watchers.stop();
  });

  test('does not let newcomers break what upstream asked for', async () => {
    const { clock, watchers, askedAt } = createBench([
      {},
      upstreamError('UPSTREAM_THROTTLED', 60_000),
      { percentComplete: 1 },
    ]);
    readAll(watchers.watch(refOf()));
    await clock.advance(10_000);
    const later = readAll(watchers.watch(refOf()));
    await settle();
    expect(later.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    await clock.advance(51_999);
    expect(askedAt).toEqual([0, 2_000]);
    await clock.advance(1);
    expect(askedAt).toEqual([0, 2_000, 62_000]);
    watchers.stop();
  });
});

describe('leaving', () => {
  test('stops the poller with the last subscriber, and not before', async () => {
    const { clock, watchers, askedAt } = createBench([{}]);
    const one = readAll(watchers.watch(refOf()));
    const other = readAll(watchers.watch(refOf()));
    await settle();
    await one.feed.return();
    await clock.advance(pollMinMs);
    expect(askedAt).toEqual([0, 2_000]);
    await other.feed.return();
    expect(watchers.stats()).toMatchObject({ watchers: 0, subscribers: 0 });
    expect(clock.sleepers).toBe(0);
    await clock.advance(60_000);
    expect(askedAt).toEqual([0, 2_000]);
    expect([one.isDone(), other.isDone()]).toEqual([true, true]);
  });

  test('works for one that never asked for its first event', async () => {
    const { clock, watchers, askedAt } = createBench([{}]);
    const feed = watchers.watch(refOf());
    await clock.advance(pollMinMs);
    await feed.return();
    await clock.advance(60_000);
    expect([watchers.stats().watchers, clock.sleepers, askedAt.length]).toEqual([0, 0, 2]);
  });

  test('during the first look leaves nothing behind when its answer comes', async () => {
    const look = Promise.withResolvers<object>();
    const { clock, watchers, askedAt } = createBench([look.promise]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    await reader.feed.return();
    expect([watchers.stats().watchers, clock.sleepers]).toEqual([0, 0]);
    look.resolve({});
    await clock.advance(60_000);
    expect(reader.told()).toEqual([]);
    expect([watchers.stats().watchers, clock.sleepers, askedAt.length]).toEqual([0, 0, 1]);
  });

  test('and coming back reads afresh', async () => {
    const { watchers, askedAt } = createBench([{ percentComplete: 1 }, { percentComplete: 2 }]);
    const first = watchers.watch(refOf());
    await settle();
    await first.return();
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS 2']);
    expect(askedAt).toEqual([0, 0]);
    watchers.stop();
  });

  test('during a look and coming back loses nothing of what that look brings', async () => {
    const [earlier, own] = [Promise.withResolvers<object>(), Promise.withResolvers<object>()];
    const { watchers } = createBench([earlier.promise, own.promise]);
    await watchers.watch(refOf()).return();
    const reader = readAll(watchers.watch(refOf()));
    earlier.resolve({ status: 'WAITING' });
    await settle();
    own.resolve({ status: 'IN_PROGRESS' });
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT WAITING', 'CHANGED IN_PROGRESS']);
    watchers.stop();
  });

  test('and coming back before upstream wants to be asked again brings what was known', async () => {
    const { clock, watchers, askedAt } = createBench([{ retryAfterMs: 10_000 }, { percentComplete: 2 }]);
    const first = watchers.watch(refOf());
    await settle();
    await first.return();
    expect(clock.sleepers).toBe(0);
    await clock.advance(4_000);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    await clock.advance(6_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED IN_PROGRESS 2']);
    expect(askedAt).toEqual([0, 10_000]);
    watchers.stop();
  });

  test('after the end is no trouble', async () => {
    const { watchers } = createBench([{ status: 'SUCCEEDED' }]);
    const feed = watchers.watch(refOf());
    await settle();
    expect(await feed.return()).toEqual({ done: true, value: undefined });
    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });
});

describe('stopping', () => {
  test('completes every subscription, lets what waits be read, and holds no timer', async () => {
    const { clock, watchers, askedAt } = createBench([{}]);
    const reader = readAll(watchers.watch(refOf()));
    const idle = watchers.watch(refOf('b'));
    await settle();
    watchers.stop();
    await settle();
    expect(reader.isDone()).toBe(true);
    expect((await idle.next()).value?.type).toBe('SNAPSHOT');
    expect((await idle.next()).done).toBe(true);
    expect([watchers.stats().watchers, watchers.stats().subscribers, clock.sleepers]).toEqual([0, 0, 0]);
    await clock.advance(60_000);
    expect(askedAt.length).toBe(2);
  });

  test('makes later subscriptions complete at once without asking upstream', async () => {
    const { watchers, askedAt } = createBench([{}]);
    watchers.stop();
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    expect([reader.isDone(), reader.told(), askedAt]).toEqual([true, [], []]);
  });
});

describe('what others saw', () => {
  test('is told to all who watch, once, and saves a look', async () => {
    const { clock, watchers, askedAt } = createBench([{ status: 'ACCEPTED' }, {}]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(1_500);
    watchers.observe(workRequestOf({ status: 'IN_PROGRESS' }));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT ACCEPTED', 'CHANGED IN_PROGRESS']);
    await clock.advance(pollMinMs);
    expect(reader.told()).toEqual(['SNAPSHOT ACCEPTED', 'CHANGED IN_PROGRESS']);
    expect(askedAt).toEqual([0, 3_500]);
    watchers.stop();
  });

  test('can end a watch', async () => {
    const { clock, watchers } = createBench([{}]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    watchers.observe(workRequestOf({ status: 'CANCELED' }));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'FINISHED CANCELED']);
    expect([reader.isDone(), watchers.stats().watchers, clock.sleepers]).toEqual([true, 0, 0]);
  });

  test('starts no watch, and a list item tells as much as a get', async () => {
    const { watchers, askedAt } = createBench([{}]);
    watchers.observe(workRequestOf());
    expect([watchers.stats().watchers, askedAt]).toEqual([0, []]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    watchers.observe(workRequestOf({ status: 'FAILED', origin: 'list' }));
    await settle();
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'FINISHED FAILED']);
    watchers.stop();
  });
});
