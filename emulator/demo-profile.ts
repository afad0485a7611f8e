/** A key pair and a profile in the format of `~/.oci/config`, so that any tool of Oracle's can sign for the emulator. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ocid } from './ids.ts';
import { sampleTenancy } from './places.ts';

export interface DemoProfile {
  readonly publicKey: KeyObject;
  readonly configFile: string;
}

/** A key pair that is there stays, so that what was signed with it goes on being accepted after a restart. It is worth nothing anywhere else. */
export function writeDemoProfile(folder: string): DemoProfile {
  const configFile = path.join(folder, 'config');
  const keyFile = path.join(folder, 'key.pem');
  const privateKey = existsSync(keyFile)
    ? createPrivateKey(readFileSync(keyFile))
    : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const fingerprint = createHash('md5').update(der).digest('hex').match(/../g)?.join(':') ?? '';
  const config = [
    '[DEFAULT]',
    `user=${ocid('user', null, 'samples/user')}`,
    `fingerprint=${fingerprint}`,
    `tenancy=${sampleTenancy}`,
    'region=us-ashburn-1',
    `key_file=${keyFile}`,
    '',
  ].join('\n');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(configFile, config, { mode: 0o600 });
  return { publicKey, configFile };
}
