/** Compares derived rows with rows of the same form that were made elsewhere; sets are compared as sets, since order says nothing there. */
import type { Row } from './rows.ts';

type Other = Readonly<Record<string, unknown>>;

const operationNames = ['get', 'list', 'errors', 'logs', 'cancel'] as const;
const plainFields = [
  'package',
  'version',
  'client',
  'basePath',
  'statusField',
  'operationField',
  'listShape',
  'errorShape',
  'logShape',
] as const;
const setFields = ['statusValues', 'operationValues', 'actionTypes', 'listStatusValues'] as const;
const shapeFields = ['getFields', 'resourceFields', 'listItemFields', 'errorFields', 'logFields'] as const;
/** Headers that every operation has, which the other list leaves out. */
const commonHeaders = new Set(['opc-request-id', 'content-type', 'accept']);

export function compareRows(rows: readonly Row[], others: readonly Other[]): string[] {
  const differences: string[] = [];
  const report = (key: string, field: string, ours: unknown, theirs: unknown): void => {
    if (JSON.stringify(ours ?? null) === JSON.stringify(theirs ?? null)) return;
    differences.push(
      `${key}.${field}: derived ${JSON.stringify(ours ?? null)}, there ${JSON.stringify(theirs ?? null)}`,
    );
  };
  const keys = (list: readonly { readonly key?: unknown }[]) => list.map((row) => String(row.key)).sort();
  report('*', 'keys', keys(rows), keys(others));
  for (const row of rows) {
    const other = others.find((candidate) => candidate['key'] === row.key);
    if (!other) continue;
    for (const field of plainFields) report(row.key, field, row[field], other[field]);
    for (const field of setFields) report(row.key, field, sorted(row[field]), sorted(other[field]));
    for (const field of shapeFields) report(row.key, field, shape(row[field]), shape(other[field]));
    for (const name of ['errors', 'logs', 'errorDetails']) {
      report(row.key, `embedded_${name}`, shape(row.embedded[name]), shape(other[`embedded_${name}`]));
    }
    for (const name of operationNames) {
      const ours = row[name];
      const theirs = (other[name] ?? null) as Other | null;
      if (!ours || !theirs) {
        report(row.key, name, ours && ours.name, theirs && theirs['operation']);
        continue;
      }
      report(row.key, `${name}.operation`, ours.name, theirs['operation']);
      report(row.key, `${name}.method`, ours.method, theirs['method']);
      report(row.key, `${name}.path`, ours.path, theirs['path']);
      report(row.key, `${name}.query`, sorted(ours.query), sorted(theirs['query']));
      report(row.key, `${name}.requiredQuery`, sorted(ours.requiredQuery), sorted(theirs['requiredQuery']));
      report(
        row.key,
        `${name}.requestHeaders`,
        headers(ours.requestHeaders),
        headers(theirs['requestHeaders']),
      );
      report(
        row.key,
        `${name}.responseHeaders`,
        headers(ours.responseHeaders),
        headers(theirs['responseHeaders']),
      );
      report(row.key, `${name}.queryEnums`, enums(ours.queryEnums), enums(theirs['queryEnums']));
    }
  }
  return differences;
}

function sorted(values: unknown): string[] | null {
  return Array.isArray(values) ? values.map(String).sort() : null;
}

function headers(values: unknown): string[] {
  return (sorted(values) ?? []).map((name) => name.toLowerCase()).filter((name) => !commonHeaders.has(name));
}

function shape(fields: unknown): (readonly [string, string])[] | null {
  if (typeof fields !== 'object' || fields === null) return null;
  return (
    Object.entries(fields)
      // The other list cuts types at their first semicolon, as in `{ [key: string]: string; }`.
      .map(([name, type]) => [name, String(type).replaceAll(/\s+/g, '').replace(/;.*$/, '')] as const)
      .sort(([left], [right]) => (left < right ? -1 : 1))
  );
}

function enums(values: unknown): unknown {
  return Object.entries((values ?? {}) as Other)
    .map(([name, words]) => [name, sorted(words)] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
}
