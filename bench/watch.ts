/**
 * A thousand subscribers on a hundred work requests in five compartments, for five minutes, and as many of Oracle's own waiters
 * (`forWorkRequest`, one for each subscriber), all with default intervals: how often upstream is asked, and how long after a work request
 * ended its subscribers know.
 *
 * Each side has an emulator of its own with the same lives, and both run in the same five minutes. Delays are counted from `timeFinished`
 * as upstream tells it; a waiter tells nothing before that.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { createEmulator } from '../emulator/emulator.ts';
import { median } from './report.ts';
import type { Report, Row } from './report.ts';
import { startChild, startGateway } from './servers.ts';
import type { Child } from './servers.ts';
import { subjectOf } from './subject.ts';

const region = 'us-ashburn-1';
const groups = 5;
const workRequests = 100;
const subscribers = 1_000;
const sockets = 20;
const lastsMs = 5 * 60_000;
const stepMs = 15_000;
const callsGoal = 25;
const delayGoal = 0.5;

/** Ends between half a minute and just before the end, a step every so often: the same for both sides. */
const livesOf = (index: number): { readonly endMs: number; readonly script: readonly object[] } => {
  const endMs = 30_000 + Math.round((index / workRequests) * (lastsMs - 60_000)) + ((index * 7_919) % 5_000);
  const steps = Math.floor(endMs / stepMs);
  const script = [
    { afterMs: 0, status: 'ACCEPTED', percentComplete: 0 },
    ...Array.from({ length: steps }, (_, step) => ({
      afterMs: (step + 1) * stepMs - stepMs / 2,
      status: 'IN_PROGRESS',
      percentComplete: Math.round((100 * (step + 1)) / (steps + 1)),
    })),
    { afterMs: endMs, status: 'SUCCEEDED', percentComplete: 100 },
  ];
  return { endMs, script };
};

