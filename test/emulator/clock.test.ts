import { expect, test } from '@jest/globals';
import { createClock } from '../../emulator/clock.ts';

test('scripted time starts at wall time, runs at its speed, jumps, and never goes back', () => {
  let nowMs = 1_000_000;
  const clock = createClock(() => nowMs);
  expect(clock.scriptedMs()).toBe(1_000_000);
  clock.change({ speed: 60 });
  nowMs += 1000;
  expect(clock.scriptedMs()).toBe(1_060_000);
  clock.change({ advanceMs: 5000 });
  expect(clock.scriptedMs()).toBe(1_065_000);
  clock.change({ speed: 0 });
  nowMs += 10_000;
  expect(clock.scriptedMs()).toBe(1_065_000);
  expect(clock.change({ speed: 1 })).toEqual({
    speed: 1,
    scriptedTime: new Date(1_065_000).toISOString(),
    wallTime: new Date(1_011_000).toISOString(),
  });
  nowMs += 1;
  expect(clock.scriptedMs()).toBe(1_065_001);
  expect(clock.wallMs()).toBe(1_011_001);
});
