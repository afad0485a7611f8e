import { describe, expect, test } from '@jest/globals';
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

  test('a browser that opens the path finds no landing page', async () => {
    const house = await openHouse();
    const answer = await send(house, { path: '/graphql', headers: { accept: 'text/html' } });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/json/);
  });
});

describe('requests that are not GraphQL', () => {
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
