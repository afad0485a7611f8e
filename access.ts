/** What the gateway may call, and as whom: regions and a credential, from the configuration and from Oracle's own files. */
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './config.ts';
import type { OciConfig } from './config.ts';
import { createCredentialSource, createFixedCredential } from './datasources/credentials.ts';
import { CredentialError, homeFolder } from './datasources/profile.ts';
import { createRegions } from './datasources/regions.ts';
import type { Region, RegionAddition, Regions } from './datasources/regions.ts';
import type { CredentialSource } from './datasources/signer.ts';
import type { Clock } from './datasources/types.ts';
import { GatewayError } from './errors.ts';

export interface Access {
  /** All that are known. */
  readonly regions: Regions;
  /** Those that may be called. */
  readonly allowed: readonly Region[];
  readonly homeRegion: string;
  readonly credentials: CredentialSource;
}

/** What stands in for Oracle Cloud. */
export interface StandIn {
  readonly privateKey: KeyObject;
  readonly tenancyId: string;
  readonly regions: readonly string[];
}

export interface AccessOptions {
  readonly clock: Clock;
  /** null: Oracle Cloud itself, as the configuration says. */
  readonly standIn: StandIn | null;
  /** Told when a newer credential could not be had and the old one stays in use. */
  readonly onProblem: (error: unknown) => void;
}

/** @throws ConfigError with all that is wrong, the credential included */
export const openAccess = async (oci: OciConfig, options: AccessOptions): Promise<Access> => {
  const { standIn } = options;
  const problems: string[] = [];
  const regions = await loadRegions(oci);
  problems.push(...regions.problems);
  // Known where the credential is of no use, too: its region can be wrong besides.
  let profileRegion: string | null = null;
  const onRegion = (id: string): void => void (profileRegion = id);
  const credentials = standIn
    ? createFixedCredential(standIn)
    : await openCredentials(oci, options, onRegion).catch((error: unknown) => {
        problems.push(...problemsOf(error));
        return null;
      });
  const credentialRegion = credentials?.region ?? profileRegion;
  const ids = oci.regions ?? standIn?.regions ?? (credentialRegion === null ? [] : [credentialRegion]);
  if (oci.regions === null && ids.length === 0 && credentials !== null)
    problems.push('OCI_REGIONS is not set, and the credential names no region.');
  const homeRegion = oci.homeRegion ?? ids[0] ?? '';
  const toldBy = oci.regions === null ? 'the credential' : 'OCI_REGIONS';
  const named = new Map(ids.map((id) => [id, toldBy]));
  if (oci.homeRegion !== null && !named.has(oci.homeRegion)) named.set(oci.homeRegion, 'OCI_HOME_REGION');
  for (const [id, by] of named) {
    if (regions.get(id)) continue;
    problems.push(
      `Region ${id} (${by}) is not known. OCI_REGION_METADATA can add regions, as for Oracle's own tools.`,
    );
  }
  if (credentials === null || problems.length > 0) throw new ConfigError(problems);
  return { regions, allowed: ids.map((id) => knownRegion(regions, id)), homeRegion, credentials };
};

/** @throws Error where nobody has looked before: a bug. */
export const knownRegion = (regions: Regions, id: string): Region => {
  const region = regions.get(id);
  if (!region) throw new Error(`region ${id} is not known`);
  return region;
};

/** Regions from data, and from where Oracle's own tools look for more. */
const loadRegions = async ({ regionMetadata, defaultRealm }: OciConfig): Promise<Regions> => {
  const additions: RegionAddition[] = [];
  if (regionMetadata !== null) additions.push({ from: 'OCI_REGION_METADATA', json: regionMetadata });
  const home = homeFolder();
  if (home !== null) {
    const file = join(home, '.oci', 'regions-config.json');
    const json = await readFile(file, 'utf8').catch(() => null);
    if (json !== null) additions.push({ from: file, json });
  }
  return createRegions({ additions, ...(defaultRealm !== null && { defaultDomain: defaultRealm }) });
};

const openCredentials = (
  oci: OciConfig,
  { clock, onProblem }: AccessOptions,
  onRegion: (id: string) => void,
): Promise<CredentialSource> =>
  createCredentialSource({
    auth: oci.auth,
    clock,
    ...(oci.configFile !== null && { configFile: oci.configFile }),
    profile: oci.profile,
    environment: oci.environment,
    // Oracle would refuse every call; what stands in for it need not look.
    acceptsAnyFingerprint: oci.endpointTemplate !== null,
    onRegion,
    onProblem,
  });

/** A credential that cannot be had is a matter of configuration, too. */
const problemsOf = (error: unknown): readonly string[] => {
  if (error instanceof CredentialError) return error.problems;
  if (error instanceof GatewayError) return [error.message];
  throw error;
};
