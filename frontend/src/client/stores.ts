// What the client knows, for useSyncExternalStore: an immutable state, and listeners who hear of a new one.
import type { Clock } from "./surroundings.ts";

/** Milliseconds between two calls of the listeners: more often than this no eye sees, and each call renders. */
const BREATH = 30;

export class Store<State> {
  #state: State;
  #listeners = new Set<() => void>();
  #clock: Clock;
  #told = Number.NEGATIVE_INFINITY;
  #telling = false;

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  get state(): State {
    return this.#state;
  }

  /** The state is new at once; listeners hear of it at once, or shortly after they heard last. */
  set(news: Partial<State>): void {
    this.#state = { ...this.#state, ...news };
    if (this.#telling) return;
    const wait = this.#told + BREATH - this.#clock.now();
    if (wait <= 0) return this.#tell();
    this.#telling = true;
    this.#clock.setTimeout(() => this.#tell(), wait);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    this.#telling = false;
    this.#told = this.#clock.now();
    for (const listener of [...this.#listeners]) listener();
  }
}
