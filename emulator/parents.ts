/** The few other operations that a sweep over a compartment needs: compartments, load balancers, namespaces, platforms, policies. */
import { invalidParameter, notFound, ok } from './answers.ts';
import type { Answer } from './answers.ts';
import { answerPage, checkQuery } from './api.ts';
import type { ApiCall, Cloud } from './api.ts';
import { regions } from './dialects.ts';
import type { ParentOperation } from './dialects.ts';
import { compare } from './paging.ts';
import type { Compartment, Parent } from './places.ts';
import { renderShape } from './render.ts';
import type { Body } from './render.ts';

type Handler = (cloud: Cloud, parent: ParentOperation, call: ApiCall) => Answer;

/** Things of the emulated cloud are as old as this. */
const createdMs = Date.UTC(2024, 0, 1);

const handlers: Readonly<Record<string, Handler>> = {
  listCompartments: (cloud, parent, call) => {
    const id = call.query.get('compartmentId')?.[0] ?? '';
    if (!cloud.places.isKnown(id)) return notFound();
    const inSubtree = call.query.get('compartmentIdInSubtree')?.[0] === 'true';
    if (inSubtree && id !== cloud.places.tenancy) {
      return invalidParameter(
        'compartmentIdInSubtree',
        'only the tenancy (root compartment) can be searched with its subtree',
      );
    }
    const name = call.query.get('name')?.[0];
    const state = call.query.get('lifecycleState')?.[0];
    const found = cloud.places
      .compartments()
      .filter((compartment) => inSubtree || compartment.parentId === id)
      .filter((compartment) => name === undefined || compartment.name === name)
      .filter(() => state === undefined || state === 'ACTIVE')
      .map((compartment) => ({ compartment, id: compartment.id, sortKey: compartment.name }))
      .sort((left, right) => compare(left, right, false));
    return answerPage(call, found, false, parent.body === 'array', ({ compartment }) =>
      renderCompartment(parent, compartment),
    );
  },
  getCompartment: (cloud, parent, call) => {
    const id = call.parameters['compartmentId'] ?? '';
    const root: Compartment = { id: cloud.places.tenancy, name: 'emulated', parentId: '' };
    const compartment = id === root.id ? root : cloud.places.compartment(id);
    return compartment ? ok(renderCompartment(parent, compartment)) : notFound();
  },
  getTenancy: (cloud, parent, call) => {
    if (call.parameters['tenancyId'] !== cloud.places.tenancy) return notFound();
    const home = regions.find((region) => region.id === 'us-ashburn-1')?.code.toUpperCase();
    const known = { id: cloud.places.tenancy, name: 'emulated', homeRegionKey: home };
    return ok(renderShape(parent.fields, cloud.places.tenancy, createdMs, known));
  },
  listRegionSubscriptions: (cloud, parent, call) => {
    if (call.parameters['tenancyId'] !== cloud.places.tenancy) return notFound();
    const subscribed = regions.filter((region) => region.realm === 'oc1').slice(0, 40);
    return ok(
      subscribed.map((region) =>
        renderShape(parent.fields, region.id, createdMs, {
          regionKey: region.code.toUpperCase(),
          regionName: region.id,
          status: 'READY',
          isHomeRegion: region.id === 'us-ashburn-1',
        }),
      ),
    );
  },
  listRegions: () =>
    ok(
      regions
        .filter((region) => region.realm === 'oc1')
        .map((region) => ({ key: region.code.toUpperCase(), name: region.id })),
    ),
  listNamespaces: (cloud, parent, call) => {
    if (call.query.get('compartmentId')?.[0] !== cloud.places.tenancy) return notFound();
    const items = cloud.places.parents('namespaces', call.region).map((namespace) =>
      renderShape(parent.fields, namespace.id, createdMs, {
        namespaceName: namespace.id,
        compartmentId: namespace.compartmentId,
        isOnboarded: true,
      }),
    );
    return ok({ items });
  },
  listLoadBalancers: (cloud, parent, call) => listParents(cloud, parent, call, 'loadBalancers'),
  listBlockchainPlatforms: (cloud, parent, call) => listParents(cloud, parent, call, 'blockchainPlatforms'),
  listWaasPolicies: (cloud, parent, call) => listParents(cloud, parent, call, 'waasPolicies'),
};

export function answerParents(cloud: Cloud, parent: ParentOperation, call: ApiCall): Answer {
  return checkQuery(call) ?? handlers[parent.name]?.(cloud, parent, call) ?? notFound();
}

function listParents(cloud: Cloud, parent: ParentOperation, call: ApiCall, kind: Parent['kind']): Answer {
  const compartmentId = call.query.get('compartmentId')?.[0] ?? '';
  if (!cloud.places.isKnown(compartmentId)) return notFound();
  const found = cloud.places
    .parents(kind, call.region)
    .filter((one) => one.compartmentId === compartmentId)
    .map((one) => ({ one, id: one.id, sortKey: one.id }))
    .sort((left, right) => compare(left, right, false));
  return answerPage(call, found, false, parent.body === 'array', ({ one }) =>
    renderShape(parent.fields, one.id, createdMs, { id: one.id, compartmentId, lifecycleState: 'ACTIVE' }),
  );
}

function renderCompartment(parent: ParentOperation, compartment: Compartment): Body {
  return renderShape(parent.fields, compartment.id, createdMs, {
    id: compartment.id,
    compartmentId: compartment.parentId,
    name: compartment.name,
    description: `The compartment ${compartment.name}`,
    lifecycleState: 'ACTIVE',
    isAccessible: true,
  });
}
