/** Puts the variables of environment.ts into the schema of the Helm chart's values; a test fails when they are stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chartSchema, withVariablesInChart } from './chart.ts';

const file = path.join(import.meta.dirname, '..', chartSchema);
writeFileSync(file, withVariablesInChart(readFileSync(file, 'utf8')));
