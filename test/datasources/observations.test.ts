import { describe, expect, test } from '@jest/globals';
import { createObservations, isOlderThan } from '../../datasources/observations.ts';
import type { Observations } from '../../datasources/observations.ts';
import type { WorkRequest } from '../../datasources/types.ts';
import { compartment, refOf, workRequestOf } from '../support/oci-bodies.ts';

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

/** Records answers in the order in which they were asked for, and returns what was told of each. */
const tell = (observations: Observations, ...answers: readonly WorkRequest[]): WorkRequest[] =>
  answers.map((answer, index) => observations.record(answer, index));
/** The same for fields of one work request. */
const tellFields = (...states: readonly Readonly<Record<string, unknown>>[]) => {
  const observations = createObservations();
  const told = tell(observations, ...states.map((fields) => workRequestOf(fields)));
  return { observations, told, statuses: told.map(({ status }) => status) };
};

describe('what was seen first', () => {
  test('is told as it is', () => {
    const seen = workRequestOf({ status: 'IN_PROGRESS', percentComplete: 10 });
    expect(createObservations().record(seen, 0)).toEqual(seen);
  });

  test('of one work request says nothing of another', () => {
    const observations = createObservations();
    tell(observations, workRequestOf({ status: 'SUCCEEDED' }));
    const other = workRequestOf({ status: 'ACCEPTED' }, { ref: refOf('other') });
    const elsewhere = workRequestOf(
      { status: 'ACCEPTED' },
      { ref: refOf(undefined, 'CONTAINERENGINE', 'eu-frankfurt-1') },
    );
    expect(observations.record(other, 1)).toEqual(other);
    expect(observations.record(elsewhere, 2)).toEqual(elsewhere);
    expect(observations.olderAnswers).toBe(0);
  });
});

describe('progress', () => {
  test('goes forward as upstream says', () => {
    const { statuses, observations } = tellFields(
      { status: 'ACCEPTED' },
      { status: 'IN_PROGRESS' },
      { status: 'WAITING' },
      { status: 'IN_PROGRESS' },
      { status: 'NEEDS_ATTENTION' },
      { status: 'IN_PROGRESS' },
      { status: 'SUSPENDED' },
      { status: 'IN_PROGRESS' },
      { status: 'CANCELING' },
      { status: 'CANCELED' },
    );
    expect(statuses).toEqual([
      'ACCEPTED',
      'IN_PROGRESS',
      'WAITING',
      'IN_PROGRESS',
      'NEEDS_ATTENTION',
      'IN_PROGRESS',
      'SUSPENDED',
      'IN_PROGRESS',
      'CANCELING',
      'CANCELED',
    ]);
    expect(observations.olderAnswers).toBe(0);
  });

  test('does not go back to an older timeUpdated', () => {
    const { told, observations } = tellFields(
      { status: 'WAITING', percentComplete: 60, timeUpdated: at(20) },
      { status: 'IN_PROGRESS', percentComplete: 70, timeUpdated: at(10) },
    );
    expect(told[1]).toMatchObject({ status: 'WAITING', percentComplete: 60, timeUpdated: new Date(at(20)) });
    expect(told.map(({ isPartial }) => isPartial)).toEqual([undefined, true]);
    expect(observations.olderAnswers).toBe(1);
  });

  test.each(['IN_PROGRESS', 'WAITING', 'SUSPENDED', 'NEEDS_ATTENTION', 'CANCELING', 'FAILED'])(
    'does not go back to ACCEPTED after %s',
    (status) => {
      expect(tellFields({ status }, { status: 'ACCEPTED' }, { status: 'CREATED' }).statuses).toEqual([
        status,
        status,
        status,
      ]);
    },
  );

  test('may go from a word nobody knows to ACCEPTED', () => {
    expect(tellFields({ status: 'QUEUED' }, { status: 'ACCEPTED' }).statuses).toEqual([
      'UNKNOWN',
      'ACCEPTED',
    ]);
  });

  test.each(['SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED', 'CANCELED', 'SKIPPED'])(
    'ends with %s',
    (status) => {
      const { told, observations } = tellFields(
        { status, timeFinished: at(9), percentComplete: 80 },
        { status: 'IN_PROGRESS', timeUpdated: at(30), percentComplete: 90 },
        { status: status === 'FAILED' ? 'SUCCEEDED' : 'FAILED' },
        { status: 'PAUSED' },
      );
      for (const each of told)
        expect(each).toMatchObject({ status, isTerminal: true, isCancelable: false, percentComplete: 80 });
      expect(observations.olderAnswers).toBe(3);
    },
  );

  test('after a timeFinished without a terminal word goes on to the word, and not back', () => {
    const { told } = tellFields(
      { status: 'IN_PROGRESS', timeFinished: at(9) },
      { status: 'IN_PROGRESS' },
      { status: 'SUCCEEDED', timeFinished: at(9) },
    );
    expect(told.map(({ status, isTerminal }) => [status, isTerminal])).toEqual([
      ['IN_PROGRESS', true],
      ['IN_PROGRESS', true],
      ['SUCCEEDED', true],
    ]);
  });

  test('keeps what only a newer answer of the same state adds', () => {
    const { told } = tellFields(
      { status: 'FAILED' },
      { status: 'FAILED', timeFinished: at(9), percentComplete: 50, resources: [{ identifier: 'x' }] },
    );
    expect(told[1]).toMatchObject({
      timeFinished: new Date(at(9)),
      percentComplete: 50,
      resources: [{ identifier: 'x' }],
    });
  });

  test('an older answer keeps its own other fields', () => {
    const { told } = tellFields(
      { status: 'SUCCEEDED' },
      { status: 'IN_PROGRESS', operationType: 'CLUSTER_CREATE', resources: [], note: 'x' },
    );
    expect(told[1]).toMatchObject({
      status: 'SUCCEEDED',
      operationType: 'CLUSTER_CREATE',
      resources: [],
      extras: { note: 'x' },
    });
  });
});

