/** Bodies and queries of the control door. The bodies' JSON Schemas stand in `docs/emulator.md` and are served at `/_emulator/schemas`. */
import { z } from 'zod';
import { serviceKeys } from './dialects.ts';

const operations = ['get', 'list', 'errors', 'logs', 'cancel', 'parents'] as const;
const service = z.enum(serviceKeys as [string, ...string[]]).describe('Key of the API, e.g. CONTAINERENGINE');
const region = z.string().regex(/^[a-z]+(-[a-z]+)+-\d+$/, 'must look like us-ashburn-1');
const native = z.record(z.string(), z.unknown());
const time = z.iso.datetime({ offset: true });
const parents = z.record(z.string(), z.string());

const resource = z
  .looseObject({
    entityType: z.string().optional(),
    actionType: z.string().optional(),
    identifier: z.string().optional(),
    entityUri: z.string().optional(),
  })
  .describe('The four names are translated to the dialect; every other field is sent as it is');

const entry = {
  message: z.string().optional(),
  at: time.optional().describe('Scripted time; neither `at` nor `afterMs`: when it is given'),
  afterMs: z.number().min(0).optional().describe('Scripted milliseconds after timeAccepted'),
  native: native.optional().describe('Fields sent as they are, over those of the dialect'),
  omit: z.array(z.string()).optional().describe('Native fields left out'),
};
const error = z.strictObject({ code: z.string().optional(), ...entry });
const log = z.strictObject(entry);

const appearance = {
  native: native
    .optional()
    .describe('Native fields sent as they are in get and list item, over those of the dialect'),
  nativeInGet: native.optional().describe('The same, in get alone'),
  nativeInListItem: native.optional().describe('The same, in list items alone'),
  omit: z.array(z.string()).optional().describe('Native fields left out of get and list item'),
  resources: z.array(resource).optional(),
};

const step = z.strictObject({
  afterMs: z.number().min(0).optional().describe('Scripted milliseconds after timeAccepted'),
  at: time.optional().describe('Scripted time, instead of afterMs'),
  status: z
    .string()
    .nullable()
    .optional()
    .describe("The dialect's own word, or any other; left out: as before"),
  percentComplete: z.number().nullable().optional(),
  ...appearance,
});

const behaviour = {
  retryAfterSeconds: z
    .number()
    .min(0)
    .nullable()
    .optional()
    .describe('`retry-after` of get while it is not finished, where the API declares it; null: never sent'),
  isCancelable: z.boolean().optional().describe('false: cancel answers 409 IncorrectState'),
  cancelTakesMs: z.number().min(0).optional().describe('Scripted milliseconds from CANCELING to CANCELED'),
};

export const createBody = z.strictObject({
  service,
  region,
  compartmentId: z.string().optional().describe('Left out: the first sample compartment'),
  id: z.string().min(1).optional().describe('Left out: one of the form that the service uses'),
  count: z.int().min(1).max(10_000).optional().describe('As many alike, each with an id of its own'),
  operationType: z.string().optional(),
  parents: parents
    .optional()
    .describe('loadBalancerId, blockchainPlatformId, waasPolicyId, namespaceName, …'),
  acceptedMsAgo: z.number().min(0).optional().describe('Scripted milliseconds between timeAccepted and now'),
  script: z
    .array(step)
    .min(1)
    .optional()
    .describe('Left out: accepted, in progress after 2 s, succeeded after 20 s'),
  errors: z.array(error).optional(),
  logs: z.array(log).optional(),
  ...appearance,
  ...behaviour,
});

export const patchBody = z.strictObject({
  status: z.string().nullable().optional(),
  percentComplete: z.number().nullable().optional(),
  keepScript: z.boolean().optional().describe('true: steps that are still to come stay'),
  errors: z.array(error).optional().describe('Added to those that are there'),
  logs: z.array(log).optional().describe('Added to those that are there'),
  delete: z.boolean().optional().describe('true: from now on it is absent'),
  ...appearance,
  ...behaviour,
});

