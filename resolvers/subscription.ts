import type { WatchEvent } from '../subscriptions/events.ts';
import type { SubscriptionResolvers } from '../schema/generated.ts';

export const Subscription: SubscriptionResolvers = {
  workRequest: {
    // The feed's own iterator, never a generator around it: a generator that waits cannot be stopped.
    subscribe: (_, target, { router, watch }) => watch(router.routeWorkRequest(target).ref),
    resolve: (event: WatchEvent) => event,
  },
};
