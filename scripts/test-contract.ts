/**
 * The same answers, read by Oracle's own clients and by the gateway: every work-request API that the `oci-*` packages of
 * test/contract hold, against the emulator. Prints a line for each API and `N passed, N failed` at the end; what is
 * compared and folded stands in docs/contract-test.md, whose table is checked too (`--write-docs` writes it).
 *
 *   npm run test:contract [-- oci-adm oci-waf …]     those packages only
 */
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { catalog, serviceNames } from '../datasources/catalog.ts';
import { withFoldingTable } from '../test/contract/folding-table.ts';
import type { ApiReport } from '../test/contract/worker.ts';
import { installClients } from './install-clients.ts';

const root = path.join(import.meta.dirname, '..');
const workspace = path.join(root, 'test', 'contract');
const document = path.join(root, 'docs', 'contract-test.md');

/** Each loads half of the clients: some 250 MB and three seconds. */
const workers = 2;
const workerMinutes = 12;
const greatestReport = 6;

interface Tally {
  passed: number;
  failed: number;
}

const main = async (args: readonly string[]): Promise<void> => {
  if (args.includes('--write-docs')) {
    writeFileSync(document, withFoldingTable(readFileSync(document, 'utf8')));
    return;
  }
  const tally: Tally = { passed: 0, failed: 0 };
  const check = (name: string, problems: readonly string[]): void => {
    if (problems.length === 0) tally.passed += 1;
    else tally.failed += 1;
    console.log(`${name.padEnd(28)} ${problems.length === 0 ? 'ok' : 'FAILED'}`);
    tellProblems(name, problems);
  };
  installClients();
  const packages = args.length === 0 ? clientPackages() : args;
  const keys: string[] = [];
  const take = (report: ApiReport): void => {
    keys.push(report.key);
    for (const { problems } of report.results) tally[problems.length === 0 ? 'passed' : 'failed'] += 1;
    tellApi(report);
  };
  const ends = await Promise.all(
    Array.from({ length: workers }, (_, share) =>
      runWorker(
        packages.filter((_package, index) => index % workers === share),
        take,
      ),
    ),
  );
  check('every worker came to its end', ends.flat());
  check('a row for every API', [
    ...missing(keys, serviceNames).map((key) => `Oracle's clients have ${key}, the catalog has not`),
    ...missing(rowsOf(packages), keys).map((key) => `the catalog has ${key}, Oracle's clients have not`),
  ]);
  const written = readFileSync(document, 'utf8');
  check(
    'docs/contract-test.md',
    written === withFoldingTable(written)
      ? []
      : ['its table is not what is folded: npm run test:contract -- --write-docs'],
  );
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  process.exitCode = tally.failed === 0 ? 0 : 1;
};

const clientPackages = (): readonly string[] =>
  Object.keys(
    readJson<{ dependencies: Record<string, string> }>(path.join(workspace, 'package.json')).dependencies,
  );

const rowsOf = (packages: readonly string[]): readonly string[] =>
  serviceNames.filter((name) => packages.includes(`oci-${catalog[name].package}`));

/** @returns what went wrong with the process itself */
const runWorker = (
  packages: readonly string[],
  take: (report: ApiReport) => void,
): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const child = fork(path.join(workspace, 'worker.ts'), [...packages], {
      // Oracle's clients warn of every refusal, and refusals are part of what is compared.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
      timeout: workerMinutes * 60_000,
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
    child.on('message', (report) => take(report as ApiReport));
    child.on('error', (error) => resolve([error.message]));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? [] : [`worker ended with ${code ?? signal}: ${said.trim()}`]),
    );
  });

const tellApi = ({ key, results }: ApiReport): void => {
  const marks = results.map(({ name, isOffered, problems }) => {
    const word = isOffered ? name : `(no ${name})`;
    return problems.length === 0 ? word : `${word} FAILED`;
  });
  console.log(`${key.padEnd(28)} ${marks.join('  ')}`);
  for (const { name, problems } of results) tellProblems(`${key} ${name}`, problems);
};

const tellProblems = (name: string, problems: readonly string[]): void => {
  for (const problem of problems.slice(0, greatestReport)) console.log(`    ${name}: ${problem}`);
  if (problems.length > greatestReport) console.log(`    … and ${problems.length - greatestReport} more`);
};

const missing = (all: readonly string[], among: readonly string[]): readonly string[] =>
  all.filter((one) => !among.includes(one));

const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

await main(process.argv.slice(2));
