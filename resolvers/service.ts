import type { ServiceResolvers } from '../schema/generated.ts';

export const Service: ServiceResolvers = {
  canCancel: ({ cancel }) => cancel !== 'none',
  hasErrors: ({ errors }) => errors !== 'none',
  hasLogs: ({ logs }) => logs !== 'none',
  rawStatuses: ({ statuses }) => statuses,
};
