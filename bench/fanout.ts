/**
 * 500, 5,000 and 10,000 subscribers of one work request, each on a WebSocket of its own: CPU of the server's process for each delivery. Beside
 * the gateway, in the same run: stock graphql-ws, which executes for each subscriber, and bare `ws` sending the same bytes to all.
 *
 * A round is as many changes as make 20,000 deliveries, each told when all have got the one before. Subjects take turns in short rounds, and the
 * least of a subject's rounds counts: other work on the machine only ever adds.
 */
import { startServer, subjects } from './crowd.ts';
import type { Crowd, CrowdServer, Subject } from './crowd.ts';
import type { Report, Row } from './report.ts';

const sizes = [500, 5_000, 10_000];
const rounds = 15;
const deliveries = 20_000;
const goal = 1.5;

export async function run(): Promise<Report> {
  const rows: Row[] = [];
  const ratios: number[] = [];
  for (const size of sizes) {
    const least = await measure(size);
    for (const [subject, seconds] of least) {
      rows.push({
        subject: `${subject}, ${size} subscribers`,
        metric: 'CPU for a delivery, least of all rounds (less is better)',
        unit: 'µs',
        value: seconds * 1e6,
      });
    }
    const of = (subject: Subject): number => least.get(subject) ?? Number.NaN;
    ratios.push(of('gateway') / of('raw ws'));
    for (const peer of ['raw ws', 'stock graphql-ws'] as const) {
      rows.push({
        subject: `gateway, ${size} subscribers`,
        metric: `CPU against that of ${peer} (less is better)`,
        unit: '×',
        value: of('gateway') / of(peer),
      });
    }
  }
  const ratio = Math.max(...ratios);
  return {
    name: 'fanout',
    rows,
    ratio,
    goal: `≤ ${goal}: CPU for a delivery against raw ws, at each number of subscribers (the worst counts)`,
    isReached: ratio <= goal,
  };
}

/** CPU seconds for one delivery. */
async function measure(size: number): Promise<ReadonlyMap<Subject, number>> {
  const servers: CrowdServer[] = [];
  const crowds = new Map<Subject, Crowd>();
  const least = new Map<Subject, number>();
  try {
    let message: string | undefined;
    for (const subject of Object.keys(subjects) as Subject[]) {
      const server = await startServer(subject);
      servers.push(server);
      const crowd = await server.gather(size, message);
      crowds.set(subject, crowd);
      message = crowd.message;
    }
    const times = deliveries / size;
    for (let round = -3; round < rounds; round += 1) {
      for (const [subject, crowd] of crowds) {
        const seconds = (await crowd.tell(times)) / deliveries;
        if (round >= 0) least.set(subject, Math.min(seconds, least.get(subject) ?? Infinity));
      }
    }
    return least;
  } finally {
    for (const crowd of crowds.values()) crowd.stop();
    for (const server of servers) server.stop();
  }
}
