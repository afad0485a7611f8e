/** Sends bytes as they are over a connection of their own, and reads what comes back until the gateway closes. */
import { connect } from 'node:net';
import { codesThatAreOurs, findHttpFault, isNothing, longestMs, parseResult, startWatch } from './answers.ts';
import type { HttpAnswer } from './answers.ts';
import type { HostileRequest } from './corpus/requests.ts';
import { opcodes, parseFrames } from './frame.ts';
import type { House } from './house.ts';

/** Nobody waits longer for a gateway that says nothing at all. */
const patienceMs = 10_000;

export interface Exchange {
  readonly bytes: Buffer;
  readonly ms: number;
  /** False: the connection was still open when patience ended. */
  readonly isClosed: boolean;
}

export const fill = (bytes: string | Buffer, port: number): Buffer => {
  const text = Buffer.from(bytes).toString('latin1');
  return text.includes('{port}')
    ? Buffer.from(text.replaceAll('{port}', String(port)), 'latin1')
    : Buffer.from(bytes);
};

/**
 * All is sent, then this side's end is closed: nothing more will come. Node drops what it would have answered by then, so who
 * means to hear an answer that takes its time closes when it has begun.
 */
export const exchange = async (port: number, bytes: Buffer, isPatient = false): Promise<Exchange> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const chunks: Buffer[] = [];
  let isClosed = true;
  const passed = startWatch();
  const giveUp = setTimeout(() => {
    isClosed = false;
    socket.destroy();
  }, patienceMs);
  const finish = setTimeout(() => socket.end(), longestMs / 2);
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    socket.end();
  });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.write(bytes);
  if (!isPatient) socket.end();
  await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(giveUp);
  clearTimeout(finish);
  return { bytes: Buffer.concat(chunks), ms: passed(), isClosed };
};

/** All answers that are in these bytes; null where they are none. */
export const parseAnswers = (bytes: Buffer): readonly HttpAnswer[] | null => {
  const answers: HttpAnswer[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [first = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
    if (!Number.isInteger(status)) return null;
    const headers: Record<string, string> = {};
    for (const line of lines)
      headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
    rest = rest.subarray(end + 4);
    let text = '';
    if (status >= 200 && status !== 204) {
      if (headers['transfer-encoding'] === 'chunked') {
        for (;;) {
          const line = rest.indexOf('\r\n');
          const size = parseInt(rest.subarray(0, line).toString('latin1'), 16);
          if (line < 0 || Number.isNaN(size)) return null;
          text += rest.subarray(line + 2, line + 2 + size).toString();
          rest = rest.subarray(line + 2 + size + 2);
          if (size === 0) break;
        }
      } else {
        const length = Number(headers['content-length'] ?? 0);
        // HEAD has a length and no body.
        text = rest.subarray(0, length).toString();
        rest = rest.subarray(length);
      }
      answers.push({ status, headers, text });
    }
  }
  return answers;
};

const findFaultOf = (request: HostileRequest, { bytes, isClosed }: Exchange): string | null => {
  if (!isClosed) return `it was left open, with ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`;
  const { closes } = request;
  if (closes !== undefined && bytes.toString('latin1').startsWith('HTTP/1.1 101')) {
    const { frames } = parseFrames(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4));
    const [first] = frames;
    const code =
      first?.opcode === opcodes.close && first.payload.length > 2 ? first.payload.readUInt16BE(0) : null;
    return frames.length === 1 && code === closes ? null : `it was opened: ${bytes.toString('latin1')}`;
  }
  if (bytes.toString('latin1').startsWith('HTTP/1.1 101')) return 'a WebSocket was opened';
  const answers = parseAnswers(bytes);
  if (answers === null) return `no HTTP came back: ${JSON.stringify(bytes.toString('latin1').slice(0, 300))}`;
  const { served = 0, statuses, isSilent } = request;
  if (answers.length === 0) return isSilent === true ? null : 'it was closed without a word';
  for (const [at, answer] of answers.entries()) {
    if (at < served && answer.status === 200) continue;
    const { status, headers, text } = answer;
    const told = `${status} ${headers['content-type']} ${text.slice(0, 200)}`;
    const fault = findHttpFault(answer);
    if (fault !== null) return fault;
    const result = parseResult(/^event: next\ndata: (.*)$/m.exec(text)?.[1] ?? text);
    if (status < 400 && (result?.errors === undefined || !isNothing(result.data)))
      return `it was accepted: ${told}`;
    if (statuses !== undefined && !statuses.includes(status))
      return `another status than ${statuses.join()}: ${told}`;
    if (request.bytes.toString('latin1').startsWith('HEAD ')) continue;
    const error = result?.errors?.[0];
    if (!codesThatAreOurs.has(error?.extensions?.code ?? '')) return `no code of ours: ${told}`;
    if ((error?.message.length ?? 0) < 10) return `a message that helps nobody: ${told}`;
  }
  return answers.at(-1)?.status === 200 && served > 0 ? 'nothing was said to it' : null;
};

export const sendBytes = async (
  house: House,
  requests: readonly HostileRequest[],
): Promise<readonly string[]> => {
  const faults: string[] = [];
  for (const request of requests) {
    const bytes = fill(request.bytes, house.port);
    let exchanged = await exchange(house.port, bytes);
    if (exchanged.bytes.length === 0 || exchanged.ms > longestMs)
      exchanged = await exchange(house.port, bytes, true);
    const asked = house.asked();
    const fault =
      findFaultOf(request, exchanged) ??
      (asked.length > 0 ? `Oracle Cloud was asked: ${asked.join()}` : null) ??
      (exchanged.ms > longestMs ? `it took ${Math.round(exchanged.ms)} ms` : null);
    if (fault !== null) faults.push(`${request.group}: ${request.name.slice(0, 200)}: ${fault}`);
  }
  return faults;
};
