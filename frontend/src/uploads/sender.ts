// Sends the parts of many uploads: a few lanes take parts, compute their CRC-32, have URLs signed and send them.
import { backoff, jittered } from "../client/backoff.ts";
import type { Environment, Timer } from "../client/environment.ts";
import { type Outcome, type Problem, problem } from "../client/problems.ts";
import type { PartsSigned } from "../client/schemas.ts";
import { outageOf, type UploadApi } from "./api.ts";
import { hex } from "./crc32.ts";
import type { UploadEnvironment } from "./environment.ts";
import { Gate } from "./gate.ts";
import { Slots } from "./slots.ts";
import { missing, type OpenJob, partOf, type Run, type Upload } from "./upload.ts";

/** Lanes prepare parts while others are sent, so there are more of them than parts at once. */
const LANES = 8;
/** Most parts that a lane has signed at once, and seconds in which it should have sent them: their URLs expire. */
const MOST_TAKEN = 8;
const SENT_WITHIN = 120;
/** Milliseconds after which URLs are signed again rather than used. They are valid for 15 minutes. */
const FRESH = 10 * 60_000;
/** How often a part that the store refuses is read, signed and sent again. */
const TRIES = 6;
/** Milliseconds after which sent parts are reported, unless the next request does. */
const REPORT_DELAY = 250;

/** What becomes of uploads. */
export interface SenderHost {
  /** `bytesSent` has changed. */
  progressed(upload: Upload): void;
  /** All parts were sent, and the server checks the file. */
  completed(upload: Upload): void;
  /** The file is not the one whose parts the store has. */
  changed(upload: Upload): void;
  /** The store has removed the parts that it had. */
  dropped(upload: Upload): void;
  /** The file can't be read any more. */
  unreadable(upload: Upload): void;
  /** The job does not receive parts any more. */
  closed(upload: Upload): void;
  failed(upload: Upload, why: Problem): void;
  /** `sender.outage` has changed. */
  reachabilityChanged(): void;
}

class Refused extends Error {
  readonly problem: Problem;

  constructor(why: Problem) {
    super(why.message);
    this.problem = why;
  }
}
class Unreadable extends Error {}
class Changed extends Error {}
class Dropped extends Error {}

interface Work {
  upload: Upload;
  file: File;
  job: OpenJob;
  run: Run;
}
type Signed = PartsSigned["parts"][number] & { at: number };

export class Sender {
  readonly #environment: Environment;
  readonly #browser: UploadEnvironment;
  readonly #api: UploadApi;
  readonly #host: SenderHost;
  readonly #server: Gate;
  readonly #store: Gate;
  readonly #slots: Slots;
  /** For requests about whole uploads, of which a page may have thousands to make. */
  readonly #errands: Slots;
  /** Uploads of which some part is not taken yet. */
  readonly #ready = new Set<Upload>();
  readonly #reports = new Map<Upload, Timer>();
  #lanes = 0;
  /** Bytes per second of all uploads. Set by the manager. */
  speed = 0;

  constructor(environment: Environment, browser: UploadEnvironment, api: UploadApi, host: SenderHost) {
    this.#environment = environment;
    this.#browser = browser;
    this.#api = api;
    this.#host = host;
    const changed = () => host.reachabilityChanged();
    this.#server = new Gate(environment, changed);
    this.#store = new Gate(environment, changed);
    this.#slots = new Slots(environment.clock);
    this.#errands = new Slots(environment.clock);
  }

  /** Why nothing is sent for now; null while it is. */
  get outage(): Problem | null {
    return this.#server.problem ?? this.#store.problem;
  }

  /** Sends what is missing of an upload that has a job and a file. */
  start(upload: Upload): void {
    const { job } = upload;
    if (job === null || upload.run !== null) return;
    upload.run = { abort: new AbortController(), left: missing(job), busy: 0 };
    this.#ready.add(upload);
    this.#fill();
  }

  /** Ends what runs of an upload. What the store has of it remains. */
  stop(upload: Upload): void {
    const { run, job } = upload;
    upload.run = null;
    this.#ready.delete(upload);
    run?.abort.abort();
    if (job === null || job.moving.size === 0) return;
    for (const bytes of job.moving.values()) job.bytesSent -= bytes;
    job.moving.clear();
  }

  /** Makes a request about a whole upload, four at once, and repeats it until the server responds. Rejects when aborted. */
  ask<T>(signal: AbortSignal, send: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return this.#errands.run(signal, () => this.#insist(signal, send));
  }

  /** Tries again now, if server or store could not be reached. */
  hurry(): void {
    this.#server.hurry();
    this.#store.hurry();
  }

