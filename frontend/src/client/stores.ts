// What the client knows, for useSyncExternalStore: an immutable state, and listeners who hear of a new one.
import type { Clock } from "./surroundings.ts";

/** Milliseconds between two calls of the listeners: more often than this no eye sees, and each call renders. */
const BREATH = 30;

export interface Store<State> {
  get(): State;
  /** The state is new at once; listeners hear of it at once, or shortly after they heard last. */
  set(news: Partial<State>): void;
  /** Gives back what ends it. */
  subscribe(listener: () => void): () => void;
}

export function storing<State>(state: State, clock: Clock): Store<State> {
  const listeners = new Set<() => void>();
  let told = 0;
  let telling = false;

  function tell(): void {
    telling = false;
    told = clock.now();
    for (const listener of [...listeners]) listener();
  }

  return {
    get: () => state,
    set(news) {
      state = { ...state, ...news };
      const wait = told + BREATH - clock.now();
      if (telling) return;
      if (wait <= 0) return tell();
      telling = true;
      clock.setTimeout(tell, wait);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
