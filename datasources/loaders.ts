/**
 * DataLoaders and the batching policy. One set per operation; nothing is cached between them, nor between the events
 * of a subscription.
 *
 * No work-request API reads several ids at once. What most have is a list whose items hold every field, so the ids of
 * one (service, region, compartment) that are asked for together become one list, and what the list does not bring is
 * read one by one. A list's pages are followed only while they bring some of what is sought, so a batch of K ids takes
 * at most K + 1 calls, and usually one page; no list is read twice.
 */
import DataLoader from 'dataloader';
import { UpstreamError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { catalog } from './catalog.ts';
import { globalIdOf } from './ids.ts';
import type { Observations } from './observations.ts';
import type {
  Page,
  WorkRequest,
  WorkRequestError,
  WorkRequestLogEntry,
  WorkRequestRef,
  WorkRequestSource,
} from './types.ts';

/** How much of a work request is needed: what a list item of its API holds, or all that a get brings. */
export type Depth = 'listItem' | 'get';

export interface Loaders {
  /** null: absent, or forbidden. @throws UpstreamError */
  workRequest(ref: WorkRequestRef, depth: Depth): Promise<WorkRequest | null>;
  /** null: this API has none. `page` is upstream's own token. @throws UpstreamError */
  errors(workRequest: WorkRequest, page?: string): Promise<Page<WorkRequestError> | null>;
  logs(workRequest: WorkRequest, page?: string): Promise<Page<WorkRequestLogEntry> | null>;
}

/** Items asked for in one page; every API takes as many. */
export const pageSize = 100;

interface Wanted {
  readonly ref: WorkRequestRef;
  readonly depth: Depth;
}
type Answer = WorkRequest | null | Error;

/** One id of a batch. It is told its answer as soon as that is there: one that is slow holds up no other. */
interface Seat {
  readonly wanted: Wanted;
  readonly answer: Promise<WorkRequest | null>;
  /** The first time counts. */
  tell(answer: Answer): void;
}

interface Found {
  has(key: string): boolean;
  get(key: string): Answer | undefined;
  set(key: string, answer: Answer): void;
}

export const createLoaders = ({
  source,
  observations,
  cache,
  isLate = () => false,
}: {
  readonly source: WorkRequestSource;
  readonly observations: Pick<Observations, 'compartmentOf'>;
  /** Whether an answer is remembered until the request ends; false where there is no such end (subscriptions). */
  readonly cache: boolean;
  /** Whether time presses: what is left is asked for at once then, even where steps could save calls. */
  readonly isLate?: () => boolean;
}): Loaders => {
  const workRequests = new DataLoader<Wanted, Seat, string>(async (wanted) => readBatch(wanted), {
    cacheKeyFn: ({ ref, depth }) => `${depth} ${globalIdOf(ref)}`,
    cache,
  });

  const readBatch = (wanted: readonly Wanted[]): readonly Seat[] => {
    const seats = wanted.map((one) => createSeat(one));
    const places = Map.groupBy(seats, ({ wanted: { ref } }) => `${ref.service} ${ref.region}`);
    for (const some of places.values()) {
      readPlace(some).catch((error: unknown) => some.forEach((seat) => seat.tell(asError(error))));
    }
    return seats;
  };

  const readPlace = async (seats: readonly Seat[]): Promise<void> => {
    const distinct = new Map<string, Wanted>();
    const waiting = new Map<string, Seat[]>();
    await Promise.all(
      seats.map(async (seat) => {
        const { depth } = seat.wanted;
        const ref = await settle(source.complete(seat.wanted.ref));
        if (ref === null || ref instanceof Error) return seat.tell(ref);
        const key = globalIdOf(ref);
        const needsGet = depth === 'get' || distinct.get(key)?.depth === 'get';
        distinct.set(key, { ref, depth: needsGet ? 'get' : 'listItem' });
        waiting.set(key, [...(waiting.get(key) ?? []), seat]);
      }),
    );
    const found = createFound((key, answer) => {
      for (const seat of waiting.get(key) ?? []) {
        seat.tell(answer);
        // What a get told answers both depths, whichever was asked for.
        if (answer instanceof Error || answer?.origin === 'list') continue;
        const { ref } = seat.wanted;
        for (const depth of ['listItem', 'get'] as const) workRequests.prime({ ref, depth }, seat);
      }
    });
    const groups = Map.groupBy(distinct.values(), ({ ref }) => ref.namespace ?? '');
    await Promise.all([...groups.values()].map((group) => readGroup(group, found)));
    for (const seat of seats) seat.tell(null);
  };

  /** Ids of one service and region. Compartments are those seen before; where none is known, a first get teaches one. */
  const readGroup = async (group: readonly Wanted[], found: Found): Promise<void> => {
    const listable = group.filter(
      ({ ref, depth }) => depth === 'listItem' && catalog[ref.service].readsByList,
    );
    const alone = group.filter((wanted) => !listable.includes(wanted));
    await Promise.all([
      readEach(
        alone.map(({ ref }) => ref),
        found,
      ),
      readListable(
        listable.map(({ ref }) => ref),
        found,
      ),
    ]);
  };

  const readListable = async (refs: readonly WorkRequestRef[], found: Found): Promise<void> => {
    const known = Map.groupBy(refs, (ref) => observations.compartmentOf(ref));
    const unknown = known.get(null) ?? [];
    known.delete(null);
    const listed = new Set<string>();
    const missing = await Promise.all(
      [...known].map(async ([compartmentId, some]) => {
        if (compartmentId === null || some.length < 2) return some;
        listed.add(compartmentId);
        return readFromList(compartmentId, some, found, unknown);
      }),
    );
    const unread = unknown.filter((ref) => !found.has(globalIdOf(ref)));
    await Promise.all([readEach(missing.flat(), found), learn(unread, found, listed)]);
  };

  /**
   * Reads ids of unknown compartments: one get, then the list of the compartment it was in, as long as that pays.
   * Where a get teaches nothing (absent, or in a compartment that was listed) the next ones are tried several at a time.
   */
  const learn = async (
    refs: readonly WorkRequestRef[],
    found: Found,
    listed: Set<string>,
    tries = 1,
  ): Promise<void> => {
    // Two ids are two calls either way, and gets run side by side.
    if (refs.length - tries < 2) return readEach(refs, found);
    const [first, others] = [refs.slice(0, tries), refs.slice(tries)];
    await readEach(first, found);
    const failures = first
      .map((ref) => found.get(globalIdOf(ref)))
      .filter((answer) => answer instanceof Error);
    const refusal = failures.find((failure) => isOneOf(refusesAll, failure));
    if (refusal) return others.forEach((ref) => found.set(globalIdOf(ref), refusal));
    // Time was lost: no more steps one after the other.
    if (isLate() || failures.some((failure) => isOneOf(takesTime, failure))) return readEach(others, found);
    const compartments = new Set<string>();
    for (const ref of first) {
      const compartmentId = observations.compartmentOf(ref);
      if (compartmentId !== null && !listed.has(compartmentId)) compartments.add(compartmentId);
    }
    if (compartments.size === 0) return learn(others, found, listed, tries * 4);
    let missing: readonly WorkRequestRef[] = others;
    for (const compartmentId of compartments) {
      listed.add(compartmentId);
      missing = await readFromList(compartmentId, missing, found);
    }
    return missing.length < others.length ? learn(missing, found, listed) : readEach(missing, found);
  };

  /**
   * @param hopefuls ids that may be there too: taken where they turn up, no page is read for them
   * @returns what the list of the compartment did not bring
   */
  const readFromList = async (
    compartmentId: string,
    refs: readonly WorkRequestRef[],
    found: Found,
    hopefuls: readonly WorkRequestRef[] = [],
  ): Promise<readonly WorkRequestRef[]> => {
    const [any] = refs;
    if (any === undefined || refs.length < 2) return refs;
    const { service, region, namespace } = any;
    const sought = new Map(refs.map((ref) => [globalIdOf(ref), ref]));
    const hoped = new Set(hopefuls.map(globalIdOf));
    const api = catalog[service];
    const params = {
      ...(namespace !== undefined && { namespaceName: namespace }),
      ...(api.sortBy !== null && { sortBy: api.sortBy, sortOrder: 'DESC' }),
    };
    let page: string | undefined;
    try {
      do {
        const answer = await source.list({
          service,
          region,
          compartmentId,
          params,
          limit: pageSize,
          ...(page && { page }),
        });
        const before = sought.size;
        for (const item of answer.items) {
          if (sought.delete(item.id) || hoped.has(item.id)) found.set(item.id, item);
        }
        page = sought.size < before ? (answer.nextPage ?? undefined) : undefined;
      } while (page !== undefined && sought.size > 1 && !isLate());
    } catch (error) {
      // Whoever may get may still not list, and a list can fail alone; but no more is asked where time or budget is up.
      if (error instanceof UpstreamError && !isOneOf(endsTheBatch, error)) return [...sought.values()];
      for (const key of sought.keys()) found.set(key, asError(error));
      return [];
    }
    return [...sought.values()];
  };

  const readEach = async (refs: readonly WorkRequestRef[], found: Found): Promise<void> => {
    await Promise.all(
      refs.map(async (ref) => {
        found.set(globalIdOf(ref), await settle(source.get(ref)));
      }),
    );
  };

  /** Each page of errors or logs is read once, however often it is selected. */
  const createPartLoader = <T>(
    read: (workRequest: WorkRequest, page: string | undefined) => Promise<Page<T> | null>,
  ): ((workRequest: WorkRequest, page?: string) => Promise<Page<T> | null>) => {
    type Key = { readonly workRequest: WorkRequest; readonly page: string | undefined };
    const keyOf = ({ workRequest, page }: Key): string => `${workRequest.id} ${page ?? ''}`;
    const pages = new DataLoader<Key, Page<T> | null, string>(
      (keys) => {
        const reads = new Map<string, Promise<Page<T> | null | Error>>();
        return Promise.all(
          keys.map((key) => {
            const running = reads.get(keyOf(key)) ?? settle(read(key.workRequest, key.page));
            reads.set(keyOf(key), running);
            return running;
          }),
        );
      },
      { cacheKeyFn: keyOf, cache },
    );
    return (workRequest, page) => pages.load({ workRequest, page });
  };

  const load: Loaders['workRequest'] = async (ref, depth) => (await workRequests.load({ ref, depth })).answer;

  /** Its own word, or where it was listed. */
  const compartmentOf = ({ ref, compartmentId }: WorkRequest): string | null =>
    compartmentId ?? observations.compartmentOf(ref);

  /** Embedded parts come with the get; a list item may lack them. */
  const readEmbedded = async <T>(
    workRequest: WorkRequest,
    pick: (complete: WorkRequest) => readonly T[] | undefined,
  ): Promise<Page<T>> => {
    const items = pick(workRequest) ?? pick((await load(workRequest.ref, 'get')) ?? workRequest) ?? [];
    return { items, nextPage: null, malformed: [] };
  };

  return {
    workRequest: load,
    errors: createPartLoader((workRequest, page) =>
      catalog[workRequest.ref.service].errors === 'embedded'
        ? readEmbedded(workRequest, (complete) => complete.embeddedErrors)
        : source.errors(workRequest.ref, compartmentOf(workRequest), {
            limit: pageSize,
            ...(page && { page }),
          }),
    ),
    logs: createPartLoader((workRequest, page) =>
      catalog[workRequest.ref.service].logs === 'embedded'
        ? readEmbedded(workRequest, (complete) => complete.embeddedLogs)
        : source.logs(workRequest.ref, compartmentOf(workRequest), {
            limit: pageSize,
            ...(page && { page }),
          }),
    ),
  };
};

const createSeat = (wanted: Wanted): Seat => {
  const { promise, resolve, reject } = Promise.withResolvers<WorkRequest | null>();
  return {
    wanted,
    answer: promise,
    tell: (answer) => (answer instanceof Error ? reject(answer) : resolve(answer)),
  };
};

const createFound = (onFound: (key: string, answer: Answer) => void): Found => {
  const answers = new Map<string, Answer>();
  return {
    has: (key) => answers.has(key),
    get: (key) => answers.get(key),
    set(key, answer) {
      answers.set(key, answer);
      onFound(key, answer);
    },
  };
};

/** Whoever asked, for whatever: the next call would hear the same. */
const refusesAll: ReadonlySet<ErrorCode> = new Set(['UPSTREAM_THROTTLED', 'UNAUTHENTICATED']);
/** What is told only after all the time that a call has. */
const takesTime: ReadonlySet<ErrorCode> = new Set(['UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE']);
/** A list that fails so is not made up for by gets. */
const endsTheBatch: ReadonlySet<ErrorCode> = new Set([...refusesAll, 'UPSTREAM_TIMEOUT']);

const isOneOf = (codes: ReadonlySet<ErrorCode>, error: Error): boolean =>
  error instanceof UpstreamError && codes.has(error.code);

/** A failure as a value, the way DataLoader takes it. */
const settle = async <T>(promise: Promise<T>): Promise<T | Error> => {
  try {
    return await promise;
  } catch (error) {
    return asError(error);
  }
};

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
