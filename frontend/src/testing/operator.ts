// What `/v1/operator` returns, for component tests.
import type { BulkAction, Minute, OperatorJob, Overview, Timeline, Worker } from "../operator/schemas.ts";
import { A, status } from "./environment.ts";

const AT = "2026-11-21T12:00:00Z";

function minute(index: number): Minute {
  const at = new Date(Date.parse(AT) - 60_000 * (59 - index)).toISOString();
  return { minute: at, created: index % 7, completed: index % 5, failed: index % 20 === 0 ? 1 : 0, uploads: index % 3 };
}

export function overview(more: Partial<Overview> = {}): Overview {
  return {
    at: AT,
    dependencies: [
      { name: "database", status: "up", circuit: "closed", latencyMs: 1.2, detail: null },
      { name: "storage", status: "up", circuit: "closed", latencyMs: 8.4, detail: null },
      { name: "redis", status: "down", circuit: "open", latencyMs: null, detail: "Connection refused." },
    ],
    gateways: { running: 2, known: 2 },
    workers: { running: 2, known: 3 },
    jobs: {
      receiving: 0,
      queued: 1_204,
      processing: 7,
      retrying: 3,
      completed: 20_114,
      failed: 12,
      cancelled: 0,
      expired: 0,
    },
    queues: [
      queue({ kind: "download", queued: 1_200, retrying: 3, oldestSeconds: 754, busy: 7, slots: 8 }),
      queue({ kind: "upload", queued: 4, oldestSeconds: 0.4, slots: 8 }),
      queue({ kind: "image", paused: true, pausedAt: "2026-11-21T11:40:00Z", pausedBy: "otto" }),
    ],
    rates: {
      minutes: Array.from({ length: 60 }, (_, index) => minute(index)),
      successRate: { hour: 0.9994, day: 0.99999 },
    },
    durations: [
      {
        kind: "download",
        jobs: 812,
        waitSeconds: { average: 1.6, p50: 0.085, p95: 12.4 },
        runSeconds: { average: 11, p50: 4.2, p95: 78 },
      },
    ],
    storage: { files: 41_200, fileBytes: 812e9, bundles: 310, bundleBytes: 48e9, at: "2026-11-21T11:59:20Z" },
    throttled: [{ owner: "bulk-import", limit: "too_many_requests", count: 214, lastAt: "2026-11-21T11:58:00Z" }],
    ...more,
  };
}

export function queue(more: Partial<Overview["queues"][number]> = {}): Overview["queues"][number] {
  const numbers = { queued: 0, retrying: 0, oldestSeconds: null, slots: 8, busy: 0 };
  return { kind: "download", ...numbers, paused: false, pausedAt: null, pausedBy: null, ...more };
}

export function worker(more: Partial<Worker> = {}): Worker {
  return {
    name: "worker-1",
    startedAt: "2026-11-21T09:00:00Z",
    heartbeatAt: AT,
    running: true,
    draining: false,
    kinds: [
      { kind: "download", slots: 4, busy: 1 },
      { kind: "upload", slots: 4, busy: 0 },
    ],
    jobs: [
      {
        jobId: A,
        kind: "download",
        owner: "anna",
        title: "photos.zip",
        phase: "packing",
        percent: 41.26,
        bytesPerSecond: 82e6,
        startedAt: "2026-11-21T11:59:30Z",
        attempt: 1,
      },
    ],
    ...more,
  };
}

export function operatorJob(more: Partial<OperatorJob> = {}): OperatorJob {
  return {
    jobId: A,
    kind: "download",
    owner: "anna",
    title: "photos.zip",
    status: "failed",
    phase: "packing",
    percent: 12,
    attempt: 3,
    maxAttempts: 3,
    dead: true,
    error: { class: "storage", message: "The store returned 503." },
    worker: null,
    filesTotal: 12,
    bytesTotal: 4e9,
    createdAt: "2026-11-21T11:00:00Z",
    startedAt: "2026-11-21T11:00:02Z",
    finishedAt: "2026-11-21T11:10:00Z",
    ...more,
  };
}

export function bulkAction(more: Partial<BulkAction> = {}): BulkAction {
  return {
    actionId: 1,
    action: "retry",
    filter: { q: "", status: ["failed"], kind: [], owner: null, since: null, until: null, dead: true },
    state: "running",
    total: 10_214,
    done: 3_120,
    failed: 4,
    reasons: { changed: 4 },
    createdBy: "otto",
    createdAt: "2026-11-21T11:59:00Z",
    startsAt: "2026-11-21T11:59:05Z",
    finishedAt: null,
    stoppedBy: null,
    ...more,
  };
}

export function timeline(more: Partial<Timeline> = {}): Timeline {
  const error = { class: "storage", message: "The store returned 503." } as const;
  return {
    job: {
      ...status(3),
      status: "retrying",
      title: "photos.zip",
      createdAt: "2026-11-21T11:58:00Z",
      startedAt: "2026-11-21T11:58:10Z",
      finishedAt: null,
      nextAttemptAt: "2026-11-21T12:00:20Z",
      error,
    },
    owner: "anna",
    queuedBecause: {
      reason: "retry_at",
      position: null,
      detail: "Attempt 2 is due at 12:00:20 UTC. The last one failed: The store returned 503.",
    },
    attempts: [
      {
        attempt: 1,
        worker: "worker-1",
        startedAt: "2026-11-21T11:58:10Z",
        endedAt: "2026-11-21T11:59:40Z",
        outcome: "fail",
        error,
        phase: null,
        bytes: 7.2e9,
        bytesPerSecond: 80e6,
      },
    ],
    events: [
      {
        seq: 1,
        at: "2026-11-21T11:58:00Z",
        command: "create",
        from: null,
        to: "queued",
        attempt: 0,
        error: null,
        worker: null,
      },
      {
        seq: 2,
        at: "2026-11-21T11:58:10Z",
        command: "claim",
        from: "queued",
        to: "processing",
        attempt: 1,
        error: null,
        worker: "worker-1",
      },
      {
        seq: 3,
        at: "2026-11-21T11:59:40Z",
        command: "fail",
        from: "processing",
        to: "retrying",
        attempt: 1,
        error,
        worker: "worker-1",
      },
    ],
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    traceUrl: null,
    ...more,
  };
}
