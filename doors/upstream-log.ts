/**
 * Lines about calls to Oracle Cloud: each at `debug`; at `warn` the first of a row of failures at one place, and at `info` that the
 * row is over. So an outage is one line for each place, whatever is asked while it lasts.
 */
import type { Logger } from 'pino';
import type { UpstreamEvent } from '../datasources/report.ts';
import { troubles } from './metrics.ts';
import { traceOf } from './tracing.ts';

type Line = readonly ['debug' | 'info' | 'warn', string];

export function createUpstreamLog(log: Logger): (event: UpstreamEvent) => void {
  const inTrouble = new Set<string>();

  const lineFor = ({ service, region, code }: UpstreamEvent): Line => {
    const place = `${service} ${region}`;
    const isInTrouble = code !== null && troubles.has(code);
    if (isInTrouble === inTrouble.has(place)) return ['debug', 'Oracle Cloud was asked'];
    if (isInTrouble) inTrouble.add(place);
    else inTrouble.delete(place);
    return isInTrouble
      ? ['warn', 'Oracle Cloud gives no good answer']
      : ['info', 'Oracle Cloud answers again'];
  };

  return (event) => {
    const [level, message] = lineFor(event);
    if (!log.isLevelEnabled(level)) return;
    const { service, region, method, status, code, attempts, durationMs, opcRequestId, requestId } = event;
    log[level](
      {
        requestId,
        ...traceOf(event.span),
        service,
        region,
        method,
        status,
        code,
        attempts,
        ms: Math.round(durationMs),
        opcRequestId,
      },
      message,
    );
  };
}
