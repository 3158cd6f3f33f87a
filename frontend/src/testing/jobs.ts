// Jobs for component tests.
import type { Job, JobDetail } from "../client/index.ts";
import type { FileView } from "../client/schemas.ts";
import { A } from "./environment.ts";

export function job(more: Partial<Job> = {}, detail: Partial<JobDetail> | null = {}): Job {
  return {
    jobId: A,
    status: "processing",
    title: "photos.zip",
    archiveName: "photos.zip",
    filesTotal: 3,
    filesOmitted: 0,
    percent: 40,
    createdAt: "2026-11-21T12:00:00Z",
    finishedAt: null,
    size: null,
    bundleExpiresAt: null,
    detail: detail && { ...DETAIL, ...detail },
    problem: null,
    ...more,
  };
}

const DETAIL: JobDetail = {
  seq: 1,
  tick: 0,
  ts: "2026-11-21T12:00:01Z",
  attempt: 1,
  maxAttempts: 3,
  onMissing: "fail",
  compression: "deflate",
  progress: {
    phase: "packing",
    percent: 40,
    bytesDone: 4_000,
    bytesTotal: 10_000,
    filesDone: 1,
    filesTotal: 3,
    filesOmitted: 0,
    bytesPerSecond: 2_000,
    etaSeconds: 3,
    queuePosition: null,
    startsInSeconds: null,
  },
  files: [],
  error: null,
  degraded: false,
  startedAt: null,
  nextAttemptAt: null,
  result: null,
};

export function progress(more: Partial<JobDetail["progress"]>): Partial<JobDetail> {
  return { progress: { ...DETAIL.progress, ...more } };
}

export function file(index: number, more: Partial<FileView> = {}): FileView {
  const numbers = { bytesDone: 0, size: 1_000, error: null };
  return { index, fileId: 10_000 + index, name: `${index}.txt`, status: "pending", ...numbers, ...more };
}
