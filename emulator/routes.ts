/** From a URL to the operation of an API: `/{region}/{package}` + base path + path. */
import { dialectsOfPackage, parameterName, parentOperationsOfPackage } from './dialects.ts';
import type { Dialect, Operation, OperationName, ParentOperation } from './dialects.ts';

export type Target =
  | {
      readonly kind: 'workRequests';
      readonly dialect: Dialect;
      readonly name: OperationName;
      readonly operation: Operation;
    }
  | { readonly kind: 'parents'; readonly parent: ParentOperation; readonly operation: Operation };

export interface Route {
  readonly region: string;
  readonly package: string;
  readonly target: Target;
  readonly parameters: Readonly<Record<string, string>>;
}

export type RouteResult =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'wrongMethod'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

const targetsByPackage = new Map<string, readonly Target[]>();

export function findRoute(method: string, path: string): RouteResult {
  const [, region, packageName, ...rest] = path.split('/');
  if (region === undefined || packageName === undefined || !/^[a-z]+(-[a-z]+)+-\d+$/.test(region))
    return { kind: 'none' };
  const matches = targetsOf(packageName).flatMap((target) => {
    const parameters = match(target.operation.segments, rest);
    return parameters ? [{ target, parameters }] : [];
  });
  const found = matches.find(({ target }) => target.operation.method === method);
  if (found) return { kind: 'route', route: { region, package: packageName, ...found } };
  if (matches.length === 0) return { kind: 'none' };
  return { kind: 'wrongMethod', allowed: matches.map(({ target }) => target.operation.method) };
}

function targetsOf(packageName: string): readonly Target[] {
  const known = targetsByPackage.get(packageName);
  if (known) return known;
  const workRequests = dialectsOfPackage(packageName).flatMap((dialect) =>
    (Object.entries(dialect.operations) as [OperationName, Operation][]).map(([name, operation]): Target => ({
      kind: 'workRequests',
      dialect,
      name,
      operation,
    })),
  );
  const parents = parentOperationsOfPackage(packageName).map((parent): Target => ({
    kind: 'parents',
    parent,
    operation: parent.operation,
  }));
  const targets = [...workRequests, ...parents];
  if (targets.length > 0) targetsByPackage.set(packageName, targets);
  return targets;
}

function match(template: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (template.length !== segments.length) return null;
  const parameters: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const expected = template[at] ?? '';
    const name = parameterName(expected);
    if (name === null) {
      if (expected !== segment) return null;
      continue;
    }
    const value = decode(segment);
    if (value === null || value === '') return null;
    parameters[name] = value;
  }
  return parameters;
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
