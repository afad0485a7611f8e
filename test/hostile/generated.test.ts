/**
 * What is hostile by chance. Each input is judged by an oracle of its own, so that what turned out harmless is not counted.
 * The same each time; `HOSTILE_SEED=<number>` has others, and a failure says with which it can be seen again.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { transports } from '../support/gateway.ts';
import type { Transport } from '../support/gateway.ts';
import { findFault, longestMs, parseResult } from './answers.ts';
import { exchange, fill, parseAnswers, sendBytes } from './bytes.ts';
import { openChannel } from './channels.ts';
import type { Channel } from './channels.ts';
import type { HostileOperation } from './corpus/operation.ts';
import { frame, opcodes } from './frame.ts';
import {
  askedWithVariables,
  doVariablesFit,
  goodRequest,
  hostileBody,
  hostileDocument,
  hostileMessage,
  hostileRequest,
  isGoodMessage,
  isGoodOperation,
  isGoodRequest,
  judge,
  parseJson,
} from './generate.ts';
import { memoryInUse, openHouse } from './house.ts';
import type { House } from './house.ts';
import { sendOne, serveStill } from './operations.ts';
import { Choices } from './random.ts';
import { sendFrames, talk } from './sockets.ts';

const seed = Number(process.env['HOSTILE_SEED'] ?? 20_261_128);
const tally = { hostile: 0, harmless: 0 };

let house: House;
let channels: Readonly<Record<Transport, Channel>>;
let before: number;

beforeAll(async () => {
  house = await openHouse();
  before = memoryInUse();
  const opened = await Promise.all(
    transports.map(async (transport) => [transport, await openChannel(transport, house)] as const),
  );
  channels = Object.fromEntries(opened) as typeof channels;
});
afterAll(async () => {
  await house.stop();
});

/** Runs until as many hostile inputs were sent; `send` says null for one that is harmless, and was not sent, else its faults. */
const check = async <T>(
  hostile: number,
  inputs: fc.Arbitrary<T>,
  send: (input: T) => Promise<readonly string[] | null>,
): Promise<void> => {
  let sent = 0;
  let harmless = 0;
  const property = fc.asyncProperty(inputs, async (input) => {
    if (sent >= hostile) return;
    const faults = await send(input);
    if (faults === null) harmless += 1;
    else sent += 1;
    if (faults !== null && faults.length > 0) throw new Error(`${faults.join('\n')}\n(HOSTILE_SEED=${seed})`);
  });
  await fc.assert(property, { seed, numRuns: 2 * hostile });
  tally.hostile += sent;
  tally.harmless += harmless;
  expect(sent).toBe(hostile);
};

const choices = fc
  .array(fc.nat({ max: 9_999 }), { minLength: 4, maxLength: 60 })
  .map((numbers) => [...numbers]);
const transport = fc.constantFrom(...transports);

const sendOperation = async (
  over: Transport,
  operation: Omit<HostileOperation, 'group' | 'name'>,
): Promise<readonly string[]> => {
  const fault = await sendOne(house, channels[over], {
    group: over,
    name: JSON.stringify(operation),
    ...operation,
  });
  return fault === null ? [] : [`${JSON.stringify(operation)} over ${over}: ${fault}`];
};

test(
  'documents of the schema to which something happened',
  () =>
    check(3_600, fc.tuple(transport, choices), async ([over, numbers]) => {
      const query = hostileDocument(new Choices(numbers));
      const { kind } = judge(query);
      if (kind === 'harmless' || query === '') return null;
      const code = kind === 'no document' ? 'GRAPHQL_PARSE_FAILED' : 'GRAPHQL_VALIDATION_FAILED';
      return sendOperation(over, { query, codes: [code] });
    }),
  60_000,
);

const strange = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'NaN',
      '2026-13-01T00:00:00Z',
      1e308,
      -0.5,
      2 ** 53,
      [[[]]],
      { __proto__: 1 },
      { constructor: {} },
      'QUEUE\0',
      [null],
      '𐏿',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.dictionary(
      fc.constantFrom(
        'id',
        'service',
        'region',
        'statuses',
        'isTerminal',
        'operationTypes',
        'acceptedAfter',
        '__proto__',
        'toString',
      ),
      fc.jsonValue({ maxDepth: 1 }),
    ),
  },
);
test(
  'variables of any shape',
  () =>
    check(
      2_000,
      fc.tuple(transport, fc.constantFrom(...askedWithVariables), strange),
      async ([over, query, v]) => {
        const variables = { v };
        if (doVariablesFit(query, variables)) return null;
        // Bodies with these names are not taken in.
        const isPoisoned = over !== 'websocket' && /__proto__|constructor/.test(JSON.stringify(v));
        return sendOperation(over, {
          query,
          variables,
          codes: isPoisoned ? ['BAD_REQUEST', 'BAD_USER_INPUT'] : ['BAD_USER_INPUT'],
        });
      },
    ),
  60_000,
);

