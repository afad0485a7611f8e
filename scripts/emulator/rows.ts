/** One work-request API as Oracle's client describes it, in the terms of `work-request-apis.json`, so that the two can be compared. */
import type { SdkOperation, SdkPackage } from './sdk.ts';

/** `?` before a type: optional. */
export type Fields = Readonly<Record<string, string>>;

export interface Row {
  readonly key: string;
  readonly package: string;
  readonly version: string;
  readonly client: string;
  readonly basePath: string;
  readonly get: SdkOperation;
  readonly list: SdkOperation;
  readonly errors: SdkOperation | null;
  readonly logs: SdkOperation | null;
  readonly cancel: SdkOperation | null;
  readonly statusField: string;
  readonly statusValues: readonly string[] | null;
  readonly operationField: string;
  readonly operationValues: readonly string[] | null;
  readonly getFields: Fields;
  readonly resourceFields: Fields | null;
  readonly actionTypes: readonly string[] | null;
  readonly listShape: 'array' | '{items}';
  readonly listItemFields: Fields;
  readonly listStatusValues: readonly string[] | null;
  readonly errorShape: 'array' | '{items}' | null;
  readonly errorFields: Fields | null;
  readonly logShape: 'array' | '{items}' | null;
  readonly logFields: Fields | null;
  readonly embedded: Readonly<Record<string, Fields>>;
  /** Where the shapes come from. */
  readonly sdk: SdkPackage;
  readonly models: {
    readonly get: string;
    readonly item: string;
    readonly error: string | null;
    readonly log: string | null;
  };
}

export interface Family {
  readonly key: string;
  readonly client: string;
  /** What stands between the verb and `WorkRequest`, e.g. `Tagging`. */
  readonly infix: string;
}

/** The family's key is the package's name; where a package has several, all but the plain one add their own. */
export function familiesOf(packageName: string, operations: readonly SdkOperation[]): Family[] {
  const base = packageName.replace(/^oci-/, '').replaceAll('-', '').toUpperCase();
  const found = operations.flatMap((operation) => {
    const infix = /^get(\w*)WorkRequest$/.exec(operation.name)?.[1];
    if (infix === undefined || !operationOf(operations, operation.client, `list${infix}WorkRequests`))
      return [];
    return [{ client: operation.client, infix }];
  });
  return found.map(({ client, infix }) => {
    const word = infix.toUpperCase().startsWith(base) ? infix.slice(base.length) : infix;
    return { client, infix, key: found.length > 1 && word !== '' ? `${base}_${word.toUpperCase()}` : base };
  });
}

export function rowOf(sdk: SdkPackage, operations: readonly SdkOperation[], family: Family): Row {
  const { client, infix } = family;
  const find = (name: string) => operationOf(operations, client, name);
  const get = find(`get${infix}WorkRequest`);
  const list = find(`list${infix}WorkRequests`);
  if (!get || !list) throw new Error(`${family.key} lacks get or list`);
  const errors = find(`list${infix}WorkRequestErrors`);
  const logs = find(`list${infix}WorkRequestLogs`);
  const cancel = find(`cancel${infix}WorkRequest`) ?? find(`delete${infix}WorkRequest`);

  const getModel = modelOf(get.bodyType);
  if (getModel === null) throw new Error(`${family.key}: get has no body`);
  const item = itemOf(sdk, list);
  const error = errors && itemOf(sdk, errors);
  const log = logs && itemOf(sdk, logs);
  const getFields = fieldsOf(sdk, getModel);
  const statusField = pick(getFields, ['status', 'lifecycleState']);
  const operationField = pick(getFields, ['operationType', 'operation', 'requestAction', 'type']);
  const resourceModel = modelOf(bare(getFields['resources']));
  const resourceFields = resourceModel === null ? null : fieldsOf(sdk, resourceModel);
  const action = ['actionType', 'resourceAction', 'actionResult'].find(
    (name) => resourceFields?.[name] !== undefined,
  );
  const embedded = Object.fromEntries(
    ['errors', 'logs', 'errorDetails'].flatMap((name) => {
      const model = modelOf(bare(getFields[name]));
      return model === null ? [] : [[name, fieldsOf(sdk, model)] as const];
    }),
  );
  return {
    key: family.key,
    package: sdk.name,
    version: sdk.version,
    client,
    basePath: get.basePath,
    get,
    list,
    errors,
    logs,
    cancel,
    statusField,
    statusValues: wordsOf(sdk, getFields[statusField]),
    operationField,
    operationValues: wordsOf(sdk, getFields[operationField]),
    getFields,
    resourceFields,
    actionTypes: action === undefined ? null : wordsOf(sdk, resourceFields?.[action]),
    listShape: item.shape,
    listItemFields: fieldsOf(sdk, item.model),
    listStatusValues: wordsOf(sdk, fieldsOf(sdk, item.model)[statusField]),
    errorShape: error?.shape ?? null,
    errorFields: error ? fieldsOf(sdk, error.model) : null,
    logShape: log?.shape ?? null,
    logFields: log ? fieldsOf(sdk, log.model) : null,
    embedded,
    sdk,
    models: { get: getModel, item: item.model, error: error?.model ?? null, log: log?.model ?? null },
  };
}

/** The model of a list's items: `Array<model.X>` is a bare array, a collection has them under `items`. */
export function itemOf(
  sdk: SdkPackage,
  operation: SdkOperation,
): { shape: 'array' | '{items}'; model: string } {
  const body = operation.bodyType ?? '';
  const model = modelOf(body);
  if (model === null) throw new Error(`${sdk.name} ${operation.name}: body ${body}`);
  if (body.startsWith('Array<')) return { shape: 'array', model };
  const items = modelOf(bare(fieldsOf(sdk, model)['items']));
  if (items === null) throw new Error(`${sdk.name} ${operation.name}: ${model} has no items`);
  return { shape: '{items}', model: items };
}

export function fieldsOf(sdk: SdkPackage, model: string): Fields {
  const fields = sdk.fields(model);
  if (!fields) throw new Error(`${sdk.name} has no model ${model}`);
  return Object.fromEntries(fields.map((field) => [field.name, (field.isOptional ? '?' : '') + field.type]));
}

function wordsOf(sdk: SdkPackage, type: string | undefined): readonly string[] | null {
  return type === undefined ? null : sdk.words(bare(type));
}

function operationOf(operations: readonly SdkOperation[], client: string, name: string): SdkOperation | null {
  return operations.find((operation) => operation.client === client && operation.name === name) ?? null;
}

function pick(fields: Fields, names: readonly string[]): string {
  const found = names.find((name) => fields[name] !== undefined);
  if (found === undefined)
    throw new Error(`none of ${names.join(', ')} among ${Object.keys(fields).join(', ')}`);
  return found;
}

function modelOf(type: string | null): string | null {
  return /^(?:Array<)?model\.(\w+)>?$/.exec(type ?? '')?.[1] ?? null;
}

function bare(type: string | undefined): string {
  return (type ?? '').replace(/^\?/, '');
}