describe('percentComplete', () => {
  test('never falls within a run', () => {
    const { told } = tellFields(
      { percentComplete: 40 },
      { percentComplete: 30 },
      { percentComplete: 50 },
      { percentComplete: 50, status: 'WAITING' },
      { percentComplete: 0, status: 'IN_PROGRESS' },
      { percentComplete: 10, status: 'FAILED' },
    );
    expect(told.map(({ percentComplete }) => percentComplete)).toEqual([40, 40, 50, 50, 50, 50]);
  });

  test('does not fall over an answer that does not tell it', () => {
    const { told } = tellFields({ percentComplete: 40 }, {}, { percentComplete: 30 });
    expect(told.map(({ percentComplete }) => percentComplete)).toEqual([40, null, 40]);
  });

  test.each([['SUSPENDED'], ['SUSPENDING']])('begins anew with the run after %s', (status) => {
    const { told } = tellFields(
      { percentComplete: 40 },
      { percentComplete: 40, status },
      { percentComplete: 5 },
      { percentComplete: 3 },
    );
    expect(told.map(({ percentComplete }) => percentComplete)).toEqual([40, 40, 5, 5]);
  });

  test('does not begin anew on the way into suspension', () => {
    const { told } = tellFields(
      { percentComplete: 40, status: 'SUSPENDING' },
      { percentComplete: 5, status: 'SUSPENDED' },
    );
    expect(told.at(-1)?.percentComplete).toBe(40);
  });
});

describe('what is told again later', () => {
  test('is the same object for as long as it says the same', () => {
    const { record, refresh } = createObservations();
    const seen = record(workRequestOf({ status: 'IN_PROGRESS', percentComplete: 10 }), 1);
    expect(refresh(seen)).toBe(seen);
    record(workRequestOf({ status: 'IN_PROGRESS', percentComplete: 20 }), 2);
    expect(refresh(seen)).toMatchObject({ ...seen, percentComplete: 20 });
    expect(createObservations().refresh(seen)).toBe(seen);
  });
});

describe('an answer to an earlier call that comes late', () => {
  const early = { status: 'WAITING', percentComplete: 5 };
  const late = { status: 'IN_PROGRESS', percentComplete: 50 };

  test('is older than the answer to a later call', () => {
    const observations = createObservations();
    observations.record(workRequestOf(late), 2);
    expect(observations.record(workRequestOf(early), 1)).toMatchObject(late);
    expect(observations.olderAnswers).toBe(1);
    expect(observations.record(workRequestOf(early), 3)).toMatchObject({ ...early, percentComplete: 50 });
  });

  test('is told when it is terminal: nothing is newer than the end', () => {
    const observations = createObservations();
    observations.record(workRequestOf(late), 2);
    expect(observations.record(workRequestOf({ status: 'FAILED' }), 1).status).toBe('FAILED');
    expect(observations.record(workRequestOf(late), 3).status).toBe('FAILED');
  });

  test('is told when upstream itself says that it is newer', () => {
    const observations = createObservations();
    observations.record(workRequestOf({ ...late, timeUpdated: at(10) }), 2);
    expect(observations.record(workRequestOf({ ...early, timeUpdated: at(11) }), 1).status).toBe('WAITING');
  });

  test('is told when the later call was answered by a replica that lags', () => {
    const observations = createObservations();
    observations.record(workRequestOf(early), 1);
    expect(observations.record(workRequestOf({ status: 'ACCEPTED' }), 3)).toMatchObject({ isPartial: true });
    expect(observations.record(workRequestOf(late), 2)).toMatchObject(late);
  });

  test('of the same call, as the items of one list are, is not late', () => {
    const observations = createObservations();
    observations.record(workRequestOf(late), 2);
    expect(observations.record(workRequestOf(early), 2).status).toBe('WAITING');
  });
});

