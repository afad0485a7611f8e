/**
 * What each work-request API of Oracle Cloud sounds like: paths, parameters, headers, field names and words, read from `dialects.json`, which a
 * script derives from Oracle's own clients (its grammar of types is explained in `scripts/emulator/compact.ts`).
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export type OperationName = 'get' | 'list' | 'errors' | 'logs' | 'cancel';

export interface Operation {
  readonly method: string;
  /** Path after the base path, split at the slashes; `{name}` is a parameter. */
  readonly segments: readonly string[];
  readonly query: readonly string[];
  readonly requiredQuery: readonly string[];
  readonly queryWords: Readonly<Record<string, readonly string[]>>;
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly defaultLimit: number | null;
}

export type FieldType =
  | { readonly kind: 'string' | 'number' | 'boolean' | 'date' | 'any' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'constant'; readonly value: string }
  | { readonly kind: 'object'; readonly shape: number }
  | { readonly kind: 'list' | 'map'; readonly of: FieldType };

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly isOptional: boolean;
}

export interface Dialect {
  /** Key of the row, e.g. `CONTAINERENGINE`. */
  readonly key: string;
  /** npm package without `oci-`. */
  readonly package: string;
  readonly operations: Readonly<Partial<Record<OperationName, Operation>>>;
  readonly statusField: string;
  readonly operationField: string;
  readonly statusWords: readonly string[];
  readonly operationWords: readonly string[];
  readonly fields: readonly Field[];
  readonly itemFields: readonly Field[];
  readonly errorFields: readonly Field[];
  readonly logFields: readonly Field[];
  /** Whether the body of a list is a bare array, not `{ items }`. */
  readonly isBare: Readonly<Record<'list' | 'errors' | 'logs', boolean>>;
  /** What a work request's list asks for besides the compartment: `loadBalancerId`, `namespaceName`, … */
  readonly parentNames: readonly string[];
}

export interface ParentOperation {
  readonly name: string;
  readonly package: string;
  readonly operation: Operation;
  readonly fields: readonly Field[];
  readonly body: 'one' | 'array' | 'items';
}

interface OperationData {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly enums?: Readonly<Record<string, number>>;
  readonly takes: string;
  readonly gives: string;
  readonly limit?: number;
}

interface DialectData extends Partial<Record<OperationName, number>> {
  readonly package: string;
  readonly basePath: string;
  readonly status: string;
  readonly operation: string;
  readonly body: number;
  readonly item: number;
  readonly error?: number;
  readonly log?: number;
  readonly lists: string;
}

interface Data {
  readonly regions: readonly (readonly [string, string, string])[];
  readonly words: readonly (readonly string[])[];
  readonly shapes: readonly Readonly<Record<string, string>>[];
  readonly operations: readonly OperationData[];
  readonly dialects: Readonly<Record<string, DialectData>>;
  readonly parents: Readonly<
    Record<string, { package: string; basePath: string; operation: number; shape: number; list?: 'b' | 'i' }>
  >;
}

const data = JSON.parse(readFileSync(path.join(import.meta.dirname, 'dialects.json'), 'utf8')) as Data;
const shapes: (readonly Field[] | undefined)[] = [];
const built = new Map<string, Dialect>();

export const serviceKeys: readonly string[] = Object.keys(data.dialects);
export const regions: readonly { readonly id: string; readonly code: string; readonly realm: string }[] =
  data.regions.map(([id, code, realm]) => ({ id, code, realm }));

export function dialectOf(key: string): Dialect | null {
  const known = built.get(key);
  if (known) return known;
  const found = Object.hasOwn(data.dialects, key) ? data.dialects[key] : undefined;
  if (!found) return null;
  const dialect = buildDialect(key, found);
  built.set(key, dialect);
  return dialect;
}

export function dialectsOfPackage(name: string): readonly Dialect[] {
  return serviceKeys
    .filter((key) => data.dialects[key]?.package === name)
    .flatMap((key) => dialectOf(key) ?? []);
}

