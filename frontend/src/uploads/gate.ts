// Holds requests back while server or store can't be reached: then one at a time is tried, with backoff.
import { backoff, jittered } from "../client/backoff.ts";
import type { Environment, Timer } from "../client/environment.ts";
import type { Problem } from "../client/problems.ts";
import { Waiters } from "./waiters.ts";

/** What an attempt has shown: a problem of the connection, which another attempt will not have for ever, or none. */
export type OutageOf<T> = (result: T) => Problem | null;

export class Gate {
  /** Why requests are held back; null while they are not. */
  problem: Problem | null = null;
  readonly #environment: Environment;
  readonly #changed: () => void;
  #failures = 0;
  #isProbing = false;
  #timer: Timer = null;
  readonly #waiting = new Waiters();

  /** `changed` is called when `problem` has changed. */
  constructor(environment: Environment, changed: () => void) {
    this.#environment = environment;
    this.#changed = changed;
  }

  /** Makes one attempt once that makes sense. Rejects with the signal's reason. */
  async attempt<T>(signal: AbortSignal, send: () => Promise<T>, outageOf: OutageOf<T>): Promise<T> {
    const probe = await this.#enter(signal);
    try {
      const result = await send();
      const outage = outageOf(result);
      if (outage === null) this.#opened();
      else this.#failed(outage, probe);
      return result;
    } finally {
      if (probe) this.#probed();
    }
  }

  /** Repeats it until there is no outage. */
  async insist<T>(signal: AbortSignal, send: () => Promise<T>, outageOf: OutageOf<T>): Promise<T> {
    for (;;) {
      const result = await this.attempt(signal, send, outageOf);
      if (outageOf(result) === null) return result;
    }
  }

  /** Tries again now: the network is back, or a person asks for it. */
  hurry(): void {
    if (this.#timer === null) return;
    this.#environment.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.wake(1);
  }

  /** Returns whether this attempt is the one that finds out. */
  async #enter(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    while (this.#failures > 0 && (this.#timer !== null || this.#isProbing)) {
      await this.#waiting.wait(signal);
    }
    this.#isProbing = this.#failures > 0;
    return this.#isProbing;
  }

  #failed(problem: Problem, probe: boolean): void {
    if (this.#failures > 0 && !probe) return; // it was sent before the others had failed
    const { clock, random, presence } = this.#environment;
    const { retryAfter } = problem;
    const range = retryAfter === null ? backoff(this.#failures) : ([retryAfter, 1.2 * retryAfter + 0.5] as const);
    this.#failures += 1;
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = null;
        this.#waiting.wake(1);
      },
      jittered(range, random),
    );
    // A single failure is no outage: the next attempt is made within a second.
    if (this.#failures > 1 || retryAfter !== null || !presence.online()) this.#set(problem);
  }

  #opened(): void {
    if (this.#failures === 0) return;
    this.#environment.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#failures = 0;
    this.#isProbing = false;
    this.#waiting.wake();
    this.#set(null);
  }

  /** Whoever waits is next, also after an attempt that was aborted. */
  #probed(): void {
    this.#isProbing = false;
    if (this.#timer === null) this.#waiting.wake(1);
  }

  #set(problem: Problem | null): void {
    if (this.problem === null && problem === null) return;
    this.problem = problem;
    this.#changed();
  }
}
