/** `npm run history -- --seed N` replays a run with its trace, `--soak <seconds>` plays one seed after the other. */
import { parseArgs } from 'node:util';
import { play } from './run.ts';
import { createScene } from './scene.ts';
import { traceOf } from './trace.ts';
import { judge } from './verdict.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    soak: { type: 'string' },
    from: { type: 'string', default: '1' },
  },
});

if (values.seed !== undefined) {
  const run = await play(createScene(Number(values.seed)));
  const complaints = judge(run);
  say(traceOf(run, complaints));
  process.exitCode = complaints.length === 0 ? 0 : 1;
} else {
  const until = Date.now() + Number(values.soak ?? 10) * 1000;
  let seed = Number(values.from);
  let failed = 0;
  for (; Date.now() < until; seed += 1) {
    const complaints = judge(await play(createScene(seed)));
    if (complaints.length === 0) continue;
    failed += 1;
    const [{ rule, what } = { rule: '', what: '' }] = complaints;
    say(`seed ${seed}: ${rule}: ${what} (${complaints.length} in all); npm run history -- --seed ${seed}`);
  }
  say(`${seed - Number(values.from)} seeds, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
