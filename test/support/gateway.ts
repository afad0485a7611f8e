/**
 * The real gateway over a real emulator in this process, on ports of their own, asked as clients ask: over HTTP, WebSocket and
 * server-sent events. Only the clock is nobody's: time is real.
 */
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import type { Level } from 'pino';
import { WebSocket } from 'ws';
import { openAccess } from '../../access.ts';

import { systemClock } from '../../clock.ts';
import { createEmulator, sampleTenancy } from '../../emulator/emulator.ts';
import type { Emulator, EmulatorOptions } from '../../emulator/emulator.ts';
import { writeDemoProfile } from '../../emulator/demo-profile.ts';
import { createGateway } from '../../gateway.ts';
import { readPolicy } from '../../grants/policy.ts';
import type { Gateway } from '../../gateway.ts';
import { createLog } from '../../log.ts';
import { playgroundTabs } from '../../samples.ts';
import { loadConfig } from './config.ts';
import type { Samples } from '../../samples.ts';

export type Transport = 'http' | 'websocket' | 'sse';
export const transports: readonly Transport[] = ['http', 'websocket', 'sse'];

export interface AnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>> & { readonly code?: string };
}

export interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly AnswerError[];
  /** Of what was executed, but for events. */
  readonly extensions?: { readonly cost: { readonly estimated: number; readonly actual: number } };
}

export type Json = Readonly<Record<string, unknown>>;

export interface Subscriber<Data> {
  /** What came so far. */
  readonly results: readonly Answer<Data>[];
  /** The next result that was not handed out yet; null when the stream has completed. Rejects when it broke. */
  next(): Promise<Answer<Data> | null>;
  /** Reads to the end. */
  all(): Promise<readonly Answer<Data>[]>;
  /** Completes it from this side, as a client does that has seen enough. */
  unsubscribe(): void;
  /** Ends the connection under it without a word. */
  cut(): void;
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly url: string;
  readonly port: number;
  /** Where `/metrics` is. */
  readonly metricsUrl: string;
  readonly emulator: Emulator;
  readonly emulatorUrl: string;
  /** Every line that was logged, as it was written; empty unless `logLevel` was given. */
  readonly logged: readonly string[];
  query<Data = Record<string, Json | null>>(
    document: string,
    variables?: Json,
    options?: { readonly transport?: Transport; readonly token?: string },
  ): Promise<Answer<Data>>;
  subscribe<Data = Record<string, Json>>(
    document: string,
    variables?: Json,
    options?: { readonly transport?: Exclude<Transport, 'http'>; readonly token?: string },
  ): Subscriber<Data>;
  /** How upstream was asked since the last time this was asked for: `get`, `list`, `errors`, … in order. */
  asked(): readonly string[];
  /** A number of `/metrics`. */
  metric(name: string): Promise<number>;
  /** Resolves when `/metrics` says so; jest's own deadline is the limit. */
  untilMetric(name: string, value: number): Promise<void>;
  stop(): Promise<void>;
}

export interface Overrides {
  /** Environment of the gateway, over what suits tests: port 0, short polls, no throttle of its own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly emulator?: Partial<EmulatorOptions>;
  readonly regions?: readonly string[];
  /** Default: nothing is logged. */
  readonly logLevel?: Level;
  /** What the playground's tabs ask for. */
  readonly samples?: Samples;
  /** For jitter; 0 by default, so that retries come at once. */
  readonly random?: () => number;
  /** A folder to write a profile and its key to: the gateway then reads from "Oracle Cloud" as its users' do (`UPSTREAM=oci`). */
  readonly profileFolder?: string;
}

export const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** Where nothing tells that something has happened: time between two looks. */
export const betweenLooksMs = 10;
export const testRegions = ['us-ashburn-1', 'eu-frankfurt-1'] as const;

