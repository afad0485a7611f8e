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
