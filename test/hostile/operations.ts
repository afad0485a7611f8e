/** Sends operations that have to be refused, one after the other, and finds those that were not as they should be. */
import type { Transport } from '../support/gateway.ts';
import { findFault, longestMs, startWatch } from './answers.ts';
import { openChannel } from './channels.ts';
import type { Channel } from './channels.ts';
import type { HostileOperation } from './corpus/operation.ts';
import type { House } from './house.ts';

export const bodyOf = ({ query, variables, operationName }: HostileOperation): string =>
  JSON.stringify({ query, variables, operationName });

/** A hundred errors of two thousand characters, and what stands around them. */
const largestAnswer = 300_000;

/** What went wrong, a line each. */
export const sendAll = async (
  house: House,
  transport: Transport,
  operations: readonly HostileOperation[],
): Promise<readonly string[]> => {
  const channel = await openChannel(transport, house);
  const faults: string[] = [];
  for (const operation of operations) {
    const fault = await sendOne(house, channel, operation);
    if (fault !== null) faults.push(`${operation.group}: ${operation.name.slice(0, 200)}: ${fault}`);
  }
  faults.push(...(await findDisservice(channel)));
  await channel.close();
  return faults;
};

export const sendOne = async (
  house: House,
  channel: Channel,
  operation: HostileOperation,
): Promise<string | null> => {
  const body = bodyOf(operation);
  for (let time = 1; ; time += 1) {
    const passed = startWatch();
    const { result, fault, size } = await channel.ask(body);
    const ms = passed();
    const found = fault ?? findFault(result, [...operation.codes, ...channel.also(operation.query)]);
    if (found !== null) return found;
    if (size > largestAnswer) return `an answer of ${size} characters`;
    const asked = house.asked();
    if (asked.length > 0) return `Oracle Cloud was asked: ${asked.join()}`;
    if (ms <= longestMs) return null;
    if (time === 2) return `it took ${Math.round(ms)} ms`;
  }
};

/** Who asks properly is served as before, on a connection that is new. */
export const serveStill = async (house: House, transport: Transport): Promise<readonly string[]> => {
  const channel = await openChannel(transport, house);
  const faults = await findDisservice(channel);
  await channel.close();
  return faults;
};

/** Who asks properly is served as before. */
const findDisservice = async (channel: Channel): Promise<readonly string[]> => {
  const { result } = await channel.ask('{"query":"{ regions { id } }"}');
  const told = JSON.stringify(result);
  return told.includes('us-ashburn-1') ? [] : [`a good query was answered with ${told.slice(0, 300)}`];
};
