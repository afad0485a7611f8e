/**
 * Who may see and cancel what, as an operator writes it: a file of rules, YAML or JSON (`AUTH_POLICY_FILE`). What no rule allows is
 * denied. docs/decisions/grants.md
 */
import { readFile, stat } from 'node:fs/promises';
import type { Document } from 'yaml';
import { z } from 'zod';
import { isServiceName } from '../datasources/catalog.ts';
import type { ServiceName } from '../datasources/catalog.ts';

export const actions = ['read', 'cancel'] as const;
export type Action = (typeof actions)[number];

/** `all`: also where nobody knows the compartment. */
export type Compartments = 'all' | readonly (string | { readonly subtreeOf: string })[];

export type ClaimValue = string | number | boolean;

export interface Rule {
  /** Claims that have to be there, each with one of these values. */
  readonly when: 'anyone' | Readonly<Record<string, ClaimValue | readonly ClaimValue[]>>;
  readonly allow: readonly Action[];
  readonly compartments: Compartments;
  readonly services: 'all' | readonly ServiceName[];
  readonly regions: 'all' | readonly string[];
}

export interface Policy {
  readonly rules: readonly Rule[];
}

/** All that is wrong with it, a sentence each. */
export class PolicyError extends Error {
  readonly problems: readonly string[];
  /** It could not be read for now: what stands in it may be fine. */
  readonly isUnread: boolean;

  constructor(problems: readonly string[], isUnread = false) {
    super(problems.join(' '));
    this.name = 'PolicyError';
    this.problems = problems;
    this.isUnread = isUnread;
  }
}

const allOr = <Word extends z.ZodType>(word: Word, words: string) =>
  z.union([z.literal('all'), z.array(word).min(1, `must be \`all\` or a list of ${words}`)], {
    error: `must be \`all\` or a list of ${words}`,
  });

const compartmentId = z
  .string()
  .regex(
    /^ocid1\.(compartment|tenancy)\.[a-z0-9-]+\.[a-z0-9-]*\.[A-Za-z0-9._-]+$/,
    'must be the OCID of a compartment or tenancy',
  )
  .max(255);

/** What is beyond these is rounded, here and in tokens: two numbers would be one. */
const number = z
  .number()
  .min(Number.MIN_SAFE_INTEGER, 'must not be so large a number: have the issuer write it as text')
  .max(Number.MAX_SAFE_INTEGER, 'must not be so large a number: have the issuer write it as text');

const claimValue = z.union([z.string().min(1, 'must not be empty'), number, z.boolean()], {
  error: 'must be text, a number, true or false',
});

const rule = z.strictObject({
  name: z.string().optional().describe('For whoever reads the file.'),
  when: z
    .union(
      [
        z.literal('anyone'),
        z
          .record(
            z.string().min(1),
            z.union([claimValue, z.array(claimValue).min(1, 'must not be empty')], {
              error: 'must be text, a number, true or false, or a list of these',
            }),
          )
          .refine((claims) => Object.keys(claims).length > 0, 'must name a claim, or be `anyone`'),
      ],
      { error: 'must be `anyone`, or claims with the value, or the list of values, that each may have' },
    )
    .describe(
      'Whose rule it is: a caller whose token has each of these claims, with one of the values. A claim that is a list has all of its values; `scope` and `scp` have the words of their text. A name with dots leads into a claim that is an object. `anyone`: whoever has a good token.',
    ),
  allow: z
    .array(z.enum(actions, { error: `must be one of ${actions.join(', ')}` }), {
      error: `must be a list of ${actions.join(', ')}`,
    })
    .refine((allowed) => allowed.includes('read'), 'must hold `read`: who cancels sees what it is')
    .describe('`read`: to see work requests with their errors and logs. `cancel`: to cancel them.'),
  compartments: allOr(
    z.union([compartmentId, z.strictObject({ subtreeOf: compartmentId })], {
      error: 'must be the OCID of a compartment or tenancy, or { subtreeOf: OCID }',
    }),
    'compartments',
  ).describe(
    'OCIDs of compartments, without what lies below them; `{ subtreeOf: OCID }` is one with all that lies below.',
  ),
  services: allOr(
    z.custom<ServiceName>((value) => typeof value === 'string' && isServiceName(value), {
      error: 'must be a name of ServiceName, such as CONTAINERENGINE',
    }),
    'names of ServiceName',
  )
    .default('all')
    .describe('Names of the schema’s ServiceName.'),
  regions: allOr(
    z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)+$/, 'must be a region id such as us-ashburn-1'),
    'region ids',
  )
    .default('all')
    .describe('Region ids.'),
});

