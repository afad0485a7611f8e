/** Grafana's dashboard: it asks for nothing that `/metrics` does not tell, in queries that Prometheus takes, and leaves no metric of ours out. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { factsOf, openRegistry } from '../../scripts/metrics.ts';
import type { MetricFacts } from '../../scripts/metrics.ts';
import { comingNames, promtool, selectorsOf } from '../support/promql.ts';

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: Source;
}
interface Source {
  readonly type: string;
  readonly uid: string;
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: Source;
  readonly targets?: readonly Target[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
}

const { panels, templating } = JSON.parse(readFileSync('deploy/grafana/dashboard.json', 'utf8')) as Dashboard;
const rows = panels.filter(({ type }) => type === 'row');
const graphs = panels.filter(({ type }) => type !== 'row');
const targets = graphs.flatMap((panel) => panel.targets ?? []);
/** What Grafana puts in place of its own words. */
const filled = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:job|instance)\b/g, '.*');

let facts: readonly MetricFacts[];
const factOf = (series: string): MetricFacts | undefined =>
  facts.find(({ name, type }) =>
    type === 'histogram'
      ? ['bucket', 'sum', 'count'].some((suffix) => `${name}_${suffix}` === series)
      : name === series,
  );
const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
beforeAll(async () => {
  facts = factsOf(await openRegistry());
});
afterAll(() => rmSync(folder, { recursive: true }));

test('its rows go from what matters first to what explains it', () => {
  expect(rows.map(({ title }) => title)).toEqual([
    'Overview',
    'Upstream',
    'Watching',
    'Subscriptions',
    'Doors',
    'Process',
  ]);
  for (const [i, row] of rows.entries()) {
    const end = rows[i + 1]?.gridPos.y ?? Infinity;
    expect(graphs.some(({ gridPos: { y } }) => y > row.gridPos.y && y < end)).toBe(true);
  }
});

test('panels have ids of their own, and places of their own', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  const taken = new Set<string>();
  for (const { title, gridPos } of panels) {
    expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect([title, x, y, taken.has(`${x} ${y}`)]).toEqual([title, x, y, false]);
        taken.add(`${x} ${y}`);
      }
  }
});

test('where the numbers come from, and whose they are, is the viewer’s choice', () => {
  expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
    ['datasource', 'datasource'],
    ['job', 'query'],
    ['instance', 'query'],
  ]);
  const source = { type: 'prometheus', uid: '${datasource}' };
  for (const { datasource } of [...graphs, ...targets]) expect(datasource).toEqual(source);
});

describe.each(graphs.map((panel) => [panel.title, panel] as const))('%s', (_title, panel) => {
  test('has a unit, queries, and asks for what there is', () => {
    expect(panel.fieldConfig?.defaults.unit).toMatch(/^(short|reqps|cps|s|bytes|percentunit)$/);
    expect(panel.targets?.length).toBeGreaterThan(0);
    for (const { expr, legendFormat } of panel.targets ?? []) {
      const selectors = selectorsOf(filled(expr));
      expect(selectors.length).toBeGreaterThan(0);
      for (const { name, labels } of selectors) {
        const fact = factOf(name);
        expect([name, fact !== undefined || comingNames.includes(name)]).toEqual([name, true]);
        expect(labels.slice(0, 2)).toEqual(['job', 'instance']);
        const known = ['job', 'instance', 'le', ...(fact?.labelNames ?? [])];
        expect(labels.filter((label) => !known.includes(label))).toEqual([]);
        // A counter's number says nothing; how fast it grows does.
        if (fact?.type === 'counter') expect(expr).toMatch(new RegExp(`rate\\(${name}\\b`));
      }
      // What a legend names has to be left by the query.
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        expect(expr).toMatch(new RegExp(`by \\([^)]*\\b${label}\\b`));
    }
  });
});

test('Prometheus takes each query', () => {
  const file = join(folder, 'queries.yml');
  const rules = targets.map(({ expr }, i) => ({ record: `panel:query:${i}`, expr: filled(expr) }));
  // YAML takes JSON.
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  expect(promtool('check', 'rules', file)).toContain(`SUCCESS: ${targets.length} rules found`);
});

test('a query that is none would not be taken', () => {
  const file = join(folder, 'wrong.yml');
  const rules = [{ record: 'a:b:c', expr: 'sum by (le (rate(x[5m]))' }];
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'wrong', rules }] }));
  expect(() => promtool('check', 'rules', file)).toThrow(/parse error/);
});

test('no metric of the gateway is left out', () => {
  const shown = targets.flatMap(({ expr }) => selectorsOf(filled(expr)).map(({ name }) => name));
  const own = facts.filter(({ name }) => name.startsWith('gateway_'));
  const leftOut = own.filter((fact) => !shown.some((name) => factOf(name) === fact));
  expect(leftOut.map(({ name }) => name)).toEqual([]);
});
