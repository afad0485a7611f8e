/**
 * Where an API lives: origin and path prefix, made from the catalog's template (or the operator's
 * `OCI_ENDPOINT_TEMPLATE`) and an allowed region. Nothing a client or an upstream body says takes part in it.
 */
import { GatewayError } from '../errors.ts';
import type { Api } from './api.ts';

export interface Endpoint {
  /** e.g. `https://adm.us-ashburn-1.oci.oraclecloud.com` */
  readonly origin: string;
  /** Path of the template (if any) and the API's base path, without a slash at the end. */
  readonly prefix: string;
}

export interface Endpoints {
  /** Region ids that may be called. */
  readonly allowedRegions: readonly string[];
  /** Where IAM's work requests live. */
  readonly homeRegion: string;
  /** @throws GatewayError REGION_NOT_ALLOWED */
  of(api: Api, regionId: string): Endpoint;
}

export const createEndpoints = ({
  allowedRegions,
  homeRegion,
  template,
  fill,
}: {
  readonly allowedRegions: readonly string[];
  readonly homeRegion: string;
  /** `OCI_ENDPOINT_TEMPLATE`, with `{region}` and `{package}`. */
  readonly template: string | null;
  /** Fills a catalog template: region id, second-level domain, dual stack. */
  readonly fill: (template: string, regionId: string) => string;
}): Endpoints => {
  const made = new Map<string, Endpoint>();
  const allowed = new Set(allowedRegions);

  const make = (api: Api, regionId: string): Endpoint => {
    const filled =
      template === null
        ? fill(api.endpoint, regionId)
        : template.replaceAll('{region}', regionId).replaceAll('{package}', api.package);
    const { origin, pathname } = new URL(filled);
    return { origin, prefix: `${pathname.replace(/\/$/, '')}${api.basePath}` };
  };

  return {
    allowedRegions,
    homeRegion,
    of(api, regionId) {
      if (!allowed.has(regionId) && !(api.isHomeRegionOnly && regionId === homeRegion)) {
        throw new GatewayError(
          'REGION_NOT_ALLOWED',
          `Region \`${regionId}\` is not one this gateway may call: ${allowedRegions.join(', ')} (OCI_REGIONS).`,
        );
      }
      const key = `${api.name} ${regionId}`;
      let endpoint = made.get(key);
      if (!endpoint) made.set(key, (endpoint = make(api, regionId)));
      return endpoint;
    },
  };
};
