import type { Job } from "../client/index.ts";
import { nameOf } from "./jobs.ts";

/** The failure of a job as text, to send to support. */
export function reportOfJob(job: Job): string {
  const { error, files = [] } = job.detail ?? {};
  const lines = files
    .filter((file) => file?.error)
    .map((file) => `${file.fileId} ${file.name ?? ""}: ${file.error?.message}`);
  const head = [`${nameOf(job)} (${job.jobId}): ${job.status}`, error ? `${error.class}: ${error.message}` : ""];
  return [...head, ...lines].filter(Boolean).join("\n");
}
