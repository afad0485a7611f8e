/**
 * Writes the derived rows as `emulator/dialects.json`. What is alike is written once: word lists, shapes and operations stand in tables of their
 * own and are referred to by index. Types of fields: `s` string, `n` number, `b` boolean, `d` date-time, `a` anything, `wN` a word of list N,
 * `oN` an object of shape N, `=X` the constant X, `[T]` an array, `{T}` a map; `?` at the end: optional.
 */
import { itemOf } from './rows.ts';
import type { Row } from './rows.ts';
import type { SdkOperation, SdkPackage } from './sdk.ts';

export function compactDialects(
  rows: readonly Row[],
  parents: readonly { readonly operation: SdkOperation; readonly sdk: SdkPackage }[],
  regions: readonly (readonly string[])[],
): string {
  const words = createTable<readonly string[]>();
  const operations = createTable<unknown>();
  const shapes = createShapes(words.indexOf);
  const operationIndex = (operation: SdkOperation | null): number | undefined =>
    operation === null ? undefined : operations.indexOf(compactOperation(operation, words.indexOf));

  const dialects = Object.fromEntries(
    rows.map((row) => [
      row.key,
      {
        package: row.package.replace(/^oci-/, ''),
        basePath: row.basePath,
        status: row.statusField,
        operation: row.operationField,
        get: operationIndex(row.get),
        list: operationIndex(row.list),
        errors: operationIndex(row.errors),
        logs: operationIndex(row.logs),
        cancel: operationIndex(row.cancel),
        body: shapes.indexOf(row.sdk, row.models.get),
        item: shapes.indexOf(row.sdk, row.models.item),
        error: row.models.error === null ? undefined : shapes.indexOf(row.sdk, row.models.error),
        log: row.models.log === null ? undefined : shapes.indexOf(row.sdk, row.models.log),
        // 'b': bare array, 'i': { items }; of list, errors, logs
        lists: [row.listShape, row.errorShape, row.logShape]
          .map((shape) => (shape === 'array' ? 'b' : 'i'))
          .join(''),
      },
    ]),
  );
  const parentTable = Object.fromEntries(
    parents.map(({ operation, sdk }) => {
      const isOne = /^model\.\w+$/.test(operation.bodyType ?? '') && operation.name.startsWith('get');
      const item = isOne ? null : itemOf(sdk, operation);
      return [
        operation.name,
        {
          package: sdk.name.replace(/^oci-/, ''),
          basePath: operation.basePath,
          operation: operationIndex(operation),
          shape: shapes.indexOf(sdk, item?.model ?? (operation.bodyType ?? '').replace('model.', '')),
          list: item === null ? undefined : item.shape === 'array' ? 'b' : 'i',
        },
      ];
    }),
  );
  const lines = (entries: readonly unknown[]): string =>
    entries.map((entry) => JSON.stringify(entry)).join(',\n');
  const named = (record: object): string =>
    Object.entries(record)
      .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
      .join(',\n');
  return [
    '{',
    `"from":"Oracle's oci-* npm packages, by scripts/derive-emulator-dialects.ts; do not edit",`,
    `"regions":[\n${lines(regions)}\n],`,
    `"words":[\n${lines(words.entries)}\n],`,
    `"shapes":[\n${lines(shapes.entries())}\n],`,
    `"operations":[\n${lines(operations.entries)}\n],`,
    `"dialects":{\n${named(dialects)}\n},`,
    `"parents":{\n${named(parentTable)}\n}`,
    '}\n',
  ].join('\n');
}

function compactOperation(operation: SdkOperation, wordsIndex: (words: readonly string[]) => number): object {
  const notCommon = (names: readonly string[]) =>
    names
      .map((name) => name.toLowerCase())
      .filter((name) => !['opc-request-id', 'content-type', 'accept'].includes(name));
  const enums = Object.entries(operation.queryEnums).map(
    ([name, words]) => [name, wordsIndex(words)] as const,
  );
  return {
    method: operation.method,
    path: operation.path,
    // '!' marks what is required
    query: operation.query
      .map((name) => (operation.requiredQuery.includes(name) ? `${name}!` : name))
      .join(' '),
    ...(enums.length > 0 && { enums: Object.fromEntries(enums) }),
    takes: notCommon(operation.requestHeaders).join(' '),
    gives: notCommon(operation.responseHeaders).join(' '),
    ...(operation.defaultLimit !== null &&
      operation.query.includes('limit') && { limit: operation.defaultLimit }),
  };
}

/** Shapes may refer to themselves, so an index is given out before the fields are known; equal shapes of different packages are joined afterwards. */
function createShapes(wordsIndex: (words: readonly string[]) => number) {
  const indices = new Map<string, number>();
  const table: Record<string, string>[] = [];

  const indexOf = (sdk: SdkPackage, model: string): number => {
    const name = `${sdk.name} ${model}`;
    const known = indices.get(name);
    if (known !== undefined) return known;
    const index = table.length;
    indices.set(name, index);
    table.push({});
    const variant = sdk.variant(model);
    const fields = sdk.fields(variant?.model ?? model) ?? [];
    for (const field of fields) {
      const type = variant?.field === field.name ? `=${variant.value}` : typeOf(sdk, field.type);
      (table[index] ?? {})[field.name] = type + (field.isOptional ? '?' : '');
    }
    // A discriminator is no property of the variant's own interface.
    if (variant && !fields.some((field) => field.name === variant.field)) {
      (table[index] ?? {})[variant.field] = `=${variant.value}`;
    }
    const text = JSON.stringify(table[index]);
    const twin = table.findIndex((shape, at) => at < index && JSON.stringify(shape) === text);
    if (twin !== -1 && index === table.length - 1) {
      table.pop();
      indices.set(name, twin);
      return twin;
    }
    return index;
  };

  const typeOf = (sdk: SdkPackage, written: string): string => {
    const type = written.replaceAll(/\s+/g, '');
    const array = /^Array<(.*)>$/.exec(type)?.[1] ?? /^(.*)\[\]$/.exec(type)?.[1];
    if (array !== undefined) return `[${typeOf(sdk, array)}]`;
    const map = /^\{\[key:string\]:(.*?);?\}$/.exec(type)?.[1];
    if (map !== undefined) return `{${typeOf(sdk, map)}}`;
    const simple = { string: 's', number: 'n', boolean: 'b', Date: 'd', any: 'a' }[type];
    if (simple !== undefined) return simple;
    const words = sdk.words(type);
    if (words) return `w${wordsIndex(words)}`;
    const model = /^model\.(\w+)$/.exec(type)?.[1];
    return model !== undefined && sdk.fields(model) ? `o${indexOf(sdk, model)}` : 'a';
  };

  return { indexOf, entries: () => table };
}

function createTable<T>() {
  const indices = new Map<string, number>();
  const entries: T[] = [];
  return {
    entries,
    indexOf: (entry: T): number => {
      const text = JSON.stringify(entry);
      const known = indices.get(text);
      if (known !== undefined) return known;
      indices.set(text, entries.length);
      return entries.push(entry) - 1;
    },
  };
}
