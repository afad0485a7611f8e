/**
 * `NODE_OPTIONS=--max-old-space-size=192`: the real server, flooded with subscriptions until it refuses more, serves what is open and
 * lives on. The emulator stands in this process, so that all of its heap is the gateway's.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { writeDemoProfile } from '../../emulator/demo-profile.ts';
import { createEmulator } from '../../emulator/emulator.ts';
import type { Emulator } from '../../emulator/emulator.ts';

const folder = mkdtempSync(join(tmpdir(), 'small-heap-'));
let emulator: Emulator;
let child: ChildProcess;
let url: string;
let err = '';
const ended = { by: null as string | null };

beforeAll(async () => {
  const { publicKey, configFile } = writeDemoProfile(folder);
  emulator = createEmulator({ publicKeys: [publicKey], samples: false, retryAfterSeconds: 0 });
  const { url: upstream } = await emulator.start(0);
  child = spawn(process.execPath, ['server.ts'], {
    cwd: join(import.meta.dirname, '../..'),
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      NODE_OPTIONS: '--max-old-space-size=192',
      PORT: '0',
      UPSTREAM: 'oci',
      UPSTREAM_RPS: '1000',
      OCI_CONFIG_FILE: configFile,
      OCI_ENDPOINT_TEMPLATE: `${upstream}/{region}/{package}`,
      CURSOR_SECRET: 'a secret of the tests alone',
      LOG_LEVEL: 'silent',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.once('close', (code, signal) => (ended.by = `${code} ${signal}`));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  let out = '';
  for await (const text of child.stdout?.setEncoding('utf8') ?? []) {
    out += String(text);
    if (/GraphQL +http:\S+/.test(out)) break;
  }
  url = /GraphQL +(http:\S+)\/graphql/.exec(out)?.[1] ?? '';
  // Nobody reads what else it says.
  child.stdout?.resume();
});

afterAll(async () => {
  if (ended.by === null) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  await emulator.stop();
  rmSync(folder, { recursive: true });
});

const create = (percentComplete = 1): string =>
  emulator.createWorkRequest({
    service: 'MYSQL',
    region: 'us-ashburn-1',
    compartmentId: 'ocid1.compartment.oc1..crowd',
    script: [{ afterMs: 0, status: 'IN_PROGRESS', percentComplete }],
  }).id;

interface Told {
  readonly id: string;
  readonly type: string;
  readonly payload?: unknown;
}

/** A socket and all that came over it. */
const dial = async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  const told: Told[] = [];
  let [refused, pongs] = [0, 0];
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Told;
    told.push(message);
    if (message.type === 'error') refused += 1;
    if (message.type === 'pong') pongs += 1;
  });
  socket.on('error', () => {});
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await until(() => told.length > 0);
  return {
    socket,
    told,
    refused: () => refused,
    /** Resolves when it has read all that was sent. */
    async rest() {
      const before = pongs;
      socket.send(JSON.stringify({ type: 'ping' }));
      await until(() => pongs > before);
    },
    subscribe: (id: string, query: string, workRequest: string) =>
      socket.send(
        JSON.stringify({ type: 'subscribe', id, payload: { query, variables: { id: workRequest } } }),
      ),
  };
};

const query = (fields: string): string =>
  `subscription($id: ID!) { workRequest(id: $id, service: MYSQL, region: "us-ashburn-1") { ${fields} } }`;
const plain = query('type sequence workRequest { id status percentComplete }');
const distinct = (name: number): string =>
  query(Array.from({ length: 400 }, (_, at) => `a${name}_${at}: sequence`).join(' '));

const until = async (isTrue: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isTrue())) {
    if (ended.by !== null) throw new Error(`the gateway ended (${ended.by}): ${err}`);
    await sleep(10);
  }
};

test('192 MiB: what is too much is refused, what is open is served, and there is room again when the crowd has left', async () => {
  const guest = await dial();
  const own = create(5);
  guest.subscribe('own', plain, own);
  await until(() => guest.told.some(({ type }) => type === 'next'));

  // Documents that are all different, then watches that are all different.
  const crowd = await Promise.all([dial(), dial(), dial(), dial()]);
  const refused = (): number => crowd.reduce((sum, each) => sum + each.refused(), 0);
  /** Until some are refused, and then as many again. */
  const flood = async (most: number, subscribe: (each: (typeof crowd)[number], turn: number) => void) => {
    const before = refused();
    let turn = 0;
    for (let end = most; turn < end;) {
      for (const each of crowd) for (let at = 0; at < 10; at += 1) subscribe(each, turn++);
      // What was sent is answered, if only with a pong.
      await Promise.all(crowd.map(({ rest }) => rest()));
      if (end === most && refused() > before) end = Math.min(most, 2 * turn);
    }
    await until(() => refused() > before);
    return turn;
  };
  const documents = await flood(1_000, (each, turn) => each.subscribe(`d${turn}`, distinct(turn), own));
  const answered = (): number =>
    new Set(crowd.flatMap(({ told }) => told.map(({ id }) => id)).filter((id) => id?.startsWith('d'))).size;
  await until(() => answered() === documents);
  const ids = Array.from({ length: 12_000 }, () => create());
  await flood(ids.length, (each, turn) => each.subscribe(`w${turn}`, plain, ids[turn] ?? own));
  const errors = crowd.flatMap(({ told }) => told.filter(({ type }) => type === 'error'));
  for (const { payload } of errors)
    expect(payload).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', isRetryable: true } }]);

  emulator.patchWorkRequest(own, { status: 'IN_PROGRESS', percentComplete: 77 });
  await until(() => JSON.stringify(guest.told.at(-1)).includes('"percentComplete":77'));
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `{ workRequest(id: "${own}") { percentComplete } }` }),
  });
  expect(await answer.json()).toMatchObject({ data: { workRequest: { percentComplete: 77 } } });
  const readiness = await fetch(`${url}/readyz`);
  expect([readiness.status, await readiness.json()]).toMatchObject([
    200,
    { degraded: expect.arrayContaining([expect.stringMatching(/^memory: /)]) },
  ]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(Number(/^gateway_shed_total\{kind="subscription"\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);

  expect(metrics).toMatch(new RegExp(`^gateway_heap_limit_bytes ${192 * 1024 * 1024}$`, 'm'));

  for (const { socket } of crowd) socket.terminate();
  let turn = 0;
  await until(async () => {
    guest.subscribe(`again ${(turn += 1)}`, plain, own);
    await sleep(250);
    return guest.told.some(({ id, type }) => id === `again ${turn}` && type === 'next');
  });
  expect(ended.by).toBeNull();
  guest.socket.close();
});
