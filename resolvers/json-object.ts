/** What a service says beyond the unified type, passed on as it is. */
import { GraphQLError, GraphQLScalarType, valueFromASTUntyped } from 'graphql';

type JsonObject = Readonly<Record<string, unknown>>;

export const JSONObject = new GraphQLScalarType<JsonObject, JsonObject>({
  name: 'JSONObject',
  serialize: checkObject,
  parseValue: checkObject,
  parseLiteral: (node, variables) => checkObject(valueFromASTUntyped(node, variables)),
});

function checkObject(value: unknown): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new GraphQLError('JSONObject must be an object.');
}
