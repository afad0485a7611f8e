/** What an operation selects, so that only that is fetched. */
import { getDirectiveValues, GraphQLIncludeDirective, GraphQLSkipDirective, Kind } from 'graphql';
import type { GraphQLResolveInfo, SelectionNode, SelectionSetNode } from 'graphql';
import type { Context } from '../context.ts';
import type { Api } from '../datasources/api.ts';
import type { Depth } from '../datasources/loaders.ts';
import type { WorkRequest } from '../datasources/types.ts';

type Info = Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments' | 'variableValues'>;

/** Names of the fields that will be executed below this one, through fragments; types are not told apart. */
export const selectedFields = (info: Info): ReadonlySet<string> => {
  const names = new Set<string>();
  // Each once: fragments that spread others twice, those others twice, … are exponentially many places.
  const visited = new Set<string>();
  const visit = (set: SelectionSetNode | undefined): void => {
    for (const node of set?.selections ?? []) {
      if (!isIncluded(node, info)) continue;
      if (node.kind === Kind.FIELD) names.add(node.name.value);
      else if (node.kind === Kind.INLINE_FRAGMENT) visit(node.selectionSet);
      else if (!visited.has(node.name.value)) {
        visited.add(node.name.value);
        visit(info.fragments[node.name.value]?.selectionSet);
      }
    }
  };
  for (const { selectionSet } of info.fieldNodes) visit(selectionSet);
  return names;
};

/** Fields that are worked out from another one. */
const dependsOn: Readonly<Record<string, string>> = { isTerminal: 'timeFinished', canCancel: 'timeFinished' };

/** Whether a list item of this API cannot tell this field. `extras` are those of the get, always. */
export const lacks = ({ listLacks }: Api, name: string): boolean =>
  name === 'extras' || (listLacks as ReadonlySet<string>).has(dependsOn[name] ?? name);

/** Whether a list item of this API holds all that is selected, or a get is needed. */
export const depthFor = (selected: ReadonlySet<string>, api: Api): Depth =>
  [...selected].some((name) => lacks(api, name)) ? 'get' : 'listItem';

/**
 * A node is one observation: where a selected field needs the get, everything is told as the get has it, a state that moved
 * since the list included. Where it cannot be read, as listed; the fields that the list lacks tell why.
 */
export const asOneObservation = (
  listed: WorkRequest,
  selected: ReadonlySet<string>,
  { loaders, catalog }: Pick<Context, 'loaders' | 'catalog'>,
): WorkRequest | Promise<WorkRequest> =>
  listed.origin === 'list' && depthFor(selected, catalog[listed.ref.service]) === 'get'
    ? loaders.workRequest(listed.ref, 'get').then(
        (whole) => whole ?? listed,
        () => listed,
      )
    : listed;

const isIncluded = (node: SelectionNode, { variableValues }: Info): boolean =>
  getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.['if'] !== true &&
  getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.['if'] !== false;
