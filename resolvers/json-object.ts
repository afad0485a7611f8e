/** What a service says beyond the unified type, passed on as it is. */
import { GraphQLError, GraphQLScalarType, valueFromASTUntyped } from 'graphql';

type JsonObject = Readonly<Record<string, unknown>>;

export const JSONObject = new GraphQLScalarType<JsonObject, JsonObject>({
  name: 'JSONObject',
  // As in schema/common.graphql, whose own is lost where a resolver stands for the scalar.
  description: 'A JSON object, its members named and typed as Oracle Cloud sends them.',
  serialize: checkObject,
  parseValue: checkObject,
  parseLiteral: (node, variables) => checkObject(valueFromASTUntyped(node, variables)),
});

function checkObject(value: unknown): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new GraphQLError('JSONObject must be an object.');
}
