/**
 * What the gateway promises to make of an answer of Oracle's (docs/contract.md, "What answers mean"), said a second time:
 * written from that page alone and applied to what Oracle's own client returns. It imports nothing of the gateway, knows
 * no API by name and has one table for all of them, so that it cannot share a mistake with `datasources/`.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

export interface FoldedResource {
  readonly entityType: unknown;
  readonly actionType: unknown;
  readonly identifier: unknown;
  readonly entityUri: unknown;
  readonly extras: JsonObject | null;
}

export interface FoldedError {
  readonly code: unknown;
  readonly message: unknown;
  readonly timestamp: string | null;
  readonly isRetryable: unknown;
}

export interface FoldedLogEntry {
  readonly message: unknown;
  readonly timestamp: string | null;
}

/** A work request as both sides have to see it; what is absent is null, times are ISO 8601 in UTC. */
export interface Folded {
  readonly workRequestId: unknown;
  readonly compartmentId: unknown;
  readonly operationType: unknown;
  readonly status: string;
  readonly rawStatus: unknown;
  readonly isTerminal: boolean;
  readonly isCancelable: boolean;
  readonly percentComplete: unknown;
  readonly timeAccepted: string | null;
  readonly timeStarted: string | null;
  readonly timeUpdated: string | null;
  readonly timeFinished: string | null;
  readonly resources: readonly FoldedResource[] | null;
  /** Null where the client's type of this object has no place for them. */
  readonly errors: readonly FoldedError[] | null;
  readonly logs: readonly FoldedLogEntry[] | null;
  readonly extras: JsonObject;
}

/** Ours → the words that are folded to it. Any other word is UNKNOWN. */
export const statuses: Readonly<Record<string, readonly string[]>> = {
  ACCEPTED: ['ACCEPTED', 'CREATED'],
  IN_PROGRESS: ['IN_PROGRESS', 'INPROGRESS'],
  WAITING: ['WAITING'],
  NEEDS_ATTENTION: ['NEEDS_ATTENTION'],
  SUSPENDING: ['SUSPENDING'],
  SUSPENDED: ['SUSPENDED'],
  CANCELING: ['CANCELING', 'CANCELLING'],
  CANCELED: ['CANCELED', 'CANCELLED'],
  SUCCEEDED: ['SUCCEEDED', 'COMPLETED'],
  PARTIALLY_SUCCEEDED: ['PARTIALLY_SUCCEEDED'],
  FAILED: ['FAILED'],
  SKIPPED: ['SKIPPED'],
};

/** Ours → the native names that are folded to it. Every other name of a work request or a resource goes to `extras`. */
export const names = {
  workRequest: {
    workRequestId: ['id', 'workRequestId'],
    compartmentId: ['compartmentId'],
    operationType: ['operationType', 'operation', 'requestAction', 'type'],
    status: ['status', 'lifecycleState'],
    percentComplete: ['percentComplete'],
    timeAccepted: ['timeAccepted', 'timeCreated'],
    timeStarted: ['timeStarted'],
    timeUpdated: ['timeUpdated', 'timeLastUpdated'],
    timeFinished: ['timeFinished'],
    resources: ['resources'],
    errors: ['errors', 'errorDetails'],
    logs: ['logs'],
  },
  resource: {
    entityType: ['entityType', 'resourceType'],
    actionType: ['actionType', 'resourceAction', 'actionResult'],
    identifier: ['identifier', 'resourceId', 'entityId'],
    entityUri: ['entityUri', 'resourceUri'],
  },
  entry: {
    code: ['code', 'errorCode'],
    message: ['message'],
    timestamp: ['timestamp', 'timeStamp'],
    isRetryable: ['isRetryable'],
  },
} as const satisfies Record<string, Record<string, readonly string[]>>;

const terminal = ['SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED', 'CANCELED', 'SKIPPED'];
const cancelable = ['ACCEPTED', 'IN_PROGRESS', 'WAITING', 'NEEDS_ATTENTION', 'SUSPENDED'];

