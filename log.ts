/**
 * The log: JSON lines, in which only what is listed here may stand (docs/decisions/tracing.md).
 *
 * Fields that nobody has thought of are left out, whoever logs them. Of an error stand its kind, its code and where it was thrown; its
 * message only where it is ours, as others quote what they choked on. Whatever else is text is shown, never obeyed.
 */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { GatewayError, UpstreamError } from './errors.ts';

const fields: ReadonlySet<string> = new Set([
  // Whose line it is.
  'requestId',
  'trace_id',
  'span_id',
  // Of a request.
  'method',
  'path',
  'status',
  'ms',
  // Of a call to Oracle Cloud.
  'service',
  'region',
  'code',
  'attempts',
  'opcRequestId',
  // Of what went wrong, or is going on.
  'err',
  'reason',
  'problem',
  'signal',
  'usedMib',
  'limitMib',
]);

/** @param level of `LOG_LEVEL` */
export function createLog(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      formatters: { log: showFields },
      // Already told by `showFields`.
      serializers: { err: (told: unknown) => told },
      hooks: {
        logMethod(args, method) {
          const [about, message] = readArguments(args);
          method.call(this, about, message);
        },
      },
    },
    destination,
  );
}

/** Pino takes an error's message for the line's where none is given. What libraries would have put in for `%s` is left out. */
function readArguments([first, second]: readonly unknown[]): [object, string | undefined] {
  const about =
    first instanceof Error
      ? { err: first }
      : typeof first === 'object' && first !== null && !Array.isArray(first)
        ? first
        : {};
  const said = typeof first === 'string' ? first : typeof second === 'string' ? second : undefined;
  if (said !== undefined) return [about, show(withoutQuery(said))];
  return [about, 'err' in about ? 'Something failed unexpectedly' : undefined];
}

/** Fastify names a request by its URL. */
function withoutQuery(text: string): string {
  return text.replace(/(\/[^\s"'?]*)\?[^\s"']+/g, '$1?…');
}

function showFields(given: Record<string, unknown>): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!fields.has(name)) continue;
    if (name === 'err') shown[name] = showError(value);
    else if (typeof value === 'string') shown[name] = show(value);
    else if (name === 'path' && Array.isArray(value)) shown[name] = value.map(showKey);
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) shown[name] = value;
  }
  return shown;
}

function showKey(key: unknown): string | number {
  return typeof key === 'number' ? key : show(String(key));
}

const maxCauses = 3;

function showError(error: unknown, causes = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const code: unknown = Reflect.get(error, 'code');
  return {
    type: show(error.name),
    ...(isWrittenByUs(error) && { message: show(error.message) }),
    ...(typeof code === 'string' && { code: show(code) }),
    ...(error instanceof UpstreamError && showFailure(error)),
    stack: framesOf(error),
    ...(error.cause !== undefined && causes < maxCauses && { cause: showError(error.cause, causes + 1) }),
  };
}

/** Where an answer came, the message holds words of it. */
function isWrittenByUs(error: Error): boolean {
  return error instanceof UpstreamError ? error.failure.status === null : error instanceof GatewayError;
}

function showFailure({ failure }: UpstreamError): Record<string, unknown> {
  const { status, nativeCode, opcRequestId } = failure;
  return {
    status,
    nativeCode: nativeCode === null ? null : show(nativeCode),
    opcRequestId: opcRequestId === null ? null : show(opcRequestId),
  };
}

/** The lines of a stack after the message, which may look like some. */
function framesOf({ name, message, stack = '' }: Error): string {
  const head = stack.startsWith(name) ? stack.indexOf(message) : -1;
  if (head < 0) return '';
  const lines = stack.slice(head + message.length).split('\n');
  return lines
    .filter((line) => /^ {4}at /.test(line))
    .map(show)
    .join('\n');
}

const maxLength = 1_000;

/** One line of printable text: controls, terminals' escapes and marks of direction become what they are called. */
export function show(text: string): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => {
    return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
