import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ServiceName } from '../../datasources/catalog.ts';
import { globalIdOf } from '../../datasources/ids.ts';
import { createLoaders } from '../../datasources/loaders.ts';
import type { Depth, Loaders } from '../../datasources/loaders.ts';
import type { WorkRequest, WorkRequestRef } from '../../datasources/types.ts';
import { createFakeSource } from '../support/fake-source.ts';
import type { FakeSource, FakeSourceOptions, Resident } from '../support/fake-source.ts';
import { upstreamError } from '../support/fake-upstream.ts';
import { refOf } from '../support/oci-bodies.ts';

/** Work requests `<name>0`, `<name>1`, … of one compartment. */
const residentsOf = (
  name: string,
  count: number,
  {
    service = 'PSQL',
    region = 'us-ashburn-1',
    compartmentId = name,
  }: Partial<WorkRequestRef & Resident> = {},
): Resident[] =>
  Array.from({ length: count }, (_, index) => ({
    ref: refOf(`${name}${index}`, service, region),
    compartmentId,
  }));
const refsOf = (residents: readonly Resident[]): WorkRequestRef[] => residents.map(({ ref }) => ref);

interface Bench {
  readonly source: FakeSource;
  readonly loaders: Loaders;
  /** All at once, as one query asks; each answer's native id, `null`, or the code of its error. */
  readonly read: (refs: readonly WorkRequestRef[], depth?: Depth) => Promise<(string | null)[]>;
}
const nameOf = (answer: PromiseSettledResult<WorkRequest | null>): string | null => {
  if (answer.status === 'rejected')
    return String((answer.reason as { code?: unknown }).code ?? (answer.reason as Error).message);
  return answer.value?.ref.workRequestId ?? null;
};
const createBench = (
  options: FakeSourceOptions,
  { cache = true }: { readonly cache?: boolean } = {},
): Bench => {
  const source = createFakeSource(options);
  const loaders = createLoaders({ source, observations: source.observations, cache });
  return {
    source,
    loaders,
    read: async (refs, depth = 'listItem') =>
      (await Promise.allSettled(refs.map((ref) => loaders.workRequest(ref, depth)))).map(nameOf),
  };
};
const namesOf = (refs: readonly WorkRequestRef[]): string[] => refs.map(({ workRequestId }) => workRequestId);

describe('one id', () => {
  test('is one get, however often it is asked for', async () => {
    const residents = residentsOf('a', 1);
    const { source, read } = createBench({ residents });
    const refs = refsOf([...residents, ...residents, ...residents]);
    expect(await read(refs)).toEqual(['a0', 'a0', 'a0']);
    expect(await read(refs, 'get')).toEqual(['a0', 'a0', 'a0']);
    expect(source.calls).toEqual(['get a0']);
  });

  test('asked for in both depths at once is one get, which both are told', async () => {
    const residents = residentsOf('a', 5);
    const { source, loaders } = createBench({ residents });
    source.see(...residents);
    const [ref = refOf()] = refsOf(residents);
    const answers = await Promise.all([
      loaders.workRequest(ref, 'listItem'),
      loaders.workRequest(ref, 'get'),
      loaders.workRequest(ref, 'listItem'),
    ]);
    expect(answers.map((answer) => answer?.origin)).toEqual(['get', 'get', 'get']);
    expect(source.calls).toEqual(['get a0']);
  });

  test('that is absent is asked for once and stays absent', async () => {
    const { source, read } = createBench({ residents: [] });
    expect(await read([refOf('x'), refOf('x')])).toEqual([null, null]);
    expect(await read([refOf('x')], 'get')).toEqual([null]);
    expect(source.calls).toEqual(['get x']);
  });

  test('first seen in a list is read again where all of it is needed', async () => {
    const residents = residentsOf('a', 3);
    const { source, read } = createBench({ residents });
    source.see(...residents);
    await read(refsOf(residents));
    expect(source.takeCalls()).toEqual(['list a 0']);
    expect(await read(refsOf(residents).slice(0, 1), 'get')).toEqual(['a0']);
    expect(source.takeCalls()).toEqual(['get a0']);
  });
});

