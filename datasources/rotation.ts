/**
 * A credential that stays fresh without a restart: files are looked at every two seconds of use, tokens are renewed
 * before they end, and a 401 makes it look at once. In between it answers from memory, without a promise.
 */
import { stat } from 'node:fs/promises';
import type { Credential, CredentialSource } from './signer.ts';
import type { Clock } from './types.ts';

/** How one kind of credential is read; what it throws is a GatewayError that says what to do. */
export interface CredentialReader {
  /** Reads files, environment or the provider anew. */
  load(): Promise<Credential>;
  /** Asks the issuer for a new token, where there is one to ask. */
  renew?(): Promise<Credential>;
  /** Files that, when changed, make a `load` worthwhile. */
  readonly files: readonly string[];
}

export interface RotationOptions {
  readonly id: string;
  readonly region: string | null;
  readonly first: Credential;
  readonly reader: CredentialReader;
  readonly clock: Clock;
  /** Told when a newer credential could not be had and the old one stays in use. */
  readonly onProblem?: (error: unknown) => void;
}

const lookEveryMs = 2_000;
const renewBeforeEndMs = 5 * 60_000;
const renewAtMostEveryMs = 30_000;
const reloadAtMostEveryMs = 5_000;

export async function createRotatingSource(options: RotationOptions): Promise<CredentialSource> {
  const { id, region, reader, clock, onProblem } = options;
  let credential = options.first;
  let stamps = await stampsOf(reader.files);
  let nextLookAt = clock.now() + lookEveryMs;
  let nextRenewalAt = 0;
  let nextReloadAt = 0;
  let looking: Promise<Credential> | null = null;

  const look = async (): Promise<Credential> => {
    try {
      const seen = await stampsOf(reader.files);
      const now = clock.now();
      if (seen !== stamps) {
        credential = await reader.load();
        // Only now: a file caught half written is read again at the next look.
        stamps = seen;
      } else if (
        credential.expiresAt !== null &&
        credential.expiresAt - now < renewBeforeEndMs &&
        now >= nextRenewalAt
      ) {
        nextRenewalAt = now + renewAtMostEveryMs;
        credential = await (reader.renew ?? reader.load).call(reader);
      }
    } catch (error) {
      // The old one may well be good still; if it is not, Oracle says 401 and the caller is told.
      onProblem?.(error);
    }
    return credential;
  };

  const reload = async (refused: Credential): Promise<Credential> => {
    stamps = await stampsOf(reader.files);
    credential = await reader.load();
    if (reader.renew !== undefined && credential.keyId === refused.keyId) credential = await reader.renew();
    return credential;
  };

  const once = (work: () => Promise<Credential>): Promise<Credential> => {
    looking ??= work().finally(() => {
      looking = null;
      nextLookAt = clock.now() + lookEveryMs;
    });
    return looking;
  };

  return {
    id,
    region,

    current() {
      if (clock.now() < nextLookAt && looking === null) return credential;
      return once(look);
    },

    async refresh(refused) {
      if (looking !== null) await looking.catch(() => undefined);
      if (credential !== refused) return credential;
      const now = clock.now();
      if (now < nextReloadAt) return null;
      nextReloadAt = now + reloadAtMostEveryMs;
      try {
        return await once(() => reload(refused));
      } catch (error) {
        onProblem?.(error);
        throw error;
      }
    },
  };
}

/** Changes whenever one of the files does; a file that is not there counts too. */
async function stampsOf(files: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    files.map(async (file) => {
      try {
        const { mtimeMs, size, ino } = await stat(file);
        return `${mtimeMs} ${size} ${ino}`;
      } catch {
        return 'absent';
      }
    }),
  );
  return stamps.join('|');
}
