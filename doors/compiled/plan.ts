/**
 * What an operation will do, worked out once: for each object its fields in order, for each field how it is resolved and completed.
 *
 * Which fields an object has is asked of graphql-js itself (`collectFields`), with the values of the variables that `@skip` and
 * `@include` read: an operation has one plan for each combination of those. Parts are planned when they are first reached,
 * so a plan is never larger than what was executed.
 */
import {
  getArgumentValues,
  getNamedType,
  isLeafType,
  isNonNullType,
  isObjectType,
  Kind,
  visit,
} from 'graphql';
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLField,
  GraphQLObjectType,
  GraphQLSchema,
  OperationDefinitionNode,
} from 'graphql';
import { SchemaMetaFieldDef, TypeMetaFieldDef, TypeNameMetaFieldDef } from 'graphql';
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js';
import { createCompleter } from './complete.ts';
import type { Completer, Run } from './execute.ts';
import { createLoop, createObjectExecutor } from './generate.ts';
import type { ObjectExecutor } from './generate.ts';
import { keepText } from './text.ts';
import type { Stability } from './text.ts';
import type { Room } from '../room.ts';

export interface Variant {
  readonly operation: CompiledParts;
  /** What `@skip` and `@include` read. */
  readonly conditions: Readonly<Record<string, unknown>>;
  /** What is planned without room is not kept. */
  readonly room: Readonly<Room>;
  /** For what is selected of an object of this type by these fields. */
  planObject(type: GraphQLObjectType, nodes: readonly FieldNode[]): ObjectExecutor;
}

export interface CompiledParts {
  readonly schema: GraphQLSchema;
  readonly node: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
}

export interface FieldPlan {
  readonly key: string;
  readonly nodes: readonly FieldNode[];
  readonly definition: GraphQLField<unknown, unknown>;
  readonly parentType: GraphQLObjectType;
  /** Undefined: graphql-js' default, the parent's property of that name. */
  readonly resolve: GraphQLField<unknown, unknown>['resolve'];
  readonly argumentsFor: (run: Run) => Record<string, unknown>;
  readonly complete: Completer;
  readonly isNonNull: boolean;
  /** Nothing below it can fail by itself, so its path is needed for its own errors only. */
  readonly isLeaf: boolean;
}

/** The root's fields. No code is made for the root itself: it is one object with a field or two, and mostly nothing to read them from. */
export function planOperation(
  operation: CompiledParts,
  conditions: Variant['conditions'],
  rootType: GraphQLObjectType,
  room: Room,
  stability?: Stability,
): readonly FieldPlan[] {
  const { schema, node } = operation;
  const fragments = { ...operation.fragments };
  const variant: Variant = {
    operation,
    conditions,
    room,
    planObject(type, nodes) {
      const fields = plan(type, collectSubfields(schema, fragments, conditions, type, nodes));
      if (room.fields <= 0) return createLoop(fields);
      const execute = createObjectExecutor(fields);
      return stability?.types.has(type.name) && areStable(stability, fields) ? keepText(execute) : execute;
    },
  };
  const areStable = (of: Stability, fields: readonly FieldPlan[]): boolean =>
    fields.every(({ parentType, definition, nodes }) => {
      if (definition.args.length > 0 || !of.isStable(parentType.name, definition.name)) return false;
      const type = getNamedType(definition.type);
      if (isLeafType(type)) return true;
      if (!isObjectType(type)) return false;
      const below = collectSubfields(schema, fragments, conditions, type, nodes);
      return areStable(of, planFields(variant, type, below));
    });
  const plan = (type: GraphQLObjectType, collected: Collected): readonly FieldPlan[] => {
    const fields = planFields(variant, type, collected);
    room.fields -= fields.length;
    return fields;
  };
  return plan(rootType, collectFields(schema, fragments, conditions, rootType, node.selectionSet));
}

export function collectFragments(document: DocumentNode): Readonly<Record<string, FragmentDefinitionNode>> {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  return fragments;
}

/** Names of the variables that decide which fields there are. */
export function findConditions(parts: CompiledParts): readonly string[] {
  const names = new Set<string>();
  const look = (root: OperationDefinitionNode | FragmentDefinitionNode): void => {
    visit(root, {
      Directive({ name, arguments: given }) {
        if (name.value !== 'skip' && name.value !== 'include') return;
        for (const { value } of given ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
      },
    });
  };
  look(parts.node);
  Object.values(parts.fragments).forEach(look);
  return [...names].sort();
}

/** More combinations of conditions than these are planned anew each time. */
const maxVariants = 16;

/** What is made once for each combination of the variables with these names. */
export function forConditions<T>(
  names: readonly string[],
  make: (conditions: Readonly<Record<string, unknown>>) => T,
): (variables: Readonly<Record<string, unknown>>) => T {
  const known = new Map<string, T>();
  let unconditional: T | undefined;
  if (names.length === 0) return () => (unconditional ??= make({}));
  return (variables) => {
    const values = Object.fromEntries(
      names.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]),
    );
    const key = JSON.stringify(values);
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(values);
    if (known.size < maxVariants) known.set(key, made);
    return made;
  };
}

type Collected = ReadonlyMap<string, readonly FieldNode[]>;

function planFields(
  variant: Variant,
  parentType: GraphQLObjectType,
  collected: Collected,
): readonly FieldPlan[] {
  const plans: FieldPlan[] = [];
  for (const [key, nodes] of collected) {
    const [node] = nodes;
    const definition = node && findDefinition(variant.operation.schema, parentType, node.name.value);
    if (node === undefined || definition === undefined) continue;
    const { type } = definition;
    const isNonNull = isNonNullType(type);
    plans.push({
      key,
      nodes,
      definition,
      parentType,
      resolve: definition.resolve,
      argumentsFor: planArguments(definition, node),
      complete: createCompleter(variant, type),
      isNonNull,
      isLeaf: isLeafType(isNonNull ? type.ofType : type),
    });
  }
  return plans;
}

function findDefinition(
  schema: GraphQLSchema,
  parentType: GraphQLObjectType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  if (parentType === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return parentType.getFields()[name];
}

/** A resolver may keep or change what it is given: each call has its own object, and objects inside are made anew. */
function planArguments(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
): FieldPlan['argumentsFor'] {
  if (definition.args.length === 0) return () => ({});
  return ({ variables }) => getArgumentValues(definition, node, variables);
}
