import { describe, expect, test } from '@jest/globals';
import { globalIdOf } from '../../datasources/ids.ts';
import { createTestSource, tenancy, upstreamError } from '../support/fake-upstream.ts';
import type { FakeAnswer } from '../support/fake-upstream.ts';
import { compartment, refOf } from '../support/oci-bodies.ts';

const raw = refOf('a', 'LOGANALYTICS_STORAGE');
const full = { ...raw, namespace: 'acme' };
const question = `/20200601/namespaces?compartmentId=${tenancy}`;
const path = '/20200601/namespaces/acme/storageWorkRequests/a';

const sourceWith = (namespaces: FakeAnswer | Error) =>
  createTestSource(({ path: asked }) => (asked === question ? namespaces : { body: { id: 'a' } }));
const acme: FakeAnswer = { body: { items: [{ namespaceName: 'acme', isOnboarded: true }] } };

describe("Logging Analytics' namespace", () => {
  test('of a raw id is asked for once per region, for the tenancy', async () => {
    const { source, upstream } = sourceWith(acme);
    expect((await source.get(raw))?.id).toBe(globalIdOf(full));
    expect(upstream.takePaths()).toEqual([question, path]);
    expect(await source.complete(refOf('b', 'LOGANALYTICS'))).toMatchObject({ namespace: 'acme' });
    await source.get(raw);
    expect(upstream.takePaths()).toEqual([path]);
    await source.get({ ...raw, region: 'us-phoenix-1' });
    expect(upstream.lines().slice(-2)).toEqual([
      `GET https://loganalytics.us-phoenix-1.oci.oraclecloud.com${question}`,
      `GET https://loganalytics.us-phoenix-1.oci.oraclecloud.com${path}`,
    ]);
  });

  test('in an id of ours is taken from there', async () => {
    const { source, upstream } = sourceWith(new Error('not to be asked for'));
    expect((await source.get(full))?.id).toBe(globalIdOf(full));
    expect(upstream.takePaths()).toEqual([path]);
  });

  test('is completed for errors too', async () => {
    const { source, upstream } = createTestSource(({ path: asked }) =>
      asked === question ? acme : { body: { items: [{ message: 'm' }] } },
    );
    expect(await source.errors(raw, compartment, {})).toMatchObject({ items: [{ message: 'm' }] });
    expect(upstream.takePaths()).toEqual([question, `${path}/errors?compartmentId=${compartment}`]);
  });

  test('that does not exist means that nothing is there, and is looked for again next time', async () => {
    const { source, upstream } = sourceWith({ body: { items: [] } });
    expect(await source.complete(raw)).toBeNull();
    expect(await source.get(raw)).toBeNull();
    expect(await source.errors(raw, compartment, {})).toEqual({ items: [], nextPage: null, malformed: [] });
    expect(upstream.takePaths()).toEqual([question, question, question]);
  });

  test('that may not be seen means that nothing is there: 404 is no error of a read', async () => {
    const { source, upstream } = sourceWith(upstreamError('NOT_FOUND'));
    expect(await source.get(raw)).toBeNull();
    expect(upstream.takePaths()).toEqual([question]);
  });

  test('that does not exist leaves nothing to cancel', async () => {
    const { source, upstream } = sourceWith({ body: { items: [] } });
    await expect(source.cancel(refOf('a', 'LOGANALYTICS_QUERY'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(upstream.takePaths()).toEqual([question]);
  });

  test.each([
    [undefined],
    ['acme'],
    [[{ namespaceName: 'acme' }]],
    [{ items: null }],
    [{ items: [null] }],
    [{ items: [{}] }],
    [{ items: [{ namespaceName: 5 }] }],
    [{ items: [{ namespaceName: '' }] }],
    [{ items: [{ namespaceName: '../../20160918/users' }] }],
    [{ items: [{ namespaceName: '..' }] }],
    [{ items: [{ namespaceName: 'a%2f..' }] }],
    [{ items: [{ namespaceName: 'a?b#c' }] }],
    [{ items: [{ namespaceName: '@evil.example' }] }],
    [{ items: [{ namespaceName: 'a\r\nb' }] }],
  ])('told as %j is malformed, and no path is made of it', async (body) => {
    const { source, upstream } = sourceWith({ body });
    await expect(source.get(raw)).rejects.toMatchObject({ code: 'UPSTREAM_MALFORMED' });
    expect(upstream.takePaths()).toEqual([question]);
  });

  test.each(['FORBIDDEN', 'UPSTREAM_TIMEOUT', 'UPSTREAM_THROTTLED'] as const)(
    'that could not be asked for (%s) is that error',
    async (code) => {
      await expect(sourceWith(upstreamError(code)).source.get(raw)).rejects.toMatchObject({ code });
    },
  );
});
