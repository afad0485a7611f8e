import { afterEach, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import type { UpstreamOptions } from '../../datasources/http.ts';
import type { Upstream } from '../../datasources/types.ts';
import { createManualClock } from '../support/clock.ts';
import {
  answerJson,
  createTestUpstream,
  failureOfCall,
  getFrom,
  startUpstreamDouble,
} from '../support/upstream-double.ts';
import type { UpstreamDouble } from '../support/upstream-double.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Holds its answers until told. */
async function startHeld(
  options: Partial<UpstreamOptions> = {},
): Promise<
  UpstreamDouble & { upstream: Upstream; asked(count: number): Promise<void>; release(status?: number): void }
> {
  const held: ServerResponse[] = [];
  const double = await startUpstreamDouble((_request, response) => void held.push(response));
  const upstream = createTestUpstream(options);
  cleanUps.push(double.close, () => upstream.close());
  return {
    ...double,
    upstream,
    async asked(count) {
      while (double.received.length < count) await new Promise((resolve) => setImmediate(resolve));
    },
    release(status = 200) {
      for (const [index, response] of held.splice(0).entries()) answerJson(response, status, { index });
    },
  };
}

test('identical reads in flight are one request with one answer', async () => {
  const { origin, received, upstream, asked, release } = await startHeld();
  const calls = Array.from({ length: 5 }, () =>
    upstream.call(getFrom(origin, '/a', { headers: { 'if-none-match': 'e' } })),
  );
  await asked(1);
  release();
  const answers = await Promise.all(calls);
  expect(new Set(answers).size).toBe(1);
  expect(received).toHaveLength(1);
});

test('who reads apart shares with those only who do so by the same word', async () => {
  const { origin, received, upstream, asked, release } = await startHeld();
  const calls = ['', 'a', 'b', 'a', ''].map((apart) =>
    upstream.call(getFrom(origin, '/a'), { endsAt: Infinity, apart }),
  );
  await asked(3);
  release();
  const answers = await Promise.all(calls);
  expect(answers.map((answer) => answers.indexOf(answer))).toEqual([0, 1, 2, 1, 0]);
  expect(received).toHaveLength(3);
});

test('their answer is as new as the attempt that was answered, whenever each of them asked', async () => {
  const { origin, upstream, asked, release } = await startHeld();
  const first = upstream.call(getFrom(origin, '/a'));
  await asked(1);
  const later = upstream.call(getFrom(origin, '/b'));
  await asked(2);
  const joined = upstream.call(getFrom(origin, '/a'));
  release();
  const [one, other, same] = await Promise.all([first, later, joined]);
  expect(one.ordinal).toBeLessThan(other.ordinal);
  expect(same.ordinal).toBe(one.ordinal);
});

test('a retried one is as new as its last attempt', async () => {
  const { origin, upstream, asked, release } = await startHeld({ random: () => 0 });
  const first = upstream.call(getFrom(origin, '/a'));
  await asked(1);
  release(503);
  await asked(2);
  const later = upstream.call(getFrom(origin, '/b'));
  await asked(3);
  release(503);
  await asked(5);
  release();
  const [one, other] = await Promise.all([first, later]);
  expect(new Set([one.ordinal, other.ordinal])).toEqual(new Set([4, 5]));
});

test('each waits only as long as its own errand lasts', async () => {
  const clock = createManualClock();
  const { origin, received, upstream, asked, release } = await startHeld({ clock });
  const patient = upstream.call(getFrom(origin, '/a'));
  await asked(1);
  const hurried = failureOfCall(upstream.call(getFrom(origin, '/a'), { endsAt: clock.now() + 50 }));
  await clock.advance(50);
  const error = await hurried;
  expect([error.code, error.isRetryable]).toEqual(['UPSTREAM_TIMEOUT', true]);
  release();
  await patient;
  expect(received).toHaveLength(1);
});

test('one that is given up soon is not shared by a call that has more time', async () => {
  const clock = createManualClock();
  const { origin, received, upstream, asked, release } = await startHeld({ deadlineMs: 500, clock });
  const hurried = failureOfCall(upstream.call(getFrom(origin, '/a'), { endsAt: clock.now() + 200 }));
  await asked(1);
  const patient = upstream.call(getFrom(origin, '/a'));
  expect((await hurried).code).toBe('UPSTREAM_TIMEOUT');
  await asked(2);
  release();
  expect((await patient).status).toBe(200);
  expect(received).toHaveLength(2);
});

test('what is shared counts for whoever caused it', async () => {
  const { origin, upstream, asked, release } = await startHeld();
  const [first, second] = [{ calls: 0 }, { calls: 0 }];
  const endsAt = Date.now() + 10_000;
  const calls = [first, first, second].map((meter) =>
    upstream.call(getFrom(origin, '/a'), { endsAt, meter }),
  );
  await asked(1);
  release();
  await Promise.all(calls);
  const later = upstream.call(getFrom(origin, '/a'), { endsAt, meter: second });
  await asked(2);
  release();
  await later;
  expect([first, second]).toEqual([{ calls: 1 }, { calls: 1 }]);
});

test('they share a failure too, and the next one asks anew', async () => {
  const { origin, received, upstream, asked, release } = await startHeld();
  const calls = [1, 2].map(() => failureOfCall(upstream.call(getFrom(origin, '/a'))));
  await asked(1);
  release(404);
  for (const error of await Promise.all(calls)) expect(error.code).toBe('NOT_FOUND');
  const next = upstream.call(getFrom(origin, '/a'));
  await asked(2);
  release();
  await next;
  expect(received).toHaveLength(2);
});

test('reads that differ in path, query or headers are not shared, nor are deletes', async () => {
  const { origin, upstream, asked, release } = await startHeld();
  const calls = [
    upstream.call(getFrom(origin, '/a')),
    upstream.call(getFrom(origin, '/b')),
    upstream.call(getFrom(origin, '/a?page=2')),
    upstream.call(getFrom(origin, '/a', { headers: { 'if-none-match': 'e' } })),
    upstream.call(getFrom(origin, '/x', { method: 'DELETE' })),
    upstream.call(getFrom(origin, '/x', { method: 'DELETE' })),
  ];
  await asked(6);
  release();
  await Promise.all(calls);
});

test('a read after a cancel does not get the answer of one that began before it', async () => {
  const { origin, received, upstream, asked, release } = await startHeld();
  const before = upstream.call(getFrom(origin, '/a'));
  await asked(1);
  const cancel = upstream.call(getFrom(origin, '/a', { method: 'DELETE' }));
  const after = upstream.call(getFrom(origin, '/a'));
  await asked(3);
  release();
  await Promise.all([before, cancel, after]);
  expect(received.map(({ method }) => method).sort()).toEqual(['DELETE', 'GET', 'GET']);
  expect(await after).not.toBe(await before);
});
