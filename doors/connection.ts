/** One WebSocket: what is open on it, and what goes out over it. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Mark } from '../datasources/types.ts';
import { anybody } from './callers.ts';
import type { Caller } from './callers.ts';
import { Courier } from './fanout/courier.ts';
import type { LiveSubscription, Outlet } from './fanout/courier.ts';
import type { Payload } from './fanout/rendition.ts';
import type { OperationRequest } from './pipeline.ts';
import type { SubscriptionEnd, SubscriptionTally } from './tally.ts';
import type { Share } from './quotas.ts';
import type { Handshake } from './websocket.ts';

export interface Operation {
  /** What was asked, until it is prepared. */
  payload: OperationRequest | null;
  /** Until its events are everybody's. */
  controller: AbortController | null;
  /** The client has completed it. */
  isLeft: boolean;
  /** Messages for its id that came after that. */
  held: string[] | null;
  /** From when it is begun until its events are everybody's. */
  mark: Mark | null;
  readonly share: Share;
}

/** A class, as there are many, and most of them idle. */
export class Connection {
  readonly socket: WebSocket;
  readonly handshake: Handshake;
  /** Known once the connection is acknowledged. */
  caller: Caller = anybody;
  /** Whose limits its operations count for. */
  account: string;
  readonly operations = new Map<string, Operation>();
  /** How its subscriptions ended that were open when it was closed; null: it is not. */
  closedBy: SubscriptionEnd | null = null;
  readonly #raw: Duplex;
  readonly #unreadBytes: number;
  #waiting: Courier[] | null = null;
  #heldCount = 0;

  constructor(socket: WebSocket, raw: Duplex, handshake: Handshake, unreadBytes: number) {
    this.socket = socket;
    this.handshake = handshake;
    this.account = handshake.address;
    this.#raw = raw;
    this.#unreadBytes = unreadBytes;
  }

  /** @returns what came for its id meanwhile */
  end(id: string, operation: Operation): readonly string[] {
    this.operations.delete(id);
    operation.share.release();
    this.#heldCount -= operation.held?.length ?? 0;
    this.#heed();
    return operation.held ?? [];
  }

  /** Resolves when the message is on its way. */
  send(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.socket.send(text, () => {
        resolve();
        this.#heed();
      });
      this.#heed();
    });
  }

  /** The events of the operation with this id, written past graphql-ws; the rest of its life stays there. */
  carry(id: string, subscription: LiveSubscription, tally: SubscriptionTally): Courier {
    const operation = this.operations.get(id);
    if (operation !== undefined) {
      operation.controller = null;
      operation.mark = null;
    }
    return new Courier(subscription, new Line(this, id, operation), tally);
  }

  /** One message of text: `head`, `body` and the closing brace, in a frame made here, so that what all share is encoded once. */
  write(head: string, body: Buffer): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    const headLength = Buffer.byteLength(head);
    const length = headLength + body.length + 1;
    const start = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    const frame = Buffer.allocUnsafe(start + length);
    frame[0] = finalText;
    if (start === 2) frame[1] = length;
    else if (start === 4) {
      frame[1] = 126;
      frame.writeUInt16BE(length, 2);
    } else {
      frame[1] = 127;
      frame.writeBigUInt64BE(BigInt(length), 2);
    }
    frame.write(head, start);
    body.copy(frame, start + headLength);
    frame[start + length - 1] = closingBrace;
    this.#raw.write(frame);
  }

  hold(operation: Operation, text: string): void {
    (operation.held ??= []).push(text);
    this.#heldCount += 1;
    this.#heed();
  }

  isFree(): boolean {
    const { socket } = this;
    return socket.bufferedAmount === 0 && socket.readyState === socket.OPEN;
  }

  /** A socket that is closing takes nothing more. */
  whenFree(courier: Courier): void {
    (this.#waiting ??= []).push(courier);
    if (this.#waiting.length === 1) this.#awaitFlush();
  }

  #awaitFlush(): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    // Called when all that was written before has left.
    this.#raw.write('', () => {
      const waiting = this.#waiting ?? [];
      let resumed = 0;
      while (resumed < waiting.length && this.isFree()) waiting[resumed++]?.resume();
      // One that took the last room has put itself at the end of the same queue.
      waiting.splice(0, resumed);
      if (waiting.length > 0) this.#awaitFlush();
      else this.#waiting = null;
    });
  }

  /** Who reads nothing, or does not wait for its operations to end, is not listened to; one that does not read answers no ping either. */
  #heed(): void {
    const { socket } = this;
    const isTooMuch = socket.bufferedAmount > this.#unreadBytes || this.#heldCount > maxHeld;
    if (isTooMuch && !socket.isPaused) socket.pause();
    else if (!isTooMuch && socket.isPaused) socket.resume();
  }
}

const maxHeld = 100;
/** RFC 6455: FIN and the opcode of text. Servers do not mask. */
const finalText = 0x81;
const closingBrace = 0x7d;

/** Of one subscription. */
class Line implements Outlet {
  readonly #connection: Connection;
  readonly #head: string;
  readonly #operation: Operation | undefined;

  constructor(connection: Connection, id: string, operation: Operation | undefined) {
    this.#connection = connection;
    this.#operation = operation;
    // As graphql-ws writes it.
    this.#head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  }

  isFree(): boolean {
    return this.#connection.isFree();
  }

  wait(courier: Courier): void {
    this.#connection.whenFree(courier);
  }

  send(payload: Payload): void {
    this.#connection.write(this.#head, payload.bytes);
  }

  overflow(): void {
    this.#connection.socket.close(1013, tooSlow);
  }

  leftBy(): SubscriptionEnd {
    return this.#operation?.isLeft === true ? 'completed' : (this.#connection.closedBy ?? 'lost');
  }
}

const tooSlow = 'Events were read too slowly: subscribe again for the present state';
