/**
 * Who the gateway is towards Oracle Cloud (`OCI_AUTH`): config file, session token, instance principal, resource
 * principal, workload identity. Reading and renewing is left to `oci-common`'s providers, which is loaded only when
 * one is needed (it costs some 200 ms); requests are signed and sent by us.
 *
 * Every problem is a GatewayError that names the file or variable and what to do, and holds no secret. `oci-common`'s
 * own messages are not passed on as they are: some quote the line of the config file that they stumbled upon.
 */
import type { KeyObject } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { GatewayError } from '../errors.ts';
import { cleanText } from './answers.ts';
import { inTime } from './in-time.ts';
import { homeFolder, readProfile } from './profile.ts';
import type { OciCommon, Profile } from './profile.ts';
import { createRotatingSource } from './rotation.ts';
import type { CredentialReader } from './rotation.ts';
import type { Credential, CredentialSource } from './signer.ts';
import { fingerprintOf, parsePrivateKey, toTokenCredential } from './token.ts';
import type { Clock } from './types.ts';

export type AuthKind =
  'config_file' | 'session_token' | 'instance_principal' | 'resource_principal' | 'workload_identity';

export interface CredentialOptions {
  readonly auth: AuthKind;
  readonly clock: Clock;
  /** Default `~/.oci/config`. */
  readonly configFile?: string;
  /** Default `DEFAULT`. */
  readonly profile?: string;
  /** Config file: whether its fingerprint may be another key's. */
  readonly acceptsAnyFingerprint?: boolean;
  /** Config file: told the region that the profile names, whatever else is wrong with it. */
  readonly onRegion?: (id: string) => void;
  /** What `oci-common` reads from `process.env` by itself; here to check it first and to know which files to watch. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Instance principal: where the metadata service is, `http://169.254.169.254/opc/v2/` unless told. */
  readonly metadataBaseUrl?: string;
  /** Instance principal: where tokens are issued, `https://auth.{region}.{domain}` unless told. */
  readonly federationEndpoint?: string;
  /** Workload identity: the pod's service account, `/var/run/secrets/kubernetes.io/serviceaccount` unless told. */
  readonly serviceAccountDirectory?: string;
  /** How long the first credential may take, default 20 s. */
  readonly timeoutMs?: number;
  /** Told when a newer credential could not be had and the old one stays in use. */
  readonly onProblem?: (error: unknown) => void;
}

interface Opened {
  readonly first: Credential;
  readonly reader: CredentialReader;
  readonly id: string;
  readonly region: string | null;
}

/** @throws GatewayError UNAUTHENTICATED that says what is missing */
export async function createCredentialSource(options: CredentialOptions): Promise<CredentialSource> {
  const { auth, clock, onProblem, timeoutMs = 20_000 } = options;
  const oci = await loadOciCommon();
  const opened = await inTime(openers[auth](oci, options), timeoutMs, clock, () =>
    problem(
      `OCI_AUTH=${auth}: no credential came within ${timeoutMs} ms; does the gateway run where this kind is offered?`,
    ),
  );
  return createRotatingSource({ ...opened, clock, ...(onProblem ? { onProblem } : {}) });
}

/** A credential made up on the spot, for the emulator: never refreshed, loads nothing. */
export function createFixedCredential(options: {
  readonly privateKey: KeyObject;
  readonly tenancyId?: string;
  readonly userId?: string;
  readonly region?: string;
}): CredentialSource {
  const { privateKey, region = null } = options;
  const tenancyId = options.tenancyId ?? 'ocid1.tenancy.oc1..emulator';
  const userId = options.userId ?? 'ocid1.user.oc1..emulator';
  const keyId = `${tenancyId}/${userId}/${fingerprintOf(privateKey)}`;
  const credential: Credential = { keyId, key: privateKey, tenancyId, expiresAt: null };
  return { id: `${tenancyId}/${userId}`, region, current: () => credential };
}

const openers: Readonly<Record<AuthKind, (oci: OciCommon, options: CredentialOptions) => Promise<Opened>>> = {
  config_file: openConfigFile,
  session_token: openSessionToken,
  instance_principal: openInstancePrincipal,
  resource_principal: openResourcePrincipal,
  workload_identity: openWorkloadIdentity,
};

