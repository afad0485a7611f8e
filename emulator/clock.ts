/**
 * Two times. Wall time rules what happens on the wire: signatures, delays, `retry-after`, throttling. Scripted time rules what the emulated cloud
 * does: scripts of work requests, every time stamp, retention. Scripted time starts at wall time and can run faster or be put forward, never back.
 */
export interface ClockState {
  readonly speed: number;
  readonly scriptedTime: string;
  readonly wallTime: string;
}

export interface Clock {
  wallMs(): number;
  scriptedMs(): number;
  change(change: {
    readonly speed?: number | undefined;
    readonly advanceMs?: number | undefined;
  }): ClockState;
  read(): ClockState;
}

export function createClock(now: () => number): Clock {
  let wallBaseMs = now();
  let scriptedBaseMs = wallBaseMs;
  let speed = 1;
  const scriptedMs = (): number => Math.floor(scriptedBaseMs + (now() - wallBaseMs) * speed);
  const read = (): ClockState => ({
    speed,
    scriptedTime: new Date(scriptedMs()).toISOString(),
    wallTime: new Date(now()).toISOString(),
  });
  return {
    wallMs: now,
    scriptedMs,
    change: (change) => {
      scriptedBaseMs = scriptedMs() + (change.advanceMs ?? 0);
      wallBaseMs = now();
      speed = change.speed ?? speed;
      return read();
    },
    read,
  };
}
