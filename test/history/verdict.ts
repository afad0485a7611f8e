/**
 * What a run has to look like, by CONTRACT §6 alone: nothing here asks the implementation. Each rule that is broken is
 * one complaint.
 */
import { catalog } from '../../datasources/catalog.ts';
import type { ListScope } from '../../datasources/list-watch.ts';
import type { WatchEvent } from '../../subscriptions/events.ts';
import type { Entry } from './log.ts';
import type { Run } from './run.ts';
import { parentOf } from './scene.ts';
import type { Plot } from './scene.ts';
import { isOver, jumpsWithin, knownAt, toleranceMs } from './story.ts';
import type { Complain, Complaint, Look, Placed, Received, Seen, Story, Subscriber } from './story.ts';
import { truthOf } from './truth.ts';
import type { Version } from './truth.ts';
import { judgeTurns } from './verdict-turns.ts';
import { judgeWait } from './verdict-waits.ts';

export const judge = (run: Run): readonly Complaint[] => {
  const complaints: Complaint[] = [];
  const complain: Complain = (rule, what, place = {}) =>
    void complaints.push({ rule, what, plot: null, who: null, at: run.closedAt, ...place });
  const subscribers = subscribersIn(run);
  const looks = looksIn(run.entries);
  const stories = [...run.scene.plots.keys()].map((plot) => storyOf(run, plot, looks, subscribers));
  for (const story of stories) {
    const { plot } = story;
    for (const subscriber of story.subscribers) {
      const tell: Complain = (rule, what, place) =>
        complain(rule, what, { plot, who: subscriber.who, at: subscriber.ended.at, ...place });
      if (subscriber.isWait) {
        judgeWait(run, story, subscriber, tell);
        continue;
      }
      judgeForm(subscriber, tell);
      judgeStates(story, subscriber, tell);
      judgeCoverage(story, subscriber, tell);
      judgeAbsence(run, story, subscriber, tell);
      if (subscriber.isOfList) continue;
      judgeSilence(run, story, subscriber, tell);
      judgeOverflow(run, story, subscriber, tell);
      judgeEnd(run, story, subscriber, tell);
    }
    const tell: Complain = (rule, what, place) => complain(rule, what, { plot, ...place });
    judgeLooks(run, story, tell);
    judgeTurns(run, story, tell);
  }
  judgeLists(run, stories, subscribers, complain);
  judgeRate(run, complain);
  if (run.leftovers.watchers > 0) complain('nothing is left', `${run.leftovers.watchers} watchers run on`);
  if (run.leftovers.sleepers > 0) complain('nothing is left', `${run.leftovers.sleepers} timers run on`);
  return complaints;
};

// ─── what happened, put in order ───

const subscribersIn = (run: Run): readonly Subscriber[] => {
  const { entries, scene, closedAt } = run;
  return entries.flatMap((join, index): Subscriber[] => {
    if (join.kind !== 'join' && join.kind !== 'joinList' && join.kind !== 'wait') return [];
    const { who, at } = join;
    const own = entries.flatMap((entry, place) =>
      place > index && 'who' in entry && entry.who === who ? [{ ...entry, index: place }] : [],
    );
    const end = own.find(
      ({ kind }) => kind === 'leave' || kind === 'done' || kind === 'error' || kind === 'waited',
    );
    const how = end?.kind === 'done' ? 'done' : end?.kind === 'error' ? 'error' : 'left';
    const act = scene.acts.find((one) => 'reader' in one && one.who === who);
    const subscriber = {
      who,
      isWait: join.kind === 'wait',
      isOfList: join.kind === 'joinList',
      reader: act && 'reader' in act ? act.reader : ({ kind: 'late' } as const),
      joined: { index, at },
      ended: { index: end?.index ?? entries.length, at: end?.at ?? closedAt, how },
    } as const;
    const events = own.flatMap((entry): Received[] =>
      entry.kind === 'event'
        ? [{ index: entry.index, at: entry.at, event: entry.event, version: markOf(entry.event) }]
        : [],
    );
    if (join.kind !== 'joinList') return [{ ...subscriber, plot: join.plot, events }];
    // Of a list: what it was told of each work request there, as if it had subscribed to that.
    return [...scene.plots.entries()].flatMap(([plot, one]) =>
      isIn(join.scope, one)
        ? [{ ...subscriber, plot, events: events.filter((one) => plotOf(run, one) === plot).map(asSingle) }]
        : [],
    );
  });
};

/** Whether it is in the place of a list, filter aside. */
const isIn = (scope: ListScope, { service, region, compartmentId }: Plot): boolean =>
  scope.services.includes(service) &&
  (scope.regions?.includes(region) ?? true) &&
  (compartmentId === scope.compartmentId ||
    (scope.includeSubcompartments && parentOf[compartmentId] === scope.compartmentId));

/** Whether a filter lets in what is in this version. */
const isWanted = (
  { filter }: ListScope,
  truth: readonly Version[],
  version: number,
  startedAt: number,
): boolean => {
  const { statuses, isTerminal, acceptedAfter } = filter;
  const state = truth[version];
  const acceptedAt = startedAt + (truth[0]?.at ?? 0);
  return (
    state !== undefined &&
    (statuses == null || statuses.some((status) => status === state.status)) &&
    (isTerminal == null || isTerminal === isOver(state)) &&
    (acceptedAfter == null || acceptedAt >= acceptedAfter.getTime())
  );
};

const plotOf = (run: Run, { event: { workRequest } }: Received): number =>
  run.lives.findIndex(({ id }) => id === workRequest?.ref.workRequestId);

