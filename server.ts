/**
 * The executable: configuration → gateway (over the built-in emulator unless told otherwise) → listen → close on signals.
 *
 *   node server.ts [--check-config [--probe]]
 */
import { createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import type { Config } from './config.ts';
import type { Clock } from './datasources/types.ts';
import type { UpstreamError } from './errors.ts';
import type { Gateway, StandIn } from './gateway.ts';
import type { Samples } from './samples.ts';

// Only what Node brings is imported before this line: from the second start on, nothing has to be compiled
// (docs/decisions/startup.md). Where the folder cannot be written, Node does without.
enableCompileCache(join(import.meta.dirname, 'node_modules', '.cache', 'compile'));
const { ConfigError, configExitCode, loadConfig } = await import('./config.ts');

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
  // A check is no second server: it takes no port that a running one may have.
  const starting = config.upstream === 'emulator' ? startEmulator(config, options.isCheck) : null;
  const [{ pino }, { createGateway }, { playgroundTabs, sampleQuery }, emulator] = await Promise.all([
    import('pino'),
    import('./gateway.ts'),
    import('./samples.ts'),
    starting,
  ]);
  const log = pino({ level: config.logLevel, base: null }, pino.destination(2));
  const gateway = await createGateway(config, {
    clock,
    log,
    standIn: emulator,
    playgroundTabs: playgroundTabs(emulator?.samples ?? null),
  }).catch(refuseCredential);
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
  const { url } = await listen('PORT', () => gateway.start());
  say(welcome(url, emulator, sampleQuery(emulator?.samples ?? null)));
  void setTimeout(5_000, undefined, { ref: false }).then(flushCompileCache);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // A second signal ends the process at once, as it would without us.
    process.once(signal, () => {
      log.info({ signal }, 'Stopping');
      stop().catch(fail);
    });
  }
};

/** A credential that cannot be had is a matter of configuration, too. */
const refuseCredential = async (error: unknown): Promise<never> => {
  const { GatewayError } = await import('./errors.ts');
  throw error instanceof GatewayError ? new ConfigError([error.message]) : error;
};

/** What an operator can mend, in words. */
class StartError extends Error {}

interface ListenFailure {
  readonly hostname?: string;
  readonly address?: string;
  readonly port?: number;
}

const listen = async <T>(variable: string, start: () => Promise<T>): Promise<T> => {
  try {
    return await start();
  } catch (error) {
    const { code, hostname, address, port } = error as NodeJS.ErrnoException & ListenFailure;
    const why = listenProblems[code ?? ''];
    if (why === undefined) throw error;
    const place = hostname ?? (port === undefined ? address : `${address}:${port}`);
    throw new StartError(`Cannot listen on ${place}: ${why.replace('{variable}', variable)}`);
  }
};

const listenProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program does. Stop it, or choose another port with {variable} (0 picks a free one).',
  EACCES: 'this user may not. Choose a port above 1023 with {variable}.',
  EADDRNOTAVAIL: 'this machine has no such address. Change HOST.',
  ENOTFOUND: 'there is no such host. Change HOST.',
};

interface RunningEmulator extends StandIn {
  readonly url: string;
  readonly samples: Samples;
  stop(): Promise<void>;
}

const startEmulator = async (
  { host, oci, emulator: { port, publicKeyFile } }: Config,
  isCheck: boolean,
): Promise<RunningEmulator> => {
  // The key is made on another thread while the modules load.
  const [demo, publicKey, { createEmulator, sampleIdsIn, sampleRegions, sampleTenancy }] = await Promise.all([
    promisify(generateKeyPair)('rsa', { modulusLength: 2048 }),
    publicKeyFile === null ? null : readPublicKey(publicKeyFile),
    import('./emulator/emulator.ts'),
  ]);
  const publicKeys: KeyObject[] = publicKey ? [demo.publicKey, publicKey] : [demo.publicKey];
  const emulator = createEmulator({ publicKeys, samples: true });
  const { url } = await listen('EMULATOR_PORT', () => emulator.start(isCheck ? 0 : port, host));
  return {
    url,
    endpointTemplate: `${url}/{region}/{package}`,
    privateKey: demo.privateKey,
    tenancyId: sampleTenancy,
    regions: sampleRegions,
    samples: sampleIdsIn(oci.regions ?? sampleRegions),
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
  try {
    const { url, tenancyId } = await gateway.probe();
    say(`Oracle Cloud answered: ${url}\nTenancy ${tenancyId}, home region ${gateway.homeRegion}.`);
  } catch (error) {
    const errors = await import('./errors.ts');
    if (!(error instanceof errors.UpstreamError)) throw error;
    throw new StartError(`${error.message}\n${adviseOn(error)}`);
  }
};

/** What to do about a probe that failed. */
const adviseOn = ({ code, failure: { status } }: UpstreamError): string => {
  switch (code) {
    case 'UNAUTHENTICATED':
      return 'Compare fingerprint, user, tenancy and key with what the Console shows under API keys of that user, and the clock of this machine with the time.';
    case 'FORBIDDEN':
    case 'NOT_FOUND':
      return 'The credential was accepted, but no policy lets it list work requests in its tenancy: ask an administrator for one, such as `allow group GatewayReaders to read work-requests in tenancy`. The region may also be the wrong one for IAM: OCI_HOME_REGION.';
    case 'UPSTREAM_UNAVAILABLE':
      return status === null
        ? 'There is no route to it: check DNS, proxy and firewall, the region, and OCI_ENDPOINT_TEMPLATE if it is set.'
        : 'The service itself is in trouble: try again later.';
    case 'UPSTREAM_TIMEOUT':
      return 'Something on the way swallows the call, or is slow: check proxy and firewall, or raise UPSTREAM_DEADLINE_MS.';
    case 'UPSTREAM_THROTTLED':
      return 'The tenancy makes more calls than Oracle allows: try again later.';
    default:
      return 'What answered is not Oracle Cloud, or not this API of it: check proxies, and OCI_ENDPOINT_TEMPLATE if it is set.';
  }
};

const welcome = (url: string, emulator: RunningEmulator | null, query: string | null): string =>
  [
    'One graph over the work requests of Oracle Cloud',
    '',
    `  Playground   ${url}/playground`,
    `  GraphQL      ${url}/graphql   (WebSocket: ${url.replace('http', 'ws')}/graphql)`,
    emulator
      ? `  Emulator     ${emulator.url}   (demo data; UPSTREAM=oci for Oracle Cloud)`
      : '  Upstream     Oracle Cloud',
    ...(query === null ? [] : ['', 'A query to paste:', '', query]),
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
  const isArgument = ((error as NodeJS.ErrnoException).code ?? '').startsWith('ERR_PARSE_ARGS');
  const isTold = error instanceof ConfigError || error instanceof StartError || isArgument;
  process.stderr.write(
    `${isTold ? (error as Error).message : (error as Error).stack}\n${isArgument ? usage : ''}`,
  );
  process.exit(error instanceof ConfigError || isArgument ? configExitCode : 1);
};

main().catch(fail);