export const faultBody = z.strictObject({
  service: service.optional(),
  region: region.optional(),
  operation: z.enum(operations).optional(),
  workRequestId: z.string().optional(),
  after: z.int().min(0).optional().describe('So many matching calls pass first'),
  times: z.int().min(1).optional().describe('So many calls are hit; left out: all, until cleared'),
  delayMs: z.number().min(0).max(600_000).optional().describe('Wall milliseconds before the answer'),
  status: z.int().min(200).max(599).optional().describe('Answered instead; the operation is not carried out'),
  code: z
    .string()
    .optional()
    .describe("`code` of the error body; left out: Oracle's usual one for that status"),
  message: z.string().optional(),
  body: z.string().optional().describe('Sent instead of the body, as it is'),
  bodyBase64: z.base64().optional(),
  padBytes: z.int().min(1).max(100_000_000).optional().describe('So many blanks after the body'),
  headers: z
    .record(z.string(), z.union([z.string(), z.array(z.string()), z.null()]))
    .optional()
    .describe('Set; null removes'),
  repeatPage: z.boolean().optional().describe('true: opc-next-page leads to the same page again'),
  drip: z.strictObject({ bytes: z.int().min(1), everyMs: z.number().min(1) }).optional(),
  cut: z
    .strictObject({
      atByte: z.int().min(0),
      how: z
        .enum(['reset', 'close', 'short'])
        .optional()
        .describe(
          'reset (usual) and close break the promised length; short promises none, so that it looks complete',
        ),
    })
    .optional(),
  reset: z
    .enum(['before', 'after'])
    .optional()
    .describe('Connection reset before or after the operation is carried out'),
  hang: z.boolean().optional().describe('true: carried out, never answered'),
  throttle: z
    .strictObject({
      perSecond: z.number().min(0).describe('Matching calls a wall second that pass; the others are 429'),
      retryAfterSeconds: z.number().min(0).optional(),
      closeConnection: z.boolean().optional(),
    })
    .optional(),
});

export const clockBody = z.strictObject({
  speed: z.number().min(0).max(100_000).optional(),
  advanceMs: z.number().min(0).max(31_536_000_000).optional(),
});

export const compartmentBody = z.strictObject({
  id: z.string().min(1),
  name: z.string().optional(),
  parentId: z.string().optional().describe('Left out: the tenancy'),
  isDeleted: z.boolean().optional().describe('true: as if it had never been there'),
});

export const parentBody = z.strictObject({
  kind: z.enum(['loadBalancers', 'blockchainPlatforms', 'waasPolicies', 'namespaces']),
  region,
  compartmentId: z.string().optional(),
  id: z.string().min(1),
});

const text = z.string().optional();
const wholeNumber = z.string().regex(/^\d+$/, 'must be a whole number from 0').transform(Number).optional();

const workRequestsQuery = z.object({
  service: text,
  region: text,
  compartmentId: text,
  status: text,
  limit: wholeNumber,
});

const callsQuery = z.object({
  service: text,
  region: text,
  package: text,
  operation: text,
  workRequestId: text,
  compartmentId: text,
  status: wholeNumber,
  since: wholeNumber,
  limit: wholeNumber,
});

export type CreateBody = z.infer<typeof createBody>;
export type PatchBody = z.infer<typeof patchBody>;
export type StepBody = z.infer<typeof step>;
export type ResourceBody = z.infer<typeof resource>;
export type EntryBody = z.infer<typeof error>;
export type FaultBody = z.infer<typeof faultBody>;
export type ClockBody = z.infer<typeof clockBody>;
export type CompartmentBody = z.infer<typeof compartmentBody>;
export type ParentBody = z.infer<typeof parentBody>;
export type WorkRequestsQuery = z.infer<typeof workRequestsQuery>;
export type CallsQuery = z.infer<typeof callsQuery>;

export const controlSchemas = {
  'POST /_emulator/work-requests': createBody,
  'PATCH /_emulator/work-requests/{id}': patchBody,
  'POST /_emulator/faults': faultBody,
  'POST /_emulator/clock': clockBody,
  'POST /_emulator/compartments': compartmentBody,
  'POST /_emulator/parents': parentBody,
} as const;

export const querySchemas = {
  'GET /_emulator/work-requests': workRequestsQuery,
  'GET /_emulator/requests': callsQuery,
} as const;

export function jsonSchemas(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(controlSchemas).map(([name, schema]) => [name, z.toJSONSchema(schema, { io: 'input' })]),
  );
}