const asSingle = (received: Received): Received =>
  received.event.type === 'ADDED'
    ? { ...received, event: { ...received.event, type: 'SNAPSHOT' } }
    : received;

const looksIn = (entries: readonly Entry[]): readonly Look[] => {
  const ends = new Map(
    entries.flatMap((entry, index) => (entry.kind === 'looked' ? [[entry.look, { ...entry, index }]] : [])),
  );
  return entries.flatMap((entry, index) => {
    if (entry.kind !== 'look') return [];
    const end = ends.get(entry.look);
    return [
      {
        plot: entry.plot,
        from: { index, at: entry.at },
        to: end ? { index: end.index, at: end.at } : null,
        found: end?.found ?? 'pending',
      },
    ];
  });
};

const storyOf = (
  run: Run,
  plot: number,
  looks: readonly Look[],
  subscribers: readonly Subscriber[],
): Story => {
  const life = run.lives[plot];
  const scene = run.scene.plots[plot];
  if (life === undefined || scene === undefined) throw new Error(`no plot ${plot}`);
  const seen = run.entries.flatMap((entry, index): Seen[] =>
    entry.kind === 'state' && entry.plot === plot
      ? [
          {
            index,
            at: entry.at,
            version: entry.version,
            retryAfterMs: entry.retryAfterMs,
            isWhole: entry.origin === 'get' || catalog[scene.service].listLacks.size === 0,
          },
        ]
      : [],
  );
  let newest = -1;
  let newestWhole = -1;
  const news = seen.filter((one) => {
    const isNews = one.version >= newest && one.version > (one.isWhole ? newestWhole : newest);
    newest = Math.max(newest, one.version);
    if (one.isWhole) newestWhole = Math.max(newestWhole, one.version);
    return isNews;
  });
  const truth = truthOf(life, run.startedAt);
  const percents = percentsOf(truth, seen);
  return {
    plot,
    truth,
    seen,
    news,
    percents,
    looks: looks.filter((look) => look.plot === plot),
    subscribers: subscribers
      .filter((subscriber) => subscriber.plot === plot)
      .map((subscriber) => withVersions({ truth, seen, percents }, subscriber)),
  };
};

const percentsOf = (truth: readonly Version[], seen: readonly Seen[]): ReadonlyMap<number, number> => {
  const percents = new Map<number, number>();
  let newest: number | null = null;
  let floor = 0;
  for (const { version } of seen) {
    if (newest !== null && version < newest) continue;
    const isResumed = newest !== null && isSuspended(truth[newest]) && !isSuspended(truth[version]);
    floor = Math.max(isResumed ? 0 : floor, truth[version]?.percent ?? 0);
    percents.set(version, floor);
    newest = version;
  }
  return percents;
};

const isSuspended = (version: Version | undefined): boolean => version?.status.startsWith('SUSPEND') === true;

const markOf = ({ workRequest }: WatchEvent): number => Number(workRequest?.extras['version'] ?? -1);

/**
 * What an event tells is as new as its progress; its details may be older than that where the newest was seen in a list
 * without them, or before the watch began.
 */
const withVersions = (
  { truth, seen, percents }: Pick<Story, 'truth' | 'seen' | 'percents'>,
  subscriber: Subscriber,
): Subscriber => {
  let last = { mark: -1, version: -1 };
  const events = subscriber.events.map((received) => {
    const { event, version: mark, index } = received;
    if (event.workRequest === null) return received;
    const { rawStatus, percentComplete, isTerminal } = event.workRequest;
    const fits = (version: number): boolean =>
      truth[version]?.rawStatus === rawStatus &&
      isOver(truth[version]) === isTerminal &&
      (truth[version]?.percent === null || percents.get(version) === percentComplete);
    const newer = seen.filter((one) => one.version > mark && fits(one.version));
    const before = newer.filter((one) => one.index < subscriber.joined.index && event.type === 'SNAPSHOT');
    const since = newer.filter(
      (one) =>
        one.index > subscriber.joined.index &&
        one.index < index &&
        !one.isWhole &&
        one.version >= last.version,
    );
    const isSame = mark < last.version && fits(last.version);
    // The details stayed, so the news is how far it is.
    const isProgress = mark === last.mark && event.type === 'CHANGED';
    // What looks the same may have come again since: it is that where something else was known in between.
    const alike = Math.max(mark, ...before.map((one) => one.version));
    const isAgain =
      event.type === 'SNAPSHOT' &&
      seen.some((one) => one.index < subscriber.joined.index && one.version > alike) &&
      since.length > 0;
    const next = since.filter((one) => one.version > last.version).map((one) => one.version);
    const version =
      before.length > 0 && !isAgain
        ? alike
        : isProgress && next.length > 0
          ? Math.min(...next)
          : isSame && !isAgain
            ? last.version
            : (fits(mark) && !isAgain) || since.length === 0
              ? mark
              : Math.min(...since.map((one) => one.version));
    last = { mark, version };
    return { ...received, version };
  });
  return { ...subscriber, events };
};

const isState = ({ event }: Received): boolean => event.type !== 'GAP' && event.workRequest !== null;
const isEnding = ({ event: { type, gap } }: Received): boolean =>
  type === 'FINISHED' || (type === 'GAP' && gap?.reason !== 'UPSTREAM_SILENT');
// ─── the rules ───

