/**
 * What happens in one run, made of its seed alone: which work requests there are and how they live (the true history),
 * what goes wrong upstream and when, and who comes, reads and leaves. Times are milliseconds since the run began.
 */
import type { ServiceName } from '../../datasources/catalog.ts';
import type { StepBody } from '../../emulator/control-schemas.ts';
import { dialectOf } from '../../emulator/dialects.ts';
import { wordFor } from '../../emulator/lives.ts';
import type { ListScope } from '../../datasources/list-watch.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';

export interface Scene {
  readonly seed: number;
  readonly settings: Settings;
  readonly plots: readonly Plot[];
  readonly troubles: readonly Trouble[];
  /** In the order of their times. */
  readonly acts: readonly Act[];
}

export interface Settings {
  readonly pollMinMs: number;
  /** In half of the scenes the same as `pollMinMs`: then it is known when exactly silence becomes a GAP. */
  readonly pollMaxMs: number;
  readonly deadlineMs: number;
  readonly rps: number;
  readonly bufferSize: number;
  /** Acts and troubles end here; then everything may come to its end. */
  readonly activeMs: number;
}

/** One work request. */
export interface Plot {
  readonly service: ServiceName;
  readonly region: string;
  readonly compartmentId: string;
  readonly kind: PlotKind;
  readonly acceptedMsAgo: number;
  readonly script: readonly StepBody[];
  readonly retryAfterSeconds: number | null;
  /** When it comes to be; 0: it was there before. */
  readonly bornAt: number;
  /** When upstream forgets it, if it does. */
  readonly forgottenAt: number | null;
}

export const plotKinds = [
  'steady',
  'quick',
  'wavering',
  'suspended',
  'falling',
  'unspoken',
  'endless',
  'forgotten',
] as const;
export type PlotKind = (typeof plotKinds)[number];

export type TroubleKind = (typeof troubleKinds)[number];
export const troubleKinds = [
  'throttled',
  'throttledWithHeader',
  'unavailable',
  'reset',
  'cut',
  'truncated',
  'slow',
  'hanging',
  'absent',
  'forbidden',
  'stale',
] as const;

export interface Trouble {
  readonly kind: TroubleKind;
  readonly from: number;
  readonly to: number;
  /** How many of the calls are hit. */
  readonly share: number;
  /** Whose calls: one work request's (its index), or one service's. */
  readonly plot: number | null;
  readonly service: ServiceName;
  /** Seconds of `retry-after`, milliseconds of delay or age: what the kind needs. */
  readonly amount: number;
}

export type Act =
  | {
      readonly kind: 'join';
      readonly at: number;
      readonly who: number;
      readonly plot: number;
      readonly reader: Reader;
    }
  | {
      readonly kind: 'joinList';
      readonly at: number;
      readonly who: number;
      readonly scope: ListScope;
      readonly reader: Reader;
    }
  /** `waitForWorkRequest` */
  | {
      readonly kind: 'wait';
      readonly at: number;
      readonly who: number;
      readonly plot: number;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'leave'; readonly at: number; readonly who: number }
  | { readonly kind: 'get' | 'cancel'; readonly at: number; readonly plot: number }
  | { readonly kind: 'list'; readonly at: number; readonly plot: number }
  | { readonly kind: 'jump'; readonly at: number; readonly ms: number };

/** How a subscriber reads: as fast as it can, one event now and then, or only when all is over. */
export type Reader =
  | { readonly kind: 'eager' }
  | { readonly kind: 'slow'; readonly everyMs: number }
  | { readonly kind: 'late' };

const minute = 60_000;
const hour = 60 * minute;

/** Complete list items with and without `timeUpdated`, bare arrays, incomplete ones, gets only, embedded errors. */
const services: readonly ServiceName[] = [
  'DATABASETOOLS',
  'DATABASETOOLS',
  'DEVOPS',
  'BASTION',
  'CONTAINERENGINE',
  'MYSQL',
  'OSMANAGEMENTHUB',
  'IDENTITY',
  'BLOCKCHAIN',
  'LOADBALANCER',
];
const payments = 'ocid1.compartment.oc1..payments';
const tests = 'ocid1.compartment.oc1..tests';
const analytics = 'ocid1.compartment.oc1..analytics';
/** What lies in what; null: in the tenancy. */
export const parentOf: Readonly<Record<string, string | null>> = {
  [payments]: null,
  [tests]: payments,
  [analytics]: null,
};

