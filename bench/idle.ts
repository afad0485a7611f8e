/**
 * 10,000 subscribers of one work request, each on a WebSocket of its own, to whom nothing happens: memory of the server's process for each, beside
 * stock graphql-ws and bare `ws`. Heap and external memory after garbage collection, and resident memory, which counts what the operating
 * system gave and the collector has not given back: each less what the process took before, with its code warm.
 */
import { startServer, subjects } from './crowd.ts';
import type { Memory, Subject } from './crowd.ts';
import type { Report } from './report.ts';

const count = 10_000;
const warmUp = 200;
const goalBytes = 20 * 1024;

export async function run(): Promise<Report> {
  const measured = new Map<Subject, Memory>();
  for (const subject of Object.keys(subjects) as Subject[]) measured.set(subject, await measure(subject));
  const resident = (subject: Subject): number => measured.get(subject)?.resident ?? Number.NaN;
  return {
    name: 'idle',
    rows: [...measured].flatMap(([subject, each]) => [
      {
        subject,
        metric: 'heap and external memory for a subscriber (less is better)',
        unit: 'KB',
        value: each.heap / 1024,
      },
      {
        subject,
        metric: 'resident memory for a subscriber (less is better)',
        unit: 'KB',
        value: each.resident / 1024,
      },
    ]),
    ratio: resident('stock graphql-ws') / resident('gateway'),
    goal: `≤ ${goalBytes / 1024} KB resident for a subscriber at ${count}`,
    isReached: resident('gateway') <= goalBytes,
  };
}

/** Bytes for each subscriber. */
async function measure(subject: Subject): Promise<Memory> {
  const server = await startServer(subject);
  try {
    const first = await server.gather(warmUp);
    await first.tell(20);
    first.stop();
    const before = await server.memory();
    const crowd = await server.gather(count);
    await crowd.tell(2);
    const after = await server.memory();
    crowd.stop();
    return {
      heap: (after.heap - before.heap) / count,
      resident: (after.resident - before.resident) / count,
    };
  } finally {
    server.stop();
  }
}
