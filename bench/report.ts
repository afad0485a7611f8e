/** What a benchmark says, as a table and as `bench/results/<name>.json` (the format of CONTRACT §1). */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export interface Row {
  readonly subject: string;
  /** Larger is better unless this says otherwise. */
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
}

export interface Report {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Ours against the peer of the same run. */
  readonly ratio: number;
  /** What `ratio` has to reach, in words where there is more than one thing. */
  readonly goal: number | string;
  readonly isReached: boolean;
}

/** A file of this folder exports one as `run`. */
export type Benchmark = () => Promise<Report>;

export function printReport({ name, rows, ratio, goal, isReached }: Report): void {
  console.log(`\n${name} (${describeMachine()})`);
  console.table(
    rows.map(({ subject, metric, value, unit }) => ({ subject, metric, value: round(value), unit })),
  );
  console.log(`ratio ${round(ratio)}, goal ${goal}: ${isReached ? 'reached' : 'NOT reached'}`);
}

export function writeReport({ name, rows, ratio, goal }: Report): void {
  const folder = new URL('results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const result = {
    name,
    date: new Date().toISOString(),
    machine: describeMachine(),
    rows: rows.map((row) => ({ ...row, value: round(row.value) })),
    ratio: round(ratio),
    goal,
  };
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(result, null, 2)}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function describeMachine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${memory} GiB, ${process.platform} ${process.arch}, Node ${process.version}`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
