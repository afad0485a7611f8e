import { afterEach, describe, expect, test } from '@jest/globals';
import { createRetryQuota, nextWaitMs } from '../../datasources/retry.ts';
import type { Trouble } from '../../datasources/retry.ts';
import { failureOf } from '../../datasources/answers.ts';
import { UpstreamError } from '../../errors.ts';
import { createManualClock } from '../support/clock.ts';
import {
  answerJson,
  createSkippingClock,
  createTestUpstream,
  failureOfCall,
  getFrom,
  startUpstreamDouble,
} from '../support/upstream-double.ts';

const request = getFrom('http://127.0.0.1');

function trouble(status: number | null, more: Partial<Trouble> & { retryAfterMs?: number } = {}): Trouble {
  const { retryAfterMs = null, ...rest } = more;
  const error = new UpstreamError('UPSTREAM_UNAVAILABLE', 'x', failureOf(request, { status, retryAfterMs }));
  return { error, method: 'GET', attempts: 1, remainingMs: 60_000, random: () => 0.5, ...rest };
}

describe('the wait before the next attempt', () => {
  test('grows exponentially, with full jitter', () => {
    expect(
      [1, 2, 3].map((attempts) => nextWaitMs(trouble(503, { attempts, random: () => 0.999_999 }))),
    ).toEqual([200, 400, 800].map((bound) => expect.closeTo(bound, 1)));
    expect(nextWaitMs(trouble(503, { attempts: 3, random: () => 0 }))).toBe(0);
  });

  test('is at least retry-after, where that fits into the time that is left', () => {
    expect(nextWaitMs(trouble(503, { retryAfterMs: 3_000 }))).toBe(3_000);
    expect(nextWaitMs(trouble(503, { retryAfterMs: 3_000, remainingMs: 3_000 }))).toBeNull();
  });

  test.each([
    ['the fourth attempt', trouble(503, { attempts: 4 })],
    ['a delete', trouble(503, { method: 'DELETE' })],
    ['a status that will not change', trouble(404)],
    ['a conflict other than IncorrectState', trouble(409)],
    ['a mistake of ours', trouble(null, { error: new TypeError('x') })],
    ['a timeout', trouble(null, { error: new UpstreamError('UPSTREAM_TIMEOUT', 'x', failureOf(request)) })],
  ])('does not come after %s', (_what, given) => {
    expect(nextWaitMs(given)).toBeNull();
  });
});

describe('the quota', () => {
  test('is ten retries, and a tenth of one for each success', () => {
    const quota = createRetryQuota(createManualClock());
    expect(Array.from({ length: 12 }, () => quota.take('a')).filter(Boolean)).toHaveLength(10);
    for (let i = 0; i < 10; i += 1) quota.succeed('a');
    expect([quota.take('a'), quota.take('a')]).toEqual([true, false]);
  });

  test('comes back with time, too: one every ten seconds', async () => {
    const clock = createManualClock();
    const quota = createRetryQuota(clock);
    for (let i = 0; i < 10; i += 1) quota.take('a');
    await clock.advance(9_999);
    expect(quota.take('a')).toBe(false);
    await clock.advance(1);
    expect([quota.take('a'), quota.take('a')]).toEqual([true, false]);
    await clock.advance(1_000_000);
    expect(Array.from({ length: 12 }, () => quota.take('a')).filter(Boolean)).toHaveLength(10);
  });

  test('never grows beyond its size, and is separate for each key', () => {
    const quota = createRetryQuota(createManualClock());
    for (let i = 0; i < 1_000; i += 1) quota.succeed('a');
    expect(Array.from({ length: 12 }, () => quota.take('a')).filter(Boolean)).toHaveLength(10);
    expect(quota.take('b')).toBe(true);
  });
});

describe('an outage', () => {
  const cleanUps: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  test('is not amplified: of 100 calls to a dead service at most ten are repeated; another service still has its retries', async () => {
    const double = await startUpstreamDouble((_request, response) => answerJson(response, 503, undefined));
    const upstream = createTestUpstream({ clock: createSkippingClock() });
    cleanUps.push(double.close, () => upstream.close());
    for (let i = 0; i < 100; i += 1) await failureOfCall(upstream.call(getFrom(double.origin, `/${i}`)));
    expect(double.received).toHaveLength(110);
    await failureOfCall(upstream.call(getFrom(double.origin, '/other', { service: 'QUEUE' })));
    expect(double.received).toHaveLength(114);
  });
});
