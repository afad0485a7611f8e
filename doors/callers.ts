/** Who is calling, for all doors: nobody in particular (`AUTH=none`), or whoever a token says (`AUTH=jwt`, tokens.ts). */
import type { JWTPayload } from 'jose';

export interface Caller {
  /** Whose token it is, as its issuer names them; null: nobody in particular. */
  readonly subject: string | null;
  readonly claims: Readonly<JWTPayload>;
  /** Milliseconds since the epoch; Infinity: never. */
  readonly expiresAt: number;
}

export interface Callers {
  /**
   * @param authorization the header of that name, or its like in a WebSocket's `connection_init`
   * @throws GatewayError UNAUTHENTICATED, or UPSTREAM_UNAVAILABLE where the issuer's keys cannot be had
   */
  identify(authorization: unknown): Caller | Promise<Caller>;
  /**
   * Calls `task` when the caller's time is over.
   * @returns how to call that off
   */
  whenOver(caller: Caller, task: () => void): () => void;
}

export const anybody: Caller = { subject: null, claims: {}, expiresAt: Infinity };

export const openToAll: Callers = { identify: () => anybody, whenOver: () => () => {} };
