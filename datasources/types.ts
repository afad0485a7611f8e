/**
 * The words the datasources share: our side of the wire (`WorkRequest`), the questions that can be asked of Oracle
 * Cloud (`WorkRequestSource`), and what the HTTP layer promises (`Upstream`). Types only.
 */
import type { Span } from '@opentelemetry/api';
import type { WorkRequestStatus } from './status.ts';
import type { ServiceName } from './catalog.ts';

/** What it takes to read one work request: everything a global id carries. */
export interface WorkRequestRef {
  readonly service: ServiceName;
  /** Region id, e.g. `us-ashburn-1`. */
  readonly region: string;
  /** As OCI knows it: an OCID, or a UUID for Object Storage. */
  readonly workRequestId: string;
  /** Path part that some APIs need and report (Logging Analytics). */
  readonly namespace?: string;
}

export interface WorkRequestResource {
  readonly entityType: string | null;
  readonly actionType: string | null;
  readonly identifier: string | null;
  /** As upstream says it: relative or absolute. Never called. */
  readonly entityUri: string | null;
  readonly extras: Readonly<Record<string, unknown>> | null;
}

export interface WorkRequestError {
  readonly code: string;
  readonly message: string;
  readonly timestamp: Date | null;
  readonly isRetryable: boolean | null;
}

export interface WorkRequestLogEntry {
  readonly message: string;
  readonly timestamp: Date | null;
}

/** One work request as it was observed once; immutable. */
export interface WorkRequest {
  /** Global id: the ref as clients hold it. */
  readonly id: string;
  readonly ref: WorkRequestRef;
  readonly compartmentId: string | null;
  readonly operationType: string | null;
  readonly status: WorkRequestStatus;
  /** Upstream's own word; `''` when there was none. */
  readonly rawStatus: string;
  /** Nothing will change any more: a terminal status, or `timeFinished` is set. */
  readonly isTerminal: boolean;
  /** Its state allows a cancel; whether the API has one says the catalog. */
  readonly isCancelable: boolean;
  /** 0 to 100. */
  readonly percentComplete: number | null;
  readonly timeAccepted: Date | null;
  readonly timeStarted: Date | null;
  readonly timeUpdated: Date | null;
  readonly timeFinished: Date | null;
  readonly resources: readonly WorkRequestResource[] | null;
  /** Errors and logs that the get itself carries; undefined where the API has an endpoint of its own, or none. */
  readonly embeddedErrors?: readonly WorkRequestError[];
  readonly embeddedLogs?: readonly WorkRequestLogEntry[];
  readonly extras: Readonly<Record<string, unknown>>;
  /** Whether all fields are known, or only those of a list item of this API. */
  readonly origin: 'get' | 'list';
  readonly etag: string | null;
  /** `retry-after` of the get that brought this state, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** When the gateway had the answer, in milliseconds since the epoch. */
  readonly observedAt: number;
  /** Only its progress is news: the rest is older than what is known, or not all there. */
  readonly isPartial?: boolean;
  /** True when a later attempt to read it failed. */
  readonly isStale?: boolean;
  /** Whoever is told may not see it any more: as far as it was told before, and nothing further is read. */
  readonly isOutOfSight?: true;
}

/** One page of errors, logs or work requests. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Upstream's token for the next page; null at the end. */
  readonly nextPage: string | null;
  /** One for each item that could not be read (no id, not an object). */
  readonly malformed: readonly string[];
}

export interface ListQuery {
  readonly service: ServiceName;
  readonly region: string;
  readonly compartmentId: string;
  /** Required parents and native filters by their native names: `loadBalancerId`, `namespaceName`, `resourceId`, … */
  readonly params?: Readonly<Record<string, string>>;
  readonly limit?: number;
  readonly page?: string;
}

export interface PageQuery {
  readonly limit?: number;
  readonly page?: string;
}

