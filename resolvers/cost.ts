/** What the fields cost whose arguments decide it: calls to Oracle Cloud, worked out before any is made. */
import type { Context } from '../context.ts';
import type { ServiceName } from '../datasources/catalog.ts';
import type { EstimateSweep, SweepScope } from '../datasources/sweep-cost.ts';
import type { CallEstimator } from '../doors/cost/index.ts';
import type { QueryWorkRequestsArgs, SubscriptionWorkRequestsArgs } from '../schema/generated.ts';
import { lacks } from './selection.ts';

export const createEstimators = ({
  catalog,
  router,
  estimateSweep,
}: Pick<Context, 'catalog'> & {
  readonly router: Pick<Context['router'], 'routeRegions'>;
  readonly estimateSweep: EstimateSweep;
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

  /** Where one may not be called the field fails before it asks anybody. */
  const regionsIn = (words: readonly string[]): readonly string[] => {
    try {
      return router.routeRegions(words);
    } catch {
      return [];
    }
  };

  const scopeOf = (given: Partial<SubscriptionWorkRequestsArgs>): SweepScope => ({
    services: given.services?.length ? [...new Set(given.services)] : null,
    regions: given.regions?.length ? regionsIn(given.regions) : null,
    includeSubcompartments: given.includeSubcompartments ?? false,
    filter: given.filter ?? {},
  });

  return {
    // What it takes until SYNCED.
    'Subscription.workRequests': (args) => estimateSweep(scopeOf(args)),
    'Query.workRequests': (args, selected) => {
      const given = args as Partial<QueryWorkRequestsArgs>;
      const scope = scopeOf(given);
      const { services } = scope;
      const found = lacking.get(selected) ?? findLacking(selected);
      lacking.set(selected, found);
      const gets =
        (services?.some((service) => found.has(service)) ?? found.size > 0)
          ? Math.min(Math.max(given.first ?? 25, 0), 100)
          : 0;
      return estimateSweep(scope) + gets;
    },
  };
};

const prefix = 'WorkRequest.';
