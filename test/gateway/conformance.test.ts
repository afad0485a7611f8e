/** GraphQL over HTTP, by the audits of its reference implementation. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverAudits } from 'graphql-http';
import { createTestGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.stop());

const fetchWith =
  (more: Readonly<Record<string, string>>): typeof fetch =>
  (url, init = {}) =>
    fetch(url, { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), ...more } });

const audits = (more: Readonly<Record<string, string>> = {}): ReturnType<typeof serverAudits> =>
  serverAudits({ url: () => `${gateway.url}/graphql`, fetchFn: fetchWith(more) });

/** A GET without a header that shows that it could be preflighted: what they say MAY be allowed, and the CSRF guard does not. */
const guarded: ReadonlySet<string> = new Set(['5A70', 'D6D5', '6A70']);

describe('of the 61 audits of graphql-http', () => {
  test('there are as many', () => {
    expect(audits()).toHaveLength(61);
  });

  test.each(audits().map(({ id, name }) => [id, name] as const))('%s %s', async (id) => {
    const [plain, preflighted] = [audits(), audits({ 'apollo-require-preflight': 'true' })].map((all) =>
      all.find((audit) => audit.id === id),
    );
    expect(await preflighted?.fn()).toMatchObject({ status: 'ok' });
    expect(await plain?.fn()).toMatchObject({ status: guarded.has(id) ? 'notice' : 'ok' });
  });
});
