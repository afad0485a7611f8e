/**
 * `POST` and `GET /graphql`: GraphQL over HTTP, queries and mutations, by Apollo Server; what it has answered before and is
 * answered without an error again takes a shorter way (`known-way.ts`).
 *
 * Everything that Apollo Server decides by NODE_ENV or other variables of the environment is decided here: no stack traces,
 * no landing page, no reporting to anybody.
 */
import { ApolloServer, HeaderMap } from '@apollo/server';
import type { ApolloServerOptionsWithGateway, ApolloServerPlugin, BaseContext } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GraphQLError, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import type { Mark } from '../datasources/types.ts';
import type { ErrorCode } from '../errors.ts';
import { GatewayError } from '../errors.ts';
import { checkPreflighted, preflightHeaders } from './guard.ts';
import { createKnownWay, executedOf, noteOutcome } from './known-way.ts';
import type { Pipeline } from './pipeline.ts';
import { describeOperation, markOf, noteOwner, ownerOf } from './tracing.ts';
import { admit, answerVisitor, refuse } from './reply.ts';
import type { Admission } from './reply.ts';
import type { DoorsTally } from './tally.ts';
import { nameDocument, parseOrNull } from './trusted.ts';
import type { TrustedDocuments } from './trusted.ts';

export interface HttpDoorOptions {
  readonly admission: Admission;
  readonly pipeline: Pipeline;
  readonly tally: DoorsTally;
  readonly path: string;
  /** Where subscriptions go, for the message that says so. */
  readonly streamPath: string;
  /** Where a browser that opens the path is sent; null: there is no page to show. */
  readonly visitorsPath: string | null;
  readonly log: Logger;
  readonly isTraced: boolean;
  begin(request: FastifyRequest): Mark;
  createContext(request: FastifyRequest, signal: AbortSignal, mark: Mark): unknown;
}

export async function registerHttp(app: FastifyInstance, options: HttpDoorOptions): Promise<void> {
  const { pipeline, path } = options;
  const apollo = new ApolloServer<BaseContext>({
    gateway: createExecutor(pipeline),
    // By the pipeline, below; Apollo Server would keep what it parsed, valid or not.
    dangerouslyDisableValidation: true,
    documentStore: null,
    parseOptions: pipeline.parseOptions,
    formatError: (_formatted, error) =>
      pipeline.formatError(isAboutBatch(error) ? oneAtATime : error, ownerOf(error)),
    introspection: true,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: { requestHeaders: preflightHeaders },
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    stopOnTerminationSignals: false,
    nodeEnv: 'production',
    logger: createApolloLog(options.log),
    plugins: [
      // In this order: the first gives errors their codes.
      sendSubscriptionsElsewhere(options),
      validateAndTell(pipeline),
      noteOwners,
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());

  const answer = createKnownWay(options, (request, reply, createContext) =>
    fastifyApolloHandler(apollo, {
      context: async () => {
        try {
          // Apollo Server copies it (prototype and symbols kept) and reads nothing from it.
          return (await createContext()) as BaseContext;
        } catch (error) {
          throw withStatus(error);
        }
      },
    }).call(app, request, reply),
  );
  app.route({
    method: ['GET', 'POST'],
    url: path,
    exposeHeadRoute: false,
    onRequest: (request, reply, done) => {
      if (answerVisitor(request, reply, options.visitorsPath)) return;
      const refusal = checkPreflighted(request.raw);
      if (refusal !== null) return void refuse(reply, refusal);
      admit(options.admission, request, reply, done);
    },
    preHandler: (request, _reply, done) => {
      name(request, pipeline.trusted);
      done();
    },
    handler: options.isTraced ? untilAnswered(answer) : answer,
  });
}

/** Apollo Server's words lead nowhere. */
function isAboutBatch(error: unknown): boolean {
  return error instanceof GraphQLError && error.message === 'Operation batching disabled.';
}

const oneAtATime = new GraphQLError(
  'Send one operation in a request, as a JSON object: lists of them are not taken. One operation may ask for many fields, and a connection is used again.',
  { extensions: { code: 'BAD_REQUEST' satisfies ErrorCode } },
);

/** Puts the text of a trusted document where Apollo Server and the known way look for it. */
function name(request: FastifyRequest, trusted: TrustedDocuments | null): void {
  if (trusted === null) return;
  if (request.method === 'POST') {
    request.body = nameDocument(trusted, request.body);
    return;
  }
  const { url = '' } = request.raw;
  const search = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  // Apollo Server says that there must be one.
  if (search.getAll('query').length > 1) return;
  const named = nameDocument(trusted, readSearch(search)) as ReturnType<typeof readSearch>;
  if (named.query === undefined) return;
  for (const other of ['documentId', 'extensions']) search.delete(other);
  search.set('query', named.query);
  request.raw.url = `${url.split('?', 1)[0]}?${search}`;
}

function readSearch(search: URLSearchParams): {
  readonly query?: string;
  readonly documentId?: string;
  readonly extensions?: unknown;
} {
  const [query, documentId, extensions] = ['query', 'documentId', 'extensions'].map((key) => search.get(key));
  return {
    ...(query != null && { query }),
    ...(documentId != null && { documentId }),
    ...(extensions != null && { extensions: parseOrNull(extensions) }),
  };
}

/** Apollo Server's executor hook: it parses and answers, and the pipeline validates and executes. */
function createExecutor({
  schema,
  read,
  execute,
}: Pipeline): ApolloServerOptionsWithGateway<BaseContext>['gateway'] {
  return {
    onSchemaLoadOrUpdate(use) {
      use({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => undefined;
    },
    async load() {
      return {
        async executor({ source, request, context }) {
          const executed = executedOf(context);
          if (executed !== undefined) return executed;
          const document = read(source);
          if (!('definitions' in document)) return document;
          return execute({
            schema,
            document,
            operationName: request.operationName ?? null,
            variableValues: request.variables ?? null,
            contextValue: context,
          });
        },
      };
    },
    async stop() {},
  };
}

/**
 * Apollo Server would execute a subscription as if it were a query and answer 200 with null data.
 * A GET it refuses by itself, before any hook that may throw, with a message that leads nowhere: that one is replaced.
 */
function sendSubscriptionsElsewhere({ path, streamPath, pipeline }: HttpDoorOptions): ApolloServerPlugin {
  const createError = (): GraphQLError =>
    new GraphQLError(
      `Subscriptions are not answered here. Subscribe over a WebSocket at WS ${path} (graphql-transport-ws), or with server-sent events at ${streamPath} (graphql-sse).`,
      { extensions: { code: 'BAD_REQUEST' satisfies ErrorCode } },
    );
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ operation }) {
          if (operation?.operation === OperationTypeNode.SUBSCRIPTION) throw createError();
        },
        async willSendResponse({ operation, response }) {
          if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return;
          response.http.status = 400;
          response.http.headers.delete('allow');
          response.body = { kind: 'single', singleResult: { errors: [pipeline.formatError(createError())] } };
        },
      };
    },
  };
}

