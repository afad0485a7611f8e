/** `/healthz`, `/readyz` and `/metrics`: for whoever runs the gateway. None of them calls Oracle Cloud. */
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics } from 'prom-client';
import type { Registry } from 'prom-client';

export interface Readiness {
  /** `unavailable`: send callers elsewhere. */
  readonly status: 'ok' | 'unavailable';
  /** What works less well, for people: some of it may be no reason to turn callers away. */
  readonly degraded: readonly string[];
}

export interface HealthOptions {
  readonly registry: Registry;
  readiness(): Readiness;
}

export function registerHealth(app: FastifyInstance, { registry, readiness }: HealthOptions): void {
  // A registry takes a metric once; one that was handed in may have these already.
  if (registry.getSingleMetric('process_cpu_user_seconds_total') === undefined) {
    collectDefaultMetrics({ register: registry });
  }
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const { status, degraded } = readiness();
    return reply.code(status === 'ok' ? 200 : 503).send({ status, degraded });
  });
  const metrics = createRationed(() => registry.metrics());
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await metrics()));
}

/** Anybody may ask for it, and it takes milliseconds to make: it is told again until it has taken no more than so much of all time. */
const part = 0.1;

function createRationed(make: () => Promise<string>): () => Promise<string> {
  let last = Promise.resolve('');
  let keptUntil = 0;
  return () => {
    const startedAt = performance.now();
    if (startedAt < keptUntil) return last;
    keptUntil = Infinity;
    last = make().finally(() => {
      const madeAt = performance.now();
      keptUntil = madeAt + (madeAt - startedAt) * (1 / part - 1);
    });
    return last;
  };
}
