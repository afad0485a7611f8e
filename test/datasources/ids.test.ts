import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { catalog, serviceNames } from '../../datasources/catalog.ts';
import {
  checkNativeId,
  globalIdOf,
  isNamespaceName,
  parseGlobalId,
  parseOcid,
} from '../../datasources/ids.ts';
import type { WorkRequestRef } from '../../datasources/types.ts';
import { GatewayError } from '../../errors.ts';
import { clusterWorkRequest, refOf } from '../support/oci-bodies.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64url');
const badUserInput = expect.objectContaining({ code: 'BAD_USER_INPUT' });
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'nothing thrown';
  } catch (error) {
    if (error instanceof GatewayError) return error.code;
    throw error;
  }
};

const first = fc.constantFrom(...'ABCXYZabcxyz0189');
const later = (marks: string, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'ABCXYZabcxyz0189', ...marks), maxLength });
const nativeIds = fc.oneof(
  fc.tuple(first, later('._-', 254)).map(([a, b]) => a + b),
  fc.uuid(),
  fc.constantFrom(clusterWorkRequest, 'ocid1.mysqlworkrequest.oc1.iad..aaaa', 'a'),
);
const regions = fc.constantFrom('us-ashburn-1', 'eu-frankfurt-1', 'ap-tokyo-1', 'xx-new-9');
const namespaces = fc.tuple(first, later('_-', 127)).map(([a, b]) => a + b);
const refs: fc.Arbitrary<WorkRequestRef> = fc
  .record({
    service: fc.constantFrom(...serviceNames),
    region: regions,
    workRequestId: nativeIds,
    namespace: namespaces,
  })
  .map(({ namespace, ...ref }) => (catalog[ref.service].needsNamespace ? { ...ref, namespace } : ref));

