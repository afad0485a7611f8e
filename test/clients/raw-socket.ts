/** RFC 6455 and graphql-transport-ws by hand, over a plain socket: what is proven here hangs on nobody's library. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInbox, onlyResultOf } from './client.ts';
import type { Client, ClientKind, Inbox, Json, Result, Stream } from './client.ts';

const opcodes = { continuation: 0, text: 1, close: 8, ping: 9, pong: 10 } as const;
const comeAgain = 1012;

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

interface Operation {
  readonly payload: Json;
  readonly inbox: Inbox;
}

export const rawSocket: ClientKind = {
  name: 'a raw socket',
  connect(url): Client {
    const operations = new Map<string, Operation>();
    let lastId = 0;
    let link = dial();

    function dial(): Promise<Link> {
      return openLink(url, {
        receive,
        closed(code) {
          if (code === comeAgain) {
            link = dial();
            for (const id of operations.keys()) send(start(id));
          } else {
            for (const { inbox } of operations.values()) inbox.fail(`closed with ${code}`);
            operations.clear();
          }
        },
      });
    }

    function receive({ type, id = '', payload }: Message): void {
      const operation = operations.get(id);
      if (operation === undefined) return;
      if (type === 'next') return operation.inbox.push(payload as Result);
      operations.delete(id);
      if (type === 'error') operation.inbox.push({ errors: payload as NonNullable<Result['errors']> });
      operation.inbox.end();
    }

    function send(message: Message): void {
      link
        .then(({ write }) => write(message))
        .catch((error: unknown) => {
          for (const { inbox } of operations.values()) inbox.fail(error);
        });
    }

    function start(id: string): Message {
      return { type: 'subscribe', id, payload: operations.get(id)?.payload };
    }

    const subscribe: Client['subscribe'] = (query, variables = {}): Stream => {
      const id = String((lastId += 1));
      const inbox = createInbox();
      operations.set(id, { payload: { query, variables }, inbox });
      send(start(id));
      return {
        next: inbox.next,
        leave() {
          if (operations.delete(id)) send({ type: 'complete', id });
        },
      };
    };
    return {
      subscribe,
      execute: (document, variables) => onlyResultOf(subscribe(document, variables)),
      close() {
        operations.clear();
        link.then(({ cut }) => cut()).catch(() => {});
      },
    };
  },
};

interface Link {
  write(message: Message): void;
  cut(): void;
}

interface LinkEvents {
  receive(message: Message): void;
  /** 1006: without a close frame. */
  closed(code: number): void;
}

/** After the handshake, `connection_init` and its acknowledgement. */
const openLink = async (url: string, { receive, closed }: LinkEvents): Promise<Link> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let closeCode = 1006;
  let isCut = false;
  let text = '';
  socket.on('error', () => socket.destroy());
  const write = (message: Message): void => void socket.write(frame(opcodes.text, JSON.stringify(message)));
  const left = await shakeHands(socket, `${hostname}:${port}`);
  const acknowledged = Promise.withResolvers<void>();

  const take = (opcode: number, isLast: boolean, payload: Buffer): void => {
    switch (opcode) {
      case opcodes.text:
      case opcodes.continuation: {
        text += payload.toString();
        if (!isLast) return;
        const message = JSON.parse(text) as Message;
        text = '';
        if (message.type === 'connection_ack') return acknowledged.resolve();
        if (message.type === 'ping') return write({ type: 'pong' });
        return receive(message);
      }
      case opcodes.ping:
        return void socket.write(frame(opcodes.pong, payload));
      case opcodes.close:
        closeCode = payload.readUInt16BE(0);
        return void socket.end(frame(opcodes.close, payload.subarray(0, 2)));
    }
  };
  let bytes = left;
  const read = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let found = parseFrame(bytes); found !== null; found = parseFrame(bytes)) {
      bytes = bytes.subarray(found.length);
      take(found.opcode, found.isLast, found.payload);
    }
  };
  socket.on('data', read);
  socket.once('close', () => {
    acknowledged.reject(new Error(`closed with ${closeCode}`));
    if (!isCut) closed(closeCode);
  });
  read(Buffer.alloc(0));
  write({ type: 'connection_init' });
  await acknowledged.promise;
  return {
    write,
    cut() {
      isCut = true;
      socket.destroy();
    },
  };
};

/** @returns what came after the head */
const shakeHands = async (socket: Socket, host: string): Promise<Buffer> => {
  const key = randomBytes(16).toString('base64');
  socket.write(
    [
      'GET /graphql HTTP/1.1',
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Protocol: graphql-transport-ws',
      '',
      '',
    ].join('\r\n'),
  );
  let bytes = Buffer.alloc(0);
  let end = -1;
  while (end < 0) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
    end = bytes.indexOf('\r\n\r\n');
  }
  const head = bytes.subarray(0, end).toString();
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const isRight =
    /^HTTP\/1\.1 101 /.test(head) &&
    /^sec-websocket-protocol: graphql-transport-ws$/im.test(head) &&
    head
      .split('\r\n')
      .some((line) => line.toLowerCase().startsWith('sec-websocket-accept:') && line.endsWith(accept));
  if (!isRight) throw new Error(`no handshake: ${head}`);
  return bytes.subarray(end + 4);
};

/** Whole, and masked, as a client's has to be. */
const frame = (opcode: number, content: string | Buffer): Buffer => {
  const payload = Buffer.from(content);
  const isShort = payload.length < 126;
  const head = Buffer.alloc(isShort ? 2 : 4);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (isShort ? payload.length : 126);
  if (!isShort) head.writeUInt16BE(payload.length, 2);
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([head, mask, masked]);
};

interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly payload: Buffer;
  /** Of the whole frame. */
  readonly length: number;
}

/** null: it is not whole yet. @throws for what a server may not send */
const parseFrame = (bytes: Buffer): Frame | null => {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  if ((first & 0x70) !== 0 || (second & 0x80) !== 0) throw new Error('a frame with reserved bits, or masked');
  const extra = { 126: 2, 127: 8 }[second] ?? 0;
  if (bytes.length < 2 + extra) return null;
  const size = extra === 0 ? second : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const length = 2 + extra + size;
  if (bytes.length < length) return null;
  return {
    opcode: first & 0x0f,
    isLast: (first & 0x80) !== 0,
    payload: bytes.subarray(2 + extra, length),
    length,
  };
};
