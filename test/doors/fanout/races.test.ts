/** Subscribing, completing, telling and ending in any order and at any moment: what comes for an id belongs to who has it. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { greet } from '../support.ts';
import { newStatus, openHall } from './support.ts';

type Step =
  { readonly do: 'subscribe' | 'complete'; readonly id: string } | { readonly do: 'tell' | 'end' | 'turn' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('subscribe' as const, 'complete' as const),
    id: fc.constantFrom('1', '2'),
  }),
  fc.record({ do: fc.constantFrom('tell' as const, 'tell' as const, 'end' as const, 'turn' as const) }),
);

interface Message {
  readonly type: string;
  readonly id: string;
  readonly payload?: { readonly data: Readonly<Record<string, { readonly sequence: number }>> };
}

test('nothing comes twice, late, out of order or for somebody else, and nothing stays open', async () => {
  const hall = await openHall();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.boolean(), async (steps, isLate) => {
      const client = await greet(hall);
      const messages: Message[] = [];
      /** The operation that has an id. It is given up by the client alone: it cannot tell which of two the server has completed. */
      const current = new Map<string, string>();
      client.socket.on('message', (data) => messages.push(JSON.parse(String(data)) as Message));
      let count = 0;
      for (const one of steps) {
        if (one.do === 'turn') await new Promise((resolve) => setImmediate(resolve));
        if (one.do === 'tell') hall.tell(newStatus((count += 1)));
        if (one.do === 'end') hall.end();
        if (one.do === 'complete' && current.delete(one.id)) client.send({ type: 'complete', id: one.id });
        if (one.do === 'subscribe' && !current.has(one.id)) {
          const name = `o${(count += 1)}`;
          current.set(one.id, name);
          const query = `subscription { ${name}: watch { sequence ${isLate ? 'late' : 'percent'} } }`;
          client.send({ type: 'subscribe', id: one.id, payload: { query } });
        }
      }
      for (const id of current.keys()) client.send({ type: 'complete', id });
      client.send({ type: 'ping' });
      while (!messages.some(({ type }) => type === 'pong')) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      // Ends what the client had completed and what it had not.
      client.socket.terminate();
      await hall.untilWatched(0);

      const seen = new Map<string, number>();
      const latest = new Map<string, string>();
      for (const { type, id, payload } of messages) {
        if (type === 'complete') latest.delete(id);
        if (type !== 'next') continue;
        const [name = '', event] = Object.entries(payload?.data ?? {})[0] ?? [];
        expect(event?.sequence).toBe((seen.get(name) ?? 0) + 1);
        // An operation that another has followed under its id is over.
        expect(latest.get(id) === name || !seen.has(name)).toBe(true);
        seen.set(name, event?.sequence ?? 0);
        latest.set(id, name);
      }
      expect((await Promise.race([client.closed, Promise.resolve({ code: 1006 })])).code).toBe(1006);
    }),
    { numRuns: 100 },
  );
  expect(hall.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
});
