/**
 * Code for one object of an answer. Written out for its own fields, each property is read at a place of its own, which engines are
 * quick at; a loop over all fields of all types reads every property at the same place, which they are not.
 *
 * What goes into the code are names of a valid document: letters, digits and `_`. Where the process may not make code of strings
 * (`--disallow-code-generation-from-strings`), the same is done by the loop.
 */
import {
  getNullableType,
  GraphQLBoolean,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLString,
  isEnumType,
} from 'graphql';
import { executeObject, failField, finishField, Info, isPromise, throwWhenSettled } from './execute.ts';
import type { Completed, Path, Run } from './execute.ts';
import type { FieldPlan } from './plan.ts';

export type ObjectExecutor = (run: Run, source: unknown, path: Path | undefined) => Completed;

export function createLoop(fields: readonly FieldPlan[]): ObjectExecutor {
  return (run, source, path) => executeObject(run, fields, source, path);
}

export function createObjectExecutor(fields: readonly FieldPlan[]): ObjectExecutor {
  const loop = createLoop(fields);
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the point of it
    const link = new Function('fields', 'words', 'tools', 'loop', codeOf(fields)) as Link;
    return link(fields, fields.map(wordsOf), tools, loop);
  } catch (error) {
    if (error instanceof EvalError) return loop;
    throw error;
  }
}

type Link = (
  fields: readonly FieldPlan[],
  words: readonly (ReadonlySet<unknown> | null)[],
  tools: unknown,
  loop: ObjectExecutor,
) => ObjectExecutor;

const tools = { Info, failField, finishField, isPromise, throwWhenSettled };

function codeOf(fields: readonly FieldPlan[]): string {
  const values = fields.map((_, index) => `v${index}`).join(', ');
  return `'use strict';
const { ${Object.keys(tools).join(', ')} } = tools;
${fields.map((_, index) => `const f${index} = fields[${index}], r${index} = f${index}.resolve, w${index} = words[${index}];`).join('\n')}
const assemble = (values) => (${literalOf(fields, (index) => `values[${index}]`)});
return (run, source, path) => {
  if (typeof source !== 'object' || source === null) return loop(run, source, path);
  let isPending = false${fields.map((_, index) => `, v${index}`).join('')};
  try {
${fields.map(codeOfField).join('')}  } catch (error) {
    return throwWhenSettled(error, isPending ? [${values}] : undefined);
  }
  return isPending ? Promise.all([${values}]).then(assemble) : ${literalOf(fields, (index) => `v${index}`)};
};`;
}

function literalOf(fields: readonly FieldPlan[], valueAt: (index: number) => string): string {
  // `__proto__` is a key like any other only where it is computed.
  return `{ ${fields.map(({ key }, index) => `["${key}"]: ${valueAt(index)}`).join(', ')} }`;
}

function codeOfField(field: FieldPlan, index: number): string {
  const [f, v] = [`f${index}`, `v${index}`];
  const read =
    field.resolve === undefined
      ? `source.${field.definition.name}`
      : `r${index}(source, ${f}.argumentsFor(run), run.contextValue, new Info(run, ${f}, path))`;
  const finished = finishedTest(field, v, `w${index}`);
  const finish = `{ ${v} = finishField(run, ${f}, source, path, ${v}); if (isPromise(${v})) isPending = true; }`;
  const nothing = field.isNonNull ? '' : `if (${v} == null) ${v} = null; else `;
  return `    try {
      ${v} = ${read};
      ${nothing}${finished === null ? '' : `if (!(${finished})) `}${finish}
    } catch (error) {
      ${v} = failField(run, ${f}, path, error);
    }
`;
}

/** Whether a value is already what the answer says; null: that has to be worked out. */
function finishedTest({ definition }: FieldPlan, value: string, words: string): string | null {
  const type = getNullableType(definition.type);
  if (type === GraphQLString || type === GraphQLID) return `typeof ${value} === 'string'`;
  if (type === GraphQLBoolean) return `typeof ${value} === 'boolean'`;
  if (type === GraphQLInt) return `typeof ${value} === 'number' && ${value} === (${value} | 0)`;
  if (type === GraphQLFloat) return `typeof ${value} === 'number' && ${value} - ${value} === 0`;
  return isEnumType(type) ? `${words}.has(${value})` : null;
}

/** Values of an enum that are their own names. */
function wordsOf({ definition }: FieldPlan): ReadonlySet<unknown> | null {
  const type = getNullableType(definition.type);
  if (!isEnumType(type)) return null;
  const names = type.getValues().filter(({ name, value }) => name === value);
  return new Set(names.map(({ name }) => name));
}
