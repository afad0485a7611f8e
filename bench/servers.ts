/** Children that are servers: the real gateway as its users run it, others on a core of their own, and how a page of the list is asked for. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { sampleCompartments } from '../emulator/emulator.ts';
import { start, subjectOf } from './subject.ts';

/** Of all that benchmarks list. */
export const compartmentId = sampleCompartments.platform;

export interface Child {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** `file` as a server of its own on a core: it prints `ready <url>`. */
export const startChild = async (file: string, core: number, args: readonly string[]): Promise<Child> => {
  const child = start(file, core, ['--subject', ...args]);
  let out = '';
  const ended = once(child, 'close');
  for await (const text of child.stdout?.setEncoding('utf8') ?? []) {
    out += String(text);
    if (/^ready http:\S+$/m.test(out) || /GraphQL +http:\S+/.test(out)) break;
  }
  const url = /^ready (http:\S+)$/m.exec(out)?.[1] ?? /GraphQL +(http:\S+)\/graphql/.exec(out)?.[1];
  if (url === undefined) throw new Error(`${args[0]} did not start: ${out}`);
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
};

/** The real server on core 0, reading from `upstreamUrl` as if it were Oracle Cloud. */
export const startGateway = (
  upstreamUrl: string,
  configFile: string,
  env: Readonly<Record<string, string>>,
): Promise<Child> =>
  startChild(import.meta.url, 0, [
    'gateway',
    JSON.stringify({
      PORT: '0',
      UPSTREAM: 'oci',
      OCI_CONFIG_FILE: configFile,
      OCI_ENDPOINT_TEMPLATE: `${upstreamUrl}/{region}/{package}`,
      LOG_LEVEL: 'error',
      CURSOR_SECRET: 'a secret of the benchmark',
      ...env,
    }),
  ]);

export interface ListedPage {
  readonly nodes: readonly { readonly id: string }[];
  readonly failures: readonly unknown[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** A page as the playground shows it. */
export const askList = async (
  url: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<ListedPage> => {
  const document = `query($compartmentId: String!, $services: [ServiceName!], $first: Int, $after: String) {
    workRequests(compartmentId: $compartmentId, services: $services, first: $first, after: $after) {
      nodes { id status operationType region service { name } }
      pageInfo { hasNextPage endCursor }
      failures { service region code message }
    }
  }`;
  const data = await askGateway<{ workRequests: ListedPage }>(url, document, { compartmentId, ...variables });
  return data.workRequests;
};

/** Which has to be whole. */
export const askFirstPage = async (url: string): Promise<void> => {
  const { nodes, failures } = await askList(url);
  if (failures.length > 0 || nodes.length !== 25)
    throw new Error(`${nodes.length} nodes, failures ${JSON.stringify(failures.slice(0, 3))}`);
};

export const askGateway = async <Data>(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Data> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: unknown };
  if (errors !== undefined || data === undefined) throw new Error(JSON.stringify(errors));
  return data;
};

/** In the child: serves on a free port and says where. */
export async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<void> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log(`\nready http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const child = process.argv[1] === fileURLToPath(import.meta.url) ? subjectOf(process.argv) : null;
if (child?.subject === 'gateway') {
  Object.assign(process.env, JSON.parse(child.rest[0] ?? '{}'));
  process.argv.length = 2;
  await import('../server.ts');
}
