/**
 * Ids as clients hold them.
 *
 * A global id is `base64url("WorkRequest:" + service ":" region ":" workRequestId [":" namespace])`: opaque to clients,
 * the same bytes by every route, and everything a read needs. It carries names, never addresses: hosts and paths come
 * from the catalog and the allowed regions alone.
 */
import { GatewayError } from '../errors.ts';
import { catalog, isServiceName } from './catalog.ts';
import type { WorkRequestRef } from './types.ts';

const prefix = 'WorkRequest:';

/** Longest id that is looked at, in characters; OCIDs have at most 255. */
const maxIdLength = 1024;
const nativeId = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;
const regionId = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** Object Storage namespaces: letters, digits and a few marks, never a slash. */
const namespaceName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

export const globalIdOf = ({ service, region, workRequestId, namespace }: WorkRequestRef): string =>
  base64url(
    `${prefix}${service}:${region}:${workRequestId}${namespace === undefined ? '' : `:${namespace}`}`,
  );

/** Of Latin letters, which is all that its parts may hold; a Buffer would take several times its memory. */
const base64url = (text: string): string =>
  btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/**
 * @returns the ref a global id stands for; null when it is no global id (then it may be a raw one).
 * @throws GatewayError BAD_USER_INPUT when it looks like one but is damaged.
 */
export const parseGlobalId = (id: string): WorkRequestRef | null => {
  if (id.length > maxIdLength || !/^[A-Za-z0-9_-]+$/.test(id)) return null;
  const text = Buffer.from(id, 'base64url').toString('utf8');
  if (!text.startsWith(prefix)) return null;
  const [service = '', region = '', workRequestId = '', namespace, ...more] = text
    .slice(prefix.length)
    .split(':');
  if (
    more.length > 0 ||
    !isServiceName(service) ||
    !regionId.test(region) ||
    !nativeId.test(workRequestId) ||
    // Exactly where the API's path has a namespace: else one work request had two ids.
    (namespace !== undefined) !== catalog[service].needsNamespace ||
    (namespace !== undefined && !namespaceName.test(namespace))
  ) {
    throw new GatewayError('BAD_USER_INPUT', 'The global id is damaged or was not made by this gateway.');
  }
  const ref = { service, region, workRequestId, ...(namespace !== undefined && { namespace }) };
  // One work request, one id: other spellings of the same bytes are refused.
  if (globalIdOf(ref) !== id)
    throw new GatewayError('BAD_USER_INPUT', 'The global id is not in its canonical form.');
  return ref;
};

/** What an OCID says of itself: `ocid1.<type>.<realm>.[region][.future].<unique>`, five or six parts. */
export interface Ocid {
  readonly type: string;
  readonly realm: string;
  /** Region id or short code; null where it names none (IAM). */
  readonly region: string | null;
}

/** @returns null for what is no OCID, such as Object Storage's UUIDs. */
export const parseOcid = (id: string): Ocid | null => {
  const parts = id.split('.');
  if (parts[0] !== 'ocid1' || parts.length < 5 || parts.length > 6) return null;
  const [, type = '', realm = '', region = ''] = parts;
  if (type === '' || realm === '' || parts.at(-1) === '') return null;
  return { type, realm, region: region === '' ? null : region };
};

/** Whether this can be the id of a work request as OCI knows it. */
export const isNativeId = (id: string): boolean => nativeId.test(id);

/** @throws GatewayError BAD_USER_INPUT for what can be no id of a work request. */
export const checkNativeId = (id: string): string => {
  if (isNativeId(id)) return id;
  throw new GatewayError(
    'BAD_USER_INPUT',
    id === ''
      ? 'The id is empty.'
      : 'The id is neither a global id of this API nor a work request id as OCI returns it: letters, digits, `.`, `_` and `-`, at most 255 characters.',
  );
};

/** Whether a namespace that upstream reports can stand in a path. */
export const isNamespaceName = (name: string): boolean => namespaceName.test(name);
