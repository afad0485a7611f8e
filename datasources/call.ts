/** What travels through the layers of `http.ts`. Types only. */
import type { Span } from '@opentelemetry/api';
import type { Credential } from './signer.ts';
import type { Mark, Meter, UpstreamAnswer, UpstreamRequest } from './types.ts';

/** One call with all its attempts. */
export interface Call {
  readonly request: UpstreamRequest;
  /** Host and port, as signed and sent. */
  readonly host: string;
  /** Path and query, as signed and sent. */
  readonly target: string;
  /** `opc-request-id` of all its attempts; Oracle's answer repeats it inside a longer one. */
  readonly requestId: string;
  /** When the total time is up, in milliseconds since the epoch. */
  readonly endsAt: number;
  /** Whose budget it spends: (credential, service, region). */
  readonly budgetKey: string;
  /** Shared with calls of the same word only; '': everybody's. */
  readonly apart: string;
  /** Its first attempt had its turn already. */
  readonly hasTurn: boolean;
  /** HTTP requests sent so far. */
  attempts: number;
  /** Of the operation that caused it; polls and start-up have none. */
  readonly meter: Meter | undefined;
  /** Whose it is; undefined: nobody's, as with polls. Who shares it has another. */
  readonly mark: Mark | undefined;
  /** null: nobody traces. */
  span: Span | null;
  /** Of the last attempt. */
  credential: Credential | null;
}

export type Send = (call: Call) => Promise<UpstreamAnswer>;
export type Interceptor = (next: Send) => Send;
