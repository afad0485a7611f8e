#!/usr/bin/env node
/**
 * The executable: configuration → gateway (over the built-in emulator unless told otherwise) → listen → close on signals.
 *
 *   node server.ts [--check-config [--probe] | --print-config]
 */
import { createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Access, StandIn } from './access.ts';
import type { Config } from './config.ts';
import type { Gateway, GatewayOptions } from './gateway.ts';
import type { Samples } from './samples.ts';

/** What the first signal does once there is something to stop. Before, and the second time, a signal ends the process at once. */
let onSignal: ((signal: NodeJS.Signals) => void) | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // From the beginning, and by ourselves: process 1 of a container gets no signal that it does not handle.
  process.on(signal, () => {
    if (onSignal === null) process.exit(128 + constants.signals[signal]);
    onSignal(signal);
    onSignal = null;
  });
}

// Only what Node brings is imported before this line: from the second start on, nothing has to be compiled
// (docs/decisions/startup.md). With `npm start` it is on already, for this file, too. Where the folder cannot be written, Node does without.
enableCompileCache(join(import.meta.dirname, 'node_modules', '.cache', 'compile'));
const { ConfigError, configExitCode, exposureOf, notesOn, printConfig, readConfig } =
  await import('./config.ts');
const { systemClock } = await import('./clock.ts');
const { StartError, checkHost, listen } = await import('./listen.ts');

const command = import.meta.filename.endsWith('.ts') ? 'npm start --' : 'node server.js';
const synopsis = `Usage: ${command} [--check-config [--probe] | --print-config]`;
const usage = `${synopsis}

  --check-config  tell every problem of the configuration and end. Nothing is served and no API of Oracle Cloud called;
                  only the principals of OCI_AUTH get their token from the platform, as they do at start
  --probe         with it: make one signed call to the upstream and explain what went wrong
  --print-config  print the configuration as it is read, what is not set as a comment with its default, secrets left out
  --help          this

The environment configures it; all variables: docs/operations.md. Those to begin with:

  UPSTREAM=oci                         Oracle Cloud instead of the built-in emulator
  OCI_CONFIG_FILE, OCI_CONFIG_PROFILE  whose credential, by default DEFAULT of ~/.oci/config
  OCI_AUTH                             another kind of credential, such as instance_principal
  OCI_REGIONS                          the regions that may be called, by default the credential's
  HOST, PORT                           where it listens, by default 127.0.0.1, 4000
  ALLOWED_HOSTS                        the host names it answers to, by default the loopback's

Exit codes: 0 all went well; 1 it could not start (a port is taken), or the probe failed; ${configExitCode} the configuration or an
argument is wrong.
`;

const main = async (): Promise<void> => {
  const options = readOptions(process.argv.slice(2));
  if (options.isHelp) return say(usage);
  if (options.isPrint && options.problems.length === 0) {
    say(printConfig());
    if (!options.isCheck) return;
  }
  const { config, problems: wrongVariables } = readConfig();
  const problems = [...options.problems, ...wrongVariables];
  // Modules load while the machine is looked at, unless nobody will need them.
  const needsGateway = problems.length === 0 && (!options.isCheck || options.isProbe);
  const loading = needsGateway ? Promise.all([import('./gateway.ts'), import('./samples.ts')]) : null;
  const [{ pino }, { createLog }] = await Promise.all([import('pino'), import('./log.ts')]);
  const log = createLog(config.logLevel, pino.destination(2));
  const onProblem = (error: unknown): void =>
    log.warn({ err: error }, 'The credential could not be renewed; the old one stays in use');
  const { access, emulator, policy } = await lookAround(config, problems, onProblem);
  if (options.isCheck)
    say(
      ['The configuration is fine.', ...notesOn(config), ...(await notesOnPolicy(policy, access))].join('\n'),
    );
  if (loading === null) return;

  const [{ createGateway }, { playgroundTabs, sampleQuery }] = await loading;
  // A check is no second server: it takes no port that a running one may have.
  const emulatorUrl = await emulator?.start(options.isCheck ? 0 : config.emulator.port);
  const samples = emulator?.samplesIn(access.allowed.map(({ id }) => id)) ?? null;
  const gateway = createGateway(config, {
    clock: systemClock,
    log,
    access,
    ...(policy !== null && { policy }),
    ...(emulatorUrl !== undefined && { endpointTemplate: `${emulatorUrl}/{region}/{package}` }),
    playgroundTabs: playgroundTabs(samples),
  });
  const stop = async (): Promise<void> => {
    await gateway.stop();
    await emulator?.stop();
  };
  if (options.isProbe) {
    const { probe } = await import('./probe.ts');
    say(await probe(gateway, emulator ? 'The emulator' : 'Oracle Cloud'));
    await stop();
    return;
  }
  const metrics = await listen('METRICS_PORT', () => gateway.startMetrics());
  const { url } = await listen('PORT', () => gateway.start());
  onSignal = (signal) => {
    log.info({ signal }, 'Stopping');
    stop().catch(fail);
  };
  say(welcome({ url, metricsUrl: metrics?.url, emulatorUrl }, config, gateway, sampleQuery(samples)));
  for (const note of notesOn(config)) log.warn(note);
  void setTimeout(5_000, undefined, { ref: false }).then(flushCompileCache);
};

