/** The contract clients see: the SDL of this folder, with its resolvers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { resolvers } from '../resolvers/index.ts';

export const createSchema = (): GraphQLSchema =>
  makeExecutableSchema({
    typeDefs: readdirSync(import.meta.dirname)
      .filter((file) => file.endsWith('.graphql'))
      .sort()
      .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')),
    resolvers,
  });
