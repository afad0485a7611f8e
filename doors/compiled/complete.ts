/** From what a resolver gave to what the answer says, by the field's type: graphql-js' `completeValue`, one function for each type. */
import {
  getNullableType,
  GraphQLError,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  defaultTypeResolver,
} from 'graphql';
import type {
  GraphQLAbstractType,
  GraphQLLeafType,
  GraphQLList,
  GraphQLObjectType,
  GraphQLOutputType,
} from 'graphql';
import { inspect } from 'graphql/jsutils/inspect.js';
import { fail, Info, isPromise } from './execute.ts';
import type { Completer, Path, Run } from './execute.ts';
import type { ObjectExecutor } from './generate.ts';
import type { FieldPlan, Variant } from './plan.ts';

export function createCompleter(variant: Variant, type: GraphQLOutputType): Completer {
  const nullable = getNullableType(type);
  const isNonNull = isNonNullType(type);
  if (isLeafType(nullable)) return createLeaf(nullable, isNonNull);
  const complete = createNullable(variant, nullable);
  return (run, field, path, value) => {
    if (value == null) return isNonNull ? refuseNull(field) : null;
    if (value instanceof Error) throw value;
    // Lists and objects are never null by themselves.
    return complete(run, field, path, value);
  };
}

function createNullable(variant: Variant, type: GraphQLOutputType): Completer {
  if (isListType(type)) return createList(variant, type);
  if (isAbstractType(type)) return createAbstract(variant, type);
  if (isObjectType(type)) return createObject(variant, type);
  throw new Error(`Nothing can be of the type ${inspect(type)}.`);
}

function createLeaf(type: GraphQLLeafType, isNonNull: boolean): Completer {
  return (_run, field, _path, value) => {
    if (value == null) return isNonNull ? refuseNull(field) : null;
    if (value instanceof Error) throw value;
    const serialized: unknown = type.serialize(value);
    if (serialized != null) return serialized;
    throw new Error(
      `Expected \`${inspect(type)}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${inspect(serialized)}`,
    );
  };
}

function refuseNull({ parentType, definition }: FieldPlan): never {
  throw new Error(`Cannot return null for non-nullable field ${parentType.name}.${definition.name}.`);
}

function createList(variant: Variant, { ofType }: GraphQLList<GraphQLOutputType>): Completer {
  const complete = createCompleter(variant, ofType);
  const isNonNull = isNonNullType(ofType);

  const completeItem = (run: Run, field: FieldPlan, path: Path, item: unknown): unknown => {
    try {
      const completed = isPromise(item)
        ? item.then((settled) => complete(run, field, path, settled))
        : complete(run, field, path, item);
      if (!isPromise(completed)) return completed;
      return completed.then(undefined, (error: unknown) => fail(run, field, path, isNonNull, error));
    } catch (error) {
      return fail(run, field, path, isNonNull, error);
    }
  };

  return (run, field, prev, value) => {
    if (!isIterableObject(value)) {
      throw new GraphQLError(
        `Expected Iterable, but did not find one for field "${field.parentType.name}.${field.definition.name}".`,
      );
    }
    const items: unknown[] = [];
    let isPending = false;
    try {
      for (const item of value) {
        const completed = completeItem(run, field, { prev, key: items.length, typename: undefined }, item);
        isPending ||= isPromise(completed);
        items.push(completed);
      }
    } catch (error) {
      // Those under way may reject too, and nobody waits for them: with graphql-js that ends the process.
      for (const item of items) if (isPromise(item)) item.then(undefined, () => undefined);
      throw error;
    }
    return isPending ? Promise.all(items) : items;
  };
}

function createObject(variant: Variant, type: GraphQLObjectType): Completer {
  // Where the object stands in the operation decides what is selected of it: a completer belongs to one field.
  let execute: ObjectExecutor | undefined;
  const complete: Completer = (run, field, path, value) => {
    if (execute !== undefined) return execute(run, value, path);
    const planned = variant.planObject(type, field.nodes);
    if (variant.room.fields > 0) execute = planned;
    return planned(run, value, path);
  };
  if (type.isTypeOf == null) return complete;
  const { isTypeOf } = type;

  return (run, field, path, value) => {
    const check = (isOfType: boolean): unknown => {
      if (isOfType) return complete(run, field, path, value);
      throw new GraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`, {
        nodes: field.nodes,
      });
    };
    const isOfType = isTypeOf(value, run.contextValue, new Info(run, field, path?.prev));
    return isPromise(isOfType) ? isOfType.then(check) : check(isOfType);
  };
}

function createAbstract(variant: Variant, type: GraphQLAbstractType): Completer {
  const resolveType = type.resolveType ?? defaultTypeResolver;
  const completers = new Map<string, Completer>();

  const completerOf = (run: Run, field: FieldPlan, value: unknown, name: unknown): Completer => {
    const known = completers.get(name as string);
    if (known !== undefined) return known;
    const completer = createObject(variant, checkRuntimeType(run, field, type, value, name));
    completers.set(name as string, completer);
    return completer;
  };

  return (run, field, path, value) => {
    const name: unknown = resolveType(value, run.contextValue, new Info(run, field, path?.prev), type);
    if (isPromise(name)) {
      return name.then((settled) => completerOf(run, field, value, settled)(run, field, path, value));
    }
    return completerOf(run, field, value, name)(run, field, path, value);
  };
}

function checkRuntimeType(
  { parts: { schema } }: Run,
  { parentType, definition, nodes }: FieldPlan,
  type: GraphQLAbstractType,
  value: unknown,
  name: unknown,
): GraphQLObjectType {
  const mustResolve = `Abstract type "${type.name}" must resolve to an Object type at runtime for field "${parentType.name}.${definition.name}"`;
  if (name == null) {
    throw new GraphQLError(
      `${mustResolve}. Either the "${type.name}" type should provide a "resolveType" function or each possible type should provide an "isTypeOf" function.`,
      { nodes },
    );
  }
  if (isObjectType(name)) {
    throw new GraphQLError(
      'Support for returning GraphQLObjectType from resolveType was removed in graphql-js@16.0.0 please return type name instead.',
    );
  }
  if (typeof name !== 'string') {
    throw new GraphQLError(`${mustResolve} with value ${inspect(value)}, received "${inspect(name)}".`);
  }
  const runtimeType = schema.getType(name);
  if (runtimeType == null) {
    throw new GraphQLError(
      `Abstract type "${type.name}" was resolved to a type "${name}" that does not exist inside the schema.`,
      { nodes },
    );
  }
  if (!isObjectType(runtimeType)) {
    throw new GraphQLError(`Abstract type "${type.name}" was resolved to a non-object type "${name}".`, {
      nodes,
    });
  }
  if (!schema.isSubType(type, runtimeType)) {
    throw new GraphQLError(
      `Runtime Object type "${runtimeType.name}" is not a possible type for "${type.name}".`,
      { nodes },
    );
  }
  return runtimeType;
}

function isIterableObject(value: unknown): value is Iterable<unknown> {
  return (
    typeof (value as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] === 'function' &&
    typeof value === 'object'
  );
}
