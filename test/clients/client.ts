/** What the tests of this folder ask of every client alike, whatever its own words for it. */
import type { AnswerError, Json } from '../support/gateway.ts';

export type { Json };

export interface Result {
  readonly data?: Json | null;
  readonly errors?: readonly AnswerError[];
}

export interface Stream {
  /** The next result; null when the stream has completed. */
  next(): Promise<Result | null>;
  /** Unsubscribes, as a client does that has seen enough. */
  leave(): void;
}

export interface Client {
  subscribe(document: string, variables?: Json): Stream;
  /** A query or mutation, by the way that subscriptions go. */
  execute(document: string, variables?: Json): Promise<Result>;
  /** The same by `POST /graphql`, where the client has that way. */
  executeOverHttp?(document: string, variables?: Json): Promise<Result>;
  close(): void;
}

export interface ClientKind {
  readonly name: string;
  connect(url: string): Client;
}

/** Clients come again by themselves; here without the seconds that they would leave in between. */
export const reconnecting = { attempts: 20, wait: () => Promise.resolve() };

export const webSocketUrl = (url: string): string => `${url.replace('http', 'ws')}/graphql`;

export interface Inbox {
  readonly next: Stream['next'];
  push(result: Result): void;
  end(): void;
  fail(error: unknown): void;
}

/** From what a client calls back with to what a test reads. */
export const createInbox = (): Inbox => {
  type Arrival = () => Result | null;
  const arrived: Arrival[] = [];
  let wake = (): void => {};
  const put = (arrival: Arrival): void => {
    arrived.push(arrival);
    wake();
  };
  return {
    async next() {
      for (;;) {
        const arrival = arrived.shift();
        if (arrival !== undefined) return arrival();
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    push: (result) => put(() => result),
    end: () => put(() => null),
    fail: (error) =>
      put(() => {
        throw new Error('the client gave up', { cause: error });
      }),
  };
};

/** A query or mutation over a protocol of streams is a stream of one result. */
export const onlyResultOf = async (stream: Stream): Promise<Result> => {
  const result = await stream.next();
  const more = await stream.next();
  if (result === null || more !== null) throw new Error('not one answer');
  return result;
};