const policy = z.strictObject({
  version: z.literal(1, { error: 'must be 1' }),
  rules: z.array(rule).describe('What any of them allows is allowed, and nothing else.'),
});

/** For editors, and for whoever writes the file with a program. */
export const policyJsonSchema = (): object => ({
  title: 'AUTH_POLICY_FILE of the OCI work-request gateway',
  ...z.toJSONSchema(policy, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema, path }) => {
      // zod cannot tell what a test of ours takes.
      if (path.at(-1) === 'items' && Object.keys(jsonSchema).length === 0) jsonSchema.type = 'string';
    },
  }),
});

/** What a ConfigMap holds. The gateway stands still while it reads one. */
const maxBytes = 1024 * 1024;

/** @throws PolicyError */
export const readPolicy = async (file: string): Promise<Policy> => {
  let bytes: Buffer;
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new PolicyError([`${file} is no file.`]);
    if (found.size > maxBytes) throw new PolicyError([`${file} is larger than 1 MiB.`]);
    bytes = await readFile(file);
    const { mtimeMs } = await stat(file);
    // Half of it may allow more than all of it.
    if (mtimeMs !== found.mtimeMs || bytes.length !== found.size)
      throw new PolicyError([`${file} is being written just now.`], true);
  } catch (error) {
    if (error instanceof PolicyError) throw error;
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new PolicyError([`${file} cannot be read (${code}).`], true);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new PolicyError([`${file} is not written in UTF-8.`]);
  }
  return parsePolicy(text, file);
};

/** @throws PolicyError */
export const parsePolicy = async (text: string, file: string): Promise<Policy> => {
  // Not everybody who starts a gateway has one.
  const { isScalar, parseDocument, visit } = await import('yaml');
  const document = parseDocument(text, { strict: true, uniqueKeys: true, stringKeys: true });
  // A tag that nobody knows would be passed over, and a condition be what it was not meant to be.
  const problems = [...document.errors, ...document.warnings].map(
    ({ message }) => `${file} is neither YAML nor JSON: ${message.split('\n', 1)[0]?.replace(/:$/, '')}.`,
  );
  if (problems.length > 0) throw new PolicyError(problems);
  visit(document, {
    Pair(_, { key }) {
      // zod passes over it, and the rule would be everybody's who has the other claims.
      if (isScalar(key) && key.value === '__proto__')
        throw new PolicyError([`${file}: \`__proto__\` can be no name.`]);
    },
  });
  const read = policy.safeParse(readTree(document, file));
  if (read.success) return read.data;
  throw new PolicyError(read.error.issues.flatMap((issue) => tell(issue)).map((what) => `${file}: ${what}.`));
};

/** Aliases can make a small file a large tree. */
const readTree = (document: Pick<Document, 'toJS'>, file: string): unknown => {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new PolicyError([`${file} repeats its parts too often by aliases.`]);
  }
};

type Issue = z.core.$ZodIssue;

/** Of what could be one of several things, what is wrong with the one that was meant: a list, where there is one. */
const tell = (issue: Issue, above: readonly PropertyKey[] = []): readonly string[] => {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const deeper = issue.errors
      .flat()
      .filter((each) => each.path.length > 0 || each.code === 'unrecognized_keys');
    if (deeper.length > 0) return deeper.flatMap((each) => tell(each, path));
  }
  return [
    `${placeOf(path)} ${issue.code === 'unrecognized_keys' ? `does not know ${issue.keys.map((key) => `\`${key}\``).join(', ')}` : wordsOf(issue)}`,
  ];
};

const wordsOf = ({ message }: Issue): string => (/^must /.test(message) ? message : `is wrong: ${message}`);

const placeOf = (path: readonly PropertyKey[]): string =>
  path.length === 0
    ? 'the file'
    : path
        .map((part, index) =>
          typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
        )
        .join('');
