/** `npm run emulator`: the emulator alone, with living samples. Configured by HOST, EMULATOR_PORT and EMULATOR_PUBLIC_KEY_FILE. */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { writeDemoProfile } from './demo-profile.ts';
import { createEmulator } from './emulator.ts';
import { sampleIdsIn, sampleRegions } from './samples.ts';

/** What sysexits.h calls EX_CONFIG. */
const configProblem = 78;

interface Settings {
  readonly host: string;
  readonly port: number;
  readonly publicKey: KeyObject | null;
}

const usage =
  'Usage: npm run emulator, without arguments; HOST, EMULATOR_PORT and EMULATOR_PUBLIC_KEY_FILE configure it (docs/emulator.md).';

function readSettings(env: NodeJS.ProcessEnv, args: readonly string[]): Settings | readonly string[] {
  const problems: string[] = [];
  if (args.length > 0)
    problems.push(`There is no argument ${args.map((arg) => `'${arg}'`).join(', ')}. ${usage}`);
  const host = env['HOST'] ?? '127.0.0.1';
  if (!/^[\w.:-]+$/.test(host)) problems.push(`HOST is no host name or address: '${host}'`);
  const portText = env['EMULATOR_PORT'] ?? '4001';
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port > 65_535)
    problems.push(`EMULATOR_PORT is no port from 0 to 65535: '${portText}'`);
  const file = env['EMULATOR_PUBLIC_KEY_FILE'];
  let publicKey: KeyObject | null = null;
  if (file !== undefined) {
    try {
      publicKey = createPublicKey(readFileSync(file));
      if (publicKey.asymmetricKeyType !== 'rsa') {
        problems.push(`EMULATOR_PUBLIC_KEY_FILE holds a key that is not RSA: ${file}`);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push(`EMULATOR_PUBLIC_KEY_FILE cannot be read as a public key in PEM: ${reason}`);
    }
  }
  return problems.length > 0 ? problems : { host, port, publicKey };
}

const settings = readSettings(process.env, process.argv.slice(2));
if ('host' in settings) await run(settings);
else {
  for (const problem of settings) console.error(problem);
  process.exitCode = configProblem;
}

async function run({ host, port, publicKey }: Settings): Promise<void> {
  const demo = publicKey === null ? writeDemoProfile(path.join(import.meta.dirname, '../.emulator')) : null;
  const keys = [publicKey, demo?.publicKey ?? null].filter((key) => key !== null);
  const emulator = createEmulator({ publicKeys: keys, samples: true });
  let url: string;
  try {
    ({ url } = await emulator.start(port, host));
  } catch (error) {
    console.error(
      `The emulator cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`,
    );
    process.exitCode = 1;
    return;
  }
  const close = (): void => {
    void emulator.stop().then(() => process.exit(0));
  };
  process.once('SIGINT', close);
  process.once('SIGTERM', close);
  const [region] = sampleRegions;
  const { progressing } = sampleIdsIn(sampleRegions);
  console.log(
    `Oracle Cloud, emulated:  ${url}/{region}/{package}, controlled at ${url}/_emulator/ (docs/emulator.md)`,
  );
  console.log(`A work request:          ${url}/${region}/mysql/20190415/workRequests/${progressing}`);
  console.log(`Without a signature:     curl ${url}/_emulator/work-requests/${progressing}`);
  if (demo) {
    console.log(`To read it, sign with:   ${demo.configFile} (profile DEFAULT), for example`);
    console.log(
      `                         UPSTREAM=oci OCI_CONFIG_FILE=${demo.configFile} OCI_ENDPOINT_TEMPLATE='${url}/{region}/{package}' npm start`,
    );
  }
}
