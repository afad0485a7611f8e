import { expect, test } from '@jest/globals';
import { drain } from '../../doors/drain.ts';

test('few are sent away at once, many in turns, each of them once', async () => {
  const gone: number[] = [];
  const few = drain([1, 2, 3], 3_000, (guest) => gone.push(guest));
  expect(gone).toEqual([1, 2, 3]);
  await few;

  const crowd = Array.from({ length: 1_000 }, (_, index) => index);
  gone.length = 0;
  const many = drain(crowd, 200, (guest) => gone.push(guest));
  expect(gone).toEqual(crowd.slice(0, 250));
  await many;
  expect(gone).toEqual(crowd);
});