async function openConfigFile(oci: OciCommon, options: CredentialOptions): Promise<Opened> {
  const first = await readProfile(oci, options);
  // Cloud Shell: the instance's own principal, acting for the user by a delegation token.
  if (first.authenticationType !== null) return openDelegated(oci, options, first);
  const load = async (): Promise<Credential> => toApiKeyCredential(await readProfile(oci, options));
  const credential = toApiKeyCredential(first);
  return {
    first: credential,
    reader: { load, files: first.files },
    id: `${first.tenancyId}/${first.userId}`,
    region: first.region,
  };
}

function toApiKeyCredential(profile: Profile): Credential {
  const { tenancyId, userId, fingerprint, key, place } = profile;
  if (profile.sessionToken !== null) {
    throw problem(`${place} is a session (security_token_file): set OCI_AUTH=session_token.`);
  }
  if (key === null) throw problem(`${place} has no key_file.`);
  return { keyId: `${tenancyId}/${userId}/${fingerprint}`, key, tenancyId, expiresAt: null };
}

async function openDelegated(oci: OciCommon, options: CredentialOptions, profile: Profile): Promise<Opened> {
  if (profile.authenticationType !== 'instance_principal') {
    throw problem(`${profile.place}: authentication_type can only be instance_principal.`);
  }
  const instance = await openInstancePrincipal(oci, options);
  const { reader } = instance;
  let token = profile.delegationToken;
  const delegate = (credential: Credential): Credential => ({
    ...credential,
    tenancyId: profile.tenancyId,
    ...(token === null ? {} : { delegationToken: token }),
  });
  const load = async (): Promise<Credential> => {
    token = (await readProfile(oci, options)).delegationToken;
    return delegate(await reader.load());
  };
  const renew = async (): Promise<Credential> => delegate(await (reader.renew ?? reader.load)());
  return {
    first: delegate(instance.first),
    reader: { ...reader, load, renew, files: profile.files },
    id: `${profile.tenancyId}/delegated`,
    region: profile.region,
  };
}

async function openSessionToken(oci: OciCommon, options: CredentialOptions): Promise<Opened> {
  let profile = await readProfile(oci, options);
  const open = (): {
    provider: InstanceType<OciCommon['SessionAuthDetailProvider']>;
    credential: Credential;
  } => {
    const { place, sessionToken, key, tenancyId } = profile;
    if (sessionToken === null || key === null) {
      throw problem(
        `${place} has no ${key === null ? 'key_file' : 'security_token_file'}: run "oci session authenticate", or set OCI_AUTH=config_file.`,
      );
    }
    const provider = new oci.SessionAuthDetailProvider(profile.configFile, profile.name);
    // As read it ends with a line break, which has no place in a header.
    provider.sessionToken = sessionToken;
    return { provider, credential: toTokenCredential(`ST$${sessionToken}`, key, tenancyId) };
  };
  let { provider, credential } = open();
  const load = async (): Promise<Credential> => {
    profile = await readProfile(oci, options);
    ({ provider, credential } = open());
    return credential;
  };
  const renew = async (): Promise<Credential> => {
    try {
      const token = await provider.refreshSessionToken();
      if (!token) throw new Error('no token in the answer');
      credential = toTokenCredential(`ST$${token}`, credential.key, credential.tenancyId);
      return credential;
    } catch (error) {
      throw problem(
        `The session of ${profile.place} cannot be refreshed: run "oci session authenticate".`,
        error,
      );
    }
  };
  return {
    first: credential,
    reader: { load, renew, files: profile.files },
    id: `${profile.tenancyId}/session`,
    region: profile.region,
  };
}

async function openInstancePrincipal(oci: OciCommon, options: CredentialOptions): Promise<Opened> {
  const builder = new oci.InstancePrincipalsAuthenticationDetailsProviderBuilder();
  if (options.metadataBaseUrl !== undefined) builder.metadataBaseUrl = options.metadataBaseUrl;
  if (options.federationEndpoint !== undefined) builder.federationEndpoint = options.federationEndpoint;
  const hint = `Instance principals work on OCI compute instances only; the metadata service is asked at ${builder.metadataBaseUrl}`;
  const provider = await orProblem(hint, () => builder.build()).catch((error: GatewayError) => {
    // What `oci-common` says where the region that it was told is none: that something else answered.
    if (!/\bin region undefined\b/.test(error.message)) throw error;
    throw problem(
      `${hint}, and what answered there named no region that is known, so it may be another server.`,
    );
  });
  const load = (): Promise<Credential> =>
    orProblem(hint, () => readProvider(provider, builder.tenancyId || null));
  const renew = async (): Promise<Credential> => {
    await orProblem(hint, () => provider.refresh());
    return load();
  };
  const first = await load();
  const region = provider.getRegion()?.regionId ?? null;
  return { first, reader: { load, renew, files: [] }, id: `${first.tenancyId}/instance`, region };
}

