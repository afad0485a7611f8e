/**
 * The linters are tested like the rest: a copy of the house with one violation planted per wall. A linter that reads
 * no module (it happens: wrong parser, wrong TypeScript) passes everything; here it would fail.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

jest.setTimeout(120_000);

const root = join(import.meta.dirname, '..');

/** One module for each place; a plant adds one import to a module of its own beside it. */
const house = [
  'server.ts',
  'gateway.ts',
  'access.ts',
  'context.ts',
  'config.ts',
  'errors.ts',
  'schema/index.ts',
  'schema/generated.ts',
  'resolvers/index.ts',
  'datasources/index.ts',
  'subscriptions/index.ts',
  'doors/index.ts',
  'grants/index.ts',
  'emulator/main.ts',
  'bench/main.ts',
  'scripts/index.ts',
  'examples/index.ts',
  'test/support/index.ts',
];

/** [module, what it imports, the wall it must hit; null: the import is allowed]. */
const plants = [
  ['datasources/a1.ts', "import { value } from '../resolvers/index.ts'", 'datasources-stand-alone'],
  ['datasources/a2.ts', "import { value } from '../subscriptions/index.ts'", 'datasources-stand-alone'],
  ['datasources/a3.ts', "import { value } from '../config.ts'", 'datasources-stand-alone'],
  ['datasources/a4.ts', "import type { Shape } from '../resolvers/index.ts'", null],
  ['datasources/a5.ts', "import { value } from '../errors.ts'", null],
  ['datasources/a6.ts', "export { value } from '../schema/index.ts'", 'datasources-stand-alone'],
  ['datasources/a7.ts', "export const later = import('../doors/index.ts')", 'datasources-stand-alone'],
  ['subscriptions/b1.ts', "import { value } from '../datasources/index.ts'", 'subscriptions-stand-alone'],
  ['subscriptions/b2.ts', "import { parse as value } from 'graphql'", 'subscriptions-without-graphql'],
  [
    'subscriptions/b3.ts',
    "import { createClient as value } from 'graphql-ws'",
    'subscriptions-without-graphql',
  ],
  [
    'subscriptions/b4.ts',
    "import { ApolloServer as value } from '@apollo/server'",
    'subscriptions-without-graphql',
  ],
  ['subscriptions/b5.ts', "import type { GraphQLSchema as Shape } from 'graphql'", null],
  ['subscriptions/b6.ts', "import type { Shape } from '../datasources/index.ts'", null],
  ['emulator/c1.ts', "import { value } from '../datasources/index.ts'", 'emulator-stands-alone'],
  ['emulator/c2.ts', "import type { Shape } from '../datasources/index.ts'", 'emulator-stands-alone'],
  ['emulator/c3.ts', "import { value } from '../errors.ts'", 'emulator-stands-alone'],
  ['emulator/c4.ts', "import { value } from './main.ts'", null],
  ['gateway.ts', "import { value } from './emulator/main.ts'", 'emulator-from-outside-only'],
  ['gateway.ts', "import { value } from './emulator/main.ts'", 'gateway-below-server'],
  ['gateway.ts', "import { value as sources } from './datasources/index.ts'", null],
  ['gateway.ts', "import { value as feeds } from './subscriptions/index.ts'", null],
  ['gateway.ts', "import { value as doors } from './doors/index.ts'", null],
  ['access.ts', "import { value as sources } from './datasources/index.ts'", null],
  ['access.ts', "import { value as doors } from './doors/index.ts'", 'access-below-gateway'],
  ['gateway.ts', "import { value as grants } from './grants/index.ts'", null],
  ['grants/g1.ts', "import { value } from '../doors/index.ts'", 'grants-between-sources-and-resolvers'],
  ['grants/g2.ts', "import { value } from '../datasources/index.ts'", 'grants-between-sources-and-resolvers'],
  ['grants/g3.ts', "import type { Shape } from '../datasources/index.ts'", null],
  ['doors/d1.ts', "import type { Shape } from '../emulator/main.ts'", 'emulator-from-outside-only'],
  ['doors/d2.ts', "import { value } from '../datasources/index.ts'", 'doors-are-handed-the-rest'],
  ['doors/d3.ts', "import { value } from '../gateway.ts'", 'doors-are-handed-the-rest'],
  ['doors/d4.ts', "import { value } from 'prettier'", 'no-dev-dependencies-at-runtime'],
  ['doors/d5.ts', "import { value } from './no-such-file.ts'", 'resolvable'],
  ['doors/d6.ts', "import type { Shape } from '../gateway.ts'", null],
  ['resolvers/e1.ts', "import { value } from '../datasources/index.ts'", 'resolvers-ask-the-context'],
  ['resolvers/e2.ts', "import { value } from '../context.ts'", null],
  ['schema/f1.ts', "import { value } from '../resolvers/index.ts'", null],
  ['schema/f2.ts', "import { value } from '../doors/index.ts'", 'schema-over-resolvers'],
  ['context.ts', "import { value } from './datasources/index.ts'", 'context-under-resolvers'],
  ['server.ts', "import { value } from './gateway.ts'", null],
  ['server.ts', "import { value as emulator } from './emulator/main.ts'", null],
  ['server.ts', "import { value as sources } from './datasources/index.ts'", 'gateway-is-the-only-wiring'],
  ['errors.ts', "import { value } from './config.ts'", 'errors-stand-alone'],
  ['config.ts', "import { value } from './environment.ts'", null],
  ['environment.ts', "import { value } from './datasources/index.ts'", 'config-stands-alone'],
  ['resolvers/g1.ts', "import { value } from '../test/support/index.ts'", 'no-source-knows-its-tests'],
  ['resolvers/g1.ts', "import { value } from '../test/support/index.ts'", 'resolvers-ask-the-context'],
  ['test/h1.ts', "import { value } from '../emulator/main.ts'", null],
  ['bench/h2.ts', "import { value } from '../gateway.ts'", null],
  ['datasources/i1.ts', "import { value } from './i2.ts'", 'no-circle'],
  // A circle is told once, at its first module.
  ['datasources/i2.ts', "import { value } from './i1.ts'", null],
  ['datasources/j1.ts', "import type { Shape } from './j2.ts'", null],
  ['datasources/j2.ts', "import { value } from './j1.ts'", null],
] as const;

