/**
 * Measures one subject in a process of its own, on one core where `taskset` exists, by the CPU time that the process
 * and its threads used: other work on the machine slows the run down but hardly changes the result.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median } from './report.ts';

const hasTaskset = spawnSync('taskset', ['-V']).status === 0;

/** Runs `file` as a child on `core` (null: on any); `args` reach it as `process.argv[2…]`. */
export function start(file: string, core: number | null, args: readonly string[]): ReturnType<typeof spawn> {
  const command = [process.execPath, fileURLToPath(file), ...args];
  const [program = '', ...rest] =
    hasTaskset && core !== null ? ['taskset', '-c', String(core), ...command] : command;
  return spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Operations a second of CPU: per subject the median over rounds in which all subjects take turns. */
export async function compare<Subject extends string>(
  file: string,
  subjects: readonly Subject[],
  rounds: number,
  args: readonly string[] = [],
): Promise<Record<Subject, number>> {
  const rates = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of subjects) {
      const child = start(file, 0, ['--subject', subject, ...args]);
      let output = '';
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
      const [code] = (await once(child, 'close')) as [number];
      if (code !== 0) throw new Error(`${subject} ended with ${code}`);
      // oci-common logs to standard output as well; ours is the last line.
      rates.get(subject)?.push(Number(output.trim().split('\n').at(-1)));
    }
  }
  return Object.fromEntries([...rates].map(([subject, values]) => [subject, median(values)])) as Record<
    Subject,
    number
  >;
}

/** In the child: repeats `work` for `cpuSeconds` after a warm-up, `concurrency` at a time, and prints the rate. */
export async function measure(
  work: (index: number) => Promise<unknown>,
  concurrency: number,
  cpuSeconds = 2,
): Promise<void> {
  let index = 0;
  const runUntil = async (isOver: () => boolean): Promise<number> => {
    let count = 0;
    const lane = async (): Promise<void> => {
      while (!isOver()) {
        await work(index++);
        count += 1;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
    return count;
  };
  const usedSeconds = (since?: NodeJS.CpuUsage): number => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1e6;
  };
  await runUntil(() => index >= 300);
  const before = process.cpuUsage();
  const count = await runUntil(() => usedSeconds(before) >= cpuSeconds);
  console.log(count / usedSeconds(before));
}

/** The subject that this process is to be, where it is a child. */
export function subjectOf(
  argv: readonly string[],
): { readonly subject: string; readonly rest: readonly string[] } | null {
  return argv[2] === '--subject' ? { subject: argv[3] ?? '', rest: argv.slice(4) } : null;
}