/**
 * What of the configuration only this machine can tell: whether there is such a host, such a key, such a credential.
 * @throws ConfigError with these problems and those known before
 */
const lookAround = async (
  config: Config,
  known: readonly string[],
  onProblem: (error: unknown) => void,
): Promise<{
  readonly access: Access;
  readonly emulator: BuiltInEmulator | null;
  readonly policy: GatewayOptions['policy'] | null;
}> => {
  const problems = [...known];
  const orTell = async <T>(work: Promise<T>): Promise<T | null> =>
    work.catch((error: unknown) => {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return null;
    });
  const hostIsChecked = orTell(
    checkHost('HOST', config.host).then((address) => {
      const exposure = exposureOf(config, address);
      if (exposure !== null) throw new ConfigError([exposure]);
    }),
  );
  const { metrics } = config;
  const metricsHostIsChecked =
    metrics === null || metrics.host === config.host ? null : orTell(checkHost('METRICS_HOST', metrics.host));
  const emulator =
    config.upstream === 'emulator'
      ? await createBuiltInEmulator(config.host, await orTell(readPublicKey(config.emulator.publicKeyFile)))
      : null;
  const { policyFile } = config;
  const policyIsRead = policyFile === null ? null : orTell(openPolicy(policyFile));
  const { openAccess } = await import('./access.ts');
  const access = await orTell(openAccess(config.oci, { clock: systemClock, standIn: emulator, onProblem }));
  await hostIsChecked;
  await metricsHostIsChecked;
  const policy = await policyIsRead;
  if (config.trustedDocumentsFile !== null) {
    const { checkTrustedDocuments } = await import('./gateway.ts');
    problems.push(...checkTrustedDocuments(config));
  }
  if (access === null || problems.length > 0) throw new ConfigError(problems);
  return { access, emulator, policy };
};

const openPolicy = async (file: string): Promise<GatewayOptions['policy']> => {
  const { PolicyError, readPolicy } = await import('./grants/policy.ts');
  try {
    return { file, policy: await readPolicy(file) };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new ConfigError(error.problems.map((problem) => `AUTH_POLICY_FILE: ${problem}`));
  }
};

/** Told by --check-config; the gateway that runs tells its log, also when the file changes. */
const notesOnPolicy = async (
  open: GatewayOptions['policy'] | null,
  { allowed, homeRegion }: Access,
): Promise<readonly string[]> => {
  if (!open) return [];
  const { idlePartsOf } = await import('./grants/idle.ts');
  return idlePartsOf(open.policy, { allowedRegions: allowed.map(({ id }) => id), homeRegion }).map(
    (note) => `AUTH_POLICY_FILE: ${open.file}: ${note}`,
  );
};

interface BuiltInEmulator extends StandIn {
  samplesIn(regions: readonly string[]): Samples;
  /** Where it is then. */
  start(port: number): Promise<string>;
  stop(): Promise<void>;
}

