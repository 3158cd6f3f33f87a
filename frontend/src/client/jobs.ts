// A job as the client knows it, from the list and from following it.
import type { Problem } from "./problems.ts";
import type {
  Compression,
  ErrorView,
  FileView,
  JobItem,
  Kind,
  OnMissing,
  ProcessingView,
  ProgressView,
  ResultView,
  Status,
  UploadView,
} from "./schemas.ts";
import type { Update } from "./transports.ts";

/**
 * A job. Immutable: each change makes a new object, and `files[i]` stays the same object until file `i` changes.
 * Times are RFC 3339, sizes in bytes.
 */
export interface Job {
  jobId: string;
  status: Status;
  /** What to call the job: its archive name, or else its first file. Null until the server has sent the job. */
  title: string | null;
  archiveName: string | null;
  filesTotal: number;
  filesOmitted: number;
  /** 0 to 100; null while the total is unknown. 100 only if the result can be downloaded. */
  percent: number | null;
  createdAt: string;
  finishedAt: string | null;
  /** Size of the result in bytes; null until it exists. */
  size: number | null;
  bundleExpiresAt: string | null;
  /** Known only from following or fetching the job; null while only the list item is known. */
  detail: JobDetail | null;
  /** Why the job can't be followed: it was deleted (`gone`) or does not exist (`job_not_found`). */
  problem: Problem | null;
}

export interface JobDetail {
  seq: number;
  tick: number;
  ts: string;
  attempt: number;
  maxAttempts: number;
  onMissing: OnMissing;
  compression: Compression;
  progress: ProgressView;
  /** In the order of the request. The first update holds all `filesTotal` of them. */
  files: readonly FileView[];
  error: ErrorView | null;
  /** Progress may be a second behind or more. */
  degraded: boolean;
  startedAt: string | null;
  nextAttemptAt: string | null;
  result: ResultView | null;
  /** What the job does; unknown until its status was fetched. */
  kind?: Kind;
  /** Of an upload only: what is uploaded. */
  upload?: UploadView;
  /** Of a job that makes previews only: what they are made of. */
  processing?: ProcessingView;
}

/** The job of a list item. */
export function jobOfItem({ links: _, ...item }: JobItem): Job {
  return { ...item, detail: null, problem: null };
}

/** A job of which only the id is known. */
export function emptyJob(jobId: string, createdAt: string): Job {
  const unknown = {
    title: null,
    archiveName: null,
    percent: null,
    finishedAt: null,
    size: null,
    bundleExpiresAt: null,
  };
  return {
    jobId,
    status: "queued",
    createdAt,
    filesTotal: 0,
    filesOmitted: 0,
    ...unknown,
    detail: null,
    problem: null,
  };
}

/** Applies an update. `reset` discards the known files first. */
export function applyUpdate(job: Job, update: Update, reset: boolean): Job {
  const { status, progress } = update;
  const { percent, filesTotal, filesOmitted } = progress;
  const files = mergeFiles(reset ? [] : (job.detail?.files ?? []), update.files);
  const detail = { ...(job.detail ?? EMPTY_DETAIL), nextAttemptAt: null, ...update, files };
  return { ...job, ...summaryOf(update), status, percent, filesTotal, filesOmitted, detail, problem: null };
}

/** The fields that a full status has and an event lacks. */
function summaryOf(update: Update): Partial<Job> {
  if (!("createdAt" in update)) return {};
  const { title, archiveName, createdAt, finishedAt, result } = update;
  const { size = null, bundleExpiresAt = null } = result ?? {};
  return { title, archiveName, createdAt, finishedAt, size, bundleExpiresAt };
}

const EMPTY_DETAIL = {
  maxAttempts: 0,
  onMissing: "fail" as const,
  compression: "store" as const,
  startedAt: null,
  result: null,
};

/** Replaces the files that changed. A file that is equal to the known one stays the same object. */
function mergeFiles(files: readonly FileView[], changed: readonly FileView[]): readonly FileView[] {
  const different = changed.filter((file) => !sameFile(files[file.index], file));
  if (different.length === 0) return files;
  const all = [...files];
  for (const file of different) all[file.index] = file;
  return all;
}

/** Both were parsed from messages of the same server, which writes the fields in one order. */
function sameFile(one: FileView | undefined, other: FileView): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
