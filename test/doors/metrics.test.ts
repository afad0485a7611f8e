import { expect, test } from '@jest/globals';
import type { UpstreamEvent } from '../../datasources/report.ts';
import { createMetrics } from '../../doors/metrics.ts';
import { createManualClock } from '../support/clock.ts';

const event = (code: UpstreamEvent['code'], more: Partial<UpstreamEvent> = {}): UpstreamEvent => ({
  service: 'QUEUE',
  region: 'us-ashburn-1',
  method: 'GET',
  status: null,
  code,
  durationMs: 1,
  attempts: 1,
  opcRequestId: null,
  ...more,
});

test('a place is degraded from its last failure until it answers', () => {
  const metrics = createMetrics(createManualClock());
  metrics.observeUpstream(event('UPSTREAM_TIMEOUT'));
  metrics.observeUpstream(event('UNAUTHENTICATED', { region: 'eu-frankfurt-1' }));
  metrics.observeUpstream(event('UPSTREAM_UNAVAILABLE'));
  expect(metrics.degraded()).toEqual([
    'QUEUE us-ashburn-1: UPSTREAM_UNAVAILABLE',
    'QUEUE eu-frankfurt-1: UNAUTHENTICATED',
  ]);
  metrics.observeUpstream(event(null));
  expect(metrics.degraded()).toEqual(['QUEUE eu-frankfurt-1: UNAUTHENTICATED']);
  // A wrong question is no trouble of theirs: they answered.
  metrics.observeUpstream(event('NOT_FOUND', { region: 'eu-frankfurt-1' }));
  expect(metrics.degraded()).toEqual([]);
});

test('the keys of tokens are degraded from when they could not be had until they can, or for five minutes', async () => {
  const clock = createManualClock();
  const metrics = createMetrics(clock);
  metrics.observeKeys(false);
  expect(metrics.degraded()).toEqual(['AUTH_JWKS_URL: UPSTREAM_UNAVAILABLE']);
  metrics.observeKeys(true);
  expect(metrics.degraded()).toEqual([]);
  metrics.observeKeys(false);
  await clock.advance(5 * 60_000);
  expect(metrics.degraded()).toEqual([]);
});

test('what is degraded is a metric, too, and gone when it is not any more', async () => {
  const metrics = createMetrics(createManualClock());
  const read = () => metrics.registry.getSingleMetricAsString('gateway_degraded');
  metrics.observeUpstream(event('UPSTREAM_TIMEOUT'));
  expect(await read()).toContain('{service="QUEUE",region="us-ashburn-1",code="UPSTREAM_TIMEOUT"} 1');
  metrics.observeUpstream(event(null));
  expect(await read()).not.toContain('QUEUE');
});

test('calls count by outcome and status, of which those that nobody knows are one', async () => {
  const metrics = createMetrics(createManualClock());
  metrics.observeUpstream(event(null, { status: 200 }));
  metrics.observeUpstream(event('NOT_FOUND', { status: 404 }));
  metrics.observeUpstream(event('UPSTREAM_TIMEOUT'));
  for (const status of [590, 591]) metrics.observeUpstream(event('UPSTREAM_UNAVAILABLE', { status }));
  const text = await metrics.registry.getSingleMetricAsString('gateway_upstream_calls_total');
  const counts = [...text.matchAll(/outcome="(.*)",status="(.*)"\} (\d+)/g)].map((found) => found.slice(1));
  expect(counts).toEqual([
    ['ok', '200', '1'],
    ['NOT_FOUND', '404', '1'],
    ['UPSTREAM_TIMEOUT', 'none', '1'],
    ['UPSTREAM_UNAVAILABLE', '5xx', '2'],
  ]);
});

test('numbers are asked for once for all metrics that they are in, and again for the next who asks', async () => {
  const metrics = createMetrics(createManualClock());
  let asked = 0;
  const budget = {
    service: 'QUEUE',
    region: 'r',
    left: 1,
    rate: 2,
    waitMs: 0,
    slowdowns: 0,
    pollsWaiting: 3,
  };
  metrics.read({
    watching() {
      throw new Error('nothing is watched');
    },
    budgets() {
      asked += 1;
      return [
        { ...budget, isInUse: true },
        { ...budget, service: 'DEVOPS', isInUse: false, pollsWaiting: 0, slowdowns: 4 },
      ];
    },
    olderAnswers: () => 5,
    hasPolicyProblem: () => null,
  });
  const read = async () =>
    Promise.all(
      ['left', 'rate', 'slowdowns_total'].map((name) =>
        metrics.registry.getSingleMetricAsString(`gateway_budget_${name}`),
      ),
    );
  const [left = '', rate = '', slowdowns = ''] = await read();
  expect(asked).toBe(1);
  await read();
  expect(asked).toBe(2);
  expect(left).toContain('{service="QUEUE",region="r"} 1');
  expect(rate).toContain('{service="QUEUE",region="r"} 2');
  expect(left + rate).not.toContain('DEVOPS');
  // A counter stays.
  expect(slowdowns).toContain('{service="DEVOPS",region="r"} 4');
  expect(await metrics.registry.getSingleMetricAsString('gateway_answers_backward_total')).toContain(
    'total 5',
  );
});

test('or until five minutes have gone by without another failure, as nobody may ever ask there again', async () => {
  const clock = createManualClock();
  const metrics = createMetrics(clock);
  metrics.observeUpstream(event('UPSTREAM_TIMEOUT'));
  await clock.advance(4 * 60_000);
  metrics.observeUpstream(event('UPSTREAM_TIMEOUT'));
  await clock.advance(5 * 60_000 - 1);
  expect(metrics.degraded()).toEqual(['QUEUE us-ashburn-1: UPSTREAM_TIMEOUT']);
  await clock.advance(1);
  expect(metrics.degraded()).toEqual([]);
});
