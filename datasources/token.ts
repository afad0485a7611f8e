/** Private keys and security tokens as text, and what is in them. */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Credential } from './signer.ts';

/**
 * An RSA key in PEM format (PKCS#1 or PKCS#8, encrypted or not); decrypted here, once.
 * @throws GatewayError that names `place`
 */
export function parsePrivateKey(pem: string, passphrase: string | undefined, place: string): KeyObject {
  if (!pem.includes('PRIVATE KEY-----')) throw unusable(`${place} is not a private key in PEM format.`);
  if (pem.includes('ENCRYPTED') && !passphrase) {
    throw unusable(`${place} is encrypted: set pass_phrase in the profile, or use a key without one.`);
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(passphrase ? { key: pem, passphrase } : pem);
  } catch {
    // OpenSSL's words differ from version to version, and nobody is helped by them.
    throw unusable(
      passphrase
        ? `${place} cannot be opened: wrong pass_phrase, or the file is damaged.`
        : `${place} is damaged.`,
    );
  }
  if (key.asymmetricKeyType !== 'rsa')
    throw unusable(`${place} is not an RSA key, the only kind that Oracle takes.`);
  return key;
}

/** As Oracle's console shows it: MD5 of the public key. */
export function fingerprintOf(key: KeyObject): string {
  const der = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  });
  return createHash('md5').update(der).digest('hex').match(/../g)?.join(':') ?? '';
}

/** `keyId` is `ST$` and the token, of which expiry and tenancy are read where it is a JWT. */
export function toTokenCredential(keyId: string, key: KeyObject, tenancyId: string | null): Credential {
  const claims = claimsOf(keyId);
  const tenant = tenancyId ?? claims['tenant'] ?? claims['res_tenant'] ?? claims['opc-tenant'];
  const { exp } = claims;
  return {
    keyId,
    key,
    tenancyId: typeof tenant === 'string' ? tenant : null,
    expiresAt: typeof exp === 'number' ? exp * 1000 : null,
  };
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function unusable(message: string): GatewayError {
  return new GatewayError('UNAUTHENTICATED', message);
}
