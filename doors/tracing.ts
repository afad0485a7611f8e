/**
 * Spans of operations, for whoever registers an OpenTelemetry SDK before the gateway starts (docs/decisions/tracing.md). Where
 * nobody does, there is no tracer, and nothing is done for it.
 */
import {
  context,
  propagation,
  ProxyTracerProvider,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Context, Span, TextMapGetter, Tracer } from '@opentelemetry/api';
import type { OperationDefinitionNode } from 'graphql';
import type { Mark } from '../datasources/types.ts';
import type { ErrorCode } from '../errors.ts';

const tracerName = 'oci-work-request-gateway';

/** null: no SDK is registered. */
export function findTracer(): Tracer | null {
  const provider = trace.getTracerProvider();
  if (provider instanceof ProxyTracerProvider && provider.getDelegateTracer(tracerName) === undefined)
    return null;
  return provider.getTracer(tracerName);
}

/** Where a caller may say which trace its operation belongs to: what it says of the operation itself comes first. */
export interface Carriers {
  /** Of the operation, or of its connection. */
  readonly said?: readonly unknown[];
  readonly headers: object;
}

export interface Begun extends Carriers {
  readonly requestId: string;
  readonly transport: 'http' | 'websocket' | 'sse';
}

export function beginOperation(tracer: Tracer | null, begun: Begun): Mark {
  const { requestId, transport } = begun;
  if (tracer === null) return { requestId, span: null };
  const attributes = { 'gateway.request_id': requestId, 'gateway.transport': transport };
  const span = tracer.startSpan('GraphQL operation', { kind: SpanKind.SERVER, attributes }, parentOf(begun));
  return { requestId, span };
}

/** A span around us is that of an instrumentation, which has read the headers by itself. */
function parentOf({ said = [], headers }: Carriers): Context {
  const active = context.active();
  for (const carrier of said) {
    const found = extract(active, carrier);
    if (found !== active) return found;
  }
  return trace.getSpan(active) === undefined ? extract(active, headers) : active;
}

function extract(active: Context, carrier: unknown): Context {
  if (typeof carrier !== 'object' || carrier === null) return active;
  const found = propagation.extract(active, carrier, strings);
  return trace.getSpan(found) === trace.getSpan(active) ? active : found;
}

/** What clients send as JSON may be anything; propagators expect text. */
const strings: TextMapGetter<object> = {
  get(carrier, key) {
    const value: unknown = Object.hasOwn(carrier, key) ? Reflect.get(carrier, key) : undefined;
    return typeof value === 'string' ? value : undefined;
  },
  keys: (carrier) => Object.keys(carrier),
};

const maxNameLength = 100;

/** The name is the caller's to choose, so it is no name of a span. */
export function describeOperation(
  { span }: Mark,
  { operation, name }: Pick<OperationDefinitionNode, 'operation' | 'name'>,
): void {
  if (span === null) return;
  span.updateName(operation);
  span.setAttribute('graphql.operation.type', operation);
  if (name !== undefined) span.setAttribute('graphql.operation.name', name.value.slice(0, maxNameLength));
}

/** Codes that are no mistake of the caller's. */
const ours: ReadonlySet<string> = new Set([
  'INTERNAL_SERVER_ERROR',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_THROTTLED',
  'UPSTREAM_MALFORMED',
] satisfies ErrorCode[]);

export function noteError({ span }: Mark, code: string): void {
  if (span === null) return;
  span.setAttribute('error.type', code);
  if (ours.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
}

/** For lines of the log. */
export function traceOf(span: Span | null | undefined): {
  readonly trace_id?: string;
  readonly span_id?: string;
} {
  if (span == null) return {};
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId };
}

/** On a context: whose it is. */
const mark = Symbol('mark');

export function withMark(given: Mark): object {
  return { [mark]: given };
}

/** By error: whose it is, where nothing else tells. */
const ownersOf = new WeakMap<object, Mark>();

export function markOf(contextValue: object): Mark | undefined {
  return (contextValue as { readonly [mark]?: Mark })[mark];
}

export function noteOwner(errors: readonly unknown[], owner: Mark | undefined): void {
  if (owner === undefined) return;
  for (const error of errors) if (typeof error === 'object' && error !== null) ownersOf.set(error, owner);
}

/** What is thrown meanwhile has an owner. */
export async function ownedBy<T>(owner: Mark, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    noteOwner([error], owner);
    throw error;
  }
}

export function ownerOf(error: unknown): Mark | undefined {
  for (let at = error; typeof at === 'object' && at !== null; at = Reflect.get(at, 'originalError')) {
    const found = ownersOf.get(at);
    if (found !== undefined) return found;
  }
  return undefined;
}
