/**
 * Oracle Cloud's request signatures (draft-cavage-http-signatures, version 1, RSA-SHA256), checked as the real services do: by wall time, with five
 * minutes of skew. Any of the accepted keys will do; the key id only has to look like one.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface SignedRequest {
  readonly method: string;
  /** Path and query as they stood in the request line. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer | null;
}

const greatestSkewMs = 5 * 60 * 1000;

/** Why a request is not authenticated; null when it is. */
export type SignatureCheck = (request: SignedRequest) => string | null;

export function createSignatureCheck(
  keys: readonly (KeyObject | string | Buffer)[],
  now: () => number,
): SignatureCheck {
  const publicKeys = keys.map(toPublicKey);
  return (request) => {
    const authorization = request.headers.authorization;
    if (authorization === undefined) return 'The request has no Authorization header.';
    const parts = readParts(authorization);
    if (!parts)
      return 'The Authorization header is no Signature with keyId, algorithm, headers and signature.';
    const problem = checkParts(parts) ?? checkCoverage(parts, request) ?? checkDate(parts, request, now());
    if (problem !== null) return problem;
    const text = signingText(parts, request);
    if (text === null) return `A header that the signature covers is missing: ${parts.headers.join(' ')}.`;
    const signature = Buffer.from(parts.signature, 'base64');
    const isGood = publicKeys.some((key) => verify('RSA-SHA256', Buffer.from(text), key, signature));
    if (!isGood) return 'The signature does not match the request and any accepted public key.';
    return checkBody(parts, request);
  };
}

interface Parts {
  readonly version: string | undefined;
  readonly keyId: string;
  readonly algorithm: string;
  readonly headers: readonly string[];
  readonly signature: string;
}

function readParts(authorization: string): Parts | null {
  const rest = /^Signature\s+(.*)$/is.exec(authorization)?.[1];
  if (rest === undefined) return null;
  const values = new Map<string, string>();
  for (const [, name = '', value = ''] of rest.matchAll(/(\w+)="([^"]*)"/g))
    values.set(name.toLowerCase(), value);
  const [keyId, algorithm, headers, signature] = ['keyid', 'algorithm', 'headers', 'signature'].map((name) =>
    values.get(name),
  );
  if (!keyId || !algorithm || !headers || !signature) return null;
  return {
    version: values.get('version'),
    keyId,
    algorithm,
    headers: headers.toLowerCase().split(/\s+/),
    signature,
  };
}

function checkParts(parts: Parts): string | null {
  if (parts.algorithm !== 'rsa-sha256') return `The algorithm ${parts.algorithm} is not rsa-sha256.`;
  if (parts.version !== undefined && parts.version !== '1')
    return `The signature's version ${parts.version} is not 1.`;
  const isKeyId = parts.keyId.startsWith('ST$') || /^[^/]+\/[^/]+\/[^/]+$/.test(parts.keyId);
  return isKeyId ? null : 'The keyId is neither tenancy/user/fingerprint nor a security token (ST$…).';
}

function checkCoverage(parts: Parts, request: SignedRequest): string | null {
  const wanted = ['(request-target)', 'host'];
  if (['POST', 'PUT', 'PATCH'].includes(request.method))
    wanted.push('content-length', 'content-type', 'x-content-sha256');
  const missing = wanted.filter((name) => !parts.headers.includes(name));
  if (missing.length > 0) return `The signature does not cover ${missing.join(', ')}.`;
  return parts.headers.includes('date') || parts.headers.includes('x-date')
    ? null
    : 'The signature covers neither date nor x-date.';
}

function checkDate(parts: Parts, request: SignedRequest, nowMs: number): string | null {
  const name = parts.headers.includes('x-date') ? 'x-date' : 'date';
  const value = headerOf(request.headers, name);
  if (value === null) return `A header that the signature covers is missing: ${name}.`;
  const dateMs = Date.parse(value);
  if (Number.isNaN(dateMs)) return `The header ${name} holds no date: '${value}'.`;
  if (Math.abs(dateMs - nowMs) <= greatestSkewMs) return null;
  return `Date '${value}' is not within allowed clock skew. Current 'date' is '${new Date(nowMs).toUTCString()}', allowed skew is 5 minutes.`;
}

function checkBody(parts: Parts, request: SignedRequest): string | null {
  if (!parts.headers.includes('x-content-sha256')) return null;
  const digest = createHash('sha256')
    .update(request.body ?? '')
    .digest('base64');
  return digest === headerOf(request.headers, 'x-content-sha256')
    ? null
    : 'The body does not match x-content-sha256.';
}

function signingText(parts: Parts, request: SignedRequest): string | null {
  const lines: string[] = [];
  for (const name of parts.headers) {
    const value =
      name === '(request-target)'
        ? `${request.method.toLowerCase()} ${request.target}`
        : headerOf(request.headers, name);
    if (value === null) return null;
    lines.push(`${name}: ${value}`);
  }
  return lines.join('\n');
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
}

function toPublicKey(key: KeyObject | string | Buffer): KeyObject {
  return typeof key === 'string' || Buffer.isBuffer(key) ? createPublicKey(key) : key;
}
