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
  socket(url: string, protocol: string): WebSocket;
  stream(url: string): EventSource;
  senses: Senses;
}

/** The browser's own. Looked up when they are used: a server that renders the page has none of them. */
export function browser(): Surroundings {
  return {
    clock: {
      now: () => Date.now(),
      setTimeout: (run, delay) => setTimeout(run, delay),
      clearTimeout: (timer) => clearTimeout(timer as number),
    },
    random: () => Math.random(),
    fetch: (...given) => fetch(...given),
    socket: (url, protocol) => new WebSocket(url, protocol),
    stream: (url) => new EventSource(url),
    senses: {
      online: () => typeof navigator === "undefined" || navigator.onLine !== false,
      visible: () => typeof document === "undefined" || document.visibilityState !== "hidden",
      subscribe: sense,
    },
  };
}

function sense(listener: () => void): () => void {
  const places = [
    [window, "online"],
    [window, "offline"],
    [document, "visibilitychange"],
  ] as const;
  for (const [place, name] of places) place.addEventListener(name, listener);
  return () => {
    for (const [place, name] of places) place.removeEventListener(name, listener);
  };
}
