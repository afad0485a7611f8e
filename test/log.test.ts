/** What may stand in a line of the log, and that nothing in it can be taken for more than it is. */
import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createOverload } from '../doors/overload.ts';
import { GatewayError, UpstreamError } from '../errors.ts';
import { createLog } from '../log.ts';

const canary = 'canary-c0ffee';

const writeLines = (write: (log: ReturnType<typeof createLog>) => void) => {
  const lines: string[] = [];
  write(createLog('trace', { write: (line) => void lines.push(line) }));
  return lines;
};
const writeLine = (write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown> => {
  const lines = writeLines(write);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
};

const failure = {
  service: 'CONTAINERENGINE',
  region: 'us-ashburn-1',
  status: 400,
  nativeCode: 'InvalidParameter',
  opcRequestId: 'opc-1',
  retryAfterMs: null,
};

describe('fields', () => {
  test('that are known are told, whatever they are; all others are left out', () => {
    const line = writeLine((log) =>
      log.warn(
        {
          requestId: 'r',
          status: 200,
          code: null,
          path: ['a', 0],
          variables: { id: canary },
          headers: canary,
          method: { canary },
          service: [canary],
          req: { url: canary },
        },
        'Words',
      ),
    );
    expect(line).toEqual({
      level: 40,
      time: expect.any(Number),
      requestId: 'r',
      status: 200,
      code: null,
      path: ['a', 0],
      msg: 'Words',
    });
  });

  test.each([
    ['a line break', '/a\n{"level":50}', '/a\\u{a}{"level":50}'],
    ['escapes of a terminal', '\u001b[2J\u009b31m\u0007', '\\u{1b}[2J\\u{9b}31m\\u{7}'],
    ['line and paragraph separators', 'a\u2028b\u2029c\u0085', 'a\\u{2028}b\\u{2029}c\\u{85}'],
    ['marks of direction', 'a\u202egnp.exe\u2066', 'a\\u{202e}gnp.exe\\u{2066}'],
    ['what cannot be seen', '\u200b\ufeff\u{e0041}', '\\u{200b}\\u{feff}\\u{e0041}'],
    ['half a character', 'a\ud800', 'a\\u{d800}'],
    ['DEL', '\u007f', '\\u{7f}'],
  ])('hold %s as what it is called', (_what, given, shown) => {
    const lines = writeLines((log) => log.info({ path: given, reason: given }, given));
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ path: shown, reason: shown, msg: shown });
    expect(lines[0]?.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(lines[0]?.endsWith('\n')).toBe(true);
  });

  test('are cut where they are long', () => {
    const { path } = writeLine((log) => log.info({ path: 'x'.repeat(1_000_000) }));
    expect(String(path).length).toBeLessThan(1_100);
  });
});

describe('errors', () => {
  const nested = new TypeError(canary, { cause: new Error(canary, { cause: canary }) });
  const coded = Object.assign(new Error(canary), { code: 'ECONNRESET', headers: canary, [canary]: 1 });

  test.each([
    ['beside words', (log: ReturnType<typeof createLog>) => log.error({ err: nested }, 'Words'), 'Words'],
    ['alone', (log: ReturnType<typeof createLog>) => log.error(nested), 'Something failed unexpectedly'],
    [
      'without words',
      (log: ReturnType<typeof createLog>) => log.error({ err: nested }),
      'Something failed unexpectedly',
    ],
  ])('%s: kind, place and causes, not what they say', (_how, write, msg) => {
    const line = writeLine(write);
    expect(line).toMatchObject({
      msg,
      err: {
        type: 'TypeError',
        stack: expect.stringMatching(/log\.test\.ts/),
        cause: { type: 'Error', cause: { type: 'string' } },
      },
    });
    expect(JSON.stringify(line)).not.toContain(canary);
  });

  test('have their code, and nothing else that hangs on them', () => {
    const line = writeLine((log) => log.error({ err: coded }, 'Words'));
    expect(line['err']).toEqual({ type: 'Error', code: 'ECONNRESET', stack: expect.any(String) });
  });

  test('whose message looks like a stack show none of it', () => {
    const err = new Error(`x\n    at ${canary} (file:///a.ts:1:1)`);
    expect(JSON.stringify(writeLine((log) => log.error({ err })))).not.toContain(canary);
    err.message = 'another';
    expect(JSON.stringify(writeLine((log) => log.error({ err })))).not.toContain(canary);
  });

  test('of ours have their message', () => {
    const err = new GatewayError('UNAUTHENTICATED', 'The profile has\nno key_file.');
    expect(writeLine((log) => log.warn({ err }))).toMatchObject({
      err: { message: 'The profile has\\u{a}no key_file.', code: 'UNAUTHENTICATED' },
    });
  });

  test('of upstream have its code and id, and its words only where there are none of its own', () => {
    const said = new UpstreamError('BAD_USER_INPUT', `It answered 400: ${canary}`, failure);
    const line = writeLine((log) => log.warn({ err: said }, 'Words'));
    expect(line['err']).toEqual({
      type: 'UpstreamError',
      code: 'BAD_USER_INPUT',
      status: 400,
      nativeCode: 'InvalidParameter',
      opcRequestId: 'opc-1',
      stack: expect.any(String),
    });
    const silent = new UpstreamError('UPSTREAM_TIMEOUT', 'It did not answer.', { ...failure, status: null });
    expect(writeLine((log) => log.warn({ err: silent }))).toMatchObject({
      err: { message: 'It did not answer.' },
    });
  });
});

