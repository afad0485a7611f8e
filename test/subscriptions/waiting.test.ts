import { describe, expect, test } from '@jest/globals';
import { createWaiting } from '../../subscriptions/waiting.ts';
import type { Waited, Waiting } from '../../subscriptions/waiting.ts';
import { createBench, pollMinMs, refOf, settle, upstreamError } from './harness.ts';
import type { Answer, Bench } from './harness.ts';

const firstMs = 20_000;
const never = new AbortController().signal;
const unavailable = upstreamError('UPSTREAM_UNAVAILABLE');

interface Wait {
  /** null: it waits. */
  readonly waited: () => Waited | null;
  readonly error: () => unknown;
  /** `SUCCEEDED 100`, `absent`: what came of it, in short. */
  readonly told: () => string | null;
}

const openBench = (...answers: Answer[]): Bench & { readonly waiting: Waiting } => {
  const bench = createBench(answers);
  return { ...bench, waiting: createWaiting({ watchers: bench.watchers, clock: bench.clock, firstMs }) };
};

const start = (waiting: Waiting, timeoutMs = 60_000, gone = never, ref = refOf()): Wait => {
  let waited: Waited | null = null;
  let error: unknown = null;
  waiting.waitFor(ref, { timeoutMs, gone }).then(
    (outcome) => (waited = outcome),
    (thrown: unknown) => (error = thrown),
  );
  return { waited: () => waited, error: () => error, told: () => waited && shorten(waited) };
};

const shorten = (waited: Waited): string => {
  if (waited.kind !== 'seen') return waited.kind;
  const { status, percentComplete, isStale } = waited.workRequest;
  return [status, percentComplete, isStale && 'stale']
    .filter((part) => part != null && part !== false)
    .join(' ');
};

/** Nobody polls, nobody is subscribed, and no timer is held. */
const expectNothingLeft = async ({ watchers, clock, askedAt }: Bench): Promise<void> => {
  expect(watchers.stats()).toMatchObject({ watchers: 0, subscribers: 0 });
  expect(clock.sleepers).toBe(0);
  const asked = askedAt.length;
  await clock.advance(600_000);
  expect(askedAt).toHaveLength(asked);
};

describe('a wait answers', () => {
  test.each([
    'SUCCEEDED',
    'FAILED',
    'CANCELED',
    'PARTIALLY_SUCCEEDED',
    'SKIPPED',
    'NEEDS_ATTENTION',
  ] as const)('at once what is %s from the start, for one look', async (status) => {
    const bench = openBench({ status });
    const wait = start(bench.waiting);
    await settle();
    expect(wait.told()).toBe(status);
    expect(bench.askedAt).toEqual([0]);
    await expectNothingLeft(bench);
  });

  test.each(['SUCCEEDED', 'NEEDS_ATTENTION'] as const)(
    'when it becomes %s, and not before',
    async (status) => {
      const bench = openBench(
        { status: 'ACCEPTED' },
        { status: 'IN_PROGRESS' },
        { percentComplete: 50 },
        { status },
      );
      const wait = start(bench.waiting);
      await bench.clock.advance(2 * pollMinMs);
      expect(wait.told()).toBeNull();
      await bench.clock.advance(2 * pollMinMs);
      expect(wait.told()).toBe(status);
      await expectNothingLeft(bench);
    },
  );

  test('what `timeFinished` alone calls finished once it was looked at again', async () => {
    const timeFinished = new Date(0);
    const bench = openBench({ timeFinished }, { status: 'FAILED', timeFinished });
    const wait = start(bench.waiting);
    await settle();
    expect(wait.told()).toBeNull();
    await bench.clock.advance(pollMinMs);
    expect(wait.told()).toBe('FAILED');
    await expectNothingLeft(bench);
  });

  test('what others read meanwhile, without a look of its own', async () => {
    const bench = openBench({});
    const wait = start(bench.waiting);
    await settle();
    const known = bench.watchers.present(refOf());
    if (known) bench.watchers.observe({ ...known, status: 'SUCCEEDED', isTerminal: true });
    await settle();
    expect(wait.told()).toBe('SUCCEEDED');
    expect(bench.askedAt).toEqual([0]);
  });

  test('when the time is up, as it is then: also what was no change that is told', async () => {
    const bench = openBench({});
    const wait = start(bench.waiting, 9_000);
    await bench.clock.advance(8_999);
    expect(wait.told()).toBeNull();
    await bench.clock.advance(1);
    expect(wait.told()).toBe('IN_PROGRESS');
    const waited = wait.waited();
    expect(waited?.kind === 'seen' && waited.workRequest.observedAt).toBe(bench.clock.now() - 1_000);
    expect(bench.askedAt).toEqual([0, 2_000, 4_000, 6_000, 8_000]);
    await expectNothingLeft(bench);
  });

  test('the state of one look where there is no time to wait', async () => {
    const bench = openBench(Promise.resolve({ percentComplete: 3 }));
    const wait = start(bench.waiting, 0);
    await bench.clock.advance(0);
    expect(wait.told()).toBe('IN_PROGRESS 3');
    expect(bench.askedAt).toEqual([0]);
    await expectNothingLeft(bench);
  });

  test('a first state that comes after its time, as a read would have waited for it', async () => {
    const first = Promise.withResolvers<object>();
    const bench = openBench(first.promise);
    const wait = start(bench.waiting, 1_000);
    await bench.clock.advance(firstMs - 1);
    expect(wait.told()).toBeNull();
    first.resolve({ percentComplete: 7 });
    await settle();
    expect(wait.told()).toBe('IN_PROGRESS 7');
    await expectNothingLeft(bench);
  });

  test('stale what could not be read again', async () => {
    const bench = openBench({ percentComplete: 5 }, unavailable);
    const wait = start(bench.waiting, 5_000);
    await bench.clock.advance(5_000);
    expect(wait.told()).toBe('IN_PROGRESS 5 stale');
    await expectNothingLeft(bench);
  });

  test('stale what is older than two intervals, as the look for it hangs', async () => {
    const bench = openBench({ percentComplete: 5 }, new Promise(() => {}));
    const waits = [start(bench.waiting, 2 * pollMinMs), start(bench.waiting, 2 * pollMinMs + 1)];
    await bench.clock.advance(2 * pollMinMs + 1);
    expect(waits.map((wait) => wait.told())).toEqual(['IN_PROGRESS 5', 'IN_PROGRESS 5 stale']);
  });

  test('fresh what upstream asked not to be asked about so soon', async () => {
    const bench = openBench({ percentComplete: 5, retryAfterMs: 60_000 });
    const wait = start(bench.waiting, 59_000);
    await bench.clock.advance(59_000);
    expect(wait.told()).toBe('IN_PROGRESS 5');
    expect(bench.askedAt).toEqual([0]);
  });

  test('that there is none, or stale what there was', async () => {
    const absent = openBench(null);
    const gone = openBench({ percentComplete: 5 }, null);
    const waits = [absent, gone].map(({ waiting }) => start(waiting));
    await settle();
    expect(waits.map((wait) => wait.told())).toEqual(['absent', null]);
    await gone.clock.advance(30_000);
    expect(waits[1]?.told()).toBe('IN_PROGRESS 5 stale');
    await expectNothingLeft(absent);
    await expectNothingLeft(gone);
  });

  test('that it may not be read, at the start or later', async () => {
    const forbidden = upstreamError('FORBIDDEN');
    const benches = [openBench(forbidden), openBench({}, forbidden)];
    const waits = benches.map(({ waiting }) => start(waiting));
    for (const { clock } of benches) await clock.advance(pollMinMs);
    expect(waits.map((wait) => wait.told())).toEqual(['refused', 'refused']);
    for (const bench of benches) await expectNothingLeft(bench);
  });
});