describe('ids seen before', () => {
  const groups = [
    residentsOf('a', 20),
    residentsOf('b', 20),
    residentsOf('c', 20, { region: 'us-phoenix-1' }),
    residentsOf('d', 20, { service: 'CONTAINERENGINE' }),
    residentsOf('e', 20, { service: 'ADM', region: 'eu-frankfurt-1' }),
  ];

  test('a hundred in five groups take the pages of five lists', async () => {
    const { source, read } = createBench({ residents: groups.flat() });
    source.see(...groups.flat());
    const refs = refsOf(groups.flat());
    expect(await read(refs)).toEqual(namesOf(refs));
    expect([...source.calls].sort()).toEqual(['list a 0', 'list b 0', 'list c 0', 'list d 0', 'list e 0']);
    expect(source.mostAtOnce).toBe(5);
  });

  test('are asked for newest first, a hundred to a page, in the words of their API', async () => {
    const { source, read } = createBench({ residents: groups.flat() });
    source.see(...groups.flat());
    await read(refsOf(groups.flat()));
    expect(source.listQueries.find(({ service }) => service === 'CONTAINERENGINE')).toEqual({
      service: 'CONTAINERENGINE',
      region: 'us-ashburn-1',
      compartmentId: 'd',
      params: { sortBy: 'TIME_ACCEPTED', sortOrder: 'DESC' },
      limit: 100,
    });
  });

  test('of an API that does not sort are asked for without an order', async () => {
    const residents = residentsOf('a', 3, { service: 'NOSQL' });
    const { source, read } = createBench({ residents });
    source.see(...residents);
    await read(refsOf(residents));
    expect(source.listQueries[0]?.params).toEqual({});
  });

  test('two of one compartment are one list, one is one get', async () => {
    const [pair, single] = [residentsOf('a', 2), residentsOf('b', 1)];
    const { source, read } = createBench({ residents: [...pair, ...single] });
    source.see(...pair, ...single);
    await read(refsOf([...pair, ...single]));
    expect([...source.calls].sort()).toEqual(['get b0', 'list a 0']);
  });

  test('are looked for on further pages only as long as those bring some', async () => {
    const residents = residentsOf('a', 50);
    const { source, read } = createBench({ residents, pageSize: 10 });
    source.see(...residents);
    const refs = refsOf(residents).filter((_, index) => [3, 7, 12, 45, 46].includes(index));
    expect(await read(refs)).toEqual(['a3', 'a7', 'a12', 'a45', 'a46']);
    expect(source.calls).toEqual(['list a 0', 'list a 10', 'list a 20', 'get a45', 'get a46']);
  });

  test('the last one missing is got, not looked for on the next page', async () => {
    const residents = residentsOf('a', 50);
    const { source, read } = createBench({ residents, pageSize: 10 });
    source.see(...residents);
    await read(refsOf(residents).filter((_, index) => [3, 12].includes(index)));
    expect(source.calls).toEqual(['list a 0', 'get a12']);
  });

  test('what the list does not hold is got one by one, all at once', async () => {
    const residents = residentsOf('a', 6);
    const { source, read } = createBench({
      residents,
      isListed: ({ workRequestId }) => workRequestId === 'a0',
    });
    source.see(...residents);
    expect(await read(refsOf(residents))).toEqual(namesOf(refsOf(residents)));
    expect(source.calls).toEqual(['list a 0', 'get a1', 'get a2', 'get a3', 'get a4', 'get a5']);
    expect(source.mostAtOnce).toBe(5);
  });

  test('that are needed whole are got one by one', async () => {
    const residents = residentsOf('a', 4);
    const { source, read } = createBench({ residents });
    source.see(...residents);
    await read(refsOf(residents), 'get');
    expect(source.calls).toEqual(['get a0', 'get a1', 'get a2', 'get a3']);
  });

  test.each(['LOADBALANCER', 'BLOCKCHAIN', 'WAAS'] as const)(
    'of %s, whose list needs a parent that an id does not tell, are got one by one',
    async (service) => {
      const residents = residentsOf('a', 4, { service });
      const { source, read } = createBench({ residents });
      source.see(...residents);
      await read(refsOf(residents));
      expect(source.calls).toEqual(['get a0', 'get a1', 'get a2', 'get a3']);
    },
  );
});

