/** `compileOperation(schema, document, name)`: an operation that is executed often, as graphql-js would, in a fraction of its time. */
import { getVariableValues, OperationTypeNode } from 'graphql';
import type {
  DocumentNode,
  ExecutionResult,
  GraphQLSchema,
  OperationDefinitionNode,
  GraphQLError,
} from 'graphql';
import { CollectedErrors, executeData, executeSerially, executeText, toObject, toText } from './execute.ts';
import type { Run } from './execute.ts';
import { collectFragments, findConditions, forConditions, planOperation } from './plan.ts';
import type { OperationCost } from '../cost/index.ts';
import type { CompiledParts, ObjectPlan } from './plan.ts';

export interface Execution {
  readonly contextValue?: unknown;
  readonly rootValue?: unknown;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
}

/** `data` is JSON text. */
export interface TextResult {
  readonly data?: string | null;
  readonly errors?: readonly GraphQLError[];
  readonly extensions?: ExecutionResult['extensions'];
}

export interface CompiledOperation {
  readonly kind: OperationTypeNode;
  execute(execution: Execution): ExecutionResult | Promise<ExecutionResult>;
  executeToText(execution: Execution): TextResult | Promise<TextResult>;
}

/** Of a document that was validated. Null where there is no such operation, or none that is executed by itself. */
export function compileOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  node: OperationDefinitionNode,
  cost?: OperationCost,
): CompiledOperation | null {
  const rootType = schema.getRootType(node.operation);
  if (rootType == null || node.operation === OperationTypeNode.SUBSCRIPTION) return null;
  const parts: CompiledParts = { schema, node, fragments: collectFragments(document) };
  const conditions = findConditions(parts);
  const planFor = (isText: boolean) =>
    forConditions(conditions, (values) => planOperation(parts, values, isText, rootType));
  const plans = { text: planFor(true), data: planFor(false) };

  const start = (execution: Execution, isText: boolean): ExecutionResult | Promise<ExecutionResult> => {
    const { coerced, errors } = getVariableValues(
      schema,
      node.variableDefinitions ?? [],
      execution.variableValues ?? {},
      { maxErrors: 50 },
    );
    if (errors !== undefined) return { errors };
    const estimated = cost?.estimate(coerced) ?? 0;
    const refusal = cost?.refuse(estimated);
    if (refusal != null) return { errors: [refusal] };
    const run: Run = {
      parts,
      rootValue: execution.rootValue,
      contextValue: execution.contextValue,
      variables: coerced,
      errors: new CollectedErrors(),
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
      const plan = (isText ? plans.text : plans.data)(coerced);
      const data = executeRoot(run, plan, isText);
      return data instanceof Promise ? data.then(answer, fail) : answer(data);
    } catch (error) {
      return fail(error);
    }
  };

  return {
    kind: node.operation,
    execute: (execution) => start(execution, false),
    executeToText: (execution) => start(execution, true) as TextResult | Promise<TextResult>,
  };
}

function executeRoot(run: Run, plan: ObjectPlan, isText: boolean): unknown {
  if (run.parts.node.operation !== OperationTypeNode.MUTATION) {
    return (isText ? executeText : executeData)(run, plan, run.rootValue, undefined);
  }
  const build = isText ? toText : toObject;
  const values = executeSerially(run, plan, run.rootValue);
  return values instanceof Promise ? values.then((settled) => build(plan, settled)) : build(plan, values);
}
