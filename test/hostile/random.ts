/** Makes things from a row of numbers, so that fast-check can shrink them: fewer and smaller numbers make simpler things. */
export class Choices {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  /** From 0 to `below`, not included; 0 when the numbers are at their end. */
  number(below: number): number {
    const number = this.#numbers[this.#at] ?? 0;
    this.#at += 1;
    return number % below;
  }

  of<T>(all: readonly T[]): T {
    const one = all[this.number(all.length)];
    if (one === undefined) throw new Error('nothing to choose from');
    return one;
  }

  /** In so many of a hundred cases. */
  isTrue(percent: number): boolean {
    return this.number(100) >= 100 - percent;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#numbers.length;
  }
}
