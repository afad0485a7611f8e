/** What the doors have done, and who is in: counted where it happens, read by `/metrics`. No label is ever what a caller sent. */
import type { OperationTypeNode } from 'graphql';
import { Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { errorCodes, limits } from '../errors.ts';
import type { ErrorCode, Limit } from '../errors.ts';
import type { Told } from '../subscriptions/events.ts';
import type { WatchForm } from '../subscriptions/feed.ts';
import { registerReading } from './readings.ts';

export const transports = ['http', 'websocket', 'sse'] as const;
export type Transport = (typeof transports)[number];

/** `unknown`: refused before it was known. */
const operationTypes = ['query', 'mutation', 'subscription', 'unknown'] as const;
export type OperationType = `${OperationTypeNode}` | 'unknown';

/** How a subscription ended. */
export const subscriptionEnds = [
  // There is nothing more to tell: the work request is over, cannot be seen any more, or may not be.
  'finished',
  'not_found',
  'retention',
  'forbidden',
  // By the client: `complete`, which an event stream does not have, or its connection closed in order.
  'completed',
  'disconnected',
  // By the gateway.
  'overflow',
  'token_expired',
  'shutdown',
  // The connection broke, or was not answered on any more.
  'lost',
  'error',
] as const;
export type SubscriptionEnd = (typeof subscriptionEnds)[number];

/** Of one transport. */
export interface SubscriptionTally {
  began(form: WatchForm): void;
  ended(form: WatchForm, end: SubscriptionEnd): void;
  /** Events that left. */
  sent: number;
}

export interface DoorsTally {
  /** @param code of the first error; null: there is none */
  operation(transport: Transport, type: OperationType, code: string | null, startedAt: number): void;
  readonly subscriptions: Readonly<Record<'websocket' | 'sse', SubscriptionTally>>;
  /** Somebody was refused for it. */
  exceeded(limit: Limit): void;
  /** An HTTP answer, also to a handshake that was refused. */
  answer(status: number): void;
  /** Where the numbers of what is open come from. */
  read(sources: DoorsSources): void;
}

export interface DoorsSources {
  isReady(): boolean;
  connections(): number;
  sockets(): number;
  streams(): number;
}

/** As `operation` wants to know it. */
export const startNow = (): number => performance.now();

export function createDoorsTally(registry: Registry): DoorsTally {
  let sources: DoorsSources = {
    isReady: () => false,
    connections: () => 0,
    sockets: () => 0,
    streams: () => 0,
  };
  const operations = countOperations(registry);
  const subscriptions = countSubscriptions(registry);
  const answers = new Map<string, number>();
  // From zero, or Prometheus would not see the first one as an increase.
  const excesses = recordOf(limits, () => 0);

  registerReading(
    registry,
    {
      type: 'counter',
      name: 'gateway_http_answers_total',
      help: 'HTTP answers by status, those to refused WebSocket handshakes included',
      labelNames: ['status'],
    },
    () => [...answers].map(([status, count]) => [{ status }, count]),
  );
  registerReading(
    registry,
    {
      type: 'counter',
      name: 'gateway_limits_exceeded_total',
      help: 'LIMIT_EXCEEDED, by the variable that sets the limit, or the word for one that none sets; closed WebSockets included',
      labelNames: ['limit'],
    },
    () => limits.map((limit) => [{ limit }, excesses[limit]]),
  );
  registerReading(
    registry,
    { type: 'gauge', name: 'gateway_ready', help: 'Whether /readyz answers 200' },
    () => Number(sources.isReady()),
  );
  registerReading(
    registry,
    { type: 'gauge', name: 'gateway_connections', help: 'TCP connections open, WebSockets included' },
    () => sources.connections(),
  );
  registerReading(registry, { type: 'gauge', name: 'gateway_websockets', help: 'WebSockets open' }, () =>
    sources.sockets(),
  );
  registerReading(
    registry,
    { type: 'gauge', name: 'gateway_event_streams', help: 'Event streams open' },
    () => sources.streams(),
  );

  return {
    operation: operations,
    subscriptions,
    exceeded: (limit) => void (excesses[limit] += 1),
    answer(status) {
      const key = statusLabel(status);
      answers.set(key, (answers.get(key) ?? 0) + 1);
    },
    read: (given) => void (sources = given),
  };
}

function countOperations(registry: Registry): DoorsTally['operation'] {
  const seconds = new Histogram({
    name: 'gateway_operation_seconds',
    help: 'Time of an operation until its answer was there; of a subscription until it began',
    labelNames: ['transport', 'type'] as const,
    // `waitForWorkRequest` takes up to five minutes.
    buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 300],
    registers: [registry],
  });
  const counts = recordOf(transports, (transport) =>
    recordOf(operationTypes, (type) => ({
      // From zero, or Prometheus would not see the first one as an increase.
      outcomes: new Map<string, number>([
        ['ok', 0],
        ['INTERNAL_SERVER_ERROR' satisfies ErrorCode, 0],
      ]),
      seconds: type === 'unknown' ? null : seconds.labels({ transport, type }),
    })),
  );
  registerReading(
    registry,
    {
      type: 'counter',
      name: 'gateway_operations_total',
      help: 'Operations by outcome: `ok`, or the code of the first error (`OTHER`: none of the gateway’s own); of subscriptions their beginning',
      labelNames: ['transport', 'type', 'outcome'],
    },
    function* () {
      for (const transport of transports)
        for (const type of operationTypes)
          for (const [outcome, count] of counts[transport][type].outcomes)
            yield [{ transport, type, outcome }, count];
    },
  );
  return (transport, type, code, startedAt) => {
    const count = counts[transport][type];
    const outcome = code === null ? 'ok' : isErrorCode(code) ? code : 'OTHER';
    count.outcomes.set(outcome, (count.outcomes.get(outcome) ?? 0) + 1);
    count.seconds?.observe((performance.now() - startedAt) / 1000);
  };
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorCodes, code);

