import { describe, expect, test } from '@jest/globals';
import { catalog } from '../../datasources/catalog.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { createSweepEstimate } from '../../datasources/sweep-cost.ts';
import type { SweepScope } from '../../datasources/sweep-cost.ts';

const [home, away] = ['us-ashburn-1', 'eu-frankfurt-1'];
const estimate = createSweepEstimate({ allowedRegions: [home, away], homeRegion: home });
const calls = (services: readonly ServiceName[] | null, scope: Partial<SweepScope> = {}): number =>
  estimate({ services, regions: null, includeSubcompartments: false, filter: {}, ...scope });

describe('a page of the list takes', () => {
  test('a call for each source', () => {
    expect(calls(['QUEUE'])).toBe(2);
    expect(calls(['QUEUE', 'DEVOPS'])).toBe(4);
    expect(calls(['QUEUE', 'DEVOPS'], { regions: [away] })).toBe(2);
    expect(calls(['QUEUE'], { regions: [] })).toBe(0);
    expect(calls([])).toBe(0);
  });

  test('one for IAM, at home and nowhere else', () => {
    expect(calls(['IDENTITY'])).toBe(1);
    expect(calls(['IDENTITY'], { regions: [away] })).toBe(0);
  });

  test('with subcompartments one for the tree, and ten times as many', () => {
    expect(calls(['QUEUE', 'IDENTITY'], { includeSubcompartments: true })).toBe(1 + 10 * 3);
  });

  test('one for the parents, and five of them', () => {
    expect(calls(['LOADBALANCER'], { regions: [home] })).toBe(6);
    expect(calls(['LOADBALANCER'], { regions: [home], includeSubcompartments: true })).toBe(1 + 10 * 6);
  });

  test('one for the namespace, however many compartments', () => {
    expect(calls(['LOGANALYTICS'], { regions: [home] })).toBe(2);
    expect(calls(['LOGANALYTICS'], { regions: [home], includeSubcompartments: true })).toBe(1 + 1 + 10);
  });

  test('gets where the filter needs what list items lack: ten, or one where the source filters itself', () => {
    const filter = { resourceId: 'ocid1.x' };
    expect(catalog.MYSQL.listLacks).toContain('resources');
    expect(calls(['MYSQL'], { regions: [home], filter })).toBe(1 + 10);
    expect(catalog.APIGATEWAY.listQuery).toContain('resourceId');
    expect(calls(['APIGATEWAY'], { regions: [home], filter })).toBe(1 + 1);
    expect(calls(['QUEUE'], { regions: [home], filter })).toBe(1);
    expect(calls(['MYSQL'], { regions: [home], filter: { statuses: ['FAILED'] } })).toBe(1);
  });

  test.each([false, true])(
    'for everything as for each service by itself; with subcompartments: %s',
    (isDeep) => {
      const services = Object.keys(catalog) as readonly ServiceName[];
      const scope = { includeSubcompartments: isDeep };
      const tree = isDeep ? 1 : 0;
      const each = services.map((service) => calls([service], scope) - tree);
      expect(calls(null, scope)).toBe(each.reduce((sum, one) => sum + one, tree));
      expect(calls(null, { ...scope, regions: [home, away], filter: { isTerminal: null } })).toBe(
        calls(null, scope),
      );
    },
  );
});
