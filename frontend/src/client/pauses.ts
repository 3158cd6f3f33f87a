// When to come back: the close codes of docs/protocol.md, and a jittered backoff for all else. Seconds.

export type Range = readonly [from: number, to: number];

/** How a connection was lost. Without a `pause` the backoff says when to come back. */
export interface Loss {
  pause?: Range | undefined;
  /** Never come back by this way. */
  barred?: boolean;
  /** Nothing useful came by this way, and trying again at once would not help. */
  useless?: boolean;
  /** A server of ours answered, if only to say no. */
  reached?: boolean;
}

const PAUSES: Record<number, Range> = {
  1011: [5, 15],
  1012: [0.5, 5],
  4408: [1, 5],
  4429: [15, 45],
  4503: [2, 10],
};
const BARRED = [1009, 4400, 4403, 4404, 4406, 4421];

/** What a WebSocket's close code means. */
export function lossOf(code: number): Loss {
  return { pause: PAUSES[code], barred: BARRED.includes(code) };
}

/** 0.5 s to 1, 2, 4, … and at most 20 s, after so many failures before; `random` from 0 to 1. */
export function backoff(failures: number): Range {
  return [0.5, Math.min(20, 2 ** failures)];
}

/** A moment in the range, in milliseconds. */
export function within([from, to]: Range, random: () => number): number {
  return 1000 * (from + random() * (to - from));
}
