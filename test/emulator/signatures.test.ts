import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { send, signed, withEmulator } from './support.ts';
import type { RequestOptions } from './support.ts';

const path = '/us-ashburn-1/containerengine/20180222/workRequests/ocid1.absent';
const at = 'Sun, 01 Mar 2026 12:00:00 GMT';

test('takes date as well as x-date, and a session token as key id', async () => {
  await withEmulator(async ({ call }) => {
    // 404: who is not authenticated does not get as far as being told that it is absent.
    expect((await call(path)).status).toBe(404);
    expect((await call(path, { dateHeader: 'date' })).status).toBe(404);
    expect((await call(path, { keyId: 'ST$eyJhbGciOi.abc' })).status).toBe(404);
  });
});

test('accepts the signatures of each key that it was given', async () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = other.publicKey.export({ type: 'spki', format: 'pem' });
  await withEmulator(
    async ({ call }) => {
      expect((await call(path, { key: other.privateKey })).status).toBe(404);
    },
    { publicKeys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, pem] },
  );
});

test.each<[string, RequestOptions, RegExp]>([
  ['no signature', { key: null }, /no Authorization header/],
  ['another scheme', { headers: { authorization: 'Bearer abc' } }, /is no Signature/],
  ['a key id of no form', { keyId: 'me' }, /keyId/],
  ['a date that is no date', { date: 'yesterday' }, /no date: 'yesterday'/],
  ['a date six minutes ago', { date: 'Sun, 01 Mar 2026 11:54:00 GMT' }, /not within allowed clock skew/],
  ['a date six minutes ahead', { date: 'Sun, 01 Mar 2026 12:06:00 GMT' }, /not within allowed clock skew/],
  [
    'a key that is not accepted',
    { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
    /does not match/,
  ],
  [
    'a header changed after signing',
    { headers: { 'x-date': 'Sun, 01 Mar 2026 12:00:01 GMT' } },
    /does not match/,
  ],
])('refuses %s with 401 NotAuthenticated and says why', async (_name, options, message) => {
  await withEmulator(async ({ call }) => {
    const reply = await call(path, options);
    expect(reply.status).toBe(401);
    expect(reply.body).toEqual({ code: 'NotAuthenticated', message: expect.stringMatching(message) });
    expect(reply.headers['opc-request-id']).toBeDefined();
  });
});

test('refuses a signature moved to another path', async () => {
  await withEmulator(async ({ url }) => {
    const options = signed(url, path, { date: at });
    expect((await send(url, path, options)).status).toBe(404);
    expect((await send(url, `${path}x`, options)).status).toBe(401);
    expect((await send(url, `${path}?limit=1`, options)).status).toBe(401);
  });
});

test('refuses a signature that does not cover what it has to', async () => {
  await withEmulator(async ({ url }) => {
    const options = signed(url, path, { date: at });
    const authorization = options.headers?.['authorization'] ?? '';
    const without = authorization.replace(' (request-target)', '');
    const reply = await send(url, path, {
      ...options,
      headers: { ...options.headers, authorization: without },
    });
    expect(reply.body).toMatchObject({ message: 'The signature does not cover (request-target).' });
  });
});

test('refuses a body that is not the signed one', async () => {
  await withEmulator(async ({ url, call }) => {
    expect((await call(path, { method: 'POST', body: '{}' })).status).toBe(405);
    const options = signed(url, path, { method: 'POST', date: at, body: '{"a":1}' });
    const reply = await send(url, path, { ...options, body: '{"a":2}' });
    expect(reply.status).toBe(401);
    expect(reply.body).toMatchObject({ message: 'The body does not match x-content-sha256.' });
  });
});

test('judges the date by wall time, however far scripted time was put forward', async () => {
  await withEmulator(async ({ emulator, call }) => {
    emulator.setClock({ speed: 1000, advanceMs: 86_400_000 });
    expect((await call(path)).status).toBe(404);
  });
});

test("lengthens the client's opc-request-id", async () => {
  await withEmulator(async ({ call }) => {
    const reply = await call(path, { headers: { 'opc-request-id': 'mine' } });
    expect(reply.headers['opc-request-id']).toMatch(/^mine\/[0-9A-F]{32}$/);
  });
});
