import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { CancelError } from '../datasources/cancel.ts';
import type { Region as RegionModel } from '../datasources/regions.ts';
import type { Api as ApiModel } from '../datasources/api.ts';
import type { WorkRequest as WorkRequestModel } from '../datasources/types.ts';
import type { ListedPage, ListedEdge } from '../resolvers/work-requests.ts';
import type { WatchEvent } from '../subscriptions/events.ts';
import type { Context } from '../context.ts';
export type Maybe<T> = T | null | (T extends Promise<infer U> ? Promise<U | null> : never);
export type InputMaybe<T> = T | null;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** A date and time with its offset, RFC 3339: `2026-11-24T22:41:03.120Z`. */
  DateTime: { input: Date; output: Date; }
  /** A JSON object, its members named and typed as Oracle Cloud sends them. */
  JSONObject: { input: Record<string, unknown>; output: Record<string, unknown>; }
};

/** Why a cancel was not carried out, or may not have been. */
export type CancelWorkRequestError = {
  readonly __typename?: 'CancelWorkRequestError';
  /**
   * NOT_CANCELABLE (the API has no cancel, or not in this state), ALREADY_FINISHED, NOT_FOUND (absent, or not permitted),
   * READ_ONLY (this gateway cancels nothing), or what went wrong on the way: FORBIDDEN, UNAUTHENTICATED, UPSTREAM_….
   */
  readonly code: Scalars['String']['output'];
  /** What stands in the way, in a sentence, with Oracle's own code and words where it gave some. */
  readonly message: Scalars['String']['output'];
};

/** Which work request to cancel. */
export type CancelWorkRequestInput = {
  /** Any text of yours; it comes back with the answer. It does not keep a cancel from being sent twice. */
  readonly clientMutationId?: InputMaybe<Scalars['String']['input']>;
  /** As for the query `workRequest`. */
  readonly id: Scalars['ID']['input'];
  /** Region id or code, in any letter case. Needed where the id names none. */
  readonly region?: InputMaybe<Scalars['String']['input']>;
  /** Needed where the id does not tell. */
  readonly service?: InputMaybe<ServiceName>;
};

/** What came of a cancel. */
export type CancelWorkRequestPayload = {
  readonly __typename?: 'CancelWorkRequestPayload';
  /** The one of the input; null when it gave none. */
  readonly clientMutationId?: Maybe<Scalars['String']['output']>;
  /** Null when the service took the cancel on. */
  readonly error?: Maybe<CancelWorkRequestError>;
  /** The state after it, or the one that stands in the way. */
  readonly workRequest?: Maybe<WorkRequest>;
};

/** What changes something in Oracle Cloud. None of it does where the gateway is read-only (`READ_ONLY`). */
export type Mutation = {
  readonly __typename?: 'Mutation';
  /**
   * Asks the service to cancel a work request, and reads back its state: usually CANCELING, which ends as CANCELED or not.
   * What stands in the way is in `error`; top-level errors are for ids that cannot be (BAD_USER_INPUT, SERVICE_REQUIRED,
   * REGION_REQUIRED, REGION_NOT_ALLOWED). It is never repeated blindly: where the answer is lost, `error` says that it is
   * not known whether Oracle carried it out.
   *
   * Costs three calls: the state before, the cancel, the state after.
   */
  readonly cancelWorkRequest: CancelWorkRequestPayload;
};


/** What changes something in Oracle Cloud. None of it does where the gateway is read-only (`READ_ONLY`). */
export type MutationCancelWorkRequestArgs = {
  input: CancelWorkRequestInput;
};

/** An object with a global id (Relay's Node). */
export type Node = {
  /** Opaque, and the same bytes by every route. Good for `node`, `nodes` and every `id` argument of this API. */
  readonly id: Scalars['ID']['output'];
};

/** Where a page stands in its connection (Relay's PageInfo). */
export type PageInfo = {
  readonly __typename?: 'PageInfo';
  /** Hand it to `after` for the next page. Valid for one hour, with the same other arguments. */
  readonly endCursor?: Maybe<Scalars['String']['output']>;
  /** Whether there is more after this page: ask on with `endCursor`. */
  readonly hasNextPage: Scalars['Boolean']['output'];
  /** Always false: pages go forward only, most of Oracle's APIs have no way back. */
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the first item; null when the page has none. */
  readonly startCursor?: Maybe<Scalars['String']['output']>;
};

/** What can be read. */
export type Query = {
  readonly __typename?: 'Query';
  /** The object with this global id; null when it does not exist (any more) or may not be seen. */
  readonly node?: Maybe<Node>;
  /**
   * The objects with these global ids, in the same order. One that fails is null, with an error at its index, and costs
   * no other its place. Ids of one service, region and compartment share their upstream calls.
   */
  readonly nodes: ReadonlyArray<Maybe<Node>>;
  /** The regions this gateway may call. */
  readonly regions: ReadonlyArray<Region>;
  /** Every work-request API this gateway reads. */
  readonly services: ReadonlyArray<Service>;
  /**
   * One work request when it needs no more waiting: it is terminal, or NEEDS_ATTENTION. When the time is up: as it is then.
   * It is watched as by a subscription, so however many wait for it Oracle Cloud is asked once. For scripts, and clients
   * without sockets; the wait ends when the client goes away.
   *
   * Null and errors are those of `workRequest`; a failure that may pass is waited out. Of one that disappears while it is
   * waited for (Oracle keeps work requests for twelve hours) the last state is answered, with `isStale`. UPSTREAM_TIMEOUT
   * when the time is up and no state was seen, UPSTREAM_UNAVAILABLE when the gateway shuts down meanwhile.
   */
  readonly waitForWorkRequest?: Maybe<WorkRequest>;
  /**
   * One work request; null when Oracle Cloud does not know it (any more: work requests are kept for twelve hours) or the
   * gateway's credential may not see it. Oracle answers the same to both.
   *
   * Errors: BAD_USER_INPUT for an id that can be none, or one that contradicts `service` or `region`; SERVICE_REQUIRED and
   * REGION_REQUIRED where the id names neither and the argument is missing; REGION_NOT_ALLOWED; UPSTREAM_UNAVAILABLE,
   * UPSTREAM_TIMEOUT, UPSTREAM_THROTTLED, UPSTREAM_MALFORMED when the service gives no usable answer.
   */
  readonly workRequest?: Maybe<WorkRequest>;
  /**
   * One list of work requests over services, regions and compartments, merged by time of acceptance; those without one come
   * last. Each work request comes once over all pages, also while new ones arrive.
   *
   * A source that cannot be asked (down, throttled, slow, not permitted) is a row of `failures`; the others' work requests
   * are there all the same. The query fails only when its arguments are wrong: BAD_USER_INPUT, REGION_NOT_ALLOWED,
   * CURSOR_INVALID.
   *
   * Costs one call for each source (services × regions × compartments), and one for each work request where a service's
   * list lacks a field that is selected. The weight is about that of all services in one region; `extensions.cost.estimated` is
   * worked out from the arguments.
   */
  readonly workRequests?: Maybe<WorkRequestConnection>;
};


