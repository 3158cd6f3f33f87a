import type {
  Accepted,
  Client,
  Connection,
  FilePage,
  FileSelection,
  Job,
  JobStatus,
  Link,
  Outcome,
  Preflight,
  Problem,
} from "../client/index.ts";

export interface DownloadManagerOptions {
  /** Which server; one client is shared by all hooks of a page unless one is given. */
  client?: Client;
  /** Keep the opened jobs in the address, as `?job=…&job=…` (default true). */
  address?: boolean;
  /** Show own jobs from the server's list and follow those that run (default true). */
  list?: boolean;
}

/** What could not be done, and for which job, until it is dismissed. */
export interface Failure {
  id: number;
  action: "start" | "retry" | "retryFailed" | "cancel" | "link" | "list";
  jobId: string | null;
  problem: Problem;
}

export interface DownloadManager {
  connection: Connection;
  /** Milliseconds of Date.now() at which the client tries again by itself. */
  retryAt: number | null;
  reconnect(): void;

  /** All known jobs, newest first. */
  jobs: readonly Job[];
  job(jobId: string): Job | undefined;
  /** The server's list: whether it is asked for right now, and whether there is more of it. */
  loading: boolean;
  hasMore: boolean;
  loadMore(): Promise<void>;
  refresh(): Promise<void>;

  /** Jobs that are open, as in the address. */
  open: readonly string[];
  openJob(jobId: string): void;
  closeJob(jobId: string): void;

  /** Each also puts a problem into `failures`. A started job is opened and followed. */
  start(selection: FileSelection): Promise<Outcome<Accepted>>;
  retry(jobId: string): Promise<Outcome<Accepted>>;
  retryFailed(jobId: string): Promise<Outcome<Accepted>>;
  cancel(jobId: string): Promise<Outcome<JobStatus>>;
  link(jobId: string): Promise<Outcome<Link>>;
  fileUrl(jobId: string): string;
  /** These report only to whoever asks. */
  preflight(selection: FileSelection, signal?: AbortSignal): Promise<Outcome<Preflight>>;
  files(options: { q?: string; cursor?: string; limit?: number; signal?: AbortSignal }): Promise<Outcome<FilePage>>;

  failures: readonly Failure[];
  dismiss(id: number): void;
}

/** Downloads of one server, many at once over one connection. Stable functions; safe in StrictMode. */
export declare function useDownloadManager(options?: DownloadManagerOptions): DownloadManager;
/** One job, re-rendered only when that job changes. */
export declare function useJob(jobId: string, client?: Client): Job | undefined;
