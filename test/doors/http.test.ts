import { describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../../errors.ts';
import { ask, gate, open, openHouse, post, send } from './support.ts';

const get = (search: string) => ({
  path: `/graphql?${search}`,
  headers: { 'apollo-require-preflight': 'true' },
});

describe('GraphQL over HTTP', () => {
  test('queries and mutations by POST, queries by GET', async () => {
    const house = await openHouse();
    const posted = await ask(house, 'query ($n: Int!) { count(n: $n) }', { n: 3 });
    expect(posted.json).toEqual({ data: { count: 3 } });
    expect(posted.headers['content-type']).toMatch(/^application\/json/);
    expect((await ask(house, 'mutation { bump }')).json).toEqual({ data: { bump: 1 } });
    const variables = encodeURIComponent('{"n":4}');
    const got = await send(house, get(`query=query($n:Int!){count(n:$n)}&variables=${variables}`));
    expect(got.json).toEqual({ data: { count: 4 } });
  });

  test('a mutation by GET is 405 and not executed', async () => {
    const house = await openHouse();
    const answer = await send(house, get('query=mutation{bump}'));
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST');
    expect(answer.json.data).toBeUndefined();
  });

  test.each(['POST', 'GET'])(
    'a subscription by %s is 400, naming both paths, and opens nothing',
    async (method) => {
      const house = await openHouse();
      const query = 'subscription { ticks }';
      const answer =
        method === 'POST'
          ? await ask(house, query)
          : await send(house, get(`query=${encodeURIComponent(query)}`));
      expect(answer.status).toBe(400);
      expect(answer.headers.allow).toBeUndefined();
      expect(answer.json.errors?.[0]?.message).toContain('WS /graphql');
      expect(answer.json.errors?.[0]?.message).toContain('/graphql/stream');
      expect(answer.json.errors?.[0]?.extensions).toEqual({ code: 'BAD_REQUEST' });
      expect(house.streams.started).toBe(0);
    },
  );

  test('a document may hold a subscription that is not the operation asked for', async () => {
    const house = await openHouse();
    const query = 'query A { hello } subscription B { ticks }';
    expect((await post(house, { query, operationName: 'A' })).json.data).toEqual({ hello: 'hello world' });
    expect((await post(house, { query, operationName: 'B' })).status).toBe(400);
  });

  test('the status depends on the media type that the caller accepts', async () => {
    const house = await openHouse();
    const newer = { accept: 'application/graphql-response+json' };
    const answer = await post(house, { query: '{ nonsense }' }, newer);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^application\/graphql-response\+json/);
    expect((await post(house, { query: '{ hello }' }, newer)).status).toBe(200);
    expect((await post(house, { query: '{ hello }' }, { accept: 'text/html' })).status).toBe(406);
  });

  test('introspection works', async () => {
    const house = await openHouse();
    expect((await ask(house, '{ __schema { queryType { name } } }')).json.data).toEqual({
      __schema: { queryType: { name: 'Query' } },
    });
  });

  describe.each(['/graphql', '/graphql/stream'])('a browser that opens %s', (path) => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const withPlayground = {
      registerPlayground: (app: FastifyInstance) => void app.get('/playground', async () => 'a playground'),
    };

    test('is sent to the playground', async () => {
      const house = await openHouse(withPlayground);
      const { status, headers } = await send(house, { path, headers: { accept } });
      expect([status, headers.location]).toEqual([303, '/playground']);
    });

    test('is told what the path is for where there is no playground', async () => {
      const house = await openHouse();
      const answer = await send(house, { path, headers: { accept } });
      expect(answer.status).toBe(400);
      expect(answer.headers['content-type']).toMatch(/json/);
      expect(answer.json.errors?.[0]?.message).toMatch(/GraphQL requests.*POST/);
    });

    test('is refused as before when it comes with a query or from a page elsewhere', async () => {
      const house = await openHouse(withPlayground);
      const query = await send(house, { path: `${path}?query={hello}`, headers: { accept } });
      expect([query.status, query.headers.location]).toEqual([400, undefined]);
      expect(query.json.errors?.[0]?.message).toContain('CSRF');
      const elsewhere = await send(house, { path, headers: { accept, origin: 'https://evil.example' } });
      expect([elsewhere.status, elsewhere.headers.location]).toEqual([403, undefined]);
      expect(house.contexts).toEqual([]);
    });

    test('is none when it asks for data', async () => {
      const house = await openHouse(withPlayground);
      for (const data of ['application/json, text/html', 'text/event-stream, text/html', '*/*']) {
        expect((await send(house, { path, headers: { accept: data } })).status).toBe(400);
      }
    });
  });
});

