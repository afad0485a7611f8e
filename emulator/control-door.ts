/**
 * `/_emulator/…`: the control over HTTP. It can do anything to the emulated cloud, so no web page may reach it: the Host has to be a loopback name
 * (DNS rebinding), a browser's Origin has to be our own, and bodies have to be declared as JSON (no form can do that unasked).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ZodType } from 'zod';
import { refuse } from './answers.ts';
import type { Answer } from './answers.ts';
import type {
  CallsQuery,
  ClockBody,
  CompartmentBody,
  CreateBody,
  FaultBody,
  ParentBody,
  PatchBody,
  WorkRequestsQuery,
} from './control-schemas.ts';
import type { EmulatorControl } from './control.ts';
import { readBody } from './bodies.ts';

export interface Door {
  handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void>;
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);
const greatestBody = 1024 * 1024;

export function createControlDoor(control: EmulatorControl, allowedHosts: readonly string[]): Door {
  const hosts = new Set([...loopbackNames, ...allowedHosts.map((host) => host.toLowerCase())]);
  return {
    handle: async (request, response, url) => {
      const answer = checkDoor(request, hosts) ?? (await handleControl(control, request, url));
      const body = answer.body === undefined ? '' : `${JSON.stringify(answer.body)}\n`;
      response.writeHead(answer.status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        ...answer.headers,
      });
      response.end(body);
    },
  };
}

function checkDoor(request: IncomingMessage, hosts: ReadonlySet<string>): Answer | null {
  const host = request.headers.host ?? '';
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (!hosts.has(name) && !hosts.has(host.toLowerCase())) {
    return refuse(403, 'HostNotAllowed', `The Host '${host}' is not one of ${[...hosts].join(', ')}.`);
  }
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    return refuse(403, 'OriginNotAllowed', `The Origin '${origin}' is not this server's own.`);
  }
  return null;
}

async function handleControl(control: EmulatorControl, request: IncomingMessage, url: URL): Promise<Answer> {
  const path = url.pathname.slice('/_emulator/'.length);
  const [resource = '', id, ...rest] = path.split('/').map(decodeURIComponentSafely);
  const route = id === undefined ? resource : `${resource}/{id}`;
  const methods = rest.length === 0 && Object.hasOwn(routes, route) ? routes[route] : undefined;
  if (!methods) {
    return refuse(404, 'NotFound', `There is no ${url.pathname}. There are: ${paths.join(', ')}.`);
  }
  const handler = methods[request.method ?? ''];
  if (!handler) {
    const allow = Object.keys(methods).join(', ');
    return {
      ...refuse(405, 'MethodNotAllowed', `${request.method ?? ''} is not allowed here: ${allow}.`),
      headers: { allow },
    };
  }
  const name = `${request.method ?? ''} /_emulator/${route}`;
  const checked = ['POST', 'PATCH'].includes(request.method ?? '')
    ? await checkBody(name, request)
    : await checkQuery(name, url.searchParams);
  return 'problem' in checked ? checked.problem : handler(control, checked.value, id ?? '');
}

type Checked = { readonly value: unknown } | { readonly problem: Answer };

/** The schemas (and zod) are loaded when there is something to check: who reads without a query does not wait for them. */
async function checkBody(name: string, request: IncomingMessage): Promise<Checked> {
  const body = await readJson(request);
  if ('problem' in body) return body;
  const { controlSchemas } = await import('./control-schemas.ts');
  const schema = new Map<string, ZodType>(Object.entries(controlSchemas)).get(name);
  if (!schema) throw new Error(`no schema for ${name}`);
  return check(schema, body.value, 'InvalidBody');
}

async function checkQuery(name: string, query: URLSearchParams): Promise<Checked> {
  if (query.size === 0) return { value: {} };
  const { querySchemas } = await import('./control-schemas.ts');
  const schema = new Map<string, ZodType>(Object.entries(querySchemas)).get(name);
  return schema ? check(schema, Object.fromEntries(query), 'InvalidQuery') : { value: {} };
}

function check(schema: ZodType, value: unknown, code: string): Checked {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const message = result.error.issues
    .map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
    .join('; ');
  return {
    problem: refuse(400, code, message.length > 4000 ? `${message.slice(0, 4000)}…` : message),
  };
}

type Handler = (control: EmulatorControl, input: unknown, id: string) => Answer | Promise<Answer>;

/** Of what is shown, not of what is counted. */
const usualLimit = 1000;

/** The input, body or query, comes checked, so each may be taken for what its schema says. */
const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  'work-requests': {
    GET: (control, query) => {
      const { limit = usualLimit, ...filter } = query as WorkRequestsQuery;
      const found = control.workRequests(filter);
      return good({ count: found.length, workRequests: found.slice(0, limit) });
    },
    POST: (control, body) => good(control.createWorkRequest(body as CreateBody), 201),
  },
  'work-requests/{id}': {
    GET: (control, _body, id) => orAbsent(control.readWorkRequest(id), id),
    PATCH: (control, body, id) => orAbsent(control.patchWorkRequest(id, body as PatchBody), id),
    DELETE: (control, _body, id) =>
      control.deleteWorkRequest(id) ? { status: 204, headers: {} } : absent(id),
  },
  faults: {
    GET: (control) => good({ faults: control.faults() }),
    POST: (control, body) => good(control.addFault(body as FaultBody), 201),
    DELETE: (control) => {
      control.clearFaults();
      return { status: 204, headers: {} };
    },
  },
  'faults/{id}': {
    DELETE: (control, _body, id) => (control.clearFaults(id) ? { status: 204, headers: {} } : absent(id)),
  },
  requests: {
    GET: (control, query) => {
      const { limit = usualLimit, ...filter } = query as CallsQuery;
      const found = control.calls(filter);
      return good({
        total: control.totalCalls(),
        count: found.length,
        requests: limit > 0 ? found.slice(-limit) : [],
      });
    },
    DELETE: (control) => {
      control.clearCalls();
      return { status: 204, headers: {} };
    },
  },
  clock: {
    GET: (control) => good(control.clock()),
    POST: (control, body) => good(control.setClock(body as ClockBody)),
  },
  compartments: {
    POST: (control, body) => {
      control.addCompartment(body as CompartmentBody);
      return { status: 204, headers: {} };
    },
  },
  parents: {
    POST: (control, body) => {
      control.addParent(body as ParentBody);
      return { status: 204, headers: {} };
    },
  },
  schemas: { GET: async () => good((await import('./control-schemas.ts')).jsonSchemas()) },
};
const paths = Object.keys(routes).map((route) => `/_emulator/${route}`);

function good(body: unknown, status = 200): Answer {
  return { status, headers: {}, body };
}

function absent(id: string): Answer {
  return refuse(404, 'NotFound', `There is no '${id}'.`);
}

function orAbsent(found: unknown, id: string): Answer {
  return found === null ? absent(id) : good(found);
}

async function readJson(request: IncomingMessage): Promise<{ value: unknown } | { problem: Answer }> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    return {
      problem: refuse(415, 'UnsupportedMediaType', 'The body has to be application/json, and declared so.'),
    };
  }
  const body = await readBody(request, greatestBody);
  if (body === null) {
    return {
      problem: {
        ...refuse(413, 'BodyTooLarge', `A body may have ${greatestBody} bytes.`),
        headers: { connection: 'close' },
      },
    };
  }
  try {
    return { value: JSON.parse(body.toString('utf8')) as unknown };
  } catch (error) {
    return {
      problem: refuse(
        400,
        'InvalidJson',
        `The body is no JSON: ${error instanceof Error ? error.message : ''}`,
      ),
    };
  }
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
