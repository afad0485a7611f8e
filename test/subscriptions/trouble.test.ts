import { describe, expect, test } from '@jest/globals';
import { UpstreamError } from '../../errors.ts';
import type { WorkRequest } from '../../datasources/types.ts';
import {
  createBench,
  pollMaxMs,
  pollMinMs,
  readAll,
  refOf,
  settle,
  upstreamError,
  workRequestOf,
} from './harness.ts';

const unavailable = upstreamError('UPSTREAM_UNAVAILABLE');

describe('a work request that is not found', () => {
  test('at the first look is one gap about nothing, and done', async () => {
    const { clock, watchers, askedAt } = createBench([null]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    expect(reader.told()).toEqual(['GAP NOT_FOUND']);
    expect(reader.events[0]).toMatchObject({ sequence: 1, workRequest: null, nextPollAt: null });
    expect(reader.events[0]?.gap).toMatchObject({ from: null, to: new Date(clock.now()) });
    expect(reader.isDone()).toBe(true);
    await clock.advance(60_000);
    expect(askedAt).toEqual([0]);
  });

  test('once or twice in between is no news', async () => {
    const { clock, watchers, askedAt } = createBench([{}, null, null, { percentComplete: 3 }]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(10_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED IN_PROGRESS 3']);
    expect(askedAt.slice(0, 4)).toEqual([0, 2_000, 4_100, 6_200]);
    watchers.stop();
  });

  test('three times over two intervals is gone', async () => {
    const { clock, watchers, askedAt } = createBench([{}, null]);
    const startedAt = clock.now();
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP NOT_FOUND']);
    expect(reader.events[1]?.workRequest?.status).toBe('IN_PROGRESS');
    expect(reader.events[1]?.gap?.from).toEqual(new Date(startedAt));
    expect(reader.isDone()).toBe(true);
    expect(askedAt).toEqual([0, 2_000, 4_100, 6_200]);
    expect([watchers.stats().watchers, clock.sleepers]).toEqual([0, 0]);
  });

  test('counts from anew after it was seen', async () => {
    const { clock, watchers } = createBench([
      {},
      null,
      null,
      {},
      null,
      null,
      {},
      null,
      null,
      { percentComplete: 9 },
    ]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED IN_PROGRESS 9']);
    watchers.stop();
  });

  test('three times in less than two intervals, because newcomers hurried the looks, is not believed', async () => {
    const timeAccepted = new Date(Date.UTC(2026, 0, 1) - 400_000); // 400 s old: looked at every 20 s
    const { clock, watchers, askedAt } = createBench([
      { timeAccepted },
      null,
      null,
      null,
      null,
      { timeAccepted },
    ]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(20_000);
    for (let i = 0; i < 3; i += 1) {
      readAll(watchers.watch(refOf()));
      await clock.advance(pollMinMs);
    }
    expect(askedAt).toEqual([0, 20_000, 22_000, 24_000, 26_000]);
    await clock.advance(pollMaxMs);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    watchers.stop();
  });

  test('when older than twelve hours was forgotten, and the gap says so', async () => {
    const hours = 60 * 60 * 1000;
    const timeAccepted = new Date(Date.UTC(2026, 0, 1) - 12.1 * hours);
    const { clock, watchers } = createBench([{ timeAccepted }, null]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(5 * pollMaxMs);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP RETENTION']);
    expect(watchers.stats().gaps).toMatchObject({ RETENTION: 1, NOT_FOUND: 0 });
  });

  test('mixed with failures is gone all the same', async () => {
    const { clock, watchers } = createBench([
      {},
      null,
      unavailable,
      null,
      unavailable,
      null,
      unavailable,
      {},
    ]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP NOT_FOUND']);
  });
});

describe('an upstream that does not answer', () => {
  test('is no news for three intervals, then one gap, then its changes again', async () => {
    const { clock, watchers, askedAt, script } = createBench([{}, unavailable]);
    const startedAt = clock.now();
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(5_999);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    await clock.advance(1);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP UPSTREAM_SILENT']);
    expect(reader.events[1]?.gap).toMatchObject({
      from: new Date(startedAt),
      to: new Date(startedAt + 6_000),
    });
    expect(reader.events[1]?.workRequest?.status).toBe('IN_PROGRESS');
    expect(reader.events[1]?.nextPollAt?.getTime()).toBeGreaterThan(clock.now());
    await clock.advance(300_000);
    expect(reader.events.length).toBe(2);
    script({ status: 'FAILED' });
    await clock.advance(pollMaxMs);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP UPSTREAM_SILENT', 'FINISHED FAILED']);
    expect(askedAt.slice(0, 4)).toEqual([0, 2_000, 5_000, 11_000]);
    expect(clock.sleepers).toBe(0);
  });

  test('is told once more when it falls silent again', async () => {
    const { clock, watchers, script } = createBench([{}, unavailable]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(20_000);
    script({}, unavailable);
    await clock.advance(120_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP UPSTREAM_SILENT', 'GAP UPSTREAM_SILENT']);
    watchers.stop();
  });

  test('is asked less and less often, up to the longest interval', async () => {
    const { clock, watchers, askedAt } = createBench([{}, unavailable]);
    readAll(watchers.watch(refOf()));
    await clock.advance(200_000);
    const delays = askedAt.map((at, index) => at - (askedAt[index - 1] ?? 0));
    expect(delays.slice(0, 7)).toEqual([0, 2_000, 3_000, 6_000, 12_000, 24_000, 30_000]);
    watchers.stop();
  });

  test('is silent too while one call hangs', async () => {
    const look = Promise.withResolvers<object>();
    const { clock, watchers } = createBench([{}, look.promise, {}]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(6_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP UPSTREAM_SILENT']);
    expect(reader.events[1]?.nextPollAt).toBeNull();
    look.resolve({ percentComplete: 1 });
    await settle();
    expect(reader.told().at(-1)).toBe('CHANGED IN_PROGRESS 1');
    watchers.stop();
  });

  test('may ask for patience, and is then not called silent before that has passed', async () => {
    const throttled = upstreamError('UPSTREAM_THROTTLED', 60_000);
    const { clock, watchers, askedAt } = createBench([{}, throttled, { percentComplete: 1 }]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(62_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED IN_PROGRESS 1']);
    expect(askedAt).toEqual([0, 2_000, 62_000]);
    watchers.stop();
  });

  test('cannot put the gap off by asking for patience again and again', async () => {
    const { clock, watchers } = createBench([{}, upstreamError('UPSTREAM_THROTTLED', 5_000)]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(9_000); // failing since 2 s, 5 s of patience, one interval more
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'GAP UPSTREAM_SILENT']);
    watchers.stop();
  });

  test('is not made of a wall clock that is set back', async () => {
    const { clock, watchers, askedAt } = createBench([{ retryAfterMs: 5_000 }]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(1_000);
    clock.jump(-3_600_000);
    await clock.advance(14_000);
    expect(askedAt).toHaveLength(4); // every five seconds, as before
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    watchers.stop();
  });

  test('and asks for years of rest sets no timer longer than Node has', async () => {
    const { clock, watchers, askedAt } = createBench([{ retryAfterMs: 100_000_000_000 }]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    await reader.feed.return();
    readAll(watchers.watch(refOf()));
    expect(clock.nextInMs).toBe(2 ** 31 - 1);
    expect(askedAt).toEqual([0]);
    watchers.stop();
  });

  test('is not called silent because the machine slept', async () => {
    const look = Promise.withResolvers<object>();
    const { clock, watchers } = createBench([{}, look.promise, {}]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(1_000);
    clock.jump(3_600_000);
    await clock.advance(2_000); // the look that is an hour late is under way for a second
    look.resolve({});
    await clock.advance(60_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    watchers.stop();
  });

  test('from the start keeps who waits waiting, tells the silence, and then the state', async () => {
    const { clock, watchers, script } = createBench([unavailable]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(6_000);
    expect(reader.told()).toEqual(['GAP UPSTREAM_SILENT']);
    expect(reader.events[0]).toMatchObject({ workRequest: null, gap: { from: null } });
    const later = readAll(watchers.watch(refOf()));
    await settle();
    expect(later.told()).toEqual(['GAP UPSTREAM_SILENT']);
    script({});
    await clock.advance(60_000);
    expect(reader.told()).toEqual(['GAP UPSTREAM_SILENT', 'SNAPSHOT IN_PROGRESS']);
    expect(later.told()).toEqual(reader.told());
    watchers.stop();
  });

  test('for a moment at the start delays the state and nothing else', async () => {
    const { clock, watchers, askedAt } = createBench([unavailable, {}]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(3_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS']);
    expect(askedAt).toEqual([0, 3_000]);
    watchers.stop();
  });

  test('is logged once per row of failures, and when it is over', async () => {
    const lines: string[] = [];
    const log = {
      info: (_: object, message: string) => lines.push(`info ${message}`),
      warn: (fields: object, message: string) =>
        lines.push(`warn ${message} ${'code' in fields ? String(fields.code) : ''}`),
    };
    const { clock, watchers } = createBench([{}, unavailable, unavailable, unavailable, {}], { log });
    readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(lines).toEqual([
      'warn what is watched cannot be read for now UPSTREAM_UNAVAILABLE',
      'info what is watched can be read again',
    ]);
    expect(watchers.stats().pollFailures).toBe(3);
    watchers.stop();
  });

  test('of many at one place is one line, told again where it begins anew much later', async () => {
    const lines: string[] = [];
    const log = {
      info: (_: object, message: string) => lines.push(message),
      warn: (fields: object) => lines.push('code' in fields ? String(fields.code) : ''),
    };
    const { clock, watchers, script } = createBench([{}], { log });
    const many = Array.from({ length: 50 }, (_, i) => refOf(`ocid1.clustersworkrequest.oc1.iad.a${i}`));
    const readers = many.map((ref) => readAll(watchers.watch(ref)));
    await settle();
    script(unavailable);
    await clock.advance(60_000);
    expect(lines).toEqual(['UPSTREAM_UNAVAILABLE']);
    script({});
    await clock.advance(60_000);
    expect(lines.splice(0)).toEqual(['UPSTREAM_UNAVAILABLE', 'what is watched can be read again']);
    script(unavailable);
    await clock.advance(60_000);
    // Nobody is left to see the end of it.
    for (const { feed } of readers) await feed.return?.();
    script({});
    const later = readAll(watchers.watch(refOf()));
    await clock.advance(5 * 60_000);
    script(unavailable);
    await clock.advance(60_000);
    expect(lines).toEqual(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_UNAVAILABLE']);
    expect(later.told()).toContain('GAP UPSTREAM_SILENT');
    watchers.stop();
  });

  test('shows in what is stale, and for how long upstream has not answered', async () => {
    const { clock, watchers } = createBench([{}, unavailable, unavailable, {}]);
    const staleness = () => {
      const { stale, oldestAnswerMs } = watchers.stats();
      return [stale.watchers, oldestAnswerMs];
    };
    expect(staleness()).toEqual([0, 0]);
    readAll(watchers.watch(refOf()));
    await clock.advance(1_000);
    expect(staleness()).toEqual([0, 1_000]);
    await clock.advance(2_000);
    expect(staleness()).toEqual([1, 3_000]);
    await clock.advance(60_000);
    expect(staleness()[0]).toBe(0);
    watchers.stop();
    expect(staleness()).toEqual([0, 0]);
  });

  test('is stale also where nothing was ever seen and silence was told', async () => {
    const { clock, watchers } = createBench(Array.from({ length: 50 }, () => unavailable));
    readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(watchers.stats().stale).toEqual({ watchers: 1, listings: 0 });
    watchers.stop();
  });
});

describe('trouble that does not pass', () => {
  test('at the first look is thrown to everybody who waits, and nobody is left watching', async () => {
    const { clock, watchers, askedAt } = createBench([upstreamError('UNAUTHENTICATED')]);
    const readers = [readAll(watchers.watch(refOf())), readAll(watchers.watch(refOf()))];
    await settle();
    for (const reader of readers) {
      expect(reader.told()).toEqual([]);
      expect(reader.error()).toBeInstanceOf(UpstreamError);
      expect(reader.error()).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    await clock.advance(60_000);
    expect([askedAt, watchers.stats().watchers, clock.sleepers]).toEqual([[0], 0, 0]);
  });

  test('at the first look reaches also who asks for the first event later, once', async () => {
    const { watchers } = createBench([upstreamError('BAD_USER_INPUT')]);
    const feed = watchers.watch(refOf());
    await settle();
    await expect(feed.next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });

  test('a bug in what reads is thrown, not retried for ever', async () => {
    const { watchers, askedAt } = createBench([new TypeError('a bug')]);
    const reader = readAll(watchers.watch(refOf()));
    await settle();
    expect(reader.error()).toBeInstanceOf(TypeError);
    expect(askedAt).toEqual([0]);
  });

  test('later may pass after all, as when a key is rotated, so watching goes on', async () => {
    const { clock, watchers } = createBench([{}, upstreamError('UNAUTHENTICATED'), { percentComplete: 2 }]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(5_000);
    expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS', 'CHANGED IN_PROGRESS 2']);
    watchers.stop();
  });

  test.each([
    ['at the first look', [], ['GAP FORBIDDEN']],
    ['later', [{}], ['SNAPSHOT IN_PROGRESS', 'GAP FORBIDDEN']],
  ])('a lost permission %s is a gap, and done', async (_, before, told) => {
    const { clock, watchers } = createBench([...before, upstreamError('FORBIDDEN')]);
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.told()).toEqual(told);
    expect([reader.isDone(), reader.error(), clock.sleepers]).toEqual([true, null, 0]);
  });

  test('a bug in what decides reaches the subscribers and leaves no poller', async () => {
    const { watchers, clock } = createBench([{}], {
      isTerminal: () => {
        throw new RangeError('a bug');
      },
    });
    const reader = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    expect(reader.error()).toBeInstanceOf(RangeError);
    expect([watchers.stats().watchers, clock.sleepers]).toEqual([0, 0]);
  });
});

describe('the wall clock', () => {
  test('set back or forward moves no look, and leaves nobody waiting', async () => {
    for (const jumpMs of [-3_600_000, 3_600_000]) {
      const { clock, watchers, askedAt } = createBench([{ retryAfterMs: 5_000 }, { percentComplete: 1 }, {}]);
      const startedAt = clock.passed();
      const reader = readAll(watchers.watch(refOf()));
      await clock.advance(1_000);
      clock.jump(jumpMs);
      watchers.observe(workRequestOf({ ref: refOf(), percentComplete: 0 }));
      const newcomer = readAll(watchers.watch(refOf()));
      await clock.advance(10_000);
      expect(reader.told()).not.toContain('GAP UPSTREAM_SILENT');
      expect(newcomer.told()).toContain('CHANGED IN_PROGRESS 1');
      expect(askedAt.length).toBeGreaterThanOrEqual(2);
      const { nextPollAt } = reader.events.at(-1) ?? {};
      expect(Math.abs((nextPollAt?.getTime() ?? 0) - clock.now())).toBeLessThan(60_000);
      expect(clock.passed() - startedAt).toBe(11_000);
      watchers.stop();
    }
  });
});

describe('a rest that upstream asked for', () => {
  test('is kept, too, where its answer came after the last subscriber left', async () => {
    const answer = Promise.withResolvers<Partial<WorkRequest>>();
    const { clock, watchers, askedAt } = createBench([answer.promise, {}]);
    await watchers.watch(refOf()).return();
    answer.resolve({ retryAfterMs: 7_000 });
    await settle();
    readAll(watchers.watch(refOf()));
    await clock.advance(6_999);
    expect(askedAt).toEqual([0]);
    await clock.advance(1);
    expect(askedAt).toEqual([0, 7_000]);
    watchers.stop();
  });

  test.each(['observe', 'pass'] as const)(
    'tells who comes back the newest that anybody saw (%s)',
    async (how) => {
      const { clock, watchers } = createBench([{ retryAfterMs: 40_000 }]);
      const first = watchers.watch(refOf());
      await settle();
      await first.return();
      watchers[how](workRequestOf({ ref: refOf(), percentComplete: 90 }));
      const reader = readAll(watchers.watch(refOf()));
      await settle();
      expect(reader.told()).toEqual(['SNAPSHOT IN_PROGRESS 90']);
      await clock.advance(1_000);
      watchers.stop();
    },
  );
});

describe('a subscriber that does not read', () => {
  test('gets progress folded into the newest, and is told how many were', async () => {
    const { clock, watchers } = createBench([
      {},
      { percentComplete: 10 },
      { percentComplete: 20 },
      { status: 'CANCELING', percentComplete: 20 },
      { status: 'CANCELING', percentComplete: 30 },
      { status: 'CANCELED', percentComplete: 30 },
    ]);
    const slow = watchers.watch(refOf());
    const quick = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    const late = readAll(slow);
    await settle();
    expect(late.told()).toEqual(['SNAPSHOT IN_PROGRESS 20', 'CHANGED CANCELING 30', 'FINISHED CANCELED 30']);
    expect(late.events.map(({ mergedCount }) => mergedCount)).toEqual([2, 1, 0]);
    expect(late.events.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(quick.told().length).toBe(6);
    expect(watchers.stats().merged).toBe(3);
  });

  test('is dropped with a gap when changes of status fill its buffer, and others are not', async () => {
    const flips = Array.from({ length: 10 }, (_, index) => ({
      status: index % 2 === 0 ? ('IN_PROGRESS' as const) : ('WAITING' as const),
    }));
    const { clock, watchers } = createBench([...flips, { status: 'SUCCEEDED' }], { bufferSize: 3 });
    const slow = watchers.watch(refOf());
    const quick = readAll(watchers.watch(refOf()));
    await clock.advance(60_000);
    const late = readAll(slow);
    await settle();
    expect(late.told()).toEqual([
      'SNAPSHOT IN_PROGRESS',
      'CHANGED WAITING',
      'CHANGED IN_PROGRESS',
      'GAP OVERFLOW',
    ]);
    expect(late.isDone()).toBe(true);
    expect(quick.told().length).toBe(11);
    expect(watchers.stats().gaps.OVERFLOW).toBe(1);
  });

  test('alone leaves no poller behind when it is dropped', async () => {
    const { clock, watchers } = createBench([{}, { status: 'WAITING' }, {}], { bufferSize: 1 });
    watchers.watch(refOf());
    await clock.advance(pollMinMs);
    expect([watchers.stats().watchers, clock.sleepers]).toEqual([0, 0]);
  });
});
