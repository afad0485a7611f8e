/**
 * What there is to say about a work-request API: the shape of a catalog row (facts, and only where they deviate from
 * the common shape), the common shape itself (`describe`), and a row with everything spelled out (`Api`).
 *
 * The common shape: `GET {basePath}/workRequests/{workRequestId}`, `/errors` and `/logs` beneath it, lists as
 * `{ items }` asked for by compartment, no cancel.
 */
/** Fields of the unified type that an API may name differently. */
export type FieldName =
  | 'id'
  | 'compartmentId'
  | 'operationType'
  | 'status'
  | 'percentComplete'
  | 'timeAccepted'
  | 'timeStarted'
  | 'timeUpdated'
  | 'timeFinished'
  | 'resources'
  | 'errors'
  | 'logs';
export type ResourceFieldName = 'entityType' | 'actionType' | 'identifier' | 'entityUri';

/** How errors or logs are had: from an endpoint of their own, from the get's own body, or not at all. */
export type PartSource =
  | 'none'
  | 'embedded'
  | {
      /** Last path segment. */
      readonly segment?: string;
      /** Whether the endpoint requires the work request's `compartmentId`. */
      readonly needsCompartment?: boolean;
      /** Whether it takes `limit` and `page`; otherwise it answers all at once. */
      readonly isPaged?: boolean;
    };

/** A list of what an API lists its work requests by. */
export interface Parents {
  /** The list parameter that a parent's id goes to. */
  readonly param: string;
  /** Below the base path. */
  readonly path: string;
  /** A bare array, not `{ items }`. */
  readonly bareArray?: boolean;
}

export interface Row {
  /** Oracle's name of the service (and of the family, where a service has several). */
  readonly title: string;
  /** Oracle's names of what is served, where that is not just the title. */
  readonly products?: readonly string[];
  /** npm package without `oci-`, where that is not the key in lower case. */
  readonly package?: string;
  /** First label(s) of the host, before `.{region}.oci.{secondLevelDomain}`; or the host as a whole. */
  readonly endpoint: string;
  readonly basePath: string;
  readonly path?: string;
  readonly listPath?: string;
  /** Lists, errors and logs come as bare arrays, not as `{ items }`. */
  readonly bareArrays?: boolean;
  readonly listQuery?: readonly string[];
  /** Parameters a list cannot do without, in the path or in the query. */
  readonly listRequires?: readonly string[];
  /** Where the parents that its list needs are listed themselves, by compartment. */
  readonly parents?: Parents;
  /** `sortBy` word for the time of acceptance; null where the API sorts, but not by that. */
  readonly sortBy?: string | null;
  readonly errors?: PartSource;
  readonly logs?: PartSource;
  /** DELETE on the get path; `if-match`: with an optional etag. */
  readonly cancel?: 'if-match' | 'plain';
  /** Native name → ours. */
  readonly names?: Readonly<Record<string, FieldName>>;
  readonly resourceNames?: Readonly<Record<string, ResourceFieldName>>;
  /** Native name of `timestamp` in errors and logs. */
  readonly timestampName?: string;
  /** Native name of `code` in errors. */
  readonly errorCodeName?: string;
  /** Fields that a get has and a list item has not. */
  readonly listLacks?: readonly FieldName[];
  /** false: ids of this API are always read one by one, though a list could bring several. */
  readonly readsByList?: boolean;
  /** OCID type of its work requests, where that is verified (a doubtful one would send ids to the wrong service). */
  readonly ocidType?: string;
  /** IAM: its work requests live in the tenancy's home region. */
  readonly isHomeRegionOnly?: boolean;
  /** Status words the API declares; others occur. */
  readonly statuses?: readonly string[];
  /** Path below Oracle's API reference. */
  readonly docs?: string;
}

const commonListQuery = [
  'compartmentId',
  'workRequestId',
  'status',
  'resourceId',
  'page',
  'limit',
  'sortOrder',
  'sortBy',
] as const;

/** The sets of status words that most APIs declare. */
export const four = ['ACCEPTED', 'IN_PROGRESS', 'FAILED', 'SUCCEEDED'] as const;
export const six = [...four, 'CANCELING', 'CANCELED'] as const;
export const seven = [...six, 'WAITING'] as const;
export const eight = [...seven, 'NEEDS_ATTENTION'] as const;

/** One part of a work request that an endpoint of its own answers. */
export interface PartEndpoint {
  readonly segment: string;
  readonly needsCompartment: boolean;
  readonly isPaged: boolean;
}

