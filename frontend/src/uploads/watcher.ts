// Follows uploads that are not sent here: those which the server checks, and those which are open elsewhere.
import type { Client } from "../client/client.ts";
import type { Job } from "../client/jobs.ts";

export class Watcher {
  readonly #client: Client;
  readonly #atOnce: number;
  readonly #changed: (key: string, job: Job) => void;
  readonly #waiting = new Map<string, string>();
  readonly #followed = new Map<string, { jobId: string; unfollow: () => void; job: Job | undefined }>();
  #unsubscribe: (() => void) | null = null;

  /** `atOnce`: how many are followed at once, on the one connection of the client, which carries 100 jobs. */
  constructor(client: Client, atOnce: number, changed: (key: string, job: Job) => void) {
    this.#client = client;
    this.#atOnce = atOnce;
    this.#changed = changed;
  }

  /** Follows the job of an upload until `remove`, as soon as there is room: the server checks the oldest ones first. */
  add(key: string, jobId: string): void {
    if (this.#followed.has(key)) return;
    this.#waiting.set(key, jobId);
    this.#fill();
  }

  remove(key: string): void {
    this.#waiting.delete(key);
    const one = this.#followed.get(key);
    if (one === undefined) return;
    this.#followed.delete(key);
    one.unfollow();
    this.#client.forget(one.jobId);
    this.#fill();
  }

  close(): void {
    this.#waiting.clear();
    for (const key of [...this.#followed.keys()]) this.remove(key);
    this.#unsubscribe?.();
  }

  #fill(): void {
    this.#unsubscribe ??= this.#client.subscribe(() => this.#compare());
    for (const [key, jobId] of this.#waiting) {
      if (this.#followed.size >= this.#atOnce) return;
      this.#waiting.delete(key);
      this.#followed.set(key, { jobId, unfollow: this.#client.follow(jobId), job: undefined });
    }
  }

  #compare(): void {
    const { jobs } = this.#client.getState();
    for (const [key, one] of this.#followed) {
      const job = jobs.get(one.jobId);
      if (job === undefined || job === one.job) continue;
      one.job = job;
      this.#changed(key, job);
    }
  }
}
