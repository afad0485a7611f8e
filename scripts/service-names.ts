/**
 * Writes `schema/service-name.graphql`, the enum of services, from the catalog: adding a service stays one row.
 * `npm run codegen` runs it; with `--check` it only says whether the file is fresh.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { catalog, serviceNames } from '../datasources/catalog.ts';

const file = new URL('../schema/service-name.graphql', import.meta.url);
const values = serviceNames.map((name) => `  "${catalog[name].title}"\n  ${name}`);
const text = `# Made from datasources/catalog.ts by \`npm run codegen\`.
"The work-request APIs of Oracle Cloud. \`services\` tells what each is and can do."
enum ServiceName {
${values.join('\n')}
}
`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('schema/service-name.graphql is not what the catalog says: run `npm run codegen`.');
  process.exitCode = 1;
}