/** A row with everything spelled out. */
export interface Api<Name extends string = string> {
  /** Key of the row. */
  readonly name: Name;
  readonly title: string;
  /** What messages call it, by title and key: `HeatWave (MYSQL)`. */
  readonly label: string;
  readonly products: readonly string[];
  readonly package: string;
  /** e.g. `https://adm.{region}.oci.{secondLevelDomain}` */
  readonly endpoint: string;
  readonly basePath: string;
  /** Path of the collection below the base path; may hold `{namespaceName}`. */
  readonly path: string;
  readonly listPath: string;
  readonly bareArrays: boolean;
  readonly listQuery: ReadonlySet<string>;
  readonly listRequires: readonly string[];
  readonly parents: Parents | null;
  readonly sortBy: string | null;
  readonly errors: PartEndpoint | 'embedded' | 'none';
  readonly logs: PartEndpoint | 'embedded' | 'none';
  readonly cancel: 'if-match' | 'plain' | 'none';
  readonly names: ReadonlyMap<string, FieldName>;
  readonly resourceNames: ReadonlyMap<string, ResourceFieldName>;
  readonly timestampName: string;
  readonly errorCodeName: string;
  readonly listLacks: ReadonlySet<FieldName>;
  readonly readsByList: boolean;
  readonly ocidType: string | null;
  readonly isHomeRegionOnly: boolean;
  readonly needsNamespace: boolean;
  readonly statuses: readonly string[];
  readonly documentationUrl: string | null;
}

const fieldNames: readonly FieldName[] = [
  'id',
  'compartmentId',
  'operationType',
  'status',
  'percentComplete',
  'timeAccepted',
  'timeStarted',
  'timeUpdated',
  'timeFinished',
  'resources',
];
const resourceFieldNames: readonly ResourceFieldName[] = [
  'entityType',
  'actionType',
  'identifier',
  'entityUri',
];

const namesOf = <Name extends string>(
  own: readonly Name[],
  renamed: Readonly<Record<string, Name>> = {},
): ReadonlyMap<string, Name> => {
  const taken = new Set(Object.values(renamed));
  // `id` stays readable beside another name for it: API Gateway's gets say `id`, its list items `workRequestId`.
  const kept = own.filter((name) => name === 'id' || !taken.has(name));
  return new Map([...kept.map((name) => [name, name] as const), ...Object.entries(renamed)]);
};

const part = (source: PartSource | undefined, segment: string): PartEndpoint | 'embedded' | 'none' =>
  typeof source === 'string'
    ? source
    : {
        segment: source?.segment ?? segment,
        needsCompartment: source?.needsCompartment ?? false,
        isPaged: source?.isPaged ?? true,
      };

/** The common shape: every default stands here. */
export const describe = <Name extends string>(name: Name, row: Row): Api<Name> => {
  const path = row.path ?? '/workRequests';
  const listRequires = row.listRequires ?? ['compartmentId'];
  const listQuery = new Set(row.listQuery ?? commonListQuery);
  const errors = part(row.errors, 'errors');
  const logs = part(row.logs, 'logs');
  const embedded: readonly FieldName[] = [
    ...(errors === 'embedded' ? (['errors'] as const) : []),
    ...(logs === 'embedded' ? (['logs'] as const) : []),
  ];
  return {
    name,
    title: row.title,
    label: `${row.title} (${name})`,
    products: row.products ?? [row.title],
    package: row.package ?? name.toLowerCase(),
    endpoint: `https://${row.endpoint.includes('{') ? row.endpoint : `${row.endpoint}.{region}.oci.{secondLevelDomain}`}`,
    basePath: row.basePath,
    path,
    listPath: row.listPath ?? path,
    bareArrays: row.bareArrays ?? false,
    listQuery,
    listRequires,
    parents: row.parents ?? null,
    sortBy: row.sortBy !== undefined ? row.sortBy : listQuery.has('sortBy') ? 'timeAccepted' : null,
    errors,
    logs,
    cancel: row.cancel ?? 'none',
    names: namesOf([...fieldNames, ...embedded], row.names),
    resourceNames: namesOf(resourceFieldNames, row.resourceNames),
    timestampName: row.timestampName ?? 'timestamp',
    errorCodeName: row.errorCodeName ?? 'code',
    listLacks: new Set(row.listLacks ?? []),
    // A list that needs a parent of its own cannot stand in for gets: an id does not tell its parent.
    readsByList:
      row.readsByList ??
      (listQuery.has('compartmentId') &&
        listRequires.every((needed) => needed === 'compartmentId' || needed === 'namespaceName')),
    ocidType: row.ocidType ?? null,
    isHomeRegionOnly: row.isHomeRegionOnly ?? false,
    needsNamespace: path.includes('{namespaceName}'),
    statuses: row.statuses ?? six,
    documentationUrl: row.docs ? `https://docs.oracle.com/iaas/api/#/en/${row.docs}` : null,
  };
};
