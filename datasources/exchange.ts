/**
 * One HTTP exchange on a pool: bytes out, bytes in, within a total time and a size. Knows nothing of Oracle Cloud.
 *
 * Written on undici's dispatch API: the deadline covers connecting, waiting for a connection, headers and body
 * together (undici's own `bodyTimeout` never fires on a slow drip), and costs one timer.
 */
import type { Dispatcher } from 'undici';

export interface ExchangeRequest {
  readonly method: 'GET' | 'DELETE';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** `deadline`: time is up · `refused`: no answer began · `cut`: it began and broke off · `oversized`: it did not stop. */
export type ExchangeFailureKind = 'deadline' | 'refused' | 'cut' | 'oversized';

export class ExchangeFailure extends Error {
  readonly kind: ExchangeFailureKind;
  /** Of an answer that began. */
  readonly headers: Record<string, string>;

  constructor(kind: ExchangeFailureKind, headers: Record<string, string>, cause?: unknown) {
    super(kind, { cause });
    this.name = 'ExchangeFailure';
    this.kind = kind;
    this.headers = headers;
  }
}

/** @throws ExchangeFailure */
export function exchange(dispatcher: Dispatcher, request: ExchangeRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const handler = new AnswerHandler(request, resolve, reject);
    dispatcher.dispatch({ method: request.method, path: request.path, headers: request.headers }, handler);
  });
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #maxBytes: number;
  readonly #resolve: (answer: RawAnswer) => void;
  readonly #reject: (failure: ExchangeFailure) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: Record<string, string> = {};
  #controller: Dispatcher.DispatchController | undefined;
  /** Set once the outcome is decided; whatever undici reports afterwards is only the echo of our own abort. */
  #isDone = false;

  constructor(
    request: ExchangeRequest,
    resolve: (answer: RawAnswer) => void,
    reject: (failure: ExchangeFailure) => void,
  ) {
    this.#maxBytes = request.maxBytes;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#stop('deadline'), request.timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The time was up while the request still stood in the pool's queue.
    if (this.#isDone) controller.abort(new Error('too late'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    for (const name in headers) {
      const value = headers[name];
      if (value !== undefined) this.#headers[name] = typeof value === 'string' ? value : value.join(', ');
    }
    if (Number(this.#headers['content-length']) > this.#maxBytes) this.#stop('oversized');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.#stop('oversized');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#isDone) this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#isDone) this.#fail(this.#status === 0 ? 'refused' : 'cut', error);
  }

  #stop(kind: ExchangeFailureKind): void {
    if (this.#isDone) return;
    this.#fail(kind);
    this.#controller?.abort(new Error(kind));
  }

  #fail(kind: ExchangeFailureKind, cause?: unknown): void {
    // An error's status says all that matters; a damaged body costs only its explanation.
    if (this.#status >= 400) {
      this.#finish();
      return;
    }
    this.#isDone = true;
    clearTimeout(this.#timer);
    this.#reject(new ExchangeFailure(kind, this.#headers, cause));
  }

  #finish(): void {
    this.#isDone = true;
    clearTimeout(this.#timer);
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, body: bytes.toString('utf8') });
  }
}
