/** How the list's tests ask: one page, or all of them. */
import type { Answer, Json, TestGateway, Transport } from '../support/gateway.ts';

export interface ListedNode {
  readonly id: string;
  readonly workRequestId: string;
  readonly status: string;
  readonly region: string;
  readonly service: { readonly name: string };
}

export interface ListedFailure {
  readonly service: string | null;
  readonly region: string | null;
  readonly compartmentId: string | null;
  readonly code: string;
  readonly message: string;
  readonly isRetryable: boolean;
  readonly opcRequestId: string | null;
}

export interface ListedPage<Node = ListedNode> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly failures: readonly ListedFailure[];
}

export type Listed<Node = ListedNode> = Answer<{ readonly workRequests: ListedPage<Node> | null }>;

const variables = `$compartmentId: String!, $includeSubcompartments: Boolean, $services: [ServiceName!], $regions: [String!],
  $filter: WorkRequestFilter, $first: Int, $after: String, $orderBy: WorkRequestOrder`;
const args = variables.replaceAll(/\$(\w+): [^,]+/g, '$1: $$$1');

/** What every list item holds. */
export const listFields = 'id workRequestId status region service { name }';

export const documentFor = (fields: string): string => `query(${variables}) {
  workRequests(${args}) {
    nodes { ${fields} }
    pageInfo { hasNextPage endCursor }
    failures { service region compartmentId code message isRetryable opcRequestId }
  }
}`;

export const askList = <Node = ListedNode>(
  house: TestGateway,
  asked: Json,
  {
    fields = listFields,
    transport = 'http',
  }: { readonly fields?: string; readonly transport?: Transport } = {},
): Promise<Listed<Node>> => house.query(documentFor(fields), asked, { transport });

/** One page of an answer that has to be one. */
export const listPage = async <Node = ListedNode>(
  house: TestGateway,
  asked: Json,
  options: { readonly fields?: string; readonly transport?: Transport } = {},
): Promise<ListedPage<Node>> => {
  const { data, errors } = await askList<Node>(house, asked, options);
  if (!data?.workRequests || errors) throw new Error(`no page came: ${JSON.stringify(errors)}`);
  return data.workRequests;
};

/** All pages, up to a bound; `between` is called after each. */
export const listAll = async (
  house: TestGateway,
  asked: Json,
  between: (page: ListedPage) => void = () => {},
): Promise<readonly ListedNode[]> => {
  const nodes: ListedNode[] = [];
  let after = asked['after'] ?? null;
  for (let count = 0; count < 200; count += 1) {
    const page: ListedPage = await listPage(house, { ...asked, after });
    nodes.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return nodes;
    after = page.pageInfo.endCursor;
    between(page);
  }
  throw new Error('the pages do not end');
};

export const idsOf = (nodes: readonly ListedNode[]): readonly string[] =>
  nodes.map(({ workRequestId }) => workRequestId);
