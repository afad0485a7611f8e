/** The stories that the samples play: which service, where, how often, and what happens. Turns of a plot follow each other, one per generation. */
import type { CreateBody } from './control-schemas.ts';
import type { Dialect } from './dialects.ts';
import { ocid } from './ids.ts';
import { wordFor } from './lives.ts';
import type { sampleCompartments } from './places.ts';

type Story = Pick<CreateBody, 'operationType' | 'script' | 'resources' | 'errors' | 'logs'>;
type Turn = (stage: {
  readonly dialect: Dialect;
  readonly region: string;
  /** What is the same for work requests on the same thing. */
  readonly seed: string;
}) => Story;

export interface SamplePlot {
  readonly name: string;
  readonly service: string;
  readonly regions: readonly string[];
  readonly compartment: keyof typeof sampleCompartments;
  /** Periods are no multiples of each other, or all would end and begin at once. */
  readonly periodMs: number;
  /** Age of generation 0 when the emulator starts. */
  readonly ageMs: number;
  readonly turns: readonly Turn[];
}

const seconds = 1_000;
const minutes = 60 * seconds;
const both = ['us-ashburn-1', 'eu-frankfurt-1'] as const;
const ashburn = ['us-ashburn-1'] as const;
const frankfurt = ['eu-frankfurt-1'] as const;

/** The type in the OCID of a thing, where it is not just its entity type in small letters. */
const ocidTypes: Readonly<Record<string, string>> = {
  // A HeatWave cluster goes by the OCID of its DB system.
  heatwavecluster: 'mysqldbsystem',
  privateEndpoint: 'dataflowprivateendpoint',
  GROUP: 'osmhmanagedinstancegroup',
  TABLE: 'nosqltable',
};
/** Things of the whole tenancy. */
const regionless: ReadonlySet<string> = new Set(['compartment', 'tagdefinition']);

/** Ends in the given word after the given time, in equal steps, with a line of log for each. */
function story(
  operationType: string,
  entityType: string,
  tookMs: number,
  end: 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'NEEDS_ATTENTION',
  lines: readonly string[],
  error?: { readonly code: string; readonly message: string },
): Turn {
  return ({ dialect, region, seed }) => {
    const type = ocidTypes[entityType] ?? entityType.toLowerCase();
    const target = ocid(type, regionless.has(type) ? null : region, `${seed}/${type}`);
    const startedMs = Math.min(5 * seconds, tookMs / 10);
    const at = (index: number): number => startedMs + ((tookMs - startedMs) * index) / lines.length;
    const steps = Math.max(4, Math.round(tookMs / (12 * seconds)));
    const reached = end === 'SUCCEEDED' ? 100 : end === 'NEEDS_ATTENTION' ? 60 : 75;
    const progress = Array.from({ length: steps }, (_, index) => ({
      afterMs: startedMs + ((tookMs - startedMs) * index) / steps,
      percentComplete: Math.round((reached * (index + 1)) / (steps + 1)),
    }));
    return {
      operationType,
      resources: [{ entityType, identifier: target, entityUri: `/${entityType.toLowerCase()}s/${target}` }],
      script: [
        { afterMs: 0, status: wordFor(dialect, 'ACCEPTED'), percentComplete: 0 },
        { afterMs: startedMs, status: wordFor(dialect, 'IN_PROGRESS') },
        ...progress,
        ...(end === 'CANCELED'
          ? [{ afterMs: tookMs - tookMs / 8, status: wordFor(dialect, 'CANCELING') }]
          : []),
        { afterMs: tookMs, status: wordFor(dialect, end), percentComplete: reached },
      ],
      logs: lines.map((message, index) => ({ message, afterMs: at(index) })),
      ...(error && { errors: [{ ...error, afterMs: tookMs - 500 }] }),
    };
  };
}

