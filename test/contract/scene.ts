/** The work requests that both sides read: one for each status word of the API, and those that are odd in some way. */
import { dialectOf } from '../../emulator/dialects.ts';
import type { Dialect, Field } from '../../emulator/dialects.ts';
import type { CreateBody, Emulator } from '../../emulator/emulator.ts';
import { wordFor } from '../../emulator/lives.ts';

export interface Actor {
  readonly id: string;
  /** What it is there for; names it in reports. */
  readonly role: string;
}

export interface Scene {
  readonly compartmentId: string;
  /** What this API lists by, by parameter name: `loadBalancerId`, `namespaceName`, … */
  readonly parents: Readonly<Record<string, string>>;
  readonly actors: readonly Actor[];
  /** Errors and log entries that `failed` has; the others have none. */
  readonly entries: number;
}

type Part = Omit<CreateBody, 'service' | 'region' | 'compartmentId' | 'count'>;

const roles = (dialect: Dialect): Readonly<Record<string, Part>> => {
  const running = wordFor(dialect, 'IN_PROGRESS');
  const optional = optionalNames(dialect);
  const nulls = (fields: readonly Field[]) =>
    Object.fromEntries(fields.filter(({ name }) => optional.includes(name)).map(({ name }) => [name, null]));
  const words = dialect.statusWords.map((word, index): [string, Part] => [
    word,
    { script: through(dialect, word, 12.5 * index), resources },
  ]);
  return {
    ...Object.fromEntries(words),
    failed: {
      script: through(dialect, wordFor(dialect, 'FAILED'), 66.25),
      resources,
      errors: entries.map((entry, index) => ({ ...entry, code: `Code${index}` })).concat(oddError),
      logs: [...entries, oddLog],
    },
    'a word that nobody knows': { script: through(dialect, 'RESTING', 5) },
    'a word in another letter case': { script: through(dialect, 'succeeded', 5) },
    'no word': { script: [{ status: null, percentComplete: 1 }] },
    'finished by its time alone': {
      script: through(dialect, running, 90),
      native: { timeFinished: '2026-01-02T03:04:05.678+02:00' },
    },
    'nothing that is optional': {
      script: through(dialect, running, 10),
      omit: [...optional],
    },
    'null for what is optional': {
      script: through(dialect, running, 10),
      nativeInGet: nulls(dialect.fields),
      nativeInListItem: nulls(dialect.itemFields),
    },
    'fields of tomorrow': {
      script: through(dialect, running, 10),
      native: { mood: 'calm', plan: { steps: [1, { name: 'two' }], isBold: true } },
      nativeInListItem: { onlyInList: 7 },
      resources: [{ entityType: 'thing', identifier: 'ocid1.thing.oc1..a', tint: { name: 'green' } }],
    },
    'no resources': { script: through(dialect, running, 10), resources: [] },
    'no id in the list': {
      script: through(dialect, running, 10),
      nativeInListItem: { id: null, workRequestId: null },
    },
  };
};

/**
 * What get and list item both can do without, so that they agree. Some APIs call even the id optional; without it there
 * is no work request, and without its compartment no way to ask for errors where that is required.
 */
const optionalNames = ({ operations, fields, itemFields }: Dialect): readonly string[] => {
  const needsCompartment = operations.errors?.requiredQuery.includes('compartmentId') === true;
  const needed = ['id', 'workRequestId', ...(needsCompartment ? ['compartmentId'] : [])];
  const all = [...fields, ...itemFields];
  const required = all.filter(({ isOptional }) => !isOptional).map(({ name }) => name);
  return [...new Set(all.map(({ name }) => name))].filter(
    (name) => !required.includes(name) && !needed.includes(name),
  );
};

const resources: NonNullable<Part['resources']> = [
  {
    entityType: 'cluster',
    actionType: 'CREATED',
    identifier: 'ocid1.cluster.oc1..a',
    entityUri: '/clusters/ocid1.cluster.oc1..a',
  },
  { entityType: 'node pool', identifier: 'ocid1.nodepool.oc1..b', entityUri: 'https://example.com/b' },
  { entityType: 'bare' },
];

const entries = Array.from({ length: 4 }, (_, index) => ({
  message: `entry ${index}: "quoted", ünïcode, \\ and\na second line`,
  afterMs: 1000 * index,
}));
/** Neither of what an entry usually has. */
const oddError = {
  code: 'Lost',
  message: 'lost',
  afterMs: 9000,
  omit: ['code', 'errorCode', 'message', 'timestamp', 'timeStamp'],
};
const oddLog = { message: 'lost', afterMs: 9000, omit: ['message', 'timestamp', 'timeStamp'] };

const through = (dialect: Dialect, word: string, percentComplete: number): CreateBody['script'] => [
  { status: wordFor(dialect, 'ACCEPTED'), percentComplete: 0 },
  { afterMs: 1000, status: word, percentComplete },
];

export const stage = (emulator: Emulator, service: string, region: string): Scene => {
  const dialect = dialectOf(service);
  if (dialect === null) throw new Error(`the emulator has no ${service}`);
  const compartmentId = `ocid1.compartment.oc1..${service.toLowerCase()}`;
  const actors = Object.entries(roles(dialect)).map(([role, part], index) => {
    const { id } = emulator.createWorkRequest({
      service,
      region,
      compartmentId,
      // Different times of acceptance give the lists an order of their own.
      acceptedMsAgo: 60_000 + 1000 * ((index * 7) % 10),
      operationType:
        dialect.operationWords.at(index % Math.max(1, dialect.operationWords.length)) ?? 'Move it',
      ...part,
    });
    return { id, role };
  });
  const parents = emulator.readWorkRequest(actors[0]?.id ?? '')?.parents ?? {};
  return { compartmentId, parents, actors, entries: entries.length + 1 };
};

/** Alike ones that are under way, in a compartment of their own. */
export const stageRunning = (
  emulator: Emulator,
  service: string,
  region: string,
  count: number,
): readonly string[] => {
  const dialect = dialectOf(service);
  if (dialect === null) throw new Error(`the emulator has no ${service}`);
  return emulator.createWorkRequest({
    service,
    region,
    compartmentId: `ocid1.compartment.oc1..${service.toLowerCase()}running`,
    count,
    acceptedMsAgo: 60_000,
    cancelTakesMs: cancelTakesMs,
    script: through(dialect, wordFor(dialect, 'IN_PROGRESS'), 30),
  }).ids;
};

export const cancelTakesMs = 2_000;