export const homeRegion = 'us-ashburn-1';
export const regions: readonly string[] = [homeRegion, 'us-phoenix-1'];

/** Whose list items hold every field, so that a list can be read for all. */
const listed: readonly ServiceName[] = ['DATABASETOOLS', 'DEVOPS', 'BASTION', 'CONTAINERENGINE'];

/** Whose get and list items tell `timeUpdated`. */
const hasUpdateTime = (service: ServiceName): boolean => service === 'DATABASETOOLS';

export const createScene = (seed: number): Scene => {
  const random = createRandom(seed);
  const settings = createSettings(random.fork('settings'));
  const crowd = random.fork('crowd');
  if (crowd.chance(0.12)) return createCrowdedScene(seed, crowd, settings);
  const plots = createPlots(random.fork('plots'), settings);
  const acts = [
    ...createActs(random.fork('acts'), plots, settings),
    ...createWaits(random.fork('waits'), plots, settings),
  ];
  return {
    seed,
    settings,
    plots,
    troubles: createTroubles(random.fork('troubles'), plots, settings),
    acts: acts.sort((one, other) => one.at - other.at),
  };
};

/**
 * Many work requests of a few places that share one budget, all watched, and too few calls for them; one of them is in no
 * list any more, and does not answer.
 */
const createCrowdedScene = (seed: number, random: Random, given: Settings): Scene => {
  const settings = {
    ...given,
    rps: random.pick([1, 2]),
    pollMinMs: 1_000,
    pollMaxMs: random.pick([1_000, 1_000, 5_000]),
    deadlineMs: 5_000,
  };
  const { activeMs } = settings;
  const service = random.pick(listed);
  const place = { service, region: homeRegion, compartmentId: payments };
  const sick = { ...createPlot(random, settings, service), ...place, bornAt: 0, forgottenAt: 10_000 };
  const plots: readonly Plot[] = [
    sick,
    ...Array.from({ length: random.between(6, 9) }, (_, index) => ({
      ...createPlot(random, settings, service),
      ...place,
      compartmentId: [payments, tests, analytics][index % 3] ?? payments,
      retryAfterSeconds: null,
    })),
  ];
  const troubles: readonly Trouble[] = [
    {
      kind: 'hanging',
      from: 10_000,
      to: activeMs,
      share: 1,
      plot: 0,
      service,
      amount: 0,
    },
  ];
  const acts = plots.flatMap((plot, who): Act[] => {
    const at = plot.bornAt + random.between(0, 2_000);
    const staying: Act = { kind: 'join', at, who, plot: who, reader: { kind: 'eager' } };
    return who > 0 && random.chance(0.2)
      ? [staying, { kind: 'leave', at: random.between(at, activeMs), who }]
      : [staying];
  });
  const lists = createActs(random, plots, settings).filter(({ kind }) => kind === 'joinList');
  return {
    seed,
    settings,
    plots,
    troubles,
    acts: [...acts, ...(random.chance(0.3) ? lists : [])].sort((one, other) => one.at - other.at),
  };
};

const createSettings = (random: Random): Settings => {
  const pollMinMs = random.pick([1_000, 2_000, 5_000]);
  return {
    pollMinMs,
    pollMaxMs: random.chance(0.5) ? pollMinMs : random.pick([10_000, 30_000]),
    deadlineMs: random.pick([2_000, 5_000]),
    rps: random.pick([5, 10]),
    bufferSize: random.pick([2, 4, 100]),
    activeMs: random.pick([3, 5]) * minute,
  };
};

const createPlots = (random: Random, settings: Settings): readonly Plot[] => {
  // Several of one service and compartment, and a few others.
  const crowd = random.pick(services);
  return Array.from({ length: random.between(2, 6) }, (_, index) =>
    createPlot(random, settings, index < 3 ? crowd : random.pick(services)),
  );
};

