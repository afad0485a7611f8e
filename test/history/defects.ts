/** Planted defects: what the checker has to find, and by which rules it may. */
import type { ListScope } from '../../datasources/list-watch.ts';
import type { WatchEvent } from '../../subscriptions/events.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import type { Groups } from '../../subscriptions/groups.ts';
import type { Defect } from './gateway.ts';
import { regions } from './scene.ts';
import type { Scene } from './scene.ts';

type Next = IteratorResult<WatchEvent, undefined>;

/** A feed whose events go through `change`; null drops one. The numbers stay without holes unless `change` makes them. */
const feedThat =
  (change: (event: WatchEvent, count: number) => readonly WatchEvent[]) =>
  (feed: Feed): Feed => {
    const waiting: WatchEvent[] = [];
    let told = 0;
    let count = 0;
    const next = async (): Promise<Next> => {
      for (;;) {
        const ready = waiting.shift();
        if (ready) return { done: false, value: { ...ready, sequence: (told += 1) } };
        const { done, value } = await feed.next();
        if (done === true) return { done, value: undefined };
        waiting.push(...change(value, (count += 1)));
      }
    };
    return wrap(feed, { next });
  };

const silence = (event: WatchEvent): WatchEvent => ({
  ...event,
  type: 'GAP',
  previousStatus: null,
  gap: { reason: 'UPSTREAM_SILENT', from: null, to: null, message: '' },
});

const wrap = (feed: Feed, more: Partial<Feed>): Feed => {
  const wrapped: Feed = {
    next: () => feed.next(),
    return: () => feed.return(),
    throw: (error) => feed.throw(error),
    take: () => feed.take(),
    listen: (onReady) => feed.listen(onReady),
    form: feed.form,
    [Symbol.asyncIterator]: () => wrapped,
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
    ...more,
  };
  return wrapped;
};

const hasList =
  (isSuch: (scope: ListScope) => boolean) =>
  ({ acts }: Scene): boolean =>
    acts.some((act) => act.kind === 'joinList' && isSuch(act.scope));

/** Of budget. */
const isShort = ({ settings: { rps } }: Scene): boolean => rps < 5;

/** Groups whose batches wait for answers, not for turns, and end as `ending` says. */
const groupsThat =
  (ending: (name: string | null) => (end: () => void) => () => void) =>
  (groups: Groups): Groups => ({
    enrol(member) {
      const membership = groups.enrol({
        join: (withinMs) => member.join(withinMs),
        get isOverdue() {
          return member.isOverdue;
        },
        backlog: () => (member.backlog() === null ? null : new Promise(() => {})),
      });
      let name: string | null = null;
      return {
        moveTo(next) {
          name = next;
          membership.moveTo(next);
        },
        mustWait: () => membership.mustWait(),
        begin: (nextMs) => {
          // Those who join begin within the call.
          const ended = ending(name);
          return ended(membership.begin(nextMs));
        },
      };
    },
  });

