/**
 * What there is in one place: a whole list, or its newest part, read for those who watch it.
 *
 * A list that sorts by time of acceptance is read, newest first, until a page holds something that was seen before; any
 * other is read whole each time. Where more is there than is read at most, the rest is left out.
 */
import { catalog } from './catalog.ts';
import type { ServiceName } from './catalog.ts';
import type { ListParams, ParentFinder } from './parents.ts';
import type { ListQuery, Page, WorkRequest } from './types.ts';

export interface Place {
  readonly service: ServiceName;
  readonly region: string;
  readonly compartmentId: string;
}

export type Discover = (
  place: Place,
  /** null: the whole list is wanted. */
  isKnown: ((workRequest: WorkRequest) => boolean) | null,
) => Promise<readonly WorkRequest[]>;

const pageSize = 100;
/** Of a list that sorts, and of one that does not. */
const maxPages = 50;

export const createDiscover = ({
  list,
  parents,
}: {
  readonly list: (query: ListQuery) => Promise<Page<WorkRequest>>;
  readonly parents: Pick<ParentFinder, 'paramsFor'>;
}): Discover => {
  const readList = async (
    place: Place,
    params: ListParams,
    isKnown: Parameters<Discover>[1],
  ): Promise<readonly WorkRequest[]> => {
    const api = catalog[place.service];
    const isSorted = api.sortBy !== null && !api.listLacks.has('timeAccepted');
    const sorting: ListParams =
      isSorted && api.sortBy !== null ? { sortBy: api.sortBy, sortOrder: 'DESC' } : {};
    const found: WorkRequest[] = [];
    const asked = new Set<string>();
    let page: string | null = null;
    do {
      if (page !== null) asked.add(page);
      const query: ListQuery = { ...place, params: { ...params, ...sorting }, limit: pageSize };
      const answer = await list(page === null ? query : { ...query, page });
      // Lists by a parent may hold what was moved between compartments since.
      const own = answer.items.filter(
        ({ compartmentId }) =>
          api.parents !== null || compartmentId === null || compartmentId === place.compartmentId,
      );
      found.push(...own);
      page = answer.nextPage;
      if (isSorted && isKnown !== null && own.some(isKnown)) break;
    } while (page !== null && !asked.has(page) && asked.size < maxPages - 1);
    return found;
  };

  return async (place, isKnown) => {
    const all = await parents.paramsFor(catalog[place.service], place.region, place.compartmentId);
    const lists = await Promise.all(all.map((params) => readList(place, params, isKnown)));
    return lists.flat();
  };
};
