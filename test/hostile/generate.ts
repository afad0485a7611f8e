/** Hostile input by chance: documents of the schema and requests as they should be, and then something is wrong with them. */
import {
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isScalarType,
  OperationTypeNode,
  parse,
  validate,
} from 'graphql';
import type { DocumentNode, GraphQLInputType, GraphQLObjectType } from 'graphql';
import { findConditionsOnRoot } from '../../doors/condition-on-root.ts';
import { schema } from './corpus/validation.ts';
import type { Choices } from './random.ts';

const words = [
  ...[
    'a',
    'id',
    'name',
    'services',
    'workRequest',
    '__typename',
    '__schema',
    'query',
    'mutation',
    'subscription',
    'fragment',
    'on',
    'true',
    'null',
  ],
  ...[
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ':',
    '!',
    '=',
    '@',
    '$',
    '|',
    '&',
    '...',
    '@skip',
    '@include(if: true)',
    '$v',
    '...F',
    '1',
    '-1',
    '1.5',
    '1e9',
    '99999999999',
  ],
  ...[
    '"s"',
    '""',
    '"""b"""',
    '"\\u0041"',
    '"',
    '\\',
    '\0',
    '\ufeff',
    '\ud800',
    '😀',
    '#',
    '\n',
    ',',
    'QUEUE',
    '{ a: 1 }',
    '[1]',
    'Query',
    'Int',
    'ID!',
  ],
];

const literal = (type: GraphQLInputType, choices: Choices): string => {
  if (choices.isTrue(6)) return choices.of(['1', '"x"', 'null', 'NOPE', '[]', '{}', '1.5', 'true', '$v']);
  const inner = getNullableType(type);
  if (isListType(inner)) {
    return `[${Array.from({ length: choices.number(3) }, () => literal(inner.ofType, choices)).join(', ')}]`;
  }
  if (isEnumType(inner)) return choices.of(inner.getValues()).name;
  if (isInputObjectType(inner)) {
    const fields = Object.values(inner.getFields()).filter(() => choices.isTrue(30));
    return `{ ${fields.map((field) => `${field.name}: ${literal(field.type, choices)}`).join(', ')} }`;
  }
  const ofScalar: Readonly<Record<string, readonly string[]>> = {
    Int: ['1', '0', '-1', '100'],
    Boolean: ['true', 'false'],
    DateTime: ['"2026-01-01T00:00:00Z"', '"now"'],
  };
  return choices.of((isScalarType(inner) && ofScalar[inner.name]) || ['"a"', '"ocid1.a.oc1.iad.b"', '""']);
};

const selection = (type: GraphQLObjectType, choices: Choices, depth: number): string => {
  const fields = Object.values(type.getFields());
  const parts = Array.from({ length: 1 + choices.number(3) }, () => {
    if (choices.isTrue(5)) return `... on ${choices.of([type.name, 'Node', 'Query', 'Nope'])} { __typename }`;
    if (choices.isTrue(5)) return choices.of(['__typename', '...F', 'nope', '__schema { types { name } }']);
    const field = choices.of(fields);
    const given = field.args
      .filter((argument) => isRequiredArgument(argument) || choices.isTrue(20))
      .map((argument) => `${argument.name}: ${literal(argument.type, choices)}`);
    const inner = getNamedType(field.type);
    const below = isObjectType(inner)
      ? ` { ${depth > 0 ? selection(inner, choices, depth - 1) : '__typename'} }`
      : isLeafType(inner)
        ? ''
        : ' { __typename }';
    const alias = choices.isTrue(10) ? `${choices.of(['a', 'b', '__proto__'])}: ` : '';
    const directive = choices.isTrue(6)
      ? choices.of([' @skip(if: true)', ' @include(if: $v)', ' @nope', ' @skip'])
      : '';
    return `${alias}${field.name}${given.length > 0 ? `(${given.join(', ')})` : ''}${directive}${below}`;
  });
  return parts.join(' ');
};

/** Of the schema, for the most part. */
const documentOf = (choices: Choices): string => {
  const kind = choices.of([
    OperationTypeNode.QUERY,
    OperationTypeNode.QUERY,
    OperationTypeNode.SUBSCRIPTION,
    OperationTypeNode.MUTATION,
  ]);
  const root = schema.getRootType(kind);
  if (root == null) throw new Error(`no ${kind}`);
  const variables = choices.isTrue(15) ? `($v: ${choices.of(['Boolean!', 'Int', 'Nope', '[ID!]!'])})` : '';
  const fragment = choices.isTrue(15)
    ? ` fragment F on ${choices.of(['Query', 'WorkRequest', 'Nope'])} { __typename }`
    : '';
  return `${kind} Q${variables} { ${selection(root, choices, 3)} }${fragment}`;
};

