import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { catalog } from '../../datasources/catalog.ts';
import {
  foldStatus,
  isCancelable,
  isTerminal,
  isTerminalStatus,
  statusOfWord,
} from '../../datasources/status.ts';
import type { WorkRequestStatus } from '../../datasources/status.ts';

/** CONTRACT §6, written out once more by hand. */
const table: readonly (readonly [word: string, status: WorkRequestStatus])[] = [
  ['CREATED', 'ACCEPTED'],
  ['ACCEPTED', 'ACCEPTED'],
  ['IN_PROGRESS', 'IN_PROGRESS'],
  ['INPROGRESS', 'IN_PROGRESS'],
  ['WAITING', 'WAITING'],
  ['NEEDS_ATTENTION', 'NEEDS_ATTENTION'],
  ['SUSPENDING', 'SUSPENDING'],
  ['SUSPENDED', 'SUSPENDED'],
  ['CANCELING', 'CANCELING'],
  ['CANCELLING', 'CANCELING'],
  ['CANCELED', 'CANCELED'],
  ['CANCELLED', 'CANCELED'],
  ['SUCCEEDED', 'SUCCEEDED'],
  ['COMPLETED', 'SUCCEEDED'],
  ['PARTIALLY_SUCCEEDED', 'PARTIALLY_SUCCEEDED'],
  ['FAILED', 'FAILED'],
  ['SKIPPED', 'SKIPPED'],
];
const statuses: readonly WorkRequestStatus[] = [...new Set(table.map(([, status]) => status)), 'UNKNOWN'];
const terminal: readonly WorkRequestStatus[] = [
  'SUCCEEDED',
  'PARTIALLY_SUCCEEDED',
  'FAILED',
  'CANCELED',
  'SKIPPED',
];
const cancelable: readonly WorkRequestStatus[] = [
  'ACCEPTED',
  'IN_PROGRESS',
  'WAITING',
  'NEEDS_ATTENTION',
  'SUSPENDED',
];
const timeFinished = new Date('2026-01-01T00:00:00Z');

describe('folding a status word', () => {
  test.each(table)('%s becomes %s', (word, status) => {
    expect(foldStatus(word)).toBe(status);
  });

  test('knows these seventeen words and no other', () => {
    expect(Object.keys(statusOfWord).sort()).toEqual(table.map(([word]) => word).sort());
    expect(table).toHaveLength(17);
  });

  test.each(table)('takes %s in another letter case for another word', (word) => {
    const capital = word.charAt(0) + word.slice(1).toLowerCase();
    expect([word.toLowerCase(), capital, ` ${word}`, `${word} `].map(foldStatus)).toEqual(
      Array(4).fill('UNKNOWN'),
    );
  });

  test('answers UNKNOWN to any other word, whatever it is called', () => {
    const known = new Set(table.map(([word]) => word));
    for (const word of ['', 'UNKNOWN', 'constructor', '__proto__', 'toString', 'İN_PROGRESS'])
      expect(foldStatus(word)).toBe('UNKNOWN');
    fc.assert(fc.property(fc.string(), (word) => known.has(word) || foldStatus(word) === 'UNKNOWN'));
  });

  test('knows every word that any API declares', () => {
    const declared = new Set(Object.values(catalog).flatMap((api) => api.statuses));
    expect([...declared].filter((word) => foldStatus(word) === 'UNKNOWN')).toEqual([]);
  });
});

describe('what a status means', () => {
  test.each(statuses)('%s is terminal exactly where the contract says so', (status) => {
    expect(isTerminalStatus(status)).toBe(terminal.includes(status));
    expect(isTerminal({ status, timeFinished: null })).toBe(terminal.includes(status));
  });

  test.each(statuses)('%s with a timeFinished is terminal, and not to be canceled', (status) => {
    expect(isTerminal({ status, timeFinished })).toBe(true);
    expect(isCancelable({ status, timeFinished })).toBe(false);
  });

  test.each(statuses)('%s can be canceled exactly where the contract says so', (status) => {
    expect(isCancelable({ status, timeFinished: null })).toBe(cancelable.includes(status));
  });
});
