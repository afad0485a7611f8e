/**
 * What may go into a request line and its headers. Origins come from the catalog and the allowed regions; this is the
 * last door, for the day somebody upstairs forgets to encode an id.
 */
import { UpstreamError } from '../errors.ts';
import { failureOf, placeOf } from './answers.ts';
import type { UpstreamRequest } from './types.ts';

/** Spaces, controls and non-ASCII, what WHATWG URLs rewrite or cut off, and dot segments, encoded ones too. */
const unfitPath = /[^\x21-\x7e]|[\\#]|^[^/]|^$|\/(\.|%2e){1,2}(?=[/?]|$)/i;
/** Scheme, host and port, nothing that a URL could take for user, path or query. */
const fitOrigin = /^https?:\/\/[a-z0-9.:[\]-]+$/i;
const headerName = /^[a-z0-9-]+$/;
const unfitValue = /[^\t\x20-\x7e]/;

/** What the layer sets itself, and what would change how the message is framed. */
const ownHeaders: ReadonlySet<string> = new Set([
  ...['accept', 'authorization', 'date', 'host', 'opc-obo-token', 'opc-request-id', 'user-agent', 'x-date'],
  ...[
    'connection',
    'content-length',
    'expect',
    'keep-alive',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ],
]);

/**
 * Host and request target as they are signed and sent, normalised the way the official signer does (WHATWG URL).
 * @throws UpstreamError BAD_USER_INPUT
 */
export function parseTarget(request: UpstreamRequest): { readonly host: string; readonly target: string } {
  if (unfitPath.test(request.path)) throw unfit(request, 'path', request.path);
  for (const name in request.headers) {
    const value = request.headers[name] ?? '';
    if (!headerName.test(name) || ownHeaders.has(name) || unfitValue.test(value))
      throw unfit(request, 'header', `${name}: ${value}`);
  }
  const url = fitOrigin.test(request.origin) ? URL.parse(request.origin + request.path) : null;
  if (url === null) throw unfit(request, 'origin', request.origin);
  return { host: url.host, target: url.pathname + url.search };
}

function unfit(request: UpstreamRequest, part: string, text: string): UpstreamError {
  const message = `${placeOf(request)} was not asked: unfit ${part} ${JSON.stringify(text.slice(0, 100))}.`;
  return new UpstreamError('BAD_USER_INPUT', message, failureOf(request));
}
