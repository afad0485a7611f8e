import { createPublicKey, createVerify } from 'node:crypto';
import { createServer as createTcpServer } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Upstream } from '../../datasources/types.ts';
import type { UpstreamOptions } from '../../datasources/http.ts';
import type { UpstreamEvent } from '../../datasources/report.ts';
import { GatewayError, UpstreamError } from '../../errors.ts';
import { createManualClock } from '../support/clock.ts';
import {
  answerJson,
  createSkippingClock,
  createTestUpstream,
  credential,
  failureOfCall,
  getFrom,
  keys,
  listen,
  portOf,
  startUpstreamDouble,
} from '../support/upstream-double.ts';
import type { Handle, UpstreamDouble } from '../support/upstream-double.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(
  handle: Handle,
  options: Partial<UpstreamOptions> = {},
): Promise<UpstreamDouble & { upstream: Upstream }> {
  const double = await startUpstreamDouble(handle);
  const upstream = createTestUpstream(options);
  cleanUps.push(double.close, () => upstream.close());
  return { ...double, upstream };
}

/** Speaks raw bytes, for answers that node's own server would not send. */
async function startRaw(
  answer: (socket: Socket) => void,
  options: Partial<UpstreamOptions> = {},
): Promise<{ origin: string; asked: () => number; upstream: Upstream }> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => {
      count += 1;
      answer(socket);
    });
  });
  await listen(server);
  const upstream = createTestUpstream({ clock: createSkippingClock(), ...options });
  cleanUps.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => sockets.forEach((socket) => socket.destroy()),
    () => upstream.close(),
  );
  return { origin: `http://127.0.0.1:${portOf(server)}`, asked: () => count, upstream };
}

describe('a call that succeeds', () => {
  test('brings status, headers in lower case, parsed body and opc-request-id', async () => {
    const { origin, upstream } = await start((_request, response) => {
      response.setHeader('OPC-Request-Id', 'theirs/1');
      response.setHeader('X-Twice', ['a', 'b']);
      answerJson(response, 200, { id: 'a', percentComplete: 1.5 });
    });
    const answer = await upstream.call(getFrom(origin));
    expect(answer).toMatchObject({
      status: 200,
      body: { id: 'a', percentComplete: 1.5 },
      opcRequestId: 'theirs/1',
    });
    expect(answer.headers['x-twice']).toBe('a, b');
  });

  test('is signed so that the public key verifies what was really sent', async () => {
    const { origin, received, upstream } = await start((_request, response) => answerJson(response, 200, {}));
    await upstream.call(
      getFrom(origin, "/20160918/workRequests/ä%20b?x='1'&page=%2B".replace('ä', '%C3%A4')),
    );
    const [request] = received;
    const { authorization = '', host, 'x-date': date } = request?.headers ?? {};
    const signature = /signature="([^"]+)"/.exec(authorization)?.[1] ?? '';
    const text = `x-date: ${date}\n(request-target): get ${request?.url}\nhost: ${host}`;
    expect(
      createVerify('sha256')
        .update(text)
        .verify(createPublicKey(keys.publicKey.export({ type: 'spki', format: 'pem' })), signature, 'base64'),
    ).toBe(true);
    expect(request?.url).toBe('/20160918/workRequests/%C3%A4%20b?x=%271%27&page=%2B');
  });

  test('sends one opc-request-id of ours for all attempts, accept and the headers it was given', async () => {
    const { origin, received, upstream } = await start(
      (_request, response, count) =>
        count === 1 ? answerJson(response, 503, undefined) : answerJson(response, 200, {}),
      { clock: createSkippingClock() },
    );
    await upstream.call(getFrom(origin, '/a', { headers: { 'if-none-match': '"e"' } }));
    expect(received).toHaveLength(2);
    expect(received[0]?.headers).toMatchObject({ accept: 'application/json', 'if-none-match': '"e"' });
    expect(received[0]?.headers['opc-request-id']).toMatch(/^[0-9A-F]{32}$/);
    expect(received[1]?.headers['opc-request-id']).toBe(received[0]?.headers['opc-request-id']);
  });

  test.each([
    [202, '{"id":"a"}', { id: 'a' }],
    [200, '', undefined],
    [200, '[]', []],
  ])('may have status %i and body %j', async (status, body, expected) => {
    const { origin, upstream } = await start((_request, response) => response.writeHead(status).end(body));
    expect(await upstream.call(getFrom(origin))).toMatchObject({ status, body: expected });
  });

  test('may be a 204 to a delete, or a 304 to a read', async () => {
    const { origin, upstream } = await start((request, response) =>
      response.writeHead(request.method === 'DELETE' ? 204 : 304).end(),
    );
    expect(await upstream.call(getFrom(origin, '/a', { method: 'DELETE' }))).toMatchObject({
      status: 204,
      body: undefined,
    });
    expect(await upstream.call(getFrom(origin))).toMatchObject({ status: 304, body: undefined });
  });

  test('may be a delete answered by something that is no JSON: it was carried out all the same', async () => {
    const { origin, upstream } = await start((_request, response) => response.writeHead(202).end('Accepted'));
    expect(await upstream.call(getFrom(origin, '/a', { method: 'DELETE' }))).toMatchObject({
      status: 202,
      body: undefined,
    });
  });

  test('is told to the observer, with its attempts and without anything secret', async () => {
    const events: UpstreamEvent[] = [];
    const { origin, upstream } = await start(
      (_request, response, count) =>
        count === 1
          ? answerJson(response, 500, undefined)
          : answerJson(response, 200, {}, { 'opc-request-id': 'r' }),
      { observe: (event) => events.push(event), clock: createSkippingClock() },
    );
    await upstream.call(getFrom(origin));
    expect(events).toEqual([
      {
        service: 'CONTAINERENGINE',
        region: 'us-ashburn-1',
        method: 'GET',
        status: 200,
        code: null,
        durationMs: expect.any(Number),
        attempts: 2,
        opcRequestId: 'r',
        requestId: undefined,
        span: null,
      },
    ]);
  });
});

