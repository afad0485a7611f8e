import { describe, expect, test } from '@jest/globals';
import { createObservations } from '../../datasources/observations.ts';
import { createPageCache } from '../../datasources/page-cache.ts';
import type { SweepPage, SweepQuery } from '../../datasources/sweep.ts';
import type { Mark, WorkRequest } from '../../datasources/types.ts';
import { createSpans } from '../support/spans.ts';
import { createManualClock } from '../support/clock.ts';
import { queryOf } from '../support/fake-lists.ts';
import { workRequestOf } from '../support/oci-bodies.ts';

const query = queryOf();
const item = workRequestOf({ status: 'IN_PROGRESS' });
const pageOf = (...items: WorkRequest[]): SweepPage => ({
  items,
  failures: [],
  hasNext: false,
  size: items.length,
  positionAfter: () => ({ after: null, open: [] }),
});

const openCache = (keepMs = 1_000, answer: () => Promise<SweepPage> = async () => pageOf(item)) => {
  const clock = createManualClock();
  const observations = createObservations();
  let reads = 0;
  const cache = createPageCache({ observations, clock, deadlineMs: 10_000, keepMs });
  return {
    clock,
    observations,
    reads: () => reads,
    forget: cache.forget,
    page: (one: SweepQuery = query, endsAt = clock.now() + 20_000, mark?: Mark) =>
      cache.page(one, { endsAt, ...(mark && { mark }) }, () => {
        reads += 1;
        return answer();
      }),
  };
};

