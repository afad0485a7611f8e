import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { withEmulator } from './support.ts';

const workRequests = '/_emulator/work-requests';

test.each<[string, unknown, RegExp]>([
  ['no JSON', '{"service":', /no JSON/],
  ['no object', '[]', /expected object/i],
  ['an unknown service', { service: 'TELEPORT', region: 'us-ashburn-1' }, /service: .*CONTAINERENGINE/],
  [
    'a region that looks like none',
    { service: 'QUEUE', region: '../x' },
    /region: must look like us-ashburn-1/,
  ],
  ['a field that nobody knows', { service: 'QUEUE', region: 'us-ashburn-1', scirpt: [] }, /scirpt/],
  [
    'a step before the start',
    { service: 'QUEUE', region: 'us-ashburn-1', script: [{ afterMs: -1 }] },
    /script\.0\.afterMs/,
  ],
  ['too many at once', { service: 'QUEUE', region: 'us-ashburn-1', count: 1e9 }, /count: /],
])('creation with %s is a 400 that says what was wrong', async (_name, body, message) => {
  await withEmulator(async ({ control }) => {
    const reply = await control('POST', workRequests, body);
    expect(reply.status).toBe(400);
    expect((reply.body as { message: string }).message).toMatch(message);
  });
});

test.each<[string, string, unknown]>([
  ['POST', '/_emulator/faults', { status: 99 }],
  ['POST', '/_emulator/faults', { service: 'TELEPORT' }],
  ['POST', '/_emulator/faults', { cut: { atByte: 'ten' } }],
  ['POST', '/_emulator/clock', { speed: -1 }],
  ['POST', '/_emulator/clock', { advanceMs: -1000 }],
  ['POST', '/_emulator/compartments', { name: 'without an id' }],
  ['POST', '/_emulator/parents', { kind: 'rockets', region: 'us-ashburn-1', id: 'x' }],
])('%s %s refuses %j', async (method, path, body) => {
  await withEmulator(async ({ control }) => {
    const reply = await control(method, path, body);
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ code: 'InvalidBody' });
  });
});

test('only loopback names and those allowed reach the control door, so that no DNS name can be rebound to it', async () => {
  await withEmulator(
    async ({ control, url }) => {
      const { port } = new URL(url);
      const status = async (host: string) =>
        (await control('GET', '/_emulator/clock', undefined, { host })).status;
      expect(await status(`localhost:${port}`)).toBe(200);
      expect(await status(`[::1]:${port}`)).toBe(200);
      expect(await status(`emulator:${port}`)).toBe(200);
      expect(await status('evil.example')).toBe(403);
      expect(await status(`127.0.0.1.evil.example:${port}`)).toBe(403);
    },
    { allowedHosts: ['emulator'] },
  );
});

test("a browser's page elsewhere is refused, by its Origin or by the type of its body", async () => {
  await withEmulator(async ({ control, url }) => {
    const foreign = await control(
      'POST',
      '/_emulator/clock',
      { speed: 2 },
      { origin: 'http://evil.example' },
    );
    expect(foreign.status).toBe(403);
    expect((await control('GET', '/_emulator/clock', undefined, { origin: 'null' })).status).toBe(403);
    const form = await control('POST', '/_emulator/clock', '{"speed":2}', { 'content-type': 'text/plain' });
    expect(form.status).toBe(415);
    expect((await control('GET', '/_emulator/clock')).body).toMatchObject({ speed: 1 });
    const own = await control('POST', '/_emulator/clock', { speed: 2 }, { origin: url });
    expect(own.body).toMatchObject({ speed: 2 });
  });
});

test('a body over a mebibyte is refused, and the emulator goes on', async () => {
  await withEmulator(async ({ control }) => {
    const reply = await control('POST', workRequests, JSON.stringify({ service: 'x'.repeat(2_000_000) }));
    expect(reply.status).toBe(413);
    expect((await control('GET', '/_emulator/clock')).status).toBe(200);
  });
});

test('wrong methods and paths are answered with what there is', async () => {
  await withEmulator(async ({ control, call }) => {
    const wrong = await control('PUT', '/_emulator/faults', {});
    expect(wrong.status).toBe(405);
    expect(wrong.headers.allow).toBe('GET, POST, DELETE');
    const absent = await control('GET', '/_emulator/nothing');
    expect(absent.status).toBe(404);
    expect(absent.text).toContain('/_emulator/work-requests/{id}');
    for (const path of ['faults/a/b', '__proto__', 'constructor']) {
      expect((await control('GET', `/_emulator/${path}`)).status).toBe(404);
    }
    expect((await control('PATCH', `${workRequests}/absent`, { status: 'X' })).status).toBe(404);
    expect((await control('DELETE', `${workRequests}/absent`)).status).toBe(404);
    expect(
      (await call('/us-ashburn-1/queue/20210201/workRequests', { method: 'POST', body: '{}' })).status,
    ).toBe(405);
    for (const path of [
      '/us-ashburn-1/nothing/x',
      '/nowhere/queue/20210201/workRequests',
      '/us-ashburn-1/queue/20210202/workRequests',
    ]) {
      expect((await call(path)).body).toMatchObject({ code: 'NotFound' });
    }
  });
});

