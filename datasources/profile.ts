/**
 * One profile of Oracle's config file (`~/.oci/config`), checked part by part so that all that is wrong with it is
 * told at once. Parsing and the inheritance from `DEFAULT` are `oci-common`'s own.
 */
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import type * as oci from 'oci-common';
import { GatewayError } from '../errors.ts';
import { fingerprintOf, parsePrivateKey } from './token.ts';

export type OciCommon = typeof oci;

/** All that is wrong with a credential, a sentence each; no secret is in them. */
export class CredentialError extends GatewayError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super('UNAUTHENTICATED', problems.join(' '));
    this.name = 'CredentialError';
    this.problems = problems;
  }
}

export interface Profile {
  readonly configFile: string;
  readonly name: string;
  /** For messages: `profile X of FILE`. */
  readonly place: string;
  readonly tenancyId: string;
  /** `''` in a session's profile. */
  readonly userId: string;
  readonly fingerprint: string;
  readonly region: string;
  /** null where the profile has no key of its own (`authentication_type`). */
  readonly key: KeyObject | null;
  readonly sessionToken: string | null;
  readonly authenticationType: string | null;
  readonly delegationToken: string | null;
  /** All files that were read. */
  readonly files: readonly string[];
}

/** @throws CredentialError that names file, profile and what is wrong */
export async function readProfile(
  { ConfigFileReader, ConfigFileAuthenticationDetailsProvider, Region }: OciCommon,
  options: {
    readonly configFile?: string;
    readonly profile?: string;
    readonly environment?: Readonly<Record<string, string | undefined>>;
    readonly acceptsAnyFingerprint?: boolean;
    /** Told the region that the profile names, whatever else is wrong with it. */
    readonly onRegion?: (id: string) => void;
  },
): Promise<Profile> {
  const configFile = expandHome(options.configFile ?? '~/.oci/config');
  const name = options.profile ?? 'DEFAULT';
  const place = `profile ${name} of ${configFile}`;
  const text = await readText(
    configFile,
    'Create it with "oci setup config" or "oci session authenticate", or say where it is in OCI_CONFIG_FILE',
  );
  const lineNumber = findUnfitLine(text);
  if (lineNumber > 0) {
    throw unusable(
      `${configFile}, line ${lineNumber}: neither [PROFILE] nor key=value nor a comment (the line is not shown, it may be secret).`,
    );
  }
  const parse = (profile: string | null): ReturnType<typeof ConfigFileReader.parse> =>
    quietly(() => ConfigFileReader.parse(text, profile));
  const names = [...parse(null).profileCredentials.configurationsByProfile.keys()];
  if (!names.includes(name)) {
    throw unusable(
      `${configFile} has no profile ${name}${names.length > 0 ? `, only ${names.join(', ')}` : ''}: set OCI_CONFIG_PROFILE.`,
    );
  }
  const file = parse(name);
  const get = (key: string): string | null => file.get(key) || null;
  const path = (key: string): string | null => {
    const value = get(key);
    return value === null ? null : expandHome(value);
  };
  const [keyFile, tokenFile, delegationFile] = [
    path('key_file'),
    path('security_token_file'),
    path('delegation_token_file'),
  ];
  const authenticationType = get('authentication_type');
  const problems: string[] = [];
  const orTell = async <T>(work: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      problems.push(error.message);
      return null;
    }
  };
  const required =
    authenticationType !== null
      ? ['tenancy']
      : ['tenancy', ...(tokenFile === null ? ['user'] : []), 'fingerprint', 'key_file'];
  const missing = required.filter((key) => get(key) === null);
  if (missing.length > 0) problems.push(`${place} has no ${missing.join(', no ')}.`);
  const region = get('region') ?? (options.environment?.['OCI_REGION'] || null);
  if (region === null) problems.push(`${place} has no region: set region there, or OCI_REGION.`);
  else options.onRegion?.(Region.fromRegionId(region)?.regionId ?? region);
  const read = async (file: string | null, key: string): Promise<string | null> =>
    file === null ? null : orTell(() => readText(file, `It is ${key} of ${place}`));

  const sessionToken = (await read(tokenFile, 'security_token_file'))?.trim() ?? null;
  const delegationToken = (await read(delegationFile, 'delegation_token_file'))?.replace(/\s/g, '') ?? null;
  const pem = authenticationType === null ? await read(keyFile, 'key_file') : null;
  const key =
    pem === null
      ? null
      : await orTell(() =>
          parsePrivateKey(pem, get('pass_phrase') ?? undefined, `${keyFile} (key_file of ${place})`),
        );
  const fingerprint = get('fingerprint');
  // A session's key is nobody's API key: its token vouches for it.
  if (key !== null && fingerprint !== null && tokenFile === null && !options.acceptsAnyFingerprint) {
    const found = fingerprintOf(key);
    if (found !== fingerprint.toLowerCase()) {
      problems.push(
        `${place} has fingerprint ${fingerprint}, but its key_file ${keyFile} has ${found}: one of them belongs to another key.`,
      );
    }
  }
  if (problems.length > 0) throw new CredentialError(problems);

  let provider: oci.ConfigFileAuthenticationDetailsProvider;
  try {
    provider = quietly(() => new ConfigFileAuthenticationDetailsProvider(configFile, name));
  } catch {
    // All else was checked above.
    throw unusable(`${place} has no region that oci-common knows: set region there, or OCI_REGION.`);
  }
  return {
    configFile,
    name,
    place,
    tenancyId: provider.getTenantId(),
    userId: provider.getUser(),
    fingerprint: provider.getFingerprint(),
    region: provider.getRegion().regionId,
    key,
    sessionToken,
    authenticationType,
    delegationToken,
    files: [configFile, keyFile, tokenFile, delegationFile].filter((each) => each !== null),
  };
}

/** `oci-common` tells the console that there is no DEFAULT, and which realm it assumes: nobody asked, and the latter is not so. */
function quietly<T>(work: () => T): T {
  const { info, warn } = console;
  Object.assign(console, { info: () => undefined, warn: () => undefined });
  try {
    return work();
  } finally {
    Object.assign(console, { info, warn });
  }
}

/** Number of the first line that Oracle's format has no place for; 0: none. */
function findUnfitLine(text: string): number {
  let isInProfile = false;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (/^\[.*\S.*\]$/.test(line)) isInProfile = true;
    else if (!isInProfile || line.indexOf('=') < 1) return index + 1;
  }
  return 0;
}

/** null: none, as in a container whose user is a mere number. */
export function homeFolder(): string | null {
  try {
    return homedir();
  } catch {
    return null;
  }
}

function expandHome(path: string): string {
  const home = homeFolder();
  return home !== null && (path === '~' || path.startsWith('~/')) ? home + path.slice(1) : path;
}

async function readText(file: string, hint: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code: unknown =
      typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'no permission'
          : typeof code === 'string'
            ? code
            : 'unreadable';
    throw unusable(`${file} cannot be read (${why}). ${hint}.`);
  }
}

function unusable(problem: string): CredentialError {
  return new CredentialError([problem]);
}
