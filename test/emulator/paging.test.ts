import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createCalls } from '../../emulator/calls.ts';
import { compare, pageOf } from '../../emulator/paging.ts';
import type { Page, Sortable } from '../../emulator/paging.ts';

const item = fc.record({ id: fc.string({ maxLength: 6 }), sortKey: fc.string({ maxLength: 2 }) });
const list = fc.uniqueArray(item, { selector: ({ id }) => id, maxLength: 40 });

test('pages of any size put together are the list, there and back', () => {
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 12 }), fc.boolean(), (items, limit, isDescending) => {
      const sorted = items.toSorted((left, right) => compare(left, right, isDescending));
      const pages = [];
      const previous: (string | null)[] = [];
      let token: string | null = null;
      do {
        const page: Page<Sortable> | null = pageOf(sorted, 'scope', limit, token, isDescending);
        if (!page) throw new Error('its own token was refused');
        pages.push(page.items);
        previous.push(page.previous);
        token = page.next;
      } while (token !== null);
      expect(pages.flat()).toEqual(sorted);
      const last = previous.at(-1) ?? null;
      const before = last === null ? null : pageOf(sorted, 'scope', limit, last, isDescending);
      expect(before?.items ?? pages.at(-2) ?? null).toEqual(pages.at(-2) ?? null);
    }),
  );
});

test('no text is taken for a token but those that the list gave', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(pageOf([{ id: 'a', sortKey: 'a' }], 'scope', 1, text, false)).toBeNull();
    }),
  );
});

test('a token of another scope is refused', () => {
  const sorted = [
    { id: 'a', sortKey: 'a' },
    { id: 'b', sortKey: 'b' },
  ];
  const next = pageOf(sorted, 'one', 1, null, false)?.next ?? null;
  expect(next).not.toBeNull();
  expect(pageOf(sorted, 'two', 1, next, false)).toBeNull();
});

test('calls are kept up to a bound and counted beyond it', () => {
  const calls = createCalls(10);
  const call = {
    at: '',
    method: 'GET',
    url: '/',
    region: null,
    package: null,
    service: null,
    operation: null,
    workRequestId: null,
    query: {},
    undeclaredQuery: [],
  };
  for (let at = 0; at < 100; at += 1) calls.record(call);
  expect(calls.total()).toBe(100);
  expect(calls.find().map(({ sequence }) => sequence)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
});
