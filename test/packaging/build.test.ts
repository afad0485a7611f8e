/** `npm run build`: what comes out of it, and that it runs: plainly, and as a container would run it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import type { Lock, Manifest } from '../../scripts/build/manifest.ts';
import { canContain, containedUser, runBuilt, runContained, useBuild } from '../support/build.ts';

jest.setTimeout(120_000);

const root = join(import.meta.dirname, '..', '..');
const readJson = <T>(...path: readonly string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T;

const built = useBuild();
const { started } = built;

const ask = async (url: string, query: string): Promise<unknown> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
};

describe('what is built', () => {
  const files = (): readonly string[] =>
    readdirSync(built.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(built.folder.length + 1));

  test('is JavaScript and what it reads while it runs', () => {
    expect(files()).toEqual(
      expect.arrayContaining([
        ...['LICENSE', 'package.json', 'npm-shrinkwrap.json', 'server.js', 'emulator/main.js'],
        ...['schema/query.graphql', 'datasources/regions.json', 'emulator/dialects.json'],
      ]),
    );
    expect(files().filter((file) => !/\.(js|graphql|json|md)$|^LICENSE$/.test(file))).toEqual([]);
  });

  test('holds nothing that only developers run', () => {
    expect(files().filter((file) => /^(test|bench|scripts|docs|node_modules)\//.test(file))).toEqual([]);
  });

  test('has every document and data file that lies beside a module', () => {
    const folders = new Set(files().map((file) => dirname(file)));
    for (const folder of folders) {
      if (folder === '.') continue;
      const data = readdirSync(join(root, folder), { withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
        .map((entry) => join(folder, entry.name));
      expect(files()).toEqual(expect.arrayContaining(data));
    }
  });

  test('its manifest starts it without the pins of Node, tools and scripts', () => {
    const project = readJson<Manifest>(root, 'package.json');
    const manifest = readJson<Manifest>(built.folder, 'package.json');
    expect(manifest).toEqual({
      name: project.name,
      version: project.version,
      description: project['description'],
      license: 'Apache-2.0',
      type: 'module',
      engines: project['engines'],
      bin: { 'oci-work-request-gateway': 'server.js' },
      dependencies: project.dependencies,
      overrides: project['overrides'],
    });
    expect(readFileSync(join(built.folder, 'server.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(join(built.folder, 'server.js')).mode & 0o111).toBe(0o111);
  });

  test('its lock holds what the manifest needs, the versions of these tests, and no more', () => {
    const { packages } = readJson<Lock>(built.folder, 'npm-shrinkwrap.json');
    const project = readJson<Lock>(root, 'package-lock.json').packages;
    const manifest = readJson<Manifest>(built.folder, 'package.json');
    expect(packages['']?.['dependencies']).toEqual(manifest.dependencies);

    const reached = new Set<string>();
    const reach = (from: string): void => {
      if (reached.has(from)) return;
      reached.add(from);
      const { dependencies = {} } = packages[from] as { dependencies?: Readonly<Record<string, string>> };
      for (const name of Object.keys(dependencies)) reach(find(from, name));
    };
    /** As Node looks for it: in the folder of the one who asks, then in those above. */
    const find = (from: string, name: string): string => {
      for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
        const place = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
        if (place in packages) return place;
        if (at === '') throw new Error(`${from || 'the manifest'} needs ${name}, which is not locked`);
      }
    };
    reach('');
    expect(Object.keys(packages).filter((place) => !reached.has(place))).toEqual([]);
    for (const [place, locked] of Object.entries(packages)) {
      if (place !== '') expect(locked).toEqual(project[place]);
    }
  });

  test('takes the place of an older build, and of nothing else', () => {
    const parent = mkdtempSync(join(tmpdir(), 'no-build-'));
    writeFileSync(join(parent, 'thesis.txt'), 'years of work');
    const script = join(root, 'scripts', 'build.ts');
    const { status, stderr } = spawnSync(process.execPath, [script, parent], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toBe(
      `${parent} holds something that is no build: name an empty folder, or one that is not there.\n`,
    );
    expect(existsSync(join(parent, 'thesis.txt'))).toBe(true);
    rmSync(parent, { recursive: true });
  });
});

