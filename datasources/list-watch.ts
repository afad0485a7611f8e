/** What it takes to watch a list: where to look, what to tell of, and further places as they are found. */
import { catalog } from './catalog.ts';
import type { Place } from './discovery.ts';
import { matches, needsWhole } from './filters.ts';
import type { ParentFinder } from './parents.ts';
import { checkCalls, checkScope, placesIn } from './sweep.ts';
import type { SweepDependencies, SweepQuery } from './sweep.ts';
import type { WorkRequest } from './types.ts';

export type ListScope = Pick<
  SweepQuery,
  'compartmentId' | 'includeSubcompartments' | 'services' | 'regions' | 'filter'
>;

export interface ListWatchPlan {
  readonly places: readonly Place[];
  readonly matches: (workRequest: WorkRequest) => boolean;
  readonly wantsWhole: (place: Place) => boolean;
  /** The compartments below. `place` is where they are asked for. */
  readonly more: { readonly find: () => Promise<readonly Place[]>; readonly place: Place } | null;
}

/** @throws GatewayError BAD_USER_INPUT */
export const planListWatch = (
  scope: ListScope,
  {
    parents,
    ...dependencies
  }: Pick<SweepDependencies, 'endpoints' | 'maxCalls'> & {
    readonly parents: Pick<ParentFinder, 'subtreeOf'>;
  },
): ListWatchPlan => {
  checkScope(scope);
  const { compartmentId, filter } = scope;
  return {
    places: placesIn([compartmentId], scope, dependencies),
    matches: (workRequest) => matches(filter, workRequest),
    wantsWhole: ({ service }) => needsWhole(filter, catalog[service]),
    more: scope.includeSubcompartments
      ? {
          place: { service: 'IDENTITY', region: dependencies.endpoints.homeRegion, compartmentId },
          async find() {
            const subtree = await parents.subtreeOf(compartmentId);
            const below = subtree.filter((id) => id !== compartmentId);
            checkCalls(below, scope, dependencies);
            return placesIn(below, scope, dependencies);
          },
        }
      : null,
  };
};
