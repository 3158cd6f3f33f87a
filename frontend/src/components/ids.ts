// File ids as people paste them.

export const FIRST = 10_000;
export const LAST = 100_000_000;
export const MOST = 1_000;

export interface Parsed {
  ids: number[];
  /** What is no id, as it was written. */
  wrong: string[];
}

/** Ids and ranges (`10000-10020`) between spaces, commas, semicolons or lines; each id once, in the order written. */
export function parseIds(text: string): Parsed {
  const ids = new Set<number>();
  const wrong: string[] = [];
  for (const token of text.split(/[\s,;]+/).filter(Boolean)) {
    const range = rangeOf(token);
    if (range === null) wrong.push(token);
    else for (let id = range[0]; id <= range[1]; id += 1) ids.add(id);
  }
  return { ids: [...ids], wrong };
}

/** First and last id of a token. A range that is ten times as long as a job may be is wrong: it is most likely a slip. */
function rangeOf(token: string): [number, number] | null {
  const match = /^(\d+)(?:[-–](\d+))?$/.exec(token);
  if (match === null) return null;
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])];
  return from >= FIRST && to <= LAST && from <= to && to - from < 10 * MOST ? [from, to] : null;
}
