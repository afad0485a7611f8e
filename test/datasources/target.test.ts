import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseTarget } from '../../datasources/target.ts';
import {
  createTestUpstream,
  failureOfCall,
  getFrom,
  startUpstreamDouble,
} from '../support/upstream-double.ts';

const origin = 'https://identity.us-ashburn-1.oci.oraclecloud.com';

describe('the last door before a socket', () => {
  test.each([
    '',
    'a',
    '/a b',
    '/a\r\nx: y',
    '/a\u0000',
    '/a\u007f',
    '/ä',
    '/a\\..\\b',
    '/a#b',
    '/..',
    '/a/../b',
    '/a/./b',
    '/a/%2e%2E/b',
    '/a/.%2e',
    '/%2e?x=1',
  ])('refuses path %j', (path) =>
    expect(() => parseTarget(getFrom(origin, path))).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    ),
  );

  test.each([
    'https://user@evil.example',
    'https://evil.example/x',
    'https://evil.example?x=',
    'https://evil.example#',
    'file://host',
    'ftp://a',
    'https://',
    'evil.example',
    'https://a b',
    'https://a\u3002b',
    'https://a:99999',
    'https://[::1',
  ])('refuses origin %j', (bad) =>
    expect(() => parseTarget(getFrom(bad, '/a'))).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    ),
  );

  test.each([
    ['x: y', 'a'],
    ['X-Upper', 'a'],
    ['', 'a'],
    ['x-a', 'a\r\nhost: b'],
    ['x-a', 'ä'],
    ['x-a', '\u0000'],
    ['host', 'evil.example'],
    ['authorization', 'a'],
    ['opc-obo-token', 'a'],
    ['content-length', '1'],
    ['transfer-encoding', 'chunked'],
  ])('refuses header %j: %j', (name, value) =>
    expect(() => parseTarget(getFrom(origin, '/a', { headers: { [name]: value } }))).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    ),
  );

  test('keeps host and path of whatever it lets through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (tail) => {
        const path = `/20180222/workRequests/${tail}`;
        let parsed;
        try {
          parsed = parseTarget(getFrom(origin, path));
        } catch {
          return;
        }
        expect(parsed.host).toBe('identity.us-ashburn-1.oci.oraclecloud.com');
        expect(parsed.target).toMatch(/^\/20180222\/workRequests\/[\x21-\x7e]*$/);
        expect(parsed.target).not.toContain('#');
      }),
      { numRuns: 2_000 },
    );
  });

  test('opens no socket for what it refuses, and the call says what was unfit', async () => {
    const double = await startUpstreamDouble((_request, response) => response.end('{}'));
    const upstream = createTestUpstream();
    const error = await failureOfCall(upstream.call(getFrom(double.origin, '/a/../b\r\nhost: evil')));
    expect(error).toMatchObject({ code: 'BAD_USER_INPUT', isRetryable: false });
    expect(error.message).toBe(
      'Kubernetes Engine (CONTAINERENGINE) in us-ashburn-1 was not asked: unfit path "/a/../b\\r\\nhost: evil".',
    );
    expect(double.received).toHaveLength(0);
    await upstream.close();
    await double.close();
  });
});
