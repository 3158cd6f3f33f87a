import type { Status } from "../client/index.ts";

/** The tone of a job's progress bar. */
export const TONES = {
  receiving: "waiting",
  queued: "waiting",
  processing: "going",
  retrying: "waiting",
  completed: "done",
  failed: "bad",
  cancelled: "still",
  expired: "still",
} as const satisfies Record<Status, string>;
