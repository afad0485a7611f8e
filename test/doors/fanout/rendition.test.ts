import { describe, expect, test } from '@jest/globals';
import { placeholders, renderResult } from '../../../doors/fanout/rendition.ts';

const own = { sequence: 7, mergedCount: 3 };
const { sequence, mergedCount } = placeholders;

describe('an event as one subscriber gets it', () => {
  test.each([
    [
      'both numbers',
      { sequence, type: 'CHANGED', mergedCount },
      { sequence: 7, type: 'CHANGED', mergedCount: 3 },
    ],
    [
      'aliases, each as often as it is selected',
      { a: sequence, b: sequence, c: mergedCount },
      { a: 7, b: 7, c: 3 },
    ],
    ['neither', { type: 'GAP' }, { type: 'GAP' }],
    ['nothing selected that is there', {}, {}],
    [
      'the same digits in texts and further down',
      { text: `${sequence}`, deep: { n: sequence, list: [mergedCount] }, list: [sequence], s: sequence },
      { text: `${sequence}`, deep: { n: sequence, list: [mergedCount] }, list: [sequence], s: 7 },
    ],
    ['quotes in keys and texts', { '"': '\\"\u2028', s: sequence }, { '"': '\\"\u2028', s: 7 }],
    ['null', null, null],
  ])('%s', (_name, event, told) => {
    expect(renderResult({ data: { watch: event } })(own).text).toBe(
      JSON.stringify({ data: { watch: told } }),
    );
  });

  test('errors stand before the data, as in any other answer', () => {
    const errors = [{ message: `${sequence}`, extensions: { code: 'X' } }];
    expect(renderResult({ errors, data: { watch: { sequence, late: null } } })(own).text).toBe(
      JSON.stringify({ errors, data: { watch: { sequence: 7, late: null } } }),
    );
    expect(renderResult({ errors, data: null })(own).text).toBe(JSON.stringify({ errors, data: null }));
    expect(renderResult({ errors })(own).text).toBe(JSON.stringify({ errors }));
  });

  test('each has its own numbers, whoever was before', () => {
    const render = renderResult({ data: { watch: { sequence, mergedCount } } });
    for (const [one, two] of [
      [1, 0],
      [1, 0],
      [1, 1],
      [2, 1],
      [1, 0],
    ] as const) {
      expect(render({ sequence: one, mergedCount: two }).bytes.toString()).toBe(
        JSON.stringify({ data: { watch: { sequence: one, mergedCount: two } } }),
      );
    }
  });
});
