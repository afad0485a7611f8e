/**
 * Points in time, as `Date` inside and RFC 3339 outside. Ours and not graphql-scalars', of which these two would be all we use:
 * loading its sixty others took a twentieth of the start-up time.
 */
import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  // As in schema/common.graphql, whose own is lost where a resolver stands for the scalar.
  description: 'A date and time with its offset, RFC 3339: `2026-11-24T22:41:03.120Z`.',
  serialize(value) {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return write(value.getTime());
    throw new Error('a DateTime field was resolved to something that is no valid Date');
  },
  parseValue: parse,
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined),
});

const dayMs = 86_400_000;
const padded = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));
let lastDay = Number.NaN;
let lastDayText = '';

/** As `toISOString`, which works out the day each time: an answer has many times of few days, and this took a tenth of it. */
function write(time: number): string {
  const day = Math.floor(time / dayMs);
  if (day !== lastDay) {
    lastDay = day;
    lastDayText = new Date(time).toISOString().split('T', 1)[0] ?? '';
  }
  const ms = time - day * dayMs;
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const rest = ms % 1_000;
  return `${lastDayText}T${padded[Math.floor(minutes / 60)]}:${padded[minutes % 60]}:${padded[seconds % 60]}.${Math.floor(rest / 100)}${padded[rest % 100]}Z`;
}

function parse(value: unknown): Date {
  const [text, year, month, day, hour] = (typeof value === 'string' && rfc3339.exec(value)) || [];
  if (text !== undefined) {
    const time = new Date(text.toUpperCase());
    // Date takes the 30th of February for the 2nd of March, and 24:00 for the next day's midnight.
    const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
    if (!Number.isNaN(time.getTime()) && Number(day) <= lastDay && hour !== '24') return time;
  }
  throw new GraphQLError(
    'DateTime must be a string in RFC 3339 with its offset, such as 2026-11-24T22:41:03Z or 2026-11-24T23:41:03.120+01:00.',
  );
}
