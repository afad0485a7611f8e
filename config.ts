/**
 * Environment → Config. The only file of the gateway that reads `process.env`; every problem is reported at once.
 */
import { readFileSync } from 'node:fs';
import { callerStandards, environment, isLoopback, secrets, variables } from './environment.ts';
import type { authMethods, logLevels, Values } from './environment.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Where `/metrics` is, alone; null: where all else is. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** null: callers say nothing of themselves. */
  readonly tokens: {
    readonly issuer: string;
    readonly audience: string;
    readonly jwksUrl: string;
  } | null;
  /** Who may see and cancel what; null: whoever may come in may do everything. */
  readonly policyFile: string | null;
  /** It may listen where other machines reach it: callers bring tokens, or something in front of it keeps the wrong ones away. */
  readonly mayBeReached: boolean;
  /** Whether callers may ask what the schema holds. */
  readonly isExplorable: boolean;
  /** It asks what the schema holds, and sends what its visitors write. */
  readonly hasPlayground: boolean;
  /** null: whatever is valid runs. */
  readonly trustedDocumentsFile: string | null;
  readonly upstream: 'emulator' | 'oci';
  readonly emulator: { readonly port: number; readonly publicKeyFile: string | null };
  readonly oci: OciConfig;
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
  readonly upstreamDeadlineMs: number;
  readonly upstreamRps: number;
  readonly pollRps: number;
  readonly readCacheMs: number;
  /** Calls to Oracle Cloud that one operation may be estimated at. */
  readonly maxQueryCost: number;
  /** What a document may hold. */
  readonly documentLimits: {
    readonly tokens: number;
    readonly depth: number;
    readonly aliases: number;
    readonly directives: number;
    readonly rootFields: number;
  };
  /** Of one socket, one caller, one address; null: as many as they like. */
  readonly limits: {
    readonly addressConnections: number | null;
    readonly addressSockets: number | null;
    readonly callerSockets: number | null;
    readonly callerSubscriptions: number | null;
    readonly callerRps: number | null;
    readonly callerOperationsMib: number;
    readonly socketOperations: number;
    /** Of a request's body, and of a WebSocket's message. */
    readonly bodyBytes: number;
    /** For a WebSocket to say `connection_init`. */
    readonly connectionInitMs: number;
  };
  /** What Node was told with `--max-old-space-size`; null: nothing. */
  readonly heapMib: number | null;
  /** Whose word on a caller's address counts: addresses and networks. */
  readonly trustedProxies: readonly string[];
  /** null: a random one is made at start, good for this process only (`notesOn`). */
  readonly cursorSecret: string | null;
  readonly isReadOnly: boolean;
  readonly logLevel: (typeof logLevels)[number];
}

