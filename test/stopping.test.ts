/** SIGTERM to the real server while everybody wants something of it, and Oracle Cloud does not answer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, jest, test } from '@jest/globals';
import { WebSocket } from 'ws';

jest.setTimeout(120_000);

const child = spawn(process.execPath, ['server.ts'], {
  cwd: join(import.meta.dirname, '..'),
  env: {
    PATH: process.env['PATH'],
    PORT: '0',
    EMULATOR_PORT: '0',
    METRICS_PORT: '0',
    OCI_REGIONS: 'us-ashburn-1',
    POLL_MIN_MS: '200',
    POLL_MAX_MS: '200',
    // Far more than it may take to stop.
    UPSTREAM_DEADLINE_MS: '60000',
    UPSTREAM_RPS: '1000',
  },
  stdio: ['ignore', 'pipe', 'pipe'],
});
let [out, err] = ['', ''];
child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
const agent = new Agent({ keepAlive: true });
afterAll(() => {
  child.kill('SIGKILL');
  agent.destroy();
});

const untilPrinted = async (pattern: RegExp): Promise<string> => {
  for (;;) {
    const found = pattern.exec(out)?.[1];
    if (found !== undefined) return found;
    if (child.exitCode !== null) throw new Error(`it ended: ${out}${err}`);
    await sleep(20);
  }
};

test('it ends in time with code 0: answers what it can, sends subscribers away, and waits for nobody else', async () => {
  const url = await untilPrinted(/GraphQL +(http:\S+)\/graphql/);
  const metricsUrl = await untilPrinted(/Metrics +(http:\S+)/);
  const emulatorUrl = await untilPrinted(/Emulator +(http:\S+)/);
  const control = async (path: string, body: unknown): Promise<{ readonly ids: readonly string[] }> => {
    const response = await fetch(`${emulatorUrl}/_emulator/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.ok).toBe(true);
    return (await response.json()) as { readonly ids: readonly string[] };
  };
  const create = async (service: string): Promise<string> => {
    const script = [{ afterMs: 0, status: 'IN_PROGRESS' }];
    const { ids } = await control('work-requests', { service, region: 'us-ashburn-1', script, count: 1 });
    return ids[0] ?? '';
  };
  const [quick, slow] = [await create('CONTAINERENGINE'), await create('MYSQL')];
  await control('faults', { service: 'MYSQL', delayMs: 120_000 });

  const send = (path: string, query: string): Promise<IncomingMessage> => {
    const request = httpRequest(url + path, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        ...(path.endsWith('stream') && { accept: 'text/event-stream' }),
      },
    });
    request.end(JSON.stringify({ query }));
    return new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));
  };
  const read = async (coming: Promise<IncomingMessage>): Promise<string> => {
    let text = '';
    try {
      for await (const chunk of await coming) text += String(chunk);
    } catch (error) {
      text += `(${(error as NodeJS.ErrnoException).code})`;
    }
    return text;
  };
  const workRequest = (id: string): string => `workRequest(id: "${id}")`;

  const closings: Promise<number>[] = [];
  const subscribe = async (id: string): Promise<void> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    closings.push(once(socket, 'close').then(([code]) => code as number));
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    const query = `subscription { ${workRequest(id)} { type } }`;
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }));
    if (id === quick) await once(socket, 'message');
  };
  await Promise.all([...Array.from({ length: 30 }, () => subscribe(quick)), subscribe(slow)]);
  const streams = await Promise.all(
    Array.from({ length: 10 }, () =>
      send('/graphql/stream', `subscription { ${workRequest(quick)} { type } }`),
    ),
  );
  const streamed = streams.map((stream) => read(Promise.resolve(stream)));
  const waits = [quick, slow].map((id) =>
    read(send('/graphql', `{ waitForWorkRequest(id: "${id}", timeoutSeconds: 300) { status } }`)),
  );
  const hanging = Array.from({ length: 5 }, () =>
    read(send('/graphql', `{ ${workRequest(slow)} { status } }`)),
  );
  const idle = connect(Number(new URL(url).port), '127.0.0.1');
  idle.on('error', () => {});
  let isStopping = false;
  const load = Array.from({ length: 5 }, async () => {
    let answered = 0;
    for (;;) {
      try {
        expect(await read(send('/graphql', `{ ${workRequest(quick)} { status } }`))).toMatch(/IN_PROGRESS/);
        answered += 1;
      } catch (error) {
        if (!isStopping) throw error;
        return answered;
      }
    }
  });
  await sleep(500);
  let lastScrape = '';
  const scrapes = (async () => {
    for (;;) {
      try {
        lastScrape = await (await fetch(metricsUrl)).text();
      } catch (error) {
        if (!isStopping) throw error;
        return;
      }
      await sleep(50);
    }
  })();

  const ended = once(child, 'exit');
  isStopping = true;
  const startedAt = performance.now();
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(performance.now() - startedAt).toBeLessThan(25_000);
  await scrapes;
  expect(lastScrape).toMatch(/^gateway_ready 0$/m);
  expect(lastScrape).toMatch(/^gateway_websockets 0$/m);

  expect(new Set(await Promise.all(closings))).toEqual(new Set([1012]));
  for (const text of await Promise.all(streamed)) {
    expect(text).toContain('SNAPSHOT');
    expect(text).not.toContain('event: complete');
  }
  for (const text of await Promise.all(waits)) expect(text).toMatch(/shutting down|stopping/);
  for (const text of await Promise.all(
    hanging.map((answer) => answer.catch((error: Error) => error.message)),
  ))
    expect(text).toMatch(/hang up|ECONNRESET|errors/);
  for (const answered of await Promise.all(load)) expect(answered).toBeGreaterThan(0);
  expect(err).not.toMatch(/"level":[56]0/);
});