/** [file, its text, the rule that must report it; null: nothing may be reported]. */
const slips = [
  ['doors/env.ts', "export const port = process.env['PORT'];\n", 'no-restricted-properties'],
  [
    'doors/env-import.ts',
    "import { env } from 'node:process';\nexport const port = env['PORT'];\n",
    'no-restricted-imports',
  ],
  ['config.ts', "export const port = process.env['PORT'];\n", null],
  ['doors/default.ts', 'export default 1;\n', 'no-restricted-syntax'],
  ['doors/any.ts', 'export const anything: any = 1;\n', '@typescript-eslint/no-explicit-any'],
  [
    'doors/floating.ts',
    'Promise.resolve(1);\nexport const one = 1;\n',
    '@typescript-eslint/no-floating-promises',
  ],
  [
    'doors/types.ts',
    "import { Server } from 'node:http';\nexport type Door = Server;\n",
    '@typescript-eslint/consistent-type-imports',
  ],
  ['doors/console.ts', "console.log('hello');\nexport const one = 1;\n", 'no-console'],
  ['scripts/console.ts', "console.log(process.env['HOME']);\nexport const one = 1;\n", null],
  ['doors/utils/one.ts', 'export const one = 1;\n', 'no-restricted-syntax'],
  [
    'test/only.test.ts',
    "import { test } from '@jest/globals';\ntest.only('one', () => {});\n",
    'no-restricted-syntax',
  ],
  [
    'test/skip.test.ts',
    "import { describe } from '@jest/globals';\ndescribe.skip('one', () => {});\n",
    'no-restricted-syntax',
  ],
  ['test/fine.test.ts', "import { test } from '@jest/globals';\ntest('one', () => {});\n", null],
] as const;