/** Numbers, order of types, and nothing after the end. */
const judgeForm = ({ events, isOfList }: Subscriber, complain: Complain): void => {
  let isOpen = true;
  let isLost = false;
  let hasSnapshot = false;
  let previous: string | null = null;
  for (const [place, received] of events.entries()) {
    const { event, at } = received;
    const name = `${event.type} ${event.gap?.reason ?? event.workRequest?.status ?? ''}`;
    if (event.sequence !== place + 1 && !isOfList)
      complain('sequence', `${name} is number ${event.sequence}, not ${place + 1}`, { at });
    // What was lost and is in its list again begins anew.
    if (isOfList && isLost && event.type === 'SNAPSHOT') {
      isOpen = true;
      hasSnapshot = false;
    }
    if (!isOpen) complain('nothing after the end', name, { at });
    if (event.type === 'GAP') {
      if (!hasSnapshot && event.workRequest !== null && event.gap?.reason !== 'OVERFLOW')
        complain('SNAPSHOT first', `${name} about something before its SNAPSHOT`, { at });
    } else {
      if ((event.type === 'SNAPSHOT') === hasSnapshot)
        complain('SNAPSHOT first', `${name} after ${previous ?? 'nothing'}`, { at });
      hasSnapshot = true;
      const isFinished = event.workRequest?.isTerminal === true && event.type !== 'SNAPSHOT';
      if (isFinished && event.type !== 'FINISHED' && !isHeld(event))
        complain('FINISHED', `${name} is terminal`, { at });
      if (event.type === 'FINISHED' && event.workRequest?.isTerminal !== true)
        complain('FINISHED', `${name} is not terminal`, { at });
      const expected = event.type === 'SNAPSHOT' ? null : previous;
      if (event.previousStatus !== expected)
        complain('previousStatus', `${name} says ${event.previousStatus}, it was ${expected}`, { at });
      previous = event.workRequest?.status ?? null;
      if (event.type === 'SNAPSHOT' && event.workRequest?.isTerminal === true && !isHeld(event))
        isOpen = false;
    }
    if (isEnding(received)) isOpen = false;
    isLost = isEnding(received) && event.type === 'GAP';
  }
};

const finalStatuses = new Set(['SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED', 'CANCELED', 'SKIPPED']);
/** Finished by its time alone: read once more before FINISHED. */
const isHeld = ({ workRequest }: WatchEvent): boolean =>
  workRequest !== null && !finalStatuses.has(workRequest.status);

/** What is seen while a look is under way is told after it; who comes to a list meanwhile is told what was known before. */
const beforeLook = (looks: readonly Look[], joined: Placed): Placed =>
  looks.find(({ from, to }) => from.index < joined.index && (to === null || to.index > joined.index))?.from ??
  joined;

/** Every state is a true one, whole, and none is older than the one before. */
const judgeStates = (
  { truth, seen, percents, looks }: Story,
  { events, joined, isOfList }: Subscriber,
  complain: Complain,
): void => {
  let last = knownAt({ truth, seen }, isOfList ? beforeLook(looks, joined) : joined);
  let isPart = false;
  let before: Received | null = null;
  for (const received of events.filter(isState)) {
    const { event, at } = received;
    const version = received.version;
    const name = `${event.type} ${event.workRequest?.rawStatus} of version ${version}`;
    const really = truth[version];
    if (really === undefined || event.workRequest === null) {
      complain('true states', name, { at });
      continue;
    }
    const { rawStatus, status, percentComplete, resources } = event.workRequest;
    if (rawStatus !== really.rawStatus || status !== really.status)
      complain(
        'true states',
        `${name} says ${rawStatus}/${status}, it was ${really.rawStatus}/${really.status}`,
        { at },
      );
    if (version < last) complain('nothing backward', `${name} after version ${last}`, { at });
    const isRest = (isPart && markOf(event) === version) || tellsTime(before, received);
    isPart = markOf(event) < version;
    before = received;
    if (version === last && event.type === 'CHANGED' && !isRest)
      complain('no duplicates', `${name} was told before`, { at });
    last = Math.max(last, version);
    // What is over when a list first shows it is told as the list has it.
    if (isOfList && event.workRequest.origin === 'list') continue;
    if (really.hasResources && resources === null)
      complain('whole states', `${name} has no resources`, { at });
    if (really.percent === null) continue;
    if (percentComplete === null) {
      complain('whole states', `${name} has no percentage`, { at });
      continue;
    }
    const expected = percents.get(version);
    if (expected !== undefined && percentComplete !== expected)
      complain('percent', `${name} says ${percentComplete}, not ${expected}`, { at });
  }
};

/** An answer that is older than what was seen in part may still bring a time that is not told there. */
const tellsTime = (before: Received | null, { event: { workRequest } }: Received): boolean =>
  before !== null &&
  workRequest !== null &&
  (['timeStarted', 'timeUpdated'] as const).some((name) => {
    const [old, now] = [before.event.workRequest?.[name] ?? null, workRequest[name]];
    const isLacking = catalog[workRequest.ref.service].listLacks.has(name);
    return now !== null && (old === null || (isLacking && now > old));
  });