/** What can be read. */
export type QueryNodeArgs = {
  id: Scalars['ID']['input'];
};


/** What can be read. */
export type QueryNodesArgs = {
  ids: ReadonlyArray<Scalars['ID']['input']>;
};


/** What can be read. */
export type QueryWaitForWorkRequestArgs = {
  id: Scalars['ID']['input'];
  region?: InputMaybe<Scalars['String']['input']>;
  service?: InputMaybe<ServiceName>;
  timeoutSeconds?: InputMaybe<Scalars['Int']['input']>;
};


/** What can be read. */
export type QueryWorkRequestArgs = {
  id: Scalars['ID']['input'];
  region?: InputMaybe<Scalars['String']['input']>;
  service?: InputMaybe<ServiceName>;
};


/** What can be read. */
export type QueryWorkRequestsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  compartmentId: Scalars['String']['input'];
  filter?: InputMaybe<WorkRequestFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  includeSubcompartments?: InputMaybe<Scalars['Boolean']['input']>;
  orderBy?: InputMaybe<WorkRequestOrder>;
  regions?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  services?: InputMaybe<ReadonlyArray<ServiceName>>;
};

/** A region of Oracle Cloud. */
export type Region = {
  readonly __typename?: 'Region';
  /** e.g. `iad` */
  readonly code: Scalars['String']['output'];
  /** e.g. `us-ashburn-1` */
  readonly id: Scalars['String']['output'];
  /** e.g. `oc1`, the commercial cloud. */
  readonly realm: Scalars['String']['output'];
};

/** A work-request API of Oracle Cloud. Some services have several, some APIs serve several services. */
export type Service = {
  readonly __typename?: 'Service';
  /** Whether the API can cancel work requests at all; whether one can be canceled now says `WorkRequest.canCancel`. */
  readonly canCancel: Scalars['Boolean']['output'];
  /** Oracle's reference of the API; null where this gateway knows of no page. */
  readonly documentationUrl?: Maybe<Scalars['String']['output']>;
  /** Whether the API tells errors; where not, `WorkRequest.errors` is null. */
  readonly hasErrors: Scalars['Boolean']['output'];
  /** Whether the API tells logs; where not, `WorkRequest.logs` is null. */
  readonly hasLogs: Scalars['Boolean']['output'];
  /** Native parameters that its list cannot do without. */
  readonly listRequires: ReadonlyArray<Scalars['String']['output']>;
  /** Its name in this API: the argument `service` and the filter `services` take it. */
  readonly name: ServiceName;
  /** Package of the API in Oracle's SDKs; on npm with `oci-` before it. */
  readonly package: Scalars['String']['output'];
  /** Oracle's names of what this API serves: the shared Work Requests API serves Compute, Database and more. */
  readonly products: ReadonlyArray<Scalars['String']['output']>;
  /** Status words the API declares; others can occur. */
  readonly rawStatuses: ReadonlyArray<Scalars['String']['output']>;
  /** Oracle's name of the service, e.g. `Kubernetes Engine`. */
  readonly title: Scalars['String']['output'];
};

