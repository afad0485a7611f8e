/**
 * Living demo data: work requests that start, progress, wait, need attention, fail, are canceled and finish, with new ones born all the time. All of
 * it follows from the clock: a slot bears one work request per period, generation after generation, and is caught up with when somebody looks.
 * They last as long as any other, twelve hours from their end. The ids of a generation are the same at every start, so that a query in the README can
 * be pasted.
 */
import { dialectOf } from './dialects.ts';
import { workRequestId } from './ids.ts';
import { createLife } from './lives.ts';
import type { Life } from './lives.ts';
import { sampleCompartments, sampleTenancy } from './places.ts';
import type { Places } from './places.ts';
import { samplePlots } from './sample-plots.ts';
import type { SamplePlot } from './sample-plots.ts';
import type { Store } from './store.ts';

export const sampleRegions = ['us-ashburn-1', 'eu-frankfurt-1'] as const;

/** What a newcomer is shown first. */
export interface SampleIds {
  readonly tenancy: string;
  /** Early on its way at every start, with a percentage and logs, for some minutes; null: no region has it. */
  readonly progressing: string | null;
  /** Another one, that can be canceled. */
  readonly cancelable: string | null;
}

export interface Samples {
  catchUp(nowMs: number): void;
}

/** So many generations of a slot are there at the start. */
const firstGenerations = 4;
/** So many are born at one look at most, however far the clock has jumped or however long nobody looked. */
const mostAtOnce = 12;
/** The second region is out of step with the first by so much, or a third of the period. */
const stepMs = 20_000;

interface Slot {
  readonly plot: SamplePlot;
  readonly region: string;
  /** Scripted milliseconds after the start at which generation 0 is born; negative: before it. */
  readonly phaseMs: number;
}

/** In the first of these regions that has samples. */
export function sampleIdsIn(regions: readonly string[]): SampleIds {
  const region = regions.find((one) => sampleRegions.some((sample) => sample === one));
  const idOfFirst = (name: string): string | null => {
    const plot = samplePlots.find((one) => one.name === name);
    return plot && region !== undefined && plot.regions.includes(region) ? idOf(plot, region, 0) : null;
  };
  return {
    tenancy: sampleTenancy,
    progressing: idOfFirst('dbsystem'),
    cancelable: idOfFirst('cluster-create'),
  };
}

export function createSamples(store: Store, places: Places, startMs: number): Samples {
  const slots = samplePlots.flatMap((plot) =>
    plot.regions.map((region, index): Slot => ({
      plot,
      region,
      phaseMs: -plot.ageMs - index * Math.min(stepMs, plot.periodMs / 3),
    })),
  );
  const born = new Map<Slot, number>();
  const catchUp = (nowMs: number): void => {
    for (const slot of slots) {
      const { plot, region, phaseMs } = slot;
      const newest = Math.floor((nowMs - startMs - phaseMs) / plot.periodMs);
      const done = born.get(slot) ?? -firstGenerations;
      if (newest <= done) continue;
      born.set(slot, newest);
      store.dropGone(plot.service, region, nowMs);
      const oldest = Math.max(done, newest - mostAtOnce) + 1;
      for (let generation = oldest; generation <= newest; generation += 1) {
        store.add(bear(slot, generation, nowMs));
      }
    }
  };
  const bear = ({ plot, region, phaseMs }: Slot, generation: number, nowMs: number): Life => {
    const dialect = dialectOf(plot.service);
    if (!dialect) throw new Error(`samples know no service ${plot.service}`);
    const acceptedMs = startMs + phaseMs + generation * plot.periodMs;
    const turn =
      plot.turns[((generation % plot.turns.length) + plot.turns.length) % plot.turns.length] ?? plot.turns[0];
    if (!turn) throw new Error(`the plot ${plot.name} has no turns`);
    const compartmentId = sampleCompartments[plot.compartment];
    const story = turn({ dialect, region, seed: `samples/${plot.name}/${region}/${generation % 3}` });
    return createLife(
      dialect,
      { service: plot.service, region, acceptedMsAgo: nowMs - acceptedMs, ...story },
      {
        id: idOf(plot, region, generation),
        compartmentId,
        parents: places.settleParents(dialect.parentNames, {}, region, compartmentId),
      },
      nowMs,
    );
  };
  catchUp(startMs);
  return { catchUp };
}

function idOf(plot: SamplePlot, region: string, generation: number): string {
  return workRequestId(plot.service, region, `samples/${plot.name}/${region}/${generation}`);
}
