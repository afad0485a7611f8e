/** All metrics that there are, from the registry of a gateway that is never started. */
import { generateKeyPairSync } from 'node:crypto';
import { pino } from 'pino';
import type { MetricObject, Registry } from 'prom-client';
import { openAccess } from '../access.ts';
import { systemClock } from '../clock.ts';
import { readConfig } from '../config.ts';
import { createGateway } from '../gateway.ts';

export const openRegistry = async (): Promise<Registry> => {
  const { config } = readConfig({});
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const standIn = { privateKey, tenancyId: 'ocid1.tenancy.oc1..nobody', regions: ['us-ashburn-1'] };
  const access = await openAccess(config.oci, { clock: systemClock, standIn, onProblem: () => {} });
  const log = pino({ level: 'silent' });
  return createGateway(config, { clock: systemClock, log, access, playgroundTabs: [] }).registry;
};

export interface MetricFacts {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
  readonly help: string;
}

/** The gateway's own first. */
export const factsOf = (registry: Registry): readonly MetricFacts[] => {
  const facts = registry
    .getMetricsAsArray()
    // The names of labels are there, but not in the types.
    .map((metric) => metric as MetricObject & { readonly labelNames?: readonly string[] })
    .map(({ name, type, labelNames = [], help }) => ({ name, type: String(type), labelNames, help }));
  const isOwn = ({ name }: MetricFacts): boolean => name.startsWith('gateway_');
  const byName = (one: MetricFacts, other: MetricFacts): number => (one.name < other.name ? -1 : 1);
  return [...facts.filter(isOwn).sort(byName), ...facts.filter((each) => !isOwn(each)).sort(byName)];
};

/** As they are named in a query. */
export const seriesNames = (registry: Registry): ReadonlySet<string> =>
  new Set(
    factsOf(registry).flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
