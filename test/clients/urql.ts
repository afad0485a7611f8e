/** urql over graphql-ws, and over fetch. */
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from '@urql/core';
import type { CombinedError, Exchange, OperationResult } from '@urql/core';
import { getOperationAST, OperationTypeNode, parse } from 'graphql';
import { createInbox } from './client.ts';
import type { Client, ClientKind, Result } from './client.ts';
import { createWebSocketClient } from './graphql-ws.ts';

export const urql: ClientKind = {
  name: 'urql',
  connect(url): Client {
    const socket = createWebSocketClient(url);
    const overSocket = subscriptionExchange({
      enableAllOperations: true,
      forwardSubscription: ({ query = '', variables = {} }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
      }),
    });
    const createClient = (exchange: Exchange): UrqlClient =>
      new UrqlClient({ url: `${url}/graphql`, preferGetMethod: false, exchanges: [exchange] });
    const overWebSocket = createClient(overSocket);
    const overHttp = createClient(fetchExchange);

    const executeBy =
      (client: UrqlClient): Client['execute'] =>
      async (document, variables = {}) => {
        const isMutation = getOperationAST(parse(document))?.operation === OperationTypeNode.MUTATION;
        const running = isMutation ? client.mutation(document, variables) : client.query(document, variables);
        return resultOf(await running.toPromise());
      };

    return {
      subscribe(document, variables = {}) {
        const inbox = createInbox();
        const subscription = overWebSocket.subscription(document, variables).subscribe((result) => {
          // Its last result comes twice; of an operation that was refused it does not say that nothing more comes.
          if (!result.hasNext) return inbox.end();
          inbox.push(resultOf(result));
          if (result.error !== undefined) inbox.end();
        });
        return { next: inbox.next, leave: () => subscription.unsubscribe() };
      },
      execute: executeBy(overWebSocket),
      executeOverHttp: executeBy(overHttp),
      close: () => void socket.dispose(),
    };
  },
};

const resultOf = ({
  data,
  error,
}: Pick<OperationResult, 'data'> & { error?: CombinedError | undefined }): Result => {
  if (error?.networkError !== undefined) throw error.networkError;
  const told = data as Result['data'];
  return error === undefined ? { data: told ?? null } : { data: told ?? null, errors: error.graphQLErrors };
};