test(
  'bodies to which something happened',
  () =>
    check(
      1_500,
      fc.tuple(
        fc.constantFrom('/graphql', '/graphql/stream'),
        fc.oneof(
          choices.map((numbers) => hostileBody(new Choices(numbers))),
          fc.json({ maxDepth: 4 }),
          fc.string({ unit: 'binary' }),
        ),
      ),
      async ([path, body]) => {
        if (isGoodOperation(parseJson(body.replace(/^\ufeff/, '')))) return null;
        return sendBytes(house, [{ group: path, name: body, bytes: Buffer.from(goodRequest(path, body)) }]);
      },
    ),
  60_000,
);

test(
  'requests to which something happened',
  () =>
    check(1_700, choices, async (numbers) => {
      const text = hostileRequest(new Choices(numbers));
      if (isGoodRequest(text, house.port)) return null;
      const { bytes, isClosed, ms } = await exchange(
        house.port,
        fill(Buffer.from(text, 'latin1'), house.port),
      );
      const told = JSON.stringify(text);
      if (!isClosed) return [`${told} was left open`];
      if (ms > longestMs) return [`${told} took ${ms} ms`];
      const answers = parseAnswers(bytes);
      if (answers === null) return [`${told} was answered by no HTTP: ${bytes.toString('latin1')}`];
      // Without a word is a way to refuse what may be no HTTP.
      return answers.flatMap(({ status, text: answer }) => {
        if (status >= 400 && status < 500) return findFault(parseResult(answer), allCodes) ?? [];
        const result = parseResult(/^event: next\ndata: (.*)$/m.exec(answer)?.[1] ?? answer);
        const fault = findFault(result, allCodes);
        return fault === null ? [] : [`${told}: ${status}: ${fault}`];
      });
    }),
  60_000,
);

const allCodes = [
  'BAD_REQUEST',
  'FORBIDDEN',
  'NOT_FOUND',
  'LIMIT_EXCEEDED',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'BAD_USER_INPUT',
] as const;

test(
  'messages to which something happened',
  () =>
    check(
      700,
      fc.tuple(
        fc.boolean(),
        fc.oneof(
          choices.map((numbers) => hostileMessage(new Choices(numbers))),
          fc.json({ maxDepth: 3 }),
        ),
      ),
      async ([isGreeted, text]) => {
        if (isGoodMessage(text, isGreeted)) return null;
        const told = await talk(house.port, frame(text), isGreeted, true);
        const next = told.messages.filter(
          (message) => message.includes('"next"') && !message.includes('"errors"'),
        );
        // What is a request of GraphQL, and none that is good, is told so, and its socket lives on.
        const isTold = told.messages.some((message) => message.includes('"type":"error"'));
        const isRefused = isTold || (told.closeCode !== null && told.closeCode >= 4400);
        return isRefused && next.length === 0 ? [] : [`${JSON.stringify(text)}: ${JSON.stringify(told)}`];
      },
    ),
  60_000,
);

const brokenFrame = fc
  .record({
    isLast: fc.boolean(),
    reserved: fc.nat(7),
    opcode: fc.nat(15),
    isMasked: fc.boolean(),
    payload: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  })
  .filter(({ isLast, reserved, opcode, isMasked, payload }) => {
    const isKnown = [0, 1, 2, 8, 9, 10].includes(opcode);
    return (
      !isKnown ||
      reserved !== 0 ||
      !isMasked ||
      (opcode >= 8 && (!isLast || payload.length > 125)) ||
      opcode === opcodes.continuation
    );
  });
test(
  'frames that are none',
  () =>
    check(500, fc.tuple(fc.boolean(), brokenFrame), async ([isGreeted, { payload, ...parts }]) =>
      sendFrames(house, [
        {
          group: 'frames',
          name: JSON.stringify({ payload: payload.toString('hex'), ...parts }),
          bytes: frame(payload, parts),
          isGreeted,
          closes: [1002],
        },
      ]),
    ),
  60_000,
);

test('nothing is left open, no memory is held, and the gateway serves on', async () => {
  for (const each of Object.values(channels)) await each.close();
  for (const each of transports) expect(await serveStill(house, each)).toEqual([]);
  await house.expectNothingLeft();
  expect(memoryInUse() - before).toBeLessThan(100);
});

test('at least 10,000 hostile inputs were sent, and none was accepted', () => {
  process.stdout.write(
    `Hostile inputs, generated: ${tally.hostile} (and ${tally.harmless} that turned out harmless), HOSTILE_SEED=${seed}\n`,
  );
  expect(tally.hostile).toBeGreaterThanOrEqual(10_000);
});