export const createTestGateway = async (overrides: Overrides = {}): Promise<TestGateway> => {
  const { profileFolder } = overrides;
  const profile = profileFolder === undefined ? null : writeDemoProfile(profileFolder);
  const emulator = createEmulator({
    publicKeys: [profile?.publicKey ?? keys.publicKey],
    samples: false,
    // No `retry-after` asks to be left alone for longer than a test wants to wait.
    retryAfterSeconds: 0,
    ...overrides.emulator,
  });
  const { url: emulatorUrl } = await emulator.start(0);
  const endpointTemplate = `${emulatorUrl}/{region}/{package}`;
  const logged: string[] = [];
  const log = createLog(overrides.logLevel ?? 'silent', { write: (line) => void logged.push(line) });
  const config = loadConfig({
    PORT: '0',
    // Three intervals without an answer are a GAP, also where it is this machine that is slow.
    POLL_MIN_MS: '250',
    POLL_MAX_MS: '250',
    UPSTREAM_RPS: '10000',
    CURSOR_SECRET: 'a secret of the tests alone',
    // Most of this process' heap is Jest's, and nothing to shed subscriptions for.
    NODE_OPTIONS: '--max-old-space-size=65536',
    ...(profile && {
      UPSTREAM: 'oci',
      OCI_CONFIG_FILE: profile.configFile,
      OCI_ENDPOINT_TEMPLATE: endpointTemplate,
    }),
    ...overrides.env,
  });
  const standIn = {
    privateKey: keys.privateKey,
    tenancyId: sampleTenancy,
    regions: overrides.regions ?? testRegions,
  };
  const access = await openAccess(config.oci, {
    clock: systemClock,
    standIn: profile ? null : standIn,
    onProblem: (error) => log.warn({ err: error }),
  });
  const gateway = createGateway(config, {
    clock: systemClock,
    log,
    random: overrides.random ?? (() => 0),
    access,
    ...(profile ? {} : { endpointTemplate }),
    ...(config.policyFile !== null && {
      policy: { file: config.policyFile, policy: await readPolicy(config.policyFile) },
    }),
    playgroundTabs: playgroundTabs(overrides.samples ?? null),
  });
  const metrics = await gateway.startMetrics();
  const { url, port } = await gateway.start();
  const subscribers = new Set<Subscriber<unknown>>();
  let lastSequence = 0;

  const self: TestGateway = {
    gateway,
    url,
    port,
    metricsUrl: (metrics?.url ?? url) + '/metrics',
    emulator,
    emulatorUrl,
    logged,

    async query<Data>(
      document: string,
      variables: Json = {},
      { transport = 'http', token }: { readonly transport?: Transport; readonly token?: string } = {},
    ) {
      if (transport === 'http')
        return post<Answer<Data>>(`${url}/graphql`, { query: document, variables }, token);
      const subscriber = open<Data>(url, transport, document, variables, token);
      const [answer, ...more] = await subscriber.all();
      if (answer === undefined || more.length > 0) throw new Error(`${more.length + 1} answers to a query`);
      return answer;
    },

    subscribe<Data>(
      document: string,
      variables: Json = {},
      {
        transport = 'websocket',
        token,
      }: { readonly transport?: Exclude<Transport, 'http'>; readonly token?: string } = {},
    ) {
      const subscriber = open<Data>(url, transport, document, variables, token);
      subscribers.add(subscriber);
      return subscriber;
    },

    asked() {
      const calls = emulator.calls({ since: lastSequence });
      lastSequence = calls.at(-1)?.sequence ?? lastSequence;
      return calls.map(({ operation, url: target }) => operation ?? target);
    },

    async metric(name) {
      // Not from the door: what that tells may be some milliseconds old.
      const text = await gateway.registry.metrics();
      const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
      if (value === undefined) throw new Error(`/metrics holds no ${name}`);
      return Number(value);
    },

    async untilMetric(name, value) {
      while ((await self.metric(name)) !== value) await sleep(betweenLooksMs);
    },

    async stop() {
      for (const subscriber of subscribers) subscriber.cut();
      await gateway.stop();
      await emulator.stop();
    },
  };
  return self;
};

export const codesOf = ({ errors = [] }: Answer<unknown>): readonly string[] =>
  errors.map(({ extensions }) => extensions?.code ?? 'none');

const post = async <Body>(url: string, body: Json, token?: string): Promise<Body> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorizationOf(token) },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Body;
};

const authorizationOf = (token: string | undefined): Readonly<Record<string, string>> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** One operation on a connection of its own, by the clients that users have. */
const open = <Data>(
  url: string,
  transport: Exclude<Transport, 'http'>,
  document: string,
  variables: Json,
  token: string | undefined,
): Subscriber<Data> => {
  const results: Answer<Data>[] = [];
  let given = 0;
  let ended: 'no' | 'completed' | Error = 'no';
  let wake = (): void => {};
  const sink = {
    next: (result: unknown) => {
      results.push(result as Answer<Data>);
      wake();
    },
    error: (error: unknown) => {
      // graphql-ws hands over the errors of an operation that was refused; other clients get them as a result.
      if (Array.isArray(error)) {
        results.push({ errors: error as AnswerError[] });
        ended = 'completed';
      } else ended = error instanceof Error ? error : new Error('the connection broke', { cause: error });
      wake();
    },
    complete: () => {
      ended = 'completed';
      wake();
    },
  };
  const { unsubscribe, cut } = transport === 'websocket' ? openWebSocket() : openStream();

  function openWebSocket(): { unsubscribe: () => void; cut: () => void } {
    const sockets: WebSocket[] = [];
    class Socket extends WebSocket {
      constructor(address: string, protocols?: string | string[]) {
        super(address, protocols);
        sockets.push(this);
      }
    }
    const client = createWebSocketClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: Socket,
      retryAttempts: 0,
      lazyCloseTimeout: 0,
      connectionParams: authorizationOf(token),
    });
    const unsubscribe = client.subscribe({ query: document, variables }, sink);
    return { unsubscribe, cut: () => sockets.forEach((socket) => socket.terminate()) };
  }

  function openStream(): { unsubscribe: () => void; cut: () => void } {
    const client = createSseClient({
      url: `${url}/graphql/stream`,
      retryAttempts: 0,
      headers: authorizationOf(token),
    });
    const unsubscribe = client.subscribe({ query: document, variables }, sink);
    return { unsubscribe, cut: () => client.dispose() };
  }

  const subscriber: Subscriber<Data> = {
    results,
    async next() {
      for (;;) {
        const result = results[given];
        if (result !== undefined) {
          given += 1;
          return result;
        }
        if (ended === 'completed') return null;
        if (ended instanceof Error) throw ended;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async all() {
      while ((await subscriber.next()) !== null);
      return results;
    },
    unsubscribe,
    cut,
  };
  return subscriber;
};
