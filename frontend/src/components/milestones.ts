// What is worth saying aloud of a job's way: its turns, and every quarter.
import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { nameOf } from "./names.ts";

const QUARTER = 25;

/** What a screen reader is to say after this change; null where it is to stay silent. */
export function milestone(before: Job | undefined, after: Job): string | null {
  const name = nameOf(after);
  if (before === undefined || after.problem !== null) return null;
  if (before.status !== after.status) return turn(after, name);
  if (after.status !== "processing") return null;
  const quarter = quarterOf(after);
  if (quarter > quarterOf(before)) return texts.announce.reached(name, quarter * QUARTER);
  const packs = after.detail?.progress.phase === "packing" && before.detail?.progress.phase === "resolving";
  return packs ? texts.announce.packing(name) : null;
}

function turn({ status }: Job, name: string): string {
  return status === "processing" ? texts.announce.started(name) : texts.announce[status](name);
}

function quarterOf({ percent }: Job): number {
  return Math.min(3, Math.floor((percent ?? 0) / QUARTER));
}
