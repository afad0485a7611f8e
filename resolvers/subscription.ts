import type { Context } from '../context.ts';
import type { Target } from '../datasources/routing.ts';
import type { WatchEvent } from '../subscriptions/events.ts';
import type { SubscriptionResolvers } from '../schema/generated.ts';
import { readScope } from './work-requests.ts';

export const Subscription: SubscriptionResolvers = {
  workRequest: {
    // The feed's own iterator, never a generator around it: a generator that waits cannot be stopped.
    subscribe: (_, target, { router, watch }) => watch(router.routeWorkRequest(target).ref),
    resolve(event: WatchEvent, target: Target, { router }: Context) {
      // As for the query: a hint that misses proves nothing but that nobody told the service.
      const isAbsent = event.workRequest === null && event.gap?.reason === 'NOT_FOUND';
      const { ifAbsent } = isAbsent ? router.routeWorkRequest(target) : { ifAbsent: null };
      if (ifAbsent) throw ifAbsent;
      return event;
    },
  },
  workRequests: {
    subscribe: (_, asked, context) => context.watchList(readScope(asked, context)),
    resolve: (event: WatchEvent) => event,
  },
};
