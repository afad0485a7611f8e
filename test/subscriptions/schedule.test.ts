import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { intervalMs, nextDelayMs } from '../../subscriptions/schedule.ts';
import type { Pace, Situation } from '../../subscriptions/schedule.ts';

const bounds = { pollMinMs: 2_000, pollMaxMs: 30_000 };
const minutes = 60_000;

const pace = (fields: Partial<Pace> = {}): Pace => ({
  status: 'IN_PROGRESS',
  percentComplete: null,
  inStatusMs: 5 * minutes,
  unchanged: 1,
  ...fields,
});

const situation = (fields: Partial<Situation> = {}): Situation => ({
  intervalMs: 10_000,
  failures: 0,
  absences: 0,
  isUnsure: false,
  waitMs: 0,
  ...fields,
});

describe('the interval', () => {
  test('is short at first, a twentieth of the age then, and long for what has run for hours', () => {
    const intervals = [0, 0.5, 4, 60].map((age) => intervalMs(pace({ inStatusMs: age * minutes }), bounds));
    expect(intervals).toEqual([2_000, 2_000, 12_000, 30_000]);
  });

  test('is half as long while something moves', () => {
    expect(intervalMs(pace({ unchanged: 0 }), bounds)).toBe(7_500);
  });

  test('is an eighth of the time that is left, as fast as it went so far, where that is shorter', () => {
    const intervals = [0, 1, 50, 75, 90, 100].map((percentComplete) =>
      intervalMs(pace({ percentComplete }), bounds),
    );
    expect(intervals.map(Math.round)).toEqual([15_000, 15_000, 15_000, 12_500, 4_167, 2_000]);
  });

  test.each(['WAITING', 'NEEDS_ATTENTION', 'SUSPENDED'] as const)('is twice as long in %s', (status) => {
    expect(intervalMs(pace({ status, inStatusMs: 4 * minutes }), bounds)).toBe(24_000);
  });

  test('keeps its bounds whatever a clock or an upstream says', () => {
    for (const inStatusMs of [-1e15, NaN, Infinity, 1e15]) {
      const interval = intervalMs(pace({ inStatusMs }), bounds);
      expect(interval).toBeGreaterThanOrEqual(bounds.pollMinMs);
      expect(interval).toBeLessThanOrEqual(bounds.pollMaxMs);
    }
  });
});

describe('the next look', () => {
  test('spreads around the interval', () => {
    expect([0, 0.5, 1].map((random) => nextDelayMs(situation(), bounds, random))).toEqual([
      9_000, 10_000, 11_000,
    ]);
  });

  test('comes later with each failure, never sooner than the interval', () => {
    const delays = [1, 2, 3].map((failures) =>
      nextDelayMs(situation({ failures, intervalMs: 2_000 }), bounds, 0),
    );
    expect(delays).toEqual([2_000, 4_000, 8_000]);
    expect(nextDelayMs(situation({ failures: 1_000 }), bounds, 0.9)).toBe(30_000);
  });

  test('comes not sooner than the interval after a 404, so that three of them span two intervals', () => {
    expect(nextDelayMs(situation({ absences: 1 }), bounds, 0)).toBe(10_000);
  });

  test('comes at once, which is the shortest interval, where the end is in doubt', () => {
    expect(nextDelayMs(situation({ isUnsure: true }), bounds, 0.9)).toBe(2_000);
  });

  test('waits for upstream above the longest interval, but no longer than work requests are kept', () => {
    expect(nextDelayMs(situation({ waitMs: 45_000 }), bounds, 0)).toBe(45_000);
    expect(nextDelayMs(situation({ waitMs: Infinity }), bounds, 0)).toBe(12 * 60 * minutes);
    expect(nextDelayMs(situation({ waitMs: NaN }), bounds, 0.5)).toBe(10_000);
  });

  test('is always between the bounds unless upstream asks for more', () => {
    const situations = fc.record({
      intervalMs: fc.double({ min: 2_000, max: 30_000, noNaN: true }),
      failures: fc.nat(),
      absences: fc.nat(),
      isUnsure: fc.boolean(),
      waitMs: fc.double({ min: -1e12, max: 1e12, noNaN: true }),
    });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(situations, random, (given, chance) => {
        const delay = nextDelayMs(given, bounds, chance);
        expect(delay).toBeGreaterThanOrEqual(bounds.pollMinMs);
        expect(delay).toBeLessThanOrEqual(Math.max(bounds.pollMaxMs, given.waitMs));
      }),
    );
  });
});
