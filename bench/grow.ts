/**
 * The list over ever more work requests, 100 to 100,000 in twelve sources: what a page costs, and what memory the gateway takes. Sources that
 * sort have to cost the same however long they are; sources that do not are read whole, up to a thousand of each, and stand beside them.
 *
 * Upstream is a server of this file's own on the other core, which answers the list calls of eight APIs from arrays at once: the emulator
 * makes every work request anew for every list, and would be what is measured. The first work requests are the same in every size, so that
 * a page of one is a page of any other. Each size has a gateway of its own, with its read cache off: every page is asked for.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { catalog } from '../datasources/catalog.ts';
import type { ServiceName } from '../datasources/catalog.ts';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { regions } from './replay.ts';
import { median } from './report.ts';
import type { Report, Row } from './report.ts';
import { askList, serve, startChild, startGateway } from './servers.ts';
import type { Child, ListedPage } from './servers.ts';
import { subjectOf } from './subject.ts';

const sizes = [100, 1_000, 10_000, 100_000] as const;
type Size = (typeof sizes)[number];
const kinds = {
  sorted: ['CONTAINERENGINE', 'DATABASETOOLS', 'DEVOPS', 'REDIS'],
  unsorted: ['BASTION', 'NOSQL', 'OCVP', 'QUEUE'],
} as const satisfies Readonly<Record<string, readonly ServiceName[]>>;
type Kind = keyof typeof kinds;

const deepPage = 20;
const rounds = 15;
const unsortedRounds = 3;
const walkFirst = 100;
/** What may be noise. */
const tolerance = 1.25;

const compartmentOf = (size: Size): string => `ocid1.compartment.oc1..grow${size}`;

interface Subject {
  readonly size: Size;
  readonly gateway: Child;
}

