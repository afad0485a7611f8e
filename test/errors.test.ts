import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { errorCodes, limits } from '../errors.ts';

describe('docs/errors.md', () => {
  const text = readFileSync(join(import.meta.dirname, '../docs/errors.md'), 'utf8');
  const [before = '', ofLimits = '', after = ''] = text.split(/^### Limits$|^## The arguments$/m);
  const rows = (before + after)
    .split('\n')
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()))
    .filter(([code]) => /^`[A-Z_]+`$/.test(code ?? ''))
    .map(([code, cause, remedy, retryable]) => ({ code: code!.slice(1, -1), cause, remedy, retryable }));

  test('explains every code that can be raised, each once, and no other', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual(Object.keys(errorCodes).sort());
  });

  test.each(rows)('$code: has a cause, a remedy, and is retryable as the registry says', (row) => {
    expect(row.cause).toMatch(/\.$/);
    expect(row.remedy).toMatch(/\.$/);
    const { isRetryable } = errorCodes[row.code as keyof typeof errorCodes];
    expect(row.retryable).toBe(isRetryable ? 'yes' : 'no');
  });

  test('names every limit that can be exceeded, each once, and no other', () => {
    const cells = [...ofLimits.matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = '']) => cell);
    const named = cells.flatMap((cell) => cell.split(', ')).map((word) => word.slice(1, -1));
    expect(named.sort()).toEqual([...limits].sort());
  });
});
