/**
 * One source of the list hangs, answers 429 or 500: whether the calls to all others are any slower for it. The list is that of all APIs in
 * three regions, upstream 50 ms away, which also takes the time: from the client's question until the last other source was answered.
 *
 * Health and each sickness have a gateway of their own, since what one has learnt of a sick source (back-off, retries used up) is not to
 * help the other; rounds take turns.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { nowMs, places, regions, startReplay } from './replay.ts';
import type { Replay, Sickness } from './replay.ts';
import { median } from './report.ts';
import type { Report } from './report.ts';
import { askFirstPage, askList, startGateway } from './servers.ts';
import type { Child } from './servers.ts';

const workRequestCount = 2_000;
const warmUps = 2;
const rounds = 15;
const goal = 1.1;
const [region] = regions;
const sickPath = `/${region}/containerengine/`;
const conditions: readonly (Sickness | null)[] = [null, 'hangs', 'answers 429', 'answers 500'];

export async function run(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-sick-'));
  const { configFile } = writeDemoProfile(folder);
  const upstream = await startReplay(folder, workRequestCount);
  const children: Child[] = [upstream];
  try {
    const subjects = [];
    for (const sickness of conditions) {
      const gateway = await startGateway(upstream.url, configFile, {
        OCI_REGIONS: regions.join(','),
        READ_CACHE_MS: '0',
        UPSTREAM_RPS: '1000',
        // A page waits that long for a source that hangs.
        UPSTREAM_DEADLINE_MS: '5000',
      });
      children.push(gateway);
      await askFirstPage(gateway.url);
      subjects.push({ sickness, gateway, measured: [] as Measured[] });
    }
    for (let round = -warmUps; round < rounds; round += 1) {
      for (const { sickness, gateway, measured } of subjects) {
        await upstream.fallSick(sickPath, sickness);
        const one = await measure(upstream, gateway.url, sickness !== null);
        if (round >= 0) measured.push(one);
      }
    }
    const others = (all: readonly Measured[]): number => median(all.map(({ othersMs }) => othersMs));
    const [healthy, ...sick] = subjects;
    const ratios = sick.map(({ measured }) => others(measured) / others(healthy?.measured ?? []));
    const ratio = Math.max(...ratios);
    return {
      name: 'sick',
      rows: subjects.flatMap(({ sickness, measured }, index) => {
        const subject = sickness === null ? 'all sources are well' : `one source ${sickness}`;
        return [
          {
            subject,
            metric: 'time until the last other source has answered, median (less is better)',
            unit: 'ms',
            value: others(measured),
          },
          {
            subject,
            metric: 'time of the page, median (less is better)',
            unit: 'ms',
            value: median(measured.map(({ pageMs }) => pageMs)),
          },
          ...(index === 0
            ? []
            : [
                {
                  subject,
                  metric: 'time of the others against all well (less is better)',
                  unit: '×',
                  value: ratios[index - 1] ?? Number.NaN,
                },
              ]),
        ];
      }),
      ratio,
      goal: `≤ ${goal}: time of the other sources' calls, the worst sickness against all well`,
      isReached: ratio <= goal,
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(folder, { recursive: true });
  }
}

interface Measured {
  readonly othersMs: number;
  readonly pageMs: number;
}

const measure = async (upstream: Replay, url: string, isSick: boolean): Promise<Measured> => {
  await upstream.calls();
  const startedAt = nowMs();
  const { nodes, failures } = await askList(url);
  const pageMs = nowMs() - startedAt;
  if (nodes.length !== 25 || failures.length !== (isSick ? 1 : 0))
    throw new Error(`${nodes.length} nodes, failures ${JSON.stringify(failures.slice(0, 3))}`);
  // Those for parents are no source's: some pages have them, others do not.
  const others = (await upstream.calls()).filter(
    ({ path, service }) => service !== null && !path.startsWith(sickPath),
  );
  if (others.length !== places.length - 1) throw new Error(`${others.length} other sources were asked`);
  return {
    othersMs: Math.max(...others.map(({ answeredAt }) => answeredAt ?? Infinity)) - startedAt,
    pageMs,
  };
};
