/**
 * How much of the gateway one caller, and one address, may have at the same time: sockets, subscriptions, requests a second, memory of
 * operations. One place for all doors; what is counted per what, and why: docs/decisions/limits.md.
 */
import { LRUCache } from 'lru-cache';
import { BusyError, LimitError } from '../errors.ts';
import type { Limit } from '../errors.ts';
import type { Caller } from './callers.ts';
import type { Overload } from './overload.ts';

/** Infinity: no limit. */
export interface QuotaLimits {
  /** WebSockets and event streams that are open from one address. */
  readonly addressSockets: number;
  /** The same of one caller. */
  readonly callerSockets: number;
  /** Over all its sockets and streams, and waits. */
  readonly callerSubscriptions: number;
  /** Operations a second; at once it may be twice as many. */
  readonly callerRps: number;
  /** What the operations take that a caller has open on sockets and streams, roughly: distinct documents take many times their text. */
  readonly callerOperationsBytes: number;
}

export const defaultQuotaLimits: QuotaLimits = {
  addressSockets: 20_000,
  callerSockets: Infinity,
  callerSubscriptions: Infinity,
  callerRps: Infinity,
  callerOperationsBytes: 256 * 1024 * 1024,
};

/** Gives back what was taken; to be called once. */
export type Release = () => void;

/** What one operation takes of its caller's, until it is released. */
export interface Share {
  /** Its document is known, and it is about to begin. @returns why it must not; null: it may */
  take(document: CountedDocument, isSubscription: boolean): LimitError | null;
  /** May be called more than once. */
  release(): void;
}

/** A parsed document: the same object for all who have the same text. */
export interface CountedDocument {
  readonly tokenCount?: number | undefined;
}

/** `account`: see `accountOf`. What they return instead of taking it is to be told to the caller. */
export interface Quotas {
  openSocket(address: string): Release | LimitError;
  openCallerSocket(account: string): Release | LimitError;
  /** One more operation. */
  takeTurn(account: string): LimitError | null;
  /** @param bytes of its text, with variables */
  begin(account: string, bytes: number): Share;
}

/** Whose limits are meant: the token's subject, or, without tokens, whoever has this address. */
export function accountOf({ subject }: Caller, address: string): string {
  return subject ?? address;
}

/** For what counts as a subscription and is none: it has no document of its own. */
export function holdRoom(quotas: Quotas, account: string): Release | LimitError {
  const share = quotas.begin(account, 0);
  const refusal = share.take({}, true);
  if (refusal !== null) share.release();
  return refusal ?? (() => share.release());
}

/** Times of accounts beyond these, the longest unused, are forgotten; they would all have to come again within two seconds to gain by it. */
const maxPaces = 10_000;
/** Of a parsed document, its plan included: 450 to 500 were measured. */
const bytesPerToken = 500;

/**
 * @param now in milliseconds, never jumps
 * @param overload whether there is room for anybody's subscription
 */
export function createQuotas(
  limits: QuotaLimits,
  now: () => number,
  overload?: Pick<Overload, 'enter'>,
): Quotas {
  const house: House = { limits, overload, everybody: new OpenDocuments() };
  const ofAddresses = new Map<string, number>();
  const accounts = new Map<string, Account>();
  const paces = new LRUCache<string, { isFreeAt: number }>({ max: maxPaces });
  const turnMs = 1_000 / limits.callerRps;
  const aheadMs = 2 * 1_000 - turnMs;

  const accountFor = (key: string): Account => {
    const found = accounts.get(key);
    if (found !== undefined) return found;
    const made = new Account(() => {
      if (accounts.get(key) === made) accounts.delete(key);
    });
    accounts.set(key, made);
    return made;
  };

  return {
    openSocket(address) {
      const open = ofAddresses.get(address) ?? 0;
      if (open >= limits.addressSockets)
        return tooManySockets('MAX_ADDRESS_SOCKETS', limits.addressSockets, 'from this address');
      ofAddresses.set(address, open + 1);
      return () => {
        const left = (ofAddresses.get(address) ?? 1) - 1;
        if (left > 0) ofAddresses.set(address, left);
        else ofAddresses.delete(address);
      };
    },

    openCallerSocket(key) {
      const account = accountFor(key);
      if (account.sockets >= limits.callerSockets)
        return tooManySockets('MAX_CALLER_SOCKETS', limits.callerSockets, 'of this caller');
      account.sockets += 1;
      return () => {
        account.sockets -= 1;
        account.forgetIfIdle();
      };
    },

    /** A bucket of tokens, told by the time when it is full again. */
    takeTurn(key) {
      if (turnMs === 0) return null;
      const time = now();
      let pace = paces.get(key);
      if (pace === undefined) paces.set(key, (pace = { isFreeAt: time }));
      const waitMs = pace.isFreeAt - aheadMs - time;
      if (waitMs > 0) return tooFast(limits.callerRps, Math.ceil(waitMs));
      pace.isFreeAt = Math.max(pace.isFreeAt, time) + turnMs;
      return null;
    },

    begin: (key, bytes) => new OpenShare(house, accountFor(key), bytes),
  };
}