function countSubscriptions(registry: Registry): DoorsTally['subscriptions'] {
  const forms = ['single', 'list'] as const satisfies readonly WatchForm[];
  const carriers = ['websocket', 'sse'] as const;
  const counts = recordOf(carriers, () =>
    recordOf(forms, () => ({ open: 0, ends: recordOf(subscriptionEnds, () => 0) })),
  );
  const tallies = recordOf(carriers, (transport): SubscriptionTally => {
    const ofForm = counts[transport];
    return {
      sent: 0,
      began: (form) => void (ofForm[form].open += 1),
      ended(form, end) {
        ofForm[form].open -= 1;
        ofForm[form].ends[end] += 1;
      },
    };
  });
  registerReading(
    registry,
    {
      type: 'gauge',
      name: 'gateway_subscriptions',
      help: 'Subscriptions open, by transport and form (to one work request, to a list)',
      labelNames: ['transport', 'form'],
    },
    function* () {
      for (const transport of carriers)
        for (const form of forms) yield [{ transport, form }, counts[transport][form].open];
    },
  );
  registerReading(
    registry,
    {
      type: 'counter',
      name: 'gateway_subscriptions_ended_total',
      help: 'Subscriptions that ended, by reason',
      labelNames: ['transport', 'form', 'reason'],
    },
    function* () {
      for (const transport of carriers)
        for (const form of forms)
          for (const reason of subscriptionEnds)
            yield [{ transport, form, reason }, counts[transport][form].ends[reason]];
    },
  );
  registerReading(
    registry,
    {
      type: 'counter',
      name: 'gateway_events_sent_total',
      help: 'Events of subscriptions that went out',
      labelNames: ['transport'],
    },
    () => carriers.map((transport) => [{ transport }, tallies[transport].sent]),
  );
  return tallies;
}

/** How a subscription ends if this was its last event; a list has none. */
export function endAfter({ gap, workRequest }: Told, form: WatchForm): SubscriptionEnd {
  if (form === 'list') return 'shutdown';
  switch (gap?.reason) {
    case 'NOT_FOUND':
      return 'not_found';
    case 'RETENTION':
      return 'retention';
    case 'FORBIDDEN':
      return 'forbidden';
    case 'OVERFLOW':
      return 'overflow';
    case 'UPSTREAM_SILENT':
    case undefined:
      return workRequest?.isTerminal === true ? 'finished' : 'shutdown';
  }
}

/** By the code with which a WebSocket was closed. */
export function endByCode(code: number): SubscriptionEnd {
  switch (code) {
    case 1000:
    case 1001:
    case 1005:
      return 'disconnected';
    case 1006:
      return 'lost';
    case 1012:
      return 'shutdown';
    case 1013:
      return 'overflow';
    case 4403:
      return 'token_expired';
    default:
      return 'error';
  }
}

const knownStatuses: ReadonlySet<number> = new Set([
  200, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 412,
  413, 414, 415, 422, 423, 426, 429, 431, 449, 500, 501, 502, 503, 504,
]);

/** Others have come out of every cloud and proxy: they count by their class. */
export function statusLabel(status: number | null): string {
  if (status === null) return 'none';
  if (knownStatuses.has(status)) return String(status);
  return status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : 'other';
}

function recordOf<Key extends string, Value>(
  keys: readonly Key[],
  make: (key: Key) => Value,
): Readonly<Record<Key, Value>> & Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, Value>;
}
