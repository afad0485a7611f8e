import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { connectionOf, parseTables, readUnacknowledged } from '../../doors/unacknowledged.ts';

const tables = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 92473 1 00000000ed0083ba 100 0 0 10 0
   1: 0100007F:0FA0 0100007F:D431 01 0000012C:00000000 01:00000014 00000005     0        0 84404 1 0000000007149649 100 0 0 10 0
   2: 0100007F:0FA0 0100007F:D432 01 00000000:00000000 00:00000000 00000000     0        0 84405 1 0000000007149650 100 0 0 10 0
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:0FA0 B80D01200000000000000000EFCD3412:0050 01 00000003:00000000 01:00000014 00000005     0        0 84406 1 0000000007149651 100 0 0 10 0
`;

const socketOf = (localAddress: string, localPort: number, remoteAddress: string, remotePort: number) =>
  ({ localAddress, localPort, remoteAddress, remotePort }) as unknown as Socket;

test.each([
  ['IPv4', socketOf('127.0.0.1', 4000, '127.0.0.1', 54321), 300],
  ['nothing on its way', socketOf('127.0.0.1', 4000, '127.0.0.1', 54322), undefined],
  ['IPv6, and IPv4 within', socketOf('::ffff:127.0.0.1', 4000, '2001:db8::1234:cdef', 80), 3],
  [
    'an address with its interface',
    socketOf('::ffff:7f00:1', 4000, '2001:db8:0:0:0:0:1234:cdef%eth0', 80),
    3,
  ],
])('a socket is found in the tables of Linux: %s', (_name, socket, bytes) => {
  expect(parseTables(tables).get(connectionOf(socket) ?? '')).toBe(bytes);
});

test('a socket that is closed is in no table', () => {
  expect(connectionOf({} as unknown as Socket)).toBeNull();
});

test.each(process.platform === 'linux' ? ['127.0.0.1', '::1'] : [])(
  'and in those of this machine: %s',
  async (host) => {
    if (host === 'nowhere') return expect((await readUnacknowledged()).size).toBe(0);
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const client = connect((server.address() as AddressInfo).port, host).pause();
    const [socket] = (await accepted) as [Socket];
    const connection = connectionOf(socket) ?? '';
    expect((await readUnacknowledged()).has(connection)).toBe(false);
    socket.write(Buffer.alloc(16 * 1024 * 1024));
    while (!(await readUnacknowledged()).has(connection))
      await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    client.destroy();
    server.close();
  },
);
