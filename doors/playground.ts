/**
 * A playground at `/playground`, served whole from this process: Altair's files out of its npm package, no CDN and no
 * build. Why Altair: docs/decisions/playground.md.
 *
 * Files are streamed from disk; only their names stay in memory. The page has no inline script, so its
 * Content-Security-Policy can forbid inline code and every outside host: what Altair would fetch elsewhere (plugins,
 * accounts) stays off.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply } from 'fastify';

export interface PlaygroundTab {
  readonly name: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface PlaygroundOptions {
  /** Path of GraphQL over HTTP and of graphql-transport-ws, on the playground's own origin. */
  readonly graphqlPath: string;
  /**
   * What a first visit opens with, the first one in front. Later visits find what the visitor left (their browser
   * keeps it) for as long as these tabs stay the same.
   */
  readonly tabs: readonly PlaygroundTab[];
  /** Title of the page. */
  readonly title: string;
}

export const playgroundPath = '/playground';

/** Adds the routes `/playground`, `/playground/start.js` and `/playground/altair-{version}/*`. */
export function registerPlayground(app: FastifyInstance, options: PlaygroundOptions): void {
  const altair = findAltair();
  const assetsPath = `${playgroundPath}/altair-${altair.version}`;
  const page = renderPage(altair.html, options.title, assetsPath);
  const startScript = renderStartScript(options);

  app.get(playgroundPath, (_request, reply) => guard(reply).type('text/html; charset=utf-8').send(page));
  app.get(`${playgroundPath}/`, (_request, reply) => reply.redirect(playgroundPath, 302));
  app.get(`${playgroundPath}/start.js`, (_request, reply) =>
    guard(reply).type(contentTypes['.js']).send(startScript),
  );
  app.get<{ Params: { '*': string } }>(`${assetsPath}/*`, (request, reply) => {
    const asset = altair.assets.get(request.params['*']);
    guard(reply);
    if (asset === undefined) return reply.code(404).type('text/plain; charset=utf-8').send('No such file.\n');
    // The version is part of the path: a browser never has to ask twice.
    reply
      .type(asset.type)
      .headers({ 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding' });
    const file = createReadStream(asset.file);
    if (!asset.isCompressible || !acceptsGzip(request.headers['accept-encoding'])) {
      return reply.header('content-length', asset.bytes).send(file);
    }
    return reply.header('content-encoding', 'gzip').send(compress(file));
  });
}

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  // Angular and CodeMirror insert style elements while they run.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  // Covers the WebSocket of the same origin.
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function guard(reply: FastifyReply): FastifyReply {
  return reply.headers({
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  });
}

const contentTypes = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
} as const satisfies Record<string, string>;

interface Asset {
  readonly file: string;
  readonly bytes: number;
  readonly type: string;
  readonly isCompressible: boolean;
}

interface Altair {
  readonly version: string;
  readonly html: string;
  /** Every file that may be served, by its path: what is not in here does not exist, whatever a URL says. */
  readonly assets: ReadonlyMap<string, Asset>;
}

function findAltair(): Altair {
  const manifest = createRequire(import.meta.url).resolve('altair-static/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  const dist = join(dirname(manifest), 'build', 'dist');
  const assets = new Map<string, Asset>();
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const path = relative(dist, file).split(sep).join('/');
    const type = contentTypeOf(entry.name);
    // The sandbox runs scripts that visitors write (pre-request scripts); here they stay off.
    if (!entry.isFile() || type === undefined || path.startsWith('iframe-sandbox/')) continue;
    assets.set(path, { file, bytes: statSync(file).size, type, isCompressible: /^text|json|svg/.test(type) });
  }
  return { version, html: readFileSync(join(dist, 'index.html'), 'utf8'), assets };
}

function contentTypeOf(name: string): string | undefined {
  const extension = extname(name);
  return Object.hasOwn(contentTypes, extension)
    ? contentTypes[extension as keyof typeof contentTypes]
    : undefined;
}

function renderPage(html: string, title: string, assetsPath: string): string {
  return html
    .replace(/<base [^>]*>/, () => `<base href="${assetsPath}/" />`)
    .replace(/<title>[^<]*<\/title>/, () => `<title>${escapeHtml(title)}</title>`)
    .replace('</body>', () => `<script type="module" src="${playgroundPath}/start.js"></script></body>`);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Runs in the browser, after Altair's own script (both are modules, so their order holds). */
function renderStartScript({ graphqlPath, tabs }: PlaygroundOptions): string {
  const windows = tabs.map(({ name, query, variables = {} }) => ({
    initialName: name,
    initialQuery: query,
    initialVariables: JSON.stringify(variables, null, 2),
  }));
  const fingerprint = createHash('sha256').update(JSON.stringify(windows)).digest('hex').slice(0, 8);
  return `const endpointURL = new URL(${JSON.stringify(graphqlPath)}, location.origin).href;
const subscriptionsEndpoint = endpointURL.replace(/^http/, 'ws');
const endpoints = { endpointURL, subscriptionsEndpoint, initialSubscriptionRequestHandlerId: 'graphql-ws' };
const windows = ${JSON.stringify(windows, null, 2)};
const storage = 'altair_${fingerprint}_';

AltairGraphQL.init({
  ...endpoints,
  initialWindows: windows.map((tab) => ({ ...endpoints, ...tab })),
  instanceStorageNamespace: storage,
  disableAccount: true,
  initialSettings: { 'schema.reloadOnStart': true, 'banners.disable': true, disablePushNotification: true },
});

// Altair opens its windows one after the other and leaves the last in front: on a first visit, bring back the first.
if (localStorage.getItem(storage + 'opened') === null) {
  const observer = new MutationObserver(() => {
    const items = document.querySelectorAll('app-window-switcher-item .window-switcher__item');
    if (items.length < windows.length || !items[windows.length - 1].matches('.window-switcher__item--active')) return;
    observer.disconnect();
    localStorage.setItem(storage + 'opened', new Date().toISOString());
    items[0].click();
  });
  observer.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['class'] });
}
`;
}

function acceptsGzip(acceptEncoding: string | string[] | undefined): boolean {
  return /\bgzip\b/.test(String(acceptEncoding ?? ''));
}

/** Ends both streams when either fails or the reader goes away, which `pipe` would not. */
function compress(file: Readable): Readable {
  return pipeline(file, createGzip(), () => undefined);
}
