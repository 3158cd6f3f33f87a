// The client: one server, asked over HTTP, and its jobs followed over one connection.
import type { Job } from "./jobs.ts";
import type { Outcome, Problem } from "./problems.ts";
import type { Accepted, FilePage, FileSelection, JobPage, JobStatus, Link, Preflight, Status } from "./schemas.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * How news come in: `live` WebSocket, `sse` event stream, `polling` every 2 s, `offline` no network or no server.
 * `connecting` while the first way is tried, `idle` while nothing is followed.
 */
export type Connection = "idle" | "connecting" | "live" | "sse" | "polling" | "offline";

/** What the store holds, immutable: the same object until something changes. */
export interface ClientState {
  connection: Connection;
  /** When the client tries again by itself, in milliseconds of the clock; null where it need not. */
  retryAt: number | null;
  /** Every job that was listed, started, asked for or followed. */
  jobs: ReadonlyMap<string, Job>;
}

export interface AskOptions {
  signal?: AbortSignal;
}
export interface PageOptions extends AskOptions {
  cursor?: string | undefined;
  limit?: number;
}

export interface Client {
  /** Asks for files. A request that is sent again after a broken connection makes no second job (Idempotency-Key). */
  start(selection: FileSelection, options?: AskOptions): Promise<Outcome<Accepted>>;
  /** What a job of these files would come to: how many, what is missing, total and exact size of the result. */
  preflight(selection: FileSelection, options?: AskOptions): Promise<Outcome<Preflight>>;
  /** The job now, with all its files; it goes into the store, too. */
  status(jobId: string, options?: AskOptions): Promise<Outcome<JobStatus>>;
  /** Own jobs, newest first; they go into the store, too. */
  list(options?: PageOptions & { status?: Status }): Promise<Outcome<JobPage>>;
  /** The catalogue, by id; `q` searches names. */
  files(options?: PageOptions & { q?: string }): Promise<Outcome<FilePage>>;
  /** Runs an ended job again, all of it (what is packed already is kept by the server). */
  retry(jobId: string, options?: AskOptions): Promise<Outcome<Accepted>>;
  /** Starts a new job of those files that failed or were left out. Its id is in the answer. */
  retryFailed(jobId: string, options?: AskOptions): Promise<Outcome<Accepted>>;
  cancel(jobId: string, options?: AskOptions): Promise<Outcome<JobStatus>>;
  /** A fresh presigned link, with size, checksum and what was left out. */
  link(jobId: string, options?: AskOptions): Promise<Outcome<Link>>;
  /** The stable link, absolute: leads to a fresh presigned one. To be navigated to, or for `curl -LOJ`. */
  fileUrl(jobId: string): string;

  /** Has the store kept up to date with the job until it ends or the function given back is called. May be called often. */
  follow(jobId: string): () => void;
  /** Tries again now what waits to be tried again. */
  reconnect(): void;

  /** For useSyncExternalStore. */
  subscribe(listener: () => void): () => void;
  getState(): ClientState;
  /** Ends connections and timers; the client can be used again afterwards. */
  close(): void;
}

export interface ClientOptions {
  /** Where the server is; the page's own origin unless it is said. */
  baseUrl?: string;
  surroundings?: Partial<Surroundings>;
}

/** A client of one server. Nothing is sent before it is asked for something. */
export declare function createClient(options?: ClientOptions): Client;
export type { Problem };
