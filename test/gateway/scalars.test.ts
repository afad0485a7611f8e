/** The scalars of the schema: what they take, what they give, and how they refuse. */
import { describe, expect, test } from '@jest/globals';
import { GraphQLError, parseValue as parseAst } from 'graphql';
import { DateTime } from '../../resolvers/date-time.ts';
import { JSONObject } from '../../resolvers/json-object.ts';

describe('DateTime', () => {
  test.each([
    ['2026-11-24T22:41:03Z', '2026-11-24T22:41:03.000Z'],
    ['2026-11-24T22:41:03.12Z', '2026-11-24T22:41:03.120Z'],
    ['2026-11-24t22:41:03.123456789z', '2026-11-24T22:41:03.123Z'],
    ['2026-11-24T23:41:03+01:00', '2026-11-24T22:41:03.000Z'],
    ['2028-02-29T00:00:00-00:30', '2028-02-29T00:30:00.000Z'],
  ])('takes %s and gives %s', (text, expected) => {
    expect(DateTime.serialize(DateTime.parseValue(text))).toBe(expected);
    expect(DateTime.parseLiteral(parseAst(JSON.stringify(text)))).toEqual(new Date(expected));
  });

  test.each([
    '2026-11-24T22:41:03',
    '2026-11-24',
    '24.11.2026',
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-24T25:00:00Z',
    '2026-11-24T24:00:00Z',
    '2026-11-24T22:41:60Z',
    '2026-11-24T22:41:03+25:00',
    '2026-11-24 22:41:03Z',
    ' 2026-11-24T22:41:03Z',
    '',
    0,
    1_795_560_000,
    null,
    true,
    {},
    ['2026-11-24T22:41:03Z'],
  ])('refuses %p and says what it takes', (value) => {
    expect(() => DateTime.parseValue(value)).toThrow(/RFC 3339.*such as 2026-11-24T22:41:03Z/);
    expect(() => DateTime.parseValue(value)).toThrow(GraphQLError);
  });

  test('a field that holds no date is a bug of ours, not an answer', () => {
    for (const value of ['2026-11-24T22:41:03Z', 0, null, new Date(Number.NaN)]) {
      expect(() => DateTime.serialize(value)).toThrow('no valid Date');
    }
  });
});

describe('JSONObject', () => {
  test('passes objects on as they are', () => {
    const value = { a: [1, null, { b: 'c' }], 'with space': true };
    expect(JSONObject.serialize(value)).toBe(value);
    expect(JSONObject.parseValue(value)).toBe(value);
    expect(JSONObject.parseLiteral(parseAst('{ a: [1, null, { b: "c" }] }'))).toEqual({
      a: [1, null, { b: 'c' }],
    });
  });

  test.each([[[]], [null], ['text'], [1], [undefined]])('refuses %p', (value) => {
    expect(() => JSONObject.parseValue(value)).toThrow('must be an object');
    expect(() => JSONObject.serialize(value)).toThrow('must be an object');
  });
});