describe('an answer to an earlier call, where a list item told the newest without its time', () => {
  const listed = (fields: Record<string, unknown>): WorkRequest => ({
    ...workRequestOf(fields),
    origin: 'list',
  });

  test('is older, though its time is later than the last that was told', () => {
    const observations = createObservations();
    observations.record(workRequestOf({ status: 'ACCEPTED', timeUpdated: at(1) }), 1);
    observations.record(listed({ status: 'WAITING' }), 3);
    const late = observations.record(workRequestOf({ status: 'IN_PROGRESS', timeUpdated: at(5) }), 2);
    expect(late).toMatchObject({ status: 'WAITING', isPartial: true });
    expect(observations.record(workRequestOf({ status: 'IN_PROGRESS', timeUpdated: at(6) }), 4).status).toBe(
      'IN_PROGRESS',
    );
    // From here on a time is that of its state again.
    expect(
      observations.record(workRequestOf({ status: 'NEEDS_ATTENTION', timeUpdated: at(7) }), 3).status,
    ).toBe('NEEDS_ATTENTION');
  });

  test('brings a later time than the last that was told', () => {
    const observations = createObservations();
    observations.record(workRequestOf({ status: 'IN_PROGRESS', timeUpdated: at(1) }), 1);
    observations.record(listed({ status: 'WAITING' }), 3);
    const seen = workRequestOf({ status: 'WAITING', timeUpdated: at(5) });
    expect(observations.record(seen, 2).timeUpdated).toEqual(seen.timeUpdated);
    expect(
      observations.record(workRequestOf({ status: 'WAITING', timeUpdated: at(4) }), 2).timeUpdated,
    ).toEqual(seen.timeUpdated);
  });

  test('keeps the times that nobody told yet', () => {
    const observations = createObservations();
    observations.record(listed({ status: 'IN_PROGRESS' }), 2);
    const seen = workRequestOf({ status: 'IN_PROGRESS', timeStarted: at(1), timeUpdated: at(5) });
    const told = observations.record(seen, 1);
    expect(told).toMatchObject({ timeStarted: seen.timeStarted, timeUpdated: seen.timeUpdated });
    expect(observations.record(seen, 3)).toEqual(seen);
  });
});

describe('a list item that lacks what a get told', () => {
  const hub = refOf('ocid1.osmhworkrequest.oc1.iad.a', 'OSMANAGEMENTHUB');
  const assistant = refOf('ocid1.odaworkrequest.oc1.iad.a', 'ODA');

  test('does not make room for an older timeUpdated', () => {
    const observations = createObservations();
    const told = tell(
      observations,
      workRequestOf({ status: 'WAITING', timeUpdated: at(20) }, { ref: hub }),
      workRequestOf({ status: 'WAITING' }, { ref: hub, origin: 'list' }),
      workRequestOf({ status: 'IN_PROGRESS', timeUpdated: at(10) }, { ref: hub }),
    );
    expect(told.map(({ status }) => status)).toEqual(['WAITING', 'WAITING', 'WAITING']);
    expect(told[1]?.timeUpdated).toEqual(new Date(at(20)));
  });

  test('does not make room for a lower percentage, nor for a work request that is not finished', () => {
    const observations = createObservations();
    const told = tell(
      observations,
      workRequestOf({ percentComplete: 40, timeStarted: at(1) }, { ref: assistant }),
      workRequestOf({}, { ref: assistant, origin: 'list' }),
      workRequestOf({ percentComplete: 30 }, { ref: assistant }),
      workRequestOf({ percentComplete: 40, timeFinished: at(9) }, { ref: assistant }),
      workRequestOf({}, { ref: assistant, origin: 'list' }),
    );
    expect(told.map(({ percentComplete }) => percentComplete)).toEqual([40, 40, 40, 40, 40]);
    expect(told.map(({ isTerminal }) => isTerminal)).toEqual([false, false, false, true, true]);
    expect(told[2]?.timeStarted).toEqual(new Date(at(1)));
  });
});

