/** The gateway over the emulator: its datasource, its GraphQL door, and what they answer in the form that is compared. */
import type { KeyObject } from 'node:crypto';
import { pino } from 'pino';
import { openAccess } from '../../access.ts';
import { systemClock } from '../../clock.ts';
import { loadConfig } from '../support/config.ts';
import type {
  WorkRequest,
  WorkRequestError,
  WorkRequestLogEntry,
  WorkRequestSource,
} from '../../datasources/types.ts';
import { createGateway } from '../../gateway.ts';
import { instant, withoutAbsent } from './folding.ts';
import type { Folded, FoldedError, FoldedLogEntry, JsonObject } from './folding.ts';

export interface Ours {
  readonly source: WorkRequestSource;
  /** @throws Error where the answer holds errors */
  ask(query: string, variables: JsonObject): Promise<JsonObject>;
  stop(): Promise<void>;
}

export const startOurs = async (options: {
  readonly emulatorUrl: string;
  readonly region: string;
  readonly tenancyId: string;
  readonly privateKey: KeyObject;
}): Promise<Ours> => {
  const config = loadConfig({
    PORT: '0',
    UPSTREAM_RPS: '100000',
    CURSOR_SECRET: 'the contract test needs no secret',
    LOG_LEVEL: 'silent',
  });
  const gateway = createGateway(config, {
    clock: systemClock,
    log: pino({ level: config.logLevel }),
    access: await openAccess(config.oci, {
      clock: systemClock,
      standIn: {
        privateKey: options.privateKey,
        tenancyId: options.tenancyId,
        regions: [options.region],
      },
      onProblem: () => undefined,
    }),
    endpointTemplate: `${options.emulatorUrl}/{region}/{package}`,
    playgroundTabs: [],
  });
  const { port } = await gateway.start();
  return {
    source: gateway.source,
    async ask(query, variables) {
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await response.json()) as { data?: JsonObject; errors?: unknown };
      if (errors !== undefined || data === undefined)
        throw new Error(`GraphQL answered ${JSON.stringify(errors)}`);
      return data;
    },
    stop: () => gateway.stop(),
  };
};

/** What the datasource answers, in the form that is compared. */
export const plainWorkRequest = (found: WorkRequest): Folded => ({
  workRequestId: found.ref.workRequestId,
  compartmentId: found.compartmentId,
  operationType: found.operationType,
  status: found.status,
  rawStatus: found.rawStatus,
  isTerminal: found.isTerminal,
  isCancelable: found.isCancelable,
  percentComplete: found.percentComplete,
  timeAccepted: instant(found.timeAccepted),
  timeStarted: instant(found.timeStarted),
  timeUpdated: instant(found.timeUpdated),
  timeFinished: instant(found.timeFinished),
  resources:
    found.resources?.map((resource) => ({
      ...resource,
      extras: resource.extras === null ? null : withoutAbsent(resource.extras),
    })) ?? null,
  errors: found.embeddedErrors?.map(plainError) ?? null,
  logs: found.embeddedLogs?.map(plainLogEntry) ?? null,
  extras: withoutAbsent(found.extras),
});

export const plainError = (error: WorkRequestError): FoldedError => ({
  ...error,
  timestamp: instant(error.timestamp),
});

export const plainLogEntry = (entry: WorkRequestLogEntry): FoldedLogEntry => ({
  ...entry,
  timestamp: instant(entry.timestamp),
});

const fields = `
  id workRequestId service { name } region compartmentId operationType status rawStatus isTerminal canCancel percentComplete
  timeAccepted timeStarted timeUpdated timeFinished
  resources { entityType actionType identifier entityUri extras }
  errors(first: 3, after: $errorsAfter) { nodes { code message timestamp isRetryable } pageInfo { hasNextPage endCursor } }
  logs(first: 3, after: $logsAfter) { nodes { message timestamp } pageInfo { hasNextPage endCursor } }
  extras isStale`;

export const workRequestQuery = `
  query ($id: ID!, $service: ServiceName!, $region: String!, $errorsAfter: String, $logsAfter: String) {
    workRequest(id: $id, service: $service, region: $region) { ${fields} }
  }`;

export const nodeQuery = `
  query ($id: ID!, $errorsAfter: String, $logsAfter: String) { node(id: $id) { ... on WorkRequest { ${fields} } } }`;
