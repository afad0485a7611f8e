import { describe, expect, test } from '@jest/globals';
import { BudgetExhausted, createBudget } from '../../datasources/budget.ts';
import { createTurns, Unwanted } from '../../datasources/turns.ts';
import { createManualClock } from '../support/clock.ts';

const createBench = ({ rps = 10, pollRps = 500 } = {}) => {
  const clock = createManualClock();
  const closing = new AbortController();
  const budget = createBudget({ rps, clock });
  const turns = createTurns({ budget, rps: pollRps, clock, patienceMs: 20_000, closing: closing.signal });
  const given: { readonly name: string; readonly at: number }[] = [];
  const errors: unknown[] = [];
  const poll = (key: string, name: string, isWanted?: () => boolean): void => {
    const note = (): void => void given.push({ name, at: clock.passed() });
    try {
      const turn = turns.take(key, isWanted);
      if (turn) turn.then(note, (error: unknown) => errors.push(error));
      else note();
    } catch (error) {
      errors.push(error);
    }
  };
  return { clock, closing, budget, turns, given, errors, poll };
};

describe('turns of polls', () => {
  test('are there at once while the budget lasts, then as it comes back, in the order of asking', async () => {
    const { clock, turns, given, poll } = createBench();
    for (let i = 0; i < 25; i += 1) poll('k', String(i));
    expect(given).toHaveLength(10);
    expect([turns.waiting('k'), turns.waiting('another')]).toEqual([15, 0]);
    let isOver = false;
    void turns.backlog('k')?.then(() => (isOver = true));
    await clock.advance(10_000);
    expect(given.map(({ name }) => name)).toEqual(Array.from({ length: 25 }, (_, i) => String(i)));
    expect(given.map(({ at }) => Math.floor(at / 1_000))).toEqual([
      ...Array<number>(10).fill(0),
      ...Array<number>(10).fill(1),
      ...Array<number>(5).fill(2),
    ]);
    expect(isOver).toBe(true);
    expect(turns.backlog('k')).toBeNull();
    expect(turns.waiting('k')).toBe(0);
    expect(clock.sleepers).toBe(0);
  });

  test('leave the others of the budget their own: a query waits for one poll at most', async () => {
    const { clock, budget, given, poll } = createBench({ rps: 1 });
    for (let i = 0; i < 50; i += 1) poll('k', String(i));
    await clock.advance(0);
    let queriedAt = -1;
    void budget.take('k', clock.now() + 20_000)?.then(() => (queriedAt = clock.passed()));
    await clock.advance(5_000);
    expect(queriedAt).toBe(2_000);
    expect(given.map(({ at }) => at)).toEqual([0, 1_000, 3_000, 4_000, 5_000]);
  });

  test('of one budget do not hold up another, and all together keep the pace of polls', async () => {
    const { clock, given, poll } = createBench({ rps: 1, pollRps: 4 });
    for (let i = 0; i < 20; i += 1) poll('crowded', 'crowded');
    for (let i = 0; i < 4; i += 1) poll(`other ${i}`, 'other');
    await clock.advance(3_500);
    expect(given.filter(({ name }) => name === 'other')).toHaveLength(4);
    for (const { at } of given)
      expect(given.filter((turn) => turn.at >= at && turn.at < at + 1_000).length).toBeLessThanOrEqual(4);
  });

  test('end with what binds the budget after a 429, for all who wait', async () => {
    const { clock, budget, errors, given, poll } = createBench({ rps: 1 });
    for (let i = 0; i < 5; i += 1) poll('k', String(i));
    budget.block('k', clock.now(), 60_000);
    await clock.advance(1_000);
    expect(given).toHaveLength(1);
    expect(errors).toHaveLength(4);
    for (const error of errors) expect(error).toMatchObject({ isBlocked: true });
    poll('k', 'later');
    expect(errors.at(-1)).toBeInstanceOf(BudgetExhausted);
  });

  test('are waited for however long queries come first', async () => {
    const { clock, budget, given, errors, poll } = createBench({ rps: 1 });
    for (let i = 0; i < 60; i += 1) void budget.take('k', Infinity);
    poll('k', 'a');
    poll('k', 'b');
    await clock.advance(120_000);
    expect([given.length, errors.length]).toEqual([2, 0]);
  });

  test('are not spent on what nobody wants any more, and those who are left wait no longer for it', async () => {
    const { clock, turns, given, errors, poll } = createBench({ rps: 1 });
    let isWanted = true;
    poll('k', 'first');
    for (let i = 0; i < 1_000; i += 1) poll('k', 'gone', () => isWanted);
    poll('k', 'left');
    for (let i = 0; i < 1_000; i += 1) poll('k', 'gone', () => isWanted);
    isWanted = false;
    await clock.advance(2_000);
    expect(given).toEqual([
      { name: 'first', at: 0 },
      { name: 'left', at: 1_000 },
    ]);
    expect(errors).toHaveLength(2_000);
    for (const error of errors) expect(error).toBeInstanceOf(Unwanted);
    expect(turns.backlog('k')).toBeNull();
    expect(clock.sleepers).toBe(0);
    poll('k', 'later');
    await clock.advance(1_000);
    expect(given.at(-1)?.name).toBe('later');
  });

  test('end when the gateway closes', async () => {
    const { clock, closing, errors, poll } = createBench({ rps: 1 });
    for (let i = 0; i < 5; i += 1) poll('k', String(i));
    closing.abort(new Error('closing'));
    await clock.advance(0);
    expect(errors).toHaveLength(4);
    expect(clock.sleepers).toBe(0);
  });
});
