import { ENDED, type Job } from "../client/index.ts";
import { texts } from "../texts.ts";

/** The name to show for a job. */
export function nameOf(job: Job): string {
  return job.detail?.result?.filename ?? job.archiveName ?? texts.jobs.untitled(job.filesTotal);
}

export function isRunning(job: Job): boolean {
  return job.problem === null && !ENDED.has(job.status);
}

/** 0 to 100; null while the total is unknown. Below 100 until the result can be downloaded. */
export function percentOf(job: Job): number | null {
  if (job.status === "completed") return 100;
  return job.percent === null ? null : Math.min(99.9, job.percent);
}

/** The number of files that failed or were skipped. */
export function problemFileCount(job: Job): number {
  if (job.detail === null) return job.filesOmitted;
  return job.detail.files.filter((file) => file?.status === "failed" || file?.status === "omitted").length;
}
