// When to reconnect: the close codes of docs/protocol.md, and exponential backoff with jitter for everything else.

/** Seconds. The delay is drawn from this range at random (jitter). */
export type DelayRange = readonly [from: number, to: number];

/** How a connection was lost. Without a `delay`, exponential backoff decides when to reconnect. */
export interface Disconnect {
  delay?: DelayRange | undefined;
  /** This transport will never work here, so it is not tried again. */
  permanent?: boolean;
  /** Retrying this transport right away would not help. */
  unusable?: boolean;
  /** A Haulage server responded, even if only with an error. */
  reached?: boolean;
}

const DELAYS: Record<number, DelayRange> = {
  1011: [5, 15],
  1012: [0.5, 5],
  4408: [1, 5],
  4429: [15, 45],
  4503: [2, 10],
};
const PERMANENT = [1009, 4400, 4401, 4403, 4404, 4406, 4421];

/** What the close code of a WebSocket means. */
export function disconnectOf(code: number): Disconnect {
  return { delay: DELAYS[code], permanent: PERMANENT.includes(code) };
}

/** 0.5 s to 1, 2, 4, … s, at most 20 s, after `failures` earlier failures. */
export function backoff(failures: number): DelayRange {
  return [0.5, Math.min(20, 2 ** failures)];
}

/** A random delay in the range, in milliseconds. `random` returns 0 to 1. */
export function jittered([from, to]: DelayRange, random: () => number): number {
  return 1000 * (from + random() * (to - from));
}
