/**
 * get, list, errors, logs and cancel: one implementation for every API of the catalog.
 *
 * A request is made of the catalog's facts and checked ids; an answer is read by `wire.ts` and remembered in
 * `observations.ts`. The HTTP layer below signs, retries and gives up; a body it let through that is not what the API
 * answers with becomes `UPSTREAM_MALFORMED` here.
 */
import { GatewayError, UpstreamError } from '../errors.ts';
import { failureOf, parseRetryAfterMs } from './answers.ts';
import type { Api, PartEndpoint } from './api.ts';
import { catalog } from './catalog.ts';
import type { ServiceName } from './catalog.ts';
import type { Endpoints } from './endpoints.ts';
import { checkNativeId } from './ids.ts';
import type { Observations } from './observations.ts';
import { createNamespaces } from './quirks/log-analytics.ts';
import type { Namespaces } from './quirks/log-analytics.ts';
import type {
  Clock,
  Errand,
  ListQuery,
  Page,
  PageQuery,
  Upstream,
  UpstreamAnswer,
  WorkRequestRef,
  WorkRequestSource,
} from './types.ts';
import { readError, readLogEntry, readPage, readWorkRequest, UnreadableBody } from './wire.ts';
import type { Observed } from './wire.ts';

export interface SourceOptions {
  readonly upstream: Upstream;
  readonly endpoints: Endpoints;
  readonly observations: Observations;
  readonly clock: Pick<Clock, 'now'>;
  /** Tenancy of the gateway's credential. */
  readonly tenancyId: () => Promise<string>;
  /** How many items of a page could not be read; called where there are any. */
  readonly observeMalformed?: (place: Pick<WorkRequestRef, 'service' | 'region'>, items: number) => void;
}

export interface Sources extends WorkRequestSource {
  /** The same, for one operation: its calls end with the errand. */
  for(errand: Errand): WorkRequestSource;
}

export const createWorkRequestSource = (options: SourceOptions): Sources => {
  const namespaces = createNamespaces(options);
  const sourceFor = (errand: Errand | null): WorkRequestSource => createSource(options, namespaces, errand);
  return { ...sourceFor(null), for: sourceFor };
};

