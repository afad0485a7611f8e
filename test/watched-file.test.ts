/** Files that are read again when they change: found whoever writes them, and not while they are half written. */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createWatchFile } from '../watched-file.ts';
import { createManualClock } from './support/clock.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watched-'));
  file = join(folder, 'file');
  writeFileSync(file, 'one');
});
afterEach(() => rmSync(folder, { recursive: true }));

const begin = (onChange: (times: number) => 'again' | void = () => {}) => {
  const clock = createManualClock();
  let changes = 0;
  const stop = createWatchFile(clock)(file, async () => {
    changes += 1;
    return onChange(changes);
  });
  /** So many looks; each takes a moment of real time. */
  const look = async (times: number): Promise<number> => {
    for (let index = 0; index < times; index += 1) {
      await clock.advance(1_000);
      while (clock.sleepers === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return changes;
  };
  return { look, stop, clock };
};

test('it is read once after the start, as it may have changed since it was read for that, and then after changes', async () => {
  const { look, stop } = begin();
  expect(await look(5)).toBe(1);
  writeFileSync(file, 'another');
  expect(await look(5)).toBe(2);
  stop();
});

test('it is not read while it is being written', async () => {
  const { look, stop } = begin();
  await look(2);
  for (let length = 1; length < 6; length += 1) {
    writeFileSync(file, 'x'.repeat(length));
    expect(await look(1)).toBe(1);
  }
  expect(await look(1)).toBe(2);
  stop();
});

test('one that goes and one that comes are changes', async () => {
  const { look, stop } = begin();
  await look(2);
  rmSync(file);
  expect(await look(2)).toBe(2);
  writeFileSync(file, 'one');
  expect(await look(2)).toBe(3);
  stop();
});

test('a mounted ConfigMap exchanges the folder that the name leads through', async () => {
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'policy'), version);
  }
  symlinkSync('v1', join(folder, '..data'));
  rmSync(file);
  symlinkSync(join('..data', 'policy'), file);
  const { look, stop } = begin();
  expect(await look(2)).toBe(1);
  symlinkSync('v2', join(folder, '..tmp'));
  renameSync(join(folder, '..tmp'), join(folder, '..data'));
  expect(await look(2)).toBe(2);
  stop();
});

test('one that could not be read is read again, with no change of it', async () => {
  const { look, stop } = begin((times) => (times < 4 ? 'again' : undefined));
  expect(await look(10)).toBe(4);
  stop();
});

test('who may read it is a change, too', async () => {
  const { look, stop } = begin();
  await look(2);
  chmodSync(file, 0o600);
  chmodSync(file, 0o644);
  expect(await look(3)).toBe(2);
  stop();
});

test('nothing is looked at any more when it is called off', async () => {
  const { look, stop, clock } = begin();
  await look(2);
  stop();
  await clock.advance(0);
  expect(clock.sleepers).toBe(0);
});

test('it is not looked at while it is read', async () => {
  const [clock, reading] = [createManualClock(), Promise.withResolvers<void>()];
  const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
  let isBeingRead = false;
  const stop = createWatchFile(clock)(file, () => {
    isBeingRead = true;
    return reading.promise;
  });
  while (!isBeingRead) {
    await clock.advance(1_000);
    await aMoment();
  }
  expect(clock.sleepers).toBe(0);
  reading.resolve();
  while (clock.sleepers === 0) await aMoment();
  stop();
});
