// Sees a connection that is open and silent: a proxy that holds everything back, a peer that vanished.
import type { Clock, Timer } from "./surroundings.ts";

/** Milliseconds of silence after which it is asked for a sign of life, and after which it counts as dead. */
const DOUBT = 5_000;
const DEATH = 10_000;
/** A timer that is so much too late shows that the machine slept, and says nothing of the peer. */
const OVERSLEPT = 2_000;

export interface Watchdog {
  /** There was a sign of life. */
  heard(): void;
  /** Doubts it now: it has as long as after a silence to show that it is alive. */
  doubt(): void;
  stop(): void;
}

/** Calls `probe` for each doubt, and `bark` when it is dead. */
export function watch(clock: Clock, probe: () => void, bark: () => void): Watchdog {
  let last = clock.now();
  let timer: Timer;

  function wait(delay: number): void {
    const due = clock.now() + delay;
    timer = clock.setTimeout(() => {
      if (clock.now() > due + OVERSLEPT) last = clock.now() - DOUBT;
      look();
    }, delay);
  }

  function look(): void {
    const silence = clock.now() - last;
    if (silence >= DEATH) return bark();
    if (silence >= DOUBT) probe();
    wait((silence >= DOUBT ? DEATH : DOUBT) - silence);
  }

  wait(DOUBT);
  return {
    heard() {
      last = clock.now();
    },
    doubt() {
      clock.clearTimeout(timer);
      last = clock.now() - DOUBT;
      look();
    },
    stop: () => clock.clearTimeout(timer),
  };
}
