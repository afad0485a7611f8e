/**
 * Metrics that are read where they are kept, when somebody asks for them: what is counted often costs an addition and no
 * look at labels.
 */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

export interface ReadingOptions<Label extends string> {
  readonly type: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly Label[];
}

/** One number, or one for each combination of labels; null: there is none now. */
export type Reading<Label extends string> =
  number | null | Iterable<readonly [labels: Readonly<Record<Label, string>>, value: number]>;

export function registerReading<Label extends string = never>(
  registry: Registry,
  { type, labelNames = [], ...named }: ReadingOptions<Label>,
  read: () => Reading<Label>,
): void {
  const options = { ...named, labelNames, registers: [registry] };
  if (type === 'counter') {
    new Counter({
      ...options,
      collect() {
        // A counter can only be told to grow.
        this.reset();
        const reading = read();
        if (typeof reading === 'number') this.inc(reading);
        else for (const [labels, value] of reading ?? []) this.inc(labels, value);
      },
    });
    return;
  }
  new Gauge({
    ...options,
    collect() {
      this.reset();
      const reading = read();
      if (typeof reading === 'number') this.set(reading);
      else if (reading === null) this.remove();
      else for (const [labels, value] of reading) this.set(labels, value);
    },
  });
}

/** The same for all who read in one breath. */
export function onceABreath<T>(read: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    if (known === null) {
      known = { value: read() };
      queueMicrotask(() => (known = null));
    }
    return known.value;
  };
}
