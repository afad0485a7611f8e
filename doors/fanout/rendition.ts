/**
 * An event's answer as JSON, with places for the numbers that each subscriber has of its own.
 *
 * The event is executed with numbers that stand for them. Where these came out as a direct child of the event, under whatever
 * name, the text is cut; the same number anywhere else is what it looks like.
 */
import type { FormattedResult } from '../pipeline.ts';

export interface OwnNumbers {
  readonly sequence: number;
  readonly mergedCount: number;
}

/** What an event is executed with: they fit an `Int`, and no subscription counts to them. */
export const placeholders: OwnNumbers = { sequence: -2_000_000_011, mergedCount: -2_000_000_033 };

/** The whole answer as one subscriber gets it. */
export type Rendition = (own: OwnNumbers) => Payload;

/** JSON, and the same as bytes, for a door that writes frames: made once for all who are at the same number. */
export class Payload {
  readonly text: string;
  #bytes: Buffer | null = null;

  constructor(text: string) {
    this.text = text;
  }

  get bytes(): Buffer {
    return (this.#bytes ??= Buffer.from(this.text));
  }
}

/** @throws TypeError for what cannot be JSON */
export function renderResult(result: FormattedResult): Rendition {
  /** Text, then the name of a number and text, as often as one was selected. */
  let head = '';
  const tail: { readonly name: keyof OwnNumbers; text: string }[] = [];
  const write = (text: string): void => {
    const last = tail.at(-1);
    if (last === undefined) head += text;
    else last.text += text;
  };
  writeObject(write, result, (value, key) => {
    if (key !== 'data' || !isObject(value)) return write(JSON.stringify(value));
    writeObject(write, value, (event) => {
      if (!isObject(event)) return write(JSON.stringify(event));
      writeObject(write, event, (child) => {
        if (child === placeholders.sequence) tail.push({ name: 'sequence', text: '' });
        else if (child === placeholders.mergedCount) tail.push({ name: 'mergedCount', text: '' });
        else write(JSON.stringify(child));
      });
    });
  });
  return rememberingLast((own) => tail.reduce((text, part) => text + own[part.name] + part.text, head));
}

/** Members of data are never undefined, as those that `JSON.stringify` would leave out. */
function writeObject(
  write: (text: string) => void,
  object: object,
  writeValue: (value: unknown, key: string) => void,
): void {
  let separator = '{';
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    write(`${separator}${JSON.stringify(key)}:`);
    writeValue(value, key);
    separator = ',';
  }
  write(separator === '{' ? '{}' : '}');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Most subscribers of a crowd are at the same number. */
function rememberingLast(write: (own: OwnNumbers) => string): Rendition {
  let last = { sequence: Number.NaN, mergedCount: Number.NaN };
  let payload = new Payload('');
  return ({ sequence, mergedCount }) => {
    if (last.sequence !== sequence || last.mergedCount !== mergedCount) {
      last = { sequence, mergedCount };
      payload = new Payload(write(last));
    }
    return payload;
  };
}
