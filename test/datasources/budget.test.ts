import { afterEach, describe, expect, test } from '@jest/globals';
import { BudgetExhausted, createBudget } from '../../datasources/budget.ts';
import type { UpstreamOptions } from '../../datasources/http.ts';
import type { Upstream } from '../../datasources/types.ts';
import { createManualClock, settle } from '../support/clock.ts';
import {
  answerJson,
  createSkippingClock,
  createTestUpstream,
  failureOfCall,
  getFrom,
  startUpstreamDouble,
} from '../support/upstream-double.ts';
import type { Handle, UpstreamDouble } from '../support/upstream-double.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(
  handle: Handle,
  options: Partial<UpstreamOptions>,
): Promise<UpstreamDouble & { upstream: Upstream }> {
  const double = await startUpstreamDouble(handle);
  const upstream = createTestUpstream(options);
  cleanUps.push(double.close, () => upstream.close());
  return { ...double, upstream };
}

describe('the budget', () => {
  test('lets at most rps calls into any second, in the order of asking', async () => {
    const clock = createManualClock();
    const budget = createBudget({ rps: 3, clock });
    const startedAt = clock.now();
    const turns: string[] = [];
    for (let i = 0; i < 8; i += 1) {
      void Promise.resolve(budget.take('a', startedAt + 10_000)).then(() =>
        turns.push(`${i}@${clock.now() - startedAt}`),
      );
    }
    await settle();
    for (let i = 0; i < 5; i += 1) await clock.advance(500);
    expect(turns).toEqual(['0@0', '1@0', '2@0', '3@1000', '4@1000', '5@1000', '6@2000', '7@2000']);
  });

  test('may be less than one call a second, or very many', async () => {
    const clock = createManualClock();
    const slow = createBudget({ rps: 0.5, clock });
    expect(slow.take('a', Number.MAX_VALUE)).toBeUndefined();
    expect(() => slow.take('a', clock.now() + 1_999)).toThrow(BudgetExhausted);
    const fast = createBudget({ rps: 100_000, clock });
    for (let i = 0; i < 100_000; i += 1) void fast.take('a', clock.now());
    expect(() => fast.take('a', clock.now() + 999)).toThrow(BudgetExhausted);
    await clock.advance(1_000);
    expect(fast.take('a', clock.now())).toBeUndefined();
  });

  test.each([1, 10, 100, 101, 150, 250, 999])('of %i a second is kept in every second', async (rps) => {
    const clock = createManualClock();
    const budget = createBudget({ rps, clock });
    const turns: number[] = [];
    for (let i = 0; i < 3 * rps; i += 1)
      void Promise.resolve(budget.take('a', Number.MAX_VALUE)).then(() => turns.push(clock.now()));
    for (let step = 0; step < 40; step += 1) await clock.advance(90);
    expect(turns).toHaveLength(3 * rps);
    for (let i = rps; i < turns.length; i += 1)
      expect((turns[i] ?? 0) - (turns[i - rps] ?? 0)).toBeGreaterThanOrEqual(1_000);
  });

  test('tells what is left of it, and how a 429 slows it down and it recovers', async () => {
    const clock = createManualClock();
    const budget = createBudget({ rps: 4, clock });
    const state = () => budget.states().map(({ usedAt: _, ...told }) => told);
    expect(state()).toEqual([]);
    const startedAt = clock.now();
    void budget.take('a', startedAt);
    expect(state()).toEqual([{ key: 'a', left: 3, rate: 4, waitMs: 0, slowdowns: 0 }]);
    await clock.advance(400);
    for (let i = 0; i < 3; i += 1) void budget.take('a', clock.now());
    expect(state()).toEqual([{ key: 'a', left: 0, rate: 4, waitMs: 600, slowdowns: 0 }]);
    await clock.advance(600);
    expect(state()).toMatchObject([{ left: 1, waitMs: 0 }]);
    expect(budget.states()[0]?.usedAt).toBe(startedAt + 400);
    budget.block('a', clock.now(), 5_000);
    expect(state()).toEqual([{ key: 'a', left: 0, rate: 0, waitMs: 5_000, slowdowns: 1 }]);
    await clock.advance(5_000);
    // Half its pace: let in one by one.
    expect(state()).toMatchObject([{ left: 1, rate: 2, waitMs: 0 }]);
    await clock.advance(60_000);
    expect(state()).toEqual([{ key: 'a', left: 4, rate: 4, waitMs: 0, slowdowns: 1 }]);
  });

  test('tells at once whom it cannot serve in time, and that costs no turn', async () => {
    const clock = createManualClock();
    const budget = createBudget({ rps: 1, clock });
    void budget.take('a', clock.now());
    for (let i = 0; i < 5; i += 1) expect(() => budget.take('a', clock.now() + 500)).toThrow(BudgetExhausted);
    await clock.advance(1_000);
    expect(budget.take('a', clock.now())).toBeUndefined();
  });

  test('blocked by a 429, holds those who wait already, and lets them in one by one afterwards', async () => {
    const clock = createManualClock();
    const budget = createBudget({ rps: 2, clock });
    const startedAt = clock.now();
    const turns: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      void Promise.resolve(budget.take('a', startedAt + 60_000)).then(() =>
        turns.push(clock.now() - startedAt),
      );
    }
    await settle();
    expect(turns).toEqual([0, 0]);
    budget.block('a', startedAt, 5_000);
    await clock.advance(20_000);
    expect(turns).toEqual([0, 0, 5_000, 6_000]);
  });

  test('after a 429 has half its pace, after the next a quarter, and comes back within a minute', async () => {
    const clock = createManualClock();
    const budget = createBudget({ rps: 10, clock });
    /** All who ask within a second and are served within it. */
    const turnsInASecond = async (): Promise<number> => {
      const asking = Array.from({ length: 20 }, async () => budget.take('a', clock.now() + 999));
      const [turns] = await Promise.all([Promise.allSettled(asking), clock.advance(1_000)]);
      return turns.filter(({ status }) => status === 'fulfilled').length;
    };
    expect(await turnsInASecond()).toBe(10);
    budget.block('a', clock.now(), 1_000);
    await clock.advance(1_000);
    expect(await turnsInASecond()).toBe(5);
    await clock.advance(1_000);
    budget.block('a', clock.now(), 1_000);
    await clock.advance(1_000);
    expect(await turnsInASecond()).toBe(2);
    for (let strikes = 0; strikes < 10; strikes += 1) {
      budget.block('a', clock.now(), 1_000);
      await clock.advance(1_000);
    }
    expect(await turnsInASecond()).toBe(1);
    await clock.advance(20_000);
    const onTheWay = await turnsInASecond();
    expect([onTheWay > 1, onTheWay < 10]).toEqual([true, true]);
    await clock.advance(60_000);
    expect(await turnsInASecond()).toBe(10);
  });

  test('backs off longer with each 429 in a row, but counts those that were sent together once', async () => {
    const clock = createManualClock();
    const budget = createBudget({ rps: 100, clock });
    const waits: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      const sentAt = clock.now();
      for (let i = 0; i < 10; i += 1) budget.block('a', sentAt - (i > 0 ? 1 : 0), null);
      try {
        void budget.take('a', sentAt);
      } catch (error) {
        waits.push((error as BudgetExhausted).waitMs);
        expect((error as BudgetExhausted).isBlocked).toBe(true);
      }
      await clock.advance(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    budget.ease('a');
    budget.block('a', clock.now(), null);
    expect(() => budget.take('a', clock.now())).toThrow(expect.objectContaining({ waitMs: 1_000 }));
  });

  test('gives turns as before where the wall clock is set back', async () => {
    const clock = createManualClock();
    const budget = createBudget({ rps: 2, clock });
    for (let i = 0; i < 2; i += 1) void budget.take('a', clock.now());
    clock.jump(-3_600_000);
    expect(() => budget.take('a', clock.now())).toThrow(expect.objectContaining({ waitMs: 1_000 }));
    budget.block('a', clock.now(), 5_000);
    clock.jump(-3_600_000);
    expect(() => budget.take('a', clock.now())).toThrow(
      expect.objectContaining({ waitMs: 5_000, isBlocked: true }),
    );
    await clock.advance(5_000);
    expect(budget.take('a', clock.now())).toBeUndefined();
  });

  test('is not blocked for years by one nonsensical retry-after', () => {
    const clock = createManualClock();
    const budget = createBudget({ rps: 1, clock });
    budget.block('a', clock.now(), 1e12);
    expect(() => budget.take('a', clock.now())).toThrow(expect.objectContaining({ waitMs: 15 * 60_000 }));
  });
});

