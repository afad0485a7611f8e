/** The executable, as its users run it: what it prints, what it refuses to start with and how it says so, and how it ends. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { createEmulator } from '../emulator/emulator.ts';
import type { Emulator } from '../emulator/emulator.ts';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'server-test-'));
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const untrustedFile = join(folder, 'manifest.json');
writeFileSync(
  untrustedFile,
  JSON.stringify({
    a: '{ nothing }',
    b: '{ services { ',
    c: '{ __schema { queryType { name } } }',
    d: '{ services { name } ok: regions { id } }',
  }),
);

interface Run {
  readonly child: ChildProcess;
  /** Standard output so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves when standard output matches. Rejects when the process ends before it does. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Exit code, when it has ended. */
  readonly ended: Promise<number | null>;
}

/** Starts `node server.ts`, unless told otherwise, with these variables and no others of the gateway's. */
const run = (
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  [program, ...before]: readonly [string, ...string[]] = [process.execPath, 'server.ts'],
): Run => {
  const child = spawn(program, [...before, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let [out, err] = ['', ''];
  let wake = (): void => {};
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    wake();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child);
    wake();
    return code as number | null;
  });
  return {
    child,
    out: () => out,
    err: () => err,
    ended,
    async until(pattern) {
      for (;;) {
        const match = pattern.exec(out);
        if (match) return match;
        if (!children.has(child)) throw new Error(`it ended without ${pattern}: ${out}${err}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
};

/** Runs to the end. */
const runOut = async (
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> => {
  const { ended, out, err } = run(env, args);
  const code = await ended;
  return { code, out: out(), err: err() };
};

describe('npm start', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let server: Run;
  let url: string;
  let emulatorUrl: string;
  beforeAll(async () => {
    const keyFile = join(folder, 'public.pem');
    writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
    server = run({ PORT: '0', EMULATOR_PORT: '0', EMULATOR_PUBLIC_KEY_FILE: keyFile, LOG_LEVEL: 'info' });
    [, url = ''] = await server.until(/GraphQL +(http:\S+)\/graphql/);
    [, emulatorUrl = ''] = await server.until(/Emulator +(http:\S+)/);
    await server.until(/\{ workRequest\(.*\}\n/);
  });

  test('prints where everything is, with the ports that it was given', async () => {
    expect(server.out()).toContain(`Playground   ${url}/playground\n`);
    expect(server.out()).toContain(`WebSocket: ${url.replace('http', 'ws')}/graphql`);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect((await fetch(`${url}/playground`)).status).toBe(200);
    expect((await fetch(emulatorUrl)).status).toBe(200);
    expect(server.out()).toMatch(/^ {2}Regions {6}us-ashburn-1, /m);
  });

  test('prints a query that can be pasted and answers with living data', async () => {
    const [query] = await server.until(/\{ workRequest\(.*\}/);
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    expect(await response.json()).toEqual({
      data: {
        workRequest: {
          status: expect.stringMatching(/^[A-Z_]+$/),
          percentComplete: expect.any(Number),
          operationType: expect.any(String),
          service: { title: 'HeatWave' },
          resources: expect.arrayContaining([
            { entityType: expect.any(String), identifier: expect.any(String) },
          ]),
          logs: { nodes: expect.any(Array) },
        },
      },
      extensions: { cost: { estimated: 2, actual: 2 } },
    });
  });

  test('has nothing to warn of over demo data', () => {
    expect(server.err()).not.toMatch(/"level":[4-6]0/);
  });

  test('over another upstream it says where that is, and what to know about it, after the banner', async () => {
    const template = `${emulatorUrl}/{region}/{package}`;
    const { configFile } = writeProfile('elsewhere');
    const other = run({
      PORT: '0',
      UPSTREAM: 'oci',
      OCI_CONFIG_FILE: configFile,
      OCI_ENDPOINT_TEMPLATE: template,
    });
    await other.until(/Regions {6}us-ashburn-1\n/);
    expect(other.out()).toContain(`  Upstream     ${template}   (OCI_ENDPOINT_TEMPLATE)\n`);
    expect(other.out()).not.toContain('Oracle Cloud\n  Regions');
    other.child.kill('SIGTERM');
    expect(await other.ended).toBe(0);
    expect(other.err()).toMatch(/^\{"level":40,.*"CURSOR_SECRET is not set: .*"\}$/m);
  });

  test.each([
    ['eu-frankfurt-1,ap-tokyo-1', true],
    ['ap-tokyo-1', false],
  ])('with OCI_REGIONS=%s it prints a query only if it can be answered', async (regions, isPrinted) => {
    const other = run({ PORT: '0', EMULATOR_PORT: '0', LOG_LEVEL: 'silent', OCI_REGIONS: regions });
    const [, otherUrl = ''] = await other.until(/GraphQL +(http:\S+)\/graphql[\s\S]*Emulator.*\n/);
    const [query] = /\{ workRequest\(.*\}/.exec(other.out()) ?? [];
    expect(query !== undefined).toBe(isPrinted);
    if (query !== undefined) {
      const response = await fetch(`${otherUrl}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      });
      expect(await response.json()).toMatchObject({
        data: { workRequest: { operationType: 'CREATE_DBSYSTEM' } },
      });
    }
    other.child.kill('SIGTERM');
    expect(await other.ended).toBe(0);
  });

  test('its emulator takes signatures of the key in EMULATOR_PUBLIC_KEY_FILE besides its own', async () => {
    const { configFile } = writeProfile('second', privateKey);
    const { code, out, err } = await runOut(
      {
        UPSTREAM: 'oci',
        OCI_CONFIG_FILE: configFile,
        OCI_ENDPOINT_TEMPLATE: `${emulatorUrl}/{region}/{package}`,
      },
      ['--check-config', '--probe'],
    );
    expect([code, err]).toEqual([0, expect.not.stringContaining('NotAuthenticated')]);
    expect(out).toContain('Oracle Cloud answered');
  });

  test.each(['PORT', 'METRICS_PORT', 'EMULATOR_PORT'])('says so when %s is taken', async (name) => {
    const taken = new URL(url).port;
    const { code, err } = await runOut({ PORT: '0', EMULATOR_PORT: '0', [name]: taken });
    expect(code).toBe(1);
    expect(err).toContain(`127.0.0.1:${taken}`);
    expect(err).toContain(name);
    expect(err).not.toMatch(/^ +at /m);
  });

  test('ends with code 0 on SIGTERM, although somebody subscribes', async () => {
    const id = /workRequest\(id: "([^"]+)"/.exec(server.out())?.[1];
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    const events = client.iterate<{ workRequest: { type: string } }>({
      query: 'subscription($id: ID!) { workRequest(id: $id) { type } }',
      variables: { id },
    });
    expect((await events.next()).value?.data?.workRequest.type).toBe('SNAPSHOT');
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    await expect(
      (async () => {
        for await (const event of events) void event;
      })(),
    ).rejects.toMatchObject({ code: 1012 });
    expect(server.err()).not.toMatch(/"level":(50|60)/);
  });
});

