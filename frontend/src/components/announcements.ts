// What screen readers announce of a job: changes of its status, and every quarter of its progress.
import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { nameOf } from "./jobs.ts";

const QUARTER = 25;

/** The announcement for a change of a job; null if there is none. */
export function announcementOf(before: Job | undefined, after: Job): string | null {
  const name = nameOf(after);
  if (before === undefined || after.problem !== null) return null;
  if (before.status !== after.status) return statusText(after, name);
  if (after.status !== "processing") return null;
  const quarter = quarterOf(after);
  if (quarter > quarterOf(before)) return texts.announce.reached(name, quarter * QUARTER);
  const phase = before.detail?.progress.phase;
  const startsPacking = after.detail?.progress.phase === "packing" && (phase === "resolving" || phase === "fetching");
  return startsPacking ? texts.announce.packing(name) : null;
}

function statusText({ status }: Job, name: string): string {
  return status === "processing" ? texts.announce.started(name) : texts.announce[status](name);
}

function quarterOf({ percent }: Job): number {
  return Math.min(3, Math.floor((percent ?? 0) / QUARTER));
}
