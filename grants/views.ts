/** What a caller may see and cancel: the rules whose claims are the caller's. Who has the same rules has the same view. */
import { createHash } from 'node:crypto';
import type { ServiceName } from '../datasources/catalog.ts';
import type { Action, ClaimValue, Policy, Rule } from './policy.ts';

export interface Place {
  readonly service: ServiceName;
  readonly region: string;
  /** null: nobody knows it. */
  readonly compartmentId: string | null;
}

export interface View {
  /** The same for the same rules. */
  readonly key: string;
  /** The compartments that it is to know all below of. */
  readonly roots: readonly string[];
  /** Whether there is anything to be seen of this service in this region. */
  reaches(service: ServiceName, region: string): boolean;
  /** Whether there is anything to be seen in this compartment. */
  touches(compartmentId: string): boolean;
  allows(action: Action, place: Place): boolean;
}

/** Compartments of a subtree; undefined: not known (yet, or any more). */
export type FindSubtree = (root: string) => ReadonlySet<string> | undefined;

type Claims = Readonly<Record<string, unknown>>;

/** @returns null: everything, as without a policy */
export const createViews = (
  { rules }: Policy,
  findSubtree: FindSubtree,
): ((claims: Claims) => View | null) => {
  const compiled = rules.map((rule) => compile(rule, findSubtree));
  const known = new Map<string, View | null>();

  return (claims) => {
    const own = compiled.filter(({ fits }) => fits(claims));
    const key = own
      .map(({ id }) => id)
      .sort()
      .join(' ');
    const found = known.get(key);
    if (found !== undefined) return found;
    const view = own.some(({ isEverything }) => isEverything) ? null : viewOf(own, key);
    known.set(key, view);
    return view;
  };
};

interface Compiled {
  readonly id: string;
  readonly isEverything: boolean;
  readonly roots: readonly string[];
  fits(claims: Claims): boolean;
  reaches(service: ServiceName, region: string): boolean;
  holds(compartmentId: string | null): boolean;
  allows(action: Action, place: Place): boolean;
}

const viewOf = (rules: readonly Compiled[], ids: string): View => ({
  key: createHash('sha256').update(ids).digest('base64url').slice(0, 22),
  roots: rules.flatMap(({ roots }) => roots),
  reaches: (service, region) => rules.some((rule) => rule.reaches(service, region)),
  touches: (compartmentId) => rules.some((rule) => rule.holds(compartmentId)),
  allows: (action, place) => rules.some((rule) => rule.allows(action, place)),
});

const compile = (rule: Rule, findSubtree: FindSubtree): Compiled => {
  const { when, allow, services, regions, compartments } = rule;
  const [actions, ofServices, ofRegions] = [new Set(allow), setOf(services), setOf(regions)];
  const alone =
    compartments === 'all' ? null : new Set(compartments.filter((one) => typeof one === 'string'));
  const roots = rootsOf(rule);
  const claims =
    when === 'anyone' ? [] : Object.entries(when).map(([name, value]) => [name, [value].flat()] as const);

  const reaches = (service: ServiceName, region: string): boolean =>
    (ofServices === null || ofServices.has(service)) && (ofRegions === null || ofRegions.has(region));
  const holds = (compartmentId: string | null): boolean =>
    alone === null ||
    (compartmentId !== null &&
      (alone.has(compartmentId) || roots.some((root) => findSubtree(root)?.has(compartmentId) === true)));

  return {
    // Whose rule it is makes no difference to what it allows.
    id: createHash('sha256')
      .update(JSON.stringify([allow, services, regions, compartments]))
      .digest('base64url'),
    isEverything: actions.has('cancel') && ofServices === null && ofRegions === null && alone === null,
    roots,
    fits: (own) => claims.every(([name, values]) => has(own, name, values)),
    reaches,
    holds,
    allows: (action, { service, region, compartmentId }) =>
      actions.has(action) && reaches(service, region) && holds(compartmentId),
  };
};

export const rootsOf = ({ compartments }: Pick<Rule, 'compartments'>): readonly string[] =>
  compartments === 'all' ? [] : compartments.flatMap((one) => (typeof one === 'string' ? [] : one.subtreeOf));

const setOf = <Word>(words: 'all' | readonly Word[]): ReadonlySet<Word> | null =>
  words === 'all' ? null : new Set(words);

/** Claims that RFC 8693 and its like write as words in one text. */
const wordLists: ReadonlySet<string> = new Set(['scope', 'scp']);

const has = (claims: Claims, name: string, values: readonly ClaimValue[]): boolean => {
  const claim = claimOf(claims, name);
  const own: readonly unknown[] = Array.isArray(claim)
    ? claim
    : typeof claim === 'string' && wordLists.has(name)
      ? claim.split(' ')
      : [claim];
  return values.some((value) => own.includes(value));
};

/** By its name, which may hold dots; else the way that the dots lead, as in `realm_access.roles`. */
const claimOf = (claims: Claims, name: string): unknown => {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    if (!Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
};
