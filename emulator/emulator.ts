/**
 * A stand-in for Oracle Cloud's work requests: one HTTP port that answers `/{region}/{package}` + base path + path as that API would, and
 * `/_emulator/…` to say what it should tell. It shares nothing with the gateway: what it knows of the APIs is derived from Oracle's own clients.
 */
import { randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerOfFault, send } from './wire.ts';
import { refuse } from './answers.ts';
import type { Answer } from './answers.ts';
import { answerWorkRequests } from './api.ts';
import type { ApiCall, Cloud } from './api.ts';
import { createCalls } from './calls.ts';
import type { ReceivedCall } from './calls.ts';
import { createClock } from './clock.ts';
import { readBody } from './bodies.ts';
import { createControlDoor } from './control-door.ts';
import { createControl } from './control.ts';
import type { EmulatorControl } from './control.ts';
import { createFaults } from './faults.ts';
import type { FaultState } from './faults.ts';
import { answerParents } from './parents.ts';
import { createPlaces } from './places.ts';
import { findRoute } from './routes.ts';
import type { Route } from './routes.ts';
import { createSamples } from './samples.ts';
import type { Samples } from './samples.ts';
import { createSignatureCheck } from './signatures.ts';
import { createStore } from './store.ts';

export { sampleCompartments, sampleNamespace, sampleTenancy } from './places.ts';
export { sampleIdsIn, sampleRegions } from './samples.ts';
export type { SampleIds } from './samples.ts';
export type { EmulatorControl, WorkRequestView } from './control.ts';
export type { Call, CallFilter } from './calls.ts';
export type { ClockState } from './clock.ts';
export type {
  ClockBody,
  CompartmentBody,
  CreateBody,
  FaultBody,
  ParentBody,
  PatchBody,
  StepBody,
} from './control-schemas.ts';

export interface EmulatorOptions {
  /** Whose signatures are accepted; PEM or key objects. */
  readonly publicKeys: readonly (KeyObject | string | Buffer)[];
  /** Whether demo work requests keep being born. */
  readonly samples: boolean;
  /** Wall time. */
  readonly now?: () => number;
  /** Names besides loopback under which `/_emulator` may be addressed. */
  readonly allowedHosts?: readonly string[];
  /** `retry-after` of gets where nothing else is scripted; 1 when left out. */
  readonly retryAfterSeconds?: number;
  /** The same seed gives the same ids; random when left out. */
  readonly seed?: string;
}

export interface Emulator extends EmulatorControl {
  start(port: number, host?: string): Promise<{ readonly port: number; readonly url: string }>;
  stop(): Promise<void>;
}

const greatestApiBody = 256 * 1024;

