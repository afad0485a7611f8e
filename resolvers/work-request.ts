import type { WorkRequestResolvers } from '../schema/generated.ts';
import { readConnection } from './connection.ts';

/** Fields that are not here are the work request's own, by the same name. */
export const WorkRequest: WorkRequestResolvers = {
  workRequestId: ({ ref }) => ref.workRequestId,
  service: ({ ref }, _, { catalog }) => catalog[ref.service],
  region: ({ ref }) => ref.region,
  errors: (workRequest, args, { loaders, cursors }) =>
    readConnection(args, `errors ${workRequest.id}`, cursors, (page) => loaders.errors(workRequest, page)),
  logs: (workRequest, args, { loaders, cursors }) =>
    readConnection(args, `logs ${workRequest.id}`, cursors, (page) => loaders.logs(workRequest, page)),
  canCancel: ({ ref, isCancelable }, _, { catalog, isReadOnly }) =>
    isCancelable && catalog[ref.service].cancel !== 'none' && !isReadOnly,
  observedAt: ({ observedAt }) => new Date(observedAt),
  isStale: ({ isStale }) => isStale ?? false,
};
