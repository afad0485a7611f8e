/**
 * The executable: configuration → gateway (over the built-in emulator unless told otherwise) → listen → close on signals.
 *
 *   node server.ts [--check-config [--probe]]
 */
import { createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { pino } from 'pino';
import { ConfigError, configExitCode, loadConfig } from './config.ts';
import type { Config } from './config.ts';
import type { Clock } from './datasources/types.ts';
import { GatewayError } from './errors.ts';
import { createGateway } from './gateway.ts';
import type { Gateway, StandIn } from './gateway.ts';
import { playgroundTabs, sampleQuery } from './samples.ts';

const usage = `Usage: npm start -- [--check-config [--probe]]

  --check-config  report every problem of the configuration and exit (0: fine, ${configExitCode}: not)
  --probe         with it: make one signed call to Oracle Cloud and explain what went wrong
`;

const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, signal ? { signal } : {}),
};

const main = async (): Promise<void> => {
  const options = readOptions();
  if (options === null) return;
  const config = loadConfig();
  const log = pino({ level: config.logLevel, base: null }, pino.destination(2));
  const emulator = config.upstream === 'emulator' ? await startEmulator(config) : null;
  const gateway = await createGateway(config, {
    clock,
    log,
    standIn: emulator,
    playgroundTabs: playgroundTabs(emulator?.sampleId ?? null),
  });
  const stop = async (): Promise<void> => {
    await gateway.stop();
    await emulator?.stop();
  };
  if (options.isCheck) {
    say('The configuration is fine.');
    if (options.isProbe) await probe(gateway);
    await stop();
    return;
  }
  const { url } = await gateway.start();
  say(welcome(url, emulator));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // A second signal ends the process at once, as it would without us.
    process.once(signal, () => {
      log.info({ signal }, 'Stopping');
      void stop();
    });
  }
};

interface RunningEmulator extends StandIn {
  readonly url: string;
  readonly sampleId: string;
  stop(): Promise<void>;
}

const startEmulator = async ({
  host,
  emulator: { port, publicKeyFile },
}: Config): Promise<RunningEmulator> => {
  const [{ createEmulator }, { sampleIds, sampleRegions }, { sampleTenancy }, demo, publicKey] =
    await Promise.all([
      import('./emulator/emulator.ts'),
      import('./emulator/samples.ts'),
      import('./emulator/places.ts'),
      promisify(generateKeyPair)('rsa', { modulusLength: 2048 }),
      publicKeyFile === null ? null : readPublicKey(publicKeyFile),
    ]);
  const publicKeys: KeyObject[] = publicKey ? [demo.publicKey, publicKey] : [demo.publicKey];
  const emulator = createEmulator({ publicKeys, samples: true });
  const { url } = await emulator.start(port, host);
  return {
    url,
    endpointTemplate: `${url}/{region}/{package}`,
    privateKey: demo.privateKey,
    tenancyId: sampleTenancy,
    regions: sampleRegions,
    sampleId: sampleIds.CONTAINERENGINE,
    stop: () => emulator.stop(),
  };
};

const readPublicKey = async (file: string): Promise<KeyObject> => {
  try {
    return createPublicKey(await readFile(file));
  } catch (error) {
    throw new ConfigError([
      `EMULATOR_PUBLIC_KEY_FILE: ${file} is not a readable public key in PEM (${reasonOf(error)}).`,
    ]);
  }
};

const probe = async (gateway: Gateway): Promise<void> => {
  const { url, tenancyId } = await gateway.probe();
  say(`Oracle Cloud answered: ${url}\nTenancy ${tenancyId}, home region ${gateway.homeRegion}.`);
};

const welcome = (url: string, emulator: RunningEmulator | null): string =>
  [
    'One graph over the work requests of Oracle Cloud',
    '',
    `  Playground   ${url}/playground`,
    `  GraphQL      ${url}/graphql   (WebSocket: ${url.replace('http', 'ws')}/graphql)`,
    emulator
      ? `  Emulator     ${emulator.url}   (demo data; UPSTREAM=oci for Oracle Cloud)`
      : '  Upstream     Oracle Cloud',
    ...(emulator ? ['', 'A query to paste:', '', sampleQuery(emulator.sampleId)] : []),
    '',
  ].join('\n');

const readOptions = (): { readonly isCheck: boolean; readonly isProbe: boolean } | null => {
  const { values } = parseArgs({
    options: {
      'check-config': { type: 'boolean', default: false },
      probe: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) say(usage);
  else if (values.probe && !values['check-config'])
    throw new ConfigError(['--probe goes with --check-config.']);
  return values.help ? null : { isCheck: values['check-config'], isProbe: values.probe };
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const reasonOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unknown';

/** What an operator can mend is told in a sentence; what is a bug shows where it is. */
const fail = (error: unknown): void => {
  const isOurs = error instanceof ConfigError || error instanceof GatewayError;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const isArgument = code.startsWith('ERR_PARSE_ARGS');
  const isAddress = code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL';
  const text = isOurs || isArgument || isAddress ? (error as Error).message : (error as Error).stack;
  process.stderr.write(`${text}\n${isArgument ? usage : ''}`);
  process.exit(error instanceof ConfigError || isArgument ? configExitCode : 1);
};

main().catch(fail);
