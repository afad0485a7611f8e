/**
 * Puts the variables of environment.ts and all metrics into `docs/operations.md`, and writes `docs/policy.schema.json`; tests fail when
 * they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { policyJsonSchema } from '../grants/policy.ts';
import { openRegistry } from './metrics.ts';
import { withMetrics, withVariables } from './operations.ts';

const docs = path.join(import.meta.dirname, '../docs');
const file = path.join(docs, 'operations.md');
const document = withVariables(readFileSync(file, 'utf8'));
writeFileSync(file, withMetrics(document, await openRegistry()));
const schema = JSON.stringify(policyJsonSchema(), null, 2);
writeFileSync(path.join(docs, 'policy.schema.json'), `${schema}\n`);
