/** Spans as an operator's SDK gets them, kept in memory. */
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-base';

export interface Spans {
  readonly provider: BasicTracerProvider;
  /** Those that have ended since the last time this was asked for, in the order of their ends. */
  take(): ReadableSpan[];
  /** Begun and not ended. */
  open(): number;
}

export const createSpans = (): Spans => {
  const exporter = new InMemorySpanExporter();
  let open = 0;
  const counter: SpanProcessor = {
    onStart: (_span: Span) => void (open += 1),
    onEnd: () => void (open -= 1),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter), counter] });
  return {
    provider,
    take() {
      const spans = exporter.getFinishedSpans();
      exporter.reset();
      return [...spans];
    },
    open: () => open,
  };
};

/** What of a span somebody may see who is sent it. */
export const textOf = ({
  name,
  attributes,
  events,
  links,
  status,
  resource,
  instrumentationScope,
}: ReadableSpan): string =>
  JSON.stringify([name, attributes, events, links, status, resource.attributes, instrumentationScope]);
