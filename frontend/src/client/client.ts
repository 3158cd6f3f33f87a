// The client of one server: HTTP requests, and jobs followed over one connection.
import { backoff, jittered } from "./backoff.ts";
import { browserEnvironment, type Environment } from "./environment.ts";
import { type ConnectionStatus, Follower, type Transports } from "./follower.ts";
import { applyUpdate, emptyJob, type Job, jobOfItem } from "./jobs.ts";
import { Position, type Verdict } from "./ordering.ts";
import { pollingTransport } from "./polling.ts";
import { type Outcome, type Problem, problem } from "./problems.ts";
import { createRequest, type Request, type RequestOptions } from "./requests.ts";
import {
  type Accepted,
  ENDED,
  type FilePage,
  type FileSelection,
  type JobPage,
  type JobStatus,
  type Link,
  type Preflight,
} from "./schemas.ts";
import { sseTransport } from "./sse.ts";
import { createStore, type Store } from "./store.ts";
import type { Update } from "./transports.ts";
import { webSocketTransport } from "./websocket.ts";

const V1 = "/v1/download";
const TRANSPORTS: Transports = [webSocketTransport, sseTransport, pollingTransport];

/** What the client knows. Immutable: the same object until something changes. */
export interface ClientState {
  connection: ConnectionStatus;
  /** When the client reconnects automatically, in milliseconds of its clock; null while no retry is scheduled. */
  retryAt: number | null;
  /** Every job that was listed, started, fetched or followed, by id. */
  jobs: ReadonlyMap<string, Job>;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}
export interface PageOptions extends CallOptions {
  cursor?: string | undefined;
  limit?: number | undefined;
}
export interface ClientOptions {
  /** URL of the server without a trailing slash. Defaults to the page's origin. */
  baseUrl?: string;
  /** Replaces browser APIs, for tests. */
  environment?: Partial<Environment>;
}

const START_TRIES = 3;
const START_AGAIN: readonly string[] = ["unreachable", "timeout", "idempotency_key_in_flight"];

/** A client of one server. It sends nothing until it is used. */
export class Client {
  /** For useSyncExternalStore. */
  readonly subscribe: Store<ClientState>["subscribe"];
  readonly getState: Store<ClientState>["get"];
  readonly environment: Environment;
  readonly baseUrl: string;
  /** Sends any request, as the methods below send theirs. */
  readonly request: Request;
  readonly #store: Store<ClientState>;
  readonly #follower: Follower;
  readonly #positions = new Map<string, Position>();
  /** How often each job is followed; the last key was added last. */
  readonly #followed = new Map<string, number>();
  #syncScheduled = false;

