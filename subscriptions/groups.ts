/**
 * Watchers whose work requests one list brings. When one looks, those that would do so soon look in the same breath.
 *
 * While looks wait for the gateway's own budget, one batch of a group at a time does: whoever comes due meanwhile looks with
 * the next one, so that a turn brings all that the group wants by then instead of a single work request. It waits no
 * longer than for the turn: not for answers, which may be slow.
 */
export interface Member {
  /** Looks now if it would do so soon, or within this time. */
  join(withinMs: number): void;
  readonly isOverdue: boolean;
}

export interface Membership {
  moveTo(name: string | null): void;
  /** Whether to leave it to the others of the group to begin the next look. */
  mustWait(): boolean;
  /**
   * A look has begun, and the next one would follow after `nextMs`.
   * @returns to be called when it has ended: what is answered has had its turn
   */
  begin(nextMs: number): () => void;
}

export interface Groups {
  /** @param backlog resolved when all looks that wait by now have had their turn; null: none waits */
  enrol(member: Member, backlog: () => Promise<void> | null): Membership;
}

interface Group {
  readonly members: Set<Member>;
  /** The looks that began last, while they wait for their turn. */
  batch: object | null;
}

const nothing = (): void => {};

export const createGroups = (): Groups => {
  const groups = new Map<string, Group>();
  /** Those who join do not gather the others again. */
  let isGathering = false;

  const gather = (group: Group, withinMs: number): void => {
    isGathering = true;
    for (const member of group.members) member.join(withinMs);
    isGathering = false;
  };

  const flush = (group: Group): void => {
    for (const member of group.members) if (member.isOverdue) return member.join(0);
  };

  const open = (group: Group, batch: object): void => {
    if (group.batch !== batch) return;
    group.batch = null;
    flush(group);
  };

  return {
    enrol(member, backlog) {
      let name: string | null = null;
      let group: Group | null = null;
      return {
        moveTo(next) {
          if (next === name) return;
          group?.members.delete(member);
          if (name !== null && group?.members.size === 0) groups.delete(name);
          name = next;
          group = next === null ? null : (groups.get(next) ?? { members: new Set(), batch: null });
          group?.members.add(member);
          if (next !== null && group) groups.set(next, group);
        },
        mustWait: () => group !== null && group.batch !== null,
        begin(nextMs) {
          if (group === null) return nothing;
          const mine = group;
          if (!isGathering) {
            // Its own turn is the next one after those of all who wait already.
            const turn = backlog();
            const batch = turn && {};
            mine.batch = batch;
            if (turn && batch) void turn.then(() => open(mine, batch));
            gather(mine, nextMs);
          }
          const { batch } = mine;
          return () => batch && open(mine, batch);
        },
      };
    },
  };
};
