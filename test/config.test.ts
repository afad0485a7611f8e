import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegistry } from '../scripts/metrics.ts';
import { withMetrics, withVariables } from '../scripts/operations.ts';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError, exposureOf, notesOn, printConfig, readConfig } from '../config.ts';
import { variables } from '../environment.ts';
import type { Config } from '../config.ts';
import { loadConfig } from './support/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fileWith = (text: string): string => {
  const file = join(folder, `${Math.random()}`);
  writeFileSync(file, text);
  return file;
};

/** The problems of a configuration; none where it is right. */
const problemsOf = (env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};
const ociOf = (env: NodeJS.ProcessEnv): Config['oci'] => loadConfig(env).oci;

describe('without any variable', () => {
  test('the gateway listens on the loopback and reads from the emulator', () => {
    expect(loadConfig({})).toEqual({
      host: '127.0.0.1',
      port: 4000,
      metrics: null,
      allowedHosts: [],
      allowedOrigins: [],
      tokens: null,
      policyFile: null,
      isExplorable: true,
      hasPlayground: true,
      trustedDocumentsFile: null,
      mayBeReached: false,
      upstream: 'emulator',
      emulator: { port: 4001, publicKeyFile: null },
      oci: {
        auth: 'config_file',
        configFile: null,
        profile: 'DEFAULT',
        regions: null,
        homeRegion: null,
        endpointTemplate: null,
        regionMetadata: null,
        defaultRealm: null,
        environment: {},
      },
      pollMinMs: 2_000,
      pollMaxMs: 30_000,
      pollRps: 500,
      upstreamDeadlineMs: 10_000,
      upstreamRps: 10,
      readCacheMs: 1_000,
      maxQueryCost: 10_000,
      documentLimits: { tokens: 10_000, depth: 20, aliases: 500, directives: 100, rootFields: 100 },
      limits: {
        addressConnections: 25_000,
        addressSockets: 20_000,
        callerSockets: null,
        callerSubscriptions: null,
        callerRps: null,
        callerOperationsMib: 256,
        socketOperations: 10_000,
        bodyBytes: 1_048_576,
        connectionInitMs: 3_000,
      },
      heapMib: null,
      trustedProxies: [],
      cursorSecret: null,
      isReadOnly: false,
      logLevel: 'info',
    });
  });

  test('an empty variable is one that is not set', () => {
    const names = [
      'HOST',
      'PORT',
      'ALLOWED_HOSTS',
      'OCI_REGIONS',
      'CURSOR_SECRET',
      'CURSOR_SECRET_FILE',
      'READ_ONLY',
    ];
    const env = Object.fromEntries(names.map((name) => [name, '']));
    const { oci, ...config } = loadConfig(env);
    const { oci: defaultOci, ...defaults } = loadConfig({});
    expect(config).toEqual(defaults);
    expect({ ...oci, environment: {} }).toEqual(defaultOci);
  });

  test('variables of others are none of its business', () => {
    expect(problemsOf({ PATH: '/bin', port: 'x', POLL_MIN: 'x', OCI_CLI_AUTH: 'x' })).toEqual([]);
  });
});

