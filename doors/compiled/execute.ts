/**
 * Executes plans: the algorithm of graphql-js' `execute` (16.15), step by step and error by error, without what it works out anew each
 * time. `test/doors/compiled.test.ts` holds the two against each other.
 */
import { locatedError } from 'graphql';
import type { GraphQLResolveInfo, GraphQLError } from 'graphql';
import type { CompiledParts, FieldPlan } from './plan.ts';

/** One execution. */
export interface Run {
  readonly parts: CompiledParts;
  readonly rootValue: unknown;
  readonly contextValue: unknown;
  readonly variables: GraphQLResolveInfo['variableValues'];
  readonly errors: CollectedErrors;
  /** Goes to `writeAnswer`: it may hold texts (text.ts). */
  readonly isWritten: boolean;
}

export type Path = GraphQLResolveInfo['path'];

/** A value as it goes into the answer. */
export type Completed = unknown;

/** `path` is the field's own, or a list item's; the parent's for leaves. */
export type Completer = (run: Run, field: FieldPlan, path: Path | undefined, value: unknown) => Completed;

/** What resolvers are told of their field. Most ask for little of it, so it is read from the plan when it is asked for. */
export class Info implements GraphQLResolveInfo {
  readonly run: Run;
  readonly field: FieldPlan;
  readonly parentPath: Path | undefined;

  constructor(run: Run, field: FieldPlan, parentPath: Path | undefined) {
    this.run = run;
    this.field = field;
    this.parentPath = parentPath;
  }

  get fieldName(): string {
    return this.field.definition.name;
  }
  get fieldNodes(): GraphQLResolveInfo['fieldNodes'] {
    return this.field.nodes;
  }
  get returnType(): GraphQLResolveInfo['returnType'] {
    return this.field.definition.type;
  }
  get parentType(): GraphQLResolveInfo['parentType'] {
    return this.field.parentType;
  }
  get path(): Path {
    return pathBelow(this.parentPath, this.field);
  }
  get schema(): GraphQLResolveInfo['schema'] {
    return this.run.parts.schema;
  }
  get fragments(): GraphQLResolveInfo['fragments'] {
    return this.run.parts.fragments;
  }
  get rootValue(): unknown {
    return this.run.rootValue;
  }
  get operation(): GraphQLResolveInfo['operation'] {
    return this.run.parts.node;
  }
  get variableValues(): GraphQLResolveInfo['variableValues'] {
    return this.run.variables;
  }
}

/** The errors of an answer, without those at places that an earlier error has nulled. */
export class CollectedErrors {
  readonly list: GraphQLError[] = [];
  /** Those included that are not told. */
  failures = 0;
  readonly #places = new Set<Path | undefined>();

  add(error: GraphQLError, place: Path | undefined): void {
    this.failures += 1;
    for (let path = place; path !== undefined; path = path.prev) if (this.#places.has(path)) return;
    if (this.#places.has(undefined)) return;
    this.#places.add(place);
    this.list.push(error);
  }
}

/** One field after the other: what `generate.ts` makes code for. */
export function executeObject(
  run: Run,
  fields: readonly FieldPlan[],
  source: unknown,
  path: Path | undefined,
): Completed {
  const values: unknown[] = [];
  let isPending = false;
  try {
    for (const field of fields) {
      const value = executeField(run, field, source, path);
      values.push(value);
      isPending ||= isPromise(value);
    }
  } catch (error) {
    return throwWhenSettled(error, isPending ? values : undefined);
  }
  return isPending
    ? Promise.all(values).then((settled) => toObject(fields, settled))
    : toObject(fields, values);
}

/** Mutations: a field begins when the one before it is done. */
export function executeSerially(
  run: Run,
  fields: readonly FieldPlan[],
  source: unknown,
): unknown[] | Promise<unknown[]> {
  const values: unknown[] = [];
  const goOn = (): unknown[] | Promise<unknown[]> => {
    for (;;) {
      const field = fields[values.length];
      if (field === undefined) return values;
      const value = executeField(run, field, source, undefined);
      if (isPromise(value)) {
        return value.then((settled) => {
          values.push(settled);
          return goOn();
        });
      }
      values.push(value);
    }
  };
  return goOn();
}

export function toObject(fields: readonly FieldPlan[], values: readonly unknown[]): Record<string, unknown> {
  const object = Object.create(null) as Record<string, unknown>;
  fields.forEach(({ key }, index) => (object[key] = values[index]));
  return object;
}

function executeField(run: Run, field: FieldPlan, source: unknown, parentPath: Path | undefined): Completed {
  try {
    const value =
      field.resolve === undefined
        ? readProperty(field, source)
        : field.resolve(source, field.argumentsFor(run), run.contextValue, new Info(run, field, parentPath));
    return finishField(run, field, source, parentPath, value);
  } catch (error) {
    return failField(run, field, parentPath, error);
  }
}

function readProperty({ definition }: FieldPlan, source: unknown): unknown {
  if ((typeof source !== 'object' || source === null) && typeof source !== 'function') return undefined;
  return (source as Readonly<Record<string, unknown>>)[definition.name];
}

/** From what was read or resolved to what the answer says. */
export function finishField(
  run: Run,
  field: FieldPlan,
  source: unknown,
  parentPath: Path | undefined,
  found: unknown,
): Completed {
  // graphql-js' default resolver calls methods.
  const value =
    typeof found === 'function' && field.resolve === undefined
      ? (found.call(
          source,
          field.argumentsFor(run),
          run.contextValue,
          new Info(run, field, parentPath),
        ) as unknown)
      : found;
  const path = field.isLeaf ? parentPath : pathBelow(parentPath, field);
  const completed = isPromise(value)
    ? value.then((settled) => field.complete(run, field, path, settled))
    : field.complete(run, field, path, value);
  return isPromise(completed)
    ? completed.then(undefined, (error: unknown) => failField(run, field, parentPath, error))
    : completed;
}

export function failField(run: Run, field: FieldPlan, parentPath: Path | undefined, error: unknown): null {
  return fail(run, field, pathBelow(parentPath, field), field.isNonNull, error);
}

/** At a place that may be null an error is told; elsewhere it is the parent's. */
export function fail(
  run: Run,
  field: FieldPlan,
  path: Path | undefined,
  isNonNull: boolean,
  error: unknown,
): null {
  const located = locatedError(error, field.nodes, toArray(path));
  if (isNonNull) throw located;
  run.errors.add(located, path);
  return null;
}

/** What else is under way may reject too, and nobody else waits for it. */
export function throwWhenSettled(error: unknown, pending: readonly unknown[] | undefined): Promise<never> {
  if (pending === undefined) throw error;
  return Promise.all(pending).finally(() => {
    throw error;
  }) as Promise<never>;
}

export function isPromise(value: unknown): value is Promise<unknown> {
  // Asked of strings and numbers, too, and most often: a look at the type is cheaper than one for a property.
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function pathBelow(prev: Path | undefined, { key, parentType }: FieldPlan): Path {
  return { prev, key, typename: parentType.name };
}

function toArray(path: Path | undefined): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at = path; at !== undefined; at = at.prev) keys.push(at.key);
  return keys.reverse();
}
