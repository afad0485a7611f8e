/**
 * From `npm start` to the first answer to the query that it prints, and the memory ten seconds later: with the built-in emulator, and
 * without it. `cold` is the first start after an install, with nothing compiled ahead (docs/decisions/startup.md).
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { createEmulator } from '../emulator/emulator.ts';
import { median } from './report.ts';
import type { Report } from './report.ts';

const root = join(import.meta.dirname, '..');
const rounds = 5;
const idleMs = 10_000;
const goalMs = 2_000;
const goalMiB = { withEmulator: 180, without: 150 };

export async function run(): Promise<Report> {
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await rm(join(root, 'node_modules', '.cache', 'compile'), { recursive: true, force: true });
    cold.push(await timeStart());
    warm.push(await timeStart());
  }
  const withEmulator = await measureMemory({ EMULATOR_PORT: '0' });
  const without = await withSeparateEmulator(measureMemory);
  const row = (subject: string, metric: string, unit: string, value: number): Report['rows'][number] => ({
    subject,
    metric: `${metric} (less is better)`,
    unit,
    value,
  });
  return {
    name: 'start',
    rows: [
      row('npm start, cold', 'time to the first answer', 'ms', median(cold)),
      row('npm start, cold', 'the fastest', 'ms', Math.min(...cold)),
      row('npm start, again', 'time to the first answer', 'ms', median(warm)),
      row('npm start, again', 'the fastest', 'ms', Math.min(...warm)),
      row('with emulator', `resident after ${idleMs / 1000} s`, 'MiB', withEmulator),
      row('without emulator', `resident after ${idleMs / 1000} s`, 'MiB', without),
    ],
    ratio: goalMs / median(cold),
    goal: `first answer ≤ ${goalMs} ms, ≤ ${goalMiB.withEmulator} MiB with emulator, ≤ ${goalMiB.without} MiB without`,
    isReached: median(cold) <= goalMs && withEmulator <= goalMiB.withEmulator && without <= goalMiB.without,
  };
}

async function timeStart(): Promise<number> {
  const startedAt = performance.now();
  // A group of its own: npm's shell does not hand signals on.
  const child = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, PORT: '0', EMULATOR_PORT: '0' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const { url, query } = await readWelcome(child);
  await ask(url, query);
  const ms = performance.now() - startedAt;
  const ended = once(child, 'close');
  process.kill(-(child.pid ?? 0), 'SIGTERM');
  await ended;
  return ms;
}

/** Of the server's own process. */
async function measureMemory(env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(process.execPath, ['server.ts'], {
    cwd: root,
    // The cache as `npm start` has it, whose process is not this one's child.
    env: { ...process.env, NODE_COMPILE_CACHE: join('node_modules', '.cache', 'compile'), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { url, query } = await readWelcome(child);
  await ask(url, query);
  await sleep(idleMs);
  const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' });
  const ended = once(child, 'close');
  child.kill('SIGTERM');
  await ended;
  return Number(stdout) / 1024;
}

async function withSeparateEmulator(
  measure: (env: Readonly<Record<string, string>>) => Promise<number>,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-start-'));
  const { publicKey, configFile } = writeDemoProfile(folder);
  const emulator = createEmulator({ publicKeys: [publicKey], samples: true });
  const { url } = await emulator.start(0);
  try {
    return await measure({
      UPSTREAM: 'oci',
      OCI_CONFIG_FILE: configFile,
      OCI_ENDPOINT_TEMPLATE: `${url}/{region}/{package}`,
    });
  } finally {
    await emulator.stop();
    await rm(folder, { recursive: true });
  }
}

/** Where the gateway is, and the query it prints; over Oracle Cloud it prints none, and one that asks upstream stands in. */
async function readWelcome(child: ChildProcess): Promise<{ readonly url: string; readonly query: string }> {
  let out = '';
  if (child.stdout === null) throw new Error('no output');
  for await (const text of child.stdout.setEncoding('utf8')) {
    out += String(text);
    const [, url] = /GraphQL +(http:\S+)/.exec(out) ?? [];
    const [query] = /\{ workRequest\(.*\}\n/.exec(out) ?? [];
    if (url !== undefined && query !== undefined) return { url, query };
    if (url !== undefined && /Upstream +\S.*\n/.test(out)) return { url, query: anyQuery };
  }
  throw new Error(`it ended early: ${out}`);
}

const anyQuery = '{ workRequest(id: "ocid1.clustersworkrequest.oc1.iad.absent") { status } }';

async function ask(url: string, query: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { errors } = (await response.json()) as { errors?: unknown };
  if (errors !== undefined) throw new Error(`it answered ${JSON.stringify(errors)}`);
}
