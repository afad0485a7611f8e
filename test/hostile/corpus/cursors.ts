/** Cursors that were not sealed by this gateway for these arguments: made up, cut, changed, and taken from elsewhere. */
import { deflateRawSync } from 'node:zlib';
import { createCursors } from '../../../resolvers/cursors.ts';
import { groupOf } from './operation.ts';
import type { HostileOperation } from './operation.ts';

const query =
  'query ($c: String!, $after: String, $first: Int, $sub: Boolean, $services: [ServiceName!], $regions: [String!], $filter: WorkRequestFilter, $order: WorkRequestOrder) { workRequests(compartmentId: $c, after: $after, first: $first, includeSubcompartments: $sub, services: $services, regions: $regions, filter: $filter, orderBy: $order) { nodes { id } } }';

export interface SealedCursor {
  readonly cursor: string;
  /** What it is good for. */
  readonly variables: {
    readonly c: string;
    readonly services: readonly string[];
    readonly regions: readonly string[];
  };
}

export const listQuery =
  'query ($c: String!, $services: [ServiceName!], $regions: [String!]) { workRequests(compartmentId: $c, services: $services, regions: $regions, first: 1) { pageInfo { endCursor } } }';

export const cursorsFrom = ({ cursor, variables }: SealedCursor): readonly HostileOperation[] => {
  const bytes = Buffer.from(cursor, 'base64url');
  const cut = Array.from(
    { length: Math.floor(cursor.length / 2) },
    (_, at) => [`cut at ${2 * at + 1}`, cursor.slice(0, 2 * at + 1)] as const,
  );
  // Of the seal and what follows it each bit, further on one of each byte.
  const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => bit)
    .filter((bit) => bit < 256 || bit % 8 === (bit >> 3) % 8)
    .map((bit) => {
      const copy = Buffer.from(bytes);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return [`bit ${bit} turned`, copy.toString('base64url')] as const;
    });
  const content = [1, Date.now(), { after: null, open: [] }];
  const sealed = (json: string, mark: number): string =>
    Buffer.concat([
      bytes.subarray(0, 16),
      Buffer.of(mark),
      mark === 1 ? deflateRawSync(json) : Buffer.from(json),
    ]).toString('base64url');
  const forged = [
    ...[
      '',
      ' ',
      'a',
      'null',
      'undefined',
      '0',
      '-1',
      '==',
      'AAAA',
      'eyJhIjoxfQ',
      '../../x',
      '<script>',
      "' OR 1=1",
      '\u0000',
      '😀',
      'é',
      '\ud800',
      'a\r\nb',
    ],
    ...[
      `${cursor}=`,
      `${cursor}==`,
      ` ${cursor}`,
      `${cursor} `,
      `${cursor}\n`,
      `${cursor}A`,
      cursor + cursor,
      cursor.toUpperCase(),
      cursor.toLowerCase(),
      cursor.split('').reverse().join(''),
    ],
    ...[100, 1_000, 100_000, 262_144, 262_145, 500_000].flatMap((length) => [
      'A'.repeat(length),
      cursor.padEnd(length, 'A'),
    ]),
    ...[
      bytes.toString('base64').replaceAll('/', '+'),
      bytes.toString('hex'),
      Buffer.from(cursor).toString('base64url'),
    ],
    ...[
      JSON.stringify(content),
      '[]',
      '{}',
      'null',
      '{"__proto__":1}',
      '['.repeat(10_000),
      JSON.stringify([2, ...content.slice(1)]),
    ].flatMap((json) => [0, 1, 2].map((mark) => sealed(json, mark))),
    // Opens to a gigabyte.
    Buffer.concat([bytes.subarray(0, 16), Buffer.of(1), deflateRawSync(Buffer.alloc(50_000_000))]).toString(
      'base64url',
    ),
    ...['', 'a', 'another secret'].map((secret) =>
      createCursors({ secret: secret || '\0', now: Date.now }).seal('workRequests {}', {
        after: null,
        open: [],
      }),
    ),
  ].map((after, at) => [`forged ${at}: ${after.slice(0, 30)}`, after] as const);

  const elsewhere = [
    { c: `${variables.c}b` },
    { c: variables.c.slice(0, -1) },
    { sub: true },
    { services: ['QUEUE'] },
    { services: [...variables.services, 'QUEUE'] },
    { services: [] },
    { services: null },
    { services: [...variables.services, ...variables.services] },
    { regions: ['eu-frankfurt-1'] },
    { regions: ['IAD'] },
    { regions: [...variables.regions, 'eu-frankfurt-1'] },
    { regions: null },
    { filter: {} },
    { filter: { isTerminal: true } },
    { filter: { statuses: ['FAILED'] } },
    { filter: { operationTypes: ['a'] } },
    { filter: { resourceId: 'a' } },
    { filter: { acceptedAfter: '2026-01-01T00:00:00Z' } },
    { order: 'TIME_ACCEPTED_ASC' },
  ].map(
    (other) =>
      [
        `for ${JSON.stringify(other)}`,
        query,
        { variables: { ...variables, after: cursor, ...other } },
      ] as const,
  );

  return [
    ...groupOf(
      'cursors: forged',
      ['CURSOR_INVALID'],
      [...cut, ...flipped, ...forged]
        .filter(([, after]) => after !== cursor)
        .map(([name, after]) => [name, query, { variables: { ...variables, after } }] as const),
    ),
    ...groupOf('cursors: of other arguments', ['CURSOR_INVALID'], elsewhere),
  ];
};
