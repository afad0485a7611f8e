/** What `examples/` shows works as its first lines say. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

test('otel.mjs prints the traces of operations and calls, and lets the gateway end', async () => {
  const child = spawn(process.execPath, ['server.ts'], {
    cwd: join(import.meta.dirname, '..'),
    env: {
      PATH: process.env['PATH'],
      NODE_OPTIONS: '--import ./examples/otel.mjs',
      PORT: '0',
      EMULATOR_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let out = '';
    child.stdout.setEncoding('utf8');
    const query = new RegExp(/\{ workRequest\(.*\}\n/);
    while (!query.test(out)) out += String((await once(child.stdout, 'data'))[0]);
    child.stdout.on('data', (text: string) => (out += text));
    const url = /GraphQL +(http:\S+\/graphql)/.exec(out)?.[1] ?? '';
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        traceparent: `00-${traceId}-b7ad6b7169203331-01`,
      },
      body: JSON.stringify({ query: query.exec(out)?.[0] }),
    });
    expect(response.status).toBe(200);
    await response.text();
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    const names = [...out.matchAll(new RegExp(`traceId: '${traceId}'[\\s\\S]*?name: '(.+?)'`, 'g'))].map(
      ([, name]) => name,
    );
    expect(names).toEqual(expect.arrayContaining(['query', 'call MYSQL', 'GET']));
  } finally {
    child.kill('SIGKILL');
  }
});
