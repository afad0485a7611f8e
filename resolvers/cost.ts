/** What the fields cost whose arguments decide it: calls to Oracle Cloud, worked out before any is made. */
import type { Context } from '../context.ts';
import type { ServiceName } from '../datasources/catalog.ts';
import type { SweepScope } from '../datasources/sweep-cost.ts';
import type { CallEstimator } from '../doors/cost/index.ts';
import type { QueryWorkRequestsArgs } from '../schema/generated.ts';
import { lacks } from './selection.ts';

export const createEstimators = ({
  catalog,
  router,
  estimateSweep,
}: Pick<Context, 'catalog'> & {
  readonly router: Pick<Context['router'], 'routeRegions'>;
  readonly estimateSweep: (scope: SweepScope) => number;
}): Readonly<Record<string, CallEstimator>> => {
  const all = Object.keys(catalog) as readonly ServiceName[];

  /** Services whose list items do not hold all that is selected of a work request: then there is a get for each. */
  const findLacking = (selected: ReadonlySet<string>): ReadonlySet<ServiceName> => {
    const names = [...selected]
      .filter((coordinate) => coordinate.startsWith(prefix))
      .map((coordinate) => coordinate.slice(prefix.length))
      // These have a weight of their own.
      .filter((name) => name !== 'errors' && name !== 'logs');
    return new Set(all.filter((service) => names.some((name) => lacks(catalog[service], name))));
  };
  // What is selected belongs to a document, which is asked about often.
  const lacking = new WeakMap<ReadonlySet<string>, ReadonlySet<ServiceName>>();

  return {
    'Query.workRequests': (args, selected) => {
      const given = args as Partial<QueryWorkRequestsArgs>;
      const services = given.services?.length ? [...new Set(given.services)] : all;
      let found = lacking.get(selected);
      if (found === undefined) lacking.set(selected, (found = findLacking(selected)));
      const gets = services.some((service) => found.has(service))
        ? Math.min(Math.max(given.first ?? 25, 0), 100)
        : 0;
      try {
        const regions = given.regions?.length ? router.routeRegions(given.regions) : null;
        const { includeSubcompartments, filter } = given;
        return (
          gets +
          estimateSweep({
            services,
            regions,
            includeSubcompartments: includeSubcompartments ?? false,
            filter: filter ?? {},
          })
        );
      } catch {
        // Regions that may not be called: the field fails before it asks anything.
        return 0;
      }
    },
  };
};

const prefix = 'WorkRequest.';
