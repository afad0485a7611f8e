import type { WorkRequestEventResolvers } from '../schema/generated.ts';

export const WorkRequestEvent: WorkRequestEventResolvers = {
  // What a gap tells is the last that was seen, and newer was not to be had.
  workRequest: ({ workRequest, gap }) =>
    workRequest && gap ? { ...workRequest, isStale: true } : workRequest,
};
