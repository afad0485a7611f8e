/**
 * One renderer for each operation that somebody subscribes to, however many do: it executes and serialises each event once.
 */
import { getOperationAST } from 'graphql';
import type { DocumentNode, ExecutionArgs, ExecutionResult } from 'graphql';
import type { Told } from '../../subscriptions/events.ts';
import type { FormatError, FormattedResult } from '../pipeline.ts';
import { placeholders, renderResult } from './rendition.ts';
import type { Rendition } from './rendition.ts';

export interface Renderer {
  /** The same for all who ask with the same object. Neither throws nor rejects: what goes wrong is an answer with errors. */
  render(told: Told): Rendition | Promise<Rendition>;
  /** To be called by each who acquired it, once. */
  release(): void;
}

export interface RenderersOptions {
  execute(args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult>;
  formatResult(result: ExecutionResult): FormattedResult;
  readonly formatError: FormatError;
  /** What a caller may see, by its context: the same for the same. */
  readonly viewOf: (context: unknown) => string;
}

export interface Renderers {
  /** The first one's context serves all who come while it is in use: it outlives its caller. */
  acquire(args: ExecutionArgs): Renderer;
}

export function createRenderers(options: RenderersOptions): Renderers {
  const known = new WeakMap<DocumentNode, Map<string, Renderer & { users: number }>>();

  return {
    acquire(asked) {
      const args = { ...asked, variableValues: declaredOf(asked) };
      const ofDocument = known.get(args.document) ?? new Map<string, Renderer & { users: number }>();
      known.set(args.document, ofDocument);
      const key = keyOf(args, options.viewOf(args.contextValue));
      const found = ofDocument.get(key);
      if (found !== undefined) {
        found.users += 1;
        return found;
      }
      const made = {
        users: 1,
        render: createRender(args, options),
        release() {
          made.users -= 1;
          if (made.users === 0) ofDocument.delete(key);
        },
      };
      ofDocument.set(key, made);
      return made;
    },
  };
}

/** What else a caller sent is not read, but would be kept for as long as the subscription, and may nest deeper than can be written. */
function declaredOf({
  document,
  operationName,
  variableValues,
}: ExecutionArgs): Readonly<Record<string, unknown>> {
  const names = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  const given = names
    .map(({ variable }) => variable.name.value)
    .filter((name) => Object.hasOwn(variableValues ?? {}, name));
  return Object.fromEntries(given.map((name) => [name, variableValues?.[name]]));
}

/** What tells two operations of one document apart. */
function keyOf({ operationName, variableValues }: ExecutionArgs, view: string): string {
  return JSON.stringify([view, operationName ?? null, variableValues ?? {}]);
}

function createRender(
  { schema, document, operationName, variableValues, contextValue }: ExecutionArgs,
  { execute, formatResult, formatError }: RenderersOptions,
): Renderer['render'] {
  // A door may have put more into its arguments, which would live for as long as the last subscriber.
  const args: ExecutionArgs = {
    schema,
    document,
    operationName: operationName ?? null,
    variableValues: variableValues ?? null,
    contextValue,
  };
  /** Goes where the event goes. */
  const rendered = new WeakMap<Told, Rendition | Promise<Rendition>>();

  const write = (result: ExecutionResult): Rendition => {
    try {
      return renderResult(formatResult(result));
    } catch (error) {
      return fail(error);
    }
  };
  const fail = (error: unknown): Rendition => renderResult({ errors: [formatError(error)] });
  const render = (told: Told): Rendition | Promise<Rendition> => {
    try {
      const result = execute({ ...args, rootValue: { ...told, ...placeholders } });
      return result instanceof Promise ? result.then(write, fail) : write(result);
    } catch (error) {
      return fail(error);
    }
  };

  return (told) => {
    const known = rendered.get(told);
    if (known !== undefined) return known;
    const made = render(told);
    rendered.set(told, made);
    if (made instanceof Promise) void made.then((rendition) => rendered.set(told, rendition));
    return made;
  };
}
