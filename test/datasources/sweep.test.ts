import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { catalog } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { matches } from '../../datasources/filters.ts';
import type { Filter } from '../../datasources/filters.ts';
import { compareKeys, keyOf } from '../../datasources/sort-key.ts';
import type { Order } from '../../datasources/sort-key.ts';
import { sweep } from '../../datasources/sweep.ts';
import type { SweepQuery } from '../../datasources/sweep.ts';
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
import type { Listed } from '../support/fake-lists.ts';
import { upstreamError } from '../support/fake-upstream.ts';

const refusal = upstreamError('BAD_USER_INPUT');

/** Sorting, not sorting, without times in lists, in the home region, by parent, by namespace. */
const services = [
  'CONTAINERENGINE',
  'ANALYTICS',
  'BASTION',
  'ODA',
  'IDENTITY',
  'LOADBALANCER',
  'WAAS',
  'LOGANALYTICS_CONFIG',
] as const satisfies readonly ServiceName[];

const placed = fc
  .record({
    service: fc.constantFrom(...services),
    region: fc.constantFrom(...regions),
    compartmentId: fc.constantFrom(root, child),
    parent: fc.constantFrom('parent-a', 'parent-b'),
    // Few times: many are equal, some are not told.
    time: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 6 }),
  })
  .map((item) => (catalog[item.service].isHomeRegionOnly ? { ...item, region: regions[0] } : item));

const scene = fc.record({
  items: fc
    .array(placed, { maxLength: 120 })
    .map((all) => all.map((item, index): Listed => ({ ...item, nativeId: `wr${index}` }))),
  first: fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 100 })),
  order: fc.constantFrom<Order[]>('ASC', 'DESC'),
  tokens: fc.constantFrom('offset' as const, 'keyset' as const),
  nulls: fc.constantFrom('first' as const, 'last' as const),
  maxPageSize: fc.constantFrom(1, 3, 1_000),
});

const everything = { services, includeSubcompartments: true } as const;

/** Ids in the order in which they have to be told. */
const inOrder = (items: readonly Listed[], order: Order): readonly string[] =>
  items
    .map((item) => asWorkRequest(item))
    .sort((left, right) => compareKeys(keyOf(left), keyOf(right), order))
    .map(({ ref }) => ref.workRequestId);

