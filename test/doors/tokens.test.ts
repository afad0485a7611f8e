/** Forged, stolen and broken tokens: none gets in, and each is told why as far as that helps only its owner. */
import { createHmac, createSign, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createTokenCallers } from '../../doors/tokens.ts';
import type { Caller, Callers } from '../../doors/callers.ts';
import { GatewayError } from '../../errors.ts';

const issuer = 'https://issuer.example.com/';
const audience = 'oci-work-requests';
const now = Date.UTC(2026, 10, 28);
const seconds = now / 1000;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherEc = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const jwk = (key: KeyObject, more: object): object => ({ ...key.export({ format: 'jwk' }), ...more });
const published = {
  keys: [
    jwk(rsa.publicKey, { kid: 'rsa', use: 'sig' }),
    jwk(ec.publicKey, { kid: 'ec', alg: 'ES256', use: 'sig' }),
    jwk(ed.publicKey, { kid: 'ed' }),
    jwk(other.publicKey, { kid: 'for encryption', use: 'enc' }),
    { kty: 'oct', kid: 'shared', k: Buffer.from('a secret that is no secret').toString('base64url') },
  ],
};

interface Bench {
  readonly callers: Callers;
  readonly fetched: () => number;
  /** What was told of refusals and keys. */
  readonly told: unknown[];
  pass(ms: number): void;
  /** What the issuer answers from now on. */
  answer: () => Response | Promise<Response>;
}

const createBench = (): Bench => {
  let at = now;
  let count = 0;
  const told: unknown[] = [];
  const bench: Bench = {
    told,
    answer: () => Response.json(published),
    fetched: () => count,
    pass: (ms) => void (at += ms),
    callers: createTokenCallers({
      issuer,
      audience,
      jwksUrl: 'https://issuer.example.com/keys',
      clock: { now: () => at },
      observeRefusal: (reason) => void told.push(reason),
      observeKeys: (areHad) => void told.push(areHad),
      fetch: async () => {
        count += 1;
        return bench.answer();
      },
    }),
  };
  return bench;
};

const encode = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

type Signer = (input: string) => Buffer;
const rs256 =
  (key: KeyObject): Signer =>
  (input) =>
    createSign('sha256').update(input).sign(key);
const es256 =
  (key: KeyObject): Signer =>
  (input) =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
const hs256 =
  (secret: string | Buffer): Signer =>
  (input) =>
    createHmac('sha256', secret).update(input).digest();

const claims = {
  iss: issuer,
  aud: audience,
  sub: 'somebody',
  iat: seconds,
  exp: seconds + 3_600,
  groups: ['operators'],
};
const header = { alg: 'RS256', kid: 'rsa', typ: 'JWT' };

const tokenOf = (
  { header: head = header, payload = claims }: { header?: unknown; payload?: unknown } = {},
  signer: Signer = rs256(rsa.privateKey),
): string => {
  const input = `${encode(head)}.${encode(payload)}`;
  return `${input}.${signer(input).toString('base64url')}`;
};

const identify = async (callers: Callers, authorization: unknown): Promise<Caller> =>
  callers.identify(authorization);

const refusal = async (callers: Callers, authorization: unknown): Promise<GatewayError> => {
  const answer = await identify(callers, authorization).catch((error: unknown) => error);
  if (answer instanceof GatewayError) return answer;
  throw new Error(`it was let in, or failed otherwise: ${JSON.stringify(answer)} ${String(answer)}`);
};

