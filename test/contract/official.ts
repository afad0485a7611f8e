/**
 * Oracle's own clients, found rather than listed: whatever class of a package has `get…WorkRequest` is the client of a
 * work-request API, and its other operations follow from that name. So what an API has (errors, logs, cancel) is known
 * from the client itself, and no API that the packages hold goes unnoticed.
 */
import type { KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import type { JsonObject } from './folding.ts';

export type Operation = 'get' | 'list' | 'errors' | 'logs' | 'cancel';

export interface OfficialAnswer {
  /** What the client made of the body; null where there was none. */
  readonly body: unknown;
  readonly etag: string | null;
  readonly nextPage: string | null;
  readonly retryAfterSeconds: number | null;
}

export interface Official {
  /** As the catalog calls it, worked out from the names of package and operation. */
  readonly key: string;
  /** Without `oci-`. */
  readonly package: string;
  readonly has: Readonly<Record<Operation, boolean>>;
  /** The regions that the client knows of; an older one knows fewer. */
  readonly regionIds: readonly string[];
  /** Scheme and host that the client would call in a region of Oracle's. */
  originIn(regionId: string): Promise<string>;
  /** Parameters by the client's own names; it takes those that the operation has. @throws OciError */
  call(operation: Operation, parameters: JsonObject): Promise<OfficialAnswer>;
}

export interface OfficialOptions {
  /** e.g. `http://127.0.0.1:9100/eu-frankfurt-1/`; the package's name follows. */
  readonly endpointBase: string;
  readonly tenancyId: string;
  readonly privateKey: KeyObject;
}

type Method = (parameters: JsonObject) => Promise<JsonObject>;
type Client = Record<string, Method> & { endpoint: string; regionId: string };
type ClientClass = new (parameters: JsonObject, configuration: JsonObject) => Client;
interface Common {
  readonly SimpleAuthenticationDetailsProvider: new (
    ...details: readonly [tenancy: string, user: string, fingerprint: string, key: string, passphrase: null]
  ) => unknown;
  readonly NoRetryConfigurationDetails: unknown;
  readonly CircuitBreaker: new (options: JsonObject) => unknown;
  readonly Region: { values(): readonly { readonly regionId: string }[] };
}

const require = createRequire(import.meta.url);

/** All work-request APIs of one package. */
export const openPackage = (packageName: string, options: OfficialOptions): readonly Official[] => {
  // `lib/client.js` alone: the package's index would load its upload managers, paginators and requests too.
  const file = require.resolve(`${packageName}/lib/client.js`);
  const exported = require(file) as Record<string, unknown>;
  const { Region } = createRequire(file)('oci-common') as Common;
  const regionIds = Region.values().map(({ regionId }) => regionId);
  const shortName = packageName.replace(/^oci-/, '');
  return Object.values(exported)
    .filter((one): one is ClientClass => typeof one === 'function' && isObject(one.prototype))
    .flatMap((clientClass) =>
      stemsOf(clientClass).map((stem) => openApi(clientClass, stem, shortName, regionIds, options)),
    );
};

/** `Tagging` of `getTaggingWorkRequest`; the empty one of most. */
const stemsOf = (clientClass: ClientClass): readonly string[] =>
  Object.getOwnPropertyNames(clientClass.prototype).flatMap(
    (name) => /^get(\w*)WorkRequest$/.exec(name)?.[1] ?? [],
  );

const openApi = (
  clientClass: ClientClass,
  stem: string,
  shortName: string,
  regionIds: readonly string[],
  options: OfficialOptions,
): Official => {
  const candidates: Readonly<Record<Operation, readonly string[]>> = {
    get: [`get${stem}WorkRequest`],
    list: [`list${stem}WorkRequests`],
    errors: [`list${stem}WorkRequestErrors`],
    logs: [`list${stem}WorkRequestLogs`],
    // Some call it delete; it cancels all the same.
    cancel: [`cancel${stem}WorkRequest`, `delete${stem}WorkRequest`],
  };
  const methodOf = (operation: Operation): string | undefined =>
    candidates[operation].find((name) => Object.hasOwn(clientClass.prototype as object, name));
  const client = openClient(clientClass, options);
  const call = async (one: Client, operation: Operation, parameters: JsonObject): Promise<JsonObject> => {
    const method = methodOf(operation);
    if (method === undefined) throw new Error(`Oracle's client has no ${operation}`);
    return (await one[method]?.(parameters)) ?? {};
  };
  client.endpoint = `${options.endpointBase}${shortName}`;
  let sentTo = '';
  const atHome = openClient(clientClass, options, {
    send: ({ uri }: { readonly uri: string }) => {
      sentTo = uri;
      return Promise.resolve(new Response('{}'));
    },
  });
  // `ZprPolicy` of the package zpr is its `policy` API, `Gdp` of gdp its only one.
  const own = stem.toLowerCase().startsWith(shortName) ? stem.slice(shortName.length) : stem;
  return {
    key: [shortName, own].filter(Boolean).join('_').toUpperCase(),
    package: shortName,
    has: {
      get: methodOf('get') !== undefined,
      list: methodOf('list') !== undefined,
      errors: methodOf('errors') !== undefined,
      logs: methodOf('logs') !== undefined,
      cancel: methodOf('cancel') !== undefined,
    },
    regionIds,
    async originIn(regionId) {
      atHome.regionId = regionId;
      await call(atHome, 'get', { workRequestId: 'any', iamWorkRequestId: 'any', namespaceName: 'any' });
      return new URL(sentTo).origin;
    },
    call: async (operation, parameters) => readAnswer(await call(client, operation, parameters)),
  };
};

const openClient = (
  clientClass: ClientClass,
  { tenancyId, privateKey }: OfficialOptions,
  httpClient?: unknown,
): Client => {
  const common = require('oci-common') as Common;
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const user = 'ocid1.user.oc1..contract';
  return new clientClass(
    {
      authenticationDetailsProvider: new common.SimpleAuthenticationDetailsProvider(
        tenancyId,
        user,
        '00:11',
        pem,
        null,
      ),
      httpClient,
    },
    {
      // A failure has to show, not to be tried again.
      retryConfiguration: common.NoRetryConfigurationDetails,
      circuitBreaker: new common.CircuitBreaker({ disableClientCircuitBreaker: true }),
    },
  );
};

/** The client returns one object: headers under their own names, and the body under a name that each operation has of its own. */
const readAnswer = (answer: JsonObject): OfficialAnswer => ({
  body: Object.values(answer).find(isObject) ?? null,
  etag: typeof answer['etag'] === 'string' ? answer['etag'] : null,
  nextPage: typeof answer['opcNextPage'] === 'string' ? answer['opcNextPage'] : null,
  retryAfterSeconds: typeof answer['retryAfter'] === 'number' ? answer['retryAfter'] : null,
});

/** Items of a list, whichever of its two forms it has. */
export const itemsOf = ({ body }: OfficialAnswer): readonly JsonObject[] => {
  const items = Array.isArray(body) ? (body as unknown[]) : isObject(body) ? body['items'] : undefined;
  if (!Array.isArray(items)) throw new Error('the official client brought no list');
  return items as readonly JsonObject[];
};

export const bodyOf = ({ body }: OfficialAnswer): JsonObject => {
  if (!isObject(body) || Array.isArray(body)) throw new Error('the official client brought no object');
  return body;
};

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null;
