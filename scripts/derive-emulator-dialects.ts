/**
 * Derives `emulator/dialects.json`, all that the emulator knows of Oracle's dialects, from Oracle's own npm packages.
 *
 *   node scripts/derive-emulator-dialects.ts                    write emulator/dialects.json
 *   node scripts/derive-emulator-dialects.ts --check            exit 1 when the committed file is not what would be written
 *   node scripts/derive-emulator-dialects.ts --compare <file>   compare, field by field, with a list of rows made elsewhere
 *
 * The packages are those that `test/contract/package.json` pins (`npm ci` there first). Every client class is searched for families of operations
 * `get…WorkRequest` + `list…WorkRequests`; nothing about a service is typed by hand, only the keys of packages with several families follow a rule.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { compareRows } from './emulator/compare.ts';
import { compactDialects } from './emulator/compact.ts';
import { familiesOf, rowOf } from './emulator/rows.ts';
import type { Row } from './emulator/rows.ts';
import { openPackage } from './emulator/sdk.ts';
import type { SdkOperation, SdkPackage } from './emulator/sdk.ts';

const root = path.join(import.meta.dirname, '..');
const workspace = path.join(root, 'test/contract');
const target = path.join(root, 'emulator/dialects.json');

/** Operations that a sweep over a compartment needs besides the work requests' own. */
const parentOperations: Readonly<Record<string, readonly string[]>> = {
  'oci-blockchain': ['listBlockchainPlatforms'],
  'oci-identity': [
    'listCompartments',
    'getCompartment',
    'getTenancy',
    'listRegionSubscriptions',
    'listRegions',
  ],
  'oci-loadbalancer': ['listLoadBalancers'],
  'oci-loganalytics': ['listNamespaces'],
  'oci-waas': ['listWaasPolicies'],
};

const { values } = parseArgs({ options: { check: { type: 'boolean' }, compare: { type: 'string' } } });
const manifest = JSON.parse(readFileSync(path.join(workspace, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
const rows: Row[] = [];
const parents: { operation: SdkOperation; sdk: SdkPackage }[] = [];
for (const name of Object.keys(manifest.dependencies)) {
  const sdk = openPackage(path.join(workspace, 'node_modules'), name);
  const operations = sdk.operations();
  const families = familiesOf(name, operations);
  if (families.length === 0) throw new Error(`${name} has no work-request API`);
  rows.push(...families.map((family) => rowOf(sdk, operations, family)));
  for (const parent of parentOperations[name] ?? []) {
    const operation = operations.find((candidate) => candidate.name === parent);
    if (!operation) throw new Error(`${name} has no operation ${parent}`);
    parents.push({ operation, sdk });
  }
}
rows.sort((left, right) => (left.key < right.key ? -1 : 1));

const text = compactDialects(rows, parents, readRegions());
if (values.compare !== undefined) {
  const differences = compareRows(
    rows,
    JSON.parse(readFileSync(values.compare, 'utf8')) as readonly Record<string, unknown>[],
  );
  for (const difference of differences) console.log(difference);
  console.log(`${rows.length} rows derived, ${differences.length} differences from ${values.compare}`);
} else if (values.check === true) {
  const isFresh = readFileSync(target, 'utf8') === text;
  console.log(
    isFresh
      ? 'emulator/dialects.json is fresh'
      : 'emulator/dialects.json is not what the packages say: run the script',
  );
  process.exitCode = isFresh ? 0 : 1;
} else {
  writeFileSync(target, text);
  console.log(
    `${rows.length} dialects, ${parents.length} parent operations, ${Math.round(text.length / 1024)} KiB`,
  );
}

/** `[id, code, realm]` of each region that `oci-common` registers: `Region.X = Region.register("id", realm_1.Realm.OC1, "code")`. */
function readRegions(): (readonly [string, string, string])[] {
  const source = readFileSync(path.join(workspace, 'node_modules/oci-common/lib/region.js'), 'utf8');
  return [...source.matchAll(/Region\.register\("([^"]+)", realm_1\.Realm\.(\w+)(?:, "(\w+)")?\)/g)].map(
    ([, id = '', realm = '', code = id]) => [id, code, realm.toLowerCase()],
  );
}
