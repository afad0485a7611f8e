/** `npm run bench -- <name>`: runs `bench/<name>.ts`, prints one table, writes `bench/results/<name>.json`. */
import { readdirSync } from 'node:fs';
import { printReport, writeReport } from './report.ts';
import type { Benchmark } from './report.ts';

/** Files of this folder that are no benchmarks themselves. */
const support = new Set(['crowd', 'load', 'main', 'replay', 'report', 'servers', 'subject']);

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .filter((name) => !support.has(name));

const name = process.argv[2] ?? '';
if (!names.includes(name)) {
  console.error(`Which benchmark? npm run bench -- ${names.join(' | ')}`);
  process.exitCode = 2;
} else {
  const { run } = (await import(`./${name}.ts`)) as { run: Benchmark };
  const report = await run();
  printReport(report);
  writeReport(report);
  if (!report.isReached) process.exitCode = 1;
}