const createSource = (
  { upstream, endpoints, observations, clock, observeMalformed = () => {} }: SourceOptions,
  namespaces: Namespaces,
  errand: Errand | null,
): WorkRequestSource => {
  const call = (
    api: Api<ServiceName>,
    region: string,
    path: string,
    more: { readonly method?: 'GET' | 'DELETE'; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<UpstreamAnswer> => {
    const { origin, prefix } = endpoints.of(api, region);
    const request = {
      service: api.name,
      region,
      method: 'GET',
      ...more,
      origin,
      path: prefix + path,
    } as const;
    return upstream.call(request, errand);
  };

  const complete = async (ref: WorkRequestRef): Promise<WorkRequestRef | null> => {
    const api = catalog[ref.service];
    if (!api.needsNamespace || ref.namespace !== undefined) return ref;
    const namespace = await namespaces.of(api, ref.region, errand);
    return namespace === null ? null : { ...ref, namespace };
  };

  const noteMalformed = <T>(
    { name: service }: Api<ServiceName>,
    region: string,
    { malformed: items }: Page<T>,
  ): void => {
    if (items.length > 0) observeMalformed({ service, region }, items.length);
  };

  const readPart = async <T>(
    ref: WorkRequestRef,
    endpoint: PartEndpoint,
    compartmentId: string | null,
    { limit, page }: PageQuery,
    readItem: (api: Api<ServiceName>, item: unknown) => T,
  ): Promise<Page<T>> => {
    const api = catalog[ref.service];
    const full = await complete(ref);
    if (full === null) return { items: [], nextPage: null, malformed: [] };
    if (endpoint.needsCompartment && compartmentId === null) {
      throw malformed(
        api,
        ref.region,
        'the work request does not tell its compartment, which this needs',
        null,
      );
    }
    const query = queryString({
      ...(endpoint.needsCompartment && compartmentId !== null && { compartmentId }),
      ...(endpoint.isPaged && { limit, page }),
    });
    const answer = await call(api, ref.region, `${pathOf(api, full)}/${endpoint.segment}${query}`);
    const read = understood(api, ref.region, answer, () =>
      readPage(api, answer.body, nextPageOf(answer), (item) => readItem(api, item)),
    );
    noteMalformed(api, ref.region, read);
    return read;
  };

  return {
    complete,
    namespaceOf: (service, region) => namespaces.of(catalog[service], region, errand),

    async get(ref) {
      const api = catalog[ref.service];
      const full = await complete(ref);
      if (full === null) return null;
      const answer = await orAbsent(call(api, ref.region, pathOf(api, full)));
      if (answer === null) return null;
      const seen = understood(api, ref.region, answer, () => {
        const read = readWorkRequest(api, answer.body, {
          origin: 'get',
          region: ref.region,
          ...(full.namespace !== undefined && { namespace: full.namespace }),
          etag: answer.headers['etag'] ?? null,
          retryAfterMs: parseRetryAfterMs(answer.headers['retry-after'], clock.now()),
          observedAt: clock.now(),
        });
        if (read.ref.workRequestId !== ref.workRequestId) {
          throw new UnreadableBody('the body is that of another work request');
        }
        return read;
      });
      return observations.record(seen, answer.ordinal);
    },

    async list({ service, region, compartmentId, params = {}, limit, page }: ListQuery) {
      const api = catalog[service];
      const namespace = params['namespaceName'];
      const { path, rest } = fillPath(api.listPath, params);
      const asked = { ...(api.listQuery.has('compartmentId') && { compartmentId }), ...rest, limit, page };
      const answer = await call(api, region, path + queryString(asked));
      const observed: Observed = {
        origin: 'list',
        region,
        ...(namespace !== undefined && { namespace }),
        etag: null,
        retryAfterMs: null,
        observedAt: clock.now(),
      };
      const seen = understood(api, region, answer, () =>
        readPage(api, answer.body, nextPageOf(answer), (item) => readWorkRequest(api, item, observed)),
      );
      noteMalformed(api, region, seen);
      return {
        ...seen,
        items: seen.items.map((item) => observations.record(item, answer.ordinal, compartmentId)),
      };
    },

    async errors(ref, compartmentId, page) {
      const { errors } = catalog[ref.service];
      return typeof errors === 'string' ? null : readPart(ref, errors, compartmentId, page, readError);
    },

    async logs(ref, compartmentId, page) {
      const { logs } = catalog[ref.service];
      return typeof logs === 'string' ? null : readPart(ref, logs, compartmentId, page, readLogEntry);
    },

    async cancel(ref, { ifMatch } = {}) {
      const api = catalog[ref.service];
      // Elsewhere a DELETE on this path would be a call that Oracle does not document.
      if (api.cancel === 'none')
        throw new GatewayError('BAD_USER_INPUT', `${api.label} cannot cancel work requests.`);
      const full = await complete(ref);
      if (full === null)
        throw new GatewayError(
          'NOT_FOUND',
          `${api.label} has no namespace in ${ref.region}: nothing to cancel.`,
        );
      const headers: Record<string, string> =
        api.cancel === 'if-match' && ifMatch !== undefined ? { 'if-match': ifMatch } : {};
      await call(api, ref.region, pathOf(api, full), { method: 'DELETE', headers });
    },
  };
};

const pathOf = (api: Api, ref: WorkRequestRef): string => {
  const { path } = fillPath(api.path, ref.namespace === undefined ? {} : { namespaceName: ref.namespace });
  return `${path}/${encodeURIComponent(checkNativeId(ref.workRequestId))}`;
};

/** Puts parameters into the path where it names them; the rest is for the query. */
const fillPath = (
  template: string,
  params: Readonly<Record<string, string>>,
): { readonly path: string; readonly rest: Readonly<Record<string, string>> } => {
  const rest = { ...params };
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name];
    if (value === undefined || value === '') throw new Error(`the path ${template} needs ${name}`);
    delete rest[name];
    // Dots alone would climb: no id or namespace of Oracle's begins with one.
    if (value.startsWith('.'))
      throw new GatewayError('BAD_USER_INPUT', `\`${name}\` cannot begin with a dot.`);
    return encode(value);
  });
  return { path, rest };
};

const queryString = (params: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== '');
  return given.length === 0
    ? ''
    : `?${given.map(([name, value]) => `${name}=${encode(String(value))}`).join('&')}`;
};

/** Half a surrogate pair is text to JSON, and an exception to `encodeURIComponent`. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

const nextPageOf = ({ headers }: UpstreamAnswer): string | null => headers['opc-next-page'] || null;

/** Absent and forbidden are one answer upstream, 404: no error, just nothing there. */
const orAbsent = async (answer: Promise<UpstreamAnswer>): Promise<UpstreamAnswer | null> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof UpstreamError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
};

const understood = <T>(api: Api, region: string, answer: UpstreamAnswer, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UnreadableBody)) throw error;
    throw malformed(api, region, error.message, answer, error);
  }
};

const malformed = (
  api: Api,
  region: string,
  what: string,
  answer: UpstreamAnswer | null,
  cause?: UnreadableBody,
): UpstreamError =>
  new UpstreamError(
    'UPSTREAM_MALFORMED',
    `${api.label} in ${region} answered with something that is not a work request API's: ${what}.`,
    failureOf(
      { service: api.name, region },
      { status: answer?.status ?? null, opcRequestId: answer?.opcRequestId ?? null },
    ),
    { cause },
  );