/** Everything that the gateway saw while it was subscribed was told, in order, and what was merged is counted. */
const judgeCoverage = (
  { truth, seen, news, looks, percents }: Story,
  subscriber: Subscriber,
  complain: Complain,
): void => {
  const { events, joined, ended, reader, isOfList } = subscriber;
  const states = events.filter(isState);
  const isOverflowed = events.at(-1)?.event.gap?.reason === 'OVERFLOW';
  const isReadToTheEnd = ended.how === 'done' || reader.kind === 'eager';
  const start = isOfList ? beforeLook(looks, joined) : joined;
  const known = knownAt({ truth, seen }, start);
  // What is seen during a look is told after it: whoever leaves before that is not told.
  const pending = looks.find(
    ({ from, to }) => from.index < ended.index && (to === null || to.index > ended.index),
  );
  const until = ended.how === 'left' && pending ? pending.from.index : ended.index;
  const fresh = news.filter(
    ({ index, version }) => index > start.index && index < ended.index && version >= known,
  );
  // The SNAPSHOT is what was known, or what the first look after that saw.
  const versions: number[] = [known];
  const whole = new Set<number>();
  /** Seen while the last look was under way. */
  let late = Infinity;
  for (const { version, isWhole, index } of fresh) {
    if (index > until) late = Math.min(late, versions.length);
    // What was seen in part can be told twice: how far it is, then the rest of it.
    if (version !== versions.at(-1) || isWhole) versions.push(version);
    if (isWhole) whole.add(versions.length - 1);
  }
  /** What need not be told on its own: seen in part only, or finished by its time alone, which is told as FINISHED. */
  const isOptional = (place: number): boolean => {
    const [before, version] = [versions[place - 1] ?? -1, versions[place] ?? -1];
    const isRest = before === version;
    return (
      !whole.has(place) ||
      isRest ||
      (truth[version]?.isUnspoken === true && !isNewStatus(truth, before, version))
    );
  };
  const inPart = new Set(seen.filter(({ isWhole }) => !isWhole).map(({ version }) => version)).size;
  const hasOlder = seen.some(
    ({ index, version }) => index > joined.index && index < ended.index && version < known,
  );
  const describe = (from: number, to: number): string => versions.slice(from, to + 1).join(', ');

  /** Whether one event can stand for these, with as many merged into it. */
  const canStandFor = (from: number, to: number, mergedCount: number): boolean => {
    const needed = versions
      .slice(from, to + 1)
      .filter((_, index) => from + index === to || !isOptional(from + index)).length;
    // Where an older answer came in between, the details of what was known may be told once more.
    return needed - 1 <= mergedCount && mergedCount <= to - from + (hasOlder ? 1 : 0) + inPart;
  };
  const isLoss = (from: number, to: number): boolean => {
    let first = from;
    while (first < to && isOptional(first)) first += 1;
    return versions.slice(first + 1, to + 1).some((version, index) => {
      const place = first + 1 + index;
      return !isOptional(place) && isNewStatus(truth, versions[place - 1] ?? -1, version);
    });
  };

  let place = -1;
  let isPart = false;
  for (const [index, received] of states.entries()) {
    const { event, version, at } = received;
    const isRest = (isPart && markOf(event) === version) || tellsTime(states[index - 1] ?? null, received);
    isPart = markOf(event) < version;
    if (isRest && version === versions[place] && event.mergedCount === 0) continue;
    if (version === versions[place] && event.type === 'FINISHED' && truth[version]?.isUnspoken) continue;
    const isWhole = markOf(event) === version;
    const to = isWhole ? versions.lastIndexOf(version) : versions.indexOf(version);
    const name = `${event.type} of version ${version}`;
    // What was seen in part to be over is told as it stands there.
    const isEndInPart = truth[version]?.isFinal === true || (place < 0 && isOver(truth[version]));
    if (to < 0 && isEndInPart && seen.some((one) => one.version === version)) return;
    // What was lost and is in its list again: whatever was seen in between was nobody's to tell.
    const isSame = version >= 0 && percents.get(version) === percents.get(versions[place] ?? -1);
    if (isOfList && event.type === 'SNAPSHOT' && place >= 0 && (to >= place || isSame)) {
      place = Math.max(to, place);
      continue;
    }
    if (to < 0 || to <= place)
      return complain('all that was seen', `${name}; seen were ${versions.join(', ')}`, { at });
    // A SNAPSHOT begins with what was known, with the first look, or with the first that was seen whole.
    // Whoever watches a list hears of it when the list was read.
    const firstWhole = versions.findIndex((_, index) => index > 0 && whole.has(index));
    const starts =
      place < 0
        ? [...(isOfList ? versions.keys() : new Set([0, 1, firstWhole]))].filter(
            (start) => start >= 0 && start <= to,
          )
        : [place + 1];
    const fits = starts.filter((start) => canStandFor(start, to, event.mergedCount));
    const fitting = fits.find((start) => !isLoss(start, to)) ?? fits[0];
    if (fitting === undefined)
      complain(
        'mergedCount',
        `${name} counts ${event.mergedCount}, but stands for ${describe(starts[0] ?? 0, to)}`,
        { at },
      );
    else if (isLoss(fitting, to))
      complain('all that was seen', `${name} hides a status in ${describe(fitting, to)}`, { at });
    if (reader.kind === 'eager' && event.mergedCount > 0 && !isOfList)
      complain('mergedCount', 'merged although it was read at once', { at });
    place = to;
  }
  if (!isReadToTheEnd || isOverflowed || states.length === 0) return;
  // After its end nothing is told any more. Who comes to a list after that is told the end as it was then.
  const last = versions[place] ?? -1;
  const first = states[0]?.index ?? 0;
  const hasEnded =
    (ended.how === 'done' || isOfList) &&
    (events.some(isEnding) ||
      truth[last]?.isFinal === true ||
      (isOfList && truth[last]?.isUnspoken === true && wasReadTwice({ truth, seen }, first)));
  const left = versions
    .slice(place + 1)
    .filter((version, index) => version >= 0 && place + 1 + index < late && !isOptional(place + 1 + index));
  if (left.length > 0 && !hasEnded)
    complain('all that was seen', `versions ${left.join(', ')} were seen and not told`);
};

/** Finished by its time alone, and seen so in two looks before this place in the log. */
const wasReadTwice = ({ truth, seen }: Pick<Story, 'truth' | 'seen'>, until: number): boolean => {
  const held = seen.filter(
    ({ version, isWhole, index }) => isWhole && truth[version]?.isUnspoken === true && index < until,
  );
  return held.length > 1;
};

