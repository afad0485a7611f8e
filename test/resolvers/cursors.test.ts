import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createCursors } from '../../resolvers/cursors.ts';
import type { Position } from '../../resolvers/connection.ts';

const secret = 'a secret of some length';
const hour = 3_600_000;
let now = 0;
const cursors = createCursors({ secret, now: () => now });
const invalid = (why: RegExp) =>
  expect.objectContaining({ code: 'CURSOR_INVALID', message: expect.stringMatching(why) });
const notOurs = invalid(/was not made by this gateway for these arguments/);
const position: Position = { page: 'token', offset: 3 };
const positions = fc.record({
  page: fc.option(fc.string({ unit: 'binary', maxLength: 300 }).map((text) => text.toWellFormed())),
  offset: fc.nat(10_000),
});
/** As the gateway seals, whatever the payload. */
const seal = (purpose: string, payload: unknown): string => {
  const bytes = Buffer.concat([Buffer.of(0), Buffer.from(JSON.stringify(payload))]);
  const mac = createHmac('sha256', secret)
    .update(purpose)
    .update('\0')
    .update(bytes)
    .digest()
    .subarray(0, 16);
  return Buffer.concat([mac, bytes]).toString('base64url');
};

describe('a cursor', () => {
  test('leads back to its position, for what it was given for', () => {
    fc.assert(
      fc.property(fc.string(), positions, (purpose, place) =>
        expect(cursors.open(purpose, cursors.seal(purpose, place))).toEqual(place),
      ),
    );
  });

  test('is good for all replicas with the same secret, and for no other', () => {
    const replica = createCursors({ secret, now: () => now });
    const stranger = createCursors({ secret: `${secret}.`, now: () => now });
    const cursor = cursors.seal('p', position);
    expect(replica.open('p', cursor)).toEqual(position);
    expect(() => stranger.open('p', cursor)).toThrow(notOurs);
  });

  test('is of URL-safe characters', () => {
    expect(cursors.seal('p', { page: '\u{1f4a5}?&/+', offset: 1 })).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test('holds a token as long as a header can be', () => {
    const long: Position = { page: 'é'.repeat(16_384), offset: 0 };
    expect(cursors.open('p', cursors.seal('p', long))).toEqual(long);
  });

  test('of a place that is too large to carry around is one all the same, and says so when it is used', () => {
    const pages = Array.from({ length: 6_000 }, () => randomBytes(36).toString('base64'));
    const cursor = cursors.seal('p', { pages });
    expect(cursor.length).toBeLessThan(200);
    expect(() => cursors.open('p', cursor)).toThrow(
      expect.objectContaining({
        code: 'LIMIT_EXCEEDED',
        message: expect.stringMatching(
          /too large for a cursor \(\d{6} of 262144 characters\): narrow the query/,
        ),
      }),
    );
    expect(() => cursors.open('q', cursor)).toThrow(notOurs);
  });

  test('lives one hour', () => {
    now = 1_000_000;
    const cursor = cursors.seal('p', position);
    now += hour;
    expect(cursors.open('p', cursor)).toEqual(position);
    now += 1;
    expect(() => cursors.open('p', cursor)).toThrow(invalid(/older than one hour/));
    now = 0;
    expect(cursors.open('p', cursor)).toEqual(position);
  });
});

describe('no cursor', () => {
  test.each(['errors b', 'logs a', '', 'errors a ', 'errors'])('of `errors a` opens `%s`', (purpose) => {
    expect(() => cursors.open(purpose, cursors.seal('errors a', position))).toThrow(notOurs);
  });

  test('is made by moving text between purpose and payload', () => {
    expect(() => cursors.open('p', seal('p\0', [1, now, null, 0]))).toThrow(notOurs);
  });

  test('survives being cut, at any place', () => {
    const cursor = cursors.seal('p', position);
    for (let length = 0; length < cursor.length; length += 1)
      expect(() => cursors.open('p', cursor.slice(0, length))).toThrow(notOurs);
  });

  test('survives a change of any byte', () => {
    const bytes = Buffer.from(cursors.seal('p', position), 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => cursors.open('p', changed.toString('base64url'))).toThrow(notOurs);
    }
  });

  test('survives a change of any character or an added one, also where the bytes stay the same', () => {
    // Of every length modulo 3: the last character has spare bits in two of them.
    for (const page of ['a', 'ab', 'abc']) {
      const cursor = cursors.seal('p', { page, offset: 0 });
      for (let index = 0; index < cursor.length; index += 1) {
        for (const character of 'ABCQgw+/=') {
          const changed = cursor.slice(0, index) + character + cursor.slice(index + 1);
          if (changed !== cursor) expect(() => cursors.open('p', changed)).toThrow(notOurs);
        }
      }
      for (const changed of [`${cursor}=`, `${cursor}A`, `${cursor}\n`, ` ${cursor}`, `${cursor}💥`])
        expect(() => cursors.open('p', changed)).toThrow(notOurs);
    }
  });

  test.each([
    ['nothing', ''],
    ['a word', 'cursor'],
    ['an unsealed position', Buffer.from(JSON.stringify([1, 0, null, 0])).toString('base64url')],
    ['the other connections’ kind', Buffer.from('arrayconnection:5').toString('base64')],
    ['no base64 at all', '\0\r\n💥'],
  ])('is %s', (_, cursor) => {
    expect(() => cursors.open('p', cursor)).toThrow(notOurs);
  });

  test('is any text that was made up', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        expect(() => cursors.open('p', text)).toThrow(notOurs),
      ),
    );
  });

  test('is huge: that is not even looked at', () => {
    expect(() => cursors.open('p', 'A'.repeat(1_000_000))).toThrow(invalid(/too long/));
  });

  test('is of another version, though it is sealed well', () => {
    expect(() => cursors.open('p', seal('p', [2, now, position]))).toThrow(invalid(/another version/));
    expect(cursors.open('p', seal('p', [1, now, position]))).toEqual(position);
  });

  test('repeats what it held, or the secret, in its refusal', () => {
    const cursor = cursors.seal('p', { page: 'confidential', offset: 0 });
    expect(() => cursors.open('q', cursor)).not.toThrow(/confidential|a secret/);
  });
});

test('what is refused says how to go on', () => {
  expect(() => cursors.open('p', 'x')).toThrow(/Begin again without `after`/);
});
