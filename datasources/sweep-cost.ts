/**
 * How many calls a page of the list will take, told from its arguments alone: what cannot be known before asking is
 * assumed, so that the same question has the same estimate always. docs/decisions/cost.md says what is not in it.
 */
import type { Api } from './api.ts';
import { catalog } from './catalog.ts';
import type { ServiceName } from './catalog.ts';
import { needsWhole, pushDown } from './filters.ts';
import type { Filter } from './filters.ts';
import { regionsOf } from './sweep.ts';
import type { SweepDependencies, SweepQuery } from './sweep.ts';

export interface SweepScope extends Pick<SweepQuery, 'regions' | 'includeSubcompartments' | 'filter'> {
  /** null: all of them. */
  readonly services: readonly ServiceName[] | null;
}

export type EstimateSweep = (scope: SweepScope) => number;

/** Of a compartment with all that lie in it. */
const assumedCompartments = 10;
/** Load balancers, blockchain platforms or WAAS policies in a compartment and region. */
const assumedParents = 5;
/** Items of a source that only a get decides on. */
const assumedUndecided = 10;

export const createSweepEstimate =
  (endpoints: SweepDependencies['endpoints']): EstimateSweep =>
  ({ services, regions, includeSubcompartments, filter }) => {
    const compartments = includeSubcompartments ? assumedCompartments : 1;
    // The tree of compartments.
    let calls = includeSubcompartments ? 1 : 0;
    for (const service of services ?? all) {
      const api = catalog[service];
      const places = regionsOf(service, regions, endpoints).length;
      // Parents are asked for by compartment; the namespace is the tenancy's.
      const perSource = 1 + getsFor(filter, api);
      const perCompartment = api.parents === null ? perSource : 1 + assumedParents * perSource;
      calls += places * ((api.needsNamespace ? 1 : 0) + compartments * perCompartment);
    }
    return calls;
  };

const all = Object.keys(catalog) as readonly ServiceName[];

/** Gets without which the filter cannot be decided, in a source. */
const getsFor = (filter: Filter, api: Api): number => {
  if (api.listLacks.size === 0 || !needsWhole(filter, api)) return 0;
  return Object.keys(pushDown(filter, api)).length > 0 ? 1 : assumedUndecided;
};
