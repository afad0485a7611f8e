import { describe, expect, test } from '@jest/globals';
import { dialectOf, serviceKeys } from '../../emulator/dialects.ts';
import type { Dialect, Field, OperationName } from '../../emulator/dialects.ts';
import { wordFor } from '../../emulator/lives.ts';
import { withEmulator } from './support.ts';
import type { Reply, World } from './support.ts';

const region = 'eu-frankfurt-1';
const compartmentId = 'ocid1.compartment.oc1..dialects';

/** The path of an operation, with everything that it requires. */
function pathOf(
  dialect: Dialect,
  name: OperationName,
  life: { id: string; parents: Readonly<Record<string, string>> },
  query: Record<string, string> = {},
): string {
  const operation = dialect.operations[name];
  if (!operation) throw new Error(`${dialect.key} has no ${name}`);
  const values: Record<string, string> = { ...life.parents, compartmentId };
  const path = operation.segments
    .map((segment) =>
      segment.startsWith('{') ? encodeURIComponent(values[segment.slice(1, -1)] ?? life.id) : segment,
    )
    .join('/');
  const required = operation.requiredQuery.map(
    (parameter) => [parameter, values[parameter] ?? ''] as [string, string],
  );
  const search = new URLSearchParams([...required, ...Object.entries(query)]).toString();
  return `/${region}/${dialect.package}/${path}${search === '' ? '' : `?${search}`}`;
}

function itemsOf(reply: Reply, isBare: boolean): Record<string, unknown>[] {
  const items = isBare ? reply.body : (reply.body as { items: unknown }).items;
  if (!Array.isArray(items)) throw new Error(`no list: ${reply.text}`);
  return items as Record<string, unknown>[];
}

function namesOf(fields: readonly Field[], isRequired: boolean): string[] {
  return fields.filter((field) => !isRequired || !field.isOptional).map((field) => field.name);
}

function create(world: World, dialect: Dialect, count: number) {
  const { ids } = world.emulator.createWorkRequest({
    service: dialect.key,
    region,
    compartmentId,
    count,
    script: [
      { status: wordFor(dialect, 'ACCEPTED'), percentComplete: 0 },
      { afterMs: 1000, status: wordFor(dialect, 'IN_PROGRESS'), percentComplete: 40 },
      { afterMs: 60_000, status: wordFor(dialect, 'FAILED'), percentComplete: 60 },
    ],
    acceptedMsAgo: 5000,
    resources: [{ entityType: 'thing', identifier: 'ocid1.thing.oc1..a' }],
    errors: [
      { code: 'First', message: 'the first error', afterMs: 2000 },
      { code: 'Second', message: 'the second error', afterMs: 3000 },
    ],
    logs: [
      { message: 'the first line', afterMs: 1000 },
      { message: 'the second line', afterMs: 4000 },
    ],
  });
  const [id = ''] = ids;
  return { ids, id, parents: world.emulator.readWorkRequest(id)?.parents ?? {} };
}

test('there is a dialect for each of the 115 work-request APIs', () => {
  expect(serviceKeys).toHaveLength(115);
});