test('a signal while it still starts ends it at once, as it would a program that handles none', async () => {
  const configFile = join(folder, 'pipe');
  execFileSync('mkfifo', [configFile]);
  const starting = run({ UPSTREAM: 'oci', OCI_CONFIG_FILE: configFile, PORT: '0' });
  // Opens when it begins to read; Node does not end before that read does.
  const writer = await open(configFile, 'w');
  starting.child.kill('SIGTERM');
  await writer.close();
  expect(await starting.ended).toBe(128 + constants.signals.SIGTERM);
  expect(starting.err()).toBe('');
});

test('npm passes SIGTERM on: nothing is left running that a supervisor would not know of', async () => {
  const started = run({ PORT: '0', EMULATOR_PORT: '0' }, [], ['npm', 'start']);
  const [, url = ''] = await started.until(/GraphQL +(http:\S+)\/graphql/);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  started.child.kill('SIGTERM');
  expect(await started.ended).toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

describe('a wrong configuration', () => {
  test('is told whole, in one go, and ends with 78', async () => {
    const { code, out, err } = await runOut({
      PORT: '65536',
      UPSTREAM: 'aws',
      OCI_REGIONS: 'ashburn',
      OCI_ENDPOINT_TEMPLATE: 'file:///etc/passwd',
      READ_ONLY: 'maybe',
      CURSOR_SECRET: 'short-canary',
      ALLOWED_ORIGINS: 'evil.example',
      UPSTREAM_DEADLINE_MS: '1e3',
    });
    expect([code, out]).toEqual([78, '']);
    for (const name of [
      'PORT',
      'UPSTREAM',
      'OCI_REGIONS',
      'OCI_ENDPOINT_TEMPLATE',
      'READ_ONLY',
      'CURSOR_SECRET',
      'ALLOWED_ORIGINS',
      'UPSTREAM_DEADLINE_MS',
    ]) {
      expect(err).toMatch(new RegExp(`^  - ${name} `, 'm'));
    }
    expect(err).toMatch(/^The configuration has 8 problems:$/m);
    expect(err).not.toContain('canary');
    expect(err).not.toMatch(/^ +at /m);
  });

  test.each([
    ['a flag beside one that there is not', {}, ['--print-config', '--x'], /'--x'[\s\S]*Usage: npm start/],
    ['a flag that there is not', {}, ['--chek-config'], /--chek-config[\s\S]*Usage: npm start/],
    ['an argument that there is not', {}, ['emulator'], /emulator[\s\S]*Usage: npm start/],
    [
      'a config file that is not there',
      { UPSTREAM: 'oci', OCI_CONFIG_FILE: '/nowhere/config' },
      [],
      /\/nowhere\/config/,
    ],
    [
      'a host that there is not',
      { HOST: 'no-such-host.invalid' },
      [],
      /HOST: cannot listen on no-such-host\.invalid, /,
    ],
    [
      'an address that lets in whoever gets there',
      { HOST: '0.0.0.0', PORT: 'x' },
      ['--check-config'],
      /2 problems:\n {2}- PORT must be .*\n {2}- HOST: 0\.0\.0\.0 lets other machines in/,
    ],
    [
      'trusted documents that do not fit the schema, beside what else is wrong',
      { PORT: 'x', TRUSTED_DOCUMENTS_FILE: untrustedFile, MAX_DEPTH: '1' },
      ['--check-config'],
      /5 problems:[^]*TRUSTED_DOCUMENTS_FILE: the document "a": Cannot query field "nothing"[^]*the document "b": Syntax Error[^]*the document "c": The operation has more than 1 levels[^]*the document "d": The operation has more than 1 levels/,
    ],
    [
      'trusted documents that are not there',
      { PORT: '0', EMULATOR_PORT: '0', TRUSTED_DOCUMENTS_FILE: 'nowhere.json' },
      [],
      /TRUSTED_DOCUMENTS_FILE: nowhere\.json cannot be read \(ENOENT\)\./,
    ],
    [
      'an address of another machine',
      { HOST: '192.0.2.1' },
      ['--check-config'],
      /HOST: cannot listen on 192\.0\.2\.1, this machine has no such address\./,
    ],
    [
      'an address of another machine for /metrics',
      { METRICS_PORT: '0', METRICS_HOST: '192.0.2.1' },
      ['--check-config'],
      /METRICS_HOST: cannot listen on 192\.0\.2\.1, this machine has no such address\./,
    ],
    [
      'a public key that is none',
      { EMULATOR_PORT: '0', PORT: '0', EMULATOR_PUBLIC_KEY_FILE: 'package.json' },
      [],
      /EMULATOR_PUBLIC_KEY_FILE/,
    ],
    ['regions that Oracle does not have', { OCI_REGIONS: 'us-nowhere-1,eu-frankfurt-1' }, [], /us-nowhere-1/],
  ] as const)('%s ends with 78 and a sentence', async (_name, env, args, says) => {
    const { code, err } = await runOut(env, args);
    expect(err).toMatch(says);
    expect(err).not.toMatch(/^ +at /m);
    expect(code).toBe(78);
  });
});

describe('problems of any kind are told together:', () => {
  test.each([[[]], [['--check-config']]])('Oracle Cloud (%j)', async (args) => {
    const { configFile, keyFile } = writeProfile(`mixed${args.length}`);
    writeFileSync(
      keyFile,
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    );
    const { code, out, err } = await runOut(
      {
        PORT: 'abc',
        HOST: 'no-such-host.invalid',
        UPSTREAM: 'oci',
        OCI_CONFIG_FILE: configFile,
        OCI_REGIONS: 'us-ashburn-1,xx-nowhere-1',
        OCI_HOME_REGION: 'xx-nowhere-2',
        OCI_REGION_METADATA: '{',
      },
      args,
    );
    expect([code, out]).toEqual([78, '']);
    expect(err).toMatch(/^The configuration has 6 problems:$/m);
    for (const problem of [
      /^ {2}- PORT must be/m,
      /^ {2}- HOST: cannot listen on no-such-host\.invalid/m,
      /^ {2}- OCI_REGION_METADATA is not JSON/m,
      /^ {2}- Region xx-nowhere-1 \(OCI_REGIONS\) is not known/m,
      /^ {2}- Region xx-nowhere-2 \(OCI_HOME_REGION\) is not known/m,
      /^ {2}- profile DEFAULT of .* has fingerprint .*belongs to another key/m,
    ])
      expect(err).toMatch(problem);
  });

  test('the emulator', async () => {
    const { code, err } = await runOut({
      PORT: '4001',
      EMULATOR_PUBLIC_KEY_FILE: 'package.json',
      OCI_REGIONS: 'xx-nowhere-1',
    });
    expect(err).toMatch(/^The configuration has 3 problems:$/m);
    expect(err).toMatch(/^ {2}- PORT and EMULATOR_PORT are both 4001/m);
    expect(err).toMatch(/^ {2}- EMULATOR_PUBLIC_KEY_FILE: package\.json/m);
    expect(err).toMatch(/^ {2}- Region xx-nowhere-1/m);
    expect(code).toBe(78);
  });

  test.each([
    [['--bogus'], /^ {2}- There is no argument '--bogus'\. Usage: npm start/m],
    [['emulator', '--bogus'], /^ {2}- There is no argument 'emulator', '--bogus'\. Usage: npm start/m],
    [['--probe'], /^ {2}- --probe goes with --check-config\.$/m],
  ])('the arguments %j', async (args, told) => {
    const { code, out, err } = await runOut({ PORT: 'x', HOST: '192.0.2.1' }, args);
    expect([code, out]).toEqual([78, '']);
    expect(err).toMatch(/^The configuration has 3 problems:$/m);
    expect(err).toMatch(told);
    expect(err).toMatch(/^ {2}- PORT must be/m);
    expect(err).toMatch(/^ {2}- HOST: cannot listen on 192\.0\.2\.1/m);
  });

  test.each([
    ['a fingerprint of another key', /^fingerprint=.*$/m, 'fingerprint=aa:bb', /has fingerprint aa:bb/],
    ['a key file that is missing', /^key_file=.*$/m, '', /has no key_file/],
    ['a session', /$/, '\nsecurity_token_file=package.json', /OCI_AUTH=session_token/],
  ])('%s beside a region that Oracle does not have', async (name, line, instead, told) => {
    const { configFile } = writeProfile(`mars ${name}`);
    const profile = readFileSync(configFile, 'utf8').trimEnd();
    writeFileSync(configFile, profile.replace(line, instead).replace(/^region=.*$/m, 'region=mars-1'));
    const { code, err } = await runOut({ UPSTREAM: 'oci', OCI_CONFIG_FILE: configFile }, ['--check-config']);
    expect(err).toMatch(/^The configuration has 2 problems:$/m);
    expect(err).toMatch(told);
    expect(err).toMatch(/^ {2}- Region mars-1 \(the credential\) is not known/m);
    expect(code).toBe(78);
  });

  test('what follows from another problem is not told', async () => {
    const { err } = await runOut({ UPSTREAM: 'oci', OCI_AUTH: 'api_key', OCI_REGIONS: 'ashburn' });
    expect(err).toMatch(/^The configuration has 2 problems:\n {2}- OCI_AUTH .*\n {2}- OCI_REGIONS .*\n$/);
  });
});

describe('--help', () => {
  test('tells options, the first variables and exit codes', async () => {
    const { code, out, err } = await runOut({ PORT: 'x' }, ['--help']);
    expect([code, err]).toEqual([0, '']);
    for (const word of [
      '--check-config',
      '--probe',
      'UPSTREAM',
      'OCI_REGIONS',
      'docs/operations.md',
      'Exit codes: 0 ',
      ' 1 ',
      ' 78 ',
    ])
      expect(out).toContain(word);
  });

  test('whoever reads only its beginning ends it without an error', async () => {
    const { child, ended, err } = run({}, ['--help']);
    child.stdout?.destroy();
    expect([await ended, err()]).toEqual([0, '']);
  });
});

describe('--check-config', () => {
  let emulator: Emulator;
  let env: Readonly<Record<string, string>>;
  let template: string;
  beforeAll(async () => {
    const { publicKey, configFile } = writeDemoProfile(join(folder, 'demo'));
    emulator = createEmulator({ publicKeys: [publicKey], samples: false });
    const { url } = await emulator.start(0);
    template = `${url}/{region}/{package}`;
    env = {
      UPSTREAM: 'oci',
      OCI_CONFIG_FILE: configFile,
      OCI_ENDPOINT_TEMPLATE: template,
      CURSOR_SECRET: 'a secret of the tests alone',
    };
  });
  afterAll(() => emulator.stop());
  const probe = (more: Readonly<Record<string, string>> = {}): ReturnType<typeof runOut> =>
    runOut({ ...env, ...more }, ['--check-config', '--probe']);

  test('says that all is fine, listens nowhere and asks nobody', async () => {
    const { code, out, err } = await runOut({ ...env, PORT: '1' }, ['--check-config']);
    expect([code, out, err]).toEqual([0, 'The configuration is fine.\n', '']);
    expect(emulator.totalCalls()).toBe(0);
  });

  test('says in a sentence what is worth knowing', async () => {
    const { code, out, err } = await runOut({ ...env, CURSOR_SECRET: '' }, ['--check-config']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^The configuration is fine\.\nCURSOR_SECRET is not set: .*\.\n$/);
  });

  test('says what a policy names in vain, which is no mistake', async () => {
    const policy = join(folder, 'idle.yaml');
    writeFileSync(
      policy,
      'version: 1\nrules: [{ when: anyone, allow: [read], compartments: all, regions: [eu-paris-1] }]',
    );
    const { code, out, err } = await runOut(
      {
        ...env,
        AUTH: 'jwt',
        AUTH_ISSUER: 'https://id.example.com/',
        AUTH_AUDIENCE: 'gateway',
        AUTH_JWKS_URL: 'https://id.example.com/keys',
        AUTH_POLICY_FILE: policy,
        METRICS_PORT: '0',
      },
      ['--check-config'],
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^The configuration is fine\.\n/);
    expect(out).toContain(
      `\nAUTH_POLICY_FILE: ${policy}: rules[0].regions: nothing that it allows is in eu-paris-1. This gateway asks in us-ashburn-1 (OCI_REGIONS), and for IAM in us-ashburn-1 (OCI_HOME_REGION).\n`,
    );
  });

  test('of the demo looks at no port that a running gateway has, and probes an emulator of its own', async () => {
    const { port } = new URL(template.split('/{')[0] ?? '');
    const taken = { PORT: '0', EMULATOR_PORT: port };
    expect(await runOut(taken, ['--check-config'])).toEqual({
      code: 0,
      out: 'The configuration is fine.\n',
      err: '',
    });
    const { code, out } = await runOut(taken, ['--check-config', '--probe']);
    expect(out).toMatch(/^The configuration is fine\.\nThe emulator answered: /);
    expect(code).toBe(0);
  });

  test('makes one signed call with --probe, and says who answered', async () => {
    const { code, out } = await probe();
    expect(out).toMatch(/^Oracle Cloud answered: http.*\/us-ashburn-1\/identity\//m);
    expect(out).toMatch(/Tenancy ocid1\.tenancy\.oc1\.\.\S+, home region us-ashburn-1\./);
    expect(code).toBe(0);
    expect(emulator.calls()).toHaveLength(1);
  });

  test('explains a key that Oracle does not know', async () => {
    const { configFile } = writeProfile('stranger');
    const { code, out, err } = await probe({ OCI_CONFIG_FILE: configFile });
    expect(code).toBe(1);
    expect(out).not.toContain('Oracle Cloud answered');
    expect(err).toMatch(
      /\(IDENTITY\) in us-ashburn-1 answered 401 NotAuthenticated.*check its key, user and tenancy/,
    );
    expect(err).not.toMatch(/^ +at /m);
  });

  test.each([
    [
      'a clock that is wrong',
      { status: 401, headers: { date: 'Thu, 01 Jan 2026 00:00:00 GMT' } },
      /clock here is \d+ minutes ahead of theirs.*set the clock/,
    ],
    ['a policy that is missing', { status: 404 }, /404 NotAuthorizedOrNotFound[\s\S]*policy/],
    ['a right that is missing', { status: 403 }, /403 NotAuthorized[\s\S]*policy/],
    ['a service in trouble', { status: 503 }, /503[\s\S]*(later|again)/i],
  ] as const)('explains %s', async (_name, fault, says) => {
    emulator.addFault({ service: 'IDENTITY', ...fault });
    const { code, err } = await probe();
    emulator.clearFaults();
    expect(err).toMatch(says);
    expect(err).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
  });

  test('explains that nothing is there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const { code, err } = await probe({
      OCI_ENDPOINT_TEMPLATE: `http://127.0.0.1:${port}/{region}/{package}`,
    });
    expect(err).toMatch(
      /cannot be reached \(ECONNREFUSED\)[\s\S]*(route|proxy|firewall|OCI_ENDPOINT_TEMPLATE)/i,
    );
    expect(code).toBe(1);
  });
});

/** A profile in the format of `~/.oci/config`, whose key is this one or nobody's. */
function writeProfile(
  name: string,
  key?: KeyObject,
): { readonly configFile: string; readonly keyFile: string } {
  if (key !== undefined) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'key.pem'), key.export({ type: 'pkcs8', format: 'pem' }));
  }
  const { configFile } = writeDemoProfile(join(folder, name));
  return { configFile, keyFile: join(folder, name, 'key.pem') };
}
