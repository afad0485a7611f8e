/** As much of a Dockerfile as ours uses: stages with their instructions, comments and continued lines resolved. */

export interface Instruction {
  readonly word: string;
  readonly text: string;
}

export interface Stage {
  readonly from: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** Before the first stage. */
  readonly args: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
}

export const readDockerfile = (text: string): Dockerfile => {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  const args: Record<string, string> = {};
  const stages: { from: string; name: string | null; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, word = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (word === '') throw new Error(`no instruction: ${line}`);
    if (word === 'FROM') {
      const [, from = '', name = null] = /^(?:--\S+ )*(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
      const filled = from.replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => args[name] ?? '');
      stages.push({ from: filled, name, instructions: [] });
    } else if (stages.length === 0) {
      const [name = '', value = ''] = rest.split('=');
      args[name] = value;
    } else stages.at(-1)?.instructions.push({ word, text: rest });
  }
  return { args, stages };
};