test('work requests can be listed, the newest first, by service, region, compartment and status', async () => {
  await withEmulator(async ({ control, emulator }) => {
    const make = (service: string, region: string, acceptedMsAgo: number): string =>
      emulator.createWorkRequest({ service, region, acceptedMsAgo, compartmentId: `of ${service}` }).id;
    const queue = make('QUEUE', 'us-ashburn-1', 60_000);
    const early = make('MYSQL', 'us-ashburn-1', 90_000);
    const late = make('MYSQL', 'eu-frankfurt-1', 1_000);
    const list = async (query: string): Promise<readonly string[]> => {
      const { body } = await control('GET', `${workRequests}?${query}`);
      const { count, workRequests: found } = body as { count: number; workRequests: { id: string }[] };
      expect(count).toBeGreaterThanOrEqual(found.length);
      return found.map(({ id }) => id);
    };
    expect(await list('')).toEqual([late, queue, early]);
    expect(await list('service=MYSQL')).toEqual([late, early]);
    expect(await list('region=us-ashburn-1')).toEqual([queue, early]);
    expect(await list('compartmentId=of%20QUEUE')).toEqual([queue]);
    expect(await list('status=ACCEPTED')).toEqual([late]);
    expect(await list('service=MYSQL&limit=1')).toEqual([late]);
    expect(await list('service=mysql')).toEqual([]);
    const { body } = await control('GET', `${workRequests}?service=QUEUE`);
    expect(body).toEqual({
      count: 1,
      workRequests: [
        {
          id: queue,
          service: 'QUEUE',
          region: 'us-ashburn-1',
          compartmentId: 'of QUEUE',
          operationType: 'CREATE_QUEUE',
          status: 'SUCCEEDED',
          percentComplete: 100,
          timeAccepted: '2026-03-01T11:59:00.000Z',
          timeFinished: '2026-03-01T11:59:20.000Z',
        },
      ],
    });
  });
});

test('hostile ids and queries are answered like absent ones', async () => {
  await withEmulator(async ({ call }) => {
    for (const id of ['%00', '%2e%2e%2f', '__proto__', 'constructor', '%F0%9F%92%A5', 'x'.repeat(5000)]) {
      expect((await call(`/us-ashburn-1/queue/20210201/workRequests/${id}`)).status).toBe(404);
    }
    expect((await call('/us-ashburn-1/queue/20210201/workRequests/%E0%A4%A')).status).toBe(404);
    expect((await call('/us-ashburn-1/__proto__/20210201/workRequests')).status).toBe(404);
    const query = '?__proto__=1&constructor=2&compartmentId=a&compartmentId=b';
    expect((await call(`/us-ashburn-1/queue/20210201/workRequests${query}`)).status).toBe(404);
  });
});

test('what is no HTTP does not bring it down', async () => {
  await withEmulator(async ({ control, url }) => {
    const { hostname, port } = new URL(url);
    for (const text of [
      '\u0000\u0001\u0002\r\n\r\n',
      'GET http://other/ HTTP/1.1\r\nhost: x\r\n\r\n',
      'GET * HTTP/1.1\r\nhost: x\r\n\r\n',
    ]) {
      const answer = await new Promise<string>((resolve) => {
        let heard = '';
        const socket = connect({ host: hostname, port: Number(port) }, () => socket.end(text));
        socket.on('data', (chunk) => (heard += chunk.toString()));
        socket.on('error', () => resolve(heard));
        socket.on('close', () => resolve(heard));
      });
      expect(answer).toMatch(/^HTTP\/1\.1 400/);
    }
    expect((await control('GET', '/_emulator/clock')).status).toBe(200);
  });
});

test('calls are counted by what they asked for, and forgotten when told to', async () => {
  await withEmulator(async ({ call, control, emulator }) => {
    const { id, compartmentId } = emulator.createWorkRequest({ service: 'QUEUE', region: 'us-ashburn-1' });
    await call(`/us-ashburn-1/queue/20210201/workRequests/${id}`);
    await call(`/us-ashburn-1/queue/20210201/workRequests?compartmentId=${compartmentId}`);
    await call('/eu-frankfurt-1/queue/20210201/workRequests/absent');
    const count = async (query: string) =>
      ((await control('GET', `/_emulator/requests?${query}`)).body as { count: number }).count;
    expect(await count('')).toBe(3);
    expect(await count('operation=get')).toBe(2);
    expect(await count('operation=get&region=us-ashburn-1')).toBe(1);
    expect(await count(`compartmentId=${compartmentId}&service=QUEUE`)).toBe(1);
    expect(await count('status=404')).toBe(1);
    expect(await count('since=2')).toBe(1);
    const { body } = await control('GET', `/_emulator/requests?workRequestId=${id}`);
    expect(body).toMatchObject({
      total: 3,
      count: 1,
      requests: [
        {
          method: 'GET',
          service: 'QUEUE',
          region: 'us-ashburn-1',
          operation: 'get',
          workRequestId: id,
          status: 200,
          faultId: null,
        },
      ],
    });
    expect(await count('limit=0')).toBe(3);
    await control('DELETE', '/_emulator/requests');
    expect(await count('')).toBe(0);
  });
});

test.each([
  ['work-requests', 'limit', 'abc'],
  ['work-requests', 'limit', ''],
  ['work-requests', 'limit', '-1'],
  ['requests', 'limit', '1.5'],
  ['requests', 'status', '4xx'],
  ['requests', 'since', 'yesterday'],
])('a query that cannot be taken is refused by name: %s?%s=%s', async (resource, name, value) => {
  await withEmulator(async ({ control }) => {
    const { status, body } = await control('GET', `/_emulator/${resource}?service=QUEUE&${name}=${value}`);
    expect([status, body]).toEqual([
      400,
      { code: 'InvalidQuery', message: `${name}: must be a whole number from 0` },
    ]);
  });
});

test('cannot be started twice, and tells when a port is taken', async () => {
  await withEmulator(async ({ emulator, url }) => {
    await expect(emulator.start(0)).rejects.toThrow('already started');
    await withEmulator(async (other) => {
      await other.emulator.stop();
      await expect(other.emulator.start(Number(new URL(url).port))).rejects.toThrow('EADDRINUSE');
    });
  });
});
