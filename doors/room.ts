/**
 * What is planned of operations, kept as long as there is room. A plan can be far larger than its document: four hundred aliases that
 * spread a fragment of four hundred fields are 14 kB of text and 60 MB of plans, once more for each combination of conditions. So
 * fields are counted over all operations, and where they are too many all of them are planned anew.
 */
import type { DocumentNode, OperationDefinitionNode } from 'graphql';

/** Fields that may still be planned and kept; not positive: what is planned now is not kept. */
export interface Room {
  fields: number;
}

/** Some 80 MB of compiled operations. */
const maxFields = 200_000;

/** `make`'s result, made once for each operation; it goes where the document goes, or when there is no more room. */
export function keepForOperations<T extends object | null>(
  make: (document: DocumentNode, node: OperationDefinitionNode, room: Room) => T,
): (document: DocumentNode, node: OperationDefinitionNode) => T {
  let room: Room = { fields: maxFields };
  let known = new WeakMap<OperationDefinitionNode, T>();
  return (document, node) => {
    if (room.fields <= 0) {
      room = { fields: maxFields };
      known = new WeakMap();
    }
    const found = known.get(node);
    if (found !== undefined) return found;
    const made = make(document, node, room);
    known.set(node, made);
    return made;
  };
}