describe('requests that are not GraphQL', () => {
  test('a batch is told what to send instead', async () => {
    const { json } = await post(await openHouse(), [{ query: '{ hello }' }]);
    expect(json.errors?.[0]?.message).toMatch(
      /^Send one operation in a request.* lists of them are not taken/,
    );
  });

  test.each([
    ['malformed JSON', '{"query": "secret-canary', 400],
    ['an empty body', '', 400],
    ['a string', '"{ hello }"', 400],
    ['null', 'null', 400],
    ['a batch', '[{"query":"{ hello }"}]', 400],
    ['no query', '{}', 400],
    ['a query that is no string', '{"query": {"kind": "Document"}}', 400],
    ['variables in a string', '{"query": "{ hello }", "variables": "{}"}', 400],
    ['__proto__', '{"query": "{ hello }", "__proto__": {"a": 1}}', 400],
    ['a body over the limit', JSON.stringify({ query: `{ hello } #${'x'.repeat(1024 * 1024)}` }), 413],
  ])('%s', async (_name, body, status) => {
    const house = await openHouse();
    const answer = await post(house, body);
    expect(answer.status).toBe(status);
    expect(answer.json.errors?.[0]?.extensions.code).toBe(status === 413 ? 'LIMIT_EXCEEDED' : 'BAD_REQUEST');
    expect(answer.text).not.toContain('secret-canary');
    expect(house.logged.join()).not.toContain('secret-canary');
    expect(answer.text).not.toContain('stack');
  });

  test.each([
    'text/plain',
    'text/plain; application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'nonsense',
    '',
  ])('content-type "%s" is 415, with the preflight header too', async (type) => {
    const house = await openHouse();
    for (const path of ['/graphql', '/graphql/stream']) {
      for (const more of [{}, { 'apollo-require-preflight': '1' }]) {
        const answer = await post(
          house,
          { query: 'mutation { bump }' },
          { 'content-type': type, ...more },
          path,
        );
        expect(answer.status).toBe(415);
        expect(answer.json.errors?.[0]?.message).toContain('application/json');
      }
    }
    expect(house.contexts).toEqual([]);
  });

  test('a GET that a page elsewhere can send is refused', async () => {
    const house = await openHouse();
    for (const headers of [{}, { 'apollo-require-preflight': '' }, { accept: 'text/event-stream' }]) {
      for (const path of ['/graphql?query={hello}', '/graphql/stream?query={hello}']) {
        const answer = await send(house, { path, headers });
        expect(answer.status).toBe(400);
        expect(answer.json.errors?.[0]?.message).toContain('apollo-require-preflight');
      }
    }
    expect(house.contexts).toEqual([]);
  });

  test('other methods are 405', async () => {
    const house = await openHouse();
    for (const path of ['/graphql', '/graphql/stream']) {
      for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']) {
        const answer = await send(house, { method, path });
        expect(answer.status).toBe(405);
        expect(answer.headers.allow).toBe('GET, POST');
      }
    }
  });

  test.each([
    ['/healthz', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/metrics', 'GET, HEAD'],
    ['/playground', 'GET, HEAD'],
    ['/playground/files/a.js', 'GET, HEAD'],
    ['/', 'GET, HEAD'],
    ['/graphql?a=b', 'GET, POST'],
  ])('%s says which methods it has: %s', async (path, allow) => {
    const house = await openHouse({
      registerPlayground(app) {
        app.get('/playground', async () => 'a playground');
        app.get('/playground/files/*', async () => 'a file');
      },
    });
    for (const method of ['PUT', 'DELETE', 'PROPFIND', ...(allow.includes('POST') ? [] : ['POST'])]) {
      // Not even a body that cannot be read is in the way.
      const sent = { method, path, headers: { 'content-type': 'application/json' }, body: '{' };
      const answer = await send(house, sent);
      expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
      expect(answer.json.errors).toEqual([{ message: `Use ${allow}.`, extensions: { code: 'BAD_REQUEST' } }]);
    }
  });

  test('a path that is not there has no methods, whatever is asked of it', async () => {
    const house = await openHouse();
    for (const method of ['GET', 'POST', 'PROPFIND']) {
      for (const path of ['/', '/playground', '/graphql/', '/healthz/x']) {
        const answer = await send(house, { method, path });
        expect([answer.status, answer.headers.allow]).toEqual([404, undefined]);
        expect(answer.json.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
      }
    }
  });

  test.each([
    [422, 'FST_ERR_OF_TOMORROW', /^This request cannot be read\.$/],
    [400, 'FST_ERR_CTP_INVALID_CONTENT_LENGTH', /Content-Length/],
    [400, 'FST_ERR_CTP_INVALID_JSON_BODY', /not valid JSON/],
  ])('what a library refuses with %i %s is told as what it is', async (statusCode, code, message) => {
    const house = await openHouse({
      registerPlayground(app) {
        app.get('/playground', () => {
          throw Object.assign(new Error('secret-canary'), { statusCode, code });
        });
      },
    });
    const answer = await send(house, { path: '/playground' });
    expect(answer.status).toBe(statusCode);
    expect(answer.json.errors).toEqual([
      { message: expect.stringMatching(message), extensions: { code: 'BAD_REQUEST' } },
    ]);
  });

  test('unknown paths and paths that cannot be decoded answer in JSON', async () => {
    const house = await openHouse();
    expect((await send(house, { path: '/admin' })).json.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    const undecodable = await send(house, { path: '/%zz' });
    expect(undecodable.status).toBe(400);
    expect(undecodable.json.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
    expect(undecodable.headers['x-content-type-options']).toBe('nosniff');
  });
});

describe('contexts', () => {
  test('are built once for each operation, knowing who asked and how', async () => {
    const house = await openHouse();
    await post(house, { query: '{ hello }' }, { authorization: 'Bearer x' });
    expect(house.contexts).toMatchObject([
      {
        transport: 'http',
        isSubscription: false,
        remoteAddress: '127.0.0.1',
        headers: { authorization: 'Bearer x' },
      },
    ]);
    expect(house.contexts[0]?.signal.aborted).toBe(false);
  });

  test('learn when the caller is gone', async () => {
    const house = await openHouse();
    const { arrived, go } = gate('slow');
    const body = JSON.stringify({ query: '{ slow }' });
    const headers = { 'content-type': 'application/json' };
    void open(house, { method: 'POST', headers, body }).catch(() => undefined);
    await arrived.promise;
    const signal = house.contexts[0]?.signal;
    const aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve));
    house.doors.app.server.closeAllConnections();
    await aborted;
    go.resolve();
  });

  test.each([
    ['UNAUTHENTICATED', 401],
    ['FORBIDDEN', 403],
    ['LIMIT_EXCEEDED', 429],
  ] as const)('that fail with %s make it %i', async (code, status) => {
    const house = await openHouse({
      createContext: () => {
        throw new GatewayError(code, 'Not so.');
      },
    });
    const answer = await ask(house, '{ hello }');
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ errors: [{ message: 'Not so.', extensions: { code } }] });
  });
});

test('an answer may take minutes: what is limited is the time of a request to arrive', async () => {
  const { doors } = await openHouse();
  const { timeout, requestTimeout, headersTimeout } = doors.app.server;
  const { connectionTimeout, handlerTimeout } = doors.app.initialConfig as Record<string, unknown>;
  expect({ timeout, connectionTimeout, handlerTimeout }).toEqual({
    timeout: 0,
    connectionTimeout: 0,
    handlerTimeout: 0,
  });
  expect(requestTimeout).toBe(30_000);
  expect(headersTimeout).toBeGreaterThan(0);
});

test('the log has one line for a request, without query string, headers or body', async () => {
  const house = await openHouse();
  const path = '/graphql?query={hello(name:"secret-canary")}';
  await send(house, { path: encodeURI(path), headers: { 'apollo-require-preflight': 'secret-canary' } });
  await post(house, { query: '{ hello(name: "secret-canary") }' }, { authorization: 'secret-canary' });
  const lines = house.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter(({ msg }) => msg === 'Answered')).toMatchObject([
    { method: 'GET', path: '/graphql', status: 200 },
    { method: 'POST', path: '/graphql', status: 200 },
  ]);
  expect(house.logged.join()).not.toContain('secret-canary');
});
