/** Reads a request's body, up to a bound. */
import type { IncomingMessage } from 'node:http';

/** Null when it is longer than allowed; the rest is then read and thrown away, so that the answer is not lost to a reset. */
export function readBody(request: IncomingMessage, greatestBytes: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= greatestBytes) chunks.push(chunk);
      else resolve(null);
    });
    request.on('end', () => resolve(length > greatestBytes ? null : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the client broke off its request')));
  });
}