/** The work-request APIs of Oracle Cloud. `services` tells what each is and can do. */
export const ServiceName = {
  /** Application Dependency Management */
  Adm: 'ADM',
  /** AI Data Platform */
  Aidataplatform: 'AIDATAPLATFORM',
  /** Document Understanding */
  Aidocument: 'AIDOCUMENT',
  /** Language */
  Ailanguage: 'AILANGUAGE',
  /** Vision */
  Aivision: 'AIVISION',
  /** Analytics Cloud */
  Analytics: 'ANALYTICS',
  /** API Access Control */
  Apiaccesscontrol: 'APIACCESSCONTROL',
  /** API Gateway */
  Apigateway: 'APIGATEWAY',
  /** API Platform */
  Apiplatform: 'APIPLATFORM',
  /** Application Performance Monitoring */
  Apmcontrolplane: 'APMCONTROLPLANE',
  /** Resource Discovery and Monitoring */
  Appmgmtcontrol: 'APPMGMTCONTROL',
  /** Bastion */
  Bastion: 'BASTION',
  /** Batch */
  Batch: 'BATCH',
  /** Big Data Service */
  Bds: 'BDS',
  /** Blockchain Platform */
  Blockchain: 'BLOCKCHAIN',
  /** Oracle Cloud Bridge */
  Cloudbridge: 'CLOUDBRIDGE',
  /** Cloud Guard */
  Cloudguard: 'CLOUDGUARD',
  /** Oracle Cloud Migrations */
  Cloudmigrations: 'CLOUDMIGRATIONS',
  /** Cluster Placement Groups */
  Clusterplacementgroups: 'CLUSTERPLACEMENTGROUPS',
  /** Kubernetes Engine */
  Containerengine: 'CONTAINERENGINE',
  /** Container Instances */
  Containerinstances: 'CONTAINERINSTANCES',
  /** Database Management */
  Databasemanagement: 'DATABASEMANAGEMENT',
  /** Database Migration */
  Databasemigration: 'DATABASEMIGRATION',
  /** Database Tools */
  Databasetools: 'DATABASETOOLS',
  /** Database Tools Runtime */
  Databasetoolsruntime: 'DATABASETOOLSRUNTIME',
  /** Data Catalog */
  Datacatalog: 'DATACATALOG',
  /** Database Infrastructure Cloud@Customer */
  Datacc: 'DATACC',
  /** Data Flow */
  Dataflow: 'DATAFLOW',
  /** Data Integration */
  Dataintegration: 'DATAINTEGRATION',
  /** Data Labeling */
  Datalabelingservice: 'DATALABELINGSERVICE',
  /** Data Safe */
  Datasafe: 'DATASAFE',
  /** Data Science */
  Datascience: 'DATASCIENCE',
  /** Database Lifecycle Management */
  Dblm: 'DBLM',
  /** Database Multicloud Integrations */
  Dbmulticloud: 'DBMULTICLOUD',
  /** Device Data FHIR Service */
  Ddfs: 'DDFS',
  /** Delegate Access Control */
  Delegateaccesscontrol: 'DELEGATEACCESSCONTROL',
  /** Secure Desktops */
  Desktops: 'DESKTOPS',
  /** DevOps */
  Devops: 'DEVOPS',
  /** Data Intelligence */
  Dif: 'DIF',
  /** Full Stack Disaster Recovery */
  Disasterrecovery: 'DISASTERRECOVERY',
  /** Globally Distributed Database */
  Distributeddatabase: 'DISTRIBUTEDDATABASE',
  /** Globally Distributed Database (v26) */
  Distributeddatabasev26: 'DISTRIBUTEDDATABASEV26',
  /** Email Delivery */
  Email: 'EMAIL',
  /** EM Warehouse */
  Emwarehouse: 'EMWAREHOUSE',
  /** Fleet Application Management */
  Fleetappsmanagement: 'FLEETAPPSMANAGEMENT',
  /** Exadata Fleet Update */
  Fleetsoftwareupdate: 'FLEETSOFTWAREUPDATE',
  /** Fusion Applications Environment Management */
  Fusionapps: 'FUSIONAPPS',
  /** Guarded Data Pipelines */
  Gdp: 'GDP',
  /** Generative AI */
  Generativeai: 'GENERATIVEAI',
  /** Generative AI Agents */
  Generativeaiagent: 'GENERATIVEAIAGENT',
  /** Globally Distributed Autonomous Database */
  Globallydistributeddatabase: 'GLOBALLYDISTRIBUTEDDATABASE',
  /** GoldenGate */
  Goldengate: 'GOLDENGATE',
  /** Governance Rules */
  Governancerulescontrolplane: 'GOVERNANCERULESCONTROLPLANE',
  /** IAM (compartments) */
  Identity: 'IDENTITY',
  /** IAM (domains) */
  IdentityIam: 'IDENTITY_IAM',
  /** IAM (tagging) */
  IdentityTagging: 'IDENTITY_TAGGING',
  /** Integration */
  Integration: 'INTEGRATION',
  /** Internet of Things Platform */
  Iot: 'IOT',
  /** Java Management (fleets) */
  Jms: 'JMS',
  /** Java Management (downloads) */
  Jmsjavadownloads: 'JMSJAVADOWNLOADS',
  /** Java Management (utilities) */
  Jmsutils: 'JMSUTILS',
  /** Load Balancer */
  Loadbalancer: 'LOADBALANCER',
  /** Managed Access */
  Lockbox: 'LOCKBOX',
  /** Log Analytics */
  Loganalytics: 'LOGANALYTICS',
  /** Log Analytics (configuration) */
  LoganalyticsConfig: 'LOGANALYTICS_CONFIG',
  /** Log Analytics (queries) */
  LoganalyticsQuery: 'LOGANALYTICS_QUERY',
  /** Log Analytics (storage) */
  LoganalyticsStorage: 'LOGANALYTICS_STORAGE',
  /** Logging */
  Logging: 'LOGGING',
  /** File Storage with Lustre */
  Lustrefilestorage: 'LUSTREFILESTORAGE',
  /** Streaming with Apache Kafka */
  Managedkafka: 'MANAGEDKAFKA',
  /** Management Agent */
  Managementagent: 'MANAGEMENTAGENT',
  /** Marketplace */
  Marketplace: 'MARKETPLACE',
  /** Marketplace Publisher */
  Marketplacepublisher: 'MARKETPLACEPUBLISHER',
  /** Managed Services for Mac */
  Mngdmac: 'MNGDMAC',
  /** HeatWave */
  Mysql: 'MYSQL',
  /** Network Firewall */
  Networkfirewall: 'NETWORKFIREWALL',
  /** Network Load Balancer */
  Networkloadbalancer: 'NETWORKLOADBALANCER',
  /** NoSQL Database Cloud */
  Nosql: 'NOSQL',
  /** Object Storage */
  Objectstorage: 'OBJECTSTORAGE',
  /** Content Management */
  Oce: 'OCE',
  /** Oracle Cloud VMware Solution */
  Ocvp: 'OCVP',
  /** Digital Assistant */
  Oda: 'ODA',
  /** Process Automation */
  Opa: 'OPA',
  /** Search with OpenSearch */
  Opensearch: 'OPENSEARCH',
  /** Ops Insights */
  Opsi: 'OPSI',
  /** Cloud Advisor */
  Optimizer: 'OPTIMIZER',
  /** OS Management Hub */
  Osmanagementhub: 'OSMANAGEMENTHUB',
  /** Private Service Access */
  Psa: 'PSA',
  /** Database with PostgreSQL */
  Psql: 'PSQL',
  /** Queue */
  Queue: 'QUEUE',
  /** Autonomous Recovery Service */
  Recovery: 'RECOVERY',
  /** OCI Cache */
  Redis: 'REDIS',
  /** Resource Analytics */
  Resourceanalytics: 'RESOURCEANALYTICS',
  /** Resource Manager */
  Resourcemanager: 'RESOURCEMANAGER',
  /** Resource Scheduler */
  Resourcescheduler: 'RESOURCESCHEDULER',
  /** Roving Edge Infrastructure */
  Rover: 'ROVER',
  /** Connector Hub */
  Sch: 'SCH',
  /** Security Attributes */
  Securityattribute: 'SECURITYATTRIBUTE',
  /** SELF Service */
  Self: 'SELF',
  /** Service Catalog */
  Servicecatalog: 'SERVICECATALOG',
  /** Service Mesh */
  Servicemesh: 'SERVICEMESH',
  /** Stack Monitoring */
  Stackmonitoring: 'STACKMONITORING',
  /** Streaming */
  Streaming: 'STREAMING',
  /** Organization Management */
  Tenantmanagercontrolplane: 'TENANTMANAGERCONTROLPLANE',
  /** Visual Builder Studio */
  Vbsinst: 'VBSINST',
  /** Visual Builder */
  Visualbuilder: 'VISUALBUILDER',
  /** Network Path Analyzer */
  Vnmonitoring: 'VNMONITORING',
  /** Vulnerability Scanning */
  Vulnerabilityscanning: 'VULNERABILITYSCANNING',
  /** Web Application Acceleration */
  Waa: 'WAA',
  /** Web Application Acceleration and Security (edge) */
  Waas: 'WAAS',
  /** Web Application Firewall */
  Waf: 'WAF',
  /** WebLogic Management */
  Wlms: 'WLMS',
  /** Compute, Database, File Storage, Block Volume, Networking */
  Workrequests: 'WORKREQUESTS',
  /** Zero Trust Packet Routing (configuration) */
  ZprConfiguration: 'ZPR_CONFIGURATION',
  /** Zero Trust Packet Routing (policies) */
  ZprPolicy: 'ZPR_POLICY'
} as const;

