/**
 * The one way from a caller's document to an answer, for every transport.
 *
 * HTTP runs on Apollo Server: it is given this pipeline's parser options and error formatting, has documents validated by `read`
 * and executes by `execute`. WebSocket and SSE call `prepare`, then `execute` or `subscribe`. What is checked here is checked
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
import { validationAbortedError } from 'graphql/validation/validationAbortedError.js';
import type { Mark } from '../datasources/types.ts';
import { LimitError } from '../errors.ts';
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

type Refused = Extract<Prepared, { readonly kind: 'refused' }>;

export interface Pipeline {
  readonly schema: GraphQLSchema;
  readonly parseOptions: ParseOptions;
  readonly formatError: FormatError;
  /** Null: whatever is valid runs. */
  readonly trusted: TrustedDocuments | null;
  /** Valid ones seen before, with their operations compiled. */
  readonly documents: Documents;
  /** The document of this text, if it is a valid one within the limits. */
  read(source: string): DocumentNode | Refused;
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
  const findErrors = createValidation({ schema, documentLimits, isExplorable, trusted });
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
    parseOptions,
    formatError,
    trusted: trusted ?? null,
    documents,
    read,

    async prepare(request, mark, createContext) {
      const document = read(request.query);
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

  function read(source: string): DocumentNode | Refused {
    const known = documents.find(source);
    if (known !== undefined) return known;
    let document: DocumentNode;
    try {
      document = parse(source, parseOptions);
    } catch (error) {
      return refuse('GRAPHQL_PARSE_FAILED', [toGraphQLError(error)]);
    }
    const errors = findErrors(document);
    if (errors.length > 0) return refuse('GRAPHQL_VALIDATION_FAILED', errors);
    documents.add(source, document);
    return document;
  }
}

/** graphql-js gives up comparing fields of the same name when it has compared half a million. */
function tooManyComparisons(): GraphQLError {
  const message =
    'The document asks for fields of the same name in so many places that they cannot be compared: ask for less at once.';
  return toGraphQLError(new LimitError('comparisons', message));
}

type Judged = Pick<PipelineOptions<unknown>, 'schema' | 'documentLimits' | 'isExplorable' | 'trusted'>;

/** What is wrong with a document wherever it comes from. */
export function createCheck(judged: Omit<Judged, 'trusted'>): CheckDocument {
  const { documentLimits = defaultDocumentLimits } = judged;
  const findErrors = createValidation(judged);
  return (text) => {
    try {
      return findErrors(parse(text, { maxTokens: documentLimits.tokens })).map(({ message }) => message);
    } catch (error) {
      return [toError(error).message];
    }
  };
}

/** What is too large is not looked at any further: some of GraphQL's own rules take more than their share of time for it. */
function createValidation({
  schema,
  documentLimits = defaultDocumentLimits,
  isExplorable = true,
  trusted,
}: Judged): (document: DocumentNode) => readonly GraphQLError[] {
  const early: readonly ValidationRule[] = [
    ...(trusted === undefined ? [] : [createTrustRule(trusted)]),
    createLimitRule(documentLimits),
  ];
  const rules: readonly ValidationRule[] = [
    ...specifiedRules,
    ...(isExplorable ? [] : [NoSchemaIntrospectionCustomRule]),
  ];
  return (document) => {
    try {
      const conditions = findConditionsOnRoot(document);
      if (conditions.length > 0) return conditions;
      const excesses = validate(schema, document, early);
      if (excesses.length > 0) return excesses;
      const errors = validate(schema, document, rules);
      return errors.includes(validationAbortedError) ? [tooManyComparisons()] : errors;
    } catch (error) {
      // They call themselves, and a document can be so that the stack ends before they do.
      return [toGraphQLError(error)];
    }
  };
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

function refuse(code: string, errors: readonly GraphQLError[]): Refused {
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
