import { GatewayError } from '../errors.ts';
import type { WorkRequest } from '../datasources/types.ts';
import type { QueryResolvers } from '../schema/generated.ts';
import { depthFor, selectedFields } from './selection.ts';
import { waitForWorkRequest } from './waiting.ts';
import { workRequests } from './work-requests.ts';

const maxNodes = 100;

export const Query: QueryResolvers = {
  node: (_, { id }, { router, loaders, catalog }, info) => {
    const ref = router.routeNode(id);
    return loaders.workRequest(ref, depthFor(selectedFields(info), catalog[ref.service]));
  },

  nodes: (_, { ids }, { router, loaders, catalog }, info) => {
    if (ids.length > maxNodes) {
      throw new GatewayError(
        'BAD_USER_INPUT',
        `\`ids\` holds ${ids.length} ids; at most ${maxNodes} at once.`,
      );
    }
    const selected = selectedFields(info);
    // One promise for each id: what fails nulls its own place only. All are asked for in one go, so they share a batch.
    return ids.map(async (id): Promise<WorkRequest | null> => {
      const ref = router.routeNode(id);
      return loaders.workRequest(ref, depthFor(selected, catalog[ref.service]));
    });
  },

  workRequest: async (_, target, { router, loaders, catalog }, info) => {
    const { ref, ifAbsent } = router.routeWorkRequest(target);
    const found = await loaders.workRequest(ref, depthFor(selectedFields(info), catalog[ref.service]));
    if (found === null && ifAbsent) throw ifAbsent;
    return found;
  },

  workRequests,

  waitForWorkRequest,

  services: (_, _args, { catalog }) => Object.values(catalog),

  regions: (_, _args, { regions }) => regions,
};
