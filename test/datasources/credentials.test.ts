import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '../../clock.ts';
import { createCredentialSource, createFixedCredential } from '../../datasources/credentials.ts';
import type { AuthKind, CredentialOptions } from '../../datasources/credentials.ts';
import type { CredentialSource } from '../../datasources/signer.ts';
import { CredentialError } from '../../datasources/profile.ts';
import { fingerprintOf } from '../../datasources/token.ts';
import { GatewayError } from '../../errors.ts';
import { createManualClock } from '../support/clock.ts';
import type { ManualClock } from '../support/clock.ts';
import { answerJson, listen, portOf, startUpstreamDouble, stop } from '../support/upstream-double.ts';

const require = createRequire(import.meta.url);
/** The certificate tool-kit that oci-common itself brings along. */
const sshpk = createRequire(require.resolve('oci-common'))('sshpk') as {
  parsePrivateKey(pem: string, format: string): unknown;
  identityFromDN(dn: string): unknown;
  identityForHost(host: string): unknown;
  createSelfSignedCertificate(subject: unknown, key: unknown): { toString(format: string): string };
};

const tenancy = 'ocid1.tenancy.oc1..tttt';
const first = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const second = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs1', format: 'pem' }).toString();
const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.from('signature').toString('base64url')}`;
}

let folder = '';
const cleanUps: (() => unknown)[] = [];
const environmentBefore = { ...process.env };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'));
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  process.env = { ...environmentBefore };
  await rm(folder, { recursive: true });
});

async function put(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

const profileLines = (keyFile: string, more: readonly string[] = [], key = first): string[] => [
  '[DEFAULT]',
  `tenancy = ${tenancy}`,
  'user=ocid1.user.oc1..uuuu',
  `fingerprint=${fingerprintOf(key)}`,
  'region=eu-frankfurt-1',
  `key_file=${keyFile}`,
  ...more,
];

async function open(auth: AuthKind, options: Partial<CredentialOptions> = {}): Promise<CredentialSource> {
  return createCredentialSource({
    auth,
    clock: systemClock,
    configFile: join(folder, 'config'),
    environment: process.env,
    ...options,
  });
}

async function problemOf(auth: AuthKind, options: Partial<CredentialOptions> = {}): Promise<string> {
  const error: unknown = await open(auth, options).then(
    () => new Error('it opened'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GatewayError);
  return `${(error as Error).message} ${String((error as Error).cause ?? '')}`;
}

function isSameKey(key: KeyObject | undefined, expected: KeyObject): boolean {
  const der = (each: KeyObject): string =>
    createPublicKey(pemOf(each)).export({ type: 'spki', format: 'der' }).toString('hex');
  return key !== undefined && der(key) === der(expected);
}

describe('config_file', () => {
  test('reads a profile', async () => {
    await put('config', profileLines(await put('key.pem', pemOf(first))).join('\n'));
    const source = await open('config_file');
    expect(source).toMatchObject({ id: `${tenancy}/ocid1.user.oc1..uuuu`, region: 'eu-frankfurt-1' });
    const credential = await source.current();
    expect(credential).toMatchObject({
      keyId: `${tenancy}/ocid1.user.oc1..uuuu/${fingerprintOf(first)}`,
      tenancyId: tenancy,
      expiresAt: null,
    });
    expect(isSameKey(credential.key, first)).toBe(true);
  });

  test('inherits from DEFAULT what the profile leaves out', async () => {
    const lines = profileLines(await put('key.pem', pemOf(first)), [
      '# comment',
      '',
      '[OTHER]',
      'user=ocid1.user.oc1..other',
    ]);
    await put('config', lines.join('\r\n'));
    const source = await open('config_file', { profile: 'OTHER' });
    expect((await source.current()).keyId).toBe(`${tenancy}/ocid1.user.oc1..other/${fingerprintOf(first)}`);
  });

  test.each([
    ['PKCS#8', first.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pässword' })],
    ['PKCS#1', first.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'pässword' })],
  ])('opens an encrypted key (%s) with pass_phrase', async (_what, pem) => {
    await put(
      'config',
      profileLines(await put('key.pem', pem.toString()), ['pass_phrase=pässword']).join('\n'),
    );
    expect(isSameKey((await (await open('config_file')).current()).key, first)).toBe(true);
  });

  test.each([
    ['no file', async () => undefined, /config cannot be read \(there is no such file\).*OCI_CONFIG_FILE/],
    [
      'no such profile',
      async () => put('config', '[A]\nx=1\n[B]\nx=1'),
      /no profile DEFAULT, only A, B.*OCI_CONFIG_PROFILE/,
    ],
    ['an empty file', async () => put('config', ''), /no profile DEFAULT/],
    [
      'parts missing',
      async () => put('config', '[DEFAULT]\ntenancy=a\nkey_file=b'),
      /profile DEFAULT of .*config has no user, no fingerprint\./,
    ],
    [
      'a line that is none',
      async () => put('config', '[DEFAULT]\nCANARY-secret\n'),
      /config, line 2: neither/,
    ],
    [
      'no key file',
      async () => put('config', profileLines('/nowhere/key.pem').join('\n')),
      /\/nowhere\/key\.pem cannot be read.*key_file of profile DEFAULT/,
    ],
    [
      'a key that is none',
      async () => put('config', profileLines(await put('k', 'CANARY')).join('\n')),
      /\/k \(key_file.*not a private key in PEM/,
    ],
    [
      'no region',
      async () =>
        put(
          'config',
          profileLines(await put('k', pemOf(first)))
            .filter((line) => !line.startsWith('region'))
            .join('\n'),
        ),
      /has no region/,
    ],
    [
      'an encrypted key without pass_phrase',
      async () =>
        put(
          'config',
          profileLines(
            await put(
              'k',
              first
                .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'CANARY' })
                .toString(),
            ),
          ).join('\n'),
        ),
      /encrypted: set pass_phrase/,
    ],
    [
      'a wrong pass_phrase',
      async () =>
        put(
          'config',
          profileLines(
            await put(
              'k',
              first
                .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
                .toString(),
            ),
            ['pass_phrase=CANARY'],
          ).join('\n'),
        ),
      /wrong pass_phrase/,
    ],
    [
      'a key of another kind',
      async () =>
        put(
          'config',
          profileLines(
            await put(
              'k',
              generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
            ),
          ).join('\n'),
        ),
      /not an RSA key/,
    ],
    [
      'a session',
      async () =>
        put(
          'config',
          profileLines(await put('k', pemOf(first)), [
            `security_token_file=${await put('t', 'CANARY')}`,
          ]).join('\n'),
        ),
      /OCI_AUTH=session_token/,
    ],
  ])('says what to do about %s, without the secret', async (_what, prepare, expected) => {
    await prepare();
    const message = await problemOf('config_file');
    expect(message).toMatch(expected);
    expect(message).not.toContain('CANARY');
  });

  test('tells a key that is not of the fingerprint, with profile, file and both fingerprints', async () => {
    const keyFile = await put('key.pem', pemOf(second));
    await put('config', profileLines(keyFile).join('\n'));
    expect(await problemOf('config_file')).toContain(
      `profile DEFAULT of ${join(folder, 'config')} has fingerprint ${fingerprintOf(first)}, but its key_file ${keyFile} has ${fingerprintOf(second)}: one of them belongs to another key.`,
    );
    await expect(open('config_file', { acceptsAnyFingerprint: true })).resolves.toBeDefined();
    await put(
      'config',
      profileLines(keyFile, [], second)
        .join('\n')
        .replace(/^fingerprint=.*$/m, (line) => line.toUpperCase().replace('FINGERPRINT', 'fingerprint')),
    );
    await expect(open('config_file')).resolves.toBeDefined();
  });

  test('says nothing on the console of a profile beside which there is no DEFAULT, in a region that is new', async () => {
    const said = (['info', 'warn'] as const).map((level) =>
      jest.spyOn(console, level).mockImplementation(() => undefined),
    );
    cleanUps.push(() => said.forEach((spy) => spy.mockRestore()));
    const lines = profileLines(await put('key.pem', pemOf(first))).join('\n');
    await put('config', lines.replace('DEFAULT', 'OTHER').replace('eu-frankfurt-1', 'xx-neverland-1'));
    expect((await open('config_file', { profile: 'OTHER' })).region).toBe('xx-neverland-1');
    for (const spy of said) expect(spy).not.toHaveBeenCalled();
  });

  test('tells all that is wrong with a profile at once', async () => {
    const lines = profileLines('/nowhere/key.pem', ['security_token_file=/nowhere/token']);
    await put('config', lines.filter((line) => !/^(tenancy|region)/.test(line)).join('\n'));
    const error: unknown = await open('config_file', { environment: {} }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CredentialError);
    expect((error as CredentialError).problems).toEqual([
      expect.stringMatching(/has no tenancy\.$/),
      expect.stringMatching(/has no region:.*OCI_REGION/),
      expect.stringMatching(/^\/nowhere\/token cannot be read.*security_token_file/),
      expect.stringMatching(/^\/nowhere\/key\.pem cannot be read.*key_file/),
    ]);
  });

  test('picks up a new key without a restart, and keeps the old one while files are half written', async () => {
    const clock = createManualClock(Date.now());
    const problems: unknown[] = [];
    const keyFile = await put('key.pem', pemOf(first));
    const config = await put('config', profileLines(keyFile).join('\n'));
    const source = await open('config_file', { clock, onProblem: (error) => problems.push(error) });
    const before = source.current();
    await put('key.pem', pemOf(second).slice(0, 100));
    expect(source.current()).toBe(before);
    await clock.advance(2_000);
    expect(await source.current()).toBe(before);
    expect(problems).toHaveLength(1);
    // Whole, but not the key of the fingerprint that the profile still names.
    await put('key.pem', pemOf(second));
    await clock.advance(2_000);
    expect(await source.current()).toBe(before);
    expect(String(problems[1])).toContain('belongs to another key');
    await writeFile(config, profileLines(keyFile, [], second).join('\n'));
    await clock.advance(2_000);
    const after = await source.current();
    expect(problems).toHaveLength(2);
    expect(after.keyId).toBe(`${tenancy}/ocid1.user.oc1..uuuu/${fingerprintOf(second)}`);
    expect(isSameKey(after.key, second)).toBe(true);
    expect(source.current()).toBe(after);
  });

  test('reads anew after a 401, once for all who ask, and not again within five seconds', async () => {
    const clock = createManualClock(Date.now());
    await put('config', profileLines(await put('key.pem', pemOf(first))).join('\n'));
    const source = await open('config_file', { clock });
    const refused = await source.current();
    await put('config', profileLines(await put('key.pem', pemOf(second)), [], second).join('\n'));
    const [one, two] = await Promise.all([source.refresh?.(refused), source.refresh?.(refused)]);
    expect(isSameKey(one?.key, second)).toBe(true);
    expect(two).toBe(one);
    expect(await source.refresh?.(refused)).toBe(one);
    expect(one && (await source.refresh?.(one))).toBeNull();
    await clock.advance(5_000);
    expect(one && (await source.refresh?.(one))).not.toBeNull();
  });
});

describe('session_token', () => {
  async function putSession(token: string): Promise<string> {
    const tokenFile = await put('token', `${token}\n`);
    const lines = profileLines(await put('key.pem', pemOf(first)), [`security_token_file=${tokenFile}`]);
    await put('config', lines.filter((line) => !line.startsWith('user')).join('\n'));
    return tokenFile;
  }

  test('signs with the token, and takes a new one that "oci session refresh" wrote', async () => {
    const clock = createManualClock(Date.now());
    const token = jwt({ exp: secondsFromNow(3_600) });
    const tokenFile = await putSession(token);
    const source = await open('session_token', { clock });
    expect(await source.current()).toMatchObject({ keyId: `ST$${token}`, tenancyId: tenancy });
    const renewed = jwt({ exp: secondsFromNow(7_200) });
    await writeFile(tokenFile, renewed);
    await utimes(tokenFile, new Date(), new Date(Date.now() + 5_000));
    await clock.advance(2_000);
    expect((await source.current()).keyId).toBe(`ST$${renewed}`);
  });

  test("refreshes a token that is about to end, at the region's auth service", async () => {
    const renewed = jwt({ exp: secondsFromNow(3_600) });
    let body = '';
    const double = await startUpstreamDouble((request, response) => {
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => answerJson(response, 200, { token: renewed }));
    });
    // The provider has no setting for this host, so its way there is bent.
    const realFetch = globalThis.fetch;
    globalThis.fetch = (url, init) =>
      realFetch(String(url).replace('https://auth.eu-frankfurt-1.oraclecloud.com', double.origin), init);
    cleanUps.push(double.close, () => (globalThis.fetch = realFetch));
    const clock = createManualClock(Date.now());
    const old = jwt({ exp: secondsFromNow(60) });
    await putSession(old);
    const source = await open('session_token', { clock });
    await clock.advance(2_000);
    expect((await source.current()).keyId).toBe(`ST$${renewed}`);
    expect(double.received).toMatchObject([{ method: 'POST', url: '/v1/authentication/refresh' }]);
    expect(JSON.parse(body)).toEqual({ currentToken: old });
    expect(double.received[0]?.headers.authorization).toContain(`keyId="ST$${old}"`);
  });

  test('keeps the old token when the refresh fails, and tells', async () => {
    const double = await startUpstreamDouble((_request, response) =>
      answerJson(response, 500, { message: 'CANARY' }),
    );
    const realFetch = globalThis.fetch;
    globalThis.fetch = (_url, init) => realFetch(double.origin, init);
    cleanUps.push(double.close, () => (globalThis.fetch = realFetch));
    const clock = createManualClock(Date.now());
    const problems: unknown[] = [];
    const old = jwt({ exp: secondsFromNow(60) });
    await putSession(old);
    const source = await open('session_token', { clock, onProblem: (error) => problems.push(error) });
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(2_000);
      expect((await source.current()).keyId).toBe(`ST$${old}`);
    }
    expect(double.received).toHaveLength(1);
    expect(problems).toEqual([
      expect.objectContaining({ message: expect.stringContaining('oci session authenticate') }),
    ]);
    expect(String(problems[0])).not.toContain(old);
  });

  test('says what to do about a profile that is no session', async () => {
    await put('config', profileLines(await put('key.pem', pemOf(first))).join('\n'));
    expect(await problemOf('session_token')).toMatch(/no security_token_file.*oci session authenticate/);
  });
});

describe('instance_principal', () => {
  const certify = (dn: string, key: KeyObject): string =>
    sshpk
      .createSelfSignedCertificate(sshpk.identityFromDN(dn), sshpk.parsePrivateKey(pemOf(key), 'pem'))
      .toString('pem');

  async function startStandIns(
    lifetimes: number[],
  ): Promise<{ options: Partial<CredentialOptions>; asked: string[]; tokens: string[] }> {
    const leaf = certify(`CN=instance, OU=opc-tenant:${tenancy}`, first);
    const intermediate = certify('CN=intermediate', second);
    const asked: string[] = [];
    const tokens: string[] = [];
    const double = await startUpstreamDouble((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.method === 'POST') {
        tokens.push(
          jwt({
            exp: secondsFromNow(lifetimes[tokens.length] ?? 3_600),
            tenant: tenancy,
            jti: String(tokens.length),
          }),
        );
        answerJson(response, 200, { token: tokens.at(-1) });
        return;
      }
      const files: Record<string, string> = {
        '/opc/v2/identity/cert.pem': leaf,
        '/opc/v2/identity/key.pem': pemOf(first),
        '/opc/v2/identity/intermediate.pem': intermediate,
        '/opc/v2/instance/region': 'fra',
      };
      const text = request.headers.authorization === 'Bearer Oracle' ? files[request.url ?? ''] : undefined;
      response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/plain' }).end(text);
    });
    cleanUps.push(double.close);
    return {
      options: { metadataBaseUrl: `${double.origin}/opc/v2`, federationEndpoint: double.origin },
      asked,
      tokens,
    };
  }

  test('gets a certificate from the metadata service and a token for it from the federation endpoint', async () => {
    const { options, asked, tokens } = await startStandIns([]);
    const source = await open('instance_principal', options);
    expect(await source.current()).toMatchObject({
      keyId: `ST$${tokens[0]}`,
      tenancyId: tenancy,
      expiresAt: expect.any(Number),
    });
    expect(source.id).toBe(`${tenancy}/instance`);
    expect(asked).toContain('POST /v1/x509');
    expect(asked).toContain('GET /opc/v2/identity/key.pem');
  });

  test('renews the token before it ends, with a key of its own', async () => {
    const { options, tokens } = await startStandIns([120]);
    const clock = createManualClock(Date.now());
    const source = await open('instance_principal', { ...options, clock });
    const before = await source.current();
    await clock.advance(2_000);
    const after = await source.current();
    expect([before.keyId, after.keyId]).toEqual(tokens.map((token) => `ST$${token}`));
    expect(isSameKey(after.key, before.key)).toBe(false);
  });

  test('renews it after a 401', async () => {
    const { options, tokens } = await startStandIns([]);
    const source = await open('instance_principal', options);
    const renewed = await source.refresh?.(await source.current());
    expect(renewed?.keyId).toBe(`ST$${tokens[1]}`);
  });

  test('where the metadata service has no certificate, the message is whole', async () => {
    const double = await startUpstreamDouble(({ url }, response) =>
      response.end(url?.endsWith('/region') ? 'fra' : '<html>a proxy</html>'),
    );
    cleanUps.push(double.close);
    const message = await problemOf('instance_principal', { metadataBaseUrl: `${double.origin}/` });
    expect(message).toMatch(/^Instance principals work on OCI compute instances only;.*\([^()…]+\)\. $/);
  });

  test('where something else answers in place of the metadata service, its region is not told as undefined', async () => {
    const double = await startUpstreamDouble((_request, response) => response.end('<html>a proxy</html>'));
    cleanUps.push(double.close);
    const message = await problemOf('instance_principal', { metadataBaseUrl: double.origin });
    expect(message).toBe(
      `Instance principals work on OCI compute instances only; the metadata service is asked at ${double.origin}/, and what answered there named no region that is known, so it may be another server. `,
    );
  });

  test('off a compute instance says where it looked', async () => {
    const double = await startUpstreamDouble(() => undefined);
    await double.close();
    expect(
      await problemOf('instance_principal', {
        metadataBaseUrl: double.origin,
        federationEndpoint: double.origin,
      }),
    ).toMatch(/compute instances only.*127\.0\.0\.1/);
  });

  test('acts for a user where the profile says so (Cloud Shell)', async () => {
    const { options } = await startStandIns([]);
    const token = await put('delegation', 'delegation\n.token\n');
    await put(
      'config',
      [
        '[DEFAULT]',
        `tenancy=${tenancy}`,
        'region=eu-frankfurt-1',
        'authentication_type=instance_principal',
        `delegation_token_file=${token}`,
      ].join('\n'),
    );
    const source = await open('config_file', options);
    expect(await source.current()).toMatchObject({ delegationToken: 'delegation.token', tenancyId: tenancy });
    expect(source.region).toBe('eu-frankfurt-1');
  });
});

describe('resource_principal', () => {
  const setEnvironment = (rpst: string, pem: string): void => {
    const values = { VERSION: '2.2', RPST: rpst, PRIVATE_PEM: pem, REGION: 'fra' };
    for (const [name, value] of Object.entries(values)) process.env[`OCI_RESOURCE_PRINCIPAL_${name}`] = value;
  };

  test('is taken from the environment itself', async () => {
    const token = jwt({ exp: secondsFromNow(3_600), res_tenant: tenancy });
    setEnvironment(token, pemOf(first));
    const source = await open('resource_principal');
    expect(source).toMatchObject({ id: `${tenancy}/resource`, region: 'eu-frankfurt-1' });
    const credential = await source.current();
    expect(credential).toMatchObject({ keyId: `ST$${token}`, tenancyId: tenancy });
    expect(isSameKey(credential.key, first)).toBe(true);
  });

  test('is taken from files, and again when the platform replaces them', async () => {
    const clock = createManualClock(Date.now());
    const token = jwt({ exp: secondsFromNow(3_600), res_tenant: tenancy, n: 1 });
    setEnvironment(await put('rpst', token), await put('key.pem', pemOf(first)));
    const source = await open('resource_principal', { clock });
    expect((await source.current()).keyId).toBe(`ST$${token}`);
    const renewed = jwt({ exp: secondsFromNow(7_200), res_tenant: tenancy, n: 22 });
    await put('rpst', renewed);
    await put('key.pem', pemOf(second));
    await clock.advance(2_000);
    const after = await source.current();
    expect(after.keyId).toBe(`ST$${renewed}`);
    expect(isSameKey(after.key, second)).toBe(true);
  });

  test('without its variables names them', async () => {
    process.env['OCI_RESOURCE_PRINCIPAL_VERSION'] = '2.2';
    expect(await problemOf('resource_principal')).toMatch(
      /RPST, OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM, OCI_RESOURCE_PRINCIPAL_REGION/,
    );
  });
});

describe('workload_identity', () => {
  test("gets its token from the cluster, with the pod's service account", async () => {
    const token = jwt({ exp: secondsFromNow(3_600), res_tenant: tenancy });
    const certificate = sshpk
      .createSelfSignedCertificate(
        sshpk.identityForHost('localhost'),
        sshpk.parsePrivateKey(pemOf(second), 'pem'),
      )
      .toString('pem');
    const asked: string[] = [];
    const server = createTlsServer({ key: pemOf(second), cert: certificate }, (request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.end(Buffer.from(JSON.stringify({ token: `ST$${token}` })).toString('base64'));
    });
    await listen(server);
    cleanUps.push(() => stop(server));
    await put('ca.crt', certificate);
    await put('token', 'account-1');
    process.env['KUBERNETES_SERVICE_HOST'] = 'localhost';
    process.env['KUBERNETES_SERVICE_PORT_PROXYMUX'] = String(portOf(server));
    const clock: ManualClock = createManualClock(Date.now());
    const source = await open('workload_identity', { serviceAccountDirectory: folder, clock });
    expect(await source.current()).toMatchObject({ keyId: `ST$${token}`, tenancyId: tenancy });
    await put('token', 'account-22');
    await clock.advance(2_000);
    await source.current();
    expect(asked).toEqual(
      ['account-1', 'account-22'].map((account) => `POST /resourcePrincipalSessionTokens Bearer ${account}`),
    );
  });

  test('outside a cluster says so', async () => {
    delete process.env['KUBERNETES_SERVICE_HOST'];
    expect(await problemOf('workload_identity')).toContain('KUBERNETES_SERVICE_HOST');
  });
});

test('a credential that does not come is given up in time', async () => {
  const double = await startUpstreamDouble(() => undefined);
  cleanUps.push(double.close);
  const message = await problemOf('instance_principal', {
    metadataBaseUrl: double.origin,
    federationEndpoint: double.origin,
    timeoutMs: 50,
  });
  expect(message).toContain('OCI_AUTH=instance_principal: no credential came within 50 ms');
});

test("the emulator's credential needs no file and names its key as Oracle's console would", async () => {
  const source = createFixedCredential({ privateKey: first });
  const { keyId } = await source.current();
  expect(keyId).toBe(`ocid1.tenancy.oc1..emulator/ocid1.user.oc1..emulator/${fingerprintOf(first)}`);
  expect(fingerprintOf(first)).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
});

test('oci-common is not loaded until a credential of Oracle Cloud is asked for', () => {
  const code = `
    await import('./datasources/http.ts');
    await import('./datasources/credentials.ts');
    const { createRequire } = await import('node:module');
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('oci-common'));
    process.stdout.write(String(loaded.length));
  `;
  const root = join(import.meta.dirname, '../..');
  expect(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: root, encoding: 'utf8' }),
  ).toBe('0');
});
