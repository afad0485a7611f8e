/** Opens a WebSocket by hand, sends bytes that are no good, and reads what becomes of it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { longestMs, startWatch } from './answers.ts';
import type { HostileFrames } from './corpus/frames.ts';
import { frame, opcodes, parseFrames } from './frame.ts';
import type { House } from './house.ts';

const patienceMs = 10_000;

export interface Talk {
  /** What the gateway said, in order, without pongs of the protocol below. */
  readonly messages: readonly string[];
  /** With which code it closed; null: it did not, 1006: without a word. */
  readonly closeCode: number | null;
  readonly reason: string;
  readonly ms: number;
}

const lastPing = '{"type":"ping","payload":{"last":true}}';
const lastPong = '{"type":"pong","payload":{"last":true}}';

/** Until it is closed, or a last ping is answered. */
export const talk = async (
  port: number,
  bytes: Buffer,
  isGreeted: boolean,
  pings: boolean,
  isCut = false,
): Promise<Talk> => {
  const socket = connect(port, '127.0.0.1');
  const messages: string[] = [];
  let rest = Buffer.alloc(0);
  let closeCode: number | null = null;
  let reason = '';
  let isOpen = false;
  const opened = Promise.withResolvers<void>();
  const greeted = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  socket.on('error', () => undefined);
  socket.once('close', () => {
    closeCode ??= 1006;
    for (const waiting of [opened, greeted, done]) waiting.resolve();
  });
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    if (!isOpen) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      isOpen = true;
      rest = rest.subarray(end + 4);
      opened.resolve();
    }
    const parsed = parseFrames(rest);
    rest = Buffer.from(parsed.rest);
    for (const { opcode, payload } of parsed.frames) {
      if (opcode === opcodes.close) {
        closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
        reason = payload.subarray(2).toString();
        socket.end(frame(payload.subarray(0, 2), { opcode: opcodes.close }));
        done.resolve();
      } else if (opcode === opcodes.text) {
        const message = payload.toString();
        if (message.includes('"connection_ack"')) greeted.resolve();
        else messages.push(message);
        if (message === lastPong) done.resolve();
      }
    }
  });
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
  );
  const timer = setTimeout(() => done.resolve(), patienceMs);
  await opened.promise;
  if (isGreeted) {
    socket.write(frame('{"type":"connection_init"}'));
    await greeted.promise;
  }
  const passed = startWatch();
  socket.write(bytes);
  if (pings) socket.write(frame(lastPing));
  if (isCut) socket.end();
  await done.promise;
  clearTimeout(timer);
  const ms = passed();
  socket.destroy();
  if (!socket.closed) await once(socket, 'close');
  return { messages, closeCode: pings && messages.includes(lastPong) ? null : closeCode, reason, ms };
};

const findFaultOf = ({ closes }: HostileFrames, { closeCode, reason, messages }: Talk): string | null => {
  const told = messages.filter((message) => message !== lastPong && !/^\{"type":"pong"/.test(message));
  const accepted = told.filter((message) => /"type":"next"/.test(message) && !/"errors":\[/.test(message));
  if (closes.length === 0) {
    if (closeCode !== null) return `it was closed with ${closeCode} ${reason}`;
    const said = told.filter((message) => !/"type":"error"/.test(message));
    return said.length > 0 ? `it was answered: ${said.join().slice(0, 300)}` : null;
  }
  if (closeCode === null && closes.includes(0)) return null;
  if (closeCode === null) return `it was left open, with ${messages.join().slice(0, 300)}`;
  if (!closes.includes(closeCode)) return `it was closed with ${closeCode} ${reason}, not ${closes.join()}`;
  // The first of two that came together may have been done before the second was read.
  if (accepted.length > 0 && ![4409, 4429].includes(closeCode))
    return `it was executed: ${accepted.join().slice(0, 300)}`;
  if (closeCode >= 4000 && reason.length < 10) return `a reason that helps nobody: ${reason}`;
  return null;
};

export const sendFrames = async (house: House, all: readonly HostileFrames[]): Promise<readonly string[]> => {
  const faults: string[] = [];
  for (const hostile of all) {
    for (let time = 1; time <= 2; time += 1) {
      const told = await talk(
        house.port,
        hostile.bytes,
        hostile.isGreeted,
        hostile.closes.length === 0 || hostile.closes.includes(0),
        hostile.isCut,
      );
      const asked = house.asked();
      const fault =
        findFaultOf(hostile, told) ??
        (asked.length > 0 ? `Oracle Cloud was asked: ${asked.join()}` : null) ??
        (time === 2 && told.ms > longestMs ? `it took ${Math.round(told.ms)} ms` : null);
      if (fault !== null) faults.push(`${hostile.group}: ${hostile.name.slice(0, 200)}: ${fault}`);
      if (fault !== null || told.ms <= longestMs) break;
    }
  }
  return faults;
};