export type ServiceName = typeof ServiceName[keyof typeof ServiceName];
/** A source that could not be used, or not whole. Where all say the compartment is absent, one row says it for all. */
export type SourceFailure = {
  readonly __typename?: 'SourceFailure';
  /**
   * UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_THROTTLED, UPSTREAM_MALFORMED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND
   * (absent, or not permitted), BAD_USER_INPUT (the source refused the question), TRUNCATED (there is more than is read).
   */
  readonly code: Scalars['String']['output'];
  /** OCID of the compartment that was asked for. */
  readonly compartmentId?: Maybe<Scalars['String']['output']>;
  /** Whether a later page, or the same query again, may bring what is missing. */
  readonly isRetryable: Scalars['Boolean']['output'];
  /** What happened, with Oracle's own code and words. */
  readonly message: Scalars['String']['output'];
  /** What Oracle's support asks for. */
  readonly opcRequestId?: Maybe<Scalars['String']['output']>;
  /** Region id; null in the row that speaks for all regions. */
  readonly region?: Maybe<Scalars['String']['output']>;
  /** Null in the row that speaks for all services. */
  readonly service?: Maybe<ServiceName>;
};

/**
 * Live changes. Oracle Cloud pushes none: the gateway polls once however many watch, and pushes to all.
 * Over WebSocket (`graphql-transport-ws`) at `/graphql`, or as server-sent events at `/graphql/stream`.
 */
export type Subscription = {
  readonly __typename?: 'Subscription';
  /**
   * One work request from now to its end: SNAPSHOT, then CHANGED for each change, then FINISHED and the stream completes.
   * A work request that is already terminal answers SNAPSHOT and completes; one that is absent answers a single GAP with
   * NOT_FOUND and completes (an error SERVICE_REQUIRED where the service was only guessed, as for the query). Every status the gateway observes is delivered; states that upstream passed through between
   * two polls were not seen by anyone.
   */
  readonly workRequest: WorkRequestEvent;
  /**
   * What happens in a compartment: SNAPSHOT of each work request that matches (terminal ones too), SYNCED, then ADDED for each that
   * matches later, and CHANGED and FINISHED of all that were told. The filter decides what is told first; what was told is
   * followed to its end, also where it matches no more. It never completes by itself.
   *
   * A source that cannot be listed is a GAP without a work request, which names it, and is asked on. More than 1,000 matches at the
   * start are LIMIT_EXCEEDED. Arguments as for the query of the same name; wrong ones are BAD_USER_INPUT, REGION_NOT_ALLOWED.
   */
  readonly workRequests: WorkRequestEvent;
};


/**
 * Live changes. Oracle Cloud pushes none: the gateway polls once however many watch, and pushes to all.
 * Over WebSocket (`graphql-transport-ws`) at `/graphql`, or as server-sent events at `/graphql/stream`.
 */
export type SubscriptionWorkRequestArgs = {
  id: Scalars['ID']['input'];
  region?: InputMaybe<Scalars['String']['input']>;
  service?: InputMaybe<ServiceName>;
};


/**
 * Live changes. Oracle Cloud pushes none: the gateway polls once however many watch, and pushes to all.
 * Over WebSocket (`graphql-transport-ws`) at `/graphql`, or as server-sent events at `/graphql/stream`.
 */
export type SubscriptionWorkRequestsArgs = {
  compartmentId: Scalars['String']['input'];
  filter?: InputMaybe<WorkRequestFilter>;
  includeSubcompartments?: InputMaybe<Scalars['Boolean']['input']>;
  regions?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  services?: InputMaybe<ReadonlyArray<ServiceName>>;
};

/**
 * Oracle Cloud's record of a long-running operation: creating a cluster, a backup, a failover. The same shape for every
 * service; what a service calls otherwise has its common name here, what only it has is in `extras`.
 */
export type WorkRequest = Node & {
  readonly __typename?: 'WorkRequest';
  /**
   * The API can cancel, the status is ACCEPTED, IN_PROGRESS, WAITING, NEEDS_ATTENTION or SUSPENDED, and you may (the
   * gateway is not read-only).
   */
  readonly canCancel: Scalars['Boolean']['output'];
  /** OCID of its compartment; null where the service tells none. */
  readonly compartmentId?: Maybe<Scalars['String']['output']>;
  /**
   * Why it failed, or what it tripped over. Null: the API tells no errors (or they could not be read, then with an error at
   * this path); empty: none were reported.
   */
  readonly errors?: Maybe<WorkRequestErrorConnection>;
  /**
   * Every field of the service's answer that this type has no name for, under its native name. Selecting it means that the
   * work request is read on its own.
   */
  readonly extras?: Maybe<Scalars['JSONObject']['output']>;
  /** Opaque; made of service, region and native id, so it is the same by every route. */
  readonly id: Scalars['ID']['output'];
  /** The last attempt to read it failed, or it is watched and older than two polling intervals. */
  readonly isStale: Scalars['Boolean']['output'];
  /** `timeFinished` is set, or the status is SUCCEEDED, PARTIALLY_SUCCEEDED, FAILED, CANCELED or SKIPPED. */
  readonly isTerminal: Scalars['Boolean']['output'];
  /** What it said while it ran. Null and empty as for `errors`. */
  readonly logs?: Maybe<WorkRequestLogEntryConnection>;
  /** When the gateway had this state from Oracle Cloud. */
  readonly observedAt: Scalars['DateTime']['output'];
  /** What is being done, in the service's own words: `CLUSTER_CREATE`, `Update DB System`. */
  readonly operationType?: Maybe<Scalars['String']['output']>;
  /** 0 to 100; null where the service tells none (Kubernetes Engine, Load Balancer). */
  readonly percentComplete?: Maybe<Scalars['Float']['output']>;
  /** The service's own word; empty when it gave none. */
  readonly rawStatus: Scalars['String']['output'];
  /** Region id, e.g. `us-ashburn-1`. */
  readonly region: Scalars['String']['output'];
  /** What the operation works on. Null where the API tells none. */
  readonly resources?: Maybe<ReadonlyArray<WorkRequestResource>>;
  /** The API that it was read from. */
  readonly service: Service;
  /** One word over all services. */
  readonly status: WorkRequestStatus;
  /** When the service took it on; null where it does not tell. */
  readonly timeAccepted?: Maybe<Scalars['DateTime']['output']>;
  /** When it ended, well or not; null before that, and where the service does not tell. */
  readonly timeFinished?: Maybe<Scalars['DateTime']['output']>;
  /** When work on it began; null before that, and where the service does not tell. */
  readonly timeStarted?: Maybe<Scalars['DateTime']['output']>;
  /** When it last changed, by the service's clock; null where the service does not tell. */
  readonly timeUpdated?: Maybe<Scalars['DateTime']['output']>;
  /** As OCI knows it: an OCID, or a UUID for Object Storage. */
  readonly workRequestId: Scalars['String']['output'];
};