const createBuiltInEmulator = async (host: string, publicKey: KeyObject | null): Promise<BuiltInEmulator> => {
  // The key is made on another thread while the modules load.
  const [demo, { createEmulator, sampleIdsIn, sampleRegions, sampleTenancy }] = await Promise.all([
    promisify(generateKeyPair)('rsa', { modulusLength: 2048 }),
    import('./emulator/emulator.ts'),
  ]);
  const publicKeys: KeyObject[] = publicKey ? [demo.publicKey, publicKey] : [demo.publicKey];
  const emulator = createEmulator({ publicKeys, samples: true });
  return {
    privateKey: demo.privateKey,
    tenancyId: sampleTenancy,
    regions: sampleRegions,
    samplesIn: sampleIdsIn,
    start: async (port) => (await listen('EMULATOR_PORT', () => emulator.start(port, host))).url,
    stop: () => emulator.stop(),
  };
};

const readPublicKey = async (file: string | null): Promise<KeyObject | null> => {
  if (file === null) return null;
  let key: KeyObject;
  try {
    key = createPublicKey(await readFile(file));
  } catch (error) {
    throw new ConfigError([
      `EMULATOR_PUBLIC_KEY_FILE: ${file} is not a readable public key in PEM (${reasonOf(error)}).`,
    ]);
  }
  if (key.asymmetricKeyType !== 'rsa')
    throw new ConfigError([
      `EMULATOR_PUBLIC_KEY_FILE: ${file} is not an RSA key, the only kind that Oracle takes.`,
    ]);
  return key;
};

interface Urls {
  readonly url: string;
  /** undefined: where all else is. */
  readonly metricsUrl: string | undefined;
  readonly emulatorUrl: string | undefined;
}

const welcome = (
  { url, metricsUrl, emulatorUrl }: Urls,
  { oci, hasPlayground }: Config,
  { regions }: Gateway,
  query: string | null,
): string =>
  [
    'One graph over the work requests of Oracle Cloud',
    '',
    ...(hasPlayground ? [`  Playground   ${url}/playground`] : []),
    `  GraphQL      ${url}/graphql   (WebSocket: ${url.replace('http', 'ws')}/graphql)`,
    ...(metricsUrl === undefined ? [] : [`  Metrics      ${metricsUrl}/metrics`]),
    emulatorUrl !== undefined
      ? `  Emulator     ${emulatorUrl}   (demo data; UPSTREAM=oci for Oracle Cloud)`
      : oci.endpointTemplate !== null
        ? `  Upstream     ${oci.endpointTemplate}   (OCI_ENDPOINT_TEMPLATE)`
        : '  Upstream     Oracle Cloud',
    `  Regions      ${regions.map(({ id }) => id).join(', ')}`,
    ...(query === null ? [] : ['', 'A query to paste:', '', query]),
    '',
  ].join('\n');

interface Options {
  readonly isHelp: boolean;
  readonly isCheck: boolean;
  readonly isPrint: boolean;
  readonly isProbe: boolean;
  readonly problems: readonly string[];
}

const readOptions = (args: readonly string[]): Options => {
  const unknown = args.filter(
    (arg) => !['--check-config', '--probe', '--print-config', '--help', '-h'].includes(arg),
  );
  const isHelp = unknown.length === 0 && (args.includes('--help') || args.includes('-h'));
  const isPrint = args.includes('--print-config');
  const isCheck = args.includes('--check-config');
  const isProbe = args.includes('--probe');
  const problems: string[] = [];
  if (unknown.length > 0)
    problems.push(
      `There is no argument ${unknown.map((arg) => `'${arg}'`).join(', ')}. ${synopsis}; more with --help.`,
    );
  if (isProbe && !isCheck) problems.push('--probe goes with --check-config.');
  return { isHelp, isCheck, isPrint, isProbe, problems };
};

// Whoever reads it may leave, as `head` does: that ends nothing.
process.stdout.on('error', () => {});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const reasonOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unknown';

/** What an operator can mend is told in a sentence; what is a bug shows where it is, and nothing of what it says. */
const fail = async (error: unknown): Promise<void> => {
  if (error instanceof ConfigError || error instanceof StartError) process.stderr.write(`${error.message}\n`);
  else {
    const [{ pino }, { createLog }] = await Promise.all([import('pino'), import('./log.ts')]);
    createLog('fatal', pino.destination(2)).fatal({ err: error }, 'A bug has ended the gateway');
  }
  process.exit(error instanceof ConfigError ? configExitCode : 1);
};

// Node would print the error with all that hangs on it.
process.on('uncaughtException', (error) => void fail(error));
main().catch(fail);