describe('the pages of a sweep', () => {
  test('hold each work request once and in order, while new ones arrive', async () => {
    const arrivals = fc.array(fc.array(placed, { maxLength: 4 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(scene, arrivals, async ({ items, first, order, ...manner }, arriving) => {
        const lists = createFakeLists({ items, ...manner });
        const dependencies = dependenciesOf(lists);
        let arrived = 0;
        const between = (): void => {
          for (const item of arriving.shift() ?? []) {
            lists.items.push({ ...item, time: 100 + arrived, nativeId: `new${(arrived += 1)}` });
          }
        };
        const pages = await pagesFrom(queryOf({ ...everything, first, order }), dependencies, { between });
        const told = pages.flatMap((page) => page.items);
        for (const [index, item] of told.entries()) {
          const before = told[index - 1];
          if (before) expect(compareKeys(keyOf(before), keyOf(item), order)).toBeLessThan(0);
        }
        expect(idsOf(pages).filter((id) => !id.startsWith('new'))).toEqual(inOrder(items, order));
        expect(pages.slice(0, -1).every((page) => page.items.length === first)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('go on exactly after any edge, not just the last one', async () => {
    await fc.assert(
      fc.asyncProperty(scene, fc.nat(), fc.nat(), async ({ items, first, order, ...manner }, which, edge) => {
        const dependencies = dependenciesOf(createFakeLists({ items, ...manner }));
        const query = queryOf({ ...everything, first, order });
        const pages = await pagesFrom(query, dependencies);
        const at = which % pages.length;
        const page = pages[at];
        if (!page || page.items.length === 0) return;
        const index = (edge % (page.items.length + 1)) - 1;
        const position = sealed(page.positionAfter(index));
        const rest = await pagesFrom({ ...query, position }, dependencies);
        expect(idsOf(rest)).toEqual(inOrder(items, order).slice(at * first + index + 1));
      }),
      { numRuns: 150 },
    );
  });

  test('lose nothing and tell nothing twice when new ones arrive while a page is read', async () => {
    const calls = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), placed), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(scene, calls, async ({ items, first, order, ...manner }, arriving) => {
        const lists = createFakeLists({
          items,
          ...manner,
          instead: (_, call) => {
            const fresh = arriving.filter(([at]) => at === call);
            for (const [, item] of fresh)
              lists.items.push({
                ...item,
                time: 100 + lists.items.length,
                nativeId: `new${lists.items.length}`,
              });
            return undefined;
          },
        });
        const pages = await pagesFrom(queryOf({ ...everything, first, order }), dependenciesOf(lists));
        expect(idsOf(pages).filter((id) => !id.startsWith('new'))).toEqual(inOrder(items, order));
        expect(new Set(idsOf(pages)).size).toBe(idsOf(pages).length);
      }),
      { numRuns: 150 },
    );
  });

  test('may be of different sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        scene,
        fc.array(fc.integer({ min: 1, max: 100 })),
        async ({ items, ...more }, sizes) => {
          const { order, first, ...manner } = more;
          const dependencies = dependenciesOf(createFakeLists({ items, ...manner }));
          const told: string[] = [];
          let query: SweepQuery = queryOf({ ...everything, first, order });
          for (;;) {
            const page = await sweep(query, dependencies);
            told.push(...idsOf([page]));
            if (!page.hasNext) break;
            const position = sealed(page.positionAfter(page.items.length - 1));
            query = { ...query, position, first: sizes.shift() ?? first };
          }
          expect(told).toEqual(inOrder(items, order));
        },
      ),
      { numRuns: 50 },
    );
  });

  test('keep the size that a token was given for, where tokens count pages', async () => {
    const items = Array.from({ length: 200 }, (_, index) =>
      itemOf({ nativeId: `wr${index}`, time: index + 1 }),
    );
    const lists = createFakeLists({ items });
    const counting = async (query: Parameters<typeof lists.list>[0]) => {
      const [size, number] = [query.limit ?? 10, Number(query.page ?? 0)];
      const page = await lists.list({ ...query, limit: 1_000, page: 'offset 0' });
      const nextPage = (number + 1) * size < items.length ? String(number + 1) : null;
      return { ...page, items: page.items.slice(number * size, (number + 1) * size), nextPage };
    };
    const dependencies = dependenciesOf(lists, { list: counting });
    const query = queryOf({ regions: [regions[0]], first: 30 });
    const [one, two] = await pagesFrom(query, dependencies);
    const position = sealed(two?.positionAfter(29) ?? { after: null, open: [] });
    const rest = await pagesFrom({ ...query, first: 70, position }, dependencies);
    expect(idsOf([one, two, ...rest].flatMap((page) => page ?? []))).toEqual(inOrder(items, 'DESC'));
  });
});

describe('how a sweep asks', () => {
  test('one call for each source, for a first page and for later ones', async () => {
    const all = Object.keys(catalog) as ServiceName[];
    const items = all.flatMap((service, at) =>
      Array.from({ length: 3 }, (_, index) =>
        itemOf({ service, nativeId: `wr${at}-${index}`, time: 1 + index * 200 + at, parent: 'parent-a' }),
      ),
    );
    const lists = createFakeLists({ items });
    const query = queryOf({ services: all, first: 20 });
    const page = await sweep(query, dependenciesOf(lists));
    // Three are asked in the home region only; parents are in one region only, and three APIs list by them.
    const sources = all.length * regions.length - 3 - 3;
    expect(page.items).toHaveLength(20);
    expect(lists.takeCalls()).toHaveLength(sources);
    const position = sealed(page.positionAfter(19));
    await sweep({ ...query, position }, dependenciesOf(lists));
    // Those that had nothing are not asked again.
    expect(lists.takeCalls()).toHaveLength(all.length);
  });

  test('sources that sort for little more than the page takes, others for as much as there is', async () => {
    const lists = createFakeLists({ items: [] });
    await sweep(
      queryOf({ services: ['CONTAINERENGINE', 'BASTION'], regions: [regions[1]] }),
      dependenciesOf(lists),
    );
    expect(lists.calls).toEqual([
      {
        service: 'CONTAINERENGINE',
        region: regions[1],
        compartmentId: root,
        params: { sortBy: 'TIME_ACCEPTED', sortOrder: 'DESC' },
        limit: 26,
      },
      { service: 'BASTION', region: regions[1], compartmentId: root, params: {}, limit: 100 },
    ]);
  });

  test('a page of a source is asked for only when the one before is used up', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) =>
      itemOf({ nativeId: `wr${index}`, time: index }),
    );
    const lists = createFakeLists({ items });
    const query = queryOf({ first: 100, regions: [regions[0]] });
    const pages = await pagesFrom(query, dependenciesOf(lists));
    expect(pages).toHaveLength(10);
    // A hundred items at a time: whether the last one's time is complete tells the next page only.
    expect(lists.calls.length).toBeLessThanOrEqual(20);
    expect(idsOf(pages)).toEqual(inOrder(items, 'DESC'));
  });

  test('IAM in the home region only, even where the others may not be asked there', async () => {
    const lists = createFakeLists({ items: [] });
    const endpoints = { allowedRegions: [regions[1]], homeRegion: regions[0] };
    const dependencies = dependenciesOf(lists, { endpoints });
    const asked = async (more: Partial<SweepQuery>): Promise<readonly string[]> => {
      await sweep(queryOf({ services: ['IDENTITY', 'BASTION', 'IDENTITY_TAGGING'], ...more }), dependencies);
      return lists.takeCalls().map(({ service, region }) => `${service} ${region}`);
    };
    expect(await asked({})).toEqual([
      `IDENTITY ${regions[0]}`,
      `BASTION ${regions[1]}`,
      `IDENTITY_TAGGING ${regions[0]}`,
    ]);
    expect(await asked({ regions: [regions[1]] })).toEqual([`BASTION ${regions[1]}`]);
    expect(await asked({ regions: [regions[0]] })).toEqual([
      `IDENTITY ${regions[0]}`,
      `IDENTITY_TAGGING ${regions[0]}`,
    ]);
  });

  test('regions that are named, as far as they are allowed, and no service twice', async () => {
    const lists = createFakeLists({ items: [] });
    await sweep(queryOf({ regions: [regions[1], 'eu-frankfurt-1', regions[1]] }), dependenciesOf(lists));
    expect(lists.calls.map(({ region }) => region)).toEqual([regions[1]]);
  });

  test('with no source at all: an empty page, and nothing said', async () => {
    const lists = createFakeLists({ items: [] });
    const page = await sweep(
      queryOf({ services: ['IDENTITY'], regions: [regions[1]] }),
      dependenciesOf(lists),
    );
    expect(page).toMatchObject({ items: [], failures: [], hasNext: false });
    expect(lists.calls).toEqual([]);
  });

  test.each(['', '../..', 'ocid1.compartment?x', 'x'.repeat(300)])(
    'not at all for what is no compartment: %p',
    async (compartmentId) => {
      const lists = createFakeLists({ items: [] });
      const asking = sweep(queryOf({ compartmentId }), dependenciesOf(lists));
      await expect(asking).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(lists.calls).toEqual([]);
    },
  );

  test('no more compartments below than may be asked: they are left out, and a row says so', async () => {
    const lists = createFakeLists({
      items: [itemOf({ nativeId: 'own' }), itemOf({ nativeId: 'below', compartmentId: child })],
    });
    const subtree = [root, child, ...Array.from({ length: 499 }, (_, index) => `${child}${index}`)];
    const parents = { ...parentsOf(lists.items), subtreeOf: async () => subtree };
    const query = queryOf({ includeSubcompartments: true, services: ['CONTAINERENGINE', 'IDENTITY'] });
    // In two regions and at home: three lists for each of five hundred compartments.
    const few = await pagesFrom(query, dependenciesOf(lists, { parents, maxCalls: 1_499 }));
    expect(idsOf(few)).toEqual(['own']);
    expect(few.map(({ failures }) => failures)).toEqual([
      [
        expect.objectContaining({
          code: 'LIMIT_EXCEEDED',
          compartmentId: root,
          isRetryable: false,
          message: expect.stringMatching(/^500 compartments .* 1500 calls .* 1499 are allowed .*left out/),
        }),
      ],
    ]);
    expect(lists.takeCalls().map(({ compartmentId }) => compartmentId)).toEqual([root, root, root]);
    const all = await pagesFrom(query, dependenciesOf(lists, { parents, maxCalls: 1_500 }));
    expect(idsOf(all).toSorted()).toEqual(['below', 'own']);
    expect(all.flatMap(({ failures }) => failures)).toEqual([]);
  });

  test('twice what two parents list is told once', async () => {
    const shared = { service: 'WAAS', nativeId: 'both', time: 5 } as const;
    const items = [
      itemOf({ ...shared, parent: 'parent-a' }),
      itemOf({ ...shared, parent: 'parent-b' }),
      itemOf({ service: 'WAAS', parent: 'parent-b', nativeId: 'one', time: 4 }),
    ];
    for (const first of [1, 2, 10]) {
      const query = queryOf({ services: ['WAAS'], first });
      expect(idsOf(await pagesFrom(query, dependenciesOf(createFakeLists({ items }))))).toEqual([
        'both',
        'one',
      ]);
    }
  });

  test('as far as bounds of time reach, in sources that sort', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) =>
      itemOf({ nativeId: `wr${index}`, time: index + 1 }),
    );
    const filters: readonly [Order, Filter][] = [
      ['DESC', { acceptedAfter: new Date(960) }],
      ['ASC', { acceptedBefore: new Date(41) }],
    ];
    for (const [order, filter] of filters) {
      const lists = createFakeLists({ items });
      const query = queryOf({ order, filter, first: 100, regions: [regions[0]] });
      const pages = await pagesFrom(query, dependenciesOf(lists));
      expect(idsOf(pages)).toHaveLength(order === 'DESC' ? 41 : 40);
      expect(pages).toHaveLength(1);
      expect(lists.calls).toHaveLength(1);
    }
  });
});