export function createEmulator(options: EmulatorOptions): Emulator {
  const now = options.now ?? Date.now;
  let samples: Samples | null = null;
  const cloud: Cloud = {
    store: createStore((nowMs) => samples?.catchUp(nowMs)),
    places: createPlaces(),
    clock: createClock(now),
    retryAfterSeconds: options.retryAfterSeconds ?? 1,
  };
  const faults = createFaults(now);
  const calls = createCalls();
  const control = createControl(cloud, faults, calls, options.seed);
  if (options.samples) samples = createSamples(cloud.store, cloud.places, cloud.clock.scriptedMs());
  const door = createControlDoor(control, options.allowedHosts ?? []);
  const checkSignature = createSignatureCheck(options.publicKeys, now);
  const timers = new Set<NodeJS.Timeout>();
  let server: Server | null = null;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = readUrl(request.url ?? '/');
    if (!url) return sendPlain(response, refuse(400, 'InvalidUrl', 'The request line holds no URL path.'));
    if (url.pathname.startsWith('/_emulator/')) return door.handle(request, response, url);
    if (url.pathname === '/') return sendPlain(response, welcome());
    await handleApi(request, response, url);
  };

  const handleApi = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const method = request.method ?? 'GET';
    const result = findRoute(method, url.pathname);
    const route = result.kind === 'route' ? result.route : null;
    const query = readQuery(url);
    const call = calls.record(describeCall(request, url, route, query, now()));
    const opcRequestId = answerId(request);
    const sending = { response, opcRequestId, page: query.get('page')?.[0] ?? null };
    response.on('close', () => {
      call.isAborted = !response.writableFinished;
    });
    const finish = (answer: Answer, fault: FaultState | null): void => {
      call.status = answer.status;
      send(sending, answer, fault);
    };

    const body = await readBody(request, greatestApiBody);
    if (body === null)
      return finish(refuse(413, 'RequestEntityTooLarge', `A body may have ${greatestApiBody} bytes.`), null);
    const problem = checkSignature({ method, target: request.url ?? '/', headers: request.headers, body });
    if (problem !== null) return finish(refuse(401, 'NotAuthenticated', problem), null);
    if (result.kind === 'wrongMethod') {
      return finish(
        refuse(405, 'MethodNotAllowed', `${method} is not allowed here: ${result.allowed.join(', ')}.`),
        null,
      );
    }
    if (!route) return finish(refuse(404, 'NotFound', `No API answers ${method} ${url.pathname}.`), null);

    const fault = faults.take(faultTarget(route));
    call.faultId = fault?.id ?? null;
    if (fault?.reset === 'before') {
      request.socket.resetAndDestroy();
      return;
    }
    const answer = (fault && answerOfFault(fault)) ?? carryOut(cloud, route, request, query);
    if (fault?.reset === 'after') {
      request.socket.resetAndDestroy();
      return;
    }
    if (fault?.hang === true) return;
    if (fault?.delayMs === undefined) return finish(answer, fault);
    const timer = setTimeout(() => {
      timers.delete(timer);
      finish(answer, fault);
    }, fault.delayMs);
    timers.add(timer);
    response.on('close', () => {
      clearTimeout(timer);
      timers.delete(timer);
    });
  };

  return {
    ...control,
    start: async (port, host = '127.0.0.1') => {
      if (server) throw new Error('the emulator is already started');
      const starting = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
        handle(request, response).catch((error: unknown) => {
          // A request that its client broke off is nobody's concern; anything else is a bug worth an answer.
          if (response.destroyed || response.headersSent) response.destroy();
          else
            sendPlain(
              response,
              refuse(500, 'EmulatorBug', error instanceof Error ? error.message : String(error)),
            );
        });
      });
      server = starting;
      await new Promise<void>((resolve, reject) => {
        starting.once('error', (error) => {
          server = null;
          reject(error);
        });
        starting.listen(port, host, resolve);
      });
      const { port: actual } = starting.address() as AddressInfo;
      return { port: actual, url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}` };
    },
    stop: async () => {
      const stopping = server;
      server = null;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      if (!stopping) return;
      await new Promise<void>((resolve) => {
        stopping.close(() => resolve());
        stopping.closeAllConnections();
      });
    },
  };
}

function carryOut(
  cloud: Cloud,
  route: Route,
  request: IncomingMessage,
  query: ReadonlyMap<string, readonly string[]>,
): Answer {
  const { target } = route;
  const call: ApiCall = {
    region: route.region,
    operation: target.operation,
    parameters: route.parameters,
    query,
    header: (name) => {
      const value = request.headers[name];
      return value === undefined ? null : String(value);
    },
  };
  return target.kind === 'parents'
    ? answerParents(cloud, target.parent, call)
    : answerWorkRequests(cloud, target.dialect, target.name, call);
}

function describeCall(
  request: IncomingMessage,
  url: URL,
  route: Route | null,
  query: ReadonlyMap<string, readonly string[]>,
  nowMs: number,
): ReceivedCall {
  const [, region = null, packageName = null] = url.pathname.split('/');
  const target = route?.target;
  const declared = target?.operation.query ?? [];
  return {
    at: new Date(nowMs).toISOString(),
    method: request.method ?? '',
    url: request.url ?? '',
    region,
    package: packageName,
    service: target?.kind === 'workRequests' ? target.dialect.key : null,
    operation: target ? (target.kind === 'workRequests' ? target.name : target.parent.name) : null,
    workRequestId: workRequestIdOf(route),
    query: Object.fromEntries(
      [...query].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
    ),
    undeclaredQuery: target ? [...query.keys()].filter((name) => !declared.includes(name)) : [],
  };
}

function faultTarget(route: Route) {
  const { target } = route;
  return {
    service: target.kind === 'workRequests' ? target.dialect.key : null,
    region: route.region,
    operation: target.kind === 'workRequests' ? target.name : 'parents',
    workRequestId: workRequestIdOf(route),
  };
}

function workRequestIdOf(route: Route | null): string | null {
  const found = Object.entries(route?.parameters ?? {}).find(([name]) => /workRequestId$/i.test(name));
  return found?.[1] ?? null;
}

/** As Oracle does: what the client sent, and parts of its own after it. */
function answerId(request: IncomingMessage): string {
  const own = randomBytes(16).toString('hex').toUpperCase();
  const given = request.headers['opc-request-id'];
  return typeof given === 'string' && /^[\w/.-]{1,200}$/.test(given)
    ? `${given}/${own}`
    : `${own}/${randomBytes(16).toString('hex').toUpperCase()}`;
}

function readUrl(target: string): URL | null {
  if (!target.startsWith('/')) return null;
  try {
    return new URL(`http://emulator${target}`);
  } catch {
    return null;
  }
}

function readQuery(url: URL): ReadonlyMap<string, readonly string[]> {
  const query = new Map<string, string[]>();
  for (const [name, value] of url.searchParams) query.set(name, [...(query.get(name) ?? []), value]);
  return query;
}

function welcome(): Answer {
  const message =
    'This is an emulator of Oracle Cloud: /{region}/{package}/… answers signed requests, /_emulator/… controls it (docs/emulator.md).';
  return { status: 200, headers: {}, body: { message } };
}

function sendPlain(response: ServerResponse, answer: Answer): void {
  const body = `${JSON.stringify(answer.body)}\n`;
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
