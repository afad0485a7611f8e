/**
 * `npm run build [-- <folder>]`: what a container or a registry gets, `dist/` unless told otherwise. Plain JavaScript with
 * what it reads while it runs, and a manifest of its own. Why it is like this: docs/decisions/packaging.md.
 *
 *   npm run build && cd dist && npm ci --omit=dev && node server.js
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toManifest, toShrinkwrap } from './build/manifest.ts';
import type { Lock, Manifest } from './build/manifest.ts';

const root = path.join(import.meta.dirname, '..');
const target = path.resolve(process.argv[2] ?? path.join(root, 'dist'));

/** Both are only ever written by a build: a folder without them is somebody's. */
const marks = ['npm-shrinkwrap.json', 'server.js'];

const readJson = <T>(file: string): T => JSON.parse(readFileSync(path.join(root, file), 'utf8')) as T;
const writeJson = (file: string, value: unknown): void =>
  writeFileSync(path.join(target, file), `${JSON.stringify(value, null, 2)}\n`);

const clear = (): void => {
  const isOurs =
    !existsSync(target) ||
    readdirSync(target).length === 0 ||
    marks.every((mark) => existsSync(path.join(target, mark)));
  if (!isOurs) {
    console.error(
      `${target} holds something that is no build: name an empty folder, or one that is not there.`,
    );
    process.exit(1);
  }
  rmSync(target, { recursive: true, force: true });
};

const compile = (): void => {
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const project = path.join(root, 'tsconfig.build.json');
  execFileSync(process.execPath, [compiler, '-p', project, '--outDir', target], { stdio: 'inherit' });
};

/** Documents of the schema, regions, dialects: whatever lies beside the modules and is none. */
const copyData = (): void => {
  const folders = readdirSync(target, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.relative(target, path.join(entry.parentPath, entry.name)));
  for (const folder of folders) {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      if (!entry.isFile() || entry.name.endsWith('.ts')) continue;
      cpSync(path.join(root, folder, entry.name), path.join(target, folder, entry.name));
    }
  }
  for (const file of ['LICENSE', 'README.md']) cpSync(path.join(root, file), path.join(target, file));
};

clear();
compile();
copyData();
const manifest = toManifest(readJson<Manifest>('package.json'));
writeJson('package.json', manifest);
writeJson('npm-shrinkwrap.json', toShrinkwrap(readJson<Lock>('package-lock.json'), manifest));
chmodSync(path.join(target, 'server.js'), 0o755);