  constructor({ baseUrl = globalThis.location?.origin ?? "", environment = {} }: ClientOptions = {}) {
    this.environment = { ...browserEnvironment(), ...environment };
    this.baseUrl = baseUrl;
    this.request = createRequest(baseUrl, this.environment);
    this.#store = createStore<ClientState>(
      { connection: "idle", retryAt: null, jobs: new Map() },
      this.environment.clock,
    );
    this.subscribe = this.#store.subscribe;
    this.getState = this.#store.get;
    const host = {
      ...this, // `baseUrl`, `environment` and `request`
      activeJobs: () => this.#activeJobs(),
      seqOf: (jobId: string) => this.#position(jobId).seq,
      apply: (update: Update, requestedSince?: number) => this.#apply(update, requestedSince),
      reject: (jobId: string, why: Problem) => this.#reject(jobId, why),
      unchanged: (jobId: string) => this.#unchanged(jobId),
    };
    this.#follower = new Follower(host, TRANSPORTS, (connection, retryAt) => {
      const state = this.getState();
      if (state.connection !== connection || state.retryAt !== retryAt) this.#store.set({ connection, retryAt });
    });
  }

  /** Starts a job. Retried if there is no response; the Idempotency-Key prevents a second job. */
  async start(selection: FileSelection, { signal }: CallOptions = {}): Promise<Outcome<Accepted>> {
    const { clock, random } = this.environment;
    const headers = { "Idempotency-Key": [1, 2, 3].map(random).join() };
    const options = { body: selection, headers, signal };
    let outcome = await this.#call<Accepted>("POST", "/initiate", options);
    for (let tries = 1; tries < START_TRIES && !outcome.ok && START_AGAIN.includes(outcome.problem.code); tries += 1) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, jittered(backoff(tries - 1), random)));
      outcome = await this.#call<Accepted>("POST", "/initiate", options);
    }
    if (outcome.ok) this.#started(outcome.value, selection.archiveName ?? null);
    return outcome;
  }

  /** Checks a selection without starting a job: how many files exist, which are missing, and the size of the result. */
  preflight(selection: FileSelection, options: CallOptions = {}): Promise<Outcome<Preflight>> {
    return this.#call("POST", "/check", { ...options, body: selection });
  }

  /** Fetches the current status of a job, with all its files. */
  async status(jobId: string, options: CallOptions = {}): Promise<Outcome<JobStatus>> {
    const outcome = await this.#call<JobStatus>("GET", path(jobId), { ...options, query: { since: 0 }, fresh: true });
    if (outcome.ok) this.#apply(outcome.value);
    else if (outcome.problem.code === "job_not_found") this.#reject(jobId, outcome.problem);
    return outcome;
  }

  /** Lists the user's own jobs, newest first. `status`: one, or several separated by commas. `q` searches their titles. */
  async list({
    signal,
    ...query
  }: PageOptions & { status?: string | undefined; q?: string | undefined } = {}): Promise<Outcome<JobPage>> {
    const outcome = await this.#call<JobPage>("GET", "/jobs", { query, signal });
    if (outcome.ok) this.#listed(outcome.value);
    return outcome;
  }

  /** Lists the catalogue in the order of ids. `q` filters by name, `text` by words in the text of PDFs. */
  files({
    signal,
    ...query
  }: PageOptions & { q?: string | undefined; text?: string | undefined } = {}): Promise<Outcome<FilePage>> {
    return this.#call("GET", "/files", { query, signal });
  }

  /** Runs an ended job again. The server keeps what is already packed. */
  async retry(jobId: string, options: CallOptions = {}): Promise<Outcome<Accepted>> {
    const outcome = await this.#call<Accepted>("POST", path(jobId, "/retry"), options);
    if (outcome.ok) await this.status(jobId, options);
    return outcome;
  }

  /**
   * Starts a new job with the files that failed or were omitted. The outcome holds the id of the new job.
   * Files that were URLs (`fileId` 0) are not among them, since nobody gets their URLs: `retry` fetches them again.
   */
  async retryFailed(jobId: string, options: CallOptions = {}): Promise<Outcome<Accepted>> {
    const outcome = await this.status(jobId, options);
    if (!outcome.ok) return outcome;
    const { files, archiveName, onMissing, compression } = outcome.value;
    const failed = files.filter(({ fileId, status }) => fileId && (status === "failed" || status === "omitted"));
    if (!failed.length) return { ok: false, problem: problem("nothing_failed") };
    const selected = failed.map(({ fileId, name }) => ({ file_id: fileId, name }));
    return this.start({ files: selected, archiveName, onMissing, compression }, options);
  }

  async cancel(jobId: string, options: CallOptions = {}): Promise<Outcome<JobStatus>> {
    const outcome = await this.#call<JobStatus>("DELETE", path(jobId), options);
    if (outcome.ok && this.#apply(outcome.value) === "gap") await this.status(jobId, options);
    return outcome;
  }

  /** Fetches a new presigned link, with size, checksum and omitted files. */
  link(jobId: string, options: CallOptions = {}): Promise<Outcome<Link>> {
    return this.#call("GET", path(jobId, "/download-url"), options);
  }

  /** The stable URL of the result, which redirects to a new presigned link. For navigation, or for `curl -LOJ`. */
  fileUrl(jobId: string): string {
    return this.baseUrl + V1 + path(jobId, "/file");
  }

  /** Keeps a job up to date until it ends or the returned function is called. Calls are counted per job. */
  follow(jobId: string): () => void {
    if (!UUID.test(jobId) && !this.getState().jobs.has(jobId)) this.#reject(jobId, problem("invalid_request"));
    this.#followed.set(jobId, (this.#followed.get(jobId) ?? 0) + 1);
    this.#scheduleSync();
    let following = true;
    return () => {
      if (following) this.#unfollow(jobId);
      following = false;
    };
  }

  /** Removes a job from the state. */
  forget(jobId: string): void {
    this.#positions.delete(jobId);
    this.#save([], jobId);
  }

  /** When something last arrived for the followed jobs, in milliseconds of the client's clock; null before that. */
  get receivedAt(): number | null {
    return this.#follower.receivedAt;
  }

  /** Retries now instead of waiting for the next automatic retry. */
  reconnect(): void {
    this.#follower.reconnect();
  }

  #call<T>(method: string, path: string, options: RequestOptions): Promise<Outcome<T>> {
    return this.request<T>(method, V1 + path, options);
  }

  #unfollow(jobId: string): void {
    const count = (this.#followed.get(jobId) as number) - 1;
    if (count > 0) this.#followed.set(jobId, count);
    else this.#followed.delete(jobId);
    this.#scheduleSync();
  }

  /** Batches all changes of the current task into one sync. */
  #scheduleSync(): void {
    if (this.#syncScheduled) return;
    this.#syncScheduled = true;
    this.environment.clock.setTimeout(() => {
      this.#syncScheduled = false;
      this.#follower.sync();
    }, 0);
  }

  /** Followed jobs that can still change, the most recently requested first. */
  #activeJobs(): string[] {
    return [...this.#followed.keys()].filter((jobId) => this.#isActive(jobId)).reverse();
  }

  #isActive(jobId: string): boolean {
    const { problem, detail, status } = this.#job(jobId);
    return !problem && !(detail && ENDED.has(status));
  }

  #position(jobId: string): Position {
    if (!this.#positions.has(jobId)) this.#positions.set(jobId, new Position());
    return this.#positions.get(jobId) as Position;
  }

  #apply(update: Update, requestedSince?: number): Verdict {
    const { jobId } = update;
    const wasActive = this.#isActive(jobId);
    const verdict = this.#position(jobId).accept(update, requestedSince);
    if (update.type === "gone") this.#reject(jobId, problem("gone"));
    else if (verdict === "next" || verdict === "reset") {
      this.#save([applyUpdate(this.#job(jobId), update, verdict === "reset")]);
    }
    if (this.#isActive(jobId) !== wasActive) this.#scheduleSync();
    return verdict;
  }

  async #unchanged(jobId: string): Promise<boolean> {
    const outcome = await this.#call<JobStatus>("GET", path(jobId), { query: { since: this.#position(jobId).seq } });
    return outcome.ok && this.#apply(outcome.value) === "stale";
  }

  #reject(jobId: string, why: Problem): void {
    this.#save([{ ...this.#job(jobId), problem: why }]);
    this.#scheduleSync();
  }

  #started({ jobId, totalFileIds }: Accepted, archiveName: string | null): void {
    if (!this.getState().jobs.has(jobId)) this.#save([{ ...this.#job(jobId), archiveName, filesTotal: totalFileIds }]);
  }

  /** A list item holds less than a followed job, so it never overwrites one. A job that left its final status is refetched. */
  #listed({ jobs }: JobPage): void {
    const known = this.getState().jobs;
    this.#save(jobs.filter(({ jobId }) => !known.get(jobId)?.detail).map(jobOfItem));
    for (const { jobId, status } of jobs) {
      const job = known.get(jobId);
      if (job?.detail && ENDED.has(job.status) && job.status !== status) void this.status(jobId);
    }
  }

  #job(jobId: string): Job {
    return this.getState().jobs.get(jobId) ?? emptyJob(jobId, new Date(this.environment.clock.now()).toISOString());
  }

  #save(changed: readonly Job[], removed?: string): void {
    const jobs = new Map(this.getState().jobs);
    jobs.delete(removed as string);
    for (const job of changed) jobs.set(job.jobId, job);
    this.#store.set({ jobs });
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function path(jobId: string, suffix = ""): string {
  return `/job/${encodeURIComponent(jobId)}${suffix}`;
}
