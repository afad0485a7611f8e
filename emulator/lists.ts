/** What a list holds: the filters that the API declares, by their native names, then its order. */
import { compare } from './paging.ts';
import type { Sortable } from './paging.ts';
import { numberOf } from './ids.ts';
import { renderListItem, renderWorkRequest } from './render.ts';
import type { Body } from './render.ts';
import { stateOf } from './lives.ts';
import type { Life, LifeState } from './lives.ts';
import type { Dialect } from './dialects.ts';

export interface ListedLife extends Sortable {
  readonly life: Life;
}

export type Query = ReadonlyMap<string, readonly string[]>;

interface Candidate {
  readonly dialect: Dialect;
  readonly life: Life;
  readonly state: LifeState;
  readonly body: Body;
}

type Filter = (candidate: Candidate, values: readonly string[]) => boolean;

/** Parameters that say how, not which. */
const steering = new Set([
  'compartmentId',
  'compartmentIdInSubtree',
  'accessLevel',
  'limit',
  'page',
  'sortBy',
  'sortOrder',
]);

/** Filters whose name is no field, or another field's. The rest go by the field of that name. */
const filters: Readonly<Record<string, Filter>> = {
  status: ofStatus,
  workRequestStatus: ofStatus,
  operationStatus: ofStatus,
  lifecycleState: ofStatus,
  id: ofId,
  workRequestId: ofId,
  operationType: ofOperation,
  operationTypeMultiValueQuery: ofOperation,
  type: ofOperation,
  resourceType: ({ state }, values) =>
    (state.resources ?? []).some((one) => values.includes(one.entityType ?? '')),
  parentResourcesNotEqualTo: ({ body }, values) => !values.includes(textOf(body['parentId'])),
  timeCreatedGreaterThanOrEqualTo: ({ life }, values) =>
    values.every((value) => life.acceptedMs >= Date.parse(value)),
  timeCreatedLessThan: ({ life }, values) => values.every((value) => life.acceptedMs < Date.parse(value)),
  timeStarted: ({ life }, values) => values.every((value) => life.acceptedMs >= Date.parse(value)),
  timeFinished: ({ state }, values) =>
    values.every((value) => (state.finishedMs ?? Infinity) <= Date.parse(value)),
  displayNameContains: ({ body }, values) =>
    values.every((value) => textOf(body['displayName']).includes(value)),
};

export function listLives(
  dialect: Dialect,
  lives: readonly Life[],
  query: Query,
  nowMs: number,
): { readonly listed: readonly ListedLife[]; readonly isDescending: boolean } {
  const declared = dialect.operations.list?.query ?? [];
  const wanted = [...query].filter(([name]) => declared.includes(name) && !steering.has(name));
  const sortBy = query.get('sortBy')?.[0];
  const sortKeyOf = declared.includes('sortBy') ? keyFor(sortBy) : unordered;
  const isDescending =
    (query.get('sortOrder')?.[0] ?? (/time/i.test(sortBy ?? 'time') ? 'DESC' : 'ASC')).toUpperCase() ===
    'DESC';
  const isWanted = (life: Life): boolean => {
    if (wanted.length === 0) return true;
    const state = stateOf(life, nowMs);
    const body = renderWorkRequest(dialect, life, state);
    return wanted.every(([name, values]) =>
      (filters[name] ?? byField(name))({ dialect, life, state, body }, values),
    );
  };
  const listed = lives
    .filter(isWanted)
    .map((life): ListedLife => ({ life, id: life.id, sortKey: sortKeyOf(dialect, life, nowMs) }));
  listed.sort((left, right) => compare(left, right, isDescending));
  return { listed, isDescending };
}

function byField(name: string): Filter {
  return ({ life, state, body }, values) => {
    if (life.parents[name] !== undefined) return values.includes(life.parents[name]);
    if (body[name] !== undefined) return values.includes(textOf(body[name]));
    // resourceId, resourceIdentifier, clusterId, agentId, …: one of the things it works on
    const resources = Array.isArray(body['resources']) ? (body['resources'] as Body[]) : [];
    const identifiers = resources.flatMap((resource) =>
      Object.values(resource).filter((value) => typeof value === 'string'),
    );
    const given = (state.resources ?? []).flatMap((resource) => resource.identifier ?? []);
    return values.some((value) => identifiers.includes(value) || given.includes(value));
  };
}

function ofStatus({ state }: Candidate, values: readonly string[]): boolean {
  return values.includes(state.status ?? '');
}

function ofId({ life }: Candidate, values: readonly string[]): boolean {
  return values.includes(life.id);
}

function ofOperation({ life }: Candidate, values: readonly string[]): boolean {
  return values.includes(life.operationType);
}

type SortKeyOf = (dialect: Dialect, life: Life, nowMs: number) => string;

/** An API that declares no order has none: neither by time nor by id. */
const unordered: SortKeyOf = (_dialect, life) => String(numberOf(life.id, 1_000_000)).padStart(6, '0');

/** Never changes, and every list needs that of every work request. */
const acceptedTexts = new WeakMap<Life, string>();

function acceptedText(life: Life): string {
  let text = acceptedTexts.get(life);
  if (text === undefined) acceptedTexts.set(life, (text = new Date(life.acceptedMs).toISOString()));
  return text;
}

function keyFor(sortBy: string | undefined): SortKeyOf {
  const word = (sortBy ?? 'timeAccepted').toLowerCase().replaceAll('_', '');
  // Data Safe says it the other way round.
  if (['timeaccepted', 'timecreated', 'acceptedtime'].includes(word))
    return (_dialect, life) => acceptedText(life);
  return (dialect, life, nowMs) => {
    const item = renderListItem(dialect, life, stateOf(life, nowMs));
    const field = Object.keys(item).find((name) => name.toLowerCase() === word);
    const value = field === undefined ? undefined : item[field];
    return typeof value === 'number' ? value.toFixed(3).padStart(12, '0') : textOf(value);
  };
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
