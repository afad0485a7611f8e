import type { Context } from '../context.ts';
import type { WorkRequest as Model } from '../datasources/types.ts';
import type { WorkRequestResolvers } from '../schema/generated.ts';
import { readConnection } from './connection.ts';
import { lacks } from './selection.ts';

/** The same work request with this field known: items of a list may lack it, then a get tells, once for all fields. */
const having = <T>(
  name: string,
  model: Model,
  { loaders, catalog }: Context,
  read: (known: Model) => T,
): T | Promise<T> =>
  model.origin === 'list' && model.isOutOfSight !== true && lacks(catalog[model.ref.service], name)
    ? loaders.workRequest(model.ref, 'get').then((whole) => read(whole ?? model))
    : read(model);

/** Where the get fails, what the list said has to do: these fields are never null. */
const orAsListed = <T>(
  name: string,
  model: Model,
  context: Context,
  read: (known: Model) => T,
): T | Promise<T> => {
  const value = having(name, model, context, read);
  return value instanceof Promise ? value.catch(() => read(model)) : value;
};

/** Fields that are not here are the work request's own, by the same name. */
export const WorkRequest: WorkRequestResolvers = {
  workRequestId: ({ ref }) => ref.workRequestId,
  service: ({ ref }, _, { catalog }) => catalog[ref.service],
  region: ({ ref }) => ref.region,
  operationType: (model, _, context) =>
    having('operationType', model, context, (known) => known.operationType),
  percentComplete: (model, _, context) =>
    having('percentComplete', model, context, (known) => known.percentComplete),
  timeAccepted: (model, _, context) => having('timeAccepted', model, context, (known) => known.timeAccepted),
  timeStarted: (model, _, context) => having('timeStarted', model, context, (known) => known.timeStarted),
  timeUpdated: (model, _, context) => having('timeUpdated', model, context, (known) => known.timeUpdated),
  timeFinished: (model, _, context) => having('timeFinished', model, context, (known) => known.timeFinished),
  resources: (model, _, context) => having('resources', model, context, (known) => known.resources),
  extras: (model, _, context) => having('extras', model, context, (known) => known.extras),
  isTerminal: (model, _, context) => orAsListed('isTerminal', model, context, (known) => known.isTerminal),
  canCancel: (model, _, context) =>
    orAsListed(
      'canCancel',
      model,
      context,
      (known) =>
        known.isCancelable &&
        context.catalog[known.ref.service].cancel !== 'none' &&
        !context.isReadOnly &&
        known.isOutOfSight !== true &&
        context.mayCancel(known),
    ),
  errors: (model, args, { loaders, cursors }) =>
    model.isOutOfSight
      ? null
      : readConnection(args, `errors ${model.id}`, cursors, (page) => loaders.errors(model, page)),
  logs: (model, args, { loaders, cursors }) =>
    model.isOutOfSight
      ? null
      : readConnection(args, `logs ${model.id}`, cursors, (page) => loaders.logs(model, page)),
  observedAt: ({ observedAt }) => new Date(observedAt),
  isStale: ({ isStale }) => isStale ?? false,
};
