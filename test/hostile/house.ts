/**
 * The gateway under attack, and what is kept an eye on: calls to Oracle Cloud, what is watched, connections, what is logged,
 * memory, and how long answers take.
 */
import { subscribe as listen, unsubscribe as unlisten } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { betweenLooksMs, createTestGateway } from '../support/gateway.ts';
import type { Overrides, TestGateway } from '../support/gateway.ts';

export interface House extends TestGateway {
  /** Connections that the gateway holds open. */
  connections(): number;
  /** Throws where something was left behind: calls, watchers, connections, errors in the log. */
  expectNothingLeft(): Promise<void>;
}

export const openHouse = async (overrides: Overrides = {}): Promise<House> => {
  const house = await createTestGateway({ logLevel: 'warn', ...overrides });
  const open = new Set<Socket>();
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort !== house.port) return;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };
  listen('net.server.socket', onSocket);
  return {
    ...house,
    connections: () => open.size,
    async expectNothingLeft() {
      const left = (): readonly string[] => {
        const { watchers, listings, subscribers } = house.gateway.watchers.stats();
        const counts = { connections: open.size, watchers, listings, subscribers };
        return Object.entries(counts)
          .filter(([, count]) => count > 0)
          .map(([what, count]) => `${count} ${what} are left`);
      };
      for (let look = 0; look < 500 && left().length > 0; look += 1) await sleep(betweenLooksMs);
      const errors = house.logged.filter((line) => /"level":[56]0/.test(line));
      const problems = [
        ...left(),
        ...house.asked().map((operation) => `Oracle Cloud was asked: ${operation}`),
        ...errors.map((line) => `logged: ${line.slice(0, 2_000)}`),
      ];
      if (problems.length > 0) throw new Error(problems.slice(0, 20).join('\n'));
    },
    async stop() {
      unlisten('net.server.socket', onSocket);
      await house.stop();
    },
  };
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Megabytes of heap and what hangs on it, after a collection. */
export const memoryInUse = (): number => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
};
