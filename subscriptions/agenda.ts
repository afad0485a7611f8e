/**
 * All appointments of all watchers behind one timer: a watcher has two, and there may be fifty thousand of them.
 *
 * An appointment that is put off keeps its place in the queue and is moved on when its old time comes: most of them are
 * put off again and again, and that costs nothing.
 */
import TinyQueue from 'tinyqueue';
import type { Clock } from '../datasources/types.ts';

/** What a timer of Node's takes, 24.8 days; a longer one would ring at once. */
const longestMs = 2 ** 31 - 1;

/** One appointment at a time: setting it again forgets the one before. */
export interface Alarm {
  set(delayMs: number): void;
  clear(): void;
}

export interface Agenda {
  createAlarm(ring: () => void): Alarm;
}

/** Times are those of `clock.passed()`: they do not jump. */
interface Place {
  readonly at: number;
  readonly alarm: QueuedAlarm;
}

/** Where alarms stand; `set` counts those that are to ring. */
interface Queue {
  readonly clock: Pick<Clock, 'passed'>;
  readonly places: TinyQueue<Place>;
  set: number;
  /** Something stands in front that did not, or nothing is set any more. */
  wake(): void;
}

/** A class, as there are two for each of tens of thousands of watchers. */
class QueuedAlarm implements Alarm {
  readonly #queue: Queue;
  readonly #ring: () => void;
  /** null while it is not set. */
  #dueAt: number | null = null;
  /** The earliest of its places in the queue. */
  #queuedAt: number | null = null;

  constructor(queue: Queue, ring: () => void) {
    this.#queue = queue;
    this.#ring = ring;
  }

  set(delayMs: number): void {
    if (this.#dueAt === null) this.#queue.set += 1;
    this.#dueAt = this.#queue.clock.passed() + Math.max(0, delayMs);
    this.#enqueue(this.#dueAt);
    this.#queue.wake();
  }

  clear(): void {
    if (this.#dueAt === null) return;
    this.#dueAt = null;
    this.#queue.set -= 1;
    if (this.#queue.set === 0) this.#queue.wake();
  }

  /** One of its places has come to the front. */
  reach(at: number, now: number): void {
    // It was brought forward since, and has had its turn from there.
    if (at !== this.#queuedAt) return;
    this.#queuedAt = null;
    if (this.#dueAt === null) return;
    if (this.#dueAt > now) return this.#enqueue(this.#dueAt);
    this.#dueAt = null;
    this.#queue.set -= 1;
    this.#ring();
  }

  /** No place of it is left. */
  forget(): void {
    this.#queuedAt = null;
  }

  #enqueue(at: number): void {
    if (this.#queuedAt !== null && this.#queuedAt <= at) return;
    this.#queuedAt = at;
    this.#queue.places.push({ at, alarm: this });
  }
}

export const createAgenda = (clock: Pick<Clock, 'passed' | 'sleep'>): Agenda => {
  const places = new TinyQueue<Place>([], (one, other) => one.at - other.at);
  let timer: { readonly at: number; readonly abort: AbortController } | null = null;
  let isRinging = false;

  const ringAllDue = (): void => {
    timer = null;
    isRinging = true;
    try {
      const now = clock.passed();
      for (let first = places.peek(); first !== undefined && first.at <= now; first = places.peek()) {
        places.pop();
        first.alarm.reach(first.at, now);
      }
    } finally {
      isRinging = false;
      queue.wake();
    }
  };

  const empty = (): void => {
    timer?.abort.abort();
    timer = null;
    for (const { alarm } of places.data) alarm.forget();
    places.data = [];
    places.length = 0;
  };

  const queue: Queue = {
    clock,
    places,
    set: 0,
    /** Holds a timer for the first place, and none when nothing is set. */
    wake() {
      if (isRinging) return;
      if (queue.set === 0) empty();
      const at = places.peek()?.at ?? null;
      if (at === null || (timer !== null && timer.at <= at)) return;
      timer?.abort.abort();
      const mine = { at, abort: new AbortController() };
      timer = mine;
      const delayMs = Math.min(longestMs, Math.max(0, at - clock.passed()));
      clock.sleep(delayMs, mine.abort.signal).then(
        () => timer === mine && ringAllDue(),
        () => {},
      );
    },
  };

  return { createAlarm: (ring) => new QueuedAlarm(queue, ring) };
};
