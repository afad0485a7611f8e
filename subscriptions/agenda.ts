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
interface Appointment {
  /** null while it is not set; then nothing behind it is held either. */
  due: { readonly at: number; readonly ring: () => void } | null;
  /** The earliest of its places in the queue. */
  queuedAt: number | null;
}

interface Place {
  readonly at: number;
  readonly appointment: Appointment;
}

export const createAgenda = (clock: Pick<Clock, 'passed' | 'sleep'>): Agenda => {
  const queue = new TinyQueue<Place>([], (one, other) => one.at - other.at);
  let set = 0;
  let timer: { readonly at: number; readonly abort: AbortController } | null = null;
  let isRinging = false;

  const enqueue = (appointment: Appointment, at: number): void => {
    if (appointment.queuedAt !== null && appointment.queuedAt <= at) return;
    appointment.queuedAt = at;
    queue.push({ at, appointment });
  };

  const ringAllDue = (): void => {
    timer = null;
    isRinging = true;
    try {
      ringUntil(clock.passed());
    } finally {
      isRinging = false;
      wake();
    }
  };

  const ringUntil = (now: number): void => {
    for (let first = queue.peek(); first !== undefined && first.at <= now; first = queue.peek()) {
      queue.pop();
      const { appointment } = first;
      // It was brought forward since, and has had its turn from there.
      if (first.at !== appointment.queuedAt) continue;
      appointment.queuedAt = null;
      const { due } = appointment;
      if (due === null) continue;
      if (due.at > now) {
        enqueue(appointment, due.at);
      } else {
        appointment.due = null;
        set -= 1;
        due.ring();
      }
    }
  };

  /** Holds a timer for the first place, and none when nothing is set. */
  const wake = (): void => {
    if (isRinging) return;
    if (set === 0) empty();
    const at = queue.peek()?.at ?? null;
    if (at === null || (timer !== null && timer.at <= at)) return;
    timer?.abort.abort();
    const mine = { at, abort: new AbortController() };
    timer = mine;
    const delayMs = Math.min(longestMs, Math.max(0, at - clock.passed()));
    clock.sleep(delayMs, mine.abort.signal).then(
      () => timer === mine && ringAllDue(),
      () => {},
    );
  };

  const empty = (): void => {
    timer?.abort.abort();
    timer = null;
    for (const { appointment } of queue.data) appointment.queuedAt = null;
    queue.data = [];
    queue.length = 0;
  };

  return {
    createAlarm(ring) {
      const appointment: Appointment = { due: null, queuedAt: null };
      return {
        set(delayMs) {
          if (appointment.due === null) set += 1;
          const at = clock.passed() + Math.max(0, delayMs);
          appointment.due = { at, ring };
          enqueue(appointment, at);
          wake();
        },
        clear() {
          if (appointment.due === null) return;
          appointment.due = null;
          set -= 1;
          if (set === 0) wake();
        },
      };
    },
  };
};
