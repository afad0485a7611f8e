import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ServiceName } from '../../datasources/catalog.ts';
import type { ListParams, ParentFinder } from '../../datasources/parents.ts';
import { rowOf } from '../../datasources/sweep-failures.ts';
import { compareKeys, keyOf } from '../../datasources/sort-key.ts';
import { sweep } from '../../datasources/sweep.ts';
import type { SweepPage, SweepQuery } from '../../datasources/sweep.ts';
import type { ListQuery, Page, WorkRequest } from '../../datasources/types.ts';
import { errorCodes, GatewayError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { settle } from '../support/clock.ts';
import {
  asWorkRequest,
  child,
  createFakeLists,
  dependenciesOf,
  idsOf,
  pagesFrom,
  parentsOf,
  queryOf,
  regions,
  root,
  sealed,
  itemOf,
} from '../support/fake-lists.ts';
import type { FakeLists, FakeListsOptions, Listed } from '../support/fake-lists.ts';
import { upstreamError, withoutTurn } from '../support/fake-upstream.ts';

/** So many, newest first by name: `<prefix>0` is the oldest. */
const itemsOf = (prefix: string, count: number, more: Partial<Listed> = {}): readonly Listed[] =>
  Array.from({ length: count }, (_, index) =>
    itemOf({ nativeId: `${prefix}${index}`, time: 1_000 + index * 10, ...more }),
  );

const newestFirst = (items: readonly Listed[]): readonly string[] =>
  [...items].sort((left, right) => (right.time ?? 0) - (left.time ?? 0)).map(({ nativeId }) => nativeId);

const here: Partial<SweepQuery> = { regions: [regions[0]] };

/** Follows the cursors of so many pages, whatever `hasNextPage` says. */
const somePages = async (
  count: number,
  query: SweepQuery,
  lists: FakeLists,
  more: Parameters<typeof dependenciesOf>[1] = {},
): Promise<readonly SweepPage[]> => {
  const pages: SweepPage[] = [];
  let { position } = query;
  while (pages.length < count) {
    const page = await sweep({ ...query, position }, dependenciesOf(lists, more));
    pages.push(page);
    position = sealed(page.positionAfter(page.items.length - 1));
  }
  return pages;
};

const codesOf = (pages: readonly SweepPage[]): readonly string[] =>
  pages.flatMap(({ failures }) => failures.map(({ code, service }) => `${service} ${code}`));

describe('a source that fails', () => {
  const codes = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => code !== 'INTERNAL_SERVER_ERROR');
  const others = itemsOf('o', 30, { service: 'ANALYTICS' });

  test.each(codes)('is a row of failures with all that is known of it: %s', async (code) => {
    const error = upstreamError(code);
    const lists = createFakeLists({
      items: others,
      instead: ({ service }) => (service === 'CONTAINERENGINE' ? error : undefined),
    });
    const query = queryOf({ ...here, services: ['CONTAINERENGINE', 'ANALYTICS'] });
    const page = await sweep(query, dependenciesOf(lists));
    expect(page.failures).toEqual([
      {
        service: 'CONTAINERENGINE',
        region: regions[0],
        compartmentId: root,
        code,
        message: error.message,
        isRetryable: errorCodes[code].isRetryable,
        opcRequestId: error.failure.opcRequestId,
      },
    ]);
    expect(idsOf([page])).toEqual(newestFirst(others).slice(0, 25));
  });

  test('is a bug where the error is none of ours, and the sweep rejects', async () => {
    const lists = createFakeLists({ items: others, instead: () => new TypeError('a bug') });
    await expect(sweep(queryOf(here), dependenciesOf(lists))).rejects.toThrow('a bug');
    expect(() => rowOf(itemOf(), new TypeError('a bug'))).toThrow('a bug');
  });

  test('without a call, is a row without a request id', () => {
    expect(rowOf(itemOf(), new GatewayError('LIMIT_EXCEEDED', 'Too much.'))).toEqual({
      service: 'CONTAINERENGINE',
      region: regions[0],
      compartmentId: root,
      code: 'LIMIT_EXCEEDED',
      message: 'Too much.',
      isRetryable: false,
      opcRequestId: null,
    });
  });

  const both = queryOf({ ...here, services: ['CONTAINERENGINE', 'ANALYTICS'], first: 10 });
  const own = itemsOf('c', 30);
  const failing = (
    isDown: (call: number, query: ListQuery) => boolean,
    code: ErrorCode = 'UPSTREAM_TIMEOUT',
  ) => {
    let asked = 0;
    return createFakeLists({
      items: [...own, ...others],
      instead: (query) =>
        query.service === 'CONTAINERENGINE' && isDown((asked += 1), query) ? upstreamError(code) : undefined,
    });
  };
  const callsTo = (lists: FakeLists, service: ServiceName): number =>
    lists.calls.filter((call) => call.service === service).length;

  test('is asked again with the next page, and its late items come, first and once', async () => {
    const lists = failing((call) => call <= 2);
    const pages = await pagesFrom(both, dependenciesOf(lists));
    expect(codesOf(pages)).toEqual(['CONTAINERENGINE UPSTREAM_TIMEOUT', 'CONTAINERENGINE UPSTREAM_TIMEOUT']);
    const late = [...own, ...others.slice(0, 10)].map((item) => asWorkRequest(item));
    const rest = late.sort((left, right) => compareKeys(keyOf(left), keyOf(right), 'DESC'));
    expect(idsOf(pages)).toEqual([
      ...newestFirst(others).slice(0, 20),
      ...rest.map(({ ref }) => ref.workRequestId),
    ]);
  });

  test('is asked again three times in a row, not more', async () => {
    const lists = failing(() => true);
    const pages = await somePages(7, { ...both, first: 2 }, lists);
    expect(callsTo(lists, 'CONTAINERENGINE')).toBe(4);
    expect(codesOf(pages)).toHaveLength(4);
    expect(pages.map(({ hasNext }) => hasNext)).toEqual(Array(7).fill(true));
  });

  test('and comes back at the last try has lost nothing', async () => {
    const lists = failing((call) => call <= 3);
    const pages = await pagesFrom({ ...both, first: 2 }, dependenciesOf(lists));
    expect([...idsOf(pages)].sort()).toEqual(newestFirst([...own, ...others]).toSorted());
  });

  test('now and then is asked as often as it takes: what counts is failing in a row', async () => {
    const lists = failing((call) => call % 3 === 1);
    const pages = await somePages(45, { ...both, first: 2 }, lists);
    expect([...idsOf(pages)].sort()).toEqual(newestFirst([...own, ...others]).toSorted());
    expect(codesOf(pages).length).toBeGreaterThan(4);
  });

  test('for want of a turn was not asked: that counts as no try, however many pages it takes', async () => {
    // Once by Oracle's own word, then without a call; between them three answers that are no use.
    for (const tries of [1, 3]) {
      let asked = 0;
      const lists = createFakeLists({
        items: [...own, ...others],
        instead: ({ service }) => {
          if (service !== 'CONTAINERENGINE') return undefined;
          asked += 1;
          if (asked <= tries) return upstreamError('UPSTREAM_THROTTLED');
          return asked <= tries + 6 ? withoutTurn() : undefined;
        },
      });
      const pages = await pagesFrom({ ...both, first: 2 }, dependenciesOf(lists));
      expect([...idsOf(pages)].sort()).toEqual(newestFirst([...own, ...others]).toSorted());
      expect(codesOf(pages)).toHaveLength(tries + 6);
    }
  });

  test('for want of a turn alone has no next page, and its cursor asks it again', async () => {
    const lists = createFakeLists({
      items: own,
      instead: (_, call) => (call <= 6 ? withoutTurn() : undefined),
    });
    const pages = await somePages(7, { ...both, services: ['CONTAINERENGINE'] }, lists);
    expect(pages.map(({ hasNext }) => hasNext)).toEqual([...Array<boolean>(6).fill(false), true]);
    expect(idsOf(pages)).toEqual(newestFirst(own).slice(0, 10));
  });

  test('for good is never asked again', async () => {
    for (const code of ['NOT_FOUND', 'FORBIDDEN', 'UNAUTHENTICATED', 'BAD_USER_INPUT'] as const) {
      const lists = failing(() => true, code);
      const pages = await pagesFrom(both, dependenciesOf(lists));
      expect(callsTo(lists, 'CONTAINERENGINE')).toBe(1);
      expect(codesOf(pages)).toEqual([`CONTAINERENGINE ${code}`]);
      expect(idsOf(pages)).toEqual(newestFirst(others));
    }
  });

  test('alone has no next page, though its cursor asks it again', async () => {
    const lists = failing((call) => call === 1);
    const query = { ...both, services: ['CONTAINERENGINE'] } as const;
    const [first, second] = await somePages(2, query, lists);
    expect(first).toMatchObject({ items: [], hasNext: false });
    expect(idsOf(second ? [second] : [])).toEqual(newestFirst(own).slice(0, 10));
  });

  test('in the middle of a page has its items told up to there, and goes on there', async () => {
    const lists = createFakeLists({
      items: [...own, ...others],
      maxPageSize: 4,
      instead: ({ service, page }, call) =>
        service === 'CONTAINERENGINE' && page !== undefined && call < 10
          ? upstreamError('UPSTREAM_THROTTLED')
          : undefined,
    });
    const pages = await pagesFrom(both, dependenciesOf(lists));
    expect(codesOf(pages)[0]).toBe('CONTAINERENGINE UPSTREAM_THROTTLED');
    expect([...idsOf(pages)].sort()).toEqual(newestFirst([...own, ...others]).toSorted());
    expect(new Set(idsOf(pages)).size).toBe(60);
  });

  test.each(['CONTAINERENGINE', 'BASTION'] as const)(
    'in the middle for good has told all that it gave, whatever the size of the page: %s',
    async (service) => {
      const mine = itemsOf('m', 30, { service });
      for (const first of [1, 3, 40]) {
        const lists = createFakeLists({
          items: [...mine, ...others],
          tokens: 'offset',
          maxPageSize: 4,
          instead: (query) =>
            query.service === service && query.page === 'offset 12' ? upstreamError('FORBIDDEN') : undefined,
        });
        const query = { ...both, services: [service, 'ANALYTICS'] as const, first };
        const pages = await pagesFrom(query, dependenciesOf(lists));
        const told = idsOf(pages);
        expect(new Set(told).size).toBe(told.length);
        expect(codesOf(pages)).toEqual([`${service} FORBIDDEN`]);
        expect(told.filter((id) => id.startsWith('o'))).toEqual(newestFirst(others));
        expect(told.filter((id) => id.startsWith('m'))).toHaveLength(12);
        const failed = lists.calls.filter((call) => call.service === service && call.page === 'offset 12');
        expect(failed).toHaveLength(1);
      }
    },
  );

  test('loses nothing after any edge of the page on which it failed', async () => {
    for (const code of ['UPSTREAM_UNAVAILABLE', 'FORBIDDEN'] as const) {
      for (let index = -1; index < 10; index += 1) {
        const lists = createFakeLists({
          items: [...own, ...others],
          maxPageSize: 4,
          instead: ({ service, page }) =>
            service === 'CONTAINERENGINE' && page !== undefined ? upstreamError(code) : undefined,
        });
        const page = await sweep(both, dependenciesOf(lists));
        const position = sealed(page.positionAfter(index));
        const rest = await pagesFrom({ ...both, position }, dependenciesOf(lists));
        const told = [...idsOf([page]).slice(0, index + 1), ...idsOf(rest)];
        expect(new Set(told).size).toBe(told.length);
        expect(told.filter((id) => id.startsWith('o'))).toEqual(newestFirst(others));
        // One that may come back keeps to itself what is not settled yet, up to its last try.
        const mine = told.filter((id) => id.startsWith('c'));
        expect(mine).toEqual(newestFirst(own).slice(0, mine.length));
        expect(mine.length).toBeGreaterThanOrEqual(code === 'FORBIDDEN' ? 4 : 3);
      }
    }
  });

  test('in whatever way: each item comes at most once, and all of those that always answer', async () => {
    const outcomes = fc.infiniteStream(
      fc.constantFrom<(ErrorCode | null)[]>(null, null, 'UPSTREAM_TIMEOUT', 'FORBIDDEN'),
    );
    await fc.assert(
      fc.asyncProperty(
        outcomes,
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(3, 100),
        async (next, first, maxPageSize) => {
          const flaky = [...own, ...itemsOf('b', 20, { service: 'BASTION' })];
          const lists = createFakeLists({
            items: [...flaky, ...others],
            maxPageSize,
            instead: ({ service }) => {
              const code = service === 'ANALYTICS' ? null : next.next().value;
              return code ? upstreamError(code) : undefined;
            },
          });
          const query = queryOf({ ...here, services: ['CONTAINERENGINE', 'ANALYTICS', 'BASTION'], first });
          const pages = await pagesFrom(query, dependenciesOf(lists));
          const told = idsOf(pages);
          expect(new Set(told).size).toBe(told.length);
          expect(told.filter((id) => id.startsWith('o'))).toEqual(newestFirst(others));
          const isOut = pages.some(({ failures }) => failures.some(({ isRetryable }) => !isRetryable));
          const last = pages.at(-1);
          const isOpen = (last?.positionAfter(last.items.length - 1).open.length ?? 0) > 0;
          if (codesOf(pages).length < 4 && !isOut && !isOpen) expect(told).toHaveLength(80);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a work request in the lists of two parents', () => {
  const ofA = itemsOf('x', 12, { service: 'LOADBALANCER', parent: 'lb-a' });
  const ofB = [
    ...ofA.filter((_, index) => index % 2 === 0).map((item) => ({ ...item, parent: 'lb-b' })),
    ...itemsOf('y', 6, { service: 'LOADBALANCER', parent: 'lb-b' }),
  ];
  const others = itemsOf('o', 30, { service: 'ANALYTICS' });
  const items = [...ofA, ...ofB, ...others];
  const all = [...new Set(items.map(({ nativeId }) => nativeId))].sort();
  const query = queryOf({ ...here, services: ['LOADBALANCER', 'ANALYTICS'] });

  test('comes once, though one of them is late', async () => {
    for (const error of [upstreamError('UPSTREAM_TIMEOUT'), withoutTurn()]) {
      for (const first of [2, 9, 40]) {
        let asked = 0;
        const lists = createFakeLists({
          items,
          instead: ({ params }) =>
            params?.['loadBalancerId'] === 'lb-b' && (asked += 1) <= 2 ? error : undefined,
        });
        // Up to two pages after the last that others fill: who is late alone has no next page.
        const pages = await somePages(40, { ...query, first }, lists);
        expect([...idsOf(pages)].sort()).toEqual(all);
      }
    }
  });

  test('comes at most once, however they fail', async () => {
    const outcomes = fc.infiniteStream(fc.constantFrom(null, null, 'UPSTREAM_TIMEOUT' as const));
    await fc.assert(
      fc.asyncProperty(
        outcomes,
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(3, 100),
        async (next, first, maxPageSize) => {
          const lists = createFakeLists({
            items,
            maxPageSize,
            instead: ({ service }) => {
              const code = service === 'ANALYTICS' ? null : next.next().value;
              return code ? upstreamError(code) : undefined;
            },
          });
          const told = idsOf(await pagesFrom({ ...query, first }, dependenciesOf(lists)));
          expect(new Set(told).size).toBe(told.length);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('is remembered only while one of them is late', async () => {
    let asked = 0;
    const lists = createFakeLists({
      items,
      instead: ({ params }) =>
        params?.['loadBalancerId'] === 'lb-b' && (asked += 1) === 1
          ? upstreamError('UPSTREAM_TIMEOUT')
          : undefined,
    });
    const pages = await somePages(8, { ...query, services: ['LOADBALANCER'], first: 4 }, lists);
    const remembered = pages.map((page) => page.positionAfter(page.items.length - 1).told?.length ?? 0);
    expect(remembered[0]).toBeGreaterThan(0);
    expect(remembered.at(-1)).toBe(0);
  });
});

describe('a compartment that is absent', () => {
  const services: readonly ServiceName[] = ['CONTAINERENGINE', 'BASTION', 'IDENTITY', 'LOADBALANCER'];
  const absent = {
    ...parentsOf([]),
    paramsFor: async (api: { readonly name: string }) => {
      if (api.name === 'LOADBALANCER') throw upstreamError('NOT_FOUND');
      return [{}];
    },
  };

  test('is one row for all sources, those that list by a parent included', async () => {
    const lists = createFakeLists({ items: [], instead: () => upstreamError('NOT_FOUND') });
    for (const asked of [services, ['LOADBALANCER'], ['BASTION']] as const) {
      const page = await sweep(queryOf({ services: asked }), dependenciesOf(lists, { parents: absent }));
      expect(page.failures).toEqual([
        {
          service: null,
          region: null,
          compartmentId: root,
          code: 'NOT_FOUND',
          message: expect.stringContaining(root),
          isRetryable: false,
          opcRequestId: null,
        },
      ]);
      expect(page).toMatchObject({ items: [], hasNext: false });
    }
  });

  test('for some sources only is a row for each of those', async () => {
    const lists = createFakeLists({
      items: [],
      instead: ({ service }) => (service === 'BASTION' ? undefined : upstreamError('NOT_FOUND')),
    });
    const page = await sweep(queryOf({ ...here, services }), dependenciesOf(lists, { parents: absent }));
    expect(codesOf([page])).toEqual([
      'LOADBALANCER NOT_FOUND',
      'CONTAINERENGINE NOT_FOUND',
      'IDENTITY NOT_FOUND',
    ]);
  });

  test('is not said of one whose items came before a later page was absent', async () => {
    const lists = createFakeLists({
      items: itemsOf('c', 30),
      maxPageSize: 10,
      instead: ({ page }) => (page === undefined ? undefined : upstreamError('NOT_FOUND')),
    });
    const page = await sweep(queryOf(here), dependenciesOf(lists));
    expect(codesOf([page])).toEqual(['CONTAINERENGINE NOT_FOUND']);
    expect(page.items).toHaveLength(10);
  });
});

describe('what has to be known first', () => {
  const items = [
    ...itemsOf('l', 20, { service: 'LOADBALANCER', parent: 'lb-a' }),
    ...itemsOf('s', 20, { compartmentId: child }),
    ...itemsOf('c', 20),
  ];
  const query = queryOf({
    services: ['CONTAINERENGINE', 'LOADBALANCER'],
    includeSubcompartments: true,
    first: 6,
  });
  const flaky = (failures: number, error: Error = upstreamError('UPSTREAM_UNAVAILABLE')) => {
    const known = parentsOf(items);
    const left = { parents: failures, subtree: failures };
    const asked = { parents: 0, subtree: 0 };
    return {
      asked,
      parents: {
        async paramsFor(...of: Parameters<typeof known.paramsFor>) {
          const isMine = of[0].parents !== null && of[1] === regions[0] && of[2] === root;
          if (isMine) asked.parents += 1;
          if (isMine && (left.parents -= 1) >= 0) throw error;
          return known.paramsFor(...of);
        },
        async subtreeOf(id: string) {
          asked.subtree += 1;
          if ((left.subtree -= 1) >= 0) throw error;
          return known.subtreeOf(id);
        },
      },
    };
  };

  test('and cannot be had is a failure, and what it leads to comes late', async () => {
    for (const failures of [1, 2, 3]) {
      const { parents } = flaky(failures);
      const pages = await pagesFrom(query, dependenciesOf(createFakeLists({ items }), { parents }));
      expect([...idsOf(pages)].sort()).toEqual(newestFirst(items).toSorted());
      expect(codesOf(pages)).toHaveLength(2 * failures);
      expect(pages[0]?.failures).toEqual([
        expect.objectContaining({ service: 'IDENTITY', region: regions[0], compartmentId: root }),
        expect.objectContaining({ service: 'LOADBALANCER', region: regions[0], compartmentId: root }),
      ]);
    }
  });

  test('is asked for again three times, not more; and never where it is not permitted', async () => {
    for (const [code, times] of [
      ['UPSTREAM_UNAVAILABLE', 4],
      ['FORBIDDEN', 1],
    ] as const) {
      const { parents, asked } = flaky(100, upstreamError(code));
      const pages = await somePages(6, { ...query, first: 2 }, createFakeLists({ items }), { parents });
      expect(asked).toEqual({ parents: times, subtree: times });
      expect(codesOf(pages)).toHaveLength(2 * times);
    }
  });

  test('and was not asked for want of a turn is asked for as often as it takes', async () => {
    for (const failures of [1, 8]) {
      const { parents } = flaky(failures, withoutTurn());
      const lists = createFakeLists({ items });
      const pages = await pagesFrom({ ...query, first: 2 }, dependenciesOf(lists, { parents }));
      expect([...idsOf(pages)].sort()).toEqual(newestFirst(items).toSorted());
      expect(codesOf(pages)).toHaveLength(2 * failures);
    }
  });

  test('is waited for by nobody else', async () => {
    const lists = createFakeLists({ items });
    let tell: (params: readonly ListParams[]) => void = () => undefined;
    const slow = new Promise<readonly ListParams[]>((resolve) => (tell = resolve));
    const parents: ParentFinder = {
      ...parentsOf(lists.items),
      paramsFor: (api) => (api.parents === null ? Promise.resolve([{}]) : slow),
      subtreeOf: () => slow.then(() => [root]),
    };
    const services = ['CONTAINERENGINE', 'LOADBALANCER'] as const;
    const asked = { ...query, services, includeSubcompartments: true };
    const sweeping = sweep(asked, dependenciesOf(lists, { parents }));
    await settle();
    expect(lists.calls.length).toBeGreaterThan(0);
    tell([]);
    expect((await sweeping).items.length).toBeGreaterThan(0);
  });

  test('and fails as a bug makes the sweep reject', async () => {
    const parents = { ...parentsOf([]), subtreeOf: () => Promise.reject(new TypeError('a bug')) };
    const sweeping = sweep(query, dependenciesOf(createFakeLists({ items }), { parents }));
    await expect(sweeping).rejects.toThrow('a bug');
  });
});

describe('a source that misbehaves', () => {
  const others = itemsOf('o', 120, { service: 'ANALYTICS' });
  const query = queryOf({ ...here, services: ['CONTAINERENGINE', 'ANALYTICS'], first: 50 });
  const pageOf = (
    items: readonly Listed[],
    nextPage: string | null = null,
    malformed: readonly string[] = [],
  ): Page<WorkRequest> => ({ items: items.map((item) => asWorkRequest(item)), nextPage, malformed });

  /** All pages; the others' items have to be complete and in order, and nothing may come twice. */
  const tellAll = async (
    answer: (page: string | undefined, asked: number) => Page<WorkRequest>,
    more: Partial<FakeListsOptions> = {},
    asked: Partial<SweepQuery> = {},
  ) => {
    let count = 0;
    const lists = createFakeLists({
      items: others,
      ...more,
      instead: ({ service, page }) =>
        service === 'CONTAINERENGINE' ? answer(page, (count += 1)) : undefined,
    });
    const pages = await pagesFrom({ ...query, ...asked }, dependenciesOf(lists));
    const told = idsOf(pages);
    expect(new Set(told).size).toBe(told.length);
    expect(told.filter((id) => id.startsWith('o'))).toEqual(newestFirst(others));
    return {
      pages,
      own: told.filter((id) => !id.startsWith('o')),
      messages: pages.flatMap(({ failures }) => failures.map(({ code, message }) => `${code}: ${message}`)),
      calls: count,
    };
  };
  const some = [...itemsOf('c', 6)].reverse();

  test('by repeating a page token ends there, and says so', async () => {
    for (const token of ['again', 'x']) {
      const { own, messages, calls } = await tellAll((page) =>
        page === undefined
          ? pageOf(some.slice(0, 3), 'x')
          : pageOf(some.slice(3), page === 'x' ? token : 'x'),
      );
      expect(own).toEqual(newestFirst(some));
      expect(messages[0]).toMatch(/^UPSTREAM_MALFORMED: .*repeated the token/);
      expect(calls).toBeLessThan(12);
    }
  });

  test('by giving empty pages for ever ends after ten, and says so', async () => {
    let token = 0;
    const { messages, calls, pages } = await tellAll(() => pageOf([], `t${(token += 1)}`));
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(/^UPSTREAM_MALFORMED: .*10 pages in a row/);
    expect(calls).toBe(10);
    expect(pages).toHaveLength(3);
  });

  test('by giving some empty pages is waited for', async () => {
    const { own, messages } = await tellAll((page) => {
      const at = Number(page ?? 0);
      return at % 7 < 6
        ? pageOf([], String(at + 1))
        : pageOf([some[(at - 6) / 7] ?? itemOf()], at < 41 ? String(at + 1) : null);
    });
    expect(own).toEqual(newestFirst(some));
    expect(messages).toEqual([]);
  });

  test('by giving the same items for ever ends, and says so', async () => {
    let token = 0;
    const { own, messages } = await tellAll(() => pageOf(some.slice(0, 1), `t${(token += 1)}`));
    expect(own).toEqual(['c5']);
    expect(messages[0]).toMatch(/^UPSTREAM_MALFORMED: .*without anything new/);
  });

  test('by listing items twice, within a page and over pages, has each told once', async () => {
    const [a = itemOf(), b = itemOf(), c = itemOf()] = some;
    const { own, messages } = await tellAll((page) =>
      page === undefined ? pageOf([a, a, b], 'x') : pageOf([b, c, c]),
    );
    expect(own).toEqual([a, b, c].map(({ nativeId }) => nativeId));
    expect(messages).toEqual([]);
  });

  test('by listing out of order within what is read loses nothing', async () => {
    for (const first of [1, 5, 50]) {
      const { own, messages } = await tellAll(
        (page) =>
          page === undefined
            ? pageOf(
                [some[3], some[0], some[5]].flatMap((item) => item ?? []),
                'x',
              )
            : pageOf([some[4], some[1], some[2]].flatMap((item) => item ?? [])),
        {},
        { first },
      );
      expect(own).toEqual(newestFirst(some));
      expect(messages[0]).toMatch(/^UPSTREAM_MALFORMED: .*out of order/);
    }
  });

  test('by listing out of order when some were told already ends cleanly, and has no others told twice', async () => {
    for (const first of [1, 2, 3, 4, 7, 50]) {
      const late = itemOf({ nativeId: 'late', time: 1_045 });
      const { own, messages } = await tellAll(
        (page) => (page === undefined ? pageOf(some.slice(0, 3), 'x') : pageOf([late, ...some.slice(3)])),
        {},
        { first },
      );
      expect(own.filter((id) => id !== 'late')).toEqual(newestFirst(some));
      expect(messages[0]).toMatch(/^UPSTREAM_MALFORMED: .*out of order/);
    }
  });

  test('by listing at random, over pages: nothing comes twice, and all of it where it is read whole at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.integer({ min: 990, max: 1_100 })), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 10 }),
        async (times, first, size) => {
          const all = times.map((time, index) => itemOf({ nativeId: `r${index}`, time }));
          const { own } = await tellAll(
            (page) => {
              const from = Number(page ?? 0);
              return pageOf(
                all.slice(from, from + size),
                from + size < all.length ? String(from + size) : null,
              );
            },
            {},
            { first },
          );
          if (size >= all.length) expect([...own].sort()).toEqual(all.map(({ nativeId }) => nativeId).sort());
        },
      ),
      { numRuns: 100 },
    );
  });

  test('by listing out of order is remembered by the cursor: smaller pages lose nothing', async () => {
    const all = [...itemsOf('c', 60)].reverse();
    const late = itemOf({ nativeId: 'late', time: 1_305 });
    const listed = [...all.slice(0, 50), late, ...all.slice(50)];
    const ahead = itemsOf('o', 110, { service: 'ANALYTICS' }).map((item, at) => ({
      ...item,
      time: 9_000 + at,
    }));
    const lists = createFakeLists({
      items: ahead,
      instead({ service, page, limit = 10 }) {
        if (service !== 'CONTAINERENGINE') return undefined;
        const from = Number(page ?? 0);
        return pageOf(
          listed.slice(from, from + limit),
          from + limit < listed.length ? String(from + limit) : null,
        );
      },
    });
    const first = await sweep({ ...query, first: 100 }, dependenciesOf(lists));
    expect(idsOf([first])).toEqual(newestFirst(ahead).slice(0, 100));
    const position = sealed(first.positionAfter(99));
    const rest = await pagesFrom({ ...query, first: 5, position }, dependenciesOf(lists));
    expect(idsOf(rest)).toEqual(newestFirst([...ahead.slice(0, 10), ...all, late]));
  });

  test("by listing another compartment's has those left out, and says so", async () => {
    const foreign = itemOf({ nativeId: 'foreign', compartmentId: child, time: 5_000 });
    const { own, messages } = await tellAll(() => pageOf([foreign, ...some]));
    expect(own).toEqual(newestFirst(some));
    expect(messages[0]).toMatch(/^UPSTREAM_MALFORMED: .*another compartment/);
  });

  test('by listing what is no work request costs no other item its place', async () => {
    const { own, messages } = await tellAll(() => pageOf(some, null, ['item 3: the item has no id']));
    expect(own).toEqual(newestFirst(some));
    expect(messages[0]).toMatch(/^UPSTREAM_MALFORMED: .*item 3: the item has no id/);
  });

  test('by refusing the filter of a later page only is read again without, and has each told once', async () => {
    const all = itemsOf('f', 40, { word: 'FAILED' });
    for (const tokens of ['offset', 'keyset'] as const) {
      for (const first of [1, 4, 40]) {
        const lists = createFakeLists({
          items: [...all, ...itemsOf('g', 40)],
          tokens,
          maxPageSize: 10,
          instead: ({ params, page }) =>
            params?.['status'] !== undefined && page !== undefined
              ? upstreamError('BAD_USER_INPUT')
              : undefined,
        });
        const asked = queryOf({ ...here, filter: { statuses: ['FAILED'] }, first });
        const pages = await pagesFrom(asked, dependenciesOf(lists));
        expect(idsOf(pages)).toEqual(newestFirst(all));
        expect(codesOf(pages)).toEqual([]);
      }
    }
  });

  test('by refusing a filter is asked with it once, not with every page', async () => {
    const lists = createFakeLists({
      items: itemsOf('f', 40, { word: 'FAILED' }),
      maxPageSize: 10,
      instead: ({ params }) =>
        params?.['status'] === undefined ? undefined : upstreamError('BAD_USER_INPUT'),
    });
    await pagesFrom(queryOf({ ...here, filter: { statuses: ['FAILED'] }, first: 10 }), dependenciesOf(lists));
    expect(lists.calls.filter(({ params }) => params?.['status'] !== undefined)).toHaveLength(1);
  });

  test('by refusing without any filter has failed', async () => {
    const lists = createFakeLists({ items: others, instead: () => upstreamError('BAD_USER_INPUT') });
    expect(codesOf(await pagesFrom(queryOf(here), dependenciesOf(lists)))).toEqual([
      'CONTAINERENGINE BAD_USER_INPUT',
    ]);
    expect(lists.calls).toHaveLength(1);
  });
});

describe('a source that does not sort', () => {
  const query = queryOf({ ...here, services: ['BASTION'], first: 100 });

  test('is read whole, page by page, up to a thousand', async () => {
    const items = itemsOf('b', 1_000, { service: 'BASTION' });
    const lists = createFakeLists({ items });
    const page = await sweep(query, dependenciesOf(lists));
    expect(lists.calls).toHaveLength(10);
    expect(page).toMatchObject({ failures: [], hasNext: true });
    expect(idsOf([page])).toEqual(newestFirst(items).slice(0, 100));
  });

  test('is cut beyond, and says so with each page', async () => {
    const lists = createFakeLists({ items: itemsOf('b', 1_001, { service: 'BASTION' }) });
    const pages = await pagesFrom(query, dependenciesOf(lists));
    expect(idsOf(pages)).toHaveLength(1_000);
    expect(new Set(codesOf(pages))).toEqual(new Set(['BASTION TRUNCATED']));
    expect(pages[0]?.failures[0]).toMatchObject({ isRetryable: false, region: regions[0] });
    expect(lists.calls).toHaveLength(10 * pages.length);
  });

  test('is cut after a hundred pages, too', async () => {
    const lists = createFakeLists({ items: itemsOf('b', 300, { service: 'BASTION' }), maxPageSize: 2 });
    const page = await sweep(query, dependenciesOf(lists));
    expect(lists.calls).toHaveLength(100);
    expect(codesOf([page])).toEqual(['BASTION TRUNCATED']);
  });
});

describe('a source that sorts', () => {
  test('and has few matches is searched for long enough, and by the next page from there on', async () => {
    const items = [
      ...itemsOf('c', 12_000, { word: 'FAILED' }),
      itemOf({ nativeId: 'match', time: 1, operationType: 'RARE' }),
    ];
    const others = itemsOf('o', 30, { service: 'ANALYTICS', operationType: 'RARE' });
    const lists = createFakeLists({ items: [...items, ...others] });
    const query = queryOf({
      ...here,
      services: ['CONTAINERENGINE', 'ANALYTICS'],
      filter: { operationTypes: ['RARE'] },
      first: 10,
    });
    const pages = await pagesFrom(query, dependenciesOf(lists));
    expect(idsOf(pages)).toEqual([...newestFirst(others), 'match']);
    expect(codesOf(pages)).toEqual(['CONTAINERENGINE TRUNCATED', 'CONTAINERENGINE TRUNCATED']);
    expect(pages[0]).toMatchObject({ hasNext: true, failures: [{ isRetryable: true }] });
    // The whole list once, and the match's own page again, to tell it.
    expect(lists.calls.filter(({ service }) => service === 'CONTAINERENGINE')).toHaveLength(122);
  });

  test('tells up to a thousand of one time exactly, whatever the size of the page', async () => {
    const items = itemsOf('c', 990, { time: 5 });
    const more = itemsOf('d', 5, { time: 4 });
    for (const first of [1, 19, 100]) {
      const lists = createFakeLists({ items: [...items, ...more], tokens: 'offset' });
      const page = await sweep(queryOf({ ...here, first }), dependenciesOf(lists));
      expect(page.failures).toEqual([]);
      const expected = items
        .map((item) => asWorkRequest(item))
        .sort((left, right) => (left.id < right.id ? -1 : 1));
      expect(idsOf([page])).toEqual(expected.slice(0, first).map(({ ref }) => ref.workRequestId));
    }
  });

  test('and has too many of one time says so, and comes to an end', async () => {
    const late = itemsOf('d', 5).map((item, index) => ({ ...item, time: index }));
    const lists = createFakeLists({ items: [...itemsOf('c', 1_200, { time: 5 }), ...late], maxPageSize: 20 });
    const pages = await pagesFrom(queryOf({ ...here, first: 100 }), dependenciesOf(lists));
    const told = idsOf(pages);
    expect(new Set(told).size).toBe(told.length);
    expect(told.length).toBeGreaterThanOrEqual(1_005);
    expect(told.slice(-5)).toEqual(['d4', 'd3', 'd2', 'd1', 'd0']);
    expect(codesOf(pages)[0]).toBe('CONTAINERENGINE TRUNCATED');
  });
});

describe('a source whose list lacks what the filter asks for', () => {
  const items = itemsOf('q', 60, { service: 'MYSQL', resourceId: 'ocid1.x.oc1..a' }).map((item, index) =>
    index % 2 === 0 ? item : { ...item, resourceId: 'ocid1.x.oc1..b' },
  );
  const query = queryOf({ ...here, services: ['MYSQL'], filter: { resourceId: 'ocid1.x.oc1..a' }, first: 7 });
  const matching = newestFirst(items.filter(({ resourceId }) => resourceId?.endsWith('a')));

  test('has each item read once in a page, and none that was told', async () => {
    const lists = createFakeLists({ items, filters: 'ignored' });
    const first = await sweep(query, dependenciesOf(lists));
    expect(lists.gets).toHaveLength(60);
    expect(new Set(lists.gets).size).toBe(60);
    await sweep({ ...query, position: sealed(first.positionAfter(6)) }, dependenciesOf(lists));
    expect(lists.gets.length).toBe(60 + 46);
  });

  test('has a thousand read for a page at most, and the rest for the next', async () => {
    const many = itemsOf('q', 1_500, { service: 'MYSQL', resourceId: 'ocid1.x.oc1..b' });
    const last = itemOf({ service: 'MYSQL', nativeId: 'last', time: 1, resourceId: 'ocid1.x.oc1..a' });
    const lists = createFakeLists({ items: [...many, last], filters: 'ignored' });
    const [one, two] = await pagesFrom(query, dependenciesOf(lists));
    expect(one).toMatchObject({
      items: [],
      hasNext: true,
      failures: [{ code: 'TRUNCATED', isRetryable: true }],
    });
    expect(idsOf(two ? [two] : [])).toEqual(['last']);
    expect(lists.gets).toHaveLength(1_501);
  });

  test('leaves out what is gone by then, and what cannot be read with a failure', async () => {
    const fate = new Map([
      ['q58', null],
      ['q56', upstreamError('UPSTREAM_TIMEOUT')],
    ]);
    const lists = createFakeLists({ items, insteadOfGet: ({ ref }) => fate.get(ref.workRequestId) });
    const page = await sweep({ ...query, first: 100 }, dependenciesOf(lists));
    expect(idsOf([page])).toEqual(matching.filter((id) => !fate.has(id)));
    expect(codesOf([page])).toEqual(['MYSQL UPSTREAM_TIMEOUT']);
  });

  /** Sorted and not, with its place in the list and without, by namespace. */
  const lacking = ['MYSQL', 'ODA', 'LOGANALYTICS', 'WORKREQUESTS'] as const;
  const ofAll = lacking.flatMap((service) =>
    itemsOf(service, 12, { service, resourceId: 'ocid1.x.oc1..a' }).map((item, index) => ({
      ...item,
      time: index % 4 === 0 ? 1_000 : (item.time ?? 0),
    })),
  );
  const bothWays: Partial<SweepQuery> = {
    ...here,
    services: [...lacking, 'ANALYTICS'],
    filter: { resourceId: 'ocid1.x.oc1..a', acceptedAfter: new Date(500) },
  };
  const others = itemsOf('o', 20, { service: 'ANALYTICS', resourceId: 'ocid1.x.oc1..a' });
  const whole = [...ofAll, ...others].map(({ nativeId }) => nativeId).sort();

  /** Goes on while anything is open, also where nothing but what is late is left. */
  const untilClosed = async (
    asked: SweepQuery,
    lists: FakeLists,
    between: () => void = () => undefined,
  ): Promise<readonly SweepPage[]> => {
    const pages: SweepPage[] = [];
    let { position } = asked;
    do {
      if (pages.length > 300) throw new Error('no end');
      const page = await sweep({ ...asked, position }, dependenciesOf(lists));
      pages.push(page);
      position = sealed(page.positionAfter(page.items.length - 1));
      between();
    } while (position.open.length > 0);
    return pages;
  };

  test.each(lacking)(
    'tells late what could not be read once, and the others as if nothing had been: %s',
    async (service) => {
      const mine = ofAll.filter((item) => item.service === service);
      for (const { nativeId } of mine) {
        for (const error of [upstreamError('UPSTREAM_UNAVAILABLE'), withoutTurn()]) {
          let failures = 1;
          const lists = createFakeLists({
            items: mine,
            maxPageSize: 5,
            insteadOfGet: ({ ref }) =>
              ref.workRequestId === nativeId && (failures -= 1) >= 0 ? error : undefined,
          });
          const asked = queryOf({ ...bothWays, services: [service], first: 4 });
          const pages = await untilClosed(asked, lists);
          expect([...idsOf(pages)].sort()).toEqual(mine.map((item) => item.nativeId).sort());
          const inOrder = idsOf(await untilClosed(asked, createFakeLists({ items: mine })));
          expect(idsOf(pages).filter((id) => id !== nativeId)).toEqual(
            inOrder.filter((id) => id !== nativeId),
          );
        }
      }
    },
  );

  test('asks three times again for what cannot be read, then leaves it out', async () => {
    for (const service of lacking) {
      const mine = ofAll.filter((item) => item.service === service);
      const lists = createFakeLists({
        items: mine,
        insteadOfGet: ({ ref }) =>
          ref.workRequestId === `${service}7` ? upstreamError('UPSTREAM_TIMEOUT') : undefined,
      });
      const pages = await untilClosed(queryOf({ ...bothWays, services: [service], first: 100 }), lists);
      expect(codesOf(pages)).toEqual(Array(4).fill(`${service} UPSTREAM_TIMEOUT`));
      expect(lists.gets.filter((id) => id === lists.gets[4])).not.toHaveLength(0);
      expect(idsOf(pages)).toHaveLength(11);
      expect(pages.map(({ hasNext }) => hasNext)).toEqual([false, false, false, false]);
    }
  });

  test('and whose list fails for good meanwhile is not asked again for what was late', async () => {
    for (const service of lacking) {
      let isForbidden = false;
      const lists = createFakeLists({
        items: ofAll.filter((item) => item.service === service),
        instead: () => (isForbidden ? upstreamError('FORBIDDEN') : undefined),
        insteadOfGet: ({ ref }) =>
          ref.workRequestId === `${service}7` ? upstreamError('UPSTREAM_TIMEOUT') : undefined,
      });
      const asked = queryOf({ ...bothWays, services: [service], first: 100 });
      const first = await sweep(asked, dependenciesOf(lists));
      isForbidden = true;
      const rest = await untilClosed({ ...asked, position: sealed(first.positionAfter(10)) }, lists);
      expect(codesOf(rest)).toEqual([`${service} FORBIDDEN`]);
    }
  });

  test('forgets what was gone before it could be read', async () => {
    for (const service of lacking) {
      const lists = createFakeLists({
        items: ofAll.filter((item) => item.service === service),
        insteadOfGet: () => (lists.items.length === 12 ? upstreamError('UPSTREAM_TIMEOUT') : undefined),
      });
      const asked = queryOf({ ...bothWays, services: [service], first: 100 });
      const first = await sweep(asked, dependenciesOf(lists));
      lists.items.splice(0, 6);
      const rest = await untilClosed({ ...asked, position: sealed(first.positionAfter(-1)) }, lists);
      expect([rest.length, idsOf(rest).length]).toEqual([1, 6]);
    }
  });

  test('however its gets and lists fail tells each at most once, and all where none is given up', async () => {
    const outcomes = fc.infiniteStream(
      fc.constantFrom<(Error | undefined)[]>(
        ...Array<undefined>(8).fill(undefined),
        withoutTurn(),
        withoutTurn(),
        upstreamError('UPSTREAM_UNAVAILABLE'),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        outcomes,
        outcomes,
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(3, 100),
        fc.constantFrom('offset' as const, 'keyset' as const),
        async (gets, asked, first, maxPageSize, tokens) => {
          // Each at most twice in a row and eight times in all, a list at the first or second call of a page.
          const vain = new Map<string, { inRow: number; inAll: number }>();
          const fail = (key: string, error: Error | undefined): Error | undefined => {
            const { inRow, inAll } = vain.get(key) ?? { inRow: 0, inAll: 0 };
            const fails = error !== undefined && inRow < 2 && inAll < 8;
            vain.set(key, fails ? { inRow: inRow + 1, inAll: inAll + 1 } : { inRow: 0, inAll });
            return fails ? error : undefined;
          };
          let begun = new Map<string, { calls: number; failsAt: number; error: Error | undefined }>();
          const lists = createFakeLists({
            items: [...ofAll, ...others],
            maxPageSize,
            tokens,
            instead: ({ service }, call) => {
              const plan = begun.get(service) ?? {
                calls: 0,
                failsAt: 1 + (call % 2),
                error: fail(service, asked.next().value),
              };
              begun.set(service, { ...plan, calls: plan.calls + 1 });
              return plan.calls + 1 === plan.failsAt ? plan.error : undefined;
            },
            insteadOfGet: ({ id }) => fail(id, gets.next().value),
          });
          const asking = queryOf({ ...bothWays, first });
          const pages = await untilClosed(asking, lists, () => (begun = new Map()));
          expect([...idsOf(pages)].sort()).toEqual(whole);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('rejects for a bug', async () => {
    const lists = createFakeLists({ items, insteadOfGet: () => new TypeError('a bug') });
    await expect(sweep(query, dependenciesOf(lists))).rejects.toThrow('a bug');
  });
});

describe('many sources', () => {
  test('with many items are merged without asking or comparing more than it takes', async () => {
    const services: readonly ServiceName[] = ['CONTAINERENGINE', 'ANALYTICS', 'ADM'];
    const compartments = Array.from({ length: 115 }, (_, index) => `ocid1.compartment.oc1..${index}`);
    const items = services.flatMap((service, at) =>
      compartments.flatMap((compartmentId, of) =>
        itemsOf(`s${at}c${of}i`, 100, { service, compartmentId }).map((item, index) => ({
          ...item,
          time: 1_000 + index * 400 + of * 3 + at,
        })),
      ),
    );
    const bySource = Map.groupBy(items, ({ service, compartmentId }) => `${service} ${compartmentId}`);
    const calls: ListQuery[] = [];
    const list = async (query: ListQuery): Promise<Page<WorkRequest>> => {
      calls.push(query);
      const all = [...(bySource.get(`${query.service} ${query.compartmentId}`) ?? [])].reverse();
      return { items: all.map((item) => asWorkRequest(item)), nextPage: null, malformed: [] };
    };
    const page = await sweep(
      queryOf({ ...here, services, includeSubcompartments: true, first: 100 }),
      dependenciesOf(createFakeLists({ items: [] }), {
        list,
        parents: parentsOf([], { subtree: [root, ...compartments] }),
      }),
    );
    expect(calls).toHaveLength(345 + 3);
    expect(idsOf([page])).toEqual(newestFirst(items).slice(0, 100));
    for (const index of page.items.keys()) expect(page.positionAfter(index).open).toHaveLength(345);
  });
});