  #fill(): void {
    while (this.#lanes < LANES) {
      const [upload] = this.#ready;
      if (upload === undefined) return;
      const { file, job, run } = upload;
      if (file === null || job === null || run === null) {
        this.#ready.delete(upload);
        continue;
      }
      const numbers = job.proven ? this.#take(job, run) : [];
      if (!job.proven || !job.begun || run.left.length === 0) this.#ready.delete(upload);
      run.busy += 1;
      this.#lanes += 1;
      void this.#advance({ upload, file, job, run }, numbers).finally(() => {
        this.#lanes -= 1;
        this.#fill();
      });
    }
  }

  /** Parts for one lane: as many as are sent soon, and few towards the end, so that all lanes have some. */
  #take({ partSize }: OpenJob, { left }: Run): number[] {
    const soon = (this.speed * SENT_WITHIN) / (LANES * partSize);
    const count = Math.max(1, Math.floor(Math.min(MOST_TAKEN, soon, left.length / (2 * LANES))));
    return left.splice(-count).reverse();
  }

  async #advance(work: Work, numbers: number[]): Promise<void> {
    const { upload, job, run } = work;
    try {
      if (!job.proven) await this.#prove(work);
      else if (numbers.length > 0) await this.#sendParts(work, numbers);
      run.busy -= 1;
      if (upload.run !== run) return;
      if (run.left.length > 0) {
        this.#ready.add(upload);
      } else if (run.busy === 0) {
        const isComplete = await this.#complete(work);
        if (upload.run !== run) return;
        if (isComplete) this.#end(upload, () => this.#host.completed(upload));
        else this.#ready.add(upload);
      }
    } catch (error) {
      if (upload.run !== run) return; // it was stopped
      this.#end(upload, () => {
        if (error instanceof Changed) this.#host.changed(upload);
        else if (error instanceof Dropped) this.#host.dropped(upload);
        else if (error instanceof Unreadable) this.#host.unreadable(upload);
        else if (!(error instanceof Refused)) this.#host.failed(upload, problem("unexpected_response"));
        else if (CLOSED.includes(error.problem.code)) this.#host.closed(upload);
        else this.#host.failed(upload, error.problem);
      });
    }
  }

  #end(upload: Upload, tell: () => void): void {
    this.stop(upload);
    tell();
  }

  /** Compares the parts that the store has with those of the file. */
  async #prove({ upload, file, job, run }: Work): Promise<void> {
    const { signal } = run.abort;
    const { parts } = required(await this.#insist(signal, () => this.#api.parts(job.jobId, signal)));
    const sent = parts.filter((part) => part.sent);
    // The store may have the only part of a file although that was never reported, and it does not take another one.
    const compared = job.parts === 1 ? parts : sent;
    if (upload.isRenamed && compared.length === 0) throw new Changed();
    for (let start = 0; start < compared.length; start += LANES) {
      const some = compared.slice(start, start + LANES);
      const crcs = await Promise.all(some.map(({ number }) => this.#read(partOf(file, job, number), signal)));
      if (some.some(({ crc32 }, place) => crc32 !== hex(crcs[place] as number))) throw new Changed();
    }
    signal.throwIfAborted();
    job.sent.clear();
    job.bytesSent = 0;
    for (const { number, size } of sent) {
      job.sent.add(number);
      job.bytesSent += size;
    }
    run.left = missing(job);
    this.#host.progressed(upload);
    job.proven = true;
    job.begun = parts.length > 0;
  }

  async #sendParts(work: Work, numbers: readonly number[]): Promise<void> {
    const { signal } = work.run.abort;
    let signed = new Map<number, Signed>();
    for (const [place, number] of numbers.entries()) {
      for (let refusals = 0; ; ) {
        const known = signed.get(number);
        if (known === undefined || this.#environment.clock.now() - known.at > FRESH) {
          signed = await this.#sign(work, numbers.slice(place));
        }
        const why = await this.#put(work, signed.get(number) as Signed);
        if (why === null) break;
        if (why.code === REFUSED) {
          if (why.status === 404 && !work.upload.isAnew) throw new Dropped();
          refusals += 1;
          if (refusals >= TRIES) throw new Refused(why);
          await this.#wait(refusals, signal);
        }
        signed.clear(); // it is read and signed again: the URL may have expired, or the bytes were damaged on their way
      }
    }
  }

  /** Reads parts and has their URLs signed. Reports what was sent before by the same request. */
  async #sign({ upload, file, job, run }: Work, numbers: readonly number[]): Promise<Map<number, Signed>> {
    const { signal } = run.abort;
    const crcs = await Promise.all(
      numbers.map(async (number) => [number, await this.#read(partOf(file, job, number), signal)] as const),
    );
    const reported = [...job.unreported];
    const answer = required(await this.#insist(signal, () => this.#api.send(job.jobId, crcs, reported, signal)));
    for (const number of reported) job.unreported.delete(number);
    if (!job.begun) {
      job.begun = true;
      if (run.left.length > 0) this.#ready.add(upload);
      this.#fill();
    }
    const at = this.#environment.clock.now();
    return new Map(answer.parts.map((part) => [part.number, { ...part, at }]));
  }

  /** Sends one part once. Returns why the store has not accepted it. */
  async #put({ upload, file, job, run }: Work, part: Signed): Promise<Problem | null> {
    const { signal } = run.abort;
    const { number, url, headers, size } = part;
    const count = (bytes: number) => {
      if (upload.run !== run) return;
      job.bytesSent += bytes - (job.moving.get(number) ?? 0);
      job.moving.set(number, bytes);
      this.#host.progressed(upload);
    };
    const send = () =>
      this.#slots.run(signal, () =>
        this.#browser.put(url, headers, partOf(file, job, number), {
          signal,
          onProgress: (bytes) => count(Math.min(bytes, size)),
        }),
      );
    const status = await this.#store.attempt(signal, send, (status) => this.#outageOfPut(status));
    signal.throwIfAborted();
    // 412: a file of one part is written once, and an earlier PUT has done that.
    const accepted = (status >= 200 && status < 300) || status === 412;
    count(accepted ? size : 0);
    job.moving.delete(number);
    if (!accepted) {
      this.#slots.failed();
      return this.#outageOfPut(status) ?? refusal(status);
    }
    job.sent.add(number);
    job.unreported.add(number);
    this.#slots.sent(size);
    this.#reportSoon(upload, job);
    return null;
  }

  /** No response, or one of a store that is overloaded. A refusal without CORS headers looks like no response, too. */
  #outageOfPut(status: number): Problem | null {
    if (status === 0) {
      const offline = !this.#environment.presence.online();
      return offline ? problem("offline") : { ...problem("store_unreachable"), message: UNREACHABLE };
    }
    return status === 429 || status >= 500 ? { ...refusal(status), code: "store_unavailable" } : null;
  }

  /** What the store has is durable only once the server knows of it. */
  #reportSoon(upload: Upload, job: OpenJob): void {
    if (job.sent.size === job.parts || this.#reports.has(upload)) return; // `#complete` reports the last ones
    const report = async () => {
      this.#reports.delete(upload);
      const reported = [...job.unreported];
      if (reported.length === 0 || upload.job !== job) return;
      const outcome = await this.#api.send(job.jobId, [], reported);
      if (outcome.ok) for (const number of reported) job.unreported.delete(number);
    };
    this.#reports.set(upload, this.#environment.clock.setTimeout(report, REPORT_DELAY));
  }

  /** Returns whether the server has all parts, too. */
  async #complete({ job, run }: Work): Promise<boolean> {
    const { signal } = run.abort;
    const reported = [...job.unreported];
    const outcome = await this.#insist(signal, () => this.#api.complete(job.jobId, reported));
    for (const number of reported) job.unreported.delete(number);
    job.proven = outcome.ok || outcome.problem.code !== "parts_missing";
    if (job.proven) required(outcome);
    return job.proven;
  }

  async #read(blob: Blob, signal: AbortSignal): Promise<number> {
    try {
      return await this.#browser.checksums.crc32(blob, signal);
    } catch {
      signal.throwIfAborted();
      throw new Unreadable();
    }
  }

  #insist<T>(signal: AbortSignal, send: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return this.#server.insist(signal, send, (outcome) => {
      signal.throwIfAborted();
      return outageOf(outcome);
    });
  }

  #wait(failures: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#environment;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimeout(resolve, jittered(backoff(failures - 1), random));
      signal.addEventListener("abort", () => {
        clock.clearTimeout(timer);
        reject(signal.reason);
      });
    });
  }
}

/** The server's codes for a job that receives no parts: it was completed, cancelled, or deleted. */
const CLOSED: readonly string[] = ["illegal_transition", "job_not_found", "gone"];
const REFUSED = "part_refused";
const UNREACHABLE = "The store can't be reached from this browser.";

function refusal(status: number): Problem {
  const message = `The store refuses a part of this file (${status}).`;
  return { ...problem(REFUSED), status, title: message, message };
}

function required<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Refused(outcome.problem);
  return outcome.value;
}
