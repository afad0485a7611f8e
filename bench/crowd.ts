/**
 * A crowd that watches one work request over WebSockets, each subscriber on a socket of its own: the servers that it watches on (the gateway's
 * doors over its watchers, stock graphql-ws over the same schema and watchers, bare `ws`), each in a process of its own on core 0, and the crowd
 * itself, in another on core 1.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../clock.ts';
import { catalog } from '../datasources/catalog.ts';
import { isCancelable, isTerminal, isTerminalStatus } from '../datasources/status.ts';
import type { WorkRequest } from '../datasources/types.ts';
import { createWatchers } from '../subscriptions/watchers.ts';
import type { Watchers } from '../subscriptions/watchers.ts';
import { subjectOf } from './subject.ts';

export const subjects = { gateway: serveGateway, 'stock graphql-ws': serveStock, 'raw ws': serveRaw };
export type Subject = keyof typeof subjects;

const query = `subscription Watch($id: ID!) {
  workRequest(id: $id) {
    type sequence previousStatus mergedCount nextPollAt
    workRequest {
      id workRequestId service { name } region compartmentId operationType status percentComplete
      timeAccepted timeStarted timeFinished isTerminal isStale
    }
    gap { reason message }
  }
}`;

const ref = {
  service: 'CONTAINERENGINE',
  region: 'us-ashburn-1',
  workRequestId: `ocid1.clustersworkrequest.oc1.iad.aaaaaaaabench${'0'.repeat(41)}`,
} as const;
const id = Buffer.from(`WorkRequest:${ref.service}:${ref.region}:${ref.workRequestId}`).toString('base64url');

export interface Memory {
  /** After garbage collection, in bytes. */
  readonly heap: number;
  readonly resident: number;
}

export interface Crowd {
  /** What each of them was told last. */
  readonly message: string;
  /** Changes the work request as often, each time when all have got the change before; gives the CPU seconds that the server took. */
  tell(times: number): Promise<number>;
  stop(): void;
}

export interface CrowdServer {
  readonly subject: Subject;
  memory(): Promise<Memory>;
  /** Resolves when each of so many has its first event. `message` is what `raw ws` sends. */
  gather(count: number, message?: string): Promise<Crowd>;
  stop(): void;
}

export async function startServer(subject: Subject): Promise<CrowdServer> {
  const child = pinned(0, subject);
  const ask = async <Answer>(...question: readonly unknown[]): Promise<Answer> => {
    child.send(question);
    const [answer] = (await once(child, 'message')) as [Answer];
    return answer;
  };
  const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(30_000) })) as [number];

  return {
    subject,
    memory: () => ask<Memory>('memory'),
    async gather(count, message) {
      if (message !== undefined) await ask('message', message);
      const crowd = pinned(1, 'crowd', String(port), String(count));
      const [first] = (await once(crowd, 'message', { signal: AbortSignal.timeout(120_000) })) as [
        { readonly message: string } | { readonly error: string },
      ];
      if ('error' in first) throw new Error(first.error);
      return {
        message: first.message,
        async tell(times) {
          const before = await ask<number>('cpu');
          for (let time = 0; time < times; time += 1) {
            const told = once(crowd, 'message', { signal: AbortSignal.timeout(60_000) });
            child.send(['tell']);
            await told;
          }
          return (await ask<number>('cpu')) - before;
        },
        stop: () => crowd.disconnect(),
      };
    },
    stop: () => child.disconnect(),
  };
}

