/** A run as a page to read: the scene, what happened in order, and what was wrong with it where it was wrong. */
import type { Entry } from './log.ts';
import type { Run } from './run.ts';
import { truthOf } from './truth.ts';
import type { Complaint } from './story.ts';

export const traceOf = (run: Run, complaints: readonly Complaint[]): string => {
  const { scene, entries } = run;
  const lines = [
    `seed ${scene.seed}: ${JSON.stringify(scene.settings)}`,
    ...scene.plots.flatMap(
      ({ service, region, compartmentId, kind, retryAfterSeconds, forgottenAt }, plot) => [
        `  work request ${plot}: ${service}, ${region}, ${compartmentId.slice(24)}, ${kind}, retry-after ${retryAfterSeconds}, forgotten at ${forgottenAt}`,
        ...(run.lives[plot] ? truthOf(run.lives[plot], run.startedAt) : []).map(
          ({ at, rawStatus, percent }, version) => `    version ${version} at ${at}: ${rawStatus} ${percent}`,
        ),
      ],
    ),
    ...scene.troubles.map((trouble) => `  trouble: ${JSON.stringify(trouble)}`),
    '',
  ];
  const open = [...complaints].sort((one, other) => one.at - other.at);
  for (const entry of entries) {
    while (open[0] && open[0].at < entry.at) lines.push(wordOf(open.shift() as Complaint));
    lines.push(`${String(entry.at).padStart(8)} ${lineOf(entry)}`);
  }
  return [
    ...lines,
    ...open.map(wordOf),
    `left: ${JSON.stringify(run.leftovers)}`,
    `${complaints.length} complaints`,
  ].join('\n');
};

const wordOf = ({ rule, what, plot, who, at }: Complaint): string =>
  `!!!!!!!! ${at} ${rule}: ${what} (work request ${plot}, subscriber ${who})`;

const lineOf = (entry: Entry): string => {
  switch (entry.kind) {
    case 'call':
      return `→ ${entry.service} ${entry.path.slice(-60)}`;
    case 'state':
      return `← #${entry.plot} version ${entry.version} by ${entry.origin}${entry.retryAfterMs > 0 ? `, retry-after ${entry.retryAfterMs}` : ''}`;
    case 'failed':
      return `← ${entry.service} #${entry.plot} ${entry.how}${entry.retryAfterMs > 0 ? `, retry-after ${entry.retryAfterMs}` : ''}`;
    case 'look':
      return `look ${entry.look} at #${entry.plot}`;
    case 'looked':
      return `look ${entry.look} at #${entry.plot}: ${entry.found}`;
    case 'join':
      return `subscriber ${entry.who} joins #${entry.plot}`;
    case 'joinList':
      return `subscriber ${entry.who} joins the list of ${JSON.stringify(entry.scope)}`;
    case 'wait':
      return `subscriber ${entry.who} waits for #${entry.plot}, ${entry.timeoutMs} ms at most`;
    case 'waited': {
      const { waited } = entry;
      const state =
        waited.kind === 'seen' &&
        `version ${String(waited.workRequest.extras['version'])} ${waited.workRequest.rawStatus}${waited.workRequest.isStale ? ' stale' : ''}`;
      return `subscriber ${entry.who} has waited: ${waited.kind} ${state || ''}`;
    }
    case 'leave':
    case 'pull':
    case 'done':
      return `subscriber ${entry.who}: ${entry.kind}`;
    case 'error':
      return `subscriber ${entry.who}: ${String(entry.error)}`;
    case 'event': {
      const { type, sequence, workRequest, gap, mergedCount } = entry.event;
      const state =
        workRequest &&
        `version ${String(workRequest.extras['version'])} ${workRequest.rawStatus} ${workRequest.percentComplete}${workRequest.isStale ? ' stale' : ''}`;
      return `subscriber ${entry.who}: ${sequence} ${type} ${gap?.reason ?? ''} ${state ?? ''}${mergedCount > 0 ? ` +${mergedCount}` : ''}`;
    }
    case 'jump':
      return `the clock jumps by ${entry.ms}`;
  }
};
