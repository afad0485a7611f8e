import { expect, test } from '@jest/globals';
import { cancelWorkRequest } from '../../datasources/cancel.ts';
import type { WorkRequest, WorkRequestRef } from '../../datasources/types.ts';
import { workRequestOf } from '../support/oci-bodies.ts';

const refTo = (service: WorkRequestRef['service']): WorkRequestRef => ({
  service,
  region: 'us-ashburn-1',
  workRequestId: 'a',
});

/** What stands in the way of canceling what is read. */
const obstacleTo = async (read: Partial<WorkRequest>) => {
  const workRequest: WorkRequest = { ...workRequestOf({}, { ref: refTo('MYSQL') }), ...read };
  const { error } = await cancelWorkRequest(
    {
      get: async () => workRequest,
      cancel: async () => {
        throw new Error('nothing is canceled that cannot be');
      },
    },
    workRequest.ref,
  );
  return error;
};

test.each([
  [{ isTerminal: true, status: 'SUCCEEDED', rawStatus: 'COMPLETED' }, 'It is finished: COMPLETED.'],
  [{ isTerminal: true, status: 'UNKNOWN', rawStatus: '' }, 'It is finished: UNKNOWN.'],
  [
    { isCancelable: false, status: 'CANCELING', rawStatus: 'CANCELLING' },
    'It cannot be canceled while it is CANCELLING.',
  ],
  [{ isCancelable: false, status: 'UNKNOWN', rawStatus: '' }, 'It cannot be canceled while it is UNKNOWN.'],
] as const)('of %j is said: %s', async (read, message) => {
  expect(await obstacleTo(read)).toMatchObject({ message });
});

test('an API without cancel is named as people and as queries call it', async () => {
  const { error } = await cancelWorkRequest(
    { get: async () => null, cancel: async () => undefined },
    refTo('WAF'),
  );
  expect(error).toEqual({
    code: 'NOT_CANCELABLE',
    message: 'Web Application Firewall (WAF) cannot cancel work requests.',
  });
});
