// The client: one server, asked over HTTP, and its jobs followed over one connection.
import { type Connection, Follower } from "./followers.ts";
import { type Job, listed, unknown, updated } from "./jobs.ts";
import { Place, type Verdict } from "./orders.ts";
import { backoff, within } from "./pauses.ts";
import { type Outcome, type Problem, problem } from "./problems.ts";
import { type Asking, type Request, requests } from "./requests.ts";
import {
  type Accepted,
  ENDED,
  type FilePage,
  type FileSelection,
  type JobPage,
  type JobStatus,
  type Link,
  type Preflight,
  type Status,
} from "./schemas.ts";
import { type Store, storing } from "./stores.ts";
import { browser, type Surroundings } from "./surroundings.ts";
import type { News } from "./ways.ts";

const V1 = "/v1/download";

/** What the client knows, immutable: the same object until something changes. */
export interface ClientState {
  connection: Connection;
  /** When the client tries again by itself, in milliseconds of its clock; null where it need not. */
  retryAt: number | null;
  /** Every job that was listed, started, asked for or followed. */
  jobs: ReadonlyMap<string, Job>;
}

export interface AskOptions {
  signal?: AbortSignal | undefined;
}
export interface PageOptions extends AskOptions {
  cursor?: string | undefined;
  limit?: number | undefined;
}
export interface ClientOptions {
  /** Where the server is, without a slash at the end; the page's own origin unless it is said. */
  baseUrl?: string;
  surroundings?: Partial<Surroundings>;
}

const START_TRIES = 3;
const AGAIN: ReadonlySet<string> = new Set(["unreachable", "timeout", "idempotency_key_in_flight"]);

/** A client of one server. Nothing is sent before it is asked for something. */
export class Client {
  /** For useSyncExternalStore. */
  readonly subscribe: Store<ClientState>["subscribe"];
  readonly getState: Store<ClientState>["get"];
  readonly #around: Surroundings;
  readonly #baseUrl: string;
  readonly #request: Request;
  readonly #store: Store<ClientState>;
  readonly #follower: Follower;
  readonly #places = new Map<string, Place>();
  /** Jobs that are wanted, and how often; what was asked for last comes last. */
  readonly #wanted = new Map<string, number>();
  #syncing = false;

  constructor({ baseUrl = globalThis.location?.origin ?? "", surroundings = {} }: ClientOptions = {}) {
    this.#around = { ...browser(), ...surroundings };
    this.#baseUrl = baseUrl;
    this.#request = requests(baseUrl, this.#around);
    this.#store = storing<ClientState>({ connection: "idle", retryAt: null, jobs: new Map() }, this.#around.clock);
    this.subscribe = this.#store.subscribe;
    this.getState = this.#store.get;
    const host = {
      baseUrl,
      surroundings: this.#around,
      request: this.#request,
      wanted: () => this.#running(),
      seqOf: (jobId: string) => this.#place(jobId).seq,
      take: (news: News, asked?: number) => this.#take(news, asked),
      refuse: (jobId: string, why: Problem) => this.#refuse(jobId, why),
      look: (jobId: string) => this.#look(jobId),
    };
    this.#follower = new Follower(host, (connection, retryAt) => this.#connected(connection, retryAt));
  }

