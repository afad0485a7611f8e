/** How one operation comes to the gateway and its answer back, over each transport, on connections that are kept. */
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import type { ErrorCode } from '../../errors.ts';
import type { Transport } from '../support/gateway.ts';
import { findHttpFault, parseResult } from './answers.ts';
import type { HttpAnswer, Result } from './answers.ts';

/** The JSON of an operation as it goes out. */
export type Body = string;

export interface Told {
  readonly result: Result | null;
  /** What no answer may be like. */
  readonly fault: string | null;
  /** Of the answer, in characters. */
  readonly size: number;
}

export interface Channel {
  readonly transport: Transport;
  ask(body: Body): Promise<Told>;
  /** Codes that this transport has for what is another's. */
  also(query: string): readonly ErrorCode[];
  close(): Promise<void>;
}

interface Place {
  readonly port: number;
  readonly headers?: OutgoingHttpHeaders;
}

const send = async (
  agent: Agent,
  { port, headers }: Place,
  path: string,
  body: Body,
  more: OutgoingHttpHeaders = {},
): Promise<HttpAnswer> => {
  const request = httpRequest({
    ...{ host: '127.0.0.1', port, agent, path, method: 'POST' },
    headers: { 'content-type': 'application/json', ...headers, ...more },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers as HttpAnswer['headers'], text };
};

const overHttp = (place: Place): Channel => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    transport: 'http',
    also: (query) => (/\bsubscription\b/.test(query) ? ['BAD_REQUEST'] : []),
    async ask(body) {
      const answer = await send(agent, place, '/graphql', body);
      return { result: parseResult(answer.text), fault: findHttpFault(answer), size: answer.text.length };
    },
    close: async () => agent.destroy(),
  };
};

const overSse = (place: Place): Channel => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    transport: 'sse',
    also: () => [],
    async ask(body) {
      const answer = await send(agent, place, '/graphql/stream', body, { accept: 'text/event-stream' });
      const [, data = answer.text] = /^event: next\ndata: (.*)$/m.exec(answer.text) ?? [];
      const isWhole = answer.status >= 400 || /event: complete\ndata:\n\n$/.test(answer.text);
      const isOne = answer.text.split('event: next').length <= 2;
      const fault =
        findHttpFault(answer) ?? (isWhole && isOne ? null : `a stream of ${answer.text.slice(0, 300)}`);
      return { result: parseResult(data), fault, size: answer.text.length };
    },
    close: async () => agent.destroy(),
  };
};

const overWebSocket = async ({ port, headers }: Place): Promise<Channel> => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, ['graphql-transport-ws'], {
    headers: { ...headers } as Record<string, string>,
  });
  const waiting = new Map<string, { readonly results: Result[]; readonly done: (told: Told) => void }>();
  let lastId = 0;
  let closed: string | null = null;
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    const {
      type,
      id = '',
      payload,
    } = JSON.parse((data as Buffer).toString()) as {
      readonly type: string;
      readonly id?: string;
      readonly payload?: unknown;
    };
    const asked = waiting.get(id);
    if (asked === undefined) return;
    if (type === 'next') return void asked.results.push(payload as Result);
    waiting.delete(id);
    const result =
      type === 'error' ? { errors: payload as NonNullable<Result['errors']> } : (asked.results[0] ?? null);
    const fault = asked.results.length > 1 ? `${asked.results.length} results` : null;
    asked.done({ result, fault, size: (data as Buffer).length });
  });
  socket.on('close', (code, reason) => {
    closed = `the socket was closed with ${code} ${String(reason)}`;
    for (const { done } of waiting.values()) done({ result: null, fault: closed, size: 0 });
  });
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  return {
    transport: 'websocket',
    also: () => [],
    ask: (payload) =>
      new Promise((done) => {
        if (closed !== null) return done({ result: null, fault: closed, size: 0 });
        const id = String((lastId += 1));
        waiting.set(id, { results: [], done });
        socket.send(`{"id":"${id}","type":"subscribe","payload":${payload}}`);
      }),
    async close() {
      if (closed !== null) return;
      socket.close();
      await once(socket, 'close');
    },
  };
};

export const openChannel = async (transport: Transport, place: Place): Promise<Channel> => {
  if (transport === 'websocket') return overWebSocket(place);
  return transport === 'http' ? overHttp(place) : overSse(place);
};
