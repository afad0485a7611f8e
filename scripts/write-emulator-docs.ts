/** Puts the JSON Schemas of the emulator's control door into `docs/emulator.md`; a test fails when they are stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withSchemas } from './emulator/docs.ts';

const file = path.join(import.meta.dirname, '../docs/emulator.md');
writeFileSync(file, withSchemas(readFileSync(file, 'utf8')));
