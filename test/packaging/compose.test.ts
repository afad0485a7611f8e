/** compose.yaml and what may be laid over it: hardened, and configured as config.ts would have it. Docker's own look at them: docs/decisions/packaging.md. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readConfig } from '../../config.ts';
import { variables } from '../../environment.ts';

const root = join(import.meta.dirname, '..', '..');

interface Service {
  readonly image?: string;
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets?: Readonly<Record<string, { readonly file: string }>>;
}

const read = (file: string): Compose => parse(readFileSync(join(root, file), 'utf8')) as Compose;
const demo = read('compose.yaml');
const cloud = read('compose.oci.yaml');

/** As Compose fills them in: `${NAME:-default}` and `${NAME:?why it is needed}`. */
const fill = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_all, name: string, kind?: string, rest = '') => {
    const value = env[name] ?? '';
    if (value === '' && kind === '?') throw new Error(`${name}: ${rest}`);
    return value === '' && kind === '-' ? rest : value;
  });

const environmentOf = (
  files: readonly Compose[],
  env: Readonly<Record<string, string>> = {},
): Record<string, string> => {
  const merged = Object.assign({}, ...files.map(({ services }) => services['gateway']?.environment));
  return Object.fromEntries(Object.entries<string>(merged).map(([name, text]) => [name, fill(text, env)]));
};

const folder = mkdtempSync(join(tmpdir(), 'compose-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(Object.entries(demo.services))('%s', (_name, service) => {
  test('can write nowhere, holds no capability and can get none', () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  test('is reached from this machine only', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('is of a version, and is given what is there, to read only', () => {
    if (_name !== 'gateway') expect(service.image).toMatch(/:v?\d+\.\d+\.\d+$/);
    for (const volume of service.volumes ?? []) {
      const [from = '', , mode] = volume.split(':');
      if (!from.startsWith('.')) continue;
      expect([from, existsSync(join(root, from))]).toEqual([from, true]);
      expect(mode).toBe('ro');
    }
  });
});

describe('the gateway', () => {
  const image = { HOST: '0.0.0.0', PORT: '4000' };
  const names = new Set(
    variables.flatMap(({ name, isSecret }) => (isSecret ? [name, `${name}_FILE`] : [name])),
  );

  test('is told nothing that it does not know', () => {
    const given = Object.keys(
      environmentOf([demo, cloud], { AUTH_ISSUER: 'i', AUTH_AUDIENCE: 'a', AUTH_JWKS_URL: 'u' }),
    );
    expect(given.filter((name) => !names.has(name))).toEqual(['NODE_OPTIONS']);
  });

  test('is configured right over demo data', () => {
    const { config, problems } = readConfig({ ...image, ...environmentOf([demo]) });
    expect(problems).toEqual([]);
    expect(config).toMatchObject({ upstream: 'emulator', mayBeReached: true });
    expect(config.allowedHosts).toContain('gateway');
  });

  test('has /metrics on a port that is not published, where Prometheus asks for it', () => {
    const { config } = readConfig({ ...image, ...environmentOf([demo]) });
    const { scrape_configs: jobs } = parse(
      readFileSync(join(root, 'deploy', 'prometheus', 'prometheus.yml'), 'utf8'),
    ) as { readonly scrape_configs: unknown };
    const targets = [`gateway:${config.metrics?.port}`];
    expect(jobs).toEqual([{ job_name: 'oci-work-request-gateway', static_configs: [{ targets }] }]);
    expect(demo.services['gateway']?.ports).toEqual(['127.0.0.1:4000:4000']);
  });

  test('is configured right over Oracle Cloud: tokens, and every secret from a file that it is given', () => {
    const env = environmentOf([demo, cloud], {
      AUTH_ISSUER: 'https://issuer.example.com',
      AUTH_AUDIENCE: 'gateway',
      AUTH_JWKS_URL: 'https://issuer.example.com/keys',
      ALLOWED_HOSTS: 'portal.example.com',
    });
    const secrets = cloud.services['gateway']?.secrets ?? [];
    expect(Object.keys(cloud.secrets ?? {})).toEqual(secrets);
    const files = Object.entries(env).filter(([, value]) => value.startsWith('/run/secrets/'));
    for (const [, file] of files) expect(secrets).toContain(file.slice('/run/secrets/'.length));
    for (const { name, isSecret } of variables) if (isSecret) expect(Object.keys(env)).not.toContain(name);

    const here = join(folder, 'cursor_secret');
    writeFileSync(here, 'a secret of the replicas');
    const { config, problems } = readConfig({ ...image, ...env, CURSOR_SECRET_FILE: here });
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      upstream: 'oci',
      cursorSecret: 'a secret of the replicas',
      allowedHosts: ['portal.example.com', 'gateway'],
    });
    expect(config.tokens).not.toBeNull();
  });

  test('does not start over Oracle Cloud before it is said whose tokens count', () => {
    expect(() => environmentOf([demo, cloud])).toThrow('AUTH_ISSUER: the issuer of callers');
  });

  test('has the time to stop', () => {
    expect(demo.services['gateway']?.stop_grace_period).toBe('30s');
  });
});