describe('a token of the issuer', () => {
  test.each([
    ['RS256', tokenOf()],
    ['RS256 without a key id that is needed', tokenOf({ header: { alg: 'RS256' } })],
    ['ES256', tokenOf({ header: { alg: 'ES256', kid: 'ec' } }, es256(ec.privateKey))],
    [
      'EdDSA',
      tokenOf({ header: { alg: 'EdDSA', kid: 'ed' } }, (input) =>
        sign(null, Buffer.from(input), ed.privateKey),
      ),
    ],
    ['for several audiences', tokenOf({ payload: { ...claims, aud: ['another', audience] } })],
    [
      'that expired just now, by a clock ahead of its issuer’s',
      tokenOf({ payload: { ...claims, exp: seconds - 29 } }),
    ],
  ])('%s', async (_what, token) => {
    const { callers } = createBench();
    const caller = await identify(callers, `Bearer ${token}`);
    expect(caller).toMatchObject({ subject: 'somebody', claims: { groups: ['operators'] } });
    expect(await identify(callers, `bearer  ${token} `)).toEqual(caller);
  });

  test('is checked once a minute, and not after its end', async () => {
    const bench = createBench();
    const token = `Bearer ${tokenOf({ payload: { ...claims, exp: seconds + 90 } })}`;
    const first = await identify(bench.callers, token);
    expect(first.expiresAt).toBe(now + 90_000 + 30_000);
    expect(bench.callers.identify(token)).toBe(first);
    bench.pass(60_000);
    expect(bench.callers.identify(token)).toBeInstanceOf(Promise);
    await identify(bench.callers, token);
    bench.pass(60_001);
    expect((await refusal(bench.callers, token)).message).toBe('The token has expired.');
    expect(bench.fetched()).toBe(1);
  });
});

const later = { ...claims, nbf: seconds + 31 };
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
const publicDer = rsa.publicKey.export({ type: 'spki', format: 'der' });
const mine = { jwk: jwk(other.publicKey, {}), kid: undefined };
const forgery = (head: object, signer: Signer = rs256(other.privateKey)): string =>
  tokenOf({ header: { ...header, ...head } }, signer);
const [head = '', body = '', signature = ''] = tokenOf().split('.');

const without = (name: keyof typeof claims): string => {
  const { [name]: _, ...rest } = claims;
  return tokenOf({ payload: rest });
};

const nones = [
  'none',
  'None',
  'NONE',
  'nOnE',
  '',
  ' none',
  'none ',
  'null',
  'undefined',
  'RS256\u0000',
  'rs256',
  'Rs256',
  'RS256 ',
  'HS256',
  'HS384',
  'HS512',
  'RSA-OAEP',
  'dir',
  'A128KW',
  'PBES2-HS256+A128KW',
  'ES256K',
  'RS1',
  'SHA256',
];
const kids = [
  'ec',
  'ed',
  'shared',
  'for encryption',
  'unknown',
  '',
  ' rsa',
  'rsa ',
  'RSA',
  '../../../dev/null',
  '/dev/null',
  'file:///etc/passwd',
  "rsa' OR '1'='1",
  'rsa\u0000',
  '__proto__',
  'constructor',
  'toString',
  'http://127.0.0.1/key',
  '0',
  '$(id)',
  '${rsa}',
  'rsa\n',
];
const odd: readonly unknown[] = [
  null,
  true,
  0,
  1,
  -1,
  '',
  'text',
  [],
  {},
  [[]],
  { $ne: null },
  'x'.repeat(100),
];

