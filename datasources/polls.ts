/**
 * How what is watched is read: by calls that wait for their turn as long as somebody wants them, looks of one breath together,
 * and everything that a list brings told to all who watch it.
 */
import { createDiscover } from './discovery.ts';
import type { Discover, Place } from './discovery.ts';
import { createLoaders } from './loaders.ts';
import type { Loaders } from './loaders.ts';
import type { Observations } from './observations.ts';
import type { ParentFinder } from './parents.ts';
import type { Errand, WorkRequest, WorkRequestRef, WorkRequestSource } from './types.ts';

export interface PollsOptions {
  readonly source: { for(errand: Errand): WorkRequestSource };
  readonly parents: { for(errand: Errand): ParentFinder };
  readonly observations: Observations;
  /** Whether anybody watches this work request, or this list. */
  readonly isWatched: (ref: WorkRequestRef) => boolean;
  readonly isListed: (place: Place) => boolean;
  /** What a list brought beside what it was read for. */
  readonly pass: (item: WorkRequest) => void;
}

export interface Polls {
  readonly loaders: Loaders;
  readonly discover: Discover;
  readonly parents: ParentFinder;
}

export const createPolls = ({
  source,
  parents,
  observations,
  isWatched,
  isListed,
  pass,
}: PollsOptions): Polls => {
  const errand: Errand = { endsAt: Infinity, isPatient: true };
  const patient = source.for(errand);
  const patientIf = (isWanted: () => boolean): WorkRequestSource => source.for({ ...errand, isWanted });
  const told = async (
    reading: ReturnType<WorkRequestSource['list']>,
  ): ReturnType<WorkRequestSource['list']> => {
    const page = await reading;
    for (const item of page.items) pass(item);
    return page;
  };
  const patientParents = parents.for(errand);
  return {
    loaders: createLoaders({
      source: {
        ...patient,
        get: (ref) => patientIf(() => isWatched(ref)).get(ref),
        list: (query) => told(patient.list(query)),
      },
      observations,
      cache: false,
    }),
    discover: createDiscover({
      list: (query) => told(patientIf(() => isListed(query)).list(query)),
      parents: patientParents,
    }),
    parents: patientParents,
  };
};
