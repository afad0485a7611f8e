/** What a policy names in vain, as this gateway asks nothing there: no mistake of the file, but hardly what somebody meant. */
import { catalog, serviceNames } from '../datasources/catalog.ts';
import type { ServiceName } from '../datasources/catalog.ts';
import type { Policy } from './policy.ts';

/** Where the gateway asks. */
export interface Reach {
  readonly allowedRegions: readonly string[];
  readonly homeRegion: string;
}

/** A sentence each. */
export const idlePartsOf = ({ rules }: Policy, { allowedRegions, homeRegion }: Reach): readonly string[] => {
  const isAsked = (service: ServiceName, region: string): boolean =>
    catalog[service].isHomeRegionOnly ? region === homeRegion : allowedRegions.includes(region);
  const asked = `This gateway asks in ${allowedRegions.join(', ')} (OCI_REGIONS), and for IAM in ${homeRegion} (OCI_HOME_REGION).`;

  return rules.flatMap(({ services, regions }, index) => {
    if (regions === 'all') return [];
    const own = services === 'all' ? serviceNames : services;
    const idle = regions.filter((region) => !own.some((service) => isAsked(service, region)));
    if (idle.length > 0)
      return [`rules[${index}].regions: nothing that it allows is in ${idle.join(', ')}. ${asked}`];
    const idleServices = own.filter((service) => !regions.some((region) => isAsked(service, region)));
    // Who says `all` knows that not everything is everywhere.
    return services === 'all' || idleServices.length === 0
      ? []
      : [`rules[${index}].services: nothing of ${idleServices.join(', ')} is in its regions. ${asked}`];
  });
};