/** Waits for a slot in the middle of its way. */
function waiting(turn: Turn, fromMs: number, untilMs: number): Turn {
  return (stage) => {
    const told = turn(stage);
    const script = [
      ...(told.script ?? []).filter(({ afterMs = 0 }) => afterMs <= fromMs || afterMs > untilMs),
      { afterMs: fromMs + 1, status: wordFor(stage.dialect, 'WAITING') },
      { afterMs: untilMs, status: wordFor(stage.dialect, 'IN_PROGRESS') },
    ];
    return { ...told, script: stage.dialect.statusWords.includes('WAITING') ? script : (told.script ?? []) };
  };
}

/** Somebody gives it the attention that it needs: what never ends would stay for ever. */
function attended(turn: Turn, atMs: number, line: string): Turn {
  return (stage) => {
    const told = turn(stage);
    return {
      ...told,
      script: [
        ...(told.script ?? []),
        { afterMs: atMs, status: wordFor(stage.dialect, 'IN_PROGRESS'), percentComplete: 80 },
        { afterMs: atMs + 30 * seconds, status: wordFor(stage.dialect, 'SUCCEEDED'), percentComplete: 100 },
      ],
      logs: [...(told.logs ?? []), { message: line, afterMs: atMs }],
    };
  };
}

export const samplePlots: readonly SamplePlot[] = [
  {
    name: 'cluster-create',
    service: 'CONTAINERENGINE',
    regions: both,
    compartment: 'platform',
    periodMs: 740 * seconds,
    ageMs: 20 * seconds,
    turns: [
      story('CLUSTER_CREATE', 'cluster', 8 * minutes, 'SUCCEEDED', [
        'Creating cluster control plane',
        'Provisioning etcd members',
        'Waiting for the API server to become healthy',
        'Configuring the VCN-native pod network',
        'Cluster is active',
      ]),
      story(
        'CLUSTER_UPDATE',
        'cluster',
        5 * minutes,
        'FAILED',
        [
          'Cordoning control plane node 1 of 3',
          'Upgrading Kubernetes from v1.33.1 to v1.34.0',
          'Upgrade stopped',
        ],
        {
          code: 'UPGRADE_PRECHECK_FAILED',
          message: 'Node pool np-general runs v1.31.2, more than two versions behind v1.34.0.',
        },
      ),
    ],
  },
  {
    name: 'nodepool',
    service: 'CONTAINERENGINE',
    regions: both,
    compartment: 'payments',
    periodMs: 310 * seconds,
    ageMs: 30 * seconds,
    turns: [
      story('NODEPOOL_UPDATE', 'nodepool', 4 * minutes, 'SUCCEEDED', [
        'Scaling node pool from 3 to 5 nodes',
        'Launching 2 compute instances',
        'Nodes joined the cluster',
      ]),
      story(
        'NODEPOOL_CREATE',
        'nodepool',
        3 * minutes,
        'FAILED',
        ['Launching 3 compute instances', 'Launch of instance 2 of 3 failed'],
        {
          code: 'OUT_OF_HOST_CAPACITY',
          message: 'Out of host capacity for shape VM.Standard.E5.Flex in availability domain AD-2.',
        },
      ),
      story('NODEPOOL_DELETE', 'nodepool', 2 * minutes, 'SUCCEEDED', [
        'Draining 4 nodes',
        'Terminating instances',
      ]),
      story('NODEPOOL_CYCLING', 'nodepool', 3 * minutes, 'CANCELED', [
        'Cycling node 1 of 6',
        'Canceled by the user',
      ]),
    ],
  },
  {
    name: 'dbsystem',
    service: 'MYSQL',
    regions: both,
    compartment: 'payments',
    // Its generation 0 is what a newcomer meets first: early on its way at every start, and some minutes from its end.
    periodMs: 610 * seconds,
    ageMs: 110 * seconds,
    turns: [
      story('CREATE_DBSYSTEM', 'mysqldbsystem', 7.5 * minutes, 'SUCCEEDED', [
        'Validating the configuration',
        'Allocating 512 GB of block storage',
        'Launching the database instance in AD-1',
        'Attaching it to subnet payments-db',
        'Initializing the data directory',
        'Starting the database server',
        'Creating the administrator',
        'Scheduling automatic backups',
        'DB system is active',
      ]),
      story('ADD_HEATWAVE_CLUSTER', 'heatwavecluster', 4 * minutes, 'SUCCEEDED', [
        'Adding 2 HeatWave nodes',
        'Joining the nodes to the cluster',
        'Loading 38 tables into memory',
      ]),
      story(
        'UPDATE_DBSYSTEM',
        'mysqldbsystem',
        3 * minutes,
        'FAILED',
        ['Applying the new configuration', 'Restarting the database server'],
        {
          code: 'CONFIGURATION_INVALID',
          message: 'innodb_buffer_pool_size is larger than the memory of the shape.',
        },
      ),
    ],
  },
  {
    name: 'load-balancer',
    service: 'LOADBALANCER',
    regions: both,
    compartment: 'payments',
    periodMs: 230 * seconds,
    ageMs: 10 * seconds,
    turns: [
      story('CreateBackendSet', 'loadbalancer', 90 * seconds, 'SUCCEEDED', ['Applying']),
      story('UpdateListener', 'loadbalancer', 2 * minutes, 'FAILED', ['Applying'], {
        code: 'BAD_INPUT',
        message: 'The certificate bundle payments-2026 does not match its private key.',
      }),
      story('UpdateLoadBalancerShape', 'loadbalancer', 150 * seconds, 'SUCCEEDED', ['Applying']),
    ],
  },
  {
    name: 'stack-apply',
    service: 'RESOURCEMANAGER',
    regions: both,
    compartment: 'platform',
    periodMs: 370 * seconds,
    ageMs: 40 * seconds,
    turns: [
      story('CHANGE_STACK_COMPARTMENT', 'ormstack', 5 * minutes, 'SUCCEEDED', [
        'Checking permissions in the target compartment',
        'Moving stack network-core',
        'Moving its 14 jobs',
      ]),
      story('DRIFT_DETECTION', 'ormstack', 3 * minutes, 'FAILED', ['Comparing 42 resources of the stack'], {
        code: 'NotAuthorizedOrNotFound',
        message: 'Authorization failed or requested resource not found.',
      }),
    ],
  },
  {
    name: 'compute',
    service: 'WORKREQUESTS',
    regions: both,
    compartment: 'paymentsTest',
    periodMs: 190 * seconds,
    ageMs: 15 * seconds,
    turns: [
      story('LaunchInstance', 'instance', 100 * seconds, 'SUCCEEDED', [
        'Booting from image Oracle-Linux-9.6',
      ]),
      story('Update DB System', 'dbsystem', 140 * seconds, 'SUCCEEDED', ['Patching 19.28']),
      story('InstanceLiveMigrate', 'instance', 80 * seconds, 'FAILED', ['Copying memory pages'], {
        code: 'InternalError',
        message:
          'Live migration was stopped: the instance dirtied its memory faster than it could be copied.',
      }),
      story('Create Data Guard Association', 'database', 130 * seconds, 'CANCELED', [
        'Duplicating the primary database',
      ]),
    ],
  },
  {
    name: 'bucket-copy',
    service: 'OBJECTSTORAGE',
    regions: both,
    compartment: 'analytics',
    periodMs: 250 * seconds,
    ageMs: 25 * seconds,
    turns: [
      story('COPY_OBJECT', 'bucket', 170 * seconds, 'SUCCEEDED', [
        'Copying exports/2026-11.parquet to bucket lake-eu',
      ]),
      story('REENCRYPT', 'bucket', 130 * seconds, 'FAILED', ['Encrypting 12,480 objects with the new key'], {
        code: 'KmsKeyDisabled',
        message: 'The key was disabled after 7,002 of 12,480 objects.',
      }),
    ],
  },
  {
    name: 'compartment-delete',
    service: 'IDENTITY',
    regions: ashburn,
    compartment: 'platform',
    periodMs: 590 * seconds,
    ageMs: 60 * seconds,
    turns: [
      story('DELETE_COMPARTMENT', 'compartment', 400 * seconds, 'SUCCEEDED', [
        'Checking that the compartment is empty',
        'Deleting policies',
        'Deleting',
      ]),
      story(
        'DELETE_COMPARTMENT',
        'compartment',
        4 * minutes,
        'FAILED',
        ['Checking that the compartment is empty'],
        {
          code: 'CompartmentNotEmpty',
          message: 'The compartment still holds 2 subnets and 1 instance.',
        },
      ),
    ],
  },
  {
    name: 'tag-delete',
    service: 'IDENTITY_TAGGING',
    regions: ashburn,
    compartment: 'platform',
    periodMs: 470 * seconds,
    ageMs: 45 * seconds,
    turns: [
      story('DELETE_TAG_DEFINITION', 'tagdefinition', 5 * minutes, 'SUCCEEDED', [
        'Removing Operations.CostCenter from 318 resources',
      ]),
    ],
  },
  {
    name: 'log-purge',
    service: 'LOGANALYTICS_STORAGE',
    regions: frankfurt,
    compartment: 'analytics',
    periodMs: 350 * seconds,
    ageMs: 35 * seconds,
    turns: [
      story('PURGE_STORAGE_DATA', 'logs', 4 * minutes, 'SUCCEEDED', ['Purging']),
      story('RECALL_ARCHIVED_STORAGE_DATA', 'logs', 3 * minutes, 'FAILED', ['Recalling'], {
        code: 'RecallSizeExceeded',
        message: 'The recall would exceed the active storage of 300 GB.',
      }),
    ],
  },
  {
    name: 'data-flow',
    service: 'DATAFLOW',
    regions: both,
    compartment: 'analytics',
    periodMs: 290 * seconds,
    ageMs: 12 * seconds,
    turns: [
      story('CREATE_PRIVATE_ENDPOINT', 'privateEndpoint', 200 * seconds, 'SUCCEEDED', [
        'Reserving addresses in subnet lake',
        'Registering DNS zones',
      ]),
      story('DELETE_PRIVATE_ENDPOINT', 'privateEndpoint', 150 * seconds, 'SUCCEEDED', [
        'Releasing addresses',
      ]),
    ],
  },
  {
    name: 'patch-run',
    service: 'OSMANAGEMENTHUB',
    regions: both,
    compartment: 'platform',
    periodMs: 620 * seconds,
    ageMs: 30 * seconds,
    turns: [
      waiting(
        story('UPDATE_PACKAGES', 'GROUP', 8 * minutes, 'SUCCEEDED', [
          'Scheduling 24 managed instances',
          'Updated 8 of 24',
          'Updated 16 of 24',
          'Updated 24 of 24',
        ]),
        2 * minutes,
        3 * minutes,
      ),
      story(
        'INSTALL_PACKAGES',
        'GROUP',
        330 * seconds,
        'FAILED',
        ['Scheduling 24 managed instances', 'Installed on 20 of 24'],
        {
          code: 'PackageNotFound',
          message: 'No package oracle-cloud-agent-1.49 in the software sources of 4 instances.',
        },
      ),
    ],
  },
  {
    name: 'network-load-balancer',
    service: 'NETWORKLOADBALANCER',
    regions: both,
    compartment: 'payments',
    periodMs: 270 * seconds,
    ageMs: 18 * seconds,
    turns: [
      story('CREATE_BACKEND', 'NetworkLoadBalancer', 90 * seconds, 'SUCCEEDED', [
        'Adding backend 10.0.4.17:8443',
      ]),
      story('UPDATE_LISTENER', 'NetworkLoadBalancer', 2 * minutes, 'SUCCEEDED', ['Updating listener']),
    ],
  },
  {
    name: 'bastion-session',
    service: 'BASTION',
    regions: both,
    compartment: 'platform',
    periodMs: 170 * seconds,
    ageMs: 8 * seconds,
    turns: [
      story('CREATE_SESSION', 'bastionsession', 1 * minutes, 'SUCCEEDED', [
        'Opening session for opc@10.0.1.12',
      ]),
      story('CREATE_BASTION', 'bastion', 110 * seconds, 'SUCCEEDED', ['Attaching to subnet admin']),
    ],
  },
  {
    name: 'queue',
    service: 'QUEUE',
    regions: frankfurt,
    compartment: 'paymentsTest',
    periodMs: 210 * seconds,
    ageMs: 9 * seconds,
    turns: [
      story('CREATE_QUEUE', 'queue', 70 * seconds, 'SUCCEEDED', ['Creating queue settlements']),
      story('PURGE_QUEUE', 'queue', 90 * seconds, 'SUCCEEDED', ['Purging 1,204 messages']),
    ],
  },
  {
    name: 'dr-switchover',
    service: 'DISASTERRECOVERY',
    regions: ashburn,
    compartment: 'payments',
    periodMs: 730 * seconds,
    ageMs: 60 * seconds,
    turns: [
      waiting(
        story('UPDATE_DR_PLAN', 'drplan', 10 * minutes, 'SUCCEEDED', [
          'Running prechecks',
          'Refreshing 18 steps',
          'Verifying',
        ]),
        4 * minutes,
        6 * minutes,
      ),
      attended(
        story('CREATE_DR_PROTECTION_GROUP', 'drprotectiongroup', 4 * minutes, 'NEEDS_ATTENTION', [
          'Associating with the peer in eu-frankfurt-1',
          'The peer has to accept the association',
        ]),
        20 * minutes,
        'The peer has accepted the association',
      ),
    ],
  },
  {
    name: 'golden-gate',
    service: 'GOLDENGATE',
    regions: both,
    compartment: 'analytics',
    periodMs: 490 * seconds,
    ageMs: 70 * seconds,
    turns: [
      story('GOLDENGATE_DEPLOYMENT_CREATE', 'goldengatedeployment', 6 * minutes, 'SUCCEEDED', [
        'Provisioning deployment',
        'Starting the administration service',
      ]),
      story(
        'GOLDENGATE_DEPLOYMENT_UPGRADE',
        'goldengatedeployment',
        4 * minutes,
        'FAILED',
        ['Stopping extracts'],
        {
          code: 'UpgradeFailed',
          message: 'Extract EXT1 is running and could not be stopped in 60 seconds.',
        },
      ),
    ],
  },
  {
    name: 'nosql-table',
    service: 'NOSQL',
    regions: both,
    compartment: 'paymentsTest',
    periodMs: 220 * seconds,
    ageMs: 14 * seconds,
    turns: [
      story('CREATE_TABLE', 'TABLE', 100 * seconds, 'SUCCEEDED', ['Creating table orders']),
      story('UPDATE_TABLE', 'TABLE', 130 * seconds, 'CANCELED', ['Adding index on customerId']),
    ],
  },
  {
    name: 'integration',
    service: 'INTEGRATION',
    regions: both,
    compartment: 'platform',
    periodMs: 710 * seconds,
    ageMs: 80 * seconds,
    turns: [
      story('CREATE_INTEGRATION_INSTANCE', 'integrationInstance', 10 * minutes, 'SUCCEEDED', [
        'Creating the instance',
        'Configuring the identity domain',
        'Starting',
      ]),
      story('START_INTEGRATION_INSTANCE', 'integrationInstance', 7 * minutes, 'SUCCEEDED', ['Starting']),
    ],
  },
];