const forged: readonly (readonly [what: string, token: string])[] = [
  ...nones.flatMap((alg): [string, string][] => [
    [`alg ${JSON.stringify(alg)} without a signature`, `${encode({ ...header, alg })}.${body}.`],
    [`alg ${JSON.stringify(alg)} with the signature of RS256`, forgery({ alg }, rs256(rsa.privateKey))],
  ]),
  ...odd.map((alg): [string, string] => [
    `alg ${JSON.stringify(alg)}`,
    forgery({ alg }, rs256(rsa.privateKey)),
  ]),
  ...[publicPem, publicPem.toString().trim(), publicDer, 'a secret that is no secret', ''].flatMap(
    (secret, index): [string, string][] => [
      [`HS256 keyed by what everybody knows ${index}`, forgery({ alg: 'HS256' }, hs256(secret as string))],
      [
        `HS256 keyed so, of the shared key ${index}`,
        forgery({ alg: 'HS256', kid: 'shared' }, hs256(secret as string)),
      ],
    ],
  ),
  ['RS256 by another key', forgery({})],
  ['ES256 by another key', tokenOf({ header: { alg: 'ES256', kid: 'ec' } }, es256(otherEc.privateKey))],
  ['ES256 of nothing but zeros', tokenOf({ header: { alg: 'ES256', kid: 'ec' } }, () => Buffer.alloc(64))],
  [
    'ES256 in DER',
    tokenOf({ header: { alg: 'ES256', kid: 'ec' } }, (input) =>
      sign('sha256', Buffer.from(input), ec.privateKey),
    ),
  ],
  ['ES256 with the key for RS256', tokenOf({ header: { alg: 'ES256', kid: 'rsa' } }, rs256(rsa.privateKey))],
  ['ES384 with the key for ES256', tokenOf({ header: { alg: 'ES384', kid: 'ec' } }, es256(ec.privateKey))],
  ['PS256 that is RS256', forgery({ alg: 'PS256' }, rs256(rsa.privateKey))],
  ['a key of its own', forgery(mine)],
  ['a key of its own with a known id', forgery({ jwk: mine.jwk })],
  ...['jku', 'x5u'].flatMap((name) =>
    [
      'https://attacker.example.com/keys',
      'https://issuer.example.com/keys',
      'http://127.0.0.1:9',
      'file:///tmp/keys',
      '//attacker',
    ].map((url): [string, string] => [`${name} ${url}`, forgery({ [name]: url })]),
  ),
  ['x5c of its own', forgery({ x5c: [Buffer.from('certificate').toString('base64')] })],
  ['x5t', forgery({ x5t: 'AAAA', 'x5t#S256': 'AAAA' })],
  ...kids.map((kid): [string, string] => [`kid ${JSON.stringify(kid)} by another key`, forgery({ kid })]),
  ...kids.map((kid): [string, string] => [
    `kid ${JSON.stringify(kid)} by the right key`,
    forgery({ kid }, rs256(rsa.privateKey)),
  ]),
  ...odd
    .slice(0, 10)
    .map((kid): [string, string] => [`kid ${JSON.stringify(kid)}`, forgery({ kid }, rs256(rsa.privateKey))]),
  ...[['exp'], ['b64'], ['http://example.com/x'], ['crit'], [], 'exp', [''], [1], {}, null].map(
    (crit): [string, string] => [
      `crit ${JSON.stringify(crit)}`,
      forgery({ crit, 'http://example.com/x': 1 }, rs256(rsa.privateKey)),
    ],
  ),
  ['an unencoded payload', forgery({ b64: false, crit: ['b64'] }, rs256(rsa.privateKey))],
  ['of another issuer', tokenOf({ payload: { ...claims, iss: 'https://issuer.example.com' } })],
  ['of several issuers', tokenOf({ payload: { ...claims, iss: [issuer] } })],
  ['for another audience', tokenOf({ payload: { ...claims, aud: 'another' } })],
  ['for an audience in other letters', tokenOf({ payload: { ...claims, aud: audience.toUpperCase() } })],
  ['for no audience', tokenOf({ payload: { ...claims, aud: [] } })],
  ['for an audience that is an object', tokenOf({ payload: { ...claims, aud: { [audience]: true } } })],
  ['expired', tokenOf({ payload: { ...claims, exp: seconds - 30 } })],
  ['expired long ago', tokenOf({ payload: { ...claims, exp: 0 } })],
  ['not valid yet', tokenOf({ payload: later })],
  ...(['iss', 'aud', 'sub', 'exp'] as const).map((name): [string, string] => [
    `without ${name}`,
    without(name),
  ]),
  ...(['iss', 'aud', 'exp', 'nbf', 'iat'] as const).flatMap((name) =>
    odd
      .filter(
        (value) =>
          !(name === 'iat' && typeof value === 'number') && !(name === 'nbf' && typeof value === 'number'),
      )
      .map((value): [string, string] => [
        `${name} ${JSON.stringify(value)}`,
        tokenOf({ payload: { ...claims, [name]: value } }),
      ]),
  ),
  ...[null, true, 1, [], {}, ['somebody']].map((sub): [string, string] => [
    `sub ${JSON.stringify(sub)}`,
    tokenOf({ payload: { ...claims, sub } }),
  ]),
  ...['exp', 'nbf'].map((name): [string, string] => [
    `${name} as text`,
    tokenOf({ payload: { ...claims, [name]: String(seconds + (name === 'exp' ? 60 : -60)) } }),
  ]),
  ['a payload that is a list', tokenOf({ payload: [claims] })],
  ['a payload that is text', tokenOf({ payload: '"text"' })],
  ['a payload that is no JSON', tokenOf({ payload: '{' })],
  ['a head that is no JSON', tokenOf({ header: '{' })],
  ['a head that is a list', tokenOf({ header: [header] })],
  ['no head', `.${body}.${signature}`],
  ['no body', `${head}..${signature}`],
  ['no signature', `${head}.${body}.`],
  ['two parts', `${head}.${body}`],
  ['four parts', `${head}.${body}.${signature}.${signature}`],
  ['five parts, as if encrypted', `${head}.${body}.${signature}.${signature}.${signature}`],
  ['one part', head],
  ['a signature cut short', `${head}.${body}.${signature.slice(0, -4)}`],
  ['a signature in another order', `${head}.${body}.${[...signature].reverse().join('')}`],
  ['a signature of another body', `${head}.${encode({ ...claims, sub: 'root' })}.${signature}`],
  ['padding', `${head}.${body}.${signature}==`],
  ['other letters of base64', `${head}.${body}.${signature.replaceAll('-', '+').replaceAll('_', '/')}+/`],
  ['something behind', `${tokenOf()}x`],
  ['something before', `x${tokenOf()}`],
  ['more than may be', tokenOf({ payload: { ...claims, more: 'x'.repeat(8_192) } })],
  ['a megabyte', 'x'.repeat(2 ** 20)],
  ['a deep payload', tokenOf({ payload: `${'['.repeat(3_000)}${']'.repeat(3_000)}` })],
];

