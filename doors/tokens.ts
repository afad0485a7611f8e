/**
 * Callers who send an issuer's tokens (JWT).
 *
 * A token is checked by jose against the issuer's published keys: asymmetric algorithms only, and never a key that the token itself
 * brings or points to (`jwk`, `jku`, `x5u`, `x5c`). Keys are fetched when they are needed, kept for ten minutes, and fetched again for a key id
 * that is new, at most twice a minute. While they cannot be fetched those at hand go on being used for an hour.
 */
import { hash } from 'node:crypto';
import type * as JoseModule from 'jose';
import type { FetchImplementation, JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { GatewayError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { Caller, Callers } from './callers.ts';

export interface TokenOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly clock: { now(): number };
  readonly fetch?: FetchImplementation;
  /** Told of each token that was refused. */
  readonly observeRefusal?: (reason: TokenRefusal) => void;
  /** Told whenever keys were needed. */
  readonly observeKeys?: (areHad: boolean) => void;
}

/** `keys_unavailable` is nobody's fault who calls. */
export const tokenRefusals = [
  'missing',
  'malformed',
  'too_long',
  'expired',
  'not_yet_valid',
  'audience',
  'issuer',
  'claims',
  'untrusted',
  'keys_unavailable',
] as const;
export type TokenRefusal = (typeof tokenRefusals)[number];

class TokenError extends GatewayError {
  readonly reason: TokenRefusal;

  constructor(code: ErrorCode, reason: TokenRefusal, message: string, cause?: unknown) {
    super(code, message, { cause });
    this.reason = reason;
  }
}

/** With a private key behind each: with a shared secret, whoever can check a token could make one. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Clocks differ. */
const toleranceMs = 30_000;
const maxTokenLength = 8_192;
const keysKeptMs = 10 * 60_000;
const keysKeptInNeedMs = 60 * 60_000;
const cooldownMs = 30_000;
const fetchMs = 5_000;
/** Then a token is checked again: its key may have been withdrawn. */
const checkedForMs = 60_000;
/** One that was refused: whoever goes on sending it costs no check each time. Not for longer, as its key may be one that is just published. */
const refusedForMs = 5_000;
const maxChecked = 10_000;
/** What a timer of Node's takes, 24.8 days; whoever stays so long is asked for a new token then. */
const longestMs = 2 ** 31 - 1;

export function createTokenCallers(options: TokenOptions): Callers {
  const { issuer, audience, clock, observeRefusal } = options;
  // Not everybody who starts a gateway needs it.
  const jose = import('jose');
  const keys = jose.then((loaded) => createKeys(loaded, options));
  /** By their hash: a token is as good as a password, and stands in no dump this way. */
  const checked = new LRUCache<string, { readonly caller: Caller; readonly until: number }>({
    max: maxChecked,
  });
  const refused = new LRUCache<string, { readonly error: TokenError; readonly until: number }>({
    max: maxChecked,
  });

  const check = async (token: string, digest: string): Promise<Caller> => {
    const now = clock.now();
    try {
      const caller = await verify(token, now);
      checked.set(digest, { caller, until: Math.min(caller.expiresAt, now + checkedForMs) });
      return caller;
    } catch (error) {
      if (error instanceof TokenError && error.reason !== 'keys_unavailable')
        refused.set(digest, { error, until: now + refusedForMs });
      throw error;
    }
  };

  const verify = async (token: string, now: number): Promise<Caller> => {
    const { jwtVerify, errors } = await jose;
    try {
      const { payload } = await jwtVerify(token, await keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: toleranceMs / 1000,
        currentDate: new Date(now),
        requiredClaims: ['sub', 'exp'],
      });
      if (typeof payload.sub !== 'string' || payload.sub === '') throw unauthenticated('claims', noSubject);
      return {
        subject: payload.sub,
        claims: payload,
        expiresAt: (payload.exp ?? 0) * 1000 + toleranceMs,
      };
    } catch (error) {
      throw error instanceof GatewayError ? error : refusalOf(error, errors);
    }
  };

  const turnAway = (error: unknown): never => {
    if (error instanceof TokenError) observeRefusal?.(error.reason);
    throw error;
  };

  return {
    identify(authorization) {
      try {
        const token = readToken(authorization);
        const digest = hash('sha256', token, 'base64');
        const now = clock.now();
        const known = checked.get(digest);
        if (known !== undefined && now < known.until) return known.caller;
        const refusal = refused.get(digest);
        if (refusal !== undefined && now < refusal.until) throw refusal.error;
        return check(token, digest).catch(turnAway);
      } catch (error) {
        return turnAway(error);
      }
    },
    whenOver({ expiresAt }, task) {
      const timer = setTimeout(task, Math.min(longestMs, Math.max(0, expiresAt - clock.now()))).unref();
      return () => clearTimeout(timer);
    },
  };
}