const isNewStatus = (truth: readonly Version[], before: number, after: number): boolean =>
  truth[before]?.rawStatus !== truth[after]?.rawStatus;

/** The terminal state is told to everybody who was there, and then it is over. */
const judgeEnd = (
  run: Run,
  { truth, news, seen, looks }: Story,
  subscriber: Subscriber,
  complain: Complain,
): void => {
  const { events, ended, joined, reader } = subscriber;
  const last = events.at(-1);
  if (ended.how === 'error') return complain('no errors', 'the feed failed');
  const isOver =
    last !== undefined &&
    (isEnding(last) || (last.event.type === 'SNAPSHOT' && last.event.workRequest?.isTerminal === true));
  if (ended.how === 'done' && !isOver) complain('completion', `done after ${last?.event.type ?? 'nothing'}`);
  if (isOver && ended.how === 'left' && reader.kind === 'eager' && last.at < ended.at && !isHeld(last.event))
    complain('completion', `open after ${last.event.type}`);
  const end = news.find(
    ({ version, index, isWhole }) =>
      isWhole && truth[version]?.isFinal && index < ended.index && index > joined.index,
  );
  if (end && reader.kind === 'eager' && ended.how !== 'done')
    complain('the end is told', `version ${end.version} was seen`, { at: end.at });
  const whole = seen.filter(({ isWhole }) => isWhole);
  const held = seen.find(({ version, index }) => truth[version]?.isUnspoken && index < ended.index);
  const { pollMinMs } = run.scene.settings;
  const hasLookedAgain = (until: number): boolean =>
    looks.some(
      ({ from, to, found }) => found === 'state' && held && from.index > held.index && to && to.index < until,
    ) || whole.some(({ at, index }) => held && index < until && at - held.at >= pollMinMs / 2);
  if (held && reader.kind === 'eager') {
    const isFinished = last?.event.type === 'FINISHED' && isHeld(last.event);
    const isGone =
      looks.filter(({ found, from }) => found === 'absent' && from.index > held.index).length >= 3;
    if (isFinished && !isGone && !hasLookedAgain(last.index))
      complain('read once more', 'finished by its time alone, at the first look', { at: last.at });
    // Its own watch has to have seen it twice.
    const first = whole.find(({ version, index }) => truth[version]?.isUnspoken && index > joined.index);
    const isThere = looks.some(
      ({ from, to, found }) =>
        found === 'state' && first && from.index > first.index && to && to.index < ended.index,
    );
    if (isThere && ended.how !== 'done')
      complain('the end is told', 'finished by its time, and read once more', { at: held.at });
  }
  // Trouble is over long before the run: whoever waited until then has to have seen what was the end in truth.
  const truly = truth.find(({ isFinal }) => isFinal);
  const wasThere = ended.how === 'left' && ended.index >= run.closedIndex;
  if (wasThere && reader.kind !== 'late' && truly && truly.at < run.scene.settings.activeMs)
    complain('the end is told', `it was over at ${truly.at}, and nobody said so`);
};

const longestBackoffMs = 60_000;

/** GAP UPSTREAM_SILENT if and only if nothing was heard for longer than three intervals, or what upstream asked for. */
const judgeSilence = (run: Run, story: Story, subscriber: Subscriber, complain: Complain): void => {
  if (subscriber.reader.kind !== 'eager') return;
  const { pollMinMs, pollMaxMs } = run.scene.settings;
  const service = run.scene.plots[story.plot]?.service;
  const absences = story.looks.flatMap(({ found, to }) =>
    found === 'absent' && to ? [{ ...to, retryAfterMs: 0 }] : [],
  );
  // An end that was seen in part is read once more: until then it is not known, and no answer.
  // Nor is what was seen in part anything to begin with.
  const hasBegun = (index: number): boolean => {
    const start = watchStart(story, index).index;
    return story.seen.some((one) => one.isWhole && one.index > start && one.index < index);
  };
  const known = story.seen.filter(
    ({ version, isWhole, index }) => isWhole || (!isOver(story.truth[version]) && hasBegun(index)),
  );
  const answers = [...known, ...absences].sort((one, other) => one.index - other.index);
  const throttles = run.entries.flatMap((entry) =>
    entry.kind === 'failed' && entry.service === service && entry.how === '429' ? [entry] : [],
  );
  const partial = new Set(story.seen.filter(({ isWhole }) => !isWhole).map(({ index }) => index));
  const wholeAnswers = answers.filter(({ index }) => !partial.has(index));
  const { joined, ended, events } = subscriber;
  const gaps = events.filter(({ event }) => event.gap?.reason === 'UPSTREAM_SILENT');
  const starts = [
    { ...joined, retryAfterMs: 0 },
    ...answers.filter(({ index }) => index > joined.index && index < ended.index),
  ];
  for (const [place, from] of starts.entries()) {
    const to = starts[place + 1] ?? ended;
    const within = gaps.filter(({ index }) => index >= from.index && index < to.index);
    const [gap] = within;
    // A watch that was taken up again knew something to begin with.
    const glances = story.seen.filter(
      ({ index, isWhole }) => !isWhole && index > from.index && index < to.index,
    );
    if (within.length > 1 + glances.length)
      complain('one GAP per silence', `${within.length} of them`, { at: within[1]?.at ?? 0 });
    const before = wholeAnswers.filter(({ index }) => index <= from.index).at(-1);
    const watchedFrom = watchStart(story, from.index);
    const quietSince = Math.max(before?.at ?? 0, watchedFrom.at);
    const asked = run.entries
      .slice(before?.index ?? watchedFrom.index, gap?.index ?? to.index)
      .flatMap((entry) =>
        entry.kind === 'failed' && entry.service === service && entry.retryAfterMs > 0 ? [entry] : [],
      );
    if (gap && !jumpsWithin(run, quietSince, gap.at)) {
      const ofThis = asked
        .filter(({ plot, at, retryAfterMs }) => plot === story.plot && at + retryAfterMs > quietSince)
        .map(({ retryAfterMs }) => retryAfterMs);
      const shortest = Math.max(
        3 * pollMinMs,
        before !== undefined && before.at >= watchedFrom.at ? before.retryAfterMs : 0,
        ...ofThis,
      );
      if (gap.at - quietSince < shortest - toleranceMs)
        complain(
          'GAP only in silence',
          `${gap.at - quietSince} ms after the last answer; ${shortest} ms are no silence`,
          { at: gap.at },
        );
    }
    const own = starts[place] === starts[0] ? Math.max(quietSince, joined.at) : from.at;
    const patience = Math.max(
      4 * pollMaxMs,
      // The gateway keeps away for up to a minute after a 429 that names no time.
      ...throttles
        .filter(({ at }) => at <= to.at)
        .map(({ at }) => at + longestBackoffMs + 2 * pollMaxMs - own),
      ...[...asked, ...story.seen.filter(({ index }) => index < to.index)].map(
        ({ at, retryAfterMs }) => at + retryAfterMs + 2 * pollMaxMs - own,
      ),
    );
    // What waits for the gateway's own budget is not upstream's silence.
    const calls = run.entries.filter(
      (entry) => entry.kind === 'call' && entry.service === service && entry.at > own && entry.at < to.at,
    );
    const isHeldUp = calls.length > ((to.at - own) / 2_000) * run.scene.settings.rps;
    const isLong = to.at - own > patience + 1_000 && !isHeldUp;
    if (isLong && !gap && !wasTold(events, from.index, to.index) && !jumpsWithin(run, own, to.at))
      complain('GAP in every silence', `no answer for ${to.at - own} ms`, { at: to.at });
  }
};

