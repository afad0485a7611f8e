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
import { CollectedErrors, executeData, executeSerially, executeText, toObject, toText } from './execute.ts';
import type { Run } from './execute.ts';
import { findConditions, planOperation } from './plan.ts';
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
}

export interface CompiledOperation {
  readonly kind: OperationTypeNode;
  execute(execution: Execution): ExecutionResult | Promise<ExecutionResult>;
  executeToText(execution: Execution): TextResult | Promise<TextResult>;
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
  const plans = { text: new Map<string, ObjectPlan>(), data: new Map<string, ObjectPlan>() };

  const planFor = (variables: Readonly<Record<string, unknown>>, isText: boolean): ObjectPlan => {
    const known = isText ? plans.text : plans.data;
    const values = Object.fromEntries(
      conditions.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]),
    );
    const key = conditions.length === 0 ? '' : JSON.stringify(values);
    const found = known.get(key);
    if (found !== undefined) return found;
    const plan = planOperation(parts, values, isText, rootType);
    if (known.size < maxVariants) known.set(key, plan);
    return plan;
  };

  const start = (execution: Execution, isText: boolean): ExecutionResult | Promise<ExecutionResult> => {
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
      const plan = planFor(coerced, isText);
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

function collectFragments(document: DocumentNode): Readonly<Record<string, FragmentDefinitionNode>> {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  return fragments;
}