describe('an error status', () => {
  test.each([
    [400, 'BAD_USER_INPUT', 1, false],
    [401, 'UNAUTHENTICATED', 1, false],
    [403, 'FORBIDDEN', 1, false],
    [404, 'NOT_FOUND', 1, false],
    [405, 'BAD_USER_INPUT', 1, false],
    [408, 'UPSTREAM_TIMEOUT', 1, true],
    [409, 'BAD_USER_INPUT', 1, false],
    [412, 'BAD_USER_INPUT', 1, false],
    [413, 'BAD_USER_INPUT', 1, false],
    [422, 'BAD_USER_INPUT', 1, false],
    [429, 'UPSTREAM_THROTTLED', 4, true],
    [500, 'UPSTREAM_UNAVAILABLE', 4, true],
    [501, 'UPSTREAM_UNAVAILABLE', 1, true],
    [502, 'UPSTREAM_UNAVAILABLE', 4, true],
    [503, 'UPSTREAM_UNAVAILABLE', 4, true],
    [504, 'UPSTREAM_TIMEOUT', 4, true],
  ])('%i is %s after %i attempts', async (status, code, attempts, isRetryable) => {
    const { origin, received, upstream } = await start(
      (_request, response) =>
        answerJson(
          response,
          status,
          { code: 'NativeCode', message: 'what they said' },
          { 'opc-request-id': 'r/1' },
        ),
      { clock: createSkippingClock(), deadlineMs: 10_000 },
    );
    const error = await failureOfCall(upstream.call(getFrom(origin)));
    expect(error).toBeInstanceOf(UpstreamError);
    expect(error).toMatchObject({ code, isRetryable });
    expect(error.failure).toEqual({
      service: 'CONTAINERENGINE',
      region: 'us-ashburn-1',
      status,
      nativeCode: 'NativeCode',
      opcRequestId: 'r/1',
      retryAfterMs: null,
    });
    expect(error.message).toContain(
      `Kubernetes Engine (CONTAINERENGINE) in us-ashburn-1 answered ${status} NativeCode: what they said.`,
    );
    expect(received).toHaveLength(attempts);
  });

  test.each([
    ['GET', 4, 'UPSTREAM_UNAVAILABLE'],
    ['DELETE', 1, 'BAD_USER_INPUT'],
  ] as const)('409 IncorrectState to %s: %i attempts, %s', async (method, attempts, code) => {
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 409, { code: 'IncorrectState', message: '' }),
      { clock: createSkippingClock() },
    );
    expect(await failureOfCall(upstream.call(getFrom(origin, '/a', { method })))).toMatchObject({
      code,
      failure: { nativeCode: 'IncorrectState' },
    });
    expect(received).toHaveLength(attempts);
  });

  test.each(['POST', 'GET'])('redirects are not followed (Location with %s left aside)', async () => {
    const elsewhere = await start((_request, response) => answerJson(response, 200, { stolen: true }));
    const { origin, upstream } = await start((_request, response) =>
      response.writeHead(307, { location: `${elsewhere.origin}/x` }).end(),
    );
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({ code: 'UPSTREAM_MALFORMED' });
    expect(elsewhere.received).toHaveLength(0);
  });

  test.each([
    ['text', 'text/plain', 'please come back later', 'answered 503 please come back later.'],
    ['HTML', 'text/html', '<html><script>alert(1)</script></html>', 'answered 503.'],
    ['nothing', 'application/json', '', 'answered 503.'],
    ['half JSON', 'application/json', '{"code":"Intern', 'answered 503.'],
    ['another shape', 'application/json', '[1]', 'answered 503.'],
  ])('with %s in its body stays readable', async (_what, type, body, ending) => {
    const { origin, upstream } = await start(
      (_request, response) => response.writeHead(503, { 'content-type': type }).end(body),
      { clock: createSkippingClock() },
    );
    const error = await failureOfCall(upstream.call(getFrom(origin)));
    expect(error.code).toBe('UPSTREAM_UNAVAILABLE');
    expect(error.message.endsWith(ending)).toBe(true);
  });

  test('401 names the clock when it is off, and only then', async () => {
    const late = new Date(Date.now() + 11 * 60_000).toUTCString();
    const { origin, upstream } = await start((request, response) => {
      if (request.url === '/skewed') response.setHeader('date', late);
      answerJson(response, 401, { code: 'NotAuthenticated', message: 'no' });
    });
    const skewed = await failureOfCall(upstream.call(getFrom(origin, '/skewed')));
    expect(skewed.message).toMatch(
      / answered 401 NotAuthenticated: no\. The gateway's own credential was not accepted: .*tenancy\. The clock here is 11 minutes behind/,
    );
    const plain = await failureOfCall(upstream.call(getFrom(origin, '/plain')));
    expect(plain.message).not.toContain('clock');
  });

  test('keeps its status when the explanation does not end', async () => {
    const { origin, upstream } = await start(
      (_request, response) =>
        response.writeHead(404, { 'content-type': 'application/json' }).write('{"code":"Not'),
      { deadlineMs: 100 },
    );
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({
      code: 'NOT_FOUND',
      failure: { status: 404 },
    });
  });
});