export const foldWorkRequest = (native: JsonObject): Folded => {
  const take = (ours: keyof typeof names.workRequest): unknown => valueOf(native, names.workRequest[ours]);
  const rawStatus = take('status') ?? '';
  const status = foldStatus(rawStatus);
  const timeFinished = instant(take('timeFinished'));
  const isTerminal = timeFinished !== null || terminal.includes(status);
  return {
    workRequestId: take('workRequestId'),
    compartmentId: take('compartmentId'),
    operationType: take('operationType'),
    status,
    rawStatus,
    isTerminal,
    // What is finished cannot be canceled, whatever its word.
    isCancelable: cancelable.includes(status) && !isTerminal,
    percentComplete: take('percentComplete'),
    timeAccepted: instant(take('timeAccepted')),
    timeStarted: instant(take('timeStarted')),
    timeUpdated: instant(take('timeUpdated')),
    timeFinished,
    resources: listOf(take('resources'))?.map(foldResource) ?? null,
    errors: hasPlace(native, names.workRequest.errors) ? (listOf(take('errors')) ?? []).map(foldError) : null,
    logs: hasPlace(native, names.workRequest.logs) ? (listOf(take('logs')) ?? []).map(foldLogEntry) : null,
    extras: others(native, names.workRequest),
  };
};

export const foldError = (native: JsonObject): FoldedError => ({
  code: valueOf(native, names.entry.code) ?? '',
  ...foldLogEntry(native),
  isRetryable: valueOf(native, names.entry.isRetryable),
});

export const foldLogEntry = (native: JsonObject): FoldedLogEntry => ({
  message: valueOf(native, names.entry.message) ?? '',
  timestamp: instant(valueOf(native, names.entry.timestamp)),
});

const foldResource = (native: JsonObject): FoldedResource => {
  const extras = others(native, names.resource);
  return {
    entityType: valueOf(native, names.resource.entityType),
    actionType: valueOf(native, names.resource.actionType),
    identifier: valueOf(native, names.resource.identifier),
    entityUri: valueOf(native, names.resource.entityUri),
    extras: Object.keys(extras).length === 0 ? null : extras,
  };
};

const foldStatus = (word: unknown): string =>
  Object.keys(statuses).find((ours) => statuses[ours]?.some((native) => native === word)) ?? 'UNKNOWN';

const valueOf = (native: JsonObject, candidates: readonly string[]): unknown =>
  candidates.map((name) => native[name]).find((value) => value !== undefined && value !== null) ?? null;

/** The client sets every list of objects that its type declares, to undefined where the answer has none. */
const hasPlace = (native: JsonObject, candidates: readonly string[]): boolean =>
  candidates.some((name) => Object.hasOwn(native, name));

const others = (native: JsonObject, known: Readonly<Record<string, readonly string[]>>): JsonObject => {
  const taken = new Set(Object.values(known).flat());
  return withoutAbsent(Object.fromEntries(Object.entries(native).filter(([name]) => !taken.has(name))));
};

const listOf = (value: unknown): readonly JsonObject[] | null =>
  Array.isArray(value) ? (value as readonly JsonObject[]) : null;

/** A Date, or what stands for one on the wire, as ISO 8601 in UTC. */
export const instant = (value: unknown): string | null =>
  value instanceof Date || typeof value === 'string' ? new Date(value).toISOString() : null;

/** Undefined, null and left out are one: the official client makes the first of both others. */
export const withoutAbsent = (value: JsonObject): JsonObject => {
  const clean = (part: unknown): unknown =>
    Array.isArray(part)
      ? part.map(clean)
      : typeof part === 'object' && part !== null && !(part instanceof Date)
        ? withoutAbsent(part as JsonObject)
        : part;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined && part !== null)
      .map(([name, part]) => [name, clean(part)]),
  );
};
