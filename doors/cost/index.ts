/**
 * What an operation costs in calls to Oracle Cloud: estimated before the first of them, held against a limit, and told beside the
 * answer with what it came to. docs/decisions/cost.md
 */
import { getVariableValues, GraphQLError } from 'graphql';
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { LimitError } from '../../errors.ts';
import type { BusyError } from '../../errors.ts';
import { collectFragments, findConditions, forConditions } from '../compiled/plan.ts';
import { planCost } from './plan.ts';
import type { Variables } from './plan.ts';
import { readWeights } from './weights.ts';
import type { CallEstimator } from './weights.ts';
import { keepForOperations } from '../room.ts';

export type { CallEstimator };

export interface CostOptions<Context> {
  /** What an operation may be estimated at, at most. */
  readonly limit: number;
  /** By schema coordinate: fields whose cost no weight can tell. */
  readonly estimators: Readonly<Record<string, CallEstimator>>;
  /** Calls that this context's operation has caused so far; null: that is not told. */
  spentBy(context: Context): number | null;
  /** Without: as many at once as may come. */
  readonly reads?: Reads | undefined;
}

/** What is being executed at the same time. */
export interface Reads {
  /** @returns why it must not begin now; null: it has begun */
  begin(estimated: number): BusyError | null;
  end(estimated: number): void;
}

export interface OperationCost {
  /** Of coerced variables. */
  estimate(variables: Variables): number;
  /** Null: it may be executed, and is taken for under way until its answer has its extensions. */
  begin(estimated: number): GraphQLError | null;
  /** Whether it could ever be executed, before there is a context; of variables as they came. Those that do not fit are left to the execution. */
  refuseEarly(variables: Variables): GraphQLError | null;
  /** For the answer of an operation that is done. */
  extensionsOf(estimated: number, context: unknown): CostExtensions;
}

export interface CostExtensions {
  readonly cost: { readonly estimated: number; readonly actual?: number };
  readonly [name: string]: unknown;
}

/** Of an operation of a valid document; the same for the same operation. */
export type FindCost = (document: DocumentNode, node: OperationDefinitionNode) => OperationCost;

/** @throws TypeError for costs that cannot be: of the schema, or of fields that it has not */
export function createCosts<Context>(
  schema: GraphQLSchema,
  { limit, estimators, spentBy, reads }: CostOptions<Context>,
): FindCost {
  const weights = readWeights(schema, estimators);
  const refuse = (estimated: number): GraphQLError | null =>
    estimated > limit ? explain(estimated, limit) : null;

  return keepForOperations((document, node, room): OperationCost => {
    const parts = { schema, node, fragments: collectFragments(document) };
    const rootType = schema.getRootType(node.operation);
    if (rootType == null) throw new Error(`the schema has no ${node.operation}`);
    const planFor = forConditions(findConditions(parts), (conditions) =>
      planCost(parts, conditions, rootType, weights, room),
    );
    const estimate = remembering((variables: Variables) => planFor(variables)(variables));
    return {
      estimate,
      begin(estimated) {
        const refusal = refuse(estimated);
        if (refusal !== null) return refusal;
        const busy = reads?.begin(estimated) ?? null;
        return busy && explainBusy(busy);
      },
      refuseEarly(given) {
        const { coerced } = getVariableValues(schema, node.variableDefinitions ?? [], given);
        return coerced === undefined ? null : refuse(estimate(coerced));
      },
      extensionsOf(estimated, context) {
        reads?.end(estimated);
        const actual = spentBy(context as Context);
        return { cost: actual === null ? { estimated } : { estimated, actual } };
      },
    };
  });
}

const maxRemembered = 100;

/** The same for the same variables: those that are asked with most often, without objects and lists, are not worked out anew. */
function remembering(estimate: OperationCost['estimate']): OperationCost['estimate'] {
  const known = new LRUCache<string, number>({ max: maxRemembered });
  return (variables) => {
    const key = keyOf(variables);
    if (key === null) return estimate(variables);
    const found = known.get(key);
    if (found !== undefined) return found;
    const estimated = estimate(variables);
    known.set(key, estimated);
    return estimated;
  };
}

/** Null where there are objects or lists, or much text. */
function keyOf(variables: Variables): string | null {
  let key = '';
  for (const name in variables) {
    const value = variables[name];
    if (typeof value === 'object' && value !== null) return null;
    const text = String(value);
    key += `${name} ${typeof value} ${text.length} ${text} `;
    if (key.length > 1_000) return null;
  }
  return key;
}

/** Like a document that does not fit the schema: 400. A 429 would be sent again, and be as large. */
function explain(estimated: number, limit: number): GraphQLError {
  const message = `This would take about ${estimated} calls to Oracle Cloud, and ${limit} are allowed for one operation (MAX_QUERY_COST). Ask for fewer services, regions or compartments, ids, or items (\`first\`) with what is read for each of them.`;
  const originalError = new LimitError('MAX_QUERY_COST', message);
  return new GraphQLError(message, {
    originalError,
    extensions: { code: originalError.code, http: { status: 400 } },
  });
}

/** To be sent again, but not at once. */
function explainBusy(busy: BusyError): GraphQLError {
  const seconds = Math.ceil((busy.retryAfterMs ?? 1_000) / 1_000);
  // As Apollo Server reads it.
  const http: unknown = { status: 429, headers: new Map([['retry-after', String(seconds)]]) };
  const extensions: Readonly<Record<string, unknown>> = { code: busy.code, http };
  return new GraphQLError(busy.message, { originalError: busy, extensions });
}
