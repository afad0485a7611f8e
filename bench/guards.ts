/**
 * What it costs to be careful: the same hot read from two real gateways, one with everything on that guards it (tokens, a policy, limits by
 * caller and address, limits of documents, a cost limit), one with all of that off. Both keep their page for a minute, so what is measured is
 * the way from a request to its answer. A third one, between them, tells what the tokens take alone.
 *
 * Requests a second of the gateway's CPU: that is what one core can answer, whatever else the machine does meanwhile.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDemoProfile } from '../emulator/demo-profile.ts';
import { createIssuer } from '../test/support/issuer.ts';
import { load } from './load.ts';
import { startReplay } from './replay.ts';
import { median } from './report.ts';
import type { Report } from './report.ts';
import { compartmentId, startGateway } from './servers.ts';
import type { Child } from './servers.ts';

const rounds = 7;
const roundMs = 3_000;
const goal = 0.85;

const body = JSON.stringify({
  query: `query Reads($compartmentId: String!) {
    workRequests(compartmentId: $compartmentId, services: [CONTAINERENGINE], first: 20) {
      nodes {
        id workRequestId service { name } region compartmentId operationType status percentComplete
        timeAccepted timeStarted timeFinished isTerminal
        resources { entityType actionType identifier entityUri }
      }
    }
  }`,
  variables: { compartmentId },
});

/** Limits as far up as they go. */
const without = {
  MAX_TOKENS: '100000',
  MAX_DEPTH: '1000',
  MAX_ALIASES: '100000',
  MAX_DIRECTIVES: '100000',
  MAX_ROOT_FIELDS: '100000',
  MAX_QUERY_COST: '1000000',
  MAX_ADDRESS_CONNECTIONS: '0',
  MAX_ADDRESS_SOCKETS: '0',
  MAX_CALLER_SOCKETS: '0',
  MAX_CALLER_SUBSCRIPTIONS: '0',
  MAX_CALLER_RPS: '0',
};

export async function run(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-guards-'));
  const { configFile } = writeDemoProfile(folder);
  const policy = join(folder, 'policy.yaml');
  await writeFile(policy, policyText);
  const idp = await createIssuer();
  const upstream = await startReplay(folder, 8_000);
  const children: Child[] = [upstream];
  const begin = async (env: Readonly<Record<string, string>>): Promise<Child> => {
    const fixed = { OCI_REGIONS: 'us-ashburn-1', READ_CACHE_MS: '60000' };
    const gateway = await startGateway(upstream.url, configFile, { ...fixed, ...env });
    children.push(gateway);
    return gateway;
  };
  try {
    const token = await idp.tokenOf('someone', { claims: { groups: ['staff', 'platform'] } });
    const subjects = {
      'all guards, tokens and a policy': {
        gateway: await begin({ ...idp.env, AUTH_POLICY_FILE: policy, MAX_CALLER_RPS: '1000000' }),
        headers: { authorization: `Bearer ${token}` },
      },
      'tokens, no policy and no limits': {
        gateway: await begin({ ...idp.env, ...without }),
        headers: { authorization: `Bearer ${token}` },
      },
      'no guards, no tokens': { gateway: await begin(without), headers: {} },
    };
    const rates = new Map<string, number[]>();
    for (let round = -1; round < rounds; round += 1) {
      for (const [name, { gateway, headers }] of Object.entries(subjects)) {
        const port = Number(new URL(gateway.url).port);
        const before = cpuSeconds(gateway.pid);
        const count = await load(port, { body, headers }, roundMs);
        const rate = count / (cpuSeconds(gateway.pid) - before);
        if (round >= 0) rates.set(name, [...(rates.get(name) ?? []), rate]);
      }
    }
    const rate = (name: keyof typeof subjects): number => median(rates.get(name) ?? []);
    const ratio = rate('all guards, tokens and a policy') / rate('no guards, no tokens');
    return {
      name: 'guards',
      rows: [...rates].map(([subject, values]) => ({
        subject,
        metric: 'requests a second of CPU',
        unit: '1/s',
        value: median(values),
      })),
      ratio,
      goal: `≥ ${goal}: with all guards against without any`,
      isReached: ratio >= goal,
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
    idp.close();
    await rm(folder, { recursive: true });
  }
}

/** One that leaves the caller something, after some that do not apply. */
const policyText = `
version: 1
rules:
  - when: { groups: [oncall] }
    allow: [read, cancel]
    compartments: all
  - when: { groups: [payments] }
    allow: [read]
    compartments: [{ subtreeOf: ocid1.compartment.oc1..payments }]
  - when: { groups: [platform] }
    allow: [read, cancel]
    compartments: [{ subtreeOf: ${compartmentId} }]
`;

/** That the process used so far. (Linux; elsewhere there is no pinning either.) */
const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // In hundredths: utime and stime.
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