describe('the walls between folders', () => {
  let copy: string;
  let report: CruiseReport;

  beforeAll(async () => {
    copy = build('.dependency-cruiser.json');
    for (const file of house) write(copy, file, blank);
    for (const file of new Set(plants.map(([each]) => each))) {
      const imports = plants.filter(([each]) => each === file).map(([, statement]) => statement);
      write(copy, file, `${[...new Set(imports)].join(';\n')};\n${blank}`);
    }
    report = await cruise(copy);
  });

  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  test.each(plants)('%s: %s → %s', (file, statement, wall) => {
    const target = /'([^']+)'/.exec(statement)![1]!;
    const found = report.summary.violations
      .filter(({ from, to }) => from === file && isSameModule(file, target, to))
      .map(({ rule }) => rule.name);

    if (wall === null) expect(found).toEqual([]);
    else expect(found).toContain(wall);
  });

  test('every rule has a plant that hits it, and nothing else was reported', async () => {
    const { forbidden } = await readRules();

    expect(new Set(report.summary.violations.map(({ rule }) => rule.name))).toEqual(
      new Set(forbidden.map(({ name }) => name)),
    );
    expect(new Set(plants.map(([, , wall]) => wall).filter((wall) => wall !== null))).toEqual(
      new Set(forbidden.map(({ name }) => name)),
    );
  });

  test('this house keeps them, and its modules were really read', async () => {
    const { summary, modules } = await cruise(root);

    expect(summary.violations.map(({ from, to, rule }) => `${from} → ${to}: ${rule.name}`)).toEqual([]);
    const ours = modules.filter(({ source }) => source.endsWith('.ts') && !source.includes('node_modules'));
    expect(ours.length).toBeGreaterThan(10);
    expect(ours.flatMap(({ dependencies }) => dependencies).length).toBeGreaterThan(ours.length);
  });
});

describe('the house rules', () => {
  let copy: string;
  let messages: ReadonlyMap<string, readonly string[]>;

  beforeAll(async () => {
    copy = build('eslint.config.js');
    for (const [file, text] of slips) write(copy, file, text);
    const results = (await run(
      'eslint/bin/eslint.js',
      ['--format', 'json', '.'],
      copy,
    )) as readonly LintResult[];
    messages = new Map(
      results.map(({ filePath, messages: found }) => [
        filePath.slice(copy.length + 1),
        found.map(({ ruleId, message }) => ruleId ?? message),
      ]),
    );
  });

  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  test.each(slips)('%s: %j → %s', (file, _text, rule) => {
    expect(messages.get(file)).toEqual(rule === null ? [] : [rule]);
  });
});

const blank = 'export interface Shape {\n  readonly one: 1;\n}\n';

interface CruiseReport {
  readonly modules: readonly { readonly source: string; readonly dependencies: readonly unknown[] }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

interface LintResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

/** An empty folder with the tools' settings and this project's packages. */
function build(settings: string): string {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'walls-')));
  for (const file of [settings, 'package.json', 'tsconfig.json']) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

function write(copy: string, file: string, text: string): void {
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  writeFileSync(join(copy, file), text);
}

async function cruise(folder: string): Promise<CruiseReport> {
  const options = ['--config', '.dependency-cruiser.json', '--output-type', 'json', '.'];
  return (await run('dependency-cruiser/bin/dependency-cruise.mjs', options, folder)) as CruiseReport;
}

async function readRules(): Promise<{ readonly forbidden: readonly { readonly name: string }[] }> {
  const { default: rules } = (await import('../.dependency-cruiser.json', { with: { type: 'json' } })) as {
    default: { forbidden: { name: string }[] };
  };
  return rules;
}

/** What a tool printed as JSON, whatever its exit code says. */
async function run(tool: string, options: readonly string[], cwd: string): Promise<unknown> {
  const stdout = await new Promise<string>((resolve) => {
    const settings = { cwd, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [join(root, 'node_modules', tool), ...options], settings, (_error, out) =>
      resolve(out),
    );
  });
  return JSON.parse(stdout);
}

function isSameModule(file: string, specifier: string, to: string): boolean {
  if (!specifier.startsWith('.')) return to.includes(`node_modules/${specifier}/`) || to === specifier;
  return to === join(dirname(file), specifier) || to === specifier;
}