describe('pages put together a moment ago', () => {
  test('are told again for not quite a second, then put together anew', async () => {
    const { page, clock, reads } = openCache();
    const first = await page();
    expect((await page({ ...query })).items).toEqual(first.items);
    await clock.advance(949);
    await page();
    expect(reads()).toBe(1);
    await clock.advance(1);
    await page();
    expect(reads()).toBe(2);
  });

  test('are those of the same question only', async () => {
    const { page, reads } = openCache(1_000, async () => pageOf());
    const others: Partial<SweepQuery>[] = [
      {},
      { regions: ['eu-frankfurt-1'] },
      { compartmentId: 'ocid1.compartment.oc1..b' },
      { services: ['BASTION'] },
      { first: 11 },
      { order: 'ASC' },
      { includeSubcompartments: true },
      { filter: { statuses: ['FAILED'] } },
      { filter: { acceptedAfter: new Date(0) } },
      { filter: { acceptedAfter: new Date(1) } },
      { position: { after: null, open: [] } },
    ];
    for (const other of [...others, ...others]) await page(queryOf(other));
    expect(reads()).toBe(others.length);
  });

  test('share one reading while it is under way, and all of them its failure, which is not kept', async () => {
    let fails = true;
    const { page, reads } = openCache(1_000, async () => {
      if (fails) throw new Error('no');
      return pageOf(item);
    });
    const both = await Promise.allSettled([page(), page()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(reads()).toBe(1);
    fails = false;
    expect((await page()).items).toHaveLength(1);
  });

  test('are not shared with whoever has less time than they may take, or a deadline more than they have left', async () => {
    const answers: ((page: SweepPage) => void)[] = [];
    const { page, clock, reads } = openCache(1_000, () => new Promise((resolve) => answers.push(resolve)));
    const all = [page()];
    all.push(page(query, clock.now() + 19_999));
    expect(reads()).toBe(2);
    await clock.advance(10_000);
    all.push(page());
    expect(reads()).toBe(3);
    for (const answer of answers) answer(pageOf(item));
    await Promise.all(all);
  });

  test('never tell an older state than was told since', async () => {
    const { page, observations } = openCache();
    await page();
    observations.record(workRequestOf({ status: 'SUCCEEDED' }), 1);
    const { items } = await page();
    expect(items.map(({ status, isTerminal }) => [status, isTerminal])).toEqual([['SUCCEEDED', true]]);
  });

  test('are put together anew where their filter would not take the newer state', async () => {
    const { page, observations, reads } = openCache();
    const running = queryOf({ filter: { isTerminal: false } });
    await page(running);
    await page(running);
    expect(reads()).toBe(1);
    observations.record(workRequestOf({ status: 'SUCCEEDED' }), 1);
    await page(running);
    expect(reads()).toBe(2);
  });

  test('tell no older state either when it was told while the page was put together', async () => {
    const answers: ((page: SweepPage) => void)[] = [];
    const { page, observations } = openCache(1_000, () => new Promise((resolve) => answers.push(resolve)));
    const both = Promise.all([page(), page()]);
    observations.record(workRequestOf({ status: 'SUCCEEDED' }), 1);
    answers[0]?.(pageOf(item));
    for (const { items } of await both) expect(items).toMatchObject([{ status: 'SUCCEEDED' }]);
  });

  test('leave out what their filter would not take any more, and go on from their own places', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    const [a, b, c, d] = ids.map((workRequestId) =>
      workRequestOf({ status: 'IN_PROGRESS' }, { ref: { ...item.ref, workRequestId } }),
    ) as [WorkRequest, WorkRequest, WorkRequest, WorkRequest];
    const read: SweepPage = {
      ...pageOf(a, b, c, d),
      positionAfter: (at) => ({ after: [at, ''], open: [] }),
    };
    const { page, observations } = openCache(1_000, async () => {
      for (const { ref } of [b, d]) observations.record(workRequestOf({ status: 'SUCCEEDED' }, { ref }), 1);
      return read;
    });
    const { items, positionAfter } = await page(queryOf({ filter: { isTerminal: false } }));
    expect(items.map(({ ref }) => ref.workRequestId)).toEqual(['a', 'c']);
    expect([-1, 0, 1].map((at) => positionAfter(at).after?.[0])).toEqual([-1, 0, 2]);
  });

  test('are forgotten after a cancel, also where they were under way', async () => {
    const answers: ((page: SweepPage) => void)[] = [];
    const { page, forget, reads } = openCache(1_000, () => new Promise((resolve) => answers.push(resolve)));
    const overtaken = page();
    forget();
    const after = page();
    for (const answer of answers) answer(pageOf(item));
    await Promise.all([overtaken, after]);
    expect(reads()).toBe(2);
    await page();
    expect(reads()).toBe(2);
    forget();
    const again = page();
    answers.at(-1)?.(pageOf(item));
    await again;
    expect(reads()).toBe(3);
  });

  test('are not kept where the cache is switched off, nor for longer when the clock is set back', async () => {
    const off = openCache(0);
    await off.page();
    await off.page();
    expect(off.reads()).toBe(2);

    const { page, clock, reads } = openCache();
    await page();
    clock.jump(-3_600_000);
    await page();
    expect(reads()).toBe(2);
  });

  test('hold no more work requests than a bound, the oldest make room', async () => {
    const { page, reads } = openCache(1_000, async () => ({ ...pageOf(item), size: 9_000 }));
    for (const first of [1, 2, 3]) await page(queryOf({ first }));
    await page(queryOf({ first: 3 }));
    expect(reads()).toBe(3);
    await page(queryOf({ first: 1 }));
    expect(reads()).toBe(4);
  });

  test('lead back to the operation that read them, also those under way', async () => {
    const spans = createSpans();
    const tracer = spans.provider.getTracer('test');
    const go = Promise.withResolvers<SweepPage>();
    const { page, reads } = openCache(1_000, () => go.promise);
    const ask = async (requestId: string): Promise<void> => {
      const span = tracer.startSpan(requestId);
      await Promise.all([page(query, Infinity, { requestId, span }), page(query, Infinity)]);
      // The page of one's own is no link.
      await page(query, Infinity, { requestId, span });
      span.end();
    };
    const asked = [ask('reader'), ask('joiner')];
    go.resolve(pageOf(item));
    await Promise.all(asked);
    await ask('later');
    expect(reads()).toBe(1);
    const [reader, joiner, later] = spans.take();
    expect(reader?.links).toEqual([]);
    const link = { context: { spanId: reader?.spanContext().spanId } };
    for (const span of [joiner, later]) expect(span?.links).toMatchObject([link, link]);
  });
});
