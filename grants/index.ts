/**
 * The policy while the gateway runs: whose view is which, what lies below the compartments that rules name, and who wants to
 * know when either changes. The file is read again when it changes; one that is wrong changes nothing.
 */
import type { Clock } from '../datasources/types.ts';
import type { WatchFile } from '../watched-file.ts';
import { idlePartsOf } from './idle.ts';
import type { Reach } from './idle.ts';
import { PolicyError, readPolicy } from './policy.ts';
import type { Policy } from './policy.ts';
import { createViews, rootsOf } from './views.ts';
import type { View } from './views.ts';

export interface Grants {
  /** Of a caller with these claims (the same object for the same caller); null: everything. */
  viewOf(claims: Readonly<Record<string, unknown>>): View | null;
  /**
   * Resolves when what lies below the compartments of this view is known, or cannot be had for now: nobody else waits, and nobody
   * twice. Never rejects.
   */
  ready(view: View | null): Promise<void>;
  /** Calls back when a view may have changed, until it is called off. */
  onChange(listener: () => void): () => void;
  /** What keeps it from being as its file says; for operators. */
  readonly problem: string | null;
  stop(): void;
}

export interface GrantsOptions {
  readonly file: string;
  /** As the file was at start. */
  readonly policy: Policy;
  /** A compartment and all that lie in it. @throws whatever keeps it from being known */
  readonly subtreeOf: (root: string) => Promise<readonly string[]>;
  readonly tenancyId: () => Promise<string>;
  /** Where anything can be seen at all. */
  readonly reach: Reach;
  readonly watchFile: WatchFile;
  readonly clock: Clock;
  readonly log: GrantsLog;
}

/** The part of a pino logger that is used. */
export interface GrantsLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const staleTree =
  'The compartments below those that the policy names cannot be looked up: they are as they were, for ten minutes at most';

const missingRoots =
  'The policy names compartments that are not in this tenancy, or may not be inspected: nothing below them can be seen';

const refreshMs = 60_000;
const retryMs = 10_000;
/** What was moved away must not be seen for long, also while nobody can say so. */
const trustedMs = 10 * 60_000;

export const createGrants = (options: GrantsOptions): Grants => {
  const { file, subtreeOf, clock, log } = options;
  const listeners = new Set<() => void>();
  const subtrees = new Map<string, { readonly ids: ReadonlySet<string>; readonly until: number }>();
  let fileProblem: string | null = null;
  let treeProblem: string | null = null;
  let current = openPolicy(options.policy);

  function openPolicy(policy: Policy) {
    for (const problem of idlePartsOf(policy, options.reach))
      log.warn({ problem }, 'The policy names what this gateway never asks for');
    return {
      roots: [...new Set(policy.rules.flatMap(rootsOf))],
      findView: createViews(policy, (root) => {
        const found = subtrees.get(root);
        return found !== undefined && isKnown(root) ? found.ids : undefined;
      }),
      views: new WeakMap<object, View | null>(),
    };
  }

  const tellAll = (): void => listeners.forEach((listener) => listener());

  let toldOf = '';
  /** Every subscription judges then all that it has told: not each minute for nothing. */
  const tellOfTrees = (): void => {
    const known = [...subtrees].map(([root, { ids }]) => [root, ...(isKnown(root) ? [...ids].sort() : [])]);
    const now = JSON.stringify(known);
    if (now !== toldOf) tellAll();
    toldOf = now;
  };

  const isKnown = (root: string): boolean => (subtrees.get(root)?.until ?? 0) > clock.passed();

  let missing = '';
  const noteMissing = (roots: readonly string[]): void => {
    const problem = roots.join(', ');
    if (problem !== '' && problem !== missing) log.warn({ problem }, missingRoots);
    missing = problem;
  };

  let isStopped = false;
  let reading = Promise.resolve();
  let alarm = new AbortController();
  /** Now, and again after a while; whatever was under way is out of date. */
  const readSubtrees = async (roots = current.roots): Promise<void> => {
    alarm.abort(null);
    if (isStopped) return;
    const { signal } = (alarm = new AbortController());
    if (roots.length === 0) {
      treeProblem = null;
      return;
    }
    const lookUp = async (root: string) => [root, new Set(await subtreeOf(root))] as const;
    try {
      const [all, ...read] = await Promise.all([subtreeOf(await options.tenancyId()), ...roots.map(lookUp)]);
      if (signal.aborted) return;
      noteMissing(roots.filter((root) => !all.includes(root)));
      const until = clock.passed() + trustedMs;
      for (const [root, ids] of read) subtrees.set(root, { ids, until });
      treeProblem = null;
    } catch (error) {
      if (signal.aborted) return;
      if (treeProblem === null) log.warn({ err: error }, staleTree);
      treeProblem = staleTree;
    }
    tellOfTrees();
    clock.sleep(treeProblem === null ? refreshMs : retryMs, signal).then(
      () => void (reading = readSubtrees()),
      () => {},
    );
  };
  reading = readSubtrees();

  let policy = JSON.stringify(options.policy);
  const readFile = async (): Promise<'again' | void> => {
    let fresh: Policy;
    try {
      fresh = await readPolicy(file);
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'unreadable';
      if (problem !== fileProblem)
        log.error({ problem }, 'The policy file is wrong now: the last good one stays in force');
      fileProblem = problem;
      return error instanceof PolicyError && error.isUnread ? 'again' : undefined;
    }
    fileProblem = null;
    if (JSON.stringify(fresh) === policy) return;
    policy = JSON.stringify(fresh);
    const next = openPolicy(fresh);
    // What lies below has to be known first: else all that is seen there by the old and the new would be gone in between.
    reading = readSubtrees(next.roots);
    await reading;
    current = next;
    log.info({}, 'The policy file has changed and is in force');
    tellAll();
  };
  const stopWatching = options.watchFile(file, readFile);

  return {
    viewOf(claims) {
      const { views, findView } = current;
      const known = views.get(claims);
      if (known !== undefined) return known;
      const view = findView(claims);
      views.set(claims, view);
      return view;
    },
    async ready(view) {
      if (view === null || treeProblem !== null || view.roots.every(isKnown)) return;
      await reading;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get problem() {
      return fileProblem ?? treeProblem;
    },
    stop() {
      stopWatching();
      isStopped = true;
      alarm.abort(null);
      listeners.clear();
    },
  };
};