/** Whether the subscription itself was over in that time. */
const wasTold = (events: readonly Received[], from: number, to: number): boolean =>
  events.some((received) => isEnding(received) && received.index >= from && received.index <= to);

/** Since when somebody subscribed without a break, as far as it is sure. */
const watchStart = ({ subscribers }: Story, index: number): Placed => {
  let start: Placed = { index, at: Infinity };
  // With its end a watch is over for all, also for those who have not read that far.
  const ends = subscribers.flatMap(({ events, reader }) =>
    (reader.kind === 'eager' ? events : []).filter(
      (one) => isEnding(one) && one.event.gap?.reason !== 'OVERFLOW',
    ),
  );
  // What is lost, and shown by its list again, is watched again by whoever watches that.
  const isThere = ({ joined, ended, isOfList }: Subscriber, until: number): boolean =>
    ended.index >= until &&
    !ends.some(
      ({ index, event }) => index > joined.index && index < until && (!isOfList || event.type === 'FINISHED'),
    );
  for (let isMoved = true; isMoved;) {
    isMoved = false;
    for (const one of subscribers) {
      const { joined } = one;
      if (joined.index < start.index && isThere(one, start.index)) {
        start = joined;
        isMoved = true;
      }
    }
  }
  return start.at === Infinity
    ? { index, at: subscribers.find(({ joined }) => joined.index === index)?.joined.at ?? 0 }
    : start;
};

const retentionMs = 12 * 60 * 60 * 1000;

/** A 404 ends it at the first look, and later when three of them last two intervals; 403 at once. */
const judgeAbsence = (
  run: Run,
  story: Story,
  { events, joined, ended, reader, isOfList }: Subscriber,
  complain: Complain,
): void => {
  const { pollMinMs, pollMaxMs } = run.scene.settings;
  const last = events.at(-1);
  const reason = last?.event.gap?.reason;
  const looks = story.looks
    .flatMap(({ to, found }) => (to ? [{ ...to, found }] : []))
    .sort((one, other) => one.index - other.index);
  const whole = story.seen.filter(({ isWhole }) => isWhole);
  if (reader.kind === 'eager' && last && (reason === 'NOT_FOUND' || reason === 'RETENTION')) {
    const seenAt = whole.filter(({ index }) => index < last.index).at(-1)?.index ?? -1;
    const absent = looks.filter(
      ({ index, found }) => found === 'absent' && index > seenAt && index < last.index,
    );
    const [first, final] = [absent[0], absent.at(-1)];
    if (!first || !final) complain('GAP of absence', `${reason} without a 404`, { at: last.at });
    else if (last.event.workRequest !== null) {
      if (absent.length < 3 || final.at - first.at < 2 * pollMinMs - toleranceMs)
        complain('GAP of absence', `${reason} after ${absent.length} in ${final.at - first.at} ms`, {
          at: last.at,
        });
      const accepted = (story.truth[0]?.at ?? 0) + run.startedAt;
      const isOld = run.startedAt + last.at - accepted > retentionMs;
      if (isOld !== (reason === 'RETENTION') && !jumpsWithin(run, 0, last.at))
        complain('GAP of absence', `${reason} at an age of ${run.startedAt + last.at - accepted} ms`, {
          at: last.at,
        });
    }
  }
  if (isOfList) return;
  // Three in a row over two intervals, all in its presence: then it has to be over.
  const present = looks.filter(({ index }) => index > joined.index && index < ended.index);
  let first: Placed | null = null;
  let count = 0;
  for (const look of present) {
    const isBroken =
      first !== null && story.seen.some(({ index }) => index > (first?.index ?? 0) && index < look.index);
    if (look.found === 'state' || isBroken) [first, count] = [null, 0];
    if (look.found !== 'absent') continue;
    first ??= look;
    count += 1;
    if (
      reader.kind === 'eager' &&
      count >= 3 &&
      look.at - first.at > 2.3 * pollMaxMs &&
      !jumpsWithin(run, first.at, look.at)
    ) {
      if (ended.at > look.at)
        complain('GAP of absence', `none after ${count} in ${look.at - first.at} ms`, { at: look.at });
      break;
    }
  }
  const forbidden = present.find(({ found }) => found === 'forbidden');
  // What a list told meanwhile comes first, and may be the end.
  const isToldOver = ended.how === 'done' && last?.event.workRequest?.isTerminal === true;
  if (
    forbidden &&
    reader.kind === 'eager' &&
    ended.at >= forbidden.at &&
    (reason !== 'FORBIDDEN' || ended.at > forbidden.at) &&
    !(isToldOver && ended.at === forbidden.at)
  )
    complain('GAP FORBIDDEN', 'not told although upstream refused', { at: forbidden.at });
  if (
    reason === 'FORBIDDEN' &&
    !looks.some(({ found, index }) => found === 'forbidden' && index < ended.index)
  )
    complain('GAP FORBIDDEN', 'nobody refused');
};