const createPlot = (random: Random, { activeMs }: Settings, service: ServiceName): Plot => {
  const kind = random.pick(plotKinds);
  const age =
    kind === 'forgotten'
      ? random.pick([11.95 * hour, 14 * hour, 2 * hour])
      : random.pick([0, 5_000, minute, 30 * minute]);
  const bornAt = kind !== 'forgotten' && random.chance(0.25) ? random.between(1, activeMs / 2) : 0;
  const acceptedMsAgo = bornAt > 0 ? 0 : Math.round(age);
  return {
    service,
    region: service !== 'IDENTITY' && random.chance(0.15) ? random.pick(regions) : homeRegion,
    compartmentId: random.chance(0.7) ? payments : random.pick([payments, tests, analytics]),
    kind,
    bornAt,
    acceptedMsAgo,
    script: createScript(random, kind, service, acceptedMsAgo, activeMs),
    retryAfterSeconds: random.pick([null, null, 1, 7, 40]),
    forgottenAt: kind === 'forgotten' ? random.between(minute / 2, activeMs) : null,
  };
};

/** Percentages and words as they come; the first step is the acceptance, the others follow from now on. */
const createScript = (
  random: Random,
  kind: PlotKind,
  service: ServiceName,
  ago: number,
  activeMs: number,
): readonly StepBody[] => {
  const dialect = dialectOf(service);
  if (dialect === null) throw new Error(`${service} is not in the emulator`);
  let at = ago;
  const steps: StepBody[] = [{ afterMs: 0, status: wordFor(dialect, 'ACCEPTED'), percentComplete: 0 }];
  const spread = kind === 'quick' ? 1_500 : activeMs / 6;
  const add = (what: StepBody): void => {
    at += random.between(1, spread);
    steps.push({ ...what, afterMs: at });
  };
  const word = (common: string): string => wordFor(dialect, common);
  let percent = 0;
  const work = (times: number): void => {
    add({ status: word('IN_PROGRESS'), percentComplete: percent });
    for (let i = 0; i < times; i += 1) {
      percent = Math.min(99, percent + random.between(0, 25));
      add({ percentComplete: kind === 'falling' && random.chance(0.5) ? Math.floor(percent / 2) : percent });
    }
  };
  work(random.between(1, 4));
  for (let rounds = random.between(0, 3); rounds > 0; rounds -= 1) {
    if (kind === 'wavering') {
      // After a word that nobody knows ACCEPTED counts as news where no time says otherwise.
      add({
        status: random.pick(['WAITING', 'NEEDS_ATTENTION', hasUpdateTime(service) ? 'PONDERING' : 'WAITING']),
      });
      work(random.between(0, 2));
    } else if (kind === 'suspended') {
      add({ status: 'SUSPENDING' });
      add({ status: 'SUSPENDED' });
      percent = random.between(0, percent);
      work(random.between(0, 2));
    } else work(random.between(1, 2));
  }
  if (kind === 'unspoken') {
    add({ native: { timeFinished: '2026-01-01T12:00:00.000Z' } });
    // The word may follow before the second look, after it, or never.
    if (random.chance(0.6)) add({ status: word('SUCCEEDED'), percentComplete: 100 });
  } else if (kind !== 'endless' && kind !== 'forgotten') {
    add({ status: word(random.pick(['SUCCEEDED', 'FAILED', 'CANCELED'])) });
  }
  // The number of each step goes along as a field that the API does not know: whatever is told says which one it was.
  return steps.map((step, version) => ({ ...step, native: { ...step.native, version } }));
};

const createTroubles = (
  random: Random,
  plots: readonly Plot[],
  { activeMs, deadlineMs }: Settings,
): readonly Trouble[] =>
  Array.from({ length: random.between(0, 7) }, () => {
    const kind = random.pick(troubleKinds);
    const index = random.between(0, plots.length - 1);
    const { service } = plots[index] as Plot;
    const from = random.between(0, activeMs);
    return {
      kind,
      from,
      to: Math.min(activeMs, from + random.pick([3_000, 20_000, 100_000])),
      share: kind === 'forbidden' ? 0.2 : random.pick([0.3, 0.7, 1]),
      plot: random.chance(0.5) ? index : null,
      service,
      amount:
        {
          throttledWithHeader: random.pick([1, 5, 30]),
          slow: random.between(200, deadlineMs - 100),
          // Without `timeUpdated` only the first of all states can be told to be an old one.
          stale: hasUpdateTime(service) ? random.between(1_000, 60_000) : Infinity,
        }[kind as string] ?? 0,
    };
  });