export async function run(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-grow-'));
  const { configFile } = writeDemoProfile(folder);
  const children: Child[] = [];
  const begun = async (child: Promise<Child>): Promise<Child> => {
    children.push(await child);
    return child;
  };
  try {
    const upstream = await begun(startChild(import.meta.url, 1, ['upstream']));
    const env = { OCI_REGIONS: regions.join(','), READ_CACHE_MS: '0', UPSTREAM_RPS: '100000' };
    const subjects: Subject[] = [];
    for (const size of sizes)
      subjects.push({ size, gateway: await begun(startGateway(upstream.url, configFile, env)) });

    const places = await Promise.all(
      subjects.map(async (subject) => ({ ...subject, deep: await findDeepPage(subject) })),
    );
    const pages = new Map(places.map(({ size }) => [size, { first: [] as Page[], deep: [] as Page[] }]));
    for (let round = -2; round < rounds; round += 1) {
      for (const { size, deep, ...subject } of places) {
        const first = await measurePage(upstream, { size, ...subject }, 'sorted', null);
        const later = await measurePage(upstream, { size, ...subject }, 'sorted', deep.after);
        if (round < 0) continue;
        pages.get(size)?.first.push(first);
        pages.get(size)?.deep.push(later);
      }
    }
    const pagesOf = (size: Size, which: 'first' | 'deep'): readonly Page[] => pages.get(size)?.[which] ?? [];
    const walks = new Map<Size, Walk>();
    for (const subject of subjects) walks.set(subject.size, await walk(subject));
    const unsorted = new Map<Size, Page[]>(sizes.map((size) => [size, []]));
    for (let round = 0; round < unsortedRounds; round += 1) {
      for (const subject of subjects)
        unsorted.get(subject.size)?.push(await measurePage(upstream, subject, 'unsorted', null));
    }

    const [smallest, second, , greatest] = sizes;
    const growth = Math.max(
      timeOf(pagesOf(greatest, 'first')) / timeOf(pagesOf(smallest, 'first')),
      // A hundred have no twentieth page.
      timeOf(pagesOf(greatest, 'deep')) / timeOf(pagesOf(second, 'deep')),
    );
    const moreCalls =
      callsOf(pagesOf(greatest, 'first')) > callsOf(pagesOf(smallest, 'first')) ||
      callsOf(pagesOf(greatest, 'deep')) > callsOf(pagesOf(second, 'deep'));
    const memory = (walks.get(greatest)?.peakMib ?? 0) / (walks.get(10_000)?.peakMib ?? 0);
    return {
      name: 'grow',
      rows: [
        ...places.flatMap(({ size, deep }) => [
          ...rowsOf(`${size} that sort, first page`, pagesOf(size, 'first')),
          ...rowsOf(`${size} that sort, page ${deep.number}`, pagesOf(size, 'deep')),
          ...walkRows(`${size} that sort, read to the end in pages of ${walkFirst}`, walks.get(size)),
        ]),
        ...sizes.flatMap((size) =>
          rowsOf(`${size} that do not sort, first page`, unsorted.get(size) ?? [], true),
        ),
      ],
      ratio: growth,
      goal: `a page of ${greatest} takes ≤ ${tolerance} × the time of one of ${smallest} and no more calls; peak memory ≤ ${tolerance} × that of 10000 (now ${memory.toFixed(2)} ×)`,
      isReached: growth <= tolerance && !moreCalls && memory <= tolerance,
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(folder, { recursive: true });
  }
}

interface Page {
  readonly ms: number;
  readonly calls: number;
  readonly failures: number;
}

interface Walk {
  readonly pages: number;
  readonly ms: number;
  readonly peakMib: number;
}

const list = (
  { gateway, size }: Subject,
  kind: Kind,
  after: string | null,
  first = 25,
): Promise<ListedPage> =>
  askList(gateway.url, { compartmentId: compartmentOf(size), services: kinds[kind], first, after });

/** The twentieth page, or the last where there are fewer. */
const findDeepPage = async (
  subject: Subject,
): Promise<{ readonly number: number; readonly after: string | null }> => {
  let after: string | null = null;
  for (let number = 1; ; number += 1) {
    const { pageInfo } = await list(subject, 'sorted', after);
    if (number === deepPage || !pageInfo.hasNextPage) return { number, after };
    after = pageInfo.endCursor;
  }
};

const measurePage = async (
  upstream: Child,
  subject: Subject,
  kind: Kind,
  after: string | null,
): Promise<Page> => {
  await countCalls(upstream);
  const startedAt = performance.now();
  const { nodes, failures } = await list(subject, kind, after);
  const ms = performance.now() - startedAt;
  if (nodes.length !== 25 || (kind === 'sorted' && failures.length > 0))
    throw new Error(`${nodes.length} nodes, failures ${JSON.stringify(failures.slice(0, 3))}`);
  return { ms, calls: await countCalls(upstream), failures: failures.length };
};

const countCalls = async ({ url }: Child): Promise<number> =>
  Number(await (await fetch(`${url}/_calls`)).text());

/** All pages, one after the other: each work request has to come once. */
const walk = async (subject: Subject): Promise<Walk> => {
  const ids = new Set<string>();
  const startedAt = performance.now();
  let [after, pages, told]: [string | null, number, number] = [null, 0, 0];
  do {
    const { nodes, pageInfo, failures } = await list(subject, 'sorted', after, walkFirst);
    if (failures.length > 0) throw new Error(JSON.stringify(failures.slice(0, 3)));
    for (const { id } of nodes) ids.add(id);
    told += nodes.length;
    pages += 1;
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  if (told !== subject.size || ids.size !== subject.size)
    throw new Error(`${subject.size} work requests came as ${told}, ${ids.size} of them different`);
  return { pages, ms: performance.now() - startedAt, peakMib: peakMibOf(subject.gateway.pid) };
};

/** Of resident memory, as Linux counts it for one process. */
const peakMibOf = (pid: number): number => {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
};

const timeOf = (pages: readonly Page[]): number => median(pages.map(({ ms }) => ms));
const callsOf = (pages: readonly Page[]): number => Math.max(...pages.map(({ calls }) => calls));

const rowsOf = (subject: string, pages: readonly Page[], tellsFailures = false): readonly Row[] => [
  { subject, metric: 'time, median (less is better)', unit: 'ms', value: timeOf(pages) },
  { subject, metric: 'calls (less is better)', unit: '', value: callsOf(pages) },
  ...(tellsFailures
    ? [
        {
          subject,
          metric: 'sources cut short',
          unit: '',
          value: Math.max(...pages.map(({ failures }) => failures)),
        },
      ]
    : []),
];

const walkRows = (subject: string, walked: Walk | undefined): readonly Row[] =>
  walked === undefined
    ? []
    : [
        { subject, metric: 'time a page (less is better)', unit: 'ms', value: walked.ms / walked.pages },
        {
          subject,
          metric: "peak memory of the gateway's process (less is better)",
          unit: 'MiB',
          value: walked.peakMib,
        },
      ];

// Upstream.

const child = process.argv[1] === fileURLToPath(import.meta.url) ? subjectOf(process.argv) : null;
if (child !== null) {
  const lists = new Map<string, readonly string[]>();
  for (const size of sizes) {
    for (const kind of ['sorted', 'unsorted'] as const)
      for (const [place, items] of makeLists(kind, size)) lists.set(`${place} ${compartmentOf(size)}`, items);
  }
  const isBare = new Map(
    [...kinds.sorted, ...kinds.unsorted].map((name) => [catalog[name].package, catalog[name].bareArrays]),
  );
  let calls = 0;
  await serve((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
    if (pathname === '/_calls') {
      response.end(String(calls));
      calls = 0;
      return;
    }
    calls += 1;
    const [, region, name = ''] = pathname.split('/');
    const items = lists.get(`${region} ${name} ${searchParams.get('compartmentId')}`);
    if (items === undefined || searchParams.get('sortOrder') === 'ASC') {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 'NotAuthorizedOrNotFound', message: 'There is no such list.' }));
      return;
    }
    const from = Number(searchParams.get('page') ?? 0);
    const to = from + Number(searchParams.get('limit'));
    const page = `[${items.slice(from, to).join()}]`;
    response.writeHead(200, {
      'content-type': 'application/json',
      'opc-request-id': 'bench',
      ...(to < items.length && { 'opc-next-page': String(to) }),
    });
    response.end(isBare.get(name) === true ? page : `{"items":${page}}`);
  });
}

