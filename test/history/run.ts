/** Plays a scene on a gateway in virtual time, and notes what happened. */
import type { WorkRequestRef } from '../../datasources/types.ts';
import { GatewayError } from '../../errors.ts';
import type { Life } from '../../emulator/lives.ts';
import type { Feed } from '../../subscriptions/feed.ts';
import { createManualClock, settle } from '../support/clock.ts';
import { createTestCloud } from './cloud.ts';
import { createGatewayUnderTest } from './gateway.ts';
import type { Defect } from './gateway.ts';
import { createLog } from './log.ts';
import type { Entry } from './log.ts';
import { createRandom } from './random.ts';
import type { Act, Reader, Scene } from './scene.ts';

export interface Run {
  readonly scene: Scene;
  readonly entries: readonly Entry[];
  readonly lives: readonly Life[];
  /** True time at which the run began, in milliseconds since the epoch; the entries' times count from there. */
  readonly startedAt: number;
  /** When everybody who was still there was sent home. */
  readonly closedAt: number;
  /** The place in the log of the same. */
  readonly closedIndex: number;
  /** What was left after all had gone. */
  readonly leftovers: { readonly watchers: number; readonly sleepers: number };
}

/** After the troubles are over: the longest rest that upstream asked for, and all intervals of silence and doubt. */
const settlingMs = 5 * 60_000;

export const play = async (scene: Scene, defect?: Defect): Promise<Run> => {
  const clock = createManualClock();
  const startedAt = clock.now();
  const trueNow = (): number => startedAt + clock.passed();
  const log = createLog(() => clock.passed());
  const random = createRandom(scene.seed);
  const cloud = createTestCloud(scene, {
    now: trueNow,
    startedAt,
    sleep: (ms) => clock.sleep(ms),
    log,
    random: random.fork('cloud'),
  });
  const refs = scene.plots.map(({ service, region }, index): WorkRequestRef => ({
    service,
    region,
    workRequestId: cloud.ids[index] ?? '',
  }));
  let looks = 0;
  const gateway = createGatewayUnderTest(scene.settings, {
    clock,
    random: random.fork('gateway').next,
    exchange: (origin, request) => cloud.exchange(origin, request),
    onRead: (read) => async (ref) => {
      const plot = cloud.ids.indexOf(ref.workRequestId);
      const look = (looks += 1);
      log.add({ kind: 'look', plot, look });
      try {
        const found = await read(ref);
        log.add({ kind: 'looked', plot, look, found: found === null ? 'absent' : 'state' });
        return found;
      } catch (error) {
        const isForbidden = error instanceof GatewayError && error.code === 'FORBIDDEN';
        log.add({ kind: 'looked', plot, look, found: isForbidden ? 'forbidden' : 'nothing' });
        throw error;
      }
    },
    defect,
  });

  const feeds = new Map<number, Feed>();
  const ended = new Set<number>();
  const closing = new AbortController();

  const pull = async (who: number, feed: Feed): Promise<boolean> => {
    log.add({ kind: 'pull', who });
    try {
      const { done, value } = await feed.next();
      // What it is told after it left is nobody's.
      if (ended.has(who)) return false;
      if (done !== true) {
        log.add({ kind: 'event', who, event: value });
        return true;
      }
      log.add({ kind: 'done', who });
    } catch (error) {
      log.add({ kind: 'error', who, error });
    }
    ended.add(who);
    return false;
  };
  const readToTheEnd = async (who: number, feed: Feed): Promise<void> => {
    while (await pull(who, feed));
  };
  const readSlowly = async (who: number, feed: Feed, everyMs: number): Promise<void> => {
    try {
      for (;;) {
        await clock.sleep(everyMs, closing.signal);
        if (!(await pull(who, feed))) return;
      }
    } catch {
      return readToTheEnd(who, feed);
    }
  };
  const read = (who: number, feed: Feed, reader: Reader): void => {
    if (reader.kind === 'eager') void readToTheEnd(who, feed);
    else if (reader.kind === 'slow') void readSlowly(who, feed, reader.everyMs);
    else closing.signal.addEventListener('abort', () => void readToTheEnd(who, feed));
  };
  const leave = (who: number): void => {
    const feed = feeds.get(who);
    if (feed === undefined || ended.has(who)) return;
    ended.add(who);
    log.add({ kind: 'leave', who });
    void feed.return();
  };
  const wait = async (
    ref: WorkRequestRef,
    { who, plot, timeoutMs }: Extract<Act, { kind: 'wait' }>,
  ): Promise<void> => {
    log.add({ kind: 'wait', who, plot, timeoutMs });
    try {
      const waited = await gateway.waitFor(ref, { timeoutMs, gone: closing.signal });
      log.add({ kind: 'waited', who, waited });
    } catch (error) {
      log.add({ kind: 'error', who, error });
    }
  };
  const quietly = (asked: Promise<unknown>): void => void asked.catch(() => undefined);

  const act = (what: Act): void => {
    switch (what.kind) {
      case 'join': {
        const ref = refs[what.plot];
        if (ref === undefined) return;
        log.add({ kind: 'join', who: what.who, plot: what.plot });
        const feed = gateway.watch(ref);
        feeds.set(what.who, feed);
        return read(what.who, feed, what.reader);
      }
      case 'joinList': {
        log.add({ kind: 'joinList', who: what.who, scope: what.scope });
        const feed = gateway.watchList(what.scope);
        feeds.set(what.who, feed);
        return read(what.who, feed, what.reader);
      }
      case 'wait': {
        const ref = refs[what.plot];
        return ref && quietly(wait(ref, what));
      }
      case 'leave':
        return leave(what.who);
      case 'jump':
        log.add({ kind: 'jump', ms: what.ms });
        return clock.jump(what.ms);
      case 'get':
      case 'cancel': {
        const ref = refs[what.plot];
        return ref && quietly(gateway[what.kind](ref));
      }
      case 'list': {
        const [ref, plot] = [refs[what.plot], scene.plots[what.plot]];
        return ref && plot && quietly(gateway.list(ref, plot.compartmentId));
      }
    }
  };

  const passUntil = async (at: number): Promise<void> => clock.advance(Math.max(0, at - clock.passed()));
  for (const next of scene.acts) {
    await passUntil(next.at);
    act(next);
    await settle();
  }
  const endsAt = scene.settings.activeMs + settlingMs;
  while (clock.passed() < endsAt && gateway.stats().watchers > 0) await clock.advance(10_000);
  const closedIndex = log.entries.length;
  closing.abort();
  await settle();
  const closedAt = clock.passed();
  for (const who of feeds.keys()) leave(who);
  await settle();
  const { watchers } = gateway.stats();
  const closed = gateway.close();
  // Calls that are still under way come to their end first.
  await clock.advance(4 * scene.settings.deadlineMs);
  await closed;
  return {
    scene,
    entries: log.entries,
    lives: cloud.lives,
    startedAt,
    closedAt,
    closedIndex,
    leftovers: { watchers, sleepers: clock.sleepers },
  };
};
