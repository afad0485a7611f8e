/** RSA-2048 request signatures a second on one core: ours, `oci-common`'s official signer, and the bare operation. */
import { generateKeyPairSync, sign } from 'node:crypto';
import oci from 'oci-common';
import { signRequest } from '../datasources/signer.ts';
import type { Report } from './report.ts';
import { compare, measure, subjectOf } from './subject.ts';

const goalOverOfficial = 2;
const goalOverFloor = 0.9;
const host = 'containerengine.us-ashburn-1.oci.oraclecloud.com';
const targetOf = (index: number): string =>
  `/20180222/workRequests/ocid1.clustersworkrequest.oc1.iad.${index}`;

export async function run(): Promise<Report> {
  const { official, ours, bare } = await compare(import.meta.url, ['official', 'ours', 'bare'], 7);
  const row = (subject: string, value: number): Report['rows'][number] => ({
    subject,
    metric: 'signatures a second of CPU',
    unit: '1/s',
    value,
  });
  return {
    name: 'signing',
    rows: [
      row('oci-common DefaultRequestSigner', official),
      row('gateway signer', ours),
      row('bare asynchronous crypto.sign', bare),
      { subject: 'gateway signer', metric: 'share of the bare operation', unit: '', value: ours / bare },
    ],
    ratio: ours / official,
    goal: `≥ ${goalOverOfficial} × official, ≥ ${goalOverFloor} × bare`,
    isReached: ours >= goalOverOfficial * official && ours >= goalOverFloor * bare,
  };
}

const child = subjectOf(process.argv);
if (child !== null) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyId = 'ocid1.tenancy.oc1..a/ocid1.user.oc1..b/20:3b:97:13';
  const provider = new oci.SimpleAuthenticationDetailsProvider(
    'ocid1.tenancy.oc1..a',
    'ocid1.user.oc1..b',
    '20:3b:97:13',
    privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    null,
  );
  const signer = new oci.DefaultRequestSigner(provider);
  const credential = { keyId, key: privateKey, tenancyId: null, expiresAt: null };
  const subjects: Record<string, (index: number) => Promise<unknown>> = {
    official: (index) =>
      signer.signHttpRequest({
        method: 'GET',
        uri: `https://${host}${targetOf(index)}`,
        headers: new Headers(),
      }),
    ours: (index) =>
      signRequest(credential, { method: 'GET', host, target: targetOf(index), now: Date.now() }),
    bare: (index) =>
      new Promise((resolve, reject) => {
        const text = Buffer.from(
          `x-date: Fri, 02 Jan 2026 03:04:05 GMT\n(request-target): get ${targetOf(index)}\nhost: ${host}`,
        );
        sign('sha256', text, privateKey, (error, signature) => (error ? reject(error) : resolve(signature)));
      }),
  };
  await measure(subjects[child.subject] ?? Promise.reject, 16);
}
