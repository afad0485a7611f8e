/**
 * Text of what does not change: an object whose selected fields all follow from itself is executed and written once for as long as
 * it is kept, however many ask the same. Two hundred portals that refresh one list cost the writing of one.
 *
 * It stands in an answer as `Written`, and `writeAnswer` puts the texts in their places; to everybody else a `Written` is what its
 * text says. One text for each object: that of the operation that asked last.
 */
import { randomUUID } from 'node:crypto';
import type { ObjectExecutor } from './generate.ts';
import { isPromise } from './execute.ts';

/** Which fields follow from their object alone: whoever asks, whenever, with no arguments. */
export interface Stability {
  /** Types whose objects never change. */
  readonly types: ReadonlySet<string>;
  isStable(typeName: string, fieldName: string): boolean;
}

/** Nobody can know it, so nothing that is told can hold it. */
const place = `\u0001${randomUUID()}`;
const placeInText = JSON.stringify(place);

/** The texts whose places were written, in order, while an answer is. */
let gathered: string[] | null = null;

class Written {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): unknown {
    if (gathered === null) return JSON.parse(this.text);
    gathered.push(this.text);
    return place;
  }
}

interface Kept {
  readonly by: ObjectExecutor;
  readonly written: Written;
}

const kept = new WeakMap<object, Kept>();

export function keepText(execute: ObjectExecutor): ObjectExecutor {
  return (run, source, path) => {
    if (!run.isWritten || typeof source !== 'object' || source === null) return execute(run, source, path);
    const found = kept.get(source);
    if (found?.by === execute) return found.written;
    const { failures } = run.errors;
    const completed = execute(run, source, path);
    // What is still to come may come differently, and an error has to be told each time.
    if (isPromise(completed) || run.errors.failures > failures) return completed;
    const written = new Written(JSON.stringify(completed));
    kept.set(source, { by: execute, written });
    return written;
  };
}

export function writeAnswer(answer: unknown): string {
  gathered = [];
  try {
    const frame = JSON.stringify(answer);
    if (gathered.length === 0) return frame;
    const between = frame.split(placeInText);
    let text = between[0] ?? '';
    for (const [index, each] of gathered.entries()) text += each + (between[index + 1] ?? '');
    return text;
  } finally {
    gathered = null;
  }
}