/** Something is left out, doubled, put elsewhere, or put in. */
const harm = (parts: readonly string[], choices: Choices, strange: readonly string[]): string => {
  const all = [...parts];
  for (let times = 1 + choices.number(3); times > 0; times -= 1) {
    const [at, to] = [choices.number(all.length + 1), choices.number(all.length + 1)];
    const kind = choices.number(5);
    if (kind === 0) all.splice(at, 1);
    else if (kind === 1) all.splice(at, 0, choices.of(strange));
    else if (kind === 2) all.splice(at, 1, choices.of(strange));
    else if (kind === 3) all.splice(at, 0, ...all.slice(to, to + 3));
    else all.length = Math.min(all.length, Math.max(1, at));
  }
  return all.join('');
};

export const hostileDocument = (choices: Choices): string =>
  harm(documentOf(choices).split(/(?<=[^\w])|(?=[^\w])/), choices, words);

/** The oracle: what graphql-js says of it on its own. */
export type Verdict =
  | { readonly kind: 'harmless'; readonly document: DocumentNode }
  | { readonly kind: 'no document' }
  | { readonly kind: 'does not fit' };

export const judge = (query: string): Verdict => {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch {
    return { kind: 'no document' };
  }
  try {
    if (validate(schema, document).length > 0) return { kind: 'does not fit' };
  } catch {
    return { kind: 'does not fit' };
  }
  // What graphql-js takes, and GraphQL forbids.
  return findConditionsOnRoot(document).length > 0
    ? { kind: 'does not fit' }
    : { kind: 'harmless', document };
};

/** Documents whose variables are the question. */
export const askedWithVariables: readonly string[] = [
  'query ($v: ID!) { node(id: $v) { id } }',
  'query ($v: [ID!]!) { nodes(ids: $v) { id } }',
  'query ($v: Int!) { workRequests(compartmentId: "a", first: $v) { __typename } }',
  'query ($v: Boolean!) { services @skip(if: $v) { name } }',
  'query ($v: [ServiceName!]!) { workRequests(compartmentId: "a", services: $v) { __typename } }',
  'query ($v: ServiceName!) { workRequest(id: "a", region: "iad", service: $v) { id } }',
  'query ($v: WorkRequestFilter!) { workRequests(compartmentId: "a", filter: $v) { __typename } }',
  'query ($v: DateTime!) { workRequests(compartmentId: "a", filter: { acceptedAfter: $v }) { __typename } }',
  'query ($v: WorkRequestOrder!) { workRequests(compartmentId: "a", orderBy: $v) { __typename } }',
  'query ($v: String!) { workRequests(compartmentId: $v) { __typename } }',
  'mutation ($v: CancelWorkRequestInput!) { cancelWorkRequest(input: $v) { error { code } } }',
  'subscription ($v: ID!) { workRequest(id: $v) { type } }',
  'subscription ($v: [WorkRequestStatus!]!) { workRequests(compartmentId: "a", filter: { statuses: $v }) { type } }',
];

export const doVariablesFit = (query: string, variables: Readonly<Record<string, unknown>>): boolean => {
  const node = getOperationAST(parse(query));
  return getVariableValues(schema, node?.variableDefinitions ?? [], variables).coerced !== undefined;
};

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isOptional = (value: unknown, isRight: (value: unknown) => boolean): boolean =>
  value == null || isRight(value);
const isText = (value: unknown): boolean => typeof value === 'string';

/** Whether a body, or a message's payload, is a request of GraphQL with an operation that is good. */
export const isGoodOperation = (body: unknown): boolean => {
  if (!isPlain(body) || Object.hasOwn(body, '__proto__')) return false;
  const { query, variables, operationName, extensions } = body;
  if (typeof query !== 'string' || query === '' || !isOptional(variables, isPlain)) return false;
  if (!isOptional(operationName, isText) || !isOptional(extensions, isPlain)) return false;
  const verdict = judge(query);
  return (
    verdict.kind === 'harmless' && getOperationAST(verdict.document, operationName as string | null) != null
  );
};

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const jsonBits = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '"query"',
    '"variables"',
    '"operationName"',
    '"extensions"',
    'null',
    'true',
    '0',
    '-',
    '1e999',
    '"a"',
    '""',
    '\\',
    '\\u0000',
    '\\ud800',
  ],
  ...[
    '"__proto__"',
    '"constructor"',
    '{}',
    '[]',
    '\0',
    '\n',
    "'",
    '//',
    'NaN',
    '"id"',
    '"type"',
    '"payload"',
    '"subscribe"',
    '"ping"',
    '"complete"',
    '"next"',
    '😀',
    '\ufeff',
    ' ',
  ],
];
const partsOf = (text: string): readonly string[] => text.split(/(?<=[^\w])|(?=[^\w])/);

