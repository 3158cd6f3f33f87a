// Immutable state with listeners, in the shape that useSyncExternalStore expects.
import type { Clock } from "./environment.ts";

/** Milliseconds. Listeners are notified at most this often, since each notification renders. */
const THROTTLE = 30;

export interface Store<State> {
  get(): State;
  /** The state changes immediately. Listeners are notified immediately, or once the throttle allows it. */
  set(changes: Partial<State>): void;
  /** Returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void;
}

export function createStore<State>(state: State, clock: Clock): Store<State> {
  const listeners = new Set<() => void>();
  let lastNotified = 0;
  let scheduled = false;

  function notify(): void {
    scheduled = false;
    lastNotified = clock.now();
    for (const listener of [...listeners]) listener();
  }

  return {
    get: () => state,
    set(changes) {
      state = { ...state, ...changes };
      const wait = lastNotified + THROTTLE - clock.now();
      if (scheduled) return;
      if (wait <= 0) return notify();
      scheduled = true;
      clock.setTimeout(notify, wait);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