/**
 * Oracle Cloud's record of a long-running operation: creating a cluster, a backup, a failover. The same shape for every
 * service; what a service calls otherwise has its common name here, what only it has is in `extras`.
 */
export type WorkRequestErrorsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Oracle Cloud's record of a long-running operation: creating a cluster, a backup, a failover. The same shape for every
 * service; what a service calls otherwise has its common name here, what only it has is in `extras`.
 */
export type WorkRequestLogsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};

/** A page of the list. */
export type WorkRequestConnection = {
  readonly __typename?: 'WorkRequestConnection';
  /** The work requests of this page, each with its cursor. */
  readonly edges: ReadonlyArray<WorkRequestEdge>;
  /** The sources that are not in this page, or not whole. */
  readonly failures: ReadonlyArray<SourceFailure>;
  /** The same work requests without cursors. */
  readonly nodes: ReadonlyArray<WorkRequest>;
  /** `hasNextPage` speaks of the sources that answered. */
  readonly pageInfo: PageInfo;
};

/** A work request and its place in the list. */
export type WorkRequestEdge = {
  readonly __typename?: 'WorkRequestEdge';
  /** Hand it to `after` for what comes behind this one. Valid for one hour, with the same other arguments. */
  readonly cursor: Scalars['String']['output'];
  /** The work request. */
  readonly node: WorkRequest;
};

/** One error that the service reported for a work request. */
export type WorkRequestError = {
  readonly __typename?: 'WorkRequestError';
  /** The service's own code; empty when it gave none. */
  readonly code: Scalars['String']['output'];
  /** Null where the service does not say. */
  readonly isRetryable?: Maybe<Scalars['Boolean']['output']>;
  /** The service's own words; empty when it gave none. */
  readonly message: Scalars['String']['output'];
  /** When it happened; null where the service does not tell. */
  readonly timestamp?: Maybe<Scalars['DateTime']['output']>;
};

/** A page of a work request's errors, in the service's order. */
export type WorkRequestErrorConnection = {
  readonly __typename?: 'WorkRequestErrorConnection';
  /** The errors of this page, each with its cursor. */
  readonly edges: ReadonlyArray<WorkRequestErrorEdge>;
  /** The same errors without cursors. */
  readonly nodes: ReadonlyArray<WorkRequestError>;
  /** Where this page stands, and how to get the next. */
  readonly pageInfo: PageInfo;
};

/** An error and its place in the connection. */
export type WorkRequestErrorEdge = {
  readonly __typename?: 'WorkRequestErrorEdge';
  /** Hand it to `after` for what comes behind this one. Valid for one hour, with the same other arguments. */
  readonly cursor: Scalars['String']['output'];
  /** The error. */
  readonly node: WorkRequestError;
};

/** What happened to a watched work request. */
export type WorkRequestEvent = {
  readonly __typename?: 'WorkRequestEvent';
  /** Set for GAP. */
  readonly gap?: Maybe<WorkRequestGap>;
  /** Progress-only changes folded into this one because the client was slow to read. */
  readonly mergedCount: Scalars['Int']['output'];
  /** When the gateway means to look again; null when it will not. */
  readonly nextPollAt?: Maybe<Scalars['DateTime']['output']>;
  /**
   * The status last observed before this event, where the event is CHANGED or FINISHED: never null there, and the same as
   * `workRequest.status` where something else changed. Null for SNAPSHOT, SYNCED, ADDED and GAP, which tell of no change.
   */
  readonly previousStatus?: Maybe<WorkRequestStatus>;
  /** 1, 2, 3, … within this subscription: a number that is missing was lost on the way. */
  readonly sequence: Scalars['Int']['output'];
  /** What this event tells. */
  readonly type: WorkRequestEventType;
  /** Its state with this event; null for SYNCED, and for a GAP about nothing that was ever seen. */
  readonly workRequest?: Maybe<WorkRequest>;
};

/** What an event of a subscription can tell. */
export const WorkRequestEventType = {
  /** First sighting after SYNCED. */
  Added: 'ADDED',
  /** Status, progress or another field changed. */
  Changed: 'CHANGED',
  /** It became terminal; nothing more will come of it. */
  Finished: 'FINISHED',
  /** Something may have been missed, or cannot be watched; `gap` says why. */
  Gap: 'GAP',
  /** The state at the start. */
  Snapshot: 'SNAPSHOT',
  /** All snapshots of a list were told. */
  Synced: 'SYNCED'
} as const;

export type WorkRequestEventType = typeof WorkRequestEventType[keyof typeof WorkRequestEventType];
/** All that is given has to hold. */
export type WorkRequestFilter = {
  /** Inclusive. */
  readonly acceptedAfter?: InputMaybe<Scalars['DateTime']['input']>;
  /** Exclusive. */
  readonly acceptedBefore?: InputMaybe<Scalars['DateTime']['input']>;
  /** true: only what is terminal; false: only what is not; both where it is null. */
  readonly isTerminal?: InputMaybe<Scalars['Boolean']['input']>;
  /** In the services' own words. */
  readonly operationTypes?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  /** `identifier` of one of its resources. */
  readonly resourceId?: InputMaybe<Scalars['String']['input']>;
  /** Any of these; all where it is null. An empty list is BAD_USER_INPUT. */
  readonly statuses?: InputMaybe<ReadonlyArray<WorkRequestStatus>>;
};

