import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

/** Its rows as text, whatever is beside them and how ever they are broken into lines. */
const rowsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^ {2}\w+: \{\n[\s\S]*?^ {2}\},/gm)].map(([row]) =>
    row.replace(/ *\/\/ .*$/gm, '').replace(/\s+/g, ' '),
  );

test('the examples of docs/add-a-service.md are rows of the catalog', () => {
  const examples = rowsOf(read('docs/add-a-service.md'));
  expect(examples).toHaveLength(2);
  expect(rowsOf(read('datasources/catalog.ts'))).toEqual(expect.arrayContaining([...examples]));
});
