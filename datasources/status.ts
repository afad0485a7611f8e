/**
 * Seventeen status words occur upstream; this one table folds them to ours. Words are compared as they are: a word in
 * another letter case is another word, and what the table does not know is UNKNOWN.
 */
export const statusOfWord = {
  ACCEPTED: 'ACCEPTED',
  CREATED: 'ACCEPTED', // Management Agent: before ACCEPTED
  IN_PROGRESS: 'IN_PROGRESS',
  INPROGRESS: 'IN_PROGRESS', // Data Flow
  WAITING: 'WAITING',
  NEEDS_ATTENTION: 'NEEDS_ATTENTION',
  SUSPENDING: 'SUSPENDING',
  SUSPENDED: 'SUSPENDED',
  CANCELING: 'CANCELING',
  CANCELLING: 'CANCELING',
  CANCELED: 'CANCELED',
  CANCELLED: 'CANCELED',
  SUCCEEDED: 'SUCCEEDED',
  COMPLETED: 'SUCCEEDED', // Object Storage
  PARTIALLY_SUCCEEDED: 'PARTIALLY_SUCCEEDED',
  FAILED: 'FAILED',
  SKIPPED: 'SKIPPED', // OS Management Hub
} as const;

export type KnownStatusWord = keyof typeof statusOfWord;
export type WorkRequestStatus = (typeof statusOfWord)[KnownStatusWord] | 'UNKNOWN';

const words = new Map<string, WorkRequestStatus>(Object.entries(statusOfWord));

export const foldStatus = (word: string): WorkRequestStatus => words.get(word) ?? 'UNKNOWN';

const terminalStatuses: ReadonlySet<WorkRequestStatus> = new Set([
  'SUCCEEDED',
  'PARTIALLY_SUCCEEDED',
  'FAILED',
  'CANCELED',
  'SKIPPED',
]);

const cancelableStatuses: ReadonlySet<WorkRequestStatus> = new Set([
  'ACCEPTED',
  'IN_PROGRESS',
  'WAITING',
  'NEEDS_ATTENTION',
  'SUSPENDED',
]);

export interface Progress {
  readonly status: WorkRequestStatus;
  readonly timeFinished: Date | null;
}

/** Whether the status word alone says that nothing will change any more. */
export const isTerminalStatus = (status: WorkRequestStatus): boolean => terminalStatuses.has(status);

/** `timeFinished` ends a work request too, whatever its word (Oracle's own waiters look at nothing else). */
export const isTerminal = ({ status, timeFinished }: Progress): boolean =>
  timeFinished !== null || terminalStatuses.has(status);

export const isCancelable = (progress: Progress): boolean =>
  cancelableStatuses.has(progress.status) && !isTerminal(progress);
