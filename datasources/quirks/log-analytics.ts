/**
 * Logging Analytics has `{namespaceName}` in every path. An id from this gateway carries it; for a raw one the tenancy's
 * only namespace is asked for, once per region. `listNamespaces` answers for the tenancy's OCID, not for a compartment's.
 */
import { UpstreamError } from '../../errors.ts';
import type { Api } from '../api.ts';
import type { ServiceName } from '../catalog.ts';
import type { Endpoints } from '../endpoints.ts';
import { isNamespaceName } from '../ids.ts';
import type { Upstream } from '../types.ts';

export interface Namespaces {
  /** Name of the tenancy's namespace in a region; null when it has none there. */
  of(api: Api<ServiceName>, region: string): Promise<string | null>;
}

export const createNamespaces = ({
  upstream,
  endpoints,
  tenancyId,
}: {
  readonly upstream: Upstream;
  readonly endpoints: Endpoints;
  readonly tenancyId: () => Promise<string>;
}): Namespaces => {
  const found = new Map<string, string>();

  const ask = async (api: Api<ServiceName>, region: string): Promise<string | null> => {
    const { origin, prefix } = endpoints.of(api, region);
    const { body, opcRequestId } = await upstream.call({
      service: api.name,
      region,
      method: 'GET',
      origin,
      path: `${prefix}/namespaces?compartmentId=${encodeURIComponent(await tenancyId())}`,
    });
    const items: unknown = (body as { readonly items?: unknown } | null | undefined)?.items;
    const [first]: readonly { readonly namespaceName?: unknown }[] = Array.isArray(items) ? items : [];
    if (Array.isArray(items) && first === undefined) return null;
    const name: unknown = first?.namespaceName;
    if (typeof name === 'string' && isNamespaceName(name)) return name;
    throw new UpstreamError(
      'UPSTREAM_MALFORMED',
      'Logging Analytics answered no readable list of namespaces.',
      {
        service: api.name,
        region,
        status: 200,
        nativeCode: null,
        opcRequestId,
        retryAfterMs: null,
      },
    );
  };

  return {
    async of(api, region) {
      const known = found.get(region);
      if (known !== undefined) return known;
      const name = await ask(api, region);
      if (name !== null) found.set(region, name);
      return name;
    },
  };
};
