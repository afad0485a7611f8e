/**
 * Watchers whose work requests one list brings. When one looks, those that would do so soon look in the same breath.
 *
 * While their looks wait for the gateway's own budget, one batch of a group at a time does: whoever comes due meanwhile looks
 * with the next one, so that a turn brings all that the group wants by then instead of a single work request.
 */
export interface Member {
  /** Looks now if it would do so soon, or within this time. */
  join(withinMs: number): void;
  readonly isOverdue: boolean;
  /** Whether its looks wait for the gateway's own budget. */
  readonly isHeldUp: boolean;
}

export interface Membership {
  moveTo(name: string | null): void;
  /** Whether to leave it to the others of the group to begin the next look. */
  mustWait(): boolean;
  /**
   * A look has begun, and the next one would follow after `nextMs`.
   * @returns to be called when it has ended
   */
  begin(nextMs: number): () => void;
}

export interface Groups {
  enrol(member: Member): Membership;
}

interface Group {
  readonly members: Set<Member>;
  /** The looks that began last, until the first of them has ended. */
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
    return this.#group !== null && this.#group.batch !== null && this.#member.isHeldUp;
  }

  begin(nextMs: number): () => void {
    const group = this.#group;
    if (group === null) return nothing;
    if (!group.isGathering) gather(group, nextMs);
    const { batch } = group;
    return () => {
      if (batch === null || group.batch !== batch) return;
      group.batch = null;
      flush(group);
    };
  }

  #groupOf(name: string): Group {
    const group = this.#groups.get(name) ?? { members: new Set(), batch: null, isGathering: false };
    this.#groups.set(name, group);
    return group;
  }
}

const gather = (group: Group, withinMs: number): void => {
  group.batch = {};
  group.isGathering = true;
  for (const member of group.members) member.join(withinMs);
  group.isGathering = false;
};

const flush = (group: Group): void => {
  for (const member of group.members) if (member.isOverdue) return member.join(0);
};
