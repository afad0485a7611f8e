/**
 * Traces of the gateway, printed. Load it before the gateway:
 *
 *   NODE_OPTIONS='--import ./examples/otel.mjs' npm start
 *
 * For traces that go somewhere, `npm install @opentelemetry/exporter-trace-otlp-http`, and put its `new OTLPTraceExporter()`, which
 * reads OTEL_EXPORTER_OTLP_ENDPOINT, in the place of the ConsoleSpanExporter. Do not add instrumentations of HTTP clients
 * (`instrumentation-undici`, `instrumentation-http`, all of `auto-instrumentations-node`): they would send your trace ids on to
 * Oracle Cloud.
 */
import { propagation, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';

// Part of those traces that begin here: polls begin one each, up to POLL_RPS a second. What callers have sampled is sampled.
const part = Number(process.env.OTEL_TRACES_SAMPLER_ARG ?? 1);

const provider = new BasicTracerProvider({
  sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(part) }),
  spanProcessors: [new BatchSpanProcessor(new ConsoleSpanExporter())],
});
trace.setGlobalTracerProvider(provider);
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

// The gateway ends by itself when all is done.
process.once('beforeExit', () => void provider.shutdown());
