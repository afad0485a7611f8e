/** Load on a server from a core of its own: so many connections, one request at a time on each, as fast as they are answered. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { start, subjectOf } from './subject.ts';

export interface Asked {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const connections = 20;

/** @returns how many were answered. Every answer has to be a 200, as long as the first. */
export async function load(port: number, asked: Asked, ms: number): Promise<number> {
  const args = ['--subject', 'load', String(port), String(ms), JSON.stringify(asked)];
  const child = start(import.meta.url, 1, args);
  const ended = once(child, 'close') as Promise<[code: number | null]>;
  const said = child.stdout === null ? '' : await text(child.stdout);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the load ended with ${String(code)}`);
  return Number(said);
}

async function send(port: number, { body, headers = {} }: Asked, ms: number): Promise<number> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\naccept: application/json\r\n${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const until = performance.now() + ms;
  const counts = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1').setNoDelay(true);
      let [count, received, length] = [0, 0, 0];
      let first = '';
      socket.on('data', (chunk) => {
        received += chunk.length;
        if (length === 0) {
          first += chunk.toString('latin1');
          length = lengthOf(first);
        }
        if (length === 0 || received < length) return;
        if (received > length) throw new Error('an answer is longer than the first');
        received = 0;
        count += 1;
        if (performance.now() < until) socket.write(request);
        else socket.end();
      });
      socket.write(request);
      await once(socket, 'close');
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Of an answer with its head, once it is there whole; 0 before. */
function lengthOf(said: string): number {
  const head = said.indexOf('\r\n\r\n') + 4;
  if (head < 4) return 0;
  if (!said.startsWith('HTTP/1.1 200')) throw new Error(said);
  const [, bytes] = /content-length: (\d+)/i.exec(said.slice(0, head)) ?? [];
  if (bytes !== undefined) return head + Number(bytes);
  return said.endsWith('\r\n0\r\n\r\n') ? said.length : 0;
}

const child = process.argv[1] === fileURLToPath(import.meta.url) ? subjectOf(process.argv) : null;
if (child !== null) {
  const [port = '', ms = '', asked = ''] = child.rest;
  console.log(await send(Number(port), JSON.parse(asked) as Asked, Number(ms)));
}
