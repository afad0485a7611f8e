/** Puts the variables of config.ts into `docs/operations.md`, and writes `docs/policy.schema.json`; tests fail when they are stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { policyJsonSchema } from '../grants/policy.ts';
import { withVariables } from './operations.ts';

const file = path.join(import.meta.dirname, '../docs/operations.md');
writeFileSync(file, withVariables(readFileSync(file, 'utf8')));
writeFileSync(
  path.join(import.meta.dirname, '../docs/policy.schema.json'),
  `${JSON.stringify(policyJsonSchema(), null, 2)}\n`,
);
