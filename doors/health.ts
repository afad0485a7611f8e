/** `/healthz`, `/readyz` and `/metrics`: for whoever runs the gateway. None of them calls Oracle Cloud. */
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import type { App } from './app.ts';
import { createGuard } from './guard.ts';

export interface Readiness {
  /** `unavailable`: send callers elsewhere. */
  readonly status: 'ok' | 'unavailable';
  /** What works less well, for people: some of it may be no reason to turn callers away. */
  readonly degraded: readonly string[];
}

export const probePaths = ['/healthz', '/readyz'] as const;
export const metricsPath = '/metrics';

export function registerHealth(app: FastifyInstance, readiness: () => Readiness): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const { status, degraded } = readiness();
    return reply.code(status === 'ok' ? 200 : 503).send({ status, degraded });
  });
}

export function registerMetrics(app: FastifyInstance, registry: Registry): void {
  // A registry takes a metric once; one that was handed in may have these already.
  if (registry.getSingleMetric('process_cpu_user_seconds_total') === undefined) {
    collectDefaultMetrics({ register: registry });
  }
  const metrics = createRationed(() => registry.metrics());
  app.get(metricsPath, async (_request, reply) => reply.type(registry.contentType).send(await metrics()));
}

export interface MetricsDoorOptions {
  readonly registry: Registry;
  readonly allowedHosts: readonly string[];
  readonly log: Logger;
}

/** A listener for `/metrics` alone, where callers do not come. */
export function openMetrics({ registry, allowedHosts, log }: MetricsDoorOptions): App {
  const door = createApp({
    guard: createGuard({ allowedHosts, allowedOrigins: [], probePaths: [metricsPath] }),
    log,
    limits: metricsLimits,
    noSuchPath: { status: 404, code: 'NOT_FOUND', message: `No such path. Metrics are at ${metricsPath}.` },
  });
  registerMetrics(door.fastify, registry);
  return door;
}

const metricsLimits = { bodyBytes: 1_024, requestMs: 10_000, keepAliveMs: 12_000, stopGraceMs: 1_000 };

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
