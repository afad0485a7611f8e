/** Which calls go wrong, and how: a list of faults, each with what it hits and how often. The first that matches is the one. */
import type { FaultBody } from './control-schemas.ts';

export interface FaultState extends FaultBody {
  readonly id: string;
  /** Matching calls seen. */
  seen: number;
  /** Calls that it was applied to. */
  hits: number;
}

export interface FaultTarget {
  readonly service: string | null;
  readonly region: string;
  /** `parents` for operations that are no work request's. */
  readonly operation: string;
  readonly workRequestId: string | null;
}

export interface Faults {
  add(fault: FaultBody): FaultState;
  list(): readonly FaultState[];
  /** All of them without an id; whether there was any. */
  clear(id?: string): boolean;
  /** The fault for this call, counted as used. */
  take(target: FaultTarget): FaultState | null;
}

export function createFaults(now: () => number): Faults {
  let faults: FaultState[] = [];
  let nextId = 1;
  const passed = new Map<string, number[]>();
  /** A throttle hits only what is over its budget of the last second. */
  const isWithinBudget = (fault: FaultState): boolean => {
    if (!fault.throttle) return false;
    const nowMs = now();
    const recent = (passed.get(fault.id) ?? []).filter((atMs) => nowMs - atMs < 1000);
    const isWithin = recent.length < fault.throttle.perSecond;
    if (isWithin) recent.push(nowMs);
    passed.set(fault.id, recent);
    return isWithin;
  };
  return {
    add: (body) => {
      const fault: FaultState = { ...body, id: `fault-${nextId}`, seen: 0, hits: 0 };
      nextId += 1;
      faults.push(fault);
      return fault;
    },
    list: () => faults,
    clear: (id) => {
      const before = faults.length;
      faults = id === undefined ? [] : faults.filter((fault) => fault.id !== id);
      return faults.length < before;
    },
    take: (target) => {
      for (const fault of faults) {
        if (!isHit(fault, target)) continue;
        fault.seen += 1;
        if (fault.seen <= (fault.after ?? 0) || fault.hits >= (fault.times ?? Infinity)) continue;
        if (isWithinBudget(fault)) continue;
        fault.hits += 1;
        return fault;
      }
      return null;
    },
  };
}

function isHit(fault: FaultState, target: FaultTarget): boolean {
  return (
    (fault.service === undefined || fault.service === target.service) &&
    (fault.region === undefined || fault.region === target.region) &&
    (fault.operation === undefined || fault.operation === target.operation) &&
    (fault.workRequestId === undefined || fault.workRequestId === target.workRequestId)
  );
}
