/** What can be done to the emulated cloud, as method calls; the control door offers the same over HTTP. */
import { randomBytes } from 'node:crypto';
import type { Cloud } from './api.ts';
import type { Call, CallFilter, Calls } from './calls.ts';
import type { ClockState } from './clock.ts';
import type {
  ClockBody,
  CompartmentBody,
  CreateBody,
  FaultBody,
  ParentBody,
  PatchBody,
} from './control-schemas.ts';
import { dialectOf } from './dialects.ts';
import type { Faults, FaultState } from './faults.ts';
import { workRequestId } from './ids.ts';
import { createLife, patchLife, stateOf } from './lives.ts';
import type { Life, LifeState } from './lives.ts';
import { sampleCompartments } from './places.ts';
import { renderWorkRequest, toTime } from './render.ts';

export interface WorkRequestSummary {
  readonly id: string;
  readonly service: string;
  readonly region: string;
  readonly compartmentId: string;
  readonly operationType: string;
  readonly status: string | null;
  readonly percentComplete: number | null;
  readonly timeAccepted: string | null;
  readonly timeFinished: string | null;
}

export interface WorkRequestView extends WorkRequestSummary {
  readonly parents: Readonly<Record<string, string>>;
  readonly errors: number;
  readonly logs: number;
  /** As get would answer now. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What is left out does not matter. */
export interface WorkRequestFilter {
  readonly service?: string | undefined;
  readonly region?: string | undefined;
  readonly compartmentId?: string | undefined;
  /** In the API's own word. */
  readonly status?: string | undefined;
}

export interface EmulatorControl {
  /** `id` as `opc-work-request-id` would name it; with `count`, `ids` has them all. */
  createWorkRequest(body: CreateBody): {
    readonly id: string;
    readonly ids: readonly string[];
    readonly compartmentId: string;
  };
  /** Of all services and regions, the newest first. */
  workRequests(filter?: WorkRequestFilter): readonly WorkRequestSummary[];
  /** Null when there is none with this id (any more). */
  readWorkRequest(id: string): WorkRequestView | null;
  patchWorkRequest(id: string, body: PatchBody): WorkRequestView | null;
  deleteWorkRequest(id: string): boolean;
  addFault(body: FaultBody): { readonly id: string };
  faults(): readonly FaultState[];
  clearFaults(id?: string): boolean;
  calls(filter?: CallFilter): readonly Call[];
  totalCalls(): number;
  clearCalls(): void;
  clock(): ClockState;
  setClock(body: ClockBody): ClockState;
  addCompartment(body: CompartmentBody): void;
  addParent(body: ParentBody): void;
}

export function createControl(
  cloud: Cloud,
  faults: Faults,
  calls: Calls,
  seed: string | undefined,
): EmulatorControl {
  const { store, places, clock } = cloud;
  const idSeed = seed ?? randomBytes(8).toString('hex');
  let made = 0;

  const view = (id: string): WorkRequestView | null => {
    const nowMs = clock.scriptedMs();
    const life = store.find(id, nowMs);
    const dialect = life && dialectOf(life.service);
    if (!life || !dialect) return null;
    const state = stateOf(life, nowMs);
    return {
      ...summarize(life, state),
      parents: life.parents,
      errors: state.errors.length,
      logs: state.logs.length,
      body: renderWorkRequest(dialect, life, state),
    };
  };

  return {
    createWorkRequest: (body) => {
      const dialect = dialectOf(body.service);
      if (!dialect) throw new Error(`There is no service '${body.service}'.`);
      const compartmentId = body.compartmentId ?? sampleCompartments.platform;
      places.addCompartment(compartmentId);
      const parents = places.settleParents(
        dialect.parentNames,
        body.parents ?? {},
        body.region,
        compartmentId,
      );
      const ids = Array.from({ length: body.count ?? 1 }, (_, index) => {
        made += 1;
        if (body.id !== undefined) return body.count === undefined ? body.id : `${body.id}${index}`;
        return workRequestId(body.service, body.region, `${idSeed}/${made}`);
      });
      const nowMs = clock.scriptedMs();
      for (const id of ids) store.add(createLife(dialect, body, { id, compartmentId, parents }, nowMs));
      return { id: ids[0] ?? '', ids, compartmentId };
    },
    workRequests: (filter = {}) => {
      const nowMs = clock.scriptedMs();
      const isWanted = (summary: WorkRequestSummary): boolean =>
        (['service', 'region', 'compartmentId', 'status'] as const).every(
          (name) => filter[name] === undefined || filter[name] === summary[name],
        );
      return [...store.all(nowMs)]
        .sort((left, right) => right.acceptedMs - left.acceptedMs)
        .map((life) => summarize(life, stateOf(life, nowMs)))
        .filter(isWanted);
    },
    readWorkRequest: view,
    patchWorkRequest: (id, body) => {
      const nowMs = clock.scriptedMs();
      const life = store.find(id, nowMs);
      if (!life) return null;
      patchLife(life, body, nowMs);
      const after = body.delete === true ? null : view(id);
      return after ?? { ...emptyView(id), service: life.service, region: life.region };
    },
    deleteWorkRequest: (id) => {
      const isThere = store.find(id, clock.scriptedMs()) !== null;
      store.remove(id);
      return isThere;
    },
    addFault: (body) => ({ id: faults.add(body).id }),
    faults: () => faults.list(),
    clearFaults: (id) => faults.clear(id),
    calls: (filter) => calls.find(filter),
    totalCalls: () => calls.total(),
    clearCalls: () => calls.clear(),
    clock: () => clock.read(),
    setClock: (body) => clock.change(body),
    addCompartment: (body) => {
      if (body.isDeleted === true) places.removeCompartment(body.id);
      else places.addCompartment(body.id, body.name, body.parentId);
    },
    addParent: (body) => {
      const home = body.kind === 'namespaces' ? places.tenancy : sampleCompartments.platform;
      const compartmentId = body.compartmentId ?? home;
      places.addCompartment(compartmentId);
      places.addParent({ ...body, compartmentId });
    },
  };
}

function summarize(life: Life, state: LifeState): WorkRequestSummary {
  const { id, service, region, compartmentId, operationType, acceptedMs } = life;
  return {
    id,
    service,
    region,
    compartmentId,
    operationType,
    status: state.status ?? null,
    percentComplete: state.percentComplete,
    timeAccepted: toTime(acceptedMs),
    timeFinished: toTime(state.finishedMs),
  };
}

function emptyView(id: string): WorkRequestView {
  return {
    id,
    service: '',
    region: '',
    compartmentId: '',
    operationType: '',
    parents: {},
    status: null,
    percentComplete: null,
    timeAccepted: null,
    timeFinished: null,
    errors: 0,
    logs: 0,
    body: {},
  };
}