describe('no other token', () => {
  test('of so many', () => {
    expect(forged.length).toBeGreaterThanOrEqual(150);
    expect(new Set(forged.map(([what]) => what)).size).toBe(forged.length);
  });

  test.each(forged)('%s', async (_what, token) => {
    const { callers } = createBench();
    const { code, message } = await refusal(callers, `Bearer ${token}`);
    expect(code).toBe('UNAUTHENTICATED');
    expect(message).not.toContain(token.slice(0, 20));
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(123);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty one', ''],
    ['another scheme', `Basic ${Buffer.from('a:b').toString('base64')}`],
    ['a token alone', tokenOf()],
    ['a scheme alone', 'Bearer'],
    ['a scheme and spaces', 'Bearer   '],
    ['two tokens', `Bearer ${tokenOf()} ${tokenOf()}`],
    ['two headers in one', `Bearer ${tokenOf()}, Bearer ${tokenOf()}`],
    ['a list', [`Bearer ${tokenOf()}`]],
    ['an object', { token: tokenOf() }],
    ['a number', 1],
  ])('as %s', async (_what, authorization) => {
    expect(await refusal(createBench().callers, authorization)).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('after one that was good', async () => {
    const { callers } = createBench();
    await identify(callers, `Bearer ${tokenOf()}`);
    await expect(identify(callers, `Bearer ${head}.${body}.`)).rejects.toThrow(GatewayError);
  });
});

describe('the keys of the issuer', () => {
  test('are fetched once for many, and again for a new key id, at most once in a while', async () => {
    const bench = createBench();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        identify(bench.callers, `Bearer ${tokenOf({ payload: { ...claims, jti: String(index) } })}`),
      ),
    );
    expect(bench.fetched()).toBe(1);
    for (let index = 0; index < 10; index += 1)
      await refusal(bench.callers, `Bearer ${forgery({ kid: `new ${index}` })}`);
    expect(bench.fetched()).toBe(1);
  });

  test.each([
    ['the issuer is down', () => Promise.reject(new TypeError('fetch failed'))],
    ['it answers an error', () => new Response('no', { status: 500 })],
    ['it leads elsewhere', () => Response.redirect('https://attacker.example.com/keys')],
    ['it answers no JSON', () => new Response('<html>')],
    ['it answers no keys', () => Response.json({})],
  ])('cannot be had: %s', async (_what, answer) => {
    const bench = createBench();
    bench.answer = answer;
    const token = `Bearer ${tokenOf()}`;
    expect(await refusal(bench.callers, token)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    // Nobody else waits for it.
    await refusal(bench.callers, token);
    expect(bench.fetched()).toBe(1);
    bench.answer = () => Response.json(published);
    bench.pass(30_000);
    expect(await identify(bench.callers, token)).toMatchObject({ subject: 'somebody' });
  });
});

test('why a token was refused is told in few words, and whether keys could be had', async () => {
  const bench = createBench();
  const refuse = async (authorization: unknown): Promise<readonly unknown[]> => {
    await refusal(bench.callers, authorization);
    return bench.told.splice(0);
  };
  const refuseClaims = (more: object) => refuse(`Bearer ${tokenOf({ payload: { ...claims, ...more } })}`);
  expect(await refuse(undefined)).toEqual(['missing']);
  expect(await refuse('Basic abc')).toEqual(['malformed']);
  expect(await refuse(`Bearer ${'a'.repeat(9_000)}.b.c`)).toEqual(['too_long']);
  expect(await refuseClaims({ exp: seconds - 60 })).toEqual([true, 'expired']);
  expect(await refuseClaims({ nbf: seconds + 60 })).toEqual([true, 'not_yet_valid']);
  expect(await refuseClaims({ aud: 'canary' })).toEqual([true, 'audience']);
  expect(await refuseClaims({ iss: 'canary' })).toEqual([true, 'issuer']);
  expect(await refuseClaims({ exp: undefined })).toEqual([true, 'claims']);
  expect(await refuseClaims({ sub: '' })).toEqual([true, 'claims']);
  expect(await refuse(`Bearer ${tokenOf({}, rs256(other.privateKey))}`)).toEqual([true, 'untrusted']);
  await identify(bench.callers, `Bearer ${tokenOf()}`);
  expect(bench.told.splice(0)).toEqual([true]);
  const outage = createBench();
  outage.answer = () => new Response('', { status: 503 });
  await refusal(outage.callers, `Bearer ${tokenOf()}`);
  expect(outage.told).toEqual([false, 'keys_unavailable']);
});

test('whoever sends a refused token again and again is told the same without another check, for five seconds', async () => {
  const bench = createBench();
  const forgedToken = `Bearer ${tokenOf({}, rs256(other.privateKey))}`;
  const refuse = async (): Promise<readonly unknown[]> => {
    expect(await refusal(bench.callers, forgedToken)).toMatchObject({ code: 'UNAUTHENTICATED' });
    return bench.told.splice(0);
  };
  // A check needs keys.
  expect(await refuse()).toEqual([true, 'untrusted']);
  bench.pass(4_999);
  expect(await refuse()).toEqual(['untrusted']);
  await identify(bench.callers, `Bearer ${tokenOf()}`);
  expect(bench.told.splice(0)).toEqual([true]);
  bench.pass(1);
  expect(await refuse()).toEqual([true, 'untrusted']);
});
