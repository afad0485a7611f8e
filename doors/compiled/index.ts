/** `compileOperation(schema, document, name)`: an operation that is executed often, as graphql-js would, in a fraction of its time. */
import { getVariableValues, OperationTypeNode } from 'graphql';
import type {
  DocumentNode,
  ExecutionResult,
  GraphQLSchema,
  OperationDefinitionNode,
  GraphQLError,
} from 'graphql';
import { CollectedErrors, executeObject, executeSerially, toObject } from './execute.ts';
import type { Run } from './execute.ts';
import { collectFragments, findConditions, forConditions, planOperation } from './plan.ts';
import type { FindCost } from '../cost/index.ts';
import type { Room } from '../room.ts';
import type { CompiledParts, FieldPlan } from './plan.ts';
import type { Stability } from './text.ts';

export interface Execution {
  readonly contextValue?: unknown;
  readonly rootValue?: unknown;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
  /** The answer goes to `writeAnswer`. */
  readonly isWritten?: boolean;
}

export interface CompiledOperation {
  readonly kind: OperationTypeNode;
  readonly node: OperationDefinitionNode;
  execute(execution: Execution): ExecutionResult | Promise<ExecutionResult>;
}

/**
 * Of a document that was validated. Null where the schema has no such operation. Of a subscription it executes one event, which is its
 * `rootValue`.
 */
export function compileOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  node: OperationDefinitionNode,
  room: Room = { fields: Infinity },
  findCost?: FindCost,
  stability?: Stability,
): CompiledOperation | null {
  const rootType = schema.getRootType(node.operation);
  if (rootType == null) return null;
  const parts: CompiledParts = { schema, node, fragments: collectFragments(document) };
  const planFor = forConditions(findConditions(parts), (values) =>
    planOperation(parts, values, rootType, room, stability),
  );

  const start = (execution: Execution): ExecutionResult | Promise<ExecutionResult> => {
    const { coerced, errors } = getVariableValues(
      schema,
      node.variableDefinitions ?? [],
      execution.variableValues ?? {},
      { maxErrors: 50 },
    );
    if (errors !== undefined) return { errors };
    // Not held on to: it may be forgotten for want of room.
    const cost = findCost?.(document, node);
    const estimated = cost?.estimate(coerced) ?? 0;
    const refusal = cost?.begin(estimated);
    if (refusal != null) return { errors: [refusal] };
    const run: Run = {
      parts,
      rootValue: execution.rootValue,
      contextValue: execution.contextValue,
      variables: coerced,
      errors: new CollectedErrors(),
      isWritten: execution.isWritten ?? false,
    };
    const answer = (data: unknown): ExecutionResult =>
      ({
        ...(run.errors.list.length > 0 && { errors: run.errors.list }),
        data,
        ...(cost && { extensions: cost.extensionsOf(estimated, execution.contextValue) }),
      }) as ExecutionResult;
    const fail = (error: unknown): ExecutionResult => {
      run.errors.add(error as GraphQLError, undefined);
      return answer(null);
    };
    try {
      const data = executeRoot(run, planFor(coerced));
      return data instanceof Promise ? data.then(answer, fail) : answer(data);
    } catch (error) {
      return fail(error);
    }
  };

  return {
    kind: node.operation,
    node,
    execute: start,
  };
}

function executeRoot(run: Run, fields: readonly FieldPlan[]): unknown {
  if (run.parts.node.operation !== OperationTypeNode.MUTATION)
    return executeObject(run, fields, run.rootValue, undefined);
  const values = executeSerially(run, fields, run.rootValue);
  return values instanceof Promise
    ? values.then((settled) => toObject(fields, settled))
    : toObject(fields, values);
}
