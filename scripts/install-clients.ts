/** Oracle's own clients, in a workspace of their own (test/contract): some hundred packages that only the contract test and benchmarks need. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const workspace = path.join(import.meta.dirname, '..', 'test', 'contract');

/** `npm ci` there, unless what is installed is what is locked. */
export const installClients = (): void => {
  if (isInstalled()) return;
  console.log("Installing Oracle's clients (test/contract) …");
  // What npm told this script of the root package would mislead the npm of the workspace.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(config_local_prefix|package_|lifecycle_)/.test(name),
    ),
  );
  const { status, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: workspace,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ci in test/contract failed: ${error?.message ?? `exit ${status}`}`);
};

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>;
}

/** Whether npm's own note of what it installed agrees with the lock file. */
const isInstalled = (): boolean => {
  const installed = path.join(workspace, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const there = readLock(installed);
  return Object.entries(readLock(path.join(workspace, 'package-lock.json'))).every(
    ([at, { version, optional }]) =>
      at === '' ||
      optional === true ||
      (there[at]?.version === version && existsSync(path.join(workspace, at, 'package.json'))),
  );
};

const readLock = (file: string): LockFile['packages'] =>
  (JSON.parse(readFileSync(file, 'utf8')) as LockFile).packages;
