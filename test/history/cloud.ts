/**
 * Oracle Cloud in virtual time: the emulator's own answers without its sockets, the scene's troubles on the way, and a
 * note of everything that reached the gateway whole.
 */
import { ExchangeFailure } from '../../datasources/exchange.ts';
import type { ExchangeRequest, RawAnswer } from '../../datasources/exchange.ts';
import type { ServiceName } from '../../datasources/catalog.ts';
import { refuse } from '../../emulator/answers.ts';
import type { Answer } from '../../emulator/answers.ts';
import { answerWorkRequests } from '../../emulator/api.ts';
import type { ApiCall, Cloud } from '../../emulator/api.ts';
import { createClock } from '../../emulator/clock.ts';
import { dialectOf } from '../../emulator/dialects.ts';
import { workRequestId } from '../../emulator/ids.ts';
import { createLife } from '../../emulator/lives.ts';
import type { Life } from '../../emulator/lives.ts';
import { answerParents } from '../../emulator/parents.ts';
import { createPlaces } from '../../emulator/places.ts';
import { findRoute } from '../../emulator/routes.ts';
import { createStore } from '../../emulator/store.ts';
import type { Log } from './log.ts';
import type { Random } from './random.ts';
import { parentOf } from './scene.ts';
import type { Scene, Trouble } from './scene.ts';

export const origin = 'http://cloud.test';

export interface TestCloud {
  /** Native ids, in the order of the scene's plots. */
  readonly ids: readonly string[];
  /** The true histories as they came to be, a cancel included. */
  readonly lives: readonly Life[];
  exchange(origin: string, request: ExchangeRequest): Promise<RawAnswer>;
}

