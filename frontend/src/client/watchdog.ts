// Detects connections that are open but silent, such as a proxy that buffers everything or a peer that vanished.
import type { Clock, Timer } from "./environment.ts";

/** Milliseconds of silence after which the connection is probed, and after which it counts as dead. */
const PROBE_AFTER = 5_000;
const DEAD_AFTER = 10_000;
/** Milliseconds. A timer that fires later than this shows that the machine slept: no evidence against the peer. */
const OVERSLEPT = 2_000;

export interface Watchdog {
  /** Records a sign of life. */
  feed(): void;
  /** Probes now. The connection has as long to respond as after a silence. */
  check(): void;
  stop(): void;
}

/** Calls `probe` after a silence, and `onDead` if there is no sign of life after that. */
export function startWatchdog(clock: Clock, probe: () => void, onDead: () => void): Watchdog {
  let lastFed = clock.now();
  let timer: Timer;

  function schedule(delay: number): void {
    const due = clock.now() + delay;
    timer = clock.setTimeout(() => {
      if (clock.now() > due + OVERSLEPT) lastFed = clock.now() - PROBE_AFTER;
      evaluate();
    }, delay);
  }

  function evaluate(): void {
    const silence = clock.now() - lastFed;
    if (silence >= DEAD_AFTER) return onDead();
    if (silence >= PROBE_AFTER) probe();
    schedule((silence >= PROBE_AFTER ? DEAD_AFTER : PROBE_AFTER) - silence);
  }

  schedule(PROBE_AFTER);
  return {
    feed() {
      lastFed = clock.now();
    },
    check() {
      clock.clearTimeout(timer);
      lastFed = clock.now() - PROBE_AFTER;
      evaluate();
    },
    stop: () => clock.clearTimeout(timer),
  };
}
