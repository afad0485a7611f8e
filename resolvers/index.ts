/** One resolver file per GraphQL type; this is the list of them. */
import type { Resolvers } from '../schema/generated.ts';
import { DateTime } from './date-time.ts';
import { JSONObject } from './json-object.ts';
import { Mutation } from './mutation.ts';
import { Query } from './query.ts';
import { Service } from './service.ts';
import { Subscription } from './subscription.ts';
import { WorkRequest } from './work-request.ts';
import { WorkRequestEvent } from './work-request-event.ts';
import { WorkRequestConnection, WorkRequestEdge } from './work-requests.ts';

export const resolvers: Resolvers = {
  DateTime,
  JSONObject,
  Node: { __resolveType: () => 'WorkRequest' },
  Mutation,
  Query,
  Service,
  Subscription,
  WorkRequest,
  WorkRequestConnection,
  WorkRequestEdge,
  WorkRequestEvent,
};
