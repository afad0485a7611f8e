import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import oci from 'oci-common';
import { createRegions, endpointOf } from '../../datasources/regions.ts';

const entry = {
  realmKey: 'OC99',
  realmDomainComponent: 'oracle99.example',
  regionKey: 'XYZ',
  regionIdentifier: 'xx-new-1',
};

describe('regions', () => {
  test('are the 85 of the data file, each with the domain that oci-common has for it', () => {
    const { all, get, byCode } = createRegions();
    expect(all).toHaveLength(85);
    for (const region of all) {
      expect(get(region.id)).toBe(region);
      expect(byCode(region.code)).toBe(region);
      const official = oci.Region.fromRegionId(region.id);
      expect(official).toMatchObject({
        regionCode: region.code,
        realm: { realmId: region.realm, secondLevelDomain: region.secondLevelDomain },
      });
    }
  });

  test.each([
    ['one object, as in OCI_REGION_METADATA', JSON.stringify(entry)],
    ['an array, as in ~/.oci/regions-config.json', JSON.stringify([entry])],
  ])('can be added as %s', (_what, json) => {
    const regions = createRegions({ additions: [{ from: 'X', json }] });
    expect(regions.get('xx-new-1')).toEqual({
      id: 'xx-new-1',
      code: 'xyz',
      realm: 'oc99',
      secondLevelDomain: 'oracle99.example',
    });
    expect(regions.byCode('xyz')).toBe(regions.get('xx-new-1'));
    expect(regions.all).toHaveLength(86);
    expect(regions.problems).toEqual([]);
  });

  test('that are built in stay as they are', () => {
    const json = JSON.stringify({ ...entry, regionIdentifier: 'us-ashburn-1' });
    const regions = createRegions({ additions: [{ from: 'OCI_REGION_METADATA', json }] });
    expect(regions.get('us-ashburn-1')?.secondLevelDomain).toBe('oraclecloud.com');
    expect(regions.problems).toEqual([expect.stringContaining('OCI_REGION_METADATA puts us-ashburn-1')]);
  });

  test.each([
    ['{', 'is not JSON'],
    ['[1]', 'entry 1'],
    [JSON.stringify({ ...entry, realmKey: undefined }), 'entry 1'],
    [JSON.stringify([entry, { ...entry, regionIdentifier: 'a/b' }]), 'entry 2'],
    [JSON.stringify({ ...entry, realmDomainComponent: 'x@evil.example' }), 'entry 1'],
    [JSON.stringify({ ...entry, realmDomainComponent: 'evil.example/' }), 'entry 1'],
    [JSON.stringify({ ...entry, regionIdentifier: '__proto__' }), 'entry 1'],
  ])('that are malformed are named: %s', (json, problem) => {
    expect(createRegions({ additions: [{ from: 'F', json }] }).problems).toEqual([
      expect.stringMatching(`^F.*${problem}`),
    ]);
  });

  test('nobody told of are unknown, or in OCI_DEFAULT_REALM where that is set', () => {
    expect(createRegions().get('xx-other-1')).toBeUndefined();
    const assumed = createRegions({ defaultDomain: 'oracle42.example' });
    expect(assumed.get('xx-other-1')).toMatchObject({
      realm: 'unknown',
      secondLevelDomain: 'oracle42.example',
    });
    expect(assumed.get('us-ashburn-1')?.secondLevelDomain).toBe('oraclecloud.com');
    for (const id of ['evil.example/', '', '../x', 'a@b', 'constructor'])
      expect(assumed.get(id)).toBeUndefined();
    expect(createRegions({ defaultDomain: 'a/b' }).problems).toEqual([
      expect.stringContaining('OCI_DEFAULT_REALM'),
    ]);
  });
});

describe('endpoint templates', () => {
  const { get } = createRegions();
  const region = get('eu-madrid-2');
  if (region === undefined) throw new Error('eu-madrid-2 is gone');

  test.each([
    ['https://iaas.{region}.{secondLevelDomain}', 'https://iaas.eu-madrid-2.oraclecloud.eu'],
    [
      'https://logging.{region}.{dualStack?ds.:}oci.{secondLevelDomain}',
      'https://logging.eu-madrid-2.oci.oraclecloud.eu',
    ],
    [
      'https://objectstorage.{region}.{dualStack?ds.oci.:}{secondLevelDomain}',
      'https://objectstorage.eu-madrid-2.oraclecloud.eu',
    ],
    ['https://{dualStack?a.b:c-d}.{region}.{secondLevelDomain}', 'https://c-d.eu-madrid-2.oraclecloud.eu'],
  ])('%s', (template, endpoint) => expect(endpointOf(template, region)).toBe(endpoint));

  test('with a placeholder that nobody fills are a mistake', () => {
    expect(() => endpointOf('https://x.{realm}.{secondLevelDomain}', region)).toThrow('placeholder');
  });

  test('come from data that is committed as it was handed over', () => {
    expect(
      JSON.parse(readFileSync(new URL('../../datasources/regions.json', import.meta.url), 'utf8')),
    ).toHaveLength(85);
  });
});
