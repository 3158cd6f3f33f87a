// Requests of the operators' page.
import type { Kind } from "../client/index.ts";
import type { Outcome } from "../client/problems.ts";
import { call } from "../page/requests.ts";
import type { ServerFilter } from "./filters.ts";
import type {
  BulkAction,
  BulkActionList,
  JobCount,
  Notice,
  NoticePage,
  OperatorJobPage,
  QueueList,
  Timeline,
  Verb,
  WorkerList,
} from "./schemas.ts";

const V1 = "v1/operator";

/** How many jobs a page of the list has. */
const PAGE = 50;

export function listWorkers(signal: AbortSignal): Promise<Outcome<WorkerList>> {
  return call("GET", `${V1}/workers`, { signal });
}

export function listJobs(
  filter: ServerFilter,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Outcome<OperatorJobPage>> {
  return call("GET", `${V1}/jobs${queryOf({ ...filter, limit: PAGE, ...(cursor && { cursor }) })}`, { signal });
}

export function countJobs(filter: ServerFilter, signal?: AbortSignal): Promise<Outcome<JobCount>> {
  return call("GET", `${V1}/jobs/count${queryOf(filter)}`, signal && { signal });
}

export function getTimeline(jobId: string, signal: AbortSignal): Promise<Outcome<Timeline>> {
  return call("GET", `${V1}/jobs/${encodeURIComponent(jobId)}`, { signal });
}

/** `expected`: how many jobs were shown to match. The server refuses if there are more by now. */
export function startAction(action: Verb, filter: ServerFilter, expected: number): Promise<Outcome<BulkAction>> {
  return call("POST", `${V1}/actions`, { body: { action, filter, expected } });
}

export function listActions(signal: AbortSignal): Promise<Outcome<BulkActionList>> {
  return call("GET", `${V1}/actions`, { signal });
}

export function stopAction(actionId: number): Promise<Outcome<BulkAction>> {
  return call("DELETE", `${V1}/actions/${actionId}`);
}

export function pauseQueue(kind: Kind, reason: string): Promise<Outcome<unknown>> {
  return call("POST", `${V1}/queues/${kind}/pause`, reason ? { body: { reason } } : {});
}

export function resumeQueue(kind: Kind): Promise<Outcome<unknown>> {
  return call("POST", `${V1}/queues/${kind}/resume`);
}

/** Whether each queue is paused, and why. */
export function listQueues(signal: AbortSignal): Promise<Outcome<QueueList>> {
  return call("GET", `${V1}/queues`, { signal });
}

/** `order`: finish what runs and start nothing else, or start jobs again. */
export function steerWorker(name: string, order: "drain" | "resume"): Promise<Outcome<unknown>> {
  return call("POST", `${V1}/workers/${encodeURIComponent(name)}/${order}`);
}

export function listNotices(signal: AbortSignal): Promise<Outcome<NoticePage>> {
  return call("GET", "v1/notices?limit=20", { signal });
}

export function acknowledgeNotice(id: number): Promise<Outcome<Notice>> {
  return call("POST", `v1/notices/${id}/acknowledge`);
}

function queryOf(values: object): string {
  const text = String(new URLSearchParams(Object.entries(values).map(([name, value]) => [name, String(value)])));
  return text && `?${text}`;
}
