/**
 * The Helm chart, as far as it can be judged without Helm: its values against their schema and config.ts, and its templates
 * as text. How it was rendered, and by what: docs/decisions/packaging.md.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { readConfig } from '../../config.ts';
import { variables } from '../../environment.ts';
import type { Manifest } from '../../scripts/build/manifest.ts';
import { chartSchema, withVariablesInChart } from '../../scripts/chart.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'deploy', 'helm', 'oci-work-request-gateway');
const read = (...path: readonly string[]): string => readFileSync(join(...path), 'utf8');

type Tree = Readonly<Record<string, unknown>>;
const values = parse(read(folder, 'values.yaml')) as Tree;
const oke = parse(read(folder, '..', 'oke.values.yaml')) as Tree;
const schemaText = read(root, chartSchema);
const schema = z.fromJSONSchema(JSON.parse(schemaText) as Parameters<typeof z.fromJSONSchema>[0]);

const templates = readdirSync(join(folder, 'templates'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => [entry.name, read(entry.parentPath, entry.name)] as const);

/** As Helm lays values over the chart's own: maps are merged, all else is replaced. */
const over = (base: unknown, top: unknown): unknown => {
  const isMap = (value: unknown): value is Tree =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap(base) || !isMap(top)) return top;
  return Object.fromEntries(
    [...new Set([...Object.keys(base), ...Object.keys(top)])].map((key) => [
      key,
      key in top ? over(base[key], top[key]) : base[key],
    ]),
  );
};

const problemsOf = (given: unknown): readonly string[] =>
  (schema.safeParse(over(values, given)).error?.issues ?? []).map(({ path }) => path.join('.'));

describe('values', () => {
  test('fit their schema: those of the chart, and those for OKE', () => {
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf(oke)).toEqual([]);
  });

  test('may hold every variable, by the name and with the words that config.ts knows', () => {
    expect(schemaText).toBe(withVariablesInChart(schemaText));
    for (const { name, words, isSecret } of variables) {
      const value = words?.[0] ?? 'x';
      expect([name, problemsOf({ config: { [isSecret ? `${name}_FILE` : name]: value } })]).toEqual([
        name,
        [],
      ]);
    }
    expect(problemsOf({ config: { READ_ONLY: true, MAX_QUERY_COST: 1_000_000 } })).toEqual([]);
  });

  test('hold no secret: each is a key of a Secret, mounted as the file that <NAME>_FILE names', () => {
    const secrets = variables.filter(({ isSecret }) => isSecret).map(({ name }) => name);
    expect(secrets).toContain('CURSOR_SECRET');
    for (const name of secrets) {
      expect(problemsOf({ secrets: { [name]: { name: 'gateway', key: 'key' } } })).toEqual([]);
      expect(problemsOf({ config: { [name]: 'written down' } })).toEqual(['config']);
      expect(problemsOf({ secrets: { [name]: 'written down' } })).toEqual([`secrets.${name}`]);
    }
    const deployment = templates.find(([name]) => name === 'deployment.yaml')?.[1];
    expect(deployment).toContain(
      '- name: {{ $name }}_FILE\n              value: /etc/gateway/secrets/{{ $name }}',
    );
  });

  test.each([
    [{ replicas: 2 }, ''],
    [{ config: { POLL_MIN: 2000 } }, 'config'],
    [{ config: { UPSTREAM: 'oracle' } }, 'config.UPSTREAM'],
    [{ secrets: { PASSWORD: { name: 'a', key: 'b' } } }, 'secrets'],
    [{ image: { digest: 'latest' } }, 'image.digest'],
    [{ replicaCount: 'two' }, 'replicaCount'],
    [{ terminationGracePeriodSeconds: 10 }, 'terminationGracePeriodSeconds'],
    [{ ingress: { hosts: ['*.example.com'] } }, 'ingress.hosts.0'],
    [{ ingress: { paths: ['graphql'] } }, 'ingress.paths.0'],
  ])('%j are refused', (given, place) => {
    expect(problemsOf(given)).toEqual([place]);
  });

  test.each([
    ['the demo', {}, { AUTH_ALLOW_ANONYMOUS: 'true' }],
    ['Oracle Cloud from OKE', oke, {}],
  ])('are a configuration that the gateway starts with: %s', (_name, given, added) => {
    const { config } = over(values, given) as { readonly config: Readonly<Record<string, string>> };
    expect(readConfig({ HOST: '0.0.0.0', ...config, ...added }).problems).toEqual([]);
  });

  test('leave nobody in over Oracle Cloud whom the operator did not let in', () => {
    expect(values['config']).toEqual({ UPSTREAM: 'emulator' });
    expect(readConfig({ HOST: '0.0.0.0', UPSTREAM: 'oci' }).config.mayBeReached).toBe(false);
  });
});

