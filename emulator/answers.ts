/** What goes back over the wire, and Oracle's usual errors. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; undefined: no body. */
  readonly body?: unknown;
  /** Scope of the list's page tokens, for faults that repeat a page. */
  readonly pageScope?: string;
}

export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers, body };
}

export function refuse(status: number, code: string, message: string): Answer {
  return { status, headers: {}, body: { code, message } };
}

export function notFound(): Answer {
  return refuse(404, 'NotAuthorizedOrNotFound', 'Authorization failed or requested resource not found.');
}

export function missingParameter(name: string): Answer {
  return refuse(400, 'MissingParameter', `The required parameter ${name} is missing.`);
}

export function invalidParameter(name: string, why: string): Answer {
  return refuse(400, 'InvalidParameter', `The parameter ${name} is invalid: ${why}.`);
}

/** Oracle's usual `code` for a status. */
export function codeOf(status: number): string {
  return usualCodes[status] ?? (status >= 500 ? 'InternalServerError' : 'InvalidParameter');
}

const usualCodes: Readonly<Record<number, string>> = {
  400: 'InvalidParameter',
  401: 'NotAuthenticated',
  403: 'NotAuthorized',
  404: 'NotAuthorizedOrNotFound',
  405: 'MethodNotAllowed',
  409: 'IncorrectState',
  412: 'NoEtagMatch',
  413: 'RequestEntityTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  501: 'MethodNotImplemented',
  503: 'ServiceUnavailable',
};