  /** Asks for files. Sent again when it was not answered; that makes no second job (Idempotency-Key). */
  async start(selection: FileSelection, { signal }: AskOptions = {}): Promise<Outcome<Accepted>> {
    const headers = { "Idempotency-Key": this.#key() };
    const asking = { body: selection, headers, signal };
    let outcome = await this.#ask<Accepted>("POST", "/initiate", asking);
    for (let tries = 1; tries < START_TRIES && !outcome.ok && AGAIN.has(outcome.problem.code); tries += 1) {
      await this.#pause(tries - 1);
      outcome = await this.#ask<Accepted>("POST", "/initiate", asking);
    }
    if (outcome.ok) this.#started(outcome.value, selection.archiveName ?? null);
    return outcome;
  }

  /** What a job of these files would come to: how many, what is missing, total and exact size of the result. */
  preflight(selection: FileSelection, { signal }: AskOptions = {}): Promise<Outcome<Preflight>> {
    return this.#ask("POST", "/check", { body: selection, signal });
  }

  /** The job now, with all its files. */
  async status(jobId: string, { signal }: AskOptions = {}): Promise<Outcome<JobStatus>> {
    const outcome = await this.#ask<JobStatus>("GET", path(jobId), {
      query: { since: 0 },
      fresh: true,
      signal,
    });
    if (outcome.ok) this.#take(outcome.value);
    else if (outcome.problem.code === "job_not_found") this.#refuse(jobId, outcome.problem);
    return outcome;
  }

  /** Own jobs, newest first. */
  async list({ signal, ...query }: PageOptions & { status?: Status } = {}): Promise<Outcome<JobPage>> {
    const outcome = await this.#ask<JobPage>("GET", "/jobs", { query, signal });
    if (outcome.ok) this.#listed(outcome.value);
    return outcome;
  }

  /** The catalogue, by id; `q` searches names. */
  files({ signal, ...query }: PageOptions & { q?: string | undefined } = {}): Promise<Outcome<FilePage>> {
    return this.#ask("GET", "/files", { query, signal });
  }

  /** Runs an ended job again. The server keeps what is packed already. */
  async retry(jobId: string, { signal }: AskOptions = {}): Promise<Outcome<Accepted>> {
    const outcome = await this.#ask<Accepted>("POST", path(jobId, "/retry"), { signal });
    if (outcome.ok) await this.status(jobId, { signal });
    return outcome;
  }

  /** Starts a new job of those files that failed or were left out; the answer has its id. */
  async retryFailed(jobId: string, options: AskOptions = {}): Promise<Outcome<Accepted>> {
    const outcome = await this.status(jobId, options);
    if (!outcome.ok) return outcome;
    const { files, archiveName, onMissing, compression } = outcome.value;
    const failed = files.filter(({ status }) => status === "failed" || status === "omitted");
    if (failed.length === 0) return { ok: false, problem: problem("nothing_failed") };
    const again = failed.map(({ fileId, name }) => ({ file_id: fileId, name }));
    return this.start({ files: again, archiveName, onMissing, compression }, options);
  }

  async cancel(jobId: string, { signal }: AskOptions = {}): Promise<Outcome<JobStatus>> {
    const outcome = await this.#ask<JobStatus>("DELETE", path(jobId), { signal });
    if (outcome.ok && this.#take(outcome.value) === "gap") await this.status(jobId, { signal });
    return outcome;
  }

  /** A fresh presigned link, with size, checksum and what was left out. */
  link(jobId: string, { signal }: AskOptions = {}): Promise<Outcome<Link>> {
    return this.#ask("GET", path(jobId, "/download-url"), { signal });
  }

  /** The stable link: leads to a fresh presigned one. To be navigated to, or for `curl -LOJ`. */
  fileUrl(jobId: string): string {
    return this.#baseUrl + V1 + path(jobId, "/file");
  }

  /** Has the job be kept up to date until it ends, or what is given back is called. May be called many times. */
  follow(jobId: string): () => void {
    if (!UUID.test(jobId) && !this.getState().jobs.has(jobId)) this.#refuse(jobId, problem("invalid_request"));
    this.#wanted.set(jobId, (this.#wanted.get(jobId) ?? 0) + 1);
    this.#sync();
    let holds = true;
    return () => {
      if (holds) this.#unfollow(jobId);
      holds = false;
    };
  }

  /** Tries again now what waits to be tried again. */
  reconnect(): void {
    this.#follower.wake();
  }

  #ask<T>(method: string, path: string, asking: Asking): Promise<Outcome<T>> {
    return this.#request<T>(method, V1 + path, asking);
  }

  #key(): string {
    return [1, 2, 3].map(() => this.#around.random()).join();
  }

  #pause(failures: number): Promise<void> {
    const delay = within(backoff(failures), this.#around.random);
    return new Promise((resolve) => this.#around.clock.setTimeout(resolve, delay));
  }

  #unfollow(jobId: string): void {
    const holders = (this.#wanted.get(jobId) ?? 0) - 1;
    if (holders > 0) this.#wanted.set(jobId, holders);
    else this.#wanted.delete(jobId);
    this.#sync();
  }

  /** Once for all that was wanted, or not any more, in one go. */
  #sync(): void {
    if (this.#syncing) return;
    this.#syncing = true;
    this.#around.clock.setTimeout(() => {
      this.#syncing = false;
      this.#follower.sync();
    }, 0);
  }

  /** Jobs that are wanted and may still change, the most wanted first. */
  #running(): string[] {
    return [...this.#wanted.keys()].filter((jobId) => this.#runs(jobId)).reverse();
  }

  #runs(jobId: string): boolean {
    const { problem, detail, status } = this.#job(jobId);
    return !problem && !(detail && ENDED.has(status));
  }

  #place(jobId: string): Place {
    const place = this.#places.get(jobId) ?? new Place();
    this.#places.set(jobId, place);
    return place;
  }

  #take(news: News, asked?: number): Verdict {
    const { jobId } = news;
    const ran = this.#runs(jobId);
    const verdict = this.#place(jobId).judge(news, asked);
    if (news.type === "gone") this.#refuse(jobId, problem("gone"));
    else if (verdict === "next" || verdict === "anew") {
      this.#put([updated(this.#job(jobId), news, verdict === "anew")]);
    }
    if (this.#runs(jobId) !== ran) this.#sync();
    return verdict;
  }

  async #look(jobId: string): Promise<"news" | "nothing" | "problem"> {
    const query = { since: this.#place(jobId).seq };
    const outcome = await this.#ask<JobStatus>("GET", path(jobId), { query });
    if (!outcome.ok) return "problem";
    return this.#take(outcome.value) === "old" ? "nothing" : "news";
  }

  #refuse(jobId: string, why: Problem): void {
    this.#put([{ ...this.#job(jobId), problem: why }]);
    this.#sync();
  }

  #started({ jobId, totalFileIds }: Accepted, archiveName: string | null): void {
    if (this.getState().jobs.has(jobId)) return;
    this.#put([{ ...this.#job(jobId), archiveName, filesTotal: totalFileIds }]);
  }

  /** A line of the list says less than what following brought, unless the job has moved since it was followed. */
  #listed({ jobs }: JobPage): void {
    const known = this.getState().jobs;
    this.#put(jobs.filter(({ jobId }) => !known.get(jobId)?.detail).map(listed));
    for (const { jobId, status } of jobs) {
      const job = known.get(jobId);
      if (job?.detail && ENDED.has(job.status) && job.status !== status) void this.status(jobId);
    }
  }

  #job(jobId: string): Job {
    return this.getState().jobs.get(jobId) ?? unknown(jobId, new Date(this.#around.clock.now()).toISOString());
  }

  #put(jobs: readonly Job[]): void {
    const all = new Map(this.getState().jobs);
    for (const job of jobs) all.set(job.jobId, job);
    this.#store.set({ jobs: all });
  }

  #connected(connection: Connection, retryAt: number | null): void {
    const state = this.getState();
    if (state.connection !== connection || state.retryAt !== retryAt) this.#store.set({ connection, retryAt });
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function path(jobId: string, rest = ""): string {
  return `/job/${encodeURIComponent(jobId)}${rest}`;
}
