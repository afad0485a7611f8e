/**
 * What a caller is told of an error, on every transport: our own errors with their code, GraphQL's own with theirs, and of
 * everything else that it happened. The cause goes to the log, once, here.
 */
import { GraphQLError, Kind } from 'graphql';
import type { GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import { BusyError, errorCodes, GatewayError, LimitError, UpstreamError } from '../errors.ts';
import type { ErrorCode, Limit } from '../errors.ts';
import type { FormatError } from './pipeline.ts';
import { noteError, traceOf } from './tracing.ts';

export interface FormatErrorOptions {
  readonly log: Pick<Logger, 'error'>;
  /** Whether callers may be told of names that they did not know. Default: true. */
  readonly isExplorable?: boolean | undefined;
  /** Called with the limit of each LIMIT_EXCEEDED. */
  observeLimit?(limit: Limit): void;
}

export function createFormatError({
  log,
  isExplorable = true,
  observeLimit,
}: FormatErrorOptions): FormatError {
  return (error, mark) => {
    const told = explain(error);
    if (told === null)
      log.error(
        { err: findRoot(error), path: where(error).path, requestId: mark?.requestId, ...traceOf(mark?.span) },
        'An operation failed unexpectedly',
      );
    const { message, ...extensions } = told ?? internal;
    if (extensions.limit !== undefined) observeLimit?.(extensions.limit);
    if (mark !== undefined) noteError(mark, extensions.code);
    const shown = isExplorable ? message : withoutSuggestion(message);
    return { message: shorten(shown), ...where(error), extensions };
  };
}

/** The code with which an error is told. */
export function codeOf(error: unknown): string {
  return explain(error)?.code ?? internal.code;
}

/** graphql-js ends so what looks like a name of the schema. (By a pattern, what a caller sent could take minutes to look through.) */
function withoutSuggestion(message: string): string {
  const start = message.endsWith('?') ? message.lastIndexOf(' Did you mean ') : -1;
  return start < 0 ? message : message.slice(0, start);
}

/** Each of a hundred errors may quote a name of a million characters that was sent once. */
const maxCharacters = 2_000;

function shorten(message: string): string {
  return message.length > maxCharacters ? `${message.slice(0, maxCharacters)}…` : message;
}

type Told = {
  readonly message: string;
  readonly code: ErrorCode | typeof notSupported;
  readonly limit?: Limit;
} & Readonly<Record<string, unknown>>;

/** Apollo's clients send the whole document when they read this word. */
const notSupported = 'PERSISTED_QUERY_NOT_SUPPORTED';

const internal: Told = { message: 'Internal server error', code: 'INTERNAL_SERVER_ERROR' };

/** Null for what nobody outside may see. */
function explain(error: unknown): Told | null {
  const ours = findOurs(error);
  if (ours instanceof UpstreamError) {
    const { service, region, opcRequestId } = ours.failure;
    return {
      message: ours.message,
      code: ours.code,
      service,
      region,
      opcRequestId,
      isRetryable: ours.isRetryable,
    };
  }
  if (ours instanceof BusyError) {
    const { message, code, limit, retryAfterMs } = ours;
    return { message, code, limit, isRetryable: true, ...(retryAfterMs !== null && { retryAfterMs }) };
  }
  if (ours instanceof LimitError) return { message: ours.message, code: ours.code, limit: ours.limit };
  if (ours !== null) return { message: ours.message, code: ours.code };
  if (!(error instanceof GraphQLError)) return null;
  const { code } = error.extensions;
  // GraphQLError takes over `extensions` of whatever a resolver threw: a library's code does not vouch for its message.
  const isFromResolver = error.path !== undefined && !(findRoot(error) instanceof GraphQLError);
  if (isShown(code) && !isFromResolver) return explainLimit(error) ?? { message: error.message, code };
  return isAboutVariables(error) ? { message: error.message, code: 'BAD_USER_INPUT' } : null;
}

/** graphql-js calls a document that is too large for it a syntax or validation error, and one that is too deep ends where the stack does. */
function explainLimit(error: GraphQLError): Told | null {
  const exceeded = (limit: Limit, message: string): Told => ({ message, code: 'LIMIT_EXCEEDED', limit });
  if (findRoot(error).name === 'RangeError') return exceeded('nesting', 'The document is nested too deeply.');
  if (error.message === 'Maximum introspection depth exceeded') return exceeded('introspection', tooDeep);
  const maxTokens = /^Syntax Error: Document contains more tha[nt] (\d+) tokens/.exec(error.message)?.[1];
  if (maxTokens === undefined) return null;
  const message = `The document has more than ${maxTokens} tokens, the most that is read (MAX_TOKENS): ask for less at once.`;
  return exceeded('MAX_TOKENS', message);
}

const tooDeep =
  'The operation asks for lists of the schema (fields, interfaces, possibleTypes, inputFields) more than two deep within each other: ask for the types by name (`__type`), or one after the other.';

/**
 * graphql-js says with nodes, not with a code, that a variable's value does not fit: at its definition, or where it is
 * used as a non-null argument. A scalar that throws while our own answer is written has no such node.
 */
function isAboutVariables(error: GraphQLError): boolean {
  const root = error.originalError instanceof GraphQLError ? error.originalError : error;
  return [error, root].some(({ nodes, path }) => {
    const kind = nodes?.length === 1 ? nodes[0]?.kind : undefined;
    return kind === Kind.VARIABLE || (kind === Kind.VARIABLE_DEFINITION && path === undefined);
  });
}

/** GraphQL wraps what a resolver throws, once for each layer that adds a place to it. */
function findOurs(error: unknown): GatewayError | null {
  for (let current = error; current !== undefined; current = current.originalError) {
    if (current instanceof GatewayError) return current;
    if (!(current instanceof GraphQLError)) return null;
  }
  return null;
}

function findRoot(error: unknown): Error {
  return error instanceof GraphQLError && error.originalError !== undefined
    ? findRoot(error.originalError)
    : toError(error);
}

function where(error: unknown): Pick<GraphQLFormattedError, 'locations' | 'path'> {
  if (!(error instanceof GraphQLError)) return {};
  const { locations, path } = error;
  return { ...(locations !== undefined && { locations }), ...(path !== undefined && { path }) };
}

function isShown(code: unknown): code is Told['code'] {
  if (code === 'INTERNAL_SERVER_ERROR' || typeof code !== 'string') return false;
  return code === notSupported || Object.hasOwn(errorCodes, code);
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error('Something that is no Error was thrown', { cause: thrown });
}
