/**
 * Slow clients: slowhttptest (Debian's) opens 1,000 connections and trickles headers, then bodies, then reads its answers a few bytes at a
 * time, while twenty other callers ask as they do without it: half of them a list that is kept, half a work request that Oracle Cloud is
 * asked about. The gateway has a core of its own; on the other one the slow clients yield
 * to the callers, as they would come from other machines. What counts is the 99th percentile of those others, with each attack
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
import { askList, compartmentId, startGateway } from './servers.ts';
import type { Child } from './servers.ts';

const rounds = 5;
const lastsMs = 8_000;
const connections = 1_000;
const callers = 20;
/** Of each caller, between two requests. */
const periodMs = 50;
const goal = 1.5;

const list = JSON.stringify({
  query: `query Reads($compartmentId: String!) {
    workRequests(compartmentId: $compartmentId, services: [CONTAINERENGINE], first: 20) {
      nodes { id workRequestId region status percentComplete timeAccepted resources { entityType identifier } }
    }
  }`,
  variables: { compartmentId },
});

/** Not kept: Oracle Cloud is asked each time, 50 ms away. */
const get = (id: string): string =>
  JSON.stringify({ query: `{ workRequest(id: "${id}") { status percentComplete timeUpdated } }` });

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
  spawnSync('taskset', ['-cp', '1', String(process.pid)]);
  // Where that is allowed: whoever measures waits for nobody.
  const raise = (by: number): unknown => spawnSync('renice', ['-n', String(by), '-p', String(process.pid)]);
  const folder = await mkdtemp(join(tmpdir(), 'bench-slow-'));
  const { configFile } = writeDemoProfile(folder);
  const upstream = await startReplay(folder, 8_000);
  const children: Child[] = [upstream];
  try {
    const gateway = await startGateway(upstream.url, configFile, {
      OCI_REGIONS: 'us-ashburn-1',
      READ_CACHE_MS: '60000',
      UPSTREAM_RPS: '1000',
    });
    children.push(gateway);
    const calm: Measured[] = [];
    const attacked = new Map<string, Measured[]>(Object.keys(attacks).map((name) => [name, []]));
    raise(-15);
    const { nodes } = await askList(gateway.url, { services: ['CONTAINERENGINE'], first: callers });
    const bodies = nodes.map(({ id }, index) => (index % 2 === 0 ? list : get(id)));
    await ask(gateway.url, bodies, 2_000);
    for (let round = 0; round < rounds; round += 1) {
      calm.push({ ...(await ask(gateway.url, bodies, lastsMs)), open: 0 });
      for (const [name, args] of Object.entries(attacks)) {
        const attack = begin(gateway.url, args);
        await sleep(2_000);
        const p99s = await ask(gateway.url, bodies, lastsMs);
        const open = await connectionsOf(gateway.url);
        await attack.stop();
        attacked.get(name)?.push({ ...p99s, open });
      }
    }
    const rest = median(calm.map(({ all }) => all));
    const worst = Math.max(...[...attacked.values()].map((rounds) => median(rounds.map(({ all }) => all))));
    const rows = (subject: string, rounds: readonly Measured[]): Report['rows'] => [
      ...(['all', 'kept', 'asked'] as const).map((kind) => ({
        subject,
        metric: `p99 of the others${kinds[kind]} (less is better)`,
        unit: 'ms',
        value: median(rounds.map((round) => round[kind])),
      })),
      {
        subject,
        metric: 'slow connections open',
        unit: '',
        value: median(rounds.map(({ open }) => open)),
      },
    ];
    return {
      name: 'slow',
      rows: [
        ...rows('nobody is slow', calm),
        ...[...attacked].flatMap(([subject, rounds]) => rows(subject, rounds)),
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

/** 99th percentiles in milliseconds. */
interface P99s {
  readonly all: number;
  readonly kept: number;
  readonly asked: number;
}

interface Measured extends P99s {
  readonly open: number;
}

const kinds: Readonly<Record<keyof P99s, string>> = {
  all: '',
  kept: ', lists that are kept',
  asked: ', asked of Oracle Cloud',
};

const begin = (url: string, args: Attack) => {
  const own = args.map((arg) => arg.replace('URL', url));
  const child = spawn(
    'nice',
    [
      '-n',
      '19',
      'taskset',
      '-c',
      '1',
      'slowhttptest',
      ...own,
      '-c',
      String(connections),
      '-r',
      '500',
      '-p',
      '5',
      '-l',
      '60',
    ],
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
const ask = async (url: string, bodies: readonly string[], ms: number): Promise<P99s> => {
  const latencies = { kept: [] as number[], asked: [] as number[] };
  const until = performance.now() + ms;
  await Promise.all(
    bodies.map(async (body, index) => {
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
        const took = performance.now() - startedAt;
        latencies[body === list ? 'kept' : 'asked'].push(took);
        await sleep(Math.max(0, periodMs - took));
      }
      await dispatcher.close();
    }),
  );
  const { kept, asked } = latencies;
  return { all: p99([...kept, ...asked]), kept: p99(kept), asked: p99(asked) };
};

const connectionsOf = async (url: string): Promise<number> => {
  const answer = await request(`${url}/metrics`);
  return Number(/^gateway_connections (\d+)$/m.exec(await answer.body.text())?.[1]);
};

const p99 = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(0.99 * values.length)] ?? Number.NaN;