describe.each(serviceKeys)('%s', (key) => {
  const dialect = dialectOf(key);
  if (!dialect) throw new Error(key);

  test('answers get with every field that it declares, in its own names', async () => {
    await withEmulator(async (world) => {
      const life = create(world, dialect, 1);
      const reply = await world.call(pathOf(dialect, 'get', life));
      expect([200, 202]).toContain(reply.status);
      const body = reply.body as Record<string, unknown>;
      expect(Object.keys(body)).toEqual(expect.arrayContaining(namesOf(dialect.fields, true)));
      expect(namesOf(dialect.fields, false)).toEqual(expect.arrayContaining(Object.keys(body)));
      expect(body['id']).toBe(life.id);
      expect(body[dialect.statusField]).toBe(wordFor(dialect, 'IN_PROGRESS'));
      expect(body['compartmentId']).toBe(compartmentId);
      const gives = dialect.operations.get?.responseHeaders ?? [];
      expect(reply.headers['retry-after']).toBe(gives.includes('retry-after') ? '1' : undefined);
      expect(typeof reply.headers.etag).toBe(gives.includes('etag') ? 'string' : 'undefined');
    });
  });

  test('lists two pages in its own shape, without repetition', async () => {
    await withEmulator(async (world) => {
      const life = create(world, dialect, 3);
      const first = await world.call(pathOf(dialect, 'list', life, { limit: '2' }));
      expect(first.status).toBe(200);
      const page = first.headers['opc-next-page'];
      expect(typeof page).toBe('string');
      const second = await world.call(pathOf(dialect, 'list', life, { limit: '2', page: String(page) }));
      expect(second.headers['opc-next-page']).toBeUndefined();
      const items = [...itemsOf(first, dialect.isBare.list), ...itemsOf(second, dialect.isBare.list)];
      expect(items.map((item) => item['id'] ?? item['workRequestId']).sort()).toEqual([...life.ids].sort());
      for (const item of items) {
        expect(Object.keys(item)).toEqual(expect.arrayContaining(namesOf(dialect.itemFields, true)));
        expect(namesOf(dialect.itemFields, false)).toEqual(expect.arrayContaining(Object.keys(item)));
      }
    });
  });

  test.each(['errors', 'logs'] as const)(
    'tells %s where it has an operation or a field for them',
    async (name) => {
      await withEmulator(async (world) => {
        const life = create(world, dialect, 1);
        const operation = dialect.operations[name];
        const body = (await world.call(pathOf(dialect, 'get', life))).body as Record<string, unknown>;
        const field = dialect.fields.find((one) => (name === 'errors' ? /^error/ : /^logs$/).test(one.name));
        if (!operation) {
          const reply = await world.call(`${pathOf(dialect, 'get', life)}/${name}`);
          expect(reply.status).toBe(404);
          expect(field ? body[field.name] : []).toHaveLength(field ? 2 : 0);
          return;
        }
        const reply = await world.call(pathOf(dialect, name, life));
        expect(reply.status).toBe(200);
        const items = itemsOf(reply, dialect.isBare[name]);
        expect(items.map((item) => item['message'])).toEqual(
          name === 'errors' ? ['the first error', 'the second error'] : ['the first line', 'the second line'],
        );
        const fields = name === 'errors' ? dialect.errorFields : dialect.logFields;
        for (const item of items) expect(Object.keys(item).sort()).toEqual(namesOf(fields, false).sort());
      });
    },
  );

  test('cancels where it can, and only what is not finished', async () => {
    await withEmulator(async (world) => {
      const life = create(world, dialect, 1);
      if (!dialect.operations.cancel) {
        const refused = await world.call(pathOf(dialect, 'get', life), { method: 'DELETE' });
        expect(refused.status).toBe(405);
        return;
      }
      const reply = await world.call(pathOf(dialect, 'cancel', life), { method: 'DELETE' });
      expect(reply.status).toBe(202);
      expect(reply.text).toBe('');
      const status = async () =>
        ((await world.call(pathOf(dialect, 'get', life))).body as Record<string, unknown>)[
          dialect.statusField
        ];
      expect(await status()).toBe(wordFor(dialect, 'CANCELING'));
      world.emulator.setClock({ advanceMs: 2000 });
      expect(await status()).toBe(wordFor(dialect, 'CANCELED'));
      const again = await world.call(pathOf(dialect, 'cancel', life), { method: 'DELETE' });
      expect(again.status).toBe(409);
      expect(again.body).toMatchObject({ code: 'IncorrectState' });
    });
  });

  test('refuses a list without what it requires, and knows nothing of other regions and ids', async () => {
    await withEmulator(async (world) => {
      const life = create(world, dialect, 1);
      const list = dialect.operations.list;
      for (const parameter of list?.requiredQuery ?? []) {
        const path = pathOf(dialect, 'list', life).replace(new RegExp(`${parameter}=[^&]*&?`), '');
        const reply = await world.call(path);
        expect(reply.status).toBe(400);
        expect(reply.body).toMatchObject({ code: 'MissingParameter' });
      }
      const elsewhere = await world.call(pathOf(dialect, 'get', life).replace(region, 'us-ashburn-1'));
      const absent = await world.call(pathOf(dialect, 'get', { ...life, id: 'ocid1.absent.oc1..a' }));
      for (const reply of [elsewhere, absent]) {
        expect(reply.status).toBe(404);
        expect(reply.body).toMatchObject({ code: 'NotAuthorizedOrNotFound' });
        expect(reply.headers['opc-request-id']).toMatch(/^[0-9A-F]{32}\/[0-9A-F]{32}$/);
      }
    });
  });
});
