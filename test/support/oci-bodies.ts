/** Bodies as Oracle's APIs answer them, and how the gateway is asked about them; for tests of what reads them. */
import { catalog } from '../../datasources/catalog.ts';
import type { Api } from '../../datasources/api.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import type { WorkRequest, WorkRequestRef } from '../../datasources/types.ts';
import { readWorkRequest } from '../../datasources/wire.ts';
import type { Observed } from '../../datasources/wire.ts';

export const ashburn = 'us-ashburn-1';
export const compartment = 'ocid1.compartment.oc1..aaaa';
export const clusterWorkRequest = 'ocid1.clustersworkrequest.oc1.iad.aaaa';

export const observed: Observed = {
  origin: 'get',
  region: ashburn,
  etag: null,
  retryAfterMs: null,
  observedAt: 0,
};

export const refOf = (
  workRequestId = clusterWorkRequest,
  service: ServiceName = 'CONTAINERENGINE',
  region = ashburn,
): WorkRequestRef => ({ service, region, workRequestId });

/** The body of a get in the API's own words: unified names in, native names out. */
export const bodyOf = (
  api: Api,
  fields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => {
  const nativeOf = new Map([...api.names].map(([native, ours]) => [ours as string, native]));
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [nativeOf.get(name) ?? name, value]),
  );
};

/** A work request as one answer told it; unified names in. */
export const workRequestOf = (
  fields: Readonly<Record<string, unknown>> = {},
  { ref = refOf(), ...more }: Partial<Observed> & { readonly ref?: WorkRequestRef } = {},
): WorkRequest => {
  const api = catalog[ref.service];
  const body = bodyOf(api, {
    id: ref.workRequestId,
    status: 'IN_PROGRESS',
    compartmentId: compartment,
    ...fields,
  });
  return readWorkRequest(api, body, {
    ...observed,
    region: ref.region,
    ...(ref.namespace !== undefined && { namespace: ref.namespace }),
    ...more,
  });
};
