/** One signed call, and what to do about it when it fails. */
import { UpstreamError } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { StartError } from './listen.ts';

/** @throws StartError */
export const probe = async (gateway: Gateway, whom: string): Promise<string> => {
  try {
    const { url, tenancyId } = await gateway.probe();
    return `${whom} answered: ${url}\nTenancy ${tenancyId}, home region ${gateway.homeRegion}.`;
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    throw new StartError(`${error.message}\n${adviseOn(error)}`);
  }
};

/** What to do about a probe that failed. */
const adviseOn = ({ code, failure: { status } }: UpstreamError): string => {
  switch (code) {
    case 'UNAUTHENTICATED':
      return 'Compare fingerprint, user, tenancy and key with what the Console shows under API keys of that user, and the clock of this machine with the time.';
    case 'FORBIDDEN':
    case 'NOT_FOUND':
      return 'The credential was accepted, but no policy lets it list work requests in its tenancy: ask an administrator for one, such as `allow group GatewayReaders to read work-requests in tenancy`. The region may also be the wrong one for IAM: OCI_HOME_REGION.';
    case 'UPSTREAM_UNAVAILABLE':
      return status === null
        ? 'There is no route to it: check DNS, proxy and firewall, the region, and OCI_ENDPOINT_TEMPLATE if it is set.'
        : 'The service itself is in trouble: try again later.';
    case 'UPSTREAM_TIMEOUT':
      return 'Something on the way swallows the call, or is slow: check proxy and firewall, or raise UPSTREAM_DEADLINE_MS.';
    case 'UPSTREAM_THROTTLED':
      return 'The tenancy makes more calls than Oracle allows: try again later.';
    default:
      return 'What answered is not Oracle Cloud, or not this API of it: check proxies, and OCI_ENDPOINT_TEMPLATE if it is set.';
  }
};
