import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import oci from 'oci-common';
import { signRequest, toHttpDate } from '../../datasources/signer.ts';
import type { Credential } from '../../datasources/signer.ts';
import { parseTarget } from '../../datasources/target.ts';
import { getFrom } from '../support/upstream-double.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

async function signOfficially(
  method: 'GET' | 'DELETE',
  uri: string,
  credential: Credential,
): Promise<Record<string, string | null>> {
  const provider = {
    getKeyId: () => Promise.resolve(credential.keyId),
    getPrivateKey: () => pem,
    getPassphrase: () => null,
    // The official signer takes a delegation token only from a provider that has an auth type.
    ...(credential.delegationToken === undefined
      ? {}
      : {
          getAuthType: () => 'delegated',
          getDelegationToken: () => credential.delegationToken,
          getProvider: () => null,
        }),
  };
  const headers = new Headers({ 'x-date': toHttpDate(now) });
  await new oci.DefaultRequestSigner(
    provider as unknown as oci.AuthenticationDetailsProvider,
  ).signHttpRequest({ method, uri, headers });
  return Object.fromEntries(
    ['authorization', 'x-date', 'opc-obo-token', 'host'].map((name) => [name, headers.get(name)]),
  );
}

const origins = [
  'https://containerengine.us-ashburn-1.oci.oraclecloud.com',
  'https://clusterPlacementGroups.eu-frankfurt-1.oci.oraclecloud.com',
  'https://iaas.us-langley-1.oraclegovcloud.com:8443',
  'http://127.0.0.1:9100',
  'http://localhost',
];
const paths = [
  '/20180222/workRequests/ocid1.clustersworkrequest.oc1.iad.aaaa',
  '/20160918/workRequests?compartmentId=ocid1.compartment.oc1..a&limit=100&page=eyJhIjoxfQ%3D%3D',
  '/a/%C3%A4%20b%2Fc?x=%2B&y=a+b&z',
  "/a;b=1/(c)/it's?q='quoted'&w={}|^`\"<>",
  '/n/namespaces/~x_y-z.~!*@$:,/w?',
  '/%7Bid%7D/%zz?%=1',
  '//double//slash/?a=b?c=d',
  '/us-ashburn-1/containerengine/20180222/workRequests/x?sortBy=timeAccepted&sortOrder=DESC',
];
const credentials: Credential[] = [
  {
    keyId: 'ocid1.tenancy.oc1..a/ocid1.user.oc1..b/20:3b:97:13',
    key: privateKey,
    tenancyId: null,
    expiresAt: null,
  },
  {
    keyId: 'ST$eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_',
    key: privateKey,
    tenancyId: null,
    expiresAt: null,
  },
  {
    keyId: 'ST$a.b.c',
    key: privateKey,
    tenancyId: null,
    expiresAt: null,
    delegationToken: 'delegation.token.x',
  },
];

describe('a signature', () => {
  test.each(credentials)(
    "is byte-identical to the official signer's, for key id $keyId",
    async (credential) => {
      for (const origin of origins) {
        for (const path of paths) {
          for (const method of ['GET', 'DELETE'] as const) {
            const { host, target } = parseTarget(getFrom(origin, path));
            const ours = await signRequest(credential, { method, host, target, now });
            const { host: officialHost, ...official } = await signOfficially(
              method,
              origin + path,
              credential,
            );
            expect({ 'opc-obo-token': null, ...ours }).toEqual(official);
            expect(host).toBe(officialHost);
          }
        }
      }
    },
  );

  test('of a key that cannot sign is an error, not a bad signature', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await expect(
      signRequest(
        { keyId: 'a', key: publicKey, tenancyId: null, expiresAt: null },
        { method: 'GET', host: 'h', target: '/', now },
      ),
    ).rejects.toThrow();
  });

  test('has the date of its own second', async () => {
    const [credential] = credentials;
    if (credential === undefined) throw new Error('no credential');
    const dates = [];
    for (const ms of [0, 999, 1_000, 500])
      dates.push(
        (
          await signRequest(credential, {
            method: 'GET',
            host: 'h',
            target: '/',
            now: now - (now % 1000) + ms,
          })
        )['x-date'],
      );
    expect(dates).toEqual(['05', '05', '06', '05'].map((second) => `Fri, 02 Jan 2026 03:04:${second} GMT`));
  });
});