/** That operations have open: each is counted once, as it is there once. */
class OpenDocuments {
  readonly #users = new Map<CountedDocument, number>();
  #bytes = 0;

  /** What this one adds. */
  bytesOf(document: CountedDocument): number {
    return this.#users.has(document) ? 0 : sizeOf(document);
  }

  /** If this one were open too. */
  bytesWith(document: CountedDocument): number {
    return this.#bytes + this.bytesOf(document);
  }

  add(document: CountedDocument): void {
    this.#bytes = this.bytesWith(document);
    this.#users.set(document, (this.#users.get(document) ?? 0) + 1);
  }

  leave(document: CountedDocument): void {
    const users = (this.#users.get(document) ?? 1) - 1;
    if (users > 0) return void this.#users.set(document, users);
    this.#users.delete(document);
    this.#bytes -= sizeOf(document);
  }
}

/** Known while it has anything open. */
class Account {
  readonly #forget: () => void;
  sockets = 0;
  subscriptions = 0;
  /** Of messages. */
  bytes = 0;
  readonly documents = new OpenDocuments();

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  forgetIfIdle(): void {
    if (this.sockets === 0 && this.bytes === 0) this.#forget();
  }
}

interface House {
  readonly limits: QuotaLimits;
  readonly everybody: OpenDocuments;
  readonly overload: Pick<Overload, 'enter'> | undefined;
}

/** A class, as there is one for each subscription. */
class OpenShare implements Share {
  readonly #house: House;
  readonly #account: Account;
  #bytes: number;
  #document: CountedDocument | null = null;
  #isSubscription = false;

  constructor(house: House, account: Account, bytes: number) {
    this.#house = house;
    this.#account = account;
    // Never nothing: an account with an operation is not forgotten.
    this.#bytes = bytes + 1;
    account.bytes += this.#bytes;
  }

  take(document: CountedDocument, isSubscription: boolean): LimitError | null {
    // Whoever asked has left meanwhile.
    if (this.#bytes === 0) return null;
    const refusal = this.#findRefusal(document, isSubscription);
    if (refusal !== null) return refusal;
    for (const documents of [this.#account.documents, this.#house.everybody]) documents.add(document);
    if (isSubscription) this.#account.subscriptions += 1;
    this.#document = document;
    this.#isSubscription = isSubscription;
    return null;
  }

  #findRefusal(document: CountedDocument, isSubscription: boolean): LimitError | null {
    const { limits, everybody, overload } = this.#house;
    const { subscriptions, bytes, documents } = this.#account;
    if (isSubscription && subscriptions >= limits.callerSubscriptions)
      return tooManySubscriptions(limits.callerSubscriptions);
    if (bytes + documents.bytesWith(document) > limits.callerOperationsBytes)
      return tooLarge(limits.callerOperationsBytes);
    if (!isSubscription) return null;
    return overload?.enter({ own: everybody.bytesOf(document), all: everybody.bytesWith(document) }) ?? null;
  }

  release(): void {
    const account = this.#account;
    if (this.#bytes === 0) return;
    account.bytes -= this.#bytes;
    this.#bytes = 0;
    if (this.#isSubscription) account.subscriptions -= 1;
    if (this.#document !== null)
      for (const documents of [account.documents, this.#house.everybody]) documents.leave(this.#document);
    this.#document = null;
    account.forgetIfIdle();
  }
}

function sizeOf({ tokenCount = 0 }: CountedDocument): number {
  return tokenCount * bytesPerToken;
}

/** Short enough for the reason of a WebSocket's end. */
function tooManySockets(limit: Limit, most: number, whose: string): LimitError {
  return new LimitError(
    limit,
    `More than ${most} WebSockets and event streams ${whose} (${limit}): try again later.`,
  );
}

function tooFast(callerRps: number, waitMs: number): LimitError {
  const message = `More than ${callerRps} operations a second from this caller (MAX_CALLER_RPS): try again in ${waitMs} ms.`;
  return new BusyError('MAX_CALLER_RPS', message, waitMs);
}

function tooManySubscriptions(callerSubscriptions: number): LimitError {
  const message = `This caller has ${callerSubscriptions} subscriptions and waits open, the most that one may have (MAX_CALLER_SUBSCRIPTIONS): complete some, or watch a list with one.`;
  return new LimitError('MAX_CALLER_SUBSCRIPTIONS', message);
}

function tooLarge(callerOperationsBytes: number): LimitError {
  const mebibytes = Math.ceil(callerOperationsBytes / 1024 / 1024);
  const message = `The operations that this caller has open are too large together, more than some ${mebibytes} MiB (MAX_CALLER_OPERATIONS_MIB): use one document with variables, or complete some.`;
  return new LimitError('MAX_CALLER_OPERATIONS_MIB', message);
}
