/**
 * What is planned of operations, kept as long as there is room. A plan can be far larger than its document: four hundred aliases that
 * spread a fragment of four hundred fields are 14 kB of text and 60 MB of plans, once more for each combination of conditions. So
 * fields are counted over all operations, and where they are too many all of them are planned anew.
 */
import { getHeapStatistics } from 'node:v8';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';

/** Fields that may still be planned and kept; not positive: what is planned now is not kept. */
export interface Room {
  fields: number;
}

/** What is kept for the next time may take so much less in a small heap; 1 from 1.5 GiB on (Node's own is 4 where there is as much). */
export const roominess = Math.min(1, getHeapStatistics().heap_size_limit / (1.5 * 1024 ** 3));

/** Some 80 MB of compiled operations, in a heap that has them. */
const maxFields = Math.round(200_000 * roominess);

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
