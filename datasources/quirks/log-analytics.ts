/**
 * Logging Analytics has `{namespaceName}` in every path. An id from this gateway carries it; for a raw one the tenancy's
 * only namespace is asked for, once per region. `listNamespaces` answers for the tenancy's OCID, not for a compartment's.
 */
import { z } from 'zod';
import { UpstreamError } from '../../errors.ts';
import { failureOf } from '../answers.ts';
import type { Api } from '../api.ts';
import type { ServiceName } from '../catalog.ts';
import type { Endpoints } from '../endpoints.ts';
import { isNamespaceName } from '../ids.ts';
import type { Errand, Upstream } from '../types.ts';

export interface Namespaces {
  /** Name of the tenancy's namespace in a region; null when it has none there. @throws UpstreamError */
  of(api: Api<ServiceName>, region: string, errand: Errand | null): Promise<string | null>;
}

const namespaceList = z.object({
  items: z.array(z.object({ namespaceName: z.string().refine(isNamespaceName) })),
});

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

  const ask = async (
    api: Api<ServiceName>,
    region: string,
    errand: Errand | null,
  ): Promise<string | null> => {
    const { origin, prefix } = endpoints.of(api, region);
    const path = `${prefix}/namespaces?compartmentId=${encodeURIComponent(await tenancyId())}`;
    const answer = await upstream
      .call({ service: api.name, region, method: 'GET', origin, path }, errand)
      .catch(absentOnly);
    if (answer === null) return null;
    const { status, body, opcRequestId } = answer;
    const list = namespaceList.safeParse(body);
    if (list.success) return list.data.items[0]?.namespaceName ?? null;
    throw new UpstreamError(
      'UPSTREAM_MALFORMED',
      `${api.label} in ${region} answered no readable list of namespaces.`,
      failureOf({ service: api.name, region }, { status, opcRequestId }),
    );
  };

  return {
    async of(api, region, errand) {
      const known = found.get(region);
      if (known !== undefined) return known;
      const name = await ask(api, region, errand);
      if (name !== null) found.set(region, name);
      return name;
    },
  };
};

/** Absent or forbidden, upstream tells no difference: what cannot be seen is not there. */
const absentOnly = (error: unknown): null => {
  if (error instanceof UpstreamError && error.code === 'NOT_FOUND') return null;
  throw error;
};
