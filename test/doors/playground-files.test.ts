import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { registerPlayground } from '../../doors/playground.ts';

describe('the files of the playground', () => {
  let app: FastifyInstance;
  let assets: string;

  beforeAll(async () => {
    app = Fastify();
    registerPlayground(app, {
      graphqlPath: '/graphql',
      title: 'Work <requests> & "more"',
      tabs: [{ name: '</script><script>alert(1)', query: '{ `${services}` }', variables: { a: "it's" } }],
    });
    await app.ready();
    assets = /<base href="([^"]+)"/.exec((await app.inject('/playground')).body)?.[1] ?? '';
  });

  afterAll(() => app.close());

  test('the page forbids other hosts, framing and inline script, and has none itself', async () => {
    const { body, headers } = await app.inject('/playground');

    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    expect(body).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(body).toContain('<title>Work &#60;requests&#62; &#38; &#34;more&#34;</title>');
  });

  test('every file that the page names is served from here', async () => {
    const { body } = await app.inject('/playground');
    const names = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);

    expect(names.length).toBeGreaterThan(10);
    for (const name of names.filter((each) => each !== assets)) {
      const path = new URL(name, `http://localhost${assets}`).pathname;
      expect([path, (await app.inject(path)).statusCode]).toEqual([path, 200]);
    }
  });

  test('files carry their version in the path and are cached for ever, compressed where the client can', async () => {
    const plain = await app.inject({ url: `${assets}styles.css` });
    const packed = await app.inject({
      url: `${assets}styles.css`,
      headers: { 'accept-encoding': 'br, gzip' },
    });

    expect(assets).toMatch(/^\/playground\/altair-\d+\.\d+\.\d+\/$/);
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(Number(plain.headers['content-length'])).toBe(plain.rawPayload.length);
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.headers['vary']).toBe('accept-encoding');
    expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 3);
    expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true);
  });

  test('tabs arrive as data, whatever they hold', async () => {
    const { body, headers } = await app.inject('/playground/start.js');

    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    const windows: unknown = JSON.parse(/const windows = (\[.*?\n\]);/s.exec(body)?.[1] ?? '');
    expect(windows).toEqual([
      {
        initialName: '</script><script>alert(1)',
        initialQuery: '{ `${services}` }',
        initialVariables: '{\n  "a": "it\'s"\n}',
      },
    ]);
  });

  test.each([
    'no-such-file.js',
    'iframe-sandbox/index.html',
    '../package.json',
    '..%2f..%2fpackage.json',
    '%2e%2e/%2e%2e/package.json',
    '..%5c..%5cpackage.json',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    'main.js%00',
    'constructor',
    '__proto__',
    '',
  ])('has no file %j', async (name) => {
    const answer = await app.inject(`${assets}${name}`);

    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect(answer.statusCode).toBeLessThan(500);
    expect(answer.body).not.toContain('"version"');
  });

  test('a path with a slash at its end leads to the page', async () => {
    const { statusCode, headers } = await app.inject('/playground/');

    expect([statusCode, headers['location']]).toEqual([302, '/playground']);
  });
});
