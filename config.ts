/**
 * Environment → Config. The only file of the gateway that reads `process.env`; every problem is reported at once.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';

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

const authMethods = [
  'config_file',
  'session_token',
  'instance_principal',
  'resource_principal',
  'workload_identity',
] as const;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

const list = z.string().transform((text) => [
  ...new Set(
    text
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== ''),
  ),
]);

const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` });

const hostname = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])$/i;
const regionId = /^[a-z0-9]+(-[a-z0-9]+)+$/;

const isOrigin = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
};

const isEndpointTemplate = (text: string): boolean => {
  const filled = text.replaceAll('{region}', 'r').replaceAll('{package}', 'p');
  const url = URL.parse(filled);
  return (
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    !url.username &&
    !url.password &&
    !url.search &&
    !url.hash &&
    !/[{}]/.test(filled)
  );
};

/** Whoever can change what comes from there can make tokens: it has to come unchanged. */
const isKeysUrl = (text: string): boolean => {
  const url = URL.parse(text);
  if (url === null || url.username || url.password || url.hash) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
};

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
};

const regionIds = list
  .refine((ids) => ids.length > 0, 'must name at least one region')
  .refine(
    (ids) => ids.every((id) => regionId.test(id)),
    'must be region ids such as us-ashburn-1, separated by commas',
  );

/** Of callers with tokens. Without tokens a caller is an address, and behind a proxy that is everybody's. */
const callerStandards = { sockets: 1_000, subscriptions: 10_000, rps: 100 };
const perCaller = (standard: number): string =>
  `With \`AUTH=none\` of one address. 0: no limit. Not set: ${standard} with \`AUTH=jwt\`, else no limit.`;

/** An IPv6 address as URLs have it, too. */
const address = z.string().transform((host) => host.replace(/^\[(.+)\]$/, '$1'));

