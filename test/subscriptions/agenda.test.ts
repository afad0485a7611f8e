import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createAgenda } from '../../subscriptions/agenda.ts';
import { createManualClock } from '../support/clock.ts';

describe('the agenda', () => {
  test('rings each alarm at its last time and once, in order, with one timer for all', async () => {
    const actions = fc.array(
      fc.record({
        alarm: fc.nat(9),
        delayMs: fc.option(fc.nat(1_000), { freq: 4 }),
        thenMs: fc.nat(300),
      }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(actions, async (steps) => {
        const clock = createManualClock();
        const agenda = createAgenda(clock);
        const rung: string[] = [];
        const expected: { readonly at: number; readonly name: number }[] = [];
        const due = new Map<number, number>();
        const alarms = Array.from({ length: 10 }, (_, name) =>
          agenda.createAlarm(() => rung.push(`${name} at ${clock.passed()}`)),
        );
        const pass = async (ms: number): Promise<void> => {
          const until = clock.passed() + ms;
          for (const [name, at] of due) {
            if (at > until) continue;
            expected.push({ at, name });
            due.delete(name);
          }
          await clock.advance(ms);
        };
        for (const { alarm, delayMs, thenMs } of steps) {
          if (delayMs === null) {
            alarms[alarm]?.clear();
            due.delete(alarm);
          } else {
            alarms[alarm]?.set(delayMs);
            due.set(alarm, clock.passed() + delayMs);
          }
          expect(clock.sleepers).toBe(due.size === 0 ? 0 : 1);
          await pass(thenMs);
        }
        await pass(2_000);
        expect([...rung].sort()).toEqual(expected.map(({ at, name }) => `${name} at ${at}`).sort());
        const times = rung.map((text) => Number(text.split(' ').at(-1)));
        expect(times).toEqual([...times].sort((one, other) => one - other));
        expect(clock.sleepers).toBe(0);
      }),
    );
  });

  test('lets what rings set itself again, at once too', async () => {
    const clock = createManualClock();
    const agenda = createAgenda(clock);
    let rings = 0;
    const alarm = agenda.createAlarm(() => {
      rings += 1;
      if (rings < 4) alarm.set(rings === 1 ? 0 : 100);
    });
    alarm.set(50);
    await clock.advance(1_000);
    expect([rings, clock.sleepers]).toEqual([4, 0]);
  });

  test('is not moved by the wall clock', async () => {
    const clock = createManualClock();
    const agenda = createAgenda(clock);
    const rung: number[] = [];
    agenda.createAlarm(() => rung.push(clock.passed())).set(1_000);
    clock.jump(-3_600_000);
    await clock.advance(999);
    expect(rung).toEqual([]);
    await clock.advance(1);
    expect(rung).toEqual([1_000]);
  });
});
