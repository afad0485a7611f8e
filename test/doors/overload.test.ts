/** A heap that is nearly full: what is refused, what lives on, and when it is over. */
import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { Arguments } from '../../doors/cost/weights.ts';
import { createOverload, processHeap } from '../../doors/overload.ts';
import type { Heap } from '../../doors/overload.ts';
import { ask, askStream, greet, openHouse, post, send } from './support.ts';

const MiB = 1024 * 1024;
const limitBytes = 200 * MiB;

/** One that is as full as it is told to be. */
function createHeap() {
  let used = 40 * MiB;
  let collected = (): void => {};
  const heap: Heap = {
    limitBytes,
    usedBytes() {
      self.looks += 1;
      return used;
    },
    onCollected(task) {
      collected = task;
      return () => {};
    },
    collect: () => void (self.asked += 1),
  };
  const self = {
    heap,
    asked: 0,
    looks: 0,
    /** In use, garbage included. */
    use: (share: number) => void (used = share * limitBytes),
    /** In use after a collection. */
    collect(share: number) {
      self.use(share);
      collected();
    },
  };
  return self;
}

function openOverload() {
  const it = createHeap();
  const registry = new Registry();
  const log: string[] = [];
  let time = 0;
  let letGo = 0;
  const note = (_fields: object, message: string): void => void log.push(message);
  const overload = createOverload({
    heap: it.heap,
    registry,
    log: { info: note, warn: note },
    now: () => time,
    letGo: () => void (letGo += 1),
  });
  return {
    ...overload,
    it,
    log,
    letGo: () => letGo,
    pass: (ms: number) => void (time += ms),
    /** How many begin before one is refused, up to `most`. */
    enterAll(most: number, own = 0): number {
      for (let count = 0; count < most; count += 1) {
        time += 1;
        if (overload.enter({ own, all: own }) !== null) return count;
      }
      return most;
    },
    shed: async () => (await registry.getSingleMetric('gateway_shed_total')?.get())?.values ?? [],
  };
}

describe('subscriptions', () => {
  test('are refused once too much is left after a collection, and let in again when it is less', async () => {
    const { it, log, letGo, enterAll, degraded, pass, shed, ...overload } = openOverload();
    expect([enterAll(10), degraded()]).toEqual([10, []]);
    it.collect(0.71);
    expect(enterAll(10)).toBe(0);
    expect(degraded()).toEqual(['memory: subscriptions and large lists are refused']);
    expect([log, letGo()]).toEqual([[expect.stringMatching(/nearly full/)], 1]);
    expect(overload.enter({ own: 0, all: 0 })).toMatchObject({ code: 'LIMIT_EXCEEDED', retryAfterMs: 5_000 });
    it.collect(0.66);
    expect(enterAll(10)).toBe(0);
    it.collect(0.64);
    expect(enterAll(10)).toBe(10);
    expect(log).toHaveLength(2);
    expect(await shed()).toMatchObject([
      { labels: { kind: 'subscription' }, value: 3 },
      { labels: { kind: 'read' }, value: 0 },
    ]);
    pass(60_000);
    expect(degraded()).toEqual([]);
  });

  test('garbage is no reason to refuse them, unless there is no room but for it', () => {
    const { it, enterAll, pass } = openOverload();
    it.use(0.9);
    expect(enterAll(100)).toBe(100);
    pass(10);
    it.use(0.93);
    expect(enterAll(10)).toBe(0);
    it.collect(0.3);
    pass(10);
    expect(enterAll(10)).toBe(10);
  });

  test('that were let in since the last collection are reckoned, and one is asked for in time', () => {
    const { it, enterAll } = openOverload();
    // 100 MiB are left, at 20 KiB each.
    const first = enterAll(100_000);
    expect(first).toBe(5 * 1024);
    expect(it.asked).toBeGreaterThan(0);
    it.collect(0.5);
    expect(enterAll(100_000)).toBe(2 * 1024);
    it.collect(0.5);
    expect(enterAll(100_000, MiB)).toBe(39);
  });

  test('whose documents take too much together are refused whatever the heap says', () => {
    const overload = openOverload();
    expect(overload.enter({ own: 0, all: 70 * MiB })).toBeNull();
    expect(overload.enter({ own: MiB, all: 71 * MiB })).not.toBeNull();
    expect(overload.enter({ own: 0, all: 60 * MiB })).toBeNull();
  });

  test('as long as it is too much, it is looked at again', () => {
    const { it, degraded, pass, log } = openOverload();
    it.collect(0.8);
    const asked = it.asked;
    pass(20_000);
    degraded();
    degraded();
    expect(it.asked).toBe(asked + 1);
    it.use(0.2);
    pass(10);
    degraded();
    expect(log).toHaveLength(2);
  });
});

describe('reads', () => {
  test('of many calls are refused where those under way take too much, others never', async () => {
    const { reads, it, pass, shed } = openOverload();
    let begun = 0;
    while (reads.begin(115) === null) begun += 1;
    expect(begun).toBe(Math.floor((0.7 * limitBytes) / (115 * 10 * 1024)));
    for (let count = 0; count < begun; count += 1) reads.end(115);
    it.use(0.6);
    pass(10);
    for (begun = 0; reads.begin(115) === null;) begun += 1;
    expect(begun).toBe(Math.floor((0.35 * limitBytes) / (115 * 10 * 1024)));
    expect(reads.begin(10)).toBeNull();
    reads.end(10);
    reads.end(115);
    expect(reads.begin(115)).toBeNull();
    for (let count = 0; count < begun; count += 1) reads.end(115);
    it.collect(0.9);
    expect(reads.begin(115)).not.toBeNull();
    expect(reads.begin(1)).toBeNull();
    expect(await shed()).toMatchObject([{ value: 0 }, { labels: { kind: 'read' }, value: 3 }]);
  });
});

