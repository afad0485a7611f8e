/** The client of graphql-ws. */
import { createClient } from 'graphql-ws';
import type { Client as WebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createInbox, onlyResultOf, reconnecting, webSocketUrl } from './client.ts';
import type { Client, ClientKind, Result, Stream } from './client.ts';

/** Also what Apollo Client and urql use below. */
export const createWebSocketClient = (url: string): WebSocketClient =>
  createClient({
    url: webSocketUrl(url),
    webSocketImpl: WebSocket,
    retryAttempts: reconnecting.attempts,
    retryWait: reconnecting.wait,
  });

export const graphqlWs: ClientKind = {
  name: 'graphql-ws',
  connect(url): Client {
    const client = createWebSocketClient(url);
    const subscribe: Client['subscribe'] = (query, variables = {}): Stream => {
      const inbox = createInbox();
      const leave = client.subscribe(
        { query, variables },
        {
          next: (result) => inbox.push(result as Result),
          error(error) {
            if (!Array.isArray(error)) return inbox.fail(error);
            inbox.push({ errors: error });
            inbox.end();
          },
          complete: inbox.end,
        },
      );
      return { next: inbox.next, leave };
    };
    return {
      subscribe,
      execute: (document, variables) => onlyResultOf(subscribe(document, variables)),
      close: () => void client.dispose(),
    };
  },
};
