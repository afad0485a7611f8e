/** The work-request operations of every API: get, list, errors, logs, cancel, told in the API's own dialect. */
import { invalidParameter, missingParameter, notFound, ok, refuse } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Clock } from './clock.ts';
import type { Dialect, Field, Operation, OperationName } from './dialects.ts';
import { cancelLife, stateOf } from './lives.ts';
import type { Entry, Life, LifeState } from './lives.ts';
import { listLives } from './lists.ts';
import type { Query } from './lists.ts';
import { greatestLimit, pageOf } from './paging.ts';
import type { Sortable } from './paging.ts';
import type { Places } from './places.ts';
import { etagOf, renderEntry, renderListItem, renderWorkRequest } from './render.ts';
import type { Body } from './render.ts';
import type { Store } from './store.ts';

export interface Cloud {
  readonly store: Store;
  readonly places: Places;
  readonly clock: Clock;
  /** `retry-after` of gets whose work request has none of its own. */
  readonly retryAfterSeconds: number;
}

export interface ApiCall {
  readonly region: string;
  readonly operation: Operation;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly header: (name: string) => string | null;
}

/** Oracle's page size where the API tells none. */
const defaultLimit = 100;

/** Documented (Terraform's page on IAM work requests) as answering "202 ACCEPTED" where one exists. */
const getStatuses: Readonly<Record<string, number>> = { IDENTITY_IAM: 202 };

export function answerWorkRequests(
  cloud: Cloud,
  dialect: Dialect,
  name: OperationName,
  call: ApiCall,
): Answer {
  const problem = checkQuery(call);
  if (problem) return problem;
  if (name === 'list') return answerList(cloud, dialect, call);
  const nowMs = cloud.clock.scriptedMs();
  const life = findLife(cloud, dialect, call, nowMs);
  if (!life) return notFound();
  const state = stateOf(life, nowMs);
  switch (name) {
    case 'get':
      return answerGet(cloud, dialect, call, life, state);
    case 'cancel':
      return answerCancel(dialect, call, life, state, nowMs);
    case 'errors':
      return answerEntries(call, dialect.errorFields, dialect.isBare.errors, life, state.errors);
    case 'logs':
      return answerEntries(call, dialect.logFields, dialect.isBare.logs, life, state.logs);
  }
}

/** What every operation minds: required parameters, words, the size and place of the page. */
export function checkQuery(call: ApiCall): Answer | null {
  const { operation, query } = call;
  for (const name of operation.requiredQuery) {
    if ((query.get(name)?.[0] ?? '') === '') return missingParameter(name);
  }
  for (const [name, words] of Object.entries(operation.queryWords)) {
    for (const value of query.get(name) ?? []) {
      if (!words.includes(value)) return invalidParameter(name, `'${value}' is none of ${words.join(', ')}`);
    }
  }
  const limit = operation.query.includes('limit') ? query.get('limit')?.[0] : undefined;
  if (limit !== undefined && !(/^\d+$/.test(limit) && Number(limit) >= 1 && Number(limit) <= greatestLimit)) {
    return invalidParameter('limit', `'${limit}' is no number from 1 to ${greatestLimit}`);
  }
  return null;
}

/** A list as the API sends it, cut into pages if it has pages. */
export function answerPage<T extends Sortable>(
  call: ApiCall,
  sorted: readonly T[],
  isDescending: boolean,
  isBare: boolean,
  render: (item: T) => Body,
): Answer {
  const { operation, query } = call;
  const hasPages = operation.query.includes('page');
  const scope = scopeOf(call);
  const limit = operation.query.includes('limit')
    ? Number(query.get('limit')?.[0] ?? operation.defaultLimit ?? defaultLimit)
    : null;
  const page = hasPages ? (query.get('page')?.[0] ?? null) : null;
  const found = pageOf(sorted, scope, hasPages ? (limit ?? defaultLimit) : Infinity, page, isDescending);
  if (!found) return invalidParameter('page', 'it is no page token of this list');
  const headers: Record<string, string> = {};
  const declares = (name: string): boolean => operation.responseHeaders.includes(name);
  if (found.next !== null && declares('opc-next-page')) headers['opc-next-page'] = found.next;
  for (const name of ['opc-prev-page', 'opc-previous-page']) {
    if (found.previous !== null && declares(name)) headers[name] = found.previous;
  }
  if (declares('opc-total-items')) headers['opc-total-items'] = String(sorted.length);
  const items = found.items.map(render);
  return { ...ok(isBare ? items : { items }, headers), pageScope: scope };
}

