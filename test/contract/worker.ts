/**
 * Reads the APIs of some packages by both sides and reports each: `node worker.ts oci-adm oci-waf …`, started by
 * `scripts/test-contract.ts` over an IPC channel. Emulator, key and gateway are its own.
 */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { isServiceName } from '../../datasources/catalog.ts';
import { createEmulator, sampleTenancy } from '../../emulator/emulator.ts';
import { checkApi } from './checks.ts';
import type { CheckResult } from './checks.ts';
import { openPackage } from './official.ts';
import { startOurs } from './ours.ts';

/** What one API's checks came to. */
export interface ApiReport {
  readonly key: string;
  readonly results: readonly CheckResult[];
}

const region = 'eu-frankfurt-1';

const main = async (packageNames: readonly string[]): Promise<void> => {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const emulator = createEmulator({ publicKeys: [publicKey], samples: false, seed: 'contract' });
  // Both sides look at the same moment.
  emulator.setClock({ speed: 0 });
  const { url } = await emulator.start(0);
  const start = () => startOurs({ emulatorUrl: url, region, tenancyId: sampleTenancy, privateKey });
  const [ours, lister] = await Promise.all([start(), start()]);
  for (const packageName of packageNames) {
    const apis = openPackage(packageName, {
      endpointBase: `${url}/${region}/`,
      tenancyId: sampleTenancy,
      privateKey,
    });
    for (const official of apis) {
      const { key } = official;
      // A row that is missing is reported by the parent, which compares all keys with the catalog's.
      const results = isServiceName(key) ? await checkApi(emulator, official, ours, lister, region) : [];
      process.send?.({ key, results } satisfies ApiReport);
    }
  }
  await ours.stop();
  await lister.stop();
  await emulator.stop();
  process.disconnect?.();
};

await main(process.argv.slice(2));
