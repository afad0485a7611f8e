/** Why a WebSocket is closed, in words: those of its limits, and for the closes that ws makes itself, which say nothing but a number. */
import { WebSocket } from 'ws';
import type { Limit } from '../errors.ts';

/** By the codes with which ws closes what breaks the protocol. */
const reasonsFor = (messageBytes: number): Readonly<Record<number, string>> => ({
  1002: 'A frame is not as the WebSocket protocol (RFC 6455) has it',
  1007: 'A text is not UTF-8',
  1008: 'LIMIT_EXCEEDED: a message came in too many pieces: send it in fewer frames',
  1009: `LIMIT_EXCEEDED: a message may have ${messageBytes} bytes (MAX_BODY_BYTES)`,
});

/** A WebSocket that gives a reason where ws has none. */
export function createSocketClass(messageBytes: number): typeof WebSocket {
  const reasons = reasonsFor(messageBytes);
  return class extends WebSocket {
    override close(code?: number, reason?: string | Buffer): void {
      super.close(code, reason ?? (code === undefined ? undefined : reasons[code]));
    }
  };
}

/** Which limit it was that ws closed a WebSocket for; undefined: none. */
export function limitOf({ code = '' }: { readonly code?: string }): Limit | undefined {
  return limitsByCode[code];
}

const limitsByCode: Readonly<Record<string, Limit>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'MAX_BODY_BYTES',
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 'MAX_BODY_BYTES',
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 'fragments',
};

export function initTooLate(waitMs: number): string {
  return `LIMIT_EXCEEDED: no connection_init within ${waitMs} ms (CONNECTION_INIT_TIMEOUT_MS)`;
}
