// The requests of uploads. Each returns an outcome; none throws.
import type { Outcome, Problem } from "../client/problems.ts";
import type { Request } from "../client/requests.ts";
import type {
  PartsSigned,
  UploadListItem,
  UploadPage,
  UploadParts,
  UploadStatus,
  UploadsCreated,
} from "../client/schemas.ts";
import { hex } from "./crc32.ts";
import type { AddOptions, Upload } from "./upload.ts";

const V1 = "/v1/upload";
const PAGE = 100;

export class UploadApi {
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
  }

  /** The same key and files again return the uploads of the first time. */
  create(uploads: readonly Upload[], options: AddOptions, key: string): Promise<Outcome<UploadsCreated>> {
    const files = uploads.map(({ name, size, lastModified, file }) => ({
      name,
      size,
      ...(file?.type && { contentType: file.type }),
      ...(lastModified > 0 && { lastModified: new Date(lastModified).toISOString() }),
    }));
    return this.#request("POST", V1, { body: { files, ...options }, headers: { "Idempotency-Key": key } });
  }

  /** Signs URLs for parts (number and CRC-32), and reports those that the store has. */
  send(
    jobId: string,
    sign: readonly (readonly [number: number, crc: number])[],
    sent: Iterable<number>,
    signal?: AbortSignal,
  ): Promise<Outcome<PartsSigned>> {
    const body = { sign: sign.map(([number, crc]) => ({ number, crc32: hex(crc) })), sent: [...sent] };
    return this.#request("POST", `${V1}/${jobId}/parts`, { body, signal });
  }

  parts(jobId: string, signal?: AbortSignal): Promise<Outcome<UploadParts>> {
    return this.#request("GET", `${V1}/${jobId}/parts`, { fresh: true, signal });
  }

  /** Reports the last parts that the store has, too. */
  complete(jobId: string, sent: Iterable<number>): Promise<Outcome<unknown>> {
    return this.#request("POST", `${V1}/${jobId}/complete`, { body: { sent: [...sent] } });
  }

  status(jobId: string): Promise<Outcome<UploadStatus>> {
    return this.#request("GET", `${V1}/job/${jobId}`, { fresh: true });
  }

  cancel(jobId: string): Promise<Outcome<unknown>> {
    return this.#request("DELETE", `/v1/download/job/${jobId}`);
  }

  retry(jobId: string): Promise<Outcome<unknown>> {
    return this.#request("POST", `/v1/download/job/${jobId}/retry`);
  }

  /** All uploads of the user that receive parts, the newest first. */
  async receiving(): Promise<Outcome<UploadListItem[]>> {
    const found: UploadListItem[] = [];
    let cursor: string | undefined;
    do {
      const query = { status: "receiving", limit: PAGE, cursor };
      const page = await this.#request<UploadPage>("GET", `${V1}/jobs`, { query, fresh: true });
      if (!page.ok) return page;
      found.push(...page.value.jobs);
      cursor = page.value.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return { ok: true, value: found };
  }
}

const CONNECTION: readonly string[] = ["offline", "unreachable", "timeout", "unauthenticated"];

/** The problem of an outcome which will pass by itself: no connection, a server that is overloaded, restarts or waits. */
export function outageOf(outcome: Outcome<unknown>): Problem | null {
  if (outcome.ok) return null;
  const { code, status } = outcome.problem;
  const passes = CONNECTION.includes(code) || status === 429 || (status !== null && status >= 500);
  return passes ? outcome.problem : null;
}
