import { describe, expect, test } from '@jest/globals';
import { createObservations } from '../../datasources/observations.ts';
import { createReadCache } from '../../datasources/read-cache.ts';
import type { ListQuery, Page, WorkRequest } from '../../datasources/types.ts';
import { createManualClock } from '../support/clock.ts';
import { upstreamError } from '../support/fake-upstream.ts';
import { ashburn, compartment, workRequestOf } from '../support/oci-bodies.ts';

const query: ListQuery = {
  service: 'CONTAINERENGINE',
  region: ashburn,
  compartmentId: compartment,
  limit: 10,
};
const item = workRequestOf({ status: 'IN_PROGRESS' });

const openCache = (keepMs = 1_000, answer: () => Promise<Page<WorkRequest>> = async () => pageOf(item)) => {
  const clock = createManualClock();
  const observations = createObservations();
  const asked: ListQuery[] = [];
  const list = (one: ListQuery) => {
    asked.push(one);
    return answer();
  };
  const cache = createReadCache({ observations, clock, deadlineMs: 10_000, keepMs });
  return {
    clock,
    observations,
    asked,
    cache: {
      list: (one: ListQuery, endsAt = clock.now() + 20_000) => cache.for({ list }, { endsAt })(one),
      forget: cache.forget,
    },
  };
};
const pageOf = (...items: WorkRequest[]): Page<WorkRequest> => ({ items, nextPage: null, malformed: [] });

describe('lists read a moment ago', () => {
  test('are told again for a second, then asked for anew', async () => {
    const { cache, clock, asked } = openCache();
    const first = await cache.list(query);
    expect(await cache.list({ ...query })).toEqual(first);
    await clock.advance(999);
    await cache.list(query);
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    await cache.list(query);
    expect(asked).toHaveLength(2);
  });

  test('are those of the same question only', async () => {
    const { cache, asked } = openCache();
    await cache.list(query);
    await cache.list({ ...query, region: 'eu-frankfurt-1' });
    await cache.list({ ...query, compartmentId: `${compartment}b` });
    await cache.list({ ...query, page: 'p' });
    await cache.list({ ...query, limit: 11 });
    await cache.list({ ...query, params: { status: 'FAILED' } });
    expect(asked).toHaveLength(6);
  });

  test('are waited for only as long as there is time, and not shared where they are given up too soon', async () => {
    const answers: ((page: Page<WorkRequest>) => void)[] = [];
    const { cache, clock, asked } = openCache(
      1_000,
      () => new Promise<Page<WorkRequest>>((resolve) => answers.push(resolve)),
    );
    const first = cache.list(query);
    const hurried = cache.list(query, clock.now() + 100);
    await Promise.all([
      expect(hurried).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' }),
      clock.advance(100),
    ]);
    await clock.advance(11_000);
    const late = cache.list(query);
    expect(asked).toHaveLength(2);
    for (const answer of answers) answer(pageOf(item));
    expect(await first).toEqual(await late);
  });

  test('share one call while it is under way, and all of them its failure, which is not kept', async () => {
    let fails = true;
    const { cache, asked } = openCache(1_000, async () => {
      if (fails) throw upstreamError('UPSTREAM_UNAVAILABLE');
      return pageOf(item);
    });
    const both = await Promise.allSettled([cache.list(query), cache.list(query)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(asked).toHaveLength(1);
    fails = false;
    expect((await cache.list(query)).items).toHaveLength(1);
  });

  test('never tell an older state than was told since', async () => {
    const { cache, observations } = openCache();
    await cache.list(query);
    observations.record(workRequestOf({ status: 'SUCCEEDED' }), observations.nextCall());
    const { items } = await cache.list(query);
    expect(items.map(({ status, isTerminal }) => [status, isTerminal])).toEqual([['SUCCEEDED', true]]);
  });

  test('are forgotten after a cancel in their service and region, and no others', async () => {
    const { cache, asked } = openCache();
    const elsewhere = { ...query, region: 'eu-frankfurt-1' };
    await cache.list(query);
    await cache.list(elsewhere);
    cache.forget('CONTAINERENGINE', ashburn);
    await cache.list(query);
    await cache.list(elsewhere);
    expect(asked).toHaveLength(3);
  });

  test('are not kept where the cache is switched off, nor for longer when the clock is set back', async () => {
    const off = openCache(0);
    await off.cache.list(query);
    await off.cache.list(query);
    expect(off.asked).toHaveLength(2);

    const { cache, clock, asked } = openCache();
    await cache.list(query);
    clock.jump(-3_600_000);
    await cache.list(query);
    expect(asked).toHaveLength(2);
  });
});
