/**
 * `@skip` and `@include` on what a subscription selects at its root: GraphQL forbids them (since 2025), as there would be nothing to
 * subscribe to. graphql-js 16 does not know that, and breaks over it: in its own validation where the condition is a variable,
 * else when it subscribes. So it is looked for before either.
 */
import { GraphQLError, Kind, OperationTypeNode } from 'graphql';
import type { DocumentNode, SelectionNode } from 'graphql';
import { collectFragments } from './compiled/plan.ts';

export function findConditionsOnRoot(document: DocumentNode): readonly GraphQLError[] {
  const fragments = new Map(Object.entries(collectFragments(document)));
  const errors: GraphQLError[] = [];

  const look = (selections: readonly SelectionNode[]): void => {
    for (const selection of selections) {
      const condition = selection.directives?.find(
        ({ name: { value } }) => value === 'skip' || value === 'include',
      );
      if (condition !== undefined)
        errors.push(new GraphQLError(message(condition.name.value), { nodes: condition }));
      if (selection.kind === Kind.INLINE_FRAGMENT) look(selection.selectionSet.selections);
      if (selection.kind !== Kind.FRAGMENT_SPREAD) continue;
      const fragment = fragments.get(selection.name.value);
      // Each is looked at once, so one that spreads itself is left to validation.
      fragments.delete(selection.name.value);
      if (fragment !== undefined) look(fragment.selectionSet.selections);
    }
  };
  for (const one of document.definitions) {
    if (one.kind === Kind.OPERATION_DEFINITION && one.operation === OperationTypeNode.SUBSCRIPTION)
      look(one.selectionSet.selections);
  }
  return errors;
}

function message(directive: string): string {
  return `A subscription must not have @${directive} on its root field: subscribe, or do not.`;
}
