// A fake server and store for uploads, and files whose content is a number for each part.
import type { UploadListItem, UploadStatus } from "../client/index.ts";
import {
  type UploadEnvironment,
  UploadManager,
  type UploadManagerOptions,
  type UploadSnapshot,
} from "../uploads/index.ts";
import type { UploadRecord } from "../uploads/records.ts";
import { FakeEnvironment, json, problemResponse, type RecordedRequest, type Responder, status } from "./environment.ts";

export const PART = 100; // bytes

/** A file of `versions.length` parts, or of `size` bytes. Parts with the same number are equal. */
export function file(name: string, versions: readonly number[], size = PART * versions.length): File {
  const slice = (start: number, end: number) => {
    const bytes = Math.max(0, Math.min(size, end) - start);
    return { size: bytes, content: versions[start / PART] };
  };
  return { name, size, lastModified: 1_000, type: "text/plain", slice } as unknown as File;
}

interface FakeJob {
  jobId: string;
  name: string;
  size: number;
  visibility: string;
  status: UploadStatus["status"];
  crcs: Map<number, string>;
  sent: Set<number>;
}

/** What the store answers to a part, by default 200 at once. */
export type Accept = (number: number, jobId: string, signal: AbortSignal) => number | Promise<number>;

export class FakeUploads {
  readonly env: FakeEnvironment;
  readonly jobs = new Map<string, FakeJob>();
  readonly records = new Map<string, UploadRecord>();
  /** Parts that were sent to the store, in order. */
  readonly puts: { jobId: string; number: number }[] = [];
  /** The most uploads that were open at once, and that one request has created. */
  mostOpen = 0;
  mostCreated = 0;
  sending = 0;
  mostSending = 0;
  accept: Accept = () => 200;
  /** Replaces the server's response where it returns one, or holds it back. */
  intercept: (asked: RecordedRequest) => Response | Promise<Response | undefined | void> | undefined = () => undefined;
  snapshots: UploadSnapshot[] = [];
  #open = 0;

  constructor() {
    this.env = new FakeEnvironment();
    this.env.respond = this.#respond;
  }

  environment(): UploadEnvironment {
    return {
      checksums: { crc32: async (blob) => (blob as unknown as { content: number }).content, close() {} },
      put: (url, _, body, { signal, onProgress }) => this.#put(new URL(url), body, signal, onProgress),
      records: {
        load: async (scope) => [...this.records.values()].filter((record) => record.scope === scope),
        save: async (records) => {
          for (const record of records) this.records.set(record.key, record);
        },
        delete: async (keys) => {
          for (const key of keys) this.records.delete(key);
        },
        hold: () => () => {},
      },
    };
  }

  manager(environment: UploadManagerOptions["environment"] = {}): UploadManager {
    const manager = new UploadManager({
      client: this.env.client,
      environment: { ...this.environment(), ...environment },
    });
    manager.subscribe(() => this.snapshots.push(manager.snapshot()));
    return manager;
  }

  /** The server's job of the file with this name that was created last. */
  job(name: string): FakeJob {
    const found = [...this.jobs.values()].findLast((job) => job.name === name);
    if (found === undefined) throw new Error(`there is no upload of ${name}`);
    return found;
  }

  /** Creates a job that another page has begun, with these parts sent. */
  begun(name: string, versions: readonly number[], sent: readonly number[]): FakeJob {
    const job = this.#create({ name, size: PART * versions.length });
    for (const number of sent) {
      job.crcs.set(number, hex(versions[number - 1] as number));
      job.sent.add(number);
    }
    return job;
  }