describe('no answer, or not a whole one', () => {
  test('a reset is UPSTREAM_UNAVAILABLE after four attempts', async () => {
    const { origin, asked, upstream } = await startRaw((socket) => socket.resetAndDestroy());
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      failure: { status: null },
    });
    expect(asked()).toBe(4);
  });

  test('one reset is healed by the next attempt', async () => {
    const { origin, received, upstream } = await start(
      (request, response, count) =>
        count === 1 ? request.socket.resetAndDestroy() : answerJson(response, 200, { id: 'a' }),
      { clock: createSkippingClock() },
    );
    const meter = { calls: 0 };
    expect(await upstream.call(getFrom(origin), { endsAt: Infinity, meter })).toMatchObject({
      body: { id: 'a' },
    });
    expect(received).toHaveLength(2);
    // What upstream received, not what was asked of us.
    expect(meter).toEqual({ calls: 2 });
  });

  test('a delete that was reset is not sent again, and the message says what is not known', async () => {
    const { origin, asked, upstream } = await startRaw((socket) => socket.resetAndDestroy());
    const error = await failureOfCall(upstream.call(getFrom(origin, '/a', { method: 'DELETE' })));
    expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(error.message).toContain('not known whether');
    expect(asked()).toBe(1);
  });

  test('a closed port is UPSTREAM_UNAVAILABLE and says why', async () => {
    const double = await startUpstreamDouble(() => undefined);
    await double.close();
    const upstream = createTestUpstream({ clock: createSkippingClock() });
    cleanUps.push(() => upstream.close());
    const error = await failureOfCall(upstream.call(getFrom(double.origin)));
    expect(error.code).toBe('UPSTREAM_UNAVAILABLE');
    expect(error.message).toContain('ECONNREFUSED');
  });

  test.each([
    ['headers that do not come', (socket: Socket) => void socket],
    ['a body that drips for ever', drip],
    [
      'headers that drip for ever',
      (socket: Socket) =>
        dripBytes(socket, 'HTTP/1.1 200 OK\r\nx-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'),
    ],
  ])('%s: UPSTREAM_TIMEOUT at the deadline, once', async (_what, answer) => {
    const { origin, asked, upstream } = await startRaw(answer, { deadlineMs: 120 });
    const { code, message } = await failureOfCall(upstream.call(getFrom(origin)));
    expect(code).toBe('UPSTREAM_TIMEOUT');
    expect(Number(/within (\d+) ms/.exec(message)?.[1])).toBeLessThanOrEqual(120);
    expect(asked()).toBe(1);
  });

  test('a timed-out connection is not used again', async () => {
    const { origin, received, upstream } = await start(
      (request, response) => (request.url === '/slow' ? undefined : answerJson(response, 200, {})),
      { deadlineMs: 100, connectionsPerOrigin: 1 },
    );
    const slow = failureOfCall(upstream.call(getFrom(origin, '/slow')));
    expect((await slow).code).toBe('UPSTREAM_TIMEOUT');
    expect(await upstream.call(getFrom(origin, '/fast'))).toMatchObject({ status: 200 });
    expect(received.map(({ url }) => url)).toEqual(['/slow', '/fast']);
  });

  test.each([
    ['with content-length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id":"a"', 4],
    ['chunked', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{"id":"a"\r\n', 4],
    ['without any length', 'HTTP/1.1 200 OK\r\n\r\n{"id":"a"', 1],
    ['without any length, at a number', 'HTTP/1.1 200 OK\r\n\r\n12', 1],
  ])('a body cut short %s is UPSTREAM_MALFORMED', async (_what, bytes, attempts) => {
    const { origin, asked, upstream } = await startRaw((socket) => socket.end(bytes));
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({
      code: 'UPSTREAM_MALFORMED',
      isRetryable: true,
    });
    expect(asked()).toBe(attempts);
  });

  test.each([
    ['malformed JSON', '{"id":}', 'application/json'],
    ['HTML', '<html>welcome</html>', 'text/html'],
    ['a bare word', 'true', 'application/json'],
    ['null', 'null', 'application/json'],
  ])('%s with status 200 is UPSTREAM_MALFORMED', async (_what, body, type) => {
    const { origin, received, upstream } = await start((_request, response) =>
      response.writeHead(200, { 'content-type': type, 'opc-request-id': 'r' }).end(body),
    );
    const error = await failureOfCall(upstream.call(getFrom(origin)));
    expect(error).toMatchObject({ code: 'UPSTREAM_MALFORMED', failure: { status: 200, opcRequestId: 'r' } });
    expect(error.message).not.toContain('welcome');
    expect(received).toHaveLength(1);
  });

  test('bytes that are no HTTP at all are no answer', async () => {
    const { origin, upstream } = await startRaw((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
  });

  test.each([
    ['announced', { 'content-length': '2000000' }],
    ['not announced', {}],
  ])(
    'a body larger than the cap (%s) is UPSTREAM_MALFORMED, read no further and not asked again',
    async (_what, headers) => {
      let written = 0;
      const { origin, received, upstream } = await start(
        (_request, response) => {
          response.writeHead(200, headers);
          const push = (): void => {
            if (response.destroyed || written >= 2_000_000) return;
            written += 10_000;
            response.write(' '.repeat(10_000), push);
          };
          push();
        },
        { maxResponseBytes: 20_000 },
      );
      expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({
        code: 'UPSTREAM_MALFORMED',
        isRetryable: false,
      });
      expect(received).toHaveLength(1);
    },
  );

  test('nothing is asked for an errand that is over, and a read is given up when its errand ends', async () => {
    const clock = createManualClock();
    const { origin, received, upstream } = await start(() => undefined, { clock, deadlineMs: 1_000 });
    const over = await failureOfCall(upstream.call(getFrom(origin, '/a'), { endsAt: clock.now() }));
    expect(over).toMatchObject({ code: 'UPSTREAM_TIMEOUT', isRetryable: true, failure: { isUnasked: true } });
    expect(over.message).toMatch(/was not asked: .*twice UPSTREAM_DEADLINE_MS/);
    expect(received).toHaveLength(0);
    const ended = await failureOfCall(upstream.call(getFrom(origin, '/b'), { endsAt: clock.now() + 200 }));
    expect(ended.code).toBe('UPSTREAM_TIMEOUT');
    expect(ended.failure.isUnasked).toBeUndefined();
    expect(received).toHaveLength(1);
  });

  test('a failure tells whether a call was made; where only its retry had no turn, one was', async () => {
    const clock = createManualClock();
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 429, undefined, { 'retry-after': '5' }),
      { clock, deadlineMs: 1_000 },
    );
    const asked = await failureOfCall(upstream.call(getFrom(origin)));
    const unasked = await failureOfCall(upstream.call(getFrom(origin)));
    expect([asked, unasked].map(({ code, failure }) => [code, failure.status, failure.isUnasked])).toEqual([
      ['UPSTREAM_THROTTLED', 429, undefined],
      ['UPSTREAM_THROTTLED', null, true],
    ]);
    expect(received).toHaveLength(1);
  });

  test('no answer takes longer than twice the deadline, whatever upstream does', async () => {
    const { origin, received, upstream } = await start(
      (_request, response, count) =>
        count < 3 ? answerJson(response, 503, undefined, { 'retry-after': '0.12' }) : undefined,
      { deadlineMs: 200, random: () => 1 },
    );
    const { message } = await failureOfCall(upstream.call(getFrom(origin)));
    // Two waits of 120 ms are over by then: not the 200 ms of a deadline are left, but 160 at most.
    const [, leftMs = '0'] = /within (\d+) ms/.exec(message) ?? [];
    expect(Number(leftMs)).toBeLessThanOrEqual(160);
    expect(received.length).toBeGreaterThan(1);
  });
});

