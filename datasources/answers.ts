/**
 * What an answer of Oracle Cloud means, as pure functions: bytes → `UpstreamAnswer`, or an `UpstreamError` with our
 * code. Nothing of an answer is trusted: text is cleaned and cut before it can reach a message.
 */
import { UpstreamError } from '../errors.ts';
import type { ErrorCode, UpstreamFailure } from '../errors.ts';
import { catalog } from './catalog.ts';
import type { ExchangeFailure, RawAnswer } from './exchange.ts';
import type { UpstreamAnswer, UpstreamRequest } from './types.ts';

const skewWorthTellingMs = 2 * 60_000;

const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  408: 'UPSTREAM_TIMEOUT',
  429: 'UPSTREAM_THROTTLED',
  504: 'UPSTREAM_TIMEOUT',
};

/**
 * A 2xx or 304 with a body that is JSON (object or array) or empty.
 * @throws UpstreamError for everything else
 */
export function readAnswer(
  request: UpstreamRequest,
  raw: RawAnswer,
  now: number,
): Omit<UpstreamAnswer, 'ordinal'> {
  const { status, headers } = raw;
  if (status >= 400) throw refusal(request, raw, now);
  if (status >= 300 && status !== 304) {
    throw malformed(
      request,
      raw,
      `redirected (${status}), which no API of Oracle's does; the gateway does not follow.`,
    );
  }
  return { status, headers, body: parseBody(request, raw), opcRequestId: opcRequestIdOf(headers) };
}

function parseBody(request: UpstreamRequest, raw: RawAnswer): unknown {
  if (raw.body === '' || raw.status === 304) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(raw.body);
  } catch {
    body = undefined;
  }
  // A bare number or word could be the first half of a longer one: only what has a closing bracket is known to be whole.
  if (typeof body === 'object' && body !== null) return body;
  // Deletes answer without a body. Something came through all the same, and Oracle has carried it out.
  if (request.method === 'DELETE') return undefined;
  const kind = cleanText(raw.headers['content-type'] ?? 'no content-type', 60);
  throw malformed(
    request,
    raw,
    `answered ${raw.status} with a body that is not whole JSON (${raw.body.length} characters, ${kind}).`,
  );
}

function malformed(request: UpstreamRequest, raw: RawAnswer, what: string): UpstreamError {
  const failure = failureOf(request, { status: raw.status, opcRequestId: opcRequestIdOf(raw.headers) });
  return new UpstreamError('UPSTREAM_MALFORMED', `${placeOf(request)} ${what}`, failure);
}

function refusal(request: UpstreamRequest, raw: RawAnswer, now: number): UpstreamError {
  const { status, headers } = raw;
  const { code: nativeCode, message } = parseErrorBody(raw);
  const isStateConflict = status === 409 && nativeCode === 'IncorrectState' && request.method === 'GET';
  const code =
    codesByStatus[status] ?? (status >= 500 || isStateConflict ? 'UPSTREAM_UNAVAILABLE' : 'BAD_USER_INPUT');
  const failure = failureOf(request, {
    status,
    nativeCode,
    opcRequestId: opcRequestIdOf(headers),
    retryAfterMs: parseRetryAfterMs(headers['retry-after'], now),
  });
  const said = [nativeCode, message].filter(Boolean).join(': ');
  const answer = `${placeOf(request)} answered ${status} ${said}`;
  return new UpstreamError(
    code,
    sentences(
      answer,
      ...(status === 401 ? explain401(headers, now) : []),
      failure.retryAfterMs === null ? '' : `It asks to wait ${Math.ceil(failure.retryAfterMs / 1000)} s.`,
    ),
    failure,
  );
}

function explain401(headers: Record<string, string>, now: number): readonly string[] {
  const theirs = Date.parse(headers['date'] ?? '');
  const skewMs = now - theirs;
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  return [
    "The gateway's own credential was not accepted: check its key, user and tenancy.",
    Math.abs(skewMs) > skewWorthTellingMs
      ? `The clock here is ${minutes} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} theirs, and more than five are refused: set the clock.`
      : '',
  ];
}

