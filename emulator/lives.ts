/**
 * The scripted life of a work request: steps at times, folded into what it is at one moment. Nothing ticks; whoever asks brings the time.
 */
import type { Dialect } from './dialects.ts';
import type { CreateBody, EntryBody, PatchBody, ResourceBody, StepBody } from './control-schemas.ts';

export const retentionMs = 12 * 60 * 60 * 1000;

type Native = Readonly<Record<string, unknown>>;

interface Step {
  readonly atMs: number;
  readonly status?: string | null | undefined;
  readonly percentComplete?: number | null | undefined;
  readonly native?: Native | undefined;
  readonly nativeInGet?: Native | undefined;
  readonly nativeInListItem?: Native | undefined;
  readonly omit?: readonly string[] | undefined;
  readonly resources?: readonly ResourceBody[] | undefined;
}

export interface Entry {
  readonly atMs: number;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly native?: Native | undefined;
  readonly omit?: readonly string[] | undefined;
}

export interface Life {
  readonly id: string;
  readonly service: string;
  readonly region: string;
  readonly compartmentId: string;
  readonly operationType: string;
  readonly parents: Readonly<Record<string, string>>;
  readonly acceptedMs: number;
  steps: Step[];
  errors: Entry[];
  logs: Entry[];
  retryAfterSeconds: number | null | undefined;
  isCancelable: boolean;
  cancelTakesMs: number;
  deletedMs: number | null;
}

/** What a work request is at one moment. */
export interface LifeState {
  readonly status: string | null | undefined;
  readonly percentComplete: number | null;
  readonly acceptedMs: number;
  readonly startedMs: number | null;
  readonly updatedMs: number;
  readonly finishedMs: number | null;
  readonly isFinished: boolean;
  readonly native: Native;
  readonly nativeInGet: Native;
  readonly nativeInListItem: Native;
  readonly omit: ReadonlySet<string>;
  readonly resources: readonly ResourceBody[] | null;
  readonly errors: readonly Entry[];
  readonly logs: readonly Entry[];
}

const finalWords = new Set([
  'SUCCEEDED',
  'COMPLETED',
  'PARTIALLY_SUCCEEDED',
  'FAILED',
  'CANCELED',
  'CANCELLED',
  'SKIPPED',
]);
const earlyWords = new Set(['ACCEPTED', 'CREATED']);
/** The same thing in another API's word, best first. */
const synonyms: readonly (readonly string[])[] = [
  ['ACCEPTED', 'CREATED'],
  ['IN_PROGRESS', 'INPROGRESS'],
  ['SUCCEEDED', 'COMPLETED'],
  ['CANCELING', 'CANCELLING', 'IN_PROGRESS', 'INPROGRESS'],
  ['CANCELED', 'CANCELLED', 'FAILED'],
];

/** The dialect's own word for a common one; the word itself when the dialect has neither it nor a synonym. */
export function wordFor(dialect: Dialect, word: string): string {
  if (dialect.statusWords.includes(word)) return word;
  const same = synonyms.find((words) => words[0] === word) ?? [];
  return same.find((candidate) => dialect.statusWords.includes(candidate)) ?? word;
}

export function createLife(
  dialect: Dialect,
  body: CreateBody,
  place: {
    readonly id: string;
    readonly compartmentId: string;
    readonly parents: Readonly<Record<string, string>>;
  },
  nowMs: number,
): Life {
  const acceptedMs = nowMs - (body.acceptedMsAgo ?? 0);
  const script: readonly StepBody[] = body.script ?? defaultScript(dialect);
  const appearance: Step = { ...pickAppearance(body), atMs: acceptedMs };
  const steps = [appearance, ...script.map((step) => toStep(step, acceptedMs))];
  return {
    id: place.id,
    service: dialect.key,
    region: body.region,
    compartmentId: place.compartmentId,
    operationType: body.operationType ?? dialect.operationWords[0] ?? 'Update DB System',
    parents: place.parents,
    acceptedMs,
    steps: inOrder(steps),
    errors: (body.errors ?? []).map((entry) => toEntry(entry, acceptedMs, nowMs)),
    logs: (body.logs ?? []).map((entry) => toEntry(entry, acceptedMs, nowMs)),
    retryAfterSeconds: body.retryAfterSeconds,
    isCancelable: body.isCancelable ?? true,
    cancelTakesMs: body.cancelTakesMs ?? 2_000,
    deletedMs: null,
  };
}

