/** Secrets in what the gateway reads while it runs, and how wrong that may be: the issuer's keys, the policy, the manifest. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createCanary, findCanaries } from './support/canaries.ts';
import { betweenLooksMs, createTestGateway } from './support/gateway.ts';
import type { TestGateway } from './support/gateway.ts';

const folder = mkdtempSync(join(tmpdir(), 'canaries-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const secrets = Object.fromEntries(
  ['query', 'answer', 'value', 'name', 'literal', 'comment'].map((name) => [name, createCanary(name)]),
) as Record<'query' | 'answer' | 'value' | 'name' | 'literal' | 'comment', string>;

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;
let handle: Handle = () => {};
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let published: object;
const issuer = createServer((request, response) => void handle(request, response));
beforeAll(async () => {
  keys = await generateKeyPair('ES256');
  published = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' };
  await once(issuer.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  issuer.closeAllConnections();
  issuer.close();
});

let house: TestGateway | undefined;
afterEach(async () => house?.stop());

const open = async (env: Readonly<Record<string, string>>): Promise<TestGateway> => {
  const { port } = issuer.address() as AddressInfo;
  house = await createTestGateway({
    logLevel: 'trace',
    env: {
      AUTH: 'jwt',
      AUTH_ISSUER: 'https://id.example.com/',
      AUTH_AUDIENCE: 'gateway',
      AUTH_JWKS_URL: `http://127.0.0.1:${port}/keys?apikey=${encodeURIComponent(secrets.query)}`,
      ...env,
    },
  });
  return house;
};

const tokenOf = (kid: string): Promise<string> =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer('https://id.example.com/')
    .setAudience('gateway')
    .setSubject('alice')
    .setExpirationTime('1h')
    .sign(keys.privateKey);

/** What callers are told, and everybody who may look. */
const ask = async ({ url }: TestGateway, token: string): Promise<string> => {
  const texts = await Promise.all(
    ['/graphql', '/graphql/stream', '/readyz', '/metrics'].map(async (path) => {
      const isPost = path.startsWith('/graphql');
      const response = await fetch(url + path, {
        method: isPost ? 'POST' : 'GET',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        ...(isPost && { body: '{"query":"{ __typename }"}' }),
      });
      return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`;
    }),
  );
  return texts.join('\n');
};

const untilLogged = async ({ logged }: TestGateway, text: string): Promise<void> => {
  while (!logged.some((line) => line.includes(text))) await sleep(betweenLooksMs);
};

const nothingIsIn = (...texts: readonly string[]): void => {
  for (const text of texts) expect({ found: findCanaries(text, secrets), text }).toEqual({ found: [], text });
};

describe('an issuer', () => {
  test.each<[string, Handle]>([
    ['that is broken', (_request, response) => response.writeHead(500).end(secrets.answer)],
    [
      'that leads elsewhere',
      (request, response) =>
        response.writeHead(302, { location: `http://127.0.0.1:1/${secrets.answer}?${request.url}` }).end(),
    ],
    ['that shows a page', (request, response) => response.end(`<html>${secrets.answer} ${request.url}`)],
    ['with other keys', (_request, response) => response.end(JSON.stringify({ keys: secrets.answer }))],
    [
      'with a key that is none',
      (_request, response) =>
        response.end(JSON.stringify({ keys: [{ kty: 'EC', kid: 'one', alg: 'ES256', x: secrets.answer }] })),
    ],
  ])('%s is told of without its address and its answer', async (_name, answer) => {
    handle = answer;
    const gateway = await open({});
    const told = await ask(gateway, await tokenOf('one'));
    expect(told).toMatch(/^(503|401)/);
    expect(told).toMatch(/AUTH_JWKS_URL|can trust/);
    nothingIsIn(told, ...gateway.logged);
  });
});

describe('a file that is wrong by now', () => {
  beforeAll(() => {
    handle = (_request, response) => response.end(JSON.stringify({ keys: [published] }));
  });

  test.each([
    ['is no YAML', `version: 1\nrules:\n  - when: { key: '${secrets.value} }\n`],
    ['is cut off', `{"version": 1, "rules": [{"when": {"key": "${secrets.value}"}, "name": "${secrets.name}`],
    ['is something else', secrets.value],
    [
      'has wrong rules',
      `version: 1\nrules:\n  - { name: '${secrets.name}', when: { key: '${secrets.value}' }, allow: ['${secrets.value}'], compartments: ['${secrets.value}'], services: ['${secrets.value}'], regions: '${secrets.value}' }\n`,
    ],
  ])('as AUTH_POLICY_FILE, and %s', async (_name, text) => {
    const file = join(folder, 'policy.yaml');
    const good = `version: 1\nrules:\n  - { name: '${secrets.name}', when: { key: '${secrets.value}' }, allow: [read], compartments: all }\n`;
    writeFileSync(file, good);
    const gateway = await open({ AUTH_POLICY_FILE: file });
    writeFileSync(file, text);
    await untilLogged(gateway, 'problem');
    const told = await ask(gateway, await tokenOf('one'));
    expect(told).toContain('AUTH_POLICY_FILE');
    nothingIsIn(told, ...gateway.logged);
  });

  const literal = `{ workRequest(id: "${secrets.literal}") { id } } # ${secrets.comment}`;
  test.each([
    ['is no JSON', `{"a": ${JSON.stringify(literal)},, }`],
    ['is cut off', JSON.stringify({ a: literal }).slice(0, -3)],
    ['has a document that does not fit', JSON.stringify({ a: literal.replace('{ id }', '{ nothing }') })],
    ['has a document that is none', JSON.stringify({ a: `{ a(b: "${secrets.literal}` })],
  ])('as TRUSTED_DOCUMENTS_FILE, and %s', async (_name, text) => {
    const file = join(folder, 'manifest.json');
    writeFileSync(file, JSON.stringify({ a: literal }));
    const gateway = await open({ TRUSTED_DOCUMENTS_FILE: file });
    writeFileSync(file, text);
    await untilLogged(gateway, 'TRUSTED_DOCUMENTS_FILE');
    nothingIsIn(await ask(gateway, await tokenOf('one')), ...gateway.logged);
  });
});