/** One text of several sentences, some of them upstream's: each ends once, and what is empty is left out. */
export function sentences(...parts: readonly string[]): string {
  const said = parts.map((part) => part.trim()).filter((part) => part !== '');
  return said
    .map((part) => (/[.!?…]["')\]]*$/.test(part) ? part : `${part.replace(/[,;:]+$/, '')}.`))
    .join(' ');
}

/** Errors are `{"code","message"}`, sometimes text, HTML of a proxy, or nothing. */
function parseErrorBody(raw: RawAnswer): { code: string | null; message: string } {
  try {
    const body: unknown = JSON.parse(raw.body);
    if (typeof body === 'object' && body !== null) {
      const code: unknown = Reflect.get(body, 'code');
      const message: unknown = Reflect.get(body, 'message');
      return {
        code:
          typeof code === 'string' || typeof code === 'number' ? cleanText(String(code), 80) || null : null,
        message: typeof message === 'string' ? cleanText(message, 300) : '',
      };
    }
  } catch {
    // Not JSON: text, perhaps.
  }
  const isPlain = (raw.headers['content-type'] ?? '').startsWith('text/plain');
  return { code: null, message: isPlain ? cleanText(raw.body, 300) : '' };
}

/** @returns the error for an exchange that brought no complete answer */
export function explainFailure(
  request: UpstreamRequest,
  failure: ExchangeFailure,
  timeoutMs: number,
): UpstreamError {
  const details = failureOf(request, { opcRequestId: opcRequestIdOf(failure.headers) });
  const place = placeOf(request);
  const doubt = request.method === 'DELETE' ? 'It is not known whether Oracle carried the request out.' : '';
  const cause = failure.cause;
  switch (failure.kind) {
    case 'deadline':
      return new UpstreamError(
        'UPSTREAM_TIMEOUT',
        sentences(`${place} gave no complete answer within ${Math.round(timeoutMs)} ms.`, doubt),
        details,
      );
    case 'oversized':
      return new UpstreamError(
        'UPSTREAM_MALFORMED',
        sentences(`${place} sent an answer larger than the gateway takes.`, doubt),
        details,
        {
          isRetryable: false,
        },
      );
    case 'cut':
      return new UpstreamError(
        'UPSTREAM_MALFORMED',
        sentences(`${place} broke off in the middle of its answer.`, doubt),
        details,
        { cause },
      );
    case 'refused':
      return new UpstreamError(
        'UPSTREAM_UNAVAILABLE',
        sentences(`${place} cannot be reached (${reasonOf(cause)}).`, doubt),
        details,
        { cause },
      );
  }
}

function reasonOf(cause: unknown): string {
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' ? code : 'connection failed';
}

/** Where it was asked, in words. */
export function placeOf({ service, region }: Pick<UpstreamRequest, 'service' | 'region'>): string {
  return `${catalog[service].label} in ${region}`;
}

/** What is known of a failed call, the rest left open. */
export function failureOf(
  { service, region }: Pick<UpstreamFailure, 'service' | 'region'>,
  known: Partial<UpstreamFailure> = {},
): UpstreamFailure {
  return {
    service,
    region,
    status: null,
    nativeCode: null,
    opcRequestId: null,
    retryAfterMs: null,
    ...known,
  };
}

function opcRequestIdOf(headers: Record<string, string>): string | null {
  const value = headers['opc-request-id'];
  if (value === undefined) return null;
  return opcRequestId.test(value) ? value : cleanText(value, 200) || null;
}

/** As Oracle's are: parts of digits and letters. */
const opcRequestId = /^[\w.:/-]{1,200}$/;

/** `retry-after` as decimal seconds or an HTTP date, in milliseconds from `now`; null when absent or nonsense. */
export function parseRetryAfterMs(value: string | undefined, now: number): number | null {
  if (value === undefined) return null;
  const text = value.trim();
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // Only dates that name their zone: Date.parse would take "-5" or "12" for a year.
  const date = /\bGMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

const secrets = [
  /-----BEGIN[\s\S]*?(-----END[^-]*-----|$)/g,
  /Signature version=[\s\S]*/gi,
  /\bST\$\S+/g,
  /\beyJ[\w-]{8,}(\.[\w-]*){0,2}/g,
  /keyId="?[^",\s]+"?/gi,
  // A bare signature, or any of this in another coding. Of an OCID at most sixty characters are without a dot.
  /[A-Za-z0-9+/_%=-]{64,}/g,
];

/** One line of printable text, at most `max` characters, without anything that looks like a credential. */
export function cleanText(text: string, max: number): string {
  // Cut before the patterns run: what upstream sends may be megabytes.
  let clean = text.slice(0, 4 * max);
  for (const pattern of secrets) clean = clean.replace(pattern, '[removed]');
  clean = clean
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}
