/** Listening, and what stands in its way: a host that there is not is configuration, a port that is taken is not. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ConfigError } from './config.ts';

/** What an operator can mend, in words. */
export class StartError extends Error {}

/**
 * Listens on a port that nobody has, for a moment: whether the configured one is free is no matter of the configuration.
 * @returns the address that is listened on
 * @throws ConfigError
 */
export const checkHost = async (variable: 'HOST' | 'METRICS_HOST', host: string): Promise<string> => {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new ConfigError([
      `${variable}: cannot listen on ${host}, ${hostProblems[code] ?? `this machine says ${code}`}.`,
    ]);
  }
  const { address } = server.address() as AddressInfo;
  server.close();
  return address;
};

const hostProblems: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'no name server tells its address',
};

/** @throws StartError */
export const listen = async <T>(variable: string, start: () => Promise<T>): Promise<T> => {
  try {
    return await start();
  } catch (error) {
    const { code, address, port } = error as NodeJS.ErrnoException & {
      readonly address?: string;
      readonly port?: number;
    };
    const why = portProblems[code ?? ''];
    if (why === undefined) throw error;
    throw new StartError(`Cannot listen on ${address}:${port}: ${why.replace('{variable}', variable)}`);
  }
};

const portProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program does. Stop it, or choose another port with {variable} (0 picks a free one).',
  EACCES: 'this user may not. Choose a port above 1023 with {variable}.',
};
