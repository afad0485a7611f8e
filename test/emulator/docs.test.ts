import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { controlSchemas } from '../../emulator/control-schemas.ts';
import { withSchemas } from '../../scripts/emulator/docs.ts';
import { withEmulator } from './support.ts';

const document = readFileSync(path.join(import.meta.dirname, '../../docs/emulator.md'), 'utf8');

test('docs/emulator.md holds the schemas as they are (scripts/write-emulator-docs.ts writes them)', () => {
  expect(withSchemas(document)).toBe(document);
});

test('the examples of docs/emulator.md are good bodies', async () => {
  const faults = [...document.matchAll(/^\| [^|]+ \| `(\{.*\})`/gm)].flatMap(([, text = '']) =>
    text.split('` · `'),
  );
  const examples = faults.flatMap((text) => (text.startsWith('{ "') ? [text.replace(/`.*$/, '')] : []));
  expect(examples.length).toBeGreaterThanOrEqual(12);
  for (const example of examples)
    expect(() => controlSchemas['POST /_emulator/faults'].parse(JSON.parse(example))).not.toThrow();
  const script = /```json\n(\{\n {2}"service"[\s\S]*?)```/.exec(document)?.[1] ?? '';
  await withEmulator(async ({ control }) => {
    expect((await control('POST', '/_emulator/work-requests', script)).status).toBe(201);
  });
});

test('the schemas are served', async () => {
  await withEmulator(async ({ control }) => {
    const { body } = await control('GET', '/_emulator/schemas');
    expect(Object.keys(body as object)).toEqual(Object.keys(controlSchemas));
  });
});
