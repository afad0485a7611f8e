/**
 * Documents that were parsed and validated before, and their operations, compiled when they are first executed. Shared by all doors;
 * what is refused is not kept.
 */
import { getOperationAST, OperationTypeNode } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { compileOperation } from './compiled/index.ts';
import type { CompiledOperation } from './compiled/index.ts';
import type { Stability } from './compiled/text.ts';
import type { FindCost } from './cost/index.ts';
import { keepForOperations, roominess } from './room.ts';

export interface Documents {
  /** The valid document of this text, if it was seen lately. */
  find(source: string): DocumentNode | undefined;
  /** Of a document that is valid. */
  add(source: string, document: DocumentNode): void;
  /** All of them, as if none had been seen. */
  forget(): void;
  /** Null: there is none that can be compiled (subscriptions, names that are not there). */
  compiled(document: DocumentNode, operationName: string | null | undefined): CompiledOperation | null;
  /** What executes one event of a subscription, which is its `rootValue`. Null where `compiled` is for another reason. */
  compiledEvent(document: DocumentNode, operationName: string | null | undefined): CompiledOperation | null;
}

const maxDocuments = 1_000;
/** Of all texts together. A parsed document takes many times its text; how many was not measured. */
const maxCharacters = Math.round(512 * 1024 * roominess);

export function createDocuments(
  schema: GraphQLSchema,
  findCost?: FindCost,
  stability?: Stability,
): Documents {
  const documents = new LRUCache<string, DocumentNode>({
    max: maxDocuments,
    maxSize: maxCharacters,
    sizeCalculation: (_document, source) => source.length + 1,
  });
  const compile = keepForOperations((document, node, room) => {
    // An event's calls are not the operation's own.
    const costOf = node.operation === OperationTypeNode.SUBSCRIPTION ? undefined : findCost;
    return compileOperation(schema, document, node, room, costOf, stability);
  });

  const find = (
    document: DocumentNode,
    operationName: string | null | undefined,
  ): CompiledOperation | null => {
    const node = getOperationAST(document, operationName);
    return node == null ? null : compile(document, node);
  };

  return {
    find: (source) => documents.get(source),
    add: (source, document) => void documents.set(source, document),
    forget: () => documents.clear(),
    compiled(document, operationName) {
      const operation = find(document, operationName);
      return operation?.kind === OperationTypeNode.SUBSCRIPTION ? null : operation;
    },
    compiledEvent(document, operationName) {
      const operation = find(document, operationName);
      return operation?.kind === OperationTypeNode.SUBSCRIPTION ? operation : null;
    },
  };
}
