/** The table of variables in `docs/operations.md`, from config.ts. */
import { variables } from '../config.ts';
import { fillBetween } from './marks.ts';
import type { Marks } from './marks.ts';

const marks: Marks = {
  file: 'docs/operations.md',
  begin: '<!-- variables: written by scripts/write-operations.ts -->',
  end: '<!-- end of variables -->',
};

const quote = (text: string): string => `\`${text}\``;

const table = (): string =>
  [
    '| variable | default | can be | meaning |',
    '|---|---|---|---|',
    ...variables.map(({ name, isSecret, standard, words, meaning }) => {
      const names = isSecret ? `${quote(name)} or ${quote(`${name}_FILE`)}` : quote(name);
      return `| ${names} | ${standard === null ? '' : quote(standard)} | ${(words ?? []).map(quote).join(', ')} | ${meaning} |`;
    }),
  ].join('\n');

export const withVariables = (document: string): string => fillBetween(document, marks, `${table()}\n`);
