// Files of the catalogue and their previews, for tests.
import type { DerivativeItem, FileDetail, JobStatus } from "../client/index.ts";
import { A, status } from "./environment.ts";

/** A photo whose thumbnail is file 1, and whose web size is file 2. */
export function photo(more: Partial<FileDetail> = {}): FileDetail {
  return {
    id: 10_000,
    name: "holiday/beach.jpg",
    size: 2_000_000,
    crc32: null,
    sha256: null,
    contentType: "image/jpeg",
    createdAt: "2026-11-21T12:00:00Z",
    role: "original",
    parentId: null,
    thumbnailId: 1,
    snippet: null,
    visibility: "public",
    jobId: null,
    scan: "none",
    modifiedAt: null,
    searchable: null,
    derivatives: [derivative(1, "thumbnail"), derivative(2, "web", { width: 1600, height: 1200 })],
    processing: { jobId: A, kind: "image", status: "completed", error: null },
    ...more,
  };
}

/** A file of which nothing was made yet. */
export function unprocessed(more: Partial<FileDetail> = {}): FileDetail {
  const processing = { jobId: A, kind: "image", status: "processing", error: null } as const;
  return photo({ thumbnailId: null, derivatives: [], processing, ...more });
}

export function derivative(
  fileId: number,
  role: DerivativeItem["role"],
  more: Partial<DerivativeItem> = {},
): DerivativeItem {
  return { fileId, role, name: role, contentType: "image/webp", size: 1, page: null, width: 4, height: 3, ...more };
}

/** The status of a job that makes two previews, of which `filesDone` are made. */
export function makingStatus(seq: number, filesDone: number, more: object = {}): JobStatus {
  const { progress } = status(seq);
  const kind = "image"; // the schema of the status of such a job has other fields than that of a download
  return { ...status(seq), progress: { ...progress, filesDone }, ...({ kind } as object), ...more } as JobStatus;
}
