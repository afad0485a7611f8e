/** Ids as Oracle Cloud gives them: OCIDs of the type that each service uses, UUIDs for Object Storage; the same seed gives the same id. */
import { createHash } from 'node:crypto';
import { regions } from './dialects.ts';

interface IdForm {
  readonly type: string;
  /** The region's part is empty: work requests of the whole tenancy. */
  readonly isRegionless?: boolean;
  /** A UUID stands in the part that is kept for the future. */
  readonly hasUuid?: boolean;
}

/** Types seen in Oracle's documentation and in outputs of its tools; the SDK does not hold them. Others follow a pattern of our own. */
const idForms: Readonly<Record<string, IdForm>> = {
  APIGATEWAY: { type: 'apiworkrequest' },
  BASTION: { type: 'bastionworkrequest' },
  CONTAINERENGINE: { type: 'clustersworkrequest' },
  DISASTERRECOVERY: { type: 'drworkrequest' },
  GENERATIVEAI: { type: 'generativeaiworkrequest' },
  IDENTITY: { type: 'identityworkrequest', isRegionless: true },
  IDENTITY_IAM: { type: 'iamworkrequest', isRegionless: true },
  IDENTITY_TAGGING: { type: 'taggingworkrequest', isRegionless: true },
  LOADBALANCER: { type: 'loadbalancerworkrequest' },
  LOGANALYTICS_STORAGE: { type: 'loganalyticsstorageworkrequest' },
  LOGGING: { type: 'logworkrequest' },
  MYSQL: { type: 'mysqlworkrequest', hasUuid: true },
  NETWORKFIREWALL: { type: 'networkfirewallworkrequest' },
  NETWORKLOADBALANCER: { type: 'networkloadbalancerworkrequest' },
  NOSQL: { type: 'nosqltableworkrequest' },
  QUEUE: { type: 'queueworkrequest' },
  RESOURCEMANAGER: { type: 'ormworkrequest' },
  WAAS: { type: 'waasworkrequest', isRegionless: true },
  WAF: { type: 'webappfirewallworkrequest' },
  WORKREQUESTS: { type: 'coreservicesworkrequest' },
};

export function workRequestId(service: string, region: string, seed: string): string {
  if (service === 'OBJECTSTORAGE') return uuidOf(seed);
  const form = idForms[service] ?? { type: `${service.toLowerCase().replaceAll('_', '')}workrequest` };
  const place = form.isRegionless === true ? '' : regionPart(region);
  const future = form.hasUuid === true ? `${uuidOf(seed)}.` : '';
  return `ocid1.${form.type}.${realmOf(region)}.${place}.${future}${uniqueOf(seed)}`;
}

export function ocid(type: string, region: string | null, seed: string): string {
  const realm = region === null ? 'oc1' : realmOf(region);
  return `ocid1.${type}.${realm}.${region === null ? '' : regionPart(region)}.${uniqueOf(seed)}`;
}

const alphabet = Buffer.from('abcdefghijklmnopqrstuvwxyz234567');

/** 60 characters of the alphabet that OCIDs use. */
function uniqueOf(seed: string): string {
  const characters = createHash('sha512').update(seed).digest().subarray(0, 52);
  for (let at = 0; at < 52; at += 1) characters[at] = alphabet[(characters[at] ?? 0) & 31] ?? 0;
  return `aaaaaaaa${characters.toString('latin1')}`;
}

/** A number from 0 up to, not including, `below`. */
export function numberOf(seed: string, below: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < seed.length; at += 1) hash = Math.imul(hash ^ seed.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % below;
}

function uuidOf(seed: string): string {
  const hex = createHash('sha512').update(seed).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** Ashburn and Phoenix stand in OCIDs with their code, the others with their name. */
function regionPart(region: string): string {
  const code = regions.find((known) => known.id === region)?.code;
  return code === 'iad' || code === 'phx' ? code : region;
}

function realmOf(region: string): string {
  return regions.find((known) => known.id === region)?.realm ?? 'oc1';
}
