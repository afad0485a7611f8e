import { describe, expect, test } from '@jest/globals';
import { catalog } from '../../datasources/catalog.ts';
import { createEndpoints } from '../../datasources/endpoints.ts';
import type { Endpoints } from '../../datasources/endpoints.ts';
import { createRegions, endpointOf } from '../../datasources/regions.ts';

const regions = createRegions();
const fill = (template: string, id: string): string => {
  const region = regions.get(id);
  if (!region) throw new Error(`no region ${id}`);
  return endpointOf(template, region);
};
const createTestEndpoints = (template: string | null = null): Endpoints =>
  createEndpoints({
    allowedRegions: ['us-ashburn-1', 'uk-gov-london-1'],
    homeRegion: 'us-phoenix-1',
    template,
    fill,
  });
const notAllowed = expect.objectContaining({ code: 'REGION_NOT_ALLOWED' });

describe("an API's endpoint", () => {
  const endpoints = createTestEndpoints();

  test.each([
    ['ADM', 'https://adm.us-ashburn-1.oci.oraclecloud.com', '/20220421'],
    ['WORKREQUESTS', 'https://iaas.us-ashburn-1.oraclecloud.com', '/20160918'],
    ['ANALYTICS', 'https://analytics.us-ashburn-1.ocp.oraclecloud.com', '/20190331'],
    ['OBJECTSTORAGE', 'https://objectstorage.us-ashburn-1.oraclecloud.com', ''],
    ['JMSJAVADOWNLOADS', 'https://javamanagementservice-download.us-ashburn-1.oci.oraclecloud.com', ''],
  ] as const)('%s is at %s%s', (service, origin, prefix) => {
    expect(endpoints.of(catalog[service], 'us-ashburn-1')).toEqual({ origin, prefix });
  });

  test("is in the region's own realm", () => {
    expect(endpoints.of(catalog.ADM, 'uk-gov-london-1').origin).toBe(
      'https://adm.uk-gov-london-1.oci.oraclegovcloud.uk',
    );
  });

  test.each(Object.values(catalog))('of $name is a host of its region over TLS, and a plain path', (api) => {
    const { origin, prefix } = endpoints.of(api, 'us-ashburn-1');
    expect(origin).toMatch(/^https:\/\/[a-z0-9.-]+\.us-ashburn-1\.(oc[ips]\.)?oraclecloud\.com$/);
    expect(prefix).toMatch(/^(\/\d{8})?$/);
  });

  test('is made once', () => {
    expect(endpoints.of(catalog.ADM, 'us-ashburn-1')).toBe(endpoints.of(catalog.ADM, 'us-ashburn-1'));
    expect(endpoints.of(catalog.ADM, 'us-ashburn-1')).not.toBe(endpoints.of(catalog.ADM, 'uk-gov-london-1'));
  });
});

describe('a region that is not allowed', () => {
  const endpoints = createTestEndpoints();

  test.each([
    'us-phoenix-1',
    'eu-frankfurt-1',
    '',
    'iad',
    'US-ASHBURN-1',
    '__proto__',
    'evil.example/',
    '@evil',
  ])('such as %j has no endpoint', (region) => {
    expect(() => endpoints.of(catalog.ADM, region)).toThrow(notAllowed);
  });

  test("is still IAM's, when it is the home region", () => {
    expect(endpoints.of(catalog.IDENTITY_TAGGING, 'us-phoenix-1').origin).toBe(
      'https://identity.us-phoenix-1.oci.oraclecloud.com',
    );
    expect(() => endpoints.of(catalog.IDENTITY_TAGGING, 'eu-frankfurt-1')).toThrow(notAllowed);
  });
});

describe("the operator's template", () => {
  test.each([
    ['http://127.0.0.1:9100/{region}/{package}', 'http://127.0.0.1:9100', '/us-ashburn-1/identity/20160918'],
    ['http://127.0.0.1:9100/{region}/{package}/', 'http://127.0.0.1:9100', '/us-ashburn-1/identity/20160918'],
    ['http://127.0.0.1:9100', 'http://127.0.0.1:9100', '/20160918'],
    [
      'https://{package}.{region}.proxy.example:8443/x',
      'https://identity.us-ashburn-1.proxy.example:8443',
      '/x/20160918',
    ],
    [
      'https://proxy.example/{region}/{region}',
      'https://proxy.example',
      '/us-ashburn-1/us-ashburn-1/20160918',
    ],
  ])('%s takes the place of every host', (template, origin, prefix) => {
    expect(createTestEndpoints(template).of(catalog.IDENTITY_TAGGING, 'us-ashburn-1')).toEqual({
      origin,
      prefix,
    });
  });

  test('keeps APIs without a base path apart', () => {
    const endpoints = createTestEndpoints('http://127.0.0.1:9100/{region}/{package}');
    expect(endpoints.of(catalog.OBJECTSTORAGE, 'us-ashburn-1').prefix).toBe('/us-ashburn-1/objectstorage');
  });

  test('does not widen the allowed regions', () => {
    const endpoints = createTestEndpoints('http://127.0.0.1:9100/{region}/{package}');
    expect(() => endpoints.of(catalog.ADM, '../x')).toThrow(notAllowed);
  });
});
