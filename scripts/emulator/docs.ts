/** The part of `docs/emulator.md` that is made from the schemas of the control door. */
import { jsonSchemas } from '../../emulator/control-schemas.ts';
import { serviceKeys } from '../../emulator/dialects.ts';
import { fillBetween } from '../marks.ts';
import type { Marks } from '../marks.ts';

const marks: Marks = {
  file: 'docs/emulator.md',
  begin: '<!-- schemas: written by scripts/write-emulator-docs.ts -->',
  end: '<!-- end of schemas -->',
};

export const withSchemas = (document: string): string => fillBetween(document, marks, schemaText());

function schemaText(): string {
  const parts = Object.entries(jsonSchemas()).map(
    ([name, schema]) =>
      `#### \`${name}\`\n\n\`\`\`json\n${JSON.stringify(shorten(schema), null, 2)}\n\`\`\`\n`,
  );
  return [`The keys of services: ${serviceKeys.map((key) => `\`${key}\``).join(', ')}.\n`, ...parts].join(
    '\n',
  );
}

/** The 115 keys stand above once, not in every schema. */
function shorten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      if (name === '$schema') return [];
      const isKeys = name === 'enum' && Array.isArray(inner) && inner.length === serviceKeys.length;
      return [[name, isKeys ? ['…'] : shorten(inner)]];
    }),
  );
}
