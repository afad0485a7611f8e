import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Page } from '../../datasources/types.ts';
import { readConnection } from '../../resolvers/connection.ts';
import type { Connection, ConnectionArgs } from '../../resolvers/connection.ts';
import { createCursors } from '../../resolvers/cursors.ts';

const cursors = createCursors({ secret: 'a secret of some length', now: () => 0 });

/** Upstream with these pages, one after the other; which were asked for is on record. */
const createPages = (...pages: readonly (readonly string[])[]) => {
  const asked: (string | undefined)[] = [];
  const readPage = async (page: string | undefined): Promise<Page<string> | null> => {
    asked.push(page);
    const index = Number(page ?? 0);
    return {
      items: pages[index] ?? [],
      nextPage: index + 1 < pages.length ? String(index + 1) : null,
      malformed: [],
    };
  };
  return {
    asked,
    read: async (args: ConnectionArgs, purpose = 'p'): Promise<Connection<string>> => {
      const connection = await readConnection(args, purpose, cursors, readPage);
      if (connection === null) throw new Error('there is no such part');
      return connection;
    },
  };
};
const badUserInput = expect.objectContaining({ code: 'BAD_USER_INPUT' });

describe('`first`', () => {
  test.each([0, -1, 101, 1e9, 1.5, Number.NaN, Infinity])(
    'cannot be %d, and upstream is not asked',
    async (first) => {
      const { read, asked } = createPages(['a']);
      await expect(read({ first })).rejects.toEqual(badUserInput);
      await expect(read({ first })).rejects.toThrow(`\`first\` is ${first}; it must be from 1 to 100.`);
      expect(asked).toEqual([]);
    },
  );

  test.each([[null], [undefined]])('is fifty where it is %p', async (first) => {
    const { read } = createPages(Array.from({ length: 60 }, (_, index) => String(index)));
    const { nodes, pageInfo } = await read({ ...(first !== undefined && { first }) });
    expect([nodes.length, pageInfo.hasNextPage]).toEqual([50, true]);
  });

  test.each([1, 100])('can be %d', async (first) => {
    const { read } = createPages(Array.from({ length: 100 }, (_, index) => String(index)));
    expect((await read({ first })).nodes).toHaveLength(first);
  });
});

describe('one page', () => {
  test('holds each item with its cursor, first and last named', async () => {
    const { edges, nodes, pageInfo } = await createPages(['a', 'b']).read({ first: 5 });
    expect(nodes).toEqual(['a', 'b']);
    expect(edges.map(({ node }) => node)).toEqual(['a', 'b']);
    expect(pageInfo).toEqual({
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: edges[0]?.cursor,
      endCursor: edges[1]?.cursor,
    });
  });

  test('that is empty is a connection all the same', async () => {
    const { read, asked } = createPages([]);
    expect(await read({ first: 5 })).toEqual({
      edges: [],
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
    expect(asked).toEqual([undefined]);
  });

  test('where the API has no such part is null', async () => {
    expect(await readConnection({ first: 5 }, 'p', cursors, async () => null)).toBeNull();
  });

  test('that upstream fails to give is that failure', async () => {
    const failure = new Error('down');
    await expect(readConnection({}, 'p', cursors, () => Promise.reject(failure))).rejects.toBe(failure);
  });

  test('with items that could not be read holds the others', async () => {
    const page = { items: ['a', 'b'], nextPage: null, malformed: ['item 1: expected an object, got null'] };
    const connection = await readConnection({ first: 2 }, 'p', cursors, async () => page);
    expect(connection).toMatchObject({ nodes: ['a', 'b'], pageInfo: { hasNextPage: false } });
  });
});

describe('paging', () => {
  test('goes on after the cursor, within a page of upstream and over its end', async () => {
    const { read, asked } = createPages(['a', 'b', 'c'], ['d', 'e'], ['f']);
    const one = await read({ first: 2 });
    expect([one.nodes, one.pageInfo.hasNextPage, asked.splice(0)]).toEqual([['a', 'b'], true, [undefined]]);
    const two = await read({ first: 2, after: one.pageInfo.endCursor });
    expect([two.nodes, two.pageInfo.hasNextPage, asked.splice(0)]).toEqual([
      ['c', 'd'],
      true,
      [undefined, '1'],
    ]);
    const three = await read({ first: 5, after: two.pageInfo.endCursor });
    expect([three.nodes, three.pageInfo.hasNextPage, asked.splice(0)]).toEqual([
      ['e', 'f'],
      false,
      ['1', '2'],
    ]);
  });

  test('reads no page twice where a page of ours ends with one of upstream', async () => {
    const { read, asked } = createPages(['a', 'b'], ['c']);
    const { pageInfo } = await read({ first: 2 });
    expect(pageInfo.hasNextPage).toBe(true);
    expect((await read({ first: 2, after: pageInfo.endCursor })).nodes).toEqual(['c']);
    expect(asked).toEqual([undefined, '1']);
  });

  test('goes over empty pages in the middle', async () => {
    const { read, asked } = createPages(['a'], [], [], ['b'], []);
    const { nodes, pageInfo } = await read({ first: 10 });
    expect([nodes, pageInfo.hasNextPage]).toEqual([['a', 'b'], false]);
    expect(asked).toHaveLength(5);
  });

  test('after the last item is an empty page', async () => {
    const { read } = createPages(['a'], ['b']);
    const { pageInfo } = await read({ first: 5 });
    expect(await read({ first: 5, after: pageInfo.endCursor })).toMatchObject({
      nodes: [],
      pageInfo: { hasNextPage: false, endCursor: null },
    });
  });

  test('gives every item once, whatever the pages and however many are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(7), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 20 }),
        async (sizes, first) => {
          let count = 0;
          const pages = sizes.map((size) => Array.from({ length: size }, () => String((count += 1))));
          const { read } = createPages(...pages);
          const seen: string[] = [];
          let after: string | null = null;
          let rounds = 0;
          for (;;) {
            const { nodes, edges, pageInfo }: Connection<string> = await read({ first, after });
            expect(nodes.length).toBeLessThanOrEqual(first);
            expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor ?? null);
            seen.push(...nodes);
            if (!pageInfo.hasNextPage) break;
            expect(nodes).toHaveLength(first);
            after = pageInfo.endCursor;
            if ((rounds += 1) > 100) throw new Error('no end');
          }
          expect(seen).toEqual(pages.flat());
        },
      ),
    );
  });

  test('a cursor of any item leads to the one after it', async () => {
    const { read } = createPages(['a', 'b', 'c'], ['d', 'e'], ['f']);
    const { edges } = await read({ first: 100 });
    for (const [index, { cursor }] of edges.entries())
      expect((await read({ first: 1, after: cursor })).nodes).toEqual(
        edges.slice(index + 1, index + 2).map(({ node }) => node),
      );
  });

  test('takes no cursor of another purpose, and none that was made up', async () => {
    const { read, asked } = createPages(['a', 'b']);
    const { pageInfo } = await read({ first: 1 }, 'errors x');
    asked.splice(0);
    for (const args of [{ after: pageInfo.endCursor }, { after: 'x' }, { after: '' }])
      await expect(read(args, 'errors y')).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    expect(asked).toEqual([]);
  });

  test('from a page that shrank meanwhile goes on with the next', async () => {
    const long = createPages(['a', 'b', 'c'], ['d']);
    const { edges } = await long.read({ first: 2 });
    const short = createPages(['a'], ['d']);
    expect((await short.read({ first: 2, after: edges[1]?.cursor ?? null })).nodes).toEqual(['d']);
  });
});

