import { describe, expect, test } from '@jest/globals';
import type { WorkRequest } from '../../datasources/types.ts';
import { changedFields, isStatusChange } from '../../subscriptions/changes.ts';
import { workRequestOf } from './harness.ts';

const resource = {
  entityType: 'cluster',
  actionType: 'IN_PROGRESS',
  identifier: 'ocid1.cluster.oc1..x',
  entityUri: null,
  extras: null,
};

const between = (before: Partial<WorkRequest>, after: Partial<WorkRequest>) =>
  changedFields(workRequestOf(before), workRequestOf(after));

describe('what changed between two observations', () => {
  test.each<[string, Partial<WorkRequest>, Partial<WorkRequest>]>([
    ['status', { status: 'WAITING', rawStatus: 'X' }, { status: 'IN_PROGRESS', rawStatus: 'X' }],
    ['rawStatus', { rawStatus: 'CREATED' }, { rawStatus: 'ACCEPTED' }],
    ['operationType', { operationType: null }, { operationType: 'DELETE' }],
    ['compartmentId', { compartmentId: 'a' }, { compartmentId: 'b' }],
    ['percentComplete', { percentComplete: 0 }, { percentComplete: 0.5 }],
    ['timeAccepted', { timeAccepted: null }, { timeAccepted: new Date(1) }],
    ['timeStarted', { timeStarted: null }, { timeStarted: new Date(1) }],
    ['timeUpdated', { timeUpdated: new Date(1) }, { timeUpdated: new Date(2) }],
    ['timeFinished', { timeFinished: null }, { timeFinished: new Date(1) }],
    ['resources', { resources: [resource] }, { resources: [{ ...resource, actionType: 'CREATED' }] }],
    ['resources', { resources: null }, { resources: [] }],
    [
      'embeddedErrors',
      { embeddedErrors: [] },
      { embeddedErrors: [{ code: 'E', message: '', timestamp: null, isRetryable: null }] },
    ],
    ['embeddedLogs', { embeddedLogs: [] }, { embeddedLogs: [{ message: 'l', timestamp: null }] }],
    ['extras', { extras: { a: { b: 1 } } }, { extras: { a: { b: 2 } } }],
  ])('%s is a change', (field, before, after) => {
    expect(between(before, after)).toEqual([field]);
  });

  test.each<[string, Partial<WorkRequest>, Partial<WorkRequest>]>([
    ['the time of observation', { observedAt: 1 }, { observedAt: 2 }],
    ['an etag', { etag: 'a' }, { etag: 'b' }],
    ['what upstream asks to wait', { retryAfterMs: 1 }, { retryAfterMs: null }],
    ['a doubt', { isStale: true }, {}],
    ['the same moment in another object', { timeStarted: new Date(5) }, { timeStarted: new Date(5) }],
    ['equal resources in other objects', { resources: [resource] }, { resources: [{ ...resource }] }],
    ['resources that only the get has', { resources: [resource] }, { origin: 'list', resources: null }],
    ['resources that the list did not have', { origin: 'list' }, { resources: [resource] }],
    ['an extra that a list taught us meanwhile', { extras: { a: 1 } }, { extras: { a: 1, fromList: true } }],
  ])('%s is none', (_, before, after) => {
    expect(between(before, after)).toEqual([]);
  });

  test('names every field that changed', () => {
    const after = { status: 'FAILED', timeFinished: new Date(1), percentComplete: 3 } as const;
    expect(between({}, after)).toEqual(['status', 'rawStatus', 'percentComplete', 'timeFinished']);
  });
});

describe('a change of status', () => {
  test('is one of our word or of upstream’s', () => {
    expect(isStatusChange(['status', 'rawStatus'])).toBe(true);
    expect(
      isStatusChange(between({ status: 'UNKNOWN', rawStatus: 'A' }, { status: 'UNKNOWN', rawStatus: 'B' })),
    ).toBe(true);
  });

  test('is not progress, time, or nothing at all', () => {
    expect(isStatusChange(['percentComplete', 'timeUpdated', 'resources'])).toBe(false);
    expect(isStatusChange([])).toBe(false);
  });
});
