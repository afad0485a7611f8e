/**
 * The one way from a caller's document to an answer, for every transport.
 *
 * HTTP runs on Apollo Server, which parses, validates and executes by itself: it is given this pipeline's rules, parser options
 * and error formatting, and executes by `execute`. WebSocket and SSE call `prepare`, then `execute` or `subscribe`. What is checked here is checked
 * on all three; a rule given to Apollo alone would leave the WebSocket open.
 */
import {
  createSourceEventStream,
  execute,
  getOperationAST,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type {
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  GraphQLFormattedError,
  GraphQLSchema,
  ParseOptions,
  ValidationRule,
  OperationTypeNode,
} from 'graphql';
import { mapAsyncIterator } from 'graphql/execution/mapAsyncIterator.js';
import type { Mark } from '../datasources/types.ts';
import type { Feed } from '../subscriptions/feed.ts';
import type { Stability } from './compiled/text.ts';
import { findConditionsOnRoot } from './condition-on-root.ts';
import { createCosts } from './cost/index.ts';
import type { CostOptions } from './cost/index.ts';
import { createDocuments } from './documents.ts';
import { createLimitRule, defaultDocumentLimits } from './document-limits.ts';
import type { DocumentLimits } from './document-limits.ts';
import type { Documents } from './documents.ts';
import { createTrustRule } from './trusted.ts';
import type { CheckDocument, TrustedDocuments } from './trusted.ts';
import type { LiveSubscription } from './fanout/courier.ts';
import { createRenderers } from './fanout/renderers.ts';
import { toError } from './format-error.ts';
import { describeOperation } from './tracing.ts';

export interface OperationRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface PipelineOptions<Context> {
  readonly schema: GraphQLSchema;
  readonly formatError: FormatError;
  /** Without: operations cost nothing, and their answers say nothing of it. */
  readonly cost?: CostOptions<Context> | undefined;
  readonly documentLimits?: DocumentLimits | undefined;
  /** Default: true. */
  readonly isExplorable?: boolean | undefined;
  /** Without: whatever is valid runs. */
  readonly trusted?: TrustedDocuments | undefined;
  /** Without: nothing is written once for many. */
  readonly stability?: Stability | undefined;
  /** What a caller may see, by its context: the same for the same. Without: everybody the same. */
  readonly viewOf?: ((context: Context) => string) | undefined;
}

/** @param mark of the operation; without: it is nobody's in particular, as events are */
export type FormatError = (error: unknown, mark?: Mark) => GraphQLFormattedError;

export type Prepared =
  | { readonly kind: 'ready'; readonly operation: OperationTypeNode; readonly args: ExecutionArgs }
  | { readonly kind: 'refused'; readonly errors: readonly GraphQLError[] };

export interface Pipeline {
  readonly schema: GraphQLSchema;
  /** On top of GraphQL's own. */
  readonly validationRules: readonly ValidationRule[];
  readonly parseOptions: ParseOptions;
  readonly formatError: FormatError;
  /** Null: whatever is valid runs. */
  readonly trusted: TrustedDocuments | null;
  /** Valid ones seen before, with their operations compiled. */
  readonly documents: Documents;
  /** The context is built last: an operation that is refused costs none. Rejects when building it fails. */
  prepare(
    request: OperationRequest,
    mark: Mark,
    createContext: (operation: OperationTypeNode) => unknown,
  ): Promise<Prepared>;
  execute(args: ExecutionArgs): Promise<ExecutionResult>;
  /** A source that is a feed has its events rendered once for all who have the same operation; others are executed one by one. */
  subscribe(
    args: ExecutionArgs,
  ): Promise<LiveSubscription | AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
  /** The same result with errors that may be shown. */
  formatResult(result: ExecutionResult, mark?: Mark): FormattedResult;
}

export type FormattedResult = Omit<ExecutionResult, 'errors'> & { errors?: readonly GraphQLFormattedError[] };

export function createPipeline<Context>({
  schema,
  formatError,
  cost,
  stability,
  documentLimits = defaultDocumentLimits,
  isExplorable = true,
  viewOf = () => '',
  trusted,
}: PipelineOptions<Context>): Pipeline {
  const validationRules: readonly ValidationRule[] = [
    ...rulesFor({ documentLimits, isExplorable }),
    ...(trusted === undefined ? [] : [createTrustRule(trusted)]),
  ];
  const parseOptions: ParseOptions = { maxTokens: documentLimits.tokens };
  const findCost = cost && createCosts(schema, cost);
  const documents = createDocuments(schema, findCost, stability);
  const executeEvent = (args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult> =>
    documents.compiledEvent(args.document, args.operationName)?.execute(args) ?? execute(args);
  const formatResult: Pipeline['formatResult'] = ({ errors, ...result }, mark) =>
    errors === undefined ? result : { errors: errors.map((error) => formatError(error, mark)), ...result };
  const renderers = createRenderers({
    execute: executeEvent,
    formatResult,
    formatError,
    viewOf: (context) => viewOf(context as Context),
  });

  return {
    schema,
    validationRules,
    parseOptions,
    formatError,
    trusted: trusted ?? null,
    documents,

    async prepare(request, mark, createContext) {
      const document = documents.find(request.query) ?? read(request.query);
      if (!('definitions' in document)) return document;

      const node = getOperationAST(document, request.operationName);
      if (node == null) return refuse('OPERATION_RESOLUTION_FAILURE', [explainNoOperation(request)]);
      describeOperation(mark, node);
      const refusal = findCost?.(document, node).refuseEarly(request.variables ?? {});
      if (refusal != null) return { kind: 'refused', errors: [refusal] };
      const args: ExecutionArgs = {
        schema,
        document,
        operationName: request.operationName ?? null,
        variableValues: request.variables ?? null,
        contextValue: await createContext(node.operation),
      };
      return { kind: 'ready', operation: node.operation, args };
    },

    // What graphql-js throws instead of reporting (a subscribe that returned no iterable, say) becomes a result as well:
    // a transport would close the whole socket over it.
    execute: (args) =>
      report(() => documents.compiled(args.document, args.operationName)?.execute(args) ?? execute(args)),
    subscribe: (args) =>
      report(async () => {
        const source = await createSourceEventStream(args);
        if (!isStream(source)) return source;
        if (isFeed(source)) return join(source, args);
        return mapAsyncIterator(source, (rootValue) => executeEvent({ ...args, rootValue }));
      }),

    formatResult,
  };

  function join(feed: Feed, args: ExecutionArgs): LiveSubscription {
    try {
      return { feed, renderer: renderers.acquire(args) };
    } catch (error) {
      // Nobody else would end what it polls for.
      void feed.return();
      throw error;
    }
  }

  function read(source: string): DocumentNode | Prepared {
    let document: DocumentNode;
    try {
      document = parse(source, parseOptions);
    } catch (error) {
      return refuse('GRAPHQL_PARSE_FAILED', [toGraphQLError(error)]);
    }
    const errors = findErrors(schema, document, validationRules);
    if (errors.length > 0) return refuse('GRAPHQL_VALIDATION_FAILED', errors);
    documents.add(source, document);
    return document;
  }
}

type Judged = Required<Pick<PipelineOptions<unknown>, 'schema'>> &
  Pick<PipelineOptions<unknown>, 'documentLimits' | 'isExplorable'>;

/** What is wrong with a document wherever it comes from. */
export function createCheck({
  schema,
  documentLimits = defaultDocumentLimits,
  isExplorable,
}: Judged): CheckDocument {
  const rules = rulesFor({ documentLimits, isExplorable });
  return (text) => {
    try {
      const document = parse(text, { maxTokens: documentLimits.tokens });
      return findErrors(schema, document, rules).map(({ message }) => message);
    } catch (error) {
      return [toError(error).message];
    }
  };
}

/** On top of GraphQL's own. */
function rulesFor({
  documentLimits = defaultDocumentLimits,
  isExplorable = true,
}: Omit<Judged, 'schema'>): readonly ValidationRule[] {
  return [createLimitRule(documentLimits), ...(isExplorable ? [] : [NoSchemaIntrospectionCustomRule])];
}

function findErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  rules: readonly ValidationRule[],
): readonly GraphQLError[] {
  const conditions = findConditionsOnRoot(document);
  return conditions.length > 0 ? conditions : validate(schema, document, [...specifiedRules, ...rules]);
}

function isStream(source: AsyncIterable<unknown> | ExecutionResult): source is AsyncIterable<unknown> {
  return Symbol.asyncIterator in source;
}

function isFeed(source: AsyncIterable<unknown>): source is Feed {
  return 'take' in source && 'listen' in source;
}

export function isLive(
  subscribed: Awaited<ReturnType<Pipeline['subscribe']>>,
): subscribed is LiveSubscription {
  return 'renderer' in subscribed;
}

async function report<T>(run: () => T | Promise<T>): Promise<T | ExecutionResult> {
  try {
    return await run();
  } catch (error) {
    return { errors: [toGraphQLError(error)] };
  }
}

function refuse(code: string, errors: readonly GraphQLError[]): Prepared {
  return {
    kind: 'refused',
    errors: errors.map(({ message, nodes, source, positions, path, originalError }) => {
      return new GraphQLError(message, {
        nodes,
        source,
        positions,
        path,
        originalError,
        extensions: { code },
      });
    }),
  };
}

function explainNoOperation({ operationName }: OperationRequest): GraphQLError {
  return new GraphQLError(
    operationName != null
      ? `Unknown operation named "${operationName}".`
      : 'Must provide operation name if query contains multiple operations.',
  );
}

export function toGraphQLError(thrown: unknown): GraphQLError {
  if (thrown instanceof GraphQLError) return thrown;
  const error = toError(thrown);
  return new GraphQLError(error.message, { originalError: error });
}