  #create({ name, size }: { name: string; size: number }, visibility = "private"): FakeJob {
    const jobId = `00000000-0000-4000-8000-${String(this.jobs.size).padStart(12, "0")}`;
    const job: FakeJob = { jobId, name, size, visibility, status: "receiving", crcs: new Map(), sent: new Set() };
    this.jobs.set(jobId, job);
    this.#open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.#open);
    return job;
  }

  async #put(url: URL, body: Blob, signal: AbortSignal, onProgress: (bytes: number) => void): Promise<number> {
    const [, jobId, number] = url.pathname.split("/") as [string, string, string];
    this.puts.push({ jobId, number: Number(number) });
    this.sending += 1;
    this.mostSending = Math.max(this.mostSending, this.sending);
    onProgress(Math.floor(body.size / 2));
    try {
      return await new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        Promise.resolve(this.accept(Number(number), jobId, signal)).then(resolve, reject);
      });
    } finally {
      this.sending -= 1;
    }
  }

  #respond: Responder = async (asked) => {
    const replaced = await this.intercept(asked);
    if (replaced) return replaced;
    const [, , , first = "", second] = asked.path.split("/");
    if (asked.path === "/v1/upload") {
      const { files, visibility } = asked.body as { files: { name: string; size: number }[]; visibility?: string };
      this.mostCreated = Math.max(this.mostCreated, files.length);
      return json({ jobs: files.map((one) => viewOf(this.#create(one, visibility))) }, 202);
    }
    if (first === "jobs") {
      const jobs = [...this.jobs.values()].filter((job) => job.status === "receiving").reverse();
      return json({ jobs: jobs.map(viewOf), nextCursor: null });
    }
    const job = this.jobs.get(first === "job" ? (second as string) : first);
    if (job === undefined) return problemResponse(404, "job_not_found");
    if (first === "job") return this.#ofJob(asked, job);
    if (job.status !== "receiving") return problemResponse(409, "illegal_transition");
    return second === "complete" ? this.#complete(asked, job) : this.#parts(asked, job);
  };

  #ofJob({ method }: RecordedRequest, job: FakeJob): Response {
    if (method === "DELETE") this.#close(job, "cancelled");
    return json({ ...status(1, { jobId: job.jobId }), ...viewOf(job) });
  }

  #complete({ body }: RecordedRequest, job: FakeJob): Response {
    for (const number of (body as { sent: number[] }).sent) job.sent.add(number);
    if (job.sent.size < partsOf(job.size)) return problemResponse(409, "parts_missing");
    this.#close(job, "queued");
    return json({ jobId: job.jobId, status: "queued" }, 202);
  }

  #close(job: FakeJob, ended: FakeJob["status"]): void {
    if (job.status === "receiving") this.#open -= 1;
    job.status = ended;
  }

  #parts({ method, body }: RecordedRequest, job: FakeJob): Response {
    if (method === "GET") {
      const parts = [...job.crcs].map(([number, crc32]) => {
        return { number, crc32, size: sizeOf(job.size, number), sent: job.sent.has(number) };
      });
      return json({ status: job.status, partSize: PART, partsTotal: partsOf(job.size), parts });
    }
    const { sign, sent } = body as { sign: { number: number; crc32: string }[]; sent: number[] };
    for (const { number, crc32 } of sign) job.crcs.set(number, crc32);
    for (const number of sent) job.sent.add(number);
    const parts = sign.map(({ number }) => {
      return { number, url: `http://store/${job.jobId}/${number}`, headers: {}, size: sizeOf(job.size, number) };
    });
    return json({ parts, expiresAt: "", bytesDone: 0, bytesTotal: job.size });
  }
}

function partsOf(size: number): number {
  return Math.max(1, Math.ceil(size / PART));
}

function sizeOf(size: number, number: number): number {
  return Math.min(PART, size - PART * (number - 1));
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

function viewOf({ jobId, name, size, status: now, sent, visibility }: FakeJob): UploadListItem {
  const upload = { name, size, partSize: PART, parts: partsOf(size), lastModified: null, fileId: null, visibility };
  const percent = size === 0 ? null : (100 * PART * sent.size) / size;
  return { jobId, status: now, upload, percent, links: {} } as unknown as UploadListItem;
}