describe('ids never seen', () => {
  test('a hundred in five groups take one get more for each group', async () => {
    const regions = ['us-ashburn-1', 'us-phoenix-1', 'eu-frankfurt-1', 'uk-london-1', 'ap-tokyo-1'];
    const residents = regions.flatMap((region, index) => residentsOf('abcde'[index] ?? '', 20, { region }));
    const { source, read } = createBench({ residents });
    const refs = refsOf(residents);
    expect(await read(refs)).toEqual(namesOf(refs));
    expect(source.calls).toHaveLength(10);
    expect(source.calls.filter((call) => call.startsWith('get'))).toHaveLength(5);
  });

  test('in five compartments of one service and region do so too', async () => {
    const residents = [...'abcde'].flatMap((name) => residentsOf(name, 20));
    const { source, read } = createBench({ residents });
    const refs = refsOf(residents);
    expect(await read(refs)).toEqual(namesOf(refs));
    expect(source.calls).toHaveLength(10);
  });

  test('two are two gets side by side, three are a get and a list', async () => {
    const residents = residentsOf('a', 3);
    const two = createBench({ residents });
    await two.read(refsOf(residents).slice(0, 2));
    expect([two.source.calls, two.source.mostAtOnce]).toEqual([['get a0', 'get a1'], 2]);
    const three = createBench({ residents });
    await three.read(refsOf(residents));
    expect(three.source.calls).toEqual(['get a0', 'list a 0']);
  });

  test('that are all absent do not run one after the other', async () => {
    const { source, read } = createBench({ residents: [] });
    const refs = Array.from({ length: 100 }, (_, index) => refOf(`x${index}`, 'PSQL'));
    expect(await read(refs)).toEqual(refs.map(() => null));
    expect(source.calls).toHaveLength(100);
    expect(source.mostAtOnce).toBeGreaterThan(60);
  });

  test('are asked for all at once where time presses', async () => {
    const source = createFakeSource({ residents: [] });
    const loaders = createLoaders({
      source,
      observations: source.observations,
      cache: true,
      isLate: () => true,
    });
    const refs = refsOf(residentsOf('a', 100));
    await Promise.all(refs.map((ref) => loaders.workRequest(ref, 'listItem')));
    expect([source.calls.length, source.mostAtOnce]).toEqual([100, 99]);
  });

  test('are not looked for on further pages where time presses', async () => {
    const residents = residentsOf('a', 30);
    const source = createFakeSource({ residents, pageSize: 10 });
    source.see(...residents);
    const loaders = createLoaders({
      source,
      observations: source.observations,
      cache: true,
      isLate: () => true,
    });
    await Promise.all(refsOf(residents).map((ref) => loaders.workRequest(ref, 'listItem')));
    expect(source.calls.filter((call) => call.startsWith('list'))).toHaveLength(1);
    expect(source.calls.filter((call) => call.startsWith('get'))).toHaveLength(20);
  });

  test('the first of which are absent still become a list', async () => {
    const residents = residentsOf('a', 50);
    const { source, read } = createBench({ residents });
    const absent = [refOf('x', 'PSQL'), refOf('y', 'PSQL')];
    expect(await read([...absent, ...refsOf(residents)])).toEqual([
      null,
      null,
      ...namesOf(refsOf(residents)),
    ]);
    expect(source.calls).toEqual(['get x', 'get y', 'get a0', 'get a1', 'get a2', 'list a 0']);
  });
});

describe('no list is read twice', () => {
  test('where the next id that is got lives in a compartment that was listed already', async () => {
    const residents = residentsOf('a', 20);
    const { source, read } = createBench({ residents, pageSize: 4 });
    const refs = refsOf(residents).filter((_, index) => [0, 1, 9, 12, 15].includes(index));
    expect(await read(refs)).toEqual(['a0', 'a1', 'a9', 'a12', 'a15']);
    expect(source.calls).toEqual(['get a0', 'list a 0', 'list a 4', 'get a9', 'get a12', 'get a15']);
  });

  test('where some ids of a compartment were seen before and others were not', async () => {
    const residents = residentsOf('a', 20);
    const { source, read } = createBench({ residents });
    source.see(...residents.slice(0, 5));
    expect(await read(refsOf(residents))).toEqual(namesOf(refsOf(residents)));
    expect(source.calls).toEqual(['list a 0']);
  });

  test('and what is in none of the known compartments is still looked for in its own', async () => {
    const [known, unknown] = [residentsOf('a', 5), residentsOf('b', 5)];
    const { source, read } = createBench({ residents: [...known, ...unknown] });
    source.see(...known);
    const refs = refsOf([...known, ...unknown]);
    expect(await read(refs)).toEqual(namesOf(refs));
    expect(source.calls).toEqual(['list a 0', 'get b0', 'list b 0']);
  });
});