export const createTestCloud = (
  { plots, troubles, seed }: Scene,
  {
    now,
    startedAt,
    sleep,
    log,
    random,
  }: {
    /** True time in milliseconds since the epoch. */
    readonly now: () => number;
    readonly startedAt: number;
    readonly sleep: (ms: number) => Promise<void>;
    readonly log: Log;
    readonly random: Random;
  },
): TestCloud => {
  const cloud: Cloud = {
    store: createStore(),
    places: createPlaces(),
    clock: createClock(now),
    retryAfterSeconds: 1,
  };
  for (const [id, parentId] of Object.entries(parentOf))
    cloud.places.addCompartment(id, id, parentId ?? undefined);
  const lives = plots.map((plot, index) => {
    const dialect = dialectOf(plot.service);
    if (dialect === null) throw new Error(`${plot.service} is not in the emulator`);
    const { service, region, compartmentId, acceptedMsAgo, retryAfterSeconds } = plot;
    const parents = cloud.places.settleParents(dialect.parentNames, {}, region, compartmentId);
    const body = { service, region, acceptedMsAgo, script: [...plot.script], retryAfterSeconds };
    const id = workRequestId(service, region, `${seed}/${index}`);
    const life = createLife(dialect, body, { id, compartmentId, parents }, startedAt + plot.bornAt);
    life.deletedMs = plot.forgottenAt === null ? null : startedAt + plot.forgottenAt;
    if (plot.bornAt === 0) cloud.store.add(life);
    return life;
  });
  const born = new Set<Life>();
  const plotOf = (id: unknown): number => lives.findIndex((life) => life.id === id);

  const troubleOf = (service: string, plot: number | null): Trouble | null => {
    const at = now() - startedAt;
    const hit = troubles.find(
      (trouble) =>
        trouble.from <= at &&
        at < trouble.to &&
        trouble.service === service &&
        (trouble.plot === null || trouble.plot === plot) &&
        random.chance(trouble.share),
    );
    return hit ?? null;
  };

  const answer = (request: ExchangeRequest, trouble: Trouble | null): Answer => {
    if (trouble?.kind === 'throttled') return refuse(429, 'TooManyRequests', 'Too many.');
    if (trouble?.kind === 'throttledWithHeader')
      return {
        ...refuse(429, 'TooManyRequests', 'Too many.'),
        headers: { 'retry-after': String(trouble.amount) },
      };
    if (trouble?.kind === 'unavailable') return refuse(503, 'ServiceUnavailable', 'Not now.');
    if (trouble?.kind === 'absent') return refuse(404, 'NotAuthorizedOrNotFound', 'Not there.');
    if (trouble?.kind === 'forbidden') return refuse(403, 'NotAuthorized', 'Not for you.');
    const url = new URL(origin + request.path);
    const result = findRoute(request.method, url.pathname);
    if (result.kind !== 'route') return refuse(404, 'NotFound', `No API answers ${request.path}.`);
    const { target, parameters, region } = result.route;
    const service = target.kind === 'workRequests' ? target.dialect.key : null;
    const at = now();
    // A replica that lags behind; never so far that there is nothing yet.
    const lag = trouble?.kind === 'stale' && request.method === 'GET' ? trouble.amount : 0;
    const births: number[] = [];
    for (const [index, life] of lives.entries()) {
      const { bornAt = 0 } = plots[index] ?? {};
      if (startedAt + bornAt > at) continue;
      if (bornAt > 0 && !born.has(life)) cloud.store.add(life);
      born.add(life);
      if (life.service === service) births.push(life.acceptedMs);
    }
    const asked = lives.find(({ id }) => Object.values(parameters).includes(id));
    // The first of all states, which is as old as can be, is one work request's own.
    const seenAt = lag === Infinity ? (asked?.acceptedMs ?? at) : Math.max(at - lag, ...births);
    const call: ApiCall = {
      region,
      operation: target.operation,
      parameters,
      query: queryOf(url),
      header: (name) => request.headers[name] ?? null,
    };
    if (target.kind === 'parents') return answerParents(cloud, target.parent, call);
    const known = lives.map(({ steps }) => steps);
    const answered = answerWorkRequests(
      { ...cloud, clock: { ...cloud.clock, scriptedMs: () => seenAt } },
      target.dialect,
      target.name,
      call,
    );
    // A cancel rewrote what is to come: its steps get their numbers too.
    for (const [index, life] of lives.entries()) if (life.steps !== known[index]) renumber(life);
    return answered;
  };

  const note = (answer: Answer, service: ServiceName, asked: number | null): void => {
    const retryAfterMs = Number(answer.headers['retry-after'] ?? 0) * 1000;
    if (answer.status >= 400)
      return log.add({ kind: 'failed', plot: asked, service, how: String(answer.status), retryAfterMs });
    for (const { id, version } of statesIn(answer.body)) {
      const plot = plotOf(id);
      if (plot < 0 || version === null) continue;
      log.add({ kind: 'state', plot, version, origin: asked === null ? 'list' : 'get', retryAfterMs });
    }
  };

  return {
    ids: lives.map(({ id }) => id),
    lives,
    async exchange(_, request) {
      const url = new URL(origin + request.path);
      const found = findRoute(request.method, url.pathname);
      const service =
        found.kind === 'route' && found.route.target.kind === 'workRequests'
          ? found.route.target.dialect.key
          : '';
      const index = plotOf(
        decodeURIComponent(
          url.pathname.split('/').find((part) => plotOf(decodeURIComponent(part)) >= 0) ?? '',
        ),
      );
      const plot = index < 0 ? null : index;
      const place = service as ServiceName;
      const [, region = ''] = url.pathname.split('/');
      log.add({ kind: 'call', service: place, region, path: request.path });
      const trouble = troubleOf(service, plot);
      const fail = (kind: 'deadline' | 'refused' | 'cut'): ExchangeFailure => {
        log.add({ kind: 'failed', plot, service: place, how: kind, retryAfterMs: 0 });
        return new ExchangeFailure(kind, {});
      };
      // What is answered is true when it is asked; under way it can get old.
      const given = answer(request, trouble);
      const takesMs =
        trouble?.kind === 'slow'
          ? trouble.amount
          : trouble?.kind === 'hanging'
            ? Infinity
            : 20 + random.between(0, 180);
      await sleep(Math.min(takesMs, request.timeoutMs));
      if (takesMs >= request.timeoutMs) throw fail('deadline');
      if (trouble?.kind === 'reset') throw fail('refused');
      if (trouble?.kind === 'cut' && given.status < 300) throw fail('cut');
      const body = given.body === undefined ? '' : JSON.stringify(given.body);
      const headers = { 'content-type': 'application/json', ...given.headers };
      if (trouble?.kind === 'truncated' && body !== '' && given.status < 300) {
        log.add({ kind: 'failed', plot, service: place, how: 'truncated', retryAfterMs: 0 });
        return { status: given.status, headers, body: body.slice(0, random.between(1, body.length - 1)) };
      }
      note(given, place, plot);
      return { status: given.status, headers, body };
    },
  };
};

const queryOf = (url: URL): ReadonlyMap<string, readonly string[]> => {
  const query = new Map<string, string[]>();
  for (const [name, value] of url.searchParams) query.set(name, [...(query.get(name) ?? []), value]);
  return query;
};

const renumber = (life: Life): void => {
  let version = -1;
  life.steps = life.steps.map((step) => {
    // The first is the appearance, which has no status.
    if (step.native === undefined && step.status === undefined) return step;
    version += 1;
    return { ...step, native: { ...step.native, version } };
  });
};

const statesIn = (body: unknown): readonly { readonly id: unknown; readonly version: number | null }[] => {
  const items: unknown = Array.isArray(body)
    ? body
    : typeof body === 'object' && body !== null && 'items' in body
      ? body.items
      : [body];
  return (Array.isArray(items) ? items : []).flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const { id, workRequestId, version }: { id?: unknown; workRequestId?: unknown; version?: unknown } = item;
    return [{ id: id ?? workRequestId, version: typeof version === 'number' ? version : null }];
  });
};
