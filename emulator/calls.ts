/** Every call that the emulated APIs received, in a ring, so that tests can count how upstream was asked. */
export interface Call {
  readonly sequence: number;
  readonly at: string;
  readonly method: string;
  readonly url: string;
  readonly region: string | null;
  readonly package: string | null;
  /** Key of the API; null for parents and for what no API answers. */
  readonly service: string | null;
  /** `get`, `list`, `errors`, `logs`, `cancel`, or a parent's operation, e.g. `listLoadBalancers`. */
  readonly operation: string | null;
  readonly workRequestId: string | null;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  /** Parameters that the operation does not declare; the real services ignore such. */
  readonly undeclaredQuery: readonly string[];
  /** Null until it was answered, and for good when it never was. */
  status: number | null;
  faultId: string | null;
  isAborted: boolean;
}

/** What is known of a call before it is answered. */
export type ReceivedCall = Omit<Call, 'sequence' | 'status' | 'faultId' | 'isAborted'>;

export interface CallFilter {
  readonly service?: string | undefined;
  readonly region?: string | undefined;
  readonly package?: string | undefined;
  readonly operation?: string | undefined;
  readonly workRequestId?: string | undefined;
  readonly compartmentId?: string | undefined;
  readonly status?: number | undefined;
  /** Only calls with a greater sequence number. */
  readonly since?: number | undefined;
}

export interface Calls {
  record(call: ReceivedCall): Call;
  find(filter?: CallFilter): readonly Call[];
  /** All since the start or the last clearing, those that left the ring included. */
  total(): number;
  clear(): void;
}

export function createCalls(capacity = 50_000): Calls {
  let ring: Call[] = [];
  let sequence = 0;
  let total = 0;
  return {
    record: (call) => {
      const recorded: Call = {
        ...call,
        sequence: (sequence += 1),
        status: null,
        faultId: null,
        isAborted: false,
      };
      ring.push(recorded);
      total += 1;
      // Cut now and then, not at each call.
      if (ring.length >= capacity * 1.25) ring = ring.slice(-capacity);
      return recorded;
    },
    find: (filter = {}) => ring.slice(-capacity).filter((call) => matches(call, filter)),
    total: () => total,
    clear: () => {
      ring = [];
      total = 0;
    },
  };
}

function matches(call: Call, filter: CallFilter): boolean {
  const { since, compartmentId, ...plain } = filter;
  if (since !== undefined && call.sequence <= since) return false;
  if (compartmentId !== undefined && call.query['compartmentId'] !== compartmentId) return false;
  return Object.entries(plain).every(
    ([name, value]) => value === undefined || call[name as keyof typeof plain] === value,
  );
}
