/** The schema is its own manual: a client that reads it, or the playground's docs, finds a sentence for everything. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isEnumType, isIntrospectionType, isScalarType, isSpecifiedScalarType, isUnionType } from 'graphql';
import type { GraphQLNamedType } from 'graphql';
import { createSchema } from '../../schema/index.ts';

interface Described {
  readonly name: string;
  readonly description?: string | null | undefined;
}

const partsOf = (type: GraphQLNamedType): readonly Described[] => {
  if (isScalarType(type) || isUnionType(type)) return [];
  return isEnumType(type) ? type.getValues() : Object.values(type.getFields());
};

const types = Object.values(createSchema().getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);
const all: readonly Described[] = types.flatMap((type) => [
  type,
  ...partsOf(type).map(({ name, description }) => ({ name: `${type.name}.${name}`, description })),
]);

test('every type, field and enum value of ours has a description', () => {
  expect(all.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'DateTime',
      'Query.workRequest',
      'WorkRequestFilter.statuses',
      'WorkRequestStatus.FAILED',
    ]),
  );
  expect(all.filter(({ description }) => !description?.trim()).map(({ name }) => name)).toEqual([]);
});

test('a scalar says what its SDL says, though a resolver stands for it', () => {
  const sdl = readFileSync(join(import.meta.dirname, '../../schema/common.graphql'), 'utf8');
  const written = types
    .filter(isScalarType)
    .map(({ name, description }) => `"${description ?? ''}"\nscalar ${name}\n`);
  expect(written).toHaveLength(2);
  for (const scalar of written) expect(sdl).toContain(scalar);
});