/** Ends the operation's span when its answer is on its way. */
function untilAnswered(answer: ReturnType<typeof createKnownWay>): typeof answer {
  return async (request, reply) => {
    try {
      return await answer(request, reply);
    } finally {
      request.mark?.span?.end();
    }
  };
}

/** Apollo's texts quote what was thrown. */
function createApolloLog(log: Logger): ApolloServerOptionsWithGateway<BaseContext>['logger'] {
  const spoke = 'Apollo Server met something unexpected';
  const about = (said: unknown): object => (said instanceof Error ? { err: said } : {});
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (said: unknown) => log.warn(about(said), spoke),
    error: (said: unknown) => log.error(about(said), spoke),
  };
}

/** Errors are formatted apart from the request that they belong to. */
const noteOwners: ApolloServerPlugin = {
  async requestDidStart() {
    return {
      // Of a document that is valid: asked after `validateAndTell`.
      async responseForOperation({ operation, contextValue }) {
        const owner = markOf(contextValue);
        if (owner !== undefined && operation !== undefined) describeOperation(owner, operation);
        return null;
      },
      async didEncounterErrors({ errors, contextValue }) {
        noteOwner(errors, markOf(contextValue));
      },
    };
  },
};

/**
 * Documents are validated as on all doors: what is thrown in Apollo Server's own validation, or in a rule given to it, would be a 500.
 * Then it is told what came of the request.
 */
function validateAndTell({ read, formatError }: Pipeline): ApolloServerPlugin {
  return {
    async requestDidStart() {
      let isRefused = false;
      return {
        async responseForOperation({ source, contextValue }) {
          const document = read(source);
          if ('definitions' in document) return null;
          isRefused = true;
          const singleResult = {
            errors: document.errors.map((error) => formatError(error, markOf(contextValue))),
          };
          return {
            http: { status: 400, headers: new HeaderMap() },
            body: { kind: 'single', singleResult },
          };
        },
        async willSendResponse({ contextValue, operation, response: { body } }) {
          const errors = body.kind === 'single' ? (body.singleResult.errors ?? []) : [];
          const codes = errors.map(({ extensions }) => String(extensions?.['code']));
          noteOutcome(contextValue, {
            isWellFormed: !codes.includes('BAD_REQUEST' satisfies ErrorCode),
            type: (isRefused ? undefined : operation?.operation) ?? 'unknown',
            code: codes[0] ?? null,
          });
        },
      };
    },
  };
}

const contextStatus: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  LIMIT_EXCEEDED: 429,
};

/** A caller without a context has no operation: HTTP says so with its status. */
function withStatus(error: unknown): unknown {
  const status = error instanceof GatewayError ? contextStatus[error.code] : undefined;
  if (!(error instanceof GatewayError) || status === undefined) return error;
  return new GraphQLError(error.message, {
    originalError: error,
    extensions: { code: error.code, http: { status } },
  });
}
