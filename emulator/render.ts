/**
 * A work request in the words of its API. Each field of the dialect gets a value: the life's own where the field has a part to play, else a
 * plausible one made from id and field name, so that the same work request always looks the same.
 */
import { createHash } from 'node:crypto';
import { shapeAt } from './dialects.ts';
import type { Dialect, Field, FieldType } from './dialects.ts';
import { numberOf, ocid } from './ids.ts';
import type { Entry, Life, LifeState } from './lives.ts';
import type { ResourceBody } from './control-schemas.ts';

export type Body = Record<string, unknown>;

/** Our name of a resource's field, and what the dialects call it. */
const resourceNames = {
  entityType: ['entityType', 'resourceType'],
  actionType: ['actionType', 'resourceAction', 'actionResult'],
  identifier: ['identifier', 'resourceId', 'entityId'],
  entityUri: ['entityUri', 'resourceUri'],
} as const;

/** How deep optional objects are filled; required ones go on, down to a bound that self-referring shapes need. */
const optionalDepth = 2;
const greatestDepth = 6;

export function renderWorkRequest(dialect: Dialect, life: Life, state: LifeState): Body {
  return renderFields(dialect, dialect.fields, life, state, state.nativeInGet);
}

export function renderListItem(dialect: Dialect, life: Life, state: LifeState): Body {
  return renderFields(dialect, dialect.itemFields, life, state, state.nativeInListItem);
}

export function etagOf(body: Body): string {
  return createHash('sha1').update(JSON.stringify(body)).digest('hex');
}

/** A plausible object of a shape that is no work request: parents. `known` goes over what is made up. */
export function renderShape(fields: readonly Field[], seed: string, atMs: number, known: Body): Body {
  const body: Body = {};
  for (const field of fields) {
    const value = known[field.name] ?? plausible(field.name, field.type, seed, atMs, 1);
    if (value !== undefined) body[field.name] = value;
  }
  return body;
}

function renderFields(
  dialect: Dialect,
  fields: readonly Field[],
  life: Life,
  state: LifeState,
  native: Readonly<Record<string, unknown>>,
): Body {
  const body: Body = {};
  for (const field of fields) {
    const value = valueOf(dialect, field, life, state);
    // Older APIs (bare arrays) send null for what is not there yet, newer ones leave it out.
    if (value === null && !dialect.isBare.list && field.isOptional) continue;
    if (value !== undefined) body[field.name] = value;
  }
  Object.assign(body, state.native, native);
  for (const name of state.omit) delete body[name];
  return body;
}

function valueOf(dialect: Dialect, field: Field, life: Life, state: LifeState): unknown {
  if (field.name === dialect.statusField) return state.status;
  if (field.name === dialect.operationField) return life.operationType;
  const parent = life.parents[field.name];
  if (parent !== undefined) return parent;
  switch (field.name) {
    case 'id':
    case 'workRequestId':
      return life.id;
    case 'compartmentId':
      return life.compartmentId;
    case 'percentComplete':
      return state.percentComplete;
    case 'timeAccepted':
    case 'timeCreated':
      return toTime(state.acceptedMs);
    case 'timeStarted':
      return toTime(state.startedMs);
    case 'timeUpdated':
    case 'timeLastUpdated':
      return toTime(state.updatedMs);
    case 'timeFinished':
      return toTime(state.finishedMs);
    case 'totalTaskCount':
      return 10;
    case 'completedTaskCount':
      return Math.floor((state.percentComplete ?? 0) / 10);
    case 'resources':
      return renderResources(field.type, life, state);
    case 'errors':
    case 'errorDetails':
      return state.errors.map((entry, index) => renderEntry(elementsOf(field.type), life, entry, index));
    case 'logs':
      return state.logs.map((entry, index) => renderEntry(elementsOf(field.type), life, entry, index));
    default:
      return plausible(field.name, field.type, life.id, life.acceptedMs, 1);
  }
}

function renderResources(type: FieldType, life: Life, state: LifeState): Body[] {
  const fields = elementsOf(type);
  const made: ResourceBody = {
    entityType: firstWord(fields, resourceNames.entityType) ?? life.service.toLowerCase(),
    identifier: ocid(
      `${life.service.toLowerCase().replaceAll('_', '')}resource`,
      life.region,
      `${life.id}/resource`,
    ),
  };
  return (state.resources ?? [made]).map((given, index) => {
    const body: Body = {};
    const { entityType, actionType, identifier, entityUri, ...rest } = given;
    const known: Body = {
      entityType,
      actionType: actionType ?? actionOf(fields, life, state),
      identifier,
      entityUri,
    };
    for (const field of fields) {
      const role = roleOf(fields, field.name);
      const value =
        (role === null ? undefined : known[role]) ??
        (role === 'entityUri' && identifier !== undefined
          ? `/${String(entityType ?? 'resource')}s/${identifier}`
          : undefined) ??
        plausible(field.name, field.type, `${life.id}/${index}`, life.acceptedMs, 2);
      if (value !== undefined) body[field.name] = value;
    }
    return Object.assign(body, rest);
  });
}

/** Which of the four names a native field stands for: the first of its natives that the shape has. */
function roleOf(fields: readonly Field[], name: string): keyof typeof resourceNames | null {
  for (const [role, natives] of Object.entries(resourceNames)) {
    const native = natives.find((candidate) => fields.some((field) => field.name === candidate));
    if (native === name) return role as keyof typeof resourceNames;
  }
  return null;
}

