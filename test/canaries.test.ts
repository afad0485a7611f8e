/**
 * Secrets that are like no other text, wherever the gateway is given some, and every door tried with good and bad: none of them
 * turns up in logs at their most talkative, answers, metrics, reports on the configuration, or traces.
 */
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { createEmulator, sampleTenancy } from '../emulator/emulator.ts';
import type { Emulator } from '../emulator/emulator.ts';
import { createCanary, findCanaries, formsOf } from './support/canaries.ts';

jest.setTimeout(120_000);

const root = join(import.meta.dirname, '..');
const region = 'us-ashburn-1';
const folder = mkdtempSync(join(tmpdir(), 'canaries-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the gateway holds, and what callers prove themselves with: nobody is told. */
const secrets: Record<string, string> = {
  passphrase: createCanary('passphrase'),
  cursorSecret: createCanary('cursor-secret'),
  planted: createCanary('planted'),
  cookie: createCanary('cookie'),
  badToken: createCanary('bad-token'),
  badParameter: createCanary('bad-parameter'),
  goodParameter: createCanary('good-parameter'),
  claim: createCanary('claim'),
  header: createCanary('header'),
  brokenRequest: createCanary('broken-request'),
  keysQuery: createCanary('keys-query'),
  policyName: createCanary('policy-name'),
  policyClaim: createCanary('policy-claim'),
  proxy: createCanary('proxy'),
  baggage: createCanary('baggage'),
  traceState: createCanary('trace-state'),
  search: createCanary('secret-search'),
  basic: Buffer.from(`user:${createCanary('basic')}`).toString('base64'),
  // Clients that can set no header put tokens there.
  subprotocol: createCanary('subprotocol').replaceAll('/', '.'),
};
/** Those of the gateway's own that upstream is told, signed, come later. */
const ofCallers = { ...secrets };
/** What callers ask: their answers may say it again, nothing else may. */
const questions: Record<string, string> = {
  variable: createCanary('variable'),
  wrongVariable: createCanary('wrong-variable'),
  literal: createCanary('literal'),
  comment: createCanary('comment'),
  search: createCanary('search'),
  // WebSockets send it back.
  closeReason: createCanary('close-reason'),
  // Sent on to upstream, which quotes it.
  compartment: `ocid1.compartment.oc1..${randomBytes(30).toString('hex')}`,
};
/** What callers call their requests: their answers, lines and spans have it, and nobody else. */
const requestName = `name.${randomBytes(12).toString('hex')}`;
/** Upstream's own words: they may be told to callers, cleaned, and stand in no line. */
const upstreamWords = createCanary('upstream');

interface Issuer {
  readonly url: string;
  readonly token: string;
  close(): void;
}

const createIssuer = async (): Promise<Issuer> => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] });
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'application/json').end(keys),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const token = await new SignJWT({ email: secrets['claim'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer('https://id.example.com/')
    .setAudience('gateway')
    .setSubject('alice')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys?apikey=${encodeURIComponent(secrets['keysQuery'] ?? '')}`,
    token,
    close: () => server.close(),
  };
};

type Mood = 'good' | 'echo json' | 'echo text' | 'echo html' | 'echo encoded' | 'malformed' | 'reset';

/** The emulator behind an upstream that can be moved to say what it was signed with. */
const createMoodyUpstream = async (publicKey: KeyObject) => {
  const emulator: Emulator = createEmulator({
    publicKeys: [publicKey],
    samples: false,
    retryAfterSeconds: 0,
  });
  const { port } = await emulator.start(0);
  let mood: Mood = 'good';
  const signatures = new Set<string>();
  const heard: string[] = [];
  let echoes = 0;
  const server: Server = createServer((request, response) => {
    const { authorization = '', 'x-date': date } = request.headers;
    const signature = /signature="([^"]+)"/.exec(authorization)?.[1] ?? '';
    // No text of upstream's is told in such a length that all of it would fit.
    signatures.add(signature.slice(0, 60));
    heard.push(JSON.stringify(request.rawHeaders));
    const words = `${upstreamWords} ${request.url} <script>alert(1)</script>\r\n\u001b[31m\u2028 ${authorization} ${String(date)}`;
    const headers = { 'opc-request-id': authorization, 'x-echo': authorization };
    switch (mood) {
      case 'echo json':
        response.writeHead(400, { ...headers, 'content-type': 'application/json' });
        return response.end(JSON.stringify({ code: authorization, message: words }));
      case 'echo text':
        response.writeHead(500, { ...headers, 'content-type': 'text/plain' });
        return response.end(words);
      case 'echo html':
        response.writeHead(502, { ...headers, 'content-type': `text/html; ${authorization}` });
        return response.end(`<html>${words}`);
      case 'echo encoded': {
        response.writeHead(409, { 'content-type': 'application/json' });
        const bytes = Buffer.from(signature);
        const forms = [
          bytes.toString('base64'),
          bytes.toString('hex'),
          encodeURIComponent(signature),
          signature,
        ];
        return response.end(JSON.stringify({ code: forms[echoes % 4], message: forms[(echoes += 1) % 4] }));
      }
      case 'malformed':
        response.writeHead(200, { ...headers, 'content-type': authorization });
        return response.end(`{"id": "${words}`);
      case 'reset':
        return request.socket.destroy();
      case 'good': {
        const { method, url: path } = request;
        const passed = httpRequest({ port, method, path, headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(response);
        });
        return request.pipe(passed);
      }
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    emulator,
    signatures,
    heard,
    feel: (next: Mood) => void (mood = next),
    template: `http://127.0.0.1:${(server.address() as AddressInfo).port}/{region}/{package}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await emulator.stop();
    },
  };
};

const scenes = ['development', 'production'] as const;

describe.each(scenes)('with NODE_ENV=%s', (nodeEnv) => {
  const isSession = nodeEnv === 'production';
  const spansFile = join(folder, `spans-${nodeEnv}`);
  let env: Record<string, string>;
  let issuer: Issuer;
  let upstream: Awaited<ReturnType<typeof createMoodyUpstream>>;
  let child: ReturnType<typeof spawn>;
  let port: number;
  let [out, err] = ['', ''];
  /** Of everything that was answered: heads and bodies, messages, reasons for closing. */
  const told: { readonly who: string; readonly text: string }[] = [];
  const tell = (who: string, text: string): void => void told.push({ who, text });

  beforeAll(async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    [upstream, issuer] = await Promise.all([createMoodyUpstream(publicKey), createIssuer()]);
    const pem = String(
      privateKey.export({
        type: 'pkcs8',
        format: 'pem',
        ...(!isSession && { cipher: 'aes-256-cbc', passphrase: secrets['passphrase'] ?? '' }),
      }),
    );
    const [configFile, keyFile, tokenFile, secretFile] = ['config', 'key.pem', 'token', 'cursor-secret'].map(
      (name) => join(folder, `${nodeEnv}-${name}`),
    ) as [string, string, string, string];
    const policyFile = join(folder, `${nodeEnv}-policy.yaml`);
    const rule = (claim: string, value: string | undefined): string =>
      `  - { name: '${secrets['policyName']}', when: { ${claim}: '${value}' }, allow: [read, cancel], compartments: all }\n`;
    writeFileSync(
      policyFile,
      `version: 1\nrules:\n${rule('email', secrets['claim'])}${rule('key', secrets['policyClaim'])}`,
    );
    const sessionToken = `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify({ exp: 4_102_444_800, tenant: sampleTenancy })).toString('base64url')}.${createCanary('session').replaceAll(/[/+]/g, '-')}`;
    writeFileSync(keyFile, pem);
    writeFileSync(tokenFile, `${sessionToken}\n`);
    writeFileSync(secretFile, `${secrets['cursorSecret']}\n`);
    const profile = [
      '[DEFAULT]',
      'user=ocid1.user.oc1..u',
      'fingerprint=aa:bb',
      `tenancy=${sampleTenancy}`,
      `region=${region}`,
      `key_file=${keyFile}`,
      isSession ? `security_token_file=${tokenFile}` : `pass_phrase=${secrets['passphrase']}`,
    ];
    writeFileSync(configFile, profile.join('\n'));
    // Every line of the key is as secret as all of it.
    for (const [at, line] of pem.split('\n').slice(1, -2).entries()) secrets[`key line ${at}`] = line;
    const opened = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    for (const [at, line] of opened.split('\n').slice(1, -2).entries()) secrets[`open key line ${at}`] = line;
    secrets['sessionToken'] = sessionToken;
    secrets['token'] = issuer.token;
    secrets['tokenSignature'] = issuer.token.split('.')[2] ?? '';
    env = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      NODE_ENV: nodeEnv,
      NODE_OPTIONS: `--import ${join(root, 'test/support/inside.mjs')}`,
      SPANS_FILE: spansFile,
      PLANTED_SECRET: secrets['planted'] ?? '',
      PORT: '0',
      UPSTREAM: 'oci',
      OCI_AUTH: isSession ? 'session_token' : 'config_file',
      OCI_CONFIG_FILE: configFile,
      OCI_ENDPOINT_TEMPLATE: upstream.template,
      AUTH: 'jwt',
      AUTH_ISSUER: 'https://id.example.com/',
      AUTH_AUDIENCE: 'gateway',
      AUTH_JWKS_URL: issuer.url,
      AUTH_POLICY_FILE: policyFile,
      TRUSTED_PROXIES: '127.0.0.1',
      POLL_MIN_MS: '50',
      POLL_MAX_MS: '100',
      READ_CACHE_MS: '0',
      UPSTREAM_DEADLINE_MS: '500',
      UPSTREAM_RPS: '1000',
      LOG_LEVEL: 'trace',
      ...(isSession ? { CURSOR_SECRET: secrets['cursorSecret'] ?? '' } : { CURSOR_SECRET_FILE: secretFile }),
    };
    child = spawn(process.execPath, ['server.ts'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
    while (!/GraphQL +http:\S+:(\d+)\/graphql/.test(out)) {
      if (child.exitCode !== null) throw new Error(`it ended: ${out}${err}`);
      await sleep(20);
    }
    port = Number(/GraphQL +http:\S+:(\d+)\/graphql/.exec(out)?.[1]);
  });
  afterAll(async () => {
    child.kill('SIGKILL');
    issuer.close();
    await upstream.close();
  });

  const linesAt = (level: number): unknown[] =>
    err
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly level: number })
      .filter((line) => line.level === level);

  const create = (): string =>
    upstream.emulator.createWorkRequest({
      service: 'CONTAINERENGINE',
      region,
      compartmentId: 'ocid1.compartment.oc1..canaries',
      script: [{ afterMs: 0, status: 'IN_PROGRESS' }],
    }).id;

  interface Sent {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: OutgoingHttpHeaders;
    readonly body?: string;
    readonly token?: string | null;
  }
  const send = async (who: string, sent: Sent): Promise<{ status: number; text: string; type: string }> => {
    const { token = issuer.token } = sent;
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      agent: false,
      method: sent.method ?? 'POST',
      path: sent.path ?? '/graphql',
      headers: {
        'content-type': 'application/json',
        cookie: `session=${secrets['cookie']}`,
        'x-api-key': secrets['header'],
        'x-request-id': secrets['header'],
        'x-forwarded-for': `${secrets['proxy']}, 192.0.2.7`,
        forwarded: `for="${secrets['proxy']}"`,
        via: `1.1 ${secrets['proxy']}`,
        'x-forwarded-user': secrets['proxy'],
        'proxy-authorization': `Basic ${secrets['basic']}`,
        traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
        tracestate: `vendor=${secrets['traceState']}`,
        baggage: `key=${encodeURIComponent(secrets['baggage'] ?? '')}`,
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...sent.headers,
      },
    });
    request.on('error', () => {});
    request.end(sent.body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    const type = response.headers['content-type'] ?? '';
    tell(who, `${JSON.stringify(response.rawHeaders)}\n${text}`);
    return { status: response.statusCode ?? 0, text, type };
  };
  const ask = (who: string, query: string, variables: Record<string, unknown> = {}, more: Sent = {}) =>
    send(who, { ...more, body: JSON.stringify({ query, variables }) });

  const read = (id: string): string =>
    `query Read($id: ID!) { workRequest(id: $id) { id status ... on WorkRequest { percentComplete } } } # ${questions['comment']} ${id.length}`;
  const overSse: Sent = { path: '/graphql/stream', headers: { accept: 'text/event-stream' } };

  /** Says these things on a WebSocket, and waits for as many answers, or its end. */
  const talk = async (who: string, messages: readonly unknown[], answers: number): Promise<void> => {
    const url = `ws://127.0.0.1:${port}/graphql?access_token=${encodeURIComponent(secrets['search'] ?? '')}`;
    const socket = new WebSocket(url, ['graphql-transport-ws', secrets['subprotocol'] ?? ''], {
      headers: {
        cookie: secrets['cookie'],
        'x-request-id': who === 'own' ? requestName : secrets['header'],
        baggage: `key=${encodeURIComponent(secrets['baggage'] ?? '')}`,
      },
    });
    const closed = new Promise<void>((resolve) => {
      socket.on('close', (code, reason) => {
        tell(who, `${code} ${reason.toString()}`);
        resolve();
      });
    });
    let left = answers;
    const answered = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        tell(who, (data as Buffer).toString());
        if ((left -= 1) === 0) resolve();
      });
    });
    await once(socket, 'open');
    for (const message of messages)
      socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    await Promise.race([answered, closed]);
    tell(who, socket.protocol);
    if (who === 'own') {
      socket.close(4_123, questions['closeReason']);
      await closed;
    }
    socket.terminate();
  };
  const initWith = (authorization: unknown): unknown => ({
    type: 'connection_init',
    payload: { authorization, more: secrets['goodParameter'], nested: { cookie: secrets['cookie'] } },
  });

  test('every door is tried', async () => {
    const id = create();
    const wrong = { id: { a: questions['wrongVariable'] }, more: questions['variable'] };
    const literal = `{ workRequest(id: "${questions['literal']}") { id } }`;

    // Good.
    for (const more of [{}, {}, overSse]) {
      const { text } = await ask('own', read(id), { id, other: questions['variable'] }, more);
      expect(text).toContain('IN_PROGRESS');
    }
    const list =
      '{ workRequests(compartmentId: "ocid1.compartment.oc1..canaries", first: 1, services: [CONTAINERENGINE]) { pageInfo { endCursor } failures { message } } }';
    create();
    expect((await ask('own', list)).text).toContain('endCursor');

    // Bad operations.
    for (const more of [{}, overSse]) {
      await ask('own', read(id), wrong, more);
      await ask('own', literal, {}, more);
      await ask('own', `{ nothing(a: "${questions['literal']}") }`, {}, more);
      await ask('own', `{ "${questions['literal']}`, {}, more);
      await ask(
        'own',
        `query($id: ID!) { workRequest(id: $id, region: "${questions['literal']}") { id } }`,
        { id },
        more,
      );
    }
    const search = new URLSearchParams({
      query: read(id),
      variables: JSON.stringify({ id: questions['search'] }),
    });
    const get: Sent = { method: 'GET', headers: { 'apollo-require-preflight': secrets['header'] } };
    await send('own', { ...get, path: `/graphql?${String(search)}` });
    await send('own', { ...get, path: `/graphql/stream?${String(search)}` });
    await send('own', { ...get, path: `/graphql?query=%7B&variables=${questions['search']}` });
    await send('own', {
      headers: { 'x-request-id': requestName },
      body: JSON.stringify({ query: read(id), variables: { id } }),
    });
    const search2 = `?access_token=${encodeURIComponent(secrets['search'] ?? '')}`;
    for (const path of [
      '/graphql',
      '/graphql/stream',
      '/healthz',
      '/metrics',
      '/playground',
      '/',
      '/nowhere',
    ])
      for (const method of ['GET', 'POST', 'OPTIONS']) await send('others', { method, path: path + search2 });
    for (const token of [null, `x ${secrets['search']}`])
      await send('others', { path: `/graphql${search2}`, token, body: '{}' });
    await send('others', {
      body: '{}',
      headers: { authorization: `Basic ${secrets['basic']}` },
      token: null,
    });
    await send('others', { method: 'GET', path: `/nowhere?token=${secrets['header']}` });
    await send('others', { method: 'GET', path: `/graphql/%ff?${secrets['header']}` });

    // Bad requests.
    await send('others', { body: `{"query": ${secrets['brokenRequest']}` });
    await send('others', { body: JSON.stringify([{ query: secrets['brokenRequest'] }]) });
    for (const body of [
      `{"query":"{ __typename }","variables":{"password":"${secrets['brokenRequest']}",}}`,
      `{"query":"{ __typename }","variables":{"password":"${secrets['brokenRequest']}\\x"}}`,
      `{"query":"{ __typename }" "${secrets['brokenRequest']}"}`,
      `{"query":"{ __typename }","variables":"${secrets['brokenRequest']}"}`,
      `{"query":"{ __typename }","operationName":{"a":"${secrets['brokenRequest']}"}}`,
      `{"query":{"a":"${secrets['brokenRequest']}"}}`,
      `{"query":"{ __typename }","extensions":"${secrets['brokenRequest']}"}`,
      `"${secrets['brokenRequest']}"`,
    ])
      for (const path of ['/graphql', '/graphql/stream']) await send('others', { body, path });
    await send('others', { body: secrets['brokenRequest'] ?? '', headers: { 'content-type': 'text/plain' } });
    await send('others', { body: `{"query":"${'x'.repeat(1_100_000)}${secrets['brokenRequest']}"}` }).catch(
      () => {},
    );
    await send('others', { headers: { host: 'evil.example' } });
    await send('others', { headers: { origin: 'https://evil.example' } });
    for (const path of ['/graphql', '/graphql/stream'])
      for (const token of [null, secrets['badToken'] ?? '', `${issuer.token.slice(0, -20)}${'A'.repeat(20)}`])
        expect((await send('others', { path, token, body: '{}' })).status).toBe(401);
    for (const bytes of [
      `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n${secrets['brokenRequest']}\r\n\r\n`,
      `${secrets['brokenRequest']}\r\n\r\n`,
      `GET /\u009b31m${'\u2028'} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`,
      `GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ${secrets['brokenRequest']}\r\n\r\n`,
      `GET /graphql?x=${secrets['subprotocol']} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: ${secrets['subprotocol']}\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${'y'.repeat(20_000)}${secrets['brokenRequest']}\r\n\r\n`,
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('data', (data) => tell('others', data.toString('latin1')));
      socket.end(Buffer.from(bytes, 'latin1'));
      await Promise.race([once(socket, 'close'), sleep(2_000)]);
      socket.destroy();
    }

    // WebSockets.
    const subscribe = (query: string, variables: Record<string, unknown> = {}): unknown => ({
      type: 'subscribe',
      id: '1',
      payload: { query, variables, extensions: { traceparent: secrets['header'] } },
    });
    const good = initWith(`Bearer ${issuer.token}`);
    await talk('own', [good, subscribe(read(id), { id })], 3);
    await talk('own', [good, subscribe(read(id), wrong)], 2);
    await talk('own', [good, subscribe(literal)], 2);
    await talk(
      'own',
      [good, subscribe('subscription($id: ID!) { workRequest(id: $id) { type } }', { id })],
      2,
    );
    await talk('others', [initWith(`Bearer ${secrets['badToken']}`)], 1);
    await talk('others', [initWith({ a: secrets['badParameter'] })], 1);
    await talk('others', [{ type: 'connection_init', payload: secrets['badParameter'] }], 1);
    await talk('others', [`{"type": "${secrets['badParameter']}"}`], 1);
    await talk('others', [good, `{"type":"ping","payload":`], 2);
    await talk('others', [subscribe(literal)], 1);
  });

  test('upstream says what it was signed with', async () => {
    const compartmentId = questions['compartment'];
    const id = create();
    const document = `query($id: ID!, $c: String!) {
      workRequest(id: $id) { id status errors { nodes { message } } }
      workRequests(compartmentId: $c, services: [CONTAINERENGINE, MYSQL]) { nodes { id } failures { message code opcRequestId } }
    }`;
    const wait = 'query($id: ID!) { waitForWorkRequest(id: $id, timeoutSeconds: 0) { status } }';
    const cancel =
      'mutation($input: CancelWorkRequestInput!) { cancelWorkRequest(input: $input) { error { code message } } }';
    const moods: Mood[] = ['echo json', 'echo text', 'echo html', 'echo encoded', 'malformed', 'reset'];
    for (const mood of moods) {
      upstream.feel(mood);
      for (const more of [{}, overSse]) {
        const { text, type } = await ask('upstream', document, { id, c: compartmentId }, more);
        expect(text).toMatch(/"errors"|"failures"/);
        expect(type).toMatch(/^(application\/json|text\/event-stream)/);
      }
      await ask('upstream', wait, { id });
      await ask('upstream', cancel, { input: { id } });
    }
    upstream.feel('echo json');
    const watch = {
      query: 'subscription($id: ID!) { workRequest(id: $id) { type gap { reason } } }',
      variables: { id },
    };
    await talk(
      'upstream',
      [initWith(`Bearer ${issuer.token}`), { type: 'subscribe', id: '1', payload: watch }],
      2,
    );
    upstream.feel('good');
    expect(upstream.signatures.size).toBeGreaterThan(5);
  });

  test('a bug is told to callers as one, and no more', async () => {
    const id = create();
    for (const more of [{}, {}, overSse]) {
      child.kill('SIGUSR2');
      await sleep(100);
      const { text } = await ask('own', read(id), { id }, more);
      expect(text).toContain('Internal server error');
    }
    while (linesAt(50).length < 3) await sleep(20);
    for (const line of linesAt(50))
      expect(line).toMatchObject({
        requestId: expect.any(String),
        err: { type: 'TypeError', stack: expect.stringContaining('inside.mjs'), cause: { type: 'Error' } },
      });
  });

  test('a bug that nobody catches ends the gateway, with a line that says where', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/playground', '/'])
      await send('others', { method: 'GET', path, headers: { accept: '*/*' } });
    const ended = once(child, 'exit');
    child.kill('SIGHUP');
    expect((await ended)[0]).toBe(1);
    expect(linesAt(60)).toMatchObject([{ err: { stack: expect.stringContaining('inside.mjs') } }]);
  });

  test('the configuration is reported without secrets, also where it is wrong', async () => {
    const runOut = async (args: readonly string[], more: Record<string, string> = {}): Promise<number> => {
      const run = spawn(process.execPath, ['server.ts', ...args], { cwd: root, env: { ...env, ...more } });
      const texts: string[] = [];
      run.stdout.setEncoding('utf8').on('data', (text: string) => texts.push(text));
      run.stderr.setEncoding('utf8').on('data', (text: string) => texts.push(text));
      const [code] = (await once(run, 'close')) as [number];
      tell('reports', texts.join(''));
      return code;
    };
    const withUser = `http://${encodeURIComponent(secrets['header'] ?? '')}:${encodeURIComponent(secrets['passphrase'] ?? '')}@127.0.0.1:9/{region}`;
    const damaged = join(folder, `${nodeEnv}-damaged.pem`);
    const [begin = '', ...lines] = readFileSync(join(folder, `${nodeEnv}-key.pem`), 'utf8').split('\n');
    writeFileSync(damaged, [begin, ...lines.slice(3)].join('\n'));
    const badConfig = join(folder, `${nodeEnv}-bad-config`);
    const profile = readFileSync(env['OCI_CONFIG_FILE'] ?? '', 'utf8');
    writeFileSync(badConfig, profile.replace(/key_file=.*/, `key_file=${damaged}`));
    const oddConfig = join(folder, `${nodeEnv}-odd-config`);
    writeFileSync(oddConfig, `${profile}\n${secrets['passphrase']}\n`);
    const codes = [];
    for (const [args, more] of [
      [['--print-config'], {}],
      [['--check-config'], {}],
      [
        ['--check-config', '--print-config'],
        { OCI_ENDPOINT_TEMPLATE: withUser, AUTH_JWKS_URL: withUser, PORT: 'x' },
      ],
      [['--check-config'], { OCI_CONFIG_FILE: badConfig }],
      [['--check-config'], { OCI_CONFIG_FILE: oddConfig }],
      [['--check-config'], { CURSOR_SECRET: secrets['cursorSecret'] ?? '', CURSOR_SECRET_FILE: '/nowhere' }],
    ] as const)
      codes.push(await runOut(args, more));
    expect(codes).toEqual([0, 0, 78, 78, 78, 78]);
    const probed = await runOut(['--check-config', '--probe']);
    expect(told.at(-1)?.text).toContain('Oracle Cloud answered');
    expect(probed).toBe(0);
    upstream.feel('echo json');
    expect(await runOut(['--check-config', '--probe'])).toBe(1);
  });

  test('and none of it has got out', () => {
    const signatures = Object.fromEntries(
      [...upstream.signatures].map((text, at) => [`signature ${at}`, text]),
    );
    const all = { ...secrets, ...signatures };
    for (const { text } of told)
      expect({ found: findCanaries(text, all), text }).toEqual({ found: [], text });
    const spans = readFileSync(spansFile, 'utf8');
    expect(spans.split('\n').length).toBeGreaterThan(20);
    for (const text of [out, err, spans])
      expect(findCanaries(text, { ...all, ...questions, upstreamWords })).toEqual([]);
    for (const { who, text } of told) if (who !== 'own') expect(text).not.toContain(requestName);
    expect(err).toContain(requestName);
    // What callers prove themselves with, and say beside their question, stays here.
    expect(upstream.heard.length).toBeGreaterThan(50);
    for (const text of upstream.heard) {
      expect(findCanaries(text, { ...ofCallers, token: issuer.token })).toEqual([]);
      expect(text).not.toContain(requestName);
    }
    // Others than who asked are told nothing of what was asked.
    for (const { who, text } of told)
      if (who !== 'own' && who !== 'upstream') expect(findCanaries(text, questions)).toEqual([]);
    for (const { text } of told) expect(text).not.toMatch(/\n? +at .+:\d+:\d+|node_modules|file:\/\//);
  });

  test('each line of the log is one, and nothing in it moves a terminal', () => {
    const lines = err.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(50);
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number), msg: expect.any(String) });
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
  });
});

test('the search finds what it looks for, in whatever form', () => {
  const secret = createCanary('x');
  for (const before of ['', 'a', 'ab', 'abc'])
    for (const form of [
      Buffer.from(`${before}${secret}y`).toString('base64'),
      Buffer.from(`${before}${secret}`).toString('base64url'),
      Buffer.from(`${before}${secret}`).toString('hex').toUpperCase(),
      encodeURIComponent(`${before}${secret}`),
      JSON.stringify({ a: `${before}${secret}` }),
    ])
      expect(findCanaries(`text ${form} text`, { secret })).toEqual(['secret']);
  expect(findCanaries('text', { secret })).toEqual([]);
  expect(formsOf(secret).every((form) => form.length > 20)).toBe(true);
});
