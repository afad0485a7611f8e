/**
 * Upstream as benchmarks of the list need it: a server on a core of its own, some way off, that answers what the emulator answered when it
 * was asked the same before. So it is no bottleneck (and checks no signature then). It notes every call, and a part of it can fall sick.
 */
import { request as forward } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { catalog } from '../datasources/catalog.ts';
import type { ServiceName } from '../datasources/catalog.ts';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { createEmulator } from '../emulator/emulator.ts';
import { compartmentId, serve, startChild } from './servers.ts';
import type { Child } from './servers.ts';
import { subjectOf } from './subject.ts';

export const latencyMs = 50;
export const regions = ['us-ashburn-1', 'eu-frankfurt-1', 'uk-london-1'] as const;
const [home] = regions;

export interface Place {
  readonly service: ServiceName;
  readonly region: string;
}

/** Each API in each region: a list call each is the least that a page over all of them costs. */
export const places: readonly Place[] = Object.values(catalog).flatMap(({ name, isHomeRegionOnly }) =>
  (isHomeRegionOnly ? [home] : regions).map((region) => ({ service: name, region })),
);

export type Sickness = 'hangs' | 'answers 429' | 'answers 500';

export interface ReplayedCall {
  /** With the query, below upstream's own address. */
  readonly path: string;
  /** Of a list of work requests; null: it was asked for parents or a namespace. */
  readonly service: ServiceName | null;
  readonly region: string | null;
  /** When its answer was sent, on the clock of `nowMs`; null: not yet. */
  readonly answeredAt: number | null;
}

export interface Replay extends Child {
  /** Those that came since this was asked for last. */
  calls(): Promise<readonly ReplayedCall[]>;
  /** Whatever lies below `path` is sick from now on; null: all is well again. */
  fallSick(path: string, sickness: Sickness | null): Promise<void>;
}

/** Milliseconds on a clock that all processes of the machine share and nobody sets. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** On core 1, `latencyMs` away, with so many work requests spread over the places. */
export const startReplay = async (folder: string, count: number): Promise<Replay> => {
  const child = await startChild(import.meta.url, 1, ['upstream', folder, String(count)]);
  return {
    ...child,
    async calls() {
      const response = await fetch(`${child.url}/_calls`);
      return (await response.json()) as readonly ReplayedCall[];
    },
    async fallSick(path, sickness) {
      await fetch(`${child.url}/_sick?${new URLSearchParams({ path, ...(sickness && { sickness }) })}`);
    },
  };
};

interface Recorded {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function serveReplay(folder: string, count: number): Promise<void> {
  const emulator = createEmulator({
    publicKeys: [writeDemoProfile(folder).publicKey],
    samples: false,
    seed: 'bench',
  });
  const { url } = await emulator.start(0);
  for (let index = 0; index < count; index += 1) {
    const place = places[index % places.length];
    if (place === undefined) throw new Error('no places');
    emulator.createWorkRequest({
      ...place,
      compartmentId,
      acceptedMsAgo: 60_000 + ((index * 7_919) % count) * 1_000,
      script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
    });
  }
  const recorded = new Map<string, Recorded>();
  const names = new Map<string, { readonly service: string | null; readonly region: string | null }>();
  let asked: { readonly path: string; answeredAt: number | null }[] = [];
  let sick: { readonly path: string; readonly sickness: Sickness } | null = null;
  const record = (request: IncomingMessage): Promise<Recorded> =>
    new Promise((resolve, reject) => {
      const call = forward(
        `${url}${request.url}`,
        { method: request.method ?? 'GET', headers: request.headers },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...headers } = answer.headers;
            resolve({ status: answer.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
          });
        },
      );
      call.on('error', reject);
      call.end();
    });
  const replay = async (request: IncomingMessage, path: string): Promise<Recorded> => {
    const known = recorded.get(path);
    if (known !== undefined) return known;
    const fresh = await record(request);
    if (fresh.status === 200) recorded.set(path, fresh);
    return fresh;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '/';
    if (path === '/_calls') {
      const calls = emulator.calls();
      for (const { url: target, service, region, operation } of calls)
        names.set(target, { service: operation === 'list' ? service : null, region });
      emulator.clearCalls();
      response.end(
        JSON.stringify(asked.map((one) => ({ service: null, region: null, ...one, ...names.get(one.path) }))),
      );
      asked = [];
      return;
    }
    if (path.startsWith('/_sick?')) {
      const { searchParams } = new URL(path, url);
      const sickness = searchParams.get('sickness') as Sickness | null;
      sick = sickness && { path: searchParams.get('path') ?? '', sickness };
      response.end();
      return;
    }
    const call = { path, answeredAt: null as number | null };
    asked.push(call);
    const far = sleep(latencyMs);
    const { status, headers, body } = await (sick && path.startsWith(sick.path)
      ? answerOf(sick.sickness)
      : replay(request, path));
    await far;
    response.writeHead(status, headers).end(body);
    call.answeredAt = nowMs();
  };
  await serve((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
}

const answerOf = async (sickness: Sickness): Promise<Recorded> => {
  // Until whoever asked has had enough.
  if (sickness === 'hangs') return new Promise(() => undefined);
  const status = sickness === 'answers 429' ? 429 : 500;
  const code = status === 429 ? 'TooManyRequests' : 'InternalServerError';
  const headers = { 'content-type': 'application/json', ...(status === 429 && { 'retry-after': '1' }) };
  return { status, headers, body: Buffer.from(JSON.stringify({ code, message: 'It is sick.' })) };
};

const child = process.argv[1] === fileURLToPath(import.meta.url) ? subjectOf(process.argv) : null;
if (child !== null) {
  const [folder = '', count = '0'] = child.rest;
  await serveReplay(folder, Number(count));
}
