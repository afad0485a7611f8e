import { expect, test } from '@jest/globals';
import { collectDefaultMetrics, Counter, Registry } from 'prom-client';
import { openHouse, send } from './support.ts';

test('/healthz is ok while the process answers', async () => {
  const answer = await send(await openHouse(), { path: '/healthz' });
  expect([answer.status, answer.json]).toEqual([200, { status: 'ok' }]);
});

test.each([
  ['ok', [], 200],
  ['ok', ['CONTAINERENGINE eu-frankfurt-1'], 200],
  ['unavailable', ['credentials'], 503],
] as const)('/readyz: %s, degraded %j is %i', async (status, degraded, expected) => {
  const house = await openHouse({ readiness: () => ({ status, degraded }) });
  const answer = await send(house, { path: '/readyz' });
  expect([answer.status, answer.json]).toEqual([expected, { status, degraded }]);
});

test('/metrics has the process and what others registered, in Prometheus text', async () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Counter({ name: 'gateway_test_total', help: 'Counts.', registers: [registry] }).inc(2);
  const house = await openHouse({ registry });
  const answer = await send(house, { path: '/metrics' });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=/);
  expect(answer.text).toContain('gateway_test_total 2');
  expect(answer.text).toContain('process_cpu_user_seconds_total');
});

test('/metrics works without a registry of the caller, for several gateways in one process', async () => {
  const houses = [await openHouse(), await openHouse()];
  for (const house of houses) {
    expect((await send(house, { path: '/metrics' })).text).toContain('nodejs_eventloop_lag_seconds');
  }
});

test('/metrics is made anew for one tenth of the time at most, however many ask', async () => {
  const registry = new Registry();
  let made = 0;
  registry.metrics = async () => {
    made += 1;
    const until = performance.now() + 20;
    while (performance.now() < until);
    return `made ${made}`;
  };
  const house = await openHouse({ registry });
  const ask = async (): Promise<string> => (await send(house, { path: '/metrics' })).text;
  expect(new Set(await Promise.all([ask(), ask(), ask()]))).toEqual(new Set(['made 1']));
  expect(await ask()).toBe('made 1');
  while ((await ask()) === 'made 1');
  expect(made).toBe(2);
});

test('/ leads to the playground where there is one', async () => {
  const without = await openHouse();
  expect((await send(without, { path: '/' })).status).toBe(404);
  const house = await openHouse({
    registerPlayground: (app) => void app.get('/playground', async () => 'a playground'),
  });
  const answer = await send(house, { path: '/' });
  expect([answer.status, answer.headers.location]).toEqual([302, '/playground']);
});
