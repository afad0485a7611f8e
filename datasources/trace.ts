/**
 * Spans of calls to Oracle Cloud: one for a call with its waits and retries, and below it one for each HTTP request, as OpenTelemetry's
 * conventions for HTTP have it. Without paths, as these hold ids that callers gave; without bodies, headers and messages.
 *
 * Parents are handed on with the call and not looked up in what is going on around it: a call may be made for somebody else's
 * operation, or for none. Nothing of a trace is sent to Oracle Cloud.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Span, Tracer } from '@opentelemetry/api';
import { UpstreamError } from '../errors.ts';
import type { Call, Interceptor, Send } from './call.ts';
import type { UpstreamAnswer } from './types.ts';

export interface Traces {
  /** Around retries and waits. */
  readonly call: Interceptor;
  /** Around one HTTP request. */
  readonly attempt: Interceptor;
  /** Whoever shares a call of somebody else's has a link to it. */
  readonly join: (call: Call, shared: Call) => void;
}

const unchanged: Interceptor = (next) => next;
const nobodyTraces: Traces = { call: unchanged, attempt: unchanged, join: () => {} };

export function createTraces(tracer: Tracer | null): Traces {
  if (tracer === null) return nobodyTraces;
  return {
    call: (next) => (call) => {
      const { service, region } = call.request;
      const attributes = { 'oci.service': service, 'oci.region': region, 'gateway.is_poll': call.hasTurn };
      const parent = call.mark?.span ?? null;
      const name = `call ${service}`;
      const span =
        parent === null
          ? tracer.startSpan(name, { root: true, attributes })
          : tracer.startSpan(name, { attributes }, trace.setSpan(ROOT_CONTEXT, parent));
      call.span = span;
      return ended(span, call, next);
    },

    attempt: (next) => (call) => {
      const { method, origin } = call.request;
      const { hostname, port, protocol } = new URL(origin);
      const attributes = {
        'http.request.method': method,
        'server.address': hostname,
        'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
        ...(call.attempts > 0 && { 'http.request.resend_count': call.attempts }),
      };
      const parent = call.span === null ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, call.span);
      const span = tracer.startSpan(method, { kind: SpanKind.CLIENT, attributes }, parent);
      return ended(span, call, next);
    },

    join(call, shared) {
      if (call.mark?.span == null || shared.span === null) return;
      call.mark.span.addLink({
        context: shared.span.spanContext(),
        attributes: { 'gateway.is_shared': true },
      });
    },
  };
}

async function ended(span: Span, call: Call, next: Send): Promise<UpstreamAnswer> {
  try {
    const answer = await next(call);
    describe(span, answer.status, answer.opcRequestId);
    return answer;
  } catch (error) {
    const failure = error instanceof UpstreamError ? error.failure : null;
    describe(span, failure?.status ?? null, failure?.opcRequestId ?? null);
    span.setAttribute('error.type', error instanceof UpstreamError ? error.code : 'INTERNAL_SERVER_ERROR');
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

function describe(span: Span, status: number | null, opcRequestId: string | null): void {
  if (status !== null) span.setAttribute('http.response.status_code', status);
  if (opcRequestId !== null) span.setAttribute('oci.request_id', opcRequestId);
}