/** All that can be asked about work requests, the same for every service. Failures are thrown as `UpstreamError`. */
export interface WorkRequestSource {
  /**
   * The same ref with the path parts its API needs (a Logging Analytics namespace that a raw id does not tell).
   * null: there is none in that region, so the work request cannot be there.
   */
  complete(ref: WorkRequestRef): Promise<WorkRequestRef | null>;
  /** The tenancy's Logging Analytics namespace in a region, part of all paths there; null: it has none. */
  namespaceOf(service: ServiceName, region: string): Promise<string | null>;
  /** null: absent or forbidden, upstream tells no difference. */
  get(ref: WorkRequestRef): Promise<WorkRequest | null>;
  list(query: ListQuery): Promise<Page<WorkRequest>>;
  /** null: this API has none. `compartmentId` is sent where the row requires it. */
  errors(
    ref: WorkRequestRef,
    compartmentId: string | null,
    page: PageQuery,
  ): Promise<Page<WorkRequestError> | null>;
  logs(
    ref: WorkRequestRef,
    compartmentId: string | null,
    page: PageQuery,
  ): Promise<Page<WorkRequestLogEntry> | null>;
  cancel(ref: WorkRequestRef, options?: { readonly ifMatch?: string }): Promise<void>;
}

/** What calls are made for: one operation of a caller. */
export interface Errand {
  /** When its answer is due, in milliseconds since the epoch: nothing is asked or waited for any longer. */
  readonly endsAt: number;
  /** Counts the calls that it causes. */
  readonly meter?: Meter | undefined;
  /** Whose they are; without: nobody's, as with polls. */
  readonly mark?: Mark;
  /** Its reads are shared with those only who have the same word: how soon an answer is there tells that somebody else asked. */
  readonly apart?: string;
  /** Nobody waits for it, as with polls: its calls wait for their turn as long as it takes, and have their time from then. */
  readonly isPatient?: true;
  /** Of a patient one, asked while its calls wait: what nobody wants any more is not asked of Oracle Cloud. */
  readonly isWanted?: (() => boolean) | undefined;
}

/** What an operation is known by in logs and traces. */
export interface Mark {
  readonly requestId: string;
  /** null: nobody traces. */
  readonly span: Span | null;
}

export interface Meter {
  /** HTTP requests sent to Oracle Cloud, retries included. */
  calls: number;
}

/** One call to Oracle Cloud. `origin` and `path` come from the catalog and the allowed regions, never from an id. */
export interface UpstreamRequest {
  readonly service: ServiceName;
  readonly region: string;
  readonly method: 'GET' | 'DELETE';
  /** e.g. `https://containerengine.us-ashburn-1.oci.oraclecloud.com` */
  readonly origin: string;
  /** Base path, path and query, percent-encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A complete 2xx answer (or 304 to `if-none-match`). */
export interface UpstreamAnswer {
  readonly status: number;
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined when the body was empty. */
  readonly body: unknown;
  readonly opcRequestId: string | null;
  /** Ordinal of the attempt that was answered: tells which of two was sent first, also where the wall clock jumps. */
  readonly ordinal: number;
}

export interface Upstream {
  /**
   * Signs, budgets, retries, caps and checks one call. Identical GETs in flight share one, which the errand counts that
   * caused it.
   * @param errand what it is made for; null: it has all the time that a call may take
   * @throws UpstreamError: UPSTREAM_* codes, UNAUTHENTICATED (401), FORBIDDEN (403), NOT_FOUND (404), BAD_USER_INPUT (400)
   */
  call(request: UpstreamRequest, errand?: Errand | null): Promise<UpstreamAnswer>;
  /** Resolved when the patient calls to this place that wait by now have had their turn; null: none waits. */
  backlog(place: Pick<UpstreamRequest, 'service' | 'region'>): Promise<void> | null;
  close(): Promise<void>;
}

/** Time, handed in so that tests can hold it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment: they never jump, whatever is done to the wall clock. */
  passed(): number;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
