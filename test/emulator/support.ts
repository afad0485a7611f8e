/** An emulator on a port of its own, and a client that signs as Oracle's tools do, written anew from the specification. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { createEmulator, sampleTenancy } from '../../emulator/emulator.ts';
import type { Emulator, EmulatorOptions } from '../../emulator/emulator.ts';

export const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Undefined when the body is no JSON. */
  readonly body: unknown;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Signed by this key; null: not signed. */
  readonly key?: KeyObject | null;
  readonly keyId?: string;
  readonly date?: string;
  readonly dateHeader?: 'date' | 'x-date';
}

export interface World {
  readonly emulator: Emulator;
  readonly url: string;
  /** Wall time, in the test's hand. */
  readonly time: { nowMs: number };
  /** A signed call of an API: path from `/{region}/…` on. */
  call(path: string, options?: RequestOptions): Promise<Reply>;
  /** An unsigned call of the control door. */
  control(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Reply>;
}

export async function withEmulator(
  use: (world: World) => Promise<void>,
  options: Partial<EmulatorOptions> = {},
): Promise<void> {
  const time = { nowMs: Date.parse('2026-03-01T12:00:00Z') };
  const emulator = createEmulator({
    publicKeys: [keys.publicKey],
    samples: false,
    seed: 'test',
    now: () => time.nowMs,
    ...options,
  });
  const { url } = await emulator.start(0);
  try {
    await use({
      emulator,
      url,
      time,
      call: (path, request = {}) => {
        const date = new Date(time.nowMs).toUTCString();
        return send(url, path, signed(url, path, { date, ...request }));
      },
      control: (method, path, body, headers = {}) =>
        send(url, path, {
          method,
          headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
          ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
    });
  } finally {
    await emulator.stop();
  }
}

/** Adds `authorization` and what it covers. */
export function signed(url: string, path: string, options: RequestOptions): RequestOptions {
  const { key = keys.privateKey, method = 'GET', body } = options;
  if (key === null) return options;
  const dateHeader = options.dateHeader ?? 'x-date';
  const headers: Record<string, string> = {
    [dateHeader]: options.date ?? new Date().toUTCString(),
    host: new URL(url).host,
    ...(body !== undefined && {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-content-sha256': createHash('sha256').update(body).digest('base64'),
    }),
  };
  const names = [
    dateHeader,
    '(request-target)',
    ...Object.keys(headers).filter((name) => name !== dateHeader),
  ];
  const text = names
    .map(
      (name) =>
        `${name}: ${name === '(request-target)' ? `${method.toLowerCase()} ${path}` : (headers[name] ?? '')}`,
    )
    .join('\n');
  const signature = sign('RSA-SHA256', Buffer.from(text), key).toString('base64');
  const keyId = options.keyId ?? `${sampleTenancy}/ocid1.user.oc1..test/00:11`;
  const authorization = `Signature version="1",keyId="${keyId}",algorithm="rsa-sha256",headers="${names.join(' ')}",signature="${signature}"`;
  return { ...options, method, headers: { ...headers, authorization, ...options.headers } };
}

export function send(url: string, path: string, options: RequestOptions): Promise<Reply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, path, method: options.method ?? 'GET', headers: options.headers ?? {}, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
        });
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