/** GAP OVERFLOW if and only if as many events wait as may. */
const judgeOverflow = (
  run: Run,
  { news, seen: sights }: Story,
  { events, joined }: Subscriber,
  complain: Complain,
): void => {
  const inPart = new Set(sights.filter(({ isWhole }) => !isWhole).map(({ version }) => version));
  const { bufferSize } = run.scene.settings;
  const readBefore = (index: number): number => events.filter((one) => one.index < index).length;
  const firstSeen = ({ version, event }: Received): Placed | undefined =>
    news.find(
      (one) => one.version >= version && one.index > joined.index && (one.isWhole || markOf(event) < version),
    );
  for (const [place, received] of events.entries()) {
    if (received.event.gap?.reason === 'OVERFLOW') {
      const seen = firstSeen(received);
      const waiting = seen && place - readBefore(seen.index);
      const isAboutGap = place > 0 && received.version === events[place - 1]?.version;
      if (!isAboutGap && waiting !== bufferSize)
        complain('GAP OVERFLOW', `${waiting} events waited, ${bufferSize} may`, { at: received.at });
    } else if (isState(received) && !isEnding(received) && received.event.mergedCount === 0 && place > 0) {
      const seen = firstSeen(received);
      const waiting = seen ? place - readBefore(seen.index) : 0;
      // What was seen in part before may have been told of late.
      const isSure = !inPart.has(received.version);
      if (isSure && waiting >= bufferSize)
        complain('GAP OVERFLOW', `${waiting} events waited, ${bufferSize} may`, { at: received.at });
    }
  }
};

/** One poller per work request, not too often, none when nobody subscribes, and none before `retry-after`. */
const judgeLooks = (run: Run, { looks, subscribers, seen, truth }: Story, complain: Complain): void => {
  const { pollMinMs } = run.scene.settings;
  // Somebody who reads at once and was there all the time: so it was one and the same watch.
  const isOneWatch = (from: Placed, to: Placed): boolean =>
    subscribers.some(
      ({ reader, joined, ended, isOfList }) =>
        !isOfList && reader.kind === 'eager' && joined.index < from.index && ended.index > to.index,
    );
  for (const [place, look] of looks.entries()) {
    const { from } = look;
    const isWatched = subscribers.some(
      ({ joined, ended }) => joined.index < from.index && ended.index > from.index,
    );
    if (!isWatched) complain('nobody there, no polls', 'a look without subscribers', { at: from.at });
    const before = looks[place - 1];
    if (before && isOneWatch(before.from, from)) {
      if (before.to === null || before.to.index > from.index)
        complain('one poller', 'two looks at once', { at: from.at });
      const passedMs = from.at - before.from.at;
      if (passedMs < pollMinMs / 2)
        complain('one poller', `two looks within ${passedMs} ms`, { at: from.at });
    }
    const answer = seen
      .filter(
        ({ index, version }) => before?.to && index < before.to.index && truth[version]?.isUnspoken === false,
      )
      .at(-1);
    const isEnded = seen.some(({ index, version }) => index < from.index && isOver(truth[version]));
    const isAnswered =
      !isEnded &&
      before?.found === 'state' &&
      answer !== undefined &&
      answer.index > before.from.index &&
      answer.index < from.index;
    if (
      isAnswered &&
      from.at < answer.at + answer.retryAfterMs - toleranceMs &&
      !jumpsWithin(run, answer.at, from.at)
    )
      complain(
        'retry-after',
        `a look ${from.at - answer.at} ms after an answer that asked for ${answer.retryAfterMs}`,
        { at: from.at },
      );
  }
};

/** The budget of a service holds in each second. */
const judgeRate = (run: Run, complain: Complain): void => {
  const { rps } = run.scene.settings;
  const times = Map.groupBy(
    run.entries.flatMap((entry) => (entry.kind === 'call' ? [entry] : [])),
    ({ service, region }) => `${service} ${region}`,
  );
  for (const [service, calls] of times) {
    for (const [place, { at }] of calls.entries()) {
      const from = calls[place - rps];
      // Where the wall clock is put forward, a window of the budget ends early.
      if (from && at - from.at < 1_000 - toleranceMs && !jumpsWithin(run, from.at, at))
        complain('budget', `${rps + 1} calls of ${service} in ${at - from.at} ms`, { at });
    }
  }
};