export function patchLife(life: Life, patch: PatchBody, nowMs: number): void {
  const past = patch.keepScript === true ? life.steps : life.steps.filter((step) => step.atMs <= nowMs);
  const step: Step = {
    ...pickAppearance(patch),
    atMs: nowMs,
    ...('status' in patch && { status: patch.status }),
    ...('percentComplete' in patch && { percentComplete: patch.percentComplete }),
  };
  life.steps = inOrder([...past, step]);
  life.errors.push(...(patch.errors ?? []).map((entry) => toEntry(entry, life.acceptedMs, nowMs)));
  life.logs.push(...(patch.logs ?? []).map((entry) => toEntry(entry, life.acceptedMs, nowMs)));
  if ('retryAfterSeconds' in patch) life.retryAfterSeconds = patch.retryAfterSeconds;
  life.isCancelable = patch.isCancelable ?? life.isCancelable;
  life.cancelTakesMs = patch.cancelTakesMs ?? life.cancelTakesMs;
  if (patch.delete === true) life.deletedMs = nowMs;
}

export function cancelLife(life: Life, dialect: Dialect, nowMs: number): void {
  life.steps = life.steps.filter((step) => step.atMs <= nowMs);
  life.steps.push({ atMs: nowMs, status: wordFor(dialect, 'CANCELING') });
  life.steps.push({ atMs: nowMs + life.cancelTakesMs, status: wordFor(dialect, 'CANCELED') });
}

/** Gone when it was deleted, or twelve hours after it finished. */
export function isGone(life: Life, nowMs: number): boolean {
  if (life.deletedMs !== null && life.deletedMs <= nowMs) return true;
  // Most are younger than that, which needs no look at their steps.
  if (nowMs - (life.steps[0]?.atMs ?? life.acceptedMs) <= retentionMs) return false;
  const { finishedMs } = stateOf(life, nowMs);
  return finishedMs !== null && nowMs - finishedMs > retentionMs;
}

export function stateOf(life: Life, nowMs: number): LifeState {
  let status: string | null | undefined;
  let percentComplete: number | null | undefined;
  let startedMs: number | null = null;
  let finishedMs: number | null = null;
  let updatedMs = life.acceptedMs;
  let resources: readonly ResourceBody[] | null = null;
  const native: Record<string, unknown> = {};
  const nativeInGet: Record<string, unknown> = {};
  const nativeInListItem: Record<string, unknown> = {};
  const omit = new Set<string>();
  for (const step of life.steps) {
    if (step.atMs > nowMs) break;
    updatedMs = step.atMs;
    if (step.status !== undefined) {
      status = step.status;
      if (startedMs === null && status !== null && !earlyWords.has(status)) startedMs = step.atMs;
      const isFinal = status !== null && finalWords.has(status);
      finishedMs = isFinal ? (finishedMs ?? step.atMs) : null;
    }
    if (step.percentComplete !== undefined) percentComplete = step.percentComplete;
    if (step.resources) resources = step.resources;
    Object.assign(native, step.native);
    Object.assign(nativeInGet, step.nativeInGet);
    Object.assign(nativeInListItem, step.nativeInListItem);
    for (const name of step.omit ?? []) omit.add(name);
  }
  const isDone = finishedMs !== null && (status === 'SUCCEEDED' || status === 'COMPLETED');
  return {
    status,
    percentComplete: percentComplete ?? (percentComplete === null ? null : isDone ? 100 : 0),
    acceptedMs: life.acceptedMs,
    startedMs,
    updatedMs,
    finishedMs,
    isFinished: finishedMs !== null,
    native,
    nativeInGet,
    nativeInListItem,
    omit,
    resources,
    errors: life.errors.filter((entry) => entry.atMs <= nowMs),
    logs: life.logs.filter((entry) => entry.atMs <= nowMs),
  };
}

function defaultScript(dialect: Dialect): StepBody[] {
  return [
    { afterMs: 0, status: wordFor(dialect, 'ACCEPTED'), percentComplete: 0 },
    { afterMs: 2_000, status: wordFor(dialect, 'IN_PROGRESS'), percentComplete: 25 },
    { afterMs: 10_000, percentComplete: 70 },
    { afterMs: 20_000, status: wordFor(dialect, 'SUCCEEDED'), percentComplete: 100 },
  ];
}

function toStep({ at, afterMs = 0, ...what }: StepBody, acceptedMs: number): Step {
  return { ...what, atMs: at === undefined ? acceptedMs + afterMs : Date.parse(at) };
}

function pickAppearance(body: Omit<Step, 'atMs'>): Omit<Step, 'atMs' | 'status' | 'percentComplete'> {
  const { native, nativeInGet, nativeInListItem, omit, resources } = body;
  return { native, nativeInGet, nativeInListItem, omit, resources };
}

function toEntry(entry: EntryBody, acceptedMs: number, nowMs: number): Entry {
  const { at, afterMs, ...rest } = entry;
  return {
    ...rest,
    atMs: at !== undefined ? Date.parse(at) : afterMs !== undefined ? acceptedMs + afterMs : nowMs,
  };
}

function inOrder(steps: Step[]): Step[] {
  return steps.sort((left, right) => left.atMs - right.atMs);
}
