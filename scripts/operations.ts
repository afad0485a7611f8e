/** The tables of `docs/operations.md`: variables, from environment.ts, and metrics, from the registry. */
import type { Registry } from 'prom-client';
import { variables } from '../environment.ts';
import { fillBetween } from './marks.ts';
import type { Marks } from './marks.ts';
import { factsOf } from './metrics.ts';

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

const metricMarks: Marks = {
  file: 'docs/operations.md',
  begin: '<!-- metrics: written by scripts/write-operations.ts -->',
  end: '<!-- end of metrics -->',
};

const metricsTable = (registry: Registry): string =>
  [
    '| metric | type | labels | tells |',
    '|---|---|---|---|',
    ...factsOf(registry).map(
      ({ name, type, labelNames, help }) =>
        `| ${quote(name)} | ${type} | ${labelNames.map(quote).join(', ')} | ${help.replace(/\.$/, '')} |`,
    ),
  ].join('\n');

export const withMetrics = (document: string, registry: Registry): string =>
  fillBetween(document, metricMarks, `${metricsTable(registry)}\n`);
