/**
 * How many TCP connections one address may have open, whatever comes over them. One that is too much is told so if it asks for anything,
 * and cut a moment later.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { LimitError } from '../errors.ts';

export interface Connections {
  /** Why nothing is answered over this one; null: it is one of those that its address may have. */
  refusalOf(socket: Socket): LimitError | null;
}

export interface ConnectionsOptions {
  /** That one address may have open. Infinity: no limit. */
  readonly most: number;
  /** That it counts for; null: none, as it is a proxy's, which has those of many. */
  addressOf(this: void, socket: Socket): string | null;
  /** Called for each that was too much and never answered anything: others are counted by what they are told. */
  observeSilence(): void;
}

/** For it to read why. */
const cutAfterMs = 1_000;

export function watchConnections(
  server: Server,
  { most, addressOf, observeSilence }: ConnectionsOptions,
): Connections {
  const counts = new Map<string, number>();
  const addresses = new Map<Socket, string>();
  const excess = new WeakSet<Socket>();

  // One listener for all sockets, of which there are many. A closed one does not tell its address any more.
  function discount(this: Socket): void {
    const address = addresses.get(this);
    if (address === undefined) return;
    addresses.delete(this);
    const left = (counts.get(address) ?? 1) - 1;
    if (left > 0) counts.set(address, left);
    else counts.delete(address);
  }
  const count = (address: string, socket: Socket): void => {
    const now = (counts.get(address) ?? 0) + 1;
    counts.set(address, now);
    addresses.set(socket, address);
    socket.on('close', discount);
    if (now <= most) return;
    excess.add(socket);
    setTimeout(() => socket.destroy(), cutAfterMs).unref();
    socket.once('close', () => {
      if (socket.bytesWritten === 0) observeSilence();
    });
  };

  server.on('connection', (socket) => {
    const address = most === Infinity ? null : addressOf(socket);
    if (address !== null) count(address, socket);
  });

  return { refusalOf: (socket) => (excess.has(socket) ? tooMany(most) : null) };
}

const tooMany = (most: number): LimitError =>
  new LimitError(
    'MAX_ADDRESS_CONNECTIONS',
    `More than ${most} connections are open from this address (MAX_ADDRESS_CONNECTIONS): close some, or try again later.`,
  );
