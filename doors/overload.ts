/**
 * When the heap is nearly full, new subscriptions are refused, so that those that are open live on: a process whose heap is full ends,
 * with all that it serves.
 *
 * What counts is what is left after a collection: before one, most of what is in use may be garbage. Until the next one tells, what was let
 * in since the last one is reckoned, as it comes faster than collections do, and much of what it takes it takes later.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';
import { BusyError } from '../errors.ts';
import type { Reads } from './cost/index.ts';

export interface Overload {
  /**
   * One more subscription.
   * @param documents what its document takes, if it is not open already, and all that would be open then, in bytes as they are reckoned
   * @returns why it must not begin; null: it may
   */
  enter(documents: { readonly own: number; readonly all: number }): BusyError | null;
  /** For `/readyz`. */
  degraded(): readonly string[];
  /** Of queries and mutations that take many calls at once, such as lists over all services. */
  readonly reads: Reads;
  stop(): void;
}

/** A heap, as a process has one; another one in tests. */
export interface Heap {
  readonly limitBytes: number;
  /** Of what lives for longer than a moment, garbage included. */
  usedBytes(): number;
  /**
   * Calls back after each collection of all of it.
   * @returns how to call that off
   */
  onCollected(task: () => void): () => void;
  /** Asks for one soon. It stops everything for some 100 ms in a heap of 150 MiB. */
  collect(): void;
}

export interface OverloadOptions {
  readonly heap: Heap;
  readonly registry: Registry;
  readonly log: Log;
  /** In milliseconds, never jumps. */
  readonly now: () => number;
  /** Called when it gets too much: what can be had again is to be let go. */
  letGo(): void;
}

interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Shares of the limit: in use after a collection, from which on it is too much, and below which it is no more. */
const tooMuch = 0.7;
const fine = 0.65;
/** In use with garbage, from which on it is taken for too much. */
const tooMuchWithGarbage = 0.92;
/** Of documents alone: they are executed, which takes more, later. */
const tooMuchOfDocuments = 0.35;
/** What one that is just beginning takes, its watch and its first read included; it gets less. */
const bytesPerSubscription = 20 * 1024;
/**
 * Of reads that are under way, where half of the heap is in use, and before that, and what each takes for each of its calls. Many that
 * ask the same list share its calls, and take less. Those of few calls are always answered.
 */
const tooMuchOfReads = 0.35;
const tooMuchOfReadsWithRoom = 0.7;
const bytesPerCall = 10 * 1024;
const fewCalls = 10;
/** A look at the heap takes some 20 µs. */
const lookEveryMs = 5;
/** Between collections that are asked for: in doubt, and to see whether it is still too much. */
const collectEveryMs = 2_000;
const collectAgainMs = 5_000;
/** After the last refusal. */
const toldForMs = 60_000;
/** When it may have changed what it says. */
const retryAfterMs = 5_000;

