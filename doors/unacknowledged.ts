/**
 * What other ends have not acknowledged yet. Nothing in Node tells it, and a kernel takes what is written to a vanished client
 * for a quarter of an hour before it says that the client is gone; but Linux shows the length of its queues.
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { endianness } from 'node:os';

/** Bytes by connection, of those that have any; empty where nobody tells. */
export async function readUnacknowledged(): Promise<ReadonlyMap<string, number>> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1').catch(() => '')),
  );
  return parseTables(tables.join('\n'));
}

/** As a row of the table begins; null for a socket that is closed. */
export function connectionOf(socket: Socket): string | null {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return null;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  return `${hexOf(localAddress)}:${portOf(localPort)} ${hexOf(remoteAddress)}:${portOf(remotePort)}`;
}

/** `sl: local remote state tx_queue:rx_queue …`, numbers in hex. */
const row = /: ([0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/g;

export function parseTables(text: string): ReadonlyMap<string, number> {
  const unacknowledged = new Map<string, number>();
  for (const [, connection = '', queue = ''] of text.matchAll(row)) {
    if (queue !== '00000000') unacknowledged.set(connection, parseInt(queue, 16));
  }
  return unacknowledged;
}

const isLittleEndian = endianness() === 'LE';

/** In words of four bytes, as the machine holds them. */
function hexOf(address: string): string {
  const bytes = bytesOf(address);
  const words = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.slice(4 * index, 4 * index + 4));
  return words
    .flatMap((word) => (isLittleEndian ? word.reverse() : word))
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}

export function bytesOf(address: string): number[] {
  const [text = ''] = address.split('%', 1);
  if (!text.includes(':')) return text.split('.').map(Number);
  const [head = [], tail = []] = text.split('::', 2).map(bytesOfGroups);
  return [...head, ...Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

function bytesOfGroups(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function portOf(port: number): string {
  return port.toString(16).padStart(4, '0').toUpperCase();
}
