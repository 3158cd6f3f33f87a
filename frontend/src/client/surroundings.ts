// What the client needs of the world around it. Tests bring their own.

export type Timer = unknown;

/** Milliseconds throughout. */
export interface Clock {
  now(): number;
  setTimeout(run: () => void, delay: number): Timer;
  clearTimeout(timer: Timer): void;
}

/** Whether there is a network, and whether anybody looks. `subscribe` gives back what ends it. */
export interface Senses {
  online(): boolean;
  visible(): boolean;
  subscribe(listener: () => void): () => void;
}

export interface Surroundings {
  clock: Clock;
  /** From 0 to 1, without 1. */
  random(): number;
  fetch: typeof fetch;
  WebSocket: (url: string, protocols: string[]) => WebSocket;
  EventSource: (url: string) => EventSource;
  senses: Senses;
}
