/**
 * Documents that were parsed and validated before, and their operations, compiled when they are first executed. Shared by all doors;
 * what is refused is not kept.
 */
import { getOperationAST } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { compileOperation } from './compiled/index.ts';
import type { CompiledOperation } from './compiled/index.ts';
import type { FindCost } from './cost/index.ts';
import { keepForOperations } from './room.ts';

export interface Documents {
  /** The valid document of this text, if it was seen lately. */
  find(source: string): DocumentNode | undefined;
  /** Of a document that is valid. */
  add(source: string, document: DocumentNode): void;
  /** Null: there is none that can be compiled (subscriptions, names that are not there). */
  compiled(document: DocumentNode, operationName: string | null | undefined): CompiledOperation | null;
}

const maxDocuments = 1_000;
/** Of all texts together. A parsed document takes many times its text; how many was not measured. */
const maxCharacters = 512 * 1024;

export function createDocuments(schema: GraphQLSchema, findCost?: FindCost): Documents {
  const documents = new LRUCache<string, DocumentNode>({
    max: maxDocuments,
    maxSize: maxCharacters,
    sizeCalculation: (_document, source) => source.length + 1,
  });
  const compile = keepForOperations((document, node, room) =>
    compileOperation(schema, document, node, room, findCost),
  );

  return {
    find: (source) => documents.get(source),
    add: (source, document) => void documents.set(source, document),
    compiled(document, operationName) {
      const node = getOperationAST(document, operationName);
      return node == null ? null : compile(document, node);
    },
  };
}
