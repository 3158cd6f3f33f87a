// The life of a job as a row of spans: it waits, runs, waits again. Pure.
import { between } from "./formats.ts";
import type { Attempt } from "./schemas.ts";

export interface Part {
  key: string;
  tone: "waiting" | "going" | "done" | "bad" | "still";
  /** Seconds. */
  time: number;
}

/** How an attempt ended: with a result, with an error, or in another way; `going` while it runs. */
export function toneOf({
  endedAt,
  error,
  outcome,
}: Pick<Attempt, "endedAt" | "error" | "outcome">): Exclude<Part["tone"], "waiting"> {
  if (endedAt === null) return "going";
  if (error !== null) return "bad";
  return outcome === "succeed" ? "done" : "still";
}

/** From the creation of a job (RFC 3339) to its end, or to now (milliseconds). Spans of no length are left out. */
export function lifeOf(createdAt: string, attempts: readonly Attempt[], end: string | number): Part[] {
  const parts: Part[] = [];
  let at = createdAt;
  for (const attempt of attempts) {
    const { startedAt, endedAt } = attempt;
    parts.push({ key: `before ${startedAt}`, tone: "waiting", time: between(at, startedAt) });
    parts.push({ key: startedAt, tone: toneOf(attempt), time: between(startedAt, endedAt ?? end) });
    if (endedAt === null) return parts.filter(({ time }) => time > 0);
    at = endedAt;
  }
  parts.push({ key: "last", tone: "waiting", time: between(at, end) });
  return parts.filter(({ time }) => time > 0);
}
