// What the job that makes previews of a file comes to.
import type { Job, ProcessingSummary } from "../../client/index.ts";
import { percentOf } from "../jobs.ts";

export interface Making {
  /** How many previews are made, of how many; `total` is 0 while it is not known. */
  done: number;
  total: number;
  /** 0 to 100, below 100; null while it is not known. */
  percent: number | null;
  /** It has not started, or will start again. */
  isWaiting: boolean;
}

/** How far a job is that has not ended. */
export function makingOf(job: Job | undefined): Making {
  if (!job?.detail) return { done: 0, total: 0, percent: null, isWaiting: false };
  const { filesDone, filesTotal } = job.detail.progress;
  return {
    done: filesDone,
    total: filesTotal,
    percent: percentOf(job),
    isWaiting: job.status === "queued" || job.status === "retrying",
  };
}

/** Why previews could not be made, as sentences: each once. The server tells the first; the job, if it is known, all. */
export function reasonsOf(processing: ProcessingSummary | null, job: Job | undefined): readonly string[] {
  const first = processing?.error?.message ?? [];
  const others = job?.detail?.files.flatMap((file) => file?.error?.message ?? []) ?? [];
  return [...new Set([first, others].flat())];
}