const resourcePrincipalVariables = ['VERSION', 'RPST', 'PRIVATE_PEM', 'REGION'].map(
  (name) => `OCI_RESOURCE_PRINCIPAL_${name}`,
);

async function openResourcePrincipal(oci: OciCommon, options: CredentialOptions): Promise<Opened> {
  const environment = requireEnvironment(options, resourcePrincipalVariables);
  const files = [...resourcePrincipalVariables, 'OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE']
    .map((name) => environment[name])
    .filter((value) => value !== undefined && isAbsolute(value)) as string[];
  const hint = `The resource principal of OCI_RESOURCE_PRINCIPAL_* cannot be used${files.length > 0 ? ` (${files.join(', ')})` : ''}`;
  const build = (): ReturnType<OciCommon['ResourcePrincipalAuthenticationDetailsProvider']['builder']> =>
    oci.ResourcePrincipalAuthenticationDetailsProvider.builder();
  const load = (): Promise<Credential> => orProblem(hint, () => readProvider(build(), null));
  const first = await load();
  const region = build().getRegion()?.regionId ?? null;
  return { first, reader: { load, files }, id: `${first.tenancyId}/resource`, region };
}

async function openWorkloadIdentity(oci: OciCommon, options: CredentialOptions): Promise<Opened> {
  const environment = requireEnvironment(options, [
    'KUBERNETES_SERVICE_HOST',
    'KUBERNETES_SERVICE_PORT_PROXYMUX',
  ]);
  const directory = options.serviceAccountDirectory ?? '/var/run/secrets/kubernetes.io/serviceaccount';
  const [certificateFile, tokenFile] = [`${directory}/ca.crt`, `${directory}/token`];
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const hint = `Workload identities work in enhanced OKE clusters only; ${certificateFile}, ${tokenFile} and the cluster at ${host} are asked`;
  // Kubernetes replaces the service account's token every hour and the provider reads it only when it is built.
  const load = (): Promise<Credential> =>
    orProblem(hint, () =>
      readProvider(
        oci.OkeWorkloadIdentityAuthenticationDetailsProvider.builder(certificateFile, tokenFile),
        null,
      ),
    );
  const first = await load();
  return {
    first,
    reader: { load, files: [certificateFile, tokenFile] },
    id: `${first.tenancyId}/workload`,
    region: null,
  };
}

interface TokenProvider {
  getKeyId(): Promise<string>;
  getPrivateKey(): string;
}

async function readProvider(provider: TokenProvider, tenancyId: string | null): Promise<Credential> {
  const keyId = await provider.getKeyId();
  // Right after the token, in the same turn: providers change the key before they have the token for it.
  return toTokenCredential(
    keyId.trim(),
    parsePrivateKey(provider.getPrivateKey(), undefined, 'the private key'),
    tenancyId,
  );
}

function requireEnvironment(
  { auth, environment = {} }: CredentialOptions,
  names: readonly string[],
): Readonly<Record<string, string | undefined>> {
  const missing = names.filter((name) => !environment[name]);
  if (missing.length > 0)
    throw problem(
      `OCI_AUTH=${auth} needs ${missing.join(', ')}, which the platform sets where it offers this kind.`,
    );
  return environment;
}

async function orProblem<T>(hint: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof GatewayError ? error : problem(hint, error);
  }
}

/**
 * Of foreign errors only a cleaned sentence is kept, not even as a cause: they may hold tokens and keys. The first one
 * says what happened; the advice that follows in `oci-common`'s is longer than what is worth repeating.
 */
function problem(message: string, error?: unknown): GatewayError {
  if (error === undefined) return new GatewayError('UNAUTHENTICATED', message);
  const said: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : error;
  const [sentence = ''] = cleanText(String(said), 800).split(/\.(?: |$)/);
  return new GatewayError('UNAUTHENTICATED', `${message.replace(/\.$/, '')} (${cleanText(sentence, 300)}).`);
}

async function loadOciCommon(): Promise<OciCommon> {
  if (homeFolder() === null)
    // It looks for Oracle's files there as soon as it is loaded.
    throw problem(
      "This user has no home folder, which Oracle's library needs: set HOME, to / if there is none.",
    );
  // CommonJS: all of it is the default export, and only some of it is found by name.
  const module: { readonly default: unknown } = await import('oci-common');
  return module.default as OciCommon;
}