export interface OciConfig {
  readonly auth: (typeof authMethods)[number];
  /** null: Oracle's default, `~/.oci/config`. */
  readonly configFile: string | null;
  readonly profile: string;
  /** null: the region that the credential names. Empty only beside a problem: what was named is none. */
  readonly regions: readonly string[] | null;
  /** null: the first of the regions. */
  readonly homeRegion: string | null;
  readonly endpointTemplate: string | null;
  /** Oracle's own ways to tell its tools of more regions. */
  readonly regionMetadata: string | null;
  readonly defaultRealm: string | null;
  /** What Oracle's credential providers read by themselves (`OCI_RESOURCE_PRINCIPAL_…`, `KUBERNETES_SERVICE_HOST`, …). */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** All that is wrong with the configuration, a sentence each; no value of a secret is in them. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Exit code for a wrong configuration (EX_CONFIG of sysexits.h). */
export const configExitCode = 78;

const tokenVariables = ['AUTH_ISSUER', 'AUTH_AUDIENCE', 'AUTH_JWKS_URL'] as const;
const tokenOptions = [...tokenVariables, 'AUTH_POLICY_FILE'] as const;

interface Contradiction {
  readonly between: readonly (keyof Values)[];
  /** The sentence; null: none. */
  tell(values: Values): string | null;
}

type PortName = 'PORT' | 'METRICS_PORT' | 'EMULATOR_PORT';

const portsDiffer = (one: PortName, other: PortName): Contradiction => ({
  between: ['UPSTREAM', one, other],
  tell(values) {
    const port = values[one];
    const isUsed = other !== 'EMULATOR_PORT' || values.UPSTREAM === 'emulator';
    return isUsed && port && port === values[other]
      ? `${one} and ${other} are both ${port}: change one of them (0 picks a free one).`
      : null;
  },
});

/** Told only where each of the variables is right by itself. */
const contradictions: readonly Contradiction[] = [
  {
    between: ['POLL_MIN_MS', 'POLL_MAX_MS'],
    tell: ({ POLL_MIN_MS, POLL_MAX_MS }) =>
      POLL_MIN_MS > POLL_MAX_MS ? 'POLL_MIN_MS must not be above POLL_MAX_MS.' : null,
  },
  {
    between: ['AUTH', ...tokenOptions],
    tell(values) {
      const missing = tokenVariables.filter((name) => values[name] === undefined);
      if (values.AUTH === 'jwt') return missing.length > 0 ? `AUTH=jwt needs ${missing.join(', ')}.` : null;
      const given = tokenOptions.filter((name) => values[name] !== undefined);
      return given.length > 0
        ? `${given.join(', ')} would be ignored: AUTH=jwt has callers send tokens, AUTH=none does not.`
        : null;
    },
  },
  portsDiffer('PORT', 'EMULATOR_PORT'),
  portsDiffer('PORT', 'METRICS_PORT'),
  portsDiffer('METRICS_PORT', 'EMULATOR_PORT'),
  {
    between: ['METRICS_PORT', 'METRICS_HOST'],
    tell: ({ METRICS_PORT, METRICS_HOST }) =>
      METRICS_HOST !== undefined && METRICS_PORT === undefined
        ? 'METRICS_HOST would be ignored: METRICS_PORT is not set, so /metrics is where all else is.'
        : null,
  },
];

/** The environment as the gateway reads it, in lines that an environment file can hold; no value of a secret is in them. */
export const printConfig = (env: NodeJS.ProcessEnv = process.env): string => {
  const given = withoutEmpty(env);
  return variables
    .map(({ name, isSecret, standard }) => {
      const file = given[`${name}_FILE`];
      if (isSecret && file !== undefined) return `${name}_FILE=${quoteLine(file)}`;
      const value = given[name];
      if (value !== undefined) {
        if (isSecret) return `# ${name} is set`;
        const shown = withoutCredentials(value);
        return shown === value ? `${name}=${quoteLine(value)}` : `# ${name} is set: ${quoteLine(shown)}`;
      }
      return standard === null ? `# ${name} is not set` : `# ${name}=${standard}`;
    })
    .join('\n');
};

/** A URL's user, the values of its query, and its fragment are nobody's: keys stand there. Broken ones are printed, too. */
const withoutCredentials = (text: string): string =>
  text.includes('//')
    ? text
        .replaceAll(/\/\/[^\s?#]*@/g, '//***@')
        .replaceAll(/(?<=[?&;])([^=&;#\s]*=)?[^&;#\s]+/g, '$1***')
        .replaceAll(/#\S+/g, '#***')
    : text;

/** Nothing in a value begins a line of its own, or is taken for a comment. */
const quoteLine = (text: string): string => (/^[\w./:@%+,{}*-]*$/.test(text) ? text : JSON.stringify(text));

/**
 * The configuration and what is wrong with it. Where something is, the configuration is good for finding more problems
 * only: what cannot be taken has its default there, or a value from which no further problem follows.
 */
export const readConfig = (
  env: NodeJS.ProcessEnv = process.env,
): { readonly config: Config; readonly problems: readonly string[] } => {
  const problems: string[] = [];
  const given = withSecrets(withoutEmpty(env), problems);
  const issues = environment.safeParse(given).error?.issues ?? [];
  for (const { path, message } of issues) problems.push(`${path.join('.')} ${message}.`);
  const wrong = new Set(issues.map(({ path }) => String(path[0])));
  const values = environment.parse(
    Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.has(name))),
  );
  for (const { between, tell } of contradictions) {
    const told = between.some((name) => wrong.has(name)) ? null : tell(values);
    if (told !== null) problems.push(told);
  }
  return { config: toConfig(values, wrong, env), problems };
};

const toConfig = (values: Values, wrong: ReadonlySet<string>, env: NodeJS.ProcessEnv): Config => {
  return {
    host: values.HOST,
    port: values.PORT,
    metrics:
      values.METRICS_PORT === undefined
        ? null
        : { host: values.METRICS_HOST ?? values.HOST, port: values.METRICS_PORT },
    allowedHosts: values.ALLOWED_HOSTS,
    allowedOrigins: values.ALLOWED_ORIGINS,
    tokens: tokensOf(values),
    policyFile: values.AUTH_POLICY_FILE ?? null,
    isExplorable: isExplorable(values),
    hasPlayground: isExplorable(values) && values.TRUSTED_DOCUMENTS_FILE === undefined,
    trustedDocumentsFile: values.TRUSTED_DOCUMENTS_FILE ?? null,
    // Where a word is wrong, what it was to allow is not known.
    mayBeReached:
      values.AUTH === 'jwt' ||
      values.AUTH_ALLOW_ANONYMOUS === 'true' ||
      wrong.has('AUTH') ||
      wrong.has('AUTH_ALLOW_ANONYMOUS'),
    // Whose credential it is to be cannot be said: none is looked for.
    upstream: wrong.has('OCI_AUTH') ? 'emulator' : values.UPSTREAM,
    emulator: { port: values.EMULATOR_PORT, publicKeyFile: values.EMULATOR_PUBLIC_KEY_FILE ?? null },
    oci: {
      auth: values.OCI_AUTH,
      configFile: values.OCI_CONFIG_FILE ?? null,
      profile: values.OCI_CONFIG_PROFILE,
      regions: values.OCI_REGIONS ?? (wrong.has('OCI_REGIONS') ? [] : null),
      homeRegion: values.OCI_HOME_REGION ?? null,
      endpointTemplate: values.OCI_ENDPOINT_TEMPLATE ?? null,
      regionMetadata: values.OCI_REGION_METADATA ?? null,
      defaultRealm: values.OCI_DEFAULT_REALM ?? null,
      environment: env,
    },
    pollMinMs: values.POLL_MIN_MS,
    pollMaxMs: values.POLL_MAX_MS,
    upstreamDeadlineMs: values.UPSTREAM_DEADLINE_MS,
    upstreamRps: values.UPSTREAM_RPS,
    pollRps: values.POLL_RPS,
    readCacheMs: values.READ_CACHE_MS,
    maxQueryCost: values.MAX_QUERY_COST,
    documentLimits: {
      tokens: values.MAX_TOKENS,
      depth: values.MAX_DEPTH,
      aliases: values.MAX_ALIASES,
      directives: values.MAX_DIRECTIVES,
      rootFields: values.MAX_ROOT_FIELDS,
    },
    limits: limitsOf(values),
    heapMib: heapMibOf(env),
    trustedProxies: values.TRUSTED_PROXIES,
    cursorSecret: values.CURSOR_SECRET ?? null,
    isReadOnly: values.READ_ONLY === 'true',
    logLevel: values.LOG_LEVEL,
  };
};

const limitsOf = (values: Values): Config['limits'] => {
  const ofCaller = (value: number | undefined, standard: number): number | null =>
    (value ?? (values.AUTH === 'jwt' ? standard : 0)) || null;
  return {
    addressConnections: values.MAX_ADDRESS_CONNECTIONS || null,
    addressSockets: values.MAX_ADDRESS_SOCKETS || null,
    callerSockets: ofCaller(values.MAX_CALLER_SOCKETS, callerStandards.sockets),
    callerSubscriptions: ofCaller(values.MAX_CALLER_SUBSCRIPTIONS, callerStandards.subscriptions),
    callerRps: ofCaller(values.MAX_CALLER_RPS, callerStandards.rps),
    callerOperationsMib: values.MAX_CALLER_OPERATIONS_MIB,
    socketOperations: values.MAX_SOCKET_OPERATIONS,
    bodyBytes: values.MAX_BODY_BYTES,
    connectionInitMs: values.CONNECTION_INIT_TIMEOUT_MS,
  };
};

/** Node does not tell it in a way that is the same on all machines. The last word counts, and those of the command line come last. */
const heapMibOf = ({ NODE_OPTIONS = '' }: NodeJS.ProcessEnv): number | null => {
  const words = [NODE_OPTIONS, ...process.execArgv].join(' ');
  const told = [...words.matchAll(/--max[-_]old[-_]space[-_]size[= ](\d+)/g)].at(-1)?.[1];
  return Number(told) || null;
};

/** The schema is no secret, only nothing for whoever comes along on the way to a real cloud. */
const isExplorable = ({
  INTROSPECTION,
  AUTH,
  AUTH_ALLOW_ANONYMOUS,
  UPSTREAM,
  TRUSTED_DOCUMENTS_FILE,
}: Values): boolean =>
  INTROSPECTION === 'auto'
    ? TRUSTED_DOCUMENTS_FILE === undefined &&
      (UPSTREAM === 'emulator' || AUTH === 'jwt' || AUTH_ALLOW_ANONYMOUS === 'false')
    : INTROSPECTION === 'true';

const tokensOf = ({
  AUTH: auth,
  AUTH_ISSUER: issuer,
  AUTH_AUDIENCE: audience,
  AUTH_JWKS_URL: jwksUrl,
}: Values): Config['tokens'] =>
  auth === 'jwt' && issuer !== undefined && audience !== undefined && jwksUrl !== undefined
    ? { issuer, audience, jwksUrl }
    : null;

/**
 * Whom the address that it listens on lets in, where that must not be without a word; null: nobody.
 * @param address of this machine, as an IP address
 */
export const exposureOf = ({ host, mayBeReached }: Config, address: string): string | null =>
  mayBeReached || isLoopback(address)
    ? null
    : `HOST: ${host} lets other machines in, and with AUTH=none whoever gets there reads and cancels with the gateway's credentials. Set AUTH=jwt, or AUTH_ALLOW_ANONYMOUS=true where something in front of it lets only the right ones through.`;

/** What is no mistake, but good to know before somebody relies on it; a sentence each. */
export const notesOn = ({ upstream, cursorSecret, policyFile, metrics }: Config): readonly string[] => [
  // Nobody runs replicas over demo data.
  ...(upstream === 'oci' && cursorSecret === null
    ? ['CURSOR_SECRET is not set: cursors end with this process and are not valid on other replicas.']
    : []),
  ...(policyFile !== null && metrics === null
    ? [
        'METRICS_PORT is not set: callers can read /metrics, whose counts tell of what AUTH_POLICY_FILE hides from them.',
      ]
    : []),
];

/** An empty variable is one that is not set. */
const withoutEmpty = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])));

const withSecrets = (env: Record<string, string>, problems: string[]): Record<string, string> => {
  const found = { ...env };
  for (const name of secrets) {
    const file = env[`${name}_FILE`];
    if (file === undefined) continue;
    if (env[name] !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set: keep one.`);
      continue;
    }
    try {
      found[name] = readFileSync(file, 'utf8').trimEnd();
    } catch (error) {
      problems.push(
        `${name}_FILE: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}).`,
      );
    }
  }
  return found;
};