const environment = z.object({
  HOST: address
    .default('127.0.0.1')
    .describe(
      "Address to listen on. One that is none of this machine's is wrong configuration, and so is one that other machines reach while `AUTH=none`, unless `AUTH_ALLOW_ANONYMOUS=true`.",
    ),
  PORT: integer(0, 65_535).default(4000).describe('Port to listen on; 0 picks one and prints it.'),
  METRICS_PORT: integer(0, 65_535)
    .optional()
    .describe(
      'A port for `/metrics` alone, so that callers cannot reach them; 0 picks one and prints it. Not set: they are at `PORT`.',
    ),
  METRICS_HOST: address.optional().describe("Address of that port. Not set: `HOST`'s."),
  ALLOWED_HOSTS: list
    .refine(
      (hosts) => hosts.every((host) => hostname.test(host)),
      'must be host names without scheme, port or wildcard, separated by commas',
    )
    .default([])
    .describe(
      "Host names by which callers may reach it, separated by commas. Not set: the loopback's names.",
    ),
  ALLOWED_ORIGINS: list
    .refine(
      (origins) => origins.every(isOrigin),
      'must be origins such as https://portal.example.com, separated by commas',
    )
    .default([])
    .describe('Origins of other sites whose pages may use it, separated by commas. Its own needs no entry.'),
  AUTH: oneOf(['none', 'jwt'])
    .default('none')
    .describe('`none`: whoever reaches it may come in. `jwt`: whoever brings a good token.'),
  AUTH_ISSUER: z.string().optional().describe('`iss` of the tokens that count.'),
  AUTH_AUDIENCE: z.string().optional().describe('`aud` of the tokens that count.'),
  AUTH_JWKS_URL: z
    .string()
    .refine(isKeysUrl, 'must be an https URL (http on this machine only), without user or fragment')
    .optional()
    .describe('Where the issuer publishes its keys.'),
  AUTH_POLICY_FILE: z
    .string()
    .optional()
    .describe(
      'YAML or JSON: which callers may see and cancel what (docs/policy.schema.json). Read again when it changes. Not set: every caller everything.',
    ),
  AUTH_ALLOW_ANONYMOUS: oneOf(['true', 'false'])
    .default('false')
    .describe(
      '`true`: `AUTH=none` may listen on an address that other machines reach, as something in front of it keeps the wrong ones away.',
    ),
  INTROSPECTION: oneOf(['auto', 'true', 'false'])
    .default('auto')
    .describe(
      'Whether callers may ask what the schema holds, are told of names that look like theirs, and have the playground. `auto`: unless `AUTH=none` and `AUTH_ALLOW_ANONYMOUS=true` meet `UPSTREAM=oci`, or there are trusted documents.',
    ),
  TRUSTED_DOCUMENTS_FILE: z
    .string()
    .optional()
    .describe(
      "Manifest of the only documents that run, on any transport: Apollo's persisted query manifest, or ids and documents as Relay and GraphQL Code Generator write them. Read again when it changes. There is no playground then.",
    ),
  UPSTREAM: oneOf(['emulator', 'oci'])
    .default('emulator')
    .describe('`emulator`: the built-in stand-in with demo data. `oci`: Oracle Cloud.'),
  EMULATOR_PORT: integer(0, 65_535).default(4001).describe('Port of the built-in emulator.'),
  EMULATOR_PUBLIC_KEY_FILE: z
    .string()
    .optional()
    .describe('PEM file of a public key whose signatures the emulator takes, too.'),
  OCI_AUTH: oneOf(authMethods)
    .default('config_file')
    .describe('What kind of credential the gateway signs with.'),
  OCI_CONFIG_FILE: z.string().optional().describe("Oracle's configuration file. Not set: `~/.oci/config`."),
  OCI_CONFIG_PROFILE: z.string().default('DEFAULT').describe('Profile in it.'),
  OCI_REGIONS: regionIds
    .optional()
    .describe("Region ids that may be called, separated by commas. Not set: the credential's own region."),
  OCI_HOME_REGION: z
    .string()
    .regex(regionId, 'must be a region id such as us-ashburn-1')
    .optional()
    .describe("Where IAM's work requests live. Not set: the first of `OCI_REGIONS`."),
  OCI_ENDPOINT_TEMPLATE: z
    .string()
    .refine(
      isEndpointTemplate,
      'must be an http(s) URL whose only placeholders are {region} and {package}, without user, query or fragment',
    )
    .optional()
    .describe("Replaces every service's own endpoint, e.g. `http://127.0.0.1:9100/{region}/{package}`."),
  OCI_REGION_METADATA: z.string().optional().describe("Oracle's own way to add a region to its tools: JSON."),
  OCI_DEFAULT_REALM: z
    .string()
    .optional()
    .describe("Oracle's own way to name the realm of regions that it does not know."),
  POLL_MIN_MS: integer(10, 3_600_000)
    .default(2_000)
    .describe('Shortest time between two looks at what is watched, in milliseconds.'),
  POLL_MAX_MS: integer(10, 3_600_000).default(30_000).describe('Longest, in milliseconds.'),
  UPSTREAM_DEADLINE_MS: integer(10, 600_000)
    .default(10_000)
    .describe(
      'Total time for one call to Oracle Cloud, in milliseconds; no answer takes longer than twice that.',
    ),
  UPSTREAM_RPS: integer(1, 100_000)
    .default(10)
    .describe('Calls a second for each credential, service and region.'),
  POLL_RPS: integer(1, 100_000)
    .default(500)
    .describe('Calls a second that watching may make, over all services.'),
  READ_CACHE_MS: integer(0, 60_000)
    .default(1_000)
    .describe(
      'How long a page of the list is told again to whoever asks the same, in milliseconds; 0 switches it off.',
    ),
  MAX_QUERY_COST: integer(1, 1_000_000)
    .default(10_000)
    .describe('Calls to Oracle Cloud that one operation may be estimated at.'),
  MAX_TOKENS: integer(100, 100_000).default(10_000).describe('Tokens of a document.'),
  MAX_DEPTH: integer(1, 1_000).default(20).describe('Levels of fields in an operation.'),
  MAX_ALIASES: integer(0, 100_000).default(500).describe('Aliases in an operation.'),
  MAX_DIRECTIVES: integer(0, 100_000).default(100).describe('Directives in an operation.'),
  MAX_ROOT_FIELDS: integer(1, 100_000).default(100).describe('Fields at the root of an operation.'),
  MAX_ADDRESS_CONNECTIONS: integer(0, 1_000_000)
    .default(25_000)
    .describe(
      'TCP connections that are open from one address (IPv6: one network of 64 bits), whatever comes over them; those of `TRUSTED_PROXIES` do not count. 0: no limit.',
    ),
  MAX_ADDRESS_SOCKETS: integer(0, 1_000_000)
    .default(20_000)
    .describe(
      'WebSockets and event streams that are open from one address (IPv6: one network of 64 bits); 0: no limit.',
    ),
  MAX_CALLER_SOCKETS: integer(0, 1_000_000)
    .optional()
    .describe(`The same of one caller. ${perCaller(callerStandards.sockets)}`),
  MAX_BODY_BYTES: integer(1_024, 64 * 1_024 * 1_024)
    .default(1_024 * 1_024)
    .describe("Bytes of a request's body, and of a WebSocket's message."),
  CONNECTION_INIT_TIMEOUT_MS: integer(100, 60_000)
    .default(3_000)
    .describe('How long a WebSocket may take to say `connection_init`, in milliseconds.'),
  MAX_SOCKET_OPERATIONS: integer(1, 1_000_000)
    .default(10_000)
    .describe('Operations that are open on one WebSocket.'),
  MAX_CALLER_SUBSCRIPTIONS: integer(0, 1_000_000)
    .optional()
    .describe(
      `Subscriptions that one caller has open, over all its sockets and streams, and waits. ${perCaller(callerStandards.subscriptions)}`,
    ),
  MAX_CALLER_RPS: integer(0, 1_000_000)
    .optional()
    .describe(
      `Operations a second that one caller begins, on all transports; at once twice as many. ${perCaller(callerStandards.rps)}`,
    ),
  MAX_CALLER_OPERATIONS_MIB: integer(1, 1_000_000)
    .default(256)
    .describe(
      'Memory of the operations that one caller has open on sockets and streams, in MiB, as it is reckoned: 500 bytes a token of each different document.',
    ),
  TRUSTED_PROXIES: list
    .refine(
      (proxies) => proxies.every(isNetwork),
      'must be addresses or networks such as 10.0.0.0/8, separated by commas',
    )
    .default([])
    .describe(
      'Addresses and networks of reverse proxies, separated by commas: the address that they tell in `X-Forwarded-For` counts instead of theirs.',
    ),
  CURSOR_SECRET: z
    .string()
    .min(16, 'must have at least 16 characters')
    .optional()
    .describe('Signs cursors; the same on all replicas. Not set: a random one, good for this process only.'),
  READ_ONLY: oneOf(['true', 'false']).default('false').describe('`true`: no mutation reaches Oracle Cloud.'),
  LOG_LEVEL: oneOf(logLevels).default('info').describe('What is logged, as JSON lines on standard error.'),
});

type Values = z.infer<typeof environment>;

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

/** Variables whose value is a secret: `<NAME>_FILE` names a file to read it from. */
const secrets: readonly string[] = ['CURSOR_SECRET'];

export interface Variable {
  readonly name: string;
  readonly isSecret: boolean;
  /** As it would be written; null: none. */
  readonly standard: string | null;
  /** What it can be; null: more than can be listed. */
  readonly words: readonly string[] | null;
  readonly meaning: string;
}

/** All that configures the gateway, in the order of its documentation. */
export const variables: readonly Variable[] = Object.entries(environment.shape).map(([name, schema]) => {
  const standard = schema.parse(undefined) as string | number | readonly string[] | undefined;
  const inner = 'unwrap' in schema ? schema.unwrap() : schema;
  return {
    name,
    isSecret: secrets.includes(name),
    standard: standard === undefined || String(standard) === '' ? null : String(standard),
    words: inner instanceof z.ZodEnum ? inner.options.map(String) : null,
    meaning: schema.description ?? '',
  };
});

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
