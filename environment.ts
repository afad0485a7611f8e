/**
 * The variables of the environment: what each may be, what it is where it is not set, and what it means. Documentation and deployment
 * are written from here; what becomes of them is `config.ts`.
 */
import { isIP } from 'node:net';
import { z } from 'zod';

export const authMethods = [
  'config_file',
  'session_token',
  'instance_principal',
  'resource_principal',
  'workload_identity',
] as const;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

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

export const isLoopback = (host: string): boolean =>
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
export const callerStandards = { sockets: 1_000, subscriptions: 10_000, rps: 100 };
const perCaller = (standard: number): string =>
  `With \`AUTH=none\` of one address. 0: no limit. Not set: ${standard} with \`AUTH=jwt\`, else no limit.`;

/** An IPv6 address as URLs have it, too. */
const address = z.string().transform((host) => host.replace(/^\[(.+)\]$/, '$1'));

export const environment = z.object({
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

export type Values = z.infer<typeof environment>;

/** Variables whose value is a secret: `<NAME>_FILE` names a file to read it from. */
export const secrets: readonly string[] = ['CURSOR_SECRET'];

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
