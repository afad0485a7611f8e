/**
 * A tiny server with the playground's real door and a stand-in for the rest of the gateway: GraphQL over HTTP and
 * graphql-transport-ws on one path, one work request whose progress can be watched.
 */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { buildSchema, execute, parse, specifiedRules, subscribe, validate } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { registerPlayground } from '../../doors/playground.ts';
import type { PlaygroundTab } from '../../doors/playground.ts';

export interface PlaygroundServer {
  /** Origin without a trailing slash, e.g. `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly tabs: readonly PlaygroundTab[];
  stop(): Promise<void>;
}

const schema = buildSchema(/* GraphQL */ `
  type Query {
    "One work request, by the id that OCI returned for it."
    workRequest(id: ID!): WorkRequest
  }
  type Subscription {
    "A work request as it progresses."
    workRequest(id: ID!): WorkRequestEvent!
  }
  "An asynchronous operation of Oracle Cloud."
  type WorkRequest {
    id: ID!
    status: String!
    percentComplete: Float
  }
  type WorkRequestEvent {
    type: String!
    sequence: Int!
    workRequest: WorkRequest
  }
`);

const sampleId = 'ocid1.clustersworkrequest.oc1.iad.sample';

const tabs: readonly PlaygroundTab[] = [
  {
    name: 'Work request',
    query:
      'query SampleWorkRequest($id: ID!) {\n  workRequest(id: $id) {\n    id\n    status\n    percentComplete\n  }\n}\n',
    variables: { id: sampleId },
  },
  {
    name: 'Watch it',
    query:
      'subscription WatchSample($id: ID!) {\n  workRequest(id: $id) {\n    type\n    sequence\n    workRequest {\n      status\n      percentComplete\n    }\n  }\n}\n',
    variables: { id: sampleId },
  },
];

const rootValue = {
  workRequest: ({ id }: { id: string }) =>
    id === sampleId ? { id, status: 'IN_PROGRESS', percentComplete: 40 } : null,
};

async function* progress(id: string) {
  const states = [
    { type: 'SNAPSHOT', status: 'IN_PROGRESS', percentComplete: 40 },
    { type: 'CHANGED', status: 'IN_PROGRESS', percentComplete: 80 },
    { type: 'FINISHED', status: 'SUCCEEDED', percentComplete: 100 },
  ];
  for (const [index, { type, ...state }] of states.entries()) {
    yield { workRequest: { type, sequence: index + 1, workRequest: { id, ...state } } };
  }
}

/** The same shape as the real gateway's test server, so that one can take the other's place. */
export async function startPlaygroundServer(): Promise<PlaygroundServer> {
  const app = Fastify();
  registerPlayground(app, { graphqlPath: '/graphql', tabs, title: 'Stand-in' });
  app.post<{ Body: { query: string; variables?: Record<string, unknown>; operationName?: string } }>(
    '/graphql',
    async ({ body }) => {
      const document = parse(body.query);
      const errors = validate(schema, document, specifiedRules);
      if (errors.length > 0) return { errors };
      return execute({
        schema,
        document,
        rootValue,
        variableValues: body.variables ?? null,
        operationName: body.operationName ?? null,
      });
    },
  );
  const sockets = new WebSocketServer({ server: app.server, path: '/graphql' });
  const graphqlWs = useServer(
    {
      schema,
      execute,
      subscribe,
      roots: { query: rootValue, subscription: { workRequest: ({ id }: { id: string }) => progress(id) } },
    },
    sockets,
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    tabs,
    async stop() {
      await graphqlWs.dispose();
      sockets.close();
      await app.close();
    },
  };
}
