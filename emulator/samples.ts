/**
 * Living demo data: work requests that start, progress, wait, need attention, fail, are canceled and finish, with new ones born all the time. All of
 * it follows from the clock: a slot bears one work request per period, generation after generation, and is caught up with when somebody looks.
 * The ids of a generation are the same at every start, so that a query in the README can be pasted.
 */
import { dialectOf } from './dialects.ts';
import { ocid, workRequestId } from './ids.ts';
import { createLife } from './lives.ts';
import { sampleCompartments } from './places.ts';
import type { Places } from './places.ts';
import { samplePlots } from './sample-plots.ts';
import type { SamplePlot } from './sample-plots.ts';
import type { Store } from './store.ts';

export const sampleRegions = ['us-ashburn-1', 'eu-frankfurt-1'] as const;

export interface Samples {
  catchUp(nowMs: number): void;
}

/** So many generations of a slot are kept, whatever the retention says. */
const keptGenerations = 8;

interface Slot {
  readonly name: string;
  readonly plot: SamplePlot;
  readonly region: string;
  /** Scripted milliseconds after the start at which generation 0 is born; negative: before it. */
  readonly phaseMs: number;
}

/** Ids of generation 0, one per service; alive when the emulator starts, Kubernetes Engine's for several minutes. */
export const sampleIds = Object.fromEntries(
  samplePlots
    .map((plot) => [plot.service, idOf({ name: plot.name, region: plot.regions[0] ?? '' }, plot, 0)])
    .reverse(),
) as Readonly<Record<SamplePlot['service'], string>> & { readonly CONTAINERENGINE: string };

export function createSamples(store: Store, places: Places, startMs: number): Samples {
  const slots = samplePlots.flatMap((plot) =>
    plot.regions.map((region, index): Slot => ({
      name: plot.name,
      plot,
      region,
      // The second region is out of step with the first.
      phaseMs: -plot.ageMs - (index * plot.periodMs) / 3,
    })),
  );
  const born = new Map<Slot, number>();
  const catchUp = (nowMs: number): void => {
    for (const slot of slots) {
      const { periodMs } = slot.plot;
      const newest = Math.floor((nowMs - startMs - slot.phaseMs) / periodMs);
      const done = born.get(slot) ?? -4;
      if (newest <= done) continue;
      for (
        let generation = Math.max(done + 1, newest - keptGenerations + 1);
        generation <= newest;
        generation += 1
      ) {
        bear(slot, generation, startMs, nowMs);
        store.remove(idOf(slot, slot.plot, generation - keptGenerations));
      }
      // A jump of the clock skips generations; those before them are too old then.
      for (
        let generation = done - keptGenerations;
        generation <= Math.min(done, newest - keptGenerations);
        generation += 1
      ) {
        store.remove(idOf(slot, slot.plot, generation));
      }
      born.set(slot, newest);
    }
  };
  const bear = (slot: Slot, generation: number, startMs: number, nowMs: number): void => {
    const { plot, region } = slot;
    const dialect = dialectOf(plot.service);
    if (!dialect) throw new Error(`samples know no service ${plot.service}`);
    const acceptedMs = startMs + slot.phaseMs + generation * plot.periodMs;
    const turn =
      plot.turns[((generation % plot.turns.length) + plot.turns.length) % plot.turns.length] ?? plot.turns[0];
    if (!turn) throw new Error(`the plot ${plot.name} has no turns`);
    const compartmentId = sampleCompartments[plot.compartment];
    const target = ocid(plot.resourceType, region, `samples/${plot.name}/${region}/${generation % 3}`);
    const body = turn({ dialect, target });
    const life = createLife(
      dialect,
      { service: plot.service, region, acceptedMsAgo: nowMs - acceptedMs, ...body },
      {
        id: idOf(slot, plot, generation),
        compartmentId,
        parents: places.settleParents(dialect.parentNames, {}, region, compartmentId),
      },
      nowMs,
    );
    store.add(life);
  };
  catchUp(startMs);
  return { catchUp };
}

function idOf(
  slot: { readonly name: string; readonly region: string },
  plot: SamplePlot,
  generation: number,
): string {
  return workRequestId(plot.service, slot.region, `samples/${slot.name}/${slot.region}/${generation}`);
}