export function parentOperationsOfPackage(name: string): readonly ParentOperation[] {
  return Object.entries(data.parents)
    .filter(([, parent]) => parent.package === name)
    .map(([operation, parent]) => ({
      name: operation,
      package: parent.package,
      operation: operationAt(parent.operation, parent.basePath),
      fields: shapeAt(parent.shape),
      body: parent.list === undefined ? 'one' : parent.list === 'b' ? 'array' : 'items',
    }));
}

export function shapeAt(index: number): readonly Field[] {
  const known = shapes[index];
  if (known) return known;
  const fields = Object.entries(data.shapes[index] ?? {}).map(([name, text]) => ({
    name,
    isOptional: text.endsWith('?'),
    type: parseType(text.replace(/\?$/, '')),
  }));
  shapes[index] = fields;
  return fields;
}

function buildDialect(key: string, found: DialectData): Dialect {
  const names: readonly OperationName[] = ['get', 'list', 'errors', 'logs', 'cancel'];
  const operations = Object.fromEntries(
    names.flatMap((name) => {
      const index = found[name];
      return index === undefined ? [] : [[name, operationAt(index, found.basePath)] as const];
    }),
  );
  const fields = shapeAt(found.body);
  const list = operations['list'];
  const wordsOf = (name: string): readonly string[] => {
    const type = fields.find((field) => field.name === name)?.type;
    return type?.kind === 'word' ? type.words : [];
  };
  return {
    key,
    package: found.package,
    operations,
    statusField: found.status,
    operationField: found.operation,
    statusWords: wordsOf(found.status),
    operationWords: wordsOf(found.operation),
    fields,
    itemFields: shapeAt(found.item),
    errorFields: found.error === undefined ? [] : shapeAt(found.error),
    logFields: found.log === undefined ? [] : shapeAt(found.log),
    isBare: { list: found.lists[0] === 'b', errors: found.lists[1] === 'b', logs: found.lists[2] === 'b' },
    parentNames: list
      ? [
          ...list.segments.flatMap((segment) => parameterName(segment) ?? []),
          ...list.requiredQuery.filter((name) => name !== 'compartmentId'),
        ]
      : [],
  };
}

export function parameterName(segment: string): string | null {
  return segment.startsWith('{') ? segment.slice(1, -1) : null;
}

function operationAt(index: number, basePath: string): Operation {
  const found = data.operations[index];
  if (!found) throw new Error(`dialects.json has no operation ${index}`);
  const split = (text: string): string[] => text.split(' ').filter(Boolean);
  return {
    method: found.method,
    segments: `${basePath}${found.path}`.split('/').slice(1),
    query: split(found.query).map((name) => name.replace('!', '')),
    requiredQuery: split(found.query).flatMap((name) => (name.endsWith('!') ? name.slice(0, -1) : [])),
    queryWords: Object.fromEntries(
      Object.entries(found.enums ?? {}).map(([name, words]) => [name, data.words[words] ?? []]),
    ),
    requestHeaders: split(found.takes),
    responseHeaders: split(found.gives),
    defaultLimit: found.limit ?? null,
  };
}

function parseType(text: string): FieldType {
  const rest = text.slice(1);
  switch (text[0]) {
    case 's':
      return { kind: 'string' };
    case 'n':
      return { kind: 'number' };
    case 'b':
      return { kind: 'boolean' };
    case 'd':
      return { kind: 'date' };
    case 'w':
      return { kind: 'word', words: data.words[Number(rest)] ?? [] };
    case 'o':
      return { kind: 'object', shape: Number(rest) };
    case '=':
      return { kind: 'constant', value: rest };
    case '[':
      return { kind: 'list', of: parseType(rest.slice(0, -1)) };
    case '{':
      return { kind: 'map', of: parseType(rest.slice(0, -1)) };
    default:
      return { kind: 'any' };
  }
}