describe('a filter', () => {
  const words = [
    'CREATED',
    'ACCEPTED',
    'WAITING',
    'FAILED',
    'COMPLETED',
    'SUCCEEDED',
    'SKIPPED',
    'Failed',
    'ODD',
  ];
  const statuses = ['ACCEPTED', 'WAITING', 'FAILED', 'SUCCEEDED', 'SKIPPED', 'UNKNOWN'] as const;
  const resourceIds = ['ocid1.x.oc1..a', 'ocid1.x.oc1..b'] as const;
  const filter = fc
    .record(
      {
        statuses: fc.uniqueArray(fc.constantFrom(...statuses), { minLength: 1, maxLength: 2 }),
        isTerminal: fc.boolean(),
        operationTypes: fc.constantFrom(['CREATE'], ['CREATE', 'DELETE']),
        resourceId: fc.constantFrom(...resourceIds),
        acceptedAfter: fc.integer({ min: 0, max: 3 }).map((time) => new Date(time)),
        acceptedBefore: fc.integer({ min: 4, max: 7 }).map((time) => new Date(time)),
      },
      { requiredKeys: [] },
    )
    .filter(
      (each) =>
        each.isTerminal !== false ||
        !each.statuses?.every((status) => ['FAILED', 'SUCCEEDED', 'SKIPPED'].includes(status)),
    );
  const some = fc.array(
    fc.record({
      time: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 6 }),
      word: fc.constantFrom(...words),
      operationType: fc.constantFrom('CREATE', 'DELETE', 'UPDATE'),
      resourceId: fc.constantFrom(...resourceIds),
      isFinished: fc.boolean(),
    }),
    { maxLength: 30 },
  );

  test.each(Object.keys(catalog) as ServiceName[])(
    'has the same result pushed down, left out or refused: %s',
    async (service) => {
      await fc.assert(
        fc.asyncProperty(some, filter, fc.integer({ min: 1, max: 12 }), async (fields, asked, first) => {
          const items = fields.map((each, index) =>
            itemOf({ ...each, service, nativeId: `wr${index}`, parent: 'parent-a' }),
          );
          // As gets tell it: there nothing is lacking.
          const expected = items
            .filter((item) => matches(asked, asWorkRequest(item, 'get')))
            .map(({ nativeId }) => nativeId)
            .sort();
          const isPushed = (params: Readonly<Record<string, string>> = {}): boolean =>
            Object.keys(params).some((name) => /status|resource/i.test(name));
          const query = queryOf({ services: [service], regions: [regions[0]], filter: asked, first });
          for (const tokens of ['offset', 'keyset'] as const) {
            for (const lists of [
              createFakeLists({ items, tokens, maxPageSize: 4 }),
              createFakeLists({ items, tokens, maxPageSize: 4, filters: 'ignored' }),
              createFakeLists({
                items,
                tokens,
                maxPageSize: 4,
                instead: ({ params }) => (isPushed(params) ? refusal : undefined),
              }),
            ]) {
              const pages = await pagesFrom(query, dependenciesOf(lists));
              expect([...idsOf(pages)].sort()).toEqual(expected);
              const told = pages.flatMap((page) => page.items);
              for (const [index, item] of told.entries()) {
                const before = told[index - 1];
                if (before) expect(compareKeys(keyOf(before), keyOf(item), 'DESC')).toBeLessThan(0);
              }
              expect(
                pages.flatMap((page) => page.failures).filter(({ code }) => code === 'BAD_USER_INPUT'),
              ).toEqual([]);
            }
          }
        }),
        { numRuns: 8 },
      );
    },
  );
});

