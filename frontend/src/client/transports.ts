// What the three transports (WebSocket, SSE, polling) have in common.
import type { Disconnect } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import type { Problem } from "./problems.ts";
import type { Request } from "./requests.ts";
import type { Event, JobStatus } from "./schemas.ts";

export type Update = Event | JobStatus;

/** Callbacks of a connection. None is called after `lost`. */
export interface TransportHandlers {
  update(update: Update): void;
  /** The server responded, but with no update. */
  alive(): void;
  /** The job can't be followed. */
  reject(jobId: string, problem: Problem): void;
  lost(disconnect: Disconnect): void;
}

/** One connection of a transport. */
export interface TransportConnection {
  /** Follows exactly these jobs. */
  sync(jobIds: readonly string[]): void;
  /** Requests a job again after a gap. */
  refetch(jobId: string): void;
  /** Requests a sign of life: `alive` or `update` is called if the server responds. */
  probe(): void;
  close(): void;
}

export interface TransportContext {
  baseUrl: string;
  environment: Environment;
  request: Request;
  /** Returns the `since` to request for a job. The connection's next update of the job counts as the response to it. */
  requestSince(jobId: string): number;
  /** Fetches a job over HTTP, beside the connection, and applies the result. Returns true if nothing has changed. */
  unchanged(jobId: string): Promise<boolean>;
}

export interface Transport {
  name: "live" | "sse" | "polling";
  /** How many jobs one connection can follow. */
  capacity: number;
  open(context: TransportContext, handlers: TransportHandlers): TransportConnection;
}

export interface ErrorMessage {
  type: "error";
  error: string;
  message: string;
  jobId: string | null;
}

export const EVENT_TYPES = [
  "snapshot",
  "progress",
  "retrying",
  "completed",
  "failed",
  "cancelled",
  "expired",
  "gone",
] as const;
const KNOWN_TYPES: readonly unknown[] = [...EVENT_TYPES, "error"];

/** Parses a message. Returns null if it is malformed, or of a type that only newer servers send. */
export function parseMessage(text: string): Update | ErrorMessage | null {
  try {
    const message = JSON.parse(text);
    return KNOWN_TYPES.includes(message?.type) ? message : null;
  } catch {
    return null;
  }
}
