/**
 * Loaded before a gateway under test (`--import`): an SDK that writes each span that ends to the file of SPANS_FILE, and bugs whose
 * messages are PLANTED_SECRET: at SIGUSR2 in the midst of each read of a work request, at SIGHUP where nobody catches it.
 */
import { appendFileSync } from 'node:fs';
import { setImmediate } from 'node:timers';
import { propagation, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';

const { SPANS_FILE, PLANTED_SECRET } = process.env;

const writer = {
  onStart() {},
  onEnd: ({ name, attributes, events, links, status, resource }) =>
    appendFileSync(
      SPANS_FILE,
      `${JSON.stringify({ name, attributes, events, links, status, resource: resource.attributes })}\n`,
    ),
  forceFlush: async () => {},
  shutdown: async () => {},
};
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [writer] }));
// As SDKs have it by default.
propagation.setGlobalPropagator(
  new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
);

const bug = () =>
  Object.assign(new TypeError(`Cannot read '${PLANTED_SECRET}'`, { cause: new Error(PLANTED_SECRET) }), {
    config: { headers: PLANTED_SECRET },
  });
process.on('SIGUSR2', () => {
  const { groupBy } = Map;
  Map.groupBy = () => {
    Map.groupBy = groupBy;
    throw bug();
  };
});
process.on('SIGHUP', () =>
  setImmediate(() => {
    throw bug();
  }),
);
