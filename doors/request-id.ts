/**
 * Ids of requests, by which their lines are found in the log: the caller's own where it can do no harm there, else one made here.
 * Nobody but the caller is told of it: Oracle Cloud gets an `opc-request-id` of its own with each call, and a line says which
 * belongs to which.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export const requestIdHeader = 'x-request-id';

/** Shorter than any token that somebody may put here by mistake. */
const harmless = /^[A-Za-z0-9][\w.:=-]{0,63}$/;

export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers[requestIdHeader];
  return typeof given === 'string' && harmless.test(given) ? given : randomUUID();
}

/** Of an operation on a WebSocket, as its client names it; ids that could do harm by something that follows from them. */
export function operationIdOn(connectionId: string, id: string): string {
  const named = harmless.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 12);
  return `${connectionId}/${named}`;
}