function drip(socket: Socket): void {
  dripBytes(socket, `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n${' '.repeat(900)}`);
}

/** A byte every 20 ms, until the other side has enough. */
function dripBytes(socket: Socket, text: string): void {
  const head = text.indexOf('\r\n\r\n');
  const start = head < 0 ? 0 : head + 4;
  socket.write(text.slice(0, start));
  let at = start;
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ' '), 20);
  socket.on('close', () => clearInterval(timer));
}

describe('the credential', () => {
  const fresh = { ...credential, keyId: 'fresh/key/id' };

  test('is loaded anew after a 401, and the call is made once more, a delete too', async () => {
    const refused: unknown[] = [];
    let current = credential;
    const { origin, received, upstream } = await start(
      (request, response) =>
        answerJson(response, request.headers.authorization?.includes('fresh/key/id') ? 200 : 401, {}),
      {
        credentials: {
          id: 'x',
          region: null,
          current: () => current,
          refresh: (used) => {
            refused.push(used);
            current = fresh;
            return Promise.resolve(fresh);
          },
        },
      },
    );
    expect(await upstream.call(getFrom(origin, '/a', { method: 'DELETE' }))).toMatchObject({ status: 200 });
    expect(received).toHaveLength(2);
    expect(refused).toEqual([credential]);
  });

  test('that is refused twice is UNAUTHENTICATED, after two requests', async () => {
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 401, {}),
      {
        credentials: {
          id: 'x',
          region: null,
          current: () => credential,
          refresh: () => Promise.resolve(fresh),
        },
      },
    );
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({
      code: 'UNAUTHENTICATED',
      failure: { status: 401 },
    });
    expect(received).toHaveLength(2);
  });

  test.each([
    ['has nothing new', () => Promise.resolve(null)],
    ['fails', () => Promise.reject(new Error('secret detail'))],
  ])('whose reload %s is not tried again', async (_what, refresh) => {
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 401, {}),
      {
        credentials: { id: 'x', region: null, current: () => credential, refresh },
      },
    );
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(received).toHaveLength(1);
  });

  test('that cannot be had fails the call clearly, and nothing is sent', async () => {
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 200, {}),
      {
        credentials: {
          id: 'x',
          region: null,
          current: () => Promise.reject(new GatewayError('UNAUTHENTICATED', 'file F is gone.')),
        },
      },
    );
    const error = await failureOfCall(upstream.call(getFrom(origin)));
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED', failure: { status: null } });
    expect(error.message).toContain('file F is gone.');
    expect(received).toHaveLength(0);
  });

  test('that does not come holds a call no longer than the deadline', async () => {
    const { origin, received, upstream } = await start(
      (_request, response) => answerJson(response, 200, {}),
      {
        credentials: { id: 'x', region: null, current: () => new Promise(() => undefined) },
        deadlineMs: 80,
      },
    );
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(received).toHaveLength(0);
  });

  test('never shows in an error, though upstream echoes all it was sent', async () => {
    const canary = 'eyJhbGciOiJSUzI1NiJ9.CANARYCANARYCANARY.c2ln';
    const { origin, upstream } = await start(
      (request, response) => {
        const echo = JSON.stringify(request.headers);
        if (request.url === '/text')
          response
            .writeHead(400, { 'content-type': 'text/plain', 'opc-request-id': `ST$${canary}` })
            .end(echo);
        else
          answerJson(response, 401, { code: `ST$${canary}`, message: `bad signature ${echo} ST$${canary}` });
      },
      {
        credentials: {
          id: 'x',
          region: null,
          current: () => ({ ...credential, keyId: `ST$${canary}`, delegationToken: canary }),
        },
      },
    );
    for (const path of ['/json', '/text']) {
      const error = await failureOfCall(upstream.call(getFrom(origin, path)));
      const all = `${error.message} ${error.stack} ${JSON.stringify(error.failure)} ${String(error.cause)}`;
      expect(all).not.toContain('CANARY');
      expect(all).not.toMatch(/signature="?[A-Za-z0-9+/]{20}/);
    }
  });
});

