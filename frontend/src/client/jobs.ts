// A job as this client knows it: what the list said of it, and what following it brought.
import type { Problem } from "./problems.ts";
import type {
  ErrorView,
  FileView,
  JobItem,
  JobStatus,
  Links,
  OnMissing,
  ProgressView,
  ResultView,
  Status,
} from "./schemas.ts";

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
  links: Links;
  /** What only following or asking brings; null while there is no more than the list's line. */
  detail: JobDetail | null;
  /** Whether news come in at the moment, or would if there were any. */
  followed: boolean;
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
export type { JobItem, JobStatus };