describe('a good value', () => {
  test.each([
    ['HOST', '0.0.0.0', 'host', '0.0.0.0'],
    ['HOST', '::1', 'host', '::1'],
    ['HOST', '[::1]', 'host', '::1'],
    ['PORT', '0', 'port', 0],
    ['PORT', '65535', 'port', 65_535],
    ['ALLOWED_HOSTS', 'a.example, b.example,,', 'allowedHosts', ['a.example', 'b.example']],
    ['ALLOWED_HOSTS', '[::1]', 'allowedHosts', ['[::1]']],
    [
      'ALLOWED_ORIGINS',
      'https://a.example,http://localhost:3000',
      'allowedOrigins',
      ['https://a.example', 'http://localhost:3000'],
    ],
    ['UPSTREAM', 'oci', 'upstream', 'oci'],
    ['POLL_MIN_MS', '10', 'pollMinMs', 10],
    ['POLL_MAX_MS', '3600000', 'pollMaxMs', 3_600_000],
    ['UPSTREAM_DEADLINE_MS', '600000', 'upstreamDeadlineMs', 600_000],
    ['UPSTREAM_RPS', '1', 'upstreamRps', 1],
    ['MAX_QUERY_COST', '1', 'maxQueryCost', 1],
    ['CURSOR_SECRET', 'sixteen letters!', 'cursorSecret', 'sixteen letters!'],
    ['READ_ONLY', 'true', 'isReadOnly', true],
    ['READ_ONLY', 'false', 'isReadOnly', false],
    ['LOG_LEVEL', 'silent', 'logLevel', 'silent'],
  ] as const)('%s=%s is taken', (name, value, key, expected) => {
    expect(loadConfig({ [name]: value })[key]).toEqual(expected);
  });

  test.each([
    'config_file',
    'session_token',
    'instance_principal',
    'resource_principal',
    'workload_identity',
  ])('OCI_AUTH=%s is taken', (auth) => {
    expect(ociOf({ OCI_AUTH: auth }).auth).toBe(auth);
  });

  test.each([
    ['OCI_CONFIG_FILE', '/etc/oci/config', 'configFile', '/etc/oci/config'],
    ['OCI_CONFIG_PROFILE', 'PROD', 'profile', 'PROD'],
    ['OCI_REGIONS', 'us-ashburn-1, eu-frankfurt-1', 'regions', ['us-ashburn-1', 'eu-frankfurt-1']],
    [
      'OCI_REGIONS',
      'us-ashburn-1,eu-frankfurt-1,us-ashburn-1',
      'regions',
      ['us-ashburn-1', 'eu-frankfurt-1'],
    ],
    ['OCI_HOME_REGION', 'us-phoenix-1', 'homeRegion', 'us-phoenix-1'],
    ['OCI_REGION_METADATA', '{}', 'regionMetadata', '{}'],
    ['OCI_DEFAULT_REALM', 'oraclecloud.example', 'defaultRealm', 'oraclecloud.example'],
  ] as const)('%s=%s is taken', (name, value, key, expected) => {
    expect(ociOf({ [name]: value })[key]).toEqual(expected);
  });

  test.each([
    'http://127.0.0.1:9100/{region}/{package}',
    'https://{package}.{region}.proxy.example/x',
    'http://127.0.0.1:9100',
    'http://127.0.0.1:9100/',
    'http://[::1]:9100/{region}/{package}',
    'http://127.0.0.1:9100/100%25/{region}',
    'http://127.0.0.1:9100/%zz/{region}',
    'http://127.0.0.1:9100/%ff',
  ])('OCI_ENDPOINT_TEMPLATE=%s is taken', (template) => {
    expect(ociOf({ OCI_ENDPOINT_TEMPLATE: template }).endpointTemplate).toBe(template);
  });

  test('of the emulator is taken', () => {
    const { emulator } = loadConfig({ EMULATOR_PORT: '0', EMULATOR_PUBLIC_KEY_FILE: '/key.pem' });
    expect(emulator).toEqual({ port: 0, publicKeyFile: '/key.pem' });
  });

  test('for the credential providers themselves is passed on', () => {
    const env = { OCI_RESOURCE_PRINCIPAL_VERSION: '2.2', KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    expect(ociOf(env).environment).toMatchObject(env);
  });
});

describe('a bad value', () => {
  const wholeNumber = (min: number, max: number): string => `must be a whole number from ${min} to ${max}.`;

  test.each([
    [
      'PORT',
      wholeNumber(0, 65_535),
      ['x', '-1', '65536', '1.5', '1e3', '0x10', ' 80', '９', '99999999999999999999'],
    ],
    ['EMULATOR_PORT', wholeNumber(0, 65_535), ['x', '65536']],
    ['METRICS_PORT', wholeNumber(0, 65_535), ['x', '65536', '-1']],
    ['POLL_MIN_MS', wholeNumber(10, 3_600_000), ['9', 'x']],
    ['POLL_MAX_MS', wholeNumber(10, 3_600_000), ['3600001', '2s']],
    ['UPSTREAM_DEADLINE_MS', wholeNumber(10, 600_000), ['0', '600001']],
    ['UPSTREAM_RPS', wholeNumber(1, 100_000), ['0', '0.5']],
    ['MAX_TOKENS', wholeNumber(100, 100_000), ['99', 'x']],
    ['MAX_DEPTH', wholeNumber(1, 1_000), ['0', '1001']],
    ['MAX_ALIASES', wholeNumber(0, 100_000), ['-1']],
    ['MAX_DIRECTIVES', wholeNumber(0, 100_000), ['-1']],
    ['MAX_ROOT_FIELDS', wholeNumber(1, 100_000), ['0']],
    ['MAX_QUERY_COST', wholeNumber(1, 1_000_000), ['0', '1e3', '1000001']],
    ['AUTH', 'must be one of none, jwt.', ['JWT', 'basic']],
    ['INTROSPECTION', 'must be one of auto, true, false.', ['yes']],
    ['AUTH_ALLOW_ANONYMOUS', 'must be one of true, false.', ['yes']],
    ['UPSTREAM', 'must be one of emulator, oci.', ['OCI', 'aws', 'constructor']],
    ['READ_ONLY', 'must be one of true, false.', ['yes', '1', 'TRUE']],
    ['LOG_LEVEL', 'must be one of trace, debug, info, warn, error, fatal, silent.', ['verbose']],
    [
      'OCI_AUTH',
      'must be one of config_file, session_token, instance_principal, resource_principal, workload_identity.',
      ['api_key', 'CONFIG_FILE'],
    ],
    [
      'ALLOWED_HOSTS',
      'must be host names without scheme, port or wildcard, separated by commas.',
      ['https://a.example', 'a.example:80', 'a b', 'a/b', '.', '-a', '*', '[::1],*'],
    ],
    [
      'ALLOWED_ORIGINS',
      'must be origins such as https://portal.example.com, separated by commas.',
      [
        'a.example',
        'https://a.example/',
        'https://a.example/x',
        'ftp://a.example',
        'null',
        '*',
        'https://u:p@a.example',
      ],
    ],
    [
      'OCI_REGIONS',
      'must be region ids such as us-ashburn-1, separated by commas.',
      ['iad', 'US-ASHBURN-1', 'us-ashburn-1;us-phoenix-1', 'us-ashburn-1,evil.example', '../us-ashburn-1'],
    ],
    ['OCI_REGIONS', 'must name at least one region.', [',', ' , ']],
    [
      'OCI_HOME_REGION',
      'must be a region id such as us-ashburn-1.',
      ['iad', 'us-ashburn-1,us-phoenix-1', ' '],
    ],
    [
      'OCI_ENDPOINT_TEMPLATE',
      'must be an http(s) URL whose only placeholders are {region} and {package}, without user, query or fragment.',
      [
        'x',
        '127.0.0.1:9100',
        'ftp://127.0.0.1/{region}',
        'http://u:p@127.0.0.1/',
        'http://127.0.0.1/?x={region}',
        'http://127.0.0.1/#{region}',
        'http://127.0.0.1/{Region}',
        'http://127.0.0.1/{service}/{region}',
        'http://127.0.0.1/{region',
        'http://{}.example/',
      ],
    ],
    ['MAX_ADDRESS_CONNECTIONS', wholeNumber(0, 1_000_000), ['-1', '2e4']],
    ['MAX_ADDRESS_SOCKETS', wholeNumber(0, 1_000_000), ['-1']],
    ['MAX_CALLER_SOCKETS', wholeNumber(0, 1_000_000), ['x']],
    ['MAX_BODY_BYTES', wholeNumber(1_024, 67_108_864), ['0', '100000000']],
    ['CONNECTION_INIT_TIMEOUT_MS', wholeNumber(100, 60_000), ['0', '3s', '100000']],
    ['MAX_SOCKET_OPERATIONS', wholeNumber(1, 1_000_000), ['0']],
    ['MAX_CALLER_SUBSCRIPTIONS', wholeNumber(0, 1_000_000), ['1.5']],
    ['MAX_CALLER_RPS', wholeNumber(0, 1_000_000), ['10/s']],
    ['MAX_CALLER_OPERATIONS_MIB', wholeNumber(1, 1_000_000), ['0']],
    [
      'TRUSTED_PROXIES',
      'must be addresses or networks such as 10.0.0.0/8, separated by commas.',
      ['proxy.example', '10.0.0.0/33', '10.0.0.1/', '::/129', '10.0.0.1/8/8', '*'],
    ],
    ['CURSOR_SECRET', 'must have at least 16 characters.', ['short']],
  ])('of %s is told: it %s', (name, message, values) => {
    for (const value of values) expect(problemsOf({ [name]: value })).toEqual([`${name} ${message}`]);
  });

  test('of two that contradict each other is told', () => {
    expect(problemsOf({ POLL_MIN_MS: '5000', POLL_MAX_MS: '4000' })).toEqual([
      'POLL_MIN_MS must not be above POLL_MAX_MS.',
    ]);
    expect(problemsOf({ POLL_MIN_MS: '30001' })).toEqual(['POLL_MIN_MS must not be above POLL_MAX_MS.']);
    expect(problemsOf({ POLL_MIN_MS: '30000' })).toEqual([]);
    expect(problemsOf({ PORT: 'x', POLL_MIN_MS: '5000', POLL_MAX_MS: '4000' })).toEqual([
      expect.stringMatching(/^PORT /),
      'POLL_MIN_MS must not be above POLL_MAX_MS.',
    ]);
    expect(problemsOf({ POLL_MIN_MS: '5000', POLL_MAX_MS: 'x' })).toEqual([
      expect.stringMatching(/^POLL_MAX_MS /),
    ]);
  });

  const issuer = {
    AUTH_ISSUER: 'https://id.example.com/',
    AUTH_AUDIENCE: 'gateway',
    AUTH_JWKS_URL: 'https://id.example.com/keys?v=1',
  };

  test('of whom to let in is told', () => {
    expect(loadConfig({ AUTH: 'jwt', ...issuer })).toMatchObject({
      tokens: { issuer: 'https://id.example.com/', audience: 'gateway', jwksUrl: issuer.AUTH_JWKS_URL },
      mayBeReached: true,
    });
    expect(problemsOf({ AUTH: 'jwt' })).toEqual([
      'AUTH=jwt needs AUTH_ISSUER, AUTH_AUDIENCE, AUTH_JWKS_URL.',
    ]);
    expect(problemsOf({ AUTH: 'jwt', ...issuer, AUTH_AUDIENCE: '' })).toEqual([
      'AUTH=jwt needs AUTH_AUDIENCE.',
    ]);
    expect(problemsOf({ AUTH_ISSUER: 'x' })).toEqual([
      'AUTH_ISSUER would be ignored: AUTH=jwt has callers send tokens, AUTH=none does not.',
    ]);
    for (const url of [
      'x',
      'http://id.example.com/keys',
      'http://127.0.0.1.example.com/keys',
      'http://localhost.example.com/',
      'https://u:p@id.example.com/keys',
      'https://id.example.com/keys#1',
      'file:///etc/keys',
    ]) {
      const problems = problemsOf({ AUTH: 'jwt', ...issuer, AUTH_JWKS_URL: url });
      expect(problems).toEqual([
        'AUTH_JWKS_URL must be an https URL (http on this machine only), without user or fragment.',
      ]);
    }
    for (const url of ['http://127.0.0.1:1/keys', 'http://localhost/', 'http://[::1]:1/'])
      expect(problemsOf({ AUTH: 'jwt', ...issuer, AUTH_JWKS_URL: url })).toEqual([]);
  });

  test('callers with tokens have limits of their own, others those that were asked for', () => {
    const limits = (env: NodeJS.ProcessEnv): unknown => loadConfig(env).limits;
    const jwt = { AUTH: 'jwt', ...issuer };
    expect(limits(jwt)).toMatchObject({ callerSockets: 1_000, callerSubscriptions: 10_000, callerRps: 100 });
    const chosen = { MAX_CALLER_SOCKETS: '1', MAX_CALLER_SUBSCRIPTIONS: '2', MAX_CALLER_RPS: '3' };
    for (const env of [chosen, { ...jwt, ...chosen }])
      expect(limits(env)).toMatchObject({ callerSockets: 1, callerSubscriptions: 2, callerRps: 3 });
    const none = { MAX_CALLER_SOCKETS: '0', MAX_CALLER_SUBSCRIPTIONS: '0', MAX_CALLER_RPS: '0' };
    expect(limits({ ...jwt, ...none, MAX_ADDRESS_SOCKETS: '0' })).toMatchObject({
      addressSockets: null,
      callerSockets: null,
      callerSubscriptions: null,
      callerRps: null,
    });
    expect(loadConfig({ TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).trustedProxies).toEqual(['10.0.0.0/8', '::1']);
  });

  test.each([
    ['--max-old-space-size=192', 192],
    ['--max_old_space_size=192', 192],
    ['--enable-source-maps --max-old-space-size 384 --no-warnings', 384],
    ['--max-old-space-size=192 --max-old-space-size=256', 256],
    ['--max-old-space-size-percentage=50', null],
    ['--max-semi-space-size=16', null],
    ['--max-old-space-size=0', null],
  ])('NODE_OPTIONS=%s says how large the heap may be: %p MiB', (options, heapMib) => {
    expect(loadConfig({ NODE_OPTIONS: options }).heapMib).toBe(heapMib);
  });

  test('callers may explore the schema, unless anybody comes along on the way to Oracle Cloud', () => {
    const isExplorable = (env: NodeJS.ProcessEnv): boolean => loadConfig(env).isExplorable;
    const open = { UPSTREAM: 'oci', AUTH_ALLOW_ANONYMOUS: 'true' };
    expect(isExplorable(open)).toBe(false);
    for (const env of [
      { UPSTREAM: 'oci' },
      { AUTH_ALLOW_ANONYMOUS: 'true' },
      { UPSTREAM: 'oci', AUTH: 'jwt', ...issuer },
      { ...open, INTROSPECTION: 'true' },
    ])
      expect(isExplorable(env)).toBe(true);
    expect(isExplorable({ INTROSPECTION: 'false' })).toBe(false);
    const listed = { TRUSTED_DOCUMENTS_FILE: '/manifest.json' };
    expect(loadConfig(listed)).toMatchObject({ isExplorable: false, hasPlayground: false });
    expect(loadConfig({ ...listed, INTROSPECTION: 'true' })).toMatchObject({
      isExplorable: true,
      hasPlayground: false,
    });
  });

  test('of an address that lets in whoever gets there is told, once it is known to be one', () => {
    const exposed = (env: NodeJS.ProcessEnv, address: string): string | null =>
      exposureOf(loadConfig(env), address);
    for (const address of ['127.0.0.1', '127.1.2.3', '::1']) expect(exposed({}, address)).toBeNull();
    for (const address of ['0.0.0.0', '::', '192.0.2.1', '128.0.0.1', '::ffff:192.0.2.1'])
      expect(exposed({ HOST: 'all' }, address)).toMatch(/^HOST: all lets other machines in, .*AUTH=jwt/);
    expect(exposed({ AUTH_ALLOW_ANONYMOUS: 'true' }, '0.0.0.0')).toBeNull();
    for (const wrong of [{ AUTH: 'x' }, { AUTH_ALLOW_ANONYMOUS: 'x' }])
      expect(exposureOf(readConfig(wrong).config, '0.0.0.0')).toBeNull();
    expect(exposed({ AUTH: 'jwt', ...issuer }, '0.0.0.0')).toBeNull();
  });

  test('of two ports that are one is told, where the emulator needs the other', () => {
    const both = 'PORT and EMULATOR_PORT are both 4001: change one of them (0 picks a free one).';
    expect(problemsOf({ PORT: '4001' })).toEqual([both]);
    expect(problemsOf({ PORT: '4001', LOG_LEVEL: 'x' })).toEqual([
      expect.stringMatching(/^LOG_LEVEL /),
      both,
    ]);
    expect(problemsOf({ PORT: '0', EMULATOR_PORT: '0' })).toEqual([]);
    expect(problemsOf({ PORT: '4001', UPSTREAM: 'oci' })).toEqual([]);
    for (const wrong of [
      { PORT: 'x', EMULATOR_PORT: '4000' },
      { PORT: '4001', UPSTREAM: 'x' },
    ])
      expect(problemsOf(wrong)).toHaveLength(1);
  });

  test('of the port for /metrics: that it is another, and that there is one', () => {
    const both = 'PORT and METRICS_PORT are both 9464: change one of them (0 picks a free one).';
    expect(problemsOf({ PORT: '9464', METRICS_PORT: '9464' })).toEqual([both]);
    expect(problemsOf({ PORT: '9464', METRICS_PORT: '9464', UPSTREAM: 'oci' })).toEqual([both]);
    expect(problemsOf({ METRICS_PORT: '4001' })).toEqual([
      'METRICS_PORT and EMULATOR_PORT are both 4001: change one of them (0 picks a free one).',
    ]);
    expect(problemsOf({ METRICS_PORT: '4001', UPSTREAM: 'oci' })).toEqual([]);
    expect(problemsOf({ PORT: '0', METRICS_PORT: '0' })).toEqual([]);
    expect(problemsOf({ METRICS_HOST: '0.0.0.0' })).toEqual([
      'METRICS_HOST would be ignored: METRICS_PORT is not set, so /metrics is where all else is.',
    ]);
    expect(problemsOf({ METRICS_HOST: '0.0.0.0', METRICS_PORT: 'x' })).toHaveLength(1);
    expect(loadConfig({ HOST: '127.0.0.2', METRICS_PORT: '9464' }).metrics).toEqual({
      host: '127.0.0.2',
      port: 9464,
    });
    expect(loadConfig({ METRICS_HOST: '[::1]', METRICS_PORT: '0' }).metrics).toEqual({
      host: '::1',
      port: 0,
    });
  });

  test('leaves a configuration with which to look for more, and from which nothing false follows', () => {
    const read = (env: NodeJS.ProcessEnv): Config => readConfig(env).config;
    expect(read({ PORT: 'x', HOST: 'example', OCI_REGIONS: 'us-nowhere-1' })).toMatchObject({
      port: 4000,
      host: 'example',
      oci: { regions: ['us-nowhere-1'] },
    });
    // Not null, which would be: ask the credential.
    expect(read({ OCI_REGIONS: 'x' }).oci.regions).toEqual([]);
    // Whose credential is meant is not known.
    expect(read({ UPSTREAM: 'oci', OCI_AUTH: 'api_key' }).upstream).toBe('emulator');
  });

  test('of several variables: all are told at once, a line each', () => {
    const env = {
      PORT: 'x',
      UPSTREAM: 'x',
      OCI_REGIONS: 'x',
      READ_ONLY: 'x',
      CURSOR_SECRET_FILE: '/no/such/file',
    };
    expect(
      problemsOf(env)
        .map((problem) => problem.split(/[ :]/)[0])
        .sort(),
    ).toEqual(Object.keys(env).sort());
    expect(() => loadConfig(env)).toThrow(/^The configuration has 5 problems:(\n {2}- [A-Z_]+.*\.){5}$/);
    expect(() => loadConfig({ PORT: 'x' })).toThrow(/^The configuration has a problem:\n {2}- PORT /);
  });
});

describe('a secret', () => {
  const secret = 'correct horse battery staple';

  test('can be read from a file, whose last line end does not count', () => {
    for (const text of [secret, `${secret}\n`, `${secret}\r\n`])
      expect(loadConfig({ CURSOR_SECRET_FILE: fileWith(text) }).cursorSecret).toBe(secret);
  });

  test('from two places is refused, whatever they hold', () => {
    expect(problemsOf({ CURSOR_SECRET: secret, CURSOR_SECRET_FILE: fileWith(secret) })).toEqual([
      'CURSOR_SECRET and CURSOR_SECRET_FILE are both set: keep one.',
    ]);
  });

  test('that is too short is refused wherever it comes from', () => {
    for (const env of [{ CURSOR_SECRET: 'hunter2' }, { CURSOR_SECRET_FILE: fileWith('hunter2\n') }])
      expect(problemsOf(env)).toEqual(['CURSOR_SECRET must have at least 16 characters.']);
    expect(problemsOf({ CURSOR_SECRET_FILE: fileWith('') })).toEqual([
      'CURSOR_SECRET must have at least 16 characters.',
    ]);
  });

  test('whose file cannot be read says why', () => {
    expect(problemsOf({ CURSOR_SECRET_FILE: join(folder, 'none') })).toEqual([
      `CURSOR_SECRET_FILE: ${join(folder, 'none')} cannot be read (ENOENT).`,
    ]);
    expect(problemsOf({ CURSOR_SECRET_FILE: folder })).toEqual([
      `CURSOR_SECRET_FILE: ${folder} cannot be read (EISDIR).`,
    ]);
  });

  test('is in no message', () => {
    const wrong = { PORT: 'x', POLL_MIN_MS: 'x' };
    for (const env of [
      { ...wrong, CURSOR_SECRET: 'hunter2' },
      { ...wrong, CURSOR_SECRET: secret },
      { ...wrong, CURSOR_SECRET_FILE: fileWith('hunter2') },
      { ...wrong, CURSOR_SECRET: secret, CURSOR_SECRET_FILE: fileWith('hunter2') },
    ]) {
      expect(() => loadConfig(env)).toThrow(ConfigError);
      expect(() => loadConfig(env)).not.toThrow(/hunter2|horse/);
    }
  });
});

test('a missing CURSOR_SECRET is worth a note over Oracle Cloud, not over demo data', () => {
  const notes = (env: NodeJS.ProcessEnv): readonly string[] => notesOn(loadConfig(env));
  expect(notes({ UPSTREAM: 'oci' })).toEqual([
    expect.stringMatching(/^CURSOR_SECRET is not set: .*replicas\.$/),
  ]);
  expect(notes({ UPSTREAM: 'oci', CURSOR_SECRET: 'correct horse battery' })).toEqual([]);
  expect(notes({})).toEqual([]);
});

test('a policy beside /metrics that callers can read is worth a note', () => {
  const env = {
    AUTH: 'jwt',
    AUTH_ISSUER: 'i',
    AUTH_AUDIENCE: 'a',
    AUTH_JWKS_URL: 'https://id.example.com/keys',
    AUTH_POLICY_FILE: 'policy.yaml',
  };
  expect(notesOn(loadConfig(env))).toEqual([
    expect.stringMatching(/^METRICS_PORT is not set: .*AUTH_POLICY/),
  ]);
  expect(notesOn(loadConfig({ ...env, METRICS_PORT: '9464' }))).toEqual([]);
});

describe('the configuration, printed', () => {
  test('holds every variable once, what is not set with its default', () => {
    const lines = printConfig({ PORT: '1', HOST: '' }).split('\n');
    expect(lines).toHaveLength(variables.length);
    expect(lines.filter((line) => !line.startsWith('# '))).toEqual(['PORT=1']);
    expect(lines).toContain('# HOST=127.0.0.1');
    expect(lines).toContain('# AUTH_ISSUER is not set');
  });

  test('says no secret, and nothing that would read as another line', () => {
    const printed = printConfig({
      CURSOR_SECRET: 'a canary of sixteen',
      AUTH_JWKS_URL: 'https://user:canary@id.example.com/keys',
      OCI_ENDPOINT_TEMPLATE: 'http://canary@127.0.0.1/{region}',
      OCI_CONFIG_PROFILE: 'two words\nAUTH=none # \u001b[31m',
    });
    expect(printed).not.toContain('canary');
    expect(printed).not.toContain('\u001b');
    expect(printed).toContain('# CURSOR_SECRET is set');
    expect(printed).toContain('# AUTH_JWKS_URL is set: https://***@id.example.com/keys');
    expect(printed.split('\n')).toHaveLength(variables.length);
    expect(printConfig({ CURSOR_SECRET_FILE: '/run/secrets/cursor' })).toContain(
      'CURSOR_SECRET_FILE=/run/secrets/cursor',
    );
  });

  test.each([
    ['https://id.example.com/keys?canary', 'https://id.example.com/keys?***'],
    [
      'https://id.example.com/keys?apikey=canary&canary&v=1',
      'https://id.example.com/keys?apikey=***&***&v=***',
    ],
    ['https://id.example.com/keys?a=canary=;b=canary#canary', 'https://id.example.com/keys?a=***;b=***#***'],
    ['https://id.example.com/keys?a=ca?nary', 'https://id.example.com/keys?a=***'],
    ['https://user:can/ary@id.example.com/keys', 'https://***@id.example.com/keys'],
    ['//canary@id.example.com?canary=canary', '//***@id.example.com?canary=***'],
    ['https://a:canary@b, https://c?d=canary', 'https://***@b, https://c?d=***'],
  ])('says nothing of the user, the query and the fragment of a URL, in a comment: %s', (url, shown) => {
    for (const { name, isSecret } of variables) {
      if (isSecret) continue;
      const line = printConfig({ [name]: url })
        .split('\n')
        .find((each) => each.includes(name));
      expect(line?.replaceAll('"', '')).toBe(`# ${name} is set: ${shown}`);
    }
  });

  test('read again is the same', () => {
    const env = { PORT: '1', OCI_CONFIG_PROFILE: 'a b', OCI_ENDPOINT_TEMPLATE: 'http://127.0.0.1/{region}' };
    const read = Object.fromEntries(
      printConfig(env)
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .map((line) => {
          const [name = '', value = ''] = line.split(/=(.*)/s);
          return [name, value.startsWith('"') ? (JSON.parse(value) as string) : value];
        }),
    );
    expect(read).toEqual(env);
  });
});

test('docs/operations.md holds the variables as they are (scripts/write-operations.ts writes them)', () => {
  const document = readFileSync('docs/operations.md', 'utf8');
  const compact = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-');
  expect(compact(document)).toBe(compact(withVariables(document)));
  for (const { meaning } of variables) expect(meaning).not.toBe('');
});

test('docs/operations.md holds all metrics as they are (scripts/write-operations.ts writes them)', async () => {
  const document = readFileSync('docs/operations.md', 'utf8');
  expect(document).toBe(withMetrics(document, await openRegistry()));
});

test.each([
  'https://u@id.example.com/',
  'https://:p@id.example.com/',
  'ftp://127.0.0.1/',
  'xhttp://127.0.0.1/',
])('neither keys nor Oracle Cloud are asked for at %s', (url) => {
  const issuer = { AUTH_ISSUER: 'https://id.example.com/', AUTH_AUDIENCE: 'gateway' };
  expect(problemsOf({ AUTH: 'jwt', ...issuer, AUTH_JWKS_URL: url })).toEqual([
    expect.stringMatching(/^AUTH_JWKS_URL must be/),
  ]);
  expect(problemsOf({ OCI_ENDPOINT_TEMPLATE: url })).toEqual([
    expect.stringMatching(/^OCI_ENDPOINT_TEMPLATE must be/),
  ]);
});

test.each([
  ['POLL_RPS', 1, 100_000],
  ['READ_CACHE_MS', 0, 60_000],
])('%s is from %d to %d', (name, min, max) => {
  for (const value of [min - 1, max + 1])
    expect(problemsOf({ [name]: String(value) })).toEqual([
      `${name} must be a whole number from ${min} to ${max}.`,
    ]);
  for (const value of [min, max]) expect(problemsOf({ [name]: String(value) })).toEqual([]);
});

test('one bad word of a list is enough', () => {
  for (const [name, value] of [
    ['ALLOWED_HOSTS', 'a.example,*'],
    ['ALLOWED_ORIGINS', 'https://a.example,*'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,*'],
    ['OCI_REGIONS', 'us-ashburn-1,*'],
  ] as const)
    expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(`^${name} must be`)]);
});

test('there is no playground where nobody may ask what the schema holds, and tokens let ask whoever has one', () => {
  expect(loadConfig({ INTROSPECTION: 'false' })).toMatchObject({ isExplorable: false, hasPlayground: false });
  const auth = {
    AUTH: 'jwt',
    AUTH_ISSUER: 'https://id.example.com/',
    AUTH_AUDIENCE: 'gateway',
    AUTH_JWKS_URL: 'https://id.example.com/keys',
  };
  expect(loadConfig({ ...auth, AUTH_ALLOW_ANONYMOUS: 'true', UPSTREAM: 'oci' })).toMatchObject({
    isExplorable: true,
    hasPlayground: true,
  });
});