describe('an upstream in trouble', () => {
  test('that passes is waited out', async () => {
    const bench = openBench(unavailable, unavailable, unavailable, { status: 'SUCCEEDED' });
    const wait = start(bench.waiting);
    await bench.clock.advance(60_000);
    expect(wait.told()).toBe('SUCCEEDED');
    await expectNothingLeft(bench);
  });

  test('that lasts until the time is up leaves nothing seen', async () => {
    for (const [timeoutMs, endsAfterMs] of [
      [0, firstMs],
      [60_000, 60_000],
    ] as const) {
      const bench = openBench(unavailable);
      const wait = start(bench.waiting, timeoutMs);
      await bench.clock.advance(endsAfterMs - 1);
      expect(wait.told()).toBeNull();
      await bench.clock.advance(1);
      expect(wait.told()).toBe('unseen');
      await expectNothingLeft(bench);
    }
  });

  test('that cannot pass is the error of the first look', async () => {
    const error = upstreamError('UNAUTHENTICATED');
    const bench = openBench(error);
    const wait = start(bench.waiting);
    await settle();
    expect(wait.error()).toBe(error);
    await expectNothingLeft(bench);
  });
});

describe('however many wait', () => {
  test('one poller serves them, and subscribers, until the last has gone', async () => {
    const bench = openBench({}, {}, {}, { status: 'SUCCEEDED' });
    const leaver = new AbortController();
    const waits = [
      start(bench.waiting),
      start(bench.waiting, 3_000),
      start(bench.waiting, 60_000, leaver.signal),
    ];
    const feed = bench.watchers.watch(refOf());
    expect(bench.watchers.stats()).toMatchObject({ watchers: 1, subscribers: 4 });
    await bench.clock.advance(3_000);
    leaver.abort();
    await settle();
    expect(waits.map((wait) => wait.told())).toEqual([null, 'IN_PROGRESS', 'left']);
    expect(bench.watchers.stats()).toMatchObject({ watchers: 1, subscribers: 2 });
    await bench.clock.advance(3_000);
    expect(waits[0]?.told()).toBe('SUCCEEDED');
    expect(bench.askedAt).toEqual([0, 2_000, 4_000, 6_000]);
    await feed.return();
    await expectNothingLeft(bench);
  });
});

describe('a wait ends', () => {
  test('when nobody waits for it any more: before it began, while it looks, while nothing happens', async () => {
    const gone = new AbortController();
    const bench = openBench({});
    const [looking, idle] = [start(bench.waiting, 60_000, gone.signal), openBench({})];
    const idling = start(idle.waiting, 60_000, gone.signal);
    await idle.clock.advance(1_000);
    gone.abort();
    await settle();
    expect([looking.told(), idling.told()]).toEqual(['left', 'left']);
    const late = start(bench.waiting, 60_000, gone.signal);
    await settle();
    expect(late.told()).toBe('left');
    await expectNothingLeft(bench);
    await expectNothingLeft(idle);
  });

  test('when the gateway stops, and none begins after that', async () => {
    const bench = openBench({});
    const wait = start(bench.waiting);
    await settle();
    bench.waiting.stop();
    await settle();
    const late = start(bench.waiting);
    await settle();
    expect([wait.told(), late.told()]).toEqual(['stopped', 'stopped']);
    await expectNothingLeft(bench);
  });

  test('also where only the watches were stopped', async () => {
    const bench = openBench(new Promise(() => {}));
    const wait = start(bench.waiting);
    bench.watchers.stop();
    await settle();
    expect(wait.told()).toBe('stopped');
  });
});