describe('one that is slow', () => {
  test.each([
    ['of its own list', residentsOf('a', 1)],
    ['elsewhere', residentsOf('b', 1, { region: 'us-phoenix-1' })],
  ])('holds up no other of the same breath, %s', async (_, quick) => {
    const slow = refOf('slow', 'PSQL');
    const residents = [...quick, { ref: slow, compartmentId: 'a' }];
    const source = createFakeSource({ residents });
    const never = new Promise<null>(() => {});
    const loaders = createLoaders({
      source: { ...source, get: (ref) => (ref.workRequestId === 'slow' ? never : source.get(ref)) },
      observations: source.observations,
      cache: false,
    });
    void loaders.workRequest(slow, 'get');
    const [first] = refsOf(quick);
    expect(first && (await loaders.workRequest(first, 'get'))?.ref).toEqual(first);
  });
});

describe('a failure', () => {
  const residents = residentsOf('a', 10);
  const refs = refsOf(residents);
  const others = (failed: string, code: string): string[] =>
    namesOf(refs).map((name) => (name === failed ? code : name));

  test.each(['UPSTREAM_MALFORMED', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'FORBIDDEN'] as const)(
    'of one id with %s is its own, whichever id it is',
    async (code) => {
      for (const failed of ['a0', 'a5', 'a9']) {
        const { read } = createBench({
          residents,
          isListed: ({ workRequestId }) => workRequestId !== failed,
          failure: (call) => (call === `get ${failed}` ? upstreamError(code) : undefined),
        });
        expect(await read(refs)).toEqual(others(failed, code));
      }
    },
  );

  test('to complete an id is its own too', async () => {
    const { source } = createBench({ residents });
    const broken: FakeSource = {
      ...source,
      complete: async (ref) => {
        if (ref.workRequestId === 'a3') throw upstreamError('UPSTREAM_UNAVAILABLE');
        return ref;
      },
    };
    const loaders = createLoaders({ source: broken, observations: source.observations, cache: true });
    const answers = await Promise.allSettled(refs.map((ref) => loaders.workRequest(ref, 'listItem')));
    expect(answers.map(nameOf)).toEqual(others('a3', 'UPSTREAM_UNAVAILABLE'));
  });

  test.each([
    'FORBIDDEN',
    'NOT_FOUND',
    'UPSTREAM_MALFORMED',
    'UPSTREAM_UNAVAILABLE',
    'BAD_USER_INPUT',
  ] as const)('of the list with %s falls back to gets: who may not list may still get', async (code) => {
    const { source, read } = createBench({
      residents,
      failure: (call) => (call.startsWith('list') ? upstreamError(code) : undefined),
    });
    source.see(...residents);
    expect(await read(refs)).toEqual(namesOf(refs));
    expect(source.calls).toHaveLength(11);
  });

  test('of a later page keeps what the earlier ones brought', async () => {
    const { source, read } = createBench({
      residents,
      pageSize: 4,
      failure: (call) => (call === 'list a 4' ? upstreamError('UPSTREAM_UNAVAILABLE') : undefined),
    });
    source.see(...residents);
    expect(await read(refs)).toEqual(namesOf(refs));
    expect(source.calls.slice(0, 3)).toEqual(['list a 0', 'list a 4', 'get a4']);
    expect(source.calls).toHaveLength(8);
  });

  test.each(['UPSTREAM_TIMEOUT', 'UPSTREAM_THROTTLED', 'UNAUTHENTICATED'] as const)(
    'of the list with %s ends its batch, and no other',
    async (code) => {
      const elsewhere = residentsOf('b', 10);
      const { source, read } = createBench({
        residents: [...residents, ...elsewhere],
        failure: (call) => (call === 'list a 0' ? upstreamError(code) : undefined),
      });
      source.see(...residents, ...elsewhere);
      expect(await read([...refs, ...refsOf(elsewhere)])).toEqual([
        ...refs.map(() => code),
        ...namesOf(refsOf(elsewhere)),
      ]);
      expect(source.calls).toEqual(['list a 0', 'list b 0']);
    },
  );
});

