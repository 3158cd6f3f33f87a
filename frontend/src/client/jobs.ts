// A job as this client knows it: what the list said of it, and what following it brought.
import type { Problem } from "./problems.ts";
import type {
  Compression,
  ErrorView,
  FileView,
  JobItem,
  OnMissing,
  ProgressView,
  ResultView,
  Status,
} from "./schemas.ts";
import type { News } from "./ways.ts";

/**
 * A job, immutable: a new object for each change, and `files[i]` the same object as long as file i is the same.
 * Times are RFC 3339, sizes bytes.
 */
export interface Job {
  jobId: string;
  status: Status;
  archiveName: string | null;
  filesTotal: number;
  filesOmitted: number;
  /** 0 to 100; null while the total is unknown. 100 only when the result can be fetched. */
  percent: number | null;
  createdAt: string;
  finishedAt: string | null;
  /** Bytes of the result, once there is one. */
  size: number | null;
  bundleExpiresAt: string | null;
  /** What only following or asking brings; null while there is no more than the list's line. */
  detail: JobDetail | null;
  /** The job is gone (`gone`), or there is none (`job_not_found`). Nothing more comes. */
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
  /** By index of the request; `filesTotal` of them as soon as the first answer is here. */
  files: readonly FileView[];
  error: ErrorView | null;
  /** The numbers of a running job may be a second old or more. */
  degraded: boolean;
  startedAt: string | null;
  nextAttemptAt: string | null;
  result: ResultView | null;
}

/** The job of a line of the list. */
export function listed({ links: _, ...item }: JobItem): Job {
  return { ...item, detail: null, problem: null };
}

/** A job of which nothing is known yet. */
export function unknown(jobId: string, createdAt: string): Job {
  const nothing = { archiveName: null, percent: null, finishedAt: null, size: null, bundleExpiresAt: null };
  return {
    jobId,
    status: "queued",
    createdAt,
    filesTotal: 0,
    filesOmitted: 0,
    ...nothing,
    detail: null,
    problem: null,
  };
}

/** The job after news that go on from what it was; `anew` drops its files first. */
export function updated(job: Job, news: News, anew: boolean): Job {
  const { status, progress } = news;
  const { percent, filesTotal, filesOmitted } = progress;
  const files = merged(anew ? [] : (job.detail?.files ?? []), news.files);
  const detail = { ...(job.detail ?? BARE), nextAttemptAt: null, ...news, files };
  return { ...job, ...lasting(news), status, percent, filesTotal, filesOmitted, detail, problem: null };
}

/** What only the whole status says of a job. */
function lasting(news: News): Partial<Job> {
  if (!("createdAt" in news)) return {};
  const { archiveName, createdAt, finishedAt, result } = news;
  const { size = null, bundleExpiresAt = null } = result ?? {};
  return { archiveName, createdAt, finishedAt, size, bundleExpiresAt };
}

const BARE = {
  maxAttempts: 0,
  onMissing: "fail" as const,
  compression: "store" as const,
  startedAt: null,
  result: null,
};

/** The files with those that changed in their places; one that says nothing new stays the same object. */
function merged(files: readonly FileView[], changed: readonly FileView[]): readonly FileView[] {
  const fresh = changed.filter((file) => !same(files[file.index], file));
  if (fresh.length === 0) return files;
  const all = [...files];
  for (const file of fresh) all[file.index] = file;
  return all;
}

function same(one: FileView | undefined, other: FileView): boolean {
  return (
    one !== undefined &&
    one.bytesDone === other.bytesDone &&
    one.status === other.status &&
    one.size === other.size &&
    one.name === other.name &&
    one.error?.message === other.error?.message
  );
}
