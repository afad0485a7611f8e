/** The policy file: what is read of it, and that whatever is wrong with it is told, all at once and where. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parsePolicy, policyJsonSchema, PolicyError, readPolicy } from '../../grants/policy.ts';

const file = '/etc/policy.yaml';
const compartment = 'ocid1.compartment.oc1..a';

const problemsIn = async (text: string): Promise<readonly string[]> => {
  try {
    await parsePolicy(text, file);
    return [];
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return error.problems;
  }
};

const ruleFor = (when: string): string =>
  `version: 1\nrules:\n  - when: ${when}\n    allow: [read]\n    compartments: [${compartment}]`;

describe('a policy', () => {
  test('is YAML, and what is left out means all services and regions', async () => {
    const text = `
version: 1
rules:
  - name: payments
    when: { groups: [payments, 7], email_verified: true }
    allow: [read, cancel]
    compartments:
      - ${compartment}
      - subtreeOf: ocid1.tenancy.oc1..t
`;
    expect(await parsePolicy(text, file)).toEqual({
      version: 1,
      rules: [
        {
          name: 'payments',
          when: { groups: ['payments', 7], email_verified: true },
          allow: ['read', 'cancel'],
          compartments: [compartment, { subtreeOf: 'ocid1.tenancy.oc1..t' }],
          services: 'all',
          regions: 'all',
        },
      ],
    });
  });

  test('is JSON just as well', async () => {
    const rule = { when: 'anyone', allow: ['read'], compartments: 'all', services: ['MYSQL'] };
    expect(await parsePolicy(JSON.stringify({ version: 1, rules: [rule] }), file)).toMatchObject({
      rules: [{ ...rule, regions: 'all' }],
    });
  });

  test('without rules denies everything to everybody', async () => {
    expect(await problemsIn('version: 1\nrules: []')).toEqual([]);
  });

  test('tells all that is wrong with it, with the place', async () => {
    const text = `
version: 2
rules:
  - when: {}
    allow: [cancel]
    compartments: [nowhere, { subtreeOf: ocid1.vcn.oc1..x }, { below: ${compartment} }]
    services: [OKE]
    regions: [us]
    owner: me
  - allow: []
`;
    expect(await problemsIn(text)).toEqual([
      '/etc/policy.yaml: version must be 1.',
      '/etc/policy.yaml: rules[0].when must name a claim, or be `anyone`.',
      '/etc/policy.yaml: rules[0].allow must hold `read`: who cancels sees what it is.',
      '/etc/policy.yaml: rules[0].compartments[0] must be the OCID of a compartment or tenancy.',
      '/etc/policy.yaml: rules[0].compartments[1].subtreeOf must be the OCID of a compartment or tenancy.',
      '/etc/policy.yaml: rules[0].compartments[2].subtreeOf is wrong: Invalid input: expected string, received undefined.',
      '/etc/policy.yaml: rules[0].compartments[2] does not know `below`.',
      '/etc/policy.yaml: rules[0].services[0] must be a name of ServiceName, such as CONTAINERENGINE.',
      '/etc/policy.yaml: rules[0].regions[0] must be a region id such as us-ashburn-1.',
      '/etc/policy.yaml: rules[0] does not know `owner`.',
      '/etc/policy.yaml: rules[1].when must be `anyone`, or claims with the value, or the list of values, that each may have.',
      '/etc/policy.yaml: rules[1].allow must hold `read`: who cancels sees what it is.',
      '/etc/policy.yaml: rules[1].compartments must be `all` or a list of compartments.',
    ]);
  });

  test.each([
    ['', 'the file is wrong'],
    ['nonsense', 'the file is wrong'],
    ['[]', 'the file is wrong'],
    ['version: 1', 'rules is wrong'],
    ['version: 1\nrules: [', 'neither YAML nor JSON'],
    ['version: 1\nversion: 1\nrules: []', 'neither YAML nor JSON'],
    ['version: 1\nrules: &a [*a]', 'rules'],
    [
      `version: 1\nrules: &a\n  - &b [1,2,3,4,5,6,7,8,9]\n  - &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n  - &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n  - &e [*d,*d,*d,*d,*d,*d,*d,*d]`,
      'by aliases',
    ],
    [
      'version: 1\nrules: [{ when: { groups: x }, allow: [read], compartments: all, constructor: x }]',
      'constructor',
    ],
    // A condition that is not taken for what it says would let in more callers than are meant.
    [ruleFor('{ __proto__: x, groups: a }'), '`__proto__` can be no name'],
    [ruleFor('{ "__proto__": x, groups: a }'), '`__proto__` can be no name'],
    [ruleFor('!not { groups: a }'), 'Unresolved tag'],
    [ruleFor('{ groups: !except a }'), 'Unresolved tag'],
    [ruleFor('{ groups: !!set { a } }'), 'must be text'],
    [ruleFor('{ tenant: 9007199254740993 }'), 'tenant must not be so large a number'],
    [ruleFor('{ tenant: [1, -9007199254740993] }'), 'tenant[1] must not be so large a number'],
    [ruleFor('{ groups: .inf }'), 'groups must be text'],
    [ruleFor('{ groups: "" }'), 'groups must not be empty'],
    [ruleFor('{ groups: [a, ""] }'), 'groups[1] must not be empty'],
    [ruleFor('{ groups: [] }'), 'groups must not be empty'],
    [ruleFor('{ groups: }'), 'groups must be text'],
    [ruleFor('{ 1: a, "1": b }'), 'must be unique'],
    [ruleFor('{ <<: { groups: a } }'), 'must be text'],
    [ruleFor('{ groups: a }') + '\n---\n' + ruleFor('anyone'), 'multiple documents'],
    [ruleFor('{ groups: a }').replace('[read]', 'read'), 'allow must be a list of read, cancel'],
  ])('%j is none', async (text, what) => {
    expect((await problemsIn(text)).join(' ')).toContain(what);
  });

  test('that cannot be read is told of', async () => {
    await expect(readPolicy('/nowhere/policy.yaml')).rejects.toThrow(
      '/nowhere/policy.yaml cannot be read (ENOENT).',
    );
    const folder = mkdtempSync(join(tmpdir(), 'policy-'));
    const own = join(folder, 'policy.yaml');
    const isWrong = async (bytes: Uint8Array, what: string): Promise<void> => {
      writeFileSync(own, bytes);
      await expect(readPolicy(own)).rejects.toThrow(new PolicyError([`${own} ${what}`]));
    };
    try {
      await isWrong(Buffer.from(ruleFor('{ groups: müller }'), 'latin1'), 'is not written in UTF-8.');
      await isWrong(Buffer.from(`\uFEFF${ruleFor('anyone')}`, 'utf16le'), 'is not written in UTF-8.');
      await isWrong(Buffer.alloc(1024 * 1024 + 1, '#'), 'is larger than 1 MiB.');
      // As editors of Windows write it.
      writeFileSync(own, `\uFEFF${ruleFor('{ groups: a }').replaceAll('\n', '\r\n')}`);
      expect(await readPolicy(own)).toMatchObject({ rules: [{ when: { groups: 'a' } }] });
      await expect(readPolicy(folder)).rejects.toThrow(`${folder} is no file.`);
      await expect(readPolicy('/dev/zero')).rejects.toThrow('/dev/zero is no file.');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('docs/policy.schema.json is the schema as it is (scripts/write-operations.ts writes it)', () => {
  const published = readFileSync(join(import.meta.dirname, '../../docs/policy.schema.json'), 'utf8');
  expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(policyJsonSchema())));
});