describe('an upstream that leads nowhere', () => {
  const count = (pages: (page: string | undefined) => Page<string>) => {
    const asked: (string | undefined)[] = [];
    const readPage = async (page: string | undefined): Promise<Page<string>> => {
      asked.push(page);
      return pages(page);
    };
    return { asked, readPage };
  };

  test('by giving the same token again is asked no more', async () => {
    const { asked, readPage } = count(() => ({ items: ['a'], nextPage: 't', malformed: [] }));
    const connection = await readConnection({ first: 10 }, 'p', cursors, readPage);
    expect(connection).toMatchObject({ nodes: ['a', 'a'], pageInfo: { hasNextPage: false } });
    expect(asked).toEqual([undefined, 't']);
  });

  test('by giving the token of the page itself promises no next page, however little was asked for', async () => {
    const { asked, readPage } = count(() => ({ items: ['a'], nextPage: 't', malformed: [] }));
    const one = await readConnection({ first: 1 }, 'p', cursors, readPage);
    expect(one?.pageInfo.hasNextPage).toBe(true);
    const two = await readConnection(
      { first: 1, after: one?.pageInfo.endCursor ?? null },
      'p',
      cursors,
      readPage,
    );
    expect(two).toMatchObject({ nodes: ['a'], pageInfo: { hasNextPage: false } });
    expect(asked).toEqual([undefined, 't']);
  });

  test('by tokens in a circle ends after a thousand pages, however little was asked for', async () => {
    const { asked, readPage } = count((page) => ({
      items: ['x'],
      nextPage: page === 'a' ? 'b' : 'a',
      malformed: [],
    }));
    let after: string | null = null;
    let pages = 0;
    do {
      const one: Connection<string> | null = await readConnection(
        { first: 1, after },
        'p',
        cursors,
        readPage,
      );
      after = one?.pageInfo.hasNextPage ? one.pageInfo.endCursor : null;
      pages += 1;
    } while (after !== null && pages < 2_000);
    expect([pages, asked.length]).toEqual([1_000, 1_000]);
  });

  test('but by very small pages ends ours short, and goes on from its cursor', async () => {
    const { asked, readPage } = count((page = '0') => ({
      items: [page],
      nextPage: page === '29' ? null : String(Number(page) + 1),
      malformed: [],
    }));
    const one = await readConnection({ first: 100 }, 'p', cursors, readPage);
    expect([one?.nodes.length, one?.pageInfo.hasNextPage, asked.length]).toEqual([20, true, 20]);
    const two = await readConnection(
      { first: 100, after: one?.pageInfo.endCursor ?? null },
      'p',
      cursors,
      readPage,
    );
    expect([two?.nodes[0], two?.nodes.length, two?.pageInfo.hasNextPage]).toEqual(['20', 10, false]);
    expect(asked).toHaveLength(30);
  });

  test('by empty pages without end is given up', async () => {
    const { asked, readPage } = count((page) => ({ items: [], nextPage: `${page ?? ''}x`, malformed: [] }));
    expect(await readConnection({ first: 10 }, 'p', cursors, readPage)).toMatchObject({
      nodes: [],
      pageInfo: { hasNextPage: false, endCursor: null },
    });
    expect(asked).toHaveLength(20);
  });
});