describe.each(templates)('%s', (_name, text) => {
  const actions = [...text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)].map(([, action = '']) => action);

  test('closes what it opens', () => {
    expect(text.split('{{').length).toBe(text.split('}}').length);
    const opened = actions.filter((action) => /^(if|range|with|define)\b/.test(action)).length;
    expect(actions.filter((action) => action === 'end')).toHaveLength(opened);
    for (const action of actions) {
      const bare = action.replaceAll(/"[^"]*"/g, '');
      expect([action, bare.split('(').length]).toEqual([action, bare.split(')').length]);
    }
  });

  test('asks for values that are there, and for parts that are defined', () => {
    const defined = templates.flatMap(([, each]) =>
      [...each.matchAll(/define "([^"]+)"/g)].map(([, name]) => name),
    );
    for (const [, name] of text.matchAll(/include "([^"]+)"/g)) expect(defined).toContain(name);
    for (const [, path = ''] of text.matchAll(/\.Values((?:\.\w+)+)/g)) {
      const found = path
        .slice(1)
        .split('.')
        .reduce<unknown>((at, key) => (at as Tree | undefined)?.[key], values);
      expect([path, found !== undefined]).toEqual([path, true]);
    }
  });
});

describe('the chart', () => {
  const all = templates.map(([, text]) => text).join('\n');

  test('uses every value that it takes', () => {
    for (const [key, value] of Object.entries(values)) {
      expect([key, all.includes(`.Values.${key}`)]).toEqual([key, true]);
      if (['config', 'secrets', 'files', 'resources', 'securityContext', 'podSecurityContext'].includes(key))
        continue;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
      for (const inner of Object.keys(value))
        expect([key, inner, all.includes(`.Values.${key}.${inner}`)]).toEqual([key, inner, true]);
    }
  });

  test('has the version of the gateway, and its alerts from the one place where they are written', () => {
    const { version } = JSON.parse(read(root, 'package.json')) as Manifest;
    expect(parse(read(folder, 'Chart.yaml'))).toMatchObject({ version, appVersion: version });
    expect(readlinkSync(join(folder, 'files', 'alerts.yml'))).toBe('../../../prometheus/alerts.yml');
  });

  test('has /metrics where callers do not come: a port, a service and a rule of its own', () => {
    const textOf = (name: string): string => templates.find(([each]) => each === name)?.[1] ?? '';
    for (const name of ['service.yaml', 'ingress.yaml', 'httproute.yaml'])
      expect([name, /metrics/.test(textOf(name))]).toEqual([name, false]);
    expect(textOf('deployment.yaml')).toContain(
      '- name: METRICS_PORT\n              value: {{ include "gateway.metricsPort" . | quote }}',
    );
    const service = textOf('service-metrics.yaml');
    expect(service).toContain('clusterIP: None');
    expect(service).toContain('targetPort: metrics');
    const component = 'app.kubernetes.io/component: metrics';
    for (const text of [service, textOf('servicemonitor.yaml')]) expect(text).toContain(component);
    expect(textOf('servicemonitor.yaml')).toContain('- port: metrics');
    // Nobody, unless they are named.
    expect(values['networkPolicy']).toMatchObject({ metricsFrom: [] });
    expect(textOf('networkpolicy.yaml')).toMatch(
      /with \.Values\.networkPolicy\.metricsFrom \}\}\s+- ports:\s+- port: metrics/,
    );
    expect(oke['networkPolicy']).toMatchObject({ metricsFrom: [expect.anything()] });
  });

  test('takes from its pods what they do not need', () => {
    expect(values).toMatchObject({
      podSecurityContext: {
        runAsNonRoot: true,
        runAsUser: 65_532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    });
    expect(all).toContain('enableServiceLinks: false');
  });
});