describe('a failure of the get that should teach where the others live', () => {
  const residents = residentsOf('a', 60);
  const refs = refsOf(residents);

  test.each(['UPSTREAM_THROTTLED', 'UNAUTHENTICATED'] as const)(
    'with %s ends the batch: nobody else would be let in',
    async (code) => {
      const { source, read } = createBench({ residents, failure: () => upstreamError(code) });
      expect(await read(refs)).toEqual(refs.map(() => code));
      expect(source.calls).toEqual(['get a0']);
    },
  );

  test.each(['UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE'] as const)(
    'with %s costs that time once: the others are got side by side, each with its own answer',
    async (code) => {
      const { source, read } = createBench({
        residents,
        failure: (call) => (call === 'get a0' ? upstreamError(code) : undefined),
      });
      expect(await read(refs)).toEqual([code, ...namesOf(refs.slice(1))]);
      expect(source.calls).toHaveLength(60);
      expect(source.mostAtOnce).toBe(59);
    },
  );

  test.each(['UPSTREAM_MALFORMED', 'FORBIDDEN'] as const)(
    'with %s leaves it to the next ones to teach',
    async (code) => {
      const { source, read } = createBench({
        residents,
        failure: (call) => (call === 'get a0' ? upstreamError(code) : undefined),
      });
      expect(await read(refs)).toEqual([code, ...namesOf(refs.slice(1))]);
      expect(source.calls).toEqual(['get a0', 'get a1', 'get a2', 'get a3', 'get a4', 'list a 0']);
    },
  );
});

test('a bug while one list is read costs no other group its answers', async () => {
  const [here, there] = [residentsOf('a', 5), residentsOf('b', 5, { region: 'us-phoenix-1' })];
  const { source, read } = createBench({
    residents: [...here, ...there],
    failure: (call) => (call === 'list a 0' ? new TypeError('a bug') : undefined),
  });
  source.see(...here, ...there);
  expect(await read(refsOf([...here, ...there]))).toEqual([
    ...here.map(() => 'a bug'),
    ...namesOf(refsOf(there)),
  ]);
});

describe("Log Analytics' ids", () => {
  const service: ServiceName = 'LOGANALYTICS_STORAGE';
  const residents = residentsOf('a', 5, { service }).map(({ ref, compartmentId }) => ({
    ref: { ...ref, namespace: 'acme' },
    compartmentId,
  }));
  const raw = residents.map(({ ref: { namespace: _, ...ref } }) => ref);

  test('are listed in their namespace, with or without it in the id', async () => {
    const { source, read } = createBench({ residents });
    source.see(...residents);
    expect(await read([...raw, ...refsOf(residents)])).toEqual([...namesOf(raw), ...namesOf(raw)]);
    expect(source.calls).toEqual(['list a 0']);
    expect(source.listQueries[0]?.params).toMatchObject({ namespaceName: 'acme' });
  });

  test('are absent where the tenancy has no namespace', async () => {
    const { source, read } = createBench({ residents, namespace: null });
    expect(await read(raw)).toEqual(raw.map(() => null));
    expect(source.calls).toEqual([]);
  });
});