function answerList(cloud: Cloud, dialect: Dialect, call: ApiCall): Answer {
  const nowMs = cloud.clock.scriptedMs();
  const compartmentId = call.query.get('compartmentId')?.[0];
  if (compartmentId !== undefined && !cloud.places.isKnown(compartmentId)) return notFound();
  const inSubtree =
    call.query.get('compartmentIdInSubtree')?.[0] === 'true' &&
    call.operation.query.includes('compartmentIdInSubtree');
  const compartments =
    compartmentId === undefined
      ? null
      : inSubtree
        ? cloud.places.subtree(compartmentId)
        : new Set([compartmentId]);
  const inPath = Object.entries(call.parameters);
  const lives = cloud.store.of(dialect.key, call.region, nowMs);
  if (!isKnownParent(cloud, call)) return notFound();
  const inPlace = lives.filter(
    (life) =>
      (compartments === null || compartments.has(life.compartmentId)) &&
      inPath.every(([name, value]) => life.parents[name] === value),
  );
  const { listed, isDescending } = listLives(dialect, inPlace, call.query, nowMs);
  return answerPage(call, listed, isDescending, dialect.isBare.list, ({ life }) =>
    renderListItem(dialect, life, stateOf(life, nowMs)),
  );
}

/** A parent in the path has to exist; one in the query only filters. */
function isKnownParent(cloud: Cloud, call: ApiCall): boolean {
  const { loadBalancerId, namespaceName } = call.parameters;
  const knows = (kind: 'loadBalancers' | 'namespaces', id: string): boolean =>
    cloud.places.parents(kind, call.region).some((parent) => parent.id === id);
  if (loadBalancerId !== undefined && !knows('loadBalancers', loadBalancerId)) return false;
  return namespaceName === undefined || knows('namespaces', namespaceName);
}

function answerGet(cloud: Cloud, dialect: Dialect, call: ApiCall, life: Life, state: LifeState): Answer {
  const body = renderWorkRequest(dialect, life, state);
  const etag = etagOf(body);
  const headers: Record<string, string> = {};
  const declares = (name: string): boolean => call.operation.responseHeaders.includes(name);
  if (declares('etag')) headers['etag'] = etag;
  const seconds = life.retryAfterSeconds === undefined ? cloud.retryAfterSeconds : life.retryAfterSeconds;
  if (declares('retry-after') && !state.isFinished && seconds !== null)
    headers['retry-after'] = String(seconds);
  if (call.operation.requestHeaders.includes('if-none-match') && call.header('if-none-match') === etag) {
    return { status: 304, headers };
  }
  return { status: getStatuses[dialect.key] ?? 200, headers, body };
}

function answerCancel(dialect: Dialect, call: ApiCall, life: Life, state: LifeState, nowMs: number): Answer {
  const expected = call.operation.requestHeaders.includes('if-match') ? call.header('if-match') : null;
  if (expected !== null && expected !== '*' && expected !== etagOf(renderWorkRequest(dialect, life, state))) {
    return refuse(412, 'NoEtagMatch', 'The etag given in if-match is not the current one.');
  }
  if (state.isFinished || !life.isCancelable || /^CANCELL?ING$/.test(state.status ?? '')) {
    return refuse(
      409,
      'IncorrectState',
      `The work request cannot be canceled: its status is ${state.status ?? 'unknown'}.`,
    );
  }
  cancelLife(life, dialect, nowMs);
  const headers: Record<string, string> = {};
  if (call.operation.responseHeaders.includes('opc-work-request-id'))
    headers['opc-work-request-id'] = life.id;
  return { status: 202, headers };
}

function answerEntries(
  call: ApiCall,
  fields: readonly Field[],
  isBare: boolean,
  life: Life,
  entries: readonly Entry[],
): Answer {
  const compartmentId = call.operation.query.includes('compartmentId')
    ? call.query.get('compartmentId')?.[0]
    : undefined;
  if (compartmentId !== undefined && compartmentId !== life.compartmentId) return notFound();
  const sortBy = (call.query.get('sortBy')?.[0] ?? 'timestamp').toLowerCase();
  const isDescending =
    call.operation.query.includes('sortOrder') && call.query.get('sortOrder')?.[0]?.toUpperCase() === 'DESC';
  const sortable = entries.map((entry, index) => ({
    entry,
    index,
    id: String(index).padStart(8, '0'),
    sortKey:
      sortBy === 'code'
        ? (entry.code ?? '')
        : sortBy === 'message'
          ? (entry.message ?? '')
          : new Date(entry.atMs).toISOString(),
  }));
  sortable.sort((left, right) => {
    const order =
      left.sortKey === right.sortKey ? (left.id < right.id ? -1 : 1) : left.sortKey < right.sortKey ? -1 : 1;
    return isDescending ? -order : order;
  });
  return answerPage(call, sortable, isDescending, isBare, ({ entry, index }) =>
    renderEntry(fields, life, entry, index),
  );
}

function findLife(cloud: Cloud, dialect: Dialect, call: ApiCall, nowMs: number): Life | null {
  const { parameters } = call;
  const idName = Object.keys(parameters).find((name) => /workRequestId$/i.test(name)) ?? 'workRequestId';
  const life = cloud.store.find(parameters[idName] ?? '', nowMs);
  if (!life || life.service !== dialect.key || life.region !== call.region) return null;
  const isInPath = Object.entries(parameters).every(
    ([name, value]) => name === idName || life.parents[name] === value,
  );
  return isInPath ? life : null;
}

function scopeOf(call: ApiCall): string {
  const filters = [...call.query].filter(([name]) => name !== 'page' && name !== 'limit').sort();
  return JSON.stringify([call.region, call.operation.segments, call.parameters, filters]);
}
