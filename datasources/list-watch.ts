/** What it takes to watch a list: where to look, what to tell of, and further places as they are found. */
import { catalog } from './catalog.ts';
import type { Place } from './discovery.ts';
import { matches, needsWhole } from './filters.ts';
import type { ParentFinder } from './parents.ts';
import { checkCalls, checkScope, isHidden, placesIn } from './sweep.ts';
import type { SweepDependencies, SweepQuery } from './sweep.ts';
import type { WorkRequest } from './types.ts';

export type ListScope = Pick<
  SweepQuery,
  'compartmentId' | 'includeSubcompartments' | 'services' | 'regions' | 'filter'
>;

export interface ListWatchPlan {
  readonly places: readonly Place[];
  /** The compartment that is said to be absent where nobody knows anything of it; null: nobody is asked. */
  readonly absent: Pick<Place, 'compartmentId'> | null;
  readonly matches: (workRequest: WorkRequest) => boolean;
  readonly wantsWhole: (place: Place) => boolean;
  /** What of it may be seen, and when that may have changed; without: all. */
  readonly sight?: {
    readonly maySee: (workRequest: WorkRequest) => boolean;
    /** @returns how to call it off */
    readonly onChange: (listener: () => void) => () => void;
  };
  /** What may come to it: compartments below (`place` is where they are asked for), and what comes into view. */
  readonly more: {
    readonly find: () => Promise<readonly Place[]>;
    readonly place: Place;
    readonly isBelow: boolean;
  } | null;
}

/** @throws GatewayError BAD_USER_INPUT */
export const planListWatch = (
  scope: ListScope,
  {
    parents,
    ...dependencies
  }: Pick<SweepDependencies, 'endpoints' | 'maxCalls' | 'mayAsk'> & {
    readonly parents: Pick<ParentFinder, 'subtreeOf'>;
  },
): ListWatchPlan => {
  checkScope(scope);
  const { compartmentId, filter, includeSubcompartments: isBelow } = scope;
  const places = placesIn([compartmentId], scope, dependencies);
  return {
    places,
    absent: places.length > 0 || isHidden(scope, dependencies) ? { compartmentId } : null,
    matches: (workRequest) => matches(filter, workRequest),
    wantsWhole: ({ service }) => needsWhole(filter, catalog[service]),
    more:
      isBelow || dependencies.mayAsk !== undefined
        ? {
            isBelow,
            place: { service: 'IDENTITY', region: dependencies.endpoints.homeRegion, compartmentId },
            async find() {
              const subtree = isBelow ? await parents.subtreeOf(compartmentId) : [];
              const below = subtree.filter((id) => id !== compartmentId);
              checkCalls(below, scope, dependencies);
              return placesIn([compartmentId, ...below], scope, dependencies);
            },
          }
        : null,
  };
};
