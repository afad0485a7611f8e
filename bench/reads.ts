/**
 * Twenty work requests with twelve fields and their resources, all in memory, over HTTP on twenty connections: the gateway's doors beside
 * other servers over the same schema and resolvers. The server has one core, the load the other; rounds take turns.
 *
 * Requests a second of the server's CPU: that is what one core can answer, whatever else the machine does meanwhile.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { catalog } from '../datasources/catalog.ts';
import type { WorkRequest } from '../datasources/types.ts';
import { load } from './load.ts';
import { median } from './report.ts';
import type { Report } from './report.ts';
import { subjectOf } from './subject.ts';

const subjects = {
  gateway: serveGateway,
  'stock Apollo Server 5 on Fastify': serveApollo,
  'GraphQL Yoga': serveYoga,
  Mercurius: () => serveMercurius(false),
  'Mercurius with JIT': () => serveMercurius(true),
  'node:http with JSON.stringify': servePlain,
} satisfies Readonly<Record<string, () => Promise<number>>>;
type Subject = keyof typeof subjects;

const rounds = 5;
const roundMs = 3_000;
const warmUpMs = 3_000;
const timesStock = 5;

const query = `query Reads($compartmentId: String!) {
  workRequests(compartmentId: $compartmentId, first: 20) {
    nodes {
      id workRequestId service { name } region compartmentId operationType status percentComplete
      timeAccepted timeStarted timeFinished isTerminal
      resources { entityType actionType identifier entityUri }
    }
  }
}`;
const variables = { compartmentId: 'ocid1.compartment.oc1..aaaaaaaabench' };
const body = JSON.stringify({ query, variables });

export async function run(): Promise<Report> {
  const names = (Object.keys(subjects) as Subject[]).filter((name) => name.includes(process.argv[3] ?? ''));
  const servers = new Map<Subject, Server>();
  try {
    for (const name of names) servers.set(name, await startServer(name));
    const answers = await Promise.all([...servers.values()].map(({ port }) => ask(port)));
    if (answers.some((answer) => answer !== answers[0])) throw new Error('the subjects answer differently');
    const rates = new Map<Subject, number[]>(names.map((name) => [name, []]));
    for (let round = -1; round < rounds; round += 1) {
      for (const [name, server] of servers) {
        const before = await server.cpuSeconds();
        const count = await load(server.port, { body }, round < 0 ? warmUpMs : roundMs);
        const rate = count / ((await server.cpuSeconds()) - before);
        if (round >= 0) rates.get(name)?.push(rate);
      }
    }
    const rate = (name: Subject): number => median(rates.get(name) ?? []);
    const [ours, jit, stock] = [
      rate('gateway'),
      rate('Mercurius with JIT'),
      rate('stock Apollo Server 5 on Fastify'),
    ];
    return {
      name: 'reads',
      rows: names.map((name) => ({
        subject: name,
        metric: 'requests a second of CPU',
        unit: '1/s',
        value: rate(name),
      })),
      ratio: ours / jit,
      goal: `≥ 1 × Mercurius with JIT, ≥ ${timesStock} × stock Apollo (now ${(ours / stock).toFixed(1)} ×)`,
      isReached: ours >= jit && ours >= timesStock * stock,
    };
  } finally {
    for (const { child } of servers.values()) child.disconnect();
  }
}

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
  cpuSeconds(): Promise<number>;
}

async function startServer(name: Subject): Promise<Server> {
  const child = pinned(0, ['--subject', name]);
  const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [number];
  return {
    child,
    port,
    async cpuSeconds() {
      child.send('cpu');
      const [seconds] = (await once(child, 'message')) as [number];
      return seconds;
    },
  };
}

function pinned(core: number, args: readonly string[]): ChildProcess {
  const command = [
    process.execPath,
    ...(process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? []),
    fileURLToPath(import.meta.url),
    ...args,
  ];
  const hasTaskset = spawnSync('taskset', ['-V']).status === 0;
  const [program = '', ...rest] = hasTaskset ? ['taskset', '-c', String(core), ...command] : command;
  return spawn(program, rest, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

async function ask(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const { data } = (await response.json()) as { data?: unknown };
  return JSON.stringify(data);
}

const child = subjectOf(process.argv);
if (child !== null) {
  process.send?.(await subjects[child.subject as Subject]());
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.((user + system) / 1e6);
  });
  process.on('disconnect', () => process.exit());
}

function createWorkRequests(): readonly WorkRequest[] {
  return Array.from({ length: 20 }, (_, index): WorkRequest => {
    const workRequestId = `ocid1.clustersworkrequest.oc1.iad.aaaaaaaabench${String(index).padStart(41, '0')}`;
    const timeAccepted = new Date(Date.UTC(2026, 10, 24, 22, 40 - index));
    return {
      id: Buffer.from(`WorkRequest:CONTAINERENGINE:us-ashburn-1:${workRequestId}`).toString('base64url'),
      ref: { service: 'CONTAINERENGINE', region: 'us-ashburn-1', workRequestId },
      compartmentId: variables.compartmentId,
      operationType: 'CLUSTER_CREATE',
      status: index % 2 === 0 ? 'IN_PROGRESS' : 'SUCCEEDED',
      rawStatus: index % 2 === 0 ? 'IN_PROGRESS' : 'SUCCEEDED',
      isTerminal: index % 2 !== 0,
      isCancelable: index % 2 === 0,
      percentComplete: (index * 7.5) % 100,
      timeAccepted,
      timeStarted: new Date(timeAccepted.getTime() + 1_500),
      timeUpdated: null,
      timeFinished: index % 2 === 0 ? null : new Date(timeAccepted.getTime() + 93_250),
      resources: ['cluster', 'nodepool'].map((entityType) => ({
        entityType,
        actionType: 'CREATED',
        identifier: `ocid1.${entityType}.oc1.iad.aaaaaaaabench${String(index).padStart(41, '0')}`,
        entityUri: `/20180222/${entityType}s/ocid1.${entityType}.oc1.iad.aaaaaaaabench${String(index).padStart(41, '0')}`,
        extras: null,
      })),
      extras: {},
      origin: 'get',
      etag: null,
      retryAfterMs: null,
      observedAt: timeAccepted.getTime(),
    };
  });
}

/** What resolvers are given, anew for each request: everything that this query asks answers from memory. */
function createContextFactory(): () => object {
  const items = createWorkRequests();
  const constant = {
    catalog,
    isReadOnly: false,
    regions: [],
    router: { routeRegions: (regions: unknown) => regions },
    sweep: async () => ({ items, failures: [], hasNext: false, positionAfter: () => ({}) }),
  };
  return () => ({ ...constant, loaders: {} });
}