describe('a global id', () => {
  test('stands for the same ref after a round trip, for every service and any native id', () => {
    fc.assert(
      fc.property(refs, (ref) => expect(parseGlobalId(globalIdOf(ref))).toEqual(ref)),
      { numRuns: 2_000 },
    );
    for (const service of serviceNames) {
      const ref: WorkRequestRef = {
        ...refOf('a', service),
        ...(catalog[service].needsNamespace && { namespace: 'acme' }),
      };
      expect(parseGlobalId(globalIdOf(ref))).toEqual(ref);
    }
  });

  test('is different for different refs', () => {
    fc.assert(
      fc.property(refs, refs, (one, other) => {
        const isSame = JSON.stringify(Object.entries(one)) === JSON.stringify(Object.entries(other));
        expect(globalIdOf(one) === globalIdOf(other)).toBe(isSame);
      }),
    );
  });

  test('is made of URL-safe characters, and can itself be a native id of no one', () => {
    const id = globalIdOf(refOf());
    expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(parseOcid(id)).toBeNull();
  });

  test('has one spelling: other bytes or letters for the same are refused', () => {
    const id = globalIdOf(refOf('a'));
    const bytes = `WorkRequest:CONTAINERENGINE:us-ashburn-1:a`;
    expect(id).toBe(encode(bytes));
    for (let spare = 1; spare < 4; spare += 1) {
      const last = id.at(-1) ?? '';
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const same = id.slice(0, -1) + (alphabet[alphabet.indexOf(last) + spare] ?? '');
      if (Buffer.from(same, 'base64url').toString() === bytes)
        expect(() => parseGlobalId(same)).toThrow(badUserInput);
    }
    expect(() => parseGlobalId(`${id}A`)).toThrow(badUserInput);
    expect(parseGlobalId(`${id}=`)).toBeNull();
    expect(parseGlobalId(`${id}\n`)).toBeNull();
    expect(parseGlobalId(` ${id}`)).toBeNull();
  });

  test.each([
    'WorkRequest:',
    'WorkRequest:::',
    'WorkRequest:CONTAINERENGINE',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:',
    'WorkRequest:CONTAINERENGINE::a',
    'WorkRequest::us-ashburn-1:a',
    'WorkRequest:containerengine:us-ashburn-1:a',
    'WorkRequest:NO_SUCH_SERVICE:us-ashburn-1:a',
    'WorkRequest:__proto__:us-ashburn-1:a',
    'WorkRequest:constructor:us-ashburn-1:a',
    'WorkRequest:CONTAINERENGINE:US-ASHBURN-1:a',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1@evil.example:a',
    'WorkRequest:CONTAINERENGINE:evil.example/:a',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:../a',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:..',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:a/b',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:a%2Fb',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:a?b',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:a\r\nhost: evil',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:a\0',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:ａ',
    'WorkRequest:CONTAINERENGINE:us-ashburn-1:a:acme',
    'WorkRequest:LOGANALYTICS:us-ashburn-1:a',
    'WorkRequest:LOGANALYTICS:us-ashburn-1:a:',
    'WorkRequest:LOGANALYTICS:us-ashburn-1:a:../b',
    'WorkRequest:LOGANALYTICS:us-ashburn-1:a:b/c',
    'WorkRequest:LOGANALYTICS:us-ashburn-1:a:.',
    'WorkRequest:LOGANALYTICS:us-ashburn-1:a:b:c',
  ])('that says %j is damaged', (text) => {
    expect(() => parseGlobalId(encode(text))).toThrow(badUserInput);
  });

  test('cut short or with a byte changed is no other id by accident', () => {
    const id = globalIdOf(refOf());
    for (let length = 0; length < id.length; length += 1) {
      const cut = id.slice(0, length);
      const outcome = codeOf(() => {
        const ref = parseGlobalId(cut);
        // What is still an id is that of another, shorter native id: its own canonical form.
        if (ref !== null)
          expect([globalIdOf(ref), ref.workRequestId.length]).toEqual([cut, expect.any(Number)]);
      });
      expect(['nothing thrown', 'BAD_USER_INPUT']).toContain(outcome);
    }
  });

  test.each([
    ['an OCID', clusterWorkRequest],
    ['a UUID', '3f2c8a52-9d0e-4b2e-8f60-0a8b7a4f3c11'],
    ['nothing', ''],
    ['base64url of something else', encode('Cluster:a')],
    ['another letter case', encode('workrequest:CONTAINERENGINE:us-ashburn-1:a')],
    ['a megabyte', 'V'.repeat(1_000_000)],
  ])('is not %s', (_, id) => {
    expect(parseGlobalId(id)).toBeNull();
  });

  test('of any text at all is parsed, refused, or null, and nothing else happens', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((text) => encode(`WorkRequest:${text}`)),
      fc.string({ unit: 'binary' }).map((text) => encode(`WorkRequest:CONTAINERENGINE:us-ashburn-1:${text}`)),
    );
    fc.assert(
      fc.property(texts, (id) =>
        expect(['nothing thrown', 'BAD_USER_INPUT']).toContain(codeOf(() => parseGlobalId(id))),
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('an OCID', () => {
  test.each([
    ['ocid1.clustersworkrequest.oc1.iad.aaaa', 'clustersworkrequest', 'oc1', 'iad'],
    ['ocid1.clustersworkrequest.oc1.eu-frankfurt-1.aaaa', 'clustersworkrequest', 'oc1', 'eu-frankfurt-1'],
    ['ocid1.identityworkrequest.oc1..aaaa', 'identityworkrequest', 'oc1', null],
    ['ocid1.mysqlworkrequest.oc1.iad.future.aaaa', 'mysqlworkrequest', 'oc1', 'iad'],
    ['ocid1.mysqlworkrequest.oc1.iad..aaaa', 'mysqlworkrequest', 'oc1', 'iad'],
    ['ocid1.x.oc2..future.aaaa', 'x', 'oc2', null],
  ])('%s says type, realm and region', (id, type, realm, region) => {
    expect(parseOcid(id)).toEqual({ type, realm, region });
  });

  test.each([
    '',
    'ocid1',
    'ocid1.x.oc1.aaaa',
    'ocid1.x.oc1.iad.future.more.aaaa',
    'ocid2.x.oc1.iad.aaaa',
    'OCID1.x.oc1.iad.aaaa',
    'ocid1..oc1.iad.aaaa',
    'ocid1.x..iad.aaaa',
    'ocid1.x.oc1.iad.',
    'ocid1.x.oc1.iad.future.',
    '3f2c8a52-9d0e-4b2e-8f60-0a8b7a4f3c11',
    '.....',
  ])('is not %j', (id) => {
    expect(parseOcid(id)).toBeNull();
  });
});

describe('a native id', () => {
  test.each([clusterWorkRequest, '3f2c8a52-9d0e-4b2e-8f60-0a8b7a4f3c11', 'a', 'A_b-c.d', 'a'.repeat(255)])(
    'can be %s',
    (id) => {
      expect(checkNativeId(id)).toBe(id);
    },
  );

  test.each([
    '',
    '.',
    '..',
    '.a',
    '-a',
    '_a',
    'a/b',
    'a\\b',
    'a b',
    'a%2e',
    'a:b',
    'a@b',
    'a?b',
    'a#b',
    'a\n',
    'é',
  ])('cannot be %j', (id) => {
    expect(() => checkNativeId(id)).toThrow(badUserInput);
  });

  test('cannot be longer than an OCID, and is not repeated in the message', () => {
    const id = 'a'.repeat(256);
    expect(() => checkNativeId(id)).toThrow(badUserInput);
    expect(() => checkNativeId(id)).not.toThrow(id);
  });
});

describe('a namespace name', () => {
  test('is letters, digits, _ and -, and never a way out of its place in a path', () => {
    for (const name of ['acme', 'axabcdefgh12', 'a_b-c']) expect(isNamespaceName(name)).toBe(true);
    for (const name of ['', '.', '..', 'a.b', 'a/b', 'a%2fb', 'a\\b', 'a?b', 'a b', 'a\n', 'a'.repeat(129)])
      expect(isNamespaceName(name)).toBe(false);
  });
});
