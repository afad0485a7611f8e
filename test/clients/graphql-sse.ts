/** The client of graphql-sse, with distinct connections. */
import { createClient } from 'graphql-sse';
import { createInbox, onlyResultOf, reconnecting } from './client.ts';
import type { Client, ClientKind, Result, Stream } from './client.ts';

export const graphqlSse: ClientKind = {
  name: 'graphql-sse',
  connect(url): Client {
    const client = createClient({
      url: `${url}/graphql/stream`,
      retryAttempts: reconnecting.attempts,
      retry: reconnecting.wait,
    });
    const subscribe: Client['subscribe'] = (query, variables = {}): Stream => {
      const inbox = createInbox();
      const leave = client.subscribe(
        { query, variables },
        { next: (result) => inbox.push(result as Result), error: inbox.fail, complete: inbox.end },
      );
      return { next: inbox.next, leave };
    };
    return {
      subscribe,
      execute: (document, variables) => onlyResultOf(subscribe(document, variables)),
      close: () => client.dispose(),
    };
  },
};