describe('without a cache, as in subscriptions', () => {
  test('nothing old is ever told', async () => {
    const residents = residentsOf('a', 1);
    let percentComplete = 0;
    const { source, loaders } = createBench(
      { residents, fields: () => ({ percentComplete: (percentComplete += 10) }) },
      { cache: false },
    );
    const [ref = refOf()] = refsOf(residents);
    for (const expected of [10, 20, 30])
      expect((await loaders.workRequest(ref, 'get'))?.percentComplete).toBe(expected);
    expect(source.calls).toEqual(['get a0', 'get a0', 'get a0']);
  });

  test('what is asked for at once is still one call', async () => {
    const residents = residentsOf('a', 3);
    const { source, loaders, read } = createBench({ residents }, { cache: false });
    source.see(...residents);
    await read(refsOf([...residents, ...residents]));
    expect(source.takeCalls()).toEqual(['list a 0']);
    await read(refsOf([...residents.slice(0, 1), ...residents.slice(0, 1)]), 'get');
    expect(source.takeCalls()).toEqual(['get a0']);
    const [ref = refOf()] = refsOf(residents);
    const workRequest = (await loaders.workRequest(ref, 'get')) as WorkRequest;
    source.takeCalls();
    await Promise.all([loaders.errors(workRequest), loaders.errors(workRequest), loaders.logs(workRequest)]);
    await loaders.errors(workRequest);
    expect(source.takeCalls()).toEqual(['errors a0', 'logs a0', 'errors a0']);
  });
});

describe('errors and logs', () => {
  const load = async (
    { loaders }: Bench,
    ref: WorkRequestRef,
    depth: Depth = 'listItem',
  ): Promise<WorkRequest> => (await loaders.workRequest(ref, depth)) as WorkRequest;

  test('are read once for each page, however often they are selected', async () => {
    const residents = residentsOf('a', 1);
    const bench = createBench({ residents });
    const workRequest = await load(bench, refOf('a0', 'PSQL'));
    bench.source.takeCalls();
    const { errors, logs } = bench.loaders;
    await Promise.all([
      errors(workRequest),
      errors(workRequest),
      logs(workRequest),
      errors(workRequest, 'p2'),
    ]);
    await Promise.all([errors(workRequest), logs(workRequest), errors(workRequest, 'p2')]);
    expect(bench.source.takeCalls()).toEqual(['errors a0', 'errors a0 p2', 'logs a0']);
  });

  test('of several work requests are each its own, and one that fails fails alone', async () => {
    const residents = residentsOf('a', 3);
    const bench = createBench({
      residents,
      failure: (call) => (call === 'errors a1' ? upstreamError('FORBIDDEN') : undefined),
    });
    const workRequests = await Promise.all(refsOf(residents).map((ref) => load(bench, ref)));
    const pages = await Promise.allSettled(workRequests.map((each) => bench.loaders.errors(each)));
    expect(
      pages.map((page) => (page.status === 'fulfilled' ? page.value?.items[0]?.message : page.reason.code)),
    ).toEqual(['errors of a0', 'FORBIDDEN', 'errors of a2']);
  });

  test('are null where the API has none', async () => {
    const residents = residentsOf('a', 1, { service: 'LOGANALYTICS_QUERY' });
    const bench = createBench({
      residents: residents.map(({ ref, ...more }) => ({ ref: { ...ref, namespace: 'acme' }, ...more })),
    });
    const workRequest = await load(bench, refOf('a0', 'LOGANALYTICS_QUERY'));
    expect(await bench.loaders.errors(workRequest)).toBeNull();
    expect(await bench.loaders.logs(workRequest)).toBeNull();
  });

  test('that are embedded come with the get, without a call of their own', async () => {
    const residents = residentsOf('a', 1, { service: 'IDENTITY' });
    const bench = createBench({
      residents,
      fields: () => ({ errors: [{ code: 'c', message: 'm' }], logs: [{ message: 'l' }] }),
    });
    const workRequest = await load(bench, refOf('a0', 'IDENTITY'));
    expect(await bench.loaders.errors(workRequest)).toMatchObject({ items: [{ code: 'c' }], nextPage: null });
    expect(await bench.loaders.logs(workRequest)).toMatchObject({ items: [{ message: 'l' }] });
    expect(bench.source.calls).toEqual(['get a0']);
  });

  test('that a list item lacks are got once for both', async () => {
    const residents = residentsOf('a', 3, { service: 'IDENTITY' });
    const bench = createBench({
      residents,
      fields: (_, origin) => ({
        errors: [{ code: 'c', message: 'm' }],
        ...(origin === 'get' && { logs: [{ message: 'l' }] }),
      }),
    });
    bench.source.see(...residents);
    const [workRequest] = await Promise.all(refsOf(residents).map((ref) => load(bench, ref)));
    expect(bench.source.takeCalls()).toEqual(['list a 0']);
    if (!workRequest) throw new Error('nothing was loaded');
    expect(await bench.loaders.errors(workRequest)).toMatchObject({ items: [{ code: 'c' }] });
    expect(bench.source.takeCalls()).toEqual([]);
    const logs = await Promise.all([bench.loaders.logs(workRequest), bench.loaders.logs(workRequest)]);
    expect(logs).toMatchObject([{ items: [{ message: 'l' }] }, { items: [{ message: 'l' }] }]);
    expect(bench.source.takeCalls()).toEqual(['get a0']);
  });

  test('of a work request that is gone by now are none', async () => {
    const bench = createBench({ residents: [] });
    const residents = residentsOf('a', 1, { service: 'WAAS' });
    const { source } = createBench({ residents });
    const page = await source.list({ service: 'WAAS', region: 'us-ashburn-1', compartmentId: 'a' });
    const [item] = page.items;
    if (!item) throw new Error('nothing was listed');
    expect(await bench.loaders.errors(item)).toEqual({ items: [], nextPage: null, malformed: [] });
    expect(bench.source.calls).toEqual(['get a0']);
  });
});