/** A stretch of time, or the reason, for which nothing could be observed. */
export type WorkRequestGap = {
  readonly __typename?: 'WorkRequestGap';
  /** When the work request, or the list, was last seen; null when it never was, and for OVERFLOW. */
  readonly from?: Maybe<Scalars['DateTime']['output']>;
  /** What happened and what to do, in a sentence. */
  readonly message: Scalars['String']['output'];
  /** Why nothing could be observed. */
  readonly reason: WorkRequestGapReason;
  /** When the gateway found the gap. */
  readonly to?: Maybe<Scalars['DateTime']['output']>;
};

/** Why nothing could be observed. A subscription to one work request goes on after UPSTREAM_SILENT, and after no other; one to a list after all but OVERFLOW. */
export const WorkRequestGapReason = {
  /** Permission was lost. */
  Forbidden: 'FORBIDDEN',
  /** Oracle Cloud does not know it, or the gateway may not see it. */
  NotFound: 'NOT_FOUND',
  /** The client read so slowly that its bounded buffer was full. */
  Overflow: 'OVERFLOW',
  /** Older than the twelve hours for which Oracle Cloud keeps work requests. */
  Retention: 'RETENTION',
  /** No observation succeeded for longer than three polling intervals, or than upstream asked to wait. */
  UpstreamSilent: 'UPSTREAM_SILENT'
} as const;

export type WorkRequestGapReason = typeof WorkRequestGapReason[keyof typeof WorkRequestGapReason];
/** One line of a work request's log. */
export type WorkRequestLogEntry = {
  readonly __typename?: 'WorkRequestLogEntry';
  /** The service's own words; empty when it gave none. */
  readonly message: Scalars['String']['output'];
  /** When it was written; null where the service does not tell. */
  readonly timestamp?: Maybe<Scalars['DateTime']['output']>;
};

/** A page of a work request's log, in the service's order. */
export type WorkRequestLogEntryConnection = {
  readonly __typename?: 'WorkRequestLogEntryConnection';
  /** The log entries of this page, each with its cursor. */
  readonly edges: ReadonlyArray<WorkRequestLogEntryEdge>;
  /** The same log entries without cursors. */
  readonly nodes: ReadonlyArray<WorkRequestLogEntry>;
  /** Where this page stands, and how to get the next. */
  readonly pageInfo: PageInfo;
};

/** A log entry and its place in the connection. */
export type WorkRequestLogEntryEdge = {
  readonly __typename?: 'WorkRequestLogEntryEdge';
  /** Hand it to `after` for what comes behind this one. Valid for one hour, with the same other arguments. */
  readonly cursor: Scalars['String']['output'];
  /** The log entry. */
  readonly node: WorkRequestLogEntry;
};

/** By `timeAccepted`; work requests without one come last either way. */
export const WorkRequestOrder = {
  /** The oldest first. */
  TimeAcceptedAsc: 'TIME_ACCEPTED_ASC',
  /** The newest first. */
  TimeAcceptedDesc: 'TIME_ACCEPTED_DESC'
} as const;

export type WorkRequestOrder = typeof WorkRequestOrder[keyof typeof WorkRequestOrder];
/** Something a work request works on. */
export type WorkRequestResource = {
  readonly __typename?: 'WorkRequestResource';
  /** What was done to it: CREATED, UPDATED, DELETED, IN_PROGRESS, RELATED, FAILED, … */
  readonly actionType?: Maybe<Scalars['String']['output']>;
  /** e.g. `cluster` */
  readonly entityType?: Maybe<Scalars['String']['output']>;
  /** Path or URL as the service tells it. The gateway never calls it. */
  readonly entityUri?: Maybe<Scalars['String']['output']>;
  /** What else the service tells of it, under its native names. */
  readonly extras?: Maybe<Scalars['JSONObject']['output']>;
  /** Usually an OCID. */
  readonly identifier?: Maybe<Scalars['String']['output']>;
};

/** The status of a work request, folded from the seventeen words the services use. `rawStatus` has the service's own. */
export const WorkRequestStatus = {
  /** Taken on, not begun. (CREATED, ACCEPTED) */
  Accepted: 'ACCEPTED',
  /** Terminal. (CANCELED, CANCELLED) */
  Canceled: 'CANCELED',
  /** (CANCELING, CANCELLING) */
  Canceling: 'CANCELING',
  /** Terminal. */
  Failed: 'FAILED',
  /** Being carried out. (IN_PROGRESS, INPROGRESS) */
  InProgress: 'IN_PROGRESS',
  /** Waits for a person: nothing else will finish it. Not terminal. */
  NeedsAttention: 'NEEDS_ATTENTION',
  /** Terminal. */
  PartiallySucceeded: 'PARTIALLY_SUCCEEDED',
  /** Terminal: it was not carried out. (OS Management Hub) */
  Skipped: 'SKIPPED',
  /** Terminal. (SUCCEEDED; Object Storage says COMPLETED) */
  Succeeded: 'SUCCEEDED',
  /** Halted; it can be resumed. Not terminal. */
  Suspended: 'SUSPENDED',
  /** On its way to SUSPENDED. */
  Suspending: 'SUSPENDING',
  /** A word this gateway does not know, or none. */
  Unknown: 'UNKNOWN',
  /** Waits for something else. */
  Waiting: 'WAITING'
} as const;

export type WorkRequestStatus = typeof WorkRequestStatus[keyof typeof WorkRequestStatus];


export type ResolverTypeWrapper<T> = Promise<T> | T;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;




