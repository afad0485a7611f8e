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
  /** Resolved when all looks that wait for the gateway's own budget by now have had their turn; null: none waits. */
  backlog(): Promise<void> | null;
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
  enrol(member: Member): Membership;
}

interface Group {
  readonly members: Set<Member>;
  /** The looks that began last, while they wait for their turn. */
  batch: object | null;
  /** Those who join do not gather the others again. */
  isGathering: boolean;
}

const nothing = (): void => {};

export const createGroups = (): Groups => {
  const groups = new Map<string, Group>();
  return { enrol: (member) => new GroupMembership(groups, member) };
};

class GroupMembership implements Membership {
  readonly #groups: Map<string, Group>;
  readonly #member: Member;
  #name: string | null = null;
  #group: Group | null = null;

  constructor(groups: Map<string, Group>, member: Member) {
    this.#groups = groups;
    this.#member = member;
  }

  moveTo(name: string | null): void {
    if (name === this.#name) return;
    this.#group?.members.delete(this.#member);
    if (this.#name !== null && this.#group?.members.size === 0) this.#groups.delete(this.#name);
    this.#name = name;
    this.#group = name === null ? null : this.#groupOf(name);
    this.#group?.members.add(this.#member);
  }

  mustWait(): boolean {
    return this.#group !== null && this.#group.batch !== null;
  }

  begin(nextMs: number): () => void {
    const group = this.#group;
    if (group === null) return nothing;
    if (!group.isGathering) {
      // Its own turn is the next one after those of all who wait already.
      const turn = this.#member.backlog();
      const batch = turn && {};
      group.batch = batch;
      if (turn && batch) void turn.then(() => open(group, batch));
      gather(group, nextMs);
    }
    const { batch } = group;
    return () => batch && open(group, batch);
  }

  #groupOf(name: string): Group {
    const group = this.#groups.get(name) ?? { members: new Set(), batch: null, isGathering: false };
    this.#groups.set(name, group);
    return group;
  }
}

const gather = (group: Group, withinMs: number): void => {
  group.isGathering = true;
  for (const member of group.members) member.join(withinMs);
  group.isGathering = false;
};

const open = (group: Group, batch: object): void => {
  if (group.batch !== batch) return;
  group.batch = null;
  flush(group);
};

const flush = (group: Group): void => {
  for (const member of group.members) if (member.isOverdue) return member.join(0);
};
