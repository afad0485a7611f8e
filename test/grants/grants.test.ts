/** The policy while the gateway runs: what lies below is looked up again and again, and a file that breaks breaks nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createGrants } from '../../grants/index.ts';
import type { Grants } from '../../grants/index.ts';
import { readPolicy } from '../../grants/policy.ts';
import { createWatchFile } from '../../watched-file.ts';
import { createManualClock, settle } from '../support/clock.ts';

const root = 'ocid1.compartment.oc1..root';
const tenancy = 'ocid1.tenancy.oc1..tenancy';
const text = (group: string): string =>
  `version: 1\nrules: [{ when: { groups: ${group} }, allow: [read], compartments: [{ subtreeOf: ${root} }] }]`;

let folder: string;
let file: string;
let grants: Grants | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-'));
  file = join(folder, 'policy.yaml');
  writeFileSync(file, text('ops'));
});
afterEach(() => {
  grants?.stop();
  rmSync(folder, { recursive: true });
});

const begin = async () => {
  const clock = createManualClock();
  const logged: string[] = [];
  let below: readonly string[] | Error | Promise<readonly string[]> = [root, 'child'];
  let asked = 0;
  const log = (fields: object, message: string): void =>
    void logged.push('problem' in fields ? `${message}: ${String(fields.problem)}` : message);
  const mine = (grants = createGrants({
    file,
    policy: await readPolicy(file),
    async subtreeOf(of) {
      if (of === tenancy && Array.isArray(below)) return [tenancy, `${root}2`, ...below];
      if (of !== tenancy) asked += 1;
      if (below instanceof Error) throw below;
      return below instanceof Promise ? below : [of, ...below.slice(1)];
    },
    tenancyId: async () => tenancy,
    reach: { allowedRegions: ['us-ashburn-1'], homeRegion: 'us-ashburn-1' },
    watchFile: createWatchFile(clock),
    clock,
    log: { info: log, warn: log, error: log },
  }));
  const claims = { groups: ['ops'] };
  return {
    clock,
    grants: mine,
    logged,
    asked: () => asked,
    set: (now: readonly string[] | Error | Promise<readonly string[]>) => void (below = now),
    ready: (own: Record<string, unknown> = claims) => mine.ready(mine.viewOf(own)),
    sees: (compartmentId: string, own: Record<string, unknown> = claims): boolean =>
      mine.viewOf(own)?.allows('read', { service: 'MYSQL', region: 'us-ashburn-1', compartmentId }) ?? true,
  };
};

test('what lies below is seen once it is known', async () => {
  const { ready, sees } = await begin();
  expect(sees('child')).toBe(false);
  await ready();
  expect(sees('child')).toBe(true);
});

test('what was moved away is out of sight within a minute, and whoever wants to know is told', async () => {
  const { clock, grants: mine, ready, sees, set } = await begin();
  await ready();
  let told = 0;
  const callOff = mine.onChange(() => (told += 1));
  set([root]);
  await clock.advance(59_000);
  expect([sees('child'), told]).toEqual([true, 0]);
  await clock.advance(1_000);
  expect([sees('child'), sees(root), told]).toEqual([false, true, 1]);
  await clock.advance(120_000);
  expect(told).toBe(1);
  set([root, 'child']);
  await clock.advance(60_000);
  expect(told).toBe(2);
  // Nor is it told later than it takes to see that what was known is too old.
  set(new Error('down'));
  await clock.advance(540_000);
  expect([sees('child'), told]).toEqual([true, 2]);
  await clock.advance(70_000);
  expect([sees('child'), told]).toEqual([false, 3]);
  callOff();
  set([root]);
  await clock.advance(60_000);
  expect(told).toBe(3);
});

test('while nobody can say what lies below it stays for ten minutes, and is asked for every ten seconds', async () => {
  const { clock, grants: mine, ready, sees, set, asked, logged } = await begin();
  await ready();
  set(new Error('down'));
  await clock.advance(60_000);
  expect([sees('child'), mine.problem === null]).toEqual([true, false]);
  const before = asked();
  await clock.advance(60_000);
  expect(asked()).toBe(before + 6);
  expect(logged).toHaveLength(1);
  await clock.advance(480_000);
  expect(sees('child')).toBe(false);
  // Nor for as long as it is not known is anybody kept waiting for longer than it takes to ask.
  await ready();
  set([root, 'child']);
  await clock.advance(10_000);
  expect([sees('child'), mine.problem]).toEqual([true, null]);
});

const isOver = async (promise: Promise<void>): Promise<boolean> => {
  let isSo = false;
  void promise.then(() => (isSo = true));
  await settle();
  return isSo;
};

test('nobody waits for what lies below but who may see something there, nor for an answer that fails to come again', async () => {
  writeFileSync(
    file,
    text('ops').replace(
      ' }] }]',
      ` }] }, { when: { groups: plain }, allow: [read], compartments: [${root}] }, { when: { groups: all }, allow: [read, cancel], compartments: all }]`,
    ),
  );
  const { clock, ready, set } = await begin();
  await ready();
  set(new Promise<never>(() => {}));
  await clock.advance(700_000);
  expect(await isOver(ready())).toBe(false);
  expect(await isOver(ready({ groups: 'plain' }))).toBe(true);
  expect(await isOver(ready({ groups: 'all' }))).toBe(true);
});

test('while the compartments cannot be had, a further attempt that hangs keeps nobody waiting', async () => {
  const { clock, ready, set, grants: mine } = await begin();
  await ready();
  set(new Error('down'));
  await clock.advance(700_000);
  expect(mine.problem).not.toBeNull();
  set(new Promise<never>(() => {}));
  await clock.advance(10_000);
  expect(await isOver(ready())).toBe(true);
});

test('what the old and the new file let see is seen all the time, also by the way of another root', async () => {
  const { clock, ready, sees, set, asked } = await begin();
  await ready();
  const answer = Promise.withResolvers<readonly string[]>();
  set(answer.promise);
  const before = asked();
  writeFileSync(file, text('ops').replace(root, `${root}2`));
  while (asked() === before) {
    await clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect([sees('child'), sees(root)]).toEqual([true, true]);
  answer.resolve([`${root}2`, 'child']);
  await settle();
  expect([sees('child'), sees(root)]).toEqual([true, false]);
});

test('a file that is still being written is not read: half a rule can allow more than all of it', async () => {
  const { clock, logged } = await begin();
  const whole = text('ops').replace('rules: [', 'rules:\n- ').replace(/\]$/, '\n  services: [MYSQL]');
  const look = async (): Promise<void> => {
    await clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  await look();
  await look();
  for (let length = whole.length - 40; length < whole.length; length += 8) {
    writeFileSync(file, whole.slice(0, length));
    await look();
  }
  expect(logged).toEqual([]);
});

test('without subtrees there is nothing that could not be looked up', async () => {
  const { clock, grants: mine, ready, set, logged } = await begin();
  await ready();
  set(new Error('down'));
  await clock.advance(60_000);
  expect(mine.problem).not.toBeNull();
  writeFileSync(
    file,
    `version: 1\nrules: [{ when: { groups: ops }, allow: [read], compartments: [${root}] }]`,
  );
  while (!logged.some((line) => line.includes('is in force'))) {
    await clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(mine.problem).toBeNull();
});

test('a changed file is in force within seconds, a broken one changes nothing and is told', async () => {
  const { clock, grants: mine, ready, sees, logged } = await begin();
  await ready();
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) {
      await clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const told = (what: string): Promise<void> => until(() => logged.some((line) => line.includes(what)));
  writeFileSync(file, 'version: 1\nrules: [');
  await told('last good one stays');
  expect([sees('child'), mine.problem]).toEqual([true, expect.stringContaining('neither YAML nor JSON')]);
  rmSync(file);
  await until(() => mine.problem?.includes('ENOENT') === true);
  expect(sees('child')).toBe(true);
  // Once, however often it is looked for.
  const before = logged.length;
  for (let looks = 0; looks < 5; looks += 1) {
    await clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(logged).toHaveLength(before);
  writeFileSync(file, text('dev'));
  await told('is in force');
  await settle();
  expect([sees('child'), sees('child', { groups: ['dev'] }), mine.problem]).toEqual([false, true, null]);
});

test('what it names in vain is told at the start, and again when the file changes', async () => {
  const within = (region: string): string => text('ops').replace(' }] }]', ` }], regions: [${region}] }]`);
  writeFileSync(file, within('eu-paris-1'));
  const { clock, logged } = await begin();
  const told =
    'The policy names what this gateway never asks for: rules[0].regions: nothing that it allows is in';
  expect(logged).toEqual([expect.stringContaining(`${told} eu-paris-1.`)]);
  writeFileSync(file, within('us-ashburn-1, eu-milan-1'));
  while (!logged.some((line) => line.includes('is in force'))) {
    await clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(logged[1]).toContain(`${told} eu-milan-1.`);
});

test('compartments that the tenancy does not have are told of, once', async () => {
  const { clock, ready, logged, set } = await begin();
  await ready();
  expect(logged).toEqual([]);
  set(['elsewhere']);
  await clock.advance(180_000);
  expect(logged).toEqual([expect.stringMatching(/not in this tenancy.*: ocid1\.compartment\.oc1\.\.root$/)]);
});

const anyTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('a file that is changed back is in force again, and each time whoever wants to know is told', async () => {
  const { clock, grants: mine, sees, ready } = await begin();
  await ready();
  let told = 0;
  mine.onChange(() => (told += 1));
  for (const [group, other] of [
    ['dev', 'ops'],
    ['ops', 'dev'],
  ] as const) {
    const before = told;
    writeFileSync(file, text(group));
    while (told === before) {
      await clock.advance(500);
      await anyTurn();
    }
    expect([sees('child', { groups: group }), sees('child', { groups: other })]).toEqual([true, false]);
  }
});

test.each([
  ['would bring back what was moved away', ['any', 'child']],
  ['fails', new Error('down')],
])('an answer from before the file was changed, that %s, counts for nothing', async (_, late) => {
  const { clock, grants: mine, logged, ready, sees, set, asked } = await begin();
  await ready();
  const answer = Promise.withResolvers<readonly string[]>();
  set(answer.promise);
  await clock.advance(60_000);
  expect(asked()).toBe(2);
  set([root]);
  writeFileSync(file, text('[ops, dev]'));
  while (!logged.some((line) => line.includes('is in force'))) {
    await clock.advance(500);
    await anyTurn();
  }
  if (late instanceof Error) answer.reject(late);
  else answer.resolve(late);
  await settle();
  expect([sees(root), sees('child'), mine.problem]).toEqual([true, false, null]);
  // Nor is what lies below looked up twice from then on.
  const before = asked();
  await clock.advance(60_000);
  expect(asked()).toBe(before + 1);
});

test('what lies below is the same in another order', async () => {
  const { clock, grants: mine, ready, set } = await begin();
  set([root, 'child', 'sibling']);
  await ready();
  await clock.advance(60_000);
  let told = 0;
  mine.onChange(() => (told += 1));
  set([root, 'sibling', 'child']);
  await clock.advance(60_000);
  expect(told).toBe(0);
});

test('once it is stopped nothing is looked up, read or told', async () => {
  const { clock, grants: mine, logged, ready, set, asked } = await begin();
  await ready();
  let told = 0;
  mine.onChange(() => (told += 1));
  set([root]);
  mine.stop();
  writeFileSync(file, text('dev'));
  for (let times = 0; times < 5; times += 1) {
    await clock.advance(60_000);
    await anyTurn();
  }
  expect([asked(), told, logged, clock.sleepers]).toEqual([1, 0, [], 0]);
});

test('a change that is being read when it is stopped has nothing looked up, and is told to nobody', async () => {
  let [asked, told, readAgain] = [0, 0, async (): Promise<void> => {}];
  grants = createGrants({
    file,
    policy: await readPolicy(file),
    async subtreeOf(of) {
      asked += 1;
      return [of];
    },
    tenancyId: async () => tenancy,
    reach: { allowedRegions: ['us-ashburn-1'], homeRegion: 'us-ashburn-1' },
    watchFile(_, onChange) {
      readAgain = async () => void (await onChange());
      return () => {};
    },
    clock: createManualClock(),
    log: { info() {}, warn() {}, error() {} },
  });
  await settle();
  grants.onChange(() => (told += 1));
  const before = asked;
  writeFileSync(file, text('dev'));
  const reading = readAgain();
  grants.stop();
  await reading;
  await settle();
  expect([asked - before, told]).toEqual([0, 0]);
});
