/**
 * Slow clients: slowhttptest (Debian's) opens 1,000 connections and trickles headers, then bodies, then reads its answers a few bytes at a
 * time, while twenty other callers ask as they do without it. What counts is the 99th percentile of those others, with each attack
 * against without, in rounds that take turns.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { startReplay } from './replay.ts';
import { median } from './report.ts';
import type { Report } from './report.ts';
import { compartmentId, startGateway } from './servers.ts';
import type { Child } from './servers.ts';

const rounds = 5;
const lastsMs = 8_000;
const connections = 1_000;
const callers = 20;
/** Of each caller, between two requests. */
const periodMs = 50;
const goal = 1.5;

const body = JSON.stringify({
  query: `query Reads($compartmentId: String!) {
    workRequests(compartmentId: $compartmentId, services: [CONTAINERENGINE], first: 20) {
      nodes { id workRequestId region status percentComplete timeAccepted resources { entityType identifier } }
    }
  }`,
  variables: { compartmentId },
});

type Attack = readonly string[];

const attacks = {
  'slow headers': ['-H', '-u', 'URL/graphql', '-i', '2', '-x', '24'],
  'slow bodies': ['-B', '-u', 'URL/graphql', '-i', '2', '-x', '24', '-s', '8192', '-f', 'application/json'],
  // The longest answer that a GET without more can have.
  'slow reads': ['-X', '-u', 'URL/metrics', '-w', '1', '-y', '4', '-n', '1', '-z', '8', '-k', '3'],
} as const satisfies Readonly<Record<string, Attack>>;

export async function run(): Promise<Report> {
  if (spawnSync('slowhttptest', ['-h']).error)
    throw new Error('slowhttptest is not here: apt-get install slowhttptest');
  const folder = await mkdtemp(join(tmpdir(), 'bench-slow-'));
  const { configFile } = writeDemoProfile(folder);
  const upstream = await startReplay(folder, 8_000);
  const children: Child[] = [upstream];
  try {
    const gateway = await startGateway(upstream.url, configFile, {
      OCI_REGIONS: 'us-ashburn-1',
      READ_CACHE_MS: '60000',
    });
    children.push(gateway);
    const calm: number[] = [];
    const attacked = new Map<string, Measured[]>(Object.keys(attacks).map((name) => [name, []]));
    await ask(gateway.url, 2_000);
    for (let round = 0; round < rounds; round += 1) {
      calm.push(percentile(await ask(gateway.url, lastsMs), 0.99));
      for (const [name, args] of Object.entries(attacks)) {
        const attack = begin(gateway.url, args);
        await sleep(2_000);
        const latencies = await ask(gateway.url, lastsMs);
        const open = await connectionsOf(gateway.url);
        await attack.stop();
        attacked.get(name)?.push({ p99: percentile(latencies, 0.99), open });
      }
    }
    const rest = median(calm);
    const worst = Math.max(...[...attacked.values()].map((all) => median(all.map(({ p99 }) => p99))));
    return {
      name: 'slow',
      rows: [
        { subject: 'nobody is slow', metric: 'p99 of the others (less is better)', unit: 'ms', value: rest },
        ...[...attacked].flatMap(([subject, all]) => [
          {
            subject,
            metric: 'p99 of the others (less is better)',
            unit: 'ms',
            value: median(all.map(({ p99 }) => p99)),
          },
          {
            subject,
            metric: 'connections open, of 1,000 that it wants',
            unit: '',
            value: median(all.map(({ open }) => open)),
          },
        ]),
      ],
      ratio: worst / rest,
      goal: `≤ ${goal}: p99 of the others with the worst attack against without`,
      isReached: worst / rest <= goal,
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(folder, { recursive: true });
  }
}

interface Measured {
  readonly p99: number;
  readonly open: number;
}

const begin = (url: string, args: Attack) => {
  const own = args.map((arg) => arg.replace('URL', url));
  const child = spawn(
    'taskset',
    ['-c', '1', 'slowhttptest', ...own, '-c', String(connections), '-r', '500', '-p', '5', '-l', '60'],
    { stdio: 'ignore' },
  );
  return {
    async stop() {
      child.kill('SIGINT');
      await once(child, 'close');
    },
  };
};

/** Each caller on a connection of its own. */
const ask = async (url: string, ms: number): Promise<readonly number[]> => {
  const latencies: number[] = [];
  const until = performance.now() + ms;
  await Promise.all(
    Array.from({ length: callers }, async (_, index) => {
      const dispatcher = new Agent({ connections: 1 });
      await sleep((index * periodMs) / callers);
      while (performance.now() < until) {
        const startedAt = performance.now();
        const answer = await request(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
          dispatcher,
        });
        await answer.body.text();
        if (answer.statusCode !== 200) throw new Error(`a caller was answered ${answer.statusCode}`);
        latencies.push(performance.now() - startedAt);
        await sleep(Math.max(0, periodMs - (performance.now() - startedAt)));
      }
      await dispatcher.close();
    }),
  );
  return latencies;
};

const connectionsOf = async (url: string): Promise<number> => {
  const answer = await request(`${url}/metrics`);
  return Number(/^gateway_connections (\d+)$/m.exec(await answer.body.text())?.[1]);
};

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((one, other) => one - other)[Math.floor(part * values.length)] ?? Number.NaN;