function pinned(core: number, ...args: readonly string[]): ChildProcess {
  const command = [
    process.execPath,
    '--expose-gc',
    ...(process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? []),
    fileURLToPath(import.meta.url),
    '--subject',
    ...args,
  ];
  const hasTaskset = spawnSync('taskset', ['-V']).status === 0;
  const [program = '', ...rest] = hasTaskset ? ['taskset', '-c', String(core), ...command] : command;
  return spawn(program, rest, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

interface Served {
  readonly port: number;
  tell(): void;
  /** What `tell` is to send, where the server does not know by itself. */
  use?(message: string): void;
}

const child = subjectOf(process.argv);
if (process.argv[1] === fileURLToPath(import.meta.url) && child !== null) {
  if (child.subject === 'crowd') await watch(Number(child.rest[0]), Number(child.rest[1]));
  else await answer(await subjects[child.subject as Subject]());
}

async function answer(served: Served): Promise<void> {
  process.on('message', ([question, message]: [string, string]) => {
    if (question === 'tell') served.tell();
    if (question === 'message') {
      served.use?.(message);
      process.send?.(null);
    }
    if (question === 'cpu') {
      const { user, system } = process.cpuUsage();
      process.send?.((user + system) / 1e6);
    }
    if (question === 'memory') void readMemory().then((memory) => process.send?.(memory));
  });
  process.on('disconnect', () => process.exit());
  process.send?.(served.port);
}

async function readMemory(): Promise<Memory> {
  // What is freed by one collection may free more at the next.
  for (let round = 0; round < 5; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

function createWatched(): { readonly watchers: Watchers; tell(): void } {
  let percentComplete = 10;
  const read = (): WorkRequest => {
    const timeAccepted = new Date(Date.UTC(2026, 10, 24, 22, 40));
    const state = { status: 'IN_PROGRESS', timeFinished: null } as const;
    return {
      id,
      ref,
      compartmentId: 'ocid1.compartment.oc1..aaaaaaaabench',
      operationType: 'CLUSTER_CREATE',
      ...state,
      rawStatus: 'IN_PROGRESS',
      isTerminal: isTerminal(state),
      isCancelable: isCancelable(state),
      percentComplete,
      timeAccepted,
      timeStarted: new Date(timeAccepted.getTime() + 1_500),
      timeUpdated: null,
      resources: [],
      extras: {},
      origin: 'get',
      etag: null,
      retryAfterMs: null,
      observedAt: Date.now(),
    };
  };
  const watchers = createWatchers({
    read: async () => read(),
    keyOf: ({ workRequestId }) => workRequestId,
    isTerminal,
    isTerminalStatus,
    // Only the benchmark makes changes.
    pollMinMs: 3_600_000,
    pollMaxMs: 3_600_000,
    clock: systemClock,
    random: Math.random,
  });
  return {
    watchers,
    tell() {
      // Between 10 and 99, so that all messages have the same length but for their sequence.
      percentComplete = 10 + ((percentComplete + 1) % 80);
      watchers.observe(read());
    },
  };
}

function createContextFactory(watchers: Watchers): () => object {
  const constant = {
    catalog,
    isReadOnly: false,
    regions: [],
    router: { routeWorkRequest: () => ({ ref, ifAbsent: null }) },
    watch: async () => watchers.watch(ref),
  };
  return () => ({ ...constant, loaders: {} });
}

async function serveGateway(): Promise<Served> {
  const [{ createDoors }, { createSchema }, { pino }] = await Promise.all([
    import('../doors/index.ts'),
    import('../schema/index.ts'),
    import('pino'),
  ]);
  const { watchers, tell } = createWatched();
  const doors = createDoors({
    schema: createSchema(),
    createContext: createContextFactory(watchers),
    allowedHosts: ['127.0.0.1'],
    allowedOrigins: [],
    log: pino({ level: 'warn' }),
    readiness: () => ({ status: 'ok', degraded: [] }),
  });
  const { port } = await doors.start('127.0.0.1', 0);
  return { port, tell };
}

async function serveStock(): Promise<Served> {
  const [{ useServer }, { createSchema }, { WebSocketServer }] = await Promise.all([
    import('graphql-ws/use/ws'),
    import('../schema/index.ts'),
    import('ws'),
  ]);
  const { watchers, tell } = createWatched();
  const createContext = createContextFactory(watchers);
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  useServer({ schema: createSchema(), context: createContext }, sockets);
  return { port: await listen(server), tell };
}

async function serveRaw(): Promise<Served> {
  const { WebSocketServer } = await import('ws');
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  let message = Buffer.from('hello');
  sockets.on('connection', (socket) => {
    socket.once('message', () => {
      socket.send('{"type":"connection_ack"}');
      socket.once('message', () => socket.send(message, { binary: false }));
    });
  });
  return {
    port: await listen(server),
    use(text) {
      message = Buffer.from(text);
    },
    // As ws' own documentation has it.
    tell() {
      for (const socket of sockets.clients) {
        if (socket.readyState === socket.OPEN) socket.send(message, { binary: false });
      }
    },
  };
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** In the crowd's process: tells its parent each time when all have got a message more. */
async function watch(port: number, count: number): Promise<void> {
  process.on('disconnect', () => process.exit());
  let left = count;
  let last = '';
  const onEvent = (text: Buffer): void => {
    left -= 1;
    if (left > 0) return;
    left = count;
    last = text.toString();
    process.send?.({ message: last });
  };
  try {
    for (let opened = 0; opened < count; opened += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - opened) }, () => join(port, onEvent)));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isShort = code === 'EMFILE' || code === 'ENFILE' || code === 'ECONNRESET';
    process.send?.({
      error: isShort
        ? `${count} sockets are more than this process may open (${code}): raise the limit with \`ulimit -n ${2 * count}\`.`
        : String(error),
    });
  }
}

/** A client that is as small as can be: the protocol's first messages, then frames, counted. */
async function join(port: number, onEvent: (text: Buffer) => void): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
      'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(head.toString('latin1'));
  const operation = { id: randomUUID(), type: 'subscribe', payload: { query, variables: { id } } };
  const subscribe = maskedFrame(1, Buffer.from(JSON.stringify(operation)));
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const frame = readFrame(rest);
      if (frame === null) return;
      rest = rest.subarray(frame.end);
      if (frame.opcode === 9) socket.write(maskedFrame(10, frame.payload));
      else if (frame.opcode === 8) throw new Error(`closed: ${frame.payload.subarray(2).toString()}`);
      else if (frame.payload.subarray(0, 40).includes('connection_ack')) socket.write(subscribe);
      else onEvent(frame.payload);
    }
  });
  socket.on('error', (error) => {
    throw error;
  });
  socket.write(maskedFrame(1, Buffer.from('{"type":"connection_init"}')));
  return socket;
}

function readFrame(
  bytes: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly end: number } | null {
  if (bytes.length < 2) return null;
  const short = (bytes[1] ?? 0) & 127;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return null;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const end = start + length;
  return bytes.length < end
    ? null
    : { opcode: (bytes[0] ?? 0) & 15, payload: bytes.subarray(start, end), end };
}

/** With a mask of zeroes. */
function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? Buffer.from([128 | opcode, 128 | payload.length])
      : Buffer.from([128 | opcode, 254, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}