export async function run(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-watch-'));
  const { configFile } = writeDemoProfile(folder);
  const children: Child[] = [];
  const begin = async (child: Promise<Child>): Promise<Child> => {
    children.push(await child);
    return child;
  };
  try {
    const [ours, theirs] = [
      await begin(startChild(import.meta.url, 1, ['cloud', folder])),
      await begin(startChild(import.meta.url, 1, ['cloud', folder])),
    ];
    const gateway = await begin(startGateway(ours.url, configFile, {}));
    const [ids, theirIds] = [await populate(ours.url), await populate(theirs.url)];
    const waiters = await begin(
      startChild(import.meta.url, 0, ['waiters', folder, theirs.url, JSON.stringify(theirIds)]),
    );
    const [subscribed, waited] = await Promise.all([subscribe(gateway.url, ids), wait(waiters.url)]);
    const [calls, theirCalls] = [await callsOf(ours.url), await callsOf(theirs.url)];
    const ratio = theirCalls / calls;
    const delayRatio = median(subscribed.ends) / median(waited);
    return {
      name: 'watch',
      rows: [
        ...rowsOf(`gateway, ${subscribers} subscribers`, calls, subscribed.ends),
        {
          subject: `gateway, ${subscribers} subscribers`,
          metric: 'events delivered',
          unit: '',
          value: subscribed.events,
        },
        ...rowsOf(`official waiters, ${subscribers}`, theirCalls, waited),
        {
          subject: 'gateway',
          metric: 'median delay against theirs (less is better)',
          unit: '×',
          value: delayRatio,
        },
      ],
      ratio,
      goal: `ratio (their calls to ours) ≥ ${callsGoal}, median delay ≤ ${delayGoal} × theirs, all ${subscribers} ends told`,
      isReached:
        ratio >= callsGoal &&
        delayRatio <= delayGoal &&
        subscribed.ends.length === subscribers &&
        waited.length === subscribers,
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(folder, { recursive: true });
  }
}

const rowsOf = (subject: string, calls: number, delays: readonly number[]): readonly Row[] => {
  const sorted = [...delays].sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return [
    { subject, metric: 'calls to upstream (less is better)', unit: '', value: calls },
    { subject, metric: 'ends told', unit: '', value: delays.length },
    { subject, metric: 'delay of the end, median (less is better)', unit: 'ms', value: at(0.5) },
    { subject, metric: 'delay of the end, p95 (less is better)', unit: 'ms', value: at(0.95) },
  ];
};

const populate = async (url: string): Promise<readonly string[]> => {
  const ids: string[] = [];
  for (let index = 0; index < workRequests; index += 1) {
    const body = {
      service: 'CONTAINERENGINE',
      region,
      compartmentId: `ocid1.compartment.oc1..group${index % groups}`,
      script: livesOf(index).script,
    };
    const response = await fetch(`${url}/_emulator/work-requests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    ids.push(((await response.json()) as { id: string }).id);
  }
  return ids;
};

const callsOf = async (url: string): Promise<number> => {
  const response = await fetch(`${url}/_emulator/requests?limit=0`);
  return ((await response.json()) as { total: number }).total;
};

interface Event {
  readonly workRequest: {
    readonly type: string;
    readonly workRequest: { readonly status: string; readonly timeFinished: string | null } | null;
  };
}

/** Delays of the ends, in milliseconds, one for each subscriber that was told. */
const subscribe = async (
  url: string,
  ids: readonly string[],
): Promise<{ readonly ends: readonly number[]; readonly events: number }> => {
  const ends: number[] = [];
  let events = 0;
  const clients = Array.from({ length: sockets }, () =>
    createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, lazy: false }),
  );
  const query = `subscription($id: ID!) {
    workRequest(id: $id) { type workRequest { status percentComplete timeFinished } }
  }`;
  const watch = async (index: number): Promise<void> => {
    const client = clients[index % sockets];
    const id = ids[index % ids.length];
    if (!client || id === undefined) return;
    for await (const { data } of client.iterate<Event>({ query, variables: { id } })) {
      events += 1;
      const { type, workRequest } = data?.workRequest ?? {};
      if (type === 'FINISHED' && workRequest?.timeFinished)
        ends.push(Date.now() - Date.parse(workRequest.timeFinished));
    }
  };
  await inTime(Promise.all(Array.from({ length: subscribers }, (_, index) => watch(index))));
  for (const client of clients) await client.dispose();
  return { ends, events };
};

const wait = async (url: string): Promise<readonly number[]> =>
  (await (await fetch(url, { signal: AbortSignal.timeout(lastsMs + 60_000) })).json()) as readonly number[];

const inTime = async (work: Promise<unknown>): Promise<void> => {
  const done = new AbortController();
  await Promise.race([work, sleep(lastsMs, undefined, { signal: done.signal }).catch(() => {})]);
  done.abort();
};

// What the children are.

const child = process.argv[1] === fileURLToPath(import.meta.url) ? subjectOf(process.argv) : null;
if (child !== null) {
  const [folder = '', url = '', ids = ''] = child.rest;
  if (child.subject === 'cloud') await serveCloud(folder);
  else await serveWaiters(folder, url, JSON.parse(ids) as readonly string[]);
}

async function serveCloud(folder: string): Promise<void> {
  const emulator = createEmulator({ publicKeys: [writeDemoProfile(folder).publicKey], samples: false });
  const { url } = await emulator.start(0);
  console.log(`\nready ${url}`);
}

async function serveWaiters(folder: string, url: string, ids: readonly string[]): Promise<void> {
  const { serve } = await import('./servers.ts');
  const official = createRequire(new URL('../test/contract/package.json', import.meta.url));
  const { SimpleAuthenticationDetailsProvider, Region } = official('oci-common') as OciCommon;
  const { ContainerEngineClient } = official('oci-containerengine') as OciContainerEngine;
  const config = readFileSync(join(folder, 'config'), 'utf8');
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(config)?.[1] ?? '';
  const authenticationDetailsProvider = new SimpleAuthenticationDetailsProvider(
    value('tenancy'),
    value('user'),
    value('fingerprint'),
    readFileSync(value('key_file'), 'utf8'),
    null,
    Region.fromRegionId(region),
  );
  const client = new ContainerEngineClient({ authenticationDetailsProvider });
  client.endpoint = `${url}/${region}/containerengine`;
  const waiters = client.createWaiters();
  const waitForEnd = async (workRequestId: string): Promise<number> => {
    const { workRequest } = await waiters.forWorkRequest({ workRequestId });
    return Date.now() - new Date(workRequest.timeFinished).getTime();
  };
  await serve((_request, response) => {
    const delays: number[] = [];
    const all = Array.from({ length: subscribers }, (_, index) =>
      waitForEnd(ids[index % ids.length] ?? '').then((delay) => delays.push(delay)),
    );
    void inTime(Promise.allSettled(all)).then(() => response.end(JSON.stringify(delays)));
  });
}

interface OciCommon {
  readonly SimpleAuthenticationDetailsProvider: new (...args: readonly unknown[]) => object;
  readonly Region: { fromRegionId(id: string): unknown };
}

interface OciContainerEngine {
  readonly ContainerEngineClient: new (options: { readonly authenticationDetailsProvider: object }) => {
    endpoint: string;
    createWaiters(): {
      forWorkRequest(request: {
        readonly workRequestId: string;
      }): Promise<{ readonly workRequest: { readonly timeFinished: Date | string } }>;
    };
  };
}
