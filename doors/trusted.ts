/**
 * Trusted documents: with a manifest (`TRUSTED_DOCUMENTS_FILE`) nothing runs but what is in it, on any transport. A document is
 * named by its id, by the SHA-256 of its text, or by the text itself, which has to be the same to the letter.
 *
 * Every door has the document's text put into its request (`nameDocument`) before anything else looks at it; a rule of validation holds
 * whatever comes past that.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { GraphQLError } from 'graphql';
import type { ValidationRule } from 'graphql';
import { GatewayError } from '../errors.ts';
import type { WatchFile } from '../watched-file.ts';

export interface Manifest {
  readonly texts: ReadonlySet<string>;
  readonly byId: ReadonlyMap<string, string>;
}

export interface TrustedDocuments {
  has(text: string): boolean;
  /** By any of its ids. */
  find(id: string): string | undefined;
}

/** Changes with the file. What is wrong then is logged, and the last good manifest stays. */
export interface TrustedDocumentsFile extends TrustedDocuments {
  /** @param onChange called after a change */
  watch(onChange: () => void): void;
  stop(): void;
}

export type CheckDocument = (text: string) => readonly string[];

interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface TrustedDocumentsOptions {
  readonly file: string;
  /** What is in it now. */
  readonly first: Manifest;
  readonly check: CheckDocument;
  readonly log: Log;
  readonly watchFile: WatchFile;
}

export function openTrustedDocuments(options: TrustedDocumentsOptions): TrustedDocumentsFile {
  const { file, check, log, watchFile } = options;
  let manifest = options.first;
  let stop = (): void => {};
  return {
    has: (text) => manifest.texts.has(text),
    find: (id) => manifest.byId.get(id),
    watch(onChange) {
      stop = watchFile(file, () => {
        const read = readManifestFile(file, check);
        if (read.problems.length > 0) {
          const problem = read.problems.join(' ');
          return log.warn({ problem }, 'The changed manifest is not used; the last one stays');
        }
        if (isDeepStrictEqual(read.manifest, manifest)) return;
        manifest = read.manifest;
        onChange();
        log.info({}, 'The manifest of trusted documents has changed and is in force');
      });
    },
    stop: () => stop(),
  };
}

export interface ReadManifest {
  readonly manifest: Manifest;
  /** A sentence each, with the variable's name. */
  readonly problems: readonly string[];
}

export function readManifestFile(file: string, check: CheckDocument): ReadManifest {
  try {
    return readManifest(readFileSync(file, 'utf8'), check);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    return { manifest: nothing, problems: [`${variable}: ${file} cannot be read (${code}).`] };
  }
}

/** Of Apollo's format (`apollo-persisted-query-manifest`), or ids and documents, as Relay and GraphQL Code Generator write them. */
export function readManifest(text: string, check: CheckDocument): ReadManifest {
  const entries = entriesOf(text);
  if (typeof entries === 'string') return { manifest: nothing, problems: [`${variable} ${entries}`] };
  const texts = new Set<string>();
  const byId = new Map<string, string>();
  const problems: string[] = [];
  for (const { id, body } of entries) {
    const known = byId.get(id);
    if (known !== undefined && known !== body)
      problems.push(`${variable}: there are two documents ${quote(id)}.`);
    byId.set(id, body);
    if (texts.has(body)) continue;
    texts.add(body);
    for (const message of check(body)) problems.push(`${variable}: the document ${quote(id)}: ${message}`);
  }
  for (const body of texts) {
    const hash = createHash('sha256').update(body).digest('hex');
    for (const id of [hash, `sha256:${hash}`]) if (!byId.has(id)) byId.set(id, body);
  }
  return { manifest: { texts, byId }, problems };
}

const variable = 'TRUSTED_DOCUMENTS_FILE';
const nothing: Manifest = { texts: new Set(), byId: new Map() };

interface Entry {
  readonly id: string;
  readonly body: string;
}

/** Or what is wrong with all of it. */
function entriesOf(text: string): readonly Entry[] | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'is not JSON.';
  }
  if (!isObject(parsed)) return notManifest;
  const entries = 'operations' in parsed ? entriesOfApollo(parsed) : Object.entries(parsed).map(toEntry);
  if (typeof entries === 'string') return entries;
  const good = entries.filter((entry) => entry !== null);
  if (good.length < entries.length) return notManifest;
  return good.length === 0 ? 'holds no documents, so that nothing could run.' : good;
}

function entriesOfApollo({
  format,
  version,
  operations,
}: Readonly<Record<string, unknown>>): readonly (Entry | null)[] | string {
  if (format !== 'apollo-persisted-query-manifest' || version !== 1)
    return 'has `operations`, but neither the format apollo-persisted-query-manifest nor version 1.';
  if (!Array.isArray(operations)) return notManifest;
  return operations.map((operation: unknown) =>
    isObject(operation) ? toEntry([operation['id'], operation['body']]) : null,
  );
}

function toEntry([id, body]: readonly [unknown, unknown]): Entry | null {
  return typeof id === 'string' && id !== '' && typeof body === 'string' ? { id, body } : null;
}

const notManifest =
  "has to be Apollo's persisted query manifest, or an object of ids and documents as Relay and GraphQL Code Generator write it.";

/** Stands for whatever is not trusted. No manifest's document: the rule below refuses it. */
export const untrustedText = '{ __typename } # not trusted';

/**
 * The parameters of an operation with their document's text in `query`, whichever way it was named. `documentId` is GraphQL over HTTP's,
 * `extensions.persistedQuery` Apollo's. Where nothing is named they stay as they are, and are told so.
 */
export function nameDocument(trusted: TrustedDocuments | null, params: unknown): unknown {
  if (trusted === null || !isObject(params)) return params;
  const { documentId, extensions, ...others } = params;
  // What else is said there (of a trace, say) stays.
  const { persistedQuery, ...said } = isObject(extensions) ? extensions : {};
  const rest = Object.keys(said).length === 0 ? others : { ...others, extensions: said };
  const { query } = others;
  if (typeof query === 'string' && query !== '')
    return { ...rest, query: trusted.has(query) ? query : untrustedText };
  const id = documentId ?? (isObject(persistedQuery) ? persistedQuery['sha256Hash'] : persistedQuery);
  if (typeof id !== 'string') return params;
  return { ...rest, query: trusted.find(id) ?? untrustedText };
}

/** Of what came in a query string. */
export function parseOrNull(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

export const createTrustRule =
  (trusted: TrustedDocuments): ValidationRule =>
  (context) => ({
    Document(document) {
      const text = document.loc?.source.body;
      if (text !== undefined && text !== untrustedText && trusted.has(text)) return;
      const originalError = new GatewayError('PERSISTED_QUERY_NOT_IN_LIST', notListed);
      context.reportError(new GraphQLError(notListed, { originalError }));
    },
  });

const notListed =
  'This gateway runs listed documents only, and this is none of them: name one by `documentId`, `extensions.persistedQuery.sha256Hash` or its exact text, or have it added to the manifest (TRUSTED_DOCUMENTS_FILE).';

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quote(id: string): string {
  return JSON.stringify(id.slice(0, 100));
}