describe('any mix of ids', () => {
  const services = ['PSQL', 'LOADBALANCER'] as const;
  const regions = ['us-ashburn-1', 'eu-frankfurt-1'] as const;
  const compartments = ['c1', 'c2', 'c3'] as const;
  const world = services.flatMap((service) =>
    regions.flatMap((region) =>
      compartments.flatMap((compartmentId) =>
        residentsOf(`${compartmentId}-`, 12, { service, region, compartmentId }).map(({ ref }) => ({
          ref: { ...ref, workRequestId: `${service}.${region}.${ref.workRequestId}` },
          compartmentId,
        })),
      ),
    ),
  );
  const residents = fc.constantFrom(...world);
  const absent = fc
    .tuple(fc.constantFrom(...services), fc.constantFrom(...regions), fc.nat(5))
    .map(([service, region, index]): Resident => ({
      ref: refOf(`${service}.${region}.absent${index}`, service, region),
      compartmentId: '',
    }));
  const groupOf = ({ ref, compartmentId }: Resident): string =>
    `${ref.service} ${ref.region} ${compartmentId}`;

  test('each id gets its own answer, in at most as many calls as there are ids and groups', async () => {
    const batches = fc.record({
      asked: fc.array(
        fc.tuple(
          fc.oneof({ weight: 6, arbitrary: residents }, absent),
          fc.constantFrom('listItem' as const, 'get' as const),
        ),
        { minLength: 1, maxLength: 60 },
      ),
      seen: fc.array(residents, { maxLength: 40 }),
      unlisted: fc.array(residents, { maxLength: 20 }),
      pageSize: fc.integer({ min: 1, max: 12 }),
      cache: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(batches, async ({ asked, seen, unlisted, pageSize, cache }) => {
        const hidden = new Set(unlisted.map(({ ref }) => globalIdOf(ref)));
        const { source, loaders } = createBench(
          { residents: world, pageSize, isListed: (ref) => !hidden.has(globalIdOf(ref)) },
          { cache },
        );
        source.see(...seen);
        const answers = await Promise.all(asked.map(([{ ref }, depth]) => loaders.workRequest(ref, depth)));
        expect(answers.map((answer) => answer?.id ?? null)).toEqual(
          asked.map(([{ ref, compartmentId }]) => (compartmentId === '' ? null : globalIdOf(ref))),
        );
        const getsWanted = asked.filter(([, depth]) => depth === 'get').map(([{ ref }]) => globalIdOf(ref));
        for (const answer of answers)
          if (answer && getsWanted.includes(answer.id)) expect(answer.origin).toBe('get');
        const ids = new Set(asked.map(([{ ref }]) => globalIdOf(ref)));
        const there = asked.map(([resident]) => resident).filter(({ compartmentId }) => compartmentId !== '');
        const groups = new Set(there.map(groupOf));
        expect(source.calls.length).toBeLessThanOrEqual(ids.size + groups.size);
        const gets = source.calls.filter((call) => call.startsWith('get'));
        expect(new Set(gets).size).toBe(gets.length);
      }),
      { numRuns: 500 },
    );
  });
});
