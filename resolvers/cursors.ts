/**
 * Cursors as clients hold them: where a page ends, sealed so that nobody can make one up, bound to what it was given
 * for (the field, its object and arguments), and good for one hour.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { GatewayError, LimitError } from '../errors.ts';

export interface Cursors {
  /**
   * A place that is too large to carry around gets a cursor that says so when it is used: what else the page tells is not
   * lost with it.
   * @param purpose the field, its object and its arguments: a cursor works for the same again only.
   */
  seal<Position>(purpose: string, position: Position): string;
  /** The position that was sealed for this purpose. @throws GatewayError CURSOR_INVALID, LIMIT_EXCEEDED */
  open<Position>(purpose: string, cursor: string): Position;
}

const version = 1;
const lifetimeMs = 3_600_000;
const macLength = 16;
/** Bytes from which it pays: a sweep's cursor names up to hundreds of sources. */
const compressedFrom = 512;
/** A thousand sources or more that are all in the midst of their pages; a request's body takes 1 MiB. */
const maxCursorLength = 262_144;

/** Without a position: how long the cursor would have been. */
type Content<Position> = readonly [
  version: number,
  madeAt: number,
  position: Position | null,
  tooLong?: number,
];

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

  const sealAll = (purpose: string, content: Content<unknown>): string => {
    const json = Buffer.from(JSON.stringify(content));
    const isLong = json.length > compressedFrom;
    const payload = Buffer.concat([Buffer.of(isLong ? 1 : 0), isLong ? deflateRawSync(json) : json]);
    return Buffer.concat([macOf(purpose, payload), payload]).toString('base64url');
  };

  return {
    seal(purpose, position) {
      const cursor = sealAll(purpose, [version, now(), position]);
      return cursor.length <= maxCursorLength
        ? cursor
        : sealAll(purpose, [version, now(), null, cursor.length]);
    },
    open<Position>(purpose: string, cursor: string) {
      if (cursor.length > maxCursorLength) throw invalid('It is too long.');
      const bytes = Buffer.from(cursor, 'base64url');
      const [mac, payload] = [bytes.subarray(0, macLength), bytes.subarray(macLength)];
      // Base64 is read leniently: the last character's spare bits, padding, blanks and what follows them are no part of a seal.
      const isAsSealed = bytes.toString('base64url') === cursor;
      if (!isAsSealed || mac.length < macLength || !timingSafeEqual(mac, macOf(purpose, payload))) {
        throw invalid('It was not made by this gateway for these arguments.');
      }
      const json = payload[0] === 1 ? inflateRawSync(payload.subarray(1)) : payload.subarray(1);
      const [madeBy, madeAt, position, tooLong] = JSON.parse(json.toString()) as Content<Position>;
      if (madeBy !== version) throw invalid('It was made by another version of this gateway.');
      if (now() - madeAt > lifetimeMs) throw invalid('It is older than one hour.');
      if (position === null) throw tooLarge(tooLong);
      return position;
    },
  };
};

const tooLarge = (length: number | undefined): LimitError =>
  new LimitError(
    'cursor',
    `The place of this page is too large for a cursor (${length} of ${maxCursorLength} characters): narrow the query by service, region or compartment.`,
  );

const invalid = (why: string): GatewayError =>
  new GatewayError('CURSOR_INVALID', `The cursor cannot be used. ${why} Begin again without \`after\`.`);