async function serveGateway(): Promise<number> {
  const [
    { createDoors },
    { createSchema },
    { pino },
    { createEstimators },
    { stability },
    { createSweepEstimate },
  ] = await Promise.all([
    import('../doors/index.ts'),
    import('../schema/index.ts'),
    import('pino'),
    import('../resolvers/cost.ts'),
    import('../resolvers/stable.ts'),
    import('../datasources/sweep-cost.ts'),
  ]);
  const region = 'us-ashburn-1';
  const doors = createDoors({
    schema: createSchema(),
    createContext: createContextFactory(),
    allowedHosts: ['127.0.0.1'],
    allowedOrigins: [],
    // As `npm start` has it.
    log: pino({ level: 'info' }),
    readiness: () => ({ status: 'ok', degraded: [] }),
    stability,
    cost: {
      limit: 10_000,
      estimators: createEstimators({
        catalog,
        router: { routeRegions: (words) => words },
        estimateSweep: createSweepEstimate({ allowedRegions: [region], homeRegion: region }),
      }),
      spentBy: () => 0,
    },
  });
  const { port } = await doors.start('127.0.0.1', 0);
  return port;
}

async function serveApollo(): Promise<number> {
  const [{ ApolloServer }, { fastifyApolloHandler }, { fastify }, { createSchema }] = await Promise.all([
    import('@apollo/server'),
    import('@as-integrations/fastify'),
    import('fastify'),
    import('../schema/index.ts'),
  ]);
  const createContext = createContextFactory();
  const apollo = new ApolloServer<object>({ schema: createSchema() });
  await apollo.start();
  const app = fastify();
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler: fastifyApolloHandler(apollo, { context: async () => createContext() }),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

async function serveYoga(): Promise<number> {
  const [{ createYoga }, { createSchema }] = await Promise.all([
    import('graphql-yoga'),
    import('../schema/index.ts'),
  ]);
  const createContext = createContextFactory();
  const yoga = createYoga({ schema: createSchema(), context: () => createContext(), logging: false });
  return listen((request, response) => void yoga(request, response));
}

async function serveMercurius(isCompiled: boolean): Promise<number> {
  const [{ default: mercurius }, { fastify }, { createSchema }] = await Promise.all([
    import('mercurius'),
    import('fastify'),
    import('../schema/index.ts'),
  ]);
  const createContext = createContextFactory();
  const app = fastify();
  await app.register(mercurius, {
    schema: createSchema(),
    context: () => createContext() as Record<string, unknown>,
    ...(isCompiled && { jit: 1 }),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

/** The floor: no GraphQL at all, the answer's objects lie ready. */
async function servePlain(): Promise<number> {
  const { catalog: services } = { catalog };
  const nodes = createWorkRequests().map((item) => ({
    id: item.id,
    workRequestId: item.ref.workRequestId,
    service: { name: services[item.ref.service].name },
    region: item.ref.region,
    compartmentId: item.compartmentId,
    operationType: item.operationType,
    status: item.status,
    percentComplete: item.percentComplete,
    timeAccepted: item.timeAccepted,
    timeStarted: item.timeStarted,
    timeFinished: item.timeFinished,
    isTerminal: item.isTerminal,
    resources: item.resources?.map(({ entityType, actionType, identifier, entityUri }) => ({
      entityType,
      actionType,
      identifier,
      entityUri,
    })),
  }));
  return listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString());
      const answer = JSON.stringify({ data: { workRequests: { nodes } } });
      response.writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(answer),
      });
      response.end(answer);
    });
  });
}

async function listen(handler: RequestListener): Promise<number> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