describe('on every door', () => {
  const cost = {
    limit: 1_000,
    estimators: { 'Query.count': ({ n }: Arguments) => Number(n) },
    spentBy: () => 0,
  };

  test('what is open lives on, small queries are answered, the rest may come again', async () => {
    const it = createHeap();
    const house = await openHouse({ heap: it.heap, cost });
    const client = await greet(house);
    client.send({ type: 'subscribe', id: 'old', payload: { query: 'subscription { ticks }' } });
    await house.streams.until(({ open }) => open === 1);
    const list = { query: 'query($n: Int!) { count(n: $n) }', variables: { n: 100 } };
    for (let time = 0; time < 3; time += 1)
      expect((await post(house, list)).json).toMatchObject({ data: { count: 100 } });

    it.collect(0.8);
    const refused = {
      message: expect.stringMatching(/no memory left/),
      extensions: { code: 'LIMIT_EXCEEDED', limit: 'memory', isRetryable: true, retryAfterMs: 5_000 },
    };
    client.send({ type: 'subscribe', id: 'new', payload: { query: 'subscription { ticks }' } });
    expect(await client.read()).toEqual({ type: 'error', id: 'new', payload: [refused] });
    expect(await askStream(house, { query: 'subscription { ticks }' })).toEqual([{ errors: [refused] }]);
    // Known, new, and as another media type.
    for (const body of [list, { ...list, query: `${list.query} # new` }]) {
      const answer = await post(house, body);
      expect([answer.status, answer.headers['retry-after']]).toEqual([429, '5']);
      expect(answer.json.errors?.[0]).toMatchObject(refused);
    }
    client.send({ type: 'subscribe', id: 'list', payload: list });
    expect(await client.read()).toMatchObject({ id: 'list', payload: { errors: [refused] } });
    expect(await client.read()).toMatchObject({ type: 'complete', id: 'list' });

    expect((await ask(house, '{ hello }')).json).toMatchObject({ data: { hello: 'hello world' } });
    house.streams.push('still here');
    expect(await client.read()).toMatchObject({ id: 'old', payload: { data: { ticks: 'still here' } } });
    expect((await send(house, { path: '/readyz' })).json).toEqual({
      status: 'ok',
      degraded: ['memory: subscriptions and large lists are refused'],
    });
    expect((await send(house, { path: '/metrics' })).text).toMatch(
      /^gateway_shed_total\{kind="subscription"\} 2$/m,
    );

    it.collect(0.2);
    client.send({ type: 'subscribe', id: 'new', payload: { query: 'subscription { ticks }' } });
    await house.streams.until(({ open }) => open === 2);
    for (let time = 0; time < 200; time += 1)
      expect((await post(house, list)).json).toMatchObject({ data: { count: 100 } });
  });
});

test('the heap of this process tells of its collections, and makes one when asked', async () => {
  const heap = processHeap(null);
  expect(heap.limitBytes).toBeGreaterThan(heap.usedBytes());
  expect(processHeap(192).limitBytes).toBe(192 * MiB);
  const { promise: collected, resolve } = Promise.withResolvers<void>();
  const stop = heap.onCollected(resolve);
  // Where the machine is busy it may take more than one.
  const again = setInterval(() => heap.collect(), 1_000);
  heap.collect();
  await collected;
  clearInterval(again);
  stop();
});

describe('as time passes', () => {
  test('a collection is asked for in doubt, two seconds after the last one at the earliest', () => {
    const { it, enter, pass } = openOverload();
    it.collect(0.6);
    const enterOne = (share = 0): number => {
      expect(enter({ own: share * limitBytes, all: 0 })).toBeNull();
      return it.asked;
    };
    expect(enterOne(0.06)).toBe(0);
    for (const asked of [1, 2]) {
      pass(1_999);
      expect(enterOne()).toBe(asked - 1);
      pass(1);
      expect([enterOne(), enterOne()]).toEqual([asked, asked]);
    }
  });

  test('a heap that is too full is collected again after five seconds', () => {
    const { it, degraded, pass } = openOverload();
    it.collect(0.8);
    pass(4_999);
    degraded();
    expect(it.asked).toBe(0);
    pass(5);
    degraded();
    pass(5);
    degraded();
    expect(it.asked).toBe(1);
  });

  test('it is looked at each five milliseconds, however many come', () => {
    const { it, enter, pass } = openOverload();
    enter({ own: 0, all: 0 });
    const { looks } = it;
    pass(4);
    for (let count = 0; count < 10; count += 1) enter({ own: 0, all: 0 });
    expect(it.looks).toBe(looks);
    pass(1);
    for (let count = 0; count < 10; count += 1) enter({ own: 0, all: 0 });
    expect(it.looks).toBe(looks + 1);
  });

  test('who watches is told of a refusal for a minute, also where there is room again', () => {
    const { it, enter, degraded, pass } = openOverload();
    it.collect(0.8);
    pass(100_000);
    expect(degraded()).toHaveLength(1);
    expect(enter({ own: 0, all: 0 })).not.toBeNull();
    it.collect(0.2);
    pass(59_999);
    expect(degraded()).toHaveLength(1);
    pass(1);
    expect(degraded()).toEqual([]);
  });
});

test('the heap of this process holds something', () => {
  expect(processHeap(null).usedBytes()).toBeGreaterThan(MiB);
});
