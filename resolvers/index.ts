/** One resolver file per GraphQL type; this is the list of them. */
import { DateTimeResolver, JSONObjectResolver } from 'graphql-scalars';
import type { Resolvers } from '../schema/generated.ts';
import { Query } from './query.ts';
import { Service } from './service.ts';
import { Subscription } from './subscription.ts';
import { WorkRequest } from './work-request.ts';
import { WorkRequestEvent } from './work-request-event.ts';

export const resolvers: Resolvers = {
  DateTime: DateTimeResolver,
  JSONObject: JSONObjectResolver,
  Node: { __resolveType: () => 'WorkRequest' },
  Query,
  Service,
  Subscription,
  WorkRequest,
  WorkRequestEvent,
};
