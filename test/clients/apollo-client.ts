/** Apollo Client: everything over its WebSocket link, queries and mutations over its HTTP link, too. */
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getOperationAST, OperationTypeNode, parse } from 'graphql';
import { createInbox } from './client.ts';
import type { Client, ClientKind, Result } from './client.ts';
import { createWebSocketClient } from './graphql-ws.ts';

export const apolloClient: ClientKind = {
  name: 'Apollo Client',
  connect(url): Client {
    const socket = createWebSocketClient(url);
    const overWebSocket = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(socket) });
    const overHttp = new ApolloClient({
      cache: new InMemoryCache(),
      link: new HttpLink({ uri: `${url}/graphql` }),
    });
    const fetchPolicy = 'no-cache';

    const executeBy =
      (client: ApolloClient): Client['execute'] =>
      async (text, variables = {}) => {
        const document = parse(text);
        const isMutation = getOperationAST(document)?.operation === OperationTypeNode.MUTATION;
        const errorPolicy = 'all';
        return resultOf(
          isMutation
            ? await client.mutate({ mutation: document, variables, fetchPolicy, errorPolicy })
            : await client.query({ query: document, variables, fetchPolicy, errorPolicy }),
        );
      };

    return {
      subscribe(text, variables = {}) {
        const inbox = createInbox();
        const subscription = overWebSocket
          .subscribe({ query: parse(text), variables, fetchPolicy })
          .subscribe({
            next: (result) => inbox.push(resultOf(result)),
            error: inbox.fail,
            complete: inbox.end,
          });
        return { next: inbox.next, leave: () => subscription.unsubscribe() };
      },
      execute: executeBy(overWebSocket),
      executeOverHttp: executeBy(overHttp),
      close() {
        overWebSocket.stop();
        overHttp.stop();
        void socket.dispose();
      },
    };
  },
};

interface ApolloResult {
  readonly data?: unknown;
  readonly error?: unknown;
}

/** @throws what is no error of GraphQL's */
const resultOf = ({ data, error }: ApolloResult): Result => {
  if (error === undefined) return { data: data as Result['data'] };
  if (!CombinedGraphQLErrors.is(error)) throw error;
  return { data: data as Result['data'], errors: error.errors };
};
