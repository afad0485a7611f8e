/**
 * Which work requests a list is asked for. What a row declares a parameter for is pushed down where the result cannot
 * differ; everything is completed here, so the result is the same either way.
 */
import { GatewayError } from '../errors.ts';
import type { Api, FieldName } from './api.ts';
import type { ListParams } from './parents.ts';
import { isTerminalStatus, statusOfWord } from './status.ts';
import type { WorkRequestStatus } from './status.ts';
import type { WorkRequest } from './types.ts';

export interface Filter {
  readonly statuses?: readonly WorkRequestStatus[] | null | undefined;
  readonly isTerminal?: boolean | null | undefined;
  readonly operationTypes?: readonly string[] | null | undefined;
  /** `identifier` of one of its resources. */
  readonly resourceId?: string | null | undefined;
  /** Inclusive. */
  readonly acceptedAfter?: Date | null | undefined;
  /** Exclusive. */
  readonly acceptedBefore?: Date | null | undefined;
}

/** @throws GatewayError BAD_USER_INPUT for a filter that nothing can match */
export const checkFilter = ({
  statuses,
  isTerminal,
  operationTypes,
  acceptedAfter,
  acceptedBefore,
}: Filter): void => {
  if (statuses?.length === 0) throw unmatchable('`statuses` is empty');
  if (operationTypes?.length === 0) throw unmatchable('`operationTypes` is empty');
  if (acceptedAfter && acceptedBefore && acceptedAfter >= acceptedBefore) {
    throw unmatchable('`acceptedAfter` is not before `acceptedBefore`');
  }
  // The other way round is possible: `timeFinished` ends a work request, whatever its word.
  if (isTerminal === false && statuses?.every(isTerminalStatus)) {
    throw unmatchable('`isTerminal` is false and all of `statuses` are terminal');
  }
};

const unmatchable = (why: string): GatewayError =>
  new GatewayError('BAD_USER_INPUT', `Nothing can match this filter: ${why}.`);

export const matches = (filter: Filter, workRequest: WorkRequest): boolean => {
  const { statuses, isTerminal, operationTypes, resourceId, acceptedAfter, acceptedBefore } = filter;
  const { timeAccepted, operationType, resources } = workRequest;
  return (
    (statuses == null || statuses.includes(workRequest.status)) &&
    (isTerminal == null || workRequest.isTerminal === isTerminal) &&
    (operationTypes == null || (operationType !== null && operationTypes.includes(operationType))) &&
    (resourceId == null || (resources?.some(({ identifier }) => identifier === resourceId) ?? false)) &&
    (acceptedAfter == null || (timeAccepted !== null && timeAccepted >= acceptedAfter)) &&
    (acceptedBefore == null || (timeAccepted !== null && timeAccepted < acceptedBefore))
  );
};

/** Whether list items of this API leave the filter undecided: each has to be read on its own first. */
export const needsWhole = (filter: Filter, api: Api): boolean => {
  const needed: readonly (FieldName | false)[] = [
    filter.isTerminal != null && 'timeFinished',
    filter.operationTypes != null && 'operationType',
    filter.resourceId != null && 'resources',
    (filter.acceptedAfter != null || filter.acceptedBefore != null) && 'timeAccepted',
  ];
  return needed.some((field) => field !== false && api.listLacks.has(field));
};

const statusParams = ['status', 'workRequestStatus', 'operationStatus'] as const;
const resourceParams = ['resourceId', 'resourceIdentifier'] as const;

/** Native list parameters that make the source itself leave out what cannot match. */
export const pushDown = (filter: Filter, api: Api): ListParams => {
  const params: Record<string, string> = {};
  const resourceParam = resourceParams.find((name) => api.listQuery.has(name));
  if (filter.resourceId != null && resourceParam) params[resourceParam] = filter.resourceId;
  const statusParam = statusParams.find((name) => api.listQuery.has(name));
  const word = filter.statuses?.length === 1 ? onlyWordFor(filter.statuses[0]) : undefined;
  if (statusParam && word !== undefined && api.statuses.includes(word)) params[statusParam] = word;
  return params;
};

/** The word, where one alone means this status: any of several can occur, declared or not. */
const onlyWordFor = (status: WorkRequestStatus | undefined): string | undefined => {
  const words = Object.entries(statusOfWord).filter(([, meaning]) => meaning === status);
  return words.length === 1 ? words[0]?.[0] : undefined;
};
