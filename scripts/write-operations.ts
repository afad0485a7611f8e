/** Puts the variables of config.ts into `docs/operations.md`; a test fails when they are stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withVariables } from './operations.ts';

const file = path.join(import.meta.dirname, '../docs/operations.md');
writeFileSync(file, withVariables(readFileSync(file, 'utf8')));
