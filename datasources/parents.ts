/**
 * What a sweep has to know before it can ask: the parents some lists are asked by (load balancers, blockchain platforms,
 * WAAS policies, the Log Analytics namespace), and the compartments below a compartment. Each is asked for once a
 * minute at most, however many sweeps want it.
 */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { UpstreamError } from '../errors.ts';
import { failureOf } from './answers.ts';
import type { Api } from './api.ts';
import { catalog } from './catalog.ts';
import type { ServiceName } from './catalog.ts';
import type { Endpoints } from './endpoints.ts';
import { late } from './flight.ts';
import { inTime } from './in-time.ts';
import type { Clock, Errand, Upstream } from './types.ts';
import type { Sources } from './work-requests.ts';

export interface ParentFinder {
  /**
   * The parameter sets with which a list of this API covers a compartment: `[{}]` where it needs no parent, one for
   * each parent, `[]` where there is none. @throws UpstreamError
   */
  paramsFor(api: Api<ServiceName>, region: string, compartmentId: string): Promise<readonly ListParams[]>;
  /** The compartment itself and all that lie in it. @throws UpstreamError */
  subtreeOf(compartmentId: string): Promise<readonly string[]>;
}

/** Asked on, and remembered, also where those who wanted to know could not wait any longer. */
export interface ParentFinders {
  for(errand: Errand): ParentFinder;
}

export type ListParams = Readonly<Record<string, string>>;

const keptMs = 60_000;
const pageLimit = 100;
/** Pages of parents that are followed: 5,000 load balancers, 10,000 compartments are more than a sweep can ask. */
const maxPages = 100;

const withId = z.object({ id: z.string().min(1) });
const compartment = z.object({
  id: z.string().min(1),
  compartmentId: z.string(),
  lifecycleState: z.string().optional(),
});
type Compartment = z.infer<typeof compartment>;

export const createParentFinders = ({
  upstream,
  endpoints,
  source,
  tenancyId,
  clock,
}: {
  readonly upstream: Upstream;
  readonly endpoints: Endpoints;
  readonly source: Pick<Sources, 'for'>;
  readonly tenancyId: () => Promise<string>;
  readonly clock: Clock;
}): ParentFinders => {
  const parents = new LRUCache<string, Promise<readonly ListParams[]>>({
    max: 10_000,
    ttl: keptMs,
    // Time as it is handed in, not as it was a moment ago; zero would be no time to it.
    ttlResolution: 0,
    perf: { now: () => clock.passed() + 1 },
  });
  let tree: {
    /** By `clock.passed()`. */
    readonly until: number;
    readonly children: Promise<ReadonlyMap<string, readonly string[]>>;
  } | null = null;

  const listAll = async <T>(
    errand: Errand,
    api: Api<ServiceName>,
    region: string,
    path: string,
    query: Readonly<Record<string, string>>,
    bareArray: boolean,
    item: z.ZodType<T>,
  ): Promise<T[]> => {
    const { origin, prefix } = endpoints.of(api, region);
    const shape = bareArray
      ? z.array(item)
      : z.object({ items: z.array(item) }).transform(({ items }) => items);
    const all: T[] = [];
    const asked = new Set<string>();
    let page: string | undefined;
    do {
      const search = new URLSearchParams({ ...query, limit: String(pageLimit), ...(page && { page }) });
      const target = `${prefix}${path}?${search.toString()}`;
      const request = { service: api.name, region, method: 'GET', origin, path: target } as const;
      const answer = await upstream.call(request, errand);
      const read = shape.safeParse(answer.body);
      if (!read.success) throw unreadable(api, region, path, answer.opcRequestId);
      all.push(...read.data);
      page = answer.headers['opc-next-page'] || undefined;
      if (page !== undefined && asked.has(page)) break;
      if (page !== undefined) asked.add(page);
    } while (page !== undefined && asked.size < maxPages);
    return all;
  };

  const findParams = async (
    errand: Errand,
    api: Api<ServiceName>,
    region: string,
    compartmentId: string,
  ): Promise<readonly ListParams[]> => {
    if (api.needsNamespace) {
      const namespaceName = await source.for(errand).namespaceOf(api.name, region);
      return namespaceName === null ? [] : [{ namespaceName }];
    }
    if (api.parents === null) return [{}];
    const { param, path, bareArray = false } = api.parents;
    const found = await listAll(errand, api, region, path, { compartmentId }, bareArray, withId);
    return [...new Set(found.map(({ id }) => id))].map((id) => ({ [param]: id }));
  };

  /** `compartmentIdInSubtree` is for the tenancy alone: the tree is read whole, and any subtree cut out of it. */
  const readTree = async (errand: Errand): Promise<ReadonlyMap<string, readonly string[]>> => {
    const query = { compartmentId: await tenancyId(), compartmentIdInSubtree: 'true', accessLevel: 'ANY' };
    const all = await listAll<Compartment>(
      errand,
      catalog.IDENTITY,
      endpoints.homeRegion,
      '/compartments',
      query,
      true,
      compartment,
    );
    const active = all.filter(({ lifecycleState = 'ACTIVE' }) => lifecycleState === 'ACTIVE');
    const byParent = Map.groupBy(active, ({ compartmentId }) => compartmentId);
    return new Map([...byParent].map(([parent, children]) => [parent, children.map(({ id }) => id)]));
  };

  const paramsOf = (
    errand: Errand,
    api: Api<ServiceName>,
    region: string,
    compartmentId: string,
  ): Promise<readonly ListParams[]> => {
    // A namespace is the tenancy's, and the same for all of its service's APIs.
    const key = api.needsNamespace ? `${api.package} ${region}` : `${api.name} ${region} ${compartmentId}`;
    const known = parents.get(key);
    if (known) return known;
    const found = findParams(errand, api, region, compartmentId);
    parents.set(key, found);
    // A failure is not kept: the next sweep asks again.
    found.catch(() => parents.get(key) === found && parents.delete(key));
    return found;
  };

  const currentTree = (errand: Errand): Promise<ReadonlyMap<string, readonly string[]>> => {
    if (tree === null || tree.until <= clock.passed()) {
      const children = readTree(errand);
      const mine = { until: clock.passed() + keptMs, children };
      tree = mine;
      children.catch(() => tree === mine && (tree = null));
    }
    return tree.children;
  };

  return {
    for({ endsAt, meter }) {
      // Counted for whoever asks first, and with all the time that a call may take.
      const unhurried: Errand = { endsAt: Infinity, meter };
      const waitFor = <T>(work: Promise<T>, service: ServiceName, region: string): Promise<T> =>
        inTime(work, endsAt - clock.now(), clock, () => late({ service, region }));
      return {
        paramsFor(api, region, compartmentId) {
          if (api.parents === null && !api.needsNamespace) return Promise.resolve([{}]);
          return waitFor(paramsOf(unhurried, api, region, compartmentId), api.name, region);
        },

        async subtreeOf(compartmentId) {
          const children = await waitFor(currentTree(unhurried), 'IDENTITY', endpoints.homeRegion);
          const found = new Set([compartmentId]);
          for (const id of found) for (const child of children.get(id) ?? []) found.add(child);
          return [...found];
        },
      };
    },
  };
};

const unreadable = (
  api: Api<ServiceName>,
  region: string,
  path: string,
  opcRequestId: string | null,
): UpstreamError =>
  new UpstreamError(
    'UPSTREAM_MALFORMED',
    `${api.label} in ${region} answered no readable list at ${path}.`,
    failureOf({ service: api.name, region }, { opcRequestId }),
  );
