/**
 * One profile of Oracle's config file (`~/.oci/config`), checked part by part so that the first thing missing is
 * named. Parsing and the inheritance from `DEFAULT` are `oci-common`'s own.
 */
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import type * as oci from 'oci-common';
import { GatewayError } from '../errors.ts';
import { parsePrivateKey } from './token.ts';

export type OciCommon = typeof oci;

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

/** @throws GatewayError that names file, profile and what is missing */
export async function readProfile(
  { ConfigFileReader, ConfigFileAuthenticationDetailsProvider }: OciCommon,
  options: { readonly configFile?: string; readonly profile?: string },
): Promise<Profile> {
  const configFile = expandHome(options.configFile ?? '~/.oci/config');
  const name = options.profile ?? 'DEFAULT';
  const place = `profile ${name} of ${configFile}`;
  const text = await readText(
    configFile,
    'Create it with "oci setup config", or say where it is in OCI_CONFIG_FILE',
  );
  const lineNumber = findUnfitLine(text);
  if (lineNumber > 0) {
    throw unusable(
      `${configFile}, line ${lineNumber}: neither [PROFILE] nor key=value nor a comment (the line is not shown, it may be secret).`,
    );
  }
  const names = [...ConfigFileReader.parse(text, null).profileCredentials.configurationsByProfile.keys()];
  if (!names.includes(name)) {
    throw unusable(
      `${configFile} has no profile ${name}${names.length > 0 ? `, only ${names.join(', ')}` : ''}: set OCI_CONFIG_PROFILE.`,
    );
  }
  const file = ConfigFileReader.parse(text, name);
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
  const required =
    authenticationType !== null
      ? ['tenancy']
      : ['tenancy', ...(tokenFile === null ? ['user'] : []), 'fingerprint', 'key_file'];
  const missing = required.filter((key) => get(key) === null);
  if (missing.length > 0) throw unusable(`${place} has no ${missing.join(', no ')}.`);

  const sessionToken =
    tokenFile === null ? null : (await readText(tokenFile, `It is security_token_file of ${place}`)).trim();
  const delegationToken =
    delegationFile === null
      ? null
      : (await readText(delegationFile, `It is delegation_token_file of ${place}`)).replace(/\s/g, '');
  const pem =
    authenticationType !== null || keyFile === null
      ? null
      : await readText(keyFile, `It is key_file of ${place}`);

  let provider: oci.ConfigFileAuthenticationDetailsProvider;
  try {
    provider = new ConfigFileAuthenticationDetailsProvider(configFile, name);
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
    key:
      pem === null
        ? null
        : parsePrivateKey(pem, provider.getPassphrase() ?? undefined, `${keyFile} (key_file of ${place})`),
    sessionToken,
    authenticationType,
    delegationToken,
    files: [configFile, keyFile, tokenFile, delegationFile].filter((each) => each !== null),
  };
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

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? homedir() + path.slice(1) : path;
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

function unusable(message: string): GatewayError {
  return new GatewayError('UNAUTHENTICATED', message);
}
