import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { dialectOf, serviceKeys } from '../../emulator/dialects.ts';
import { sampleIdsIn, sampleRegions } from '../../emulator/emulator.ts';
import { createPlaces } from '../../emulator/places.ts';
import { samplePlots } from '../../emulator/sample-plots.ts';
import { createSamples } from '../../emulator/samples.ts';
import { retentionMs, stateOf } from '../../emulator/lives.ts';
import type { Life } from '../../emulator/lives.ts';
import { renderWorkRequest } from '../../emulator/render.ts';
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
  }
});

test('they last twelve hours from their end, and no longer, however many there are by then', () => {
  const store = createStore();
  const samples = createSamples(store, createPlaces(), startMs);
  const ends = new Map<Life, number>();
  const look = (nowMs: number): void => {
    samples.catchUp(nowMs);
    const there = new Set(store.all(nowMs));
    for (const life of there) {
      if (!ends.has(life)) ends.set(life, stateOf(life, Infinity).finishedMs ?? Infinity);
    }
    for (const [life, finishedMs] of ends) {
      if (there.has(life) === nowMs - finishedMs > retentionMs)
        throw new Error(`${life.id}, ${(nowMs - startMs) / minuteMs} minutes in`);
    }
  };
  for (let minute = 0; minute <= 16 * 60; minute += 30) look(startMs + minute * minuteMs);
  expect(ends.size).toBeGreaterThan(4000);
  // Also those that nobody asks for: the next births in their place drop them.
  const size = store.size();
  for (let minute = 16 * 60; minute <= 40 * 60; minute += 30) samples.catchUp(startMs + minute * minuteMs);
  expect(Math.abs(store.size() - size)).toBeLessThan(100);
});

test('a jump of the clock bears the newest few of each, not all that would have been', () => {
  const store = createStore();
  const samples = createSamples(store, createPlaces(), startMs);
  const sizeAtStart = store.size();
  samples.catchUp(startMs + 1000 * 24 * 60 * minuteMs);
  const slots = samplePlots.reduce((sum, { regions }) => sum + regions.length, 0);
  expect(sizeAtStart).toBe(4 * slots);
  expect(store.size()).toBe(12 * slots);
});

test('every one of them ends, also what needs attention', () => {
  const store = createStore();
  const samples = createSamples(store, createPlaces(), startMs);
  samples.catchUp(startMs + 120 * minuteMs);
  const lives = store.all(startMs + 120 * minuteMs);
  expect(lives.length).toBeGreaterThan(400);
  expect(lives.filter((life) => !stateOf(life, startMs + 180 * minuteMs).isFinished)).toEqual([]);
});

/** As Oracle's documentation and its users' outputs have them. */
const ocidTypes = [
  'bastion',
  'bastionsession',
  'bucket',
  'cluster',
  'compartment',
  'database',
  'dataflowprivateendpoint',
  'dbsystem',
  'drplan',
  'drprotectiongroup',
  'goldengatedeployment',
  'instance',
  'integrationinstance',
  'mysqldbsystem',
  'networkloadbalancer',
  'nodepool',
  'nosqltable',
  'ormstack',
  'osmhmanagedinstancegroup',
  'queue',
  'tagdefinition',
];

test('what they work on has an OCID of a type that there is, and has become what the end says', () => {
  const store = createStore();
  const samples = createSamples(store, createPlaces(), startMs);
  const types = new Set<string>();
  const ends = new Map<string, Set<string>>();
  const nowMs = startMs + 120 * minuteMs;
  samples.catchUp(nowMs);
  for (const life of store.all(nowMs)) {
    const dialect = dialectOf(life.service)!;
    for (const atMs of [life.acceptedMs + 15_000, nowMs]) {
      const state = stateOf(life, atMs);
      const { resources = [] } = renderWorkRequest(dialect, life, state);
      for (const resource of resources as Record<string, string>[]) {
        const [, type = '', , region = ''] = (resource['identifier'] ?? resource['resourceId'] ?? '').split(
          '.',
        );
        types.add(type);
        expect(region === '').toBe(['compartment', 'tagdefinition'].includes(type));
        const status = state.status ?? '';
        ends.set(status, (ends.get(status) ?? new Set()).add(resource['actionType'] ?? ''));
      }
    }
  }
  expect([...types].sort()).toEqual(ocidTypes);
  const inProgress = ['IN_PROGRESS', 'INPROGRESS'];
  const done = ['CREATED', 'DELETED', 'STARTED', 'UPDATED', 'WRITTEN'];
  expect(
    [...ends.get('SUCCEEDED')!, ...ends.get('COMPLETED')!].filter((word) => !done.includes(word)),
  ).toEqual([]);
  for (const status of ['IN_PROGRESS', 'INPROGRESS', 'NEEDS_ATTENTION', 'CANCELING'])
    expect(inProgress).toEqual(expect.arrayContaining([...(ends.get(status) ?? [])]));
  expect([...ends.get('FAILED')!].sort()).toEqual(['FAILED', 'IN_PROGRESS']);
  expect([...ends.get('CANCELED')!].sort()).toEqual(['CANCELED_UPDATE', 'IN_PROGRESS']);
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

test.each(sampleRegions)('the ids to paste for %s are the same at every start', async (region) => {
  const { progressing, cancelable } = sampleIdsIn(['ap-tokyo-1', region, ...sampleRegions]);
  for (const seed of ['one', 'other']) {
    await withEmulator(
      async ({ emulator, time }) => {
        const read = () => emulator.readWorkRequest(progressing ?? '');
        const seen = [read()];
        expect(seen[0]).toMatchObject({ region, status: 'IN_PROGRESS', operationType: 'CREATE_DBSYSTEM' });
        expect(seen[0]?.percentComplete).toBeGreaterThanOrEqual(20);
        expect(seen[0]?.percentComplete).toBeLessThanOrEqual(30);
        expect(seen[0]?.logs).toBeGreaterThan(1);
        expect(emulator.readWorkRequest(cancelable ?? '')).toMatchObject({ region, status: 'IN_PROGRESS' });
        while (seen.at(-1)?.timeFinished === null && seen.length < 100) {
          time.nowMs += 15_000;
          seen.push(read());
          expect(seen.at(-1)?.percentComplete).toBeGreaterThan(seen.at(-2)?.percentComplete ?? 100);
        }
        expect(seen.at(-1)).toMatchObject({ status: 'SUCCEEDED', percentComplete: 100, logs: 9 });
        expect(seen.length).toBeGreaterThan((5 * 60) / 15);
        expect(seen.length).toBeLessThan((8 * 60) / 15);
        time.nowMs += 11.9 * 60 * minuteMs;
        expect(read()).toMatchObject({ status: 'SUCCEEDED' });
        time.nowMs += 0.2 * 60 * minuteMs;
        expect(read()).toBeNull();
      },
      { samples: true, seed },
    );
  }
});

test('the README names these ids, and no others of theirs', () => {
  const readme = readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8');
  const { tenancy, progressing } = sampleIdsIn(sampleRegions);
  const named = new Set(readme.match(/ocid1\.(tenancy|\w*workrequest)\.[\w.-]+\w/g));
  expect([...named].sort()).toEqual([progressing, tenancy].sort());
});

test('no id is told to paste where no region has samples', () => {
  expect(sampleIdsIn(['ap-tokyo-1'])).toMatchObject({ progressing: null, cancelable: null });
});

test('each plot names a service and each of its regions is one of two', () => {
  for (const plot of samplePlots) {
    expect(serviceKeys).toContain(plot.service);
    for (const region of plot.regions) expect(sampleRegions).toContain(region);
  }
});
