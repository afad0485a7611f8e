/** One WebSocket: what is open on it, and what goes out over it. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { Courier } from './fanout/courier.ts';
import type { LiveSubscription, Outlet } from './fanout/courier.ts';
import type { OperationRequest } from './pipeline.ts';
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
}

/** A class, as there are many, and most of them idle. */
export class Connection {
  readonly socket: WebSocket;
  readonly handshake: Handshake;
  readonly operations = new Map<string, Operation>();
  readonly #raw: Duplex;
  readonly #unreadBytes: number;
  #waiting: Courier[] | null = null;
  #heldCount = 0;

  constructor(socket: WebSocket, raw: Duplex, handshake: Handshake, unreadBytes: number) {
    this.socket = socket;
    this.handshake = handshake;
    this.#raw = raw;
    this.#unreadBytes = unreadBytes;
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
  carry(id: string, subscription: LiveSubscription): Courier {
    const operation = this.operations.get(id);
    if (operation !== undefined) operation.controller = null;
    return new Courier(subscription, new Line(this, id));
  }

  hold(operation: Operation, text: string): void {
    (operation.held ??= []).push(text);
    this.#heldCount += 1;
    this.#heed();
  }

  release({ held }: Operation): readonly string[] {
    this.#heldCount -= held?.length ?? 0;
    this.#heed();
    return held ?? [];
  }

  isFree(): boolean {
    const { socket } = this;
    return socket.bufferedAmount === 0 && socket.readyState === socket.OPEN;
  }

  /** A socket that is closing takes nothing more. */
  whenFree(courier: Courier): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.#waiting !== null) return void this.#waiting.push(courier);
    this.#waiting = [courier];
    // Called when all that was written before has left.
    this.#raw.write('', () => {
      const waiting = this.#waiting ?? [];
      this.#waiting = null;
      for (const each of waiting) each.resume();
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

/** Of one subscription. */
class Line implements Outlet {
  readonly #connection: Connection;
  readonly #head: string;

  constructor(connection: Connection, id: string) {
    this.#connection = connection;
    // As graphql-ws writes it.
    this.#head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  }

  isFree(): boolean {
    return this.#connection.isFree();
  }

  wait(courier: Courier): void {
    this.#connection.whenFree(courier);
  }

  send(payload: string): void {
    this.#connection.socket.send(`${this.#head}${payload}}`);
  }

  overflow(): void {
    this.#connection.socket.close(1013, tooSlow);
  }
}

const tooSlow = 'Events were read too slowly: subscribe again for the present state';
