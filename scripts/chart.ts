/** The variables in the schema of the Helm chart's values, from environment.ts: what is misspelt there is refused before anything is installed. */
import { variables } from '../environment.ts';
import type { Variable } from '../environment.ts';

export const chartSchema = 'deploy/helm/oci-work-request-gateway/values.schema.json';

interface Schema {
  readonly properties: Readonly<Record<string, object>>;
  readonly [keyword: string]: unknown;
}

/** YAML reads `true` and `4000` as what they are, and people leave out quotes. */
const valueOf = ({ words, meaning }: Variable): object =>
  words === null
    ? { type: ['string', 'integer', 'boolean'], description: meaning }
    : {
        enum: words.flatMap((word) => (/^(true|false)$/.test(word) ? [word, word === 'true'] : [word])),
        description: meaning,
      };

const secretOf = ({ meaning }: Variable): object => ({
  type: 'object',
  description: meaning,
  additionalProperties: false,
  required: ['name', 'key'],
  properties: {
    name: { type: 'string', minLength: 1, description: 'The Secret.' },
    key: { type: 'string', minLength: 1, description: 'The key in it.' },
  },
});

const tableOf = (entries: readonly (readonly [string, object])[]): object => ({
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(entries),
});

/** The schema with the variables as they are: those that are secrets are named, never written into values. */
export const withVariablesInChart = (text: string): string => {
  const schema = JSON.parse(text) as Schema;
  const secrets = variables.filter(({ isSecret }) => isSecret);
  const config = variables.map((variable): [string, object] =>
    variable.isSecret
      ? [`${variable.name}_FILE`, { type: 'string', description: `A file that holds ${variable.name}.` }]
      : [variable.name, valueOf(variable)],
  );
  const properties = {
    ...schema.properties,
    config: tableOf(config),
    secrets: tableOf(secrets.map((variable) => [variable.name, secretOf(variable)])),
  };
  return `${JSON.stringify({ ...schema, properties }, null, 2)}\n`;
};
