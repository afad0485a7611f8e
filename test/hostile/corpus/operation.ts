/** One operation that has to be refused, alike on every transport. */
import type { ErrorCode } from '../../../errors.ts';

export interface HostileOperation {
  readonly group: string;
  readonly name: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
  /** One of these. */
  readonly codes: readonly ErrorCode[];
}

export const many = (count: number, part: (at: number) => string, between = ' '): string =>
  Array.from({ length: count }, (_, at) => part(at)).join(between);

/** `name` by what it is about, `query` by the reader: one group of operations refused with the same codes. */
export const groupOf = (
  group: string,
  codes: readonly ErrorCode[],
  entries: Iterable<
    readonly [
      name: string,
      query: string,
      more?: Pick<HostileOperation, 'variables' | 'operationName'> & {
        readonly codes?: readonly ErrorCode[];
      },
    ]
  >,
): readonly HostileOperation[] =>
  Array.from(entries, ([name, query, more]) => ({ group, name, query, codes, ...more }));
