/** What an answer to hostile input has to look like. */
import { performance } from 'node:perf_hooks';
import { errorCodes } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { AnswerError } from '../support/gateway.ts';

export interface Result {
  readonly data?: unknown;
  readonly errors?: readonly AnswerError[];
}

/** Whoever is refused waits no longer; asked once more where it was. */
export const longestMs = 1_000;

/**
 * @returns how to read the time since then, in milliseconds, without what this process was kept from running: machines are
 * shared, and this is about what the gateway takes its time for
 */
export const startWatch = (): (() => number) => {
  const [start, loop, cpu] = [performance.now(), performance.eventLoopUtilization(), process.cpuUsage()];
  return () => {
    const { active } = performance.eventLoopUtilization(loop);
    const { user, system } = process.cpuUsage(cpu);
    return performance.now() - start - Math.max(0, active - (user + system) / 1_000);
  };
};

/** And the one word that Apollo's clients need to know. */
export const codesThatAreOurs: ReadonlySet<string> = new Set([
  ...Object.keys(errorCodes),
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** Null: it is refused as it should be. Else what is wrong. */
export const findFault = (result: Result | null, codes: readonly ErrorCode[]): string | null => {
  if (result === null) return 'no answer that can be read';
  const { data, errors } = result;
  if (!isNothing(data)) return `it was executed: ${JSON.stringify(data).slice(0, 300)}`;
  if (!Array.isArray(errors) || errors.length === 0)
    return `no errors: ${JSON.stringify(result).slice(0, 300)}`;
  for (const { message, extensions } of errors as readonly AnswerError[]) {
    const code = extensions?.code as ErrorCode | undefined;
    const told = `${code}: ${message}`.slice(0, 300);
    if (code === undefined || !codesThatAreOurs.has(code)) return `a code that is not ours: ${told}`;
    if (!codes.includes(code)) return `another code than ${codes.join()}: ${told}`;
    if (typeof message !== 'string' || message.length < 10) return `a message that helps nobody: ${told}`;
    if (/\bat .*(\.ts|\.js|node:)|node_modules|\.ts:\d/.test(message)) return `a stack: ${told}`;
    if ('stacktrace' in (extensions ?? {}) || 'exception' in (extensions ?? {}))
      return `a stack beside: ${told}`;
  }
  return null;
};

/** Fields that were refused are null, and nothing else was told. */
export const isNothing = (data: unknown): boolean =>
  data == null || (typeof data === 'object' && Object.values(data).every((value) => isNothing(value)));

export const parseResult = (text: string): Result | null => {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : null;
  } catch {
    return null;
  }
};

export interface HttpAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/** What holds for every answer over HTTP, whatever it says. */
export const findHttpFault = ({ status, headers, text }: HttpAnswer): string | null => {
  const type = headers['content-type'] ?? '';
  if (status >= 500 && status !== 503) return `status ${status}: ${text.slice(0, 200)}`;
  if (text !== '' && !/^(application\/(graphql-response\+)?json|text\/event-stream)\b/.test(type))
    return `content-type ${type}: ${text.slice(0, 200)}`;
  if (headers['x-content-type-options'] !== 'nosniff') return `no nosniff with status ${status}`;
  return null;
};
