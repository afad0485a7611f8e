import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cleanText, parseRetryAfterMs, sentences } from '../../datasources/answers.ts';

describe('retry-after', () => {
  const now = Date.UTC(2026, 0, 1);

  test.each([
    ['2', 2_000],
    ['0', 0],
    ['1.5', 1_500],
    [' 3 ', 3_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['-5', null],
    ['soon', null],
    ['', null],
    ['1e9', null],
    ['NaN', null],
    ['99999999999999', null],
    [undefined, null],
  ])('%j is %j ms', (value, ms) => expect(parseRetryAfterMs(value, now)).toBe(ms));
});

describe('a text of several sentences', () => {
  test.each([
    [['answered 503 '], 'answered 503.'],
    [['It says: no', 'Ask again.'], 'It says: no. Ask again.'],
    [['Not authenticated (fault-4).', 'Check the key.'], 'Not authenticated (fault-4). Check the key.'],
    [['Wait…', 'Why?', 'Now!'], 'Wait… Why? Now!'],
    [['It says "no."', "(That's all.)", ''], 'It says "no." (That\'s all.)'],
    [['answered 404 NotFound:', ''], 'answered 404 NotFound.'],
    [['', ' '], ''],
  ])('%j is %j', (parts, text) => expect(sentences(...parts)).toBe(text));
});

describe('text of upstream', () => {
  test('becomes one printable line of bounded length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
        const clean = cleanText(text, 100);
        expect(clean.length).toBeLessThanOrEqual(100);
        expect(clean).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }),
    );
    expect(cleanText('a\r\nb\u001b[31mc\u202ed', 100)).toBe('a b [31mc d');
  });

  test.each([
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----'],
    ['ST$eyJh.b.c'],
    ['eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'],
    ['Signature version="1",keyId="a/b/c",signature="MIIE"'],
    ['keyId="tenancy/user/finger"'],
    [`${'aB3/'.repeat(85)}xyZ=`],
    [encodeURIComponent('aB+/'.repeat(30))],
    ['c0ffee00'.repeat(10)],
  ])('loses %j', (secret) => expect(cleanText(`before ${secret}`, 300)).toMatch(/^before \[removed\]/));

  test.each([
    `Authorization failed for ocid1.compartment.oc1..${'a1'.repeat(30)} in compartment.`,
    `No such path: /20180222/workRequests/ocid1.clustersworkrequest.oc1.iad.${'b2'.repeat(30)}.`,
  ])('keeps what people need: %s', (text) => expect(cleanText(text, 300)).toBe(text));

  test('is cut before anything expensive is done with it', () => {
    // What lies behind the cut would come into sight if spaces were made one before it.
    expect(cleanText(`near${' '.repeat(1_300)}far`, 300)).toBe('near');
  });
});
