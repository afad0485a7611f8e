/** How events are worded: one function for each thing that can be told. Times are milliseconds since the epoch. */
import type { Place } from '../datasources/discovery.ts';
import type { WorkRequest } from '../datasources/types.ts';
import type { GapReason, Told } from './events.ts';

/** Oracle Cloud forgets a work request after this time. */
const retentionMs = 12 * 60 * 60 * 1000;

export const snapshotOf = (workRequest: WorkRequest, isFresh: boolean): Told =>
  tell('SNAPSHOT', isFresh ? workRequest : { ...workRequest, isStale: true });

export const changedOf = (
  before: WorkRequest,
  after: WorkRequest,
  { isProgress }: Pick<Told, 'isProgress'>,
): Told => ({ ...tell('CHANGED', after), previousStatus: before.status, isProgress });

export const finishedOf = (before: WorkRequest, after: WorkRequest): Told => ({
  ...tell('FINISHED', after),
  previousStatus: before.status,
});

/** All SNAPSHOTs were told. */
export const synced: Told = {
  type: 'SYNCED',
  workRequest: null,
  previousStatus: null,
  nextPollAt: null,
  gap: null,
  isProgress: false,
};

const added = new WeakMap<Told, Told>();

/** The state in an event as the first sight of it: the same object for the same event. */
export const addedOf = (event: Told): Told => {
  const known = added.get(event);
  if (known) return known;
  const made: Told = { ...event, type: 'ADDED', previousStatus: null, isProgress: false };
  added.set(event, made);
  return made;
};

export const absenceOf = (now: number): Told =>
  gap('NOT_FOUND', null, null, now, 'There is no such work request, or the gateway may not read it.');

/** It was there, and lastingly is not: forgotten, if it is old enough for that. */
export const goneOf = (known: WorkRequest, seenAt: number | null, now: number): Told => {
  const bornAt = (known.timeAccepted ?? known.timeStarted)?.getTime() ?? null;
  // Upstream's clock may be ahead of ours.
  const age = bornAt === null ? 0 : Math.max(now, known.timeUpdated?.getTime() ?? 0) - bornAt;
  return age > retentionMs
    ? gap(
        'RETENTION',
        known,
        seenAt,
        now,
        'Oracle Cloud keeps work requests for twelve hours; this one is over them.',
      )
    : gap(
        'NOT_FOUND',
        known,
        seenAt,
        now,
        'Oracle Cloud knows this work request no more, asked three times.',
      );
};

export const refusalOf = (known: WorkRequest | null, seenAt: number | null, now: number): Told =>
  gap('FORBIDDEN', known, seenAt, now, 'Oracle Cloud does not let the gateway read this work request.');

export const silenceOf = (known: WorkRequest | null, seenAt: number | null, now: number): Told =>
  gap(
    'UPSTREAM_SILENT',
    known,
    seenAt,
    now,
    'Oracle Cloud has not answered for a while; the gateway keeps asking.',
  );

/** About a list: the work requests in it are not told of, nor what is added. */
export const listAbsenceOf = (place: Place, now: number): Told =>
  listGap('NOT_FOUND', place, null, now, 'knows no such compartment, or does not let the gateway list in it');

export const listRefusalOf = (place: Place, now: number): Told =>
  listGap('FORBIDDEN', place, null, now, 'does not let the gateway list');

export const listSilenceOf = (place: Place, answeredAt: number | null, now: number): Told =>
  listGap('UPSTREAM_SILENT', place, answeredAt, now, 'has not answered for a while');

export const compartmentAbsenceOf = ({ compartmentId }: Pick<Place, 'compartmentId'>, now: number): Told =>
  gap(
    'NOT_FOUND',
    null,
    null,
    now,
    `No service knows compartment ${compartmentId}, or the gateway may not list in it. It is asked again, rarely.`,
  );

const listGap = (reason: GapReason, place: Place, from: number | null, now: number, what: string): Told => {
  const { service, region, compartmentId } = place;
  const message = `${service} in ${region} ${what} (compartment ${compartmentId}): what is in its list is missing until it answers. The gateway keeps asking.`;
  return { ...gap(reason, null, from, now, message), place };
};

/** Ends the feed of a subscriber that did not read; `told` is what found no room. */
export const overflowOf = (told: Told, now: number): Told =>
  gap(
    'OVERFLOW',
    told.workRequest,
    null,
    now,
    'Too many changes wait to be read, so this subscription ends. Subscribe again for the present state.',
  );

const tell = (type: Told['type'], workRequest: WorkRequest | null): Told => ({
  type,
  workRequest,
  previousStatus: null,
  nextPollAt: null,
  gap: null,
  isProgress: false,
});

const gap = (
  reason: GapReason,
  workRequest: WorkRequest | null,
  from: number | null,
  to: number,
  message: string,
): Told => ({
  ...tell('GAP', workRequest),
  gap: { reason, from: from === null ? null : new Date(from), to: new Date(to), message },
});
