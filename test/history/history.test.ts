/**
 * What many subscribers receive, over two hundred random histories with everything that goes wrong on the way; and that
 * the checker would notice. A failing seed is replayed, with all that happened, by `npm run history -- --seed N`.
 */
import { describe, expect, test } from '@jest/globals';
import { defects } from './defects.ts';
import { play } from './run.ts';
import { createScene } from './scene.ts';
import { judge } from './verdict.ts';

// Half a minute of work alone.
const patienceMs = 600_000;
const seeds = Array.from({ length: 200 }, (_, index) => index + 1);

test(
  'two hundred histories are told as they were seen',
  async () => {
    const failed: string[] = [];
    for (const seed of seeds) {
      const complaints = judge(await play(createScene(seed)));
      const [first] = complaints;
      if (first) failed.push(`${first.rule}: ${first.what} → npm run history -- --seed ${seed}`);
    }
    expect(failed).toEqual([]);
  },
  patienceMs,
);

test('the same seed is the same run', async () => {
  const [one, other] = [await play(createScene(7)), await play(createScene(7))];
  expect(one.entries.length).toBeGreaterThan(100);
  expect(JSON.stringify(other.entries)).toBe(JSON.stringify(one.entries));
});

describe('the checker finds', () => {
  test.each(Object.entries(defects))(
    '%s',
    async (_, { rules, ...defect }) => {
      const found = new Set<string>();
      for (const scene of seeds.map(createScene).filter(defect.shows ?? (() => true))) {
        for (const { rule } of judge(await play(scene, defect))) found.add(rule);
        if (rules.some((rule) => found.has(rule))) break;
      }
      expect(rules.some((rule) => found.has(rule))).toBe(true);
    },
    patienceMs,
  );
});
