// File ids as people paste them.

export const MIN_ID = 10_000;
export const MAX_ID = 100_000_000;
export const MAX_FILES = 1_000;

export interface Parsed {
  ids: number[];
  /** Tokens that are not ids, as they were written. */
  invalid: string[];
}

/** Ids and ranges (`10000-10020`) between spaces, commas, semicolons or lines; each id once, in the order written. */
export function parseIds(text: string): Parsed {
  const ids = new Set<number>();
  const invalid: string[] = [];
  for (const token of text.split(/[\s,;]+/).filter(Boolean)) {
    const range = rangeOf(token);
    if (range === null) invalid.push(token);
    else for (let id = range[0]; id <= range[1]; id += 1) ids.add(id);
  }
  return { ids: [...ids], invalid };
}

/** First and last id of a token; null if it is invalid, or a range so long that it is most likely a typo. */
function rangeOf(token: string): [number, number] | null {
  const match = /^(\d+)(?:[-–](\d+))?$/.exec(token);
  if (match === null) return null;
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])];
  return from >= MIN_ID && to <= MAX_ID && from <= to && to - from < 10 * MAX_FILES ? [from, to] : null;
}
