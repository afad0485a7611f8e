/** As much of PromQL as it takes to see which metrics and labels a query names; whether it is one says promtool. */
import { spawnSync } from 'node:child_process';

export interface Selector {
  readonly name: string;
  /** That it chooses by. */
  readonly labels: readonly string[];
}

/** Made beside the rules and the dashboard that name it; to be left out here when it is in the registry. */
export const comingNames: readonly string[] = ['gateway_shed_total'];

const words: ReadonlySet<string> = new Set([
  ...[
    'and',
    'or',
    'unless',
    'by',
    'without',
    'on',
    'ignoring',
    'group_left',
    'group_right',
    'bool',
    'offset',
  ],
  ...['inf', 'nan'],
]);

export const selectorsOf = (expr: string): readonly Selector[] => {
  const plain = expr
    // Values first: they may look like anything.
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\boffset\s+\w+/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  return [...plain.matchAll(/([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\}|(\())?/g)]
    .filter(([, name = '', , call]) => call === undefined && !words.has(name.toLowerCase()))
    .filter(({ index }) => !/[\d.]/.test(plain[index - 1] ?? ''))
    .map(([, name = '', matchers = '']) => ({
      name,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
    }));
};

/** What it says, which has to be that all is well. */
export const promtool = (...args: readonly string[]): string => {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT')
    throw new Error(
      'promtool is not installed: apt-get install --no-install-recommends prometheus (or from prometheus.io)',
    );
  if (error !== undefined || status !== 0) throw new Error(`promtool ${args.join(' ')}:\n${stdout}${stderr}`);
  return stdout;
};
