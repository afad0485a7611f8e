/**
 * Upstream JSON → ours. Pure: one place that knows how a body of a given API is read.
 *
 * Nothing is guessed: a field of an unexpected type counts as absent and stays visible under `extras`; a word keeps its
 * spelling in `rawStatus`. What cannot be a work request at all (no object, no id) is an `UnreadableBody`, which costs no
 * other item its place.
 */
import type { Api, FieldName, ResourceFieldName } from './api.ts';
import type { ServiceName } from './catalog.ts';
import { globalIdOf, isNativeId } from './ids.ts';
import { foldStatus, isCancelable, isTerminal } from './status.ts';
import type {
  Page,
  WorkRequest,
  WorkRequestError,
  WorkRequestLogEntry,
  WorkRequestRef,
  WorkRequestResource,
} from './types.ts';

type JsonObject = Readonly<Record<string, unknown>>;
type ServiceApi = Api<ServiceName>;

/** A body that is not what this API answers with; the message says what was missed. */
export class UnreadableBody extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableBody';
  }
}

/** What is known of a work request besides its body. */
export interface Observed {
  readonly origin: WorkRequest['origin'];
  readonly region: string;
  /** Path part that the API needs and its lists report by being asked with it. */
  readonly namespace?: string;
  readonly etag: string | null;
  readonly retryAfterMs: number | null;
  /** Milliseconds since the epoch. */
  readonly observedAt: number;
}

/** @throws UnreadableBody */
export const readWorkRequest = (api: ServiceApi, body: unknown, observed: Observed): WorkRequest => {
  if (!isObject(body)) throw new UnreadableBody(`expected an object, got ${describeType(body)}`);
  const { fields, rest } = split(body, api.names, readers, noFields);
  const workRequestId = fields.id;
  if (workRequestId === undefined || workRequestId === '') throw new UnreadableBody('the item has no id');
  // It would make a global id that nobody can ask with again, or one that reads as another's.
  if (!isNativeId(workRequestId)) throw new UnreadableBody('the id of the item is none');
  const rawStatus = fields.status ?? '';
  const embedded = {
    ...(api.errors === 'embedded' &&
      (fields.errors !== undefined || isKnown(api, 'errors', observed)) && {
        embeddedErrors: objects(fields.errors).map((item) => readError(api, item)),
      }),
    ...(api.logs === 'embedded' &&
      (fields.logs !== undefined || isKnown(api, 'logs', observed)) && {
        embeddedLogs: objects(fields.logs).map((item) => readLogEntry(api, item)),
      }),
  };
  const ref: WorkRequestRef = {
    service: api.name,
    region: observed.region,
    workRequestId,
    ...(observed.namespace !== undefined && { namespace: observed.namespace }),
  };
  const status = rawStatus === '' ? 'UNKNOWN' : foldStatus(rawStatus);
  const timeFinished = fields.timeFinished ?? null;
  return {
    id: globalIdOf(ref),
    ref,
    compartmentId: fields.compartmentId ?? null,
    operationType: fields.operationType ?? null,
    status,
    rawStatus,
    isTerminal: isTerminal({ status, timeFinished }),
    isCancelable: isCancelable({ status, timeFinished }),
    percentComplete: fields.percentComplete ?? null,
    timeAccepted: fields.timeAccepted ?? null,
    timeStarted: fields.timeStarted ?? null,
    timeUpdated: fields.timeUpdated ?? null,
    timeFinished,
    resources:
      fields.resources === undefined
        ? null
        : objects(fields.resources).map((item) => readResource(api, item)),
    ...embedded,
    extras: rest,
    origin: observed.origin,
    etag: observed.etag,
    retryAfterMs: observed.retryAfterMs,
    observedAt: observed.observedAt,
  };
};

/** One page of a list; an unreadable item is told in `malformed` and skipped. @throws UnreadableBody */
export const readPage = <T>(
  api: ServiceApi,
  body: unknown,
  nextPage: string | null,
  readItem: (item: unknown) => T,
): Page<T> => {
  const items = itemsOf(api, body);
  const read: T[] = [];
  const malformed: string[] = [];
  for (const [index, item] of items.entries()) {
    try {
      read.push(readItem(item));
    } catch (error) {
      if (!(error instanceof UnreadableBody)) throw error;
      malformed.push(`item ${index}: ${error.message}`);
    }
  }
  return { items: read, nextPage, malformed };
};

/** Absent text is `''`; only DatabaseManagement says whether an error is retryable. @throws UnreadableBody */
export const readError = (api: ServiceApi, item: unknown): WorkRequestError => {
  if (!isObject(item)) throw new UnreadableBody(`expected an object, got ${describeType(item)}`);
  return {
    code: text(item[api.errorCodeName]) ?? '',
    message: text(item['message']) ?? '',
    timestamp: time(item[api.timestampName]) ?? null,
    isRetryable: typeof item['isRetryable'] === 'boolean' ? item['isRetryable'] : null,
  };
};

