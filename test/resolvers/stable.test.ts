import { describe, expect, test } from '@jest/globals';
import { isLeafType, isObjectType, getNamedType } from 'graphql';
import { catalog } from '../../datasources/catalog.ts';
import { stability } from '../../resolvers/stable.ts';
import { createSchema } from '../../schema/index.ts';
import { workRequestOf } from '../subscriptions/harness.ts';

const schema = createSchema();

/** All that may differ from one caller, moment or gateway to the next does. */
const contexts = [
  { catalog, isReadOnly: false, mayCancel: () => true },
  { catalog, isReadOnly: true, mayCancel: () => true },
  { catalog, isReadOnly: false, mayCancel: () => false },
] as const;

const fields = ['WorkRequest', 'WorkRequestResource', 'Service'].flatMap((typeName) => {
  const type = schema.getType(typeName);
  if (!isObjectType(type)) throw new Error(`there is no type ${typeName}`);
  return Object.values(type.getFields()).map((field) => [typeName, field.name, field] as const);
});

const sources = {
  WorkRequest: workRequestOf({ rawStatus: 'ACCEPTED', status: 'ACCEPTED', isStale: true }),
  WorkRequestResource: {},
  Service: catalog.CONTAINERENGINE,
} as const;

describe('what is written once for all', () => {
  test.each(fields)('%s.%s, if it follows from its object alone', (typeName, name, field) => {
    const source = sources[typeName as keyof typeof sources];
    const answersIn = (context: object): string =>
      JSON.stringify(field.resolve?.(source, {}, context, {} as never));
    const isSame = field.args.length === 0 && answersIn(contexts[0]) === answersIn(contexts[1]);
    expect(stability.isStable(typeName, name)).toBe(isSame);
    // What it holds is judged too.
    const type = getNamedType(field.type);
    if (stability.isStable(typeName, name) && !isLeafType(type))
      expect(Object.keys(sources)).toContain(type.name);
  });

  test('is nothing else', () => {
    expect([...stability.types]).toEqual(['WorkRequest']);
    for (const type of Object.values(schema.getTypeMap())) {
      if (!isObjectType(type) || type.name in sources) continue;
      for (const name of Object.keys(type.getFields()))
        expect(stability.isStable(type.name, name)).toBe(false);
    }
  });
});