export function createOverload({ heap, registry, log, now, letGo }: OverloadOptions): Overload {
  const { limitBytes } = heap;
  let isTooMuch = false;
  let used = heap.usedBytes();
  /** After the last collection, and what was let in since. */
  let left = used;
  let letIn = 0;
  let callsUnderWay = 0;
  let [lookedAt, collectedAt, askedAt, shedAt] = [-Infinity, -Infinity, -Infinity, -Infinity];
  const shed = new Counter({
    name: 'gateway_shed_total',
    help: 'Operations that were refused because the heap is nearly full',
    labelNames: ['kind'] as const,
    registers: [registry],
  });
  // From zero, or Prometheus would not see the first one as an increase.
  for (const kind of ['subscription', 'read']) shed.inc({ kind }, 0);

  const judge = (isNow: boolean): void => {
    if (isNow === isTooMuch) return;
    isTooMuch = isNow;
    const fields = { usedMib: mebibytes(used), limitMib: mebibytes(limitBytes) };
    if (isNow) {
      log.warn(fields, 'The heap is nearly full: new subscriptions and large lists are refused');
      letGo();
    } else log.info(fields, 'The heap has room again: all is served');
  };
  const stop = heap.onCollected(() => {
    collectedAt = now();
    left = used = heap.usedBytes();
    letIn = 0;
    judge(left > (isTooMuch ? fine : tooMuch) * limitBytes);
  });
  const collect = (afterMs: number): void => {
    if (now() - Math.max(collectedAt, askedAt) < afterMs) return;
    askedAt = now();
    heap.collect();
  };
  const look = (): void => {
    if (now() - lookedAt < lookEveryMs) return;
    lookedAt = now();
    used = heap.usedBytes();
    if (isTooMuch && used < fine * limitBytes) judge(false);
    if (isTooMuch) collect(collectAgainMs);
  };

  const refuse = (kind: 'subscription' | 'read'): BusyError => {
    shed.inc({ kind });
    shedAt = now();
    return new BusyError('memory', nearlyFull[kind], retryAfterMs);
  };

  return {
    stop,
    enter({ own, all }) {
      look();
      const bytes = own + bytesPerSubscription;
      // In time, so that nobody is refused only because there was none for long.
      if (left + letIn + bytes > (left + tooMuch * limitBytes) / 2) collect(collectEveryMs);
      const isDoubtful =
        left + letIn + bytes > tooMuch * limitBytes || used > tooMuchWithGarbage * limitBytes;
      if (!isTooMuch && !isDoubtful && all <= tooMuchOfDocuments * limitBytes) {
        letIn += bytes;
        return null;
      }
      return refuse('subscription');
    },
    reads: {
      begin(calls) {
        if (calls <= fewCalls) return null;
        look();
        const most = used > limitBytes / 2 ? tooMuchOfReads : tooMuchOfReadsWithRoom;
        if (isTooMuch || (callsUnderWay + calls) * bytesPerCall > most * limitBytes) return refuse('read');
        callsUnderWay += calls;
        return null;
      },
      end(calls) {
        if (calls > fewCalls) callsUnderWay -= calls;
      },
    },
    degraded() {
      look();
      return isTooMuch || now() - shedAt < toldForMs
        ? ['memory: subscriptions and large lists are refused']
        : [];
    },
  };
}

const nearlyFull = {
  subscription:
    'The gateway has no memory left for more subscriptions now; those that are open are served on. Try again later, or at another replica.',
  read: 'The gateway has no memory left for more reads of many calls at once now. Try again later, at another replica, or for fewer services, regions or compartments.',
};

const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);

/** @param limitMib `--max-old-space-size`; null: not set */
export function processHeap(limitMib: number | null): Heap {
  let gc: ((options: object) => unknown) | undefined;
  return {
    // V8 tells old and young together, and how much of it is for the young depends on the machine.
    limitBytes: limitMib === null ? 0.8 * getHeapStatistics().heap_size_limit : limitMib * 1024 * 1024,
    usedBytes() {
      let bytes = 0;
      for (const { space_name: name, space_used_size: used } of getHeapSpaceStatistics())
        if (!name.startsWith('new_')) bytes += used;
      return bytes;
    },
    onCollected(task) {
      const observer = new PerformanceObserver((list) => {
        const isWhole = list
          .getEntries()
          .some((entry) => kindOf(entry) === constants.NODE_PERFORMANCE_GC_MAJOR);
        if (isWhole) task();
      });
      observer.observe({ entryTypes: ['gc'] });
      return () => observer.disconnect();
    },
    collect() {
      // Node hands it out on demand only; a process that is started with the flag would be one more thing to know.
      setFlagsFromString('--expose-gc');
      gc ??= runInNewContext('gc') as (options: object) => unknown;
      void gc({ type: 'major', execution: 'async' });
    },
  };
}

function kindOf(entry: object): unknown {
  const detail = 'detail' in entry ? entry.detail : null;
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined;
}
