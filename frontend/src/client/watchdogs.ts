// Sees a connection that is open and silent: a proxy that holds everything back, a peer that vanished.
import type { Clock, Timer } from "./surroundings.ts";

/** Milliseconds of silence after which it is asked for a sign of life, and after which it counts as dead. */
export const DOUBT = 5_000;
export const DEATH = 10_000;
const OVERSLEPT = 2_000;

export class Watchdog {
  readonly #clock: Clock;
  readonly #probe: () => void;
  readonly #bark: () => void;
  #heard: number;
  #timer: Timer = null;

  constructor(clock: Clock, probe: () => void, bark: () => void) {
    this.#clock = clock;
    this.#probe = probe;
    this.#bark = bark;
    this.#heard = clock.now();
    this.#wait(DOUBT);
  }

  /** There was a sign of life. */
  heard(): void {
    this.#heard = this.#clock.now();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  /** Doubts it now: it has as long as after a silence to show that it is alive. */
  doubt(): void {
    this.stop();
    this.#heard = this.#clock.now() - DOUBT;
    this.#look();
  }

  #wait(delay: number): void {
    const due = this.#clock.now() + delay;
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#clock.now() > due + OVERSLEPT) this.#heard = this.#clock.now() - DOUBT; // the machine slept, not the peer
      this.#look();
    }, delay);
  }

  #look(): void {
    const silence = this.#clock.now() - this.#heard;
    if (silence >= DEATH) return this.#bark();
    if (silence >= DOUBT) this.#probe();
    this.#wait((silence >= DOUBT ? DEATH : DOUBT) - silence);
  }
}
