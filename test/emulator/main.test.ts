import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sampleIdsIn } from '../../emulator/emulator.ts';
import { send, signed } from './support.ts';

const root = path.join(import.meta.dirname, '../..');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'emulator-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs until it ends by itself, or until `use` has used its URL, once it has said the last of its words. */
function run(
  env: Record<string, string>,
  lastWords = '',
  use?: (url: string, out: string) => Promise<void>,
  args: readonly string[] = [],
): Promise<Ended> {
  const child = spawn(process.execPath, [path.join(root, 'emulator/main.ts'), ...args], {
    env: { PATH: process.env['PATH'] ?? '', EMULATOR_PORT: '0', ...env },
  });
  let out = '';
  let err = '';
  let isUsed = false;
  return new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const url = /(http:\/\/\S+?)\/\{region\}/.exec(out)?.[1];
      if (url === undefined || isUsed || !use || !out.includes(lastWords)) return;
      isUsed = true;
      use(url, out).then(
        () => child.kill('SIGTERM'),
        (error: unknown) => {
          child.kill('SIGKILL');
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const { progressing } = sampleIdsIn(['us-ashburn-1']);

test('starts on a free port, prints a sample that answers, takes the given key and ends on SIGTERM', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyFile = path.join(folder, 'public.pem');
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const ended = await run({ EMULATOR_PUBLIC_KEY_FILE: keyFile }, 'signature: ', async (url, out) => {
    const sample = `/us-ashburn-1/mysql/20190415/workRequests/${progressing}`;
    expect(out).toContain(sample);
    expect((await send(url, sample, signed(url, sample, { key: privateKey }))).status).toBe(200);
    expect((await send(url, sample, signed(url, sample, {}))).status).toBe(401);
  });
  expect(ended).toMatchObject({ code: 0, err: '' });
});

test('writes a profile to sign with when it is given no key, readable by its owner alone', async () => {
  const ended = await run({}, 'npm start\n', async (url, out) => {
    const configFile = /sign with: +(\S+)/.exec(out)?.[1] ?? '';
    expect(statSync(configFile).mode & 0o777).toBe(0o600);
    const keyFile = /key_file=(.*)/.exec(readFileSync(configFile, 'utf8'))?.[1] ?? '';
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const key = createPrivateKey(readFileSync(keyFile));
    const sample = `/us-ashburn-1/mysql/20190415/workRequests/${progressing}`;
    expect((await send(url, sample, signed(url, sample, { key }))).status).toBe(200);
  });
  expect(ended.code).toBe(0);
});

test('tells every problem of its configuration at once and ends with 78', async () => {
  const ended = await run({
    HOST: 'not a host',
    EMULATOR_PORT: '70000',
    EMULATOR_PUBLIC_KEY_FILE: path.join(folder, 'absent'),
  });
  expect(ended.code).toBe(78);
  expect(ended.err.trim().split('\n')).toEqual([
    expect.stringContaining('HOST'),
    expect.stringContaining('EMULATOR_PORT'),
    expect.stringContaining('EMULATOR_PUBLIC_KEY_FILE'),
  ]);
});

test.each([[['--bogus']], [['4001', '--port']]])(
  'takes no arguments (%j), and tells them with the rest',
  async (args) => {
    const ended = await run({ EMULATOR_PORT: '70000' }, '', () => Promise.resolve(), args);
    expect(ended).toMatchObject({ code: 78, out: '' });
    expect(ended.err.trim().split('\n')).toEqual([
      expect.stringContaining(`'${args.join("', '")}'. Usage: npm run emulator`),
      expect.stringContaining('EMULATOR_PORT'),
    ]);
    expect((await run({}, '', () => Promise.resolve(), args)).code).toBe(78);
  },
);
