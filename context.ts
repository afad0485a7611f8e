/** What a resolver is given: all it needs to know and to ask, made anew for each operation. Types only. */
import type { Logger } from 'pino';
import type { Api } from './datasources/api.ts';
import type { Cancellation } from './datasources/cancel.ts';
import type { ServiceName } from './datasources/catalog.ts';
import type { ListScope } from './datasources/list-watch.ts';
import type { Loaders } from './datasources/loaders.ts';
import type { Region } from './datasources/regions.ts';
import type { Router } from './datasources/routing.ts';
import type { SweepPage, SweepQuery } from './datasources/sweep.ts';
import type { Meter, WorkRequest, WorkRequestRef } from './datasources/types.ts';
import type { Cursors } from './resolvers/cursors.ts';
import type { WatchEvent } from './subscriptions/events.ts';
import type { Waited } from './subscriptions/waiting.ts';

export interface Context {
  /** Whose token the operation came with; null: nobody's in particular. */
  readonly caller: string | null;
  /** Of what the caller may see: the same for the same; `''`: everything. */
  readonly view: string;
  /** Whether the caller may, whatever its state. */
  readonly mayCancel: (workRequest: WorkRequest) => boolean;
  /** Reads, batched and de-duplicated within this operation; a subscription's remember nothing from event to event. */
  readonly loaders: Loaders;
  /** One page of the list over services, regions and compartments. @throws GatewayError BAD_USER_INPUT */
  readonly sweep: (query: SweepQuery) => Promise<SweepPage>;
  /** Cancels; what stands in the way is data. @throws UpstreamError where not even the state could be read */
  readonly cancel: (ref: WorkRequestRef) => Promise<Cancellation>;
  /** From ids to where to ask. */
  readonly router: Router;
  /** Changes of one work request, as they are observed. */
  readonly watch: (ref: WorkRequestRef) => Promise<AsyncIterableIterator<WatchEvent>>;
  /** What is in a list and what is added, with all changes. @throws GatewayError BAD_USER_INPUT */
  readonly watchList: (
    scope: ListScope,
  ) => AsyncIterableIterator<WatchEvent> | Promise<AsyncIterableIterator<WatchEvent>>;
  /** Watches it until it needs no more waiting; what is read after that is read anew, and has its own time. */
  readonly waitFor: (ref: WorkRequestRef, timeoutMs: number) => Promise<Waited>;
  /** Every work-request API, by name. */
  readonly catalog: Readonly<Record<ServiceName, Api<ServiceName>>>;
  /** The regions this gateway may call. */
  readonly regions: readonly Region[];
  readonly cursors: Cursors;
  /** No mutation reaches Oracle Cloud. */
  readonly isReadOnly: boolean;
  /** Counts the calls to Oracle Cloud that this operation causes. */
  readonly meter: Meter;
  readonly log: Logger;
}
