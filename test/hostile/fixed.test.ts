/** What is hostile and known: every input is refused in words that help, nothing is asked or held for it, and the gateway serves on. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { transports } from '../support/gateway.ts';
import { sendBytes } from './bytes.ts';
import { longestMs, startWatch } from './answers.ts';
import { openChannel } from './channels.ts';
import { badArguments } from './corpus/arguments.ts';
import { cursorsFrom, listQuery } from './corpus/cursors.ts';
import { frames } from './corpus/frames.ts';
import { handshakes } from './corpus/handshakes.ts';
import { extremes, limits } from './corpus/limits.ts';
import type { HostileOperation } from './corpus/operation.ts';
import { requests } from './corpus/requests.ts';
import { syntax } from './corpus/syntax.ts';
import { tokensAgainst } from './corpus/tokens.ts';
import { validation } from './corpus/validation.ts';
import { frame } from './frame.ts';
import { memoryInUse, openHouse } from './house.ts';
import type { House } from './house.ts';
import { sendAll, serveStill } from './operations.ts';
import { sendFrames, talk } from './sockets.ts';

/** Different inputs, and how often one was sent. */
const tally = { inputs: 0, sent: 0, faults: 0 };
const count = (inputs: number, sent: number, faults: readonly string[]): void => {
  tally.inputs += inputs;
  tally.sent += sent;
  tally.faults += faults.length;
  // Twenty say it all.
  expect(faults.slice(0, 20)).toEqual([]);
};

const groupsOf = <T extends { readonly group: string }>(
  all: readonly T[],
): readonly (readonly [string, readonly T[]])[] =>
  [...Map.groupBy(all, ({ group }) => group)].map(([group, some]) => [group, some]);

let house: House;
let before: number;

beforeAll(async () => {
  house = await openHouse();
  before = memoryInUse();
});
afterAll(() => house.stop());

describe('an operation on every transport', () => {
  const operations = [...syntax, ...validation, ...limits, ...badArguments];
  test.each(groupsOf(operations))(
    '%s',
    async (_group, some) => {
      const faults: string[] = [];
      for (const transport of transports) {
        faults.push(...(await sendAll(house, transport, some)).map((fault) => `${transport}: ${fault}`));
      }
      count(new Set(some.map((one) => JSON.stringify(one))).size, some.length * transports.length, faults);
      await house.expectNothingLeft();
    },
    60_000,
  );
});

test.each(transports)('what is good and extreme is served or refused, and in time: %s', async (transport) => {
  const faults: string[] = [];
  const channel = await openChannel(transport, house);
  for (const [name, query] of extremes) {
    const passed = startWatch();
    const { result, fault } = await channel.ask(JSON.stringify({ query }));
    const ms = passed();
    const codes = result?.errors?.map(({ extensions }) => extensions?.code ?? 'none') ?? [];
    if (fault !== null || result === null || codes.includes('INTERNAL_SERVER_ERROR') || ms > 2 * longestMs)
      faults.push(`${name}: ${fault} ${codes.join()} ${ms}`);
  }
  await channel.close();
  expect(faults).toEqual([]);
  await house.expectNothingLeft();
});

test('cursors that were not sealed for what they are used for', async () => {
  const variables = {
    c: 'ocid1.compartment.oc1..hostile',
    services: ['CONTAINERENGINE'],
    regions: ['us-ashburn-1'],
  };
  house.emulator.createWorkRequest({
    service: 'CONTAINERENGINE',
    region: 'us-ashburn-1',
    compartmentId: variables.c,
  });
  house.emulator.createWorkRequest({
    service: 'CONTAINERENGINE',
    region: 'us-ashburn-1',
    compartmentId: variables.c,
  });
  const answer = await house.query<{ workRequests: { pageInfo: { endCursor: string } } }>(
    listQuery,
    variables,
    { transport: 'websocket' },
  );
  const cursor = answer.data?.workRequests.pageInfo.endCursor ?? '';
  expect(cursor).not.toBe('');
  house.asked();
  const operations: readonly HostileOperation[] = cursorsFrom({ cursor, variables });
  const faults: string[] = [];
  for (const transport of transports) faults.push(...(await sendAll(house, transport, operations)));
  count(operations.length, operations.length * transports.length, faults);
});

describe('bytes where HTTP should be', () => {
  test.each(groupsOf([...requests, ...handshakes]))('%s', async (_group, some) => {
    count(some.length, some.length, await sendBytes(house, some));
    expect(await serveStill(house, 'http')).toEqual([]);
    await house.expectNothingLeft();
  });
});

describe('a WebSocket that is open', () => {
  test.each(groupsOf(frames))('%s', async (_group, some) => {
    count(some.length, some.length, await sendFrames(house, some));
    expect(await serveStill(house, 'websocket')).toEqual([]);
    await house.expectNothingLeft();
  });
});

describe('callers with tokens', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = {
    issuer: 'https://id.example.com/',
    audience: 'gateway',
    kid: 'one',
    publicKey,
    privateKey,
  };
  const keys = JSON.stringify({
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256' }],
  });
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(keys);
  });
  let guarded: House;
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    guarded = await openHouse({
      env: { AUTH: 'jwt', AUTH_ISSUER: issuer.issuer, AUTH_AUDIENCE: issuer.audience, AUTH_JWKS_URL: url },
    });
  });
  afterAll(async () => {
    await guarded.stop();
    server.close();
  });
  const tokens = tokensAgainst(issuer);
  const body = '{"query":"{ regions { id } }"}';

  test.each(['/graphql', '/graphql/stream'])('are nobody with any other over HTTP: %s', async (path) => {
    const asked = tokens.flatMap(({ name, authorization }) => {
      // What no header can hold is told by connection_init alone.
      if (typeof authorization !== 'string' || /[^\x20-\xff\t]/.test(authorization)) return [];
      const head = `POST ${path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\nContent-Length: ${body.length}`;
      const bytes = Buffer.from(`${head}\r\n\r\n${body}`, 'latin1');
      return [{ group: 'tokens', name, bytes, statuses: [401] }];
    });
    count(path === '/graphql' ? asked.length : 0, asked.length, await sendBytes(guarded, asked));
    await guarded.expectNothingLeft();
  });

  test('are nobody with any other over a WebSocket', async () => {
    const faults: string[] = [];
    for (const { name, authorization } of tokens) {
      const init = frame(JSON.stringify({ type: 'connection_init', payload: { authorization } }));
      const ask = frame('{"id":"1","type":"subscribe","payload":{"query":"{ regions { id } }"}}');
      const { closeCode, reason, messages } = await talk(
        guarded.port,
        Buffer.concat([init, ask]),
        false,
        false,
      );
      if (![4403, 4401].includes(closeCode ?? 0) || reason.length < 10 || messages.length > 0)
        faults.push(`${name}: ${closeCode} ${reason} ${messages.join()}`);
    }
    count(0, tokens.length, faults);
    await guarded.expectNothingLeft();
  });
});

test('nothing is left open, and no memory is held', async () => {
  await house.expectNothingLeft();
  // Of documents that are refused none is kept; code that was compiled is.
  expect(memoryInUse() - before).toBeLessThan(100);
});

test('at least 4,000 different inputs were sent, and none was accepted', () => {
  process.stdout.write(
    `Hostile inputs, fixed: ${tally.inputs} different ones, sent ${tally.sent} times, ${tally.faults} not refused as they should be\n`,
  );
  expect(tally.inputs).toBeGreaterThanOrEqual(4_000);
  expect(tally.faults).toBe(0);
});