describe('when the time of a page is up', () => {
  test('no further page of a source is begun, and still each work request comes once', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ items, first, order, ...manner }) => {
        // Sources that do not sort have to be read whole, and fail where that takes too long: not what is meant here.
        const sorted = items.filter(({ service }) => {
          const { sortBy, listLacks } = catalog[service];
          return sortBy !== null && !listLacks.has('timeAccepted');
        });
        const lists = createFakeLists({ items: sorted, ...manner, nulls: 'last' });
        const pages = await pagesFrom(
          queryOf({ ...everything, first, order }),
          dependenciesOf(lists, { isLate: () => true }),
        );
        expect([...idsOf(pages)].sort()).toEqual([...inOrder(sorted, order)].sort());
      }),
      { numRuns: 100 },
    );
  });

  test('a page ends short, in order, and goes on from there', async () => {
    const items = Array.from({ length: 60 }, (_, index) => ({
      service: 'CONTAINERENGINE' as const,
      region: regions[0],
      compartmentId: root,
      nativeId: `late${index}`,
      time: 1_000 - index,
    }));
    const lists = createFakeLists({ items, maxPageSize: 10 });
    const query = queryOf({ first: 50, regions: [regions[0]] });
    const page = await sweep(query, dependenciesOf(lists, { isLate: () => true }));
    expect(page.items).toHaveLength(9);
    expect([page.hasNext, lists.calls.length]).toEqual([true, 1]);
    const position = sealed(page.positionAfter(8));
    const rest = await pagesFrom({ ...query, position }, dependenciesOf(lists));
    expect(idsOf(rest)).toHaveLength(51);
  });
});