const goodBodies = [
  '{"query":"{ regions { id } }"}',
  '{"query":"query A { regions { id } }","operationName":"A","variables":{}}',
  '{"query":"query ($v: ID!) { node(id: $v) { id } }","variables":{"v":"a"},"extensions":{}}',
];
export const hostileBody = (choices: Choices): string =>
  harm(partsOf(choices.of(goodBodies)), choices, jsonBits);

const goodMessages = [
  '{"type":"ping"}',
  '{"type":"pong","payload":{}}',
  '{"id":"1","type":"complete"}',
  '{"id":"1","type":"subscribe","payload":{"query":"{ regions { id } }","variables":{},"operationName":null}}',
  '{"type":"connection_init","payload":{"authorization":"Bearer x"}}',
];
export const hostileMessage = (choices: Choices): string =>
  harm(partsOf(choices.of(goodMessages)), choices, jsonBits);

/** Whether a message of graphql-transport-ws does no harm at this place of it. */
export const isGoodMessage = (text: string, isGreeted: boolean): boolean => {
  const message = parseJson(text);
  if (!isPlain(message)) return false;
  const { type, id, payload } = message;
  if (type === 'ping' || type === 'pong') return isOptional(payload, isPlain) && payload !== null;
  if (type === 'connection_init') return !isGreeted && isOptional(payload, isPlain) && payload !== null;
  if (typeof id !== 'string' || id === '') return false;
  if (type === 'complete') return true;
  return type === 'subscribe' && isGreeted && isGoodOperation(payload);
};

const requestBits = [
  ...[
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '/',
    '\0',
    '\x7f',
    '\xff',
    '\xc3',
    '0',
    '9',
    '-',
    'x',
    '?',
    '#',
    '%',
    '%00',
    '..',
    '@',
    '[',
    ']',
    '"',
    '\\',
    '{',
    '}',
  ],
  ...[
    'HTTP/1.1',
    'HTTP/1.0',
    'GET',
    'PUT',
    'Host',
    'evil.example',
    'chunked',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 0\r\n',
    'Host: evil.example\r\n',
    'Origin: null\r\n',
    'text/plain',
    'gzip',
  ],
];
export const goodRequest = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
/** In bytes of latin1. */
export const hostileRequest = (choices: Choices): string => {
  const [body = ''] = goodBodies;
  return harm(partsOf(goodRequest(choices.of(['/graphql', '/graphql/stream']), body)), choices, requestBits);
};

/** A strict reading of RFC 9112, by the few headers that the good request has: whether it is one that may be served. */
export const isGoodRequest = (text: string, port: number): boolean => {
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text
    .slice(0, Math.max(0, end))
    .replace(/^(\r?\n)+/, '')
    .split('\r\n');
  if (end < 0 || !/^POST +\/graphql(\/stream)?(\?[\x21-\x7e]*)? +HTTP\/1\.[01]$/.test(line)) return false;
  const headers = new Map<string, string>();
  for (const one of lines) {
    const [, name, value] =
      /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/.exec(
        one,
      ) ?? [];
    if (name === undefined || value === undefined) return false;
    const lower = name.toLowerCase();
    if (headers.has(lower) && ['host', 'content-length', 'transfer-encoding', 'origin'].includes(lower))
      return false;
    if (!headers.has(lower)) headers.set(lower, value);
  }
  const body = text.slice(end + 4);
  if (
    !new RegExp(`^localhost\\.?(:\\d{1,5})?$`, 'i').test(
      (headers.get('host') ?? '').replaceAll('{port}', String(port)),
    )
  )
    return false;
  if (!/^application\/json[ \t]*(;.*)?$/i.test(headers.get('content-type') ?? '')) return false;
  if (
    headers.has('transfer-encoding') ||
    headers.has('origin') ||
    headers.has('expect') ||
    headers.has('content-encoding')
  )
    return false;
  const length = headers.get('content-length') ?? '';
  if (!/^\d+$/.test(length) || Number(length) > body.length) return false;
  const bytes = Buffer.from(body.slice(0, Number(length)), 'latin1');
  const content = bytes.toString();
  return !content.includes('\ufffd') && isGoodOperation(parseJson(content));
};
