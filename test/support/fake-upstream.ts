/** Oracle Cloud as a function: what was asked is on record, what is answered is the test's. Nothing is signed or sent. */
import { failureOf } from '../../datasources/answers.ts';
import { createEndpoints } from '../../datasources/endpoints.ts';
import type { Endpoints } from '../../datasources/endpoints.ts';
import { createObservations } from '../../datasources/observations.ts';
import type { Observations } from '../../datasources/observations.ts';
import { createRegions, endpointOf } from '../../datasources/regions.ts';
import type { Upstream, UpstreamAnswer, UpstreamRequest } from '../../datasources/types.ts';
import { createWorkRequestSource } from '../../datasources/work-requests.ts';
import type { Sources } from '../../datasources/work-requests.ts';
import { UpstreamError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { createManualClock } from './clock.ts';
import type { ManualClock } from './clock.ts';

export interface FakeAnswer {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
}

export const tenancy = 'ocid1.tenancy.oc1..aaaa';

export const upstreamError = (
  code: ErrorCode,
  { service = 'CONTAINERENGINE', region = 'us-ashburn-1' }: Partial<UpstreamRequest> = {},
): UpstreamError => new UpstreamError(code, `${service} answered ${code}`, failureOf({ service, region }));

/** No turn in time: no call was made. */
export const withoutTurn = (): UpstreamError =>
  new UpstreamError(
    'UPSTREAM_THROTTLED',
    'It was not asked.',
    failureOf({ service: 'CONTAINERENGINE', region: 'us-ashburn-1' }, { isUnasked: true }),
  );

export interface FakeUpstream extends Upstream {
  readonly requests: readonly UpstreamRequest[];
  /** `GET https://… /20180222/workRequests/…`, one each. */
  lines(): readonly string[];
  /** Paths alone, without those asked for before. */
  takePaths(): readonly string[];
}

export const createFakeUpstream = (
  answer: (request: UpstreamRequest, index: number) => FakeAnswer | Error | Promise<FakeAnswer>,
): FakeUpstream => {
  const requests: UpstreamRequest[] = [];
  let taken = 0;
  return {
    requests,
    lines: () => requests.map(({ method, origin, path }) => `${method} ${origin}${path}`),
    takePaths() {
      const paths = requests.slice(taken).map(({ path }) => path);
      taken = requests.length;
      return paths;
    },
    async call(request): Promise<UpstreamAnswer> {
      const ordinal = requests.push(request);
      const given = await answer(request, requests.length - 1);
      if (given instanceof Error) throw given;
      const { body, headers = {}, status = 200 } = given;
      return { status, headers, body, opcRequestId: 'opc-1', ordinal };
    },
    backlog: () => null,
    async close() {},
  };
};

export interface TestSource {
  readonly source: Sources;
  readonly upstream: FakeUpstream;
  readonly endpoints: Endpoints;
  readonly observations: Observations;
  readonly clock: ManualClock;
}

const regions = createRegions();

/** The real source over a fake upstream, allowed to call three regions. */
export const createTestSource = (
  answer: Parameters<typeof createFakeUpstream>[0],
  { tenancyId = async () => tenancy }: { readonly tenancyId?: () => Promise<string> } = {},
): TestSource => {
  const upstream = createFakeUpstream(answer);
  const observations = createObservations();
  const clock = createManualClock();
  const endpoints = createEndpoints({
    allowedRegions: ['us-ashburn-1', 'us-phoenix-1', 'eu-frankfurt-1'],
    homeRegion: 'us-ashburn-1',
    template: null,
    fill: (template, id) => {
      const region = regions.get(id);
      if (!region) throw new Error(`no region ${id}`);
      return endpointOf(template, region);
    },
  });
  return {
    source: createWorkRequestSource({ upstream, endpoints, observations, clock, tenancyId }),
    upstream,
    endpoints,
    observations,
    clock,
  };
};
