import { expect, test } from '@jest/globals';
import { dialectOf, serviceKeys } from '../../emulator/dialects.ts';
import { sampleCompartments, sampleIds, sampleRegions } from '../../emulator/emulator.ts';
import { createPlaces } from '../../emulator/places.ts';
import { samplePlots } from '../../emulator/sample-plots.ts';
import { createSamples } from '../../emulator/samples.ts';
import { stateOf } from '../../emulator/lives.ts';
import { createStore } from '../../emulator/store.ts';
import { withEmulator } from './support.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
const minuteMs = 60_000;

test('there are samples of at least twelve services in two regions, at every moment', () => {
  const store = createStore();
  const samples = createSamples(store, createPlaces(), startMs);
  for (const afterMs of [0, minuteMs, 30 * minuteMs, 5 * 60 * minuteMs, 100 * 60 * minuteMs]) {
    const nowMs = startMs + afterMs;
    samples.catchUp(nowMs);
    for (const region of sampleRegions) {
      const alive = serviceKeys.filter((key) =>
        store.of(key, region, nowMs).some((life) => !stateOf(life, nowMs).isFinished),
      );
      expect(alive.length).toBeGreaterThanOrEqual(6);
      const there = serviceKeys.filter((key) => store.of(key, region, nowMs).length > 0);
      expect(there.length).toBeGreaterThanOrEqual(12);
    }
    expect(store.size()).toBeLessThan(400);
  }
});

test('every kind of end is reached, and words are the dialects own', () => {
  const store = createStore();
  const samples = createSamples(store, createPlaces(), startMs);
  const seen = new Set<string>();
  const sampled = [...new Set(samplePlots.map((plot) => plot.service))];
  for (let at = 0; at < 240; at += 1) {
    const nowMs = startMs + at * 15_000;
    samples.catchUp(nowMs);
    for (const key of sampled) {
      const dialect = dialectOf(key);
      for (const region of sampleRegions) {
        for (const life of store.of(key, region, nowMs)) {
          const { status } = stateOf(life, nowMs);
          if (typeof status !== 'string' || !dialect?.statusWords.includes(status))
            throw new Error(`${key}: ${String(status)}`);
          seen.add(status);
          if (dialect.operationWords.length > 0 && !dialect.operationWords.includes(life.operationType)) {
            throw new Error(`${key}: ${life.operationType}`);
          }
        }
      }
    }
  }
  expect([...seen]).toEqual(
    expect.arrayContaining([
      'ACCEPTED',
      'IN_PROGRESS',
      'WAITING',
      'NEEDS_ATTENTION',
      'FAILED',
      'CANCELING',
      'CANCELED',
      'SUCCEEDED',
      'COMPLETED',
    ]),
  );
});

test('the ids to paste are the same at every start and name running work requests', async () => {
  for (let start = 0; start < 2; start += 1) {
    await withEmulator(
      async ({ emulator, time }) => {
        for (const [service, id] of Object.entries(sampleIds)) {
          const found = emulator.readWorkRequest(id);
          expect(found).toMatchObject({ service, timeFinished: null });
        }
        time.nowMs += 5 * minuteMs;
        const cluster = emulator.readWorkRequest(sampleIds.CONTAINERENGINE);
        expect(cluster).toMatchObject({
          operationType: 'CLUSTER_CREATE',
          status: 'IN_PROGRESS',
          region: 'us-ashburn-1',
        });
        expect(cluster?.compartmentId).toBe(sampleCompartments.platform);
        time.nowMs += 4 * minuteMs;
        expect(emulator.readWorkRequest(sampleIds.CONTAINERENGINE)).toMatchObject({
          status: 'SUCCEEDED',
          logs: 5,
        });
      },
      { samples: true, ...(start === 1 && { seed: 'other' }) },
    );
  }
});

test('each plot names a service and each of its regions is one of two', () => {
  for (const plot of samplePlots) {
    expect(serviceKeys).toContain(plot.service);
    for (const region of plot.regions) expect(sampleRegions).toContain(region);
  }
});