/** @throws UnreadableBody */
export const readLogEntry = (api: ServiceApi, item: unknown): WorkRequestLogEntry => {
  if (!isObject(item)) throw new UnreadableBody(`expected an object, got ${describeType(item)}`);
  return { message: text(item['message']) ?? '', timestamp: time(item[api.timestampName]) ?? null };
};

const readResource = (api: ServiceApi, item: JsonObject): WorkRequestResource => {
  const { fields, rest } = split(item, api.resourceNames, resourceReaders, noResourceFields);
  return {
    entityType: fields.entityType ?? null,
    actionType: fields.actionType ?? null,
    identifier: fields.identifier ?? null,
    entityUri: fields.entityUri ?? null,
    extras: rest === nothing ? null : rest,
  };
};

/** APIs answer lists as bare arrays or as `{ items }`; each API is held to its own form. */
const itemsOf = (api: ServiceApi, body: unknown): readonly unknown[] => {
  const items = api.bareArrays ? body : isObject(body) ? body['items'] : undefined;
  if (Array.isArray(items)) return items;
  throw new UnreadableBody(
    `expected ${api.bareArrays ? 'an array' : 'an object with an array `items`'}, got ${describeType(body)}`,
  );
};

/** Whether absence tells something: list items of some APIs lack this field. */
const isKnown = (api: ServiceApi, field: FieldName, { origin }: Observed): boolean =>
  origin === 'get' || !api.listLacks.has(field);

/** What a value means in a field; undefined: it has no place there, and goes to `extras`. */
type Reader = (value: unknown) => unknown;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const finite = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
const array = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined);

/** RFC 3339, as Oracle writes it: `Date.parse` alone would read a time into `pending 5`, and local time into one without zone. */
const timestamp = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/i;
const time = (value: unknown): Date | undefined => {
  if (typeof value !== 'string' || !timestamp.test(value)) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : new Date(at);
};

const readers = {
  id: text,
  compartmentId: text,
  operationType: text,
  status: text,
  percentComplete: finite,
  timeAccepted: time,
  timeStarted: time,
  timeUpdated: time,
  timeFinished: time,
  resources: array,
  errors: array,
  logs: array,
} satisfies Record<FieldName, Reader>;

const resourceReaders = {
  entityType: text,
  actionType: text,
  identifier: text,
  entityUri: text,
} satisfies Record<ResourceFieldName, Reader>;

/** With all members from the start: adding them one by one takes many times the memory. */
const noFields: Fields<typeof readers> = blank(readers);
const noResourceFields: Fields<typeof resourceReaders> = blank(resourceReaders);

type Fields<Readers extends Record<string, Reader>> = { [Name in keyof Readers]?: ReturnType<Readers[Name]> };

/** Sorts a body's members into the fields we have a name for, and the rest. Of two names for one field the first counts. */
const split = <Readers extends Record<string, Reader>>(
  body: JsonObject,
  names: ReadonlyMap<string, keyof Readers & string>,
  readers: Readers,
  none: Fields<Readers>,
): { readonly fields: Fields<Readers>; readonly rest: JsonObject } => {
  const fields: Fields<Readers> = { ...none };
  let unplaced: Set<string> | null = null;
  for (const [native, name] of names) {
    const value = body[native];
    if (value == null) continue;
    const read = fields[name] === undefined ? readers[name]?.(value) : undefined;
    if (read === undefined) (unplaced ??= new Set()).add(native);
    else fields[name] = read as ReturnType<Readers[typeof name]>;
  }
  let rest: Record<string, unknown> | null = null;
  for (const native of Object.keys(body)) {
    if (names.has(native) && !unplaced?.has(native)) continue;
    const value = body[native];
    if (isDeeperThan(value, maxDepth))
      throw new UnreadableBody(`\`${native.slice(0, 100)}\` is nested more than ${maxDepth} levels deep`);
    rest ??= {};
    // Defined, not assigned: one called `__proto__` stays a member.
    if (native === '__proto__') Object.defineProperty(rest, native, { value, ...ordinary });
    else rest[native] = value;
  }
  return { fields, rest: rest ?? nothing };
};

const ordinary = { configurable: true, enumerable: true, writable: true };
const nothing: JsonObject = Object.freeze({});

function blank<Readers extends Record<string, Reader>>(readers: Readers): Fields<Readers> {
  return Object.fromEntries(Object.keys(readers).map((name) => [name, undefined])) as Fields<Readers>;
}

/** Of what is passed on as it is: JSON can be parsed at any depth, but not written, and that would cost others their answer. */
const maxDepth = 100;

const isDeeperThan = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1)));

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const objects = (value: readonly unknown[] = []): readonly JsonObject[] => value.filter(isObject);

const describeType = (value: unknown): string =>
  value === null
    ? 'null'
    : value === undefined
      ? 'nothing'
      : Array.isArray(value)
        ? 'an array'
        : typeof value;
