// How many parts are sent at once: four at first, then 2 to 6, as many as make it faster. Browsers open six connections.
import type { Clock } from "../client/environment.ts";
import { Waiters } from "./waiters.ts";

const LEAST = 2;
const MOST = 6;
const WINDOW = 3_000; // milliseconds over which the speed is measured before the number is changed
const BETTER = 1.05;

export class Slots {
  limit = 4;
  readonly #clock: Clock;
  #used = 0;
  readonly #waiting = new Waiters();
  #step = 1;
  #bytes = 0;
  #since = 0;
  #wasFull = false;
  #lastSpeed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `send` once there is room. Rejects with the signal's reason while it waits. */
  async run<T>(signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    while (this.#used >= this.limit) {
      this.#wasFull = true;
      await this.#waiting.wait(signal);
    }
    this.#used += 1;
    try {
      return await send();
    } finally {
      this.#used -= 1;
      this.#waiting.wake(this.limit - this.#used);
    }
  }

  /** A part of this size was sent. Only while there is always a next one, the speed depends on the number. */
  sent(bytes: number): void {
    const now = this.#clock.now();
    this.#bytes += bytes;
    if (now - this.#since < WINDOW) return;
    const speed = this.#bytes / (now - this.#since);
    if (this.#wasFull && this.#since > 0) {
      if (speed < this.#lastSpeed * BETTER) this.#step = -this.#step;
      this.limit = Math.min(MOST, Math.max(LEAST, this.limit + this.#step));
      this.#lastSpeed = speed;
    }
    this.#restart(now);
  }

  /** A part did not arrive: fewer at once. */
  failed(): void {
    this.limit = Math.max(LEAST, this.limit - 1);
    this.#step = 1;
    this.#restart(this.#clock.now());
  }

  #restart(now: number): void {
    this.#since = now;
    this.#bytes = 0;
    this.#wasFull = false;
    this.#waiting.wake(this.limit - this.#used);
  }
}
