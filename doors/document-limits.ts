/**
 * How large a document may be, counted as it would be executed: what a fragment holds counts wherever it is spread. A rule of
 * validation, so it holds on every transport, and is worked out once for each document.
 *
 * Work that a document may cause is bounded twice more: by its tokens before it is parsed, and by the calls to Oracle Cloud that
 * it is estimated at (cost/).
 */
import { GraphQLError, Kind } from 'graphql';
import type { DocumentNode, SelectionSetNode, ValidationRule } from 'graphql';
import { LimitError } from '../errors.ts';
import type { Limit } from '../errors.ts';
import { collectFragments } from './compiled/plan.ts';

export interface DocumentLimits {
  /** Tokens that are read at all. */
  readonly tokens: number;
  /** Levels of fields. The question for the whole schema that tools ask has 15. */
  readonly depth: number;
  /** Fields that are given another name. */
  readonly aliases: number;
  readonly directives: number;
  /** Fields of the operation itself. */
  readonly rootFields: number;
}

export const defaultDocumentLimits: DocumentLimits = {
  tokens: 10_000,
  depth: 20,
  aliases: 500,
  directives: 100,
  rootFields: 100,
};

type Size = Readonly<Record<Exclude<keyof DocumentLimits, 'tokens'>, number>>;

const nothing: Size = { depth: 0, aliases: 0, directives: 0, rootFields: 0 };

const words: Readonly<Record<keyof Size, readonly [what: string, variable: Limit]>> = {
  depth: ['levels of fields', 'MAX_DEPTH'],
  aliases: ['aliases', 'MAX_ALIASES'],
  directives: ['directives', 'MAX_DIRECTIVES'],
  rootFields: ['fields at its root', 'MAX_ROOT_FIELDS'],
};

export const createLimitRule =
  (limits: DocumentLimits): ValidationRule =>
  (context) => ({
    Document(document) {
      const sizeOf = createMeasure(document);
      for (const definition of document.definitions) {
        if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
        const size = add(sizeOf(definition.selectionSet), {
          ...nothing,
          directives: definition.directives?.length ?? 0,
        });
        for (const name of Object.keys(words) as (keyof Size)[]) {
          if (size[name] <= limits[name]) continue;
          const [what, variable] = words[name];
          const message = `The operation has more than ${limits[name]} ${what}, the most that one may have (${variable}): ask for less at once.`;
          context.reportError(
            new GraphQLError(message, {
              nodes: definition,
              originalError: new LimitError(variable, message),
            }),
          );
          return;
        }
      }
    },
  });

/** A fragment is measured once, however often it is spread; one that spreads itself is refused by another rule. */
function createMeasure(document: DocumentNode): (selectionSet: SelectionSetNode) => Size {
  const fragments = collectFragments(document);
  const known = new Map<string, Size>();

  const sizeOfFragment = (name: string): Size => {
    const found = known.get(name);
    if (found !== undefined) return found;
    known.set(name, nothing);
    const fragment = fragments[name];
    const size = fragment === undefined ? nothing : sizeOf(fragment.selectionSet);
    known.set(name, size);
    return size;
  };

  const sizeOf = ({ selections }: SelectionSetNode): Size => {
    let size = nothing;
    for (const selection of selections) {
      const directives = selection.directives?.length ?? 0;
      if (selection.kind === Kind.FIELD) {
        const below = selection.selectionSet === undefined ? nothing : sizeOf(selection.selectionSet);
        size = add(size, {
          depth: below.depth + 1,
          aliases: below.aliases + (selection.alias === undefined ? 0 : 1),
          directives: below.directives + directives,
          rootFields: 1,
        });
      } else {
        const spread =
          selection.kind === Kind.INLINE_FRAGMENT
            ? sizeOf(selection.selectionSet)
            : sizeOfFragment(selection.name.value);
        size = add(size, { ...spread, directives: spread.directives + directives });
      }
    }
    return size;
  };
  return sizeOf;
}

/** Side by side. Of fragments within fragments the sums grow beyond what a number holds, and stay above any limit. */
function add(one: Size, other: Size): Size {
  return {
    depth: Math.max(one.depth, other.depth),
    aliases: one.aliases + other.aliases,
    directives: one.directives + other.directives,
    rootFields: one.rootFields + other.rootFields,
  };
}