describe('node server.js', () => {
  test('answers a query, serves the playground and ends on a signal', async () => {
    const server = started(runBuilt(built, ['server.js'], { PORT: '0', EMULATOR_PORT: '0' }));
    const [, url = ''] = await server.until(/GraphQL +(http:\S+)\/graphql/);
    expect(await ask(url, '{ regions { id } }')).toMatchObject({ data: { regions: expect.any(Array) } });
    expect((await fetch(`${url}/playground`)).status).toBe(200);
    process.kill(server.pid(), 'SIGTERM');
    expect(await server.ended).toBe(0);
  });

  test('checks its configuration, and is told of by its own name', async () => {
    const right = started(runBuilt(built, ['server.js', '--check-config']));
    expect(await right.ended).toBe(0);
    expect(right.out()).toBe('The configuration is fine.\n');
    const wrong = started(runBuilt(built, ['server.js', '--check-config'], { PORT: 'x' }));
    expect(await wrong.ended).toBe(78);
    expect(wrong.err()).toContain('PORT must be a whole number');
    const help = started(runBuilt(built, ['server.js', '--help']));
    expect(await help.ended).toBe(0);
    expect(help.out()).toMatch(/^Usage: node server\.js \[/);
  });
});

describe(
  canContain ? 'as a container has it' : 'as a container has it (not contained on this machine)',
  () => {
    const env = { HOST: '0.0.0.0', PORT: '0', EMULATOR_PORT: '0', AUTH_ALLOW_ANONYMOUS: 'true' };

    test('it runs without a shell, a home and a place to write, as anybody, and ends on a signal as process 1', async () => {
      const server = started(runContained(built, ['/app/server.js'], env));
      const [, port = ''] = await server.until(/GraphQL +http:\S+:(\d+)\/graphql/);
      await server.until(/A query to paste/);
      const url = `http://127.0.0.1:${port}`;
      const [query] = await server.until(/\{ workRequest\(.*\}/);
      expect(await ask(url, query)).toMatchObject({
        data: { workRequest: { operationType: expect.any(String) } },
      });
      expect((await fetch(`${url}/playground`)).status).toBe(200);
      if (canContain) {
        const status = readFileSync(`/proc/${server.pid()}/status`, 'utf8');
        expect(status).toMatch(new RegExp(`^Uid:\\s+${containedUser}\\s`, 'm'));
        expect(status).toMatch(/^NSpid:\s+\d+\s+1$/m);
      }
      process.kill(server.pid(), 'SIGTERM');
      expect(await server.ended).toBe(0);
      expect(server.err()).not.toMatch(/"level":[4-6]0/);
    });

    test('a second signal ends it at once, though the kernel lets nothing unhandled through to process 1', async () => {
      const server = started(runContained(built, ['/app/server.js'], env));
      const [, port = ''] = await server.until(/GraphQL +http:\S+:(\d+)\/graphql/);
      await server.until(/A query to paste/);
      // A request that does not end holds the first stop up.
      const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
      socket.write(
        'POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      );
      await once(socket, 'connect');
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
      process.kill(server.pid(), 'SIGTERM');
      await server.until(/"Stopping"/);
      process.kill(server.pid(), 'SIGTERM');
      expect(await server.ended).toBe(143);
      socket.destroy();
    });

    test('over Oracle Cloud it asks for a home, which need not exist, and tells where it looked for a credential', async () => {
      const args = ['/app/server.js', '--check-config'];
      const homeless = started(runContained(built, args, { UPSTREAM: 'oci' }));
      expect(await homeless.ended).toBe(78);
      if (canContain) expect(homeless.err()).toContain('set HOME');
      const empty = started(runContained(built, args, { UPSTREAM: 'oci', HOME: '/nowhere' }));
      expect(await empty.ended).toBe(78);
      expect(empty.err()).toMatch(/\/nowhere\/\.oci\/config.*OCI_CONFIG_FILE/);
    });

    test('it does not let everybody in unasked', async () => {
      const server = started(runContained(built, ['/app/server.js'], { HOST: '0.0.0.0', PORT: '0' }));
      expect(await server.ended).toBe(78);
      expect(server.err()).toContain('AUTH_ALLOW_ANONYMOUS=true');
    });
  },
);
