/** What a newcomer meets first: the query that start-up prints and the tabs that the playground opens with. */
import type { PlaygroundTab } from './doors/playground.ts';

/** One line, to paste into a shell or the playground. */
export const sampleQuery = (id: string): string =>
  `  { workRequest(id: "${id}") { status percentComplete operationType service { title } resources { entityType identifier } logs(first: 3) { nodes { message } } } }`;

const placeholderId = 'ocid1.clustersworkrequest.oc1.iad.…';

/** @param id a work request to ask for; null: the visitor has to bring one. */
export const playgroundTabs = (id: string | null): readonly PlaygroundTab[] => [
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
    variables: { id: id ?? placeholderId },
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
    variables: { id: id ?? placeholderId },
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
