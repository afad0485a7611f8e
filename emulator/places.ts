/** Where work requests belong: the tenancy with its compartments, and the things under which some APIs list them. */
import { ocid } from './ids.ts';
import type { ParentBody } from './control-schemas.ts';

export interface Compartment {
  readonly id: string;
  readonly name: string;
  readonly parentId: string;
}

export interface Parent {
  readonly kind: ParentBody['kind'];
  readonly id: string;
  readonly region: string;
  readonly compartmentId: string;
}

export const sampleTenancy = ocid('tenancy', null, 'samples/tenancy');
const sampleCompartment = (name: string): string => ocid('compartment', null, `samples/compartment/${name}`);
/** In the tenancy of the samples; `paymentsTest` is a child of `payments`. */
export const sampleCompartments = {
  platform: sampleCompartment('platform'),
  payments: sampleCompartment('payments'),
  paymentsTest: sampleCompartment('payments-test'),
  analytics: sampleCompartment('analytics'),
} as const;
export const sampleNamespace = 'axemulated';

/** Names of parameters that name a parent, and the kind of it. */
const parentKinds: Readonly<Record<string, ParentBody['kind']>> = {
  loadBalancerId: 'loadBalancers',
  blockchainPlatformId: 'blockchainPlatforms',
  waasPolicyId: 'waasPolicies',
  namespaceName: 'namespaces',
};

const parentTypes: Readonly<Record<string, string>> = {
  loadBalancerId: 'loadbalancer',
  blockchainPlatformId: 'blockchainplatform',
  waasPolicyId: 'waaspolicy',
};

export interface Places {
  readonly tenancy: string;
  addCompartment(id: string, name?: string, parentId?: string): void;
  removeCompartment(id: string): void;
  compartment(id: string): Compartment | null;
  compartments(): readonly Compartment[];
  isKnown(compartmentId: string): boolean;
  /** The compartment and all that lies in it. */
  subtree(compartmentId: string): ReadonlySet<string>;
  addParent(parent: Parent): void;
  parents(kind: ParentBody['kind'], region: string): readonly Parent[];
  /** The parents that an API lists by: given ones become known, missing ones are made, one per compartment. */
  settleParents(
    names: readonly string[],
    given: Readonly<Record<string, string>>,
    region: string,
    compartmentId: string,
  ): Readonly<Record<string, string>>;
}

export function createPlaces(): Places {
  const compartments = new Map<string, Compartment>();
  const parents = new Map<string, Parent>();
  const places: Places = {
    tenancy: sampleTenancy,
    addCompartment: (id, name, parentId) => {
      if (id === sampleTenancy || (compartments.has(id) && name === undefined && parentId === undefined))
        return;
      compartments.set(id, {
        id,
        name: name ?? `compartment-${compartments.size + 1}`,
        parentId: parentId ?? sampleTenancy,
      });
    },
    removeCompartment: (id) => {
      compartments.delete(id);
    },
    compartment: (id) => compartments.get(id) ?? null,
    compartments: () => [...compartments.values()],
    isKnown: (id) => id === sampleTenancy || compartments.has(id),
    subtree: (id) => {
      const inside = new Set([id]);
      // Children may be known before their parents, so look until nothing is added.
      for (let size = 0; size !== inside.size;) {
        size = inside.size;
        for (const compartment of compartments.values()) {
          if (inside.has(compartment.parentId)) inside.add(compartment.id);
        }
      }
      return inside;
    },
    addParent: (parent) => {
      parents.set(`${parent.kind} ${parent.region} ${parent.id}`, parent);
    },
    parents: (kind, region) => [
      ...(kind === 'namespaces' ? [{ kind, id: sampleNamespace, region, compartmentId: sampleTenancy }] : []),
      ...[...parents.values()].filter(
        (parent) => parent.kind === kind && parent.region === region && parent.id !== sampleNamespace,
      ),
    ],
    settleParents: (names, given, region, compartmentId) => {
      const settled: Record<string, string> = { ...given };
      for (const name of names) {
        const type = parentTypes[name];
        settled[name] ??=
          type === undefined ? sampleNamespace : ocid(type, region, `${region}/${compartmentId}/${name}`);
      }
      for (const [name, id] of Object.entries(settled)) {
        const kind = parentKinds[name];
        const home = kind === 'namespaces' ? sampleTenancy : compartmentId;
        if (kind && names.includes(name)) places.addParent({ kind, id, region, compartmentId: home });
      }
      return settled;
    },
  };
  places.addCompartment(sampleCompartments.platform, 'platform');
  places.addCompartment(sampleCompartments.payments, 'payments');
  places.addCompartment(sampleCompartments.paymentsTest, 'payments-test', sampleCompartments.payments);
  places.addCompartment(sampleCompartments.analytics, 'analytics');
  return places;
}
