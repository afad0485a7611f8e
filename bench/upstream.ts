/**
 * Signed reads a second of CPU on one core: our whole HTTP layer, the official `oci-workrequests` client, and bare
 * undici with `crypto.sign` as the limit. All ask the same local server, which runs on the other core.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { Pool } from 'undici';
import { systemClock } from '../clock.ts';
import { createUpstream } from '../datasources/http.ts';
import { installClients } from '../scripts/install-clients.ts';
import type { Report } from './report.ts';
import { compare, measure, start, subjectOf } from './subject.ts';

const goal = 4;
const concurrency = 16;
const pathOf = (index: number): string =>
  `/20160918/workRequests/ocid1.coreservicesworkrequest.oc1.iad.${index}`;

export async function run(): Promise<Report> {
  installClients();
  const server = start(import.meta.url, 1, ['--subject', 'server']);
  try {
    if (server.stdout === null) throw new Error('the local upstream has no output');
    const [origin] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
    const { official, ours, bare } = await compare(import.meta.url, ['official', 'ours', 'bare'], 7, [
      origin.trim(),
    ]);
    const row = (subject: string, value: number): Report['rows'][number] => ({
      subject,
      metric: 'signed reads a second of CPU',
      unit: '1/s',
      value,
    });
    return {
      name: 'upstream',
      rows: [
        row('oci-workrequests 2.139.1', official),
        row('gateway HTTP layer', ours),
        row('bare undici and crypto.sign', bare),
        {
          subject: 'gateway HTTP layer',
          metric: 'CPU a call over bare (less is better)',
          unit: 'ms',
          value: 1000 / ours - 1000 / bare,
        },
      ],
      ratio: ours / official,
      goal,
      isReached: ours >= goal * official,
    };
  } finally {
    server.kill();
  }
}

const child = subjectOf(process.argv);
if (child?.subject === 'server') serve();
else if (child !== null) {
  const { subject, rest } = child;
  const [origin = ''] = rest;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const subjects: Record<string, () => (index: number) => Promise<unknown>> = {
    official: () => openOfficial(origin, privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()),
    ours: () => {
      const credential = { keyId: 'tenancy/user/finger', key: privateKey, tenancyId: null, expiresAt: null };
      const upstream = createUpstream({
        credentials: { id: 'bench', region: null, current: () => credential },
        clock: systemClock,
        deadlineMs: 10_000,
        // The most that can be configured.
        rps: 100_000,
        connectionsPerOrigin: concurrency,
        observe: () => undefined,
      });
      return (index) =>
        upstream.call({
          service: 'CORE' as never,
          region: 'us-ashburn-1',
          method: 'GET',
          origin,
          path: pathOf(index),
        });
    },
    bare: () => {
      const pool = new Pool(origin, { connections: concurrency });
      const { host } = new URL(origin);
      return async (index) => {
        const path = pathOf(index);
        const date = new Date().toUTCString();
        const signature = await new Promise<Buffer>((resolve, reject) => {
          const text = Buffer.from(`x-date: ${date}\n(request-target): get ${path}\nhost: ${host}`);
          sign('sha256', text, privateKey, (error, bytes) => (error ? reject(error) : resolve(bytes)));
        });
        const authorization = `Signature version="1",keyId="tenancy/user/finger",algorithm="rsa-sha256",headers="x-date (request-target) host",signature="${signature.toString('base64')}"`;
        const { body } = await pool.request({
          path,
          method: 'GET',
          headers: { 'x-date': date, authorization, accept: 'application/json' },
        });
        return body.json();
      };
    },
  };
  await measure((subjects[subject] ?? subjects['ours'] ?? (() => () => Promise.resolve()))(), concurrency);
  process.exit(0);
}

/** Oracle's client comes from the workspace of the contract tests. */
function openOfficial(origin: string, pem: string): (index: number) => Promise<unknown> {
  const require = createRequire(new URL('../test/contract/package.json', import.meta.url));
  const { WorkRequestClient } = require('oci-workrequests') as {
    WorkRequestClient: new (params: object) => {
      endpoint: string;
      getWorkRequest(request: { workRequestId: string }): Promise<unknown>;
    };
  };
  const { SimpleAuthenticationDetailsProvider } = require('oci-common') as {
    SimpleAuthenticationDetailsProvider: new (...parts: unknown[]) => unknown;
  };
  const client = new WorkRequestClient({
    authenticationDetailsProvider: new SimpleAuthenticationDetailsProvider(
      'tenancy',
      'user',
      'finger',
      pem,
      null,
    ),
  });
  client.endpoint = origin;
  return (index) => client.getWorkRequest({ workRequestId: pathOf(index).split('/').at(-1) ?? '' });
}

/** Answers every path with one work request, as the real API would. */
function serve(): void {
  const body = JSON.stringify({
    operationType: 'CreateImage',
    status: 'IN_PROGRESS',
    id: 'ocid1.coreservicesworkrequest.oc1.iad.aaaa',
    compartmentId: 'ocid1.compartment.oc1..aaaa',
    resources: [
      {
        actionType: 'IN_PROGRESS',
        entityType: 'image',
        identifier: 'ocid1.image.oc1.iad.aaaa',
        entityUri: '/20160918/images/ocid1.image.oc1.iad.aaaa',
      },
    ],
    percentComplete: 42.5,
    timeAccepted: '2026-01-02T03:04:05.678Z',
    timeStarted: '2026-01-02T03:04:06.678Z',
  });
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'opc-request-id': 'A/B/C',
    etag: 'e',
    'retry-after': '3',
  };
  const server = createServer((_request, response) => response.writeHead(200, headers).end(body));
  server.listen(0, '127.0.0.1', () =>
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
  );
}
