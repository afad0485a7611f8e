/** The manifest of what is published, and its lock: those of the project without what only the project needs. */

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface Lock {
  readonly name: string;
  readonly version: string;
  readonly lockfileVersion: number;
  readonly requires?: boolean;
  /** By their place, such as `node_modules/graphql`; the project itself under the empty one. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface LockedPackage {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly [field: string]: unknown;
}

/** What stays; the pins of Node, tools and scripts do not. */
const kept = ['name', 'version', 'description', 'license', 'type', 'engines', 'dependencies', 'overrides'];

export const toManifest = (project: Manifest): Manifest => {
  const { name, version, dependencies, ...rest } = Object.fromEntries(
    Object.entries(project).filter(([field]) => kept.includes(field)),
  ) as Manifest;
  return { name, version, ...rest, bin: { [name]: 'server.js' }, dependencies };
};

/**
 * The versions that the tests ran with. A shrinkwrap rather than a lock: it is published, too, and whoever installs the
 * package gets these versions (`overrides` count in a root only).
 */
export const toShrinkwrap = (lock: Lock, manifest: Manifest): Lock => {
  const { '': project, ...installed } = lock.packages;
  const pins = Object.keys(project?.['optionalDependencies'] ?? {});
  const packages = Object.entries(installed).filter(
    ([place, { dev, devOptional }]) =>
      dev !== true && devOptional !== true && !pins.some((pin) => place === `node_modules/${pin}`),
  );
  const { name, version, license, bin, engines, dependencies } = manifest;
  return {
    ...lock,
    packages: { '': { name, version, license, dependencies, bin, engines }, ...Object.fromEntries(packages) },
  };
};
