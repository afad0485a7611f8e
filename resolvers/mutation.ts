import type { MutationResolvers } from '../schema/generated.ts';

export const Mutation: MutationResolvers = {
  cancelWorkRequest: async (_, { input }, { router, cancel, isReadOnly }) => {
    const { clientMutationId = null, ...target } = input;
    if (isReadOnly) {
      const message = 'This gateway is read-only (READ_ONLY): nothing was asked of Oracle Cloud.';
      return { workRequest: null, error: { code: 'READ_ONLY' as const, message }, clientMutationId };
    }
    const { ref, ifAbsent } = router.routeWorkRequest(target);
    const { workRequest, error } = await cancel(ref);
    if (error?.code === 'NOT_FOUND' && ifAbsent) throw ifAbsent;
    return { workRequest, error, clientMutationId };
  },
};
