import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareKeys, keyOf } from '../../datasources/sort-key.ts';
import type { Order, SortKey } from '../../datasources/sort-key.ts';

const key = fc.tuple(
  fc.option(fc.integer({ min: -3, max: 3 })),
  fc.constantFrom('', 'A', 'B', 'a', 'é', '😀'),
);
const order = fc.constantFrom<Order[]>('ASC', 'DESC');

describe('the order of keys', () => {
  test('is total: of any two that differ one comes first, whichever is asked about', () => {
    fc.assert(
      fc.property(key, key, order, (one, other, by) => {
        const [there, back] = [
          Math.sign(compareKeys(one, other, by)),
          Math.sign(compareKeys(other, one, by)),
        ];
        expect(there + back).toBe(0);
        expect(there === 0).toBe(one[0] === other[0] && one[1] === other[1]);
      }),
    );
  });

  test('is transitive', () => {
    fc.assert(
      fc.property(key, key, key, order, (a, b, c, by) => {
        if (compareKeys(a, b, by) <= 0 && compareKeys(b, c, by) <= 0)
          expect(compareKeys(a, c, by)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('puts what has no time last, whichever way times go; equal times go by id, always upward', () => {
    const keys: readonly SortKey[] = [
      [null, 'a'],
      [2, 'b'],
      [1, 'a'],
      [2, 'a'],
      [null, 'A'],
      [-1, 'z'],
    ];
    const sorted = (by: Order): readonly string[] =>
      [...keys].sort((left, right) => compareKeys(left, right, by)).map(([time, id]) => `${time} ${id}`);
    expect(sorted('DESC')).toEqual(['2 a', '2 b', '1 a', '-1 z', 'null A', 'null a']);
    expect(sorted('ASC')).toEqual(['-1 z', '1 a', '2 a', '2 b', 'null A', 'null a']);
  });

  test('survives a cursor', () => {
    const keys = [keyOf({ id: 'a', timeAccepted: new Date(5) }), keyOf({ id: 'b', timeAccepted: null })];
    expect(JSON.parse(JSON.stringify(keys))).toEqual(keys);
    expect(keys).toEqual([
      [5, 'a'],
      [null, 'b'],
    ]);
  });
});
