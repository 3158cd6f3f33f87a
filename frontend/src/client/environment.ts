// What the client needs from the browser. Tests inject fakes.

export type Timer = unknown;

/** Milliseconds throughout. */
export interface Clock {
  now(): number;
  setTimeout(run: () => void, delay: number): Timer;
  clearTimeout(timer: Timer): void;
}

/** Whether the device is online and the page is visible. `subscribe` returns the function that unsubscribes. */
export interface Presence {
  online(): boolean;
  visible(): boolean;
  subscribe(listener: () => void): () => void;
}

export interface Environment {
  clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  random(): number;
  fetch: typeof fetch;
  webSocket(url: string, protocol: string): WebSocket;
  eventSource(url: string): EventSource;
  presence: Presence;
}

/** The browser's own APIs. They are looked up on use, since a server that renders the page has none of them. */
export function browserEnvironment(): Environment {
  return {
    clock: {
      now: () => Date.now(),
      setTimeout: (run, delay) => setTimeout(run, delay),
      clearTimeout: (timer) => clearTimeout(timer as number),
    },
    random: () => Math.random(),
    fetch: (...given) => fetch(...given),
    webSocket: (url, protocol) => new WebSocket(url, protocol),
    eventSource: (url) => new EventSource(url),
    presence: {
      online: () => globalThis.navigator?.onLine !== false,
      visible: () => globalThis.document?.visibilityState !== "hidden",
      subscribe: subscribePresence,
    },
  };
}

function subscribePresence(listener: () => void): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  // `visibilitychange` bubbles from the document to the window.
  for (const type of ["online", "offline", "visibilitychange"]) window.addEventListener(type, listener, { signal });
  return () => abort.abort();
}