/** For each place its items as JSON: the latest first where they are sorted, else as it comes. */
function makeLists(kind: Kind, size: Size): ReadonlyMap<string, readonly string[]> {
  const places = kinds[kind].flatMap((name) =>
    regions.map((region) => ({ key: `${region} ${catalog[name].package}`, items: [] as string[] })),
  );
  const latest = Date.UTC(2026, 0, 1);
  const scatter = (index: number): number => Math.imul(index, 0x9e3779b1) >>> 16;
  const indexes = Array.from({ length: size }, (_, index) => index);
  if (kind === 'unsorted') indexes.sort((left, right) => scatter(left) - scatter(right));
  for (const index of indexes) {
    const timeAccepted = new Date(latest - index * 1_000).toISOString();
    const tail = String(index).padStart(60, 'a');
    const item = {
      id: `ocid1.growworkrequest.oc1..${tail}`,
      compartmentId: compartmentOf(size),
      operationType: 'CREATE',
      status: 'SUCCEEDED',
      percentComplete: 100,
      timeAccepted,
      timeStarted: timeAccepted,
      timeFinished: timeAccepted,
      resources: [
        {
          entityType: 'thing',
          actionType: 'CREATED',
          identifier: `ocid1.thing.oc1..${tail}`,
          entityUri: null,
        },
      ],
    };
    places[scatter(index) % places.length]?.items.push(JSON.stringify(item));
  }
  return new Map(places.map(({ key, items }) => [key, items]));
}