describe('calls under a budget', () => {
  test('wait for their turn', async () => {
    const clock = createSkippingClock();
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 200, {}),
      { clock, rps: 2, deadlineMs: 60_000 },
    );
    for (let i = 0; i < 6; i += 1) await upstream.call(getFrom(origin, `/${i}`));
    expect(received).toHaveLength(6);
    expect(clock.slept).toEqual([1_000, 1_000]);
  });

  test('of polls that ask for the same while they wait for a turn are one, for as long as anybody wants it', async () => {
    const clock = createManualClock();
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 200, {}),
      { clock, rps: 1 },
    );
    const wanted = { '/a': true, '/b': true };
    const poll = (path: keyof typeof wanted) =>
      upstream.call(getFrom(origin, path), {
        endsAt: Infinity,
        isPatient: true,
        isWanted: () => wanted[path],
      });
    await upstream.call(getFrom(origin, '/now'), { endsAt: Infinity, isPatient: true });
    const [first, second] = [poll('/a'), poll('/a')];
    const gone = Array.from({ length: 100 }, () => failureOfCall(poll('/b')));
    wanted['/b'] = false;
    const always = upstream.call(getFrom(origin, '/c'), { endsAt: Infinity, isPatient: true });
    await clock.advance(1_000);
    expect(await first).toBe(await second);
    await clock.advance(1_000);
    expect(await always).toMatchObject({ status: 200 });
    expect(received.map(({ url }) => url)).toEqual(['/now', '/a', '/c']);
    for (const error of await Promise.all(gone))
      expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', failure: { isUnasked: true } });
  });

  test('of polls that are refused a turn hold up none that comes later', async () => {
    const clock = createManualClock();
    const { origin, upstream } = await start(
      (_request, response, count) =>
        answerJson(response, count === 1 ? 429 : 200, {}, { 'retry-after': '60' }),
      { clock, rps: 1 },
    );
    const poll = () => upstream.call(getFrom(origin, '/a'), { endsAt: Infinity, isPatient: true });
    for (let i = 0; i < 2; i += 1)
      expect(await failureOfCall(poll())).toMatchObject({ code: 'UPSTREAM_THROTTLED' });
    await clock.advance(60_000);
    expect(await poll()).toMatchObject({ status: 200 });
  });

  test('that could not be served within their time are told so, without asking upstream', async () => {
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 200, {}),
      { clock: createManualClock(), rps: 1, deadlineMs: 400 },
    );
    await upstream.call(getFrom(origin, '/1'));
    const error = await failureOfCall(upstream.call(getFrom(origin, '/2')));
    expect(error).toMatchObject({
      code: 'UPSTREAM_THROTTLED',
      isRetryable: true,
      failure: { status: null, retryAfterMs: 1_000 },
    });
    expect(error.message).toContain('UPSTREAM_RPS');
    expect(received).toHaveLength(1);
  });

  test.each([
    ['seconds', () => '3.5', 3_500],
    ['a date', (now: number) => new Date(now + 3_000).toUTCString(), 3_000],
    ['nothing', () => undefined, 1_000],
  ])(
    'after a 429 with %s wait that long, everyone of the same service and region and nobody else',
    async (_what, retryAfter, ms) => {
      const now = Math.ceil(Date.now() / 1000) * 1000;
      const clock = createManualClock(now);
      const header = retryAfter(now);
      const { origin, received, upstream } = await start(
        (_request, response, count) =>
          count === 1
            ? answerJson(response, 429, undefined, header === undefined ? {} : { 'retry-after': header })
            : answerJson(response, 200, {}),
        { clock, random: () => 0 },
      );
      const first = upstream.call(getFrom(origin, '/first'));
      while (clock.sleepers === 0) await settle();
      const same = upstream.call(getFrom(origin, '/same'));
      await upstream.call(getFrom(origin, '/other-region', { region: 'us-phoenix-1' }));
      await upstream.call(getFrom(origin, '/other-service', { service: 'QUEUE' }));
      await clock.advance(ms - 1);
      expect(received.map(({ url }) => url)).toEqual(['/first', '/other-region', '/other-service']);
      await clock.advance(2_000);
      await Promise.all([first, same]);
      expect(received.map(({ url }) => url).sort()).toEqual([
        '/first',
        '/first',
        '/other-region',
        '/other-service',
        '/same',
      ]);
    },
  );

  test('after a 429 that asks for too long fail at once: the first with what Oracle said, the next unasked', async () => {
    const { origin, received, upstream } = await start(
      (_request, response) =>
        answerJson(
          response,
          429,
          { code: 'TooManyRequests', message: 'slow down' },
          { 'retry-after': '120' },
        ),
      { clock: createManualClock() },
    );
    expect(await failureOfCall(upstream.call(getFrom(origin, '/1')))).toMatchObject({
      code: 'UPSTREAM_THROTTLED',
      failure: { status: 429, nativeCode: 'TooManyRequests', retryAfterMs: 120_000 },
    });
    const next = await failureOfCall(upstream.call(getFrom(origin, '/2')));
    expect(next).toMatchObject({
      code: 'UPSTREAM_THROTTLED',
      failure: { status: null, retryAfterMs: 120_000 },
    });
    expect(next.message).toContain('Oracle asked to wait');
    expect(received).toHaveLength(1);
  });
});
