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
  const { fields, rest } = split<FieldName>(body, api.names, readers);
  const workRequestId = fields.id;
  if (typeof workRequestId !== 'string' || workRequestId === '')
    throw new UnreadableBody('the item has no id');
  // It would make a global id that nobody can ask with again, or one that reads as another's.
  if (!isNativeId(workRequestId)) throw new UnreadableBody('the id of the item is none');
  const rawStatus = text(fields.status) ?? '';
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
  const timeFinished = time(fields.timeFinished);
  return {
    id: globalIdOf(ref),
    ref,
    compartmentId: text(fields.compartmentId),
    operationType: text(fields.operationType),
    status,
    rawStatus,
    isTerminal: isTerminal({ status, timeFinished }),
    isCancelable: isCancelable({ status, timeFinished }),
    percentComplete: typeof fields.percentComplete === 'number' ? fields.percentComplete : null,
    timeAccepted: time(fields.timeAccepted),
    timeStarted: time(fields.timeStarted),
    timeUpdated: time(fields.timeUpdated),
    timeFinished,
    resources: Array.isArray(fields.resources)
      ? objects(fields.resources).map((item) => readResource(api, item))
      : null,
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
    timestamp: time(item[api.timestampName]),
    isRetryable: typeof item['isRetryable'] === 'boolean' ? item['isRetryable'] : null,
  };
};

/** @throws UnreadableBody */
export const readLogEntry = (api: ServiceApi, item: unknown): WorkRequestLogEntry => {
  if (!isObject(item)) throw new UnreadableBody(`expected an object, got ${describeType(item)}`);
  return { message: text(item['message']) ?? '', timestamp: time(item[api.timestampName]) };
};

const readResource = (api: ServiceApi, item: JsonObject): WorkRequestResource => {
  const { fields, rest } = split<ResourceFieldName>(item, api.resourceNames, resourceReaders);
  return {
    entityType: text(fields.entityType),
    actionType: text(fields.actionType),
    identifier: text(fields.identifier),
    entityUri: text(fields.entityUri),
    extras: Object.keys(rest).length === 0 ? null : rest,
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

type Reader = (value: unknown) => boolean;
const isText: Reader = (value) => typeof value === 'string';
/** RFC 3339, as Oracle writes it: `Date.parse` alone would read a time into `pending 5`, and local time into one without zone. */
const timestamp = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/i;
const isTime: Reader = (value) =>
  typeof value === 'string' && timestamp.test(value) && !Number.isNaN(Date.parse(value));

/** Which values each field can take; another value has no place in it and goes to `extras`. */
const readers: Readonly<Record<FieldName, Reader>> = {
  id: isText,
  compartmentId: isText,
  operationType: isText,
  status: isText,
  percentComplete: (value) => Number.isFinite(value),
  timeAccepted: isTime,
  timeStarted: isTime,
  timeUpdated: isTime,
  timeFinished: isTime,
  resources: Array.isArray,
  errors: Array.isArray,
  logs: Array.isArray,
};
const resourceReaders: Readonly<Record<ResourceFieldName, Reader>> = {
  entityType: isText,
  actionType: isText,
  identifier: isText,
  entityUri: isText,
};

/** Sorts a body's members into the fields we have a name for, and the rest. Of two names for one field the first counts. */
const split = <Name extends string>(
  body: JsonObject,
  names: ReadonlyMap<string, Name>,
  fits: Readonly<Record<Name, Reader>>,
): { readonly fields: Readonly<Partial<Record<Name, unknown>>>; readonly rest: JsonObject } => {
  const fields: Partial<Record<Name, unknown>> = {};
  const taken = new Set<string>();
  for (const [native, name] of names) {
    const value = Object.hasOwn(body, native) ? (body[native] ?? null) : null;
    if (value === null) taken.add(native);
    else if (fields[name] === undefined && fits[name](value)) {
      fields[name] = value;
      taken.add(native);
    }
  }
  const others = Object.entries(body).filter(([native]) => !taken.has(native));
  for (const [native, value] of others) {
    if (isDeeperThan(value, maxDepth))
      throw new UnreadableBody(`\`${native.slice(0, 100)}\` is nested more than ${maxDepth} levels deep`);
  }
  // fromEntries defines members: one called `__proto__` stays a member.
  return { fields, rest: Object.fromEntries(others) };
};

/** Of what is passed on as it is: JSON can be parsed at any depth, but not written, and that would cost others their answer. */
const maxDepth = 100;

const isDeeperThan = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1)));

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const objects = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const time = (value: unknown): Date | null =>
  typeof value === 'string' && isTime(value) ? new Date(value) : null;

const describeType = (value: unknown): string =>
  value === null
    ? 'null'
    : value === undefined
      ? 'nothing'
      : Array.isArray(value)
        ? 'an array'
        : typeof value;
