/** A build in a temporary folder, and programs of it, as a container would run them or plainly. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';

const root = join(import.meta.dirname, '..', '..');
const modules = join(root, 'node_modules');

interface Build {
  readonly folder: string;
}

const build = (): Build & { remove(): void } => {
  const parent = mkdtempSync(join(tmpdir(), 'build-'));
  const folder = join(parent, 'dist');
  execFileSync(process.execPath, [join(root, 'scripts', 'build.ts'), folder], { stdio: 'pipe' });
  // Beside the build, as `npm ci` would put them into it.
  symlinkSync(modules, join(parent, 'node_modules'));
  return { folder, remove: () => rmSync(parent, { recursive: true }) };
};

/** For all tests of the file or block that calls it; programs that were `started` are ended with it. */
export const useBuild = () => {
  let built: ReturnType<typeof build> | null = null;
  const programs: Program[] = [];
  beforeAll(() => {
    built = build();
  });
  afterAll(() => {
    for (const program of programs) program.kill();
    built?.remove();
  });
  return {
    get folder(): string {
      if (built === null) throw new Error('nothing was built yet');
      return built.folder;
    },
    started(program: Program): Program {
      programs.push(program);
      return program;
    },
  };
};

export interface Program {
  /** The process itself, seen from here. */
  readonly pid: () => number;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves when standard output or standard error matches; rejects when the program ends before it does. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Exit code, when it has ended. */
  readonly ended: Promise<number | null>;
  kill(): void;
}

type Env = Readonly<Record<string, string>>;

/** Runs `node <args>` in the build, with these variables and no others. */
export const runBuilt = ({ folder }: Build, args: readonly string[], env: Env = {}): Program => {
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  return follow(child, () => child.pid ?? 0);
};

/** Namespaces are for root on Linux; elsewhere the build runs plainly. */
export const canContain =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;

export const containedUser = 65_532;

/**
 * What the last stage of the Dockerfile holds and nothing else: Node with the libraries that it is linked to, and the
 * build under /app. Read-only, as a user who owns nothing and has no home, Node being process 1.
 */
const contain = `set -e
node=$1 modules=$2 build=$3; shift 3
root=$(dirname "$build")/root
mkdir -p "$root"
mount -t tmpfs none "$root"
cd "$root"
mkdir -p app/node_modules dev proc usr/local/bin
cp -r "$build/." app
mount --bind "$modules" app/node_modules
mount --rbind /dev dev
mount -t proc none proc
touch usr/local/bin/node
mount --bind "$node" usr/local/bin/node
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p ".$(dirname "$library")"
  cp -L "$library" ".$library"
done
mount -o remount,bind,ro app/node_modules
mount -o remount,ro "$root"
exec chroot --userspec=+${containedUser}:+${containedUser} --groups= "$root" /usr/local/bin/node "$@"`;

/** `node <args>` as a container has it; paths in the build begin with /app. */
export const runContained = (built: Build, args: readonly string[], env: Env = {}): Program => {
  if (!canContain) {
    const here = args.map((arg) => arg.replace(/^\/app\b/, built.folder));
    return runBuilt(built, here, env);
  }
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', contain, 'sh'],
      ...[process.execPath, modules, built.folder, ...args],
    ],
    { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const pid = (): number => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
  return follow(child, pid);
};

const follow = (child: ChildProcess, pid: () => number): Program => {
  let [out, err] = ['', ''];
  let hasEnded = false;
  let wake = (): void => {};
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    wake();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    wake();
  });
  const ended = once(child, 'close').then(([code]) => {
    hasEnded = true;
    wake();
    return code as number | null;
  });
  return {
    pid,
    out: () => out,
    err: () => err,
    ended,
    async until(pattern) {
      for (;;) {
        const match = pattern.exec(out) ?? pattern.exec(err);
        if (match) return match;
        if (hasEnded) throw new Error(`it ended without ${pattern}: ${out}${err}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    kill: () => void child.kill('SIGKILL'),
  };
};
