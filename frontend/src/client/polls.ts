// Following by polling: every job is asked for every 2 s. It works wherever HTTP does.
import type { Problem } from "./problems.ts";
import type { JobStatus } from "./schemas.ts";
import type { Timer } from "./surroundings.ts";
import type { Line, Means, Sink, Way } from "./ways.ts";

const INTERVAL = 2_000;
const INTERVAL_UNSEEN = 10_000; // while the page is hidden
const AT_ONCE = 4; // questions under way; a browser has six connections to a server

export const polls: Way = {
  name: "polling",
  capacity: Number.POSITIVE_INFINITY,
  open: (means, sink) => new PollLine(means, sink),
};

class PollLine implements Line {
  readonly #means: Means;
  readonly #sink: Sink;
  readonly #end = new AbortController();
  #wanted: readonly string[] = [];
  #timer: Timer = null;
  #asking = false;

  constructor(means: Means, sink: Sink) {
    this.#means = means;
    this.#sink = sink;
  }

  sync(jobIds: readonly string[]): void {
    const fresh = jobIds.some((job) => !this.#wanted.includes(job));
    this.#wanted = jobIds;
    if (fresh) this.probe();
  }

  again(): void {} // the next question asks from where the job is

  /** Asks now. */
  probe(): void {
    this.#means.surroundings.clock.clearTimeout(this.#timer);
    if (!this.#asking) void this.#round();
  }

  close(): void {
    this.#end.abort();
    this.#means.surroundings.clock.clearTimeout(this.#timer);
  }

  /** Asks for all jobs, and comes back. */
  async #round(): Promise<void> {
    const { clock, senses } = this.#means.surroundings;
    const began = clock.now();
    this.#asking = true;
    const asked = this.#wanted;
    const queue = [...asked];
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work(queue)));
    this.#asking = false;
    if (this.#end.signal.aborted) return;
    const fresh = this.#wanted.some((job) => !asked.includes(job));
    const interval = fresh ? 0 : senses.visible() ? INTERVAL : INTERVAL_UNSEEN;
    this.#timer = clock.setTimeout(() => void this.#round(), Math.max(0, began + interval - clock.now()));
  }

  async #work(queue: string[]): Promise<void> {
    for (let job = queue.shift(); job !== undefined && !this.#end.signal.aborted; job = queue.shift()) {
      await this.#ask(job);
    }
  }

  async #ask(jobId: string): Promise<void> {
    const { requests, ask } = this.#means;
    const outcome = await requests.ask<JobStatus>("GET", `/v1/download/job/${jobId}`, {
      query: { since: ask(jobId) },
      signal: this.#end.signal,
    });
    if (this.#end.signal.aborted) return;
    if (outcome.ok) this.#sink.news(outcome.value);
    else this.#failed(jobId, outcome.problem);
  }

  /** What a server of ours refuses is the job's; of anything else the line is lost, and tried again. */
  #failed(jobId: string, problem: Problem): void {
    const { code, status, retryAfter } = problem;
    if (status !== null && status < 500 && status !== 429 && code !== "not_ours") {
      return this.#sink.refused(jobId, problem);
    }
    this.close();
    const reached = status !== null && code !== "not_ours";
    this.#sink.lost(retryAfter === null ? { reached } : { reached, pause: [retryAfter, 1.5 * retryAfter + 0.5] });
  }
}
