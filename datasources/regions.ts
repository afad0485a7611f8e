/**
 * Regions, their codes, realms and domains: `regions.json`, extended the way Oracle's own tools are
 * (`OCI_REGION_METADATA`, `~/.oci/regions-config.json`, `OCI_DEFAULT_REALM`). A host is only ever built from here
 * and from the catalog's endpoint templates.
 */
import builtIn from './regions.json' with { type: 'json' };

export interface Region {
  /** e.g. `us-ashburn-1` */
  readonly id: string;
  /** e.g. `iad` */
  readonly code: string;
  /** e.g. `oc1` */
  readonly realm: string;
  /** e.g. `oraclecloud.com` */
  readonly secondLevelDomain: string;
}

export interface Regions {
  /** Undefined for a region nobody told us of. */
  get(id: string): Region | undefined;
  byCode(code: string): Region | undefined;
  readonly all: readonly Region[];
  /** What was wrong with the additions, one sentence each; the rest of them counts. */
  readonly problems: readonly string[];
}

/** JSON text that adds regions: one object or an array of `{ realmKey, realmDomainComponent, regionKey, regionIdentifier }`. */
export interface RegionAddition {
  /** Named in problems: a variable or a file. */
  readonly from: string;
  readonly json: string;
}

export interface RegionsOptions {
  /** In order of precedence; what is built in wins over all of them, as in Oracle's SDKs. */
  readonly additions?: readonly RegionAddition[];
  /** `OCI_DEFAULT_REALM`: second-level domain that unknown regions are taken to be in; without it they stay unknown. */
  readonly defaultDomain?: string;
}

const domainPattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;
const regionPattern = /^[a-z]{2,}(-[a-z0-9]+)+-\d{1,3}$/;

export function createRegions(options: RegionsOptions = {}): Regions {
  const byId = new Map<string, Region>();
  const byCode = new Map<string, Region>();
  const problems: string[] = [];
  const add = (region: Region): void => {
    byId.set(region.id, region);
    if (!byCode.has(region.code)) byCode.set(region.code, region);
  };
  for (const { regionId, regionCode, realm, secondLevelDomain } of builtIn) {
    add({ id: regionId, code: regionCode, realm, secondLevelDomain });
  }
  for (const addition of options.additions ?? []) {
    for (const region of parseAddition(addition, problems)) {
      const known = byId.get(region.id);
      if (known === undefined) add(region);
      else if (known.secondLevelDomain !== region.secondLevelDomain) {
        problems.push(
          `${addition.from} puts ${region.id} into ${region.secondLevelDomain}, but it is in ${known.secondLevelDomain}; that stays.`,
        );
      }
    }
  }
  const defaultDomain = options.defaultDomain?.trim().toLowerCase() || undefined;
  if (defaultDomain !== undefined && !domainPattern.test(defaultDomain)) {
    problems.push(
      `OCI_DEFAULT_REALM is not a domain such as oraclecloud.com: ${JSON.stringify(defaultDomain)}.`,
    );
  }
  const assume = (id: string): Region | undefined =>
    defaultDomain !== undefined && domainPattern.test(defaultDomain) && regionPattern.test(id)
      ? { id, code: id, realm: 'unknown', secondLevelDomain: defaultDomain }
      : undefined;
  return {
    get: (id) => byId.get(id) ?? assume(id),
    byCode: (code) => byCode.get(code),
    all: [...byId.values()],
    problems,
  };
}

function parseAddition({ from, json }: RegionAddition, problems: string[]): Region[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    problems.push(`${from} is not JSON.`);
    return [];
  }
  const regions: Region[] = [];
  for (const [index, entry] of (Array.isArray(parsed) ? parsed : [parsed]).entries()) {
    const region = toRegion(entry);
    if (region) regions.push(region);
    else {
      problems.push(
        `${from}, entry ${index + 1}: needs realmKey, realmDomainComponent, regionKey and regionIdentifier, as in Oracle's region metadata.`,
      );
    }
  }
  return regions;
}

function toRegion(entry: unknown): Region | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const word = (name: string): string => {
    const value: unknown = Reflect.get(entry, name);
    return typeof value === 'string' ? value.trim().toLowerCase() : '';
  };
  const id = word('regionIdentifier');
  const code = word('regionKey');
  const realm = word('realmKey');
  const secondLevelDomain = word('realmDomainComponent');
  const isUsable =
    regionPattern.test(id) &&
    /^[a-z0-9-]+$/.test(code) &&
    /^[a-z0-9-]+$/.test(realm) &&
    domainPattern.test(secondLevelDomain);
  return isUsable ? { id, code, realm, secondLevelDomain } : undefined;
}

/**
 * Fills an endpoint template of Oracle's SDK: `{region}`, `{secondLevelDomain}`, and `{dualStack?a:b}`, of which the
 * second is taken: dual-stack hosts are an opt-in of the SDK's that the gateway does not offer.
 * @throws Error for a placeholder that nobody fills: a mistake in the catalog.
 */
export function endpointOf(template: string, region: Region): string {
  const filled = template
    .replace(/\{dualStack\?[^:{}]*:([^{}]*)\}/g, '$1')
    .replaceAll('{region}', region.id)
    .replaceAll('{secondLevelDomain}', region.secondLevelDomain);
  if (/[{}]/.test(filled)) throw new Error(`endpoint template ${template}: ${filled} has a placeholder left`);
  return filled;
}
