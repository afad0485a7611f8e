/**
 * Every error code the gateway can raise, as an error or as data beside a result, in one registry.
 *
 * `docs/errors.md` explains each one to users; a test keeps the two in step, both ways.
 * Codes that GraphQL servers share (GRAPHQL_PARSE_FAILED, …) are raised by Apollo Server and listed here so that
 * every transport speaks the same words.
 */
export const errorCodes = {
  GRAPHQL_PARSE_FAILED: { isRetryable: false },
  GRAPHQL_VALIDATION_FAILED: { isRetryable: false },
  OPERATION_RESOLUTION_FAILURE: { isRetryable: false },
  PERSISTED_QUERY_NOT_IN_LIST: { isRetryable: false },
  BAD_REQUEST: { isRetryable: false },
  BAD_USER_INPUT: { isRetryable: false },
  SERVICE_REQUIRED: { isRetryable: false },
  REGION_REQUIRED: { isRetryable: false },
  REGION_NOT_ALLOWED: { isRetryable: false },
  CURSOR_INVALID: { isRetryable: false },
  UNAUTHENTICATED: { isRetryable: false },
  FORBIDDEN: { isRetryable: false },
  NOT_FOUND: { isRetryable: false },
  UPSTREAM_UNAVAILABLE: { isRetryable: true },
  UPSTREAM_TIMEOUT: { isRetryable: true },
  UPSTREAM_THROTTLED: { isRetryable: true },
  UPSTREAM_MALFORMED: { isRetryable: true },
  TRUNCATED: { isRetryable: false },
  NOT_CANCELABLE: { isRetryable: false },
  ALREADY_FINISHED: { isRetryable: false },
  LIMIT_EXCEEDED: { isRetryable: false },
  READ_ONLY: { isRetryable: false },
  INTERNAL_SERVER_ERROR: { isRetryable: false },
} as const satisfies Record<string, { readonly isRetryable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

/** An error that is ours: its message is written for the caller and holds no secret, its code is in the registry. */
export class GatewayError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'GatewayError';
    this.code = code;
  }
}

/** What there can be too much of, by the variable that sets how much; in small letters what none sets. */
export const limits = [
  'MAX_TOKENS',
  'MAX_DEPTH',
  'MAX_ALIASES',
  'MAX_DIRECTIVES',
  'MAX_ROOT_FIELDS',
  'MAX_QUERY_COST',
  'MAX_BODY_BYTES',
  'MAX_ADDRESS_CONNECTIONS',
  'MAX_ADDRESS_SOCKETS',
  'MAX_CALLER_SOCKETS',
  'MAX_CALLER_SUBSCRIPTIONS',
  'MAX_CALLER_RPS',
  'MAX_CALLER_OPERATIONS_MIB',
  'MAX_SOCKET_OPERATIONS',
  'CONNECTION_INIT_TIMEOUT_MS',
  // Of a document: more than the stack, graphql-js' comparison of fields, or its rule for introspection takes.
  'nesting',
  'comparisons',
  'introspection',
  // Of a request's head; of the pieces that a message of a WebSocket comes in.
  'headers',
  'fragments',
  // Matches of a subscription to a list; sources of a page that is to go on.
  'matches',
  'cursor',
  // Of the process.
  'memory',
] as const;
export type Limit = (typeof limits)[number];

/** LIMIT_EXCEEDED. */
export class LimitError extends GatewayError {
  readonly limit: Limit;

  constructor(limit: Limit, message: string) {
    super('LIMIT_EXCEEDED', message);
    this.name = 'LimitError';
    this.limit = limit;
  }
}

/** Too much for now: the same may pass later, and is worth another try. */
export class BusyError extends LimitError {
  /** When; null: nobody can tell. */
  readonly retryAfterMs: number | null;

  constructor(limit: Limit, message: string, retryAfterMs: number | null) {
    super(limit, message);
    this.name = 'BusyError';
    this.retryAfterMs = retryAfterMs;
  }
}

/** What is known of a call to Oracle Cloud that brought no usable answer. */
export interface UpstreamFailure {
  /** Key of the catalog's row, e.g. `CONTAINERENGINE`. */
  readonly service: string;
  readonly region: string;
  /** HTTP status of the last attempt; null when no complete answer came. */
  readonly status: number | null;
  /** `code` of Oracle's error body, e.g. `NotAuthorizedOrNotFound`. */
  readonly nativeCode: string | null;
  /** What Oracle's support asks for. */
  readonly opcRequestId: string | null;
  /** How long upstream asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** Nothing was sent: there was no turn in time, say. */
  readonly isUnasked?: true;
}

/** A call to Oracle Cloud that failed, after its retries. */
export class UpstreamError extends GatewayError {
  readonly failure: UpstreamFailure;
  readonly isRetryable: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    failure: UpstreamFailure,
    options?: { readonly cause?: unknown; readonly isRetryable?: boolean },
  ) {
    super(code, message, options);
    this.name = 'UpstreamError';
    this.failure = failure;
    this.isRetryable = options?.isRetryable ?? errorCodes[code].isRetryable;
  }
}
