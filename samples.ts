/** What a newcomer meets first: the query that start-up prints and the tabs that the playground opens with. */
import type { PlaygroundTab } from './doors/playground.ts';

/** What the demo data has to ask for; null: nothing of the kind. */
export interface Samples {
  readonly tenancy: string;
  readonly progressing: string | null;
  readonly cancelable: string | null;
}

/** One line, to paste into a shell or the playground; null where there is nothing to ask for. */
export const sampleQuery = (samples: Samples | null): string | null =>
  samples?.progressing == null
    ? null
    : `  { workRequest(id: "${samples.progressing}") { status percentComplete operationType service { title } resources { entityType identifier } logs(first: 3) { nodes { message } } } }`;

const placeholders = {
  tenancy: 'ocid1.tenancy.oc1..…',
  workRequest: 'ocid1.mysqlworkrequest.oc1.iad.…',
};

/** @param samples null: visitors have to bring what they ask for. */
export const playgroundTabs = (samples: Samples | null): readonly PlaygroundTab[] => [
  {
    name: 'Work request',
    query: `# One work request, whatever its service. Press Ctrl+Enter.
query WorkRequest($id: ID!) {
  workRequest(id: $id) {
    id
    service {
      title
    }
    region
    operationType
    status
    rawStatus
    percentComplete
    timeAccepted
    timeFinished
    resources {
      entityType
      actionType
      identifier
    }
    errors {
      nodes {
        code
        message
      }
    }
    logs {
      nodes {
        timestamp
        message
      }
    }
    canCancel
  }
}
`,
    variables: { id: samples?.progressing ?? placeholders.workRequest },
  },
  {
    name: 'Watch it',
    query: `# The same work request, live until it ends: SNAPSHOT, CHANGED, …, FINISHED.
subscription Watch($id: ID!) {
  workRequest(id: $id) {
    type
    sequence
    previousStatus
    workRequest {
      status
      percentComplete
      timeUpdated
    }
    nextPollAt
  }
}
`,
    variables: { id: samples?.progressing ?? placeholders.workRequest },
  },
  {
    name: 'List',
    query: `# What is running now, in all services, regions and compartments. What could not be asked stands in failures.
query List($compartmentId: String!, $filter: WorkRequestFilter, $after: String) {
  workRequests(
    compartmentId: $compartmentId
    includeSubcompartments: true
    filter: $filter
    first: 25
    after: $after
  ) {
    nodes {
      workRequestId
      service {
        title
      }
      region
      operationType
      status
      percentComplete
      timeAccepted
    }
    failures {
      service
      region
      code
      message
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: {
      compartmentId: samples?.tenancy ?? placeholders.tenancy,
      filter: { isTerminal: false },
      after: null,
    },
  },
  // Only over the emulator: what a visitor may cancel in Oracle Cloud is not ours to suggest.
  ...(samples?.cancelable == null
    ? []
    : [
        {
          name: 'Cancel',
          query: `# Another work request, of a Kubernetes cluster. Why it could not be canceled is data, too: see error.
mutation Cancel($id: ID!) {
  cancelWorkRequest(input: { id: $id }) {
    workRequest {
      service {
        title
      }
      operationType
      status
      canCancel
    }
    error {
      code
      message
    }
  }
}
`,
          variables: { id: samples.cancelable },
        },
      ]),
  {
    name: 'Live list',
    query: `# What is running, live: SNAPSHOT of each, SYNCED, then ADDED, CHANGED, FINISHED.
# services: null are all of them, and more events than this page can show.
subscription LiveList($compartmentId: String!, $services: [ServiceName!], $filter: WorkRequestFilter) {
  workRequests(
    compartmentId: $compartmentId
    includeSubcompartments: true
    services: $services
    filter: $filter
  ) {
    type
    workRequest {
      service {
        title
      }
      region
      operationType
      status
      percentComplete
    }
    gap {
      message
    }
  }
}
`,
    variables: {
      compartmentId: samples?.tenancy ?? placeholders.tenancy,
      // Each event is an editor of its own to Altair: with a few hundred of them it stands still for half a minute.
      services: ['MYSQL', 'CONTAINERENGINE', 'QUEUE'],
      filter: { isTerminal: false },
    },
  },
  {
    name: 'Wait for it',
    query: `# Answers when it is over or needs attention, at the latest after twenty seconds. For scripts, and where sockets do not get through.
query Wait($id: ID!) {
  waitForWorkRequest(id: $id, timeoutSeconds: 20) {
    operationType
    status
    percentComplete
    errors {
      nodes {
        code
        message
      }
    }
    observedAt
  }
}
`,
    variables: { id: samples?.progressing ?? placeholders.workRequest },
  },
  {
    name: 'Services',
    query: `# Every work-request API that this gateway reads.
{
  services {
    name
    title
    products
    canCancel
    hasErrors
    hasLogs
    rawStatuses
    documentationUrl
  }
  regions {
    id
    code
    realm
  }
}
`,
  },
];
