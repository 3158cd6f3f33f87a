// Creates uploads on the server, many with one request, and about 150 at once: the others wait for these to be sent.
import { backoff, type DelayRange, jittered } from "../client/backoff.ts";
import type { Environment, Timer } from "../client/environment.ts";
import type { Problem } from "../client/problems.ts";
import { outageOf, type UploadApi } from "./api.ts";
import { openJob, type Upload } from "./upload.ts";

/** Uploads that this manager has open at once. The server allows a user 300 unless it is told otherwise. */
const MOST_OPEN = 150;
const AT_ONCE = 100;
const QUOTA = "upload_quota_exceeded";
/** Problems that pass by themselves and for which nothing was created. After others the same key returns what was. */
const NOTHING_CREATED: readonly string[] = ["too_many_uploads", QUOTA, "queue_full"];
/** Seconds before the next try if others, which are not ours, have to be completed first. */
const FULL: DelayRange = [10, 20];

export interface CreatorHost {
  created(upload: Upload): void;
  /** Why these wait; null once they do not any more. */
  delayed(uploads: readonly Upload[], why: Problem | null): void;
  failed(upload: Upload, why: Problem): void;
}

export class Creator {
  readonly #environment: Environment;
  readonly #api: UploadApi;
  readonly #host: CreatorHost;
  readonly #waiting = new Set<Upload>();
  /** Uploads that exceed the quota of the user, until `#asideTimer` ends. */
  readonly #aside = new Set<Upload>();
  readonly #open = new Set<Upload>();
  #atOnce = AT_ONCE;
  #failures = 0;
  #isCreating = false;
  #isClosed = false;
  #timer: Timer = null;
  #asideTimer: Timer = null;
  #retry: { uploads: Upload[]; key: string } | null = null;

  constructor(environment: Environment, api: UploadApi, host: CreatorHost) {
    this.#environment = environment;
    this.#api = api;
    this.#host = host;
  }

  add(upload: Upload): void {
    this.#waiting.add(upload);
    this.#createSoon(0);
  }

  remove(upload: Upload): void {
    this.#waiting.delete(upload);
    this.#aside.delete(upload);
  }

  /** It has a job, from before, and its file. Uploads that wait for their file do not count: they may do so for ever. */
  opened(upload: Upload): void {
    this.#open.add(upload);
  }

  closed(upload: Upload): void {
    if (this.#open.delete(upload)) this.#createSoon(0);
  }

  hurry(): void {
    if (this.#failures > 0) this.#createSoon(0, true);
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
    for (const timer of [this.#timer, this.#asideTimer]) this.#environment.clock.clearTimeout(timer);
  }

  /** After the task that has added them, so that files which are added together are created together. */
  #createSoon(delay: number, again = false): void {
    if (this.#timer !== null && !again) return;
    this.#environment.clock.clearTimeout(this.#timer);
    this.#timer = this.#environment.clock.setTimeout(() => {
      this.#timer = null;
      void this.#create();
    }, delay);
  }

  async #create(): Promise<void> {
    if (this.#isCreating) return;
    const request = this.#retry ?? { uploads: this.#next(), key: this.#idempotencyKey() };
    const { uploads, key } = request;
    if (uploads.length === 0) return;
    this.#isCreating = true;
    const outcome = await this.#api.create(uploads, (uploads[0] as Upload).options, key);
    this.#isCreating = false;
    this.#retry = null;
    if (outcome.ok) {
      if (this.#failures > 0) this.#host.delayed(uploads, null);
      this.#failures = 0;
      this.#atOnce = Math.min(AT_ONCE, 2 * this.#atOnce);
      for (const [place, item] of outcome.value.jobs.entries()) {
        const upload = uploads[place] as Upload;
        this.#open.add(upload);
        this.#waiting.delete(upload);
        upload.job = openJob(item, true);
        this.#host.created(upload);
      }
      return this.#createSoon(0);
    }
    if (this.#isClosed) return;
    const why = outcome.problem;
    const [isFull, isOverQuota] = [why.code === "too_many_uploads", why.code === QUOTA];
    if (outageOf(outcome) !== null || why.code === "idempotency_key_in_flight") {
      this.#host.delayed(uploads, why);
      if (isFull || isOverQuota) this.#atOnce = Math.max(1, Math.floor(uploads.length / 2));
      if (isOverQuota && uploads.length === 1) this.#setAside(uploads[0] as Upload, why);
      if (!NOTHING_CREATED.includes(why.code)) this.#retry = request;
      // Fewer or smaller files may fit into the quota at once.
      const range = (!isOverQuota && afterOf(why)) || (isFull && uploads.length === 1 ? FULL : backoff(this.#failures));
      this.#failures += 1;
      return this.#createSoon(jittered(range, this.#environment.random), true);
    }
    if (uploads.length === 1) {
      const [upload] = uploads as [Upload];
      this.#waiting.delete(upload);
      this.#host.failed(upload, why);
    } else {
      this.#atOnce = Math.floor(uploads.length / 2); // one of them is refused, which is found so
    }
    this.#createSoon(0);
  }

  /** Lets smaller ones pass, until the server may accept this one, and others as large. */
  #setAside({ size }: Upload, why: Problem): void {
    const aside = [...this.#waiting].filter((upload) => upload.size >= size);
    for (const upload of aside) {
      this.#waiting.delete(upload);
      this.#aside.add(upload);
    }
    this.#host.delayed(aside, why);
    this.#asideTimer ??= this.#environment.clock.setTimeout(
      () => {
        this.#asideTimer = null;
        for (const upload of this.#aside) this.#waiting.add(upload);
        this.#aside.clear();
        this.#createSoon(0);
      },
      jittered(afterOf(why) ?? FULL, this.#environment.random),
    );
  }

  /** Those that have waited longest, and are for the same users. */
  #next(): Upload[] {
    const room = Math.min(this.#atOnce, MOST_OPEN - this.#open.size);
    const uploads: Upload[] = [];
    for (const upload of this.#waiting) {
      if (uploads.length >= room || (uploads[0] && uploads[0].options !== upload.options)) break;
      uploads.push(upload);
    }
    return uploads;
  }

  #idempotencyKey(): string {
    return [1, 2, 3].map(() => this.#environment.random()).join();
  }
}

/** Seconds before the next try, as the server has said. */
function afterOf({ retryAfter }: Problem): DelayRange | null {
  return retryAfter === null ? null : [retryAfter, 1.2 * retryAfter + 0.5];
}
