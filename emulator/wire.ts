/** Puts an answer on the socket: whole, or the way a fault wants it. */
import type { ServerResponse } from 'node:http';
import { codeOf } from './answers.ts';
import type { Answer } from './answers.ts';
import type { FaultState } from './faults.ts';
import { firstPageToken } from './paging.ts';

export interface Sending {
  readonly response: ServerResponse;
  readonly opcRequestId: string;
  /** Page token of the request itself, for a fault that repeats it. */
  readonly page: string | null;
}

/** What the fault answers in place of the operation, if it does. */
export function answerOfFault(fault: FaultState): Answer | null {
  if (fault.throttle) {
    const seconds = fault.throttle.retryAfterSeconds;
    return {
      status: 429,
      headers: seconds === undefined ? {} : { 'retry-after': String(seconds) },
      body: { code: codeOf(429), message: fault.message ?? 'Too many requests for the tenancy.' },
    };
  }
  if (fault.status === undefined) return null;
  const code = fault.code ?? codeOf(fault.status);
  return {
    status: fault.status,
    headers: {},
    body: { code, message: fault.message ?? `A fault was asked for (${fault.id}).` },
  };
}

export function send(sending: Sending, answer: Answer, fault: FaultState | null): void {
  const { response } = sending;
  if (response.destroyed) return;
  const body = bodyOf(answer, fault);
  const headers: Record<string, string | readonly string[]> = {
    'opc-request-id': sending.opcRequestId,
    ...answer.headers,
  };
  if (answer.body !== undefined || fault?.body !== undefined) headers['content-type'] = 'application/json';
  if (fault?.repeatPage === true && answer.pageScope !== undefined) {
    headers['opc-next-page'] = sending.page ?? firstPageToken(answer.pageScope);
  }
  if (fault?.throttle?.closeConnection === true) headers['connection'] = 'close';
  if (fault?.cut?.how !== 'short' && answer.status !== 304 && answer.status !== 204)
    headers['content-length'] = String(body.length);
  for (const [name, value] of Object.entries(fault?.headers ?? {})) {
    if (value === null) delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = value;
  }
  response.writeHead(answer.status, headers as Record<string, string | string[]>);
  if (fault?.cut) cutBody(response, body, fault.cut.atByte, fault.cut.how ?? 'reset');
  else if (fault?.drip) dripBody(response, body, fault.drip.bytes, fault.drip.everyMs);
  else response.end(answer.status === 304 ? undefined : body);
}

function bodyOf(answer: Answer, fault: FaultState | null): Buffer {
  const text =
    fault?.bodyBase64 !== undefined
      ? Buffer.from(fault.bodyBase64, 'base64')
      : Buffer.from(fault?.body ?? (answer.body === undefined ? '' : JSON.stringify(answer.body)));
  return fault?.padBytes === undefined ? text : Buffer.concat([text, Buffer.alloc(fault.padBytes, ' ')]);
}

function cutBody(
  response: ServerResponse,
  body: Buffer,
  atByte: number,
  how: 'reset' | 'close' | 'short',
): void {
  const { socket } = response;
  if (how === 'short') {
    // Without a promised length the end of the stream is the end of the body: it looks complete.
    response.end(body.subarray(0, atByte));
    return;
  }
  response.flushHeaders();
  response.write(body.subarray(0, atByte), () => {
    if (how === 'reset') socket?.resetAndDestroy();
    else socket?.destroy();
  });
}

function dripBody(response: ServerResponse, body: Buffer, bytes: number, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at >= body.length) {
      clearInterval(timer);
      response.end();
      return;
    }
    response.write(body.subarray(at, at + bytes));
    at += bytes;
  }, everyMs);
  response.on('close', () => clearInterval(timer));
}
