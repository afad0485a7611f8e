/** Frames of RFC 6455, right ones and wrong ones, by hand. */
export interface FrameParts {
  readonly isLast?: boolean;
  /** Three bits. */
  readonly reserved?: number;
  readonly opcode?: number;
  readonly isMasked?: boolean;
  /** Other than the payload's own. */
  readonly length?: bigint;
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);

export const frame = (payload: string | Buffer, parts: FrameParts = {}): Buffer => {
  const { isLast = true, reserved = 0, opcode = opcodes.text, isMasked = true } = parts;
  const content = Buffer.from(payload);
  const length = parts.length ?? BigInt(content.length);
  const extra = length < 126n ? 0 : length < 65_536n ? 2 : 8;
  const head = Buffer.alloc(2 + extra);
  head[0] = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (extra === 0 ? Number(length) : extra === 2 ? 126 : 127);
  if (extra === 2) head.writeUInt16BE(Number(length), 2);
  if (extra === 8) head.writeBigUInt64BE(length, 2);
  if (!isMasked) return Buffer.concat([head, content]);
  return Buffer.concat([head, mask, content.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
};

export const closeFrame = (code: number, reason: string | Buffer = ''): Buffer => {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)]);
  payload.writeUInt16BE(code);
  return frame(payload, { opcode: opcodes.close });
};

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The whole frames in these bytes, which a server has sent, and what is left. */
export const parseFrames = (bytes: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } => {
  const frames: Frame[] = [];
  let rest = bytes;
  for (;;) {
    const [first, second] = rest;
    if (first === undefined || second === undefined) break;
    const extra = second < 126 ? 0 : second === 126 ? 2 : 8;
    if (rest.length < 2 + extra) break;
    const length =
      extra === 0 ? second : extra === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < 2 + extra + length) break;
    frames.push({ opcode: first & 0x0f, payload: rest.subarray(2 + extra, 2 + extra + length) });
    rest = rest.subarray(2 + extra + length);
  }
  return { frames, rest };
};