type Jose = typeof JoseModule;

function createKeys(
  { createLocalJWKSet, createRemoteJWKSet, customFetch, errors }: Jose,
  { jwksUrl, clock, fetch: fetchKeys, observeKeys }: TokenOptions,
): JWTVerifyGetKey {
  const published = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: fetchMs,
    cooldownDuration: cooldownMs,
    cacheMaxAge: keysKeptMs,
    ...(fetchKeys && { [customFetch]: fetchKeys }),
  });
  let hadAt = -Infinity;
  let outage: { readonly at: number; readonly error: unknown } | null = null;

  const atHand: JWTVerifyGetKey = async (header, token) => {
    const known = published.jwks();
    if (known === undefined || clock.now() - hadAt > keysKeptInNeedMs) throw unavailable(outage?.error);
    return createLocalJWKSet(known)(header, token);
  };

  return async (header, token) => {
    // Nobody else has to wait for what did not come a moment ago.
    if (outage !== null && clock.now() - outage.at < cooldownMs) return atHand(header, token);
    try {
      const key = await published(header, token);
      [hadAt, outage] = [clock.now(), null];
      observeKeys?.(true);
      return key;
    } catch (error) {
      if (!isOutage(error, errors)) throw error;
      outage = { at: clock.now(), error };
      observeKeys?.(false);
      return atHand(header, token);
    }
  };
}

function readToken(authorization: unknown): string {
  if (authorization == null || authorization === '')
    throw unauthenticated(
      'missing',
      'Send a token: `Authorization: Bearer …`, or `authorization` in connection_init.',
    );
  const token =
    typeof authorization === 'string'
      ? /^Bearer +([\w-]+\.[\w-]+\.[\w-]*) *$/i.exec(authorization)?.[1]
      : undefined;
  if (token === undefined)
    throw unauthenticated('malformed', 'The authorization has to be one signed token (JWT): `Bearer …`.');
  if (token.length > maxTokenLength)
    throw unauthenticated('too_long', `The token is longer than ${maxTokenLength} characters.`);
  return token;
}

/** Not the token's fault: nothing came, or no keys. What fetch throws are TypeErrors. */
function isOutage(error: unknown, errors: Jose['errors']): boolean {
  return (
    error instanceof TypeError ||
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    (error instanceof errors.JOSEError && error.code === errors.JOSEError.code)
  );
}

const unavailable = (cause: unknown): TokenError =>
  new TokenError(
    'UPSTREAM_UNAVAILABLE',
    'keys_unavailable',
    'The keys of the issuer of tokens (AUTH_JWKS_URL) cannot be had, so no token can be checked now. Try again.',
    cause,
  );

const unauthenticated = (reason: TokenRefusal, message: string, cause?: unknown): TokenError =>
  new TokenError('UNAUTHENTICATED', reason, message, cause);

function refusalOf(error: unknown, errors: Jose['errors']): TokenError {
  if (error instanceof errors.JWTExpired) return unauthenticated('expired', 'The token has expired.', error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    const [reason, message] = claimProblems[error.claim] ?? ['claims', 'The token is not for this gateway.'];
    return unauthenticated(reason, message, error);
  }
  return unauthenticated('untrusted', 'The token is not one that this gateway can trust.', error);
}

const noSubject = 'The token has no `sub`, so it does not say whose it is.';

const claimProblems: Readonly<Record<string, readonly [TokenRefusal, string]>> = {
  aud: ['audience', 'The token is for somebody else: its `aud` is not AUTH_AUDIENCE.'],
  iss: ['issuer', 'The token is from somebody else: its `iss` is not AUTH_ISSUER.'],
  nbf: ['not_yet_valid', 'The token is not valid yet.'],
  exp: ['claims', 'The token has no `exp`, so it would never end.'],
  sub: ['claims', noSubject],
};
