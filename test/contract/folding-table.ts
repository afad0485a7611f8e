/** The folding as the table of docs/contract-test.md, which `npm run test:contract` holds against it. */
import { names, statuses } from './folding.ts';

const start = '<!-- folding: written by `npm run test:contract -- --write-docs` -->';
const end = '<!-- /folding -->';

/** The document with the table as it has to be. @throws Error where the document has no place for it */
export const withFoldingTable = (document: string): string => {
  const from = document.indexOf(start);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no ${start} … ${end}`);
  return `${document.slice(0, from)}${start}\n\n${foldingTable()}\n\n${document.slice(to)}`;
};

const foldingTable = (): string =>
  [
    table('Status', 'words upstream', statuses),
    table('Work request', 'names upstream', names.workRequest),
    table('Resource', 'names upstream', names.resource),
    table('Error, log entry', 'names upstream', names.entry),
  ].join('\n\n');

const table = (
  subject: string,
  heading: string,
  folded: Readonly<Record<string, readonly string[]>>,
): string => {
  const code = (word: string): string => `\`${word}\``;
  const rows = [
    [subject, heading],
    ...Object.entries(folded).map(([ours, natives]) => [code(ours), natives.map(code).join(', ')]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
};
