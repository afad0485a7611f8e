/** What the schema says of a field's cost: `@cost` and `@listSize`, and estimators in code for what they cannot say. */
import {
  getDirectiveValues,
  getNamedType,
  isCompositeType,
  isIntrospectionType,
  isObjectType,
} from 'graphql';
import type { GraphQLField, GraphQLSchema } from 'graphql';

export type Arguments = Readonly<Record<string, unknown>>;

/**
 * @param selected coordinates (`Type.field`) of all that is selected below the field; the same set for the same document
 * @returns calls that the field itself causes
 */
export type CallEstimator = (args: Arguments, selected: ReadonlySet<string>) => number;

export interface FieldWeight {
  /** For each time that the field is reached. */
  readonly own: number;
  /** Weights of list arguments, for each different element. */
  readonly perElement: readonly { readonly argument: string; readonly weight: number }[];
  /** Instead of both. */
  readonly estimator: CallEstimator | undefined;
  readonly listSize: ListSize | null;
}

export interface ListSize {
  readonly assumedSize?: number | null;
  readonly slicingArguments?: readonly string[] | null;
  readonly sizedFields?: readonly string[] | null;
}

export type Weights = ReadonlyMap<GraphQLField<unknown, unknown>, FieldWeight>;

/** @throws TypeError for a weight that is no number, and for an estimator of no field */
export function readWeights(
  schema: GraphQLSchema,
  estimators: Readonly<Record<string, CallEstimator>>,
): Weights {
  const weights = new Map<GraphQLField<unknown, unknown>, FieldWeight>();
  const [cost, listSize] = [schema.getDirective('cost'), schema.getDirective('listSize')];
  const unknown = new Set(Object.keys(estimators));

  const weightOf = (coordinate: string, astNode: DirectivesNode): number | null => {
    const given = cost && astNode && getDirectiveValues(cost, astNode)?.['weight'];
    if (given == null) return null;
    const weight = Number(given);
    if (Number.isFinite(weight) && weight >= 0) return weight;
    throw new TypeError(`@cost of ${coordinate}: ${JSON.stringify(given)} is no number from 0 on.`);
  };

  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const definition of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${definition.name}`;
      const { astNode } = definition;
      unknown.delete(coordinate);
      weights.set(definition, {
        own: weightOf(coordinate, astNode) ?? (isCompositeType(getNamedType(definition.type)) ? 1 : 0),
        perElement: definition.args
          .map(({ name, astNode: node }) => ({
            argument: name,
            weight: weightOf(`${coordinate}(${name}:)`, node) ?? 0,
          }))
          .filter(({ weight }) => weight > 0),
        estimator: estimators[coordinate],
        listSize: (listSize && astNode && (getDirectiveValues(listSize, astNode) as ListSize)) ?? null,
      });
    }
  }
  for (const name of unknown) throw new TypeError(`There is an estimator for ${name}, and no such field.`);
  return weights;
}

type DirectivesNode = Parameters<typeof getDirectiveValues>[1] | null | undefined;

/** Calls of a field itself, reached once with these arguments. */
export function callsOf(
  { own, perElement, estimator }: FieldWeight,
  args: Arguments,
  selected: ReadonlySet<string>,
): number {
  if (estimator !== undefined) return estimator(args, selected);
  let calls = own;
  for (const { argument, weight } of perElement) {
    const value = args[argument];
    if (value != null) calls += weight * (Array.isArray(value) ? new Set(value).size : 1);
  }
  return calls;
}

/** How many objects there are below, for each time that the field is reached. */
export function sizeOf({ listSize }: FieldWeight, args: Arguments): number {
  if (listSize === null) return 1;
  const sizes = (listSize.slicingArguments ?? []).flatMap((name) => {
    const value = args[name];
    if (Array.isArray(value)) return [value.length];
    return typeof value === 'number' ? [Math.max(value, 0)] : [];
  });
  return sizes.length > 0 ? Math.max(...sizes) : (listSize.assumedSize ?? 1);
}
