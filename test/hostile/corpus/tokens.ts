/** What may stand where a caller's token belongs (`AUTH=jwt`), and is none of the issuer's. */
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface HostileToken {
  readonly name: string;
  /** A header's value, where HTTP can carry it, or any JSON of `connection_init`. */
  readonly authorization: unknown;
}

export interface Issuer {
  readonly issuer: string;
  readonly audience: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const encode = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
const es256 = (input: string, key: KeyObject): string =>
  createSign('sha256').update(input).sign({ key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

export const tokensAgainst = ({
  issuer,
  audience,
  kid,
  privateKey,
  publicKey,
}: Issuer): readonly HostileToken[] => {
  const now = Math.floor(Date.now() / 1_000);
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const head = { alg: 'ES256', kid };
  const claims = { iss: issuer, aud: audience, sub: 'mallory', iat: now, exp: now + 3_600 };
  const sign = (header: object, payload: unknown, key: KeyObject = privateKey): string => {
    const input = `${encode(header)}.${encode(payload)}`;
    return `${input}.${es256(input, key)}`;
  };
  const good = sign(head, claims);
  const [h = '', p = '', s = ''] = good.split('.');
  const hmac = (alg: string, secret: string): string => {
    const input = `${encode({ alg, kid })}.${encode(claims)}`;
    return `${input}.${createHmac(alg.replace('HS', 'sha'), secret).update(input).digest('base64url')}`;
  };
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const jwk = stranger.publicKey.export({ format: 'jwk' });

  const tokens: Readonly<Record<string, string>> = {
    ...Object.fromEntries(
      ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => [
        [`alg ${alg} without a signature`, `${encode({ alg, kid })}.${p}.`],
        [`alg ${alg} with the right signature`, `${encode({ alg, kid })}.${p}.${s}`],
      ]),
    ),
    ...Object.fromEntries(
      ['HS256', 'HS384', 'HS512'].flatMap((alg) =>
        [pem, pem.trim(), JSON.stringify(publicKey.export({ format: 'jwk' })), '', 'secret'].map(
          (secret, at) => [`${alg} by what is published ${at}`, hmac(alg, secret)],
        ),
      ),
    ),
    ...Object.fromEntries(
      [
        'RS256',
        'PS256',
        'ES384',
        'ES512',
        'EdDSA',
        'ES256K',
        'RS1',
        'ECDH-ES',
        'dir',
        'A256GCM',
        '__proto__',
        'es256',
      ].map((alg) => [`alg ${alg}`, sign({ ...head, alg }, claims)]),
    ),
    'a stranger signs': sign(head, claims, stranger.privateKey),
    'a stranger brings the key': sign({ ...head, jwk }, claims, stranger.privateKey),
    'a stranger points to the key': sign(
      { ...head, jku: 'https://evil.example/keys' },
      claims,
      stranger.privateKey,
    ),
    'a stranger points to a certificate': sign(
      { ...head, x5u: 'https://evil.example/cert' },
      claims,
      stranger.privateKey,
    ),
    'a stranger brings a certificate': sign({ ...head, x5c: ['AAAA'] }, claims, stranger.privateKey),
    ...Object.fromEntries(
      [
        '',
        'two',
        '../../dev/null',
        '/dev/null',
        "' UNION SELECT 'a",
        '__proto__',
        'a'.repeat(4_000),
        '\0',
        '<script>',
      ].map((other) => [
        `kid ${other.slice(0, 20)}`,
        sign({ ...head, kid: other }, claims, stranger.privateKey),
      ]),
    ),
    ...Object.fromEntries(
      [0, null, [], {}, true].map((other) => [
        `kid ${JSON.stringify(other)}`,
        sign({ ...head, kid: other }, claims, stranger.privateKey),
      ]),
    ),
    ...Object.fromEntries(
      [['exp'], ['b64'], ['nope'], [], 'exp', [''], [0]].map((crit) => [
        `crit ${JSON.stringify(crit)}`,
        sign({ ...head, crit }, claims),
      ]),
    ),
    'not encoded': sign({ ...head, b64: false, crit: ['b64'] }, claims),
    ...Object.fromEntries(
      Object.entries({
        iss: ['', 'https://evil.example/', `${issuer}/`, issuer.toUpperCase(), null, [issuer, 'x'], 0, {}],
        aud: ['', 'other', `${audience} `, audience.toUpperCase(), null, [], ['other'], 0, {}, [[audience]]],
        sub: ['', null, 0, [], {}, true],
        exp: [0, -1, now - 3_600, now - 300, null, '9999999999', 'never', [], {}, true],
        nbf: [now + 3_600, now + 900, 'soon', {}, []],
        iat: ['x', {}, []],
      }).flatMap(([claim, values]) =>
        values.map((value) => [
          `${claim} ${JSON.stringify(value)}`,
          sign(head, { ...claims, [claim]: value }),
        ]),
      ),
    ),
    ...Object.fromEntries(
      ['iss', 'aud', 'sub', 'exp'].map((claim) => [
        `no ${claim}`,
        sign(head, { ...claims, [claim]: undefined }),
      ]),
    ),
    ...Object.fromEntries(
      [null, [], 'a', 0, true, {}, [claims], '{', ''].map((payload, at) => [
        `payload ${at} ${JSON.stringify(payload)}`,
        sign(head, payload),
      ]),
    ),
    'another payload': `${h}.${encode({ ...claims, sub: 'admin' })}.${s}`,
    'another header': `${encode({ ...head, typ: 'JWT' })}.${p}.${s}`,
    'no signature': `${h}.${p}.`,
    'a signature of nothing': `${h}.${p}.${Buffer.alloc(64).toString('base64url')}`,
    'a signature in DER': `${h}.${p}.${createSign('sha256').update(`${h}.${p}`).sign(privateKey).toString('base64url')}`,
    ...Object.fromEntries(
      Array.from({ length: s.length }, (_, at) => [
        `signature changed at ${at}`,
        `${h}.${p}.${s.slice(0, at)}${s[at] === 'A' ? 'B' : 'A'}${s.slice(at + 1)}`,
      ]).slice(0, -1),
    ),
    'two parts': `${h}.${p}`,
    'four parts': `${good}.x`,
    'five parts': `${h}.${p}.${s}.a.b`,
    'one part': h,
    'no parts': '..',
    'a token of 9,000': sign(head, { ...claims, x: 'a'.repeat(9_000) }),
    padded: `${h}=.${p}=.${s}=`,
    'in standard base64': good.replaceAll('-', '+').replaceAll('_', '/') + '+',
    'with a blank': `${h}. ${p}.${s}`,
  };
  const ways: readonly unknown[] = [
    ...[
      good,
      `bearer`,
      `Bearer`,
      `Bearer `,
      `Basic ${good}`,
      `Token ${good}`,
      `Bearer: ${good}`,
      `Bearer\t${good}`,
      `Bearer ${good} x`,
      `Bearer ${good}, Bearer ${good}`,
      `Bearer "${good}"`,
      `Bearer <${good}>`,
      `Bearer${good}`,
      `Bearer Bearer ${good}`,
    ],
    ...[
      'Basic dXNlcjpwYXNz',
      'Digest username="a"',
      'Negotiate YII=',
      'null',
      'undefined',
      '<script>',
      '{}',
      '😀',
      'Signature keyId="a"',
    ],
  ];
  return [
    ...Object.entries(tokens).map(([name, token]) => ({ name, authorization: `Bearer ${token}` })),
    ...ways.map((authorization) => ({ name: String(authorization).slice(0, 40), authorization })),
    ...[null, 0, 1, true, [], {}, [`Bearer ${good}`], { token: good }, { toString: good }].map(
      (authorization) => ({ name: JSON.stringify(authorization).slice(0, 40), authorization }),
    ),
  ];
};
