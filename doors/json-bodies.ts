/**
 * Bodies are JSON in UTF-8, as it was sent. Fastify alone would read U+FFFD where there is no UTF-8, and take a body for plain
 * whose `Content-Encoding` says otherwise: what stands in front of the gateway could have read another request.
 */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';

export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding.toLowerCase() !== 'identity') done(unread('BODY_ENCODED'));
    else if (!isUtf8(body)) done(unread('BODY_NOT_UTF8'));
    else void parse(request, body.toString(), done);
  });
}

/** `reply.ts` has the words. */
const unread = (code: string): Error => Object.assign(new Error(code), { code });