/** Mapping of interface types */
export type ResolversInterfaceTypes<_RefType extends Record<string, unknown>> = {
  Node: ( WorkRequestModel );
};

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  CancelWorkRequestError: ResolverTypeWrapper<CancelError>;
  CancelWorkRequestInput: CancelWorkRequestInput;
  CancelWorkRequestPayload: ResolverTypeWrapper<Omit<CancelWorkRequestPayload, 'error' | 'workRequest'> & { error?: Maybe<ResolversTypes['CancelWorkRequestError']>, workRequest?: Maybe<ResolversTypes['WorkRequest']> }>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  JSONObject: ResolverTypeWrapper<Scalars['JSONObject']['output']>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Node: ResolverTypeWrapper<ResolversInterfaceTypes<ResolversTypes>['Node']>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Region: ResolverTypeWrapper<RegionModel>;
  Service: ResolverTypeWrapper<ApiModel>;
  ServiceName: ServiceName;
  SourceFailure: ResolverTypeWrapper<SourceFailure>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  WorkRequest: ResolverTypeWrapper<WorkRequestModel>;
  WorkRequestConnection: ResolverTypeWrapper<ListedPage>;
  WorkRequestEdge: ResolverTypeWrapper<ListedEdge>;
  WorkRequestError: ResolverTypeWrapper<WorkRequestError>;
  WorkRequestErrorConnection: ResolverTypeWrapper<WorkRequestErrorConnection>;
  WorkRequestErrorEdge: ResolverTypeWrapper<WorkRequestErrorEdge>;
  WorkRequestEvent: ResolverTypeWrapper<WatchEvent>;
  WorkRequestEventType: WorkRequestEventType;
  WorkRequestFilter: WorkRequestFilter;
  WorkRequestGap: ResolverTypeWrapper<WorkRequestGap>;
  WorkRequestGapReason: WorkRequestGapReason;
  WorkRequestLogEntry: ResolverTypeWrapper<WorkRequestLogEntry>;
  WorkRequestLogEntryConnection: ResolverTypeWrapper<WorkRequestLogEntryConnection>;
  WorkRequestLogEntryEdge: ResolverTypeWrapper<WorkRequestLogEntryEdge>;
  WorkRequestOrder: WorkRequestOrder;
  WorkRequestResource: ResolverTypeWrapper<WorkRequestResource>;
  WorkRequestStatus: WorkRequestStatus;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  Boolean: Scalars['Boolean']['output'];
  CancelWorkRequestError: CancelError;
  CancelWorkRequestInput: CancelWorkRequestInput;
  CancelWorkRequestPayload: Omit<CancelWorkRequestPayload, 'error' | 'workRequest'> & { error?: Maybe<ResolversParentTypes['CancelWorkRequestError']>, workRequest?: Maybe<ResolversParentTypes['WorkRequest']> };
  DateTime: Scalars['DateTime']['output'];
  Float: Scalars['Float']['output'];
  ID: Scalars['ID']['output'];
  Int: Scalars['Int']['output'];
  JSONObject: Scalars['JSONObject']['output'];
  Mutation: Record<PropertyKey, never>;
  Node: ResolversInterfaceTypes<ResolversParentTypes>['Node'];
  PageInfo: PageInfo;
  Query: Record<PropertyKey, never>;
  Region: RegionModel;
  Service: ApiModel;
  SourceFailure: SourceFailure;
  String: Scalars['String']['output'];
  Subscription: Record<PropertyKey, never>;
  WorkRequest: WorkRequestModel;
  WorkRequestConnection: ListedPage;
  WorkRequestEdge: ListedEdge;
  WorkRequestError: WorkRequestError;
  WorkRequestErrorConnection: WorkRequestErrorConnection;
  WorkRequestErrorEdge: WorkRequestErrorEdge;
  WorkRequestEvent: WatchEvent;
  WorkRequestFilter: WorkRequestFilter;
  WorkRequestGap: WorkRequestGap;
  WorkRequestLogEntry: WorkRequestLogEntry;
  WorkRequestLogEntryConnection: WorkRequestLogEntryConnection;
  WorkRequestLogEntryEdge: WorkRequestLogEntryEdge;
  WorkRequestResource: WorkRequestResource;
};

export type CostDirectiveArgs = {
  weight: Scalars['String']['input'];
};

export type CostDirectiveResolver<Result, Parent, ContextType = Context, Args = CostDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type ListSizeDirectiveArgs = {
  assumedSize?: Maybe<Scalars['Int']['input']>;
  requireOneSlicingArgument?: Maybe<Scalars['Boolean']['input']>;
  sizedFields?: Maybe<ReadonlyArray<Scalars['String']['input']>>;
  slicingArguments?: Maybe<ReadonlyArray<Scalars['String']['input']>>;
};

export type ListSizeDirectiveResolver<Result, Parent, ContextType = Context, Args = ListSizeDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type CancelWorkRequestErrorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CancelWorkRequestError'] = ResolversParentTypes['CancelWorkRequestError']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type CancelWorkRequestPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CancelWorkRequestPayload'] = ResolversParentTypes['CancelWorkRequestPayload']> = {
  clientMutationId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  error?: Resolver<Maybe<ResolversTypes['CancelWorkRequestError']>, ParentType, ContextType>;
  workRequest?: Resolver<Maybe<ResolversTypes['WorkRequest']>, ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export interface JsonObjectScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSONObject'], any> {
  name: 'JSONObject';
}

export type MutationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  cancelWorkRequest?: Resolver<ResolversTypes['CancelWorkRequestPayload'], ParentType, ContextType, RequireFields<MutationCancelWorkRequestArgs, 'input'>>;
};

export type NodeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Node'] = ResolversParentTypes['Node']> = {
  __resolveType: TypeResolveFn<'WorkRequest', ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  node?: Resolver<Maybe<ResolversTypes['Node']>, ParentType, ContextType, RequireFields<QueryNodeArgs, 'id'>>;
  nodes?: Resolver<ReadonlyArray<Maybe<ResolversTypes['Node']>>, ParentType, ContextType, RequireFields<QueryNodesArgs, 'ids'>>;
  regions?: Resolver<ReadonlyArray<ResolversTypes['Region']>, ParentType, ContextType>;
  services?: Resolver<ReadonlyArray<ResolversTypes['Service']>, ParentType, ContextType>;
  waitForWorkRequest?: Resolver<Maybe<ResolversTypes['WorkRequest']>, ParentType, ContextType, RequireFields<QueryWaitForWorkRequestArgs, 'id' | 'timeoutSeconds'>>;
  workRequest?: Resolver<Maybe<ResolversTypes['WorkRequest']>, ParentType, ContextType, RequireFields<QueryWorkRequestArgs, 'id'>>;
  workRequests?: Resolver<Maybe<ResolversTypes['WorkRequestConnection']>, ParentType, ContextType, RequireFields<QueryWorkRequestsArgs, 'compartmentId' | 'first' | 'includeSubcompartments' | 'orderBy'>>;
};

