/** Whoever judges answers has to be able to find fault. */
import { describe, expect, test } from '@jest/globals';
import { findFault, findHttpFault, startWatch } from './answers.ts';
import { parseAnswers } from './bytes.ts';
import { closeFrame, frame, parseFrames } from './frame.ts';
import { isGoodMessage, isGoodRequest, goodRequest } from './generate.ts';

const error = (code: string, message = 'This helps somebody.', more: object = {}) => ({
  errors: [{ message, extensions: { code, ...more } }],
});

describe('an answer', () => {
  test.each([
    ['of data', { data: { regions: [{ id: 'a' }] } }, /executed/],
    ['of data beside an error', { ...error('BAD_REQUEST'), data: { a: 1 } }, /executed/],
    ['of nothing', {}, /no errors/],
    ['of no errors', { errors: [] }, /no errors/],
    ['that is none', null, /no answer/],
    ['with a code of its own', error('SOMETHING'), /not ours/],
    ['without a code', { errors: [{ message: 'This helps somebody.' }] }, /not ours/],
    ['with another code', error('INTERNAL_SERVER_ERROR'), /another code/],
    ['without words', error('BAD_REQUEST', ''), /helps nobody/],
    ['with a stack', error('BAD_REQUEST', 'Oh\n    at run (/app/doors/http.ts:12:3)'), /a stack/],
    ['with a stack beside it', error('BAD_REQUEST', undefined, { stacktrace: [] }), /stack beside/],
  ])('%s is found fault with', (_what, result, says) => {
    expect(findFault(result, ['BAD_REQUEST'])).toMatch(says);
  });

  test('that refuses is not', () => {
    expect(findFault(error('BAD_REQUEST'), ['BAD_REQUEST'])).toBeNull();
    expect(findFault({ ...error('BAD_REQUEST'), data: { node: null } }, ['BAD_REQUEST'])).toBeNull();
  });

  const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' };
  test.each([
    ['a 500', { status: 500, headers, text: '{}' }],
    ['a page', { status: 400, headers: { ...headers, 'content-type': 'text/html' }, text: '<b>' }],
    [
      'what may be taken for a page',
      { status: 400, headers: { 'content-type': 'application/json' }, text: '{}' },
    ],
  ])('over HTTP: %s is found fault with', (_what, answer) => {
    expect(findHttpFault(answer)).not.toBeNull();
    expect(findHttpFault({ status: 400, headers, text: '{}' })).toBeNull();
  });
});

test('answers are read one after the other, in chunks or of a length', () => {
  const bytes = Buffer.from(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n',
  );
  expect(parseAnswers(bytes)?.map(({ status, text }) => [status, text])).toEqual([
    [400, '{}'],
    [200, '[]'],
  ]);
  expect(parseAnswers(Buffer.from('HELO\r\n\r\n'))).toBeNull();
  expect(parseAnswers(Buffer.alloc(0))).toEqual([]);
});

test('frames are read as they were written', () => {
  const written = [frame('a', { isMasked: false }), frame('b'.repeat(70_000), { isMasked: false })];
  const { frames, rest } = parseFrames(Buffer.concat([...written, Buffer.from([0x81])]));
  expect(frames.map(({ payload }) => payload.length)).toEqual([1, 70_000]);
  expect(rest).toHaveLength(1);
  expect(closeFrame(1000)).toHaveLength(8);
});

test('the oracles know what is good', () => {
  const good = goodRequest('/graphql', '{"query":"{ regions { id } }"}');
  expect(isGoodRequest(good, 1)).toBe(true);
  for (const [from, to] of [
    ['POST', 'PUT'],
    ['localhost', 'evil.example'],
    ['application/json', 'text/plain'],
    ['Content-Length: 30', 'Content-Length: 31'],
    ['regions', 'nope'],
    ['\r\nHost', '\r\nHost: a\r\nHost'],
  ] as const)
    expect(isGoodRequest(good.replace(from, to), 1)).toBe(false);
  expect(isGoodMessage('{"type":"ping"}', false)).toBe(true);
  expect(isGoodMessage('{"type":"next","id":"1"}', true)).toBe(false);
  expect(isGoodMessage('{"type":"connection_init"}', true)).toBe(false);
});

test('a watch counts waiting', async () => {
  const passed = startWatch();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(passed()).toBeGreaterThanOrEqual(45);
});