/** Subscribers to lists, and those who wait, are numbered from here. */
const firstOfLists = 100;
const firstOfWaits = 200;

const filters: readonly ListScope['filter'][] = [
  { isTerminal: false },
  { isTerminal: true },
  { statuses: ['IN_PROGRESS', 'WAITING'] },
  { statuses: ['SUCCEEDED', 'FAILED'] },
  { statuses: ['SUSPENDED', 'NEEDS_ATTENTION', 'ACCEPTED'] },
  // The run begins at that time.
  { acceptedAfter: new Date(Date.UTC(2026, 0, 1) - 10_000) },
];

/** The place of one work request, or more than that. */
const createScope = (random: Random, plots: readonly Plot[]): ListScope => {
  const { service, region, compartmentId } = random.pick(plots);
  const isWide = random.chance(0.4);
  const isDeep = isWide && random.chance(0.6);
  const others = plots.filter(() => random.chance(0.5)).map((plot) => plot.service);
  return {
    compartmentId: isDeep ? payments : compartmentId,
    includeSubcompartments: isDeep,
    services: isWide ? [...new Set([service, ...others])] : [service],
    regions: !isWide ? [region] : random.chance(0.5) ? null : regions,
    filter: random.chance(0.4) ? random.pick(filters) : {},
  };
};

const createWaits = (random: Random, plots: readonly Plot[], { activeMs }: Settings): readonly Act[] =>
  Array.from({ length: Math.max(0, random.between(-1, 3)) }, (_, index) => ({
    kind: 'wait' as const,
    at: random.between(0, activeMs),
    who: firstOfWaits + index,
    plot: random.between(0, plots.length - 1),
    timeoutMs: random.pick([0, 5_000, 30_000, 300_000]),
  }));

const createActs = (random: Random, plots: readonly Plot[], settings: Settings): readonly Act[] => {
  const { activeMs } = settings;
  const anyPlot = (): number => random.between(0, plots.length - 1);
  const acts: Act[] = [];
  for (let who = random.between(2, 14) - 1; who >= 0; who -= 1) {
    const at = random.chance(0.4) ? random.between(0, 2_000) : random.between(0, activeMs);
    const reader: Reader = random.pick<Reader>([
      { kind: 'eager' },
      { kind: 'eager' },
      { kind: 'slow', everyMs: random.pick([1_000, 15_000, 60_000]) },
      { kind: 'late' },
    ]);
    acts.push({ kind: 'join', at, who, plot: anyPlot(), reader });
    if (random.chance(0.4)) acts.push({ kind: 'leave', at: random.between(at, activeMs), who });
  }
  for (let who = random.between(0, 3); who > 0; who -= 1) {
    const at = random.chance(0.4) ? random.between(0, 2_000) : random.between(0, activeMs);
    const reader: Reader = random.pick<Reader>([
      { kind: 'eager' },
      { kind: 'slow', everyMs: 2_000 },
      { kind: 'late' },
    ]);
    const scope = createScope(random, plots);
    acts.push({ kind: 'joinList', at, who: firstOfLists + who, scope, reader });
    if (random.chance(0.4))
      acts.push({ kind: 'leave', at: random.between(at, activeMs), who: firstOfLists + who });
  }
  const others = random.between(0, 12);
  for (let i = 0; i < others; i += 1) {
    const at = random.between(0, activeMs);
    acts.push({ kind: random.pick(['get', 'list', 'list'] as const), at, plot: anyPlot() });
  }
  if (random.chance(0.3)) acts.push({ kind: 'cancel', at: random.between(0, activeMs), plot: anyPlot() });
  const jumps = random.chance(0.3) ? random.between(1, 2) : 0;
  for (let i = 0; i < jumps; i += 1) {
    const ms = random.pick([-hour, -20_000, -2_000, 2_000, 20_000, hour / 2]);
    acts.push({ kind: 'jump', at: random.between(0, activeMs), ms });
  }
  return acts;
};
