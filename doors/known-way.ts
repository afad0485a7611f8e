/**
 * The short way of a request whose operation is known: same guard, same context, same execution, and the answer as Apollo Server
 * would write it, without what Apollo Server does around it (hash, header maps, URL, negotiation, promises).
 *
 * It takes only what Apollo Server has answered before, and gives back what does not end well: an answer with errors is handed to
 * Apollo Server as executed, which formats it, finds its status and tells its plugins. So everything that Apollo's plugins
 * may do for an answer without errors has to be done by the pipeline, or it reaches neither WebSocket nor SSE.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DocumentNode, ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Mark } from '../datasources/types.ts';
import type { ErrorCode } from '../errors.ts';
import type { CompiledOperation } from './compiled/index.ts';
import { writeAnswer } from './compiled/text.ts';
import { codeOf } from './format-error.ts';
import type { Pipeline } from './pipeline.ts';
import { signalOf } from './reply.ts';
import { startNow } from './tally.ts';
import type { DoorsTally, OperationType } from './tally.ts';
import { describeOperation, ownedBy, withMark } from './tracing.ts';

export interface KnownWayOptions {
  readonly pipeline: Pipeline;
  readonly tally: DoorsTally;
  begin(request: FastifyRequest): Mark;
  createContext(request: FastifyRequest, signal: AbortSignal, mark: Mark): unknown;
}

type LongWay = (request: FastifyRequest, reply: FastifyReply, createContext: () => unknown) => unknown;

/** On a context: what its operation has already come to. */
const executed = Symbol('executed');

export function executedOf(context: object): ExecutionResult | undefined {
  return (context as { readonly [executed]?: ExecutionResult })[executed];
}

/** On a context: what Apollo Server found out about its request. */
const finding = Symbol('finding');

interface Finding {
  /** The request is one of GraphQL over HTTP, whatever is wrong with its operation. */
  isWellFormed: boolean;
  type: OperationType;
  /** Of the first error. */
  code: string | null;
}

/** To be called by a plugin, with what Apollo Server answers. */
export function noteOutcome(context: object, outcome: Finding): void {
  const found = (context as { readonly [finding]?: Finding })[finding];
  if (found !== undefined) Object.assign(found, outcome);
}

/** `Accept` headers whose answer's type is known. */
const maxAccepts = 100;

export function createKnownWay(
  { pipeline, tally, begin, createContext }: KnownWayOptions,
  goLongWay: LongWay,
) {
  /** By `Accept`: what Apollo Server chose for it. */
  const contentTypes = new LRUCache<string, string>({ max: maxAccepts });

  /** Of JSON, GraphQL over HTTP says: what is wrong with an operation is nothing that is wrong with HTTP. */
  const goFound = async (
    request: FastifyRequest,
    reply: FastifyReply,
    mark: Mark,
    create: () => unknown,
    startedAt: number,
  ): Promise<unknown> => {
    // What is no request reaches no plugin.
    const found: Finding = { isWellFormed: false, type: 'unknown', code: 'BAD_REQUEST' satisfies ErrorCode };
    const answer = await goLongWay(request, reply, async () => {
      try {
        return { ...((await ownedBy(mark, create)) as object), ...withMark(mark), [finding]: found };
      } catch (error) {
        found.code = codeOf(error);
        throw error;
      }
    });
    tally.operation('http', found.type, found.code, startedAt);
    const isJson = String(reply.getHeader('content-type')).startsWith('application/json');
    if (found.isWellFormed && isJson && reply.statusCode === 400) reply.code(200);
    return answer;
  };

  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const startedAt = startNow();
    const mark = begin(request);
    request.mark = mark;
    const create = (): unknown => createContext(request, signalOf(reply), mark);
    const accept = request.headers.accept ?? '';
    const contentType = contentTypes.get(accept);
    const known = request.method === 'POST' ? find(pipeline, request.body) : null;
    if (known === null || contentType === undefined) {
      const answer = await goFound(request, reply, mark, create, startedAt);
      const type = reply.getHeader('content-type');
      if (known !== null && typeof type === 'string' && reply.statusCode === 200)
        contentTypes.set(accept, type);
      return answer;
    }

    let context: object;
    try {
      context = (await create()) as object;
    } catch (error) {
      return goFound(request, reply, mark, () => Promise.reject(error), startedAt);
    }
    const { operation, variables } = known;
    describeOperation(mark, operation.node);
    const result = await operation.execute({
      contextValue: context,
      variableValues: variables,
      isWritten: true,
    });
    if (result.errors === undefined) {
      const text = `${writeAnswer(result)}\n`;
      tally.operation('http', operation.kind, null, startedAt);
      return reply.header('content-type', contentType).send(text);
    }
    return goFound(request, reply, mark, () => ({ ...context, [executed]: plain(result) }), startedAt);
  };
}

/** Without texts in it: whoever looks at it finds data. */
const plain = (result: ExecutionResult): ExecutionResult =>
  result.data == null
    ? result
    : { ...result, data: JSON.parse(writeAnswer(result.data)) as ExecutionResult['data'] };

interface Known {
  readonly operation: CompiledOperation;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/** Null for what is not known, or has anything in it that Apollo Server should look at. */
function find({ documents }: Pipeline, body: unknown): Known | null {
  if (typeof body !== 'object' || body === null) return null;
  const { query, operationName, variables, extensions } = body as Readonly<Record<string, unknown>>;
  if (typeof query !== 'string' || extensions != null) return null;
  if (operationName != null && typeof operationName !== 'string') return null;
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables))) return null;
  const document: DocumentNode | undefined = documents.find(query);
  const operation = document && documents.compiled(document, operationName);
  if (operation == null) return null;
  return { operation, variables: (variables ?? undefined) as Known['variables'] };
}
