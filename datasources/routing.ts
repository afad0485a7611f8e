/**
 * From what a caller gave (an id, perhaps a service and a region) to the one place where to ask. Nothing is asked here,
 * and an id is never tried at more than one service.
 *
 * The caller's word wins; a global id carries everything; a raw OCID names its type and region; a type that is not
 * verified counts when this gateway's own lists showed it (a hint: a miss there proves nothing).
 */
import { GatewayError } from '../errors.ts';
import { catalog, serviceNames, serviceOfOcidType } from './catalog.ts';
import type { ServiceName } from './catalog.ts';
import { checkNativeId, parseGlobalId, parseOcid } from './ids.ts';
import type { Ocid } from './ids.ts';
import type { Region } from './regions.ts';
import type { WorkRequestRef } from './types.ts';

export interface Target {
  readonly id: string;
  readonly service?: ServiceName | null | undefined;
  /** Region id or code, in any letter case: `eu-frankfurt-1` or `FRA`. */
  readonly region?: string | null | undefined;
}

export interface Route {
  readonly ref: WorkRequestRef;
  /** Set where the service was taken from a hint: not found there means that the id's service is not known. */
  readonly ifAbsent: GatewayError | null;
}

export interface Router {
  /** @throws GatewayError BAD_USER_INPUT, SERVICE_REQUIRED, REGION_REQUIRED, REGION_NOT_ALLOWED */
  routeWorkRequest(target: Target): Route;
  /** Region ids of what a caller named by id or code, each once. @throws GatewayError REGION_NOT_ALLOWED */
  routeRegions(words: readonly string[]): readonly string[];
  /** Global ids only. @throws GatewayError BAD_USER_INPUT, REGION_NOT_ALLOWED */
  routeNode(id: string): WorkRequestRef;
}

export const createRouter = ({
  findRegion,
  allowedRegions,
  homeRegion,
  serviceOfListedType,
}: {
  /** By id or code, in lower case. */
  readonly findRegion: (word: string) => Region | undefined;
  readonly allowedRegions: readonly string[];
  readonly homeRegion: string;
  readonly serviceOfListedType: (type: string) => ServiceName | null;
}): Router => {
  const allowed = new Set(allowedRegions);

  const allow = (word: string, service: ServiceName): Region => {
    const region = findRegion(word.toLowerCase());
    if (
      region &&
      (allowed.has(region.id) || (catalog[service].isHomeRegionOnly && region.id === homeRegion))
    ) {
      return region;
    }
    throw new GatewayError(
      'REGION_NOT_ALLOWED',
      `Region ${quote(word)} is ${region ? 'not one this gateway may call' : 'not known'}. It may call: ${allowedRegions.join(', ')}.`,
    );
  };

  const fromGlobalId = (ref: WorkRequestRef, { service, region }: Target): Route => {
    if (service && service !== ref.service) throw contradiction('service', service, ref.service);
    const own = allow(ref.region, ref.service);
    // A code instead of the region's id would be a second id for the same work request.
    if (own.id !== ref.region)
      throw new GatewayError('BAD_USER_INPUT', 'The global id is not in its canonical form.');
    if (region && allow(region, ref.service).id !== own.id) throw contradiction('region', region, ref.region);
    return { ref, ifAbsent: null };
  };

  const serviceFor = (
    ocid: Ocid | null,
    given: ServiceName | null | undefined,
  ): [ServiceName, GatewayError | null] => {
    const verified = ocid ? serviceOfOcidType.get(ocid.type) : undefined;
    if (given && verified && given !== verified) throw contradiction('service', given, verified);
    const certain = given ?? verified;
    if (certain) return [certain, null];
    const hinted = ocid ? serviceOfListedType(ocid.type) : null;
    if (hinted) return [hinted, serviceRequired(ocid)];
    throw serviceRequired(ocid);
  };

  const regionFor = (ocid: Ocid | null, service: ServiceName, given: string | null | undefined): Region => {
    if (given) return allow(given, service);
    if (ocid?.region) return allow(ocid.region, service);
    if (catalog[service].isHomeRegionOnly) return allow(homeRegion, service);
    throw new GatewayError(
      'REGION_REQUIRED',
      `The id names no region: say which with \`region\`, one of ${allowedRegions.join(', ')}.`,
    );
  };

  return {
    routeWorkRequest(target) {
      const global = parseGlobalId(target.id);
      if (global) return fromGlobalId(global, target);
      const workRequestId = checkNativeId(target.id);
      const ocid = parseOcid(workRequestId);
      const [service, ifAbsent] = serviceFor(ocid, target.service);
      const region = regionFor(ocid, service, target.region);
      if (ocid && region.realm !== 'unknown' && ocid.realm !== region.realm) {
        throw new GatewayError(
          'BAD_USER_INPUT',
          `The id is of realm ${quote(ocid.realm)}, region ${region.id} of realm \`${region.realm}\`.`,
        );
      }
      return { ref: { service, region: region.id, workRequestId }, ifAbsent };
    },
    // The home region may be callable for IAM alone: whoever asks there asks IAM.
    routeRegions: (words) => [...new Set(words.map((word) => allow(word, 'IDENTITY').id))],
    routeNode(id) {
      const global = parseGlobalId(id);
      if (global) return fromGlobalId(global, { id }).ref;
      throw new GatewayError(
        'BAD_USER_INPUT',
        'This is no global id. Ids as OCI returns them go to `workRequest(id:)`.',
      );
    },
  };
};

/** The answer to an id whose service cannot be told; also to one that a hinted service does not know. */
const serviceRequired = (ocid: Pick<Ocid, 'type'> | null): GatewayError => {
  const say = `say which with \`service\`, one of ${serviceNames.length} that \`services { name title }\` lists.`;
  if (ocid === null)
    return new GatewayError('SERVICE_REQUIRED', `The id does not tell which service it belongs to: ${say}`);
  const tells = `The OCID type ${quote(ocid.type)} does not tell which service it belongs to`;
  return new GatewayError(
    'SERVICE_REQUIRED',
    isUsualType(ocid.type)
      ? `${tells}: ${say}`
      : `${tells} and looks like a resource's. \`workRequests(compartmentId:, filter: { resourceId: })\` lists the work requests of a resource. If this is a work request's id, ${say}`,
  );
};

/** So are all types of work requests that we know of called. Oracle promises nothing, so others are not refused. */
const isUsualType = (type: string): boolean => type.toLowerCase().includes('workrequest');

const contradiction = (what: 'service' | 'region', given: string, own: string): GatewayError =>
  new GatewayError(
    'BAD_USER_INPUT',
    `\`${what}\` says ${quote(given)}, the id says \`${own}\`: leave out one of them.`,
  );

/** A caller's word in a message: short, and nothing but itself. */
const quote = (word: string): string => `\`${word.replaceAll(/[^\x20-\x5f\x61-\x7e]/g, '?').slice(0, 80)}\``;
