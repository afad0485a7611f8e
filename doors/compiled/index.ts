/** `compileOperation(schema, document, name)`: an operation that is executed often, as graphql-js would, in a fraction of its time. */
import { getVariableValues, Kind, OperationTypeNode } from 'graphql';
import type {
  DocumentNode,
  ExecutionResult,
  FragmentDefinitionNode,
  GraphQLSchema,
  OperationDefinitionNode,
  GraphQLError,
} from 'graphql';
import { CollectedErrors, executeSerially, toObject } from './execute.ts';
import type { Run } from './execute.ts';
import { findConditions, planOperation } from './plan.ts';
import type { CompiledParts, OperationPlan } from './plan.ts';

export interface Execution {
  readonly contextValue?: unknown;
  readonly rootValue?: unknown;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface CompiledOperation {
  readonly kind: OperationTypeNode;
  execute(execution: Execution): ExecutionResult | Promise<ExecutionResult>;
}

/** More combinations of conditions than these are planned anew each time. */
const maxVariants = 16;

/** Of a document that was validated. Null where there is no such operation, or none that is executed by itself. */
export function compileOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  node: OperationDefinitionNode,
): CompiledOperation | null {
  const rootType = schema.getRootType(node.operation);
  if (rootType == null || node.operation === OperationTypeNode.SUBSCRIPTION) return null;
  const parts: CompiledParts = { schema, node, fragments: collectFragments(document) };
  const conditions = findConditions(parts);
  const plans = new Map<string, OperationPlan>();

  const planFor = (variables: Readonly<Record<string, unknown>>): OperationPlan => {
    const values = Object.fromEntries(
      conditions.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]),
    );
    const key = conditions.length === 0 ? '' : JSON.stringify(values);
    const found = plans.get(key);
    if (found !== undefined) return found;
    const plan = planOperation(parts, values, rootType);
    if (plans.size < maxVariants) plans.set(key, plan);
    return plan;
  };

  const start = (execution: Execution): ExecutionResult | Promise<ExecutionResult> => {
    const { coerced, errors } = getVariableValues(
      schema,
      node.variableDefinitions ?? [],
      execution.variableValues ?? {},
      { maxErrors: 50 },
    );
    if (errors !== undefined) return { errors };
    const run: Run = {
      parts,
      rootValue: execution.rootValue,
      contextValue: execution.contextValue,
      variables: coerced,
      errors: new CollectedErrors(),
    };
    const answer = (data: unknown): ExecutionResult =>
      (run.errors.list.length === 0 ? { data } : { errors: run.errors.list, data }) as ExecutionResult;
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
    execute: start,
  };
}

function executeRoot(run: Run, { fields, execute }: OperationPlan): unknown {
  if (run.parts.node.operation !== OperationTypeNode.MUTATION) return execute(run, run.rootValue, undefined);
  const values = executeSerially(run, fields, run.rootValue);
  return values instanceof Promise
    ? values.then((settled) => toObject(fields, settled))
    : toObject(fields, values);
}

function collectFragments(document: DocumentNode): Readonly<Record<string, FragmentDefinitionNode>> {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  return fragments;
}
