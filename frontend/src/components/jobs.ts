import { ENDED, type FileSelection, type Job, RETRYABLE } from "../client/index.ts";
import { texts } from "../texts.ts";

/** The `fileId` of a file that is fetched from a URL. */
const URL_FILE = 0;

/** The name to show for a job. */
export function nameOf(job: Job): string {
  return job.title ?? job.archiveName ?? texts.jobs.untitled(job.filesTotal);
}

/** The name under which a browser saves the result. */
export function fileNameOf(job: Job): string {
  return job.detail?.result?.filename ?? job.archiveName ?? nameOf(job);
}

/** The one action that helps a job which ended without a result; null for any other, and while it is not known why. */
export function helpOf(job: Job): "retry" | "skipMissing" | "chooseOthers" | null {
  if (!RETRYABLE.has(job.status)) return null;
  if (job.status === "failed" && job.detail === null) return null;
  if (job.status !== "failed" || job.detail?.error?.class !== "validation") return "retry";
  const missing = problemFileCount(job);
  const hasUrls = job.detail.files.some((file) => file?.fileId === URL_FILE); // nobody gets them to request them again
  return missing > 0 && missing < job.filesTotal && !hasUrls ? "skipMissing" : "chooseOthers";
}

/** The same files, with missing ones skipped. */
export function skippingMissing({ archiveName, detail }: Job): FileSelection {
  const files = (detail?.files ?? []).map(({ fileId, name }) => ({ file_id: fileId, name }));
  return { files, archiveName, onMissing: "skip", compression: detail?.compression ?? "store" };
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
  return job.detail === null ? job.filesOmitted : problemFiles(job).length;
}

/** How many of them can be requested in a new job: those of the catalogue. */
export function retryableFileCount(job: Job): number {
  if (job.detail === null) return job.filesOmitted;
  return problemFiles(job).filter((file) => file?.fileId !== URL_FILE).length;
}

function problemFiles(job: Job) {
  return job.detail?.files.filter((file) => file?.status === "failed" || file?.status === "omitted") ?? [];
}
