/** Leaves of an answer as JSON text, where `JSON.stringify` would have to find out first what it is given. */
import { GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString, isEnumType } from 'graphql';
import type { GraphQLLeafType } from 'graphql';

type LeafWriter = (value: unknown) => string | null | undefined;

/** Null where the type has no JSON for the value; throws where serialising throws. */
export function createLeafWriter(type: GraphQLLeafType): LeafWriter {
  const write = (value: unknown): string | null => {
    const serialized: unknown = type.serialize(value);
    if (serialized == null) return null;
    return typeof serialized === 'string' ? quote(serialized) : (JSON.stringify(serialized) ?? 'null');
  };
  if (type === GraphQLString || type === GraphQLID) {
    // Neighbours in a list say the same of region, type and compartment.
    let last = '';
    let lastText = '""';
    return (value) => {
      if (typeof value !== 'string') return write(value);
      if (value.length > longest) return JSON.stringify(value);
      if (value === last) return lastText;
      last = value;
      return (lastText = quote(value));
    };
  }
  if (type === GraphQLBoolean) return (value) => (typeof value === 'boolean' ? String(value) : write(value));
  if (type === GraphQLInt || type === GraphQLFloat) {
    return (value) => {
      const serialized: unknown = type.serialize(value);
      return typeof serialized === 'number' ? String(serialized) : write(value);
    };
  }
  if (isEnumType(type)) {
    const texts = new Map(type.getValues().map(({ name, value }) => [value as unknown, `"${name}"`]));
    return (value) => texts.get(value) ?? write(value);
  }
  return write;
}

/** As `JSON.stringify` of a string, which is slower on the many that need no escape. */
export function quote(text: string): string {
  if (text.length > longest) return JSON.stringify(text);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    // Control characters, the quote, the backslash, and surrogates, which may be lone.
    if (code < 0x20 || code === 0x22 || code === 0x5c || (code >= 0xd800 && code <= 0xdfff)) {
      return JSON.stringify(text);
    }
  }
  return `"${text}"`;
}

/** Longer ones are left to V8's own loop. Chosen, not measured. */
const longest = 128;