export const defects: Readonly<Record<string, Defect & { readonly rules: readonly string[] }>> = {
  'a feed that drops a change': {
    feed: feedThat((event, count) => (event.type === 'CHANGED' && count === 3 ? [] : [event])),
    rules: ['all that was seen', 'previousStatus', 'mergedCount'],
  },
  'a feed that tells a change twice': {
    feed: feedThat((event, count) => (event.type === 'CHANGED' && count === 3 ? [event, event] : [event])),
    rules: ['no duplicates'],
  },
  'a feed that counts from zero': {
    feed: (feed) =>
      wrap(feed, {
        async next() {
          const result = await feed.next();
          return result.done === true
            ? result
            : { done: false, value: { ...result.value, sequence: result.value.sequence - 1 } };
        },
      }),
    rules: ['sequence'],
  },
  'a feed that forgets what it merged': {
    feed: feedThat((event) => [{ ...event, mergedCount: 0 }]),
    rules: ['mergedCount'],
  },
  'a feed that keeps the end to itself': {
    feed: feedThat((event) => (event.type === 'FINISHED' ? [] : [event])),
    rules: ['completion', 'all that was seen'],
  },
  'a feed that does not complete': {
    feed(feed) {
      return wrap(feed, {
        async next() {
          const result = await feed.next();
          return result.done === true ? new Promise(() => {}) : result;
        },
      });
    },
    rules: ['completion', 'the end is told'],
  },
  'a feed that cannot be left': {
    feed: (feed) => wrap(feed, { return: async () => ({ done: true, value: undefined }) }),
    rules: ['nothing is left', 'nobody there, no polls'],
  },
  'a feed that swaps two changes': {
    feed: (() => {
      const swap = (feed: Feed): Feed => {
        let held: WatchEvent | null = null;
        return feedThat((event, count) => {
          if (count === 3 && event.type === 'CHANGED') {
            held = event;
            return [];
          }
          const events = held ? [event, held] : [event];
          held = null;
          return events;
        })(feed);
      };
      return swap;
    })(),
    rules: ['nothing backward'],
  },
  'no GAP of silence': {
    feed: feedThat((event) => (event.gap?.reason === 'UPSTREAM_SILENT' ? [] : [event])),
    rules: ['GAP in every silence'],
  },
  'a GAP that nobody needed': {
    feed: feedThat((event, count) =>
      count === 3 && event.gap === null && event.type === 'CHANGED' ? [event, silence(event)] : [event],
    ),
    rules: ['GAP only in silence'],
  },
  'a poller in too much of a hurry': {
    settings: (settings) => ({
      ...settings,
      pollMinMs: settings.pollMinMs / 4,
      pollMaxMs: settings.pollMinMs / 4,
    }),
    rules: ['one poller'],
  },
  'a work request that is gone at the first 404': {
    read: (read) => {
      const gone = new Set<string>();
      return async (ref) => {
        if (gone.has(ref.workRequestId)) return null;
        const found = await read(ref);
        if (found === null) gone.add(ref.workRequestId);
        return found;
      };
    },
    rules: ['GAP of absence', 'all that was seen', 'the end is told'],
  },
  'no buffer to speak of': {
    watchers: { bufferSize: 1 },
    rules: ['GAP OVERFLOW'],
  },
  'a buffer without bounds': {
    shows: ({ settings: { bufferSize } }) => bufferSize < 100,
    watchers: { bufferSize: 1_000_000 },
    rules: ['GAP OVERFLOW'],
  },
  'a store that lets older answers pass': {
    observations: (observations) => ({ ...observations, record: (seen) => seen }),
    rules: ['nothing backward', 'true states', 'percent'],
  },
  'watchers that are not told what queries see': {
    isSilentOnQueries: true,
    rules: ['all that was seen', 'the end is told', 'nothing backward'],
  },
  'a poller for each subscriber': {
    watchers: {
      keyOf: (() => {
        let subscribers = 0;
        return () => `subscriber ${(subscribers += 1)}`;
      })(),
    },
    rules: ['one poller'],
  },
  'a time of finish taken for the end at once': {
    watchers: { isTerminalStatus: () => true },
    rules: ['FINISHED', 'completion'],
  },
  'a time of finish that is overlooked': {
    shows: ({ plots }) => plots.some(({ kind }) => kind === 'unspoken'),
    watchers: { isTerminal: () => false },
    rules: ['the end is told'],
  },
  'a pause that is not kept': {
    read: (read) => async (ref) => {
      const found = await read(ref);
      return found && { ...found, retryAfterMs: null };
    },
    rules: ['retry-after'],
  },
  'a budget spent three times': {
    shows: isShort,
    settings: (settings) => ({ ...settings, rps: settings.rps * 3 }),
    rules: ['budget'],
  },
  'a refusal that counts as a failure': {
    shows: ({ troubles }) => troubles.some(({ kind }) => kind === 'forbidden'),
    read: (read) => async (ref) => {
      try {
        return await read(ref);
      } catch (error) {
        throw error instanceof Error && 'code' in error && error.code === 'FORBIDDEN'
          ? new Error('down')
          : error;
      }
    },
    rules: ['GAP FORBIDDEN', 'no errors'],
  },
  'details that get lost': {
    read: (read) => async (ref) => {
      const found = await read(ref);
      return found && { ...found, resources: null };
    },
    rules: ['whole states'],
  },
  'a list that never says that all was told': {
    feed: feedThat((event) => (event.type === 'SYNCED' ? [] : [event])),
    rules: ['SYNCED'],
  },
  'a list that tells what comes as if it had been there': {
    feed: feedThat((event) => [event.type === 'ADDED' ? { ...event, type: 'SNAPSHOT' } : event]),
    rules: ['SYNCED'],
  },
  'a list that keeps what comes to itself': {
    feed: feedThat((event) => (event.type === 'ADDED' ? [] : [event])),
    rules: ['SNAPSHOT first', 'all of the list'],
  },
  'a list that tells of other places': {
    discover: (discover) => (place, isKnown) =>
      discover({ ...place, compartmentId: 'ocid1.compartment.oc1..payments' }, isKnown),
    rules: ['only what is in the list'],
  },
  'a list that lets in what its filter keeps out': {
    plan: (plan) => ({ ...plan, matches: () => true }),
    rules: ['only what matches'],
  },
  'a list that asks its filter once': {
    plan(plan) {
      const asked = new Map<string, boolean>();
      return {
        ...plan,
        matches(workRequest) {
          const answer = asked.get(workRequest.id) ?? plan.matches(workRequest);
          asked.set(workRequest.id, answer);
          return answer;
        },
      };
    },
    rules: ['what comes to match is told'],
  },
  'a list of one place only': {
    shows: hasList(({ services, regions }) => services.length > 1 || regions === null || regions.length > 1),
    plan: (plan) => ({ ...plan, places: plan.places.slice(0, 1), more: null }),
    rules: ['all of the list'],
  },
  'a list without what lies below': {
    shows: hasList(({ includeSubcompartments }) => includeSubcompartments),
    plan: (plan) => ({ ...plan, more: null }),
    rules: ['all of the list'],
  },
  'a list with what lies beside': {
    plan: (plan) => ({
      ...plan,
      places: plan.places.flatMap((place) => regions.map((region) => ({ ...place, region }))),
    }),
    rules: ['only what is in the list'],
  },
  'a wait that answers at once': {
    waiting: (waiting) => ({
      ...waiting,
      waitFor: (ref, options) => waiting.waitFor(ref, { ...options, timeoutMs: 0 }),
    }),
    rules: ['waiting'],
  },
  'a wait that does not know when its time is up': {
    waiting: (waiting) => ({
      ...waiting,
      waitFor: (ref, options) => waiting.waitFor(ref, { ...options, timeoutMs: 2 * options.timeoutMs }),
    }),
    rules: ['waiting ends in time'],
  },
  'a wait that hears of nothing but the time': {
    waiting: (waiting) => ({
      ...waiting,
      async waitFor(ref, options) {
        const waited = await waiting.waitFor(ref, options);
        return waited.kind === 'seen' && waited.workRequest.isTerminal ? new Promise(() => {}) : waited;
      },
    }),
    rules: ['waiting ends in time'],
  },
  'a gate that never opens': {
    shows: isShort,
    groups: groupsThat(() => (end) => () => void end),
    rules: ['no watch starves', 'the end is told'],
  },
  'a gate that opens when the slowest is done': {
    shows: isShort,
    groups: groupsThat(
      (() => {
        const open = new Map<string | null, number>();
        const waiting = new Map<string | null, (() => void)[]>();
        return (name) => {
          open.set(name, (open.get(name) ?? 0) + 1);
          return (end) => () => {
            const left = (open.get(name) ?? 1) - 1;
            open.set(name, left);
            const ends = [...(waiting.get(name) ?? []), end];
            waiting.set(name, left > 0 ? ends : []);
            if (left === 0) for (const each of ends) each();
          };
        };
      })(),
    ),
    rules: ['no watch starves'],
  },
};