test('libraries that name a URL show its path only', () => {
  const line = writeLine((log) => log.info(`Route GET:/graphql?query=${canary}&x=${canary} not found`));
  expect(line['msg']).toBe('Route GET:/graphql?… not found');
});

test('a heap that is nearly full is told with its numbers', () => {
  const mib = 1024 * 1024;
  let collected = (): void => {};
  const line = writeLine((log) => {
    createOverload({
      heap: {
        limitBytes: 200 * mib,
        usedBytes: () => 190 * mib,
        onCollected(task) {
          collected = task;
          return () => {};
        },
        collect: () => {},
      },
      registry: new Registry(),
      log,
      now: () => 0,
      letGo: () => {},
    });
    collected();
  });
  expect(line).toMatchObject({ level: 40, usedMib: 190, limitMib: 200 });
});

test('every field that may stand in a line does', () => {
  const told = {
    ...{ requestId: 'r', trace_id: 't', span_id: 's', method: 'GET', path: '/', status: 200, ms: 1 },
    ...{ service: 'MYSQL', region: 'here', code: 'C', attempts: 2, opcRequestId: 'o' },
    ...{ reason: 'why', problem: 'what', signal: 'SIGTERM', usedMib: 3, limitMib: 4 },
  };
  const line = writeLine((log) => log.info({ ...told, isSo: true }, 'Words'));
  expect(line).toEqual({ level: 30, time: expect.any(Number), ...told, msg: 'Words' });
});

test('an error is told with what caused it, three deep, however deep it is', () => {
  const err = new Error('a');
  err.cause = err;
  const { err: told } = writeLine((log) => log.error({ err })) as { err: Record<string, unknown> };
  const depthOf = ({ cause }: Record<string, unknown>): number =>
    cause === undefined ? 0 : 1 + depthOf(cause as Record<string, unknown>);
  expect(depthOf(told)).toBe(3);
});

test('of a stack only frames are told, and those of an error without a message, too', () => {
  const err = new Error('words');
  err.stack = `Error: words\n${canary}\n    at f (a.ts:1:1)\nx    at ${canary}`;
  expect(writeLine((log) => log.error({ err }))).toMatchObject({ err: { stack: '    at f (a.ts:1:1)' } });
  const silent = writeLine((log) => log.error({ err: new Error() })) as { err: { stack: string } };
  expect(silent.err.stack).toMatch(/^ {4}at /);
});

test('text of a thousand characters is told whole, nothing is told of nothing', () => {
  const whole = 'x'.repeat(1_000);
  expect(writeLine((log) => log.info({ reason: whole }, 'Words'))).toMatchObject({ reason: whole });
  expect(writeLine((log) => log.info(null, 'Words'))).toMatchObject({ msg: 'Words' });
});
