import { describe, expect, test } from '@jest/globals';
import type { ServiceName } from '../../datasources/catalog.ts';
import { catalog } from '../../datasources/catalog.ts';
import { checkFilter, matches, needsWhole, pushDown } from '../../datasources/filters.ts';
import type { Filter } from '../../datasources/filters.ts';
import { statusOfWord } from '../../datasources/status.ts';
import { workRequestOf } from '../support/oci-bodies.ts';

const workRequest = workRequestOf({
  status: 'SUCCEEDED',
  operationType: 'CLUSTER_CREATE',
  timeAccepted: '2026-01-01T00:00:00Z',
  resources: [{ identifier: 'ocid1.vcn.oc1..a' }, { identifier: 'ocid1.cluster.oc1..b' }],
});
const bare = workRequestOf({ status: 'IN_PROGRESS' });

describe('a filter', () => {
  const at = new Date('2026-01-01T00:00:00Z');
  const later = new Date('2026-01-01T00:00:00.001Z');

  test.each<[Filter, boolean, boolean]>([
    [{}, true, true],
    [
      {
        statuses: null,
        isTerminal: null,
        operationTypes: null,
        resourceId: null,
        acceptedAfter: null,
        acceptedBefore: null,
      },
      true,
      true,
    ],
    [{ statuses: ['SUCCEEDED', 'FAILED'] }, true, false],
    [{ statuses: ['IN_PROGRESS'] }, false, true],
    [{ isTerminal: true }, true, false],
    [{ isTerminal: false }, false, true],
    [{ operationTypes: ['CLUSTER_DELETE', 'CLUSTER_CREATE'] }, true, false],
    [{ operationTypes: ['cluster_create'] }, false, false],
    [{ resourceId: 'ocid1.cluster.oc1..b' }, true, false],
    [{ resourceId: 'ocid1.cluster.oc1..' }, false, false],
    [{ acceptedAfter: at }, true, false],
    [{ acceptedAfter: later }, false, false],
    [{ acceptedBefore: at }, false, false],
    [{ acceptedBefore: later }, true, false],
    [{ acceptedAfter: new Date(-1), acceptedBefore: later }, true, false],
    [{ statuses: ['SUCCEEDED'], isTerminal: true, acceptedAfter: at, acceptedBefore: later }, true, false],
    [{ statuses: ['SUCCEEDED'], operationTypes: ['X'] }, false, false],
  ])('lets through what matches all of it: %j', (filter, full, empty) => {
    expect([matches(filter, workRequest), matches(filter, bare)]).toEqual([full, empty]);
  });

  test.each<[Filter, string]>([
    [{ statuses: [] }, '`statuses` is empty'],
    [{ operationTypes: [] }, '`operationTypes` is empty'],
    [{ acceptedAfter: at, acceptedBefore: at }, '`acceptedAfter` is not before `acceptedBefore`'],
    [{ acceptedAfter: later, acceptedBefore: at }, '`acceptedAfter` is not before `acceptedBefore`'],
    [{ isTerminal: false, statuses: ['FAILED', 'CANCELED'] }, 'all of `statuses` are terminal'],
  ])('that nothing can match is refused, and says why: %j', (filter, why) => {
    expect(() => checkFilter(filter)).toThrow(why);
    expect(() => checkFilter(filter)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });

  test.each<Filter>([
    {},
    { isTerminal: false },
    { isTerminal: false, statuses: ['FAILED', 'WAITING'] },
    // `timeFinished` alone ends one.
    { isTerminal: true, statuses: ['IN_PROGRESS'] },
    { acceptedAfter: new Date(-1e12), acceptedBefore: at },
  ])('that something can match is not refused: %j', (filter) => {
    expect(() => checkFilter(filter)).not.toThrow();
  });
});

describe('what is pushed down', () => {
  const names = Object.keys(catalog) as ServiceName[];

  test('is a resource, where the row declares a parameter for it', () => {
    for (const name of names) {
      const pushed = pushDown({ resourceId: 'r' }, catalog[name]);
      const declared = ['resourceId', 'resourceIdentifier'].filter((param) =>
        catalog[name].listQuery.has(param),
      );
      expect(pushed).toEqual(declared[0] === undefined ? {} : { [declared[0]]: 'r' });
    }
  });

  test('is a status, where one word alone means it and the row declares both word and parameter', () => {
    for (const name of names) {
      const api = catalog[name];
      const declared = ['status', 'workRequestStatus', 'operationStatus'].find((param) =>
        api.listQuery.has(param),
      );
      for (const status of new Set(Object.values(statusOfWord))) {
        const words = Object.entries(statusOfWord).flatMap(([word, meaning]) =>
          meaning === status ? word : [],
        );
        const [word = ''] = words;
        const isPushed = declared !== undefined && words.length === 1 && api.statuses.includes(word);
        expect(pushDown({ statuses: [status] }, api)).toEqual(isPushed ? { [declared]: word } : {});
      }
    }
  });

  test('is nothing that the row does not declare, whatever is asked', () => {
    const filter: Filter = {
      statuses: ['FAILED'],
      isTerminal: true,
      operationTypes: ['X'],
      resourceId: 'r',
      acceptedAfter: new Date(0),
      acceptedBefore: new Date(1),
    };
    for (const name of names)
      for (const param of Object.keys(pushDown(filter, catalog[name])))
        expect(catalog[name].listQuery).toContain(param);
  });

  test('is nothing for several statuses, nor for UNKNOWN, nor without a filter', () => {
    for (const name of names) {
      expect(pushDown({ statuses: ['FAILED', 'WAITING'] }, catalog[name])).toEqual({});
      expect(pushDown({ statuses: ['UNKNOWN'] }, catalog[name])).toEqual({});
      expect(pushDown({}, catalog[name])).toEqual({});
      expect(pushDown({ statuses: null, resourceId: null }, catalog[name])).toEqual({});
    }
  });
});

describe('a get for each item', () => {
  test.each<[Filter, ServiceName, boolean]>([
    [{}, 'ODA', false],
    [{ statuses: ['FAILED'] }, 'ODA', false],
    [{ isTerminal: false }, 'ODA', true],
    [{ isTerminal: false }, 'MYSQL', false],
    [{ acceptedAfter: new Date(0) }, 'ODA', true],
    [{ acceptedBefore: new Date(0) }, 'ODA', true],
    [{ resourceId: 'r' }, 'MYSQL', true],
    [{ resourceId: 'r' }, 'CONTAINERENGINE', false],
    [{ operationTypes: ['X'] }, 'LOGANALYTICS', true],
    [{ operationTypes: ['X'] }, 'MYSQL', false],
    [{ isTerminal: null, resourceId: null }, 'ODA', false],
  ])('is needed where the list lacks what is asked: %j of %s', (filter, name, isNeeded) => {
    expect(needsWhole(filter, catalog[name])).toBe(isNeeded);
  });
});
