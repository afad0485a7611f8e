import { describe, expect, test } from '@jest/globals';
import { createManualClock } from './clock.ts';

describe('a manual clock', () => {
  test('wakes sleepers in the order of their times, each seeing its own time', async () => {
    const clock = createManualClock(1_000);
    const woken: [string, number][] = [];
    const note = (name: string) => () => woken.push([name, clock.now()]);
    void clock.sleep(50).then(note('late'));
    void clock.sleep(20).then(note('early'));
    await clock.advance(49);
    expect(woken).toEqual([['early', 1_020]]);
    await clock.advance(1);
    expect(woken).toEqual([
      ['early', 1_020],
      ['late', 1_050],
    ]);
  });

  test('wakes within one advance what falls asleep during it', async () => {
    const clock = createManualClock(0);
    const ticks: number[] = [];
    const tick = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(10);
        ticks.push(clock.now());
        if (ticks.length === 3) return;
      }
    };
    const done = tick();
    await clock.advance(100);
    await done;
    expect(ticks).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(100);
  });

  test('rejects an aborted sleep with the reason of its signal and holds it no longer', async () => {
    const clock = createManualClock();
    const abort = new AbortController();
    const asleep = clock.sleep(10, abort.signal);
    expect(clock.sleepers).toBe(1);
    abort.abort(new Error('enough'));
    await expect(asleep).rejects.toThrow('enough');
    expect(clock.sleepers).toBe(0);
    await expect(clock.sleep(10, abort.signal)).rejects.toThrow('enough');
  });

  test('moves to the next sleeper, and says when there is none', async () => {
    const clock = createManualClock(0);
    void clock.sleep(70);
    expect(clock.nextInMs).toBe(70);
    expect(await clock.advanceToNext()).toBe(true);
    expect(clock.now()).toBe(70);
    expect(await clock.advanceToNext()).toBe(false);
    expect(clock.nextInMs).toBeNull();
  });

  test('sleeps on as long as before when the wall clock jumps', async () => {
    const clock = createManualClock(0);
    let isAwake = false;
    void clock.sleep(100).then(() => (isAwake = true));
    clock.jump(-5_000);
    await clock.advance(99);
    expect([isAwake, clock.now()]).toEqual([false, -4_901]);
    await clock.advance(1);
    expect(isAwake).toBe(true);
  });
});