describe('what only list items hold', () => {
  test('is added to gets, whose own members win', () => {
    const observations = createObservations();
    const [, get] = tell(
      observations,
      workRequestOf({ tags: { a: 1 }, both: 'list' }, { origin: 'list' }),
      workRequestOf({ both: 'get', parentId: 'p' }),
    );
    expect(get?.extras).toEqual({ tags: { a: 1 }, both: 'get', parentId: 'p' });
  });

  test('is not added to list items, and a later list replaces it', () => {
    const observations = createObservations();
    const told = tell(
      observations,
      workRequestOf({ tags: 1 }, { origin: 'list' }),
      workRequestOf({ other: 2 }, { origin: 'list' }),
      workRequestOf({}),
    );
    expect(told.map(({ extras }) => extras)).toEqual([{ tags: 1 }, { other: 2 }, { other: 2 }]);
  });

  test('called __proto__ is a member like any other', () => {
    const observations = createObservations();
    const member: unknown = JSON.parse('{"__proto__":{"x":1}}');
    const [, get] = tell(
      observations,
      workRequestOf(Object.fromEntries(Object.entries(member as object)), { origin: 'list' }),
      workRequestOf({}),
    );
    expect(Object.entries(get?.extras ?? {})).toEqual([['__proto__', { x: 1 }]]);
  });
});

describe('the compartment of an id', () => {
  test('is known once an answer told it, and stays known', () => {
    const observations = createObservations();
    expect(observations.compartmentOf(refOf())).toBeNull();
    tell(observations, workRequestOf({}), workRequestOf({ compartmentId: null }));
    expect(observations.compartmentOf(refOf())).toBe(compartment);
    expect(observations.compartmentOf(refOf('other'))).toBeNull();
  });
});

describe('a hint from the types that lists showed', () => {
  const id = 'ocid1.newworkrequest.oc1.iad.a';
  const listed = (service: 'ADM' | 'PSQL', workRequestId = id): WorkRequest =>
    workRequestOf({}, { ref: refOf(workRequestId, service), origin: 'list' });

  test('is given where one service showed the type', () => {
    const observations = createObservations();
    expect(observations.serviceOfListedType('newworkrequest')).toBeNull();
    tell(observations, listed('ADM'), listed('ADM', 'ocid1.newworkrequest.oc1.iad.b'));
    expect(observations.serviceOfListedType('newworkrequest')).toBe('ADM');
  });

  test('is withdrawn where a second service shows it', () => {
    const observations = createObservations();
    tell(observations, listed('ADM'), listed('PSQL'));
    expect(observations.serviceOfListedType('newworkrequest')).toBeNull();
  });

  test('is not drawn from gets, whose service the caller may have made up, nor from ids that are no OCIDs', () => {
    const observations = createObservations();
    tell(
      observations,
      workRequestOf({}, { ref: refOf(id, 'ADM') }),
      listed('ADM', '3f2c8a52-9d0e-4b2e-8f60-0a8b7a4f3c11'),
    );
    expect(observations.serviceOfListedType('newworkrequest')).toBeNull();
    expect(observations.serviceOfListedType('')).toBeNull();
  });
});

describe('the memory', () => {
  test('is bounded: the longest unseen is forgotten first', () => {
    const observations = createObservations({ capacity: 3 });
    const seen = (name: string, status = 'FAILED'): WorkRequest =>
      observations.record(workRequestOf({ status }, { ref: refOf(name) }), 0);
    for (const name of ['a', 'b', 'c', 'a', 'd']) seen(name);
    const known = ['a', 'b', 'c', 'd'].filter((name) => observations.compartmentOf(refOf(name)) !== null);
    expect(known).toEqual(['a', 'c', 'd']);
    expect(seen('b', 'IN_PROGRESS').status).toBe('IN_PROGRESS');
  });

  test('keeps what is held, known before or after, until it is let go', () => {
    const observations = createObservations({ capacity: 2 });
    const see = (name: string): WorkRequest =>
      observations.record(workRequestOf({ status: 'FAILED' }, { ref: refOf(name) }), 0);
    const isKnown = (name: string): boolean => observations.compartmentOf(refOf(name)) !== null;
    const held = see('held').id;
    observations.hold(held);
    observations.hold(workRequestOf({}, { ref: refOf('unseen') }).id);
    for (const name of ['unseen', 'a', 'b', 'c']) see(name);
    expect(['held', 'unseen', 'a', 'b', 'c'].map(isKnown)).toEqual([true, true, false, true, true]);
    observations.release(held);
    expect(isKnown('held')).toBe(true);
    for (const name of ['d', 'e']) see(name);
    expect(isKnown('held')).toBe(false);
  });

  test('of types is bounded too', () => {
    const observations = createObservations();
    for (let index = 0; index <= 1_000; index += 1)
      observations.record(
        workRequestOf({}, { ref: refOf(`ocid1.t${index}.oc1.iad.a`, 'ADM'), origin: 'list' }),
        index,
      );
    expect(observations.serviceOfListedType('t0')).toBeNull();
    expect(observations.serviceOfListedType('t1000')).toBe('ADM');
  });
});

describe('of two states', () => {
  test('the same one is never older than itself', () => {
    for (const status of ['ACCEPTED', 'IN_PROGRESS', 'SUCCEEDED', 'PAUSED'])
      expect(isOlderThan(workRequestOf({ status }), workRequestOf({ status }))).toBe(false);
  });
});
