/** Puts the variables of config.ts and all metrics into `docs/operations.md`; tests fail when they are stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openRegistry } from './metrics.ts';
import { withMetrics, withVariables } from './operations.ts';

const file = path.join(import.meta.dirname, '../docs/operations.md');
const document = withVariables(readFileSync(file, 'utf8'));
writeFileSync(file, withMetrics(document, await openRegistry()));
