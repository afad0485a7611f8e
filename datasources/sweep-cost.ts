/**
 * How many calls a page of the list will take, told from its arguments alone: what cannot be known before asking is
 * assumed, so that the same question has the same estimate always. docs/decisions/cost.md says what is not in it.
 */
import { catalog } from './catalog.ts';
import { needsWhole, pushDown } from './filters.ts';
import { regionsOf } from './sweep.ts';
import type { SweepDependencies, SweepQuery } from './sweep.ts';

export type SweepScope = Pick<SweepQuery, 'services' | 'regions' | 'includeSubcompartments' | 'filter'>;

/** Of a compartment with all that lie in it. */
const assumedCompartments = 10;
/** Load balancers, blockchain platforms or WAAS policies in a compartment and region. */
const assumedParents = 5;
/** Items of a source that only a get decides on. */
const assumedUndecided = 10;

export const estimateSweep = (
  { services, regions, includeSubcompartments, filter }: SweepScope,
  endpoints: SweepDependencies['endpoints'],
): number => {
  const compartments = includeSubcompartments ? assumedCompartments : 1;
  // The tree of compartments.
  let calls = includeSubcompartments ? 1 : 0;
  for (const service of services) {
    const api = catalog[service];
    const places = regionsOf(service, regions, endpoints).length;
    let perSource = 1;
    if (api.listLacks.size > 0 && needsWhole(filter, api))
      perSource += Object.keys(pushDown(filter, api)).length > 0 ? 1 : assumedUndecided;
    // Parents are asked for by compartment; the namespace is the tenancy's.
    const perCompartment = api.parents === null ? perSource : 1 + assumedParents * perSource;
    calls += places * ((api.needsNamespace ? 1 : 0) + compartments * perCompartment);
  }
  return calls;
};