describe('closing', () => {
  test('lets what is in flight end, ends what waits, and takes nothing new', async () => {
    let release = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      release = resolve;
    });
    let finish = (): void => undefined;
    const { origin, received, upstream } = await start(
      (request, response) => {
        if (request.url === '/throttled') answerJson(response, 429, undefined, { 'retry-after': '4' });
        else {
          finish = () => answerJson(response, 200, { id: 'a' });
          release();
        }
      },
      { random: () => 0 },
    );
    const inFlight = upstream.call(getFrom(origin, '/slow'));
    await reached;
    const throttled = failureOfCall(upstream.call(getFrom(origin, '/throttled', { region: 'us-phoenix-1' })));
    while (received.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const closed = upstream.close();
    expect(await failureOfCall(upstream.call(getFrom(origin)))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    expect(await throttled).toMatchObject({ code: 'UPSTREAM_THROTTLED' });
    finish();
    expect(await inFlight).toMatchObject({ body: { id: 'a' } });
    await closed;
    expect(received).toHaveLength(2);
  });

  test('cuts what does not end in five seconds, however long a call may take', async () => {
    const reached = Promise.withResolvers<void>();
    const clock = createSkippingClock();
    const { origin, upstream } = await start(() => reached.resolve(), { clock, deadlineMs: 600_000 });
    const hanging = failureOfCall(upstream.call(getFrom(origin)));
    await reached.promise;
    await upstream.close();
    expect(clock.slept).toEqual([5_000]);
    expect(await hanging).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});
