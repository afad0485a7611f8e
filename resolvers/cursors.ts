/**
 * Cursors as clients hold them: where a page ends, sealed so that nobody can make one up, bound to what it was given
 * for (the field, its object and arguments), and good for one hour.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../errors.ts';

/** A place in a paged upstream list. */
export interface Position {
  /** Upstream's own token of the page; null: the first. */
  readonly page: string | null;
  /** Items of that page that were already given. */
  readonly offset: number;
}

export interface Cursors {
  /** @param purpose the field, its object and its arguments: a cursor works for the same again only. */
  seal(purpose: string, position: Position): string;
  /** @throws GatewayError CURSOR_INVALID */
  open(purpose: string, cursor: string): Position;
}

const version = 1;
const lifetimeMs = 3_600_000;
const macLength = 16;
/** What seals the longest token that a header of 16 KiB can hold; longer ones are none of ours. */
const maxCursorLength = 65_536;

export const createCursors = ({
  secret,
  now,
}: {
  readonly secret: string | Buffer;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}): Cursors => {
  const macOf = (purpose: string, payload: Buffer): Buffer =>
    createHmac('sha256', secret).update(purpose).update('\0').update(payload).digest().subarray(0, macLength);

  return {
    seal(purpose, { page, offset }) {
      const payload = Buffer.from(JSON.stringify([version, now(), page, offset]));
      return Buffer.concat([macOf(purpose, payload), payload]).toString('base64url');
    },
    open(purpose, cursor) {
      if (cursor.length > maxCursorLength) throw invalid('It is too long.');
      const bytes = Buffer.from(cursor, 'base64url');
      const [mac, payload] = [bytes.subarray(0, macLength), bytes.subarray(macLength)];
      if (mac.length < macLength || !timingSafeEqual(mac, macOf(purpose, payload))) {
        throw invalid('It was not made by this gateway for these arguments.');
      }
      const [madeBy, madeAt, page, offset] = JSON.parse(payload.toString()) as [
        number,
        number,
        string | null,
        number,
      ];
      if (madeBy !== version) throw invalid('It was made by another version of this gateway.');
      if (now() - madeAt > lifetimeMs) throw invalid('It is older than one hour.');
      return { page, offset };
    },
  };
};

const invalid = (why: string): GatewayError =>
  new GatewayError('CURSOR_INVALID', `The cursor cannot be used. ${why} Begin again without \`after\`.`);