export type RegionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Region'] = ResolversParentTypes['Region']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  realm?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type ServiceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Service'] = ResolversParentTypes['Service']> = {
  canCancel?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  documentationUrl?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasErrors?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasLogs?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  listRequires?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['ServiceName'], ParentType, ContextType>;
  package?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  products?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  rawStatuses?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  title?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type SourceFailureResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SourceFailure'] = ResolversParentTypes['SourceFailure']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  compartmentId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  isRetryable?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  opcRequestId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  region?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  service?: Resolver<Maybe<ResolversTypes['ServiceName']>, ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  workRequest?: SubscriptionResolver<ResolversTypes['WorkRequestEvent'], "workRequest", ParentType, ContextType, RequireFields<SubscriptionWorkRequestArgs, 'id'>>;
  workRequests?: SubscriptionResolver<ResolversTypes['WorkRequestEvent'], "workRequests", ParentType, ContextType, RequireFields<SubscriptionWorkRequestsArgs, 'compartmentId' | 'includeSubcompartments'>>;
};

export type WorkRequestResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequest'] = ResolversParentTypes['WorkRequest']> = {
  canCancel?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  compartmentId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  errors?: Resolver<Maybe<ResolversTypes['WorkRequestErrorConnection']>, ParentType, ContextType, RequireFields<WorkRequestErrorsArgs, 'first'>>;
  extras?: Resolver<Maybe<ResolversTypes['JSONObject']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  isStale?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  isTerminal?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  logs?: Resolver<Maybe<ResolversTypes['WorkRequestLogEntryConnection']>, ParentType, ContextType, RequireFields<WorkRequestLogsArgs, 'first'>>;
  observedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  operationType?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  percentComplete?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  rawStatus?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  region?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  resources?: Resolver<Maybe<ReadonlyArray<ResolversTypes['WorkRequestResource']>>, ParentType, ContextType>;
  service?: Resolver<ResolversTypes['Service'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['WorkRequestStatus'], ParentType, ContextType>;
  timeAccepted?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  timeFinished?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  timeStarted?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  timeUpdated?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  workRequestId?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type WorkRequestConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestConnection'] = ResolversParentTypes['WorkRequestConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['WorkRequestEdge']>, ParentType, ContextType>;
  failures?: Resolver<ReadonlyArray<ResolversTypes['SourceFailure']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['WorkRequest']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type WorkRequestEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestEdge'] = ResolversParentTypes['WorkRequestEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['WorkRequest'], ParentType, ContextType>;
};

export type WorkRequestErrorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestError'] = ResolversParentTypes['WorkRequestError']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  isRetryable?: Resolver<Maybe<ResolversTypes['Boolean']>, ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  timestamp?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type WorkRequestErrorConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestErrorConnection'] = ResolversParentTypes['WorkRequestErrorConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['WorkRequestErrorEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['WorkRequestError']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type WorkRequestErrorEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestErrorEdge'] = ResolversParentTypes['WorkRequestErrorEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['WorkRequestError'], ParentType, ContextType>;
};

export type WorkRequestEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestEvent'] = ResolversParentTypes['WorkRequestEvent']> = {
  gap?: Resolver<Maybe<ResolversTypes['WorkRequestGap']>, ParentType, ContextType>;
  mergedCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  nextPollAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  previousStatus?: Resolver<Maybe<ResolversTypes['WorkRequestStatus']>, ParentType, ContextType>;
  sequence?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  type?: Resolver<ResolversTypes['WorkRequestEventType'], ParentType, ContextType>;
  workRequest?: Resolver<Maybe<ResolversTypes['WorkRequest']>, ParentType, ContextType>;
};

export type WorkRequestGapResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestGap'] = ResolversParentTypes['WorkRequestGap']> = {
  from?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  reason?: Resolver<ResolversTypes['WorkRequestGapReason'], ParentType, ContextType>;
  to?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type WorkRequestLogEntryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestLogEntry'] = ResolversParentTypes['WorkRequestLogEntry']> = {
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  timestamp?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type WorkRequestLogEntryConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestLogEntryConnection'] = ResolversParentTypes['WorkRequestLogEntryConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['WorkRequestLogEntryEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['WorkRequestLogEntry']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type WorkRequestLogEntryEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestLogEntryEdge'] = ResolversParentTypes['WorkRequestLogEntryEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['WorkRequestLogEntry'], ParentType, ContextType>;
};

export type WorkRequestResourceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['WorkRequestResource'] = ResolversParentTypes['WorkRequestResource']> = {
  actionType?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  entityType?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  entityUri?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  extras?: Resolver<Maybe<ResolversTypes['JSONObject']>, ParentType, ContextType>;
  identifier?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type Resolvers<ContextType = Context> = {
  CancelWorkRequestError?: CancelWorkRequestErrorResolvers<ContextType>;
  CancelWorkRequestPayload?: CancelWorkRequestPayloadResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  JSONObject?: GraphQLScalarType;
  Mutation?: MutationResolvers<ContextType>;
  Node?: NodeResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  Region?: RegionResolvers<ContextType>;
  Service?: ServiceResolvers<ContextType>;
  SourceFailure?: SourceFailureResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  WorkRequest?: WorkRequestResolvers<ContextType>;
  WorkRequestConnection?: WorkRequestConnectionResolvers<ContextType>;
  WorkRequestEdge?: WorkRequestEdgeResolvers<ContextType>;
  WorkRequestError?: WorkRequestErrorResolvers<ContextType>;
  WorkRequestErrorConnection?: WorkRequestErrorConnectionResolvers<ContextType>;
  WorkRequestErrorEdge?: WorkRequestErrorEdgeResolvers<ContextType>;
  WorkRequestEvent?: WorkRequestEventResolvers<ContextType>;
  WorkRequestGap?: WorkRequestGapResolvers<ContextType>;
  WorkRequestLogEntry?: WorkRequestLogEntryResolvers<ContextType>;
  WorkRequestLogEntryConnection?: WorkRequestLogEntryConnectionResolvers<ContextType>;
  WorkRequestLogEntryEdge?: WorkRequestLogEntryEdgeResolvers<ContextType>;
  WorkRequestResource?: WorkRequestResourceResolvers<ContextType>;
};

export type DirectiveResolvers<ContextType = Context> = {
  cost?: CostDirectiveResolver<any, any, ContextType>;
  listSize?: ListSizeDirectiveResolver<any, any, ContextType>;
};
