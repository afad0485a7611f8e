/**
 * Watchers whose work requests one list brings. When one looks, those that would do so soon look in the same breath.
 *
 * While looks wait for the gateway's own budget, one batch of a group at a time does: whoever comes due meanwhile looks with
 * the next one, so that a turn brings all that the group wants by then instead of a single work request. It waits for the
 * turn and for a first answer, which may well bring it too; but for an answer no longer than a shortest interval.
 */
import type { Agenda, Alarm } from './agenda.ts';

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
  /** The looks that began last, while they wait for their turn or for a first answer. */
  batch: object | null;
  /** Those who join do not gather the others again. */
  isGathering: boolean;
  /** Rings when an answer was waited for long enough. */
  readonly alarm: Alarm;
}

const nothing = (): void => {};

/** @param patienceMs how long a first answer is waited for */
export const createGroups = (agenda: Agenda, patienceMs: number): Groups => {
  const groups = new Map<string, Group>();
  const groupOf = (name: string): Group => {
    const found = groups.get(name);
    if (found) return found;
    const made: Group = {
      members: new Set(),
      batch: null,
      isGathering: false,
      alarm: agenda.createAlarm(() => open(made, made.batch)),
    };
    groups.set(name, made);
    return made;
  };
  const all: All = {
    groupOf,
    patienceMs,
    forget(name) {
      const group = groups.get(name);
      groups.delete(name);
      if (group) group.batch = null;
      group?.alarm.clear();
    },
  };
  return { enrol: (member) => new GroupMembership(all, member) };
};

interface All {
  readonly patienceMs: number;
  groupOf(name: string): Group;
  forget(name: string): void;
}

class GroupMembership implements Membership {
  readonly #all: All;
  readonly #member: Member;
  #name: string | null = null;
  #group: Group | null = null;

  constructor(all: All, member: Member) {
    this.#all = all;
    this.#member = member;
  }

  moveTo(name: string | null): void {
    if (name === this.#name) return;
    this.#group?.members.delete(this.#member);
    if (this.#name !== null && this.#group?.members.size === 0) this.#all.forget(this.#name);
    this.#name = name;
    this.#group = name === null ? null : this.#all.groupOf(name);
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
      group.alarm.clear();
      if (batch) void turn?.then(() => group.batch === batch && group.alarm.set(this.#all.patienceMs));
      gather(group, nextMs);
    }
    const { batch } = group;
    return () => batch && open(group, batch);
  }
}

const gather = (group: Group, withinMs: number): void => {
  group.isGathering = true;
  for (const member of group.members) member.join(withinMs);
  group.isGathering = false;
};

const open = (group: Group, batch: object | null): void => {
  if (group.batch !== batch) return;
  group.batch = null;
  group.alarm.clear();
  flush(group);
};

const flush = (group: Group): void => {
  for (const member of group.members) if (member.isOverdue) return member.join(0);
};
