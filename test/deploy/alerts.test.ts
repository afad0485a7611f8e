/** The alert rules that come with the gateway: Prometheus takes them, each fires when it should, and names only what there is. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { factsOf, openRegistry, seriesNames } from '../../scripts/metrics.ts';
import { comingNames, promtool, selectorsOf } from '../support/promql.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
interface RuleTest {
  readonly alert_rule_test: readonly {
    readonly alertname: string;
    readonly exp_alerts: readonly unknown[];
  }[];
}

const file = 'deploy/prometheus/alerts.yml';
const { groups } = parse(readFileSync(file, 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const { tests } = parse(readFileSync('deploy/prometheus/alerts.test.yml', 'utf8')) as {
  tests: readonly RuleTest[];
};
const guide = readFileSync('docs/operations.md', 'utf8');

/** Told by Prometheus itself, and recorded by these rules. */
const otherNames = ['up', ...rules.flatMap(({ record }) => record ?? [])];
const otherLabels = ['job', 'instance', 'le'];

let names: ReadonlySet<string>;
let labels: ReadonlySet<string>;
beforeAll(async () => {
  const registry = await openRegistry();
  names = new Set([...seriesNames(registry), ...otherNames, ...comingNames]);
  labels = new Set([...factsOf(registry).flatMap(({ labelNames }) => labelNames), ...otherLabels]);
});

test('Prometheus takes them', () => {
  expect(promtool('check', 'rules', file)).toContain(`SUCCESS: ${rules.length} rules found`);
});

test('each fires when it should, not before, and never of a gateway that is well', () => {
  expect(promtool('test', 'rules', 'deploy/prometheus/alerts.test.yml')).toContain('SUCCESS');
  const tried = tests.flatMap(({ alert_rule_test: tried }) => tried);
  const firing = new Set(tried.filter((each) => each.exp_alerts.length > 0).map((each) => each.alertname));
  expect([...firing].sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  const quiet = tests.at(-1)?.alert_rule_test.map(({ alertname }) => alertname) ?? [];
  expect(quiet.sort()).toEqual([...firing].sort());
});

describe.each(alerts.map((rule) => [rule.alert, rule] as const))('%s', (alert, rule) => {
  test('says what is wrong, how bad it is, and where to read what to do', () => {
    const { summary, description, runbook } = rule.annotations ?? {};
    expect(['critical', 'warning']).toContain(rule.labels?.severity);
    expect([summary, description]).not.toContain(undefined);
    expect(runbook).toBe(`docs/operations.md#${alert?.toLowerCase()}`);
    expect(guide).toContain(`\n### ${alert}\n`);
  });
});

test('there is no chapter about an alert that is not there', () => {
  const chapters = [...guide.matchAll(/^### (Gateway\w+)$/gm)].map(([, name]) => name);
  expect(chapters).toEqual(alerts.map(({ alert }) => alert));
  const linked = [...guide.matchAll(/\]\(#(gateway\w+)\)/g)].map(([, anchor]) => anchor);
  expect(linked.filter((anchor) => !chapters.some((name) => name?.toLowerCase() === anchor))).toEqual([]);
});

test('they ask for nothing that /metrics does not tell', () => {
  const selectors = rules.flatMap(({ expr }) => selectorsOf(expr));
  expect(selectors.length).toBeGreaterThan(rules.length);
  expect(selectors.filter(({ name }) => !names.has(name))).toEqual([]);
  expect(selectors.flatMap((selector) => selector.labels).filter((label) => !labels.has(label))).toEqual([]);
});

test('what a query names is found however it is written', () => {
  const expr =
    'histogram_quantile(0.99, sum by (le, a) (rate(x_bucket{b="c{d}[5m]", e=~"f"}[5m] offset 1e2m))) > 1e3 and on (g) (h:i:j_k - 2) unless max without(l)(m)';
  expect(selectorsOf(expr)).toEqual([
    { name: 'x_bucket', labels: ['b', 'e'] },
    { name: 'h:i:j_k', labels: [] },
    { name: 'm', labels: [] },
  ]);
});