/** Longest time until a list is read that can be read: retries, and the back-off of a budget. */
const readInMs = 150_000;
/** Until what was seen to match is told: the second look, and rest before it that upstream asked for. */
const enterInMs = 60_000;

/** SNAPSHOT of each, SYNCED, then ADDED; of nothing else; and it does not complete. */
const judgeLists = (
  run: Run,
  stories: readonly Story[],
  subscribers: readonly Subscriber[],
  complain: Complain,
): void => {
  for (const [index, join] of run.entries.entries()) {
    if (join.kind !== 'joinList') continue;
    const { who, at: joinedAt, scope } = join;
    const tell = (rule: string, what: string, at = joinedAt): void => complain(rule, what, { who, at });
    const own = run.entries.slice(index).filter((entry) => 'who' in entry && entry.who === who);
    const end = own.find(({ kind }) => kind === 'leave' || kind === 'done' || kind === 'error');
    const events = own.flatMap((entry) => (entry.kind === 'event' ? [entry] : []));
    if (end && end.kind !== 'leave') tell('a list does not complete', end.kind, end.at);
    const synced = events.findIndex(({ event }) => event.type === 'SYNCED');
    for (const [place, { event, at }] of events.entries()) {
      const name = `${event.type} ${event.gap?.reason ?? event.workRequest?.status ?? ''}`;
      if (event.sequence !== place + 1)
        tell('sequence', `${name} is number ${event.sequence}, not ${place + 1}`, at);
      const isBefore = synced < 0 || place < synced;
      if (event.type === 'SYNCED' && place !== synced) tell('SYNCED', 'a second time', at);
      if (event.type === 'SNAPSHOT' && !isBefore) tell('SYNCED', `${name} after it`, at);
      if (event.type === 'ADDED' && isBefore) tell('SYNCED', `${name} before it`, at);
      const plot = run.scene.plots[plotOf(run, { event, at, index: place, version: 0 })];
      if (event.workRequest !== null && !(plot && isIn(scope, plot)))
        tell('only what is in the list', name, at);
      if (
        event.workRequest === null &&
        event.type === 'GAP' &&
        scope.services.every((one) => !hasFailed(run, one, at) && !isTroubledAt(run, one, at))
      )
        tell('GAP of a list', `${name}, although nothing failed`, at);
    }
    const act = run.scene.acts.find((one) => one.kind === 'joinList' && one.who === who);
    if (act?.kind !== 'joinList' || act.reader.kind === 'late') continue;
    const endsAt = end?.at ?? run.closedAt;
    if (synced < 0 && endsAt - joinedAt > readInMs) tell('SYNCED', `not within ${endsAt - joinedAt} ms`);
    for (const { plot, events: told, ended } of subscribers.filter((one) => one.who === who)) {
      const { bornAt = 0, forgottenAt = null, service = '' } = run.scene.plots[plot] ?? {};
      const { truth = [], news = [], subscribers: present = [] } = stories[plot] ?? {};
      const isWantedAt = (version: number): boolean => isWanted(scope, truth, version, run.startedAt);
      // ADDED counts as the SNAPSHOT of its work request here.
      for (const { event, version, at } of present.find((one) => one.who === who)?.events ?? [])
        if (event.type === 'SNAPSHOT' && !isWantedAt(version))
          complain('only what matches', `version ${version}`, { who, plot, at });
      const since = Math.max(joinedAt, bornAt);
      const isQuiet = forgottenAt === null && !isTroubled(run, service, since);
      const wantedMs = longestOf(truth, since, endsAt, isWantedAt);
      if (told.length === 0 && isQuiet && wantedMs > readInMs)
        complain('all of the list', `nothing within ${wantedMs} ms`, { who, plot, at: since });
      const match = news.find(
        (one) =>
          one.isWhole &&
          one.at > since &&
          one.at < endsAt - enterInMs &&
          isWantedAt(one.version) &&
          !isTroubled(run, service, one.at),
      );
      if (told.length === 0 && isQuiet && match)
        complain('what comes to match is told', `version ${match.version} was seen at ${match.at}`, {
          who,
          plot,
          at: match.at,
        });
      const last = told.at(-1);
      const over = truth.find(({ isFinal }) => isFinal);
      const isTold = last && (isEnding(last) || last.event.workRequest?.isTerminal === true);
      if (last && !isTold && over && over.at < run.scene.settings.activeMs && ended.index >= run.closedIndex)
        complain('the end is told', `it was over at ${over.at}, and nobody said so`, {
          who,
          plot,
          at: over.at,
        });
    }
  }
};

/** For how long at most without a break something held of what was true. */
const longestOf = (
  truth: readonly Version[],
  from: number,
  to: number,
  holds: (version: number) => boolean,
): number => {
  let longest = 0;
  let since: number | null = null;
  for (const [version, { at }] of truth.entries()) {
    if (at > to) break;
    since = holds(version) ? (since ?? Math.max(from, at)) : null;
    const until = Math.min(to, truth[version + 1]?.at ?? to);
    if (since !== null) longest = Math.max(longest, until - since);
  }
  return longest;
};

const hasFailed = (run: Run, service: string, until: number): boolean =>
  run.entries.some((entry) => entry.kind === 'failed' && entry.service === service && entry.at <= until);

const isTroubled = ({ scene }: Run, service: string, from: number): boolean =>
  scene.troubles.some((trouble) => trouble.service === service && trouble.to > from);

const isTroubledAt = ({ scene }: Run, service: string, at: number): boolean =>
  scene.troubles.some((trouble) => trouble.service === service && trouble.from < at);