/** What an operation does to a thing, in Oracle's words, by a part of its name. */
const actions: readonly (readonly [RegExp, verb: string, done: string])[] = [
  [/DELETE|TERMINATE/i, 'DELETE', 'DELETED'],
  [/CREATE|PROVISION|LAUNCH|ADD_/i, 'CREATE', 'CREATED'],
  [/COPY/i, 'WRITE', 'WRITTEN'],
  [/START/i, 'START', 'STARTED'],
  [/STOP/i, 'STOP', 'STOPPED'],
  [/(?:)/, 'UPDATE', 'UPDATED'],
];

/** `IN_PROGRESS` until the work on it is complete, which it never is where that fails; the best word that the API has. */
function actionOf(fields: readonly Field[], life: Life, state: LifeState): string | undefined {
  const words = wordsOf(fields, resourceNames.actionType);
  const [, verb = '', done = ''] = actions.find(([pattern]) => pattern.test(life.operationType)) ?? [];
  const status = state.status ?? '';
  const isDone = /SUCCEEDED|COMPLETED/.test(status);
  const isCanceled = /CANCELL?ED/.test(status);
  const candidates = [
    ...(isDone ? [done, verb] : []),
    ...(isCanceled ? [`CANCELED_${verb}`, 'CANCELED'] : []),
    ...(status === 'FAILED' ? ['FAILED'] : []),
    ...(isDone ? ['UPDATED', 'UPDATE'] : ['IN_PROGRESS', 'INPROGRESS', 'NONE', verb]),
    status,
  ];
  return words.length === 0 ? candidates[0] : (candidates.find((word) => words.includes(word)) ?? words[0]);
}

/** An error or a log entry. */
export function renderEntry(fields: readonly Field[], life: Life, entry: Entry, index: number): Body {
  const body: Body = {};
  for (const field of fields) {
    switch (field.name) {
      case 'code':
      case 'errorCode':
        body[field.name] = entry.code ?? (field.type.kind === 'word' ? field.type.words[0] : 'InternalError');
        break;
      case 'message':
        body['message'] = entry.message ?? '';
        break;
      case 'timestamp':
      case 'timeStamp':
        body[field.name] = toTime(entry.atMs);
        break;
      case 'workRequestId':
      case 'workRequestid':
        body[field.name] = life.id;
        break;
      case 'id':
        body['id'] = field.type.kind === 'number' ? index + 1 : `${index + 1}`;
        break;
      default:
        body[field.name] = plausible(field.name, field.type, `${life.id}/${index}`, entry.atMs, 2);
    }
  }
  Object.assign(body, entry.native);
  for (const name of entry.omit ?? []) delete body[name];
  return body;
}

function plausible(name: string, type: FieldType, seed: string, atMs: number, depth: number): unknown {
  const at = `${seed}/${name}`;
  switch (type.kind) {
    case 'string':
      return plausibleText(name, at, atMs);
    case 'number':
      return 1 + numberOf(at, 60);
    case 'boolean':
      return numberOf(at, 2) === 1;
    case 'date':
      return toTime(atMs);
    case 'word':
      return type.words[numberOf(at, Math.max(1, type.words.length))];
    case 'constant':
      return type.value;
    case 'list':
      if (type.of.kind === 'object' && depth > greatestDepth) return [];
      return [
        plausible(`${name}.0`, type.of, seed, atMs, depth),
        plausible(`${name}.1`, type.of, seed, atMs, depth),
      ];
    case 'map':
      return type.of.kind === 'map'
        ? { Operations: { CostCenter: String(numberOf(at, 90) + 10) } }
        : { Department: plausible(`${name}.Department`, type.of, seed, atMs, depth + 1) };
    case 'object': {
      const body: Body = {};
      for (const field of shapeAt(type.shape)) {
        const isNested = field.type.kind === 'object' || field.type.kind === 'list';
        if (field.isOptional && isNested && depth >= optionalDepth) continue;
        if (depth > greatestDepth) continue;
        body[field.name] = plausible(field.name, field.type, at, atMs, depth + 1);
      }
      return body;
    }
    default:
      return `${name.replace(/\W.*$/, '')}-${numberOf(at, 1000)}`;
  }
}

function plausibleText(name: string, seed: string, atMs: number): string {
  const plain = name.replace(/\W.*$/, '');
  if (/^time(stamp)?/i.test(plain)) return toTime(atMs) ?? '';
  if (/quer/i.test(plain)) return "'Log Source' = 'Linux Syslog Logs' | stats count by Entity";
  if (/Id$|Ids$|^identifier$|^childrenId$/.test(plain)) {
    const type = plain.replace(/Ids?$/, '').toLowerCase() || 'resource';
    return ocid(ocidTypes[type] ?? type, null, seed);
  }
  if (/uri$|url$|location$/i.test(plain)) return `/${plain}/${numberOf(seed, 1000)}`;
  return `${plain}-${numberOf(seed, 1000)}`;
}

/** Names of fields that are not the type of what they name. */
const ocidTypes: Readonly<Record<string, string>> = {
  parent: 'workrequest',
  children: 'workrequest',
  retryof: 'workrequest',
  rerunof: 'workrequest',
  initiator: 'user',
};

function elementsOf(type: FieldType): readonly Field[] {
  return type.kind === 'list' && type.of.kind === 'object' ? shapeAt(type.of.shape) : [];
}

function wordsOf(fields: readonly Field[], names: readonly string[]): readonly string[] {
  const type = fields.find((field) => names.includes(field.name))?.type;
  return type?.kind === 'word' ? type.words : [];
}

function firstWord(fields: readonly Field[], names: readonly string[]): string | undefined {
  return wordsOf(fields, names)[0];
}

export function toTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
