/**
 * An operation's estimate, planned once: what costs something, and what it is multiplied by. Which fields an object has is
 * asked of graphql-js, as in `doors/compiled/`; what costs nothing is left out, so most plans are a step or two.
 */
import {
  getArgumentValues,
  getNamedType,
  GraphQLError,
  isAbstractType,
  isObjectType,
  Kind,
  visit,
} from 'graphql';
import type { FieldNode, GraphQLField, GraphQLNamedType, GraphQLObjectType } from 'graphql';
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js';
import type { CompiledParts } from '../compiled/plan.ts';
import type { Room } from '../room.ts';
import { callsOf, sizeOf } from './weights.ts';
import type { Arguments, FieldWeight, Weights } from './weights.ts';

export type Variables = Readonly<Record<string, unknown>>;

/** What a plan comes to: calls, at most `most`. */
export type Estimate = (variables: Variables) => number;

/** More cannot be told exactly, and is more than anybody allows. */
export const most = Number.MAX_SAFE_INTEGER;

/**
 * Fields that are looked at for one operation, those of fragments wherever they are spread; more than a document can write out.
 * One that has more is not estimated.
 */
const maxFields = 20_000;

interface Step {
  readonly node: FieldNode;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly weight: FieldWeight;
  /** Whether the parent's `@listSize` speaks of this list. */
  readonly isSized: boolean;
  readonly below: Sum;
}

/** What is selected of an object. Of one that may be of several types: the steps for each. */
interface Sum {
  readonly alternatives: readonly (readonly Step[])[];
  readonly selected: ReadonlySet<string>;
}

interface Total {
  readonly once: number;
  /** For each object of the lists that the parent's `@listSize` speaks of. */
  readonly perItem: number;
}

export function planCost(
  { schema, node, fragments: given }: CompiledParts,
  conditions: Variables,
  rootType: GraphQLObjectType,
  weights: Weights,
  room: Room,
): Estimate {
  const fragments = { ...given };
  const sums = new Map<string, Sum>();
  const numbers = new Map<FieldNode, number>();
  let fieldCount = 0;
  let hasVariables = false;

  const keyOf = (coordinate: string, nodes: readonly FieldNode[]): string => {
    const all = nodes.map((one) => {
      const number = numbers.get(one) ?? numbers.size;
      numbers.set(one, number);
      return number;
    });
    return `${coordinate} ${all.join()}`;
  };

  const planBelow = (
    coordinate: string,
    type: GraphQLNamedType,
    nodes: readonly FieldNode[],
    sizedFields: readonly string[],
  ): Sum => {
    const types = isAbstractType(type) ? schema.getPossibleTypes(type) : isObjectType(type) ? [type] : [];
    if (types.length === 0) return nothing;
    const key = keyOf(coordinate, nodes);
    const known = sums.get(key);
    if (known !== undefined) return known;
    const selected = new Set<string>();
    const alternatives = types.map((one) =>
      planFields(
        one,
        () => collectSubfields(schema, fragments, conditions, one, nodes),
        sizedFields,
        selected,
      ),
    );
    const sum = { alternatives: alternatives.filter(({ length }) => length > 0), selected };
    sums.set(key, sum);
    return sum;
  };

  const planFields = (
    parent: GraphQLObjectType,
    collect: () => Collected,
    sizedFields: readonly string[],
    selected: Set<string>,
  ): readonly Step[] => {
    const steps: Step[] = [];
    const definitions = parent.getFields();
    for (const nodes of orNone(collect).values()) {
      fieldCount += nodes.length;
      room.fields -= nodes.length;
      if (fieldCount > maxFields) throw new TooLarge();
      const [first] = nodes;
      // Introspection has no definition there, and asks nobody.
      const definition = first && definitions[first.name.value];
      if (first === undefined || definition === undefined) continue;
      const weight = weights.get(definition);
      if (weight === undefined) continue;
      const coordinate = `${parent.name}.${definition.name}`;
      const type = getNamedType(definition.type);
      const below = planBelow(coordinate, type, nodes, weight.listSize?.sizedFields ?? []);
      for (const name of [coordinate, ...below.selected]) selected.add(name);
      if (isFree(weight) && below.alternatives.length === 0) continue;
      hasVariables ||= mentionsVariables(first);
      const isSized = sizedFields.includes(definition.name);
      steps.push({ node: first, definition, weight, isSized, below });
    }
    return steps;
  };

  let root: Sum;
  try {
    const selected = new Set<string>();
    const collect = (): Collected =>
      collectFields(schema, fragments, conditions, rootType, node.selectionSet);
    root = { alternatives: [planFields(rootType, collect, [], selected)], selected };
  } catch (error) {
    if (error instanceof TooLarge) return () => most;
    throw error;
  }
  const estimate: Estimate = (variables) => Math.ceil(total(root, variables, new Map()).once);
  if (hasVariables) return estimate;
  const constant = estimate({});
  return () => constant;
}

class TooLarge extends Error {}

type Collected = ReadonlyMap<string, readonly FieldNode[]>;

/** A condition can be wrong (null for a variable that has a default): then the object will be an error, and asks nobody. */
function orNone(collect: () => Collected): Collected {
  try {
    return collect();
  } catch (error) {
    if (error instanceof GraphQLError) return new Map();
    throw error;
  }
}

const nothing: Sum = { alternatives: [], selected: new Set() };
const free: Total = { once: 0, perItem: 0 };

/** Each sum is added up once, from however many places it is reached. */
function total(sum: Sum, variables: Variables, known: Map<Sum, Total>): Total {
  if (sum.alternatives.length === 0) return free;
  const found = known.get(sum);
  if (found !== undefined) return found;
  let [once, perItem] = [0, 0];
  for (const steps of sum.alternatives) {
    const own = addUp(steps, variables, known);
    once = Math.max(once, own.once);
    perItem = Math.max(perItem, own.perItem);
  }
  const result = { once, perItem };
  known.set(sum, result);
  return result;
}

function addUp(steps: readonly Step[], variables: Variables, known: Map<Sum, Total>): Total {
  let [once, perItem] = [0, 0];
  for (const { node, definition, weight, isSized, below } of steps) {
    const args = argumentsOf(definition, node, variables);
    if (args === null) continue;
    const inner = total(below, variables, known);
    const size = sizeOf(weight, args);
    const items = weight.listSize?.sizedFields
      ? inner.once + size * inner.perItem
      : size * (inner.once + inner.perItem);
    once += callsOf(weight, args, below.selected) + (isSized ? 0 : items);
    perItem += isSized ? items : 0;
  }
  return { once: Math.min(once, most), perItem: Math.min(perItem, most) };
}

function isFree({ own, perElement, estimator }: FieldWeight): boolean {
  return own === 0 && perElement.length === 0 && estimator === undefined;
}

/** Null for arguments that are wrong: the field will be an error, and asks nobody. */
function argumentsOf(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Variables,
): Arguments | null {
  if (definition.args.length === 0) return noArguments;
  try {
    return getArgumentValues(definition, node, variables);
  } catch {
    return null;
  }
}

const noArguments: Arguments = {};

function mentionsVariables({ arguments: given = [] }: FieldNode): boolean {
  let found = false;
  for (const argument of given) visit(argument, { [Kind.VARIABLE]: () => void (found = true) });
  return found;
}
