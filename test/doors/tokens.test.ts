/** Forged, stolen and broken tokens: none gets in, and each is told why as far as that helps only its owner. */
import { constants, createHmac, createSign, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject, SignKeyObjectInput } from 'node:crypto';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
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
  expect(await refuse('')).toEqual(['missing']);
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

describe('every algorithm with a private key behind it is good', () => {
  const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
  const [p384, p521] = [curve('P-384'), curve('P-521')];
  const ofCurve = (key: KeyObject): SignKeyObjectInput => ({ key, dsaEncoding: 'ieee-p1363' });
  const padding = constants.RSA_PKCS1_PSS_PADDING;

  test.each<[alg: string, kid: string, hash: string | null, key: KeyObject | SignKeyObjectInput]>([
    ...[256, 384, 512].flatMap((bits): [string, string, string, KeyObject | SignKeyObjectInput][] => [
      [`RS${bits}`, 'rsa', `sha${bits}`, rsa.privateKey],
      [`PS${bits}`, 'rsa', `sha${bits}`, { key: rsa.privateKey, padding, saltLength: bits / 8 }],
    ]),
    ['ES256', 'ec', 'sha256', ofCurve(ec.privateKey)],
    ['ES384', 'p384', 'sha384', ofCurve(p384.privateKey)],
    ['ES512', 'p521', 'sha512', ofCurve(p521.privateKey)],
    ['EdDSA', 'ed', null, ed.privateKey],
    ['Ed25519', 'ed', null, ed.privateKey],
  ])('%s', async (alg, kid, hash, key) => {
    const bench = createBench();
    const more = [jwk(p384.publicKey, { kid: 'p384' }), jwk(p521.publicKey, { kid: 'p521' })];
    bench.answer = () => Response.json({ keys: [...published.keys, ...more] });
    const token = tokenOf({ header: { alg, kid } }, (input) => sign(hash, Buffer.from(input), key));
    expect(await identify(bench.callers, `Bearer ${token}`)).toMatchObject({ subject: 'somebody' });
  });
});

describe('as time passes', () => {
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  /** jose has a clock of its own: it goes as ours does. Each asks with a token that nobody has checked yet. */
  const begin = () => {
    const bench = createBench();
    let at = now;
    let count = 0;
    jest.spyOn(Date, 'now').mockImplementation(() => at);
    const ask = async (more: Partial<typeof claims> = {}, by: KeyObject = rsa.privateKey, kid = 'rsa') => {
      const payload = { ...claims, exp: seconds + 86_400, jti: String((count += 1)), ...more };
      const token = tokenOf({ header: { ...header, kid }, payload }, rs256(by));
      const answer = await identify(bench.callers, `Bearer ${token}`).catch((error: unknown) => error);
      return answer instanceof GatewayError ? answer.code : (answer as Caller).subject;
    };
    const pass = (ms: number): void => {
      at += ms;
      bench.pass(ms);
    };
    return { bench, ask, pass };
  };

  test('keys are kept for ten minutes: one that is withdrawn does not count for longer', async () => {
    const { bench, ask, pass } = begin();
    expect(await ask()).toBe('somebody');
    bench.answer = () => Response.json({ keys: published.keys.slice(1) });
    pass(10 * 60_000 - 1);
    expect(await ask()).toBe('somebody');
    expect(bench.fetched()).toBe(1);
    pass(1);
    expect(await ask()).toBe('UNAUTHENTICATED');
    expect(bench.fetched()).toBe(2);
  });

  test('a key that is new is fetched, at most once in thirty seconds', async () => {
    const { bench, ask, pass } = begin();
    await ask();
    bench.answer = () =>
      Response.json({ keys: [...published.keys, jwk(other.publicKey, { kid: 'new', use: 'sig' })] });
    pass(29_999);
    expect(await ask({}, other.privateKey, 'new')).toBe('UNAUTHENTICATED');
    expect(bench.fetched()).toBe(1);
    pass(1);
    expect(await ask({}, other.privateKey, 'new')).toBe('somebody');
    expect(bench.fetched()).toBe(2);
  });

  test('while the issuer is down the keys at hand count for an hour, and it is asked each thirty seconds', async () => {
    const { bench, ask, pass } = begin();
    await ask();
    bench.answer = () => Promise.reject(new TypeError('fetch failed'));
    pass(10 * 60_000);
    bench.told.length = 0;
    expect(await ask()).toBe('somebody');
    expect(await ask({}, other.privateKey)).toBe('UNAUTHENTICATED');
    expect([bench.fetched(), bench.told]).toEqual([2, [false, 'untrusted']]);
    pass(30_000);
    expect(await ask()).toBe('somebody');
    expect(bench.fetched()).toBe(3);
    pass(49 * 60_000 + 30_000);
    expect(await ask()).toBe('somebody');
    pass(1);
    expect(await ask()).toBe('UPSTREAM_UNAVAILABLE');
    bench.answer = () => Response.json(published);
    pass(30_000);
    expect(await ask()).toBe('somebody');
  });

  test('an issuer that answers nothing in time is one that is down', async () => {
    const { bench, ask } = begin();
    bench.answer = () => Promise.reject(new DOMException('too slow', 'TimeoutError'));
    expect(await ask()).toBe('UPSTREAM_UNAVAILABLE');
    expect(bench.told).toEqual([false, 'keys_unavailable']);
  });

  test('whoever wants to know is told of a token’s end, also of one that is past or far away, unless called off', () => {
    jest.useFakeTimers();
    const { callers } = createBench();
    const told: string[] = [];
    const tell = (what: string, expiresAt: number): (() => void) =>
      callers.whenOver({ subject: 'somebody', claims, expiresAt }, () => told.push(what));
    tell('soon', now + 1_000);
    tell('past', now - 1_000);
    tell('far', now + 10 * 365 * 86_400_000);
    tell('called off', now + 500)();
    jest.advanceTimersByTime(0);
    expect(told).toEqual(['past']);
    jest.advanceTimersByTime(999);
    expect(told).toEqual(['past']);
    jest.advanceTimersByTime(1);
    expect(told).toEqual(['past', 'soon']);
    // Longer than a timer can take: a new token then.
    jest.advanceTimersByTime(25 * 86_400_000);
    expect(told).toEqual(['past', 'soon', 'far']);
  });
});
