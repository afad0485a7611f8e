/** A house whose subscription is a feed that the test tells events to, and that counts how often they are executed. */
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { Callers } from '../../../doors/callers.ts';
import type { DoorLimits } from '../../../doors/index.ts';
import type { QuotaLimits } from '../../../doors/quotas.ts';
import { GatewayError } from '../../../errors.ts';
import type { Told } from '../../../subscriptions/events.ts';
import { createFeed } from '../../../subscriptions/feed.ts';
import type { FeedWriter } from '../../../subscriptions/feed.ts';
import { changedOf, overflowOf, snapshotOf } from '../../../subscriptions/telling.ts';
import { workRequestOf } from '../../subscriptions/harness.ts';
import { canary, gates, openHouse } from '../support.ts';
import type { House } from '../support.ts';

export interface Hall extends House {
  /** Of those who are subscribed and have not left, in the order in which they came. */
  readonly writers: ReadonlySet<FeedWriter>;
  /** What was executed, in order: `<key> <percent>`. */
  readonly executed: readonly string[];
  tell(told: Told): void;
  /** Ends them all. */
  end(last?: Told): void;
  /** Resolves when so many listen. */
  untilWatched(count: number): Promise<void>;
}

export interface HallOptions {
  readonly limits?: Partial<DoorLimits>;
  readonly quotas?: Partial<QuotaLimits>;
  readonly capacity?: number;
  /** Of each event, in characters. */
  readonly textLength?: number;
  readonly callers?: Callers;
}

export const snapshot = snapshotOf(workRequestOf({ percentComplete: 0 }), true);
export const progress = (percent: number): Told =>
  changedOf(workRequestOf(), workRequestOf({ percentComplete: percent }), { isProgress: true });
export const newStatus = (percent: number): Told =>
  changedOf(workRequestOf(), workRequestOf({ percentComplete: percent }), { isProgress: false });

export async function openHall({
  limits = {},
  quotas = {},
  capacity = 100,
  textLength = 0,
  callers,
}: HallOptions = {}): Promise<Hall> {
  const writers = new Set<FeedWriter>();
  const executed: string[] = [];
  const watch = (): FeedWriter => {
    const writer = createFeed({ capacity, overflow: (told) => overflowOf(told, 0) }, () => {
      writers.delete(writer);
      house.streams.notify();
    });
    writers.add(writer);
    house.streams.notify();
    return writer;
  };
  const schema = makeExecutableSchema({
    typeDefs: /* GraphQL */ `
      type Query {
        hello: String
        waits: String
      }
      type Subscription {
        watch(key: String): Event!
        refused: Event!
      }
      type Event {
        type: String!
        sequence: Int!
        mergedCount: Int!
        percent: Int
        text: String
        echo: String
        late: Int
        broken: Int
      }
    `,
    resolvers: {
      Query: {
        hello: () => 'world',
        async waits() {
          const gate = gates.get('late');
          gate?.arrived.resolve();
          await gate?.go.promise;
          return 'waited';
        },
      },
      Subscription: {
        watch: {
          subscribe: () => watch().feed,
          resolve(event: Told, { key }: { key?: string }) {
            executed.push(`${key ?? ''} ${event.workRequest?.percentComplete}`);
            return event;
          },
        },
        refused: {
          subscribe() {
            throw new GatewayError('BAD_USER_INPUT', 'Not like this.');
          },
        },
      },
      Event: {
        percent: ({ workRequest }: Told) => workRequest?.percentComplete,
        text: () => 'x'.repeat(textLength),
        echo: () => 'ü€😀"\\\u2028',
        async late({ workRequest }: Told) {
          const gate = gates.get('late');
          gate?.arrived.resolve();
          await gate?.go.promise;
          return workRequest?.percentComplete;
        },
        broken() {
          throw new Error(canary);
        },
      },
    },
  });
  const house = await openHouse({ schema, limits, quotas, ...(callers && { callers }) });
  return {
    ...house,
    writers,
    executed,
    tell: (told) => [...writers].forEach((writer) => writer.push(told)),
    end(last) {
      for (const writer of writers) writer.end(last);
      writers.clear();
      house.streams.notify();
    },
    untilWatched: (count) => house.streams.until(() => writers.size === count),
  };
}
