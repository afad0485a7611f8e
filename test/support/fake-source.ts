/** A source of work requests that lives in memory: what there is is the test's, what was asked is on record. */
import { catalog } from '../../datasources/catalog.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import { createObservations } from '../../datasources/observations.ts';
import type { Observations } from '../../datasources/observations.ts';
import type {
  ListQuery,
  Page,
  WorkRequest,
  WorkRequestError,
  WorkRequestRef,
  WorkRequestSource,
} from '../../datasources/types.ts';
import { workRequestOf } from './oci-bodies.ts';

export interface Resident {
  readonly ref: WorkRequestRef;
  readonly compartmentId: string;
}

export interface FakeSourceOptions {
  /** In the order in which lists show them. */
  readonly residents: readonly Resident[];
  readonly pageSize?: number;
  /** A call that fails; `call` as it stands in `calls`. */
  readonly failure?: (call: string) => Error | undefined;
  /** Whether lists show it at all. */
  readonly isListed?: (ref: WorkRequestRef) => boolean;
  /** Fields of the answer, by origin. */
  readonly fields?: (ref: WorkRequestRef, origin: 'get' | 'list') => Readonly<Record<string, unknown>>;
  /** What refs are completed with, where their API needs it. */
  readonly namespace?: string | null;
}

export interface FakeSource extends WorkRequestSource {
  readonly observations: Observations;
  /** `get <id>`, `list <compartment> <page>`, `errors <id> <page>`, `logs <id> <page>`, one each. */
  readonly calls: readonly string[];
  readonly listQueries: readonly ListQuery[];
  takeCalls(): readonly string[];
  /** The most calls that were under way at one time. */
  readonly mostAtOnce: number;
  /** Makes everything known, as lists do that were read before. */
  see(...residents: readonly Resident[]): void;
}

export const createFakeSource = ({
  residents,
  pageSize = 100,
  failure = () => undefined,
  isListed = () => true,
  fields = () => ({}),
  namespace = 'acme',
}: FakeSourceOptions): FakeSource => {
  const observations = createObservations({ capacity: 2_000 });
  const calls: string[] = [];
  const listQueries: ListQuery[] = [];
  const byId = new Map(residents.map((resident) => [globalIdOf(resident.ref), resident]));
  let taken = 0;
  let recorded = 0;
  let running = 0;
  let mostAtOnce = 0;

  const answer = async <T>(call: string, make: () => T): Promise<T> => {
    calls.push(call);
    running += 1;
    mostAtOnce = Math.max(mostAtOnce, running);
    await Promise.resolve();
    running -= 1;
    const error = failure(call);
    if (error) throw error;
    return make();
  };
  const observe = ({ ref, compartmentId }: Resident, origin: 'get' | 'list'): WorkRequest =>
    observations.record(
      workRequestOf({ compartmentId, ...fields(ref, origin) }, { ref, origin }),
      (recorded += 1),
    );
  const part =
    (kind: 'errors' | 'logs') =>
    (ref: WorkRequestRef, _: string | null, { page }: { page?: string }) =>
      answer(`${kind} ${ref.workRequestId} ${page ?? ''}`.trim(), (): Page<WorkRequestError> | null =>
        typeof catalog[ref.service][kind] === 'string'
          ? null
          : {
              items: [
                { code: 'c', message: `${kind} of ${ref.workRequestId}`, timestamp: null, isRetryable: null },
              ],
              nextPage: null,
              malformed: [],
            },
      );

  return {
    observations,
    calls,
    listQueries,
    takeCalls() {
      const some = calls.slice(taken);
      taken = calls.length;
      return some;
    },
    get mostAtOnce() {
      return mostAtOnce;
    },
    see: (...some) => some.forEach((resident) => observe(resident, 'list')),
    async complete(ref) {
      if (!catalog[ref.service].needsNamespace || ref.namespace !== undefined) return ref;
      return namespace === null ? null : { ...ref, namespace };
    },
    get: (ref) =>
      answer(`get ${ref.workRequestId}`, () => {
        const resident = byId.get(globalIdOf(ref));
        return resident ? observe(resident, 'get') : null;
      }),
    list(query) {
      listQueries.push(query);
      const { service, region, compartmentId, limit = pageSize, page = '0', params } = query;
      return answer(`list ${compartmentId} ${page}`, () => {
        const size = Math.min(limit, pageSize);
        const all = residents.filter(
          ({ ref, ...resident }) =>
            ref.service === service &&
            ref.region === region &&
            resident.compartmentId === compartmentId &&
            ref.namespace === params?.['namespaceName'] &&
            isListed(ref),
        );
        const end = Number(page) + size;
        const items = all.slice(Number(page), end).map((resident) => observe(resident, 'list'));
        return { items, nextPage: end < all.length ? String(end) : null, malformed: [] };
      });
    },
    errors: part('errors'),
    logs: part('logs'),
    namespaceOf: async () => null,
    cancel: (ref) => answer(`cancel ${ref.workRequestId}`, () => undefined),
  };
};
